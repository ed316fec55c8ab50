"""Lines -> numbers: those that matter, their times, their addresses, and what is left; each distinct text once."""

from __future__ import annotations

import ctypes
from array import array
from ctypes import byref, c_int64, c_void_p
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.library import (
    NONE,
    FoundStructure,
    HalfStructure,
    LikelyStructure,
    ListStructure,
    LotStructure,
    NeedleStructure,
    PatternsStructure,
    PlainStructure,
    SpanStructure,
    SurveyStructure,
    TakenStructure,
    column_of,
    library,
    must,
    taken_over,
)

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import polars as pl

#: among what parts of times add to a time: none that there ever was, and no part of a time at all
NO_TIME, MISFIT = -(1 << 63), 1 - (1 << 63)


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
        likely = None if cutter is None else cutter.likely(is_plain=self.is_plain)
        self.alike = None if cutter is None or likely is None else Taken(cutter)
        taken = TakenStructure() if self.alike is None else self.alike.structure
        left = ListStructure()
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
        self.left = _numbers(left)
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


class Out(IntEnum):
    """What is taken out of a line beside its times, its first address and a timing's seconds."""

    NOTHING = 0
    #: ids, as of requests and traces
    IDS = 1
    #: these, and every number that does not matter
    NUMBERS = 2


class Pattern(NamedTuple):
    """What is known of lines that differ in nothing but numbers, each of as many digits.

    A number is up to seven digits, or ten to fifteen: others are ids. Those of addresses are none.

    Attributes:
        kept: which numbers matter: a bit for each, the 64th for all from there on.
        thread: at which byte of what is left of the line, ids taken out and all numbers in it, its thread stands.
        size: how many bytes that has; 0 where no number that is left out is part of it.
    """

    kept: int
    thread: int = 0
    size: int = 0


class Fate(IntEnum):
    """What becomes of lines, by their key."""

    #: they are nothing
    DROPPED = 0
    #: somebody has to look at each
    SET_ASIDE = 1
    #: another cut has to take their times out
    LEFT = 2
    #: they all have the key's name, or none
    FIXED = 3
    #: their address is their name
    BY_ADDRESS = 4
    #: their seconds are
    BY_SECONDS = 5


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
        patterns = cutter.patterns
        must(
            library().cut(
                rows.data,
                rows.pointer,
                chosen.buffer_info()[0],
                len(chosen),
                rows.is_plain,
                cutter.spans,
                len(cutter.spans),
                len(cutter.times),
                cutter.leading,
                cutter.out >= Out.IDS,
                None if patterns is None else byref(patterns.structure()),
                cutter.alikes.pointer,
                cutter.keys.pointer,
                cutter.names.pointer,
                byref(taken.structure),
            )
        )
        return taken

    @property
    def unknown(self) -> array[int]:
        """A row of each pattern that is not known: lines of these are not cut."""
        return _numbers(self.structure.unknown)

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
        return _numbers(self.structure.first)

    def row(self, place: int) -> int:
        """The number of a line among the rows."""
        return int(self.structure.row[place])

    def key(self, place: int) -> int:
        """The number of what is left of it.

        In the place of its times it has a mark, of a timing's seconds the character 2, of its first address ``0x``, of
        an id the character 3, or where it is a number 4, 5 if that is short, 6 if it has many decimals; and of a number
        that does not matter the character 14, or a later one for each further digit.
        """
        return int(self.structure.key[place])

    def address(self, place: int) -> str | None:
        """That address."""
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


def _numbers(found: ListStructure) -> array[int]:
    numbers = array("I")
    if found.count:
        numbers.frombytes(ctypes.string_at(found.numbers, found.count * numbers.itemsize))
    return numbers


class Patterns:
    """The patterns of lines, by number; something must be known of each before lines of it can be cut.

    Attributes:
        texts: what is left of the lines, a mark in the place of each number.
    """

    def __init__(self) -> None:
        self.texts = Texts()
        self._known = array("Q")

    def __len__(self) -> int:
        """Of how many something is known."""
        return len(self._known) // len(Pattern._fields)

    def learn(self, pattern: Pattern) -> None:
        """Takes what is known of the first one of which nothing is."""
        self._known.extend(pattern)

    def structure(self) -> PatternsStructure:
        """They, as the compiled part takes them."""
        return PatternsStructure(self.texts.pointer, self._known.buffer_info()[0], len(self))


class Alikes:
    """Lines that were cut, by which others that are equal but for time and address are known."""

    def __init__(self) -> None:
        self._free = library().alikes_free
        self.pointer = library().alikes_new()
        must(self.pointer)

    def __del__(self) -> None:
        self._free(self.pointer)


class Cutter:
    """Takes times, addresses and seconds out of lines, and numbers what is left.

    Attributes:
        keys: the lines without them.
        names: the addresses and the seconds, and the threads where numbers that were taken out are part of them.
        times: the texts of each part of each time.
        leading: whether times leave no mark.
        out: what else leaves a mark and no more.
        patterns: those of the lines, where numbers do.
        alikes: of the lines that were cut.
        spans: where times stand, as the compiled part takes them.
    """

    def __init__(self, places: Sequence[Place], *, leading: bool, out: Out = Out.NOTHING) -> None:
        self.leading, self.out = leading, out
        self.keys, self.names, self.alikes = Texts(), Texts(), Alikes()
        self.patterns = Patterns() if out is Out.NUMBERS else None
        self.times = [Texts() for place in places for _ in place.parts]
        self.spans = (SpanStructure * len(places))()
        waiting = iter(self.times)
        for span, place in zip(self.spans, places, strict=True):
            anchor = None if place.anchor is None else place.anchor.encode()
            span.anchor, span.anchor_size = anchor, len(anchor or b"")
            span.start, span.width, span.half_count = place.start, place.width, len(place.parts)
            for number, part in enumerate(place.parts):
                span.halves[number] = HalfStructure(part.start, part.width, next(waiting).pointer)

    def likely(self, *, is_plain: bool) -> LikelyStructure | None:
        """How it cuts lines that are like ones before, for the compiled part; None where it knows of no such."""
        if len(self.spans) > 1 or not self.keys:
            return None
        counts = (len(self.spans), len(self.times), is_plain)
        return LikelyStructure(self.spans, *counts, self.alikes.pointer, self.names.pointer)

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


class Lot:
    """Lines by what they are, as they come."""

    def __init__(self, room: int = 0) -> None:
        """None; there is room for so many."""
        self._free = library().lot_free
        self.structure = LotStructure()
        must(library().lot_room(byref(self.structure), room))

    def __del__(self) -> None:
        self._free(byref(self.structure))

    def __len__(self) -> int:
        return int(self.structure.count)

    def add(self, line: int, time: int | None, label: int, name: int | None, thread: int | None) -> None:
        """One more."""
        known = (NONE if number is None else number for number in (name, thread))
        must(library().lot_add(byref(self.structure), line, NO_TIME if time is None else time, label, *known))

    def time(self, place: int) -> int | None:
        """When it was."""
        time = int(self.structure.time[place])
        return None if time == NO_TIME else time

    def lines(self, labels: Container[int], begin: int) -> list[int]:
        """Of those from a place on that have some labels, the numbers of the lines."""
        found = self.structure.label[begin : len(self)]
        return [self.structure.line[place] for place, label in enumerate(found, begin) if label in labels]

    def columns(self) -> list[pl.Series]:
        """They themselves, which are given away.

        Returns:
            The number of each line in the log, Int64; its time, microseconds, null where there is none; what it is,
            UInt32; whose, UInt32, and in which thread it happened, UInt32, null where nothing tells.
        """
        return [
            taken_over(self.structure, "line", 8),
            taken_over(self.structure, "time", 8, gaps=True),
            taken_over(self.structure, "label"),
            taken_over(self.structure, "name", gaps=True),
            taken_over(self.structure, "thread", gaps=True),
        ]


class Aside(NamedTuple):
    """A line that somebody has to look at.

    Attributes:
        place: among the lines that were cut.
        row: its number among the rows.
        label: what it is.
    """

    place: int
    row: int
    label: int


class Found(NamedTuple):
    """What cut lines are beside those that are something.

    Attributes:
        left: the numbers of the rows that this cut does not fit, ``I``.
        aside: those to look at.
        last: the number of the last row that is something; -1 for none.
    """

    left: array[int]
    aside: list[Aside]
    last: int


@dataclass
class Known:
    """What is known of the texts of a cutter, and so of the lines with them: numbers for each text, by its number.

    Attributes:
        parts: for each part of times, what its texts add to the time (``NO_TIME`` for times that there never were,
            ``MISFIT`` for what is none), ``q``.
        fates: of each key.
        labels: what the lines of each key are.
        fixed: their name; ``NONE`` for none. Likewise ``threads``, their thread.
        numbers: of each name, its number among all names; ``NONE`` for those that were not asked for. Likewise
            ``thread_numbers``, its number among all threads.
    """

    parts: list[array[int]]
    fates: array[int] = field(default_factory=lambda: array("B"))
    labels: array[int] = field(default_factory=lambda: array("I"))
    fixed: array[int] = field(default_factory=lambda: array("I"))
    threads: array[int] = field(default_factory=lambda: array("I"))
    numbers: array[int] = field(default_factory=lambda: array("I"))
    thread_numbers: array[int] = field(default_factory=lambda: array("I"))

    def fits(self, taken: Taken, place: int) -> bool:
        """Whether times stand in all places of one line."""
        return MISFIT not in self._added(taken, place)

    def _added(self, taken: Taken, place: int) -> list[int]:
        halves = taken.structure.halves
        return [part[halves[number][place]] for number, part in enumerate(self.parts)]

    def time(self, taken: Taken, place: int) -> int | None:
        """The time of one line; None where it has none."""
        added = self._added(taken, place)
        return sum(added) if added and NO_TIME not in added else None

    def find(
        self,
        rows: Rows,
        chosen: array[int] | None,
        taken: Taken,
        names: Texts,
        threads: Texts,
        counts: array[int],
        first: int,
        lot: Lot,
    ) -> Found:
        """Tells what lines are; everything must be known of their texts.

        Args:
            rows: lines.
            chosen: the numbers of those that were to be cut, ``I``; None for those that were.
            taken: what was taken out of them.
            names: all names; those that lines have are added.
            threads: all threads, likewise.
            counts: of each label, to which the lines are added, ``q``.
            first: the number of the block's first line.
            lot: to which those that are something are added.
        """
        for numbers in (self.numbers, self.thread_numbers) if taken.cutter.patterns else (self.numbers,):
            numbers.frombytes(b"\xff" * (numbers.itemsize * (len(taken.cutter.names) - len(numbers))))
        found = FoundStructure()
        try:
            must(
                library().find(
                    rows.pointer,
                    taken.structure.row if chosen is None else chosen.buffer_info()[0],
                    len(taken) if chosen is None else len(chosen),
                    byref(taken.structure),
                    (c_void_p * len(self.parts))(*(part.buffer_info()[0] for part in self.parts)),
                    *(column.buffer_info()[0] for column in (self.fates, self.labels, self.fixed, self.threads)),
                    taken.cutter.names.pointer,
                    self.numbers.buffer_info()[0],
                    names.pointer,
                    self.thread_numbers.buffer_info()[0],
                    threads.pointer,
                    counts.buffer_info()[0],
                    first,
                    byref(lot.structure),
                    byref(found),
                )
            )
            aside = map(_numbers, (found.aside, found.aside_row, found.aside_label))
            return Found(_numbers(found.left), list(map(Aside, *aside)), int(found.last))
        finally:
            library().found_free(byref(found))
