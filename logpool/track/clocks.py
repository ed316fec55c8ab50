"""Where the clock of a process steps back: a time earlier than the one before it, in the order of the lines."""

from __future__ import annotations

from dataclasses import field

import polars as pl

from logpool.classes import stateful
from logpool.frames import at, chosen, empty
from logpool.native.numbers import Course, course_of, ends_of
from logpool.track.neighbours import MARK

# "back": by how many microseconds the time is earlier than the one before it in the same process and pool
_BACK = {"place": pl.UInt32, "back": pl.Int64}
SETBACK = {"group": pl.UInt32, "back": pl.Int64, **MARK}

#: microseconds: threads that print at once, and the grain of the times, are no clock that steps back
LEAST_STEP = 100_000


@stateful
class Clocks:
    """Follows the time of each pool in each process, batch by batch."""

    course: Course = field(default_factory=Course)
    _last: dict[int, int] = field(default_factory=dict)

    def take(self, events: pl.DataFrame, group_of: pl.Series, lasts: pl.Series) -> pl.DataFrame:
        """The steps back of one batch, in the log's order.

        Args:
            events: their ``time``, microseconds or null, and ``shape``.
            group_of: each shape's group; null where no pool is named.
            lasts: the places of the last events of each shape.

        Returns:
            ``place`` in the batch, ``back``.
        """
        times = events["time"]
        before = self._last.copy()
        self.course = course_of(times, self.course)
        if times.null_count() == len(times):
            return empty(_BACK)
        if times.null_count():
            timed = events.select_seq("time", "shape").drop_nulls("time")
            self._note_last(at(timed, lasts_of(ends_of(timed["shape"]))), group_of)
        else:
            self._note_last(at(chosen(events, "time", "shape"), lasts), group_of)
        # no process steps back where the whole log does not
        if self.course.fall < LEAST_STEP:
            return empty(_BACK)
        timed = pl.DataFrame([group_of[events["shape"]].alias("group"), times]).with_row_index("place")
        timed = timed.drop_nulls()
        known = pl.DataFrame(list(before.items()), schema={"group": pl.UInt32, "known": pl.Int64}, orient="row")
        timed = timed.join(known, on="group", how="left", maintain_order="left")
        previous = pl.col("time").shift(1).over("group").fill_null(pl.col("known"))
        return timed.with_columns_seq(back=previous - pl.col("time")).filter(pl.col("back") >= LEAST_STEP)[list(_BACK)]

    def _note_last(self, last: pl.DataFrame, group_of: pl.Series) -> None:
        """Notes the last time of each group, of the last event of each shape."""
        groups = group_of[last["shape"]]
        self._last |= {group: time for group, time in zip(groups, last["time"], strict=True) if group is not None}


def lasts_of(ends: pl.DataFrame) -> pl.Series:
    """The places of the last events of each shape, in their order, of what :func:`ends_of` returns."""
    return ends["last"].sort().cast(pl.UInt32)
