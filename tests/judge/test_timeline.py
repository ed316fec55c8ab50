"""Timelines: laws over any traffic. What they count is held against the truth by the oracle's tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logpool import analyze
from logpool.errors import UsageError
from logpool.judge import timeline as timelines
from logpool.judge.intervals import FINE, NICE, parse_interval

if TYPE_CHECKING:
    from logpool.report.model import Bin, Report, Timeline

CASES = Path(__file__).parents[1] / "cases"
SAMPLES = Path(__file__).parents[2] / "samples"
BEGIN = datetime(2026, 1, 1, 10, tzinfo=UTC)
MINUTE, DAY = 60_000, 86_400_000


@dataclass(frozen=True)
class Held:
    """One checkout of a connection of its own: when it begins and how long it lasts, in milliseconds."""

    start: int
    hold: int | None
    pool: str = "QueuePool"


def line(at: int, pool: str, text: str) -> str:
    time = (BEGIN + timedelta(milliseconds=at)).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    return f"{time} - sqlalchemy.pool.impl.{pool} - DEBUG - {text}\n"


def log_of(traffic: list[Held]) -> str:
    """A log of checkouts, some without an end, each on a connection that is created for it, and closed after it."""
    records = []
    for number, held in enumerate(traffic):
        connection = f"<sqlite3.Connection object at 0x{number + 1:x}>"
        begin, told = (
            held.start,
            [f"Created new connection {connection}", f"Connection {connection} checked out from pool"],
        )
        records += [(begin, held.pool, text) for text in told]
        if held.hold is not None:
            told = [f"Connection {connection} being returned to pool", f"Connection {connection} rollback-on-return"]
            told.append(f"Closing connection {connection}")
            records += [(begin + held.hold, held.pool, text) for text in told]
    records.sort(key=lambda record: record[0])
    return "".join(line(*record) for record in records)


def read(text: str, block: int = 1 << 20, interval: str | None = None) -> Report:
    with TemporaryDirectory() as folder:
        log = Path(folder) / "pool.log"
        log.write_text(text, encoding="utf-8")
        return analyze(log, block_bytes=block, interval=interval)


def sums(bins: tuple[Bin, ...]) -> list[int]:
    return [sum(getattr(one, name) for one in bins) for name in ("checkouts", "created", "closed", "timeouts")]


def starts(one: Timeline) -> list[datetime]:
    return [datetime.fromisoformat(found.time or "") for found in one.bins]


def held(*, ends: bool = True) -> st.SearchStrategy[Held]:
    hold = st.one_of(st.integers(0, 50), st.integers(0, 10 * MINUTE))
    start = st.one_of(st.integers(0, 200), st.integers(0, MINUTE), st.integers(0, 400 * DAY))
    pool = st.sampled_from(["QueuePool", "QueuePool", "NullPool", "QueuePool.web"])
    return st.builds(Held, start, hold if ends else st.one_of(st.none(), hold), pool)


@settings(max_examples=12)
@given(traffic=st.lists(held(ends=False), min_size=1, max_size=20), block=st.integers(600, 4000))
@example(traffic=[Held(0, 5), Held(400 * DAY, 5), Held(1, 3, "NullPool")], block=300)
def test_intervals_add_up_in_batches_of_any_size(traffic: list[Held], block: int) -> None:
    text = log_of(traffic)
    report = read(text)
    assert read(text, block).timeline == report.timeline
    figures = {pool.logger: pool for pool in report.pools}
    if len(figures) > 1:
        figures[None] = report.totals
    assert [one.pool for one in report.timeline] == list(figures)
    for one in report.timeline:
        pool, bins = figures[one.pool], one.bins
        assert sums(bins) == [pool.checkouts, pool.created, pool.closed, 0]
        assert (max(found.open for found in bins), max(found.in_use for found in bins)) == (
            pool.peak_open,
            pool.peak_checked_out,
        )
        assert all(0 <= found.in_use_mean <= found.in_use <= found.open for found in bins)
        width = timedelta(seconds=one.interval_seconds)
        assert all(later - earlier == width for earlier, later in pairwise(starts(one)))
        assert starts(one)[0].timestamp() * 1000 % (one.interval_seconds * 1000) == 0
        assert len(bins) <= timelines.MOST


@settings(max_examples=15)
@given(traffic=st.lists(held(), min_size=1, max_size=40))
def test_littles_law_holds_where_nothing_is_cut(traffic: list[Held]) -> None:
    report = read(log_of(traffic))
    for pool in (*report.pools, *report.pool_classes, report.totals):
        little = pool.little
        if little is None:
            continue
        assert little.product is not None
        assert math.isclose(little.mean_in_use, little.product, rel_tol=1e-9, abs_tol=1e-12)


def test_littles_law_with_a_checkout_that_the_end_cuts() -> None:
    # 10 s: one is held for 2 s, and one from 5 s on: (2 + 5) / 10 in use, but no more than 2 s are known as a hold
    (pool,) = read(log_of([Held(0, 2000), Held(5000, None), Held(10_000, 0)])).pools
    little = pool.little
    assert little is not None
    assert (little.span_seconds, little.mean_in_use, little.arrivals_per_second) == (10, 0.7, 0.3)
    assert little.mean_hold_seconds == 1
    assert little.product == pytest.approx(0.3)


@settings(max_examples=8)
@given(traffic=st.lists(held(), min_size=1, max_size=20), finer=st.integers(0, 3))
def test_coarser_intervals_are_finer_ones_merged(traffic: list[Held], finer: int) -> None:
    text = log_of([Held(one.start % (10 * MINUTE), (one.hold or 0) % MINUTE, one.pool) for one in traffic])
    fine, coarse = read(text, interval=["200ms", "500ms", "1s", "5s"][finer]), read(text, interval="10s")
    for small, large in zip(fine.timeline, coarse.timeline, strict=True):
        for begin, one in zip(starts(large), large.bins, strict=True):
            parts = [
                part
                for time, part in zip(starts(small), small.bins, strict=True)
                if begin <= time < begin + timedelta(seconds=10)
            ]
            assert sums((one,)) == sums(tuple(parts))
            assert (one.open, one.in_use) == (max(part.open for part in parts), max(part.in_use for part in parts))


def test_by_hand() -> None:
    traffic = [Held(0, 1500), Held(500, 500), Held(2000, 0), Held(3900, 100)]
    (one,) = read(log_of(traffic), interval="1s").timeline
    told = [(found.time, found.open, found.in_use, found.in_use_mean) for found in one.bins]
    assert told == [
        ("2026-01-01T10:00:00.000", 2, 2, 1.5),
        ("2026-01-01T10:00:01.000", 2, 2, 0.5),
        ("2026-01-01T10:00:02.000", 1, 1, 0.0),
        ("2026-01-01T10:00:03.000", 1, 1, 0.1),
        # the log ends as this begins
        ("2026-01-01T10:00:04.000", 1, 1, 0.0),
    ]
    assert [(found.checkouts, found.closed) for found in one.bins] == [(2, 0), (0, 2), (1, 1), (1, 0), (0, 1)]


def test_a_clock_that_steps_back_makes_no_level_negative() -> None:
    text = log_of([Held(5000, 1000)]) + log_of([Held(0, 3000), Held(1000, 500)]).replace("at 0x", "at 0xf")
    (one,) = read(text, interval="1s").timeline
    assert sums(one.bins) == [3, 3, 3, 0]
    assert all(0 <= found.in_use_mean <= found.in_use <= found.open <= 3 for found in one.bins)


def test_without_times_there_is_none() -> None:
    report = analyze(CASES / "basic-config-layout" / "input.log")
    assert report.timeline == ()
    assert report.totals.little is None


def test_what_has_no_time_is_in_no_interval() -> None:
    timed, rest = log_of([Held(0, 5)]), log_of([Held(7, 3)]).replace("at 0x1", "at 0x2")
    text = timed + "".join(
        f"DEBUG:{one.split(' - ')[1]}:{one.split(' - ')[3]}" for one in rest.splitlines(keepends=True)
    )
    report = read(text)
    (one,) = report.timeline
    assert report.totals.checkouts == 2
    assert (sums(one.bins), one.untimed) == ([1, 1, 1, 0], 3)


def test_timeouts_count_for_the_one_pool_that_has_any() -> None:
    report = analyze(SAMPLES / "postgres-busy.log")
    assert sum(found.timeouts for found in report.timeline[0].bins) == report.timeouts > 0


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1ms", 1000),
        ("500ms", 500_000),
        ("10s", 10_000_000),
        ("0.5s", 500_000),
        ("5m", 300_000_000),
        ("2min", 120_000_000),
    ],
)
def test_intervals(text: str, microseconds: int) -> None:
    assert parse_interval(text) == microseconds


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "0s", "0.1ms", "1 week", "1e3s", "nan s"])
def test_no_intervals(text: str) -> None:
    with pytest.raises(UsageError):
        parse_interval(text)


def test_too_many_intervals_are_refused() -> None:
    with pytest.raises(UsageError, match="more than"):
        read(log_of([Held(0, 5), Held(DAY, 5)]), interval="1ms")


def test_the_widths_nest() -> None:
    assert all(coarse % fine == 0 for fine, coarse in pairwise(FINE))
    # what has grown to a width may need any nice one from twice that width on
    assert all(nice % fine == 0 for fine in FINE for nice in NICE if nice >= 2 * fine)
