"""The compiled part itself: how it is found and called."""

from __future__ import annotations

import ctypes
import sys
import zlib
from ctypes import POINTER, c_char_p, c_int, c_int64, c_uint32, c_void_p
from functools import cache
from pathlib import Path

from logpool.errors import InstallationError
from logpool.native.structures import (
    Array,
    CourseStructure,
    CutterStructure,
    EventsStructure,
    FoundStructure,
    ListStructure,
    LotStructure,
    NeedleStructure,
    OthersStructure,
    PlacesStructure,
    PlainStructure,
    PointsStructure,
    RowsStructure,
    Schema,
    SpansStructure,
    StepsStructure,
    SurveyStructure,
    TableStructure,
    TakenStructure,
    WordsStructure,
)

_BUILT_BY = "install the package with pip, which builds it"
_ENDINGS = {"win32": "dll", "darwin": "dylib"}
#: stand for no number, and for no time
NONE, NO_TIME = 0xFFFFFFFF, -(1 << 63)


@cache
def library() -> ctypes.CDLL:
    """The compiled part.

    Raises:
        InstallationError: the package was not installed, or not since its sources were changed, or on another machine.
    """
    folder = Path(__file__).parent
    path = folder / f"_native.{_ENDINGS.get(sys.platform, 'so')}"
    if not path.exists():
        raise InstallationError("logpool's compiled part is missing", _BUILT_BY)
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise InstallationError(f"logpool's compiled part cannot be loaded: {error}", _BUILT_BY) from None
    loaded.sources.restype = c_uint32
    # they lie beside it where the package is developed
    sources = sorted(folder.glob("*.[ch]"))
    if sources and loaded.sources() != zlib.crc32(b"".join(source.read_bytes() for source in sources)):
        raise InstallationError("logpool's compiled part was built from other sources than lie beside it", _BUILT_BY)
    pointer, number, rows = c_void_p, c_int64, POINTER(RowsStructure)
    column = (POINTER(Schema), POINTER(Array))
    table, events, steps = POINTER(TableStructure), POINTER(EventsStructure), POINTER(StepsStructure)
    spans = POINTER(SpansStructure)
    # what takes long enough for other threads to go on meanwhile
    long = (
        ("spare_memory", None, ()),
        ("texts_out", c_int, (pointer, number, *column)),
        ("survey", None, (c_char_p, number, POINTER(SurveyStructure))),
        (
            "scan",
            c_int,
            (
                c_char_p,
                number,
                POINTER(NeedleStructure),
                number,
                POINTER(CutterStructure),
                rows,
                POINTER(TakenStructure),
                POINTER(ListStructure),
            ),
        ),
        ("lines_out", c_int, (c_char_p, rows, pointer, number, *column)),
        (
            "cut",
            c_int,
            (POINTER(CutterStructure), c_char_p, rows, pointer, number, POINTER(TakenStructure)),
        ),
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
        ("joined_out", c_int, (number, c_int, number, pointer, pointer, *column)),
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
        ("steps_out", c_int, (steps, table)),
        ("steps_opened", c_int, (steps, pointer, number, table)),
        ("steps_apart", c_int, (steps, *[pointer] * 3, number, POINTER(c_int64), table)),
        ("spans_begin", c_int, (spans,)),
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
        ("peaks", c_int, (steps, number, pointer, table)),
        ("climb", c_int, (steps, *[pointer] * 2, *[number] * 4, pointer, table)),
    )
    # after anything else, to wait until they give the interpreter's lock back would take longer than the work itself
    quick = (
        ("keep_memory", None, ()),
        ("texts_new", pointer, ()),
        ("texts_free", None, (pointer,)),
        ("texts_count", number, (pointer,)),
        ("texts_add", c_uint32, (pointer, c_char_p, number)),
        ("texts_get", pointer, (pointer, c_uint32, POINTER(c_int64))),
        ("texts_size", number, (pointer,)),
        (
            "plain_times",
            c_int,
            (pointer, number, *[c_char_p, number] * 2, POINTER(PlainStructure), number, pointer),
        ),
        ("variables", c_int, (c_char_p, number, POINTER(WordsStructure), POINTER(ListStructure))),
        ("rows_new", rows, ()),
        ("rows_free", None, (rows,)),
        ("list_out", c_int, (POINTER(ListStructure), *column)),
        ("list_free", None, (POINTER(ListStructure),)),
        ("alikes_new", pointer, ()),
        ("alikes_free", None, (pointer,)),
        ("tree_new", pointer, ()),
        ("tree_free", None, (pointer,)),
        ("taken_free", None, (POINTER(TakenStructure),)),
        ("found_free", None, (POINTER(FoundStructure),)),
        ("lot_room", c_int, (POINTER(LotStructure), number)),
        ("lot_add", c_int, (POINTER(LotStructure), number, number, c_uint32, c_uint32, c_uint32)),
        ("lot_free", None, (POINTER(LotStructure),)),
        ("numbers_out", c_int, (number, c_int, pointer, number, *column)),
        ("numbers_in", pointer, (pointer, number, POINTER(Array), POINTER(pointer))),
        ("give_back", None, (POINTER(Array), pointer)),
        ("table_new", table, (number,)),
        ("table_free", None, (table,)),
        ("table_out", c_int, (table, number, *column)),
        ("places_new", POINTER(PlacesStructure), (number,)),
        ("places_free", None, (POINTER(PlacesStructure),)),
        ("column_out", c_int, (POINTER(PlacesStructure), number, *column)),
        ("steps_end", None, (steps,)),
        ("spans_end", None, (spans,)),
        ("points_free", None, (POINTER(PointsStructure),)),
    )
    for functions, prototypes in ((loaded, long), (ctypes.PyDLL(str(path)), quick)):
        for name, result, arguments in prototypes:
            function = getattr(functions, name)
            function.restype, function.argtypes = result, arguments
            setattr(loaded, name, function)
    return loaded


def keep_memory() -> None:
    """Keeps the memory that was used for what is read next: for a program that does nothing else."""
    library().keep_memory()


def spare_memory() -> None:
    """Gives back what is not in use, if it was to be kept: now and then, since it takes long to get it again."""
    library().spare_memory()


def must(done: object) -> None:
    """Raises a ``MemoryError`` where the compiled part says that memory ran out."""
    if not done:
        raise MemoryError
