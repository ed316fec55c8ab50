"""Lines -> numbers: their times, their addresses, and what is left; each distinct text once."""

from __future__ import annotations

import ctypes
from ctypes import byref
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.columns import numbers_of
from logpool.native.library import NONE, library, must
from logpool.native.structures import CutterStructure, HalfStructure, SpanStructure, TakenStructure
from logpool.native.texts import Texts
from logpool.native.variables import Patterns

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from logpool.native.lines import Rows
    from logpool.native.variables import Words


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
