"""Real SQLAlchemy pools, driven at random by a seed: the log that they write, and the truth about it.

The truth is counted from what the pool *does*: its own events, the calls that it makes to the dialect and the
driver, and how its ``connect()`` ends. Nothing of it is read from the log. Where a truth needs a definition (what
a fresh checkout is, how one ends), it is the one of the report's own documentation.

Everything here runs on SQLAlchemy 1.3, 1.4, 2.0 and 2.1; the pools' internals differ between them, what they tell
does not.
"""

from __future__ import annotations

import gc
import io
import json
import logging
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy import pool as sa_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from logpool.report.model import Pool

    # what SQLAlchemy hands out; its types differ from version to version
    Handle = Any

VERSION = tuple(int(part) for part in sa.__version__.split(".")[:2])
LAYOUTS = {
    "document": "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "echo": "%(asctime)s %(levelname)s %(name)s %(message)s",
    "threads": "%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s",
    "basic": "%(levelname)s:%(name)s:%(message)s",
    "json": "json",
}
TIMELESS = frozenset({"basic"})
SHARED = frozenset({"StaticPool", "SingletonThreadPool"})
_ROOM = {"QueuePool", "SingletonThreadPool"}
_APPLICATION = logging.getLogger("oracle.application")
_POOLS = logging.getLogger("sqlalchemy.pool")

# what goes wrong, and how often a step of the traffic is one of these
FAULTS = {
    "connect": 3,
    "connect_listener": 2,
    "kill_idle": 6,
    "kill_used": 3,
    "invalidate": 4,
    "soft_invalidate": 4,
    "failing_reset": 3,
    "failing_close": 3,
    "leak": 4,
    "leak_for_good": 1,
    "detach": 3,
    "dispose": 2,
    "age": 4,
    "disconnect_one": 3,
    "disconnect_all": 3,
    "empty": 3,
    "exhaust": 2,
    "listener": 3,
    "exhausted_pool": 2,
}
_TRAFFIC = {"check_out": 30, "transact": 12, "use": 12, "give_back": 30}
# these close no connection that another is using as well
SOCIABLE = ("connect", "soft_invalidate", "failing_close", "leak", "leak_for_good", "age", "dispose")
_REASONS = (
    "",
    "server closed the connection unexpectedly",
    "(reason: none) [1: 2] <object at 0xdead>: (a) (b",
    'could not connect: FATAL: "x" (y)\n\tIs the server running on host "db" [10.0.0.1]: (port 5432)?\nHINT: no',
)


class EmptiedError(exc.DisconnectionError):
    """What a listener raises that takes a connection away from the pool: as after a fork, where it is another's."""


class StaleError(exc.DisconnectionError):
    """What a listener raises that finds a connection dead: an exception of the application's own."""


class FailedOverError(getattr(exc, "InvalidatePoolError", exc.DisconnectionError)):  # type: ignore[misc]
    """The same, of one that finds all of them dead."""


class Fault(RuntimeError):  # noqa: N818 - as the application might call it
    """What the application raises."""


@dataclass(eq=False)
class Life:
    """One connection from its making to its close."""

    pool: str
    address: str
    uses: int = 0
    closed: bool = False
    out: list[Use] = field(default_factory=list)


@dataclass(eq=False)
class Use:
    """One checkout: the connection it is on, and how it ended."""

    pool: str
    fresh: bool
    life: Life | None = None
    end: str = "open"
    complete: bool = False


class Connection(sqlite3.Connection):
    """A real SQLite connection that fails when it is told to."""

    life: Life
    is_dead = False
    breaks_reset = False
    breaks_close = False

    def cursor(self, *arguments: Any) -> Any:  # noqa: ANN401 - as SQLite has it
        """A cursor, unless the connection is dead."""
        self._require_life()
        return super().cursor(*arguments)

    def rollback(self) -> None:
        """Rolls back, or fails."""
        self._fail_reset()
        super().rollback()

    def commit(self) -> None:
        """Commits, or fails."""
        self._fail_reset()
        super().commit()

    def close(self) -> None:
        """Closes, or fails."""
        if self.breaks_close:
            msg = "cannot close: [disk] (full)"
            raise sqlite3.OperationalError(msg)
        super().close()

    def _require_life(self) -> None:
        # closed behind the pool's back, as the dialect knows it; to close it in fact would crash other threads
        if self.is_dead:
            msg = "Cannot operate on a closed database."
            raise sqlite3.ProgrammingError(msg)

    def _fail_reset(self) -> None:
        self._require_life()
        if self.breaks_reset:
            msg = "cannot reset (reason: [broken])\nsecond line: of it"
            raise sqlite3.OperationalError(msg)

    def __del__(self) -> None:
        # Python 3.13 warns of a connection that nobody closed
        with suppress(sqlite3.Error):
            super().close()


@dataclass
class Ledger:
    """The counts of one pool, or of all together."""

    counts: Counter[str] = field(default_factory=Counter)
    addresses: set[tuple[str, str]] = field(default_factory=set)
    uses: list[Use] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    opened: int = 0
    out: int = 0
    peak_open: int = 0
    peak_out: int = 0

    def open(self, change: int) -> None:
        """More or fewer connections are open."""
        self.opened += change
        self.peak_open = max(self.peak_open, self.opened)

    def take(self, change: int) -> None:
        """More or fewer connections are out."""
        self.out += change
        self.peak_out = max(self.peak_out, self.out)

    def figures(self, *, timeless: bool, resets: bool) -> dict[str, object]:
        """What the report must say, by dotted name.

        Args:
            timeless: whether the log has no times, so that nothing lasts a known time.
            resets: whether the pool resets what is returned.
        """
        counts, uses = self.counts, self.uses
        served = [use for use in uses if use.end != "failed"]
        fresh = sum(use.fresh for use in served)
        ends = Counter(use.end for use in uses)
        return {
            **{name: counts[name] for name in _COUNTED},
            "resets.none": 0 if resets else counts["returned"],
            "checkouts": len(uses),
            "fresh_checkouts": fresh,
            "reused_checkouts": len(served) - fresh,
            "failed_checkouts": ends["failed"],
            "reuse_ratio": (len(served) - fresh) / len(served) if served else None,
            "distinct_addresses": len(self.addresses),
            "open_at_end": self.opened,
            "checked_out_at_end": self.out,
            "peak_open": self.peak_open,
            "peak_checked_out": self.peak_out,
            "hold_seconds.count": 0 if timeless else len(uses) - ends["open"] - ends["lost"],
            "life_seconds.count": 0 if timeless else sum(life.closed for life in self.lives),
            "sequence.complete": sum(use.complete for use in uses),
            "sequence.violations": counts["resets.failed"],
            **{f"ends.{end}": ends[end] for end in _ENDS},
            **{f"closes.{cause}": counts[f"closes.{cause}"] for cause in CAUSES},
            "censored.lives": 0,
            "censored.checkouts": 0,
            "balanced": not ends["lost"],
        }


_COUNTED = (
    "created",
    "closed",
    "hard_closed",
    "connect_errors",
    "returned",
    "resets.already_reset",
    "resets.rollback",
    "resets.commit",
    "resets.failed",
    "pings.sent",
    "pings.failed",
    "pings.skipped",
    "invalidated",
    "soft_invalidated",
    "recycled",
    "reclaimed",
    "dropped",
)
_ENDS = ("returned", "invalidated", "failed", "detached", "reclaimed", "lost", "open")
CAUSES = (
    "overflow",
    "nullpool",
    "age",
    "pool_invalidation",
    "soft_invalidation",
    "invalidated",
    "ping_failed",
    "disposed",
    "detached",
    "reclaimed",
    "reset_failed",
    "not_ready",
    "unknown",
)
PEAKS = ("peak_open", "peak_checked_out")


def figures(pool: Pool) -> dict[str, object]:
    """The figures of a report's pool under the names that :meth:`Ledger.figures` gives them."""
    flat: dict[str, object] = {}
    for name, value in asdict(pool).items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": number for inner, number in value.items()}
        else:
            flat[name] = value
    return {name: flat[name] for name in Ledger().figures(timeless=True, resets=True)}


@dataclass(frozen=True)
class Scenario:
    """How the pools are set up, what goes wrong, and how the log is laid out.

    Attributes:
        pools: the pool classes, one engine each; all write into one log.
        lifo: a QueuePool's order.
        size: ``pool_size``.
        overflow: ``max_overflow``.
        timeout: ``pool_timeout``.
        pre_ping: whether connections are tested when they are checked out.
        recycle: whether old connections are replaced.
        reset: ``reset_on_return``.
        layout: a name of :data:`LAYOUTS`.
        faults: names of :data:`FAULTS`.
        steps: how much happens, in each thread.
        threads: how many threads make it happen.
        users: how many connections one thread holds at most.
    """

    pools: tuple[str, ...] = ("QueuePool",)
    lifo: bool = False
    size: int = 3
    overflow: int = 2
    timeout: float = 0.001
    pre_ping: bool = False
    recycle: bool = False
    reset: str | None = "rollback"
    layout: str = "document"
    faults: tuple[str, ...] = tuple(FAULTS)
    steps: int = 120
    threads: int = 1
    users: int = 6

    @property
    def timeless(self) -> bool:
        """Whether the log has no times."""
        return self.layout in TIMELESS


@dataclass(frozen=True)
class Snapshot:
    """What is true after so many lines of the log: the figures per pool logger, and all together (``None``)."""

    lines: int
    figures: dict[str | None, dict[str, object]]
    timeouts: int


@dataclass(frozen=True)
class Truth:
    """What happened.

    Attributes:
        end: what is true at the end.
        moments: what was true on the way, whenever nothing was going on.
        codes: how many violations of each code.
    """

    end: Snapshot
    moments: list[Snapshot]
    codes: Counter[str]


@dataclass
class _Attempt:
    """One call of the pool's ``connect()``."""

    use: Use | None = None
    pinged: bool = False
    # the connection has just failed; what it was on has been closed
    failing: bool = False
    moving: bool = False
    disconnections: int = 0
    invalidating: bool = False


class _Now(threading.local):
    """What a thread is in the middle of."""

    attempt: _Attempt | None = None
    # the connection whose reset is under way, and whose checkout it is if it was returned
    reset: tuple[Life, Use | None] | None = None
    # the pool is about to throw away what could not be reset
    failed_reset = False
    terminating = False
    # why the next connection will be closed, and whether its pool is being disposed of
    cause: str | None = None
    disposing = False
    # what the thread counted last, by pool
    latest: dict[str, str]
    # what is to go wrong next
    plan: list[BaseException]
    connect_faults: list[BaseException]
    listener_faults: list[BaseException]

    def __init__(self) -> None:
        self.plan, self.connect_faults, self.listener_faults = [], [], []
        self.latest = {}


class Witness:
    """Counts what pools do.

    Attributes:
        books: the ledger of each pool logger.
        totals: the one of all together.
        problems: what the witness itself could not make sense of; none in the end, or it is no witness.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.books: defaultdict[str, Ledger] = defaultdict(Ledger)
        self.totals = Ledger()
        self.problems: list[str] = []
        self.timeouts = 0
        self.lock = threading.RLock()
        self.now = _Now()
        self.connections: list[Callable[[], Connection | None]] = []
        self.records: dict[int, Handle] = {}
        # what was counted last, by pool
        self.latest: dict[str, str] = {}
        self._last_at: dict[tuple[str, str], Life] = {}

    # -- what is counted

    def _ledgers(self, pool: str) -> tuple[Ledger, Ledger]:
        return self.books[pool], self.totals

    def count(self, pool: str, name: str, change: int = 1) -> None:
        """Counts one thing."""
        self.latest[pool] = self.now.latest[pool] = name
        for ledger in self._ledgers(pool):
            ledger.counts[name] += change

    def _begin(self, pool: str, life: Life) -> Use:
        use = Use(pool, fresh=not life.uses, life=life)
        life.uses += 1
        life.out.append(use)
        for ledger in self._ledgers(pool):
            ledger.uses.append(use)
            ledger.take(1)
        return use

    def _end(self, use: Use, end: str) -> None:
        use.end = end
        if use.life is not None and use in use.life.out:
            use.life.out.remove(use)
        for ledger in self._ledgers(use.pool):
            ledger.take(-1)

    # -- the driver

    def creator(self, pool: str, path: Path) -> Callable[[], Connection]:
        """A function that connects, or fails."""

        def connect() -> Connection:
            with self.lock:
                if self.now.connect_faults:
                    self.count(pool, "connect_errors")
                    raise self.now.connect_faults.pop()
                connection = sqlite3.connect(path, check_same_thread=False, factory=Connection)
                self._created(pool, connection)
                return connection

        return connect

    def _created(self, pool: str, connection: Connection) -> None:
        import weakref  # noqa: PLC0415

        address = hex(id(connection))
        life = connection.life = Life(pool, address)
        self.connections.append(weakref.ref(connection))
        self.count(pool, "created")
        lost = self._last_at.get((pool, address))
        if lost is not None and not lost.closed:
            for use in list(lost.out):
                self._end(use, "lost")
        self._last_at[pool, address] = life
        for ledger in self._ledgers(pool):
            ledger.addresses.add((pool, address))
            ledger.lives.append(life)
            ledger.open(1)
        attempt = self.now.attempt
        if attempt is not None and attempt.moving and attempt.use is not None:
            attempt.use.life, attempt.use.fresh, attempt.moving = life, True, False
            life.uses, life.out = 1, [attempt.use]

    # -- the dialect

    def watch_dialect(self, dialect: Handle) -> None:
        """Listens to the calls that a pool makes to its dialect."""
        ping = "_do_ping_w_event" if hasattr(dialect, "_do_ping_w_event") else "do_ping"
        for name, before in (
            (ping, self._pinging(getattr(dialect, ping))),
            ("do_rollback", self._resetting(dialect.do_rollback, "rollback")),
            ("do_commit", self._resetting(dialect.do_commit, "commit")),
            ("do_close", self._closing(dialect.do_close, hard=False)),
        ):
            setattr(dialect, name, before)
        if hasattr(dialect, "do_terminate"):
            dialect.do_terminate = self._closing(dialect.do_terminate, hard=True)

    def _pinging(self, ping: Callable[[Connection], bool]) -> Callable[[Connection], bool]:
        def pinged(connection: Connection) -> bool:
            with self.lock:
                attempt = self._attempt_on(connection.life)
                attempt.pinged = True
                self.count(connection.life.pool, "pings.sent")
            alive = ping(connection)
            if not alive:
                with self.lock:
                    self.count(connection.life.pool, "pings.failed")
                    attempt.failing = True
                    attempt.pinged = False
            return alive

        return pinged

    def _resetting(self, reset: Callable[[Handle], None], how: str) -> Callable[[Handle], None]:
        def done(fairy: Handle) -> None:
            connection = _driver_connection(fairy)
            pending, self.now.reset = self.now.reset, None
            if pending is None or pending[0] is not connection.life:
                self.now.reset = pending
                reset(fairy)
                return
            life, use = pending
            with self.lock:
                self.count(life.pool, "resets.already_reset", -(self.scenario.reset == "rollback"))
                self.count(life.pool, f"resets.{how}")
            try:
                reset(fairy)
            except Exception:
                with self.lock:
                    self.count(life.pool, "resets.failed")
                    self.now.failed_reset = True
                    if use is not None:
                        use.complete = False
                raise

        return done

    def _closing(self, close: Callable[[Connection], None], *, hard: bool) -> Callable[[Connection], None]:
        def closed(connection: Connection) -> None:
            if not self.now.terminating:
                with self.lock:
                    self._closed(connection.life, hard=hard)
            before, self.now.terminating = self.now.terminating, hard
            try:
                close(connection)
            finally:
                self.now.terminating = before

        return closed

    def _closed(self, life: Life, *, hard: bool) -> None:
        if life.closed:
            self.problems.append(f"{life} is closed twice")
        life.closed = True
        self.count(life.pool, "closed")
        self.count(life.pool, "hard_closed", int(hard))
        # nothing announces the close of what a listener failed to set up
        self.count(life.pool, f"closes.{self.now.cause or 'not_ready'}")
        self.now.cause = None
        for ledger in self._ledgers(life.pool):
            ledger.open(-1)

    # -- the pool's events

    def watch_pool(self, pool: Handle) -> None:
        """Listens to a pool's events; the pools that replace it go on telling."""
        for name in ("connect", "checkout", "reset", "invalidate", "soft_invalidate", "close", "close_detached"):
            event.listen(pool, name, getattr(self, f"_on_{name}"))

    def _on_connect(self, connection: Connection, record: Handle) -> None:
        self.records[id(connection)] = record
        if self.now.listener_faults:
            raise self.now.listener_faults.pop()

    def _attempt_on(self, life: Life) -> _Attempt:
        attempt = self.now.attempt
        if attempt is None:
            self.problems.append(f"{life} is checked out, but nobody asked")
            attempt = self.now.attempt = _Attempt()
        if attempt.use is None:
            attempt.use = self._begin(life.pool, life)
        elif attempt.use.life is not life:
            self.problems.append(f"{attempt.use} is on {life}")
        return attempt

    def _on_checkout(self, connection: Connection, record: Handle, fairy: Handle) -> None:
        with self.lock:
            attempt = self._attempt_on(connection.life)
            if self.scenario.pre_ping and not attempt.pinged:
                self.count(connection.life.pool, "pings.skipped")
            attempt.pinged = False
            if self.now.plan:
                fault = self.now.plan.pop()
                attempt.failing = isinstance(fault, exc.DisconnectionError)
                if isinstance(fault, EmptiedError):
                    for handle in (record, fairy):
                        setattr(handle, "dbapi_connection" if VERSION >= (1, 4) else "connection", None)
                    self._moves(attempt, connection.life)
                raise fault

    def _on_reset(self, *told: Handle) -> None:
        connection, record = _driver_connection(told[0]), told[1]
        with self.lock:
            life, use = connection.life, None
            if record is not None:
                self.count(life.pool, "returned")
                use = self._returned(life)
            if self.scenario.reset == "rollback":
                # unless the dialect is called after all
                self.count(life.pool, "resets.already_reset")
            if use is not None:
                use.complete = self.scenario.reset is not None
            self.now.reset = (life, use)

    def _returned(self, life: Life) -> Use | None:
        if not life.out:
            self.problems.append(f"{life} is returned by nobody")
            return None
        use = life.out[0]
        self._end(use, "returned")
        return use

    def _on_invalidate(self, connection: Connection, _record: Handle, error: BaseException | None) -> None:
        with self.lock:
            life, attempt = connection.life, self.now.attempt
            self.count(life.pool, "invalidated")
            if attempt is not None:
                attempt.invalidating = True
            self.now.cause = self._cause_of_invalidation(life)
            if self.now.failed_reset:
                self.now.failed_reset = False
            elif attempt is not None and attempt.use is not None and attempt.use.life is life:
                self._failed_at_checkout(attempt, life, error)
            elif life.out:
                self._end(life.out[0], "invalidated")

    def _cause_of_invalidation(self, life: Life) -> str:
        attempt = self.now.attempt
        if self.now.failed_reset:
            return "reset_failed"
        tested = attempt is not None and attempt.use is not None and attempt.use.life is life and attempt.failing
        return "ping_failed" if tested else "invalidated"

    def _failed_at_checkout(self, attempt: _Attempt, life: Life, error: BaseException | None) -> None:
        assert attempt.use is not None
        if attempt.failing:
            self._moves(attempt, life)
        else:
            exhausted = attempt.disconnections > 1 and error is None
            self._end(attempt.use, "failed" if exhausted else "invalidated")

    def _moves(self, attempt: _Attempt, life: Life) -> None:
        assert attempt.use is not None
        attempt.failing, attempt.moving = False, True
        attempt.disconnections += 1
        life.out.remove(attempt.use)
        attempt.use.life = None

    def _on_soft_invalidate(self, connection: Connection, _record: Handle, _error: BaseException | None) -> None:
        with self.lock:
            self.count(connection.life.pool, "soft_invalidated")

    def _on_close(self, connection: Connection, record: Handle) -> None:
        with self.lock:
            attempt = self.now.attempt
            if attempt is not None and not attempt.invalidating:
                # nothing else closes a connection while one is being looked for
                self.count(connection.life.pool, "recycled")
                self.now.cause = _cause_of_recycling(record)
            elif self.now.cause is None:
                is_null = _class_of(connection.life.pool) == "NullPool"
                self.now.cause = "disposed" if self.now.disposing else "nullpool" if is_null else "overflow"
            if attempt is not None:
                attempt.invalidating = False

    def _on_close_detached(self, connection: Connection) -> None:
        with self.lock:
            life = connection.life
            if not life.out:
                self.problems.append(f"{life} was detached by nobody")
                return
            self._end(life.out[0], "detached")
            self.now.cause = "detached"

    # -- the user

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Around a call of the pool's ``connect()``."""
        self.now.attempt = attempt = _Attempt()
        try:
            yield
        except BaseException:
            with self.lock:
                use = attempt.use
                nowhere = use is not None and (use.life is None or use.life.closed)
                if use is not None and use.end == "open" and nowhere:
                    self._end(use, "failed")
            raise
        finally:
            self.now.attempt = None

    def rest(self) -> None:
        """Between two steps of the traffic."""
        self.now.reset, self.now.failed_reset = None, False
        self.now.plan, self.now.connect_faults, self.now.listener_faults = [], [], []
        self.now.cause, self.now.disposing = None, False

    def busy(self, pool: str) -> bool:
        """Whether a connection of a pool is out."""
        return any(use.end == "open" for use in self.books[pool].uses)

    def idle(self) -> list[Connection]:
        """The connections that are open, and that nobody uses."""
        return [one for one in self._alive() if not one.life.out and not one.life.closed]

    def _alive(self) -> list[Connection]:
        return [one for reference in self.connections if (one := reference()) is not None]

    def snapshot(self, lines: int) -> Snapshot:
        """What is true now."""
        said: dict[str | None, dict[str, object]] = {}
        for pool, ledger in (*self.books.items(), (None, self.totals)):
            said[pool] = ledger.figures(timeless=self.scenario.timeless, resets=self.scenario.reset is not None)
        return Snapshot(lines, said, self.timeouts)


def _driver_connection(wrapped: Handle) -> Connection:
    """The driver's connection in what the pool hands to its listeners and to the dialect."""
    if isinstance(wrapped, Connection):
        return wrapped
    inner = wrapped.dbapi_connection if VERSION >= (1, 4) else wrapped.connection
    assert isinstance(inner, Connection)
    return inner


def _cause_of_recycling(record: Handle) -> str:
    """What the pool finds out of date about a connection that it keeps, in the pool's own order."""
    pool = record._ConnectionRecord__pool  # noqa: SLF001
    if pool._recycle > -1 and time.time() - record.starttime > pool._recycle:  # noqa: SLF001
        return "age"
    return "pool_invalidation" if pool._invalidate_time > record.starttime else "soft_invalidation"  # noqa: SLF001


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "asctime": self.formatTime(record),
            "levelname": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
            "threadName": record.threadName,
        }
        if record.exc_info:
            told["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(told)


@contextmanager
def logged(layout: str) -> Iterator[io.StringIO]:
    """Collects what the pools and the application log."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(_Json() if layout == "json" else logging.Formatter(LAYOUTS[layout]))
    before = [(logger, logger.level, logger.propagate) for logger in (_POOLS, _APPLICATION)]
    collecting = gc.isenabled()
    # what the garbage collector finds would be returned in the middle of something else
    gc.disable()
    try:
        for logger, _, _ in before:
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        yield text
    finally:
        for logger, level, propagate in before:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate
        if collecting:
            gc.enable()


@dataclass
class _Held:
    """A connection in somebody's hand: the pool's own, or an engine's around it."""

    handle: Handle
    pool: str
    is_engines: bool

    def raw(self) -> Handle:
        """The pool's."""
        return self.handle.connection if self.is_engines else self.handle

    def driver(self) -> Connection:
        """The driver's."""
        return _driver_connection(self.raw())


# the last one is what 1.3 has for a second user of a shared connection who detaches it
_EXPECTED = (exc.SQLAlchemyError, sqlite3.Error, Fault, AssertionError, *([KeyError] if VERSION < (1, 4) else []))


@dataclass
class User:
    """One thread of the application: takes connections, uses them, returns them, and meets with accidents."""

    witness: Witness
    engines: dict[str, Handle]
    chance: random.Random
    held: list[_Held] = field(default_factory=list)
    # kept alive to the end, so that nothing returns them
    kept: list[Handle] = field(default_factory=list)

    def step(self) -> None:
        """Does one thing."""
        scenario = self.witness.scenario
        weights = _TRAFFIC | {fault: FAULTS[fault] for fault in scenario.faults}
        (what,) = self.chance.choices(list(weights), list(weights.values()))
        with suppress(*_EXPECTED):
            getattr(self, f"_{what}")()
        self.witness.rest()

    def leave(self) -> None:
        """Returns what is held, most of it."""
        while self.held and self.chance.random() < 0.9:
            with suppress(*_EXPECTED):
                self._give_back()
            self.witness.rest()

    # -- the traffic

    def _some_pool(self) -> str:
        return self.chance.choice(list(self.engines))

    def _check_out(self) -> None:
        if len(self.held) < self.witness.scenario.users:
            self._taken(self._some_pool(), is_engines=self.chance.random() < 0.4)

    def _taken(self, pool: str, *, is_engines: bool) -> _Held:
        engine = self.engines[pool]
        connect = engine.connect if is_engines else engine.raw_connection
        try:
            with self.witness.attempt():
                handle = connect()
        except exc.TimeoutError:
            with self.witness.lock:
                self.witness.timeouts += 1
            _APPLICATION.exception("no connection")
            raise
        held = _Held(handle, pool, is_engines)
        self.held.append(held)
        return held

    def _transact(self) -> None:
        held = self._taken(self._some_pool(), is_engines=True)
        how = self.chance.choice(("commit", "rollback", "leave"))
        with self._given_up_if_lost(held):
            transaction = held.handle.begin()
            held.handle.execute(sa.text("SELECT 1"))
            if how != "leave":
                getattr(transaction, how)()
        if how == "leave" or self.chance.random() < 0.5:
            self._let_go(held)

    @contextmanager
    def _given_up_if_lost(self, held: _Held) -> Iterator[None]:
        """Lets go of a connection that the engine found dead: used again, it would check out another."""
        try:
            yield
        finally:
            if held.is_engines and held.handle.invalidated:
                self._let_go(held)

    def _pick(self) -> _Held | None:
        return self.chance.choice(self.held) if self.held else None

    def _pick_alone(self) -> _Held | None:
        """One that nobody shares."""
        held = self._pick()
        return held if held is not None and len(held.driver().life.out) == 1 else None

    def _use(self) -> None:
        held = self._pick()
        if held is None:
            return
        with self._given_up_if_lost(held):
            if held.is_engines:
                held.handle.execute(sa.text("SELECT 1"))
            elif held.handle.is_valid:
                held.handle.cursor().execute("SELECT 1")

    def _give_back(self) -> None:
        held = self._pick()
        if held is not None:
            self._let_go(held)

    def _let_go(self, held: _Held) -> None:
        self.held.remove(held)
        held.handle.close()

    # -- the accidents

    def _reason(self) -> BaseException | None:
        text = self.chance.choice((None, *_REASONS))
        return None if text is None else Fault(text)

    def _connect(self) -> None:
        self.witness.now.connect_faults = [sqlite3.OperationalError(self.chance.choice(_REASONS))]
        self._check_out()

    def _connect_listener(self) -> None:
        self.witness.now.listener_faults = [Fault("cannot set up: [x] (y)")]
        self._check_out()

    def _kill_idle(self) -> None:
        # the next ping fails; without one, the next use or reset
        idle = self.witness.idle()
        for connection in self.chance.sample(idle, min(len(idle), self.chance.randint(1, 2))):
            connection.is_dead = True
        if "connect" in self.witness.scenario.faults and self.chance.random() < 0.4:
            self.witness.now.connect_faults = [sqlite3.OperationalError(self.chance.choice(_REASONS))]
            self._check_out()

    def _kill_used(self) -> None:
        held = self._pick_alone()
        if held is None:
            return
        held.driver().is_dead = True
        try:
            if held.is_engines:
                held.handle.execute(sa.text("SELECT 1"))
        finally:
            self._let_go(held)

    def _invalidate(self) -> None:
        held = self._pick_alone()
        if held is not None:
            self.held.remove(held)
            self._spoil(held, soft=False)
            held.handle.close()

    def _soft_invalidate(self) -> None:
        held = self._pick_alone()
        if held is not None:
            self._spoil(held, soft=True)

    def _spoil(self, held: _Held, *, soft: bool) -> None:
        reason = self._reason()
        held.raw().invalidate(reason, soft=soft)

    def _failing_reset(self) -> None:
        held = self._pick_alone()
        if held is not None:
            held.driver().breaks_reset = True
            self._let_go(held)

    def _failing_close(self) -> None:
        held = self._pick()
        if held is not None:
            held.driver().breaks_close = True

    def _leak(self) -> None:
        held = self._pick()
        if held is not None:
            self.held.remove(held)

    def _leak_for_good(self) -> None:
        held = self._pick()
        if held is not None:
            self.held.remove(held)
            self.kept.append(held)

    def _detach(self) -> None:
        held = self._pick_alone()
        # of a shared connection that nothing resets, the log shows no more than a close that could be anybody's
        untold = held is not None and _class_of(held.pool) in SHARED and self.witness.scenario.reset is None
        if held is None or untold:
            return
        held.handle.detach()
        self.held.remove(held)
        if self.chance.random() < 0.8:
            held.handle.close()
        else:
            self.kept.append(held)

    def _dispose(self) -> None:
        pool = self._some_pool()
        # in the log, what has just come back to a full pool looks like the first that is disposed of
        if "closes.overflow" in (self.witness.latest.get(pool), self.witness.now.latest.get(pool)):
            return
        # the others close what is out
        if _class_of(pool) == "QueuePool" or not self.witness.busy(pool):
            self.witness.now.disposing = True
            self.engines[pool].dispose()
            # it may never have done anything else: the log names it all the same
            self.witness.books.setdefault(pool, Ledger())

    def _age(self) -> None:
        for connection in self.witness.idle():
            record = self.witness.records.get(id(connection))
            if record is not None and self.chance.random() < 0.5:
                record.starttime -= 1000

    def _disconnect_one(self) -> None:
        self._disconnected(self.chance.choice((exc.DisconnectionError, StaleError)))

    def _disconnect_all(self) -> None:
        own = getattr(exc, "InvalidatePoolError", exc.DisconnectionError)
        self._disconnected(self.chance.choice((own, FailedOverError)))

    def _disconnected(self, error: type[BaseException]) -> None:
        self.witness.now.plan = [error(self.chance.choice(_REASONS))]
        if "connect_listener" in self.witness.scenario.faults and self.chance.random() < 0.3:
            self.witness.now.listener_faults = [Fault("cannot set up the next")]
        self._check_out()

    def _empty(self) -> None:
        self._disconnected(EmptiedError)

    def _exhaust(self) -> None:
        kinds = (exc.DisconnectionError, exc.InvalidatePoolError, StaleError, FailedOverError)
        self.witness.now.plan = [self.chance.choice(kinds)("gone") for _ in range(2)]
        self._check_out()

    def _listener(self) -> None:
        self.witness.now.plan = [Fault(self.chance.choice(_REASONS))]
        if self.chance.random() < 0.3:
            self.witness.now.plan.append(exc.DisconnectionError("first"))
        self._check_out()

    def _exhausted_pool(self) -> None:
        pool = self._some_pool()
        taken = []
        with suppress(*_EXPECTED):
            for _ in range(self.witness.scenario.size + self.witness.scenario.overflow + 1):
                taken.append(self._taken(pool, is_engines=False))  # noqa: PERF401 - the last one fails
        self.witness.rest()
        for held in taken:
            self._let_go(held)


def _class_of(pool: str) -> str:
    return next(part for part in pool.split(".") if part.endswith("Pool"))


def _engine(scenario: Scenario, witness: Witness, number: int, path: Path) -> tuple[str, Handle]:
    """An engine, and its pool's logger."""
    name = scenario.pools[number]
    options: dict[str, Any] = {"pool_size": scenario.size} if name in _ROOM else {}
    if name == "QueuePool":
        options |= {"max_overflow": scenario.overflow, "pool_use_lifo": scenario.lifo, "pool_timeout": scenario.timeout}
    logger = f"sqlalchemy.pool.impl.{name}"
    if number:
        options["pool_logging_name"] = f"number{number}"
        logger += f".number{number}"
    engine = sa.create_engine(
        f"sqlite:///{path}",
        creator=witness.creator(logger, path),
        poolclass=getattr(sa_pool, name),
        pool_pre_ping=scenario.pre_ping,
        pool_recycle=100 if scenario.recycle else -1,
        pool_reset_on_return=scenario.reset,
        **options,
    )
    witness.watch_dialect(engine.dialect)
    witness.watch_pool(engine.pool)
    return logger, engine


def run(seed: int, scenario: Scenario, directory: Path) -> tuple[str, Truth]:
    """Drives pools at random.

    Args:
        seed: decides what happens; in one thread it decides all of it.
        scenario: how the pools are set up.
        directory: where the database may stand.

    Returns:
        The log, and the truth about it.
    """
    witness = Witness(scenario)
    moments: list[Snapshot] = []
    path = directory / "oracle.db"
    with logged(scenario.layout) as text:
        engines = dict(_engine(scenario, witness, number, path) for number in range(len(scenario.pools)))
        users = [
            User(witness, engines, random.Random(seed * 1000 + number))  # noqa: S311 - traffic, no secret
            for number in range(scenario.threads)
        ]
        if scenario.threads == 1:
            for _ in range(scenario.steps):
                users[0].step()
                moments.append(witness.snapshot(text.getvalue().count("\n")))
            users[0].leave()
        else:
            _together(users, scenario.steps)
        written = text.getvalue()
        truth = Truth(witness.snapshot(written.count("\n")), moments, _codes(witness))
        del users
        gc.collect()
        for engine in engines.values():
            engine.dispose()
    if witness.problems:
        msg = f"the oracle contradicts itself: {witness.problems}"
        raise AssertionError(msg)
    return written, truth


def _codes(witness: Witness) -> Counter[str]:
    codes = Counter({"reset_failed": witness.totals.counts["resets.failed"]})
    return +codes


def _together(users: list[User], steps: int) -> None:
    """All users at the same time, a thread each."""
    failures: list[BaseException] = []

    def go(user: User) -> None:
        try:
            for _ in range(steps):
                user.step()
            user.leave()
        except BaseException as failure:  # noqa: BLE001 - raised again outside of the thread
            failures.append(failure)

    threads = [threading.Thread(target=go, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
