"""Lines that were cut -> what they are, by what is known of their texts."""

from __future__ import annotations

from array import array
from ctypes import byref, c_void_p
from dataclasses import field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.native.columns import numbers_of, taken_over
from logpool.native.library import NO_TIME, NONE, library, must
from logpool.native.structures import FoundStructure, LotStructure

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import polars as pl

    from logpool.native.cutting import Taken
    from logpool.native.lines import Rows
    from logpool.native.texts import Texts

#: among what parts of times add to a time: no part of a time at all; ``NO_TIME`` is part of one that there never was
MISFIT = NO_TIME + 1


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

    def named(self) -> list[tuple[int, int | None]]:
        """What each is, and whose; None where nothing tells."""
        columns = (self.structure.label[: len(self)], self.structure.name[: len(self)])
        return [(label, None if name == NONE else name) for label, name in zip(*columns, strict=True)]

    def lines(self, labels: Container[int], begin: int) -> list[int]:
        """Of those from a place on that have some labels, the numbers of the lines."""
        found = self.structure.label[begin : len(self)]
        return [self.structure.line[place] for place, label in enumerate(found, begin) if label in labels]

    def renumber(self, begin: int, numbers: Sequence[int]) -> None:
        """Puts those from a place on in the order of their lines, which get the numbers that stand in these places."""
        one = self.structure
        order = sorted(range(begin, len(self)), key=one.line.__getitem__)
        for column in (one.line, one.time, one.label, one.name, one.thread):
            for place, value in enumerate([column[place] for place in order], begin):
                column[place] = value
        for place in range(begin, len(self)):
            one.line[place] = numbers[one.line[place]]

    def columns(self) -> list[pl.Series]:
        """They themselves, which are given away.

        Returns:
            The number of each line in the log, Int64; its time, microseconds, null where there is none; what it is,
            UInt32; whose, UInt32, and in which thread it happened, UInt32, null where nothing tells.
        """
        try:
            return [
                taken_over(self.structure, "line", 8),
                taken_over(self.structure, "time", 8, gaps=True),
                taken_over(self.structure, "label"),
                taken_over(self.structure, "name", gaps=True),
                taken_over(self.structure, "thread", gaps=True),
            ]
        finally:
            # what is left of it is none
            self._free(byref(self.structure))


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


@stateful
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
            aside = map(numbers_of, (found.aside, found.aside_row, found.aside_label))
            return Found(numbers_of(found.left), list(map(Aside, *aside)), int(found.last))
        finally:
            library().found_free(byref(found))
