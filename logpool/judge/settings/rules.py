"""From what was stated and seen of a pool to its settings: what is certain, what is bounded, what stays unknown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.judge.settings.seen import CONNECTING
from logpool.read.vocabulary import split_pool_name
from logpool.report.model import Setting, Settings
from logpool.schema import Detail, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from logpool.judge.names import Names
    from logpool.judge.settings.seen import Place
    from logpool.judge.settings.watch import Watch
    from logpool.report.model import Evidence, Pool

# classes without a queue; a class of the user's own may have one
_QUEUELESS = frozenset({"NullPool", "StaticPool", "SingletonThreadPool", "AssertionPool"})
# the logger of those versions that say when they ping, all of them
_SAYS_PINGS = "sqlalchemy.pool.impl."
# check-outs of existing connections that all go without a ping
_UNPINGED = 3
# votes of the order in which connections leave the queue, and the share of them that agree
_VOTES = 10
_AGREEING = 0.95
# seconds: the text of a timeout has two decimals
_ROUNDED = 0.005
# seconds between the pool's look at an age and the check-out's record, and in which it connects
_LATE = 1
_CONNECTS = CONNECTING / 1e6

_UNKNOWN = Setting()


def settings_of(watch: Watch, pools: Iterable[Pool], names: Names) -> dict[str, Settings]:
    """The settings of each pool logger."""
    loggers = dict.fromkeys(pool for _, _, pool in watch.vocabulary.groups)
    queues = [pool for pool in loggers if split_pool_name(pool)[0] not in _QUEUELESS]
    alone = queues[0] if len(queues) == 1 else None
    found = {}
    for pool in pools:
        if pool.logger is not None:
            timeouts = watch.stated.get((None, Kind.TIMED_OUT), {}) if pool.logger == alone else {}
            found[pool.logger] = _Rules(watch, pool, pool.logger, names, timeouts).settings()
    return found


@dataclass(frozen=True)
class _Rules:
    """The conclusions on one pool.

    Attributes:
        watch: what was stated and seen.
        pool: its figures.
        logger: its name.
        names: turns places into evidence.
        timeouts: the numbers of the timeouts that are certainly its own, with their places.
    """

    watch: Watch
    pool: Pool
    logger: str
    names: Names
    timeouts: Mapping[tuple[float, ...], list[Place]]

    def settings(self) -> Settings:
        size = self._size()
        return Settings(
            pool_size=size,
            max_overflow=self._overflow(size),
            pool_timeout=self._timeout(),
            pool_recycle=self._recycle(),
            pre_ping=self._pre_ping(),
            use_lifo=self._lifo(),
            reset_on_return=self._reset(),
        )

    @property
    def _is_mixed(self) -> bool:
        return self.logger in self.watch.seen and self.watch.seen[self.logger].is_mixed

    @property
    def _may_be_mixed(self) -> bool:
        return self.logger in self.watch.seen and self.watch.seen[self.logger].may_be_mixed

    def _cited(self, *lists: Iterable[Place]) -> tuple[Evidence, ...]:
        return self.names.evidence(place for places in lists for place in places)

    def _first(self, kind: Kind, *details: Detail) -> tuple[Evidence, ...]:
        firsts = self.watch.firsts
        places = [firsts[self.logger, kind, one] for one in details or Detail if (self.logger, kind, one) in firsts]
        return self._cited(sorted(places))

    # -- the queue

    def _size(self) -> Setting:
        stated: dict[int, list[Place]] = {}
        disposed = self.watch.stated.get((self.logger, Kind.DISPOSED), {})
        for numbers, places in (*disposed.items(), *self.timeouts.items()):
            stated.setdefault(int(numbers[0]), []).extend(places)
        low, high, places = self._size_seen()
        if self._is_mixed or len(stated) > 1 or (low is not None and high is not None and low > high):
            return _UNKNOWN
        if stated:
            ((size, places),) = stated.items()
            # no size is no limit
            fits = (low or 0) <= (size or math.inf) <= (math.inf if high is None else high)
            return Setting(size, size, size, "stated", self._cited(places)) if fits else _UNKNOWN
        return _UNKNOWN if self._may_be_mixed else _bounded(low, high, self._cited(places))

    def _size_seen(self) -> tuple[int | None, int | None, list[Place]]:
        seen = self.watch.seen.get(self.logger)
        if seen is None:
            return None, None, []
        low = seen.least if seen.least > 1 else None
        high = min(seen.most, default=None)
        if seen.size_agreed is not None:
            low = max(seen.size_agreed, low or 0)
        places = [*(seen.most_places[high] if high is not None else []), *(seen.least_places if low else [])]
        return low, high, places

    def _overflow(self, size: Setting) -> Setting:
        overflows = {int(numbers[1]): places for numbers, places in self.timeouts.items()}
        if self._is_mixed or (size.how == "unknown" and overflows):
            return _UNKNOWN
        if len(overflows) == 1:
            ((overflow, places),) = overflows.items()
            return Setting(overflow, overflow, overflow, "stated", self._cited(places))
        if overflows:
            # the text tells those there are, which may be fewer by the time it is written
            return _bounded(max(overflows), None, self._cited(*overflows.values()))
        low = self._certainly_out() - size.high if isinstance(size.high, int) and size.high else 0
        return _bounded(low, None, size.evidence) if low > 0 else _UNKNOWN

    def _certainly_out(self) -> int:
        """How many connections were certainly the pool's and out at once, at least."""
        pool, ends = self.pool, self.pool.ends
        renewed = self.watch.renewed.get(self.logger)
        if pool.processes != 1 or (renewed is not None and renewed < self.watch.taken.get(self.logger, 0)):
            return 0
        # one that did not come back may have been detached, and be the pool's no more
        return pool.peak_checked_out - ends.detached - ends.lost - ends.open

    def _timeout(self) -> Setting:
        stated = {numbers[2] for numbers in self.timeouts}
        if len(stated) != 1 or self._size().how == "unknown":
            return _UNKNOWN
        (timeout,) = stated
        low, high = max(0.0, timeout - _ROUNDED), timeout + _ROUNDED
        return Setting(timeout, low, high, "stated", self._cited(*self.timeouts.values()))

    def _lifo(self) -> Setting:
        seen = self.watch.seen.get(self.logger)
        if seen is None or seen.may_be_mixed or not seen.order:
            return _UNKNOWN
        ((how, count),) = seen.order.most_common(1)
        if how == "neither" or count < _VOTES or count < _AGREEING * seen.order.total():
            return _UNKNOWN
        return Setting(how == "lifo", None, None, "inferred", self._cited(seen.order_places[how]))

    # -- the rest

    def _recycle(self) -> Setting:
        reused, recycled = self.watch.ages.reused.get(self.logger), self.watch.ages.recycled.get(self.logger)
        low = math.ceil(reused[0] - _LATE) if reused is not None else 0
        high = math.floor(recycled[0] + _CONNECTS) if recycled is not None else None
        if self._may_be_mixed or (high is not None and low > high) or (low <= 0 and high is None):
            return _UNKNOWN
        places = [one[1] for one in (recycled, reused) if one is not None]
        return _bounded(max(low, 0), high, self._cited(places))

    def _pre_ping(self) -> Setting:
        pool = self.pool
        told = pool.pings.sent + pool.pings.skipped
        if told:
            # every check-out is pinged, or skipped, once it is logged
            followed = not pool.unidentified_checkouts
            if followed and told + pool.checked_out_at_end < pool.checkouts:
                return _UNKNOWN
            places = (*self._first(Kind.PINGED), *self._first(Kind.PING_SKIPPED))
            return Setting(value=True, how="inferred", evidence=places)
        if pool.pings.failed or not self.logger.startswith(_SAYS_PINGS):
            return _UNKNOWN
        reused = min(pool.reused_checkouts, pool.ends.returned - pool.fresh_checkouts)
        if reused < _UNPINGED:
            return _UNKNOWN
        return Setting(value=False, how="inferred", evidence=self._first(Kind.CHECKED_OUT))

    def _reset(self) -> Setting:
        pool, resets = self.pool, self.pool.resets
        early = self._reset_before()
        shown = {
            # only a pool that rolls back looks whether it has to
            "rollback": resets.rollback + resets.already_reset - early,
            "commit": resets.commit,
        }
        # a return may lack its reset where the log ends, where it failed, where the garbage collector made it
        excused = pool.open_at_end + pool.reclaimed + resets.failed
        missing = pool.returned - early - sum(shown.values()) - excused
        found = [how for how, count in shown.items() if count]
        if pool.unidentified_checkouts and not found:
            return _UNKNOWN
        if not found and missing > 0:
            return Setting("none", how="inferred", evidence=self._first(Kind.RETURNED, Detail.NONE))
        if len(found) != 1 or missing > 0:
            return _UNKNOWN
        details = (Detail.COMMIT,) if found[0] == "commit" else (Detail.ROLLBACK, Detail.ALREADY_RESET)
        return Setting(found[0], how="inferred", evidence=self._first(Kind.RESET, *details))

    def _reset_before(self) -> int:
        """Returns of transactions already reset: early 1.4 says so in the return itself, whatever the setting."""
        how = (self.logger, Kind.RETURNED, Detail.ALREADY_RESET), (self.logger, Kind.RESET, Detail.ALREADY_RESET)
        said, reset = (one in self.watch.firsts for one in how)
        return self.pool.resets.already_reset if said and not reset else 0


def _bounded(low: float | None, high: float | None, evidence: tuple[Evidence, ...]) -> Setting:
    """A setting known from its bounds, or not at all."""
    if low is None and high is None:
        return _UNKNOWN
    return Setting(low if low == high else None, low, high, "inferred", evidence)
