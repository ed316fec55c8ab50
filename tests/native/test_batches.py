"""Whole uses and lives, steps, and what is told of them, are what a few slow lines of Python make of the events."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import steps_of

from logpool.native.batches import LIVES, USES, Events, Peak, Peaks, Spans, Stay, Steps, wholes_of
from logpool.native.library import NONE
from logpool.track.tracked import STEP as STEP_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = st.integers(0, 5)
THREADS = st.none() | LABELS
LINES = st.integers(0, 1 << 40)
TIMES = st.none() | st.integers(-50, 50)


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
    assert lives["connection"].to_list() == list(range(1, count, 2))
    assert uses.height == lives.height
    assert rest["key"].unique(maintain_order=True).to_list() == known.to_list()


GROUPS = pl.Series([7, 0, 3], dtype=pl.UInt32)
EVENT = {"shape": pl.UInt32, "time": pl.Int64, "line": pl.Int64, "source": pl.UInt32, "thread": pl.UInt32}


@given(st.data())
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
    expected: dict[int, tuple[int, int, int, int | None, int | None]] = {}
    for begin, end in pairs[:uses]:
        whose = first + begin, threads[begin]
        expected[begin], expected[end] = (0, 0, 1, *whose), (0, 0, -1, *whose)
    for begin, end in pairs[uses:]:
        expected[begin], expected[end] = (1, 0, 0, None, None), (0, 1, 0, None, None)
    for place, (opened, closed, out, begin, thread) in zip(others, changes, strict=True):
        if opened or closed or out:
            expected[place] = (opened, closed, out, *((begin, thread) if out else (None, None)))
    ends = {"begin": pl.UInt32, "end": pl.UInt32}
    columns = {"place": pl.UInt32, "opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
    columns |= {"out_seq": pl.Int64, "out_thread": pl.UInt32}
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), first, GROUPS)
    steps = Steps(
        batch,
        pl.DataFrame(pairs[:uses], schema=ends, orient="row"),
        pl.DataFrame(pairs[uses:], schema=ends, orient="row"),
        pl.DataFrame([(place, *change) for place, change in zip(others, changes, strict=True)], columns, orient="row"),
    )
    found = steps.table()
    assert found.schema == STEP_COLUMNS
    assert found.rows() == [
        (first + place, GROUPS.to_list()[shape], *rest, *expected[place])
        for place, (shape, *rest, _) in enumerate(events)
        if place in expected
    ]
    assert steps.balance() == sum(opened - closed for opened, closed, *_ in expected.values())
    followed = data.draw(st.lists(st.integers(first - 1, first + size), min_size=1, max_size=9))
    assert steps.opened(followed).rows() == [
        (group, first + place)
        for place, group in enumerate(GROUPS[shapes] if shapes else ())
        if place in expected and expected[place][0]
        if group < len(followed) and first + place > followed[group]
    ]


@given(st.data())
def test_points(data: st.DataObject) -> None:
    events = data.draw(st.lists(st.tuples(st.integers(0, 2), TIMES, LINES, LABELS, THREADS), min_size=1, max_size=20))
    places = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=20))
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), 9, GROUPS)
    found = batch.points(pl.Series(places, dtype=pl.UInt32))
    chosen = [(place, *events[place]) for place in places]
    assert found["seq"].to_list() == [9 + place for place, *_ in chosen]
    assert found["time"].to_list() == [time for _, _, time, *_ in chosen]
    assert found["line"].to_list() == [line for _, _, _, line, *_ in chosen]
    assert found["source"].to_list() == [source for *_, source, _ in chosen]


STEP = st.tuples(st.integers(0, 2), TIMES, st.integers(-2, 2), st.none() | st.integers(0, 3))
STEPS = {"group": pl.UInt32, "time": pl.Int64, "out": pl.Int8, "out_thread": pl.UInt32}


DIP = 3


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


def stays_of(visits: list[tuple[int, int, int]]) -> list[Stay]:
    """Visits, those that a dip parts made one."""
    stays: list[Stay] = []
    for begin, end, line in visits:
        if stays and begin - stays[-1].end <= DIP:
            stays[-1] = stays[-1]._replace(end=end, visits=stays[-1].visits + 1)
        else:
            stays.append(Stay(begin, end, line, 7, 1))
    return stays


@given(st.lists(STEP, max_size=40), st.lists(st.integers(0, 40), max_size=3))
@settings(max_examples=300)
def test_visits_at_the_peak(steps: list[tuple[int, int | None, int, int | None]], cuts: list[int]) -> None:
    rows = pl.DataFrame(steps, schema=STEPS, orient="row")
    rows = rows.with_columns(line=pl.int_range(pl.len(), dtype=pl.Int64), source=pl.lit(7, pl.UInt32))
    peaks = Peaks(DIP)
    threads = []
    edges = [0, *sorted(min(cut, len(steps)) for cut in cuts), len(steps)]
    for begin, end in pairwise(edges):
        threads += peaks.take(steps_of(rows.slice(begin, end - begin))).rows()
    for group in range(len(peaks)):
        visits, reached_by, peak, level = at_the_peak(steps, group)
        now = peaks.of(group)
        assert (now.peak, now.level) == (peak, level)
        every = stays_of(visits)
        stays, current = every[:-1], every[-1] if every else None
        assert (now.visits, now.total) == (len(visits), sum(end - begin for begin, end, _ in visits))
        assert (now.stays, now.current) == (len(stays), current)
        # of equal ones the first
        assert now.longest == max(stays, key=lambda stay: stay.length, default=None)
        assert {thread for one, thread, at in threads if (one, at) == (group, peak)} == reached_by


def test_a_visit_that_lasts() -> None:
    peaks = Peaks(DIP)
    rows = [(1, 5, 1, None), (1, None, 1, 3), (1, 9, -1, None), (1, 8, 1, None)]
    steps = pl.DataFrame(rows, schema=STEPS, orient="row")
    threads = peaks.take(steps_of(steps.with_columns(line=pl.lit(4, pl.Int64), source=pl.lit(2, pl.UInt32))))
    assert threads.rows() == [(1, 3, 2)]
    assert peaks.of(0) == Peak(0, 0, None, None, None, 0, 0)
    # the clock does not go back
    assert peaks.of(1) == Peak(2, 2, 5, 9, 9, 4, 2, 4, 1, 0, Stay(5, 9, 4, 2, 1))


HELD = {"group": pl.UInt32, "out_thread": pl.UInt32, "out_seq": pl.Int64}


@given(st.data())
@settings(max_examples=300)
def test_threads_that_have_one_checkout_at_once(data: st.DataObject) -> None:
    first = 50
    before = data.draw(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), unique=True, max_size=3))
    held = {(group, thread): [number] for number, (group, thread) in enumerate(before)}
    under_way = {key: list(begins) for key, begins in held.items()}
    rows: list[tuple[int, int, int | None, int | None]] = []
    is_apart = True
    for place in range(data.draw(st.integers(0, 12))):
        group, thread, out = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 2), st.sampled_from([1, -1, 0])))
        begins = under_way.setdefault((group, thread), [])
        begin = first + place if out > 0 else data.draw(st.sampled_from([*begins, 7]))
        shown = data.draw(st.sampled_from([thread, thread, thread, None]))
        rows.append((group, out, begin, shown))
        if shown is None:
            continue
        if out > 0:
            begins.append(begin)
            is_apart &= len(begins) == 1
        elif out < 0 and begin in begins:
            begins.remove(begin)
    schema = {"group": pl.UInt32, "out": pl.Int8, "out_seq": pl.Int64, "out_thread": pl.UInt32}
    steps = steps_of(pl.DataFrame(rows, schema=schema, orient="row"), first)
    open_before = pl.DataFrame([(*key, begin) for key, (begin,) in held.items()], schema=HELD, orient="row")
    found = steps.apart(open_before)
    assert (found is not None) == is_apart
    if found is not None:
        left = [(*key, begins[0]) for key, begins in under_way.items() if begins]
        assert sorted(found.rows()) == sorted(left)


# -- spans -----------------------------------------------------------------------------------------------------------

FIRST = 100
# most are known
MOSTLY = st.integers(-60, 50).map(lambda time: time if time >= -50 else None)


@st.composite
def spans(draw: st.DrawFn) -> tuple[list[int | None], list[tuple[int, ...]]]:
    """Of each event its time; of each span the group, three places, and a flag. Many, as few have much in common."""
    least = draw(st.sampled_from([0, 20]))
    times = draw(st.lists(MOSTLY, min_size=max(1, least), max_size=30))
    place = st.integers(0, len(times) - 1)
    row = st.tuples(st.integers(0, 3), st.just(9), place, place, place, st.integers(0, 1), st.just(NONE))
    return times, draw(st.lists(row, min_size=least, max_size=40))


def spans_of(times: Sequence[int | None], rows: Sequence[tuple[int, ...]], columns: tuple[str, ...] = USES) -> Spans:
    events = [(place % 3, time, 0, 0, None) for place, time in enumerate(times)]
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), FIRST, pl.Series(range(4), dtype=pl.UInt32))
    whole = [row[: len(columns)] for row in rows]
    return Spans(batch, pl.DataFrame(whole, schema=dict.fromkeys(columns, pl.UInt32), orient="row"))


def lasted(times: list[int | None], begin: int, end: int) -> int | None:
    one, other = times[begin], times[end]
    return None if one is None or other is None else other - one


@given(spans(), st.integers(0, 3), st.lists(st.integers(0, 2), min_size=4, max_size=4))
@settings(max_examples=200)
def test_spans_are_counted(drawn: tuple[list[int | None], list[tuple[int, ...]]], power: int, parts: list[int]) -> None:
    times, rows = drawn
    found = spans_of(times, rows)
    known = [
        (group, times[begin] or 0, length)
        for group, _, _, begin, end, *_ in rows
        if (length := lasted(times, begin, end)) is not None
    ]
    begun = [begin for _, begin, _ in known]
    assert found.reach() == ((min(begun), max(begun)) if begun else None)
    told = found.counted()
    assert {(group, length): count for group, length, count in told.rows()} == Counter(
        (group, max(0, length)) for group, _, length in known
    )
    first, stretches = -50 >> power, (100 >> power) + 2
    told = found.counted(parts, power, first, stretches)
    assert {(one, length): count for one, length, count in told.rows()} == Counter(
        (parts[group] * stretches + (begin >> power) - first, max(0, length)) for group, begin, length in known
    )


def test_many_spans_are_counted() -> None:
    times = [place * place for place in range(5000)]
    rows = [(place % 4, 0, 0, 0, place, 0, 0) for place in range(5000)] * 2
    found = spans_of(times, rows).counted()
    assert found["count"].to_list() == [2] * 5000
    assert found["other"].to_list() == times


@given(spans(), st.integers(1, 4), st.dictionaries(st.integers(0, 3), st.integers(0, 60)))
@settings(max_examples=200)
def test_the_longest_spans(
    drawn: tuple[list[int | None], list[tuple[int, ...]]], most: int, least: dict[int, int]
) -> None:
    times, rows = drawn
    lengths = [(group, lasted(times, begin, end)) for group, _, _, begin, end, *_ in rows]
    expected = []
    for place, (group, length) in enumerate(lengths):
        own = sorted(
            (other for one, other in lengths if one == group and other is not None and other >= least.get(group, 0)),
            reverse=True,
        )
        bound = own[most - 1] if len(own) >= most else least.get(group, 0)
        if length is not None and length >= bound:
            expected.append(place)
    assert spans_of(times, rows).longest(most, least).to_list() == expected


@given(
    spans(),
    st.integers(-50, 50),
    st.integers(FIRST - 1, FIRST + 31),
    st.sampled_from([0, 1, 3]),
    st.data(),
)
@settings(max_examples=200)
def test_what_is_told_of_uses(
    drawn: tuple[list[int | None], list[tuple[int, ...]]], time: int, until: int, mask: int, data: st.DataObject
) -> None:
    times, rows = drawn
    age = data.draw(st.integers(-5, 60))
    births = st.just(NONE) | st.integers(0, len(times) - 1)
    rows = [(*row[:-1], data.draw(births)) for row in rows]
    found = spans_of(times, rows)
    groups = range(4)
    assert found.most() == [
        max([0, *(end - begin for group, _, _, begin, end, *_ in rows if group == one)]) for one in groups
    ]
    fresh = Counter((group, is_fresh) for group, *_, is_fresh, _ in rows)
    assert found.fresh() == [(fresh[one, 1], fresh[one, 0]) for one in groups]
    kept = [
        (group, end, lasted(times, before, begin)) for group, _, before, begin, end, is_fresh, _ in rows if not is_fresh
    ]
    assert found.rested().rows() == [
        (
            one,
            min(FIRST + end for group, end, _ in kept if group == one),
            max((idle for group, _, idle in kept if group == one and idle is not None), default=None),
        )
        for one in dict.fromkeys(group for group, *_ in kept)
    ]
    assert found.later(time, age, until, mask).to_list() == [
        place
        for place, (_, _, _, begin, _, is_fresh, born) in enumerate(rows)
        if not is_fresh and (at := times[begin]) is not None
        if (at > time if (birth := None if born == NONE else times[born]) is None else at - birth > age)
        if FIRST + begin < until or (FIRST + begin) & mask == 0
    ]


@given(
    spans(),
    st.lists(st.integers(0, 6), max_size=3),
    st.lists(st.integers(0, 1), min_size=3, max_size=3),
    st.integers(-5, 40),
)
@settings(max_examples=200)
def test_lives_that_end_at_once(
    drawn: tuple[list[int | None], list[tuple[int, ...]]], groups: list[int], soft: list[int], longest: int
) -> None:
    times, rows = drawn
    found = spans_of(times, rows, LIVES).at_once(groups, pl.Series(soft, dtype=pl.UInt8), longest)
    assert found.to_list() == [
        place
        for place, (group, _, back, _, end, *_) in enumerate(rows)
        if group in groups and soft[end % 3]
        if (wait := lasted(times, back, end)) is None or wait <= longest
    ]


@given(spans(), st.integers(0, 1))
@settings(max_examples=200)
def test_lives_that_overlap(drawn: tuple[list[int | None], list[tuple[int, ...]]], least: int) -> None:
    times, rows = drawn
    # each begins at a place of its own, and ends no earlier
    lives = {begin: (group, begin, max(begin, end), uses) for group, _, _, begin, end, uses, *_ in rows}
    found = spans_of(times, [(group, 9, 0, begin, end, uses) for group, begin, end, uses in lives.values()], LIVES)
    expected: list[list[int | None]] = []
    last: dict[int, list[int | None]] = {}
    for _, (group, begin, end, uses) in sorted(lives.items()):
        if uses < least:
            continue
        era = last.get(group)
        if era is None or (era[2] or 0) < FIRST + begin:
            era = last[group] = [group, FIRST + begin, FIRST + end, times[end]]
            expected.append(era)
        era[2] = max(era[2] or 0, FIRST + end)
        ends = [time for time in (era[3], times[end]) if time is not None]
        era[3] = max(ends, default=None)
    assert found.joined(least).rows() == [tuple(era) for era in expected]


@pytest.mark.parametrize("gap", [1, 1000, 1100])
def test_what_follows_a_life_tells_what_closed_it(gap: int) -> None:
    # a life that ends softly (shape 1) or not (2), other pools and threads, and what follows: an end, or one of a row
    soft, hard, elsewhere, other, silent, settling, leaving = range(1, 8)
    groups = pl.Series([0, 0, 0, 1, 0, 0, 0, 0], dtype=pl.UInt32)
    shapes = pl.Series([0, 1, 1, 1, 1, 2, 1, 0], dtype=pl.UInt8)
    softly = pl.Series([0, 1, 0, 0, 0, 0, 0, 0], dtype=pl.UInt8)
    assert [soft, hard, elsewhere, other, silent, settling, leaving] == list(range(1, 8))

    def told(state: int, end: int, *following: int) -> tuple[list[tuple[int, int]], list[int]]:
        shown = [0, end, *[silent] * (gap - 1), *following]
        threads = [7 if shape == other else 3 for shape in shown]
        rows = [(shape, None, 0, 0, thread) for shape, thread in zip(shown, threads, strict=True)]
        events = Events(pl.DataFrame(rows, schema=EVENT, orient="row"), FIRST, groups)
        life = pl.DataFrame([(0, 9, 0, 0, 1, 1)], schema=dict.fromkeys(LIVES, pl.UInt32), orient="row")
        settled, left = Spans(events, life).followed([state, 0], softly, shapes)
        return settled.rows(), left.to_list()

    settled: tuple[list[tuple[int, int]], list[int]] = [(0, 1)], []
    left: tuple[list[tuple[int, int]], list[int]] = [], [0]
    near = gap < 1024
    assert told(1, soft) == settled
    assert told(1, hard) == told(0, soft, settling) == told(2, hard, settling) == left
    assert told(2, soft) == told(2, soft, silent, elsewhere, other) == left
    assert told(2, soft, silent, elsewhere, other, settling) == (settled if near else left)
    assert told(2, soft, leaving, settling) == left
