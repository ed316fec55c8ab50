"""What differs from line to line and need not be told apart: numbers, words, paths; each leaves a mark."""

from __future__ import annotations

import ctypes
import sys
from array import array
from ctypes import byref
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.columns import numbers_of
from logpool.native.library import library, must
from logpool.native.structures import ListStructure, PatternsStructure, WordsStructure
from logpool.native.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterable


class Pattern(NamedTuple):
    """What is known of lines that differ in nothing but variables, which leave the same marks.

    A variable is a number: up to seven digits, or ten to fifteen, since others are ids; or an address but the one that
    is told. Or it is a word that is not among :class:`Words`: letters and digits, and further ones that are joined to
    it; or a path, a URL, a mail address, an IPv4 address.

    Attributes:
        kept: which variables matter: a bit for each, the 64th for all from there on.
        first: the number of the first one that is part of the line's thread.
        size: so many are, one behind the other; 0 where none is that is left out.
        before: how many bytes of the thread stand before them.
        behind: likewise behind them.
    """

    kept: int
    first: int = 0
    size: int = 0
    before: int = 0
    behind: int = 0


#: what joins words so that they are one
JOINS = "-_"
#: and what may, where that makes all of what stands in quotation marks, and no clock: in words around a message, as of
#: a process and its thread, each part may matter
MAY_JOIN = "/.:@+%~&=?!#*"


class Words:
    """Words that are no variables: those that are known, and those that hold a part that is.

    Attributes:
        structure: they, as the compiled part has them.
    """

    def __init__(self, known: Iterable[str], parts: Iterable[str] = (), *, in_chunks: bool = False) -> None:
        """Takes them, up to eight parts, of four letters at least; small letters and capitals are the same.

        Args:
            known: words.
            parts: of words.
            in_chunks: whether the others are joined by whatever may join them.
        """
        self._words = [*known], [*parts]
        self._texts = Texts(), Texts()
        for texts, words in zip(self._texts, self._words, strict=True):
            for word in words:
                texts.add(word.lower())
        self.structure = WordsStructure(*(texts.pointer for texts in self._texts))
        for number in range(len(self._texts[1])):
            part = self._texts[1].get(number).encode()
            self.structure.part_bits[part[0]] |= 1 << number
            # the four letters as they stand in memory
            self.structure.part_heads[number] = int.from_bytes(part[:4], sys.byteorder)
        for byte in JOINS:
            self.structure.joins[ord(byte)] = 1
        for byte in MAY_JOIN if in_chunks else "":
            self.structure.joins[ord(byte)] = 2
        self.structure.may_join = in_chunks

    def in_chunks(self) -> Words:
        """The same, so that the others are joined by whatever may join them."""
        return Words(*self._words, in_chunks=True)


class Variable(NamedTuple):
    """Where one stands in a text, from one byte to another, and what it leaves there."""

    start: int
    end: int
    mark: int


def variables_of(text: bytes, words: Words | None = None) -> list[Variable]:
    """The variables of a text: its numbers, and where words are given that are known, the others."""
    found = ListStructure()
    known = None if words is None else byref(words.structure)
    try:
        must(library().variables(text, len(text), known, byref(found)))
        numbers = iter(numbers_of(found))
    finally:
        library().list_free(byref(found))
    return list(map(Variable, numbers, numbers, numbers))


class Patterns:
    """The patterns of lines, by number; something must be known of each before lines of it can be cut.

    Attributes:
        texts: what is left of the lines, a mark in the place of each number.
    """

    def __init__(self, words: Words | None = None) -> None:
        """None yet; of lines of which numbers leave a mark, and where words are given that are known, all others."""
        self.texts, self._words = Texts(), words
        self._known = array("Q")

    def __len__(self) -> int:
        """Of how many something is known."""
        return len(self._known) // len(Pattern._fields)

    def learn(self, pattern: Pattern) -> None:
        """Takes what is known of the first one of which nothing is."""
        self._known.extend(pattern)

    def structure(self) -> PatternsStructure:
        """They, as the compiled part takes them."""
        words = None if self._words is None else ctypes.pointer(self._words.structure)
        return PatternsStructure(self.texts.pointer, self._known.buffer_info()[0], len(self), words)
