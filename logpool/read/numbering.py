"""Lines -> events, by number: each text that is left of lines is read once, and what it is, is kept."""

from __future__ import annotations

import re
from array import array
from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.native.cutting import Out, Taken
from logpool.native.finding import Fate, Known
from logpool.native.library import NONE
from logpool.native.variables import Pattern
from logpool.read.lexicon import words_of
from logpool.read.patterns import pattern_of
from logpool.read.rests import rest_of
from logpool.read.vocabulary import (
    MAY_MATTER,
    NO_EVENT,
    OTHER,
    TIMED_OUT_INSIDE,
    UNFIT,
    UNRECOGNISED,
    Naming,
    Numbered,
)

if TYPE_CHECKING:
    from logpool.native.cutting import Cutter
    from logpool.native.finding import Found, Lot
    from logpool.native.lines import Rows
    from logpool.native.texts import Texts
    from logpool.native.variables import Words
    from logpool.read.cuts import Cut
    from logpool.read.rests import Rest
    from logpool.read.vocabulary import Reader

#: when so many texts are known, all are forgotten
MOST_TEXTS = 1 << 17
# or when they are longer, on average, than so many bytes
_BYTES = 1 << 7
#: from how many texts on it is worth finding out which numbers in them matter
MANY_KEYS = 1 << 11
#: how many there may be that differ in more than numbers, until words that do not matter are taken out, too; and that
#: differ in more than these, until what may be joined is
MANY_PATTERNS = 1 << 9
#: and how many that differ in more than that
MOST_PATTERNS = 1 << 12
#: joining is worth it if it makes them so many times fewer
FEWER_PATTERNS = 2
# and by how many lines each of them is to be had, where there are so many
_WORTH = 8
# so many lines are looked through for what they have in common
_LOOKED_THROUGH = 1 << 10

# so many texts, of so many characters, are looked through without polars: it need not be there yet
_FEW, _SHORT = 1 << 8, 1 << 10
_FATES = {Naming.FIXED: Fate.FIXED, Naming.ADDRESS: Fate.BY_ADDRESS, Naming.SECONDS: Fate.BY_SECONDS}


@stateful
class Told:
    """What lines of a block tell.

    Attributes:
        lot: the events, those of each cut by themselves, behind those that there were.
        counts: how many of them there are, by shape.
        pieces: how often some were added.
        unrecognised: rows that are records of pools, and that the grammar does not know.
        inside: rows that are no heads and tell of a timeout.
        last: the last row that is an event; -1 for none.
        last_time: its time.
        last_cut: the cut that fits it.
    """

    lot: Lot
    counts: array[int] = field(default_factory=lambda: array("q"))
    pieces: int = 0
    unrecognised: list[int] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    last: int = -1
    last_time: int | None = None
    last_cut: Cut | None = None

    def count_up_to(self, shapes: int) -> None:
        """Counts so many shapes from now on."""
        self.counts.extend([0] * (shapes - len(self.counts)))

    def event_counts(self) -> dict[int, int]:
        """How many events there are, by the numbers of the shapes that there are."""
        return {number: count for number, count in enumerate(self.counts) if count}

    def note_last(self, row: int, cut: Cut) -> None:
        """The last one that was added is of a row, which a cut fits."""
        self.pieces += 1
        if row > self.last:
            self.last, self.last_time, self.last_cut = row, self.lot.time(len(self.lot) - 1), cut


@stateful
class Numbering:
    """The lines of one source that one cut fits.

    Attributes:
        reader: says what a text is.
        most: how many texts may be known.
        out: what to take out of lines beside their times: else each line that has an id, as of a request or a trace,
            would have a key of its own. Lines whose ids do matter keep them. Numbers that do not matter are taken out
            only where there are many keys, since it takes its time to find out which these are; and words, and what is
            joined to them, only where there are many that differ in more.
    """

    reader: Reader
    most: int = MOST_TEXTS
    out: Out = Out.IDS
    _cutter: Cutter = field(init=False)
    _known: Known = field(init=False)
    # whether some lines are to be read as they are: an id in them is a process, say; and what reads them
    _leaves: bool = False
    _whole: Numbering | None = None
    # how many keys were read
    _learned: int = 0
    # by their texts, with the variables' marks; and whether there are too many of them
    _patterns: dict[str, Pattern] = field(default_factory=dict)
    _words: Words | None = None
    _has_no_patterns: bool = False
    # whether nothing more that could be taken out would make them fewer
    _takes_no_more_out: bool = False

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._cutter = self.reader.cut.cutter(self.out, self._words)
        self._known = Known([array("q") for _ in self._cutter.times])

    def _begin_with(self, out: Out, words: Words | None = None) -> None:
        self.out, self._words = out, words
        self._patterns.clear()
        self._begin()

    def cutter(self) -> Cutter:
        """What cuts the lines of the next block."""
        self._forget()
        return self._cutter

    def _forget(self) -> None:
        """Forgets all texts where there are too many."""
        if self._cutter.most > self.most or self._cutter.size > self.most * _BYTES:
            self._begin()

    def read(self, rows: Rows, chosen: array[int], first: int, told: Told) -> array[int]:
        """Reads lines.

        Args:
            rows: the lines of a block.
            chosen: the numbers of those that this cut may fit, ``I``.
            first: the number of the block's first line.
            told: to which everything is added.

        Returns:
            The numbers of those that it does not fit, ``I``.
        """
        self._forget()
        return self._read(rows, chosen, first, told)

    def _read(self, rows: Rows, chosen: array[int], first: int, told: Told) -> array[int]:
        taken = Taken.of(self._cutter, rows, chosen)
        self._learn_times()
        if not self._learn_patterns(taken, rows, chosen) or not self._learn_keys(taken, rows):
            # something else is taken out from now on
            return self._read(rows, chosen, first, told)
        left = self._told(rows, chosen, taken, first, told)
        if taken.unknown:
            # by now these are known
            left = self._read(rows, left, first, told)
        self._leaves |= taken.has_marks
        if self._leaves and len(left):
            return self._as_they_are().read(rows, left, first, told)
        return left

    def read_alike(self, rows: Rows, first: int, told: Told) -> array[int]:
        """Reads the lines of a block that its own cutter has cut already, as they are like ones before; likewise."""
        taken = rows.alike
        if taken is None:
            return rows.left
        self._learn_times()
        left = self._told(rows, None, taken, first, told)
        return array("I", sorted(rows.left + left)) if left else rows.left

    def _told(self, rows: Rows, chosen: array[int] | None, taken: Taken, first: int, told: Told) -> array[int]:
        """Tells what lines are of which everything is known, and returns the rows that this cut does not fit."""
        known, vocabulary = self._known, self.reader.vocabulary
        told.count_up_to(len(vocabulary.shapes))
        with vocabulary.lock:
            names, threads = vocabulary.connections, vocabulary.threads
            found = known.find(rows, chosen, taken, names, threads, told.counts, first, told.lot)
        if found.last >= 0:
            told.note_last(found.last, self.reader.cut)
        return self._look(rows, taken, found, first, told) if found.aside else found.left

    def _learn_times(self) -> None:
        """Reads the parts of times that were not seen before."""
        for number, (texts, part) in enumerate(zip(self._cutter.times, self._known.parts, strict=True)):
            if len(texts) > len(part):
                part.extend(self.reader.cut.added(number, texts, len(part)))

    def _learn_keys(self, taken: Taken, rows: Rows) -> bool:
        """Reads the keys that were not seen before: only those that can matter, most are other loggers'.

        Returns:
            False where these are too many, so that numbers are to be taken out as well.
        """
        firsts = taken.firsts()
        if not firsts:
            return True
        known, reader = self._known, self.reader
        matters = holding(MAY_MATTER, self._cutter.keys, taken.first_key)
        matter = [place for place, one_matters in enumerate(matters) if one_matters]
        if self.out is Out.IDS and self._learned + len(matter) > MANY_KEYS and not self._has_no_patterns:
            self._begin_with(Out.NUMBERS)
            return False
        begin = len(known.fates)
        known.fates.extend([Fate.DROPPED] * len(firsts))
        known.labels.extend([OTHER] * len(firsts))
        known.fixed.extend([NONE] * len(firsts))
        known.threads.extend([NONE] * len(firsts))
        for place in matter:
            rest = rest_of(taken, firsts[place])
            found = reader.known.get((rest.key, rest.out))
            if (
                found is None
                and known.fits(taken, firsts[place])
                and self._is_own(rest, rows, taken.row(firsts[place]))
            ):
                found = reader.learned(rest)
                self._learned += 1
            if found is not None:
                self._keep(begin + place, found)
            elif rest.has_ids or rest.thread is not None:
                known.fates[begin + place] = Fate.LEFT
                self._leaves = True
            else:
                # this is no line of the cut's, and what it says in vain must not count: the next one is looked at
                known.fates[begin + place] = Fate.SET_ASIDE
        return True

    def _is_own(self, rest: Rest, rows: Rows, row: int) -> bool:
        """Whether nothing that was taken out of a line as an id is part of a time, and so none of this cut's."""
        if not rest.has_ids:
            return True
        whole = Taken.of(self.reader.cut.cutter(), rows, array("I", [row]))
        return self.reader.owns(rest_of(whole, 0))

    def _learn_patterns(self, taken: Taken, rows: Rows, chosen: array[int]) -> bool:
        """Finds out which variables matter in lines that differ in nothing but these.

        Returns:
            False where there are too many such lines, so that more is to be taken out, or numbers to stay.
        """
        patterns = self._cutter.patterns
        if patterns is None or not taken.unknown:
            return True
        matter = holding(MAY_MATTER, patterns.texts, len(patterns))
        count = len(self._patterns) + sum(matter)
        examples = self.reader.cut.cutter(Out.IDS)
        if count > MANY_PATTERNS and self._takes_more_out(rows, chosen[:_LOOKED_THROUGH]):
            return False
        # to find out what matters in a pattern takes as long as to parse some lines
        if count > MOST_PATTERNS or (sum(matter) > MANY_PATTERNS and sum(matter) * _WORTH > len(chosen)):
            self._has_no_patterns = True
            self._begin_with(Out.IDS)
            return False
        for number, (matters, row) in enumerate(zip(matter, taken.unknown, strict=True), len(patterns)):
            text = patterns.texts.get(number)
            if matters and text not in self._patterns:
                example = Taken.of(examples, rows, array("I", [row]))
                self._patterns[text] = pattern_of(rest_of(example, 0), self.reader.parsed, self._words)
            patterns.learn(self._patterns.get(text, Pattern(0)))
        return True

    def _takes_more_out(self, rows: Rows, chosen: array[int]) -> bool:
        """Takes more out of lines than numbers, or than words, from now on, if that is to any avail."""
        if self.out is Out.CHUNKS or self._takes_no_more_out:
            return False
        cut, more = self.reader.cut, Out(self.out + 1)
        lines = Taken.of(cut.cutter(Out.IDS), rows, chosen)
        texts = [rest_of(lines, place).key for place in range(len(lines))]
        words = words_of(texts)
        if more is Out.CHUNKS:
            now, words = cut.cutter(self.out, words), words.in_chunks()
            then = cut.cutter(more, words)
            for cutter in (then, now):
                Taken.of(cutter, rows, chosen)
            if then.form_count * FEWER_PATTERNS > now.form_count:
                self._takes_no_more_out = True
                return False
        self._begin_with(more, words)
        return True

    def _as_they_are(self) -> Numbering:
        if self._whole is None:
            self._whole = Numbering(self.reader, self.most, Out.NOTHING)
        return self._whole

    def _keep(self, key: int, found: Numbered) -> None:
        """Keeps what the lines of a key are."""
        known = self._known
        known.fates[key] = _fate(found)
        known.labels[key] = OTHER if found.naming is Naming.SINGLE else found.shape
        known.threads[key] = NONE if found.thread is None else found.thread
        if found.naming is Naming.FIXED and found.identity is not None:
            known.fixed[key] = self.reader.vocabulary.connection(found.identity)

    def _look(self, rows: Rows, taken: Taken, found: Found, first: int, told: Told) -> array[int]:
        """Looks at the lines that were set aside, and returns the rows that this cut does not fit."""
        told.unrecognised += [one.row for one in found.aside if one.label == UNRECOGNISED]
        told.inside += [one.row for one in found.aside if one.label == TIMED_OUT_INSIDE]
        left: list[int] = []
        vocabulary = self.reader.vocabulary
        # the address that was taken out of the others is not the connection's: each is looked up by itself
        for place, row in ((place, row) for place, row, label in found.aside if label == OTHER):
            one = self.reader.learned(rest_of(taken, place))
            assert one is not None  # noqa: S101 - for the type checker: none of these is without its ids
            self._keep(taken.key(place), one)
            if one.shape == UNFIT:
                left.append(row)
            elif one.shape == UNRECOGNISED:
                told.unrecognised.append(row)
            elif one.shape == TIMED_OUT_INSIDE:
                told.inside.append(row)
            elif one.shape >= NO_EVENT:
                name = None if one.identity is None else vocabulary.connection(one.identity)
                thread = taken.thread(place)
                thread_number = one.thread if thread is None else vocabulary.thread(thread)
                told.count_up_to(one.shape + 1)
                told.counts[one.shape] += 1
                told.lot.add(first + rows.place(row), self._known.time(taken, place), one.shape, name, thread_number)
                told.note_last(row, self.reader.cut)
        return array("I", sorted([*found.left, *left])) if left else found.left


def holding(pattern: str, texts: Texts, first: int) -> list[bool]:
    """Of each text from a number on whether something of a pattern stands in it."""
    few = [] if len(texts) - first > _FEW else [texts.get(number) for number in range(first, len(texts))]
    if len(few) == len(texts) - first and max(map(len, few), default=0) <= _SHORT:
        return [re.search(pattern, text) is not None for text in few]
    return texts.all(first).str.contains(pattern).to_list()


def _fate(found: Numbered) -> Fate:
    """What becomes of the lines of a text."""
    if found.naming is Naming.SINGLE or found.shape in (UNRECOGNISED, TIMED_OUT_INSIDE):
        return Fate.SET_ASIDE
    if found.shape == UNFIT:
        return Fate.LEFT
    return _FATES[found.naming] if found.shape >= NO_EVENT else Fate.DROPPED
