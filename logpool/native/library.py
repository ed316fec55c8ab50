"""The compiled part itself: how it is found and called, and how columns get into it and out of it.

Columns pass by Arrow's C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), which polars
speaks: nothing is copied on the way in, and what comes out belongs to polars.
"""

from __future__ import annotations

import ctypes
import sys
import zlib
from ctypes import (
    POINTER,
    PYFUNCTYPE,
    Structure,
    addressof,
    byref,
    c_char_p,
    c_int,
    c_int64,
    c_uint32,
    c_void_p,
    py_object,
)
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from logpool.errors import InstallationError
from logpool.late import pl

if TYPE_CHECKING:
    from collections.abc import Callable

_BUILT_BY = "install the package with pip, which builds it"
_ENDINGS = {"win32": "dll", "darwin": "dylib"}
#: stands for no number
NONE = 0xFFFFFFFF


class Schema(Structure):
    """Arrow's description of a column."""

    _fields_ = (
        ("format", c_char_p),
        ("name", c_char_p),
        ("metadata", c_char_p),
        ("flags", c_int64),
        ("n_children", c_int64),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


class Array(Structure):
    """Arrow's column."""

    _fields_ = (
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


class RowsStructure(Structure):
    """Some lines of a block."""

    _fields_ = (
        ("count", c_int64),
        ("room", c_int64),
        ("place", POINTER(c_uint32)),
        ("start", POINTER(c_uint32)),
        ("end", POINTER(c_uint32)),
    )


class SurveyStructure(Structure):
    """What a block holds."""

    _fields_ = tuple((name, c_int64) for name in ("lines", "plain", "nul"))


class NeedleStructure(Structure):
    """A text to look for, and the place in it of two rare bytes."""

    _fields_ = (("text", c_char_p), ("size", c_int64), ("rare", c_int64))


class HalfStructure(Structure):
    """Part of a time, and the texts that number it."""

    _fields_ = (("start", c_int64), ("width", c_int64), ("texts", c_void_p))


class SpanStructure(Structure):
    """Where a time stands."""

    _fields_ = (
        ("anchor", c_char_p),
        ("anchor_size", c_int64),
        ("start", c_int64),
        ("width", c_int64),
        ("half_count", c_int64),
        ("halves", HalfStructure * 2),
    )


class ListStructure(Structure):
    """A list of numbers."""

    _fields_ = (("count", c_int64), ("room", c_int64), ("numbers", POINTER(c_uint32)))


class LikelyStructure(Structure):
    """How lines are cut that are like ones before."""

    _fields_ = (
        ("spans", POINTER(SpanStructure)),
        *((name, c_int64) for name in ("span_count", "half_count", "plain")),
        *((name, c_void_p) for name in ("alikes", "names")),
    )


class PlainStructure(Structure):
    """How times are printed plainly."""

    _fields_ = tuple((name, c_int64) for name in ("gap", "mark", "digits"))


class PatternsStructure(Structure):
    """The patterns of lines, and what is known of them."""

    _fields_ = (("texts", c_void_p), ("known", c_void_p), ("count", c_int64))


class TakenStructure(Structure):
    """What a cut took out of rows."""

    _fields_ = (
        *((name, c_int64) for name in ("count", "half_count", "has_marks", "room")),
        *((name, POINTER(c_uint32)) for name in ("row", "key", "address", "seconds", "thread")),
        ("halves", POINTER(POINTER(c_uint32))),
        *((name, ListStructure) for name in ("first", "unknown")),
    )


class LotStructure(Structure):
    """Lines by what they are."""

    _fields_ = (
        *((name, c_int64) for name in ("count", "room")),
        *((name, POINTER(c_int64)) for name in ("line", "time")),
        *((name, POINTER(c_uint32)) for name in ("label", "name", "thread")),
    )


class FoundStructure(Structure):
    """What lines are beside those that are something."""

    _fields_ = (("last", c_int64), *((name, ListStructure) for name in ("left", "aside", "aside_row", "aside_label")))


class CourseStructure(Structure):
    """How times go on."""

    _fields_ = tuple((name, c_int64) for name in ("latest", "fall", "last", "least", "greatest"))


class StayStructure(Structure):
    """Some time at the peak; 0 visits for none."""

    _fields_ = tuple((name, c_int64) for name in ("start", "end", "line", "source", "visits"))


class PeakStructure(Structure):
    """What one group of connections has been through; where none has been, 0 and the least time."""

    _fields_ = (
        *((name, c_int64) for name in ("level", "peak", "first", "latest", "since", "line", "source")),
        *((name, c_int64) for name in ("total", "visits", "stays")),
        *((name, StayStructure) for name in ("current", "longest")),
    )


class EventsStructure(Structure):
    """Events, and the groups of their shapes."""

    _fields_ = (
        *((name, c_int64) for name in ("count", "first")),
        *((name, c_void_p) for name in ("shape", "source", "thread", "time", "line", "groups")),
    )


class PointsStructure(Structure):
    """Which events some are, and where they stand."""

    _fields_ = (
        ("count", c_int64),
        *((name, c_void_p) for name in ("seq", "time", "line", "source")),
    )


class OthersStructure(Structure):
    """Steps of which somebody else knows."""

    _fields_ = (
        ("count", c_int64),
        *((name, c_void_p) for name in ("place", "thread", "begin", "opened", "closed", "out")),
    )


class StepsStructure(Structure):
    """Steps in order."""

    _fields_ = (
        ("events", POINTER(EventsStructure)),
        ("others", POINTER(OthersStructure)),
        *((name, c_int64) for name in ("count", "balance")),
        *((name, c_void_p) for name in ("place", "group", "begin", "opened", "closed", "out", "is_other")),
    )


class SpansStructure(Structure):
    """From one event to another."""

    _fields_ = (
        ("events", POINTER(EventsStructure)),
        ("count", c_int64),
        *((name, c_void_p) for name in ("group", "begin", "end", "time", "length")),
        *((name, c_int64) for name in ("first", "last")),
    )


class TableStructure(Structure):
    """Rows of whole numbers."""

    _fields_ = (("count", c_int64), ("room", c_int64), ("width", c_int64), ("columns", c_void_p * 12))


class PlacesStructure(Structure):
    """Rows of small numbers."""

    _fields_ = TableStructure._fields_


# what takes long enough for other threads to go on meanwhile; after anything else, to wait until they give the
# interpreter's lock back would take longer than the work itself
_LONG = frozenset(
    {
        "texts_out",
        "survey",
        "scan",
        "lines_out",
        "joined_out",
        "cut",
        "find",
        "count",
        "tally",
        "follow",
        "ends",
        "labelled",
        "extremes",
        "nexts",
        "pile",
        "wholes",
        "steps_begin",
        "steps_out",
        "steps_opened",
        "steps_apart",
        "spans_begin",
        "spans_count",
        "spans_most",
        "spans_longest",
        "uses_rested",
        "uses_fresh",
        "uses_later",
        "lives_joined",
        "lives_followed",
        "lives_at_once",
        "points",
        "peaks",
        "climb",
    }
)


@cache
def library() -> ctypes.CDLL:
    """The compiled part.

    Raises:
        InstallationError: the package was not installed, or not since its sources were changed.
    """
    folder = Path(__file__).parent
    path = folder / f"_native.{_ENDINGS.get(sys.platform, 'so')}"
    if not path.exists():
        raise InstallationError("logpool's compiled part is missing", _BUILT_BY)
    loaded, quick = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
    loaded.sources.restype = c_uint32
    # they lie beside it where the package is developed
    sources = sorted(folder.glob("*.[ch]"))
    if sources and loaded.sources() != zlib.crc32(b"".join(source.read_bytes() for source in sources)):
        raise InstallationError("logpool's compiled part was built from other sources than lie beside it", _BUILT_BY)
    pointer, number, rows = c_void_p, c_int64, POINTER(RowsStructure)
    column = (POINTER(Schema), POINTER(Array))
    table, events, steps = POINTER(TableStructure), POINTER(EventsStructure), POINTER(StepsStructure)
    spans = POINTER(SpansStructure)
    for name, result, arguments in (
        ("keep_memory", None, ()),
        ("texts_new", pointer, ()),
        ("texts_free", None, (pointer,)),
        ("texts_count", number, (pointer,)),
        ("texts_add", c_uint32, (pointer, c_char_p, number)),
        ("texts_get", pointer, (pointer, c_uint32, POINTER(c_int64))),
        ("texts_size", number, (pointer,)),
        ("texts_out", c_int, (pointer, number, *column)),
        (
            "plain_times",
            c_int,
            (pointer, number, *[c_char_p, number] * 2, POINTER(PlainStructure), number, pointer),
        ),
        ("rows_new", rows, ()),
        ("rows_free", None, (rows,)),
        ("survey", None, (c_char_p, number, POINTER(SurveyStructure))),
        (
            "scan",
            c_int,
            (
                c_char_p,
                number,
                POINTER(NeedleStructure),
                number,
                POINTER(LikelyStructure),
                rows,
                POINTER(TakenStructure),
                POINTER(ListStructure),
            ),
        ),
        ("list_out", c_int, (POINTER(ListStructure), *column)),
        ("list_free", None, (POINTER(ListStructure),)),
        ("alikes_new", pointer, ()),
        ("alikes_free", None, (pointer,)),
        ("lines_out", c_int, (c_char_p, rows, pointer, number, *column)),
        (
            "cut",
            c_int,
            (
                c_char_p,
                rows,
                pointer,
                number,
                number,
                POINTER(SpanStructure),
                *[number] * 4,
                POINTER(PatternsStructure),
                *[pointer] * 3,
                POINTER(TakenStructure),
            ),
        ),
        ("taken_free", None, (POINTER(TakenStructure),)),
        (
            "find",
            c_int,
            (
                rows,
                pointer,
                number,
                POINTER(TakenStructure),
                *[pointer] * 11,
                number,
                POINTER(LotStructure),
                POINTER(FoundStructure),
            ),
        ),
        ("found_free", None, (POINTER(FoundStructure),)),
        ("lot_room", c_int, (POINTER(LotStructure), number)),
        ("lot_add", c_int, (POINTER(LotStructure), number, number, c_uint32, c_uint32, c_uint32)),
        ("lot_free", None, (POINTER(LotStructure),)),
        ("numbers_out", c_int, (number, c_int, pointer, number, *column)),
        ("joined_out", c_int, (number, c_int, number, pointer, pointer, *column)),
        ("numbers_in", pointer, (pointer, number, POINTER(Array), POINTER(pointer))),
        ("give_back", None, (POINTER(Array), pointer)),
        ("table_new", table, (number,)),
        ("table_free", None, (table,)),
        ("table_out", c_int, (table, number, *column)),
        ("places_new", POINTER(PlacesStructure), (number,)),
        ("places_free", None, (POINTER(PlacesStructure),)),
        ("column_out", c_int, (POINTER(PlacesStructure), number, *column)),
        ("count", c_int, (pointer, pointer, number, table)),
        (
            "tally",
            c_int,
            (pointer, number, pointer, pointer, number, number, pointer, number, table),
        ),
        ("follow", None, (pointer, number, POINTER(CourseStructure))),
        ("ends", c_int, (pointer, number, number, table)),
        ("labelled", c_int, (pointer, number, pointer, POINTER(ListStructure))),
        ("extremes", c_int, (pointer, pointer, number, number, table)),
        ("nexts", c_int, (pointer, pointer, number, *(pointer,) * 4, number, pointer, POINTER(pointer))),
        ("pile", c_int, (pointer, number, pointer, number, *[table] * 2)),
        (
            "wholes",
            c_int,
            (
                *[pointer] * 2,
                number,
                *[pointer] * 3,
                number,
                table,
                *[POINTER(PlacesStructure)] * 2,
                table,
            ),
        ),
        ("steps_begin", c_int, (events, *[pointer, pointer, number] * 2, POINTER(OthersStructure), steps)),
        ("steps_end", None, (steps,)),
        ("steps_out", c_int, (steps, table)),
        ("steps_opened", c_int, (steps, pointer, number, table)),
        ("steps_apart", c_int, (steps, *[pointer] * 3, number, POINTER(c_int64), table)),
        ("spans_begin", c_int, (spans,)),
        ("spans_end", None, (spans,)),
        ("spans_count", c_int, (spans, pointer, number, number, number, table)),
        ("spans_most", None, (spans, pointer)),
        ("spans_longest", c_int, (spans, number, number, pointer, POINTER(ListStructure))),
        ("uses_rested", c_int, (spans, pointer, pointer, number, table)),
        ("uses_fresh", None, (spans, pointer, pointer)),
        ("uses_later", c_int, (spans, pointer, pointer, *[number] * 4, POINTER(ListStructure))),
        ("lives_joined", c_int, (spans, pointer, number, number, table)),
        ("lives_followed", c_int, (spans, *[pointer] * 3, number, table, POINTER(ListStructure))),
        ("lives_at_once", c_int, (spans, pointer, pointer, number, pointer, number, POINTER(ListStructure))),
        ("points", c_int, (events, pointer, number, POINTER(PointsStructure))),
        ("points_free", None, (POINTER(PointsStructure),)),
        ("peaks", c_int, (steps, number, pointer, table)),
        ("climb", c_int, (steps, *[pointer] * 2, *[number] * 4, pointer, table)),
    ):
        function = getattr(loaded if name in _LONG else quick, name)
        function.restype, function.argtypes = result, arguments
        setattr(loaded, name, function)
    return loaded


def keep_memory() -> None:
    """Keeps the memory that was used for what is read next: for a program that does nothing else."""
    library().keep_memory()


# by prototypes of their own: those of ``ctypes.pythonapi`` are shared with all of the process
_capsule = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", ctypes.pythonapi))
_pointed_to = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))


class _Column:
    """A column that the compiled part made, for polars to take over."""

    def __init__(self, made: Callable[..., int], *arguments: object) -> None:
        self._schema, self._array = Schema(), Array()
        must(made(*arguments, byref(self._schema), byref(self._array)))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return (
            _capsule(addressof(self._schema), b"arrow_schema", None),
            _capsule(addressof(self._array), b"arrow_array", None),
        )


def column_of(made: Callable[..., int], *arguments: object) -> pl.Series:
    """The column that a function makes."""
    return pl.Series(_Column(made, *arguments))


def must(done: object) -> None:
    """Raises a ``MemoryError`` where the compiled part says that memory ran out."""
    if not done:
        raise MemoryError


class Lent:
    """The values of a column of numbers, for the compiled part to read; ``NONE`` and ``NO_TIME`` stand for nulls.

    Attributes:
        address: where they are; None where there are none.
    """

    def __init__(self, column: pl.Series, dtype: type[pl.DataType]) -> None:
        self._array, self._copy = Array(), c_void_p()
        if column.dtype != dtype:
            raise TypeError(f"no column of {dtype}: {column.dtype}")
        stream = column.rechunk().__arrow_c_stream__(None)
        pointed_to = _pointed_to(stream, b"arrow_array_stream")
        values = library().numbers_in(pointed_to, width_of(dtype), byref(self._array), byref(self._copy))
        self.address = values
        self._as_parameter_ = c_void_p(values)
        if len(column) and not values:
            raise TypeError(f"no such numbers: {column.dtype}")

    def __del__(self) -> None:
        library().give_back(byref(self._array), self._copy)


def width_of(dtype: type[pl.DataType]) -> int:
    """How many bytes a value has."""
    return 8 if dtype == pl.Int64 else 4 if dtype == pl.UInt32 else 1


def taken_over(
    columns: LotStructure | PointsStructure,
    name: str,
    width: int = 4,
    *,
    count: str = "count",
    gaps: bool = False,
) -> pl.Series:
    """A column of a structure, which gives it away: Int8, UInt32 or Int64 by its width in bytes.

    Args:
        columns: the structure.
        name: of the column in it.
        width: of a value, in bytes.
        count: where it says how many values there are.
        gaps: whether ``NONE``, or the least number of 64 bits, stands for null.
    """
    numbers = ctypes.cast(getattr(columns, name), c_void_p)
    setattr(columns, name, None)
    return column_of(library().numbers_out, width, gaps, numbers, getattr(columns, count))
