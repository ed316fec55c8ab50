"""Pools that run out of connections: callers that timed out, and a plateau at the limit at which callers wait."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.judge.checks.advice import (
    Hold,
    advice,
    hidden_holders,
    leaked_holders,
    oldest_holder,
    several_pools,
)
from logpool.judge.checks.holds import KEPT, Longest
from logpool.judge.checks.limits import has_waiting, is_saturated, standing
from logpool.judge.checks.plateau import Plateaus
from logpool.judge.names import EVIDENCE
from logpool.native.peaks import Stay
from logpool.read.vocabulary import LIMITLESS
from logpool.report.model import Finding
from logpool.schema import End, Kind
from logpool.track.tracked import group_of
from logpool.words import times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

# timeouts at which the holders are noted: the first of each of so many pools and processes
_MOMENTS = 16
# a timeout and the oldest check-out behind it matter more than the fifth of either
_TIMEOUTS_SHOWN = 3


@stateful
class _Told:
    """The timeouts of one shape.

    Attributes:
        places: the first few: source and line.
        first: the time of the first; ``last`` of the last, where known.
        seq: the number of the first.
    """

    seq: int
    first: int | None
    last: int | None = None
    count: int = 0
    places: list[tuple[int, int, int]] = field(default_factory=list)


@stateful
class Exhaustion:
    """``pool_exhausted``: callers got no connection, or had to wait for one."""

    _plateaus: Plateaus = field(default_factory=Plateaus)
    _longest: Longest = field(default_factory=Longest)
    _told: dict[int, _Told] = field(default_factory=dict)
    # by the number of a timeout and the group: who held connections then, the oldest first
    _holders: defaultdict[tuple[int, int], list[Hold]] = field(default_factory=lambda: defaultdict(list))
    _moments: list[int] = field(default_factory=list)
    # groups whose pool was disposed of, or made anew
    _renewed: set[int] = field(default_factory=set)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        if tracked.steps is not None:
            self._plateaus.take(tracked.steps)
        self._longest.take(tracked.checkouts.longest(KEPT, self._longest.bounds()))
        self._note(tracked.incidents_of(Kind.TIMED_OUT))
        for kind in (Kind.DISPOSED, Kind.RECREATED):
            self._renewed.update(tracked.incidents_of(kind)["group"].drop_nulls())
        if self._moments:
            self._note_holders(tracked.checkouts.table)

    def _note(self, timeouts: pl.DataFrame) -> None:
        if not timeouts.height:
            return
        for shape, seq, time, source, line in timeouts.select_seq("shape", "seq", "time", "source", "line").iter_rows():
            told = self._told.get(shape)
            if told is None:
                told = self._told[shape] = _Told(seq, time)
                if len(self._moments) < _MOMENTS:
                    self._moments.append(seq)
            told.count += 1
            told.last = told.last if time is None else time
            if len(told.places) < EVIDENCE:
                told.places.append((seq, source, line))

    def _note_holders(self, checkouts: pl.DataFrame) -> None:
        # of one whose end is missing in the log nobody knows how long it lasted
        is_open = pl.col("outcome") == int(End.OPEN)
        ended = checkouts.filter(
            (pl.col("out_seq") < self._moments[-1]) & (is_open | (pl.col("end_seq") > self._moments[0]))
        )
        for moment in self._moments if ended.height else ():
            held = ended.filter((pl.col("out_seq") < moment) & (is_open | (pl.col("end_seq") > moment)))
            oldest = held.with_columns_seq(group=group_of(), open=is_open).sort("out_seq").group_by("group")
            columns = ("group", "out_seq", "out_time", "out_line", "out_source", "open")
            for group, *hold in oldest.head(EVIDENCE).select_seq(columns).iter_rows():
                here = self._holders[moment, group]
                here.append(Hold(*hold))
                here.sort()
                del here[EVIDENCE:]

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        ends = self._ends(facts)
        self._plateaus.settle()
        for group, state in self._plateaus.of.items():
            state.finish(ends.get(facts.names.vocabulary.groups[group][0]))
        belongs = {shape: self._pool_of(facts, shape) for shape in self._told}
        for name in [*sorted({pool for pool in belongs.values() if pool}), None]:
            told = {shape: one for shape, one in self._told.items() if belongs[shape] == name}
            if told:
                yield self._timed_out(facts, name, told)
        for pool in facts.pools:
            if pool.logger not in belongs.values() and pool.pool_class not in LIMITLESS:
                yield from self._plateau(facts, pool)

    def _ends(self, facts: Facts) -> dict[int, int]:
        """By log, the time of the last event that was seen of it."""
        ends: dict[int, int] = {}
        vocabulary = facts.names.vocabulary
        for group, state in self._plateaus.of.items():
            if state.clock is not None:
                source = vocabulary.groups[group][0]
                ends[source] = max(ends.get(source, state.clock), state.clock)
        for shape, told in self._told.items():
            known = vocabulary.shapes[shape]
            if known is not None and told.last is not None:
                ends[known.source] = max(ends.get(known.source, told.last), told.last)
        return ends

    def _pool_of(self, facts: Facts, shape: int) -> str | None:
        """Whose timeout it was: the only pool of its process that has a limit, or has that limit."""
        groups = facts.names.vocabulary.waited_for(shape)
        message = facts.names.message(shape)
        if message is not None and len({facts.names.pool(group) for group in groups}) > 1:
            limit = sum(message.numbers[:2])
            groups = [group for group in groups if self._peak(group) == limit]
        pools = {facts.names.pool(group) for group in groups}
        return pools.pop() if len(pools) == 1 else None

    def _peak(self, group: int) -> int:
        state = self._plateaus.of.get(group)
        return 0 if state is None else state.peak

    def _timed_out(self, facts: Facts, pool: str | None, told: dict[int, _Told]) -> Finding:
        count = sum(one.count for one in told.values())
        shape, first = min(told.items(), key=lambda item: item[1].seq)
        places = [(source, line) for _, source, line in sorted(place for one in told.values() for place in one.places)]
        message = (
            f"{times(count)} a caller waited for a connection until the pool's timeout and got none, because all were "
            "in use"
        )
        waited_for = facts.names.vocabulary.waited_for(shape)
        groups = [] if pool is None else [group for group in waited_for if facts.names.pool(group) == pool]
        holders = sorted(hold for group in groups for hold in self._holders.get((first.seq, group), ()))
        judged = next((one for one in facts.pools if one.logger == pool), None)
        # what is out when its pool is renewed, or is taken out of it, is no longer counted by it
        is_one = judged is None or judged.closes.detached or not self._renewed.isdisjoint(groups)
        several = None if is_one else several_pools(facts, groups, told)
        worst = self._worst(groups)
        if several:
            message += f"; {several}"
        elif worst is not None:
            message += f"; {standing(self._plateaus.of[worst], _process(facts, worst))}"
        shown = places[:EVIDENCE]
        if holders:
            message += f"; {oldest_holder(facts, holders[0], first.first)}"
            shown = places[:_TIMEOUTS_SHOWN] + [(hold.source, hold.line) for hold in holders]
        last = max((one.last for one in told.values() if one.last is not None), default=None)
        message += ": " + (
            (None if is_one or several else hidden_holders(facts, groups, told))
            or leaked_holders(facts, judged, last, holders)
            or advice(facts, None if several else judged, first.first, holders)
        )
        group = next(iter(waited_for), None)
        return Finding(
            "pool_exhausted",
            "error",
            pool,
            count,
            message,
            facts.names.evidence(shown),
            facts.names.time(first.first, group),
            facts.names.time(last, group),
        )

    def _worst(self, groups: list[int]) -> int | None:
        """Of some processes' pools the one that stood longest at its limit; of equal ones the one that did so first."""
        states = [(group, self._plateaus.of[group]) for group in groups if group in self._plateaus.of]
        # the numbers of groups tell no order: they come as texts are read
        stays = [(-one.total, one.longest.source, one.longest.line, group) for group, one in states if one.longest]
        return min(stays, key=lambda stay: stay[:3], default=(None,))[-1]

    def _plateau(self, facts: Facts, pool: Pool) -> Iterator[Finding]:
        """A pool that nobody timed out at, and that still stands at its limit."""
        saturated = [group for group in facts.groups(pool) if is_saturated(self._plateaus.of.get(group), facts)]
        if not saturated:
            return
        group = max(
            saturated, key=lambda group: (has_waiting(self._plateaus.of[group]), self._plateaus.of[group].total)
        )
        state = self._plateaus.of[group]
        stood = standing(state, _process(facts, group))
        message = f"{stood}, and what came back was taken again at once, {state.visits:,} times"
        severity: Severity
        if has_waiting(state):
            severity, ending = "warning", f": callers wait for a connection; {advice(facts, pool)}"
        else:
            severity = "info"
            who = "its threads come and go, and do not tell" if state.threads > 1 else "no threads are known that tell"
            ending = f": if pool_size + max_overflow is {state.peak}, callers wait for a connection; {who}"
        stay = state.longest or Stay(0, 0, 0, 0, 0)
        holders = [
            (hold.source, hold.line)
            for hold in self._longest.of([group])
            if hold.time <= stay.end and hold.end >= stay.start
        ]
        shown = [(stay.source, stay.line), *holders]
        yield Finding(
            "pool_exhausted",
            severity,
            pool.logger,
            state.visits,
            message + ending,
            facts.names.evidence(shown),
            facts.names.time(stay.start, group),
            facts.names.time(stay.end, group),
        )


def _process(facts: Facts, group: int) -> str | None:
    """The process of a group, where its pool is in several."""
    pool = facts.names.pool(group)
    several = any(one.logger == pool and one.processes > 1 for one in facts.pools)
    return facts.names.process(group) if several else None
