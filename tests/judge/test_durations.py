"""Durations by how often each occurs, against a plain sort of all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.judge.durations import DIGITS, DurationCounts
from logpool.report.model import Durations

if TYPE_CHECKING:
    from collections.abc import Sequence

MICROSECONDS = st.integers(-1000, 10**14) | st.integers(0, 20) | st.none()
ROWS = st.lists(st.tuples(st.integers(0, 3), MICROSECONDS), max_size=60)


def added(*batches: Sequence[tuple[int, int | None]]) -> DurationCounts:
    counts = DurationCounts()
    for batch in batches:
        counts.add(pl.DataFrame(batch, schema={"group": pl.UInt32, "microseconds": pl.Int64}, orient="row"))
    return counts


def nearest_rank(ordered: list[int], percent: int) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    return (
        next(value for value in ordered if sum(one <= value for one in ordered) * 100 >= percent * len(ordered)) / 1e6
    )


@given(st.lists(ROWS, max_size=4), st.sets(st.integers(0, 3)))
@settings(max_examples=60)
def test_like_a_plain_sort(batches: list[list[tuple[int, int | None]]], groups: set[int]) -> None:
    ordered = sorted(
        max(0, value) for batch in batches for group, value in batch if group in groups and value is not None
    )
    actual = added(*batches).of(sorted(groups))
    assert len(ordered) == actual.count
    if not ordered:
        assert Durations() == actual
        return
    assert [nearest_rank(ordered, percent) for percent in (50, 95, 99)] == [actual.p50, actual.p95, actual.p99]
    assert ordered[-1] / 1e6 == actual.max
    assert actual.mean is not None
    assert math.isclose(sum(ordered) / len(ordered) / 1e6, actual.mean, rel_tol=1e-12)


@given(st.lists(ROWS, max_size=4), st.sets(st.integers(0, 3)), st.integers(0, 10**14))
@settings(max_examples=100)
def test_classes_where_there_are_many(
    batches: list[list[tuple[int, int | None]]], groups: set[int], bound: int
) -> None:
    rows = [row for batch in batches for row in batch]
    ordered = sorted(max(0, value) for group, value in rows if group in groups and value is not None)
    counts = DurationCounts((bound,), most=3)
    for batch in batches:
        counts.add(pl.DataFrame(batch, schema={"group": pl.UInt32, "microseconds": pl.Int64}, orient="row"))
        # whenever it is tidied up
        counts.beyond([0], 1)
    whole = DurationCounts((bound,), most=3)
    whole.add(pl.DataFrame(rows, schema={"group": pl.UInt32, "microseconds": pl.Int64}, orient="row"))
    chosen = sorted(groups)
    actual = counts.of(chosen)
    assert actual == whole.of(chosen)
    assert len(ordered) == actual.count
    longer = [value for value in ordered if value > bound]
    assert (len(longer), sum(longer)) == counts.beyond(chosen, bound / 1e6)
    if ordered:
        assert actual.max == ordered[-1] / 1e6
        assert actual.mean == sum(ordered) / len(ordered) / 1e6
        for percent, found in ((50, actual.p50), (95, actual.p95), (99, actual.p99)):
            exact = nearest_rank(ordered, percent)
            assert found is not None
            assert exact <= found <= exact * (1 + 2 ** (1 - DIGITS))


def test_hundred_values() -> None:
    durations = added([(0, value * 1_000_000) for value in range(100, 0, -1)]).of([0])
    assert (
        durations.count,
        durations.mean,
        durations.p50,
        durations.p95,
        durations.p99,
        durations.max,
    ) == (100, 50.5, 50, 95, 99, 100)


def test_quantiles_are_never_interpolated() -> None:
    durations = added([(0, 1_000_000), (0, 2_000_000)]).of([0])
    assert (durations.p50, durations.p95, durations.max) == (1, 2, 2)


def test_a_clock_that_steps_back_counts_as_none_at_all() -> None:
    assert Durations(2, 1.0, 0.0, 2.0, 2.0, 2.0) == added([(0, -5), (0, 2_000_000)]).of([0])


def test_groups_are_kept_apart() -> None:
    counts = added([(0, 1_000_000), (1, 3_000_000)])
    assert (counts.of([0]).mean, counts.of([1]).mean, counts.of([0, 1]).mean) == (1.0, 3.0, 2.0)


def test_many_batches_are_merged() -> None:
    counts = added(*([(0, value) for value in range(start, start + 1005)] for start in range(0, 20_100, 1005)))
    assert (counts.of([0]).count, counts.of([0]).p50, counts.of([0]).max) == (20_100, 0.010049, 0.020099)


def test_hundred_thousand_years_do_not_overflow() -> None:
    century = 100 * 365 * 86_400 * 1_000_000
    durations = added([(0, century)] * 5000).of([0])
    assert century / 1e6 == durations.mean
