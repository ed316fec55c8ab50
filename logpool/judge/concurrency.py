"""How many connections are open, and how many in use, over the log: the peaks, and what is left at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl


class Level(NamedTuple):
    """Connections open and in use: now, and at most."""

    open: int = 0
    out: int = 0
    peak_open: int = 0
    peak_out: int = 0


@dataclass
class Concurrency:
    """Running sums over the steps of one partition of the pools, such as pools, classes, or all together.

    Attributes:
        levels: by part.
    """

    levels: dict[int, Level] = field(default_factory=dict)

    def add(self, steps: pl.DataFrame) -> None:
        """Adds steps ``part``, ``opened``, ``closed``, ``out``, in the log's order."""
        if not steps.height:
            return
        changes = steps.select(
            "part",
            closed=pl.col("closed").cast(pl.Int32),
            change=pl.col("opened").cast(pl.Int32) - pl.col("closed").cast(pl.Int32),
            out=pl.col("out").cast(pl.Int32),
        )
        opened, out = pl.col("change").cum_sum(), pl.col("out").cum_sum()
        # what is opened and closed at once was open at the same time
        levels = {
            "open": pl.col("change").sum(),
            "now_out": pl.col("out").sum(),
            "peak_open": (opened + pl.col("closed")).max(),
            "peak_out": out.max(),
        }
        found = (
            changes.group_by("part").agg(**levels)
            if _many(steps["part"])
            else changes.select(pl.col("part").first(), **levels)
        )
        for part, more_open, more_out, peak_open, peak_out in found.iter_rows():
            now = self.levels.get(part, Level())
            self.levels[part] = Level(
                now.open + more_open,
                now.out + more_out,
                max(now.peak_open, now.open + peak_open),
                max(now.peak_out, now.out + peak_out),
            )

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())


def _many(parts: pl.Series) -> bool:
    return bool(parts.min() != parts.max())
