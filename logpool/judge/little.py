"""Little's law, held against the log: mean in use = checkouts a second x mean hold (J. D. C. Little, 1961).

The left side is the area under the steps of the connections in use, over the pool's time; the right side comes from
counts and hold times. Where no checkout is cut, both are the same sum, so that they check each other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import dataclass, stateful
from logpool.report.model import Little

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from logpool.report.model import Durations

_SECOND = 1_000_000


@dataclass()
class _Area:
    """Of one pool: its first and last time, the sum of its steps, and of each step times its time."""

    first: int | None = None
    last: int | None = None
    steps: int = 0
    moment: int = 0
    # of the steps before its first time
    before: int = 0

    def until(self, first: int, last: int) -> int:
        """The area under the steps, each of which counts from its time to the last one."""
        return last * self.steps - self.moment + self.before * (last - first)


@stateful
class Areas:
    """The area under the connections in use, per number of a pool, in whole microseconds; grows by batches."""

    _areas: defaultdict[int, _Area] = field(default_factory=lambda: defaultdict(_Area))

    def reach(self, pool: int, first: int, last: int) -> None:
        """Notes the first and the last time of some events."""
        area = self._areas[pool]
        area.first = first if area.first is None else min(area.first, first)
        area.last = last if area.last is None else max(area.last, last)

    def add(self, climbs: pl.DataFrame, width: int) -> None:
        """Adds what :meth:`logpool.judge.concurrency.Concurrency.add` found in intervals of a width."""
        for pool, number, out, moment in climbs.select_seq("part", "bin", "out", "moment").iter_rows():
            area = self._areas[pool]
            if number is None:
                area.before += out
            else:
                area.steps += out
                area.moment += moment + out * number * width

    def of(self, pools: Iterable[int], checkouts: int, holds: Durations) -> Little | None:
        """Both sides of the law for some pools; None where they have no times, or one time only."""
        areas = [self._areas[pool] for pool in pools if pool in self._areas]
        first = min((area.first for area in areas if area.first is not None), default=0)
        last = max((area.last for area in areas if area.last is not None), default=0)
        if first == last:
            return None
        span = (last - first) / _SECOND
        area = sum(one.until(first, last) for one in areas)
        rate = checkouts / span
        product = None if holds.mean is None else rate * holds.mean
        return Little(span, area / (last - first), rate, holds.mean, product)
