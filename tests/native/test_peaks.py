"""How long a group is at its peak is what a few slow lines of Python make of its steps."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import STEP, STEPS, steps_of

from logpool.native.peaks import Peak, Peaks, Stay

DIP = 3


def at_the_peak(
    steps: list[tuple[int, int | None, int, int | None]], group: int
) -> tuple[list[tuple[int, int, int]], dict[int, tuple[int, int]], int, int]:
    """The visits of a group to its highest level: begin, end, line; its threads; that level, and the last."""
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
    threads: dict[int, tuple[int, int]] = {}
    for place in reached:
        line, *_, thread = own[place]
        if thread is not None:
            threads[thread] = threads.get(thread, (line, line))[0], line
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
        threads += peaks.take(steps_of(rows.slice(begin, end - begin), begin)).rows()
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
        found: dict[int, list[int]] = {}
        for one, thread, at, first, last in threads:
            if (one, at) == (group, peak):
                found.setdefault(thread, []).extend((first, last))
        assert {thread: (min(seqs), max(seqs)) for thread, seqs in found.items()} == reached_by


def test_a_visit_that_lasts() -> None:
    peaks = Peaks(DIP)
    rows = [(1, 5, 1, None), (1, None, 1, 3), (1, 9, -1, None), (1, 8, 1, None)]
    steps = pl.DataFrame(rows, schema=STEPS, orient="row")
    threads = peaks.take(steps_of(steps.with_columns(line=pl.lit(4, pl.Int64), source=pl.lit(2, pl.UInt32))))
    assert threads.rows() == [(1, 3, 2, 1, 1)]
    assert peaks.of(0) == Peak(0, 0, None, None, None, 0, 0)
    # the clock does not go back
    assert peaks.of(1) == Peak(2, 2, 5, 9, 9, 4, 2, 4, 1, 0, Stay(5, 9, 4, 2, 1))
