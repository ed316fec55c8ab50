"""Real pools whose log is judged: what they write, and every way to read it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa

from logpool.analysis import analyze

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logpool.judge.thresholds import Thresholds
    from logpool.report.model import Finding

WHOLE = "%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s"
TIMELESS = "%(levelname)s:%(name)s:%(message)s"
_POOLS = logging.getLogger("sqlalchemy.pool")


@contextmanager
def logged(path: Path, layout: str = WHOLE) -> Iterator[None]:
    """Everything that pools say goes into a file."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(layout))
    level, _POOLS.propagate = _POOLS.level, False
    _POOLS.addHandler(handler)
    _POOLS.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _POOLS.removeHandler(handler)
        _POOLS.setLevel(level)
        _POOLS.propagate = True
        handler.close()


def judged(*logs: Path, thresholds: Thresholds | None = None) -> dict[str, list[Finding]]:
    """The findings by code, the same however the logs are read."""
    report = analyze(list(logs), thresholds=thresholds)
    whole = sum(log.stat().st_size for log in logs)
    for size in (whole // 7, whole // 2):
        assert analyze(list(logs), thresholds=thresholds, block_bytes=max(size, 300)) == report
    found: dict[str, list[Finding]] = {}
    for finding in report.findings:
        assert finding.evidence
        found.setdefault(finding.code, []).append(finding)
    return found


def use(engine: sa.Engine) -> bool:
    """One query on a connection of its own; whether it worked."""
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.DBAPIError:
        return False
    return True
