"""The events of a batch, and what is known of them by their places: whole uses, whole lives, and steps."""

from __future__ import annotations

import ctypes
from array import array
from ctypes import byref, c_int64
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.native.columns import Lent, column_of, taken_over
from logpool.native.library import NO_TIME, library, must
from logpool.native.numbers import small, table_of, tables_of
from logpool.native.structures import (
    EventsStructure,
    ListStructure,
    OthersStructure,
    PeakStructure,
    PointsStructure,
    SpansStructure,
    StepsStructure,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEYS = ("key", "unused", "count")
_REST = ("key", "place", "before", "more")
#: whole uses and whole lives: a place each, UInt32, but for how many uses a life has, and whether a use is the first;
#: ``born``, where the connection was created, ``NONE`` where that is not in the batch
USES = ("group", "connection", "before", "begin", "end", "fresh", "born")
LIVES = ("group", "connection", "back", "begin", "end", "uses")
_CHANGES = ("opened", "closed", "out")
_STEP = {
    "seq": pl.Int64,
    "group": pl.UInt32,
    "time": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    **dict.fromkeys(_CHANGES, pl.Int8),
    "out_seq": pl.Int64,
    "out_thread": pl.UInt32,
}
# a stretch of all times
_ALL = 63


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
        self.group_count = int(groups.max() or 0) + 1  # type: ignore[arg-type]
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
            ``group``; the numbers of the first event, ``start``, and the last, ``end``; and the latest ``time`` of an
            end, null for none. All Int64.
        """
        numbers = (self._lent["uses"], least, self._group_count)
        return table_of(("group", "start", "end", "time"), library().lives_joined, byref(self._structure), *numbers)

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


class Steps:
    """The steps of a batch: where connections are opened and closed, taken and given back, in the log's order.

    Attributes:
        group_count: above the numbers of all groups.
        has_threads: whether the thread of any checkout may be known.
        structure: they, as the compiled part takes them.
    """

    def __init__(self, events: Events, uses: pl.DataFrame, lives: pl.DataFrame, others: pl.DataFrame) -> None:
        """Puts them in order.

        Args:
            events: of the batch.
            uses: ``begin`` and ``end``, places, UInt32.
            lives: likewise.
            others: of the places at which something else happens than there: ``place``, UInt32; ``opened``, ``closed``
                and ``out``, Int8; and with ``out`` the number of the event with which the checkout began, ``out_seq``,
                Int64, and ``out_thread``, UInt32.
        """
        self._free = library().steps_end
        self._events = events
        self.group_count = events.group_count
        self.has_threads = events.has_threads or others["out_thread"].null_count() < others.height
        self._lent = {
            "place": Lent(others["place"], pl.UInt32),
            "thread": Lent(others["out_thread"], pl.UInt32),
            "begin": Lent(others["out_seq"], pl.Int64),
            **{name: Lent(others[name], pl.Int8) for name in _CHANGES},
        }
        self._others = OthersStructure(others.height, **{name: one.address for name, one in self._lent.items()})
        self.structure = StepsStructure()
        whole = [
            argument
            for rows in (uses, lives)
            for argument in (Lent(rows["begin"], pl.UInt32), Lent(rows["end"], pl.UInt32), rows.height)
        ]
        must(library().steps_begin(byref(events.structure), *whole, byref(self._others), byref(self.structure)))

    def __del__(self) -> None:
        self._free(byref(self.structure))

    def table(self) -> pl.DataFrame:
        """All of them.

        Returns:
            ``seq``, ``group``, ``time``, ``line`` and ``source`` of each place where anything changes; ``opened``,
            ``closed`` and ``out``; and with ``out``, ``out_seq`` and ``out_thread``.
        """
        found = table_of(tuple(_STEP), library().steps_out, byref(self.structure))
        return pl.DataFrame([found[name].cast(dtype) for name, dtype in _STEP.items()])

    def balance(self) -> int:
        """How many more connections are open after them."""
        return int(self.structure.balance)

    def opened(self, followed: Sequence[int]) -> pl.DataFrame:
        """Where connections are opened: ``group``, UInt32, and ``seq``, Int64.

        Args:
            followed: of each group below a number, the number of the event behind which it is followed; others are not.
        """
        began = (c_int64 * len(followed))(*followed)
        columns = (byref(self.structure), began, len(followed))
        return small(table_of(("group", "seq"), library().steps_opened, *columns), "group")

    def apart(self, held: pl.DataFrame) -> pl.DataFrame | None:
        """Which checkout each thread has under way after them; None where a thread ever has two of one group.

        Args:
            held: those before: ``group`` and ``out_thread``, UInt32, and ``out_seq``, Int64.
        """
        is_apart = c_int64()
        lent = (Lent(held["group"], pl.UInt32), Lent(held["out_thread"], pl.UInt32), Lent(held["out_seq"], pl.Int64))

        def made(table: object) -> int:
            done: int = library().steps_apart(byref(self.structure), *lent, held.height, byref(is_apart), table)
            return done

        found = table_of(("group", "out_thread", "out_seq"), made)
        return small(found, "group", "out_thread") if is_apart.value else None

    def climbed(
        self, times: pl.Series, ways: Sequence[Sequence[int]], width: int, levels: Sequence[tuple[int, int, int, int]]
    ) -> tuple[pl.DataFrame, list[tuple[int, int, int, int]]]:
        """Follows levels.

        Args:
            times: of the events, microseconds or null.
            ways: to which part each group belongs; in several ways, each with parts of its own.
            width: of an interval.
            levels: of each part: open and out now, and at most.

        Returns:
            A row per run of a part's steps in one interval: ``part``, ``bin`` (null without a time), ``out`` and
            ``moment`` (the sum of the steps, and of each times how long after the interval's beginning), ``most_open``,
            ``most_out``, and of the ``last`` step ``last_open`` and ``last_out``. And the levels afterwards.
        """
        names = ("part", "bin", "out", "moment", "most_open", "most_out", "last", "last_open", "last_out")
        memory = (c_int64 * (4 * len(levels)))(*(number for level in levels for number in level))
        parts = array("I", (part for way in ways for part in way))
        found = table_of(
            names,
            library().climb,
            byref(self.structure),
            Lent(times, pl.Int64),
            parts.buffer_info()[0],
            len(ways),
            len(ways[0]),
            len(levels),
            width,
            memory,
        )
        numbers = iter(memory)
        return found, list(zip(numbers, numbers, numbers, numbers, strict=True))


class Stay(NamedTuple):
    """Some time at the highest level.

    Attributes:
        start: in microseconds; likewise ``end``.
        line: of the step that reached the level, in the file ``source``.
        visits: how often it was reached meanwhile, dips in between.
    """

    start: int
    end: int
    line: int
    source: int
    visits: int

    @property
    def length(self) -> int:
        """In microseconds."""
        return self.end - self.start


class Peak(NamedTuple):
    """What one group of connections has been through; times in microseconds, None for none.

    Attributes:
        level: how many are in use now.
        peak: at most.
        first: the first step's time.
        latest: the latest.
        since: since when they have been at the peak; None where they are not. By the step in ``line`` of ``source``.
        total: how long the visits at the peak were that are over, together.
        visits: how many there were.
        stays: over how many stays, ``current`` not counted.
        current: the stay that the next visit may continue.
        longest: the longest other one.
    """

    level: int
    peak: int
    first: int | None
    latest: int | None
    since: int | None
    line: int
    source: int
    total: int = 0
    visits: int = 0
    stays: int = 0
    current: Stay | None = None
    longest: Stay | None = None


class Peaks:
    """Follows how many connections of each group are in use, and how long they are at their peak."""

    def __init__(self, dip: int) -> None:
        """Visits at the peak that are so many microseconds apart at most are one stay."""
        self.dip = dip
        self._memory = (PeakStructure * 0)()

    def __len__(self) -> int:
        return len(self._memory)

    def of(self, group: int) -> Peak:
        """What a group has been through."""
        state = self._memory[group]
        first, latest, since = (None if time == NO_TIME else time for time in (state.first, state.latest, state.since))
        stays = (
            Stay(stay.start, stay.end, stay.line, stay.source, stay.visits) if stay.visits else None
            for stay in (state.current, state.longest)
        )
        counts = (state.total, state.visits, state.stays)
        return Peak(state.level, state.peak, first, latest, since, state.line, state.source, *counts, *stays)

    def take(self, steps: Steps) -> pl.DataFrame:
        """Follows some steps.

        Returns:
            The threads that reached the highest level so far: ``group``, ``thread``, ``level``.
        """
        if steps.group_count > len(self):
            memory = (PeakStructure * steps.group_count)(*self._memory)
            for group in range(len(self), steps.group_count):
                memory[group].first = memory[group].latest = memory[group].since = NO_TIME
            self._memory = memory
        arguments = (byref(steps.structure), self.dip, self._memory)
        return table_of(("group", "thread", "level"), library().peaks, *arguments)
