"""Connections still in use where the log ends: leaked, or only on their way when the log was cut.

How long such a checkout had lasted is known only as far as the log shows that its process went on: a log may hold a
process that ended and the one started after it, under one name or none. :mod:`logpool.judge.checks.eras` tells them
apart; a checkout's age ends with its era, and in the last one where its process was last heard of. A pool that ran dry
tells nothing more: then its callers' timeouts do, or, where the log has one process, its other lines.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.judge.checks.eras import Era, era_of, is_certain
from logpool.judge.names import EVIDENCE
from logpool.read.vocabulary import LIMITLESS
from logpool.report.model import Finding
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

_SECOND = 1e6
_HOUR = 3600
_MANY = 1000
# so many of one kind are no accident: they need not be older than the pool's patience
_SEVERAL = 3
# of what never comes back there are so many times as many as of what lasted as long, and did, and one more
_MORE = 5
# what the 99th percentile of fewer hold times says is little
_HOLDS = 20
# of a pool with one connection nobody knows whether a leak took it, or the work that it is for
_LEAST_DRY = 2
# so long after the last leak, as a multiple of the time from one to the next, nobody knows whether more will come
_OVER = 4
# what takes its connection so soon after its process has some may keep it, as a listener: in microseconds, and as a
# share of the time that it has it
_BEGIN, _EARLY = 10_000_000, 0.01
# SQLAlchemy's pool_size and max_overflow, together
_DEFAULT_LIMIT = 15


class _Open(NamedTuple):
    """A checkout that the log shows no end of.

    Attributes:
        seq: the number of its check-out; ``time``, ``line`` and ``source`` are of it as well.
        age: how long its process went on, in microseconds; None where the log shows no times. ``records`` the same
            in events.
        seen: the time at which its process was last heard of.
        last: whether its process is the last that the log shows.
        dry: the time at which callers first waited in vain, as all connections of its pool were out; None if none did.
        early: whether it began as soon as its process had connections at all, as what is kept on purpose does.
    """

    seq: int
    time: int | None
    line: int
    source: int
    group: int
    age: int | None
    records: int
    seen: int | None
    last: bool
    dry: int | None
    early: bool


@stateful
class Leaks:
    """``connection_leak`` and ``left_out_at_end``."""

    # by group, the longest checkout that ended, in events
    _records: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        for group, records in tracked.checkouts.records().items():
            self._records[group] = max(self._records[group], records)

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        still_out = self._aged(facts)
        for pool in facts.pools:
            still = still_out.get(pool.logger or "", [])
            # the others give one connection to whoever asks again
            leaked = [] if pool.pool_class in LIMITLESS - {"NullPool"} else _leaked(facts, pool, still)
            if leaked:
                yield _leak(facts, pool, leaked)
            # the books may know of fewer: a shared connection has several users
            count = pool.checked_out_at_end - len(leaked)
            if count > 0:
                gone = set(leaked)
                others = [one for one in still if one not in gone]
                yield self._left_out(facts, pool, count, others, beside_leaks=bool(leaked))

    def _aged(self, facts: Facts) -> dict[str, list[_Open]]:
        """What is still open by pool, the oldest first, each with its age."""
        found: defaultdict[str, list[_Open]] = defaultdict(list)
        usual = {pool.logger: pool.hold_seconds.max or 0.0 for pool in facts.pools}
        waited: dict[int, int] = {}
        for shape, (first, _) in facts.waited.items():
            for group in facts.names.vocabulary.waited_for(shape):
                waited[group] = min(first, waited.get(group, first))
        for one in facts.eras.groups.values():
            if not one.out.height:
                continue
            number = one.group
            logger = facts.names.pool(number)
            source, process, _ = facts.names.vocabulary.groups[number]
            eras = one.eras(usual.get(logger, 0.0) * _SECOND, is_one=is_certain(process))
            heard = facts.heard.get((source, process))
            dry = waited.get(number) if one.out.height >= max(_LEAST_DRY, facts.peaks.get(number, 0)) else None
            columns = ("out_seq", "out_time", "out_line", "out_source")
            for seq, time, line, source in one.out.select_seq(columns).iter_rows():
                era = era_of(eras, seq) or Era(seq, seq, time)
                last = not eras or era.end >= eras[-1].end
                # a clock may step back: what was heard last counts, not what is greatest
                seen = heard if last and heard is not None else era.time
                age = None if time is None or seen is None else max(0, seen - time)
                early = age is not None and era.begun is not None and time - era.begun <= min(_BEGIN, _EARLY * age)
                records = era.end - seq
                found[logger].append(_Open(seq, time, line, source, number, age, records, seen, last, dry, early))
        return found

    def _left_out(self, facts: Facts, pool: Pool, count: int, still: list[_Open], *, beside_leaks: bool) -> Finding:
        """Some that are no proven leaks: normal, unless they are older than whatever came back."""
        longest = max(facts.thresholds.held_too_long, pool.hold_seconds.max or 0.0) * _SECOND
        factor = facts.thresholds.leak_factor
        odd = any(
            one.records > factor * self._records[one.group] > 0 if one.age is None else one.age > longest
            for one in still
        )
        if odd and beside_leaks:
            explained = "some may be leaked, too (connection_leak), but are too young to tell"
        elif still and all(_before_dry(one) for one in still):
            explained = "nobody else got one any more (pool_exhausted): see where they were checked out"
        elif odd:
            explained = "some for longer than any checkout that was returned: see where they were checked out"
        elif all(one.last for one in still):
            explained = "in use at that moment, which is normal"
        else:
            explained = "in use at that moment, or when their process ended, which is normal"
        ages = [one.age for one in still if one.age is not None]
        oldest = f", the oldest for {duration(max(ages) / _SECOND)}" if any(ages) else ""
        still_out = many(count, "connection is", "connections are")
        message = f"{still_out} still checked out where the log ends{oldest}: {explained}"
        places = facts.names.evidence((one.source, one.line) for one in still)
        severity: Severity = "warning" if odd and not beside_leaks else "info"
        return Finding("left_out_at_end", severity, pool.logger, count, message, places)


def _leaked(facts: Facts, pool: Pool, still: list[_Open]) -> list[_Open]:
    """Those older than the hold times explain."""
    holds, thresholds, usual = pool.hold_seconds, facts.thresholds, _usual(facts, pool)
    aged = [(one, one.age / _SECOND) for one in still if one.age is not None]
    leaked = [one for one, age in aged if age > max(usual, thresholds.leak_seconds)]
    if holds.count >= _HOLDS:
        # a few that lasted long, and came back, do not explain many that do not
        least = max(thresholds.leak_factor * (holds.p99 or 0.0), thresholds.leak_seconds)
        old = [one for one, age in aged if age > least]
        youngest = min((one.age or 0 for one in old), default=0) / _SECOND
        if len(old) > len(leaked) and len(old) >= _MORE * (1 + facts.holds.beyond(facts.groups(pool), youngest)[0]):
            leaked = old
    taken = {one: age for one, age in aged if _before_dry(one) and age > usual}
    longest = max(taken.values(), default=0.0)
    if (
        len(taken) > len(leaked)
        and holds.count >= _HOLDS
        and longest > thresholds.held_too_long
        and _one_by_one(list(taken))
    ):
        found = {*taken, *leaked}
        return [one for one in still if one in found]
    if holds.count >= _HOLDS:
        # begun one after the other, not all at once, as when the database stalls
        odd = [one for one, age in aged if age > _least_age(facts, pool)]
        if len(odd) >= max(_SEVERAL, len(leaked) + 1) and _spread(odd) > 1 / 2:
            leaked = odd
    return leaked


def _usual(facts: Facts, pool: Pool) -> float:
    """Seconds: older than any checkout that came back, and than most of them by far."""
    holds = pool.hold_seconds
    return max(holds.max or 0.0, facts.thresholds.leak_factor * (holds.p99 or 0.0))


def _least_age(facts: Facts, pool: Pool) -> float:
    """Seconds: of several leaks, one that is younger is not known to be one."""
    return max(_usual(facts, pool), min(facts.thresholds.held_too_long, facts.thresholds.leak_seconds))


def _before_dry(one: _Open) -> bool:
    return one.dry is not None and one.time is not None and one.time <= one.dry


def _one_by_one(taken: list[_Open]) -> bool:
    """Whether it took long to take them all, beside the time from then on until a caller had waited in vain.

    Where the database stalls, all that a pool has is taken within moments.
    """
    begins = [one.time for one in taken if one.time is not None]
    dry = min(one.dry for one in taken if one.dry is not None)
    return 2 * (max(begins) - min(begins)) > dry - min(begins)


def _spread(leaked: list[_Open]) -> float:
    """Over how much of their time they began."""
    begins = [one.time for one in leaked if one.time is not None]
    oldest = max(one.age or 0 for one in leaked)
    return (max(begins) - min(begins)) / oldest if oldest else 0.0


def _leak(facts: Facts, pool: Pool, leaked: list[_Open]) -> Finding:
    count = len(leaked)
    oldest = max(one.age or 0 for one in leaked) / _SECOND
    usual = (
        ""
        if pool.hold_seconds.p99 is None
        else f", while 99% of all checkouts last at most {duration(pool.hold_seconds.p99)}"
    )
    processes = {facts.names.vocabulary.groups[one.group][:2] for one in leaked}
    where = f" in process {facts.names.process(leaked[0].group)}" if pool.processes > len(processes) == 1 else ""
    may_be_kept = count == 1 or all(one.early and one.dry is None for one in leaked)
    if count > 1:
        pace = "; all as soon as their processes had any" if may_be_kept else _pace(facts, pool, leaked)
        unless = ", unless they are kept on purpose, as by listeners and consumers" if may_be_kept else ""
        message = (
            f"{count:,} connections were checked out{where} and never returned, the oldest {duration(oldest)} before "
            f"the log last shows its process{usual}{pace}: close every session and connection, or use them in a with "
            f"block{unless}"
        )
    else:
        longest = "" if pool.hold_seconds.max is None else f" and none more than {duration(pool.hold_seconds.max)}"
        message = (
            f"1 connection{where} had been out for {duration(oldest)}, and was not back, when the log last shows its "
            f"process{usual}{longest}: close it, or use it in a with block, unless it is kept, or still at work, on "
            "purpose"
        )
    begun = [one for one in leaked if one.time is not None]
    seen = max((one.seen for one in leaked if one.seen is not None), default=None)
    return Finding(
        "connection_leak",
        "warning" if may_be_kept else "error",
        pool.logger,
        count,
        message,
        facts.names.evidence((one.source, one.line) for one in leaked[:EVIDENCE]),
        facts.names.time(min(one.time for one in begun if one.time is not None), begun[0].group),
        facts.names.time(seen, leaked[0].group),
    )


def _pace(facts: Facts, pool: Pool, leaked: list[_Open]) -> str:
    """How fast connections leak, and when the pool is dry: from the first leak to the last, not from then on."""
    begins = sorted(one.time for one in leaked if one.time is not None)
    seen = max(one.seen for one in leaked if one.seen is not None)
    dry = [one.dry for one in leaked if one.dry is not None]
    lasted = (begins[-1] - begins[0]) / _SECOND
    if not lasted:
        return "; all at one time"
    between = lasted / (len(begins) - 1)
    rate = f"; that is {_rate(_HOUR / between)} an hour"
    if dry:
        return f"{rate}, and the pool ran dry {duration((min(dry) - begins[0]) / _SECOND)} after the first one"
    since = (seen - begins[-1]) / _SECOND
    # whether what was checked out later is leaked as well, nobody knows
    known = since - _least_age(facts, pool)
    if known > _OVER * between:
        return f"{rate} from the first to the last, and none in the {duration(known)} from then on"
    size, whose = _limit(pool)
    left = size - len(leaked) if pool.processes == 1 else size
    if pool.pool_class in LIMITLESS or left <= 0 or size < max(facts.peaks.get(one, 0) for one in facts.groups(pool)):
        # it has no limit, or is larger than it is taken to be
        return rate
    if pool.processes > 1:
        return f"{rate}, so a pool of {size}{whose} is dry {duration(size * between)} after its first leak"
    return f"{rate}, so the pool, of {size}{whose}, is dry within another {duration(max(0, left * between - since))}"


def _rate(number: float) -> str:
    return f"{number:.3g}" if number < _MANY else f"{number:,.0f}"


def _limit(pool: Pool) -> tuple[int, str]:
    """How many connections a pool gives out, as far as the log tells; else SQLAlchemy's default, and that it is one."""
    size, more = (pool.settings.pool_size.value, pool.settings.max_overflow.value) if pool.settings else (None, None)
    if isinstance(size, int | float) and isinstance(more, int | float) and size > 0 and more >= 0:
        return int(size + more), ""
    return _DEFAULT_LIMIT, " (SQLAlchemy's default)"
