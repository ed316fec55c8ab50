"""Lines -> events, by number: each text that is left of lines is read once, and what it is, is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.native.library import NONE
from logpool.native.lines import Fate, Known, Taken
from logpool.read.cuts import rest_of
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
    from array import array

    from logpool.native.lines import Cutter, Found, Rows
    from logpool.read.cuts import Cut
    from logpool.read.vocabulary import Reader

#: when so many texts are known, all are forgotten
MOST_TEXTS = 1 << 17
# or when they are longer, on average, than so many bytes
_BYTES = 1 << 7

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
        ids: whether to take ids out, as of requests and traces: else each such line would have a key of its own.
            Lines whose ids do matter keep them.
    """

    reader: Reader
    most: int = MOST_TEXTS
    ids: bool = True
    _cutter: Cutter = field(init=False)
    _known: Known = field(init=False)
    # the same lines with their ids
    _whole: Numbering | None = None
    # whether an id of some of them is a process, or the like
    _ids_matter: bool = False

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._cutter = self.reader.cut.cutter(ids=self.ids)
        self._known = Known([pl.Series(dtype=pl.Int64) for _ in self._cutter.times])

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
        cutter, known = self._cutter, self._known
        if cutter.most > self.most or cutter.size > self.most * _BYTES:
            self._begin()
            cutter, known = self._cutter, self._known
        taken = Taken(cutter, rows, chosen)
        self._learn_times()
        self._learn_keys(taken)
        vocabulary = self.reader.vocabulary
        told.counts.extend([0] * (len(vocabulary.shapes) - len(told.counts)))
        with vocabulary.lock:
            found = known.find(rows, chosen, taken, vocabulary.connections, told.counts, first)
        if len(found.line):
            columns = zip(_EVENTS, found[: len(_EVENTS)], strict=True)
            told.events.append(pl.DataFrame(dict(columns)))
        self._note_last(told, found.last)
        left = self._look(rows, taken, found, first, told) if len(found.aside) else found.left
        if self._ids_matter and len(left):
            return self._with_ids().read(rows, left, first, told)
        return left

    def _note_last(self, told: Told, row: int) -> None:
        if row > told.last:
            told.last, told.last_cut = row, self.reader.cut

    def _learn_times(self) -> None:
        """Reads the parts of times that were not seen before."""
        known = self._known
        new = [
            texts.all(len(part)) if len(texts) > len(part) else pl.Series(dtype=pl.String)
            for texts, part in zip(self._cutter.times, known.parts, strict=True)
        ]
        if any(map(len, new)):
            parts = self.reader.cut.parts(new)
            known.parts = [pl.concat(pair, rechunk=True) for pair in zip(known.parts, parts, strict=True)]

    def _learn_keys(self, taken: Taken) -> None:
        """Reads the keys that were not seen before: only those that can matter, most are other loggers'."""
        firsts = taken.firsts()
        if not firsts:
            return
        known, reader = self._known, self.reader
        keys = self._cutter.keys.all(taken.first_key)
        begin = len(known.fates)
        known.fates.extend([Fate.DROPPED] * len(keys))
        known.labels.extend([OTHER] * len(keys))
        known.fixed.extend([NONE] * len(keys))
        known.threads.extend([NONE] * len(keys))
        for place in keys.str.contains(MAY_MATTER).arg_true():
            rest = rest_of(taken, firsts[place])
            found = reader.known.get((rest.key, rest.ids))
            fits = found is not None or known.fits(taken, firsts[place])
            found = found or (reader.learned(rest) if fits else None)
            if found is not None:
                self._keep(begin + place, found)
            elif rest.has_ids:
                known.fates[begin + place] = Fate.LEFT
                self._ids_matter = True
            else:
                # this is no line of the cut's, and what it says in vain must not count: the next one is looked at
                known.fates[begin + place] = Fate.SET_ASIDE

    def _with_ids(self) -> Numbering:
        if self._whole is None:
            self._whole = Numbering(self.reader, self.most, ids=False)
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
                told.counts.extend([0] * (one.shape + 1 - len(told.counts)))
                told.counts[one.shape] += 1
                self._note_last(told, row)
                event = (first + rows.place(row), self._known.time(taken, place), one.shape, name, one.thread)
                told.events.append(pl.DataFrame([event], schema=_EVENTS, orient="row"))
        return pl.concat([found.left, pl.Series(left, dtype=pl.UInt32)]).sort() if left else found.left


def _fate(found: Numbered) -> Fate:
    """What becomes of the lines of a text."""
    if found.naming is Naming.SINGLE or found.shape in (UNRECOGNISED, TIMED_OUT_INSIDE):
        return Fate.SET_ASIDE
    if found.shape == UNFIT:
        return Fate.LEFT
    return _FATES[found.naming] if found.shape >= NO_EVENT else Fate.DROPPED
