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


#: of the steps of one part in one run of them: how the levels changed, and the highest in it above its beginning
CLIMB = {
    "part": pl.Int64,
    "run": pl.UInt32,
    "open": pl.Int64,
    "out": pl.Int64,
    "most_open": pl.Int64,
    "most_out": pl.Int64,
    "moment": pl.Int64,
    "bin": pl.Int64,
    "last": pl.Int64,
}


def climbed(steps: pl.DataFrame) -> pl.DataFrame:
    """Sums steps up, run by run, so that levels over time and their peaks follow from few rows.

    Args:
        steps: in the log's order: ``part``; ``run``, which grows; ``seq``; ``opened``, ``closed`` and ``out``; and of
            the run ``bin``, and ``after``, the microseconds of each step after that begins, null without a time.

    Returns:
        A row per part and run, as :data:`CLIMB`, in the log's order; ``moment`` is the sum of ``out`` times ``after``.
    """
    rows = steps.select(
        "part",
        "run",
        "seq",
        "bin",
        change=pl.col("opened").cast(pl.Int32) - pl.col("closed").cast(pl.Int32),
        closed=pl.col("closed").cast(pl.Int32),
        out=pl.col("out").cast(pl.Int32),
        moment=pl.col("out") * pl.col("after"),
    )
    change, out = pl.col("change"), pl.col("out")
    found = rows.group_by("part", "run", maintain_order=True).agg(
        open=change.sum(),
        out=out.sum(),
        # what is opened and closed at once was open at the same time
        most_open=(change.cum_sum() + pl.col("closed")).max(),
        most_out=out.cum_sum().max(),
        moment=pl.col("moment").sum(),
        bin=pl.col("bin").first(),
        last=pl.col("seq").last(),
    )
    return found.select(CLIMB.keys()).cast(CLIMB)  # type: ignore[arg-type]


@dataclass
class Concurrency:
    """Running levels of one partition of the pools, such as pools, classes, or all together.

    Attributes:
        levels: by part.
    """

    levels: dict[int, Level] = field(default_factory=dict)

    def add(self, climbs: pl.DataFrame) -> pl.DataFrame:
        """Adds what :func:`climbed` found in a batch, and returns it on the levels that the parts stood at."""
        now = pl.DataFrame(
            [(part, level.open, level.out) for part, level in self.levels.items()],
            schema={"part": pl.Int64, "base_open": pl.Int64, "base_out": pl.Int64},
            orient="row",
        )
        rows = climbs.join(now, on="part", how="left", maintain_order="left").with_columns(
            last_open=pl.col("open").cum_sum().over("part") + pl.col("base_open").fill_null(0),
            last_out=pl.col("out").cum_sum().over("part") + pl.col("base_out").fill_null(0),
        )
        rows = rows.with_columns(
            most_open=pl.col("most_open") + pl.col("last_open") - pl.col("open"),
            most_out=pl.col("most_out") + pl.col("last_out") - pl.col("out"),
        )
        found = rows.group_by("part").agg(pl.col("last_open", "last_out").last(), pl.col("most_open", "most_out").max())
        for part, opened, out, most_open, most_out in found.iter_rows():
            peak = self.levels.get(part, Level())
            self.levels[part] = Level(opened, out, max(peak.peak_open, most_open), max(peak.peak_out, most_out))
        return rows.drop("base_open", "base_out")

    def of(self, part: int) -> Level:
        """The level of one part."""
        return self.levels.get(part, Level())
