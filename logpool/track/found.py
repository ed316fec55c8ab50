"""What the fold brings to light, batch by batch.

Most checkouts of a batch are whole uses, and most lives whole lives. They become rows only where somebody asks for
them: what counts or measures all of them looks at their places, and the others' rows are counted with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass
from logpool.frames import at, chosen, constant, empty, rows_of, stacked, typed, where
from logpool.native.library import NONE
from logpool.native.numbers import Course, counted, extremes_of
from logpool.native.spans import Spans
from logpool.schema import Detail, End
from logpool.track.neighbours import POINT
from logpool.track.outcomes import AT_ONCE
from logpool.track.tracked import (
    BIRTH,
    CHECKOUT,
    ENDS,
    LIFE,
    groups_of,
    keys_of,
    lasting,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.native.steps import Steps
    from logpool.schema import Kind
    from logpool.track.batches import EventBatch

# so many rows are counted one by one
_FEW = 1000
_EVERY_LIFE = {"outcome": pl.UInt8, "fresh": pl.Boolean, "complete": pl.Boolean, "len": pl.UInt32}


@dataclass(frozen=True)
class _Whole:
    """What was taken out of a batch, and the rows of the rest.

    Attributes:
        rows: those that are no whole ones.
        batch: the events; None at the end of the log, where nothing is whole.
        whole: places of those that are, as :data:`logpool.native.events.USES`, or ``LIVES``.
    """

    rows: pl.DataFrame
    batch: EventBatch | None = None
    whole: pl.DataFrame = field(default_factory=pl.DataFrame)

    @cached_property
    def spans(self) -> Spans | None:
        """The whole ones, for the compiled part; None where there are none."""
        return None if self.batch is None or not self.whole.height else Spans(self.batch.lent, self.whole)

    def _counted(self, own: pl.DataFrame, begin: str, parts: Sequence[int] | None = None) -> pl.DataFrame:
        """How often each length stands in each part: ``one``, ``other``, ``count``; two rows may be alike."""
        held = lasting(own, begin)
        if held["microseconds"].null_count():
            held = where(held, held["microseconds"].is_not_null())
        one = held["group"] if parts is None else pl.Series(parts, dtype=pl.UInt32)[held["group"]]
        found = counted(one, held["microseconds"].clip(0))
        return found if self.spans is None else stacked([self.spans.counted(parts), found])


@dataclass(frozen=True)
class Checkouts(_Whole):
    """The checkouts that ended in a batch, or did not before the end of the log."""

    @cached_property
    def table(self) -> pl.DataFrame:
        """All of them, as :data:`logpool.track.tracked.CHECKOUT`."""
        return stacked([self._made(self.whole), self.rows])

    def _made(self, uses: pl.DataFrame) -> pl.DataFrame:
        """Whole uses as rows."""
        if self.batch is None or not uses.height:
            return empty(CHECKOUT)
        begins, ends = self.batch.lent.points(uses["begin"]), self.batch.lent.points(uses["end"])
        columns = {
            "key": keys_of(uses),
            **{f"out_{name}": begins[name] for name in POINT},
            **{f"end_{name}": ends[name] for name in POINT},
            "outcome": constant(int(End.RETURNED), pl.UInt8, uses.height),
            "fresh": uses["fresh"] == 1,
            "complete": constant(value=True, dtype=pl.Boolean, size=uses.height),
        }
        return pl.DataFrame({name: columns[name] for name in CHECKOUT})

    def holds(self) -> pl.DataFrame:
        """How often each hold time, where known, stands in each group: ``one``, ``other``, ``count``."""
        return self._counted(self.rows, "out_time")

    def holds_in(self, parts: Sequence[int], power: int, first: int, stretches: int) -> pl.DataFrame:
        """The same in stretches of time: see :meth:`logpool.native.spans.Spans.counted`."""
        held = lasting(self.rows, "out_time").hstack([self.rows["out_time"]])
        if held["microseconds"].null_count():
            held = where(held, held["microseconds"].is_not_null())
        stretch = (held["out_time"] // (1 << power) - first).cast(pl.UInt32)
        place = pl.Series(parts, dtype=pl.UInt32)[held["group"]] * stretches + stretch
        found = counted(place, held["microseconds"].clip(0))
        return found if self.spans is None else stacked([self.spans.counted(parts, power, first, stretches), found])

    def reach(self) -> tuple[int, int] | None:
        """The first and the last time at which one begins whose hold time is known; None where there is none."""
        begun = self.rows["out_time"].filter((self.rows["end_time"] - self.rows["out_time"]).is_not_null())
        times = [begun.min(), begun.max(), *((self.spans and self.spans.reach()) or ())]
        known = [time for time in times if isinstance(time, int)]
        return (min(known), max(known)) if known else None

    def longest(self, most: int, least: dict[int, int]) -> pl.DataFrame:
        """Those that may be among the longest so many of their group, and all that are no whole uses.

        Args:
            most: how many.
            least: how long whole uses are at least, by group, microseconds; 0 where left out.
        """
        if self.spans is None:
            return self.rows
        return stacked([self._made(at(self.whole, self.spans.longest(most, least))), self.rows])

    def whole_groups(self) -> list[int]:
        """The groups of whole uses of connections that had been used before."""
        return [group for group, (_, kept) in enumerate(self.spans.fresh() if self.spans else ()) if kept]

    def records(self) -> dict[int, int]:
        """For each group the most events from the begin of one to its end; 0 for none."""
        most = dict(enumerate(self.spans.most())) if self.spans else {}
        for group, _, records in extremes_of(
            groups_of(self.rows["key"]), self.rows["end_seq"] - self.rows["out_seq"]
        ).iter_rows():
            most[group] = max(most.get(group, 0), records or 0)
        return most

    def outcomes(self) -> pl.DataFrame:
        """How many, ``len``, of each ``group`` ended how: ``outcome``, ``fresh``, ``complete``; two may be alike."""
        fresh = enumerate(self.spans.fresh() if self.spans else ())
        returned, schema = int(End.RETURNED), {"group": pl.UInt32, **_EVERY_LIFE}
        whole = [
            (group, returned, is_fresh, True, count)
            for group, both in fresh
            for is_fresh, count in zip((True, False), both, strict=True)
            if count
        ]
        names = ("outcome", "fresh", "complete")
        told = groups_of(self.rows["key"]).to_frame().hstack(chosen(self.rows, *names))
        if told.height <= _FEW:
            counts = Counter(told.iter_rows())
            return rows_of([*whole, *((*how, count) for how, count in counts.items())], schema)
        others = told.group_by("group", *names).agg(pl.len())
        return stacked([rows_of(whole, schema), typed(others, schema)])

    def reused(self, time: int, age: int, until: int, mask: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Uses of connections that had been used before, as rows: see :meth:`logpool.native.spans.Spans.later`.

        Returns:
            Those of connections that were created in the batch, with ``birth_seq`` and ``birth_time``; and the others.
        """
        seq = pl.col("out_seq")
        chosen = (seq < until) | (seq & mask == 0)
        rows = where(self.rows, chosen & ~pl.col("fresh") & (pl.col("out_time") > time))
        if self.spans is None or self.batch is None:
            return empty({**CHECKOUT, **BIRTH}), rows
        uses = at(self.whole, self.spans.later(time, age, until, mask))
        is_born = uses["born"] != NONE
        born = where(uses, is_born)
        births = self.batch.lent.points(born["born"])
        columns = [births["seq"].alias("birth_seq"), births["time"].alias("birth_time")]
        aged = self._made(born).hstack(columns)
        return aged, stacked([self._made(where(uses, ~is_born)), rows])


@dataclass(frozen=True)
class Lives(_Whole):
    """The lives that ended in a batch, or did not before the end of the log."""

    @cached_property
    def table(self) -> pl.DataFrame:
        """All of them, as :data:`logpool.track.tracked.LIFE`."""
        return stacked([self._made(self.whole), self.rows])

    def _made(self, lives: pl.DataFrame, *, at_return: pl.Series | None = None) -> pl.DataFrame:
        """Whole lives as rows."""
        if self.batch is None or not lives.height:
            return empty(LIFE)
        begins, ends = self.batch.lent.points(lives["begin"]), self.batch.lent.points(lives["end"])
        if at_return is None:
            soft = self.batch.details(lives["end"]) == int(Detail.SOFT)
            at_once = ends["time"] - self.batch.events["time"][lives["back"]] <= AT_ONCE
            at_return = soft & at_once.fill_null(value=True)
        columns = {
            "key": keys_of(lives),
            **{f"life_{name}": begins[name] for name in POINT},
            **{f"end_{name}": ends[name] for name in POINT},
            "born": constant(value=True, dtype=pl.Boolean, size=lives.height),
            "dropped": constant(value=False, dtype=pl.Boolean, size=lives.height),
            "uses": lives["uses"].cast(pl.Int64),
            "seq": ends["seq"],
            "time": ends["time"],
            "at_return": at_return,
        }
        return pl.DataFrame({name: columns[name] for name in LIFE})

    @cached_property
    def born(self) -> pl.DataFrame:
        """The rows of those that are no whole lives, but whose beginning the log shows."""
        return where(self.rows, "born")

    def ages(self) -> pl.DataFrame:
        """How often each age, where known from birth on, stands in each group: ``one``, ``other``, ``count``."""
        return self._counted(self.born, "life_time")

    def births(self) -> pl.DataFrame:
        """Where those begin whose beginning the log shows: ``group``, ``seq``, ``time``, ``source``, ``line``."""
        names = {name: f"life_{name}" for name in POINT}
        rows = groups_of(self.born["key"]).to_frame().hstack(chosen(self.born, **names))
        if self.spans is None or self.batch is None:
            return rows
        whole = pl.DataFrame({"group": self.whole["group"], **self.batch.lent.points(self.whole["begin"])})
        return stacked([chosen(whole, *rows.columns), rows])

    def ended(self) -> pl.DataFrame:
        """The events with which those that ended and are no whole lives begin and end: ``life_seq``, ``end_seq``."""
        return where(chosen(self.rows, "life_seq", "end_seq"), self.rows["end_seq"].is_not_null())

    def closed_at_return(self, groups: Sequence[int]) -> pl.DataFrame:
        """The rows of those of some groups that were closed as soon as they came back."""
        mine = where(self.rows, "at_return")
        if mine.height:
            mine = where(mine, groups_of(mine["key"]).is_in(groups))
        if self.spans is None or self.batch is None:
            return mine
        soft = (self.batch.vocabulary.frame()["detail"] == int(Detail.SOFT)).cast(pl.UInt8)
        whole = at(self.whole, self.spans.at_once(groups, soft, AT_ONCE))
        return stacked([self._made(whole, at_return=constant(value=True, dtype=pl.Boolean, size=whole.height)), mine])


@dataclass(frozen=True)
class Tracked:
    """What one batch, or the end of the log, brought to light; tables as :mod:`logpool.track.tracked` names them.

    Attributes:
        checkouts: those that ended.
        lives: those that ended.
        violations: of the reset sequence, some of them to be reviewed in the end.
        steps: changes of the number of connections open, and in use; None where there are none.
        later: reset failures, reclaimings, and invalidations that follow a return.
        censored: per checkout whose beginning the log does not show, its ``group``.
        incidents: what does not happen to a healthy pool, or not often, in the log's order.
        rested: what kept connections were good for, per group.
        setbacks: where a process's clock steps back.
        closes: those whose cause is settled, as :data:`logpool.track.causes.CLOSES`.
        unfinished: returns with a transaction still open, where the driver prints it.
        unborn: connections that are first seen without having been created.
        created: those that were created, and whose lives are no whole ones.
        emptied: the numbers of the events at which checkouts began whose connection a listener took away at once.
        ends: where each shape stands in the batch, as :func:`logpool.native.numbers.ends_of` returns it.
        course: how the times of the batch go on after those before.
    """

    checkouts: Checkouts
    lives: Lives
    violations: pl.DataFrame
    steps: Steps | None
    later: pl.DataFrame
    censored: pl.Series
    incidents: pl.DataFrame
    rested: pl.DataFrame
    setbacks: pl.DataFrame
    closes: pl.DataFrame
    unfinished: pl.DataFrame
    unborn: pl.DataFrame
    created: pl.DataFrame
    emptied: tuple[int, ...] = ()
    ends: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ENDS))
    course: Course = field(default_factory=Course)

    def incidents_of(self, kind: Kind, *, grouped: bool = False) -> pl.DataFrame:
        """The incidents of a kind; if need be, only those whose pool is known."""
        found = where(self.incidents, self.incidents["kind"] == int(kind))
        return where(found, found["group"].is_not_null()) if grouped and found.height else found
