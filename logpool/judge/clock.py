"""When the steps of the connections open and in use were taken: at the times of their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import stateful

if TYPE_CHECKING:
    import polars as pl


@stateful
class Clock:
    """Follows the times of events from batch to batch."""

    _time: int | None = None

    def timed(self, times: pl.Series) -> pl.Series:
        """The times of a batch in the log's order, none missing.

        That of an event without one is the last time before it in the log; null where there is none yet.
        """
        if times.null_count():
            times = times.forward_fill()
            if self._time is not None:
                times = times.fill_null(self._time)
        if len(times):
            self._time = times[-1]
        return times
