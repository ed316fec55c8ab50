"""How connections are reset when they come back: by commit, or not at all because it failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.tracked import INCIDENT
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool
    from logpool.track.found import Tracked


@stateful
class ResetTrouble:
    """``reset_failures`` and ``commit_on_return``."""

    _failed: Counter[int] = field(default_factory=Counter)
    _first: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=INCIDENT))
    _last: dict[int, int] = field(default_factory=dict)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        failed = tracked.incidents_of(Kind.RESET_FAILED, grouped=True)
        if not failed.height:
            return
        for group, count, last in (
            failed.group_by("group").agg(pl.len(), pl.col("time").max().alias("last")).iter_rows()
        ):
            self._failed[group] += count
            if last is not None:
                self._last[group] = max(last, self._last.get(group, last))
        self._first = (
            pl.concat([self._first, failed])
            .group_by("group", maintain_order=True)
            .head(EVIDENCE)
            .select_seq(INCIDENT.keys())
        )

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        for pool in facts.pools:
            groups = [group for group in facts.groups(pool) if self._failed[group]]
            if groups:
                yield self._failures(facts, pool, groups)
            committed = pool.resets.commit
            if committed:
                message = (
                    f"{many(committed, 'return', 'returns')} committed what was left to do: the pool is set to "
                    'reset_on_return="commit", so work is kept that nobody committed, even after an error'
                )
                yield Finding("commit_on_return", "info", pool.logger, committed, message, facts.beginning(pool))

    def _failures(self, facts: Facts, pool: Pool, groups: list[int]) -> Finding:
        count = sum(self._failed[group] for group in groups)
        rows = self._first.filter(pl.col("group").is_in(groups)).sort("seq")
        message = (
            f"{many(count, 'connection', 'connections')} could not be reset on return, and thrown away: "
            "the database went away, or what was running when it was returned was not over; the traceback "
            "below each record says which"
        )
        return Finding(
            "reset_failures",
            "warning",
            pool.logger,
            count,
            message,
            facts.names.evidence((source, line) for source, line in rows.select_seq("source", "line").iter_rows()),
            facts.names.time(next(iter(rows["time"].drop_nulls()), None), groups[0]),
            facts.names.time(
                max((self._last[group] for group in groups if group in self._last), default=None), groups[0]
            ),
        )
