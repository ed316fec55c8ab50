"""Tables of numbers are what a few slow lines of Python make of the same columns."""

from __future__ import annotations

from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.native.library import Lent
from logpool.native.numbers import Course, counted, course_of, ends_of, steps_of, tallied, wholes_of

LABELS = st.integers(0, 5)
TIMES = st.none() | st.integers(-50, 50)
EVENTS = st.lists(st.tuples(LABELS, TIMES), max_size=60)
FAR = st.sampled_from([-(1 << 62), -1, 0, 1, (1 << 62) - 1])


@given(st.lists(st.tuples(LABELS, st.integers(-3, 3) | FAR), max_size=60))
@settings(deadline=None)
def test_pairs_are_counted(pairs: list[tuple[int, int]]) -> None:
    one, other = (
        pl.Series([pair[place] for pair in pairs], dtype=dtype) for place, dtype in enumerate((pl.UInt32, pl.Int64))
    )
    found = counted(one, other)
    assert {(a, b): count for a, b, count in found.rows()} == Counter(pairs)
    assert found.select("one", "other").rows() == list(dict.fromkeys(pairs))


def test_many_pairs_are_counted() -> None:
    one = pl.int_range(50_000, dtype=pl.UInt32, eager=True) % 4999
    found = counted(one, one.cast(pl.Int64) * -7919)
    assert found.height == 4999
    assert found["count"].sum() == 50_000
    assert found["count"].min() == 10


@given(EVENTS, st.integers(1, 20))
@settings(deadline=None)
def test_labels_are_tallied(events: list[tuple[int, int | None]], width: int) -> None:
    labels = pl.Series([label for label, _ in events], dtype=pl.UInt32)
    times = pl.Series([time for _, time in events], dtype=pl.Int64)
    expected: defaultdict[tuple[int, int | None], list[int | None]] = defaultdict(list)
    for label, time in events:
        expected[label, None if time is None else time // width].append(time)
    found = {(label, bin_): rest for label, bin_, *rest in tallied(labels, times, width).rows()}
    assert found.keys() == expected.keys()
    for key, own in expected.items():
        known = [time for time in own if time is not None]
        assert found[key] == [len(own), min(known, default=None), max(known, default=None)]


@given(st.lists(LABELS, max_size=40))
@settings(deadline=None)
def test_ends(labels: list[int]) -> None:
    found = ends_of(pl.Series(labels, dtype=pl.UInt32)).rows()
    distinct = list(dict.fromkeys(labels))
    last = {label: place for place, label in enumerate(labels)}
    assert found == [(label, labels.index(label), last[label]) for label in distinct]


@given(st.lists(st.lists(TIMES, max_size=8), max_size=4))
@settings(deadline=None)
def test_the_course_of_times(batches: list[list[int | None]]) -> None:
    course = Course()
    before: list[int] = []
    for batch in batches:
        course = course_of(pl.Series(batch, dtype=pl.Int64), course)
        known = [time for time in batch if time is not None]
        every = before + known
        if not every:
            assert course == Course()
            continue
        falls = [max(every[: place + 1]) - every[place] for place in range(len(before), len(every))]
        changes = [every[place] - every[place - 1] for place in range(max(1, len(before)), len(every))]
        expected = Course(max(every), max(falls, default=0), every[-1], min([0, *changes]), max([0, *changes]))
        assert course == expected
        before = every


def test_the_connections_of_many_keys_that_are_open() -> None:
    # more than the first hash table has room for
    count = 5000
    keys = pl.int_range(count, dtype=pl.UInt32, eager=True)
    life = [1, 2, 3, 4, 5]
    shapes = pl.Series([role for _ in range(count) for role in life], dtype=pl.UInt32)
    connections = pl.Series([key for key in keys for _ in life], dtype=pl.UInt32)
    roles, bases = pl.Series(range(6), dtype=pl.UInt8), pl.Series([0] * 6, dtype=pl.Int64)
    known = pl.Series(range(0, count, 2), dtype=pl.Int64)
    found, uses, lives, rest = wholes_of(shapes, connections, roles, bases, known)
    assert found.to_list() == keys.to_list()
    assert lives["key"].to_list() == list(range(1, count, 2))
    assert uses.height == lives.height
    assert rest["key"].unique(maintain_order=True).to_list() == known.to_list()


@given(st.data())
@settings(deadline=None)
def test_steps_come_in_order(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 30))
    places = data.draw(st.permutations(range(size)))
    uses, lives = data.draw(st.integers(0, size // 6)), data.draw(st.integers(0, size // 6))
    pairs = [sorted(places[2 * number : 2 * number + 2]) for number in range(uses + lives)]
    others = places[2 * (uses + lives) :]
    changes = [data.draw(st.tuples(*[st.integers(0, 2)] * 2, st.integers(-2, 2))) for _ in others]
    expected: dict[int, tuple[int, int, int, int]] = {}
    for begin, end in pairs[:uses]:
        expected[begin], expected[end] = (0, 0, 1, begin), (0, 0, -1, begin)
    for begin, end in pairs[uses:]:
        expected[begin], expected[end] = (1, 0, 0, 0), (0, 1, 0, 0)
    expected |= {
        place: (*change, row) for row, (place, change) in enumerate(zip(others, changes, strict=True)) if any(change)
    }
    ends = {"begin": pl.UInt32, "end": pl.UInt32}
    columns = {"place": pl.UInt32, "opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
    rows = [(place, *change) for place, change in zip(others, changes, strict=True)]
    found = steps_of(
        size,
        pl.DataFrame(pairs[:uses], schema=ends, orient="row"),
        pl.DataFrame(pairs[uses:], schema=ends, orient="row"),
        pl.DataFrame(rows, schema=columns, orient="row"),
    )
    assert found.select("place", "opened", "closed", "out", "begin").rows() == [
        (place, *expected[place]) for place in sorted(expected)
    ]


def test_columns_in_several_pieces_are_lent_whole() -> None:
    pieces = pl.concat([pl.Series([1, 2], dtype=pl.Int64), pl.Series([3], dtype=pl.Int64)], rechunk=False)
    assert course_of(pieces, Course()) == Course(3, 0, 3, 0, 1)
    assert course_of(pieces.slice(1, 1), Course()) == Course(2, 0, 2, 0, 0)


@pytest.mark.parametrize("column", [pl.Series([1, None], dtype=pl.Int64), pl.Series([1], dtype=pl.Int32)])
def test_what_cannot_be_lent(column: pl.Series) -> None:
    with pytest.raises(TypeError):
        Lent(column, pl.Int64)
