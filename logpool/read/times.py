"""How a log prints its times: told from a sample, then parsed a column at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import polars as pl

_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"\d{4}/\d{2}/\d{2}", "%Y/%m/%d"),
    (r"\d{2}/[A-Z][a-z]{2}/\d{4}", "%d/%b/%Y"),
    (r"\d{2} [A-Z][a-z]{2} \d{4}", "%d %b %Y"),
)
_CLOCK = re.compile(r"(?P<gap>[ T:])\d{2}:\d{2}:\d{2}(?:(?P<mark>[,.])(?P<fraction>\d{1,9}))?")
_ZONE = re.compile(r" ?(?P<zone>[+-]\d{2}:?\d{2})|(?P<utc>Z)")
_EPOCH = re.compile(r"\d{9,}(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class TimeFormat:
    """One way to print a time.

    Attributes:
        pattern: a regular expression that such a text matches, without groups.
        directives: the same for ``str.to_datetime``; empty for seconds since the epoch.
        width: how many characters such a text always has; None where that varies.
        offset: the offset from UTC, in seconds, that the sample shows; None for a naive time.
    """

    pattern: str
    directives: str
    width: int | None
    offset: int | None = None

    def parse(self, texts: pl.Expr) -> pl.Expr:
        """Texts to microseconds: UTC where there is an offset, local as printed where not; null for no time."""
        if not self.directives:
            return (texts.cast(pl.Float64, strict=False) * 1_000_000).round().cast(pl.Int64)
        parsed = texts.str.to_datetime(
            self.directives, time_unit="us", strict=False, exact=True, cache=False
        )
        return parsed.to_physical()


def time_format(text: str) -> TimeFormat | None:
    """The format of the time that a text begins with; None for a text that begins with none."""
    for pattern, directives in _DATES:
        date = re.match(pattern, text)
        if date:
            break
    else:
        return _epoch(text)
    clock = _CLOCK.match(text, date.end())
    if not clock:
        return None
    fraction = len(clock["fraction"] or "")
    pattern += f"{clock['gap']}\\d{{2}}:\\d{{2}}:\\d{{2}}"
    directives += f"{clock['gap']}%H:%M:%S"
    if fraction:
        pattern += f"{re.escape(clock['mark'])}\\d{{{fraction}}}"
        directives += clock["mark"] + (f"%{fraction}f" if fraction in {3, 6, 9} else "%f")
    end = clock.end()
    zone = _ZONE.match(text, end)
    offset = None
    if zone:
        end = zone.end()
        offset = _seconds(zone["zone"])
        gap = " " if zone[0].startswith(" ") else ""
        pattern += gap + (r"[+-]\d{2}:?\d{2}" if zone["zone"] else "Z")
        directives += gap + ("%z" if zone["zone"] else "Z")
    return TimeFormat(pattern, directives, end, offset)


def _epoch(text: str) -> TimeFormat | None:
    seconds = _EPOCH.match(text)
    return TimeFormat(_EPOCH.pattern, "", None, 0) if seconds else None


def _seconds(zone: str | None) -> int:
    if not zone:
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def iso(microseconds: int | None, offset: int | None) -> str | None:
    """ISO 8601 of a time as :meth:`TimeFormat.parse` gives it, with the log's offset where it has one."""
    if microseconds is None:
        return None
    naive = datetime(1970, 1, 1) + timedelta(microseconds=microseconds)  # noqa: DTZ001 - a log's local time
    if offset is None:
        return naive.isoformat(timespec="milliseconds" if microseconds % 1000 == 0 else "microseconds")
    zone = timezone(timedelta(seconds=offset))
    local = naive.replace(tzinfo=timezone.utc).astimezone(zone)
    return local.isoformat(timespec="milliseconds" if microseconds % 1000 == 0 else "microseconds")
