"""Tasks cancelled while they held a connection: each throws its connection away."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.tracked import INCIDENT
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.track.found import Tracked

# of asyncio and anyio, and of concurrent.futures
_CANCELLED = frozenset({"CancelledError", "Cancelled"})
_MINUTE = 60_000_000


@dataclass
class Cancellations:
    """``cancelled_in_use``."""

    # by shape: how many in each minute, and the first few
    _minutes: Counter[tuple[int, int | None]] = field(default_factory=Counter)
    _first: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INCIDENT))
    _spans: dict[int, tuple[int, int]] = field(default_factory=dict)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        thrown = tracked.incidents_of(Kind.INVALIDATED, grouped=True)
        if not thrown.height:
            return
        counts = thrown.group_by("shape", pl.col("time") // _MINUTE).agg(pl.len(), pl.col("time").min().alias("first"))
        for shape, minute, count, _ in counts.iter_rows():
            self._minutes[shape, minute] += count
        spans = thrown.group_by("shape").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        for shape, first, last in spans.drop_nulls().iter_rows():
            known = self._spans.get(shape, (first, last))
            self._spans[shape] = min(first, known[0]), max(last, known[1])
        self._first = (
            pl.concat([self._first, thrown])
            .group_by("shape", maintain_order=True)
            .head(EVIDENCE)
            .select_seq(INCIDENT.keys())
        )

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        shapes = {shape for shape, _ in self._minutes if self._is_cancelled(facts, shape)}
        pools: dict[str, list[int]] = {}
        for shape in sorted(shapes):
            known = facts.names.vocabulary.shapes[shape]
            pools.setdefault((known.pool if known else None) or "", []).append(shape)
        for pool in facts.pools:
            if pool.logger in pools:
                yield self._finding(facts, pool.logger, pools[pool.logger])

    def _is_cancelled(self, facts: Facts, shape: int) -> bool:
        message = facts.names.message(shape)
        return message is not None and message.reason in _CANCELLED

    def _finding(self, facts: Facts, pool: str, shapes: list[int]) -> Finding:
        minutes: Counter[int | None] = Counter()
        for (shape, minute), count in self._minutes.items():
            if shape in shapes:
                minutes[minute] += count
        count = minutes.total()
        worst = max((number for minute, number in minutes.items() if minute is not None), default=0)
        rate = f", at most {worst:,} in one minute" if len(minutes) > 1 else ""
        message = (
            f"{many(count, 'connection was', 'connections were')} thrown away because the task using it was "
            f"cancelled{rate}: each has to be made anew; look for time limits and clients that hang up, and shield "
            "what must not be cancelled"
        )
        rows = self._first.filter(pl.col("shape").is_in(shapes)).sort("seq")
        places = rows.select_seq("source", "line").iter_rows()
        spans = [self._spans[shape] for shape in shapes if shape in self._spans]
        group = rows["group"][0]
        return Finding(
            "cancelled_in_use",
            "warning",
            pool,
            count,
            message,
            facts.names.evidence((source, line) for source, line in places),
            facts.names.time(min((first for first, _ in spans), default=None), group),
            facts.names.time(max((last for _, last in spans), default=None), group),
        )
