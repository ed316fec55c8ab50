"""Two reports side by side."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import logpool
from logpool.cli import main
from logpool.judge.comparison import compare
from logpool.judge.gate import WORSE, Gate
from logpool.judge.thresholds import Thresholds
from logpool.report.comparison import Side
from logpool.report.model import Durations, Finding, Report, Timings
from logpool.runner import Experiment, run
from traffic import BASIC, Traffic, written

SAMPLES = Path(__file__).parents[2] / "samples"
CASES = Path(__file__).parents[1] / "cases"
QUEUE = "sqlalchemy.pool.impl.QueuePool"


@pytest.fixture(scope="module")
def queue() -> Report:
    return logpool.analyze(SAMPLES / "document-queuepool.log")


@pytest.fixture(scope="module")
def null() -> Report:
    return logpool.analyze(SAMPLES / "document-nullpool.log")


def test_sides_say_what_was_compared(queue: Report, null: Report) -> None:
    comparison = compare(queue, null)
    assert (str(SAMPLES / "document-queuepool.log"),) == comparison.baseline.paths
    assert comparison.baseline.pool_classes == ("QueuePool",)
    assert comparison.other.pools == ("sqlalchemy.pool.impl.NullPool",)
    assert (comparison.baseline.queries, comparison.other.queries) == (10, 10)


def test_ratios_are_other_over_baseline(queue: Report, null: Report) -> None:
    forth, back = compare(queue, null).ratios, compare(null, queue).ratios
    assert pytest.approx(forth["mean_seconds"]) == 0.02892 / 0.01868
    assert pytest.approx(back["mean_seconds"]) == 0.01868 / 0.02892
    assert (forth["created"], back["created"]) == (10.0, 0.1)
    assert (forth["created_per_checkout"], back["created_per_checkout"]) == (10.0, 0.1)
    assert pytest.approx(forth["hold_mean"]) == 11.4 / 8.5
    assert forth["reuse_ratio"] == 0.0


def test_with_itself_all_ratios_are_one(queue: Report) -> None:
    ratios = compare(queue, queue).ratios
    assert {1.0} == {ratio for ratio in ratios.values() if ratio is not None}
    # nothing was closed, and nobody timed out
    assert {"closed", "timeouts"} == {name for name, ratio in ratios.items() if ratio is None}


def test_every_figure_has_a_ratio(queue: Report, null: Report) -> None:
    assert tuple(compare(queue, null).ratios) == Side.FIGURES


def test_no_ratio_where_a_side_is_missing(queue: Report) -> None:
    bare = replace(queue, timings=None, totals=replace(queue.totals, hold_seconds=Durations(), checkouts=0))
    for ratios in (compare(queue, bare).ratios, compare(bare, queue).ratios):
        missing = {"mean_seconds", "first_seconds", "mean_after_first_seconds", "hold_mean", "hold_max"}
        assert {None} == {ratios[name] for name in missing | {"created_per_checkout"}}
    assert compare(queue, bare).other.created_per_checkout is None


def test_no_ratio_over_nothing(queue: Report) -> None:
    still = replace(queue, timings=Timings(1, 0.0, 0.0, None))
    assert compare(still, queue).ratios["mean_seconds"] is None
    assert compare(queue, still).ratios["mean_seconds"] == 0.0


def test_json(queue: Report, null: Report) -> None:
    told = compare(queue, null).to_dict()
    assert list(told) == [
        "schema_version",
        "baseline",
        "other",
        "ratios",
        "totals",
        "hold_test",
        "pools",
        "unmatched_pools",
        "findings",
        "worse",
    ]
    read = json.loads(json.dumps(told))
    assert read["totals"]["created"] == {"baseline": 1, "other": 10, "difference": 9, "ratio": 10.0}
    assert read["totals"]["closes.nullpool"]["ratio"] is None
    assert read["pools"][0]["figures"]["settings.reset_on_return"]["baseline"] == "rollback"
    assert read["hold_test"]["verdict"] == "same"
    assert len(read["worse"]) == 1
    assert {*Side.FIGURES, "paths", "pools", "pool_classes", "queries"} == set(told["baseline"])
    assert told["other"]["created"] == 10


def analyzed(tmp_path: Path, text: str, **options: int) -> Report:
    log = tmp_path / "input.log"
    log.write_text(text, "utf-8")
    return logpool.analyze(log, **options)  # type: ignore[arg-type]


def found(queue: Report, *findings: Finding) -> Report:
    return replace(queue, findings=findings)


@pytest.mark.parametrize("path", [*sorted(SAMPLES.glob("*.log")), *sorted(CASES.glob("*/input.log"))], ids=str)
def test_a_log_is_what_itself_is(path: Path) -> None:
    report = logpool.analyze(path)
    comparison = compare(report, report)
    assert comparison.worse == ()
    findings = comparison.findings
    assert (findings.appeared, findings.gone, findings.changed) == ((), (), ())
    assert (comparison.baseline_only, comparison.other_only) == ((), ())
    assert [(pool.baseline, pool.other) for pool in comparison.pools] == [(p.logger, p.logger) for p in report.pools]
    for pool in (comparison.totals, *comparison.pools):
        assert {figure.difference for figure in pool.figures.values()} <= {0, None}
        assert all(figure.baseline == figure.other for figure in pool.figures.values())
        if pool.hold_test is not None:
            assert pool.hold_test.probability_longer == 0.5
            assert pool.hold_test.verdict in {"same", "unknown"}
    assert not Gate.of([WORSE, "info"], others=(WORSE,)).fails_on(comparison)


def test_swapped_sides_swap_everything(tmp_path: Path) -> None:
    shutil.copytree(CASES / "compared", tmp_path, dirs_exist_ok=True)
    before, after = (logpool.analyze(tmp_path / f"{name}.log") for name in ("before", "after"))
    forth, back = compare(before, after), compare(after, before)
    assert [one.code for one in forth.findings.appeared] == [one.code for one in back.findings.gone]
    assert [one.code for one in forth.findings.gone] == [one.code for one in back.findings.appeared]
    assert (forth.baseline_only, forth.other_only) == (back.other_only, back.baseline_only)
    assert [(one.other, one.baseline) for one in forth.pools] == [(one.baseline, one.other) for one in back.pools]
    for one, two in zip((forth.totals, *forth.pools), (back.totals, *back.pools), strict=True):
        for name, figure in one.figures.items():
            mirrored = two.figures[name]
            assert (figure.baseline, figure.other) == (mirrored.other, mirrored.baseline)
            if figure.ratio and mirrored.ratio:
                assert math.isclose(figure.ratio, 1 / mirrored.ratio)
            if figure.difference is not None and mirrored.difference is not None:
                assert figure.difference == -mirrored.difference
        assert one.hold_test is not None
        assert two.hold_test is not None
        verdicts = {"longer": "shorter", "shorter": "longer"}
        assert verdicts.get(one.hold_test.verdict, one.hold_test.verdict) == two.hold_test.verdict
    assert any(reason.startswith("connections are held longer (QueuePool.web)") for reason in forth.worse)
    assert back.worse == ()


def test_holds_are_as_many_as_the_report_counts_however_the_log_is_cut(tmp_path: Path) -> None:
    text = written(5, Traffic(rate=20, hold=0.05, length=30), Traffic(rate=5, length=30, pool="NullPool"))
    whole = analyzed(tmp_path, text)
    assert [sum(count for _, _, count in one.rows) for one in whole.holds] == [
        pool.hold_seconds.count for pool in whole.pools
    ]
    assert all(0 <= stretch < 32 for one in whole.holds for stretch, _, _ in one.rows)
    for size in (3000, 60_000):
        assert analyzed(tmp_path, text, block_bytes=size).holds == whole.holds


def test_traffic_that_did_not_change_is_not_worse(tmp_path: Path) -> None:
    traffic = Traffic(rate=20, hold=0.05, length=60, threads=8)
    reports = [analyzed(tmp_path, written(seed, traffic)) for seed in range(20, 26)]
    verdicts = [
        compare(one, two).worse for number, one in enumerate(reports) for two in reports[number + 1 :] if two is not one
    ]
    assert verdicts == [()] * 15
    # nor is a log that is shorter by far, though making the first connections weighs more in it
    short = analyzed(tmp_path, written(30, replace(traffic, length=3)))
    assert [compare(one, short).worse for one in reports] == [()] * 6


@pytest.mark.parametrize(("hold", "worse"), [(0.052, False), (0.1, True), (0.025, False)])
def test_a_slowdown_is_worse(hold: float, tmp_path: Path, *, worse: bool) -> None:
    before, after = (
        analyzed(tmp_path, written(seed, Traffic(rate=20, hold=seconds, length=60)))
        for seed, seconds in ((41, 0.05), (42, hold))
    )
    reasons = compare(before, after).worse
    assert [reason.split(":")[0] for reason in reasons] == (["connections are held longer"] if worse else [])
    if worse:
        # but not for who wants more than that
        assert compare(before, after, Thresholds(compare_change=3)).worse == ()
        assert compare(before, after, Thresholds(compare_alpha=0)).worse == ()


def test_without_times_nobody_knows(tmp_path: Path) -> None:
    before, after = (
        analyzed(tmp_path, written(seed, Traffic(rate=20, hold=hold, length=20, threads=1, layout=BASIC)))
        for seed, hold in ((1, 0.05), (2, 0.3))
    )
    comparison = compare(before, after)
    assert comparison.totals.hold_test is None
    assert comparison.worse == ()


def test_too_few_records_to_tell(queue: Report) -> None:
    (holds,) = queue.holds
    short = replace(queue, holds=(replace(holds, rows=((0, 900, 50),)),))
    test = compare(queue, short).totals.hold_test
    assert test is not None
    assert (test.p, test.verdict, test.probability_longer) == (None, "unknown", 1.0)
    assert compare(queue, short).worse == ()


def test_findings_that_came_went_and_changed(queue: Report) -> None:
    leak, late = (
        Finding("connection_leak", "error", QUEUE, 2, "leak"),
        Finding("held_too_long", "warning", QUEUE, 3, ""),
    )
    told = Finding("overflow_churn", "info", None, 1, "told")
    before = found(queue, late, told)
    findings = compare(before, found(queue, leak, replace(late, count=5))).findings
    assert [(one.code, one.other_count, one.message) for one in findings.appeared] == [("connection_leak", 2, "leak")]
    assert [(one.code, one.other_count, one.message) for one in findings.gone] == [("overflow_churn", 0, "told")]
    assert [(one.baseline_count, one.other_count) for one in findings.changed] == [(3, 5)]
    # what is found several times is one
    twice = compare(before, found(queue, late, replace(late, count=1, severity="error"), told)).findings
    assert [(one.baseline_count, one.other_count, one.other_severity) for one in twice.changed] == [(3, 4, "error")]


@pytest.mark.parametrize(
    ("severity", "worse"),
    [
        ("error", ("error connection_leak appeared, twice (QueuePool)",)),
        ("warning", ("warning connection_leak appeared, twice (QueuePool)",)),
        ("info", ()),
    ],
)
def test_a_finding_that_appeared_is_worse(queue: Report, severity: str, worse: tuple[str, ...]) -> None:
    after = found(queue, Finding("connection_leak", severity, QUEUE, 2, ""))  # type: ignore[arg-type]
    assert tuple(reason.replace("2 times", "twice") for reason in compare(queue, after).worse) == worse
    assert compare(after, queue).worse == ()
    assert compare(after, after).worse == ()


@pytest.mark.parametrize(
    ("words", "before", "after", "fails"),
    [
        (["worse"], None, "error", True),
        (["error"], None, "error", True),
        (["error"], None, "warning", False),
        (["warning"], None, "error", True),
        (["held_too_long"], None, "info", True),
        (["connection_leak"], None, "error", False),
        (["error"], "error", "error", False),
        (["held_too_long"], "error", "error", False),
        # as an error it is new
        (["error"], "warning", "error", True),
        (["worse"], "warning", "error", True),
        (["info"], "error", "warning", False),
        (["worse", "info"], "error", None, False),
        ([], None, "error", False),
    ],
)
def test_gate(queue: Report, words: list[str], before: str | None, after: str | None, *, fails: bool) -> None:
    sides = [
        found(queue, *([Finding("held_too_long", severity, QUEUE, 1, "")] if severity else []))  # type: ignore[arg-type]
        for severity in (before, after)
    ]
    assert Gate.of(words, others=(WORSE,)).fails_on(compare(sides[0], sides[1])) is fails


def test_pools_are_matched_by_logger_then_by_class(queue: Report, null: Report) -> None:
    def named(*loggers: str) -> Report:
        pools = [replace(queue.pools[0], logger=name, pool_class=name.split(".")[0]) for name in loggers]
        return replace(queue, pools=tuple(pools))

    def matched(left: Report, right: Report) -> list[tuple[str | None, str | None]]:
        return [(one.baseline, one.other) for one in compare(left, right).pools]

    assert matched(named("Q.a", "Q.b"), named("Q.b", "Q.a")) == [("Q.a", "Q.a"), ("Q.b", "Q.b")]
    # the only one of its class that is left
    assert matched(named("Q.a", "Q.b"), named("Q.b", "Q.c")) == [("Q.a", "Q.c"), ("Q.b", "Q.b")]
    # one of two is a guess
    assert matched(named("Q.a"), named("Q.b", "Q.c")) == []
    assert matched(named("Q.a", "N"), named("Q.a", "S")) == [("Q.a", "Q.a")]
    assert compare(named("Q.a", "N"), named("Q.a", "S")).other_only == ("S",)
    # one pool in each log
    assert matched(queue, null) == [(QUEUE, "sqlalchemy.pool.impl.NullPool")]


def test_what_went_wrong_more_often(queue: Report) -> None:
    def with_figures(checkouts: int, timeouts: int, errors: int) -> Report:
        pool = replace(queue.pools[0], checkouts=checkouts, connect_errors=errors)
        return replace(queue, pools=(pool,), totals=replace(queue.totals, checkouts=checkouts), timeouts=timeouts)

    before = with_figures(10_000, 10, 20)
    assert compare(before, with_figures(20_000, 20, 40)).worse == ()
    assert compare(before, with_figures(10_000, 14, 25)).worse == ()
    assert compare(before, with_figures(10_000, 2, 0)).worse == ()
    assert [reason.split(" (p")[0] for reason in compare(before, with_figures(5_000, 40, 60)).worse] == [
        "more connect errors: 60 in 5,000 checkouts after 20 in 10,000",
        "more timeouts: 40 in 5,000 checkouts after 10 in 10,000",
    ]


def test_nullpool_after_queuepool_is_worse_on_real_pools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = [tmp_path / f"{pool}.log" for pool in ("QueuePool", "NullPool")]
    for log in logs:
        run(Experiment(pool=log.stem, queries=60, workers=2, log=log), lambda _: None)
    forth, back = [str(log) for log in logs], [str(log) for log in reversed(logs)]
    assert main(["compare", "--fail-on", "worse", "--format", "json", *forth]) == 1
    told = json.loads(capsys.readouterr().out)
    assert any(reason.startswith("connections are reused less: reuse ratio 0.00 after 0.9") for reason in told["worse"])
    assert {one["code"] for one in told["findings"]["appeared"]} <= {"nullpool_churn"}
    assert main(["compare", "--fail-on", "error", *forth]) == 0
    capsys.readouterr()
    assert main(["compare", *back]) == 0
    assert "reused less" not in capsys.readouterr().out


def test_worse_is_no_word_for_one_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "--fail-on", "worse", str(SAMPLES / "document-queuepool.log")]) == 2
    assert main(["compare", "--fail-on", "bad", *[str(SAMPLES / "document-queuepool.log")] * 2]) == 2
    assert "hint: there are worse, error, warning, info" in capsys.readouterr().err
