"""Connections that a listener took out of the pool's hands when they were checked out.

SQLAlchemy's recipe for forked processes does so: its listener finds out that a connection was made by another process,
puts None in its place, and raises a DisconnectionError. The pool then says ``checked out`` of that connection,
``Disconnection detected on checkout, invalidating individual connection None``, and creates another one for the same
checkout. No ``Invalidate`` follows, as there is nothing left to invalidate; so it is added here.
"""

from __future__ import annotations

from dataclasses import field

import polars as pl

from logpool.classes import stateful
from logpool.frames import given, stacked, where
from logpool.native.numbers import ends_of
from logpool.schema import Kind, Reason
from logpool.track.clocks import lasts_of

_LAST = {"group": pl.UInt32, "thread": pl.UInt32, "seq": pl.Int64, "taken": pl.UInt32, "kind": pl.UInt8}
# what names the connection that a checkout is about to get: in place of one that failed, it is created for it
_TAKING = [int(kind) for kind in (Kind.CHECKED_OUT, Kind.CREATED, Kind.PINGED, Kind.PING_SKIPPED)]
_PLACE = ["group", "thread"]
_CHECKED_OUT = int(Kind.CHECKED_OUT)
# by how many events the connection is named before the disconnection, at most: else every thread would be carried on
_REACH = 1 << 18


@stateful
class Emptied:
    """Carries the last connection that every pool and thread took, from batch to batch.

    Attributes:
        begun: the numbers of the events at which those of the last batch were checked out.
        groups: in which they are.
    """

    begun: tuple[int, ...] = ()
    groups: set[int] = field(default_factory=set)
    _last: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_LAST))
    _found: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"seq": pl.Int64}))

    def named(self, events: pl.DataFrame, shapes: pl.DataFrame, first: int, lasts: pl.Series) -> pl.DataFrame:
        """The events of a batch, each such disconnection with the connection that it befell.

        Args:
            events: ``shape``, ``connection``, ``thread`` and whatever.
            shapes: what the shapes mean.
            first: the number of the first event.
            lasts: the places of the last events of each shape.
        """
        self.begun, self.groups, self._found = (), set(), self._found.clear()
        kind, reason = shapes["kind"], shapes["reason"]
        shape, connection, thread = events["shape"], events["connection"], events["thread"]
        individual = (kind == int(Kind.DISCONNECTED)) & (reason == int(Reason.INDIVIDUAL))
        sought = individual[shape] & connection.is_null() if individual.any() else None
        seeks = sought is not None and sought.any()
        threadless = thread.null_count() == len(thread)
        if seeks or not threadless or connection.null_count():
            places = pl.int_range(len(shape), dtype=pl.UInt32, eager=True).filter(connection.is_not_null())
        if threadless and not seeks:
            # the last of a kind in a place is the last of its shape
            places = places[lasts_of(ends_of(shape[places]))] if connection.null_count() else lasts
        places = places.filter(kind.is_in(_TAKING)[shape[places]])
        placed = _placed(places, events, shapes, first)
        taken = given(placed, taken=connection[places], kind=kind[shape[places]])
        known = stacked([self._last, taken])
        self._last = where(known, known["seq"] >= first + len(shape) - _REACH)
        if sought is None or not seeks:
            return events
        found = _last_before(_placed(sought.arg_true(), events, shapes, first), known)
        self._found = found.select_seq("seq")
        begun = _last_before(found.select_seq("group", "thread", "seq"), known.filter(pl.col("kind") == _CHECKED_OUT))
        self.begun, self.groups = tuple(begun["before"]), set(found["group"])
        places = (found["seq"] - first).cast(pl.UInt32)
        return events.with_columns_seq(connection.scatter(places, found["taken"]))

    def told(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of a batch, each such disconnection as the invalidation that it is."""
        if not self._found.height:
            return rows
        emptied = pl.col("seq").is_in(self._found["seq"].implode())
        return rows.with_columns_seq(
            kind=pl.when(emptied).then(pl.lit(int(Kind.INVALIDATED), pl.UInt8)).otherwise("kind"),
            reason=pl.when(emptied).then(pl.lit(int(Reason.DISCONNECTION), pl.UInt8)).otherwise("reason"),
        )


def _placed(places: pl.Series, events: pl.DataFrame, shapes: pl.DataFrame, first: int) -> pl.DataFrame:
    """``group``, ``thread`` and ``seq`` of some events."""
    group, seq = shapes["group"][events["shape"][places]], (places.cast(pl.Int64) + first).alias("seq")
    return pl.DataFrame([group, events["thread"][places], seq])


def _last_before(sought: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What was last said in the same pool and thread before each event: ``before``, and of ``taken``, a connection."""
    # a join finds no null
    by = [pl.col(name).cast(pl.Int64).fill_null(-1).alias(f"its_{name}") for name in _PLACE]
    left = sought.with_columns_seq(by).sort("seq")
    right = known.with_columns_seq(by).select_seq("its_group", "its_thread", "taken", before="seq").sort("before")
    joined = left.join_asof(
        right,
        left_on="seq",
        right_on="before",
        by=["its_group", "its_thread"],
        coalesce=False,
        check_sortedness=False,
    )
    near = pl.col("seq") - pl.col("before") <= _REACH
    return joined.filter(pl.col("taken").is_not_null() & near).select_seq("seq", *_PLACE, "before", "taken")
