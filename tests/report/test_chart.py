"""Charts: what a line of blocks shows, and when there is none."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from logpool.cli import main
from logpool.report.chart import ASCII, BLOCKS, chart, drawing, is_drawn
from logpool.report.model import Bin, Timeline

BUSY = str(Path(__file__).parents[2] / "samples" / "postgres-busy.log")


def bins_of(*means: float, peak: int = 0) -> list[Bin]:
    times = [f"2026-01-01T10:{number:02}:00.000" for number in range(len(means))]
    return [Bin(time, 99, peak or round(mean), mean, 0, 0, 0, 0) for time, mean in zip(times, means, strict=True)]


def timeline(*means: float) -> Timeline:
    return Timeline("QueuePool", 60, tuple(bins_of(*means)))


def seconds(duration: float) -> str:
    return f"{duration:g} s"


@pytest.mark.parametrize(
    ("means", "each", "expected"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 1, BLOCKS),
        ([0, 1, 2, 3, 4, 5, 6, 7], 2, "▂▃▅▇"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 1], 4, "▃▇▂"),
        ([0.001, 3.6, 6.4, 7], 1, "▂▅▇█"),
        ([0, 0], 1, "▁▁"),
        ([0, 1, 1000], 1, "▁▂█"),
        ([1, 1], 1, "██"),
    ],
)
def test_drawing(means: list[float], each: int, expected: str) -> None:
    assert drawing(bins_of(*means), each) == expected


def test_the_highest_block_is_the_peak_held_all_the_time() -> None:
    assert drawing(bins_of(10, 6, 10, peak=10), 1) == "█▅█"
    assert drawing(bins_of(0, 6, 2, peak=10), 1) == "▁▅▂"


def test_chart() -> None:
    drawn = chart([("web", timeline(*range(12))), ("jobs", timeline(*[3] * 12))], 80, seconds)
    assert drawn.splitlines() == [
        "in use  2026-01-01 10:00:00 to 10:11:00, a column 60 s  at most",
        "web     ▁▂▂▃▄▄▅▅▆▇▇█                                         11",
        "jobs    ████████████                                          3",
    ]


@pytest.mark.parametrize("width", [36, 40, 50, 60, 80, 200])
@pytest.mark.parametrize("bins", [10, 59])
def test_no_chart_is_too_wide(width: int, bins: int) -> None:
    drawn = chart([("QueuePool", timeline(*range(bins)))], width, seconds)
    assert all(len(line) <= width for line in drawn.splitlines())
    assert bool(drawn) == (width >= 40)


def test_what_tells_nothing_is_not_drawn() -> None:
    assert is_drawn(timeline(*[2] * 10))
    assert not is_drawn(timeline(*[2] * 9))
    assert not is_drawn(timeline(*[1] * 50))


@pytest.mark.parametrize(("encoding", "blocks"), [("utf-8", BLOCKS), ("ascii", ASCII), ("cp1252", ASCII)])
def test_a_terminal_that_prints_no_blocks(encoding: str, blocks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    assert main(["analyze", BUSY]) == 0
    text = written.getvalue().decode(encoding)
    assert blocks[-1] * 5 in text
    assert "?" not in text.split("at most")[1].splitlines()[1]
