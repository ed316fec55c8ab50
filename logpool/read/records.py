"""One head line of a log, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_POOL_CLASS = re.compile(r"^(?:\w+\.)*[A-Z]\w*Pool\b")


@dataclass(frozen=True)
class Record:
    """What a head says, and where. What the layout does not show is None."""

    message: str
    logger: str | None = None
    level: str | None = None
    process: str | None = None
    thread: str | None = None


def is_pool_logger(name: str) -> bool:
    """Whether a logger is SQLAlchemy's for pools, or has the name of a pool class of the user's own."""
    return name.startswith("sqlalchemy.pool") or bool(_POOL_CLASS.search(name))
