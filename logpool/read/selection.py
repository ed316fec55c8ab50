"""Which events count: of which pools, and from when to when."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.errors import UsageError
from logpool.late import pl, regex
from logpool.read.vocabulary import split_pool_name
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logpool.read.vocabulary import Shape, Vocabulary

_SECOND = 1_000_000
_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "ms": 0.001, "m": 60, "s": 1}
_DURATION = regex(
    r"\s*(?P<number>\d+(?:\.\d+)?)\s*"
    r"(?:(?P<w>w(?:eeks?)?)|(?P<d>d(?:ays?)?)|(?P<h>h(?:(?:ou)?rs?)?)|(?P<ms>ms|milliseconds?)"
    r"|(?P<m>m(?:in(?:ute)?s?)?)|(?P<s>s(?:ec(?:ond)?s?)?))(?![a-z])",
    re.IGNORECASE,
)
# longer than any log, and short enough for what counts the microseconds
_LONGEST = 1 << 62
_HINT = "give a time such as 2024-09-26T17:45:00, or how long before the end of the log: 2h, 90s, 1h30m"


@dataclass(frozen=True)
class Back:
    """A time that is counted back from the end of the log.

    Attributes:
        option: what it is for.
        text: as the user wrote it.
        microseconds: how long before the end.
    """

    option: str
    text: str
    microseconds: int

    def __str__(self) -> str:
        return f"{self.option} {self.text}"


@dataclass(frozen=True)
class Selection:
    """What to keep; by default everything.

    Attributes:
        pools: names of pools: class, logging name or whole logger; empty for all.
        since: the earliest time kept, microseconds.
        until: the time from which on nothing is kept.
        printed: those of these times, by name, that are as the log prints them, whatever its offset from UTC.
        back: those of these times that the log's end has to tell.
    """

    pools: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    printed: frozenset[str] = frozenset()
    back: tuple[Back, ...] = ()

    @classmethod
    def of(cls, pools: Iterable[str], since: str | None, until: str | None) -> Selection:
        """A selection from what a user writes.

        Raises:
            UsageError: a time is neither an ISO 8601 time nor a duration.
        """
        texts = {"since": since, "until": until}
        times = {name: _time(text, f"--{name}") for name, text in texts.items()}
        back = tuple(time for time in times.values() if isinstance(time, Back))
        told = {name: time for name, time in times.items() if isinstance(time, int)}
        printed = frozenset(name for name in told if _is_local(texts[name]))
        return cls(frozenset(pools), **told, printed=printed, back=back)

    def settled(self, end: int) -> Selection:
        """The same where the log's last time is known, in microseconds."""
        times = {back.option.removeprefix("--"): end - back.microseconds for back in self.back}
        return replace(self, **times, back=())  # type: ignore[arg-type]

    def at(self, name: str, offset: int | None) -> int | None:
        """One of these times, by name, in a log with an offset from UTC, in seconds: microseconds; None for none."""
        time: int | None = getattr(self, name)
        return time if time is None or name not in self.printed else time - (offset or 0) * _SECOND

    def apply(self, events: pl.DataFrame, vocabulary: Vocabulary, offsets: Sequence[int | None] = ()) -> pl.DataFrame:
        """The events kept. What crosses the cut has no beginning, or no end, like at the edge of a log.

        Args:
            events: they.
            vocabulary: what their shapes mean.
            offsets: of the times of each file from UTC, in seconds, by its number; None where they are local.
        """
        if self.since is not None:
            events = events.filter(pl.col("time") >= self._times("since", offsets))
        if self.until is not None:
            events = events.filter(pl.col("time") < self._times("until", offsets))
        if self.pools:
            kept = [shape is not None and self._keeps(shape) for shape in vocabulary.shapes]
            events = events.filter(pl.Series(kept, dtype=pl.Boolean)[events["shape"]])
        return events

    def _times(self, name: str, offsets: Sequence[int | None]) -> pl.Expr:
        """One of these times, for events of each file."""
        times = [self.at(name, offset) for offset in offsets or (None,)]
        if len(set(times)) == 1:
            return pl.lit(times[0], pl.Int64)
        return pl.lit(pl.Series(times, dtype=pl.Int64)).gather(pl.col("source"))

    def _keeps(self, shape: Shape) -> bool:
        if shape.pool is None:
            # a timeout names no pool: it may be this one's
            return shape.message.kind is Kind.TIMED_OUT
        return not self.pools.isdisjoint((shape.pool, *split_pool_name(shape.pool)))


def _time(text: str | None, option: str) -> int | Back | None:
    """Microseconds, or how long before the end of the log."""
    if text is None:
        return None
    duration = _duration(text)
    if duration is not None:
        return Back(option, text, duration)
    try:
        time = datetime.fromisoformat(text)
        # a log's local times are kept as they are printed, and those with an offset in UTC
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} is no time: {text!r}", _HINT) from error
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _is_local(text: str | None) -> bool:
    """Whether a time tells no offset from UTC."""
    return text is not None and datetime.fromisoformat(text).tzinfo is None


def _duration(text: str) -> int | None:
    """The microseconds of ``2h``, ``1h30m``, ``2 hours``; None for what is no duration."""
    seconds = 0.0
    end = 0
    while match := _DURATION.match(text, end):
        seconds += float(match["number"]) * _UNITS[match.lastgroup or ""]
        end = match.end()
    if not end or text[end:].strip():
        return None
    return round(min(seconds * 1e6, _LONGEST))
