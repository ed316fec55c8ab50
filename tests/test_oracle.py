"""The analysis of a log equals the truth about the pools that wrote it, in every number."""

from __future__ import annotations

import random
import threading
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import oracle
from logpool.analysis import analyze
from oracle import FAULTS, LAYOUTS, PEAKS, SHARED, SOCIABLE, Scenario, Snapshot, figures, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logpool.report.model import Report

# the last few were read wrong once
SEEDS = [*range(90), 5019, 5097, 5099]
POOLS = (
    *[("QueuePool",)] * 5,
    ("NullPool",),
    ("AssertionPool",),
    ("StaticPool",),
    ("SingletonThreadPool",),
    ("QueuePool", "NullPool"),
    ("QueuePool", "QueuePool", "AssertionPool", "StaticPool"),
)
# whose log does not tell, without its threads, which of two checkouts under way it befell
NEEDS_THREADS = frozenset({"connect", "connect_listener", "empty", "exhaust", "dispose"})
# what the witness cannot tell apart while another thread makes connections older
OUTDATED = ("closes.age", "closes.pool_invalidation", "closes.soft_invalidation")
# one sum over the whole log each: cut in two, the parts add up to the whole
ADDITIVE = (
    "created",
    "closed",
    "hard_closed",
    "connect_errors",
    "checkouts",
    "returned",
    "resets.already_reset",
    "resets.rollback",
    "resets.commit",
    "invalidated",
    "soft_invalidated",
    "recycled",
    "pings.sent",
    "pings.failed",
    "pings.skipped",
)
HAPPENED = ("checkouts", "created", "closed")
# before 2.0, a connection that could not be made ready was invalidated, as one in use is
UNTOLD = frozenset({"connect_listener"} if oracle.VERSION < (2, 0) else ())
HEALTHY = ("age", "soft_invalidate", "leak")


def scenario_of(seed: int) -> Scenario:
    """One of all scenarios of one thread."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    pools = chance.choice(POOLS)
    likely = chance.choice((0.2, 0.6, 1.0))
    faults = tuple(fault for fault in FAULTS if chance.random() < likely and fault not in UNTOLD)
    users = 6
    if SHARED & {*pools}:
        # several users of one connection, or all that can go wrong with it
        sociable = chance.random() < 0.5
        users = 6 if sociable else 1
        faults = tuple(fault for fault in faults if fault in SOCIABLE or not sociable)
        faults = tuple(fault for fault in faults if fault != "exhausted_pool")
    return Scenario(
        pools=pools,
        lifo=chance.random() < 0.5,
        size=chance.choice((1, 2, 3, 5)),
        overflow=chance.choice((0, 1, 2, 5)),
        pre_ping=chance.random() < 0.6,
        recycle=chance.random() < 0.5,
        reset=chance.choice(("rollback", "rollback", "commit", None)),
        layout=chance.choice(list(LAYOUTS)),
        faults=faults,
        steps=chance.choice((20, 60, 150)),
        users=users,
    )


def said(report: Report, *, peaks: bool = True) -> dict[str | None, dict[str, object]]:
    """What a report says of each pool, and of all together."""
    found = {pool.logger: figures(pool) for pool in report.pools} | {None: figures(report.totals)}
    return found if peaks else {pool: without_peaks(numbers) for pool, numbers in found.items()}


def without_peaks(numbers: dict[str, object]) -> dict[str, object]:
    kept = {name: number for name, number in numbers.items() if name not in (*PEAKS, *OUTDATED)}
    return kept | {"closes.outdated": sum(int(str(numbers[name])) for name in OUTDATED)}


def over_time(report: Report) -> dict[str | None, list[int]]:
    """What the timeline says of each pool: what happened in all intervals, and the highest levels."""
    return {
        one.pool: [
            *(sum(getattr(found, name) for found in one.bins) for name in HAPPENED),
            *(max(getattr(found, name) for found in one.bins) for name in ("open", "in_use")),
        ]
        for one in report.timeline
    }


def cut_at(path: Path, lines: list[str], start: int, end: int) -> Path:
    """A piece of a log, as a log."""
    path.write_text("".join(lines[start:end]))
    return path


def read(path: Path, layout: str, **options: int) -> Report:
    return analyze(path, layout=LAYOUTS[layout], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_report_is_the_truth(seed: int, tmp_path: Path) -> None:
    scenario = scenario_of(seed)
    text, truth = run(seed, scenario, tmp_path)
    log = tmp_path / "pool.log"
    log.write_text(text)
    report = read(log, scenario.layout)
    assert said(report) == truth.end.figures
    assert Counter(violation.code for violation in report.violations) == truth.codes
    assert report.timeouts == truth.end.timeouts
    assert report.sources[0].unrecognised_lines == 0
    if not scenario.timeless:
        told = over_time(report)
        assert told == {pool: [truth.end.figures[pool][name] for name in (*HAPPENED, *PEAKS)] for pool in told}
        assert set(told) >= {pool for pool in truth.end.figures if pool is not None}


@pytest.mark.parametrize("seed", range(6))
def test_the_report_is_the_truth_at_every_moment(seed: int, tmp_path: Path) -> None:
    """Where nothing was going on, a log that ends there tells all that was true there."""
    scenario = Scenario(pre_ping=seed % 2 == 0, recycle=True, layout="echo", steps=60)
    text, truth = run(seed, scenario, tmp_path)
    lines = text.splitlines(keepends=True)
    for moment in moments_of(truth.moments):
        report = read(cut_at(tmp_path / "pool.log", lines, 0, moment.lines), scenario.layout)
        assert said(report) == {pool: with_none(report, told) for pool, told in moment.figures.items()}


def moments_of(moments: list[Snapshot]) -> Iterator[Snapshot]:
    """Every third moment, from the first one on at which a log holds a record."""
    told = [moment for moment in moments if moment.lines]
    return iter(told[::3])


def with_none(report: Report, told: dict[str, object]) -> dict[str, object]:
    """A pool without a reset *so far* is taken to reset nothing."""
    unset = report.totals.resets.none
    return told | {"resets.none": unset} if unset else told


@pytest.mark.skipif(oracle.VERSION < (1, 4), reason="1.3 under threads: the oracle is not sure of its own truth")
@pytest.mark.parametrize("layout", ["threads", "document"])
@pytest.mark.parametrize("pool", ["QueuePool", "NullPool", "SingletonThreadPool"])
@pytest.mark.parametrize("seed", range(3))
def test_threads(seed: int, pool: str, layout: str, tmp_path: Path) -> None:
    """Several threads: all but the peaks, of which the log's order decides; those keep within the pool's room."""
    # a pool of SQLAlchemy's that is disposed of while another thread uses it may fail
    untold = {*UNTOLD, "dispose"} if pool in SHARED else {*UNTOLD}
    if layout != "threads":
        untold |= NEEDS_THREADS if pool not in SHARED else {"connect", *FAULTS} - {*SOCIABLE[1:]}
    scenario = Scenario(
        pools=(pool,),
        size=3 if pool == "QueuePool" else 50,
        overflow=seed,
        pre_ping=seed != 1,
        recycle=True,
        layout=layout,
        faults=tuple(fault for fault in FAULTS if fault not in untold),
        steps=40,
        threads=4,
        users=2,
    )
    text, truth = run(seed, scenario, tmp_path)
    log = tmp_path / "pool.log"
    log.write_text(text)
    report = read(log, layout)
    expected = {name: without_peaks(numbers) for name, numbers in truth.end.figures.items()}
    assert said(report, peaks=False) == expected
    assert Counter(violation.code for violation in report.violations) == truth.codes
    assert report.timeouts == truth.end.timeouts


def test_threads_keep_within_the_room(tmp_path: Path) -> None:
    """Without what takes a connection out of its pool, no more are ever open or out than the pool has room for."""
    scenario = Scenario(size=2, overflow=1, faults=HEALTHY, steps=60, threads=5, users=1, layout="threads")
    text, truth = run(0, scenario, tmp_path)
    log = tmp_path / "pool.log"
    log.write_text(text)
    totals = read(log, scenario.layout).totals
    assert 1 <= totals.peak_checked_out <= totals.peak_open <= 3
    assert totals.checkouts == truth.end.figures[None]["checkouts"]
    assert threading.active_count() == 1


@cache
def eventful(directory: Path, seed: int, layout: str) -> tuple[Path, Report, list[str]]:
    """A log of two pools with all that can go wrong, its report, and its lines."""
    pools = ("QueuePool", ("NullPool", "StaticPool", "AssertionPool")[seed % 3])
    scenario = Scenario(pools=pools, pre_ping=seed != 1, recycle=True, layout=layout, steps=30, users=1 + seed % 3 % 2)
    text, _ = run(seed, scenario, directory)
    path = directory / f"{layout}{seed}.log"
    path.write_text(text)
    return path, read(path, layout), text.splitlines(keepends=True)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracle")


SEEDED = {"seed": st.integers(0, 5), "layout": st.sampled_from(["document", "threads"])}


@settings(max_examples=12)
@given(block=st.integers(300, 20_000), **SEEDED)
@example(block=100, seed=4, layout="document")
def test_batches_change_nothing(directory: Path, block: int, seed: int, layout: str) -> None:
    path, whole, _ = eventful(directory, seed, layout)
    assert read(path, layout, block_bytes=block) == whole


@settings(max_examples=20)
@given(where=st.floats(0, 1), **SEEDED)
def test_pieces_add_up(directory: Path, where: float, seed: int, layout: str) -> None:
    path, whole, lines = eventful(directory, seed, layout)
    place = round(where * (len(lines) - 2)) + 1
    parts = [
        figures(read(cut_at(path.with_suffix(f".{number}"), lines, start, end), layout).totals)
        for number, (start, end) in enumerate(((0, place), (place, len(lines))))
        if any("sqlalchemy.pool.impl" in line and "File" not in line for line in lines[start:end])
    ]
    total = figures(whole.totals)
    assert {name: sum(int(str(part[name])) for part in parts) for name in ADDITIVE} == {
        name: total[name] for name in ADDITIVE
    }


@cache
def healthy(directory: Path, reset: str | None, *, pre_ping: bool) -> list[str]:
    """The lines of a log in which nothing goes wrong."""
    scenario = Scenario(reset=reset, pre_ping=pre_ping, recycle=True, faults=HEALTHY, steps=60, overflow=20)
    return run(3, scenario, directory)[0].splitlines(keepends=True)


@settings(max_examples=30)
@given(
    where=st.floats(0, 1),
    reset=st.sampled_from(["rollback", "commit", None]),
    pre_ping=st.booleans(),
    ends=st.booleans(),
)
def test_the_edges_of_a_healthy_log_break_nothing(
    directory: Path, where: float, reset: str | None, *, pre_ping: bool, ends: bool
) -> None:
    """Cut anywhere: no violation, balanced books, and what the edge cuts is counted as cut."""
    lines = healthy(directory, reset, pre_ping=pre_ping)
    place = round(where * (len(lines) - 2)) + 1
    head = read(cut_at(directory / "head.log", lines, 0, place), "document")
    tail = read(cut_at(directory / "tail.log", lines, place, len(lines)), "document")
    report = head if ends else tail
    assert report.violations == ()
    assert report.totals.balanced
    assert [finding for finding in report.findings if finding.severity == "error"] == []
    cut = tail.totals.censored
    assert cut.lives <= head.totals.open_at_end
    assert cut.checkouts <= head.totals.checked_out_at_end + 1
    assert head.totals.censored.lives == head.totals.censored.checkouts == 0


def test_the_oracle_runs_on_this_version() -> None:
    assert oracle.VERSION >= (1, 3)
