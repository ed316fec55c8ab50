"""How old connections were when they were used again, and when the pool replaced them: bounds of ``pool_recycle``.

The pool looks at a connection's age when it is checked out, and only then. Its own clock starts before it connects,
and the log's with ``created``, after that.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, empty, stacked, where
from logpool.read.vocabulary import split_pool_name
from logpool.schema import Detail, Kind
from logpool.track.tracked import BIRTH, group_of, groups_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from logpool.judge.settings.seen import Place
    from logpool.native.numbers import Course
    from logpool.track.found import Lives, Tracked

# microseconds: a clock that steps back so far, or a silence so long, and the time between is unknown: a change from
# or to daylight saving time may hide in it
_STEP_BACK = -1_000_000
_SILENCE = 3_000_000_000
_SECOND = 1_000_000
# a clock that steps more often measures nothing
_STEPS = 1000
# of the check-outs after so many events, one in so many is looked at, a power of two: a bound a little weaker, at
# little cost
_ALL_UNTIL = 1 << 17
_ONE_IN = 16

_PLACED = ("seq", "time", "source", "line")
# later than any time
_NEVER = (1 << 63) - 1


@stateful
class Ages:
    """The extreme ages of each pool's connections.

    Attributes:
        reused: per pool, the greatest age in seconds at which one was used again, and where.
        recycled: per pool, the smallest at which one was too old, and where.
    """

    reused: dict[str, tuple[float, Place]] = field(default_factory=dict)
    recycled: dict[str, tuple[float, Place]] = field(default_factory=dict)
    _births: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=BIRTH))
    # the events at which the clock makes a step
    _steps: list[int] = field(default_factory=list)
    # the last time before a batch
    _last: int | None = None

    def take(self, events: pl.DataFrame, first: int, tracked: Tracked, pool_of: Callable[[int], str]) -> None:
        """Takes one batch.

        Args:
            events: of which ``time`` is looked at.
            first: the number of the first of them.
            tracked: what the fold made of the batch.
            pool_of: the pool of a group.
        """
        if len(self._steps) <= _STEPS:
            self._watch_clock(events["time"], first, tracked.course)
            self._last = tracked.course.last
        created = tracked.created
        if created["birth_time"].null_count():
            created = where(created, created["birth_time"].is_not_null())
        births = _of_pools_that_keep(created, pool_of)
        if births.height:
            self._births = stacked([self._births, births])
        self._look(tracked, pool_of)
        if births.height:
            self._births = self._births.unique("key", keep="last", maintain_order=True)
        if self._births.height:
            over = tracked.lives.ended()["life_seq"]
            self._births = where(self._births, ~self._births["birth_seq"].is_in(over.implode()))

    def finish(self, last: Tracked, pool_of: Callable[[int], str]) -> None:
        """Takes what is open at the end of the log."""
        self._look(last, pool_of)

    def _watch_clock(self, times: pl.Series, first: int, course: Course) -> None:
        if course.least >= _STEP_BACK and course.greatest < _SILENCE:
            return
        known = times.drop_nulls()
        change = known.diff()
        change[0] = 0 if self._last is None else known[0] - self._last
        steps = (change < _STEP_BACK) | (change >= _SILENCE)
        places = pl.int_range(len(times), eager=True).filter(times.is_not_null()).filter(steps)
        self._steps += (places + first).to_list()

    def _look(self, tracked: Tracked, pool_of: Callable[[int], str]) -> None:
        if len(self._steps) > _STEPS:
            self.reused.clear()
            self.recycled.clear()
            return
        # what cannot be older than the oldest so far need not be looked at
        known = min((age for age, _ in self.reused.values()), default=-1.0) if self._is_even(tracked, pool_of) else -1.0
        oldest, beyond = self._births["birth_time"].min(), round(known * _SECOND)
        later = oldest + math.floor(known * _SECOND) if isinstance(oldest, int) else _NEVER
        born, others = tracked.checkouts.reused(later, beyond, _ALL_UNTIL, _ONE_IN - 1)
        renamed = {name: f"out_{name}" for name in _PLACED}
        aged = _of_pools_that_keep(chosen(born, *BIRTH, **renamed), pool_of)
        # what moved on to another connection is told when it ends there, and its own may be forgotten by then
        until = others["end_seq"].fill_null(others["out_seq"])
        others = chosen(others, "key", **renamed).hstack([until.alias("until")])
        aged = stacked([aged, chosen(self._aged(others, tracked.lives), *aged.columns)])
        for group, age, place in self._extremes(aged, oldest=True, beyond=beyond):
            pool = pool_of(group)
            if pool not in self.reused or age > self.reused[pool][0]:
                self.reused[pool] = age, place
        if not tracked.incidents.height:
            return
        old = (pl.col("kind") == int(Kind.RECYCLED)) & (pl.col("detail") == int(Detail.AGE))
        recycled = where(tracked.incidents, old).select_seq("key", *_PLACED, until="seq")
        for group, age, place in self._extremes(self._aged(recycled, tracked.lives), oldest=False):
            pool = pool_of(group)
            if pool not in self.recycled or age < self.recycled[pool][0]:
                self.recycled[pool] = age, place

    def _is_even(self, tracked: Tracked, pool_of: Callable[[int], str]) -> bool:
        """Whether an age is known of every pool whose connections may be used again."""
        groups = {*groups_of(self._births["key"]).unique(), *tracked.checkouts.whole_groups()}
        return all(pool_of(group) in self.reused for group in groups if _keeps(pool_of(group)))

    def _aged(self, rows: pl.DataFrame, lives: Lives) -> pl.DataFrame:
        """Uses of connections, with where these were created, ``birth_seq`` and ``birth_time``, if it is known.

        Args:
            rows: ``key``, ``seq``, ``time``, ``source``, ``line``; ``until``, the number of the event that ends one.
            lives: those that ended in the batch.
        """
        if not rows.height or not self._births.height:
            return empty({**rows.schema, **BIRTH})
        aged = self._born(where(rows, pl.col("time").is_not_null() & pl.col("key").is_not_null()))
        if aged.height:
            # what is used after its end is no older for that; in the next batch it is forgotten
            ends = chosen(lives.ended(), "end_seq", birth_seq="life_seq")
            aged = aged.join(ends, on="birth_seq", how="left")
            aged = where(aged, pl.col("end_seq").is_null() | (pl.col("until") <= pl.col("end_seq")))
        return aged

    def _extremes(self, aged: pl.DataFrame, *, oldest: bool, beyond: int = -1) -> list[tuple[int, float, Place]]:
        """Per group the greatest or the smallest age of some connections, in seconds, and where.

        Args:
            aged: uses of them, as :meth:`_aged` returns them.
            oldest: whether the greatest counts.
            beyond: microseconds; a lesser age counts for nothing.
        """
        # most are no older than what is known
        aged = where(aged, aged["time"] - aged["birth_time"] > beyond)
        if not aged.height:
            return []
        if self._steps:
            steps = pl.DataFrame({"step": self._steps}, schema={"step": pl.Int64})
            aged = aged.sort("seq").join_asof(steps, left_on="seq", right_on="step", coalesce=False)
            aged = aged.filter(pl.col("birth_seq") >= pl.col("step").fill_null(-1))
        age = pl.col("time") - pl.col("birth_time")
        aged = aged.select_seq("seq", "source", "line", age=age, group=group_of())
        # of equal ones the first
        ordered = aged.sort("age", "seq", descending=[oldest, False]).unique("group", keep="first", maintain_order=True)
        rows = ordered.select_seq("group", "age", "source", "line")
        return [(group, age / _SECOND, (source, line)) for group, age, source, line in rows.iter_rows()]

    def _born(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of connections whose beginning is known, with it."""
        again = self._births["key"].is_duplicated()
        if not again.any():
            return rows.join(self._births, on="key").filter(pl.col("seq") > pl.col("birth_seq"))
        return where(
            rows.sort("seq").join_asof(
                self._births.sort("birth_seq"),
                left_on="seq",
                right_on="birth_seq",
                by="key",
                coalesce=False,
                check_sortedness=False,
            ),
            pl.col("birth_seq").is_not_null(),
        )


def _keeps(pool: str) -> bool:
    """Whether a pool may use its connections again."""
    return split_pool_name(pool)[0] != "NullPool"


def _of_pools_that_keep(rows: pl.DataFrame, pool_of: Callable[[int], str]) -> pl.DataFrame:
    """The rows of connections, by ``key``, that may be used again."""
    if not rows.height:
        return rows
    groups = groups_of(rows["key"])
    kept = [group for group in groups.unique() if _keeps(pool_of(group))]
    return where(rows, groups.is_in(kept))
