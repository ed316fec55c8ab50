"""What is too much for Python: every byte of a log. The compiled part turns lines into columns of small numbers.

It knows bytes, texts and numbers, and nothing of pools: what to look for, where times stand and what a text means is
told in Python, once for each distinct text. All of it runs without the interpreter's lock.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, addressof, byref, c_char_p, c_int, c_int64, c_uint32, c_void_p, py_object
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: stands for no number
NONE = 0xFFFFFFFF


class _Schema(Structure):
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


class _Array(Structure):
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


class _Rows(Structure):
    _fields_ = (
        ("count", c_int64),
        ("room", c_int64),
        ("plain", c_int64),
        ("place", POINTER(c_int64)),
        ("start", POINTER(c_int64)),
        ("end", POINTER(c_int64)),
    )


class _Needle(Structure):
    _fields_ = (("text", c_char_p), ("size", c_int64), ("rare", c_int64))


class _Half(Structure):
    _fields_ = (("start", c_int64), ("width", c_int64), ("texts", c_void_p))


class _Span(Structure):
    _fields_ = (
        ("anchor", c_char_p),
        ("anchor_size", c_int64),
        ("start", c_int64),
        ("width", c_int64),
        ("half_count", c_int64),
        ("halves", _Half * 2),
    )


class _Taken(Structure):
    _fields_ = (
        ("count", c_int64),
        ("with_address", c_int64),
        ("with_seconds", c_int64),
        ("row", c_void_p),
        ("key", c_void_p),
        ("address", c_void_p),
        ("seconds", c_void_p),
        ("halves", POINTER(c_void_p)),
    )


class _Course(Structure):
    _fields_ = tuple((name, c_int64) for name in ("latest", "fall", "last", "least", "greatest"))


class _Steps(Structure):
    _fields_ = (
        ("count", c_int64),
        *((name, c_void_p) for name in ("place", "begin", "opened", "closed", "out")),
    )


class _Table(Structure):
    _fields_ = (("count", c_int64), ("room", c_int64), ("width", c_int64), ("columns", c_void_p * 12))


@cache
def _library() -> ctypes.CDLL:
    """The compiled part.

    Raises:
        ImportError: the package was not installed, so that nothing was compiled.
    """
    found = sorted(Path(__file__).parent.glob("_native.*"))
    if not found:
        raise ImportError("logpool's compiled part is missing: install the package, as pip does, to have it built")
    library = ctypes.CDLL(str(found[0]))
    pointer, number, rows = c_void_p, c_int64, POINTER(_Rows)
    column = (POINTER(_Schema), POINTER(_Array))
    for name, result, arguments in (
        ("keep_memory", None, ()),
        ("texts_new", pointer, ()),
        ("texts_free", None, (pointer,)),
        ("texts_count", number, (pointer,)),
        ("texts_add", c_uint32, (pointer, c_char_p, number)),
        ("texts_get", pointer, (pointer, c_uint32, POINTER(c_int64))),
        ("texts_merge", pointer, (pointer, pointer, pointer)),
        ("texts_out", c_int, (pointer, *column)),
        ("rows_new", rows, ()),
        ("rows_free", None, (rows,)),
        ("scan", number, (c_char_p, number, POINTER(_Needle), number, rows)),
        ("places_out", c_int, (rows, *column)),
        ("lines_out", c_int, (c_char_p, rows, pointer, number, *column)),
        ("cut", c_int, (c_char_p, rows, pointer, number, POINTER(_Span), *[number] * 3, *[pointer] * 2, POINTER(_Taken))),
        ("taken_free", None, (POINTER(_Taken), number)),
        ("numbers_out", c_int, (number, pointer, number, *column)),
        ("numbers_in", pointer, (pointer, number, POINTER(_Array))),
        ("give_back", None, (POINTER(_Array),)),
        ("table_new", POINTER(_Table), (number,)),
        ("table_free", None, (POINTER(_Table),)),
        ("table_out", c_int, (POINTER(_Table), number, *column)),
        ("count", c_int, (pointer, pointer, number, POINTER(_Table))),
        ("tally", c_int, (pointer, pointer, number, number, POINTER(_Table))),
        ("follow", None, (pointer, number, POINTER(_Course))),
        ("ends", c_int, (pointer, number, number, POINTER(_Table))),
        ("wholes", c_int, (pointer, pointer, number, *[pointer] * 3, number, *[POINTER(_Table)] * 4)),
        (
            "steps",
            c_int,
            (number, *[pointer, pointer, number] * 2, *[pointer] * 4, number, POINTER(_Steps)),
        ),
        ("steps_free", None, (POINTER(_Steps),)),
        ("climb", c_int, (*[pointer] * 6, number, pointer, number, number, pointer, POINTER(_Table))),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def keep_memory() -> None:
    """Has this process keep the memory that it has used for what it reads next: for a program that does nothing else."""
    _library().keep_memory()


_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = py_object, (c_void_p, c_char_p, c_void_p)
_pointed_to = ctypes.pythonapi.PyCapsule_GetPointer
_pointed_to.restype, _pointed_to.argtypes = c_void_p, (py_object, c_char_p)


class _Column:
    """A column that the compiled part made, for polars to take over."""

    def __init__(self, made: Callable[..., int], *arguments: object) -> None:
        self._schema, self._array = _Schema(), _Array()
        _must(made(*arguments, byref(self._schema), byref(self._array)))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:  # noqa: PLW3201 - Arrow's name
        return (
            _capsule(addressof(self._schema), b"arrow_schema", None),
            _capsule(addressof(self._array), b"arrow_array", None),
        )


def _column(made: Callable[..., int], *arguments: object) -> pl.Series:
    return pl.Series(_Column(made, *arguments))


def _must(done: object) -> None:
    if not done:
        raise MemoryError


class _Lent:
    """The values of a column of numbers without nulls, for the compiled part to read."""

    def __init__(self, column: pl.Series, dtype: type[pl.DataType]) -> None:
        self._array = _Array()
        if column.dtype != dtype:
            raise TypeError(f"no column of {dtype}: {column.dtype}")
        stream = column.rechunk().__arrow_c_stream__(None)
        values = _library().numbers_in(_pointed_to(stream, b"arrow_array_stream"), _WIDTHS[dtype], byref(self._array))
        self._as_parameter_ = c_void_p(values)
        if len(column) and not values:
            raise TypeError(f"no column of numbers without nulls: {column.dtype}")

    def __del__(self) -> None:
        _library().give_back(byref(self._array))


_WIDTHS: dict[type[pl.DataType], int] = {pl.Int8: 1, pl.UInt8: 1, pl.UInt32: 4, pl.Int64: 8}


class Texts:
    """Texts, each once, by number."""

    def __init__(self) -> None:
        self._free = _library().texts_free
        self.pointer = _library().texts_new()
        _must(self.pointer)

    def __del__(self) -> None:
        self._free(self.pointer)

    def __len__(self) -> int:
        return int(_library().texts_count(self.pointer))

    def add(self, text: str) -> int:
        """The number of a text."""
        data = text.encode()
        number = int(_library().texts_add(self.pointer, data, len(data)))
        _must(number != NONE)
        return number

    def get(self, number: int) -> str:
        """The text of a number."""
        size = c_int64()
        start = _library().texts_get(self.pointer, number, byref(size))
        return ctypes.string_at(start, size.value).decode()

    def merge(self, few: Texts, used: pl.Series) -> pl.Series:
        """The numbers here of the texts there that are used, which are added; ``NONE`` for the others.

        Args:
            few: other texts.
            used: for each of them whether it is, UInt8.
        """
        numbers = _library().texts_merge(self.pointer, few.pointer, _Lent(used, pl.UInt8))
        _must(numbers)
        return _column(_library().numbers_out, 4, numbers, len(few))

    def all(self) -> pl.Series:
        """Every one, by number."""
        return _column(_library().texts_out, self.pointer)


class Needles:
    """What to look for in lines.

    Attributes:
        texts: one of these must be in a line.
        array: they, for the compiled part.
    """

    def __init__(self, texts: Sequence[str], rare: Sequence[str]) -> None:
        """Each text holds one of some pairs of characters, by which it is looked for: rare ones are fast."""
        self.texts = tuple(texts)
        self._bytes = [text.encode() for text in texts]
        places = [next(text.find(pair.encode()) for pair in rare if pair.encode() in text) for text in self._bytes]
        needles = (_Needle(text, len(text), place) for text, place in zip(self._bytes, places, strict=True))
        self.array = (_Needle * len(self._bytes))(*needles)


class Rows:
    """The lines in some bytes that hold a needle: rows, by number.

    Attributes:
        data: the bytes, UTF-8.
        lines: how many lines there are in them.
    """

    def __init__(self, data: bytes, needles: Needles) -> None:
        self._free = _library().rows_free
        self.data = data
        self.pointer = _library().rows_new()
        _must(bool(self.pointer))
        self.lines = int(_library().scan(data, len(data), needles.array, len(needles.array), self.pointer))
        _must(self.lines >= 0)

    def __del__(self) -> None:
        self._free(self.pointer)

    def __len__(self) -> int:
        return int(self.pointer.contents.count)

    def places(self) -> pl.Series:
        """Of each row which line it is, from 0."""
        return _column(_library().places_out, self.pointer)

    def place(self, row: int) -> int:
        """Which line a row is, from 0."""
        return int(self.pointer.contents.place[row])

    def start(self, row: int) -> int:
        """Where a row begins in the bytes."""
        return int(self.pointer.contents.start[row])

    def texts(self, rows: pl.Series) -> pl.Series:
        """The lines themselves, without their ends."""
        return _column(_library().lines_out, self.data, self.pointer, _Lent(rows, pl.UInt32), len(rows))


class Part(NamedTuple):
    """Part of a time, which is read by itself: where it begins in the time, and how many characters it has."""

    start: int
    width: int


class Place(NamedTuple):
    """Where a time stands.

    Attributes:
        anchor: the text that it stands behind; None where it stands at a fixed place.
        start: how many characters behind the end of the time before, or the line's beginning.
        width: how many characters it has.
        parts: of it, one or two.
    """

    anchor: str | None
    start: int
    width: int
    parts: Sequence[Part]


class Taken(NamedTuple):
    """Rows with a time in every place, by number. What stands there may still be none.

    Attributes:
        row: which they are.
        key: the number of what is left of a line: without its times (a mark instead), the seconds of a timing (0
            instead), and its first address (``0x`` instead).
        address: the number of that address; None where no line has one, else ``NONE`` for those that have none.
        seconds: likewise.
        parts: of each part of each time the number of its text.
        keys: the texts by number.
        names: those of addresses and seconds.
        times: those of each part.
    """

    row: pl.Series
    key: pl.Series
    address: pl.Series | None
    seconds: pl.Series | None
    parts: list[pl.Series]
    keys: Texts
    names: Texts
    times: list[Texts]


def cut(rows: Rows, chosen: pl.Series, places: Sequence[Place], *, leading: bool) -> Taken:
    """Cuts lines.

    Args:
        rows: lines.
        chosen: the numbers of those to be cut, UInt32.
        places: where times stand.
        leading: whether they leave no mark.
    """
    times = [Texts() for place in places for _ in place.parts]
    waiting = iter(times)
    spans = (_Span * len(places))()
    for span, place in zip(spans, places, strict=True):
        anchor = None if place.anchor is None else place.anchor.encode()
        span.anchor, span.anchor_size = anchor, len(anchor or b"")
        span.start, span.width, span.half_count = place.start, place.width, len(place.parts)
        for number, part in enumerate(place.parts):
            span.halves[number] = _Half(part.start, part.width, next(waiting).pointer)
    keys, names, taken = Texts(), Texts(), _Taken()
    _must(
        _library().cut(
            rows.data,
            rows.pointer,
            _Lent(chosen, pl.UInt32),
            len(chosen),
            spans,
            len(spans),
            len(times),
            leading,
            keys.pointer,
            names.pointer,
            byref(taken),
        )
    )
    try:
        return Taken(
            _taken_over(taken, "row"),
            _taken_over(taken, "key"),
            _taken_over(taken, "address") if taken.with_address else None,
            _taken_over(taken, "seconds") if taken.with_seconds else None,
            [_half_taken_over(taken, number) for number in range(len(times))],
            keys,
            names,
            times,
        )
    finally:
        _library().taken_free(byref(taken), len(times))


def _taken_over(columns: _Taken | _Steps, name: str, width: int = 4) -> pl.Series:
    numbers = getattr(columns, name)
    setattr(columns, name, None)
    return _column(_library().numbers_out, width, numbers, columns.count)


def _half_taken_over(taken: _Taken, place: int) -> pl.Series:
    numbers = taken.halves[place]
    taken.halves[place] = None
    return _column(_library().numbers_out, 4, numbers, taken.count)


_NO_TIME = -(1 << 63)


def _tables(names: Sequence[Sequence[str]], made: Callable[..., int], *arguments: object) -> list[pl.DataFrame]:
    """The tables that a function makes, Int64, by the names of their columns."""
    library = _library()
    tables = [library.table_new(len(columns)) for columns in names]
    try:
        _must(all(tables))
        _must(made(*arguments, *tables))
        return [
            pl.DataFrame({name: _column(library.table_out, table, place) for place, name in enumerate(columns)})
            for columns, table in zip(names, tables, strict=True)
        ]
    finally:
        for table in tables:
            library.table_free(table)


def _table(columns: Sequence[str], made: Callable[..., int], *arguments: object) -> pl.DataFrame:
    return _tables([columns], made, *arguments)[0]


def _timed(times: pl.Series) -> pl.Series:
    return times.fill_null(_NO_TIME) if times.null_count() else times


def counted(one: pl.Series, other: pl.Series) -> pl.DataFrame:
    """How often each pair stands in two columns, UInt32 and Int64: ``one``, ``other``, ``count``."""
    return _table(
        ("one", "other", "count"), _library().count, _Lent(one, pl.UInt32), _Lent(other, pl.Int64), len(one)
    )


def tallied(labels: pl.Series, times: pl.Series, width: int) -> pl.DataFrame:
    """How often each label, a small number, stands in each interval of time.

    Args:
        labels: UInt32.
        times: Int64, or null.
        width: of an interval.

    Returns:
        ``label``, ``bin`` (the number of the interval), ``count``, and the ``first`` and ``last`` time; null without a
        time.
    """
    names = ("label", "bin", "count", "first", "last")
    arguments = (_Lent(labels, pl.UInt32), _Lent(_timed(times), pl.Int64), len(labels), width)
    found = _table(names, _library().tally, *arguments)
    if not times.null_count():
        return found
    return found.with_columns_seq(pl.col("bin", "first", "last").replace(_NO_TIME, None))


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
    course = _Course(latest, 0, last, 0, 0)
    _library().follow(_Lent(_timed(times), pl.Int64), len(times), byref(course))
    if course.last == _NO_TIME:
        return Course()
    return Course(course.latest, course.fall, course.last, course.least, course.greatest)


def ends_of(labels: pl.Series) -> pl.DataFrame:
    """Where each label, a small number, stands: ``label``, the ``first`` and the ``last`` place, by the first ones."""
    most = labels.max()
    count = most + 1 if isinstance(most, int) else 0
    return _table(("label", "first", "last"), _library().ends, _Lent(labels, pl.UInt32), len(labels), count)


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
        _library().climb,
        _Lent(steps["group"], pl.UInt32),
        _Lent(_timed(steps["time"]), pl.Int64),
        _Lent(steps["seq"], pl.Int64),
        *(_Lent(steps[name], pl.Int8) for name in ("opened", "closed", "out")),
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
    connections = connections.fill_null(NONE) if connections.null_count() else connections
    keys, uses, lives, rest = _tables(
        (_KEYS, _USES, _LIVES, _REST),
        _library().wholes,
        _Lent(shapes, pl.UInt32),
        _Lent(connections, pl.UInt32),
        len(shapes),
        _Lent(roles, pl.UInt8),
        _Lent(bases, pl.Int64),
        _Lent(known, pl.Int64),
        len(known),
    )
    return keys["key"], uses, lives, rest


def steps_of(size: int, uses: pl.DataFrame, lives: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Puts the steps of a batch in order.

    Args:
        size: of the batch, in events.
        uses: ``begin`` and ``end``, places, UInt32.
        lives: likewise.
        others: ``place``, UInt32; ``opened``, ``closed`` and ``out``, Int8.

    Returns:
        ``place`` and ``begin``, UInt32; ``opened``, ``closed`` and ``out``, Int8. ``begin`` is the place where the checkout
        began that begins or ends here; at the places of others, their row.
    """
    whole = [
        argument
        for rows in (uses, lives)
        for argument in (_Lent(rows["begin"], pl.UInt32), _Lent(rows["end"], pl.UInt32), rows.height)
    ]
    changes = [_Lent(others[name], pl.Int8) for name in _CHANGES]
    found = _Steps()
    _must(_library().steps(size, *whole, _Lent(others["place"], pl.UInt32), *changes, others.height, byref(found)))
    try:
        columns = {name: _taken_over(found, name) for name in ("place", "begin")}
        return pl.DataFrame(columns | {name: _taken_over(found, name, 1) for name in _CHANGES})
    finally:
        _library().steps_free(byref(found))


_CHANGES = ("opened", "closed", "out")
