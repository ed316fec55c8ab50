"""Where the clock of a process steps back: a time earlier than the one before it, in the order of the lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from logpool.track.neighbours import MARK

# "back": by how many microseconds the time is earlier than the one before it in the same process and pool
_BACK = {"place": pl.UInt32, "back": pl.Int64}
SETBACK = {"group": pl.UInt32, "back": pl.Int64, **MARK}

#: microseconds: threads that print at once, and the grain of the times, are no clock that steps back
LEAST_STEP = 100_000


@dataclass
class Clocks:
    """Follows the time of each pool in each process, batch by batch."""

    _latest: int | None = None
    _last: dict[int, int] = field(default_factory=dict)

    def take(self, times: pl.Series, groups: pl.Series) -> pl.DataFrame:
        """The steps back of one batch, in the log's order.

        Args:
            times: of its events, microseconds or null.
            groups: of its events; null where no pool is named.

        Returns:
            ``place`` in the batch, ``back``.
        """
        timed = pl.DataFrame([groups.alias("group"), times.alias("time")]).with_row_index("place").drop_nulls()
        if not timed.height:
            return pl.DataFrame(schema=_BACK)
        before = self._last.copy()
        self._last |= dict(timed.group_by("group").agg(pl.col("time").last()).iter_rows())
        # no process steps back where the whole log does not
        latest = timed["time"].cum_max() if self._latest is None else timed["time"].cum_max().clip(self._latest)
        self._latest = int(latest[-1])
        if not (latest - timed["time"] >= LEAST_STEP).any():
            return pl.DataFrame(schema=_BACK)
        known = pl.DataFrame(list(before.items()), schema={"group": pl.UInt32, "known": pl.Int64}, orient="row")
        timed = timed.join(known, on="group", how="left", maintain_order="left")
        previous = pl.col("time").shift(1).over("group").fill_null(pl.col("known"))
        return timed.with_columns(back=previous - pl.col("time")).filter(pl.col("back") >= LEAST_STEP)[list(_BACK)]
