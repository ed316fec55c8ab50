"""Connections that end without a record: their engine was thrown away, or their process ended.

The log shows it where another connection is created at the same address in the same process; or where others are
created while some are idle, which from then on nobody uses. And the same engines, where they are disposed of: each
makes connections anew.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.frames import where
from logpool.judge.cells import SECOND, place_of
from logpool.judge.checks.eras import era_of, is_certain
from logpool.judge.names import EVIDENCE
from logpool.judge.processes import process_of
from logpool.report.model import Finding
from logpool.track.tracked import group_of
from logpool.words import duration, many, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

# of an engine that serves one request or one task, a connection has fewer checkouts than these on average
_USES = 3
# seconds: what happens for a shorter time has no rate yet
_LEAST_SPAN = 60
_HALF = 0.5
_SOONER = 10


@stateful
class _Lives:
    """Those of one group: how many, their checkouts, and the first few: number, source and line of the creation."""

    count: int = 0
    uses: int = 0
    places: list[tuple[int, int, int]] = field(default_factory=list)


@stateful
class Abandoned:
    """``abandoned_connections`` and ``engine_per_request``."""

    _lives: defaultdict[int, _Lives] = field(default_factory=lambda: defaultdict(_Lives))

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        if tracked.steps is None:
            # what is open where the log ends is not abandoned
            return
        rows = where(tracked.lives.rows, tracked.lives.rows["end_seq"].is_null())
        if not rows.height:
            return
        columns = ("group", "uses", "life_seq", "life_source", "life_line")
        for group, uses, *place in rows.select_seq(group_of().alias("group"), *columns[1:]).iter_rows():
            lives = self._lives[group]
            lives.count += 1
            lives.uses += uses
            # in the order of their ends
            lives.places.append(tuple(place))
            lives.places.sort()
            del lives.places[EVIDENCE:]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """At most one for each pool."""
        for pool in facts.pools:
            groups = facts.groups(pool)
            found = [self._lives[group] for group in groups if group in self._lives]
            count, uses = sum(one.count for one in found), sum(one.uses for one in found)
            places = [place[1:] for place in sorted(place for one in found for place in one.places)]
            # a pool of threads closes what others use: what they do then begins no life
            if pool.logger in {name for _, name in facts.mixed} or pool.pool_class == "SingletonThreadPool":
                continue
            silent = _silent(facts, pool, groups)
            if count >= max(1, facts.thresholds.churn_connections) and uses < _USES * count:
                message = (
                    f"{many(count, 'connection was', 'connections were')} used {_often(uses, count)} each and never "
                    "closed, and then another one created at the same address: they were thrown away with their "
                    f"engine. {_ONCE}"
                )
                yield Finding(
                    "engine_per_request", "warning", pool.logger, count, message, facts.names.evidence(places)
                )
            elif count or silent.places:
                seen = sorted({*silent.places, *(place for one in found for place in one.places)})
                named = all(process_of(facts.names.vocabulary.groups[group][1]) is not None for group in groups)
                message = f"{_left(count, silent)}: most likely {_why(silent, named=named)}. They are counted as open"
                evidence = facts.names.evidence(place[1:] for place in seen)
                count += len(silent.places)
                yield Finding("abandoned_connections", "info", pool.logger, count, message, evidence)
            else:
                yield from _disposed(facts, pool, groups)


_ONCE = "An engine for each request, task or function call makes a pool useless: create it once for each process"


class _Silent(NamedTuple):
    """Connections that were idle when others were created, and that nobody used from then on.

    Attributes:
        places: number, source and line of the creation of each.
        times: how often that happened.
    """

    places: list[tuple[int, int, int]]
    times: int


def _silent(facts: Facts, pool: Pool, groups: list[int]) -> _Silent:
    """Those of a QueuePool: it makes no connection while another one waits in its queue."""
    places: list[tuple[int, int, int]] = []
    times = 0
    if not (pool.pool_class or "").endswith("QueuePool"):
        return _Silent(places, times)
    longest = (pool.hold_seconds.max or 0.0) * SECOND
    for group in groups:
        one = facts.eras.groups.get(group)
        if one is None or is_certain(facts.names.vocabulary.groups[group][1]):
            continue
        eras = one.eras(longest)
        begin = eras[-1].start if eras else 0
        left = one.idle.filter((pl.col("start") < begin) & ~pl.col("is_replaced"))
        found = left.select_seq("start", "source", "line").rows()
        places += found
        times += len({era_of(eras, seq) for seq, _, _ in found})
    return _Silent(places, times)


def _left(replaced: int, silent: _Silent) -> str:
    """What is known of connections that were never closed."""
    count = len(silent.places)
    told = f"{many(replaced + count, 'connection was', 'connections were')} never closed"
    if not count:
        return f"{told}, and then another one created at the same address"
    if not replaced:
        return f"{told}, and never used again, although idle when others were created"
    return (
        f"{told}: another one was created at the address of {replaced:,}; {count:,} were never used again, although "
        "idle when others were created"
    )


def _why(silent: _Silent, *, named: bool) -> str:
    """What that most likely means; ``named``: the log shows the process."""
    if named:
        again = ", or its process was started again under the same name" if silent.places else ""
        return f"their engine was thrown away without engine.dispose(){again}"
    if silent.times > 1:
        times = f"{silent.times:,} times"
        return f"the process ended {times}, and others went on in its log, which names none (log %(process)d)"
    return "the process ended, and another one went on in its log, which names neither (log %(process)d)"


def _often(uses: int, count: int) -> str:
    told = f"{uses / count:.2g}"
    return "once" if uses == count else "about once" if told == "1" else f"{told} times"


def _disposed(facts: Facts, pool: Pool, groups: list[int]) -> Iterator[Finding]:
    """The finding on engines that are disposed of before they have served much."""
    disposed, thresholds = pool.closes.disposed, facts.thresholds
    few = pool.checkouts < _USES * pool.created and disposed >= _HALF * pool.created
    if not few or pool.created < max(1, thresholds.nullpool_connects):
        return
    cells = facts.made.of(groups)
    if not cells.height:
        return
    first, last = int(cells["first"].min()), int(cells["last"].max())  # type: ignore[arg-type]
    span = (last - first) / SECOND
    rate = pool.created / max(span, _LEAST_SPAN)
    # a NullPool makes them on purpose, an engine that is thrown away does not
    if rate < thresholds.nullpool_rate / _SOONER:
        return
    severity: Severity = "warning" if rate >= thresholds.nullpool_busy else "info"
    message = (
        f"{many(pool.created, 'connection')} were made within {duration(span)} for {many(pool.checkouts, 'checkout')}, "
        f"and {share(disposed / pool.created)} of them were closed because their engine was disposed of. {_ONCE}"
    )
    yield Finding(
        "engine_per_request",
        severity,
        pool.logger,
        disposed,
        message,
        facts.names.evidence(place_of(place) for place in cells["place"].head(EVIDENCE)),
        facts.names.time(first, groups[0]),
        facts.names.time(last, groups[0]),
    )
