"""Checkouts that last too long, and those among them that end inside a transaction."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.frames import chosen, where
from logpool.judge.durations import DurationCounts
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.schema import End
from logpool.track.tracked import lasting
from logpool.words import duration, many, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from logpool.judge.findings import Facts
    from logpool.judge.silence import Gap
    from logpool.report.model import Pool, Severity
    from logpool.track.found import Tracked

#: of each group the longest few are kept, more than a finding cites, as those of an hour are looked for among them
KEPT = 20
# so few are looked at one by one
_FEW = 1000
_SECOND = 1e6
# so many that come back within so many microseconds of the last that is heard of their process were let go by its end
_SEVERAL, _MOMENTS = 3, 2_000_000


class Hold(NamedTuple):
    """A checkout that has ended.

    Attributes:
        microseconds: how long it lasted.
        seq: the number of its check-out; ``time``, ``line`` and ``source`` are of it as well.
        end: the time of its end.
        group: whose it is.
    """

    microseconds: int
    seq: int
    time: int
    line: int
    source: int
    end: int
    group: int


_HELD = ("out_seq", "out_time", "out_line", "out_source", "end_time")


@stateful
class Longest:
    """The longest checkouts of each group, grown batch by batch."""

    _kept: dict[int, list[Hold]] = field(default_factory=dict)

    def take(self, checkouts: pl.DataFrame) -> None:
        """Adds checkouts, those that have not ended and those without times left out."""
        if not checkouts.height:
            return
        group, microseconds = lasting(checkouts, "out_time")
        bounds = self.bounds()
        # most are shorter than any of these
        least = min(bounds.get(number, 0) for number in group.unique())
        held = chosen(checkouts, *_HELD).hstack([group, microseconds])
        # without a time there is none
        held = where(held, microseconds >= least)
        if held.height > _FEW:
            longest_first = held.sort("microseconds", "out_seq", descending=[True, False])
            held = longest_first.group_by("group", maintain_order=True).head(KEPT)
        for row in chosen(held, "microseconds", *_HELD, "group").iter_rows():
            hold = Hold(*row)
            if hold.microseconds >= bounds.get(hold.group, 0):
                self._kept.setdefault(hold.group, []).append(hold)
        self._kept = {number: sorted(holds, key=_longest_first)[:KEPT] for number, holds in self._kept.items()}

    def bounds(self) -> dict[int, int]:
        """How long a checkout is at least that is among its group's longest, microseconds, where these are many."""
        return {group: holds[-1].microseconds for group, holds in self._kept.items() if len(holds) == KEPT}

    def of(self, groups: Iterable[int]) -> list[Hold]:
        """The longest of some groups, the longest first."""
        return sorted((hold for group in groups for hold in self._kept.get(group, ())), key=_longest_first)


def _longest_first(hold: Hold) -> tuple[int, int]:
    return -hold.microseconds, hold.seq


@stateful
class LongHolds:
    """``held_too_long`` and ``idle_in_transaction``: connections that somebody keeps from the others."""

    _longest: Longest = field(default_factory=Longest)
    # those that came back without a reset: the garbage collector may say later that it returned them
    _doubtful: Longest = field(default_factory=Longest)
    # told by themselves, as leaks
    _reclaimed: DurationCounts = field(default_factory=DurationCounts)
    _in_transaction: Longest = field(default_factory=Longest)
    _transactions: DurationCounts = field(default_factory=DurationCounts)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        checkouts = tracked.checkouts.longest(KEPT, self._longest.bounds())
        reclaimed = checkouts["outcome"] == int(End.RECLAIMED)
        if reclaimed.any():
            self._reclaimed.add(lasting(where(checkouts, reclaimed), "out_time"))
            checkouts = where(checkouts, ~reclaimed)
        doubtful = (checkouts["outcome"] == int(End.RETURNED)) & ~checkouts["complete"]
        if doubtful.any():
            self._doubtful.take(where(checkouts, doubtful))
            checkouts = where(checkouts, ~doubtful)
        self._longest.take(checkouts)
        if tracked.unfinished.height:
            self._in_transaction.take(tracked.unfinished)
            self._transactions.add(lasting(tracked.unfinished, "out_time"))

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        self._reclaimed.add(chosen(facts.collected, "group", "microseconds"))
        collected = frozenset(facts.collected["out_seq"])
        for pool in facts.pools:
            groups = facts.groups(pool)
            limit = facts.thresholds.held_too_long
            count, held = facts.holds.beyond(groups, limit)
            less, reclaimed = self._reclaimed.beyond(groups, limit)
            doubtful = (hold for hold in self._doubtful.of(groups) if hold.seq not in collected)
            longest = sorted([*self._longest.of(groups), *doubtful], key=_longest_first)
            longest = [hold for hold in longest if hold.microseconds > limit * _SECOND]
            if longest:
                yield _held(facts, pool, (count - less, held - reclaimed), longest)
            limit = facts.thresholds.idle_in_transaction
            longest = [hold for hold in self._in_transaction.of(groups) if hold.microseconds > limit * _SECOND]
            if longest:
                yield _idle(facts, pool, self._transactions.beyond(groups, limit)[0], longest)


def _held(facts: Facts, pool: Pool, beyond: tuple[int, int], longest: list[Hold]) -> Finding:
    """A finding on the checkouts beyond the threshold: how many, and their microseconds together."""
    count, held = beyond
    total = (pool.hold_seconds.mean or 0.0) * pool.hold_seconds.count
    first = longest[0]
    place = facts.names.place(first.source, first.line)
    message = (
        f"{many(count, 'checkout', 'checkouts')} of {pool.hold_seconds.count:,} lasted longer than "
        f"{duration(facts.thresholds.held_too_long)} and took {share(min(1.0, held / _SECOND / total))} of all the "
        f"time that connections were held, the longest {duration(first.microseconds / _SECOND)} from "
        f"{place.path}:{place.line} on"
    )
    late = _kept_to_the_end(facts, longest)
    silence = facts.silence.longest
    if silence is not None and _span(longest, count, silence, facts.thresholds.held_too_long):
        message += (
            f"; but all of them span the {duration(silence.microseconds / _SECOND)} in which the log has nothing at "
            "all, of any pool: most likely the clock was set, the machine slept or records are missing, and they were "
            "not held that long"
        )
        return _finding(facts, pool, ("held_too_long", count, message), longest, "info")
    if late:
        message += (
            f"; {late:,} of the {many(len(longest), 'longest', 'longest')} came back only when their process ended, as "
            "leaked ones do: close every session and connection, or use them in a with block"
        )
    else:
        message += ": give connections back before anything slow that needs none"
    return _finding(facts, pool, ("held_too_long", count, message), longest)


def _span(longest: list[Hold], count: int, silence: Gap, limit: float) -> bool:
    """Whether several checkouts last too long for nothing but a silence of the log."""
    return 1 < count == len(longest) and all(
        hold.time <= silence.begin
        and silence.end <= hold.end
        and hold.microseconds - silence.microseconds <= limit * _SECOND
        for hold in longest
    )


def _kept_to_the_end(facts: Facts, longest: list[Hold]) -> int:
    """How many came back in the last moments of their processes, though they had begun one after the other; else 0."""
    kept = []
    for hold in longest:
        source, process, _ = facts.names.vocabulary.groups[hold.group]
        heard = facts.heard.get((source, process))
        # what ended later was before the clock stepped back
        if heard is not None and abs(heard - hold.end) <= _MOMENTS:
            kept.append(hold)
    begins = [hold.time for hold in kept]
    if len(kept) < _SEVERAL or 2 * (max(begins) - min(begins)) < max(hold.microseconds for hold in kept):
        return 0
    return len(kept)


def _idle(facts: Facts, pool: Pool, count: int, longest: list[Hold]) -> Finding:
    first = longest[0]
    place = facts.names.place(first.source, first.line)
    message = (
        f"{many(count, 'checkout', 'checkouts')} longer than {duration(facts.thresholds.idle_in_transaction)} ended "
        f"inside a transaction, the longest {duration(first.microseconds / _SECOND)} from {place.path}:{place.line} "
        "on: an idle transaction keeps its locks and holds up vacuum, so commit or roll back once the work is done"
    )
    return _finding(facts, pool, ("idle_in_transaction", count, message), longest)


def _finding(
    facts: Facts, pool: Pool, told: tuple[str, int, str], longest: list[Hold], severity: Severity = "warning"
) -> Finding:
    """A finding with the longest checkouts as its evidence, and the time span of the longest."""
    code, count, message = told
    first = longest[0]
    return Finding(
        code,
        severity,
        pool.logger,
        count,
        message,
        facts.names.evidence((hold.source, hold.line) for hold in longest[:EVIDENCE]),
        facts.names.time(first.time, first.group),
        facts.names.time(first.end, first.group),
    )
