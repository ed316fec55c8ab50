"""Connections that could not be made, by the reason that the driver gives, or not be made ready for use."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, where
from logpool.judge.checks.reasons import is_of_asyncio
from logpool.judge.checks.tallies import Sighting, Sightings, together
from logpool.report.model import Finding
from logpool.schema import Detail, Kind
from logpool.track.neighbours import POINT
from logpool.track.tracked import groups_of
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

# what a reason means, and what to do
_ADVICE = {
    Detail.TOO_MANY_CLIENTS: "the server has as many clients as it takes: processes times (pool_size + max_overflow), "
    "summed over all that use it, must stay below its limit",
    Detail.LOGIN_REFUSED: "the server refuses the login: look at user, password and the server's own rules",
    Detail.UNKNOWN_DATABASE: "there is no such database: look at the URL; where SQLite cannot open its file, at the "
    "folder, at permissions, and at how many files the process may open",
    Detail.STARTING_UP: "the server was starting up or shutting down",
    Detail.UNKNOWN_HOST: "the server's name has no address: look at the URL and at name resolution",
    Detail.CONNECTION_REFUSED: "nothing listens there, or nothing leads there: the server is down, or the URL is wrong",
    Detail.CONNECT_TIMEOUT: "the server does not answer in time: it is overloaded, or a firewall drops what is sent",
    Detail.NONE: "see what the driver says in the records; where it says nothing, a time limit may have ended it",
}


@stateful
class ConnectErrors:
    """Counts failed connects by reason, and how many connections were open when the server would take no more."""

    _seen: Sightings = field(default_factory=Sightings)
    # connections open in all pools of all processes, and at most where the server took no more, by shape
    _open: int = 0
    _crowd: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        failed = tracked.incidents_of(Kind.CONNECT_FAILED)
        if failed.height:
            self._seen.add(failed, "shape")
            crowded = failed.filter(pl.col("detail") == int(Detail.TOO_MANY_CLIENTS))
            if crowded.height and tracked.steps is not None:
                self._count(crowded, tracked.steps.table())
        if tracked.steps is not None:
            self._open += tracked.steps.balance()

    def _count(self, crowded: pl.DataFrame, steps: pl.DataFrame) -> None:
        change = pl.col("opened").cast(pl.Int64) - pl.col("closed").cast(pl.Int64)
        level = steps.select_seq("seq", level=change.cum_sum())
        found = (
            crowded.select_seq("seq", "shape").join_asof(level, on="seq").with_columns_seq(pl.col("level").fill_null(0))
        )
        for shape, most in found.group_by("shape").agg(pl.col("level").max()).iter_rows():
            self._crowd[shape] = max(self._crowd[shape], self._open + most)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool and reason."""
        reasons: defaultdict[tuple[str, Detail], list[int]] = defaultdict(list)
        for shape in self._seen.by_label:
            known = facts.names.vocabulary.shapes[shape]
            if known is not None and known.pool is not None:
                reasons[known.pool, known.message.detail].append(shape)
        for (pool, detail), shapes in reasons.items():
            seen = together(self._seen.by_label[shape] for shape in shapes)
            if seen.count >= facts.thresholds.connect_errors:
                yield self._finding(facts, pool, detail, seen, shapes)

    def _finding(self, facts: Facts, pool: str, detail: Detail, seen: Sighting, shapes: list[int]) -> Finding:
        why, group = (detail.word or "other reason").replace("_", " "), _group_of(facts, shapes[0])
        processes = {known.process for shape in shapes if (known := facts.names.vocabulary.shapes[shape]) is not None}
        several = any(one.logger == pool and one.processes > 1 for one in facts.pools)
        only = (
            f", all of them in process {facts.names.process(group)}"
            if several and group is not None and len(processes) == 1
            else ""
        )
        message = f"{many(seen.count, 'connection')} could not be made ({why}){only}: {_ADVICE[detail]}"
        crowd = max((self._crowd[shape] for shape in shapes if shape in self._crowd), default=0)
        if crowd:
            message += f"; this log's own pools had up to {crowd:,} open then, in all processes together"
        first, last = (facts.names.time(time, group) for time in (seen.first, seen.last))
        return Finding("connect_errors", "error", pool, seen.count, message, seen.evidence(facts.names), first, last)


@stateful
class Unready:
    """Notes where connections are closed hard that nobody ever had."""

    _seen: Sightings = field(default_factory=Sightings)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        rows = tracked.lives.born
        unused = where(rows, (rows["uses"] == 0) & rows["end_seq"].is_not_null())
        if unused.height:
            ends = chosen(unused, **{name: f"end_{name}" for name in POINT})
            self._seen.add(ends.hstack([groups_of(unused["key"])]).sort("seq"), "group")

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One finding per pool."""
        for pool in facts.pools:
            if pool.closes.not_ready >= facts.thresholds.connect_errors:
                yield self._finding(facts, pool)

    def _finding(self, facts: Facts, pool: Pool) -> Finding:
        count, groups = pool.closes.not_ready, facts.groups(pool)
        seen = together(self._seen.by_label.get(group, Sighting()) for group in groups)
        message = (
            f"{many(count, 'connection was', 'connections were')} made, of {pool.created:,}, and thrown away before "
            "any use: what sets a new connection up failed, a listener of the pool's connect event, or "
            "the dialect's first queries; whoever asked for one got the exception"
        )
        if is_of_asyncio(pool):
            message += "; or the task that waited for it was cancelled"
        severity: Severity = "warning" if is_of_asyncio(pool) else "error"
        first, last = (facts.names.time(time, groups[0]) for time in (seen.first, seen.last))
        return Finding("not_ready", severity, pool.logger, count, message, seen.evidence(facts.names), first, last)


def _group_of(facts: Facts, shape: int) -> int | None:
    group = facts.names.vocabulary.frame()["group"][shape]
    return None if group is None else int(group)
