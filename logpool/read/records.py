"""One head line of a log, taken apart; and what its parts look like in any layout."""

from __future__ import annotations

from typing import NamedTuple

from logpool.classes import dataclass
from logpool.late import regex

#: stands for a time in a head
TIME = "\x01"
#: names of levels
LEVEL_NAMES = r"DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|TRACE|SUCCESS|Level \d+"
_GROUP = r"[\dA-Fa-f]{1,4}"
#: a thread's name, between brackets; since Python 3.10 it may end with its function's, in parentheses; an address of
#: IPv6 is none
THREAD = (
    rf"(?P<thread>(?!{_GROUP}(?::{_GROUP})*::|(?:{_GROUP}:){{5}})"
    r"[^\]\)\s](?:[^\]\)]*[^\]\)\s])?(?: \([^\]\)]*\))?)"
)
#: the usual names, wherever they stand
THREAD_NAME = regex(
    rf"\b(?:MainThread|Thread-\d+(?: \((?!(?:{LEVEL_NAMES})\))[^\W\d]\w*\))?|ThreadPoolExecutor-\d+_\d+|Dummy-\d+"
    r"|asyncio_\d+|AnyIO worker thread|waitress-\d+)"
)
#: a process as multiprocessing and Celery name it; the first one, which has no number, is one of many
PROCESS_NAME = regex(r"\b[A-Za-z_]*(?:Process|Worker)-\d+(?:[:-]\d+)*")
#: any of them
ANY_PROCESS = rf"MainProcess|{PROCESS_NAME.pattern}"
#: SQLAlchemy's modules that its pools are in, as %(module)s prints them
SOURCE_MODULES = "base|impl"
# as loguru prints it, which takes the module of whoever logs for the logger
_POOL_MODULE = regex(rf"sqlalchemy\.pool\.(?:{SOURCE_MODULES})")
# its functions that log of a pool: such as nothing else is called by, and others, by which a pool may be called
_OWN_FUNCTIONS = "__connect|_checkout|_close_connection|_finalize_fairy|_log_invalidate|_reset|get_connection"
_FUNCTIONS = f"{_OWN_FUNCTIONS}|checkout|dispose|invalidate|recreate"
_BEHIND_LOGGER = regex(rf"(sqlalchemy\.pool\..+|(?:\w+\.)*[A-Z]\w*Pool(?:\..+)?)\.(?:{_FUNCTIONS})(?:\(\))?")
# a whole megabyte is searched for it: what begins with a text is found by that
_HAS_FUNCTIONS = regex(rf"sqlalchemy\.pool\.[\w.-]*\.(?:{_OWN_FUNCTIONS})\b")
# what stands where a layout has its logger, and is none; loguru prints Python's own where it was handed over
_NO_LOGGER = regex(rf"{SOURCE_MODULES}|logging|{_FUNCTIONS}|{ANY_PROCESS}|{LEVEL_NAMES}|{THREAD_NAME.pattern}")
_POOL_CLASS = regex(r"^(?:\w+\.)*[A-Z]\w*Pool\b")


@dataclass(frozen=True)
class Record:
    """What a head says, and where. What the layout does not show is None."""

    message: str
    logger: str | None = None
    level: str | None = None
    process: str | None = None
    thread: str | None = None


class Head(NamedTuple):
    """A head line taken apart.

    Attributes:
        record: its parts.
        layout: the name of its layout, wrappers first.
    """

    record: Record
    layout: str


def is_pool_logger(name: str) -> bool:
    """Whether a logger is SQLAlchemy's for pools, or has the name of a pool class of the user's own."""
    return name.startswith("sqlalchemy.pool") or bool(_POOL_CLASS.search(name))


def is_pool_module(name: str) -> bool:
    """Whether it is no logger of a pool, but the module that all pools log from."""
    return bool(_POOL_MODULE.fullmatch(name))


def logger_name(text: str | None) -> str | None:
    """What stands where a layout has its logger.

    None for a level, a process, a thread, a module or a function of SQLAlchemy's.
    """
    return None if text is None or _NO_LOGGER.fullmatch(text) else text


def has_functions(text: str) -> bool:
    """Whether some lines print the function behind a pool's logger: ``%(name)s.%(funcName)s``."""
    return _HAS_FUNCTIONS.search(text) is not None


def without_function(logger: str) -> str:
    """A pool's logger without the function behind it."""
    match = _BEHIND_LOGGER.fullmatch(logger)
    return match[1] if match else logger


def process_name(host: str | None, process: str | None) -> str | None:
    """The space in which an address means one thing, as a head names it: its host, or container, and its process."""
    return "/".join(filter(None, (host, process))) or None
