"""How many connections are open, and how many in use, over the log: the levels after each step, and their peaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.native.numbers import climbed

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(NamedTuple):
    """Connections open and in use: now, and at most."""

    open: int = 0
    out: int = 0
    peak_open: int = 0
    peak_out: int = 0


#: of the steps of one part in one run of them in an interval, ``bin`` (null without a time): how many more are in use
#: after it, the sum of each step's times the microseconds since the interval began, the highest levels in it, the
#: number of its last step, and the levels after that
CLIMB = {
    "part": pl.Int64,
    "bin": pl.Int64,
    "out": pl.Int64,
    "moment": pl.Int64,
    "most_open": pl.Int64,
    "most_out": pl.Int64,
    "last": pl.Int64,
    "last_open": pl.Int64,
    "last_out": pl.Int64,
}


@dataclass
class Concurrency:
    """Running levels of one partition of the pools, such as pools, classes, or all together.

    Attributes:
        levels: by part.
    """

    levels: dict[int, Level] = field(default_factory=dict)

    def followed(self, steps: pl.DataFrame) -> pl.DataFrame:
        """Steps by part, with the levels that they lead to.

        Args:
            steps: in the log's order, with ``part``, a small number, and ``opened``, ``closed`` and ``out``.

        Returns:
            The same by part, with ``open`` and ``in_use``, of which those at the end are the levels from now on.
        """
        rows = by_part(steps)
        rows = rows.with_columns_seq(
            open=(pl.col("opened") - pl.col("closed")).cum_sum(), in_use=pl.col("out").cum_sum().cast(pl.Int64)
        )
        # the sums go on from part to part: each part begins at its own level
        bases: list[tuple[int, int]] = []
        reached = (0, 0)
        for end, part in ends_of(rows["part"]):
            known = self.levels.get(part, Level())
            bases += [(0, 0)] * (part + 1 - len(bases))
            bases[part] = known.open - reached[0], known.out - reached[1]
            reached = int(rows["open"][end]), int(rows["in_use"][end])
            self.levels[part] = known._replace(open=reached[0] + bases[part][0], out=reached[1] + bases[part][1])
        base = pl.DataFrame(bases, schema={"open": pl.Int64, "in_use": pl.Int64}, orient="row")
        return rows.with_columns_seq(rows[name] + base[name][rows["part"]] for name in base.columns)

    def add(self, steps: pl.DataFrame, parts: Sequence[int], width: int) -> pl.DataFrame:
        """Adds the steps of a batch.

        Args:
            steps: in the log's order: ``group``, ``time`` (or null), ``seq``, ``opened``, ``closed`` and ``out``.
            parts: the part of each group, a small number.
            width: of the intervals, in microseconds.

        Returns:
            A row per part and run of steps in one interval, as :data:`CLIMB`.
        """
        levels = [self.of(part) for part in range(1 + max(parts, default=-1))]
        found, after = climbed(steps, parts, width, levels)
        self.levels |= {part: Level(*after[part]) for part in found["part"].unique()}
        return found.select_seq(CLIMB.keys())

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())


def by_part(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each part together, in their order: neighbours are then of one part, but at its edges."""
    part = rows["part"]
    if part.min() == part.max():
        return rows
    places = rows.select_seq("part", row=pl.int_range(pl.len(), dtype=pl.UInt32))
    return rows[places.group_by("part", maintain_order=True).agg("row")["row"].explode()]


def ends_of(parts: pl.Series) -> list[tuple[int, int]]:
    """Where the rows of each part end, and the part."""
    runs = parts.rle().struct
    return list(zip((runs.field("len").cum_sum() - 1).to_list(), runs.field("value").to_list(), strict=True))
