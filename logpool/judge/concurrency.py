"""How many connections are open, and how many in use, over the log: the levels after each step, and their peaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(NamedTuple):
    """Connections open and in use: now, and at most."""

    open: int = 0
    out: int = 0
    peak_open: int = 0
    peak_out: int = 0


#: of the steps of one part in one run of them: how many more are in use after it, the sum of each step's times its
#: microseconds, the highest levels in it, the number of its last step, and the levels after that
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

    def add(self, steps: pl.DataFrame) -> pl.DataFrame:
        """Adds the steps of a batch.

        Args:
            steps: as :meth:`followed` takes them, with ``seq``; ``bin``, the interval of each; and ``after``, the
                microseconds of each after that begins, null without a time.

        Returns:
            A row per part and run of steps in one interval, as :data:`CLIMB`, in the log's order of each part.
        """
        if not steps.height:
            return pl.DataFrame(schema=CLIMB)
        rows = self.followed(steps.select_seq("part", "bin", "seq", "after", "opened", "closed", "out")).select_seq(
            "part",
            "bin",
            "seq",
            "out",
            "open",
            "in_use",
            # what is opened and closed at once was open at the same time
            most=pl.col("open") + pl.col("closed"),
            moment=pl.col("out") * pl.col("after"),
            run=(pl.col("part").ne_missing(pl.col("part").shift(1)) | pl.col("bin").ne_missing(pl.col("bin").shift(1)))
            .cast(pl.UInt32)
            .cum_sum(),
        )
        found = rows.group_by("run", maintain_order=True).agg(
            pl.col("part", "bin").first(),
            pl.col("out", "moment").sum(),
            most_open=pl.col("most").max(),
            most_out=pl.col("in_use").max(),
            last=pl.col("seq").last(),
            last_open=pl.col("open").last(),
            last_out=pl.col("in_use").last(),
        )
        self._peak(found)
        return found.select_seq(CLIMB.keys()).cast(CLIMB)  # type: ignore[arg-type]

    def rise(self, steps: pl.DataFrame) -> None:
        """Adds the steps of a batch, as :meth:`followed` takes them, without telling when the levels were reached."""
        if steps.height:
            rows = self.followed(steps.select_seq("part", "opened", "closed", "out"))
            self._peak(rows.select_seq("part", most_open=pl.col("open") + pl.col("closed"), most_out="in_use"))

    def _peak(self, rows: pl.DataFrame) -> None:
        for part, most_open, most_out in rows.group_by("part").agg(pl.col("most_open", "most_out").max()).iter_rows():
            now = self.levels[part]
            self.levels[part] = now._replace(
                peak_open=max(now.peak_open, most_open), peak_out=max(now.peak_out, most_out)
            )

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())


def with_part(steps: pl.DataFrame, parts: Sequence[int]) -> pl.DataFrame:
    """Steps with the part that the group of each belongs to."""
    return steps.with_columns_seq(pl.Series("part", parts, dtype=pl.UInt32)[steps["group"]])


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
