"""Where the times stand in the lines of a log: learned from a few lines, then cut from whole columns.

A *cut* says where in a line its times stand: at a fixed place, or behind a fixed text (as in JSON). A log has one cut
for each way in which its lines begin: mostly one, a few where levels or containers' names differ in length, more
where it was written with several configurations. A line belongs to the first cut that fits it whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.read.distinct import distinct
from logpool.read.heads import STARTS, TIME
from logpool.read.times import OFFSET, TimeFormat, any_time_format

if TYPE_CHECKING:
    from collections.abc import Iterable

# milliseconds behind all of a time, as ``%(asctime)s.%(msecs)03d`` prints them; a comma may as well begin what is next
_BEHIND = r"(?:[.,]\d{1,3}(?![\d,]))?"
_TWICE = r",(?:(?P<three>\d{3})\.(?P=three)|0(?P<two>\d\d)\.(?P=two)|00(?P<one>\d)\.(?P=one))(?!\d)"
_FRACTION_AND_ZONE = rf"(?:[.,]\d{{1,9}})?(?:Z| UTC\b| GMT\b|\s?{OFFSET}{_BEHIND})?"
_TIMES = re.compile(
    r"(?<!\d)(?<!\d[.:/-])(?:"
    r"(?:\d{4}[-/.]\d{2}[-/.]\d{2}[ T:]|(?:19|20)\d{6}[ T]|\d{2}[-./]\d{2}[-./]\d{4}[ T]"
    r"|\d{2}[/ ][A-Z][a-z]{2}[/ ]\d{4}[: ])"
    rf"\d{{2}}:\d{{2}}:\d{{2}}(?: [AP]M\b{_BEHIND}|:\d{{3}}(?![\d:])|{_TWICE}|{_FRACTION_AND_ZONE})"
    r"|\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?|1\d{9}\.\d{3,6})(?!\d)"
    r"|\b[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d{1,9}| (?:19|20)\d\d\b)?(?!\d)"
)
# a time as the value of a key, in JSON or logfmt: there it may be a number
_KEYED = re.compile(
    r'(?P<anchor>"(?P<key>asctime|timestamp|time|ts|@timestamp|created|datetime|date)"\s*:\s*"?'
    r'|\b(?P<word>asctime|timestamp|time|ts|t)="?)'
    rf"(?P<time>{_TIMES.pattern}|\d{{10}}(?:\d{{3}})?(?:\.\d+)?(?!\d))"
)
_KEYS = ("asctime", "timestamp", "time", "ts", "t", "@timestamp", "created", "datetime", "date")
# up to its seconds a time repeats from line to line; a fraction of few digits repeats from second to second
_SECONDS = re.compile(r"\d{2}:\d{2}:\d{2}(?![.,]\d{4})")
_HEAD = 160
_KEPT = 64
_GAP = 3
_MATTERS = ("sqlalchemy.pool", "connection timed out")


@dataclass(frozen=True, slots=True)
class Span:
    """Where one time stands.

    Attributes:
        anchor: the text that it stands behind; None where it stands at a fixed place.
        start: how far behind the anchor, or the end of the time before, or the line's beginning.
        format: how it is printed.
        example: one such time.
    """

    anchor: str | None
    start: int
    format: TimeFormat
    example: str = field(compare=False, default="")

    @property
    def width(self) -> int:
        """How many characters it has."""
        return self.format.width or 0

    def read(self, texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Of texts from there, whether each is a time, to the letter, and its microseconds.

        Seconds repeat, and so do their fractions: each distinct one is read once, beside the example's other half,
        and the sum is that of both.
        """
        printed, example = self.format, self.example
        seconds = _SECONDS.search(example)
        base = printed.parse(pl.Series([example], dtype=pl.String)).item()
        # a year behind the clock counts days of its own
        is_whole = printed.directives and (base is None or printed.directives.endswith("%Y"))
        if seconds is None or is_whole:
            values = printed.parse(texts)
            return _is_one(printed, texts, values), values
        end = seconds.end()
        is_time, values = _half(printed, texts.str.head(end), "", example[end:])
        if end < len(example):
            is_tail, fractions = _half(printed, texts.str.slice(end), example[:end], "")
            is_time, values = is_time & is_tail, values + fractions - (base or 0)
        return is_time, values


def _half(printed: TimeFormat, texts: pl.Series, before: str, behind: str) -> tuple[pl.Series, pl.Series]:
    """Of halves of times, whether each is one, and the microseconds of the whole with its other half."""
    halves = distinct(texts)
    wholes = pl.select(pl.lit(before) + halves.texts + pl.lit(behind)).to_series()
    values = printed.parse(wholes)
    return halves.spread(_is_one(printed, wholes, values)), halves.spread(values)


class Applied(NamedTuple):
    """Lines cut, row by row.

    Attributes:
        fits: whether the cut is the line's.
        time: microseconds, or null.
        rest: the line without its times, the mark in their places.
    """

    fits: pl.Series
    time: pl.Series
    rest: pl.Series


@dataclass(frozen=True, slots=True)
class Cut:
    """How to take the times out of a line.

    Attributes:
        spans: where they stand, in order.
        chosen: which of them is the record's; None where none is known to the day.
    """

    spans: tuple[Span, ...] = ()
    chosen: int | None = None

    @property
    def offset(self) -> int | None:
        """The offset of the times from UTC, in seconds; None for local ones."""
        return None if self.chosen is None else self.spans[self.chosen].format.offset

    @property
    def time(self) -> int | None:
        """The time of the line that it was learned from, microseconds."""
        if self.chosen is None:
            return None
        span = self.spans[self.chosen]
        time: int | None = span.format.parse(pl.Series([span.example], dtype=pl.String)).item()
        return time

    def apply(self, lines: pl.Series) -> Applied:
        """The times of lines, and the rest of them.

        A single time at the very beginning leaves no mark: see :meth:`restored`.
        """
        tail = lines
        pieces: list[pl.Series] = []
        fits = pl.repeat(True, len(lines), eager=True)  # noqa: FBT003
        times = pl.repeat(None, len(lines), dtype=pl.Int64, eager=True)
        for number, span in enumerate(self.spans):
            before, text, tail = _cut_one(tail, span)
            if before is not None:
                pieces.append(before)
            pieces.append(pl.Series([TIME]))
            is_time, time = span.read(text)
            fits &= is_time.fill_null(value=False)
            times = time if number == self.chosen else times
        if not self.spans or self._leading:
            return Applied(fits, times, tail)
        named = [piece.alias(str(number)) for number, piece in enumerate([*pieces, tail])]
        return Applied(fits, times, pl.select(pl.concat_str(named)).to_series())

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
        return cut_of(text) == self


def _is_one(printed: TimeFormat, texts: pl.Series, values: pl.Series) -> pl.Series:
    """Whether texts are times in a format, to the letter."""
    if printed.directives and printed.clock is None and "%.f" not in printed.directives:
        # the parser is strict, but for a space before the first digit
        return values.is_not_null() & ~texts.str.starts_with(" ")
    matches = texts.str.contains(f"^(?:{printed.pattern})$")
    return matches if printed.directives is None else matches & values.is_not_null()


def _cut_one(text: pl.Series, span: Span) -> tuple[pl.Series | None, pl.Series, pl.Series]:
    """What stands before a time, the time, and what stands behind it."""
    width = span.width
    if span.anchor is None:
        before = text.str.slice(0, span.start) if span.start else None
        return before, text.str.slice(span.start, width), text.str.slice(span.start + width)
    parts = text.str.splitn(span.anchor, 2).struct
    behind = parts.field("field_1")
    before = parts.field("field_0") + span.anchor
    return before, behind.str.slice(0, width), behind.str.slice(width)


@dataclass
class Cuts:
    """The cuts of one log, learned as its lines come.

    Attributes:
        known: those that lines are tried with: more times first, then longer ones.
    """

    known: list[Cut] = field(default_factory=list)

    def learn(self, lines: Iterable[str]) -> list[Cut]:
        """The cuts of some lines that no known one fits, in the order to try them."""
        found = dict.fromkeys(cut for line in lines if (cut := cut_of(line)).spans)
        new = [cut for cut in found if cut not in self.known]
        self.known = sorted([*self.known, *new], key=_particular)[:_KEPT]
        return sorted(new, key=_particular)


def _particular(cut: Cut) -> tuple[int, int]:
    return -len(cut.spans), -sum(span.width for span in cut.spans)


def cut_of(line: str) -> Cut:
    """Where the times of one line stand; a cut without spans for a line that has none."""
    keyed = list(_KEYED.finditer(line)) if '="' in line or '":' in line or "time=" in line else []
    if keyed:
        return _keyed_cut(line, keyed)
    spans: list[Span] = []
    end = 0
    width, certain = _head_width(line)
    for match in _TIMES.finditer(line[:width]):
        if spans and not certain and match.start() - end > _GAP:
            # nobody knows where the message of another logger begins: this time may be part of it
            break
        spans.append(Span(None, match.start() - end, any_time_format(match[0]), match[0]))
        end = match.end()
    return Cut(tuple(spans), _last_dated(spans))


def _head_width(line: str) -> tuple[int, bool]:
    """How much of a line may hold its own times, and whether that is certain: what stands before the message."""
    start = STARTS.search(line)
    if start:
        return start.start(), True
    logger = line.find("sqlalchemy.pool")
    return (logger, True) if logger >= 0 else (_HEAD, False)


def _last_dated(spans: list[Span]) -> int | None:
    dated = [index for index, span in enumerate(spans) if span.format.directives is not None]
    return dated[-1] if dated else None


_JSON_FILE = re.compile(r'\{"log":\s*"')


def _keyed_cut(line: str, keyed: list[re.Match[str]]) -> Cut:
    """A cut for JSON or logfmt, behind the times of what collected it, or around the line that docker put into it."""
    inner = _JSON_FILE.search(line)
    plain = _head_width(line)[0] if inner else min(keyed[0].start(), line.find("{") if "{" in line else len(line))
    spans: list[Span] = []
    ranks: list[int] = []
    end = 0
    for match in _TIMES.finditer(line[:plain]):
        spans.append(Span(None, match.start() - end, any_time_format(match[0]), match[0]))
        ranks.append(-1 if inner and match.start() > inner.start() else len(_KEYS))
        end = match.end()
    for match in keyed:
        if match.start() >= end:
            spans.append(Span(match["anchor"], 0, any_time_format(match["time"]), match["time"]))
            ranks.append(_KEYS.index(match["key"] or match["word"]))
            end = match.end()
    dated = [index for index, span in enumerate(spans) if span.format.directives is not None]
    return Cut(tuple(spans), min(dated, key=ranks.__getitem__) if dated else None)
