"""Connections thrown away in use for no fault of the server's: the work was given up, or the program is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.judge.checks.reasons import CANCELLED, LEFT, OF_LOOPS, UNAWAITED, is_of_asyncio, is_the_servers
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.tracked import INCIDENT
from logpool.words import many, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

_MINUTE = 60_000_000


@stateful
class Thrown:
    """``cancelled_in_use``, ``event_loop_mismatch``, ``missing_greenlet`` and ``invalidated_in_use``."""

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
        told: dict[tuple[str, _Say], list[int]] = {}
        sync = {pool.logger for pool in facts.pools if _is_sync(pool)}
        for shape in sorted({shape for shape, _ in self._minutes}):
            known = facts.names.vocabulary.shapes[shape]
            if known is not None and known.pool is not None:
                say = _what(known.message.reason, is_sync=known.pool in sync)
                if say is not None:
                    told.setdefault((known.pool, say), []).append(shape)
        for pool in facts.pools:
            for say in (_cancelled, _across_loops, _unawaited, _invalidated):
                shapes = told.get((pool.logger or "", say))
                if shapes:
                    yield from self._finding(facts, pool, shapes, say)

    def _finding(self, facts: Facts, pool: Pool, shapes: list[int], say: _Say) -> Iterator[Finding]:
        minutes: Counter[int | None] = Counter()
        reasons: Counter[str | None] = Counter()
        for (shape, minute), count in self._minutes.items():
            message = facts.names.message(shape)
            if shape in shapes and message is not None:
                minutes[minute] += count
                reasons[message.reason] += count
        told = say(facts, pool, reasons)
        if told is None:
            return
        code, severity, why = told
        count = minutes.total()
        worst = max((number for minute, number in minutes.items() if minute is not None), default=0)
        rate = f", at most {worst:,} in one minute" if len(minutes) > 1 else ""
        rows = self._first.filter(pl.col("shape").is_in(shapes)).sort("seq")
        places = rows.select_seq("source", "line").iter_rows()
        spans = [self._spans[shape] for shape in shapes if shape in self._spans]
        group = rows["group"][0]
        yield Finding(
            code,
            severity,
            pool.logger,
            count,
            f"{many(count, 'connection was', 'connections were')} thrown away {why.format(rate=rate)}",
            facts.names.evidence((source, line) for source, line in places),
            facts.names.time(min((first for first, _ in spans), default=None), group),
            facts.names.time(max((last for _, last in spans), default=None), group),
        )


def _what(reason: str | None, *, is_sync: bool) -> _Say | None:
    """How connections are told that were thrown away for some exception; None where the server may be to blame."""
    if reason is not None and is_the_servers(reason):
        return None
    if reason in CANCELLED | LEFT:
        return _cancelled
    if reason in UNAWAITED:
        return _unawaited
    return _across_loops if reason in OF_LOOPS and not is_sync else _invalidated


def _cancelled(_facts: Facts, _pool: Pool, reasons: Counter[str | None]) -> _Told:
    others = sorted(reason for reason in reasons if reason is not None and reason not in CANCELLED)
    how = " or ".join([*(["cancelled"] if reasons.keys() & CANCELLED else []), *(["given up"] if others else [])])
    named = f" ({', '.join(others)})" if others else ""
    return (
        "cancelled_in_use",
        "warning",
        (
            f"because the task using it was {how}{named}{{rate}}: each has to be made anew; look for time limits and "
            "clients that hang up, and shield what must not be cancelled"
        ),
    )


def _across_loops(_facts: Facts, pool: Pool, reasons: Counter[str | None]) -> _Told:
    named = " or ".join(sorted(reason for reason in reasons if reason is not None))
    return (
        "event_loop_mismatch",
        "error" if is_of_asyncio(pool) else "warning",
        (
            f"for a {named}{{rate}}, which no server is to blame for: asyncio raises it where a connection is used in "
            "another event loop than it was made in, as with asyncio.run() for each task and one engine for all: await "
            "engine.dispose() before a loop ends, make the engine in the loop that uses it, or set poolclass=NullPool"
        ),
    )


def _unawaited(_facts: Facts, _pool: Pool, _reasons: Counter[str | None]) -> _Told:
    return (
        "missing_greenlet",
        "error",
        (
            "for a MissingGreenlet{rate}, which SQLAlchemy raises where a connection of asyncio is used and nothing "
            "awaits it: mostly it was never closed, and the garbage collector gave it back; close every session and "
            "connection, or use them in an async with block. Else an attribute is loaded lazily, or a thread goes on "
            "with it"
        ),
    )


def _invalidated(facts: Facts, pool: Pool, reasons: Counter[str | None]) -> _Told | None:
    count = reasons.total()
    thresholds = facts.thresholds
    if count < max(1, thresholds.thrown_connections) or count < thresholds.thrown_share * pool.checkouts:
        return None
    by: defaultdict[str, int] = defaultdict(int)
    for reason, number in reasons.items():
        by["invalidate() was called without an exception" if reason is None else f"of {reason}"] += number
    told = sorted(by.items(), key=lambda one: (-one[1], one[0]))
    why = ", ".join(f"{number:,} because {what}" if len(told) > 1 else f"because {what}" for what, number in told)
    part = f", {share(count / pool.checkouts)} of all checkouts" if pool.checkouts else ""
    return (
        "invalidated_in_use",
        "warning",
        (
            f"in use{part}{{rate}}, {why}: nothing shows that they were broken, and each has to be made anew; look "
            "whether a listener of the pool's events raises it, else whether a rollback would do"
        ),
    )


def _is_sync(pool: Pool) -> bool:
    """Whether it is certainly none of asyncio's: one that has an adapted driver's queue says so."""
    return pool.pool_class == "QueuePool" and not is_of_asyncio(pool)


_Told = tuple[str, "Severity", str]
if TYPE_CHECKING:
    _Say = Callable[[Facts, Pool, Counter[str | None]], _Told | None]
