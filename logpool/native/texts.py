"""Texts to numbers, each once."""

from __future__ import annotations

import ctypes
from array import array
from ctypes import byref, c_int64
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.columns import column_of
from logpool.native.library import NONE, library, must
from logpool.native.structures import PlainStructure

if TYPE_CHECKING:
    import polars as pl


class Plain(NamedTuple):
    """A time printed plainly, as ``2024-09-26 17:45:26,873``.

    Attributes:
        gap: what stands between day and clock.
        mark: what stands before the fraction; empty for none.
        digits: how many the fraction has.
    """

    gap: str
    mark: str
    digits: int


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

    @property
    def size(self) -> int:
        """How many bytes they are together."""
        return int(library().texts_size(self.pointer))

    def plain_times(self, first: int, plain: Plain, before: str, behind: str, less: int) -> array[int] | None:
        """The times that they are from a number on, microseconds; None where only some are, or none.

        Args:
            first: the number.
            plain: how they are printed.
            before: what stands before each.
            behind: likewise behind it.
            less: microseconds that are subtracted from each.
        """
        found = array("q", bytes(8 * (len(self) - first)))
        texts = [part for text in (before.encode(), behind.encode()) for part in (text, len(text))]
        printed = PlainStructure(ord(plain.gap), ord(plain.mark or "\0"), plain.digits)
        arguments = (self.pointer, first, *texts, byref(printed), less, found.buffer_info()[0])
        return found if library().plain_times(*arguments) else None

    def all(self, first: int = 0) -> pl.Series:
        """Every one from a number on, by number."""
        return column_of(library().texts_out, self.pointer, first)
