"""The books of every pool, closed at the end of the log, and whether they balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.judge.statistics import RESETS
from logpool.read.vocabulary import split_pool_name
from logpool.report.model import Censored, Closes, Ends, Pings, Pool, Resets, Sequence
from logpool.schema import Cause, Detail, End, Kind
from logpool.track.tracked import groups_of
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl

    from logpool.judge.concurrency import Level
    from logpool.judge.statistics import Statistics
    from logpool.track.sequence import Verdict

# a log without any of these holds INFO and above only
_DEBUG_KINDS = (
    Kind.CREATED,
    Kind.CONNECT_FAILED,
    Kind.CHECKED_OUT,
    Kind.RETURNED,
    Kind.RESET,
    Kind.CLOSING,
    Kind.PINGED,
)


@stateful
class Books:
    """Figures for any set of groups.

    Attributes:
        statistics: what was counted.
        verdict: on the reset sequence.
        keys: every connection seen.
    """

    statistics: Statistics
    verdict: Verdict
    keys: pl.Series
    # by group
    _kinds: defaultdict[int, Counter[tuple[Kind, Detail]]] = field(init=False)
    _outcomes: dict[int, Counter[tuple[End, bool, bool]]] = field(init=False)
    _addresses: Counter[int] = field(init=False)
    _violations: Counter[int] = field(init=False)
    _drivers: dict[int, str] = field(init=False)
    # the pools that return connections, and reset none
    _unreset: set[str] = field(init=False)

    def __post_init__(self) -> None:
        statistics = self.statistics
        self._kinds = defaultdict(Counter)
        for (group, kind, detail), count in statistics.kinds().items():
            self._kinds[group][kind, detail] += count
        self._outcomes = defaultdict(Counter)
        for group, outcome, fresh, complete, count in statistics.outcomes().iter_rows():
            self._outcomes[group][End(outcome), fresh, complete] += count
        groups = groups_of(self.keys).value_counts()
        self._addresses = Counter(dict(groups.iter_rows()))
        self._violations = Counter(self.verdict.violations["group"].to_list())
        self._drivers = statistics.drivers()
        told = ((self._pool_of(group), kind) for group, kinds in self._kinds.items() for kind, _ in kinds)
        returned = {pool for pool, kind in told if kind is Kind.RETURNED}
        self._unreset = returned - statistics.reset_pools()

    def names(self) -> list[str]:
        """The pool loggers, in order of first appearance."""
        return list(dict.fromkeys(self._pool_of(group) for group in self.statistics.first))

    def pools(self) -> list[Pool]:
        """One per pool logger, in order of first appearance."""
        statistics = self.statistics
        return [
            self._pool(groups, statistics.by_pool.of(statistics.pool_parts[name]), name)
            for name, groups in self._members(self._pool_of).items()
        ]

    def pool_classes(self) -> list[Pool]:
        """One per pool class, in order of first appearance."""
        statistics = self.statistics
        members = self._members(lambda group: split_pool_name(self._pool_of(group))[0])
        return [
            self._pool(groups, statistics.by_class.of(statistics.class_parts[name]), None, name)
            for name, groups in members.items()
        ]

    def totals(self) -> Pool:
        """All pools together."""
        return self._pool(list(self.statistics.first), self.statistics.together.of(0), None)

    def firsts(self) -> dict[str, tuple[int, int]]:
        """Where each pool's first record stands: source and line."""
        found: dict[str, tuple[int, int]] = {}
        for group, place in self.statistics.first.items():
            found.setdefault(self._pool_of(group), place)
        return found

    def first_returns(self) -> dict[str, tuple[int, int]]:
        """Where each pool's first return stands: source and line."""
        found: dict[str, tuple[int, int]] = {}
        for group, place in self.statistics.first_returns.items():
            found.setdefault(self._pool_of(group), place)
        return found

    def reclaimed(self) -> dict[str, list[tuple[int, int]]]:
        """Where the garbage collector's first few messages stand, per pool."""
        found: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for group, places in self.statistics.reclaimed.items():
            found[self._pool_of(group)] += places
        return dict(found)

    def driver(self, group: int) -> str | None:
        """The driver of a group's connections."""
        return self._drivers.get(group)

    def lost(self, group: int) -> int:
        """How many of a group's checkouts have no end in the log, though their connection was used again."""
        return sum(count for (end, *_), count in self._outcomes[group].items() if end is End.LOST)

    def count(self, group: int, kind: Kind) -> int:
        """How many records of a kind a group has."""
        return sum(count for (told, _), count in self._kinds[group].items() if told is kind)

    def _pool_of(self, group: int) -> str:
        return self.statistics.vocabulary.groups[group][2]

    def _members(self, name_of: Callable[[int], str]) -> dict[str, list[int]]:
        members: defaultdict[str, list[int]] = defaultdict(list)
        for group in self.statistics.first:
            members[name_of(group)].append(group)
        return members

    def _pool(self, groups: list[int], level: Level, logger: str | None, pool_class: str | None = None) -> Pool:
        statistics = self.statistics
        tally = _Tally(groups, self._kinds, self._outcomes)
        ends = tally.ends(self.verdict)
        logging_name = None
        if logger is not None:
            pool_class, logging_name = split_pool_name(logger)
        fresh, reused, failed = tally.freshness()
        censored = Censored(
            _sum(statistics.left_lives, groups),
            _sum(statistics.left_checkouts, groups),
            _sum(statistics.cut_returns, groups),
        )
        closed = tally.of(Kind.CLOSING)
        # what the garbage collector brings back is not reset
        unset = 0 if any(tally.resets()) else tally.of(Kind.RETURNED) - ends.reclaimed
        pool = Pool(
            logger=logger,
            pool_class=pool_class,
            logging_name=logging_name,
            processes=len({statistics.vocabulary.groups[group][:2] for group in groups}),
            created=tally.of(Kind.CREATED),
            closed=closed,
            hard_closed=tally.of(Kind.CLOSING, Detail.HARD),
            connect_errors=tally.of(Kind.CONNECT_FAILED),
            checkouts=tally.of(Kind.CHECKED_OUT),
            fresh_checkouts=fresh,
            reused_checkouts=reused,
            failed_checkouts=failed,
            reuse_ratio=reused / (fresh + reused) if fresh + reused else None,
            returned=tally.of(Kind.RETURNED),
            resets=Resets(
                *tally.resets(),
                none=max(0, unset),
                failed=tally.of(Kind.RESET_FAILED),
            ),
            pings=Pings(tally.of(Kind.PINGED), tally.of(Kind.PING_FAILED), tally.of(Kind.PING_SKIPPED)),
            invalidated=tally.of(Kind.INVALIDATED),
            soft_invalidated=tally.of(Kind.SOFT_INVALIDATED),
            recycled=tally.of(Kind.RECYCLED),
            reclaimed=tally.of(Kind.RECLAIMED),
            dropped=tally.of(Kind.RECLAIMED, Detail.DROPPED),
            distinct_addresses=_sum(self._addresses, groups),
            open_at_end=level.open,
            # in a log that contradicts itself, more may come back than were taken
            checked_out_at_end=max(0, level.out),
            peak_open=level.peak_open,
            peak_checked_out=level.peak_out,
            hold_seconds=statistics.holds.of(groups),
            life_seconds=statistics.ages.of(groups),
            sequence=Sequence(tally.complete(self.verdict), _sum(self._violations, groups)),
            ends=ends,
            closes=self._closes(groups, closed),
            censored=censored,
            unidentified_checkouts=_sum(statistics.unidentified, groups),
            driver=next((self._drivers[group] for group in groups if group in self._drivers), None),
            info_only=bool(groups) and not any(tally.of(kind) for kind in _DEBUG_KINDS),
        )
        followed = pool.checkouts - pool.unidentified_checkouts
        parts = {statistics.pool_parts[self._pool_of(group)] for group in groups}
        little = statistics.areas.of(parts, followed, pool.hold_seconds)
        return replace(pool, little=little, balanced=not imbalances(pool))

    def _closes(self, groups: list[int], closed: int) -> Closes:
        """What closed connections; unknown is also what closed those that nothing tells apart."""
        causes: Counter[Cause] = Counter()
        for group in groups:
            for cause in Cause:
                causes[cause] += self.statistics.closes[group, cause]
            if self._pool_of(group) in self._unreset:
                causes[Cause.DETACHED] += self.statistics.closes[group, Cause.TAKEN]
        told = {cause.word: causes[cause] for cause in Cause if cause not in {Cause.UNKNOWN, Cause.TAKEN}}
        return Closes(**told, unknown=closed - sum(told.values()))


@stateful
class _Tally:
    """Sums over some groups."""

    groups: list[int]
    kinds: Mapping[int, Counter[tuple[Kind, Detail]]]
    outcomes: dict[int, Counter[tuple[End, bool, bool]]]
    # of all groups, and of any detail: None
    _all: Counter[tuple[Kind, Detail | None]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for group in self.groups:
            for (kind, detail), count in self.kinds.get(group, Counter()).items():
                self._all[kind, detail] += count
                self._all[kind, None] += count

    def of(self, kind: Kind, detail: Detail | None = None) -> int:
        """How many records of a kind, of one detail or of any."""
        return self._all[kind, detail]

    def resets(self) -> tuple[int, int, int]:
        """Those already reset, rolled back, committed; early 1.4 says the first in the return."""
        already, rollback, commit = (self.of(Kind.RESET, detail) for detail in RESETS)
        return already + self.of(Kind.RETURNED, Detail.ALREADY_RESET), rollback, commit

    def _counted(self) -> Iterable[tuple[End, bool, bool, int]]:
        for group in self.groups:
            for (end, fresh, complete), count in self.outcomes.get(group, Counter()).items():
                yield end, fresh, complete, count

    def ends(self, verdict: Verdict) -> Ends:
        """How the checkouts ended. What the garbage collector returned looked returned until its message came."""
        ends: Counter[End] = Counter()
        for end, _, _, count in self._counted():
            ends[end] += count
        late = sum(verdict.reclaimed_of(group) for group in self.groups)
        return Ends(
            ends[End.RETURNED] - late,
            ends[End.INVALIDATED],
            ends[End.FAILED],
            ends[End.DETACHED],
            ends[End.RECLAIMED] + late,
            ends[End.LOST],
            ends[End.OPEN],
        )

    def freshness(self) -> tuple[int, int, int]:
        """Fresh, reused and failed checkouts."""
        fresh = reused = failed = 0
        for end, is_fresh, _, count in self._counted():
            if end is End.FAILED:
                failed += count
            elif is_fresh:
                fresh += count
            else:
                reused += count
        return fresh, reused, failed

    def complete(self, verdict: Verdict) -> int:
        """Checkouts that read checked_out, returned, reset, less those whose reset failed after its line."""
        whole = sum(count for _, _, complete, count in self._counted() if complete)
        return whole - sum(verdict.incomplete_of(group) for group in self.groups)


def imbalances(pool: Pool) -> list[str]:
    """Where a pool's books do not balance, in words; empty where they do.

    Checkouts are fresh, reused or failed, and each is returned, invalidated, failed, detached, reclaimed or open.
    What was created, or was there before the log, was closed, dropped, or is open.
    """
    found = []
    known = pool.checkouts - pool.unidentified_checkouts
    served = pool.fresh_checkouts + pool.reused_checkouts + pool.failed_checkouts
    if served != known:
        found.append(f"{many(known, 'checkout')}, {served:,} of them fresh, reused or failed")
    ends = pool.ends
    if ends.lost:
        found.append(f"{many(ends.lost, 'checkout')} without an end in the log, whose connection was used again")
    ended = ends.returned + ends.invalidated + ends.failed + ends.detached + ends.reclaimed + ends.open
    if ended + ends.lost != known:
        found.append(f"{many(known, 'checkout')}, {ended + ends.lost:,} of them ended or open")
    if pool.unidentified_checkouts == 0:
        stray = pool.returned - ends.returned - ends.reclaimed - pool.censored.checkouts
        if stray > 0:
            found.append(f"{many(stray, 'return')} without a checkout")
        begun, over = pool.created + pool.censored.lives, pool.closed + pool.dropped
        if begun - over != pool.open_at_end:
            found.append(f"{many(begun, 'connection')}, {over:,} closed or dropped, {pool.open_at_end:,} open")
    return found


def _sum(counts: Counter[int], groups: list[int]) -> int:
    return sum(counts[group] for group in groups)
