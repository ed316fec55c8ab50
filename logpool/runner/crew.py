"""The experiment's workers: threads that time their queries and log what the document's program does."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from statistics import fmean
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from logpool.errors import DatabaseError, UsageError
from logpool.runner.database import failure, make_engine
from logpool.runner.experiment import Experiment, Outcome
from logpool.runner.interrupts import Interrupts
from logpool.runner.log import OWN_LOG, POOL_LOG, HeldLog, loggers_taken_over, open_log

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_SECONDS_TO_STOP = 2.0
_SECONDS_TO_NOTICE = 0.05


def perform(experiment: Experiment, say: Callable[[str], None]) -> Outcome:
    """Does the work of `logpool.runner.run`, once the options are checked."""
    with ExitStack() as stack:
        engine = make_engine(experiment, stack)
        stack.enter_context(loggers_taken_over())
        crew = _Crew(experiment, engine, say)
        stack.callback(crew.dispose)  # after the log's end: the document's log has no line of it
        crew.work(stack.enter_context(open_log(experiment.log)))
        if crew.times:
            POOL_LOG.info("Average time taken: %.4f seconds.", fmean(crew.times))
        POOL_LOG.info("Job done.")
    return Outcome(crew.times, crew.timeouts, crew.failures, experiment.log)


class _Crew:
    """The workers of one experiment, and what they have seen so far."""

    def __init__(self, experiment: Experiment, engine: "Engine", say: Callable[[str], None]) -> None:
        self.times: list[float] = []
        self.timeouts = 0
        self.failures = 0
        self._experiment, self._engine, self._say = experiment, engine, say
        # of each worker, whether its shift is over; a thread whose join() Ctrl-C cuts short says that it has ended
        self._shifts: list[threading.Event] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._checked_out: dict[int, Any] = {}  # the driver's connections, by the pool's record of them
        self._first_failure: DatabaseError | None = None
        self._say_failed: Exception | None = None
        event.listen(engine, "checkout", self._on_checkout)
        event.listen(engine, "checkin", self._on_checkin)

    def work(self, log: HeldLog) -> None:
        """Lets every worker do its queries, and raises what an experiment cannot go on after."""
        self._log = log
        try:
            # what comes while a lock is taken would leave it taken for good
            with Interrupts() as interrupts:
                for _ in range(self._experiment.workers):
                    self._shifts.append(over := threading.Event())
                    threading.Thread(target=self._shift, args=(over,), daemon=True).start()
                while at_work := self._at_work():
                    at_work[0].wait(_SECONDS_TO_NOTICE)
                    with interrupts.allowed():
                        pass
        except RuntimeError as error:
            self._shifts.pop()
            message = f"--workers {self._experiment.workers} is more than this system can start"
            raise UsageError(message) from error
        except BaseException:  # Ctrl-C and the like: what has happened has happened
            log.let_through()
            raise
        finally:
            self._dismiss()
        self._raise_failure()

    def dispose(self) -> None:
        if not self._at_work():  # a connection in use must not be closed
            self._engine.dispose()

    def _at_work(self) -> list[threading.Event]:
        return [over for over in self._shifts if not over.is_set()]

    def _shift(self, over: threading.Event) -> None:
        try:
            for _ in range(self._experiment.queries):
                if self._stop.is_set() or not self._perform_query():
                    break
        finally:
            over.set()

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
        POOL_LOG.info("Time taken: %.4f seconds.", taken)
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
                self._first_failure = failure(error, self._engine.url, connected=connected)
        OWN_LOG.error("query failed", exc_info=error)
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
        while (at_work := self._at_work()) and time.monotonic() < deadline:
            for connection in list(self._checked_out.values()):
                with suppress(Exception):  # it may be closed by now, or its driver may know no way
                    getattr(connection, "cancel" if hasattr(connection, "cancel") else "interrupt")()
            at_work[0].wait(0.05)

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
