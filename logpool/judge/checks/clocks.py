"""Times that go backwards within one process: durations across such a place are wrong."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.judge.cells import SECOND
from logpool.judge.checks.tallies import Sightings, together
from logpool.report.model import Finding
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.track.found import Tracked

# steps are told apart by their tenths of a second
_GRAIN = SECOND // 10
_TENTHS = 1 << 32


@stateful
class ClockSteps:
    """Counts steps back by process, pool and size."""

    _seen: Sightings = field(default_factory=Sightings)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        if not tracked.setbacks.height:
            return
        size = (pl.col("back") // _GRAIN).clip(upper_bound=_TENTHS - 1)
        label = pl.col("group").cast(pl.Int64) * _TENTHS + size
        self._seen.add(tracked.setbacks.with_columns_seq(step=label), "step")

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool."""
        labels: defaultdict[str, list[int]] = defaultdict(list)
        for label in self._seen.by_label:
            if label % _TENTHS * _GRAIN >= facts.thresholds.clock_step * SECOND:
                labels[facts.names.pool(label // _TENTHS)].append(label)
        for pool, steps in labels.items():
            seen = together(self._seen.by_label[step] for step in steps)
            largest = max(step % _TENTHS for step in steps) * _GRAIN / SECOND
            message = (
                f"{many(seen.count, 'time')} the time goes backwards in a process, by up to {duration(largest)}: a "
                "clock was set, summer time ended, or logs were joined out of order; what lasts across such a place is "
                "measured wrong"
            )
            first, last = (facts.names.time(time, steps[0] // _TENTHS) for time in (seen.first, seen.last))
            yield Finding("clock_steps", "info", pool, seen.count, message, seen.evidence(facts.names), first, last)
