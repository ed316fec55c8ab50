"""The longest time in which no pool told anything: what lasts across it may have lasted no time at all.

So it looks where the clock is set forward, a machine sleeps, or records are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful

if TYPE_CHECKING:
    import polars as pl

# so many times the mean time between two events, it is no rest
_TIMES = 1000


class Gap(NamedTuple):
    """Between which times nothing was told, microseconds."""

    begin: int
    end: int

    @property
    def microseconds(self) -> int:
        """How long it lasted."""
        return self.end - self.begin


@stateful
class Silence:
    """The longest gap between two events of a log, grown batch by batch."""

    _longest: Gap | None = None
    _first: int | None = None
    _last: int | None = None
    _events: int = 0

    def take(self, times: pl.Series) -> None:
        """Adds the times of the next events, in the log's order."""
        times = times.drop_nulls() if times.null_count() else times
        if not len(times):
            return
        first, last = int(times[0]), int(times[-1])
        gaps = times.diff().fill_null(0 if self._last is None else first - self._last)
        place = int(gaps.arg_max() or 0)
        gap = Gap(int(times[place]) - int(gaps[place]), int(times[place]))
        if self._longest is None or gap.microseconds > self._longest.microseconds:
            self._longest = gap
        self._first = first if self._first is None else self._first
        self._last = last
        self._events += len(times)

    @property
    def longest(self) -> Gap | None:
        """The longest gap; None where it is no longer than the log's usual rests."""
        if self._longest is None or self._first is None or self._last is None:
            return None
        usual = (self._last - self._first - self._longest.microseconds) / max(1, self._events - 1)
        return self._longest if self._longest.microseconds > _TIMES * usual else None
