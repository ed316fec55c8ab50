"""Where the times stand in the lines of a log: learned from a few lines, then cut from all of a block at once.

A *cut* says where in a line its times stand: at a fixed place, or behind a fixed text (as in JSON). A log has one cut
for each way in which its lines begin: mostly one, a few where levels or containers' names differ in length, more
where it was written with several configurations. Where what stands before a time has many lengths, as a user or a
client's address, it is the first text that looks like it. A line belongs to the first cut that fits it whole.
"""

from __future__ import annotations

from array import array
from dataclasses import field, replace
from typing import TYPE_CHECKING

from logpool.classes import dataclass, stateful
from logpool.late import pl
from logpool.native.cutting import Cutter, Out
from logpool.native.finding import MISFIT
from logpool.native.library import NO_TIME
from logpool.read.forms import first_of_form, form_of
from logpool.read.records import TIME
from logpool.read.spans import Span
from logpool.read.stamps import HEAD_WIDTH, LOGGER, Stamp, head_width, stamps_of_keys, times_in
from logpool.read.starts import STARTS, bounded
from logpool.read.times import any_time_format
from logpool.read.wrappers import is_wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from logpool.native.texts import Texts
    from logpool.native.variables import Words

_KEPT = 64
# at so many places times may stand until they are looked for anywhere
_FEW_PLACES = 4
_GAP = 3
# so large a share of the records may have no time where they have it behind the message: such as go on in the next line
_SHARE_BEFORE = 0.1
_MATTERS = (LOGGER, "connection timed out")


@dataclass(frozen=True)
class Cut:
    """How to take the times out of a line.

    Attributes:
        spans: where they stand, in order.
        chosen: which of them is the record's; None where none tells a time.
        behind: whether it stands behind the message.
    """

    spans: tuple[Span, ...] = ()
    chosen: int | None = None
    behind: bool = False

    @property
    def offset(self) -> int | None:
        """The offset of the times from UTC, in seconds; None for local ones."""
        return None if self.chosen is None else self.spans[self.chosen].format.offset

    @property
    def is_certain(self) -> bool:
        """Whether each line that it fits, read by itself, has a time, too."""
        return self.chosen is not None and self.spans[self.chosen].format.is_certain

    @property
    def time(self) -> int | None:
        """The time of the line that it was learned from, microseconds."""
        if self.chosen is None:
            return None
        return self.spans[self.chosen].time

    def cutter(self, out: Out = Out.NOTHING, words: Words | None = None) -> Cutter:
        """What takes the times out of lines, and what else is to be taken out, of words all but some.

        A single time at the very beginning leaves no mark: see :meth:`restored`.
        """
        return Cutter([span.place for span in self.spans], leading=self._leading, out=out, words=words)

    def anywhere(self, line: str) -> Cut | None:
        """The same for times wherever they stand; None where they are not the first in the line that look so.

        Args:
            line: one that the cut was learned from.
        """
        end = 0
        for span in self.spans:
            if span.anchor is not None:
                end = line.index(span.anchor, end) + len(span.anchor) + len(span.example)
                continue
            begin = end + (span.start or 0)
            found = first_of_form(form_of(span.example), line, end) if span.width else None
            if found is None or found[0] != begin:
                return None
            end = found[1]
        spans = (span if span.anchor is not None else replace(span, start=None) for span in self.spans)
        return Cut(tuple(spans), self.chosen, self.behind)

    def added(self, number: int, texts: Texts, first: int = 0) -> array[int]:
        """What parts of times add to the line's time.

        Args:
            number: of the place that the cutter has for them.
            texts: what stands there.
            first: from which of them on.

        Returns:
            Microseconds, ``NO_TIME`` and ``MISFIT``; those of all places together are the time.
        """
        place, half = [(place, half) for place, span in enumerate(self.spans) for half in span.halves][number]
        printed = self.spans[place].format
        # the time of the example is added with the first part of it
        before = (self.spans[place].time or 0) if half.start else 0
        if place == self.chosen and printed.plain is not None:
            plain = texts.plain_times(first, printed.plain, half.before, half.behind, before)
            if plain is not None:
                return plain
        time = pl.col("time") - before if place == self.chosen else pl.lit(NO_TIME if self.chosen is None else 0)
        part = pl.when(printed.fits).then(time.fill_null(NO_TIME)).otherwise(MISFIT)
        found = printed.read(half.whole(texts.all(first))).select_seq(part.alias("part")).to_series()
        return array("q", found.cast(pl.Int64).to_list())

    @property
    def _leading(self) -> bool:
        return len(self.spans) == 1 and self.spans[0].anchor is None and self.spans[0].start == 0

    def restored(self, rest: str) -> str:
        """A rest with the mark of every time."""
        return TIME + rest if self._leading else rest

    def marked(self, line: str) -> str:
        """A line that this cut is of, with its times marked."""
        for span in self.spans:
            line = line.replace(span.example, TIME, 1)
        return line

    def owns(self, text: str) -> bool:
        """Whether a line, its times marked, is one of this cut's own, and does not fit it by chance.

        It is if a line like it, with other times, is cut in the same way. So it does not matter in which order cuts
        are learned and tried. What is no pool's record may be cut anyhow.
        """
        if not any(word in text for word in _MATTERS) and not STARTS.search(text):
            return True
        for span in self.spans:
            text = text.replace(TIME, span.example, 1)
        own = cut_of(text, behind=self.behind)
        return own == self or (self._is_anywhere and own.anywhere(text) == self)

    @property
    def _is_anywhere(self) -> bool:
        return any(span.start is None for span in self.spans)

    def is_behind_digits(self, line: str) -> bool:
        """Whether some stand before a time at a fixed place: they may be an id, which leaves no length when taken out.

        Args:
            line: one that the cut was learned from.
        """
        end = 0
        for span in self.spans:
            begin = line.index(span.example, end)
            if span.anchor is None and any(map(str.isdigit, line[end:begin])):
                return True
            end = begin + len(span.example)
        return False


@stateful
class Cuts:
    """The cuts of one log, learned as its lines come.

    Attributes:
        known: those that lines are tried with: more times first, then longer ones.
        behind: whether the times stand behind the messages.
    """

    known: list[Cut] = field(default_factory=list)
    behind: bool = False
    # of times that may be looked for anywhere, some cuts by the places where they stood; and those that are
    _places: dict[Cut, set[Cut]] = field(default_factory=dict)
    _anywhere: set[Cut] = field(default_factory=set)

    def learn(self, lines: Iterable[str], tried: AbstractSet[Cut] = frozenset()) -> list[Cut]:
        """The cuts of some lines that no known one fits, nor one that was tried, in the order to try them."""
        found: dict[tuple[Cut, Cut | None], None] = {}
        for line in map(bounded, lines):
            cut = cut_of(line, behind=self.behind)
            if not cut.spans:
                continue
            anywhere = cut.anywhere(line)
            found[cut, anywhere] = None
            if anywhere is None:
                continue
            places = self._places.setdefault(anywhere, set())
            if len(places) <= _FEW_PLACES:
                places.add(cut)
            if len(places) > _FEW_PLACES or cut.is_behind_digits(line):
                self._anywhere.add(anywhere)
        untried = self._anywhere - tried
        settled = dict.fromkeys(anywhere if anywhere in untried else cut for cut, anywhere in found)
        new = sorted((cut for cut in settled if cut not in self.known and cut not in tried), key=_particular)
        # those that were learned before are no longer needed
        needless = {cut for anywhere in self._anywhere for cut in self._places[anywhere]}
        self.known = sorted((cut for cut in [*self.known, *new] if cut not in needless), key=_particular)[:_KEPT]
        return new


def _particular(cut: Cut) -> tuple[int, int]:
    return -len(cut.spans), -sum(span.width for span in cut.spans)


def cut_of(line: str, *, behind: bool = False) -> Cut:
    """Where the times of one line stand; a cut without spans for a line that has none.

    Args:
        line: it.
        behind: whether it is the last time of a line that counts. Nobody knows that but whoever knows the layout: a
            message itself may end with a time.
    """
    line = bounded(line)
    if behind:
        return _cut_behind(line)
    stamps = stamps_of_keys(line)
    if stamps:
        return _keyed_cut(stamps)
    spans: list[Span] = []
    before = 0
    end = 0
    width, certain = head_width(line)
    logger = line.find(LOGGER, 0, width)
    for match in times_in(line[:width]):
        if spans and not certain and match.start() - end > _GAP and not _is_collected(line, spans, match.start()):
            # nobody knows where the message of another logger begins: this time may be part of it
            break
        spans.append(Span(None, match.start() - end, any_time_format(match[0]), match[0]))
        end = match.end()
        before += end <= logger
    # what a layout puts behind the logger may be any time
    told = max(_told(spans), key=lambda index: (not spans[index].format.day, index < before, index), default=None)
    return Cut(tuple(spans), told)


def are_behind(lines: Iterable[str]) -> bool:
    """Whether the times of some records stand behind their messages: of nearly all, and none before."""
    count = behind = 0
    for line in lines:
        count += 1
        if count - behind > max(1, _SHARE_BEFORE * count):
            return False
        last, begin = cut_of(line, behind=True), STARTS.search(line)
        is_behind = last.time is not None and begin is not None and (last.spans[0].start or 0) > begin.start()
        behind += is_behind and not cut_of(line).spans
    return count - behind <= _SHARE_BEFORE * count and behind > 0


def _is_collected(line: str, spans: list[Span], place: int) -> bool:
    """Whether what stands before a place, one time among it, is what a collector puts before a line."""
    (first, *others), example = spans, spans[0].example
    begin = line.index(example, first.start or 0)
    marked = f"{line[:begin]}{TIME}{line[begin + len(example) : place]}"
    return not others and is_wrapped(marked, len(marked))


def _cut_behind(line: str) -> Cut:
    begin = max(0, len(line) - HEAD_WIDTH)
    last = next(reversed(list(times_in(line[begin:]))), None)
    if last is None:
        return Cut(behind=True)
    span = Span(None, begin + last.start(), any_time_format(last[0]), last[0])
    return Cut((span,), next(iter(_told([span])), None), behind=True)


def _told(spans: list[Span]) -> list[int]:
    """Which of them tell a time, be it without its day."""
    return [index for index, span in enumerate(spans) if span.format.directives is not None]


def _keyed_cut(stamps: list[Stamp]) -> Cut:
    """A cut for JSON or logfmt, by what may be times in the line."""
    spans: list[Span] = []
    end = 0
    for stamp in stamps:
        start = stamp.start - end if stamp.anchor is None else 0
        spans.append(Span(stamp.anchor, start, any_time_format(stamp.text), stamp.text))
        end = stamp.end
    told = min(_told(spans), key=lambda index: (bool(spans[index].format.day), stamps[index].rank), default=None)
    return Cut(tuple(spans), told)
