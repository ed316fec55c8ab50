"""logpool reads SQLAlchemy's connection pool log: what every connection did, what went wrong, and where.

>>> import logpool
>>> report = logpool.analyze("sqlalchemy.log")        # doctest: +SKIP
>>> report.totals.reuse_ratio                         # doctest: +SKIP
0.9
>>> events = logpool.read_events(["web-1.log", "web-2.log"])  # doctest: +SKIP

Nothing is imported before it is needed: ``import logpool`` costs no more than this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logpool.analysis import analyze
    from logpool.errors import LogpoolError
    from logpool.report.model import Report
    from logpool.tables import read_checkouts, read_connections, read_events

__all__ = [
    "LogpoolError",
    "Report",
    "analyze",
    "read_checkouts",
    "read_connections",
    "read_events",
]
__version__ = "0.1.0"

_HOMES = {
    "LogpoolError": "logpool.errors",
    "Report": "logpool.report.model",
    "analyze": "logpool.analysis",
    "read_checkouts": "logpool.tables",
    "read_connections": "logpool.tables",
    "read_events": "logpool.tables",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    """Imports a public name when it is first used."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - part of a lazy import

    return getattr(import_module(_HOMES[name]), name)
