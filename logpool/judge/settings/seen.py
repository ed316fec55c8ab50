"""What the studies of a pool's queue have shown, and what they look at."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from dataclasses import field
from typing import NamedTuple

from logpool.classes import dataclass, stateful

#: source and line
Place = tuple[int, int]

#: how many places to keep for each observation
PLACES = 5
#: microseconds after its reset, and before its check-out, in which a connection may be in flight: a rollback over the
#: network, a thread that waits for its turn
IN_FLIGHT = 2_000_000
#: microseconds that connecting takes at most; it is logged when it is done
CONNECTING = 30_000_000
# at least so many overflow closes, most of which see the same number idle and none a smaller one, tell pool_size
# alone: what is in flight differs from close to close
_AGREEING = 20
_MOST = 0.6
# other pools under the same logger: at least so often, and at least so large a share of the connections created, an
# idle connection was passed over and yet used again
_STRANGE = 3
_STRANGE_SHARE = 0.1
# or so often, and so much more often than one was created, though each of them may have come back meanwhile
_DOUBTFUL = 20
_DOUBTFUL_SHARE = 2


class Event(NamedTuple):
    """One event of a group, by its numbers."""

    kind: int
    detail: int
    connection: int | None
    thread: int | None
    time: int | None
    source: int
    line: int

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source, self.line


class Vote(NamedTuple):
    """A connection was taken, and another, idle for longer or shorter, was not.

    Attributes:
        how: ``fifo`` or ``lifo``, what that tells.
        at: the number of the event; None where the other one may have been in flight.
        time: of the event.
        place: of the event.
    """

    how: str
    at: int | None
    time: int | None
    place: Place


@dataclass()
class Idle:
    """A connection that seems idle.

    Attributes:
        since: from which event on.
        time: of that event.
        thread: of that event.
        ready: whether nothing else has to be done before it enters the queue.
        returned: whether its return was seen.
        settled: from which event on it is certainly in the queue.
        passed: how many connections were created meanwhile for want of an idle one.
        passed_over: those of them that count.
        is_strange: whether it was certainly in its queue when one of them was.
        votes: what its staying there may tell of the order.
    """

    since: int
    time: int | None
    thread: int | None
    ready: bool
    returned: bool
    settled: int | None = None
    passed: int = 0
    passed_over: int = 0
    is_strange: bool = False
    votes: list[Vote] = field(default_factory=list)

    def is_before(self, other: Idle) -> bool:
        """Whether it was certainly put into the queue before another."""
        if self.settled is not None and self.settled <= other.since:
            return True
        return self.time is not None and other.time is not None and self.time + IN_FLIGHT <= other.time


@stateful
class Seen:
    """What the studies of a pool have shown.

    Attributes:
        most: per number of connections that seemed idle while a queue was full, how often, and where.
        least: how many were certainly idle at once, and where.
        order: how often the connection taken was the one idle longest (``fifo``), shortest (``lifo``), neither.
        order_places: where.
        strange: connections passed over and yet used again.
        doubtful: those that may have come back only while another one was made.
        created: connections created for want of an idle one.
        is_certain: whether one of the strange ones was certainly in a queue while it was passed over.
    """

    most: Counter[int] = field(default_factory=Counter)
    most_places: defaultdict[int, list[Place]] = field(default_factory=lambda: defaultdict(list))
    least: int = 0
    least_places: list[Place] = field(default_factory=list)
    order: Counter[str] = field(default_factory=Counter)
    order_places: defaultdict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    strange: int = 0
    doubtful: int = 0
    created: int = 0
    is_certain: bool = False

    @property
    def is_mixed(self) -> bool:
        """Whether more than one pool seems to be behind it."""
        return self.is_certain or self.strange >= max(_STRANGE, _STRANGE_SHARE * self.created)

    @property
    def may_be_mixed(self) -> bool:
        """Whether it is, or what may have come back meanwhile is too much for one pool."""
        return self.is_mixed or self.doubtful >= max(_DOUBTFUL, _DOUBTFUL_SHARE * self.created)

    @property
    def size_agreed(self) -> int | None:
        """The number of idle connections that most full queues show, and none fewer."""
        total = self.most.total()
        least = min(self.most, default=0)
        return least if total >= _AGREEING and self.most[least] >= _MOST * total else None

    def note_full(self, most: int, place: Place) -> None:
        """A full queue held so many at most."""
        self.most[most] += 1
        _keep(self.most_places[most], place)

    def note_spans(self, spans: list[tuple[int, int, Place]]) -> None:
        """Connections were certainly idle from one moment to another, ends included: as many as overlap at once."""
        level = most = when = 0
        for at, over in sorted([(first, 0) for first, _, _ in spans] + [(last, 1) for _, last, _ in spans]):
            level += -1 if over else 1
            if level > most:
                most, when = level, at
        if most < max(1, self.least):
            return
        places = sorted(place for first, last, place in spans if first <= when <= last)[:PLACES]
        if most > self.least or places < self.least_places:
            self.least, self.least_places = most, places

    def count(self, how: str, place: Place) -> None:
        """A check-out tells the order in which connections leave the queue."""
        self.order[how] += 1
        _keep(self.order_places[how], place)


def _keep(places: list[Place], place: Place) -> None:
    """Keeps the first few in the logs, in whatever order the processes' events come."""
    insort(places, place)
    del places[PLACES:]
