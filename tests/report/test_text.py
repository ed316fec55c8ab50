"""The text faces: widths, colours, figures. The cases hold what whole reports look like."""

from __future__ import annotations

import re
from contextlib import chdir
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import logpool
from logpool.judge.comparison import compare
from logpool.report import text
from logpool.report.changes import render_comparison
from logpool.report.model import Evidence, Finding, Report
from logpool.report.text import render, render_verdict
from logpool.words import duration

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"
NAMES = sorted(path.parent.name for path in CASES.glob("*/analyze.command") if "--" not in path.read_text("utf-8"))
ESCAPE = re.compile(r"\033\[[\d;]*m")


@cache
def analyzed(case: str) -> Report:
    with chdir(CASES / case):
        return logpool.analyze("input.log")


@cache
def sample(name: str) -> Report:
    with chdir(ROOT / "samples"):
        return logpool.analyze(f"document-{name}.log")


@pytest.fixture
def queue() -> Report:
    return sample("queuepool")


@pytest.fixture
def null() -> Report:
    return sample("nullpool")


def test_wide(queue: Report) -> None:
    assert render(queue, 200).splitlines()[5:9] == [
        "pool       checkouts  reused  created  closed  open/peak  in use/peak",
        "QueuePool         10   90.0%        1       0        1/1          0/1",
        "",
        "held for     mean   p50    p95    p99    max",
    ]


def test_narrow(queue: Report) -> None:
    assert render(queue, 40).splitlines()[5:24] == [
        "pool QueuePool",
        "  checkouts    10",
        "  reused       90.0%",
        "  created      1",
        "  closed       0",
        "  open/peak    1/1",
        "  in use/peak  0/1",
        "",
        "held for    mean  p50   p95   p99   max",
        "QueuePool 8.5 ms 8 ms 16 ms 16 ms 16 ms",
        "",
        "settings of QueuePool: pre_ping no,",
        "  reset_on_return rollback",
        "",
        "queries: 10, mean 18.7 ms, first 117 ms,",
        "  mean after the first 7.71 ms",
        "",
        "reset sequence: complete, 10 of 10",
        "  checkouts read checked_out, returned,",
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_it_must_be(name: str, width: int) -> None:
    report = analyzed(name)
    for line in render(report, width).splitlines()[3:]:
        # the layout and a single long word cannot be broken
        assert len(line) <= width or line.startswith("  layout ") or len(line.split()) == 1, line


@pytest.mark.parametrize("name", NAMES)
def test_colour_adds_nothing_but_colour(name: str) -> None:
    report = analyzed(name)
    for width in (40, 80):
        coloured = render(report, width, colour=True)
        assert "\033[" in coloured or not report.totals.checkouts
        assert render(report, width) == ESCAPE.sub("", coloured)
        assert render_verdict(report, width) == ESCAPE.sub("", render_verdict(report, width, colour=True))


def test_colours() -> None:
    good = analyzed("overflow-closed")
    assert "reset sequence: \033[1;32mcomplete\033[0m, 2 of 2 " in render(good, colour=True)
    bad = analyzed("checked-out-twice")
    told = render(bad, colour=True)
    assert "reset sequence: \033[1;31mviolated\033[0m, 1 violation; " in told
    assert "\n  \033[1;31merror\033[0m sequence_violation (QueuePool): " in told
    assert "\n  \033[1;33mwarning\033[0m books_unbalanced (QueuePool): " in told


def test_a_violation_is_one_line_that_begins_with_its_place() -> None:
    report = analyzed("used-after-close")
    assert render_verdict(report, 40).splitlines()[0] == (
        "input.log:6: used_after_close: pyodbc.Connection 0x7f6fbc2ff770 was used after it had been closed [NullPool]"
    )


def test_more_places_than_are_shown(queue: Report) -> None:
    places = (Evidence("a.log", 1), Evidence("a.log", 2))
    finding = Finding("left_out_at_end", "warning", None, 1002, "so it is", places)
    told = render(replace(queue, findings=(finding,)))
    assert told.endswith(
        "\nfindings\n  warning left_out_at_end: so it is\n    a.log:1\n    a.log:2\n    and 1,000 more\n"
    )


def test_what_does_not_show_is_not_shown_as_nothing() -> None:
    told = render(analyzed("no-addresses")).splitlines()
    assert told[6].split() == ["QueuePool", "3", "-", "2", "0", "-", "-"]


def test_connection_texts_never_show() -> None:
    for name in NAMES:
        report = analyzed(name)
        told = render(report) + render_verdict(report) + str(report.to_dict()) + str(report.verdict())
        assert [secret for secret in ("user=me", "host=db", "dbname", "scott", "10.0.0.5") if secret in told] == []


def test_comparison_in_a_narrow_terminal(queue: Report, null: Report) -> None:
    lines = render_comparison(compare(queue, null), 30).splitlines()
    assert lines[:4] == ["query, mean", "  QueuePool  18.7 ms", "  NullPool   28.9 ms", "  ratio      1.55"]
    assert max(map(len, lines)) <= 30


def test_comparison_of_one_pool_class_with_itself(queue: Report) -> None:
    told = render_comparison(compare(queue, queue))
    assert told.splitlines()[0].split() == ["baseline", "other", "ratio"]
    assert "with other as with baseline, and 1.00 times\nafter the first one\n" in told
    assert told.endswith("\n\nfindings: the same\n\nworse: nothing\n")
    assert "also changed" not in told


def test_comparison_without_timings(queue: Report, null: Report) -> None:
    told = render_comparison(compare(replace(queue, timings=None), replace(null, timings=None)), 120)
    assert "query" not in told
    assert "\na connection was held 1.34 times as long in NullPool as in QueuePool\n" in told


def test_comparison_with_one_side_without_timings(queue: Report, null: Report) -> None:
    told = render_comparison(compare(queue, replace(null, timings=None)))
    assert "query, mean                    18.7 ms         -" in told


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (0.000_001, "1 µs"),
        (0.000_499, "499 µs"),
        (0.0005, "0.5 ms"),
        (0.001, "1 ms"),
        (0.123_456, "123 ms"),
        (0.999, "999 ms"),
        (0.9996, "1 s"),
        (1.5, "1.5 s"),
        (119.6, "120 s"),
        (120, "2 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (86400 * 2 + 60, "48 h 01 min"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (5e12, "5000.0 GB"),
    ],
)
def test_sizes(size: int, expected: str) -> None:
    assert expected == text._bytes(size)  # noqa: SLF001 - the same for sizes
