"""Columns of numbers -> tables: counted, tallied, followed step by step, taken apart by connection."""

from __future__ import annotations

from ctypes import byref, c_int64, c_uint32, c_void_p
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.native.library import (
    NONE,
    CourseStructure,
    EventsStructure,
    Lent,
    OthersStructure,
    PeakStructure,
    PointsStructure,
    StepsStructure,
    column_of,
    library,
    must,
    taken_over,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ctypes import Array

_NO_TIME = -(1 << 63)


def _tables(names: Sequence[Sequence[str]], made: Callable[..., int], *arguments: object) -> list[pl.DataFrame]:
    """The tables that a function makes, Int64, by the names of their columns."""
    native = library()
    tables = [native.table_new(len(columns)) for columns in names]
    try:
        must(all(tables))
        must(made(*arguments, *tables))
        return [
            pl.DataFrame({name: column_of(native.table_out, table, place) for place, name in enumerate(columns)})
            for columns, table in zip(names, tables, strict=True)
        ]
    finally:
        for table in tables:
            native.table_free(table)


def _table(columns: Sequence[str], made: Callable[..., int], *arguments: object) -> pl.DataFrame:
    return _tables([columns], made, *arguments)[0]


def _timed(times: pl.Series) -> pl.Series:
    return times.fill_null(_NO_TIME) if times.null_count() else times


def counted(one: pl.Series, other: pl.Series) -> pl.DataFrame:
    """How often each pair stands in two columns, UInt32 and Int64: ``one``, ``other``, ``count``."""
    return _table(("one", "other", "count"), library().count, Lent(one, pl.UInt32), Lent(other, pl.Int64), len(one))


def tallied(
    labels: pl.Series, times: pl.Series, width: int, kept: pl.DataFrame | None = None, **values: pl.Series
) -> pl.DataFrame:
    """How often each label, a small number, stands in each interval of time.

    Args:
        labels: UInt32.
        times: Int64, or null.
        width: of an interval.
        kept: what was returned before, of intervals of the same width, to be counted with them; some may stand twice.
        values: columns of which the least value counts, Int64.

    Returns:
        ``label``, ``bin`` (the number of the interval), ``count``, and the ``first`` and ``last`` time, null without a
        time; and the least of the values. All Int64.
    """
    names = ("label", "bin", "count", "first", "last", *values)
    before = [] if kept is None else [Lent(_timed(kept[name]), pl.Int64) for name in names]
    lent = [Lent(column, pl.Int64) for column in values.values()]
    found = _table(
        names,
        library().tally,
        _addresses(before),
        0 if kept is None else kept.height,
        Lent(labels, pl.UInt32),
        Lent(_timed(times), pl.Int64),
        len(labels),
        width,
        _addresses(lent),
        len(lent),
    )
    if not times.null_count() and not (kept is not None and kept["bin"].null_count()):
        return found
    return found.with_columns_seq(pl.col("bin", "first", "last").replace(_NO_TIME, None))


def _addresses(columns: Sequence[Lent]) -> Array[c_void_p]:
    return (c_void_p * len(columns))(*(column.address for column in columns))


class Course(NamedTuple):
    """How times go on, microseconds.

    Attributes:
        latest: of them; None where there are none.
        fall: how far one stands behind the latest before it, at most.
        last: of them.
        least: the least difference between one and the one before it; likewise ``greatest``; 0 where there is none.
    """

    latest: int | None = None
    fall: int = 0
    last: int | None = None
    least: int = 0
    greatest: int = 0


def course_of(times: pl.Series, before: Course) -> Course:
    """How times go on after others; those missing count as not there."""
    latest, last = (_NO_TIME if time is None else time for time in (before.latest, before.last))
    course = CourseStructure(latest, 0, last, 0, 0)
    library().follow(Lent(_timed(times), pl.Int64), len(times), byref(course))
    if course.last == _NO_TIME:
        return Course()
    return Course(course.latest, course.fall, course.last, course.least, course.greatest)


def ends_of(labels: pl.Series) -> pl.DataFrame:
    """Where each label, a small number, stands: ``label``, the ``first`` and the ``last`` place, by the first ones."""
    return _table(("label", "first", "last"), library().ends, Lent(labels, pl.UInt32), len(labels), _count_of(labels))


def _count_of(labels: pl.Series) -> int:
    """The number that all of some labels are below."""
    most = labels.max()
    return most + 1 if isinstance(most, int) else 0


def extremes_of(labels: pl.Series, values: pl.Series) -> pl.DataFrame:
    """The ``least`` and the ``greatest`` value of each ``label``, a small number; null where it has none.

    Args:
        labels: UInt32.
        values: Int64, or null.
    """
    arguments = (Lent(labels, pl.UInt32), Lent(_timed(values), pl.Int64), len(labels), _count_of(labels))
    found = _table(("label", "least", "greatest"), library().extremes, *arguments)
    if not values.null_count():
        return found
    return found.with_columns_seq(pl.col("least", "greatest").replace(_NO_TIME, None))


def nexts_of(events: pl.DataFrame, labels: pl.Series, wanted: pl.DataFrame) -> pl.Series:
    """For each of some places the next one, from there on, at which a thread says something with a label.

    Args:
        events: ``shape`` and ``thread``, or null, UInt32, of each place from 0 on.
        labels: of each shape, UInt32, or null.
        wanted: ``place``, ascending, Int64, of which some may lie before all, or behind all; and for each of them
            ``label`` and ``thread``, or null, UInt32.

    Returns:
        Places, UInt32; null where there is none.
    """
    found = c_void_p()
    native = library()
    sought = native.table_new(len(("label", "thread", "next")))
    try:
        must(sought)
        must(
            native.nexts(
                Lent(events["shape"], pl.UInt32),
                Lent(_known(events["thread"]), pl.UInt32),
                events.height,
                Lent(_known(labels), pl.UInt32),
                Lent(wanted["place"], pl.Int64),
                Lent(wanted["label"], pl.UInt32),
                Lent(_known(wanted["thread"]), pl.UInt32),
                wanted.height,
                sought,
                byref(found),
            )
        )
    finally:
        native.table_free(sought)
    return column_of(native.numbers_out, 4, 1, found, wanted.height)


class Stack(IntEnum):
    """What happens to a stack."""

    TAKE = 0
    PUT = 1
    CLEAR = 2


def piled(moves: pl.Series, before: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Follows a stack.

    Args:
        moves: what happens, :class:`Stack`, UInt8.
        before: of what is there, from the lowest on, the height that was reached above it, itself included; Int64.

    Returns:
        ``height``, that of what was taken, and ``count``, how often it was so, Int64; and the heights afterwards.
    """
    heights, stack = _tables(
        (("height", "unused", "count"), ("height",)),
        library().pile,
        Lent(moves, pl.UInt8),
        len(moves),
        Lent(before, pl.Int64),
        len(before),
    )
    return heights.drop("unused"), stack["height"]


def climbed(
    steps: pl.DataFrame, parts: Sequence[int], width: int, levels: Sequence[tuple[int, int, int, int]]
) -> tuple[pl.DataFrame, list[tuple[int, int, int, int]]]:
    """Follows levels.

    Args:
        steps: ``group``, UInt32; ``time`` and ``seq``, Int64; ``opened``, ``closed`` and ``out``, Int8.
        parts: to which part each group belongs.
        width: of an interval.
        levels: of each part: open and out now, and at most.

    Returns:
        A row per run of a part's steps in one interval: ``part``, ``bin`` (null without a time), ``out`` and
        ``moment`` (the sum of the steps, and of each times how long after the interval's beginning), ``most_open``,
        ``most_out``, and of the ``last`` step ``last_open`` and ``last_out``. And the levels afterwards.
    """
    names = ("part", "bin", "out", "moment", "most_open", "most_out", "last", "last_open", "last_out")
    memory = (c_int64 * (4 * len(levels)))(*(number for level in levels for number in level))
    found = _table(
        names,
        library().climb,
        Lent(steps["group"], pl.UInt32),
        Lent(_timed(steps["time"]), pl.Int64),
        Lent(steps["seq"], pl.Int64),
        *(Lent(steps[name], pl.Int8) for name in ("opened", "closed", "out")),
        steps.height,
        (c_uint32 * len(parts))(*parts),
        len(levels),
        width,
        memory,
    )
    if steps["time"].null_count():
        found = found.with_columns_seq(pl.col("bin").replace(_NO_TIME, None))
    numbers = iter(memory)
    return found, list(zip(numbers, numbers, numbers, numbers, strict=True))


_KEYS = ("key", "unused", "count")
_USES = ("key", "before", "begin", "end", "fresh")
_LIVES = ("key", "begin", "back", "end", "uses")
_REST = ("key", "place", "before", "more")


def wholes_of(
    shapes: pl.Series, connections: pl.Series, roles: pl.Series, bases: pl.Series, known: pl.Series
) -> tuple[pl.Series, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Takes whole uses and whole lives out of events: see :mod:`logpool.track.wholes`.

    Args:
        shapes: of each event, UInt32.
        connections: the connection of each, UInt32, or null.
        roles: of each shape the role, UInt8; 0 for what is left out.
        bases: of each shape what makes a key of its connection when added to it, Int64.
        known: the keys of connections that are open before, Int64.

    Returns:
        The keys; ``key``, ``before``, ``begin``, ``end`` and ``fresh`` of uses; ``key``, ``begin``, ``back``, ``end``
        and ``uses`` of lives; ``key``, ``place``, ``before`` (-1 for none) and ``more`` of the rest. All Int64.
    """
    keys, uses, lives, rest = _tables(
        (_KEYS, _USES, _LIVES, _REST),
        library().wholes,
        Lent(shapes, pl.UInt32),
        Lent(_known(connections), pl.UInt32),
        len(shapes),
        Lent(roles, pl.UInt8),
        Lent(bases, pl.Int64),
        Lent(known, pl.Int64),
        len(known),
    )
    return keys["key"], uses, lives, rest


_CHANGES = ("opened", "closed", "out")


class Events:
    """The events of a batch, for the compiled part to look up."""

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
            "time": Lent(_timed(events["time"]), pl.Int64),
            "line": Lent(events["line"], pl.Int64),
            "thread": Lent(_known(events["thread"]), pl.UInt32),
            "groups": Lent(_known(groups), pl.UInt32),
        }
        addresses = {name: column.address for name, column in self._lent.items()}
        self._structure = EventsStructure(events.height, first, **addresses)

    def points(self, places: pl.Series) -> dict[str, pl.Series]:
        """Which events some are, and when and where they stand: ``seq``, ``time``, ``line`` and ``source``.

        Args:
            places: theirs in the batch, Int64.
        """
        found = PointsStructure()
        must(library().points(byref(self._structure), Lent(places, pl.Int64), len(places), byref(found)))
        try:
            return {
                "seq": taken_over(found, "seq", 8),
                "time": taken_over(found, "time", 8, gaps=True),
                "line": taken_over(found, "line", 8),
                "source": taken_over(found, "source"),
            }
        finally:
            library().points_free(byref(found))

    def steps(self, uses: pl.DataFrame, lives: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
        """Puts the steps of the batch in order.

        Args:
            uses: ``begin`` and ``end``, places, Int64.
            lives: likewise.
            others: of the places at which something else happens than there: ``place``, UInt32; ``opened``, ``closed``
                and ``out``, Int8; and with ``out`` the number of the event with which the checkout began, ``out_seq``,
                Int64, and ``out_thread``, UInt32.

        Returns:
            ``seq``, ``group``, ``time``, ``line`` and ``source`` of each place where anything changes; ``opened``,
            ``closed`` and ``out``; and with ``out``, ``out_seq`` and ``out_thread``.
        """
        lent = {
            "place": Lent(others["place"], pl.UInt32),
            "thread": Lent(_known(others["out_thread"]), pl.UInt32),
            "begin": Lent(_timed(others["out_seq"]), pl.Int64),
            **{name: Lent(others[name], pl.Int8) for name in _CHANGES},
        }
        whole = [
            argument
            for rows in (uses, lives)
            for argument in (Lent(rows["begin"], pl.Int64), Lent(rows["end"], pl.Int64), rows.height)
        ]
        found = StepsStructure()
        other = OthersStructure(others.height, **{name: column.address for name, column in lent.items()})
        must(library().steps(byref(self._structure), *whole, byref(other), byref(found)))
        try:
            return pl.DataFrame(
                {
                    "seq": taken_over(found, "seq", 8),
                    "group": taken_over(found, "group", gaps=True),
                    "time": taken_over(found, "time", 8, gaps=True),
                    "line": taken_over(found, "line", 8),
                    "source": taken_over(found, "source"),
                    **{name: taken_over(found, name, 1) for name in _CHANGES},
                    "out_seq": taken_over(found, "begin", 8, gaps=True),
                    "out_thread": taken_over(found, "thread", gaps=True),
                }
            )
        finally:
            library().steps_free(byref(found))


def _known(numbers: pl.Series) -> pl.Series:
    return numbers.fill_null(NONE) if numbers.null_count() else numbers


class Peak(NamedTuple):
    """What one group of connections has been through; times in microseconds, None for none.

    Attributes:
        level: how many are in use now.
        peak: at most.
        first: the first step's time.
        latest: the latest.
        since: since when they have been at the peak; None where they are not. By the step in ``line`` of ``source``.
    """

    level: int
    peak: int
    first: int | None
    latest: int | None
    since: int | None
    line: int
    source: int


class Peaks:
    """Follows how many connections of each group are in use, and how long they are at their peak."""

    def __init__(self) -> None:
        self._memory = (PeakStructure * 0)()

    def __len__(self) -> int:
        return len(self._memory)

    def of(self, group: int) -> Peak:
        """What a group has been through."""
        state = self._memory[group]
        first, latest, since = (None if time == _NO_TIME else time for time in (state.first, state.latest, state.since))
        return Peak(state.level, state.peak, first, latest, since, state.line, state.source)

    def take(self, steps: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Follows some steps.

        Args:
            steps: ``group``, UInt32; ``time``, Int64, or null; ``out``, Int8: how many more are in use after it;
                ``line``, Int64, and ``source``, UInt32: where it stands; ``out_thread``, UInt32, or null.

        Returns:
            The visits that ended at the highest level so far: ``group``, ``time``, ``end``, ``line``, ``source``,
            ``level``. And the threads that reached it: ``group``, ``thread``, ``level``.
        """
        most = steps["group"].max()
        if isinstance(most, int) and most >= len(self):
            memory = (PeakStructure * (most + 1))(*self._memory)
            for group in range(len(self), most + 1):
                memory[group] = PeakStructure(0, 0, _NO_TIME, _NO_TIME, _NO_TIME, 0, 0)
            self._memory = memory
        visits, reached = _tables(
            (("group", "time", "end", "line", "source", "level"), ("group", "thread", "level")),
            library().peaks,
            Lent(steps["group"], pl.UInt32),
            Lent(_timed(steps["time"]), pl.Int64),
            Lent(steps["out"], pl.Int8),
            Lent(steps["line"], pl.Int64),
            Lent(steps["source"], pl.UInt32),
            Lent(_known(steps["out_thread"]), pl.UInt32),
            steps.height,
            self._memory,
        )
        return visits, reached
