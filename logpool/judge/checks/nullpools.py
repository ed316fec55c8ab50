"""A NullPool where a pool would pay: connections made and closed at a rate that is worth keeping them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import where
from logpool.judge.checks.tallies import SECOND, Cells, place_of
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.track.tracked import group_of
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool
    from logpool.track.tracked import Tracked

# seconds: what happens for a shorter time has no rate yet
_LEAST_SPAN = 60


def births(lives: pl.DataFrame) -> pl.DataFrame:
    """The beginnings of lives that the log shows, as :meth:`Cells.add` takes them; the sort is the group."""
    return where(lives, "born").select_seq(
        label=group_of(),
        time="life_time",
        source="life_source",
        line="life_line",
        idle=pl.lit(None, pl.Int64),
    )


@dataclass
class NullPools:
    """Counts connections made, per second."""

    _made: Cells = field(default_factory=Cells)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        self._made.add(births(tracked.lives))

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per NullPool that makes many connections."""
        for pool in facts.pools:
            if pool.pool_class == "NullPool" and pool.created >= facts.thresholds.nullpool_connects:
                finding = self._finding(facts, pool)
                if finding is not None:
                    yield finding

    def _finding(self, facts: Facts, pool: Pool) -> Finding | None:
        groups = [number for number, (_, _, name) in enumerate(facts.names.vocabulary.groups) if name == pool.logger]
        cells = self._made.of(groups)
        # each process keeps its own connections, and no more than all of them ever used at once
        kept = pool.peak_checked_out * pool.processes
        saved = pool.created - kept
        if not cells.height or saved <= 0:
            return None
        first, last = int(cells["first"].min()), int(cells["last"].max())  # type: ignore[arg-type]
        span = (last - first) / SECOND
        rate = pool.created / max(span, _LEAST_SPAN)
        if rate < facts.thresholds.nullpool_rate:
            return None
        peak = int(cells.group_by("cell").agg(pl.col("count").sum())["count"].max())  # type: ignore[arg-type]
        message = (
            f"without pooling, {many(pool.created, 'connection')} were made within {duration(span)}, at most "
            f"{peak * SECOND / self._made.width:,.0f} per second: a QueuePool with a pool_size of "
            f"{pool.peak_checked_out:,}, the most in use at once, would have saved at least "
            f"{saved:,} of them; leave it if another pooler, such as "
            "PgBouncer, stands behind it"
        )
        return Finding(
            "nullpool_churn",
            "warning" if rate >= facts.thresholds.nullpool_busy else "info",
            pool.logger,
            pool.created,
            message,
            facts.names.evidence(place_of(place) for place in cells["place"].head(EVIDENCE)),
            facts.names.time(first, groups[0]),
            facts.names.time(last, groups[0]),
        )
