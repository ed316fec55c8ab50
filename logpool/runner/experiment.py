"""What an experiment is told and what it has seen, and the check that its options make sense together."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from logpool.errors import UsageError

# The options that mean something to a pool class. QueuePool takes them all.
POOL_OPTIONS = {
    "QueuePool": {"pool_size", "max_overflow", "pool_timeout", "pool_recycle"},
    "NullPool": set[str](),
    "StaticPool": {"pool_recycle"},
    "SingletonThreadPool": {"pool_size", "pool_recycle"},
    "AssertionPool": {"pool_recycle"},
}
RESETS = {"rollback": "rollback", "commit": "commit", "none": None}
_LEAST = {
    "pool_size": 0,
    "max_overflow": -1,
    "pool_timeout": 0,
    "pool_recycle": -1,
    "queries": 1,
    "workers": 1,
}


@dataclass(frozen=True)
class Experiment:
    """What to run. An option left at None takes SQLAlchemy's default; all durations are in seconds."""

    url: str | None = field(default=None, repr=False)  # None: SQLite in a file of its own. May hold a password
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
    from logpool.runner.crew import perform  # noqa: PLC0415 -- SQLAlchemy is slow to import

    return perform(experiment, say)


def _check(experiment: Experiment) -> None:
    _check_choice("--pool", experiment.pool, POOL_OPTIONS)
    _check_choice("--reset-on-return", experiment.reset_on_return, (None, *RESETS))
    for name, least in _LEAST.items():
        _check_number(_option(name), getattr(experiment, name), least)
    for name in sorted(POOL_OPTIONS["QueuePool"] - POOL_OPTIONS[experiment.pool]):
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
    workers = experiment.workers
    if workers > 1 and experiment.pool in {"StaticPool", "AssertionPool"}:
        message = f"--workers {workers} cannot share the one connection of {experiment.pool}"
        raise UsageError(message, "leave --workers out, or choose --pool QueuePool")
    size = 5 if experiment.pool_size is None else experiment.pool_size  # 5 is SQLAlchemy's default
    if experiment.pool == "SingletonThreadPool" and workers > size:
        # beyond its size this pool closes the connections of other threads, in use or not
        message = f"--pool-size {size} of SingletonThreadPool is not enough for --workers {workers}"
        raise UsageError(message, "give it a connection for each worker")
