"""Lines that name their fields: JSON objects and logfmt, by the keys that formatters and collectors give them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.cuts import cut_of
from logpool.read.grammar import parse_message
from logpool.read.records import PROCESS_NAME, TIME, Head, Record, is_pool_logger, process_name
from logpool.read.starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Read = Callable[[str], Head | None]


@lru_cache(1 << 10)
def _plain(key: str) -> str:
    """A key as it is known, however it is spelled: ``process_id``, ``processId``, ``_PID``."""
    return key.lower().replace("_", "").replace("-", "").removeprefix("@")


def _plain_ones(*keys: str) -> tuple[str, ...]:
    return tuple(map(_plain, keys))


# of objects within objects, as Elastic's and Datadog's formatters write them, the keys are joined by points
_LOGGERS = _plain_ones("logger", "logger_name", "name", "log.logger", "logger.name", "module")
_LEVELS = _plain_ones("levelname", "level", "severity", "log.level")
_PROCESSES = _plain_ones("process", "pid", "process_id", "process.pid", "process.id")
_PROCESS_NAMES = _plain_ones("process_name", "process.name")
_THREADS = _plain_ones("thread_name", "thread", "process.thread.name", "thread.name", "logger.thread_name")
_MESSAGES = _plain_ones("message", "msg", "event")
# where collectors put a message, or the line that they found
_LINES = _plain_ones("short_message", "text_payload", "body", "_raw", "line", "log")
# of a pod there is one; a host may have many containers, whose names are their own
_PLACES = _plain_ones("pod", "pod_name", "kubernetes.pod_name", "kubernetes.pod.name", "k8s.pod.name")
_HOSTS = _plain_ones("hostname", "host", "host.name")
_CONTAINERS = _plain_ones("container_name", "container.name")
_HOST_BESIDE = _plain_ones("hostname", "host.name")
# where an id mattered, each line would be read as it stands. What all pods of a deployment share is one, and what
# stands behind it tells them apart; containers and functions often have nothing else, and are taken for one
_REPLICAS = regex(r"-(?=[a-z]*\d)[a-z\d]{6,}(?=-[a-z\d]{5}$)")
# objects that may hold the record, and such as may hold more about it
_WITHIN = frozenset(_plain_ones("record", "result", "_source", "json_payload"))
_BESIDE = _WITHIN.union(_plain_ones("extra", "context", "ctx", "fields", "labels", "attributes", "resource"))
# a time that was a number: in JSON within JSON, its quotes are to be escaped as its key's are
_BARE_TIME = regex(rf'(?P<key>(?P<escape>\\*)":\s*){TIME}')
# a long word is looked at once; structlog's KeyValueRenderer has the quotation marks of Python
_PAIRS = regex(r"""(?<![\w.@])([\w.@]++)=("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'(?=\s|$)|\S*)""")
_ESCAPED = {"n": "\n", "t": "\t"}
#: what may name a field that matters
KEYS = (
    *(*_LOGGERS, *_LEVELS, *_PROCESSES, *_PROCESS_NAMES, *_THREADS, *_MESSAGES, *_LINES),
    *(*_PLACES, *_HOSTS, *_CONTAINERS, *_BESIDE),
    "processName process_name threadName textPayload container_name jsonPayload",
)


class Fields:
    """What a line says by keys."""

    def __init__(self, pairs: Iterable[tuple[str, object]]) -> None:
        self._own: dict[str, object] = {}
        self._beside: dict[str, object] = {}
        for key, value in pairs:
            self._own.setdefault(_plain(key), value)
        for key, value in list(self._own.items()):
            self._add_inner(key, value)

    def _add_inner(self, key: str, value: object) -> None:
        """Adds a field of an object within this one by the key that it has there, too."""
        own = True
        within, _, inner = key.partition(".")
        while inner and within in _BESIDE:
            own = own and within in _WITHIN
            (self._own if own else self._beside).setdefault(inner, value)
            within, _, inner = inner.partition(".")

    def first(self, keys: tuple[str, ...], *, beside: bool = False) -> str | None:
        """The first value that is a text or a number, there may be whole objects: the record's, or one beside it."""
        for fields in (self._own, self._beside) if beside else (self._own,):
            for one in map(fields.get, keys):
                if isinstance(one, str | int | float) and one != "":
                    return str(one)
        return None

    @property
    def logger(self) -> str | None:
        """The pool's, whatever its key is, or the first one."""
        keyed = [name for key in _LOGGERS if isinstance(name := self._own.get(key), str)]
        own = (name for name in keyed if is_pool_logger(name))
        return next(own, None) or self._pool_logger or next(iter(keyed), None)

    @property
    def _pool_logger(self) -> str | None:
        return next((one for one in self._texts if one.startswith("sqlalchemy.pool") and " " not in one), None)

    @property
    def _texts(self) -> Iterator[str]:
        return (one for one in self._own.values() if isinstance(one, str))

    @property
    def line(self) -> str | None:
        """What may be a message, or a whole line, by its key; else what holds a message."""
        texts = (one for key in _LINES if isinstance(one := self._own.get(key), str))
        return next(texts, None) or next((one for one in self._texts if STARTS.search(one)), None)

    def record(self, message: str, inner: Record | None = None) -> Record:
        """A record of these fields.

        Args:
            message: what it says.
            inner: what the line tells that was found in there.
        """
        inner = inner or Record(message)
        return Record(
            message,
            inner.logger or self.logger,
            inner.level or self.first(_LEVELS),
            process_name(self._host, inner.process or self._process),
            inner.thread or self.first(_THREADS, beside=True),
        )

    @property
    def _host(self) -> str | None:
        """Where the process runs. Beside a record, a request may have a host, too."""
        own = ":".join(filter(None, map(self.first, (_HOSTS, _CONTAINERS))))
        ways = (self.first(_PLACES, beside=True), own, self.first(_HOST_BESIDE, beside=True))
        host = next(filter(None, ways), None)
        # what stands behind the last slash is a process
        return _REPLICAS.sub("-*", host).replace("/", ":").strip(":") if host else None

    @property
    def _process(self) -> str | None:
        name = self.first(_PROCESS_NAMES, beside=True)
        return self.first(_PROCESSES, beside=True) or (name if name and PROCESS_NAME.fullmatch(name) else None)


def in_json(text: str, read: Read) -> Iterator[Head]:
    """A line that is an object, taken apart.

    Args:
        text: the line.
        read: what takes a line apart that a collector put into such an object, as docker's json-file driver does.
    """
    try:
        value = json.loads(_BARE_TIME.sub(rf'\g<key>\g<escape>"{TIME}\g<escape>"', text), strict=False)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    fields = Fields(_flat(value))
    message = fields.first(_MESSAGES)
    line = fields.line if message is None else message
    if line is None:
        return
    is_docker = message is None and line == value.get("log")
    if is_docker or (parse_message(line) is None and fields.logger is None):
        head = read(_marked(line.rstrip("\n")))
        if head is not None:
            layout = f"{head.layout} in {'json-file' if is_docker else 'json'}"
            yield Head(fields.record(head.record.message, head.record), layout)
        if is_docker:
            # a line without a head goes on with the record above
            return
    yield Head(fields.record(line), "json")


def _marked(line: str) -> str:
    """A line within another, its times marked."""
    return line if TIME in line else cut_of(line).marked(line)


def _flat(value: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """The keys and values of an object, and of those within it."""
    for key, one in value.items():
        if isinstance(one, dict):
            yield from _flat(one, f"{before}{key}.")
        else:
            yield f"{before}{key}", one


def in_logfmt(text: str) -> Iterator[Head]:
    """A line of keys and values, taken apart."""
    pairs: dict[str, object] = {}
    for pair in _PAIRS.finditer(text):
        key, value = pair.groups()
        # a format string may put no quotes around the message, which goes on then
        is_open = _plain(key) in _MESSAGES and not value.startswith('"') and not _is_quoted(value)
        pairs[key] = text[pair.start(2) :] if is_open else _unquoted(value)
    fields = Fields(pairs.items())
    message = fields.first(_MESSAGES)
    if message is None or _PAIRS.match(text) is None:
        return
    yield Head(fields.record(message), "logfmt")


def fields_of(text: str) -> Fields:
    """Keys and values wherever they stand in a text."""
    return Fields((pair[1], _unquoted(pair[2])) for pair in _PAIRS.finditer(text))


def _is_quoted(value: str) -> bool:
    return len(value) > 1 and value[0] == value[-1] == "'"


def _unquoted(value: str) -> str:
    if _is_quoted(value):
        return re.sub(r"\\(.)", lambda escaped: _ESCAPED.get(escaped[1], escaped[1]), value[1:-1])
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", value[1:-1])
