"""What the exceptions say for which connections are thrown away: of the server, of the work, or of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logpool.report.model import Pool

#: a task was cancelled: asyncio, anyio and trio, and concurrent.futures say so
CANCELLED = frozenset({"CancelledError", "Cancelled"})
#: the work was given up in another way: gevent's and eventlet's time limits, a greenlet killed, a generator closed
LEFT = frozenset({"Timeout", "GreenletExit", "GeneratorExit"})
_STOPPED = frozenset({"KeyboardInterrupt", "SystemExit", "TimeoutError"})
#: asyncio's word for a connection that is used in another event loop than it was made in, or when that is closed; of
#: a driver that is none of asyncio's, it is the program's
OF_LOOPS = frozenset({"RuntimeError"})
#: SQLAlchemy's own for a connection of asyncio that is used where nothing awaits it
UNAWAITED = frozenset({"MissingGreenlet"})
# what Python raises of a program; drivers have exceptions of their own, or such as the system raises
_OF_PROGRAMS = frozenset(
    {
        "ArithmeticError",
        "AssertionError",
        "AttributeError",
        "BufferError",
        "Exception",
        "ImportError",
        "IndexError",
        "KeyError",
        "LookupError",
        "MemoryError",
        "NameError",
        "NotImplementedError",
        "RecursionError",
        "StopAsyncIteration",
        "StopIteration",
        "SyntaxError",
        "TypeError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "UnicodeError",
        "ValueError",
        "ZeroDivisionError",
    }
)
#: the pool's own, where its ping failed
PINGED = frozenset({"InvalidatePoolError", "DisconnectionError"})
# drivers that are of asyncio whatever they print; others say so in the name of their connections' class
_OF_ASYNCIO = frozenset({"asyncpg", "aiosqlite", "aiomysql", "asyncmy", "aioodbc"})


def is_of_asyncio(pool: Pool) -> bool:
    """Whether a pool's driver is one of asyncio's."""
    driver = pool.driver or ""
    return driver.split(".", maxsplit=1)[0] in _OF_ASYNCIO or "Async" in driver or "Async" in (pool.pool_class or "")


def is_the_servers(reason: str | None) -> bool:
    """Whether an exception may tell that a connection died, and is none of the application's own."""
    return reason is not None and reason not in CANCELLED | LEFT | _STOPPED | OF_LOOPS | UNAWAITED | _OF_PROGRAMS
