"""The document's experiment against a real database: timed queries, and the pool's own log of them.

The log is what an application with the document's logging set-up writes, line by line. Nothing is written
before a first query has worked: a wrong address or a slip in the SQL leaves the log, which is appended to, as
it was.
"""

import logging
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy import event, exc, pool
from sqlalchemy.engine import make_url

from logpool.errors import DatabaseError, OutputError, UsageError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Engine

_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
_POOL_LOG = logging.getLogger("sqlalchemy.pool")
_OWN_LOG = logging.getLogger("logpool.runner")
_SECONDS_TO_STOP = 2.0

# What means something to some pool classes only.
_MEANINGFUL = {
    "QueuePool": {"pool_size", "max_overflow", "pool_timeout", "pool_recycle"},
    "NullPool": set[str](),
    "StaticPool": {"pool_recycle"},
    "SingletonThreadPool": {"pool_size", "pool_recycle"},
    "AssertionPool": {"pool_recycle"},
}
_LEAST = {
    "pool_size": 0,
    "max_overflow": -1,
    "pool_timeout": 0,
    "pool_recycle": -1,
    "queries": 1,
    "workers": 1,
}
_RESETS = {"rollback": "rollback", "commit": "commit", "none": None}


@dataclass(frozen=True)
class Experiment:
    """What to run. An option left at None takes SQLAlchemy's default; all durations are in seconds."""

    url: str | None = field(
        default=None, repr=False
    )  # None: SQLite in a temporary file. It may hold a password
    pool: str = "QueuePool"
    pool_size: int | None = None
    max_overflow: int | None = None  # -1: any number
    pool_timeout: float | None = None
    pool_recycle: int | None = None  # -1: never
    pre_ping: bool = False
    reset_on_return: str | None = None  # rollback, commit or none
    queries: int = 10  # of every worker
    workers: int = 1  # threads that query at the same time
    sql: str | None = None  # as the driver takes it; None: SELECT 1 in the database's own dialect
    log: Path = Path("sqlalchemy.log")


@dataclass(frozen=True)
class Outcome:
    """What an experiment saw. Every timeout and failure stands in the log with its traceback."""

    times: list[float]  # seconds of each query that worked, in the order in which they ended
    timeouts: int  # queries that got no connection within the pool's timeout
    failures: int  # queries that failed otherwise, while others worked
    log: Path


def run(experiment: Experiment, say: Callable[[str], None]) -> Outcome:
    """Runs an experiment and appends its log to a file.

    Args:
        experiment: what to run.
        say: takes the lines `Connection Check-out: <id>` and `Connection Check-in: <id>`, one at a time.

    Raises:
        UsageError: an option makes no sense, or the URL cannot be used.
        DatabaseError: no query worked; it tells the first one's error, never with a password.
        OutputError: the log cannot be written.
    """
    _check(experiment)
    with ExitStack() as stack:
        url = _url(experiment, stack)
        engine = _engine(experiment, url)
        stack.enter_context(_loggers_taken_over())
        crew = _Crew(experiment, engine, say)
        stack.callback(crew.dispose)  # after the log's end: the document's log has no line of it
        crew.work(stack.enter_context(_open_log(experiment.log)))
        if crew.times:
            _POOL_LOG.info("Average time taken: %.4f seconds.", fmean(crew.times))
        _POOL_LOG.info("Job done.")
    return Outcome(crew.times, crew.timeouts, crew.failures, experiment.log)


def _check(experiment: Experiment) -> None:
    _check_choice("--pool", experiment.pool, _MEANINGFUL)
    _check_choice("--reset-on-return", experiment.reset_on_return, (None, *_RESETS))
    for name, least in _LEAST.items():
        _check_number(_option(name), getattr(experiment, name), least)
    for name in sorted(_MEANINGFUL["QueuePool"] - _MEANINGFUL[experiment.pool]):
        if getattr(experiment, name) is not None:
            message = f"{_option(name)} means nothing to {experiment.pool}"
            raise UsageError(message, "leave it out, or choose --pool QueuePool")
    _check_workers(experiment)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check_choice(option: str, value: str | None, choices: Collection[str | None]) -> None:
    if value not in choices:
        message = f"{option} does not know {value!r}"
        raise UsageError(message, f"choose one of {', '.join(filter(None, choices))}")


def _check_number(option: str, value: float | None, least: int) -> None:
    if value is not None and not least <= value <= threading.TIMEOUT_MAX:  # false for nan too
        message = f"{option} must be a number from {least} to {threading.TIMEOUT_MAX:.0f}, not {value}"
        raise UsageError(message)


def _check_workers(experiment: Experiment) -> None:
    """Refuses workers who would get at each other's connection."""
    workers, size = experiment.workers, experiment.pool_size
    if workers > 1 and experiment.pool in {"StaticPool", "AssertionPool"}:
        message = f"--workers {workers} cannot share the one connection of {experiment.pool}"
        raise UsageError(message, "leave --workers out, or choose --pool QueuePool")
    if experiment.pool == "SingletonThreadPool" and workers > (size := 5 if size is None else size):
        # beyond its size this pool closes the connections of other threads, in use or not
        message = f"--pool-size {size} of SingletonThreadPool is not enough for --workers {workers}"
        raise UsageError(message, "give it a connection for each worker")


def _url(experiment: Experiment, stack: ExitStack) -> "URL":
    if experiment.url is None:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="logpool-", ignore_cleanup_errors=True)
        )
        return make_url("sqlite://").set(database=str(Path(folder, "experiment.db")))
    hint = "write dialect+driver://user:password@host:port/database, with @ as %40 inside a name or password"
    try:
        url = make_url(experiment.url)
    except (exc.ArgumentError, ValueError):
        message = "the database URL cannot be read"
        raise UsageError(message, hint) from None  # the reason would show the password
    if "@" in (url.host or "") or "?" in experiment.url.rpartition("@")[0]:  # a password cut in two
        message = "the database URL has an @ or a ? that must be written as %40 or %3F"
        raise UsageError(message, hint)
    return url


def _engine(experiment: Experiment, url: "URL") -> "Engine":
    try:
        if not url.get_dialect().is_async:
            return sa.create_engine(url, **_engine_options(experiment, url))
    except exc.NoSuchModuleError as error:
        message = f"the database URL cannot be used: SQLAlchemy does not know {url.drivername}"
        hint = "it knows postgresql, mysql, mariadb, oracle, mssql and sqlite, and what other packages bring"
        raise UsageError(message, hint) from error
    except ImportError as error:
        message = f"the driver of {url.drivername} cannot be loaded: {_reason(error, url)}"
        raise DatabaseError(message, "install it, or name another one: postgresql+psycopg2://...") from error
    except (exc.SQLAlchemyError, TypeError, ValueError) as error:
        message = f"the database URL cannot be used: {_reason(error, url)}"
        raise UsageError(message) from error
    message = f"the driver of {url.drivername} is asynchronous, which the experiment is not"
    raise UsageError(message, "name another one: postgresql+psycopg2://...")


def _engine_options(experiment: Experiment, url: "URL") -> dict[str, Any]:
    options = {name: getattr(experiment, name) for name in _MEANINGFUL["QueuePool"]}
    given = {name: value for name, value in options.items() if value is not None}
    given |= {"poolclass": getattr(pool, experiment.pool), "future": True}  # 1.4 then works as 2.0 does
    given["pool_pre_ping"] = experiment.pre_ping
    if experiment.reset_on_return is not None:
        given["pool_reset_on_return"] = _RESETS[experiment.reset_on_return]
    if url.get_backend_name() == "sqlite":  # the main thread closes the workers' connections
        given["connect_args"] = {"check_same_thread": False}
    return given


@contextmanager
def _loggers_taken_over() -> Iterator[None]:
    """Keeps the loggers' records from everybody else's handlers, and gives the loggers back as they were."""
    before = [(log, log.handlers, log.level, log.propagate, log.disabled) for log in (_POOL_LOG, _OWN_LOG)]
    for log in (_POOL_LOG, _OWN_LOG):
        log.handlers, log.propagate, log.disabled = [logging.NullHandler()], False, False
        log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for log, handlers, level, propagate, disabled in before:
            log.handlers, log.propagate, log.disabled = handlers, propagate, disabled
            log.setLevel(level)


class _Log(logging.FileHandler):
    """The document's file handler, whose lines wait in memory until `let_through`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="a", encoding="utf-8")
        self.setFormatter(logging.Formatter(_FORMAT))
        self.failed: BaseException | None = None
        self._held: list[str] | None = []

    def emit(self, record: logging.LogRecord) -> None:
        if self._held is None:
            super().emit(record)
        else:
            self._held.append(self.format(record))  # at once: the text of a connection changes later

    def let_through(self) -> None:
        self.acquire()
        try:
            if self._held is not None:
                held, self._held = self._held, None
                stream = self.stream or self._open()
                stream.writelines(line + self.terminator for line in held)
                stream.flush()
        except OSError as error:
            self.failed = error
        finally:
            self.release()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 -- logging's own name
        self.failed = sys.exception()


@contextmanager
def _open_log(path: Path) -> Iterator[_Log]:
    try:
        is_new = not path.exists()
        log = _Log(path)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    for logger in (_POOL_LOG, _OWN_LOG):
        logger.addHandler(log)
    try:
        yield log
    finally:
        for logger in (_POOL_LOG, _OWN_LOG):
            logger.removeHandler(log)
        with suppress(OSError):
            log.close()
        with suppress(OSError):
            if is_new and not path.stat().st_size:
                path.unlink()
    if log.failed is not None:
        raise _unwritable(path, log.failed)


class _Crew:
    """The workers of one experiment, and what they have seen so far."""

    def __init__(self, experiment: Experiment, engine: "Engine", say: Callable[[str], None]) -> None:
        self.times: list[float] = []
        self.timeouts = 0
        self.failures = 0
        self._experiment, self._engine, self._say = experiment, engine, say
        self._threads = [threading.Thread(target=self._shift, daemon=True) for _ in range(experiment.workers)]
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._checked_out: dict[int, Any] = {}  # the driver's connections, by the pool's record of them
        self._first_failure: DatabaseError | None = None
        self._say_failed: Exception | None = None
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "checkin", self._on_checkin)

    def work(self, log: _Log) -> None:
        self._log = log
        try:
            for thread in self._threads:
                thread.start()
            for thread in self._threads:
                thread.join()
        except RuntimeError as error:
            message = f"--workers {self._experiment.workers} is more than this system can start"
            raise UsageError(message) from error
        except BaseException:  # Ctrl-C and the like: what has happened has happened
            log.let_through()
            raise
        finally:
            self._dismiss()
        self._raise_failure()

    def dispose(self) -> None:
        if not self._alive():  # a connection in use must not be closed
            self._engine.dispose()

    def _alive(self) -> list[threading.Thread]:
        return [thread for thread in self._threads if thread.is_alive()]

    def _shift(self) -> None:
        for _ in range(self._experiment.queries):
            if self._stop.is_set() or not self._perform_query():
                break

    def _perform_query(self) -> bool:
        """Performs one query; tells whether its worker should go on."""
        start, connected = time.perf_counter(), False
        try:
            with self._engine.connect() as connection:
                connected = True
                self._execute(connection)
        except Exception as error:  # noqa: BLE001 -- drivers raise what they like
            return self._note_failure(error, connected=connected)
        taken = time.perf_counter() - start
        self.times.append(taken)
        self._log.let_through()
        _POOL_LOG.info("Time taken: %.4f seconds.", taken)
        return self._log.failed is None

    def _execute(self, connection: "Connection") -> None:
        if self._experiment.sql is None:
            connection.execute(sa.select(sa.literal_column("1")))  # Oracle gets its FROM DUAL
        else:
            connection.execution_options(no_parameters=True).exec_driver_sql(self._experiment.sql)

    def _note_failure(self, error: Exception, *, connected: bool) -> bool:
        timed_out = isinstance(error, exc.TimeoutError)
        with self._lock:
            if self._stop.is_set():  # we have cut this query ourselves
                return False
            self.timeouts += timed_out
            self.failures += not timed_out
            if not timed_out and self._first_failure is None:
                self._first_failure = _failure(error, self._engine.url, connected=connected)
        _OWN_LOG.error("query failed", exc_info=error)
        return timed_out or bool(self.times)  # who fails before any query has worked need not try again

    def _raise_failure(self) -> None:
        if self._say_failed is not None:
            raise self._say_failed
        if self._first_failure is not None and not self.times:
            raise self._first_failure

    def _dismiss(self) -> None:
        """Ends what still runs: cancels the queries, and leaves alone who does not listen."""
        self._stop.set()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        while (alive := self._alive()) and time.monotonic() < deadline:
            for connection in list(self._checked_out.values()):
                with suppress(Exception):  # it may be closed by now, or its driver may know no way
                    getattr(connection, "cancel" if hasattr(connection, "cancel") else "interrupt")()
            alive[0].join(0.05)

    def _on_checkout(self, connection: object, record: object, _proxy: object) -> None:
        self._checked_out[id(record)] = connection
        self._tell(f"Connection Check-out: {id(connection)}")

    def _on_checkin(self, connection: object, record: object) -> None:
        self._checked_out.pop(id(record), None)
        if connection is not None:  # it is None when it was invalidated
            self._tell(f"Connection Check-in: {id(connection)}")

    def _tell(self, line: str) -> None:
        with self._lock:
            try:
                self._say(line)
            except Exception as error:  # noqa: BLE001 -- raised again by `work`: here the pool would take it for its own
                self._say_failed = self._say_failed or error
                self._stop.set()


def _failure(error: Exception, url: "URL", *, connected: bool) -> DatabaseError:
    if connected:
        return DatabaseError(
            f"the query failed: {_reason(error, url)}", "check --sql, which is sent as it stands"
        )
    place = url.set(query={}).render_as_string(hide_password=True)
    hint = "check that the server runs there, and the names and the password in the URL"
    return DatabaseError(f"cannot connect to {place}: {_reason(error, url)}", hint)


def _reason(error: Exception, url: "URL") -> str:
    """The first line of what the driver says, without passwords."""
    text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = text.split("\n", 1)[0].strip()
    for secret in _secrets(url):
        for written in (secret, quote(secret, safe=""), quote_plus(secret)):
            line = line.replace(written, "***")
    return line.rstrip(".")


def _secrets(url: "URL") -> set[str]:
    """The URL's passwords, in its query too; a word that it shows anyway is none."""
    found = {str(url.password or "")}
    for name, values in url.normalized_query.items():
        for value in values:
            found.update(re.findall(r"(?i)(?:pass\w*|pwd|secret|token)\s*=\s*{?([^;}]+)", f"{name}={value}"))
    return found - {"", url.username, url.host, url.database}


def _unwritable(path: Path, error: BaseException) -> OutputError:
    reason = str(getattr(error, "strerror", None) or error).lower()
    hint = "name with --log a file that may be written, in a folder that exists"
    return OutputError(f"cannot write the log {path}: {reason}", hint)
