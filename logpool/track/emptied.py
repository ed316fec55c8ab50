"""Connections that a listener took out of the pool's hands when they were checked out.

SQLAlchemy's recipe for forked processes does so: its listener finds out that a connection was made by another process,
puts None in its place, and raises a DisconnectionError. The pool then says ``checked out`` of that connection,
``Disconnection detected on checkout, invalidating individual connection None``, and creates another one for the same
checkout. No ``Invalidate`` follows, as there is nothing left to invalidate; so it is added here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from logpool.schema import Kind, Reason

_LAST = {"group": pl.UInt32, "thread": pl.UInt32, "before": pl.Int64, "taken": pl.UInt32}
_PLACE = ["group", "thread"]


@dataclass
class Emptied:
    """Carries the last checkout of every pool and thread from batch to batch.

    Attributes:
        checkouts: the numbers of the events at which those of the last batch began.
    """

    checkouts: list[int] = field(default_factory=list)
    _last: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LAST))

    def named(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of a batch, such a disconnection as the invalidation of the connection that it befell."""
        kind = pl.col("kind")
        taken = rows.filter((kind == int(Kind.CHECKED_OUT)) & pl.col("connection").is_not_null())
        taken = taken.select("group", "thread", before="seq", taken="connection")
        known, self.checkouts = pl.concat([self._last, taken]), []
        self._last = known.unique(_PLACE, keep="last")
        nameless = (
            (kind == int(Kind.DISCONNECTED))
            & pl.col("connection").is_null()
            & (pl.col("reason") == int(Reason.INDIVIDUAL))
        )
        places = rows.select(nameless).to_series().fill_null(value=False)
        return self._filled(rows, places, known) if places.any() else rows

    def _filled(self, rows: pl.DataFrame, places: pl.Series, known: pl.DataFrame) -> pl.DataFrame:
        # a join finds no null
        sought = rows.filter(places).select("seq", *(pl.col(name).cast(pl.Int64).fill_null(-1) for name in _PLACE))
        known = known.with_columns(pl.col(name).cast(pl.Int64).fill_null(-1) for name in _PLACE).sort("before")
        found = sought.join_asof(
            known, left_on="seq", right_on="before", by=_PLACE, coalesce=False, check_sortedness=False
        ).filter(pl.col("taken").is_not_null())
        self.checkouts = found["before"].to_list()
        rows = rows.join(found.select("seq", "taken"), on="seq", how="left", maintain_order="left")
        emptied = pl.col("taken").is_not_null()
        return rows.with_columns(
            connection=pl.coalesce("connection", "taken"),
            kind=pl.when(emptied).then(pl.lit(int(Kind.INVALIDATED), pl.UInt8)).otherwise("kind"),
            reason=pl.when(emptied).then(pl.lit(int(Reason.DISCONNECTION), pl.UInt8)).otherwise("reason"),
        ).drop("taken")
