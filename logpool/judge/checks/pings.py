"""Pre-pings that failed: connections that were dead before anybody used them."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.judge.checks.tallies import Sightings, together
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.track.found import Tracked


@stateful
class FailedPings:
    """Counts failed pings per pool in a process."""

    _seen: Sightings = field(default_factory=Sightings)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        failed = tracked.incidents_of(Kind.PING_FAILED, grouped=True)
        self._seen.add(failed, "group")

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool."""
        for pool in facts.pools:
            groups = [group for group in self._seen.by_label if facts.names.pool(group) == pool.logger]
            seen = together(self._seen.by_label[group] for group in groups)
            if not seen.count:
                continue
            # where the log begins between a ping and its failure, there are more failures than pings
            sent = max(pool.pings.sent, seen.count)
            share = seen.count / sent
            message = (
                f"{many(seen.count, 'pre-ping')} of {sent:,} failed ({share * 1e6:,.0f} per million): they "
                "found connections dead at check-out; the pool makes others in their place, if it can, and gives up "
                "all idle ones as well"
            )
            is_many = seen.count > 1 and share >= facts.thresholds.ping_failures
            first, last = (facts.names.time(time, groups[0]) for time in (seen.first, seen.last))
            yield Finding(
                "ping_failures",
                "warning" if is_many else "info",
                pool.logger,
                seen.count,
                message,
                seen.evidence(facts.names),
                first,
                last,
            )
