"""How a log prints its times: told from a sample, then parsed a column at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

import polars as pl

_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d"),
    (r"\d{2}/[A-Z][a-z]{2}/\d{4}", "%d/%b/%Y"),
    (r"\d{2} [A-Z][a-z]{2} \d{4}", "%d %b %Y"),
)
_CLOCK = re.compile(r"(?P<gap>[ T:])\d{2}:\d{2}:\d{2}(?:(?P<mark>[,.])(?P<fraction>\d{1,9}))?")
#: an offset from UTC, of a place that there is: other figures are a process, or a year
OFFSET = r"[+-](?:0\d|1[0-4]):?(?:00|15|30|45)(?![\d-])"
_ZONE = re.compile(rf" ?(?P<zone>{OFFSET})|(?P<utc>Z)")
_EPOCH = re.compile(r"\d{9,}(?:\.\d+)?")
# numbers below the first are to be multiplied by the second: seconds have at most eleven digits, milliseconds
# three more, and so on
_EPOCH_UNITS = ((1e20, 1e-3), (1e17, 1.0), (1e14, 1e3), (1e11, 1e6))


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """One way to print a time.

    Attributes:
        pattern: a regular expression that such a text matches, without groups.
        directives: the same for ``str.to_datetime``; empty for seconds since the epoch.
        width: how many characters such a text always has; None where that varies.
        offset: the offset from UTC, in seconds, that the sample shows; None for a naive time.
        clock: how many characters stand before milliseconds that are no fraction (``,5`` for 5 ms); None where
            there are none.
    """

    pattern: str
    directives: str | None
    width: int | None
    offset: int | None = None
    clock: int | None = None

    def parse(self, texts: pl.Series) -> pl.Series:
        """Texts to microseconds: UTC where there is an offset, local as printed where not; null for no time."""
        if self.directives is None:
            return pl.repeat(None, len(texts), dtype=pl.Int64, eager=True)
        if not self.directives:
            return _since_epoch(texts.cast(pl.Float64, strict=False))
        if self.clock is not None:
            milliseconds = texts.str.slice(self.clock + 1).cast(pl.Float64, strict=False)
            return self._parsed(texts.str.head(self.clock)) + (milliseconds * 1000).round().cast(pl.Int64)
        if "%.f" in self.directives:
            texts = texts.str.replace(",", ".", literal=True)
        return self._parsed(texts)

    def _parsed(self, texts: pl.Series) -> pl.Series:
        parsed = texts.str.to_datetime(self.directives, time_unit="us", strict=False, exact=True, cache=False)
        return parsed.to_physical()


def _since_epoch(numbers: pl.Series) -> pl.Series:
    """Microseconds, of seconds, milliseconds, microseconds or nanoseconds; null for a number too large for any."""
    number = pl.col("number")
    microseconds: pl.Expr = pl.lit(None, pl.Float64)
    for below, factor in _EPOCH_UNITS:
        microseconds = pl.when(number < below).then(number * factor).otherwise(microseconds)
    table = numbers.to_frame("number").select(microseconds.round().cast(pl.Int64, strict=False))
    return table.to_series()


def time_format(text: str) -> TimeFormat | None:
    """The format of the time that a text begins with; None for a text that begins with none."""
    dates = ((re.match(pattern, text), pattern, directives) for pattern, directives in _DATES)
    date, pattern, directives = next(filter(lambda found: found[0], dates), (None, "", ""))
    if date is None:
        return TimeFormat(_EPOCH.pattern, "", None, 0) if _EPOCH.match(text) else None
    clock = _CLOCK.match(text, date.end())
    if not clock:
        return None
    fraction = len(clock["fraction"] or "")
    pattern += f"{clock['gap']}\\d{{2}}:\\d{{2}}:\\d{{2}}"
    directives += f"{clock['gap']}%H:%M:%S"
    if fraction:
        pattern += f"{re.escape(clock['mark'])}\\d{{{fraction}}}"
    if fraction in {1, 2} and clock["mark"] == ",":
        # ``%(asctime)s,%(msecs)d``: the milliseconds without their zeros
        return TimeFormat(pattern, directives, clock.end(), clock=clock.start("mark"))
    if fraction:
        directives += f"{clock['mark']}%{fraction}f" if fraction in {3, 6, 9} else "%.f"
    end = clock.end()
    zone = _ZONE.match(text, end)
    if zone:
        gap = " " if zone[0].startswith(" ") else ""
        return TimeFormat(
            pattern + gap + (OFFSET if zone["zone"] else "Z"),
            directives + gap + ("%z" if zone["zone"] else "Z"),
            zone.end(),
            _seconds(zone["zone"]),
        )
    return TimeFormat(pattern, directives, end)


def any_time_format(text: str) -> TimeFormat:
    """The format of a text that looks like a time: without directives where it does not tell the day.

    A day and a month in figures are told apart only where one of them is no month.
    """
    found = time_format(text)
    if found is not None and found.width in {None, len(text)}:
        return replace(found, pattern=_alike(text), width=len(text))
    day_first = re.match(r"(\d{2})([-./])(\d{2})\2\d{4}", text)
    if day_first and int(day_first[1]) > 12 >= int(day_first[3]):  # noqa: PLR2004 - months
        mark = day_first[2]
        same = time_format(f"2000-01-01{text[10:]}")
        if same is not None and same.directives is not None and same.width == len(text):
            directives = same.directives.replace("%Y-%m-%d", f"%d{mark}%m{mark}%Y")
            return TimeFormat(_alike(text), directives, len(text), same.offset)
    return TimeFormat(_alike(text), None, len(text))


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


def iso(microseconds: int | None, offset: int | None) -> str | None:
    """ISO 8601 of a time as :meth:`TimeFormat.parse` gives it, with the log's offset where it has one.

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
