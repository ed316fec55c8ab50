"""When the steps of the connections open and in use were taken: at the times of their events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Clock:
    """Follows the times of events from batch to batch."""

    # the number of the next event, as the fold counts them
    _seq: int = 0
    _time: int | None = None

    def timed(self, events: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
        """The steps of a batch in the log's order, each with its ``time``.

        That of an event without one is the last time before it in the log; null where there is none yet.
        """
        start, self._seq = self._seq, self._seq + events.height
        times = events["time"]
        if times.null_count():
            times = times.forward_fill()
            if self._time is not None:
                times = times.fill_null(self._time)
            steps = steps.with_columns_seq(times[steps["seq"] - start].alias("time"))
        if events.height:
            self._time = times[-1]
        return steps
