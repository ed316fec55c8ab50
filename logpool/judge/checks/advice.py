"""What to look at where a pool runs out of connections: what is told behind the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logpool.report.model import Durations
from logpool.words import duration, many, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool

_SECOND = 1e6
# of fewer nobody knows what is usual; longer than so many times what half of them take is long; and so much of all the
# time that connections are held is much
_HOLDS, _LONG, _MUCH = 20, 5, 0.3
# of the connections that a pool gives out, so many at most are seen in use where the others are hidden
_SEEN = 0.7


class Hold(NamedTuple):
    """A checkout under way: where and when it began, and whether it never ends."""

    seq: int
    time: int | None
    line: int
    source: int
    is_open: bool


def advice(facts: Facts, pool: Pool | None, now: int | None = None, holders: Sequence[Hold] = ()) -> str:
    """What to look at: those who hold connections long, if there are any; else the pool is too small.

    Args:
        facts: they.
        pool: that was exhausted; None where nobody knows which.
        now: when the first caller got none.
        holders: those who had a connection then, the oldest first.
    """
    generic = "look at who holds them longest before making the pool larger"
    holds = pool.hold_seconds if pool is not None else Durations()
    if pool is None or holds.count < _HOLDS or not holds.p50 or holds.p99 is None or holds.max is None:
        return generic
    ages = [(now - hold.time) / _SECOND for hold in holders if now is not None and hold.time is not None]
    if max(ages, default=0.0) > max(holds.max, _LONG * holds.p50):
        return generic
    if holds.p50 > facts.thresholds.held_too_long:
        return (
            f"all hold one long (half of the checkouts take {duration(holds.p50)} or more): look at what they wait "
            "for, or do that needs no connection, before making the pool larger"
        )
    if holds.max <= _LONG * holds.p50:
        return (
            f"nobody holds one long (half of the checkouts take at most {duration(holds.p50)}, none more than "
            f"{duration(holds.max)}), so the pool is too small for so many callers at once"
        )
    count, total = facts.holds.beyond(facts.groups(pool), _LONG * holds.p50)
    part = total / _SECOND / ((holds.mean or 0.0) * holds.count)
    if part < _MUCH:
        return (
            f"few hold one long (the {many(count, 'checkout')} of {holds.count:,} longer than "
            f"{duration(_LONG * holds.p50)} took {share(part)} of all the time that connections were held), so the "
            "pool is too small for so many callers at once"
        )
    return (
        f"{many(count, 'checkout')} of {holds.count:,} lasted longer than {duration(_LONG * holds.p50)}, which is "
        f"{_LONG} times what half of them take, and took {share(part)} of all the time that connections were held: "
        "look at these before making the pool larger"
    )


def _limits(facts: Facts, told: Iterable[int]) -> list[int]:
    """How many connections pools give out, as the texts of timeouts tell."""
    messages = map(facts.names.message, told)
    return [int(sum(message.numbers[:2])) for message in messages if message is not None and message.numbers]


def _peak(facts: Facts, groups: Iterable[int]) -> int:
    return max((facts.peaks.get(group, 0) for group in groups), default=0)


def several_pools(facts: Facts, groups: list[int], told: Iterable[int]) -> str | None:
    """What shows that several pools log by one name: more are in use at once than the timeouts' texts allow of."""
    limits, peak = _limits(facts, told), _peak(facts, groups)
    if not limits or peak <= max(limits):
        return None
    return (
        f"up to {peak:,} were in use at once, though the pool that they waited for has {max(limits):,} at most, "
        "so several engines, or processes, log by this name (give each engine a pool_logging_name, log %(process)d)"
    )


def hidden_holders(facts: Facts, groups: list[int], told: Iterable[int]) -> str | None:
    """What is told where the log shows far fewer connections in use than the timeouts' texts tell of."""
    limits, peak = _limits(facts, told), _peak(facts, groups)
    if not limits or len(groups) != 1 or peak > _SEEN * min(limits):
        return None
    return (
        f"the pool gives out {min(limits):,}, and the log shows at most {peak:,} in use at once: the others were "
        "taken before it begins and never came back, or their records are missing, or the pool lost them (a listener "
        "that raises when a connection comes back); look there before making the pool larger"
    )


def leaked_holders(facts: Facts, pool: Pool | None, last: int | None, holders: Sequence[Hold]) -> str | None:
    """What is told where those who had held connections longest at the first timeout still did so at the last one."""
    usual = 0.0 if pool is None else facts.thresholds.leak_factor * (pool.hold_seconds.p99 or 0.0)
    least = max(usual, facts.thresholds.held_too_long) * _SECOND
    if last is None:
        return None
    kept = sum(hold.is_open and hold.time is not None and last - hold.time > least for hold in holders)
    if 2 * kept <= len(holders):
        return None
    return "most of those who had held one longest never gave it back: look at these"


def oldest_holder(facts: Facts, hold: Hold, now: int | None) -> str:
    """Who had held a connection longest when the first caller got none."""
    place = facts.names.place(hold.source, hold.line)
    since = "" if hold.time is None or now is None else f" for {duration(max(0, now - hold.time) / _SECOND)}"
    return f"at the first one the oldest had been out{since}, from {place.path}:{place.line} on"
