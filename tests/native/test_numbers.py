"""Tables of numbers are what a few slow lines of Python make of the same columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.native.library import Lent
from logpool.native.numbers import (
    Course,
    Events,
    Peak,
    Peaks,
    counted,
    course_of,
    ends_of,
    extremes_of,
    nexts_of,
    tallied,
    wholes_of,
)
from logpool.track.tracked import STEP as STEP_COLUMNS

LABELS = st.integers(0, 5)
THREADS = st.none() | LABELS
LINES = st.integers(0, 1 << 40)
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


@given(st.lists(st.tuples(LABELS, TIMES, st.integers(-9, 9), st.integers(-9, 9)), max_size=60), st.integers(1, 20))
@settings(deadline=None)
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
@settings(deadline=None)
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
@settings(deadline=None)
def test_extremes(events: list[tuple[int, int | None]]) -> None:
    labels, values = [label for label, _ in events], [value for _, value in events]
    expected: dict[int, list[int]] = {label: [] for label in labels}
    for label, value in events:
        expected[label] += [] if value is None else [value]
    found = extremes_of(pl.Series(labels, dtype=pl.UInt32), pl.Series(values, dtype=pl.Int64))
    assert found.rows() == [(label, min(own, default=None), max(own, default=None)) for label, own in expected.items()]


@given(st.lists(LABELS, max_size=40))
@settings(deadline=None)
def test_ends(labels: list[int]) -> None:
    found = ends_of(pl.Series(labels, dtype=pl.UInt32)).rows()
    distinct = list(dict.fromkeys(labels))
    last = {label: place for place, label in enumerate(labels)}
    assert found == [(label, labels.index(label), last[label]) for label in distinct]


@given(
    st.lists(st.tuples(LABELS, THREADS), max_size=40),
    st.lists(st.none() | LABELS, min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(-3, 45), LABELS, THREADS), max_size=8),
)
@settings(deadline=None)
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


GROUPS = pl.Series([7, None, 3], dtype=pl.UInt32)
EVENT = {"shape": pl.UInt32, "time": pl.Int64, "line": pl.Int64, "source": pl.UInt32, "thread": pl.UInt32}


@given(st.data())
@settings(deadline=None)
def test_steps_come_in_order(data: st.DataObject) -> None:
    size, first = data.draw(st.integers(0, 30)), data.draw(st.integers(0, 1000))
    shapes = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    times = data.draw(st.lists(TIMES, min_size=size, max_size=size))
    threads = data.draw(st.lists(THREADS, min_size=size, max_size=size))
    events = [(shapes[place], times[place], 2 * place, place % 3, threads[place]) for place in range(size)]
    places = data.draw(st.permutations(range(size)))
    uses, lives = data.draw(st.integers(0, size // 6)), data.draw(st.integers(0, size // 6))
    pairs = [sorted(places[2 * number : 2 * number + 2]) for number in range(uses + lives)]
    others = places[2 * (uses + lives) :]
    drawn = st.tuples(*[st.integers(0, 2)] * 2, st.integers(-2, 2), st.none() | LABELS, st.none() | LABELS)
    changes = [data.draw(drawn) for _ in others]
    expected: dict[int, tuple[int | None, ...]] = {}
    for begin, end in pairs[:uses]:
        whose = first + begin, threads[begin]
        expected[begin], expected[end] = (0, 0, 1, *whose), (0, 0, -1, *whose)
    for begin, end in pairs[uses:]:
        expected[begin], expected[end] = (1, 0, 0, None, None), (0, 1, 0, None, None)
    for place, (opened, closed, out, begin, thread) in zip(others, changes, strict=True):
        if opened or closed or out:
            expected[place] = (opened, closed, out, *((begin, thread) if out else (None, None)))
    ends = {"begin": pl.Int64, "end": pl.Int64}
    columns = {"place": pl.UInt32, "opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
    columns |= {"out_seq": pl.Int64, "out_thread": pl.UInt32}
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), first, GROUPS)
    found = batch.steps(
        pl.DataFrame(pairs[:uses], schema=ends, orient="row"),
        pl.DataFrame(pairs[uses:], schema=ends, orient="row"),
        pl.DataFrame([(place, *change) for place, change in zip(others, changes, strict=True)], columns, orient="row"),
    )
    assert found.columns == list(STEP_COLUMNS)
    assert found.rows() == [
        (first + place, GROUPS.to_list()[shape], *rest, *expected[place])
        for place, (shape, *rest, _) in enumerate(events)
        if place in expected
    ]


@given(st.data())
@settings(deadline=None)
def test_points(data: st.DataObject) -> None:
    events = data.draw(st.lists(st.tuples(st.integers(0, 2), TIMES, LINES, LABELS, THREADS), min_size=1, max_size=20))
    places = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=20))
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), 9, GROUPS)
    found = batch.points(pl.Series(places, dtype=pl.Int64))
    chosen = [(place, *events[place]) for place in places]
    assert found["seq"].to_list() == [9 + place for place, *_ in chosen]
    assert found["time"].to_list() == [time for _, _, time, *_ in chosen]
    assert found["line"].to_list() == [line for _, _, _, line, *_ in chosen]
    assert found["source"].to_list() == [source for *_, source, _ in chosen]


STEP = st.tuples(st.integers(0, 2), TIMES, st.integers(-2, 2), st.none() | st.integers(0, 3))
STEPS = {"group": pl.UInt32, "time": pl.Int64, "out": pl.Int8, "out_thread": pl.UInt32}


def at_the_peak(
    steps: list[tuple[int, int | None, int, int | None]], group: int
) -> tuple[list[tuple[int, int, int]], set[int], int, int]:
    """The visits of a group to its highest level: begin, end and line; the threads; that level, and the last."""
    own = [(line, time, out, thread) for line, (one, time, out, thread) in enumerate(steps) if one == group and out]
    levels = [sum(out for *_, out, _ in own[: place + 1]) for place in range(len(own))]
    known = [[time for _, time, *_ in own[: place + 1] if time is not None] for place in range(len(own))]
    clocks = [max(times, default=None) for times in known]
    peak = max([0, *levels])
    reached = [place for place, level in enumerate(levels) if level == peak and level > 0]
    visits = [
        (begin, end, own[place][0])
        for place in reached
        if place + 1 < len(own) and (begin := clocks[place]) is not None and (end := clocks[place + 1]) is not None
    ]
    threads = {thread for place in reached if (thread := own[place][3]) is not None}
    return visits, threads, peak, levels[-1] if levels else 0


@given(st.lists(STEP, max_size=40), st.lists(st.integers(0, 40), max_size=3))
@settings(deadline=None, max_examples=200)
def test_visits_at_the_peak(steps: list[tuple[int, int | None, int, int | None]], cuts: list[int]) -> None:
    rows = pl.DataFrame(steps, schema=STEPS, orient="row")
    rows = rows.with_columns(line=pl.int_range(pl.len(), dtype=pl.Int64), source=pl.lit(7, pl.UInt32))
    peaks = Peaks()
    visits, threads = [], []
    edges = [0, *sorted(min(cut, len(steps)) for cut in cuts), len(steps)]
    for begin, end in pairwise(edges):
        found = peaks.take(rows.slice(begin, end - begin))
        visits += found[0].rows()
        threads += found[1].rows()
    for group in range(len(peaks)):
        expected, reached_by, peak, level = at_the_peak(steps, group)
        now = peaks.of(group)
        assert (now.peak, now.level) == (peak, level)
        assert [(begin, end, line) for one, begin, end, line, _, at in visits if (one, at) == (group, peak)] == expected
        assert {thread for one, thread, at in threads if (one, at) == (group, peak)} == reached_by


def test_a_visit_that_lasts() -> None:
    peaks = Peaks()
    rows = [(1, 5, 1, None), (1, None, 1, 3), (1, 9, -1, None), (1, 8, 1, None)]
    steps = pl.DataFrame(rows, schema=STEPS, orient="row")
    visits, threads = peaks.take(steps.with_columns(line=pl.lit(4, pl.Int64), source=pl.lit(2, pl.UInt32)))
    assert visits.rows() == [(1, 5, 5, 4, 2, 1), (1, 5, 9, 4, 2, 2)]
    assert threads.rows() == [(1, 3, 2)]
    assert peaks.of(0) == Peak(0, 0, None, None, None, 0, 0)
    # the clock does not go back
    assert peaks.of(1) == Peak(2, 2, 5, 9, 9, 4, 2)


def test_columns_in_several_pieces_are_lent_whole() -> None:
    pieces = pl.concat([pl.Series([1, 2], dtype=pl.Int64), pl.Series([3], dtype=pl.Int64)], rechunk=False)
    assert course_of(pieces, Course()) == Course(3, 0, 3, 0, 1)
    assert course_of(pieces.slice(1, 1), Course()) == Course(2, 0, 2, 0, 0)


@pytest.mark.parametrize("column", [pl.Series([1, None], dtype=pl.Int64), pl.Series([1], dtype=pl.Int32)])
def test_what_cannot_be_lent(column: pl.Series) -> None:
    with pytest.raises(TypeError):
        Lent(column, pl.Int64)
