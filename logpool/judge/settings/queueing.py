"""What a QueuePool's log shows of its queue: how many connections wait in it, and in which order they leave it.

The pool logs neither that a connection enters its queue nor that one leaves it: it enters some time after its
``reset`` (or its ``returned``, where nothing is reset), and leaves some time before its ``checked_out``. So the
connections that seem idle in the log are at least those in the queue; what is in between is in flight.

*Upper bound of pool_size.* A connection that is closed right after its own reset found the queue full. So
``pool_size`` is at most the number that seemed idle while it was put, plus the entries of the queue that the log
does not show: connections idle since before the log, and places whose connection is gone (invalidated, detached).
The pool creates a connection only for such a place, or when its queue is empty. There are ``pool_size`` hidden
entries at most; so once more connections were created than seem idle at that close, one of them was created when the
queue was empty, and no hidden entry is left.

*Lower bound.* As many as were certainly in the queue at once: a connection is in it from the next event of the
thread that returned it to the last event before the check-out of the thread that took it; without threads, from some
time after its reset to some time before its check-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.judge.settings.full import FullQueues
from logpool.judge.settings.seen import CONNECTING, IN_FLIGHT, Idle, Vote
from logpool.judge.settings.threads import Threads
from logpool.schema import Detail, Kind

if TYPE_CHECKING:
    from logpool.judge.settings.seen import Event, Place, Seen

# events of the pool for which nothing is concluded after a place in the queue may have lost its connection: by then
# that place has been put back
_UNSETTLED = 50
# a close so many events after its reset at most is the pool's answer to the return
_RIGHT_AFTER = 100
# passed over by so many connections created for want of an idle one, a connection that is not in flight is in another
# queue, or in none
_PASSED_OVER = 3

_CREATED = int(Kind.CREATED)
_RENEWED = frozenset({int(Kind.DISPOSED), int(Kind.RECREATED)})
_QUIET = frozenset({int(Kind.PINGED), int(Kind.PING_SKIPPED), int(Kind.SOFT_INVALIDATED)})
_ALREADY = int(Detail.ALREADY_RESET)


@stateful
class Study:
    """Follows a stretch of one group's events, one at a time.

    Attributes:
        seen: what it adds to.
        by_threads: whether one thread does one thing after another, so that its events order the queue's; not so
            where tasks share a thread.
    """

    seen: Seen
    by_threads: bool
    _resets: bool = False
    _is_first: bool = True

    def __post_init__(self) -> None:
        self._steps = {
            int(Kind.CHECKED_OUT): self._take,
            int(Kind.RETURNED): self._give,
            int(Kind.RESET): self._reset,
            int(Kind.CREATED): self._create,
            int(Kind.CLOSING): self._close,
            int(Kind.RECYCLED): self._recycle,
            int(Kind.INVALIDATED): self._invalidate,
        }
        self.begin()

    def begin(self) -> None:
        """Begins a stretch, of whose past nothing is known."""
        self._at = 0
        # in the order in which they were returned, or reset
        self._idle: dict[int, Idle] = {}
        self._levels = [0]
        self._out: set[int] = set()
        # once the pool was replaced, the connections of the new one
        self._own: set[int] | None = None
        self._recycling: set[int] = set()
        self._replacing = 0
        # up to which event nothing is concluded, and whether that was ever so
        self._unsettled = 0
        self._fouls = 0
        # connections created for want of an idle one, and whether none seemed idle at the last
        self._fresh = 0
        self._clean = False
        # those that other pools' may be
        self._strangers: set[int] = set()
        self._suspect = False
        self._full = FullQueues()
        self._threads = Threads(self.by_threads)
        # whether the log seems to show all that ever happened to this pool; so it does as long as it names no
        # connection that it has not created
        self._begun = False
        self._whole = False
        self._created: set[int] = set()
        # where connections were certainly idle: by one thread's events, by several threads', by time
        self._spans: tuple[list[tuple[int, int, Place]], ...] = ([], [], [])
        self._latest: int | None = None

    def see(self, event: Event) -> None:
        """Takes the next event of the group."""
        self._at += 1
        if self._at == 1:
            self._start(event)
        if event.time is not None:
            if self._latest is not None and event.time < self._latest - IN_FLIGHT:
                self._step_back()
                self._latest = event.time
            self._latest = event.time if self._latest is None else max(event.time, self._latest)
        self._threads.settle(self._at, event, self._idle, resets=self._resets)
        step = self._steps.get(event.kind)
        if event.connection is None:
            self._see_nameless(event.kind)
        elif step is not None:
            step(event.connection, event)
        elif event.kind not in _QUIET:
            self._foul()
        if event.thread is not None:
            self._threads.last[event.thread] = self._at
        self._levels.append(len(self._idle))

    def _step_back(self) -> None:
        """The clock steps back: no time from before can be compared with one from now on."""
        _, _, by_time = self._spans
        self.seen.note_spans(by_time)
        by_time.clear()
        for idle in self._idle.values():
            idle.time = None
            idle.votes = [vote._replace(time=None) for vote in idle.votes]

    def _start(self, event: Event) -> None:
        """A stretch that begins in the middle may begin with connections in flight that it never named."""
        self._begun = self._whole = self._is_first and event.kind == _CREATED
        if not self._begun:
            self._unsettled = _UNSETTLED

    def _presume(self, connection: int) -> None:
        """Takes back what was concluded from the log's beginning, if that was not the pool's."""
        if self._begun and connection not in self._created:
            self._begun = False
            self._full.retract(0)
            self._foul()

    def _see_nameless(self, kind: int) -> None:
        if kind in _RENEWED:
            # what was closed just now may have been closed by this; what is out goes back to the old pool
            self._full.retract(self._at - _RIGHT_AFTER)
            self._idle.clear()
            self._out.clear()
            self._strangers.clear()
            self._own = set()
        self._foul()

    @property
    def _is_alone(self) -> bool:
        """Whether one thread alone uses the pool, so that nothing is ever in flight."""
        return self._resets and self._threads.is_alone

    # -- a connection leaves the queue

    def _take(self, connection: int, event: Event) -> None:
        self._presume(connection)
        idle = self._idle.get(connection)
        self._note_strange(connection, idle, event)
        if idle is not None:
            self._vote(connection, idle, event)
            del self._idle[connection]
            self._note_spans(idle, event)
            self._count_votes(idle, event)
        self._full.use(connection)
        self._out.add(connection)

    def _note_strange(self, connection: int, idle: Idle | None, event: Event) -> None:
        certain = connection in self._strangers or (idle is not None and idle.is_strange)
        # a new connection is logged when it is made: one that came back meanwhile was not there when it was asked for
        unknown = event.thread is None and event.time is None
        passed_over = idle is not None and idle.passed_over > 0
        self.seen.doubtful += passed_over and not certain
        if certain or (unknown and passed_over):
            self._strangers.discard(connection)
            self.seen.strange += 1
            self.seen.is_certain |= certain and self._whole
            self._suspect = True

    def _vote(self, connection: int, idle: Idle, event: Event) -> None:
        """Looks whether this connection was idle longest, or shortest, of those in the queue."""
        # where another pool may be behind the logger, two connections may be one of each
        enough = 3 if self._suspect else 2
        if len(self._idle) < enough or any(other.passed or not other.ready for other in self._idle.values()):
            return
        longest, shortest = next(iter(self._idle)), next(reversed(self._idle))
        if connection not in {longest, shortest}:
            self.seen.count("neither", event.place)
            return
        how, left = ("fifo", self._idle[shortest]) if connection == longest else ("lifo", self._idle[longest])
        first, second = (idle, left) if how == "fifo" else (left, idle)
        if self._is_alone:
            self.seen.count(how, event.place)
        elif first.is_before(second) and self._is_queued(left, event):
            left.votes.append(Vote(how, self._at, event.time, event.place))
        elif not left.votes:
            # if it was in flight, it was so for all of them
            left.votes.append(Vote(how, None, None, event.place))

    def _count_votes(self, idle: Idle, event: Event) -> None:
        """Counts the votes that a connection, taken now, bore: all where it was certainly in the queue, else one."""
        before = self._threads.before(event)
        last = None if event.time is None else event.time - IN_FLIGHT
        counted = False
        for vote in idle.votes:
            by_threads = before is not None and vote.at is not None and vote.at <= before
            by_time = last is not None and vote.time is not None and vote.time <= last
            if by_threads or by_time or not counted:
                self.seen.count(vote.how, vote.place)
                counted = True

    def _note_spans(self, idle: Idle, event: Event) -> None:
        alone, several, by_time = self._spans
        before = self._threads.before(event)
        alone.append((idle.since, self._at - 1, event.place))
        if idle.settled is not None and before is not None and idle.settled <= before:
            several.append((idle.settled, before, event.place))
        if idle.time is not None and event.time is not None and idle.time + 2 * IN_FLIGHT <= event.time:
            by_time.append((idle.time + IN_FLIGHT, event.time - IN_FLIGHT, event.place))

    def _recycle(self, connection: int, _event: Event) -> None:
        self._idle.pop(connection, None)
        self._full.use(connection)
        self._recycling.add(connection)
        self._replacing += 1

    # -- a connection comes back

    def _give(self, connection: int, event: Event) -> None:
        self._presume(connection)
        self._end(connection)
        if self._own is None or connection in self._own:
            self._wait(connection, event, ready=event.detail == _ALREADY or not self._resets, returned=True)

    def _reset(self, connection: int, event: Event) -> None:
        self._resets = True
        if connection in self._out:
            # detached, its place in the queue has been empty for who knows how long
            self._foul()
        elif connection in self._idle or self._own is None:
            self._wait(connection, event, ready=True, returned=connection in self._idle)

    def _wait(self, connection: int, event: Event, *, ready: bool, returned: bool) -> None:
        self._idle.pop(connection, None)
        self._idle[connection] = Idle(self._at, event.time, event.thread, ready, returned)
        self._threads.returns(event, connection, ready=ready)

    def _end(self, connection: int) -> None:
        self._out.discard(connection)
        self._full.end(connection)

    # -- a connection begins, or ends

    def _create(self, connection: int, event: Event) -> None:
        self._idle.pop(connection, None)
        self._out.discard(connection)
        self._strangers.discard(connection)
        self._created.add(connection)
        if self._own is not None:
            self._own.add(connection)
        self._threads.creates(event, connection)
        if self._replacing:
            self._replacing -= 1
            return
        for idle in self._idle.values():
            idle.passed += 1
        if self._at >= self._unsettled:
            self._fresh += 1
            self.seen.created += 1
            self._clean = not self._idle
            self._pass_over(event)

    def _pass_over(self, event: Event) -> None:
        """A connection was created for want of an idle one: those that seem idle are in flight, or another pool's."""
        for other, idle in list(self._idle.items()):
            idle.passed_over += 1
            idle.is_strange |= self._was_queued(idle, event)
            # what may only be in flight stays: the queue holds no more than what seems idle
            if idle.passed_over >= _PASSED_OVER and idle.is_strange:
                self._strangers.add(other)
                del self._idle[other]

    def _is_queued(self, idle: Idle, event: Event) -> bool:
        """Whether a connection was certainly in its queue when another one was looked for, if it was not taken."""
        if idle.time is not None and event.time is not None and event.time - idle.time > IN_FLIGHT:
            return True
        before = self._threads.before(event)
        return self._is_alone or (idle.settled is not None and before is not None and idle.settled <= before)

    def _was_queued(self, idle: Idle, created: Event) -> bool:
        """The same, when the pool looked for one before it made another: the log shows when that was made."""
        if created.thread is None or self._is_alone:
            return self._is_queued(idle, created)
        if idle.time is not None and created.time is not None and created.time - idle.time > IN_FLIGHT + CONNECTING:
            return True
        before = self._threads.before(created)
        return idle.settled is not None and before is not None and idle.settled <= before

    def _close(self, connection: int, event: Event) -> None:
        idle = self._idle.pop(connection, None)
        if connection in self._recycling:
            self._recycling.discard(connection)
        elif idle is None:
            self._foul()
        else:
            self._full.close(connection)
            self._note_full(idle, event)
        self._end(connection)

    def _note_full(self, idle: Idle, event: Event) -> None:
        right_after = self._at - idle.since <= _RIGHT_AFTER and idle.thread == event.thread
        if not (right_after and idle.ready and idle.returned and self._clean) or self._at < self._unsettled:
            return
        # the most that seemed idle while it was put, without itself
        most = max(self._levels[idle.since :]) - 1
        if most and self._fresh > most + self._fouls:
            self._full.add(self._at, most, event.place, set(self._idle), self._out)

    def _invalidate(self, connection: int, _event: Event) -> None:
        self._idle.pop(connection, None)
        self._end(connection)
        self._foul()

    def _foul(self) -> None:
        """A place in the queue may have lost its connection: counts anew, after a while."""
        self._unsettled = self._at + _UNSETTLED
        self._fouls = 1
        self._fresh = self._replacing = 0
        self._clean = self._whole = False

    def finish(self) -> None:
        """Ends a stretch, and concludes."""
        self._full.tell(self.seen)
        alone, several, by_time = self._spans
        if self._resets and self._threads.is_sound:
            self.seen.note_spans(alone if self._is_alone else several)
        self.seen.note_spans(by_time)
        self._is_first = False
        self.begin()
