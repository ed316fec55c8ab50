"""Real pools driven into trouble: what they log meanwhile, and what is found in it."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

import logpool
from logpool.judge.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from logpool.report.model import Finding, Report

LAYOUT = "%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s"
APPLICATION = logging.getLogger("app.orders")
SELECT = sa.text("SELECT 1")
QUEUE = "sqlalchemy.pool.impl.QueuePool"


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Writes what pools, and the application, log meanwhile."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(LAYOUT))
    loggers = [(logging.getLogger("sqlalchemy.pool"), logging.DEBUG), (APPLICATION, logging.ERROR)]
    for logger, level in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, _ in loggers:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
        handler.close()


def found(log: Path, *settings: str) -> dict[str, Finding]:
    return {finding.code: finding for finding in report(log, *settings).findings}


def report(log: Path, *settings: str) -> Report:
    return logpool.analyze(log, thresholds=Thresholds.of(settings))


def lines_with(log: Path, *words: str) -> list[int]:
    lines = log.read_text("utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if all(word in line for word in words)]


def use(engine: sa.Engine, times: int = 1, seconds: float = 0.0) -> None:
    for _ in range(times):
        with engine.connect() as connection:
            connection.execute(SELECT)
            time.sleep(seconds)


def in_turn(engine: sa.Engine, rounds: int) -> None:
    """Uses connections again and again, so that other threads have their turns in between."""
    for _ in range(rounds):
        use(engine, 2, 0.02)
        time.sleep(0.01)


def in_threads(*jobs: Callable[[], None]) -> None:
    threads = [threading.Thread(target=job, name=f"worker-{number}") for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
