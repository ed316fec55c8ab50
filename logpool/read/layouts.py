"""The layouts that are known: where time, logger, level, process, thread and message stand in a line of text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.objects import fields_of
from logpool.read.records import LEVEL_NAMES, THREAD, TIME, Head, Record
from logpool.read.starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: the experiment's layout, SQLAlchemy's own, and ``logging.basicConfig()``'s
DOCUMENT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
ECHO_POOL = "%(asctime)s %(levelname)s %(name)s %(message)s"
BASIC = "%(levelname)s:%(name)s:%(message)s"


_LEVEL = rf"(?P<level>{LEVEL_NAMES})"
_ANY_LEVEL = r"(?P<level>[A-Za-z]+)"
_NAME = r"(?P<name>[A-Za-z_][\w.$<>-]*)"
# where a module may stand as well
_POOLS = r"(?P<name>sqlalchemy\.pool\.[\w.$<>-]+)"
_PID = r"(?P<process>\d+)"
_MESSAGE = r"(?P<message>.*)"

# the most particular stand first: the first one in which the message is a pool's is it
_LAYOUTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, regex(pattern, re.DOTALL))
    for name, pattern in (
        (DOCUMENT, rf"{TIME} - {_NAME} - {_LEVEL} - {_MESSAGE}"),
        ("loguru", rf"{TIME} \| {_LEVEL}\s* \| (?P<name>[\w.<>]+):[\w<>]+:\d+ - {_MESSAGE}"),
        ("pipes", rf"{TIME} \| (?:{_LEVEL}\s* \| )?(?:(?P<thread>[^|]*?)\s* \| )??{_NAME}\s* \| {_MESSAGE}"),
        (
            "asctime [process] [threadName] levelname name: message",
            rf"{TIME} \[{_PID}\] \[{THREAD}\] \[?{_LEVEL}\]?\s+{_NAME}: {_MESSAGE}",
        ),
        ("Home Assistant", rf"{TIME} {_LEVEL} \({THREAD}\) \[{_NAME}\] {_MESSAGE}"),
        # it puts function and line behind what is logged at DEBUG
        ("oslo.log", rf"{TIME} {_PID} {_LEVEL} {_NAME}(?: \[[^\]]*\])+ (?P<message>.*?)(?: [\w<>]+ /\S+:\d+)?"),
        # a task's name and id may stand where the logger may
        (
            "Celery",
            (
                rf"\[{TIME}: {_LEVEL}/(?P<process>[^\]/]+)(?:/(?P<thread>[^\]]+))?\] "
                rf"(?:[\w.]+\[[^\]]*\]: |{_NAME}: )?{_MESSAGE}"
            ),
        ),
        ("Airflow", rf"\[{TIME}\] \{{[^}}]*\}} {_LEVEL}\s+- {_MESSAGE}"),
        ("gunicorn", rf"\[{TIME}\] \[{_PID}\] \[{_LEVEL}\s*\] {_MESSAGE}"),
        ("Django", rf"{_LEVEL} {TIME} (?:{_POOLS}|[\w.]+) {_PID} (?P<thread>-?\d+) {_MESSAGE}"),
        ("structlog", rf"{TIME} \[{_ANY_LEVEL}\s*\] (?P<message>.*?)\s+\[{_NAME}\](?P<fields> [\w.]+=.*)?"),
        # and no message that begins with two words
        (ECHO_POOL, rf"{TIME} {_LEVEL}\s+(?!Soft Inv){_NAME} {_MESSAGE}"),
        ("pytest", rf"{_LEVEL}\s+{_NAME}:[\w.<>-]+:\d+ {_MESSAGE}"),
        ("Alembic", rf"{_LEVEL}\s+\[{_NAME}\](?:\s*\[(?!\d+[:/|,-]){THREAD}\])?:? {_MESSAGE}"),
        (BASIC, rf"{_LEVEL}:(?P<name>[^\s:{TIME}]+):{_MESSAGE}"),
        ("uvicorn", rf"{_LEVEL}:\s+{_MESSAGE}"),
        ("asctime levelname message", rf"{TIME}:? \[?{_LEVEL}\]?:?\s+{_MESSAGE}"),
    )
)


def in_known_layouts(text: str) -> Iterator[Head]:
    """A line without wrappers as each layout takes it apart that it fits, the most particular first."""
    # the first field may be aligned to the right, as by %(levelname)8s
    aligned = text.lstrip()
    for name, pattern in _LAYOUTS:
        match = pattern.fullmatch(aligned)
        if match:
            found = match.groupdict()
            record = Record(
                found["message"],
                found.get("name"),
                found.get("level"),
                found.get("process"),
                found.get("thread"),
            )
            fields = found.get("fields")
            yield Head(fields_of(fields).record(record.message, record) if fields else record, name)
    yield from _bare(text)


def _bare(text: str) -> Iterator[Head]:
    bare = text.removeprefix(TIME).lstrip()
    if STARTS.match(bare):
        yield Head(Record(bare), "message" if bare == text else "asctime message")
