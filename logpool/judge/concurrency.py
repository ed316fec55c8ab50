"""How many connections are open, and how many in use, over the log: the levels after each step, and their peaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.native.batches import Steps


class Level(NamedTuple):
    """Connections open and in use: now, and at most."""

    open: int = 0
    out: int = 0
    peak_open: int = 0
    peak_out: int = 0


#: of the steps of one part in one run of them in an interval, ``bin`` (null without a time): how many more are in use
#: after it, the sum of each step's times the microseconds since the interval began, the highest levels in it, the
#: number of its last step, and the levels after that
CLIMB = pl.Schema(
    dict.fromkeys(
        ("part", "bin", "out", "moment", "most_open", "most_out", "last", "last_open", "last_out"),
        pl.Int64,
    )
)


@dataclass
class Concurrency:
    """Running levels of one partition of the pools, such as pools, classes, or all together.

    Attributes:
        levels: by part.
    """

    levels: dict[int, Level] = field(default_factory=dict)

    def add(self, steps: Steps, times: pl.Series, parts: Sequence[int], width: int) -> pl.DataFrame:
        """Adds the steps of a batch.

        Args:
            steps: they.
            times: of the batch's events, microseconds or null.
            parts: the part of each group, a small number.
            width: of the intervals, in microseconds.

        Returns:
            A row per part and run of steps in one interval, as :data:`CLIMB`.
        """
        levels = [self.of(part) for part in range(1 + max(parts, default=-1))]
        found, after = steps.climbed(times, parts, width, levels)
        self.levels |= {part: Level(*after[part]) for part in found["part"].unique()}
        return found

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())
