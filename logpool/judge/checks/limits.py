"""When a pool that stands at its limit is exhausted, and how that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.judge.checks.plateau import DIP
from logpool.words import duration, many, share

if TYPE_CHECKING:
    from logpool.judge.checks.plateau import Plateau
    from logpool.judge.findings import Facts

# a limit of one is what one thread reaches that uses one connection after another
_LEAST_LIMIT = 2
# of the returns at the limit, those after which somebody takes the connection at once; by chance it is about half
_TAKEN_AT_ONCE = 0.8
# how often the limit is reached, per connection of the limit, before it is a limit at all
_VISITS = 3
# in a log that is shorter, all that comes back is taken again soon
_LEAST_SPAN = 4 * DIP
_SECOND = 1e6


def is_saturated(state: Plateau | None, facts: Facts) -> bool:
    """Whether a pool stands at its limit so long, and what comes back is taken so soon, that callers must wait."""
    if state is None or state.longest is None or state.peak < _LEAST_LIMIT:
        return False
    if 1 < state.threads <= state.peak:
        # no more callers than connections: nobody can have waited
        return False
    least = _VISITS * state.peak
    long = state.longest.length >= facts.thresholds.plateau_seconds * _SECOND and state.longest.visits >= least
    at_once = state.visits - state.stays >= _TAKEN_AT_ONCE * state.visits
    enough = state.visits >= least and at_once and _span(state) >= _LEAST_SPAN
    return long or (enough and _share(state) >= facts.thresholds.plateau_share)


def has_waiting(state: Plateau) -> bool:
    """Whether more threads ask for connections than there are, all of them at one time.

    Where each request has a thread of its own, many come, and few are there at once; and one thread may be a loop of
    many tasks.
    """
    return state.at_once > state.peak


def _span(state: Plateau) -> int:
    """The microseconds from the first step of a pool to the last."""
    return 0 if state.first is None or state.clock is None else state.clock - state.first


def _share(state: Plateau) -> float:
    """How much of the time the pool stood at its limit."""
    span = _span(state)
    return min(1.0, state.total / span) if span > 0 else 0.0


def standing(state: Plateau, process: str | None = None) -> str:
    """How much of the time a pool stood at its limit, in words; in which process, where there are several."""
    longest = 0 if state.longest is None else state.longest.length
    where = "" if process is None else f" in process {process}"
    return (
        f"{many(state.peak, 'connection was', 'connections were')} in use{where}, and never more, for "
        f"{share(_share(state))} of the time, at most {duration(longest / _SECOND)} without a break"
    )
