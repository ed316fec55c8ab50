"""Connections replaced for their age so often that most of their making was in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.report.model import Finding
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts


def replaced_by_age(facts: Facts) -> Iterator[Finding]:
    """One finding for each pool whose ``pool_recycle`` is so short that it pays to look at it."""
    thresholds = facts.thresholds
    for pool in facts.pools:
        count = pool.closes.age
        if count < max(1, thresholds.churn_connections) or count < thresholds.churn_share * pool.checkouts:
            continue
        recycle = pool.settings.pool_recycle if pool.settings else None
        oldest = "" if recycle is None or recycle.high is None else f", at most {duration(recycle.high)},"
        message = (
            f"{many(count, 'connection')} closed because they were older than pool_recycle{oldest} one in "
            f"{pool.checkouts / count:,.1f} checkouts: it need only be shorter than the idle timeout of the server, or "
            "of what stands before it, which is minutes or hours"
        )
        places = recycle.evidence if recycle is not None and recycle.evidence else facts.beginning(pool)
        yield Finding("recycle_churn", "info", pool.logger, count, message, places)
