"""Bytes -> the lines in them that matter."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.columns import column_of, numbers_of
from logpool.native.cutting import Taken
from logpool.native.library import library, must
from logpool.native.structures import ListStructure, NeedleStructure, SurveyStructure, TakenStructure

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    import polars as pl

    from logpool.native.cutting import Cutter


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


class Survey(NamedTuple):
    """What some bytes hold.

    Attributes:
        lines: how many; the last one may have no end.
        is_plain: whether every byte is a character.
        has_nuls: whether some are NULs.
    """

    lines: int
    is_plain: bool
    has_nuls: bool


def surveyed(data: bytes, size: int) -> Survey:
    """What the first so many bytes hold."""
    found = SurveyStructure()
    library().survey(data, size, byref(found))
    return Survey(int(found.lines), bool(found.plain), bool(found.nul))


class Rows:
    """The lines in some bytes that hold a needle: rows, by number.

    Attributes:
        data: the bytes, UTF-8.
        is_plain: whether each is a character.
        alike: the rows that are like lines which the cutter has cut before, cut; None without one.
        left: the numbers of the others, ``I``.
    """

    def __init__(
        self, data: bytes, needles: Needles, survey: Survey, size: int | None = None, cutter: Cutter | None = None
    ) -> None:
        """The lines in the first so many bytes, or in all; with a cutter for some of them."""
        size = len(data) if size is None else size
        self._free = library().rows_free
        self.data, self.is_plain = data, survey.is_plain
        self.pointer = library().rows_new()
        must(bool(self.pointer))
        likely = None if cutter is None or not cutter.keys else cutter.structure(is_plain=self.is_plain)
        self.alike = None if cutter is None or likely is None else Taken(cutter)
        taken = TakenStructure() if self.alike is None else self.alike.structure
        left = ListStructure()
        try:
            must(
                library().scan(
                    data,
                    size,
                    needles.array,
                    len(needles.array),
                    None if likely is None else byref(likely),
                    self.pointer,
                    byref(taken),
                    byref(left),
                )
            )
            self.left = numbers_of(left)
        finally:
            library().list_free(byref(left))

    def __del__(self) -> None:
        self._free(self.pointer)

    def __len__(self) -> int:
        return int(self.pointer.contents.count)

    def place(self, row: int) -> int:
        """Which line a row is, from 0."""
        return int(self.pointer.contents.place[row])

    def start(self, row: int) -> int:
        """Where a row begins in the bytes."""
        return int(self.pointer.contents.start[row])

    def text(self, row: int) -> str:
        """The line itself, without its end."""
        return self.data[self.start(row) : self.pointer.contents.end[row]].decode()

    def texts(self, rows: array[int]) -> pl.Series:
        """The same of some rows, ``I``."""
        return column_of(library().lines_out, self.data, self.pointer, rows.buffer_info()[0], len(rows))
