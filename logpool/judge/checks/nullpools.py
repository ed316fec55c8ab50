"""A NullPool where a pool would pay: connections made and closed at a rate that is worth keeping them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.judge.cells import SECOND, place_of
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool

# seconds: what happens for a shorter time has no rate yet
_LEAST_SPAN = 60


def churning_nullpools(facts: Facts) -> Iterator[Finding]:
    """One finding per NullPool that makes many connections."""
    for pool in facts.pools:
        if pool.pool_class == "NullPool" and pool.created >= facts.thresholds.nullpool_connects:
            finding = _finding(facts, pool)
            if finding is not None:
                yield finding


def _finding(facts: Facts, pool: Pool) -> Finding | None:
    groups = facts.groups(pool)
    cells = facts.made.of(groups)
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
    peak = int(cells.group_by("bin").agg(pl.col("count").sum())["count"].max())  # type: ignore[arg-type]
    message = (
        f"without pooling, {many(pool.created, 'connection')} were made within {duration(span)}, at most "
        f"{peak * SECOND / facts.made.width:,.0f} per second: a QueuePool with a pool_size of "
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
