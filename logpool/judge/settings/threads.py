"""What the threads of a log tell of connections in flight: a thread does one thing after another."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful

if TYPE_CHECKING:
    from logpool.judge.settings.seen import Event, Idle


@stateful
class Threads:
    """The threads of one stretch of a log.

    Attributes:
        is_sound: whether they can be relied on: not where tasks share a thread, or several threads have one name.
        last: the number of each one's last event.
    """

    is_sound: bool
    last: dict[int, int] = field(default_factory=dict)
    # what a thread has just returned (and whether with its reset), or created
    _returned: dict[int, tuple[int, bool]] = field(default_factory=dict)
    _created: dict[int, int] = field(default_factory=dict)

    @property
    def is_alone(self) -> bool:
        """Whether one thread alone uses the pool."""
        return self.is_sound and len(self.last) == 1

    def before(self, event: Event) -> int | None:
        """The number of the event that the thread had before this one; None where nothing can be relied on."""
        return self.last.get(event.thread) if self.is_sound and event.thread is not None else None

    def returns(self, event: Event, connection: int, *, ready: bool) -> None:
        """A thread returns a connection, or resets what it returned."""
        if event.thread is not None:
            self._returned[event.thread] = connection, ready

    def creates(self, event: Event, connection: int) -> None:
        """A thread creates a connection."""
        if event.thread is not None:
            self._created[event.thread] = connection

    def settle(self, at: int, event: Event, idle: dict[int, Idle], *, resets: bool) -> None:
        """A thread does something: what it returned before is in the queue by now."""
        thread, connection = event.thread, event.connection
        if thread is None:
            self.is_sound = False
        if thread is None or not self.is_sound:
            return
        made = self._created.pop(thread, connection)
        returned, reset = self._returned.pop(thread, (None, True))
        # one thread uses what it creates, and resets what it returns, before it does anything else
        elsewhere = connection is not None and made != connection
        unreset = not reset and resets and connection not in {None, returned}
        if elsewhere or unreset:
            self.is_sound = False
        elif returned in idle and idle[returned].thread == thread and idle[returned].settled is None:
            idle[returned].settled = at
