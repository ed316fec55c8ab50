"""Checkouts of pools that hand one connection to several users at once: StaticPool, SingletonThreadPool.

There ``checked_out`` does not mean that the connection was free, so a checkout cannot be told by its neighbours.
The users are taken to return in the order in which they came; each thread what it took itself, where the log shows
threads. Such a pool has one connection, or one a thread, and serves tests and databases in memory, so its events are
taken one at a time.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass, stateful
from logpool.schema import Detail, End, Kind, Reason
from logpool.track.moves import Mark, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENDS = {int(Kind.RETURNED): End.RETURNED, int(Kind.INVALIDATED): End.INVALIDATED}


@dataclass()
class Use:
    """One checkout of a shared connection."""

    key: int
    start: Mark
    fresh: bool
    end: Mark | None = None
    outcome: End = End.OPEN
    complete: bool = False


@dataclass()
class Shared:
    """Who uses one shared connection, and whose return awaits its reset."""

    out: deque[Use] = field(default_factory=deque)
    awaiting: deque[Use | None] = field(default_factory=deque)
    # a reset that no return came before: the close after it makes it a detached checkout's
    detaching: bool = False
    # the checkout that its last event, a reset, made complete
    completed: Use | None = None
    # its life began with a checkout that moved here
    carries: bool = False


@stateful
class Batch:
    """What the shared pools of one batch did."""

    uses: list[Use] = field(default_factory=list)
    # the event, and +1 or -1
    steps: list[tuple[int, int]] = field(default_factory=list)
    # (code, key, the event's mark)
    violations: list[tuple[str, int, Mark]] = field(default_factory=list)
    # the invalidations that follow a reset which made a checkout complete, and the number of its check-out
    completed: dict[int, int] = field(default_factory=dict)
    # the groups of checkouts whose beginning the log does not show
    censored: list[int] = field(default_factory=list)


@stateful
class Sharing:
    """Carries the users of shared connections from batch to batch."""

    connections: dict[int, Shared] = field(default_factory=dict)
    # by group and thread: checkouts whose connection failed, and is not yet replaced
    moving: defaultdict[Place, deque[Use]] = field(default_factory=lambda: defaultdict(deque))
    # by group and thread: the last failure that named no connection, and that an invalidation may follow
    failure: dict[Place, int] = field(default_factory=dict)

    def take(self, rows: pl.DataFrame, failures: pl.DataFrame) -> Batch:
        """Follows the checkouts of shared connections through one batch, in the log's order.

        Args:
            rows: the related rows of shared connections.
            failures: what fails and names no connection: ``kind``, ``group``, ``thread`` and a mark.
        """
        batch = Batch()
        ordered = pl.concat([rows, failures], how="diagonal").sort("seq")
        for row in ordered.iter_rows(named=True):
            mark = Mark(row["seq"], row["time"], row["line"], row["source"], row["thread"])
            if row["key"] is None:
                self._failure(row, mark, batch)
                continue
            shared = self.connections.setdefault(row["key"], Shared())
            if shared.completed is not None and row["kind"] == Kind.INVALIDATED:
                batch.completed[mark.seq] = shared.completed.start.seq
            shared.completed = None
            failure = self.failure.pop((row["group"], row["thread"]), None)
            if row["kind"] == Kind.INVALIDATED and failure is not None:
                self._thrown_away(shared, row, Kind(failure), mark, batch)
            else:
                self._event(shared, row, mark, batch)
        return batch

    def _failure(self, row: dict[str, int], mark: Mark, batch: Batch) -> None:
        place: Place = row["group"], row["thread"]
        moving = self.moving[place]
        if row["kind"] != Kind.CONNECT_FAILED:
            self.failure[place] = row["kind"]
        elif moving:
            _over(moving.popleft(), End.FAILED, mark, batch)

    def _thrown_away(self, shared: Shared, row: dict[str, int], failure: Kind, mark: Mark, batch: Batch) -> None:
        """An invalidation that a failure explains: of the last attempt, or of a reset, which ends no checkout."""
        if failure is Kind.RECONNECT_EXHAUSTED and shared.out:
            _over(shared.out.pop(), End.FAILED, mark, batch)
        elif failure is Kind.RESET_FAILED and row["previous"] not in {Kind.RETURNED, Kind.RESET}:
            # what could not be reset was gone already: this is another's
            self._event(shared, row, mark, batch)

    def _event(self, shared: Shared, row: dict[str, int | bool], mark: Mark, batch: Batch) -> None:
        kind = row["kind"]
        key, group = int(row["key"]), int(row["group"])
        moving = self.moving[group, row["thread"]]
        if kind == Kind.CHECKED_OUT:
            shared.out.append(Use(key, mark, fresh=bool(row["first_use"]) and not shared.carries))
            batch.steps.append((mark.seq, 1))
        elif kind == Kind.CREATED:
            _carry_on(shared, moving)
        elif kind == Kind.CLOSING and shared.out:
            _close(shared, row, mark, batch)
        elif kind == Kind.INVALIDATED and shared.out and _failed_ping(row):
            moving.append(shared.out.pop())
        elif kind in _ENDS and shared.out:
            use = _own(shared.out, mark.thread) or shared.out[0]
            shared.out.remove(use)
            use.end, use.outcome = mark, _ENDS[int(kind)]
            use.complete = row["detail"] == Detail.ALREADY_RESET
            batch.steps.append((mark.seq, -1))
            if kind == Kind.RETURNED and not use.complete:
                shared.awaiting.append(use)
            else:
                batch.uses.append(use)
        elif kind == Kind.RETURNED:
            self._stray_return(shared, row, mark, batch)
        elif kind == Kind.RESET:
            self._reset(shared, row, mark, batch)
        if kind != Kind.RESET:
            shared.detaching = False

    def _stray_return(self, shared: Shared, row: dict[str, int | bool], mark: Mark, batch: Batch) -> None:
        if row["was_settled"]:
            batch.violations.append(("returned_without_checkout", int(row["key"]), mark))
        else:
            batch.censored.append(int(row["group"]))
        if row["detail"] != Detail.ALREADY_RESET:
            shared.awaiting.append(None)

    def _reset(self, shared: Shared, row: dict[str, int | bool], mark: Mark, batch: Batch) -> None:
        if shared.awaiting:
            ended = (use for use in shared.awaiting if use is not None and use.end is not None)
            use = next((use for use in ended if use.end.thread == mark.thread), shared.awaiting[0])  # type: ignore[union-attr]
            shared.awaiting.remove(use)
            if use is not None:
                use.complete, shared.completed = True, use
                batch.uses.append(use)
        elif shared.out:
            shared.detaching = True
        elif row["was_settled"]:
            batch.violations.append(("reset_without_return", int(row["key"]), mark))
        else:
            batch.censored.append(int(row["group"]))

    def finish(self) -> tuple[list[Use], list[Use]]:
        """The checkouts still open, and those returned whose reset the log does not show."""
        opened = [use for shared in self.connections.values() for use in shared.out]
        opened += [use for queue in self.moving.values() for use in queue]
        unreset = [use for shared in self.connections.values() for use in shared.awaiting if use is not None]
        return opened, unreset


def _own(uses: Iterable[Use], thread: int | None) -> Use | None:
    """The first of some uses that a thread began; None where it began none, or the log shows no threads."""
    return next((use for use in uses if thread is not None and use.start.thread == thread), None)


def _over(use: Use, outcome: End, mark: Mark, batch: Batch) -> None:
    """A checkout is over, without a return."""
    use.end, use.outcome = mark, outcome
    batch.uses.append(use)
    batch.steps.append((mark.seq, -1))


def _carry_on(shared: Shared, moving: deque[Use]) -> None:
    """A connection is created, for the checkout that lost its own if there is one."""
    shared.carries = bool(moving)
    if moving:
        use = moving.popleft()
        use.fresh = True
        shared.out.append(use)


def _close(shared: Shared, row: dict[str, int | bool], mark: Mark, batch: Batch) -> None:
    """A connection in use is closed: it was made but not made ready, or is detached, or goes on being used."""
    if row["previous"] == Kind.CREATED and row["detail"] == Detail.HARD:
        _over(shared.out.pop(), End.FAILED, mark, batch)
    elif shared.detaching:
        _over(shared.out.popleft(), End.DETACHED, mark, batch)


def _failed_ping(row: dict[str, int | bool]) -> bool:
    return row["previous"] in {Kind.PING_FAILED, Kind.DISCONNECTED} or row["reason"] == Reason.DISCONNECTION
