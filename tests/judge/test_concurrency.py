"""How many connections are open and in use: running sums and their peaks."""

from __future__ import annotations

from itertools import accumulate, pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import steps_of

from logpool.judge.concurrency import Concurrency, Level, climb

STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.integers(-1, 1)), max_size=40)
SCHEMA = {"group": pl.UInt32, "opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
PARTS = list(range(8))


def stepped(concurrency: Concurrency, rows: list[tuple[int, int, int, int]]) -> None:
    """Adds steps, one each microsecond."""
    steps = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    together, times = Concurrency(), pl.int_range(len(rows), dtype=pl.Int64, eager=True)
    alone, _ = climb(steps_of(steps), times, 3, [(concurrency, PARTS), (together, [0] * len(PARTS))])
    assert alone["out"].sum() == sum(out for *_, out in rows) == together.of(0).out


def counted(*batches: list[tuple[int, int, int]]) -> Concurrency:
    concurrency = Concurrency()
    for batch in batches:
        stepped(concurrency, [(part, max(0, change), max(0, -change), out) for part, change, out in batch])
    return concurrency


@given(STEPS, st.lists(st.integers(0, 40), max_size=3))
@settings(max_examples=60)
def test_like_adding_up_one_by_one(steps: list[tuple[int, int, int]], cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(steps)]
    concurrency = counted(*(steps[start:end] for start, end in pairwise(edges)))
    for part in range(3):
        opened = list(accumulate((one for name, one, _ in steps if name == part), initial=0))
        out = list(accumulate((one for name, _, one in steps if name == part), initial=0))
        assert Level(opened[-1], out[-1], max(opened), max(out)) == concurrency.of(part)


def test_peaks_are_of_their_own_instants() -> None:
    # two open one after the other, then both used: never two of the first while one of the second
    steps = [(0, 1, 0), (0, 1, 0), (0, -1, 1), (0, 0, -1)]
    assert Level(open=1, out=0, peak_open=2, peak_out=1) == counted(steps).of(0)


def test_what_is_opened_and_closed_at_once_was_open() -> None:
    concurrency = Concurrency()
    stepped(concurrency, [(0, 1, 1, 0)])
    assert Level(open=0, out=0, peak_open=1, peak_out=0) == concurrency.of(0)


def test_a_peak_of_an_earlier_batch_stays() -> None:
    assert Level(0, 0, 2, 1) == counted([(7, 1, 1), (7, 1, -1)], [(7, -1, 0), (7, -1, 0)]).of(7)


def test_nothing_is_nothing() -> None:
    assert Level(0, 0, 0, 0) == counted([]).of(3)
