"""Lines -> numbers: those that matter, their times, their addresses, and what is left; each distinct text once."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int64
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.native.library import (
    NONE,
    HalfStructure,
    Lent,
    NeedleStructure,
    SpanStructure,
    TakenStructure,
    column_of,
    library,
    must,
    taken_over,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Texts:
    """Texts, each once, by number."""

    def __init__(self) -> None:
        self._free = library().texts_free
        self.pointer = library().texts_new()
        must(self.pointer)

    def __del__(self) -> None:
        self._free(self.pointer)

    def __len__(self) -> int:
        return int(library().texts_count(self.pointer))

    def add(self, text: str) -> int:
        """The number of a text."""
        data = text.encode()
        number = int(library().texts_add(self.pointer, data, len(data)))
        must(number != NONE)
        return number

    def get(self, number: int) -> str:
        """The text of a number."""
        size = c_int64()
        start = library().texts_get(self.pointer, number, byref(size))
        return ctypes.string_at(start, size.value).decode()

    def merge(self, few: Texts, used: pl.Series) -> pl.Series:
        """The numbers here of the texts there that are used, which are added; ``NONE`` for the others.

        Args:
            few: other texts.
            used: for each of them whether it is, UInt8.
        """
        numbers = library().texts_merge(self.pointer, few.pointer, Lent(used, pl.UInt8))
        must(numbers)
        return column_of(library().numbers_out, 4, numbers, len(few))

    def all(self) -> pl.Series:
        """Every one, by number."""
        return column_of(library().texts_out, self.pointer)


class Needles:
    """What to look for in lines.

    Attributes:
        texts: one of these must be in a line.
        array: the same, as the compiled part takes them.
    """

    def __init__(self, texts: Sequence[str], rare: Sequence[str]) -> None:
        """Each text holds one of a few pairs of characters, by which it is looked for: rare ones are fast."""
        self.texts = tuple(texts)
        self._bytes = [text.encode() for text in texts]
        places = [next(text.find(pair.encode()) for pair in rare if pair.encode() in text) for text in self._bytes]
        needles = (NeedleStructure(text, len(text), place) for text, place in zip(self._bytes, places, strict=True))
        self.array = (NeedleStructure * len(self._bytes))(*needles)


class Rows:
    """The lines in some bytes that hold a needle: rows, by number.

    Attributes:
        data: the bytes, UTF-8.
        lines: how many lines there are in them.
    """

    def __init__(self, data: bytes, needles: Needles) -> None:
        self._free = library().rows_free
        self.data = data
        self.pointer = library().rows_new()
        must(bool(self.pointer))
        self.lines = int(library().scan(data, len(data), needles.array, len(needles.array), self.pointer))
        must(self.lines >= 0)

    def __del__(self) -> None:
        self._free(self.pointer)

    def __len__(self) -> int:
        return int(self.pointer.contents.count)

    def places(self) -> pl.Series:
        """Of each row which line it is, from 0."""
        return column_of(library().places_out, self.pointer)

    def place(self, row: int) -> int:
        """Which line a row is, from 0."""
        return int(self.pointer.contents.place[row])

    def start(self, row: int) -> int:
        """Where a row begins in the bytes."""
        return int(self.pointer.contents.start[row])

    def texts(self, rows: pl.Series) -> pl.Series:
        """The lines themselves, without their ends."""
        return column_of(library().lines_out, self.data, self.pointer, Lent(rows, pl.UInt32), len(rows))


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
        key: the number of what is left of a line: without its times (a mark instead), the seconds of a timing
            (the character 2 instead), and its first address (``0x`` instead).
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
    spans = (SpanStructure * len(places))()
    for span, place in zip(spans, places, strict=True):
        anchor = None if place.anchor is None else place.anchor.encode()
        span.anchor, span.anchor_size = anchor, len(anchor or b"")
        span.start, span.width, span.half_count = place.start, place.width, len(place.parts)
        for number, part in enumerate(place.parts):
            span.halves[number] = HalfStructure(part.start, part.width, next(waiting).pointer)
    keys, names, taken = Texts(), Texts(), TakenStructure()
    must(
        library().cut(
            rows.data,
            rows.pointer,
            Lent(chosen, pl.UInt32),
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
            taken_over(taken, "row"),
            taken_over(taken, "key"),
            taken_over(taken, "address") if taken.with_address else None,
            taken_over(taken, "seconds") if taken.with_seconds else None,
            [_half_of(taken, number) for number in range(len(times))],
            keys,
            names,
            times,
        )
    finally:
        library().taken_free(byref(taken), len(times))


def _half_of(taken: TakenStructure, place: int) -> pl.Series:
    numbers = taken.halves[place]
    taken.halves[place] = None
    return column_of(library().numbers_out, 4, numbers, taken.count)
