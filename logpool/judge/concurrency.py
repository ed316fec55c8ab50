"""How many connections are open, and how many in use, over the log: the levels after each step, and their peaks."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.frames import where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.native.steps import Steps


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


@stateful
class Concurrency:
    """Running levels of one partition of the pools, such as pools, classes, or all together.

    Attributes:
        levels: by part.
    """

    levels: dict[int, Level] = field(default_factory=dict)

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())


def climb(
    steps: Steps, times: pl.Series, width: int, partitions: Sequence[tuple[Concurrency, Sequence[int]]]
) -> list[pl.DataFrame]:
    """Adds the steps of a batch to several partitions at once.

    Args:
        steps: they.
        times: of the batch's events, microseconds or null.
        width: of the intervals, in microseconds.
        partitions: each with the part of each group, a small number.

    Returns:
        For each partition a row per part and run of steps in one interval, as :data:`CLIMB`.
    """
    firsts, ways, levels = [0], [], []
    for concurrency, parts in partitions:
        ways.append([firsts[-1] + part for part in parts])
        levels += [concurrency.of(part) for part in range(1 + max(parts, default=-1))]
        firsts.append(len(levels))
    found, after = steps.climbed(times, ways, width, levels)
    climbs = []
    for (concurrency, _), first, end in zip(partitions, firsts, firsts[1:], strict=False):
        part = found["part"]
        own = found if len(partitions) == 1 else where(found, (part >= first) & (part < end))
        climbs.append(own.with_columns_seq(pl.col("part") - first) if first else own)
        concurrency.levels |= {part: Level(*after[first + part]) for part in climbs[-1]["part"].unique()}
    return climbs
