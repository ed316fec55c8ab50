"""How long each process went on, where nothing in the log names it, or names it the same as the one before.

Lives that overlap make an *era*: as long as a connection that was there already is used, its process lives. Between
two eras the process may have ended. If it did, what it left behind shows: idle connections that are never used
again, although the pool would have taken them before it made new ones, or several checkouts under way at once.
Where an era leaves no more than one connection, in use, the next one goes on from it: a leak took the only one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.frames import chosen, stacked, typed, where
from logpool.judge.merged import Merged
from logpool.track.tracked import group_of

if TYPE_CHECKING:
    from logpool.track.found import Lives

# a connection that is closed after one use, as a NullPool's, tells nothing of the time between two
_USED_AGAIN = 2
_ERA = pl.Schema({"group": pl.UInt32, "start": pl.Int64, "end": pl.Int64, "time": pl.Int64})


class Era(NamedTuple):
    """From the first event to the last that some process is known by.

    Attributes:
        start: the number of the first event; likewise ``end``.
        time: of the last; None where the log shows no times.
    """

    start: int
    end: int
    time: int | None


@dataclass
class Eras:
    """The eras of all groups, grown batch by batch: there are few, one for each start of a process."""

    _spans: Merged = field(default_factory=lambda: Merged(_ERA, _joined))
    _open: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={**_ERA, "key": pl.Int64}))

    def take(self, lives: Lives) -> None:
        """Adds the lives of one batch; in the last one, those still open."""
        if lives.spans is not None:
            self._spans.add(typed(lives.spans.joined(_USED_AGAIN), _ERA))
        still = pl.col("end_seq").is_null()
        used = where(lives.rows, (pl.col("uses") >= _USED_AGAIN) | still)
        if not used.height:
            return
        spans = used.select_seq(
            "key", group_of().alias("group"), still.alias("still"), start="life_seq", end="seq", time="time"
        )
        self._spans.add(chosen(spans, *_ERA))
        self._open = stacked([self._open, chosen(where(spans, "still"), *self._open.columns)])

    def of(self, group: int, out: pl.DataFrame, usual: float) -> list[Era]:
        """The eras of one group, in order.

        Args:
            group: its number.
            out: its checkouts that are still open.
            usual: microseconds: the longest that others lasted.
        """
        mine = pl.col("group") == group
        idle = self._open.filter(mine & ~pl.col("key").is_in(out["key"].implode()))["start"].to_list()
        begun = out.select_seq("out_seq", "out_time").rows()
        eras: list[Era] = []
        ended = True
        for row in self._spans.table.filter(mine).sort("start").select_seq("start", "end", "time").iter_rows():
            era = Era(*row)
            if ended:
                eras.append(era)
            else:
                eras[-1] = Era(eras[-1].start, era.end, era.time)
            under_way = [
                time
                for seq, time in begun
                if era.start <= seq <= era.end and (time is None or era.time is None or era.time - time <= usual)
            ]
            ended = len(under_way) > 1 or any(era.start <= start <= era.end for start in idle)
        return eras


def _joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans, those that overlap made one, with the latest of their times."""
    reached = pl.col("end").cum_max().shift(1).over("group")
    eras = spans.sort("group", "start").with_columns_seq(
        era=(pl.col("start") > reached).fill_null(value=True).cast(pl.Int64).cum_sum()
    )
    return eras.group_by("group", "era", maintain_order=True).agg(
        pl.col("start").first(), pl.col("end").max(), pl.col("time").max()
    )
