"""From where on something is worth a finding. Every threshold has a name, a unit and a reason, and can be set."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of all findings. Durations are seconds, shares between 0 and 1.

    Attributes:
        held_too_long: a checkout that lasts longer is held too long: the pool's own patience, 30 seconds by default.
        idle_in_transaction: a checkout that lasts longer and is returned inside a transaction: 10 seconds, when others
            that need the same rows have long begun to wait.
        leak_seconds: a checkout that is never returned is a leak if it is older than this, 5 minutes, longer than any
            that was returned, and ...
        leak_factor: ... older than so many times the 99th percentile of the hold times.
        plateau_share: a pool that is at its limit for so much of the time is exhausted, and so is one ...
        plateau_seconds: ... that is at its limit for so long without a break.
        connect_errors: as many connects of a pool that failed for one reason are told.
        storm_connections: as many connections that fail close together are a storm.
        storm_share: so are two and more, if this share of the connections that the pool had at most is lost with them.
        storm_seconds: what fails within so many seconds of each other belongs together.
        stale_connections: as many connections that fail after an idle time that none survived are told.
        stale_idle: shorter idle times, in seconds, are no reason to be closed: the shortest idle timeouts of load
            balancers are minutes.
        churn_share: connections thrown away and made anew, per checkout: from here on it is told, and ...
        churn_busy: ... from here on it is a warning: a pool that is large enough on average overflows now and then.
        churn_connections: as many of them at least; likewise those replaced for their age, with the same share, and
            those that are thrown away with their engine.
        nullpool_rate: connections per second that a NullPool makes, or engines that are disposed of, on average over a
            minute or longer.
        nullpool_busy: the same, from where on it is a warning.
        nullpool_connects: as many connections at least.
        ping_failures: the share of failed pings from where on they are a warning; below it they are told only.
        thrown_share: connections thrown away in use for no fault of the server's, per checkout, when it is told.
        thrown_connections: as many of them at least.
        clock_step: seconds by which times go backwards in one process; threads that print at once differ by less.
        compare_alpha: a change is beyond chance if chance alone would bring it less often than this.
        compare_change: and it matters if hold times change by this share of themselves, or counts per checkout.
    """

    held_too_long: float = 30.0
    idle_in_transaction: float = 10.0
    leak_seconds: float = 300.0
    leak_factor: float = 10.0
    plateau_share: float = 0.2
    plateau_seconds: float = 5.0
    connect_errors: float = 1.0
    storm_connections: float = 3.0
    storm_share: float = 0.5
    storm_seconds: float = 10.0
    stale_connections: float = 2.0
    stale_idle: float = 30.0
    churn_share: float = 0.05
    churn_busy: float = 0.2
    churn_connections: float = 20.0
    nullpool_rate: float = 1.0
    nullpool_busy: float = 50.0
    nullpool_connects: float = 100.0
    ping_failures: float = 0.01
    thrown_share: float = 0.05
    thrown_connections: float = 5.0
    clock_step: float = 1.0
    compare_alpha: float = 0.01
    compare_change: float = 0.1

    @classmethod
    def of(cls, settings: Iterable[str]) -> Thresholds:
        """The defaults, but for settings such as ``held_too_long=5``.

        Raises:
            UsageError: a setting names no threshold, or gives it no number of zero or more.
        """
        names = {field.name for field in fields(cls)}
        chosen = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            name = name.strip().replace("-", "_")
            if name not in names:
                raise UsageError(f"no threshold is called {name!r}", f"there are {', '.join(sorted(names))}")
            chosen[name] = _number(name, text)
        return replace(cls(), **chosen)


def _number(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"{name} is set to {text!r}, which is no number of zero or more")
    return number
