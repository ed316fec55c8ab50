"""Overflow connections that a pool throws away, and soon makes anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import stacked, where
from logpool.judge.checks.tallies import Sightings, together
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.tracked import group_of
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.tracked import Tracked

_MADE, _THROWN, _DISPOSED = range(3)
# the pool size to name is the smallest that saves this share of what the largest would
_MOST = 0.9


@dataclass
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
    _stack: list[int] = field(default_factory=list)

    def holds(self) -> bool:
        """Whether anything was thrown away that has not been made anew."""
        return bool(self._stack)

    def take(self, events: Iterable[int]) -> None:
        """Follows some events."""
        stack, saved = self._stack, self.saved
        for what in events:
            if what == _THROWN:
                stack.append(1)
            elif what == _DISPOSED:
                stack.clear()
            elif stack:
                height = stack.pop()
                saved[height] += 1
                if stack and stack[-1] <= height:
                    stack[-1] = height + 1

    def growth(self) -> tuple[int, int]:
        """By how much a pool should be larger, and how many connections that saves."""
        sizes = sorted(self.saved)
        sums = list(accumulate(self.saved[size] for size in sizes))
        return next(pair for pair in zip(sizes, sums, strict=True) if pair[1] >= _MOST * sums[-1])


@dataclass
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
        self._begin(tracked)
        if not self._began or not tracked.steps.height:
            return
        thrown = where(tracked.lives, "at_return").select_seq(
            group=group_of(), seq="end_seq", what=pl.lit(_THROWN), time="end_time", source="end_source", line="end_line"
        )
        disposed = where(tracked.incidents, pl.col("kind") == int(Kind.DISPOSED))
        if not thrown.height and not any(spare.holds() for spare in self._spare.values()):
            return
        blank = {"time": pl.lit(None, pl.Int64), "source": pl.lit(0, pl.UInt32), "line": pl.lit(0, pl.Int64)}
        parts = [
            thrown,
            where(tracked.steps, pl.col("opened") > 0).select_seq("group", "seq", what=pl.lit(_MADE), **blank),
            disposed.select_seq("group", "seq", what=pl.lit(_DISPOSED), **blank),
        ]
        began = pl.DataFrame(list(self._began.items()), schema={"group": pl.UInt32, "began": pl.Int64}, orient="row")
        events = where(stacked(parts).join(began, on="group"), pl.col("seq") > pl.col("began"))
        self._follow(events.sort("seq"))

    def _begin(self, tracked: Tracked) -> None:
        for group, seq in tracked.rested.select_seq("group", "seq").iter_rows():
            self._began.setdefault(group, seq)

    def _follow(self, events: pl.DataFrame) -> None:
        for (group,), own in events.group_by("group", maintain_order=True):
            self._spare[group].take(own["what"].to_list())
        self._thrown.add(where(events, pl.col("what") == _THROWN), "group")

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool that goes on overflowing."""
        thresholds = facts.thresholds
        for pool in facts.pools:
            groups = [group for group in self._spare if facts.names.pool(group) == pool.logger]
            anew = sum(self._spare[group].saved.total() for group in groups)
            if anew >= max(1, thresholds.churn_connections) and anew >= thresholds.churn_share * pool.checkouts:
                yield self._finding(facts, pool, groups, anew)

    def _finding(self, facts: Facts, pool: Pool, groups: list[int], anew: int) -> Finding:
        # every process has a pool of its own, and all of them the same size
        joint = Spare()
        for group in groups:
            joint.saved.update(self._spare[group].saved)
        growth, saved = joint.growth()
        seen = together(self._thrown.by_label[group] for group in groups if group in self._thrown.by_label)
        message = (
            f"{many(anew, 'connection')} made anew after the pool had thrown another away because it was full, one in "
            f"{pool.checkouts / anew:,.1f} checkouts: a pool_size larger by {growth:,} would have saved {saved:,} of "
            "these connects"
        )
        first, last = (facts.names.time(time, groups[0]) for time in (seen.first, seen.last))
        evidence = seen.evidence(facts.names)
        severity: Severity = "warning" if anew >= facts.thresholds.churn_busy * pool.checkouts else "info"
        return Finding("overflow_churn", severity, pool.logger, anew, message, evidence, first, last)
