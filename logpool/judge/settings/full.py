"""Closes that found the queue full, until it is known that nothing else closed the connection."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import dataclass, stateful

if TYPE_CHECKING:
    from logpool.judge.settings.seen import Place, Seen

# so many closes are followed at once until they are decided
_UNDECIDED = 16


@dataclass()
class _Full:
    """A close that seems to have found the queue full.

    Attributes:
        at: the number of the event.
        idle: how many seemed idle at most.
        place: of the event.
        others: those of them that have not been used, or closed, since. To dispose of a pool closes them all.
        out: the connections that were out, and have not come back. One that never does may have been detached, and
            its place in the queue have been empty.
        stands: whether one of the others was used since.
    """

    at: int
    idle: int
    place: Place
    others: set[int]
    out: set[int]
    stands: bool = False


@stateful
class FullQueues:
    """The closes of one stretch that found the queue full."""

    _open: list[_Full] = field(default_factory=list)
    _decided: list[_Full] = field(default_factory=list)

    def add(self, at: int, idle: int, place: Place, others: set[int], out: set[int]) -> None:
        """A connection was closed right after its reset."""
        if len(self._open) < _UNDECIDED:
            self._open.append(_Full(at, idle, place, others, set(out)))

    def use(self, connection: int) -> None:
        """A connection left the queue to be used: whoever closed others before did not close them all."""
        for full in self._open:
            if connection in full.others:
                full.stands = True

    def close(self, connection: int) -> None:
        """An idle connection was closed."""
        for full in self._open:
            full.others.discard(connection)

    def end(self, connection: int) -> None:
        """A connection came back, so until now it was the pool's."""
        if not self._open:
            return
        for full in self._open:
            full.out.discard(connection)
        self._decided += [full for full in self._open if full.stands and not full.out]
        self._open = [full for full in self._open if full.out or not full.stands]
        self._open = [full for full in self._open if full.others or full.stands]

    def retract(self, since: int) -> None:
        """What was closed from some event on may have been closed otherwise."""
        self._open = [full for full in self._open if full.at < since]
        self._decided = [full for full in self._decided if full.at < since]

    def tell(self, seen: Seen) -> None:
        """Concludes."""
        for full in (*self._decided, *self._open):
            if full.stands:
                seen.note_full(full.idle + len(full.out), full.place)
