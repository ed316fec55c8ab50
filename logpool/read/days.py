"""Times that tell no day, or no year: how a log's own order makes times of them.

A clock alone (``11:59:56,873``) counts from the log's first day, which stands as the first of January 1970; a day and a
month without a year (``Sep  5 11:59:56``, as syslog prints them) count within 1972, which has all the days that a year
can have. A time that is much earlier than the one before it in the log is of the next day, or of the next year. So what
lasts is measured, as long as the log is never silent for a day, or for a year.

Beside others such times mean nothing. Which of them a log's are, its begin tells: where a record of a pool has a time
that tells everything, those that do not are none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.late import pl
from logpool.read.cuts import cut_of
from logpool.schema import DAYLESS, YEARLESS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: after so many microseconds a clock shows the same time again, and a calendar without years the same day
DAY, YEAR = 86_400_000_000, 366 * 86_400_000_000
# where the year begins in which times without one are, from the day on in which those without a day are
_YEAR_FROM = (YEARLESS - DAYLESS).days * DAY
# a time that is earlier than the one before it by so much at least is of the next day: no clock is put back as far, and
# nothing that several processes write comes as late; likewise of the next year
_EARLIER = {DAY: DAY // 12, YEAR: YEAR // 2}
# where the day has just begun, what comes so late at most is of the day before
_LATE = DAY // 144


def period_of(time: int) -> int | None:
    """After how many microseconds such a time comes again: :data:`DAY`, :data:`YEAR`; None where it never does."""
    if 0 <= time < DAY:
        return DAY
    return YEAR if _YEAR_FROM <= time < _YEAR_FROM + YEAR else None


def is_dated(time: int | None) -> bool:
    """Whether it is a time that tells everything."""
    return time is not None and period_of(time) is None


@stateful
class Days:
    """The days of one log's times.

    Attributes:
        period: after how long its times come again; None where they tell the day and the year.
    """

    period: int | None = None
    # the last time as it was printed, and how many periods had passed
    _last: int | None = None
    _passed: int = 0

    @classmethod
    def of(cls, lines: Iterable[str], *, behind: bool) -> Days:
        """Those of a log that begins with some records.

        Args:
            lines: the first records of pools.
            behind: whether their times stand behind the messages.
        """
        found: int | None = None
        for line in lines:
            time = cut_of(line, behind=behind).time
            if is_dated(time):
                return cls()
            found = found if found or time is None else period_of(time)
        return cls(found)

    def known(self, time: int | None) -> int | None:
        """A time as it is printed, if it is one of the log's; else None."""
        return time if time is not None and period_of(time) == self.period else None

    def begin(self, time: int | None) -> None:
        """The log's first time, as it is printed, may stand before its first event."""
        if self._last is None:
            self._last = time

    def counted(self, times: pl.Series) -> pl.Series:
        """The log's next times, with the days that have passed; null where they are none of its times."""
        if self.period is None:
            # nearly all logs have no others
            least = times.min()
            if least is None or least >= _YEAR_FROM + YEAR:  # type: ignore[operator]
                return times
            ours = ~(times.is_between(0, DAY, "left") | times.is_between(_YEAR_FROM, _YEAR_FROM + YEAR, "left"))
            return times.set(~ours, None)
        begin = 0 if self.period == DAY else _YEAR_FROM
        times = times.set(~times.is_between(begin, begin + self.period, "left"), None)
        printed = pl.concat([pl.Series([self._last], dtype=pl.Int64), times]).forward_fill()
        steps = printed.diff().slice(1)
        passed = (steps <= -_EARLIER[self.period]).cast(pl.Int64) - (steps > self.period - _LATE).cast(pl.Int64)
        passed = passed.fill_null(0).cum_sum() + self._passed
        if len(times):
            self._last, self._passed = printed[-1], passed[-1]
        return times + passed * self.period

    def last(self, time: int | None) -> int | None:
        """The log's last time, as it is printed, with the days that have passed until then."""
        if time is None or self.period is None:
            return time
        return self.counted(pl.Series([time], dtype=pl.Int64)).item()  # type: ignore[no-any-return]
