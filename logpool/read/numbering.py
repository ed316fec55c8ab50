"""Lines -> events, by number: each text that is left of lines is read once, and what it is, is kept."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.native.library import NONE
from logpool.native.lines import Fate, Known, Out, Pattern, Taken
from logpool.read.cuts import rest_of
from logpool.read.patterns import pattern_of
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
    from logpool.native.lines import Cutter, Found, Rows
    from logpool.read.cuts import Cut
    from logpool.read.vocabulary import Reader

#: when so many texts are known, all are forgotten
MOST_TEXTS = 1 << 17
# or when they are longer, on average, than so many bytes
_BYTES = 1 << 7
#: from how many texts on it is worth finding out which numbers in them matter
MANY_KEYS = 1 << 11
#: and how many texts there may be that differ in more than numbers
MOST_PATTERNS = 1 << 12

_EVENTS = {
    "line": pl.Int64,
    "time": pl.Int64,
    "shape": pl.UInt32,
    "connection": pl.UInt32,
    "thread": pl.UInt32,
}
_FATES = {Naming.FIXED: Fate.FIXED, Naming.ADDRESS: Fate.BY_ADDRESS, Naming.SECONDS: Fate.BY_SECONDS}


@dataclass
class Told:
    """What lines of a block tell.

    Attributes:
        counts: how many events there are, by shape.
        events: ``line``, ``time``, ``shape``, ``connection``, ``thread``; those of each cut by themselves.
        unrecognised: rows that are records of pools, and that the grammar does not know.
        inside: rows that are no heads and tell of a timeout.
        last: the last row that is an event; -1 for none.
        last_cut: the cut that fits it.
    """

    counts: array[int]
    events: list[pl.DataFrame] = field(default_factory=list)
    unrecognised: list[pl.Series] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    last: int = -1
    last_cut: Cut | None = None

    def event_counts(self) -> dict[int, int]:
        """How many events there are, by the numbers of the shapes that there are."""
        return {number: count for number, count in enumerate(self.counts) if count}

    def in_order(self) -> pl.DataFrame:
        """The events."""
        if len(self.events) == 1:
            return self.events[0]
        return pl.concat([pl.DataFrame(schema=_EVENTS), *self.events]).sort("line")


@dataclass
class Numbering:
    """The lines of one source that one cut fits.

    Attributes:
        reader: says what a text is.
        most: how many texts may be known.
        out: what to take out of lines beside their times: else each line that has an id, as of a request or a trace,
            would have a key of its own. Lines whose ids do matter keep them. Numbers that do not matter are taken out
            only where there are many keys, since it takes its time to find out which these are.
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
    # by their texts, with the numbers' marks; and whether there are too many of them
    _patterns: dict[str, Pattern] = field(default_factory=dict)
    _has_no_patterns: bool = False

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._cutter = self.reader.cut.cutter(self.out)
        self._known = Known([array("q") for _ in self._cutter.times])

    def _begin_with(self, out: Out) -> None:
        self.out = out
        self._begin()

    def cutter(self) -> Cutter:
        """What cuts the lines of the next block."""
        self._forget()
        return self._cutter

    def _forget(self) -> None:
        """Forgets all texts where there are too many."""
        if self._cutter.most > self.most or self._cutter.size > self.most * _BYTES:
            self._begin()

    def read(self, rows: Rows, chosen: pl.Series, first: int, told: Told) -> pl.Series:
        """Reads lines.

        Args:
            rows: the lines of a block.
            chosen: the numbers of those that this cut may fit.
            first: the number of the block's first line.
            told: to which everything is added.

        Returns:
            The numbers of those that it does not fit.
        """
        self._forget()
        return self._read(rows, chosen, first, told)

    def _read(self, rows: Rows, chosen: pl.Series, first: int, told: Told) -> pl.Series:
        taken = Taken.of(self._cutter, rows, chosen)
        self._learn_times()
        if not self._learn_patterns(taken, rows) or not self._learn_keys(taken):
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

    def read_alike(self, rows: Rows, first: int, told: Told) -> pl.Series:
        """Reads the lines of a block that its own cutter has cut already, as they are like ones before; likewise."""
        taken = rows.alike
        if taken is None:
            return rows.left
        self._learn_times()
        left = self._told(rows, None, taken, first, told)
        return pl.concat([rows.left, left]).sort() if len(left) else rows.left

    def _told(self, rows: Rows, chosen: pl.Series | None, taken: Taken, first: int, told: Told) -> pl.Series:
        """Tells what lines are of which everything is known, and returns the rows that this cut does not fit."""
        known, vocabulary = self._known, self.reader.vocabulary
        told.counts.extend([0] * (len(vocabulary.shapes) - len(told.counts)))
        with vocabulary.lock:
            found = known.find(rows, chosen, taken, vocabulary.connections, vocabulary.threads, told.counts, first)
        if len(found.line):
            columns = zip(_EVENTS, (found.line, found.time, found.label, found.name, found.thread), strict=True)
            told.events.append(pl.DataFrame([column.alias(name) for name, column in columns]))
        self._note_last(told, found.last)
        return self._look(rows, taken, found, first, told) if len(found.aside) else found.left

    def _note_last(self, told: Told, row: int) -> None:
        if row > told.last:
            told.last, told.last_cut = row, self.reader.cut

    def _learn_times(self) -> None:
        """Reads the parts of times that were not seen before."""
        for number, (texts, part) in enumerate(zip(self._cutter.times, self._known.parts, strict=True)):
            if len(texts) > len(part):
                part.extend(self.reader.cut.added(number, texts, len(part)))

    def _learn_keys(self, taken: Taken) -> bool:
        """Reads the keys that were not seen before: only those that can matter, most are other loggers'.

        Returns:
            False where these are too many, so that numbers are to be taken out as well.
        """
        firsts = taken.firsts()
        if not firsts:
            return True
        known, reader = self._known, self.reader
        keys = self._cutter.keys.all(taken.first_key)
        matter = keys.str.contains(MAY_MATTER).arg_true()
        if self.out is Out.IDS and self._learned + len(matter) > MANY_KEYS and not self._has_no_patterns:
            self._begin_with(Out.NUMBERS)
            return False
        begin = len(known.fates)
        known.fates.extend([Fate.DROPPED] * len(keys))
        known.labels.extend([OTHER] * len(keys))
        known.fixed.extend([NONE] * len(keys))
        known.threads.extend([NONE] * len(keys))
        for place in matter:
            rest = rest_of(taken, firsts[place])
            found = reader.known.get((rest.key, rest.out))
            if found is None and known.fits(taken, firsts[place]):
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

    def _learn_patterns(self, taken: Taken, rows: Rows) -> bool:
        """Finds out which numbers matter in lines that differ in nothing but these.

        Returns:
            False where there are too many such lines, so that numbers are to stay.
        """
        patterns = self._cutter.patterns
        if patterns is None or not taken.unknown:
            return True
        texts = patterns.texts.all(len(patterns))
        matter = texts.str.contains(MAY_MATTER)
        if len(self._patterns) + int(matter.sum()) > MOST_PATTERNS:
            self._has_no_patterns = True
            self._begin_with(Out.IDS)
            return False
        examples = self.reader.cut.cutter(Out.IDS)
        for text, matters, row in zip(texts, matter, taken.unknown, strict=True):
            if matters and text not in self._patterns:
                example = Taken.of(examples, rows, pl.Series([row], dtype=pl.UInt32))
                self._patterns[text] = pattern_of(rest_of(example, 0), self.reader.parsed)
            patterns.learn(self._patterns.get(text, Pattern(0)))
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

    def _look(self, rows: Rows, taken: Taken, found: Found, first: int, told: Told) -> pl.Series:
        """Looks at the lines that were set aside, and returns the rows that this cut does not fit."""
        told.unrecognised.append(found.aside_row.filter(found.aside_label == UNRECOGNISED))
        told.inside += found.aside_row.filter(found.aside_label == TIMED_OUT_INSIDE).to_list()
        # the first address in these is not the connection's: each is looked up by itself
        alone = found.aside_label == OTHER
        left: list[int] = []
        vocabulary = self.reader.vocabulary
        for place, row in zip(found.aside.filter(alone), found.aside_row.filter(alone), strict=True):
            one = self.reader.learned(rest_of(taken, place))
            assert one is not None  # noqa: S101 - for the type checker: none of these is without its ids
            self._keep(taken.key(place), one)
            if one.shape == UNFIT:
                left.append(row)
            elif one.shape == UNRECOGNISED:
                told.unrecognised.append(pl.Series([row], dtype=pl.UInt32))
            elif one.shape == TIMED_OUT_INSIDE:
                told.inside.append(row)
            elif one.shape >= NO_EVENT:
                name = None if one.identity is None else vocabulary.connection(one.identity)
                thread = taken.thread(place)
                thread_number = one.thread if thread is None else vocabulary.thread(thread)
                told.counts.extend([0] * (one.shape + 1 - len(told.counts)))
                told.counts[one.shape] += 1
                self._note_last(told, row)
                event = (first + rows.place(row), self._known.time(taken, place), one.shape, name, thread_number)
                told.events.append(pl.DataFrame([event], schema=_EVENTS, orient="row"))
        return pl.concat([found.left, pl.Series(left, dtype=pl.UInt32)]).sort() if left else found.left


def _fate(found: Numbered) -> Fate:
    """What becomes of the lines of a text."""
    if found.naming is Naming.SINGLE or found.shape in (UNRECOGNISED, TIMED_OUT_INSIDE):
        return Fate.SET_ASIDE
    if found.shape == UNFIT:
        return Fate.LEFT
    return _FATES[found.naming] if found.shape >= NO_EVENT else Fate.DROPPED
