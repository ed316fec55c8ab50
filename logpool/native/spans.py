"""What is known of whole uses, and of whole lives: how long, how many at once, what came next."""

from __future__ import annotations

import ctypes
from array import array
from ctypes import byref, c_int64
from typing import TYPE_CHECKING

import polars as pl

from logpool.native.columns import Lent, column_of
from logpool.native.library import NO_TIME, library, must
from logpool.native.numbers import small, table_of
from logpool.native.structures import ListStructure, SpansStructure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.native.events import Events

# a stretch of all times
_ALL = 63


class Spans:
    """Whole uses, or whole lives: from one event of a batch to another."""

    def __init__(self, events: Events, rows: pl.DataFrame) -> None:
        """Measures those in rows, as :data:`USES`, or :data:`LIVES`."""
        self._events = events
        self._lent = {name: Lent(rows[name], pl.UInt32) for name in rows.columns}
        addresses = {name: self._lent[name].address for name in ("group", "begin", "end")}
        self._free = library().spans_end
        self._structure = SpansStructure(ctypes.pointer(events.structure), rows.height, **addresses)
        must(library().spans_begin(byref(self._structure)))
        self._group_count = events.group_count

    def __del__(self) -> None:
        self._free(byref(self._structure))

    def reach(self) -> tuple[int, int] | None:
        """The first and the last time at which one begins that has a length; None where none has."""
        first = self._structure.first
        return None if first == NO_TIME else (first, self._structure.last)

    def counted(
        self, parts: Sequence[int] | None = None, power: int = _ALL, first: int = 0, stretches: int = 1
    ) -> pl.DataFrame:
        """How often each length, microseconds, stands in each stretch of time; less than nothing counts as nothing.

        Args:
            parts: of each group the number of the part that it belongs to; its own where left out.
            power: a stretch is two to that many microseconds.
            first: the number of the first stretch.
            stretches: how many there are at most.

        Returns:
            ``one``, the number of the part times ``stretches`` and that of the stretch from the first on; ``other``,
            the length; and ``count``. All Int64.
        """
        own = array("I", range(self._group_count) if parts is None else parts)
        numbers = (own.buffer_info()[0], power, first, stretches)
        return table_of(("one", "other", "count"), library().spans_count, byref(self._structure), *numbers)

    def most(self) -> list[int]:
        """For each group below a number the most events from the begin of one to its end; 0 for none."""
        found = (c_int64 * self._group_count)()
        library().spans_most(byref(self._structure), found)
        return list(found)

    def longest(self, most: int, least: dict[int, int]) -> pl.Series:
        """The places among the rows of those that may be among the longest so many of their group, UInt32.

        Args:
            most: how many.
            least: how long they are at least, by group, microseconds; 0 where left out.
        """
        bounds = (c_int64 * self._group_count)(*(least.get(group, 0) for group in range(self._group_count)))
        found = ListStructure()
        must(library().spans_longest(byref(self._structure), most, self._group_count, bounds, byref(found)))
        return column_of(library().list_out, byref(found))

    # -- of uses

    def rested(self) -> pl.DataFrame:
        """What kept connections were good for, per ``group``.

        Returns:
            ``seq``, of the first return that ends the use of one; ``idle``, the longest time before such a use, null
            where none is known.
        """
        columns = (self._lent["before"], self._lent["fresh"], self._group_count)
        found = table_of(("group", "seq", "idle"), library().uses_rested, byref(self._structure), *columns)
        return small(found, "group")

    def fresh(self) -> list[tuple[int, int]]:
        """For each group below a number, how many uses are fresh, and how many are not."""
        counts = (c_int64 * (2 * self._group_count))()
        library().uses_fresh(byref(self._structure), self._lent["fresh"], counts)
        numbers = iter(counts)
        return list(zip(numbers, numbers, strict=True))

    def later(self, time: int, age: int, until: int, mask: int) -> pl.Series:
        """The places among the rows of uses that are not fresh, of connections that are old enough, UInt32.

        Args:
            time: microseconds: if nothing tells when the connection was created, the use begins later.
            age: microseconds: if it was created in the batch, it is older.
            until: the number of an event before which all of them count.
            mask: of those behind it, those count whose number has none of its bits.
        """
        found = ListStructure()
        numbers = (self._lent["fresh"], self._lent["born"], time, age, until, mask)
        must(library().uses_later(byref(self._structure), *numbers, byref(found)))
        return column_of(library().list_out, byref(found))

    # -- of lives

    def at_once(self, groups: Sequence[int], soft: pl.Series, longest: int) -> pl.Series:
        """The places among the rows of lives that end softly, as soon as the connection came back, UInt32.

        Args:
            groups: of which.
            soft: of each shape whether it is such an end, UInt8.
            longest: microseconds.
        """
        asked = array("B", (group in groups for group in range(self._group_count)))
        found = ListStructure()
        numbers = (self._lent["back"], asked.buffer_info()[0], len(asked), Lent(soft, pl.UInt8), longest)
        must(library().lives_at_once(byref(self._structure), *numbers, byref(found)))
        return column_of(library().list_out, byref(found))

    def joined(self, least: int) -> pl.DataFrame:
        """Lives that were used at least so often, those of a group that overlap as one, in order.

        Returns:
            ``group``; the numbers of the first event, ``start``, and the last, ``end``; the last ``time`` of an end,
            and when the first one has ``begun``, null for none. All Int64.
        """
        numbers = (self._lent["uses"], least, self._group_count)
        return table_of(
            ("group", "start", "end", "time", "begun"), library().lives_joined, byref(self._structure), *numbers
        )

    def followed(self, groups: Sequence[int], soft: pl.Series, shapes: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Lives that end softly, by what their group and thread says next.

        Args:
            groups: of each group, whether such lives are left (0), settled at once (1), or once something follows (2).
            soft: of each shape whether it is such an end, UInt8.
            shapes: of each shape, what it does that follows: it leaves the life (0), settles it (1), or changes
                nothing (2), UInt8.

        Returns:
            How many are settled: ``group`` and ``count``, Int64. And the places among the rows of the others, UInt32.
        """
        asked = array("B", groups)
        left = ListStructure()
        columns = (Lent(soft, pl.UInt8), Lent(shapes, pl.UInt8))

        def made(settled: object) -> int:
            numbers = (asked.buffer_info()[0], *columns, len(asked), settled, byref(left))
            done: int = library().lives_followed(byref(self._structure), *numbers)
            return done

        return table_of(("group", "count"), made), column_of(library().list_out, byref(left))
