"""Connections replaced for their age so often that most of their making was in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.report.model import Finding
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Severity


def replaced_by_age(facts: Facts) -> Iterator[Finding]:
    """One finding for each pool whose ``pool_recycle`` is so short that it pays to look at it."""
    thresholds = facts.thresholds
    for pool in facts.pools:
        count = pool.closes.age
        if count < max(1, thresholds.churn_connections) or count < thresholds.churn_share * pool.checkouts:
            continue
        recycle = pool.settings.pool_recycle if pool.settings else None
        oldest = "" if recycle is None or recycle.high is None else f", which is at most {duration(recycle.high)}"
        message = (
            f"{many(count, 'connection was', 'connections were')} closed because they were older than "
            f"pool_recycle{oldest}, one in {pool.checkouts / count:,.1f} checkouts: it need only be shorter than the "
            "idle timeout of the server, or of what stands before it, which is minutes or hours"
        )
        places = recycle.evidence if recycle is not None and recycle.evidence else facts.beginning(pool)
        severity: Severity = "warning" if count >= thresholds.churn_busy * pool.checkouts else "info"
        yield Finding("recycle_churn", severity, pool.logger, count, message, places)
