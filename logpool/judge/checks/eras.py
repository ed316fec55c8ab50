"""How long each process went on, where nothing in the log names it, or names it the same as the one before.

Lives that overlap make an *era*: as long as a connection that was there already is used, its process lives. Between
two eras the process may have ended. If it did, what it left behind shows: idle connections that are never used
again, although the pool would have taken them before it made new ones, or several checkouts under way at once.
Where an era leaves no more than one connection, in use, the next one goes on from it: a leak took the only one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import field
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, stacked, typed, where
from logpool.judge.merged import Merged
from logpool.schema import End
from logpool.track.tracked import CHECKOUT, group_of

if TYPE_CHECKING:
    from logpool.track.found import Tracked

# microseconds: Python alone takes longer to start, and to load SQLAlchemy
_START = 200_000
# in containers processes have the first few numbers, and after a restart the same ones; elsewhere the system has them
_LEAST_CERTAIN = 300
# a connection that is closed after one use, as a NullPool's, tells nothing of the time between two
_USED_AGAIN = 2
_SEQ, _END = itemgetter(0), attrgetter("end")
_ERA = pl.Schema({"group": pl.UInt32, **dict.fromkeys(("start", "end", "time", "begun"), pl.Int64)})
_OPEN = {
    "group": pl.UInt32,
    "key": pl.Int64,
    "start": pl.Int64,
    "source": pl.UInt32,
    "line": pl.Int64,
    "is_replaced": pl.Boolean,
}


class Era(NamedTuple):
    """From the first event to the last that some process is known by.

    Attributes:
        start: the number of the first event; likewise ``end``.
        time: of the last; None where the log shows no times.
        begun: of the first.
    """

    start: int
    end: int
    time: int | None
    begun: int | None = None


@stateful
class Eras:
    """The eras of all groups, grown batch by batch: there are few, one for each start of a process."""

    _spans: Merged = field(default_factory=lambda: Merged(_ERA, _joined))
    _open: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_OPEN))
    _out: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={**CHECKOUT, "group": pl.UInt32}))

    def take(self, tracked: Tracked) -> None:
        """Adds the lives of one batch; in the last one, those still open, and the checkouts."""
        lives, checkouts = tracked.lives, tracked.checkouts.rows
        still_out = where(checkouts, checkouts["outcome"] == int(End.OPEN))
        if still_out.height:
            self._out = stacked([self._out, still_out.with_columns_seq(group=group_of())])
        if lives.spans is not None:
            self._spans.add(typed(lives.spans.joined(_USED_AGAIN), _ERA))
        still = pl.col("end_seq").is_null()
        used = where(lives.rows, (pl.col("uses") >= _USED_AGAIN) | still)
        if not used.height:
            return
        spans = used.select_seq(
            "key",
            group_of().alias("group"),
            still.alias("still"),
            # what is open where the log ends was replaced by none
            pl.lit(tracked.steps is not None).alias("is_replaced"),
            start="life_seq",
            end="seq",
            time="time",
            begun="life_time",
            source="life_source",
            line="life_line",
        )
        self._spans.add(chosen(spans, *_ERA))
        self._open = stacked([self._open, typed(where(spans, "still"), _OPEN)])

    @cached_property
    def groups(self) -> dict[int, GroupEras]:
        """After the last batch, each group that left something open: in the order of what is out, then the others."""
        out = self._out.sort("out_seq")
        idle = self._open.filter(~pl.col("key").is_in(out["key"].implode())).sort("start")
        groups = pl.concat([out["group"], idle["group"]]).unique(maintain_order=True)
        spans = self._spans.table.filter(pl.col("group").is_in(groups.implode())).sort("start")
        outs, idles, eras = (
            table.partition_by("group", as_dict=True, maintain_order=True) for table in (out, idle, spans)
        )
        return {
            group: GroupEras(
                group,
                outs.get((group,), out.clear()),
                idles.get((group,), idle.clear()),
                [Era(*row) for row in eras.get((group,), spans.clear()).select_seq(Era._fields).iter_rows()],
            )
            for group in groups
        }


class GroupEras(NamedTuple):
    """What may be eras of a group.

    Attributes:
        group: its number.
        out: its checkouts that are still open, in order.
        idle: the connections that were never closed, and that nobody uses in the end, in the order of the events with
            which their lives began: ``start``, its number, ``source`` and ``line``; ``is_replaced``: another one was
            created at its address.
        spans: lives that overlap, as one, in order.
    """

    group: int
    out: pl.DataFrame
    idle: pl.DataFrame
    spans: list[Era]

    def eras(self, usual: float, *, is_one: bool = False) -> list[Era]:
        """Its eras, in order.

        Args:
            usual: microseconds: the longest that checkouts lasted that are over.
            is_one: whether they are all of one process.
        """
        if is_one and self.spans:
            return [self.spans[0]._replace(end=self.spans[-1].end, time=self.spans[-1].time)]
        begun = self.out.select_seq("out_seq", "out_time").sort("out_seq").rows()
        idle = self.idle["start"].to_list()
        eras: list[Era] = []
        ended = True
        for era in self.spans:
            if ended and not (eras and _goes_on(eras[-1], era)):
                eras.append(era)
            else:
                eras[-1] = eras[-1]._replace(end=era.end, time=era.time)
            first, last = bisect_left(begun, era.start, key=_SEQ), bisect_right(begun, era.end, key=_SEQ)
            under_way = sum(
                time is None or era.time is None or era.time - time <= usual for _, time in begun[first:last]
            )
            ended = under_way > 1 or bisect_left(idle, era.start) < bisect_right(idle, era.end)
        return eras


def _goes_on(era: Era, after: Era) -> bool:
    """Whether something happens so soon after an era that no other process can have been started meanwhile."""
    return era.time is not None and after.begun is not None and 0 <= after.begun - era.time < _START


def is_certain(process: str | None) -> bool:
    """Whether what a log calls a process is one all along: a number that no container gives out anew."""
    number = (process or "").rpartition("/")[2]
    return number.isdecimal() and int(number) >= _LEAST_CERTAIN


def era_of(eras: list[Era], seq: int) -> Era | None:
    """The era that an event is in, by its number; None for none."""
    place = bisect_left(eras, seq, key=_END)
    return eras[place] if place < len(eras) and eras[place].start <= seq else None


def _joined(spans: pl.DataFrame) -> pl.DataFrame:
    """Spans, those that overlap made one, with the latest of their times."""
    reached = pl.col("end").cum_max().shift(1).over("group")
    eras = spans.sort("group", "start").with_columns_seq(
        era=(pl.col("start") > reached).fill_null(value=True).cast(pl.Int64).cum_sum()
    )
    # a clock may step back: the last time is not the greatest
    last = pl.col("time").sort_by("end").drop_nulls().last()
    return eras.group_by("group", "era", maintain_order=True).agg(
        pl.col("start").first(), pl.col("end").max(), last, pl.col("begun").first()
    )
