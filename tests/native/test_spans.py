"""What is told of whole uses and lives is what a few slow lines of Python make of the events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import EVENT

from logpool.native.events import LIVES, USES, Events
from logpool.native.library import NONE
from logpool.native.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

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
            era = last[group] = [group, FIRST + begin, FIRST + end, times[end], times[begin]]
            expected.append(era)
        elif FIRST + end > (era[2] or 0):
            era[2:4] = FIRST + end, era[3] if times[end] is None else times[end]
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
