"""What may have gone wrong, a module for each kind of trouble. All of them watch the same events go by.

A check sees every batch of what the fold brings to light, keeps what it needs of it, and says in the end what it
found. Thresholds are fields of :class:`logpool.judge.thresholds.Thresholds`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from logpool.judge.checks.abandoned import Abandoned
from logpool.judge.checks.clocks import ClockSteps
from logpool.judge.checks.connects import ConnectErrors, Unready
from logpool.judge.checks.exhaustion import Exhaustion
from logpool.judge.checks.failures import Failures
from logpool.judge.checks.holds import LongHolds
from logpool.judge.checks.leaks import Leaks
from logpool.judge.checks.nesting import Nesting
from logpool.judge.checks.overflow import Overflow
from logpool.judge.checks.pings import FailedPings
from logpool.judge.checks.resets import ResetTrouble
from logpool.judge.checks.thrown import Thrown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Finding
    from logpool.track.found import Tracked


class Watcher(Protocol):
    """What watches the lives and checkouts go by."""

    def take(self, tracked: Tracked) -> None:
        """Watches one batch; the last one holds what is still open at the end of the log."""


class Check(Watcher, Protocol):
    """One kind of trouble. Made anew for each analysis, without arguments."""

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""


#: all of them; what matters more comes first where severities are equal
CHECKS: tuple[type[Check], ...] = (
    Exhaustion,
    Leaks,
    ConnectErrors,
    Unready,
    Failures,
    Nesting,
    LongHolds,
    Thrown,
    Abandoned,
    Overflow,
    FailedPings,
    ResetTrouble,
    ClockSteps,
)
