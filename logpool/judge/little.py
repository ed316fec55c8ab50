"""Little's law, held against the log: mean in use = checkouts a second x mean hold (J. D. C. Little, 1961).

The left side is the area under the steps of the connections in use, over the pool's time; the right side comes from
counts and hold times. Where no checkout is cut, both are the same sum, so that they check each other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.report.model import Little

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.vocabulary import Vocabulary
    from logpool.report.model import Durations

_SECOND = 1_000_000


@dataclass(slots=True)
class _Area:
    """Of one group: its first and last time, the sum of its steps, and of each step times its time."""

    first: int | None = None
    last: int | None = None
    steps: int = 0
    moment: int = 0
    # of the steps before its first time
    before: int = 0

    def until(self, first: int, last: int) -> int:
        """The area under the steps, each of which counts from its time to the last one."""
        return last * self.steps - self.moment + self.before * (last - first)


@dataclass
class Areas:
    """The area under the connections in use, per group, in whole microseconds; grows by batches."""

    vocabulary: Vocabulary
    _areas: defaultdict[int, _Area] = field(default_factory=lambda: defaultdict(_Area))

    def take(self, events: pl.DataFrame, steps: pl.DataFrame) -> None:
        """Adds one batch: its events ``time``, ``shape``, and the fold's steps with their times."""
        groups = self.vocabulary.frame()["group"].gather(events["shape"]).alias("group")
        spans = events.select("time", groups).drop_nulls().group_by("group")
        for group, first, last in spans.agg(first=pl.col("time").min(), last=pl.col("time").max()).iter_rows():
            area = self._areas[group]
            area.first = first if area.first is None else min(area.first, first)
            area.last = last if area.last is None else max(area.last, last)
        # small numbers cannot overflow: times count from the batch's first one
        base = steps["time"].min()
        base = base if isinstance(base, int) else 0
        out, after = pl.col("out").cast(pl.Int64), pl.col("time") - base
        found = steps.group_by("group").agg(
            out.filter(pl.col("time").is_null()).sum().alias("before"),
            out.filter(pl.col("time").is_not_null()).sum().alias("steps"),
            (out * after).sum().alias("moment"),
        )
        for group, before, total, moment in found.iter_rows():
            area = self._areas[group]
            area.before += before
            area.steps += total
            area.moment += moment + base * total

    def of(self, groups: Iterable[int], checkouts: int, holds: Durations) -> Little | None:
        """Both sides of the law for some groups; None where they have no times, or one time only."""
        areas = [self._areas[group] for group in groups if group in self._areas]
        first = min((area.first for area in areas if area.first is not None), default=0)
        last = max((area.last for area in areas if area.last is not None), default=0)
        if first == last:
            return None
        span = (last - first) / _SECOND
        area = sum(one.until(first, last) for one in areas)
        rate = checkouts / span
        product = None if holds.mean is None else rate * holds.mean
        return Little(span, area / (last - first), rate, holds.mean, product)
