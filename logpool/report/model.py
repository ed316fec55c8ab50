"""The result of an analysis: frozen values, which every face renders and none computes.

The names are those of the JSON. Times are ISO 8601 texts, durations seconds.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from logpool.classes import dataclass

SCHEMA_VERSION = 1

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Evidence:
    """One place in a log.

    Attributes:
        path: the file.
        line: the head line of the record, from 1.
    """

    path: str
    line: int


@dataclass(frozen=True)
class Finding:
    """One thing that the log shows and a person should know.

    Attributes:
        code: what kind of finding.
        severity: how bad.
        pool: the pool's logger; None where no single pool is concerned.
        count: how often.
        message: what it means, and what to do.
        evidence: where it shows, the first few places.
        first_time: when it began, or was first seen; None where no single time span is concerned, or is known.
        last_time: when it ended, or was last seen.
    """

    code: str
    severity: Severity
    pool: str | None
    count: int
    message: str
    evidence: tuple[Evidence, ...] = ()
    first_time: str | None = None
    last_time: str | None = None


@dataclass(frozen=True)
class Durations:
    """How long something took, whole ones only.

    Attributes:
        count: how many are known from both ends.
        mean: their sum over their number.
        p50: nearest rank: the smallest value that at least half of them do not exceed; likewise p95 and p99.
        max: the longest.
    """

    count: int = 0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class Resets:
    """What the pool did to a connection that came back."""

    already_reset: int = 0
    rollback: int = 0
    commit: int = 0
    none: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Pings:
    """The pre-pings: sent, failed among those, skipped because the connection was new."""

    sent: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Sequence:
    """How many checkouts read checked_out, returned, reset; and how many records break that order."""

    complete: int = 0
    violations: int = 0


@dataclass(frozen=True)
class Ends:
    """How the checkouts ended; ``lost`` ones have ended, but their end is not in the log."""

    returned: int = 0
    invalidated: int = 0
    failed: int = 0
    detached: int = 0
    reclaimed: int = 0
    lost: int = 0
    open: int = 0


@dataclass(frozen=True)
class Censored:
    """What the edges of the log cut.

    Attributes:
        lives: connections without their beginning in it.
        checkouts: returns of checkouts without their beginning in it.
        returns: returns whose reset would come after its end.
    """

    lives: int = 0
    checkouts: int = 0
    returns: int = 0


@dataclass(frozen=True)
class Setting:
    """One setting of a pool, as far as its log tells.

    Attributes:
        value: None where it is not known.
        low: at least so much; no limit at all counts as more than any number.
        high: at most so much.
        how: ``stated`` in the log outright, ``inferred`` from how the pool behaves, or ``unknown``.
        evidence: where it shows, the first few places.
    """

    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    how: Literal["stated", "inferred", "unknown"] = "unknown"
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Settings:
    """How a pool is set up. Durations are seconds; ``reset_on_return`` is rollback, commit or none."""

    pool_size: Setting = Setting()
    max_overflow: Setting = Setting()
    pool_timeout: Setting = Setting()
    pool_recycle: Setting = Setting()
    pre_ping: Setting = Setting()
    use_lifo: Setting = Setting()
    reset_on_return: Setting = Setting()


@dataclass(frozen=True)
class Closes:
    """What closed connections: as many as were closed.

    Attributes:
        overflow: they came back to a pool that was full.
        nullpool: they came back to a NullPool, which keeps none.
        age: they were older than ``pool_recycle`` when they were to be checked out.
        pool_invalidation: they were older than the failure that invalidated the whole pool.
        soft_invalidation: they had been invalidated softly.
        invalidated: they were thrown away in use.
        ping_failed: they failed the test at check-out, the pool's ping or a listener's own.
        disposed: the pool was disposed of.
        detached: they had been taken out of the pool.
        reclaimed: the garbage collector found them.
        reset_failed: they could not be reset when they came back.
        not_ready: they were made, but a listener failed to set them up.
        unknown: the log does not tell.
    """

    overflow: int = 0
    nullpool: int = 0
    age: int = 0
    pool_invalidation: int = 0
    soft_invalidation: int = 0
    invalidated: int = 0
    ping_failed: int = 0
    disposed: int = 0
    detached: int = 0
    reclaimed: int = 0
    reset_failed: int = 0
    not_ready: int = 0
    unknown: int = 0


@dataclass(frozen=True)
class Little:
    """Little's law: what is in use on average is what arrives in a second times how long it stays.

    Attributes:
        span_seconds: from the pool's first record to its last.
        mean_in_use: connections in use on average over that time, measured as the area under them.
        arrivals_per_second: checkouts, the unfinished ones too, over that time.
        mean_hold_seconds: of the checkouts known from both ends; None where there are none.
        product: of the last two, which is ``mean_in_use`` where no checkout is cut by the edge of the log.
    """

    span_seconds: float
    mean_in_use: float
    arrivals_per_second: float
    mean_hold_seconds: float | None
    product: float | None


@dataclass(frozen=True)
class Pool:
    """The figures of one pool, of one pool class, or of all together."""

    logger: str | None
    pool_class: str | None
    logging_name: str | None
    processes: int
    created: int
    closed: int
    hard_closed: int
    connect_errors: int
    checkouts: int
    fresh_checkouts: int
    reused_checkouts: int
    failed_checkouts: int
    reuse_ratio: float | None
    returned: int
    resets: Resets
    pings: Pings
    invalidated: int
    soft_invalidated: int
    recycled: int
    reclaimed: int
    dropped: int
    distinct_addresses: int
    open_at_end: int
    checked_out_at_end: int
    peak_open: int
    peak_checked_out: int
    hold_seconds: Durations
    life_seconds: Durations
    sequence: Sequence
    ends: Ends
    closes: Closes
    censored: Censored
    # check-outs of connections that nothing tells apart: counted, but in nobody's life
    unidentified_checkouts: int = 0
    # None without times
    little: Little | None = None
    driver: str | None = None
    info_only: bool = False
    balanced: bool = True
    # of one pool only: a class, or all pools together, have none
    settings: Settings | None = None


@dataclass(frozen=True)
class SourceReport:
    """What was read of one log.

    Attributes:
        first_time: when it begins; where its times tell no day, or no year, on that day of 1970, or in 1972.
        last_time: when it ends, likewise.
        files: that it consists of, oldest first: several for a rotated set, whose newest gives it its path.
        newest_first: whether its newest line stands first, so that it was read from its end.
    """

    path: str
    bytes: int
    lines: int
    layout: str | None
    first_time: str | None
    last_time: str | None
    pool_lines: int
    timing_lines: int
    other_lines: int
    unrecognised_lines: int
    files: tuple[str, ...] = ()
    newest_first: bool = False


@dataclass(frozen=True)
class Timings:
    """The experiment's own ``Time taken`` lines."""

    count: int
    mean_seconds: float
    first_seconds: float
    mean_after_first_seconds: float | None


@dataclass(frozen=True)
class Violation:
    """One record that breaks the reset sequence."""

    code: str
    pool: str
    connection: str | None
    path: str
    line: int
    message: str


@dataclass(frozen=True)
class Bin:
    """What one pool did in one interval.

    Attributes:
        time: at which it begins, a multiple of the interval since the epoch.
        open: connections open at once, at most.
        in_use: connections in use at once, at most.
        in_use_mean: connections in use on average.
        checkouts: that began in it; likewise ``created``, ``closed`` and ``timeouts``.
    """

    time: str | None
    open: int
    in_use: int
    in_use_mean: float
    checkouts: int
    created: int
    closed: int
    timeouts: int


@dataclass(frozen=True)
class Timeline:
    """What one pool did over time, in intervals without a gap from the log's first time to its last.

    Attributes:
        pool: the pool's logger; None for all pools together.
        interval_seconds: how long each interval is.
        bins: the intervals.
        untimed: checkouts, creates, closes and timeouts without a time, which are in no interval.
    """

    pool: str | None
    interval_seconds: float
    bins: tuple[Bin, ...]
    untimed: int = 0


@dataclass(frozen=True)
class HoldCounts:
    """How long one pool's connections were held, and when: rough, and of bounded size.

    Attributes:
        pool: the pool's logger.
        rows: (stretch of the log, class of length, count) for all that occur, in order; the stretches are equally
            long, and a class is longer the higher its number.
    """

    pool: str
    rows: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Report:
    """All that one analysis found.

    Attributes:
        sources: what was read.
        pools: one per pool logger, in order of first appearance.
        pool_classes: the same per pool class.
        totals: all pools together.
        timeouts: how many times somebody waited for a connection in vain.
        timings: None where the log has none.
        findings: the worst first.
        violations: of the reset sequence, in the log's order.
        timeline: one per pool, and one of all together where there are several; empty where the log has no times.
        holds: what a comparison tests hold times by, one per pool; no part of the JSON.
    """

    sources: tuple[SourceReport, ...]
    pools: tuple[Pool, ...]
    pool_classes: tuple[Pool, ...]
    totals: Pool
    timeouts: int
    timings: Timings | None
    findings: tuple[Finding, ...]
    violations: tuple[Violation, ...] = ()
    timeline: tuple[Timeline, ...] = ()
    holds: tuple[HoldCounts, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``analyze``, as plain values."""
        totals = asdict(self.totals)
        for name in ("logger", "pool_class", "logging_name", "driver"):
            del totals[name]
        return {
            "schema_version": SCHEMA_VERSION,
            "sources": [asdict(source) for source in self.sources],
            "pools": [asdict(pool) for pool in self.pools],
            "pool_classes": [asdict(pool) for pool in self.pool_classes],
            "totals": {**totals, "timeouts": self.timeouts},
            "timings": asdict(self.timings) if self.timings else None,
            "timeline": [asdict(timeline) for timeline in self.timeline],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def verdict(self) -> dict[str, Any]:
        """The JSON of ``verify``, as plain values."""
        totals = self.totals
        return {
            "schema_version": SCHEMA_VERSION,
            "verdict": "violated" if self.violations else "complete",
            "checkouts": totals.checkouts,
            "complete": totals.sequence.complete,
            "censored": totals.censored.checkouts + totals.censored.returns + totals.ends.open,
            "violations": [asdict(violation) for violation in self.violations],
        }
