"""What the compiled part takes and gives, as it lies in memory; each is described where C has it."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_int64, c_uint8, c_uint32, c_void_p


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
        ("form", c_char_p),
        ("anchor_size", c_int64),
        ("start", c_int64),
        ("width", c_int64),
        ("half_count", c_int64),
        ("halves", HalfStructure * 2),
    )


class ListStructure(Structure):
    """A list of numbers."""

    _fields_ = (("count", c_int64), ("room", c_int64), ("numbers", POINTER(c_uint32)))


class PlainStructure(Structure):
    """How times are printed plainly."""

    _fields_ = tuple((name, c_int64) for name in ("gap", "mark", "digits"))


class WordsStructure(Structure):
    """Words that leave no mark."""

    _fields_ = (
        *((name, c_void_p) for name in ("known", "parts")),
        *((name, c_uint8 * 256) for name in ("part_bits", "joins")),
        ("part_heads", c_uint32 * 8),
        ("may_join", c_int64),
    )


class PatternsStructure(Structure):
    """The patterns of lines, and what is known of them."""

    _fields_ = (("texts", c_void_p), ("known", c_void_p), ("count", c_int64), ("words", POINTER(WordsStructure)))


class CutterStructure(Structure):
    """How lines are cut."""

    _fields_ = (
        ("spans", POINTER(SpanStructure)),
        *((name, c_int64) for name in ("span_count", "half_count", "plain", "leading", "ids")),
        ("patterns", POINTER(PatternsStructure)),
        *((name, c_void_p) for name in ("alikes", "tree", "keys", "names")),
        ("by_tree", c_int64),
    )


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
