"""Where the times stand in the lines of a log: learned from a few lines, then cut from all of a block at once.

A *cut* says where in a line its times stand: at a fixed place, or behind a fixed text (as in JSON). A log has one cut
for each way in which its lines begin: mostly one, a few where levels or containers' names differ in length, more
where it was written with several configurations. Where what stands before a time has many lengths, as a user or a
client's address, it is the first text that looks like it. A line belongs to the first cut that fits it whole.
"""

from __future__ import annotations

from array import array
from dataclasses import field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import dataclass, stateful
from logpool.late import pl, regex
from logpool.native.cutting import Cutter, Out
from logpool.native.finding import MISFIT
from logpool.native.library import NO_TIME
from logpool.read.forms import first_of_form, form_of
from logpool.read.locators import is_in_locator
from logpool.read.records import TIME
from logpool.read.spans import Span
from logpool.read.starts import STARTS, bounded
from logpool.read.times import NAMED_ZONE, OFFSET, ZONES, any_time_format
from logpool.read.wrappers import is_wrapped

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from logpool.native.texts import Texts
    from logpool.native.variables import Words

# milliseconds behind all of a time, as ``%(asctime)s.%(msecs)03d`` prints them; a comma may as well begin what is next
_BEHIND = r"(?:[.,]\d{1,3}(?![\d,]))?"
_TWICE = r",(?:(?P<three>\d{3})\.(?P=three)|0(?P<two>\d\d)\.(?P=two)|00(?P<one>\d)\.(?P=one))(?!\d)"
_FRACTION_AND_ZONE = rf"(?:[.,]\d{{1,9}})?(?:Z|{NAMED_ZONE}|\s?{OFFSET}{_BEHIND})?"
_HALF = r"(?:[.,]\d{3}(?:\d{3})?)? [AP]M\b"
# in the basic form of ISO 8601; such figures are nothing else
_BASIC = (
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ T](?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
    rf"{_FRACTION_AND_ZONE}(?![.,]?\w)"
)
# seconds, perhaps with decimals, or milliseconds since the epoch, of our days, as the first field; elsewhere such a
# number may be anything
_FIRST_FIELD = r"(?:^|(?<=^[\[(]))1[5-9]\d{8}(?:\d{3}|\.\d{1,9})?(?=[\s\]),;|])"
_TIMES = regex(
    # behind the number of a line, as grep prints it, nothing stands but what begins with a year
    r"(?<!\d)(?:(?<!\d[./-])(?=\d{4}[-/.])|(?<!\d[.:/-]))(?:"
    r"(?:\d{4}[-/.]\d{2}[-/.]\d{2}(?:[ T:_/]| at )|(?:19|20)\d{6}[ T-]|\d{2}[-./]\d{2}[-./]\d{4}[ T]"
    r"|\d{2}[/ -][A-Z][a-z]{2}[/ -]\d{4}[: ]|(?<!\w)[A-Z][a-z]{2} \d{2},? \d{4} )"
    rf"\d{{2}}:\d{{2}}:\d{{2}}(?:{_HALF}{_BEHIND}|:\d{{3}}(?![\d:])|{_TWICE}|{_FRACTION_AND_ZONE})"
    # where it is written without zeros, the months come first
    rf"|\d{{1,2}}/\d{{1,2}}/\d{{4}},? \d{{1,2}}:\d\d:\d\d{_HALF}|{_BASIC}|{_FIRST_FIELD}"
    r"|\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?|1\d{9}\.\d{3,9})(?!\d)"
    r"|\b[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?: (?:19|20)\d\d\b)?(?!\d)"
)
# a time as the value of a key, in JSON or logfmt: there it may be a number
_KEYED = regex(
    r'(?P<anchor>"(?P<key>asctime|timestamp|time|ts|@timestamp|created|datetime|date|__REALTIME_TIMESTAMP|_time)"\s*:\s*"?'
    # in a path or a query it is part of what was asked for
    r'|(?: |\b(?<![?&;#/]))(?P<word>asctime|timestamp|time|ts|t)=["\']?)'
    rf"(?P<time>{_TIMES.pattern}|\d{{10}}(?:\d{{3}}){{0,3}}(?:\.\d+)?(?!\d))"
)
_SIGNS_OF_KEYS = ('="', '":', "time=", "='")
_KEYS = (
    "asctime",
    "timestamp",
    "time",
    "ts",
    "t",
    "@timestamp",
    "created",
    "datetime",
    "date",
    "__REALTIME_TIMESTAMP",
    "_time",
)
_HEAD = 160
_KEPT = 64
# at so many places times may stand until they are looked for anywhere
_FEW_PLACES = 4
_GAP = 3
# so large a share of the records may have no time where they have it behind the message: such as go on in the next line
_SHARE_BEFORE = 0.1
_LOGGER = "sqlalchemy.pool"
_MATTERS = (_LOGGER, "connection timed out")
#: words that tell where a time stands, or are part of one
WORDS_OF_TIMES = (
    *_KEYS,
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun AM PM Z T",
    *ZONES,
)


@dataclass(frozen=True)
class Cut:
    """How to take the times out of a line.

    Attributes:
        spans: where they stand, in order.
        chosen: which of them is the record's; None where none is known to the day.
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
    keyed = list(_KEYED.finditer(line)) if any(sign in line for sign in _SIGNS_OF_KEYS) else []
    if keyed:
        return _keyed_cut(line, keyed)
    spans: list[Span] = []
    before = 0
    end = 0
    width, certain = _head_width(line)
    logger = line.find(_LOGGER, 0, width)
    for match in _times_in(line[:width]):
        if spans and not certain and match.start() - end > _GAP and not _is_collected(line, spans, match.start()):
            # nobody knows where the message of another logger begins: this time may be part of it
            break
        spans.append(Span(None, match.start() - end, any_time_format(match[0]), match[0]))
        end = match.end()
        before += end <= logger
    # what a layout puts behind the logger may be any time
    chosen = _last_dated(spans[:before])
    return Cut(tuple(spans), _last_dated(spans) if chosen is None else chosen)


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
    begin = max(0, len(line) - _HEAD)
    last = next(reversed(list(_times_in(line[begin:]))), None)
    if last is None:
        return Cut(behind=True)
    span = Span(None, begin + last.start(), any_time_format(last[0]), last[0])
    return Cut((span,), _last_dated([span]), behind=True)


def _times_in(head: str, begin: int = 0, end: int | None = None) -> Iterator[re.Match[str]]:
    """What may be times; not what looks so in a client's address."""
    for match in _TIMES.finditer(head, begin, len(head) if end is None else end):
        if not is_in_locator(head, match.start(), match.end()):
            yield match


def _head_width(line: str) -> tuple[int, bool]:
    """How much of a line may hold its own times, and whether that is certain: what stands before the message."""
    start = STARTS.search(line)
    if start:
        return start.start(), True
    logger = line.find(_LOGGER)
    return (logger, True) if logger >= 0 else (_HEAD, False)


def _last_dated(spans: list[Span]) -> int | None:
    dated = [index for index, span in enumerate(spans) if span.format.directives is not None]
    return dated[-1] if dated else None


_JSON_FILE = regex(r'\{"log":\s*"')
# where a text begins in an object; and where one does that may be a line of a log, of whatever logger
_VALUE = regex(r'(?<!\\)"(?P<key>[^"\\]{1,40})"\s*:\s*"')
_LINES = frozenset({"log", "line", "message", "msg", "textpayload", "content", "text", "logentry", "_raw", "raw"})
_QUOTE = regex(r'(?<!\\)"')


class _Anchored(NamedTuple):
    """A time behind some text: from where to where both stand, and how it ranks among those of its line."""

    anchor: str
    time: str
    start: int
    end: int
    rank: int


def _keyed_cut(line: str, keyed: list[re.Match[str]]) -> Cut:
    """A cut for JSON or logfmt, behind the times of what collected it, or around the line that was put into it."""
    times = [
        _Anchored(
            match["anchor"], match["time"], match.start(), match.end(), _KEYS.index(match["key"] or match["word"])
        )
        for match in keyed
    ]
    in_file = _JSON_FILE.search(line)
    if in_file:
        plain = _head_width(line)[0]
    else:
        times = sorted([*times, *_within(line)], key=attrgetter("start"))
        plain = min(times[0].start, line.find("{") if "{" in line else len(line))
    spans: list[Span] = []
    ranks: list[int] = []
    end = 0
    for match in _times_in(line[:plain]):
        spans.append(Span(None, match.start() - end, any_time_format(match[0]), match[0]))
        ranks.append(-1 if in_file and match.start() > in_file.start() else len(_KEYS))
        end = match.end()
    for one in times:
        if one.start >= end:
            spans.append(Span(one.anchor, 0, any_time_format(one.time), one.time))
            ranks.append(one.rank)
            end = one.end
    dated = [index for index, span in enumerate(spans) if span.format.directives is not None]
    return Cut(tuple(spans), min(dated, key=ranks.__getitem__) if dated else None)


def _within(line: str) -> Iterator[_Anchored]:
    """The time of a line that a collector put into an object: its own comes before the collector's.

    Of a pool's record it may stand anywhere before the message; of another one only where it begins.
    """
    width, certain = _head_width(line)
    for value in _VALUE.finditer(line[:width]):
        begin = value.end()
        if not certain and value["key"].lower() not in _LINES:
            continue
        if certain and _QUOTE.search(line, begin, width):
            continue
        for match in _times_in(line, begin, width):
            lead = line[begin : match.start()]
            # a time alone is no line
            is_line = line[match.end() : match.end() + 1] != '"' and not _QUOTE.search(lead)
            if is_line and (certain or not lead.strip("[(<")):
                yield _Anchored(line[value.start() : match.start()], match[0], value.start(), match.end(), -1)
            return
