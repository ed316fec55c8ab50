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
        """Adds steps ``part``, ``open``, ``out``, in the log's order."""
        if not steps.height:
            return
        ordered = steps.sort("part", maintain_order=True)
        sums = ordered.select(
            "part",
            pl.col("open").cast(pl.Int64).cum_sum().over("part"),
            pl.col("out").cast(pl.Int64).cum_sum().over("part"),
        )
        found = sums.group_by("part").agg(
            pl.col("open").last(),
            pl.col("out").last(),
            pl.col("open").max().alias("peak_open"),
            pl.col("out").max().alias("peak_out"),
        )
        for part, opened, out, peak_open, peak_out in found.iter_rows():
            now = self.levels.get(part, Level())
            self.levels[part] = Level(
                now.open + opened,
                now.out + out,
                max(now.peak_open, now.open + peak_open),
                max(now.peak_out, now.out + peak_out),
            )

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())
