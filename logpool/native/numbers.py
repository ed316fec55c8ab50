"""Columns of numbers -> tables: counted, tallied, followed."""

from __future__ import annotations

from array import array
from ctypes import byref, c_void_p
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from logpool.late import pl
from logpool.native.columns import Lent, column_of, width_of
from logpool.native.library import NO_TIME, library, must
from logpool.native.structures import CourseStructure, ListStructure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from ctypes import Array


def tables_of(names: Sequence[Sequence[str]], made: Callable[..., int], *arguments: object) -> list[pl.DataFrame]:
    """The tables that a function makes, Int64, by the names of their columns; ``NO_TIME`` becomes null."""
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


def table_of(columns: Sequence[str], made: Callable[..., int], *arguments: object) -> pl.DataFrame:
    """The one table that a function makes, Int64."""
    return tables_of([columns], made, *arguments)[0]


def joined(columns: Sequence[pl.Series]) -> pl.Series:
    """Columns, UInt32 or Int64, one behind the other, in one piece: polars takes new memory for that each time."""
    first = columns[0]
    dtype = first.dtype
    lent = [Lent(column, type(dtype)) for column in columns]
    sizes = array("q", map(len, columns))
    gaps = any(column.null_count() for column in columns)
    found = column_of(
        library().joined_out, width_of(type(dtype)), gaps, len(lent), _addresses(lent), sizes.buffer_info()[0]
    )
    return found.alias(first.name)


def small(table: pl.DataFrame, *names: str) -> pl.DataFrame:
    """A table with some columns as UInt32."""
    return pl.DataFrame([column.cast(pl.UInt32) if column.name in names else column for column in table])


def counted(one: pl.Series, other: pl.Series) -> pl.DataFrame:
    """How often each pair stands in two columns, UInt32 and Int64: ``one``, ``other``, ``count``."""
    return table_of(("one", "other", "count"), library().count, Lent(one, pl.UInt32), Lent(other, pl.Int64), len(one))


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
    before = [] if kept is None else [Lent(kept[name], pl.Int64) for name in names]
    lent = [Lent(column, pl.Int64) for column in values.values()]
    return table_of(
        names,
        library().tally,
        _addresses(before),
        0 if kept is None else kept.height,
        Lent(labels, pl.UInt32),
        Lent(times, pl.Int64),
        len(labels),
        width,
        _addresses(lent),
        len(lent),
    )


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
    latest, last = (NO_TIME if time is None else time for time in (before.latest, before.last))
    course = CourseStructure(latest, 0, last, 0, 0)
    library().follow(Lent(times, pl.Int64), len(times), byref(course))
    if course.last == NO_TIME:
        return Course()
    return Course(course.latest, course.fall, course.last, course.least, course.greatest)


def ends_of(labels: pl.Series) -> pl.DataFrame:
    """Where each label, a small number, stands: ``label``, the ``first`` and the ``last`` place, by the first ones.

    And how often: ``count``. All Int64.
    """
    return table_of(
        ("label", "first", "last", "count"), library().ends, Lent(labels, pl.UInt32), len(labels), _count_of(labels)
    )


def places_of(labels: pl.Series, asked: pl.Series) -> pl.Series:
    """Where labels stand that are asked for, UInt32.

    Args:
        labels: small numbers, UInt32.
        asked: of each label whether it is, Boolean.
    """
    found = ListStructure()
    must(library().labelled(Lent(labels, pl.UInt32), len(labels), Lent(asked.cast(pl.UInt8), pl.UInt8), byref(found)))
    return column_of(library().list_out, byref(found))


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
    arguments = (Lent(labels, pl.UInt32), Lent(values, pl.Int64), len(labels), _count_of(labels))
    return table_of(("label", "least", "greatest"), library().extremes, *arguments)


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
                Lent(events["thread"], pl.UInt32),
                events.height,
                Lent(labels, pl.UInt32),
                Lent(wanted["place"], pl.Int64),
                Lent(wanted["label"], pl.UInt32),
                Lent(wanted["thread"], pl.UInt32),
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
    heights, stack = tables_of(
        (("height", "unused", "count"), ("height",)),
        library().pile,
        Lent(moves, pl.UInt8),
        len(moves),
        Lent(before, pl.Int64),
        len(before),
    )
    return heights.drop("unused"), stack["height"]
