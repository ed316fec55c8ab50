"""Timelines as text: one line of blocks per pool, as high as connections were in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.report.layout import begin_and_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logpool.report.model import Bin, Timeline

BLOCKS = "▁▂▃▄▅▆▇█"
#: for a terminal that cannot print blocks
ASCII = "_.:-=+*#"

# with fewer intervals or columns, or with one connection in use at most, there is nothing to see
_FEWEST_INTERVALS, _NARROWEST, _LOWEST_PEAK = 10, 20, 2
_GAP = 2


def is_drawn(timeline: Timeline) -> bool:
    """Whether a chart of a timeline tells more than its peak."""
    bins = timeline.bins
    return len(bins) >= _FEWEST_INTERVALS and max(one.in_use for one in bins) >= _LOWEST_PEAK


def chart(
    timelines: Sequence[tuple[str, Timeline]], width: int, seconds: Callable[[float], str], blocks: str = BLOCKS
) -> str:
    """How many connections each pool had in use over time, and at most; nothing where there is no room.

    Args:
        timelines: what to draw, all over the same intervals, each with the name of its pool.
        width: of the terminal.
        seconds: prints a duration.
        blocks: eight characters, from none in use to the most.
    """
    if not timelines:
        return ""
    names = ["in use", *(name for name, _ in timelines)]
    peaks = ["at most", *(f"{max(one.in_use for one in timeline.bins):,}" for _, timeline in timelines)]
    left, right = max(map(len, names)), max(map(len, peaks))
    room = width - left - right - 2 * _GAP
    if room < _NARROWEST:
        return ""
    bins, interval = timelines[0][1].bins, timelines[0][1].interval_seconds
    each = -(-len(bins) // room)
    lines = [drawing(timeline.bins, each, blocks) for _, timeline in timelines]
    lines.insert(0, _span(bins, seconds(each * interval), room))
    middle = max(map(len, lines))
    gap = " " * _GAP
    return "\n".join(
        f"{name:{left}}{gap}{line:{middle}}{gap}{peak:>{right}}"
        for name, line, peak in zip(names, lines, peaks, strict=True)
    )


def drawing(bins: Sequence[Bin], each: int, blocks: str = BLOCKS) -> str:
    """Intervals as a line of blocks, ``each`` of them a column, as high as connections were in use on average.

    None is the lowest block; the highest one means that as many as ever were in use all the time.
    """
    means = [one.in_use_mean for one in bins]
    columns = [means[start : start + each] for start in range(0, len(means), each)]
    highest, steps = max(1, *(one.in_use for one in bins)), len(blocks) - 1
    heights = [sum(one) / len(one) / highest * steps for one in columns]
    # one connection in use shows beside a thousand
    return "".join(blocks[max(int(height > 0), round(height))] for height in heights)


def _span(bins: Sequence[Bin], column: str, room: int) -> str:
    """When the drawing begins, and how long a column is; as much of it as there is room for."""
    times = begin_and_end(bins[0].time or "", bins[-1].time or "")
    first, last = (time.removesuffix(".000") for time in times)
    wordings = (f"{first} to {last}, a column {column}", f"{first}, a column {column}", f"a column {column}")
    return next((text for text in wordings if len(text) <= room), "")
