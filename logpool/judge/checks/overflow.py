"""Overflow connections that a pool throws away, and soon makes anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, constant, stacked, where
from logpool.judge.checks.tallies import Sightings, together
from logpool.native.numbers import Stack, piled
from logpool.read.vocabulary import LIMITLESS, UNKNOWN_POOL
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.tracked import group_of
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

# the pool size to name is the smallest that saves this share of what the largest would
_MOST = 0.9
_NEVER = 1 << 62
_OF_THREADS = "SingletonThreadPool"


@stateful
class Spare:
    """The connections that a larger pool would have kept: those thrown away so far, and not made anew yet.

    A larger pool keeps a connection that this one throws away, and gives it out where this one makes another. So what
    is made anew takes from a stack what was thrown away last; it is saved by a pool that is larger by the height that
    the stack reached above it in between, itself included (the stack distance of Mattson et al. 1970: exact for all
    sizes in one pass).

    Attributes:
        saved: how many connections each growth of the pool saves that the next smaller one does not.
    """

    saved: Counter[int] = field(default_factory=Counter)
    # of each, the height reached above it
    _stack: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))

    def holds(self) -> bool:
        """Whether anything was thrown away that has not been made anew."""
        return bool(len(self._stack))

    def take(self, moves: pl.Series) -> None:
        """Follows what is put there and taken from it: :class:`Stack`, UInt8."""
        heights, self._stack = piled(moves, self._stack)
        for height, count in heights.iter_rows():
            self.saved[height] += count

    def growth(self) -> tuple[int, int]:
        """By how much a pool should be larger, and how many connections that saves."""
        sizes = sorted(self.saved)
        sums = list(accumulate(self.saved[size] for size in sizes))
        return next(pair for pair in zip(sizes, sums, strict=True) if pair[1] >= _MOST * sums[-1])


@stateful
class Overflow:
    """Follows what each pool throws away and makes anew.

    A pool is followed from the first return on of a connection that it had kept: a NullPool never. A connection whose
    making the log does not show counts as made where it is first seen.
    """

    _began: dict[int, int] = field(default_factory=dict)
    _spare: defaultdict[int, Spare] = field(default_factory=lambda: defaultdict(Spare))
    _thrown: Sightings = field(default_factory=Sightings)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        for group, seq in tracked.rested.select_seq("group", "seq").iter_rows():
            self._began.setdefault(group, seq)
        if not self._began or tracked.steps is None:
            return
        thrown = tracked.lives.closed_at_return(list(self._began)).select_seq(
            group=group_of(), seq="end_seq", time="end_time", source="end_source", line="end_line"
        )
        if not thrown.height and not any(spare.holds() for spare in self._spare.values()):
            return
        thrown = self._followed(thrown)
        if thrown.height:
            self._thrown.add(thrown.sort("seq"), "group")
        moves = [
            chosen(rows, "group", "seq").hstack([constant(int(move), pl.UInt8, rows.height).alias("move")])
            for move, rows in (
                (Stack.PUT, thrown),
                (Stack.TAKE, tracked.steps.opened(self._beginnings())),
                (Stack.CLEAR, self._followed(tracked.incidents_of(Kind.DISPOSED))),
            )
        ]
        events = stacked(moves).sort("seq")
        for group in events["group"].unique():
            self._spare[group].take(events["move"].filter(events["group"] == group))

    def _beginnings(self) -> list[int]:
        return [self._began.get(group, _NEVER) for group in range(1 + max(self._began))]

    def _followed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of rows with ``group`` and ``seq`` that stand behind their group's beginning."""
        if not rows.height:
            return rows
        began = pl.Series(self._beginnings(), dtype=pl.Int64)
        known = where(rows, rows["group"] < len(began))
        return where(known, known["seq"] > began[known["group"]])

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool that goes on overflowing."""
        thresholds = facts.thresholds
        for pool in facts.pools:
            if not _may_overflow(pool):
                continue
            groups = [group for group in self._spare if facts.names.pool(group) == pool.logger]
            anew = sum(self._spare[group].saved.total() for group in groups)
            if anew >= max(1, thresholds.churn_connections) and anew >= thresholds.churn_share * pool.checkouts:
                yield self._finding(facts, pool, groups, anew)

    def _finding(self, facts: Facts, pool: Pool, groups: list[int], anew: int) -> Finding:
        # every process has a pool of its own, and all of them the same size
        joint = Spare()
        for group in groups:
            joint.saved.update(self._spare[group].saved)
        seen = together(self._thrown.by_label[group] for group in groups if group in self._thrown.by_label)
        part = f"one in {pool.checkouts / anew:,.1f} checkouts"
        if pool.pool_class == _OF_THREADS:
            message = (
                f"{many(anew, 'connection')} made anew after the pool had closed another thread's, {part}: more "
                "threads use it than its pool_size, and it closes what they may still be using; set pool_size to the "
                "number of threads at least, or use a QueuePool"
            )
        else:
            growth, saved = joint.growth()
            message = (
                f"{many(anew, 'connection')} made anew after the pool had thrown another away because it was full, "
                f"{part}: a pool_size larger by {growth:,} would have saved {saved:,} of these connects"
            )
        first, last = (facts.names.time(time, groups[0]) for time in (seen.first, seen.last))
        evidence = seen.evidence(facts.names)
        severity: Severity = "warning" if anew >= facts.thresholds.churn_busy * pool.checkouts else "info"
        return Finding("overflow_churn", severity, pool.logger, anew, message, evidence, first, last)


def _may_overflow(pool: Pool) -> bool:
    """Whether what it closes at a return may have been too much: of an unknown class, where it agrees on its size."""
    if pool.pool_class != UNKNOWN_POOL:
        return pool.pool_class not in LIMITLESS or pool.pool_class == _OF_THREADS
    size = pool.settings.pool_size if pool.settings else None
    return size is not None and (size.value is not None or size.high is not None)
