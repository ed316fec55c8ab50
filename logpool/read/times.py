"""How a log prints its times: told from a sample, then parsed a column at once."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cached_property, lru_cache

from logpool.classes import dataclass
from logpool.late import pl, regex
from logpool.native.texts import Plain
from logpool.schema import DAYLESS, YEARLESS

_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d"),
    (r"\d{4}\.\d{2}\.\d{2}", "%Y.%m.%d"),
    (r"\d{8}(?=[ T-])", "%Y%m%d"),
    (r"\d{2}/[A-Z][a-z]{2}/\d{4}", "%d/%b/%Y"),
    (r"\d{1,2} [A-Z][a-z]{2} \d{4}", "%d %b %Y"),
    (r"\d{2}-[A-Z][a-z]{2}-\d{4}", "%d-%b-%Y"),
    (r"[A-Z][a-z]{2} \d{1,2}, \d{4}", "%b %d, %Y"),
    (r"[A-Z][a-z]{2} \d{1,2} \d{4}", "%b %d %Y"),
    (r"[A-Z][a-z]{3,8} \d{1,2}, \d{4}", "%B %d, %Y"),
    (r"[A-Z][a-z]{3,8} \d{1,2} \d{4}", "%B %d %Y"),
    (r"\d{1,2} [A-Z][a-z]{3,8} \d{4}", "%d %B %Y"),
)
_CLOCK = regex(
    r"(?P<gap>,? | at | @ |[T:_/\t-])\d{2}:\d{2}:\d{2}(?:(?P<mark>[,.:])(?P<fraction>\d{1,9}))?(?P<half> [AP]M\b)?"
)
#: an offset from UTC, of a place that there is: other figures are a process, or a year
OFFSET = r"[+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?![\d-])"
#: zones by name, in hours from UTC: those that mean one thing wherever they are used, and in summer and winter
ZONES = {
    "UTC": 0,
    "GMT": 0,
    "BST": 1,
    "WET": 0,
    "WEST": 1,
    "CET": 1,
    "CEST": 2,
    "EET": 2,
    "EEST": 3,
    "JST": 9,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "EST": -5,
    "EDT": -4,
    "MST": -7,
    "MDT": -6,
}
#: a time's, behind it
NAMED_ZONE = rf" (?:{'|'.join(ZONES)})\b"
_ZONE = regex(rf" ?(?P<zone>{OFFSET})|Z|{NAMED_ZONE}")
# a time, and milliseconds behind all of it: ``05:45:36 PM.123``, or once more: ``17:45:36,123.123``
_BEHIND = regex(rf"(?:(?P<time>.*(?: [AP]M|{OFFSET}))[.,]|(?P<seconds>.*:\d\d),\d{{3}}\.)(?P<milliseconds>\d{{1,3}})")
_IN_FIGURES = regex(r"(?P<one>\d{1,2})(?P<mark>[-./])(?P<other>\d{1,2})(?P=mark)\d{4}")
# an hour without its zero
_HOUR = regex(r"^(,? )(?=\d:)")
# of ISO 8601, without hyphens and colons
_BASIC = regex(r"\d{8}(?P<gap>[ T])(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})")
# as ``ctime`` prints it, but for the name of the day
_YEAR_LAST = regex(r"[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?P<fraction>\.\d{1,9})? \d{4}")
_EITHER_FIRST = regex("%[dm][-./]%[dm]")
# a clock alone, or behind a month and a day, in figures as glog prints it
_DAYLESS = regex(
    r"(?:(?P<month>[A-Z][a-z]{2} (?:[ \d]\d|\d) )|(?P<figures>(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ))?"
    r"(?P<clock>(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:[.,]\d{1,9})?(?: [AP]M)?)"
)
# as Python reads it by itself
_PLAIN = regex(r"%Y-%m-%d(?P<gap>[ T])%H:%M:%S(?:(?P<mark>[.,])%(?P<digits>[36])f)?")
_MONTHS = 12
_EPOCH_BEGIN = datetime(1970, 1, 1)  # noqa: DTZ001 - local as printed
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = regex(r"\d{9,}(?:\.\d+)?")
# numbers below the first are to be multiplied by the second: seconds have at most eleven digits, milliseconds
# three more, and so on
_EPOCH_UNITS = ((1e20, 1e-3), (1e17, 1.0), (1e14, 1e3), (1e11, 1e6))


@dataclass(frozen=True)
class TimeFormat:
    """One way to print a time.

    Attributes:
        directives: as ``str.to_datetime`` takes them; empty for seconds since the epoch, None for a text that does not
            tell the time.
        width: how many characters such a text always has; None where that varies.
        offset: the offset from UTC, in seconds, that the sample shows; None for a naive time.
        clock: where the time ends, and where milliseconds begin that are no fraction (``,5`` for 5 ms) or do not stand
            behind the seconds; None where there are none.
        pattern: a regular expression that such a text matches, without groups; set of a whole text's format.
        is_named: whether a name tells the offset, which no parser knows.
        day: what stands for the day, or the year, where the text does not tell it; the parser takes both.
    """

    directives: str | None
    width: int | None
    offset: int | None = None
    clock: tuple[int, int] | None = None
    pattern: str = ""
    is_named: bool = False
    day: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether each such text tells its day by itself: where day and month are figures, not all do."""
        return self.directives is not None and _EITHER_FIRST.match(self.directives) is None

    @cached_property
    def plain(self) -> Plain | None:
        """How it is printed, where that is plain."""
        found = None if self.clock is not None or self.day else _PLAIN.fullmatch(self.directives or "")
        return None if found is None else Plain(found["gap"], found["mark"] or "", int(found["digits"] or 0))

    @cached_property
    def _plain(self) -> re.Pattern[str] | None:
        if self.plain is None:
            return None
        gap, mark, digits = self.plain
        fraction = rf"{re.escape(mark)}\d{{{digits}}}" if mark else ""
        return re.compile(rf"\d{{4}}-\d\d-\d\d{gap}(?:[01]\d|2[0-3]):\d\d:\d\d{fraction}", re.ASCII)

    def plain_time(self, text: str) -> int | None:
        """The microseconds of a text that is plainly in this format; None where only :meth:`read` tells.

        Most are, and polars takes long for a few.
        """
        if self._plain is not None and self._plain.fullmatch(text):
            # what there never was is left to polars
            with suppress(ValueError):
                return (datetime.fromisoformat(text) - _EPOCH_BEGIN) // _MICROSECOND
        return None

    def time_of(self, text: str) -> int | None:
        """The microseconds of one text in this format, as :meth:`read` has them."""
        time = self.plain_time(text)
        if time is None:
            time = self.read(pl.Series([text]))["time"].item()
        return time

    def microseconds(self, text: pl.Expr) -> pl.Expr:
        """Texts to microseconds: UTC where there is an offset, local as printed where not; null for no time."""
        if self.directives is None:
            return pl.repeat(None, pl.len(), dtype=pl.Int64)
        if not self.directives:
            return _since_epoch(text.cast(pl.Float64, strict=False))
        if self.clock is not None:
            milliseconds = text.str.slice(self.clock[1]).str.strip_chars_end("Z").cast(pl.Float64, strict=False)
            return self._parsed(text.str.head(self.clock[0])) + (milliseconds * 1000).round().cast(pl.Int64)
        if "%.f" in self.directives:
            text = text.str.replace(",", ".", literal=True)
        return self._parsed(text)

    def _parsed(self, text: pl.Expr) -> pl.Expr:
        if self.day:
            text = self.day + text
        parsed = text.str.to_datetime(self.directives, time_unit="us", strict=False, exact=True, cache=False)
        own = (self.offset or 0) * 1_000_000 if self.is_named else 0
        return parsed.to_physical() - own

    def read(self, texts: pl.Series) -> pl.DataFrame:
        """Texts as ``text``, with ``time``, as :meth:`microseconds` has it."""
        return texts.to_frame("text").with_columns_seq(time=self.microseconds(pl.col("text")))

    @property
    def fits(self) -> pl.Expr:
        """Whether texts, with times as :meth:`read` has them, are in this format to the letter; or null."""
        text, is_known = pl.col("text"), pl.col("time").is_not_null()
        if self.directives and self.clock is None and "%.f" not in self.directives:
            # the parser is strict, but for a space before the first digit
            return is_known & ~text.str.starts_with(" ")
        matches = text.str.contains(f"^(?:{self.pattern})$")
        return matches if self.directives is None else matches & is_known


def _since_epoch(number: pl.Expr) -> pl.Expr:
    """Microseconds, of seconds, milliseconds, microseconds or nanoseconds; null for a number too large for any."""
    microseconds: pl.Expr = pl.lit(None, pl.Float64)
    for below, factor in _EPOCH_UNITS:
        microseconds = pl.when(number < below).then(number * factor).otherwise(microseconds)
    return microseconds.round().cast(pl.Int64, strict=False)


def time_format(text: str) -> TimeFormat | None:
    """The format of the time that a text begins with; None for a text that begins with none."""
    dates = ((re.match(pattern, text), directives) for pattern, directives in _DATES)
    date, directives = next(filter(lambda found: found[0], dates), (None, ""))
    if date is None:
        return TimeFormat("", None, offset=0) if _EPOCH.match(text) else None
    clock = _CLOCK.match(text, date.end())
    return _dated_format(text, directives, clock) if clock else None


def _dated_format(text: str, date: str, clock: re.Match[str]) -> TimeFormat:
    directives = f"{date}{clock['gap']}%H:%M:%S"
    fraction = len(clock["fraction"] or "")
    if not clock["half"] and (clock["mark"] == ":" or (clock["mark"] == "," and fraction in {1, 2})):
        # ``%(asctime)s,%(msecs)d``: the milliseconds without their zeros
        start = clock.start("mark")
        return TimeFormat(directives, clock.end(), clock=(start, start + 1))
    if clock["mark"] == "." and fraction in {1, 2} and text.startswith("Z", clock.end()):
        # ``%(asctime)s.%(msecs)dZ``, as AWS Lambda prints it; of a fraction nobody prints so few
        return TimeFormat(directives, clock.end() + 1, 0, (clock.start("mark"), clock.start("mark") + 1))
    if fraction:
        directives += f"{clock['mark']}%{fraction}f" if fraction in {3, 6, 9} else "%.f"
    if clock["half"]:
        return TimeFormat(f"{directives.replace('%H', '%I')} %p", clock.end())
    zone = _ZONE.match(text, clock.end())
    if zone is None:
        return TimeFormat(directives, clock.end())
    name = zone[0].strip()
    if name in ZONES:
        return TimeFormat(directives + zone[0], zone.end(), ZONES[name] * 3600, is_named=True)
    told = f"{' ' if zone[0].startswith(' ') else ''}%z" if zone["zone"] else zone[0]
    return TimeFormat(directives + told, zone.end(), _seconds(zone["zone"]))


@lru_cache(maxsize=1 << 10)
def any_time_format(text: str) -> TimeFormat:
    """The format of a text that looks like a time: without directives where it does not tell one."""
    behind = _BEHIND.fullmatch(text)
    told = behind["time"] or behind["seconds"] if behind else text
    found = _whole_format(told) or _dayless_format(told)
    if found is None:
        return TimeFormat(None, len(text), pattern=_alike(text))
    clock = (len(told), behind.start("milliseconds")) if behind else found.clock
    return replace(found, pattern=_alike(text), width=len(text), clock=clock)


def _whole_format(text: str) -> TimeFormat | None:
    """The format of a text that is a time and nothing else; None where it does not tell the day."""
    found = time_format(text)
    if found is not None and found.width in {None, len(text)}:
        return found
    ctime = _YEAR_LAST.fullmatch(text)
    if ctime:
        return TimeFormat(f"%b %d %H:%M:%S{'%.f' if ctime['fraction'] else ''} %Y", len(text))
    basic = _BASIC.match(text)
    if basic is not None:
        clock = f"{basic['gap']}{basic['hour']}:{basic['minute']}:{basic['second']}{text[basic.end() :]}"
        return _same_format(clock, {"%Y-%m-%d": "%Y%m%d", "%H:%M:%S": "%H%M%S"})
    figures = _IN_FIGURES.match(text)
    order = _order(figures, text) if figures else None
    if figures is None or order is None:
        return None
    return _same_format(_HOUR.sub(r"\g<1>0", text[figures.end() :]), {"%Y-%m-%d": order.replace("-", figures["mark"])})


def _dayless_format(text: str) -> TimeFormat | None:
    """The format of a text that tells the clock, and perhaps the day and the month, but no year."""
    dayless = _DAYLESS.fullmatch(text)
    if dayless is None:
        return None
    date, day = "%Y-%m-%d", f"{DAYLESS} "
    if dayless["month"]:
        date, day = "%Y %b %d", f"{YEARLESS.year} "
    elif dayless["figures"]:
        date, day = "%Y%m%d", f"{YEARLESS.year}"
    same = _same_format(f" {dayless['clock']}", {"%Y-%m-%d": date})
    if same is None or same.clock is None:
        return None if same is None else replace(same, day=day)
    # where its milliseconds stand, where there is less before it
    end, milliseconds = (place - (same.width or 0) + len(text) for place in same.clock)
    return replace(same, day=day, clock=(end, milliseconds))


def _same_format(clock: str, other: dict[str, str]) -> TimeFormat | None:
    """The format of a clock behind a date, with other directives in the places of some."""
    text = f"2000-01-01{clock}"
    same = time_format(text)
    if same is None or same.directives is None or same.width != len(text):
        return None
    directives = same.directives
    for one, instead in other.items():
        directives = directives.replace(one, instead)
    return replace(same, directives=directives)


def _order(figures: re.Match[str], text: str) -> str | None:
    """Whether the day or the month stands first; None where both may.

    They are told apart where one of them is no month; and by the points, which nobody writes behind a month that stands
    first; and where the clock has twelve hours, as it has where months come first.
    """
    one, other = int(figures["one"]), int(figures["other"])
    of_twelve_hours = text.endswith("M")
    european = figures["mark"] == "." and not of_twelve_hours
    if (one > _MONTHS or european) and other <= _MONTHS:
        return "%d-%m-%Y"
    american = figures["mark"] == "/" and of_twelve_hours
    return "%m-%d-%Y" if one == other or american or other > _MONTHS >= one else None


def _alike(text: str) -> str:
    """A pattern for texts with digits and letters in the same places; a day may be padded with a space."""
    pattern = "".join(r"\d" if c.isdigit() else "[A-Za-z]" if c.isalpha() else re.escape(c) for c in text)
    return re.sub(r"^((?:\[A-Za-z\]){3}\\ )(?:\\ |\\d)", r"\1[ \\d]", pattern)


def _seconds(zone: str | None) -> int:
    if not zone:
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


# pools have their intervals in common, and there may be a thousand
@lru_cache(maxsize=1 << 12)
def iso(microseconds: int | None, offset: int | None) -> str | None:
    """ISO 8601 of a time as :meth:`TimeFormat.read` gives it, with the log's offset where it has one.

    None for no time, and for one outside the years 1 to 9999, which ISO 8601 cannot tell.
    """
    if microseconds is None:
        return None
    zone = None if offset is None else timezone(timedelta(seconds=offset))
    try:
        local = datetime(1970, 1, 1, tzinfo=zone) + timedelta(microseconds=microseconds, seconds=offset or 0)
    except OverflowError:
        return None
    return local.isoformat(timespec="milliseconds" if microseconds % 1000 == 0 else "microseconds")
