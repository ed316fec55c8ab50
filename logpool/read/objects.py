"""Lines that name their fields: JSON objects and logfmt, by the keys that formatters give them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from logpool.read.records import TIME, Head, Record, is_pool_logger, process_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# of objects within objects, as Elastic's and Datadog's formatters write them, the keys are joined by points
_LOGGERS = ("logger", "logger_name", "name", "log.logger", "logger.name", "module")
_LEVELS = ("levelname", "level", "severity", "log.level")
_PROCESSES = ("process", "pid", "process_id", "process.pid")
_THREADS = ("threadName", "thread", "thread_name", "process.thread.name", "thread.name", "logger.thread_name")
_MESSAGES = ("message", "msg", "event")
_HOSTS = ("hostname", "host", "host.name", "pod")
# a time that was a number: in JSON within JSON, its quotes are to be escaped as its key's are
_BARE_TIME = re.compile(rf'(?P<key>(?P<escape>\\*)":\s*){TIME}')
# a long word is looked at once
_PAIRS = re.compile(r'(?<![\w.@])([\w.@]++)=("(?:[^"\\]|\\.)*"|\S*)')
#: what may name a field that matters
KEYS = (*_LOGGERS, *_LEVELS, *_PROCESSES, *_THREADS, *_MESSAGES, *_HOSTS, "log")


def in_json(text: str, read: Callable[[str], Head | None]) -> Iterator[Head]:
    """A line that is an object, taken apart.

    Args:
        text: the line.
        read: what takes a line apart that docker put into such an object, as its json-file driver does.
    """
    try:
        value = json.loads(_BARE_TIME.sub(rf'\g<key>\g<escape>"{TIME}\g<escape>"', text), strict=False)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    value = dict(_flat(value))
    message = _first(value, _MESSAGES)
    if message is None:
        inner = value.get("log")
        head = read(inner.rstrip("\n")) if isinstance(inner, str) else None
        if head is not None:
            yield head._replace(layout=f"{head.layout} in json-file")
        return
    record = Record(message, _logger(value), _first(value, _LEVELS), _first(value, _PROCESSES), _first(value, _THREADS))
    host = _first(value, _HOSTS)
    yield Head(replace(record, process=process_name(host, record.process)), "json")


def _flat(value: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """The keys and values of an object, and of those within it."""
    for key, one in value.items():
        if isinstance(one, dict):
            yield from _flat(one, f"{before}{key}.")
        else:
            yield f"{before}{key}", one


def _logger(value: dict[str, object]) -> str | None:
    names = [name for key in _LOGGERS if isinstance(name := value.get(key), str)]
    return next((name for name in names if is_pool_logger(name)), names[0] if names else None)


def _first(value: dict[str, object], keys: tuple[str, ...]) -> str | None:
    """The first value that is a text or a number; there may be whole objects."""
    found = (value.get(key) for key in keys)
    return next((str(one) for one in found if isinstance(one, str | int | float) and one != ""), None)


def in_logfmt(text: str) -> Iterator[Head]:
    """A line of keys and values, taken apart."""
    pairs: dict[str, object] = {}
    for pair in _PAIRS.finditer(text):
        key, value = pair.groups()
        # a format string may put no quotes around the message, which goes on then
        is_open = key in _MESSAGES and not value.startswith('"')
        pairs[key] = text[pair.start(2) :] if is_open else _unquoted(value)
    message = _first(pairs, (*_MESSAGES, "message"))
    if message is None or _PAIRS.match(text) is None:
        return
    level = _first(pairs, _LEVELS)
    process = process_name(_first(pairs, _HOSTS), _first(pairs, _PROCESSES))
    yield Head(Record(message, _logger(pairs), level, process, _first(pairs, _THREADS)), "logfmt")


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
