"""The events of a batch, by their places; and the whole uses and whole lives among them."""

from __future__ import annotations

from ctypes import byref

import polars as pl

from logpool.native.columns import Lent, column_of, taken_over
from logpool.native.library import library, must
from logpool.native.numbers import small, tables_of
from logpool.native.structures import EventsStructure, PointsStructure

_KEYS = ("key", "unused", "count")
_REST = ("key", "place", "before", "more")
#: whole uses and whole lives: a place each, UInt32, but for how many uses a life has, and whether a use is the first;
#: ``born``, where the connection was created, ``NONE`` where that is not in the batch
USES = ("group", "connection", "before", "begin", "end", "fresh", "born")
LIVES = ("group", "connection", "back", "begin", "end", "uses")


def wholes_of(
    shapes: pl.Series, connections: pl.Series, roles: pl.Series, bases: pl.Series, open_: pl.Series
) -> tuple[pl.Series, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Takes whole uses and whole lives out of events: see :mod:`logpool.track.wholes`.

    Args:
        shapes: of each event, UInt32.
        connections: the connection of each, UInt32, or null.
        roles: of each shape the role, UInt8; 0 for what is left out.
        bases: of each shape what makes a key of its connection when added to it, Int64.
        open_: the keys of connections that are open before, Int64.

    Returns:
        The keys; uses, as :data:`USES`; lives, as :data:`LIVES`; of the rest ``key`` and
        ``more``, Int64, and ``place`` and ``before``, UInt32, null for none.
    """
    native = library()
    whole = [native.places_new(len(USES)), native.places_new(len(LIVES))]
    try:
        must(all(whole))

        def made(keys: object, rest: object) -> int:
            done: int = native.wholes(
                Lent(shapes, pl.UInt32),
                Lent(connections, pl.UInt32),
                len(shapes),
                Lent(roles, pl.UInt8),
                Lent(bases, pl.Int64),
                Lent(open_, pl.Int64),
                len(open_),
                keys,
                *whole,
                rest,
            )
            return done

        keys, rest = tables_of((_KEYS, _REST), made)
        uses, lives = (
            pl.DataFrame({name: column_of(native.column_out, places, at) for at, name in enumerate(names)})
            for places, names in zip(whole, (USES, LIVES), strict=True)
        )
    finally:
        for places in whole:
            native.places_free(places)
    return keys["key"], uses, lives, small(rest, "place", "before")


class Events:
    """The events of a batch, for the compiled part to look up.

    Attributes:
        first: the number of the first one.
        group_count: above the numbers of all groups.
        has_threads: whether any event shows its thread.
        structure: they, as the compiled part takes them.
    """

    def __init__(self, events: pl.DataFrame, first: int, groups: pl.Series) -> None:
        """Lends them.

        Args:
            events: ``shape``, ``thread``, ``time``, ``line`` and ``source``.
            first: the number of the first one.
            groups: of the shapes.
        """
        self._lent = {
            "shape": Lent(events["shape"], pl.UInt32),
            "source": Lent(events["source"], pl.UInt32),
            "time": Lent(events["time"], pl.Int64),
            "line": Lent(events["line"], pl.Int64),
            "thread": Lent(events["thread"], pl.UInt32),
            "groups": Lent(groups, pl.UInt32),
        }
        self.first = first
        last = groups.max()
        self.group_count = 0 if last is None else int(last) + 1  # type: ignore[arg-type]
        self.has_threads = events["thread"].null_count() < events.height
        addresses = {name: column.address for name, column in self._lent.items()}
        self.structure = EventsStructure(events.height, first, **addresses)

    def points(self, places: pl.Series) -> dict[str, pl.Series]:
        """Which events some are, and when and where they stand: ``seq``, ``time``, ``line`` and ``source``.

        Args:
            places: theirs in the batch, UInt32.
        """
        found = PointsStructure()
        must(library().points(byref(self.structure), Lent(places, pl.UInt32), len(places), byref(found)))
        try:
            return {
                "seq": taken_over(found, "seq", 8),
                "time": taken_over(found, "time", 8, gaps=True),
                "line": taken_over(found, "line", 8),
                "source": taken_over(found, "source"),
            }
        finally:
            library().points_free(byref(found))
