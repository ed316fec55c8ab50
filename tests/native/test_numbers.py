"""Tables of numbers are what a few slow lines of Python make of the same columns."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from ctypes import string_at

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.native.columns import Lent
from logpool.native.library import NO_TIME, NONE
from logpool.native.numbers import (
    Course,
    counted,
    course_of,
    ends_of,
    extremes_of,
    joined,
    nexts_of,
    places_of,
    tallied,
)

LABELS = st.integers(0, 5)
THREADS = st.none() | LABELS
TIMES = st.none() | st.integers(-50, 50)
EVENTS = st.lists(st.tuples(LABELS, TIMES), max_size=60)
FAR = st.sampled_from([-(1 << 62), -1, 0, 1, (1 << 62) - 1])


@given(st.lists(st.tuples(LABELS, st.integers(-3, 3) | FAR), max_size=60))
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


@given(st.lists(st.tuples(LABELS, TIMES, st.integers(-9, 9), st.integers(-9, 9)), max_size=60), st.integers(1, 20))
def test_the_least_of_each_label(events: list[tuple[int, int | None, int, int]], width: int) -> None:
    columns = list(zip(*events, strict=True)) or [(), (), (), ()]
    labels, (times, one, other) = (
        pl.Series(columns[0], dtype=pl.UInt32),
        (pl.Series(c, dtype=pl.Int64) for c in columns[1:]),
    )
    expected: defaultdict[tuple[int, int | None], list[tuple[int, int]]] = defaultdict(list)
    for label, time, a, b in events:
        expected[label, None if time is None else time // width].append((a, b))
    found = tallied(labels, times, width, a=one, b=other)
    assert {(label, bin_): (a, b) for label, bin_, _, _, _, a, b in found.rows()} == {
        key: (min(a for a, _ in own), min(b for _, b in own)) for key, own in expected.items()
    }


@given(EVENTS, st.integers(0, 60), st.integers(1, 20))
def test_a_tally_goes_on(events: list[tuple[int, int | None]], cut: int, width: int) -> None:
    labels = pl.Series([label for label, _ in events], dtype=pl.UInt32)
    times = pl.Series([time for _, time in events], dtype=pl.Int64)
    whole = tallied(labels, times, width, time=times.fill_null(99))
    before = tallied(labels[:cut], times[:cut], width, time=times[:cut].fill_null(99))
    assert tallied(labels[cut:], times[cut:], width, before, time=times[cut:].fill_null(99)).equals(whole)
    # wider intervals are made of the same rows
    nothing = pl.Series(dtype=pl.Int64)
    wider = tallied(nothing.cast(pl.UInt32), nothing, 2 * width, whole.with_columns(pl.col("bin") // 2), time=nothing)
    assert wider.equals(tallied(labels, times, 2 * width, time=times.fill_null(99)))


def test_labels_that_end_alike_are_tallied() -> None:
    labels = pl.Series([5, 5 + (1 << 10), 5, 5 + (1 << 20), 5], dtype=pl.UInt32)
    found = tallied(labels, pl.Series([0] * 5, dtype=pl.Int64), 10)
    assert found.select("label", "count").rows() == [(5, 3), (5 + (1 << 10), 1), (5 + (1 << 20), 1)]


@given(EVENTS)
def test_extremes(events: list[tuple[int, int | None]]) -> None:
    labels, values = [label for label, _ in events], [value for _, value in events]
    expected: dict[int, list[int]] = {label: [] for label in labels}
    for label, value in events:
        expected[label] += [] if value is None else [value]
    found = extremes_of(pl.Series(labels, dtype=pl.UInt32), pl.Series(values, dtype=pl.Int64))
    assert found.rows() == [(label, min(own, default=None), max(own, default=None)) for label, own in expected.items()]


@given(st.lists(LABELS, max_size=40))
def test_ends(labels: list[int]) -> None:
    found = ends_of(pl.Series(labels, dtype=pl.UInt32)).rows()
    distinct = list(dict.fromkeys(labels))
    last = {label: place for place, label in enumerate(labels)}
    assert found == [(label, labels.index(label), last[label], labels.count(label)) for label in distinct]


@given(st.lists(LABELS, max_size=40), st.lists(st.booleans(), min_size=6, max_size=6))
def test_where_labels_stand(labels: list[int], asked: list[bool]) -> None:
    found = places_of(pl.Series(labels, dtype=pl.UInt32), pl.Series(asked))
    assert found.to_list() == [place for place, label in enumerate(labels) if asked[label]]


@given(
    st.lists(st.tuples(LABELS, THREADS), max_size=40),
    st.lists(st.none() | LABELS, min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(-3, 45), LABELS, THREADS), max_size=8),
)
def test_the_next_of_a_label(
    events: list[tuple[int, int | None]], labels: list[int | None], asked: list[tuple[int, int, int | None]]
) -> None:
    asked.sort(key=lambda one: one[0])
    found = nexts_of(
        pl.DataFrame(events, schema={"shape": pl.UInt32, "thread": pl.UInt32}, orient="row"),
        pl.Series(labels, dtype=pl.UInt32),
        pl.DataFrame(asked, schema={"place": pl.Int64, "label": pl.UInt32, "thread": pl.UInt32}, orient="row"),
    )
    told = [(labels[shape], thread) for shape, thread in events]
    assert found.to_list() == [
        next((place for place, one in enumerate(told) if place >= begin and one == wanted), None)
        for begin, *wanted_list in asked
        for wanted in [tuple(wanted_list)]
    ]


def test_the_next_of_a_label_that_is_far() -> None:
    size = 2000
    said = {0: (1, None), 700: (2, 4), 701: (1, 4), 1300: (2, None), 1999: (1, None)}
    told = [said.get(place, (0, None)) for place in range(size)]
    asked = [
        (place, label, thread) for place in (-5, 0, 1, 699, 701, 1299, 1999, 2500) for label, thread in said.values()
    ]
    found = nexts_of(
        pl.DataFrame(told, schema={"shape": pl.UInt32, "thread": pl.UInt32}, orient="row"),
        pl.Series([None, 1, 2], dtype=pl.UInt32),
        pl.DataFrame(asked, schema={"place": pl.Int64, "label": pl.UInt32, "thread": pl.UInt32}, orient="row"),
    )
    assert found.to_list() == [
        next((place for place in said if place >= begin and said[place] == (label, thread)), None)
        for begin, label, thread in asked
    ]


@given(st.lists(st.lists(TIMES, max_size=8), max_size=4))
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


def test_columns_in_several_pieces_are_lent_whole() -> None:
    pieces = pl.concat([pl.Series([1, 2], dtype=pl.Int64), pl.Series([3], dtype=pl.Int64)], rechunk=False)
    assert course_of(pieces, Course()) == Course(3, 0, 3, 0, 1)
    assert course_of(pieces.slice(1, 1), Course()) == Course(2, 0, 2, 0, 0)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [(pl.Series([1], dtype=pl.Int32), pl.Int64), (pl.Series([1, None], dtype=pl.UInt8), pl.UInt8)],
)
def test_what_cannot_be_lent(column: pl.Series, dtype: type[pl.DataType]) -> None:
    with pytest.raises(TypeError):
        Lent(column, dtype)


@given(
    st.lists(st.none() | st.integers(0, 1 << 30), max_size=40),
    st.integers(0, 40),
    st.sampled_from([(pl.UInt32, NONE, "I"), (pl.Int64, NO_TIME, "q")]),
)
def test_nulls_are_lent_as_what_stands_for_them(
    numbers: list[int | None], begin: int, kind: tuple[type[pl.DataType], int, str]
) -> None:
    dtype, stands_for_none, code = kind
    column = pl.Series(numbers, dtype=dtype).slice(begin)
    lent = Lent(column, dtype)
    found = array(code)
    found.frombytes(string_at(lent.address, len(column) * found.itemsize) if len(column) else b"")
    assert found.tolist() == [stands_for_none if one is None else one for one in numbers[begin:]]


@given(
    st.lists(st.lists(st.none() | st.integers(0, 1 << 30), max_size=20), min_size=1),
    st.sampled_from([pl.UInt32, pl.Int64]),
)
def test_columns_are_joined(columns: list[list[int | None]], dtype: type[pl.DataType]) -> None:
    found = joined([pl.Series("a", numbers, dtype=dtype) for numbers in columns])
    assert found.dtype == dtype
    assert (found.name, found.n_chunks()) == ("a", 1)
    assert found.to_list() == [one for numbers in columns for one in numbers]


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Boolean, pl.Float64, pl.String])
def test_other_columns_are_refused(dtype: type[pl.DataType]) -> None:
    column = pl.Series([None], dtype=dtype)
    with pytest.raises(TypeError):
        joined([column])
    with pytest.raises(TypeError):
        Lent(column, dtype)
