"""Several logs become one, in one order that does not depend on how each of them comes in batches."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.read.merge import merged

SCHEMA = {"line": pl.Int64, "time": pl.Int64, "source": pl.UInt32}


class Row(NamedTuple):
    """One event: its line and time, and the number of its log."""

    line: int
    time: int | None
    source: int


Log = list[int | None]


def rows_of(source: int, times: Log) -> list[Row]:
    return [Row(line, time, source) for line, time in enumerate(times, start=1)]


def batches(rows: list[Row], cuts: list[int]) -> Iterator[pl.DataFrame]:
    """A log's events, cut at some places; a place that comes twice makes an empty batch."""
    places = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for begin, end in pairwise(places):
        yield pl.DataFrame(rows[begin:end], schema=SCHEMA, orient="row")


def merge(logs: list[Log], cuts: list[list[int]] | None = None) -> list[Row]:
    cuts = cuts or [[] for _ in logs]
    streams = [batches(rows_of(source, times), cuts[source]) for source, times in enumerate(logs)]
    return [Row(*row) for batch in merged(streams) for row in batch.select(SCHEMA.keys()).iter_rows()]


def by_hand(logs: list[Log]) -> list[Row]:
    """Each event at the latest time so far in its own log; at the same time, the logs as they were named."""
    placed: list[tuple[float, int, int, Row]] = []
    for source, times in enumerate(logs):
        latest = float("-inf")
        for row in rows_of(source, times):
            latest = max(latest, float("-inf") if row.time is None else row.time)
            placed.append((latest, source, row.line, row))
    return [row for *_, row in sorted(placed, key=lambda place: place[:3])]


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        ([], []),
        ([[]], []),
        ([[], []], []),
        ([[], [1, 2]], [(1, 1), (1, 2)]),
        ([[1, 4], [2, 3]], [(0, 1), (1, 1), (1, 2), (0, 2)]),
        # at the same time, the logs as they were named
        ([[2, 2], [1, 2]], [(1, 1), (0, 1), (0, 2), (1, 2)]),
        # a clock that steps back changes no order within its log
        ([[5, 1, 6], [2, 5]], [(1, 1), (0, 1), (0, 2), (1, 2), (0, 3)]),
        # a record without a time stays behind the one before it
        ([[1, None, 3], [2]], [(0, 1), (0, 2), (1, 1), (0, 3)]),
        ([[None, 3], [2]], [(0, 1), (1, 1), (0, 2)]),
        # a log without times stands before all others
        ([[1, 2], [None, None]], [(1, 1), (1, 2), (0, 1), (0, 2)]),
        ([[None, None], [None]], [(0, 1), (0, 2), (1, 1)]),
        ([[-5], [-(1 << 62)]], [(1, 1), (0, 1)]),
    ],
)
def test_order(logs: list[Log], expected: list[tuple[int, int]]) -> None:
    assert expected == [(row.source, row.line) for row in merge(logs)]
    assert expected == [(row.source, row.line) for row in by_hand(logs)]


times = st.lists(st.none() | st.integers(-3, 12), max_size=12)
logs_with_cuts = st.lists(st.tuples(times, st.lists(st.integers(0, 12), max_size=6)), max_size=4)


@given(logs_with_cuts)
def test_no_cut_changes_the_order(logs: list[tuple[Log, list[int]]]) -> None:
    assert by_hand([log for log, _ in logs]) == merge([log for log, _ in logs], [cuts for _, cuts in logs])


def test_one_log_passes_as_it_comes() -> None:
    cut = list(batches(rows_of(0, [3, None, 1]), [1]))
    passed = list(merged([iter(cut)]))
    assert all(one is other for one, other in zip(cut, passed, strict=True))


def test_events_come_as_soon_as_nothing_earlier_can() -> None:
    taken: list[int] = []

    def watched(source: int, times: Log) -> Iterator[pl.DataFrame]:
        for batch in batches(rows_of(source, times), list(range(len(times)))):
            taken.append(source)
            yield batch

    stream = merged([watched(0, [1, 2, 3, 4, 5, 6]), watched(1, [1, 9])])
    assert next(stream)["time"].to_list() == [1, 1]
    assert len(taken) < 8


def test_other_columns_stay() -> None:
    logs = [pl.DataFrame({"time": [time], "source": [source], "shape": [7]}) for source, time in enumerate([2, 1])]
    expected = pl.DataFrame({"time": [1, 2], "source": [1, 0], "shape": [7, 7]})
    assert expected.equals(pl.concat(merged(iter([log]) for log in logs)))
