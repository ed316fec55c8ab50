"""Lines -> numbers: their times, their addresses, and what is left; each distinct text once."""

from __future__ import annotations

import ctypes
import sys
from array import array
from ctypes import byref
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.columns import numbers_of
from logpool.native.library import NONE, library, must
from logpool.native.structures import (
    CutterStructure,
    HalfStructure,
    ListStructure,
    PatternsStructure,
    SpanStructure,
    TakenStructure,
    WordsStructure,
)
from logpool.native.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logpool.native.lines import Rows


#: what a word that may be part of a path ends at, in the compiled part as well
BOUNDS = " \t\"'()[]<>{},;|"


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
        form: where it is the first text of a form behind the end of the time before, wherever that stands, but not
            within a path: a time with 0 in the place of each digit, 9 of one which a space may pad, a of each letter.
    """

    anchor: str | None
    start: int
    width: int
    parts: Sequence[Part]
    form: str | None = None


class Out(IntEnum):
    """What is taken out of a line beside its times, its address and a timing's seconds."""

    NOTHING = 0
    #: ids, as of requests and traces
    IDS = 1
    #: these, and every number that does not matter, and every other address
    NUMBERS = 2
    #: these, and every word that does not, unless it is known
    WORDS = 3
    #: the same, paths, URLs, mail addresses and IPv4 addresses, and in quotation marks what :data:`MAY_JOIN` joins
    CHUNKS = 4


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


class Taken:
    """Lines with a time in every place. What stands there may still be none.

    Attributes:
        cutter: what cut them.
        first_key: the first number of a key that was not known before; the others follow.
        structure: they, as the compiled part has them.
    """

    def __init__(self, cutter: Cutter) -> None:
        self._free = library().taken_free
        self.cutter = cutter
        self.first_key = len(cutter.keys)
        self.structure = TakenStructure()

    @classmethod
    def of(cls, cutter: Cutter, rows: Rows, chosen: array[int]) -> Taken:
        """Cuts those of the rows whose numbers are chosen, ``I``."""
        taken = cls(cutter)
        structure = cutter.structure(is_plain=rows.is_plain)
        must(
            library().cut(
                byref(structure), rows.data, rows.pointer, chosen.buffer_info()[0], len(chosen), byref(taken.structure)
            )
        )
        return taken

    @property
    def unknown(self) -> array[int]:
        """A row of each pattern that is not known: lines of these are not cut."""
        return numbers_of(self.structure.unknown)

    @property
    def has_marks(self) -> bool:
        """Whether some lines hold what stands in the places of numbers: neither are these."""
        return bool(self.structure.has_marks)

    def __del__(self) -> None:
        self._free(byref(self.structure))

    def __len__(self) -> int:
        return int(self.structure.count)

    def firsts(self) -> array[int]:
        """The place of the first line of each key that was not known before."""
        return numbers_of(self.structure.first)

    def row(self, place: int) -> int:
        """The number of a line among the rows."""
        return int(self.structure.row[place])

    def key(self, place: int) -> int:
        """The number of what is left of it.

        In the place of its times it has a mark, of a timing's seconds the character 2, of its address 7, of an id the
        character 3, or where it is a number 4, 5 if that is short, 6 if it has many decimals, 12 if it is a network
        address; of another address that does not matter the character 8, of a number that does not 14, or a later one
        for each further digit; and of such a word 28, 29 if it begins with a capital, 30 with a digit, and then of a
        number of up to seven digits 31; and of a path, a URL, a mail address or an IPv4 address 11.
        """
        return int(self.structure.key[place])

    def address(self, place: int) -> str | None:
        """Its address: the first one behind what a connection follows, else the first one."""
        return self._name(self.structure.address[place])

    def seconds(self, place: int) -> str | None:
        """These seconds."""
        return self._name(self.structure.seconds[place])

    def thread(self, place: int) -> str | None:
        """Its thread, where a number that was taken out is part of that."""
        return self._name(self.structure.thread[place])

    def times(self, place: int) -> list[str]:
        """The parts of its times."""
        halves = self.structure.halves
        return [texts.get(halves[number][place]) for number, texts in enumerate(self.cutter.times)]

    def _name(self, number: int) -> str | None:
        return None if number == NONE else self.cutter.names.get(number)


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


class Alikes:
    """Lines that were cut, by which others are known that are like them.

    Attributes:
        equal: those of which no more than times, and an address or seconds, was taken out.
        tree: the others, by what they left.
    """

    def __init__(self) -> None:
        native = library()
        self._free = native.alikes_free, native.tree_free
        self.equal, self.tree = native.alikes_new(), native.tree_new()
        must(self.equal and self.tree)

    def __del__(self) -> None:
        for free, pointer in zip(self._free, (self.equal, self.tree), strict=True):
            free(pointer)


class Cutter:
    """Takes times, addresses and seconds out of lines, and numbers what is left.

    Attributes:
        keys: the lines without them.
        names: the addresses and the seconds, and the threads where numbers that were taken out are part of them.
        times: the texts of each part of each time.
        leading: whether times leave no mark.
        out: what else leaves a mark and no more.
        patterns: those of the lines, where numbers do, or words.
        spans: where times stand, as the compiled part takes them.
    """

    def __init__(
        self, places: Sequence[Place], *, leading: bool, out: Out = Out.NOTHING, words: Words | None = None
    ) -> None:
        """Cuts lines with some times, and takes out what else is asked for, of words all but some."""
        self.leading, self.out = leading, out
        self.keys, self.names, self._alikes = Texts(), Texts(), Alikes()
        self.patterns = Patterns(words) if out >= Out.NUMBERS else None
        self.times = [Texts() for place in places for _ in place.parts]
        self.spans = (SpanStructure * len(places))()
        waiting = iter(self.times)
        for span, place in zip(self.spans, places, strict=True):
            anchor = None if place.anchor is None else place.anchor.encode()
            span.anchor, span.anchor_size = anchor, len(anchor or b"")
            span.form = None if place.form is None else place.form.encode()
            span.start, span.width, span.half_count = place.start, place.width, len(place.parts)
            for number, part in enumerate(place.parts):
                span.halves[number] = HalfStructure(part.start, part.width, next(waiting).pointer)

        self._structure = CutterStructure(
            self.spans,
            len(self.spans),
            len(self.times),
            leading=leading,
            ids=out >= Out.IDS,
            alikes=self._alikes.equal,
            tree=self._alikes.tree,
            keys=self.keys.pointer,
            names=self.names.pointer,
        )

    def structure(self, *, is_plain: bool) -> CutterStructure:
        """It, as the compiled part takes it, for bytes of which each is a character, or not."""
        self._structure.plain = is_plain
        if self.patterns is not None:
            self._structure.patterns = ctypes.pointer(self.patterns.structure())
        return self._structure

    @property
    def form_count(self) -> int:
        """How many patterns there are, known or not."""
        return 0 if self.patterns is None else len(self.patterns.texts)

    @property
    def most(self) -> int:
        """Of how many texts the longest list is."""
        return max(map(len, self._texts))

    @property
    def size(self) -> int:
        """How many bytes all texts are."""
        return sum(texts.size for texts in self._texts)

    @property
    def _texts(self) -> list[Texts]:
        patterns = () if self.patterns is None else (self.patterns.texts,)
        return [self.keys, self.names, *self.times, *patterns]
