"""The head of a record: what stands before its message, in any layout that is known, inside any wrapper.

A head is read with every time in it replaced by :data:`TIME`, once for each distinct one. First what collected the
log is taken off (docker, Kubernetes, syslog, Heroku, colour codes); then the first layout that fits says where
logger, level, process and thread stand. Where none fits, the message itself is found wherever it stands, and only
what is certain is taken from around it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from logpool.read.grammar import parse_message
from logpool.read.locators import LOCATOR, without_locators
from logpool.read.records import Record, is_pool_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

#: stands for a time in a head
TIME = "\x01"
# a head is no longer, and neither is what stands before JSON
_LONGEST, _LONGEST_BEFORE_JSON = 1 << 13, 1 << 8

#: the experiment's layout, SQLAlchemy's own, and ``logging.basicConfig()``'s
DOCUMENT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
ECHO_POOL = "%(asctime)s %(levelname)s %(name)s %(message)s"
BASIC = "%(levelname)s:%(name)s:%(message)s"

_LEVEL_NAMES = r"DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|TRACE|SUCCESS|Level \d+"
_LEVEL = rf"(?P<level>{_LEVEL_NAMES})"
_ANY_LEVEL = r"(?P<level>[A-Za-z]+)"
_NAME = r"(?P<name>[A-Za-z_][\w.$<>-]*)"
_PID = r"(?P<process>\d+)"
# since Python 3.10 a thread's name may end with its function's, in parentheses
_THREAD = r"(?P<thread>[^\]\)\s](?:[^\]\)]*[^\]\)\s])?(?: \([^\]\)]*\))?)"
_MESSAGE = r"(?P<message>.*)"

# the most particular stand first: the first one in which the message is a pool's is it
_LAYOUTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        (DOCUMENT, rf"{TIME} - {_NAME} - {_LEVEL} - {_MESSAGE}"),
        ("loguru", rf"{TIME} \| {_LEVEL}\s* \| (?P<name>[\w.<>]+):[\w<>]+:\d+ - {_MESSAGE}"),
        ("pipes", rf"{TIME} \| (?:{_LEVEL}\s* \| )?(?:(?P<thread>[^|]*?)\s* \| )??{_NAME}\s* \| {_MESSAGE}"),
        (
            "asctime [process] [threadName] levelname name: message",
            rf"{TIME} \[{_PID}\] \[{_THREAD}\] \[?{_LEVEL}\]?\s+{_NAME}: {_MESSAGE}",
        ),
        ("Home Assistant", rf"{TIME} {_LEVEL} \({_THREAD}\) \[{_NAME}\] {_MESSAGE}"),
        # it puts function and line behind what is logged at DEBUG
        ("oslo.log", rf"{TIME} {_PID} {_LEVEL} {_NAME}(?: \[[^\]]*\])+ (?P<message>.*?)(?: [\w<>]+ /\S+:\d+)?"),
        # a task's name and id may stand where the logger may
        ("Celery", rf"\[{TIME}: {_LEVEL}/(?P<process>[^\]]+)\] (?:[\w.]+\[[^\]]*\]: |{_NAME}: )?{_MESSAGE}"),
        ("Airflow", rf"\[{TIME}\] \{{[^}}]*\}} {_LEVEL}\s+- {_MESSAGE}"),
        ("gunicorn", rf"\[{TIME}\] \[{_PID}\] \[{_LEVEL}\s*\] {_MESSAGE}"),
        ("Django", rf"{_LEVEL} {TIME} [\w.]+ {_PID} (?P<thread>-?\d+) {_MESSAGE}"),
        ("structlog", rf"{TIME} \[{_ANY_LEVEL}\s*\] (?P<message>.*?)\s+\[{_NAME}\](?: [\w.]+=.*)?"),
        (ECHO_POOL, rf"{TIME} {_LEVEL}\s+{_NAME} {_MESSAGE}"),
        ("pytest", rf"{_LEVEL}\s+{_NAME}:[\w.<>-]+:\d+ {_MESSAGE}"),
        ("Alembic", rf"{_LEVEL}\s+\[{_NAME}\](?:\s*\[{_THREAD}\])?:? {_MESSAGE}"),
        (BASIC, rf"{_LEVEL}:(?P<name>[^\s:]+):{_MESSAGE}"),
        ("uvicorn", rf"{_LEVEL}:\s+{_MESSAGE}"),
        ("asctime levelname message", rf"{TIME}:? \[?{_LEVEL}\]?:?\s+{_MESSAGE}"),
    )
)

_THREAD_NAME = re.compile(
    rf"\b(?:MainThread|Thread-\d+(?: \((?!(?:{_LEVEL_NAMES})\))[^\W\d]\w*\))?|ThreadPoolExecutor-\d+_\d+|Dummy-\d+"
    r"|asyncio_\d+|AnyIO worker thread|waitress-\d+)"
)
_DOCKER_TIME = "docker logs -t"
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# the first field of a layout, and no container
_NO_CONTAINER = rf"\d+|[\w.]*\.py|MainProcess|sqlalchemy\.pool[\w.-]*|{_LEVEL_NAMES}|{_THREAD_NAME.pattern}"
# what collected the log, from the outside in; "host" and "process" tell processes apart
_WRAPPERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        # it leaves two blanks behind the longest name, or behind a short number
        (
            "docker compose",
            rf"(?!(?:{_NO_CONTAINER})\s)(?=[\w.-]+\s{{2,}}\||[a-z\d._-]+[-_]\d\d? \|)(?P<host>\w[\w.-]*)\s+\| ?",
        ),
        ("kubectl", r"\[pod/(?P<host>[\w.-]+)/[\w.-]+\] "),
        ("Kubernetes", rf"{TIME} (?:stdout|stderr) [FP] "),
        ("Heroku", rf"(?:<\d+>\d? ?)?{TIME} (?:[\w.-]+ )?app\[(?P<host>[A-Za-z][\w.-]*)\]: "),
        ("syslog", rf"(?:<\d+>\d? ?)?{TIME} (?P<host>[\w.:-]+) [\w./@-]+\[(?P<process>\d+)\]: "),
        ("syslog", rf"<\d+>1 {TIME} (?P<host>\S+) \S+ (?P<process>\d+) \S+ (?:-|\[.*?\]) (?:\ufeff)?"),
        (_DOCKER_TIME, rf"{TIME} (?=\S)"),
    )
)

#: how the pool's messages begin
STARTS = re.compile(
    r"Created new connection |Error on connect\(\):|Connection (?=.{1,4000} (?:checked out from pool"
    r"|being returned to pool|reset, transaction already reset|rollback-on-return|commit-on-return"
    r"|is fresh, skipping pre-ping|exceeded timeout; recycling"
    r"|invalidated due to (?:pool|local soft) invalidation; recycling|threw an error on close))"
    r"|Pool pre-ping on connection |Disconnection detected on checkout|Reconnection attempts exhausted on checkout"
    r"|Exception during reset or similar|(?:Soft )?Invalidate connection |(?:Hard-c|C)losing connection "
    r"|Exception (?:closing|terminating) connection |Cancellation during terminate of connection |Pool recreating"
    r"|Pool disposed\.|The garbage collector is trying to clean up |Time taken: |Average time taken: |Job done\."
)


def bounded(text: str) -> str:
    """What of a line is looked at: no more than a head has, but for a message that begins in there, and for JSON."""
    if len(text) <= _LONGEST or "{" in text[:_LONGEST_BEFORE_JSON] or STARTS.search(text, 0, _LONGEST):
        return text
    return text[:_LONGEST]


_POOL_LOGGER = re.compile(r"sqlalchemy\.pool(?:\.[\w-]+)*")
_POOL_CLASS = re.compile(r"(?:[A-Za-z_]\w*\.)+[A-Z]\w*Pool(?:\.[\w-]+)*")
# alone in brackets, called so, or in front of a thread: any other number may be a line of source code, or a level
_PROCESS = r"\d{1,9}"
# of a thread, an address: no process has one as large, and what is larger is an id; neither a time of our days
_IDENT = r"(?!1[5-8]\d{8}(?:\d{3})?\b)\d{10,15}(?!\.?\d)"
# what a hyphen alone joins to a number may be an id
_NEXT = rf"(?:(?=-*[:/|, ])[:/|, -]+|-(?={_THREAD_NAME.pattern}|{_IDENT}))"
_AROUND = {
    "alone": rf"(?<!\.py)\[(?P<alone>{_PROCESS})\]",
    "called": rf"\bp(?:rocess|id)?[=: ](?P<called>{_PROCESS})(?!\d)",
    "before": rf"(?<![\w.-])(?<!Level )(?<!\.py[:\[])(?P<before>{_PROCESS})"
    rf"[\s:|,/\[\](-]+(?={_THREAD_NAME.pattern}|{_IDENT})",
    "first": rf"\[(?P<first>{_PROCESS}){_NEXT}{_THREAD}\]",
    "other": rf"\((?P<other>{_PROCESS}){_NEXT}(?P<another>[^\s()][^()]*(?:\([^()]*\))?)\)",
}
#: how a number around a message may name a process
PROCESSES = tuple(_AROUND)
#: the layout of what no layout fits
UNKNOWN = "unknown, the message found in the line"
# at the beginning of a line without a time: the milliseconds since the program began (%(relativeCreated)d), or the like
_COUNT = re.compile(rf"\s*\d+(?:\.\d+)?(?=\s)(?!.*{TIME})")
# a layout's numbers, the first aligned to the right, and nothing else before the message: "   4711: "
_NUMBERS = re.compile(r"\s+\d[\d\W]*")
# of a thread that is named by its number alone
_THREAD_NUMBER = re.compile(rf"(?<![\w.:-]){_IDENT}(?![\w.:])")
# what a layout may put between logger and message: threads, numbers, whatever is in brackets
_FIELDS = re.compile(
    rf"(?:(?:{_THREAD_NAME.pattern}|{LOCATOR}|\[[^\]]*\]|\([^)]*\)|[\w./]+\.py(?::\d+)?|\d+)[\s:|,/-]*)+", re.IGNORECASE
)
_LONGEST_FIELDS = 1 << 8
# how messages begin, and what only they hold
_PART_OF_A_MESSAGE = re.compile(
    r"\b(?:Created|Error on|Connection|Pool|Disconnection|Reconnection|Exception|Soft|Invalidate|(?:Hard-c|C)losing"
    r"|Cancellation|The garbage|Time taken|Average|Job done|onnection|pool)\b|<[\w.]*[Cc]onnection"
)
# another record begins
_ANOTHER = re.compile(rf"{TIME}.*\b(?:{_LEVEL_NAMES})\b")
_LEVEL_WORD = re.compile(r"\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")

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

#: words that tell something in a head, wherever they stand
WORDS_OF_HEADS = (
    *_LEVEL_NAMES.split("|"),
    *(*_LOGGERS, *_LEVELS, *_PROCESSES, *_THREADS, *_MESSAGES, *_HOSTS, "log", "p"),
    "app py stdout stderr F P MainProcess MainThread Thread ThreadPoolExecutor Dummy asyncio AnyIO worker waitress",
    "Connection Created new Error on Pool pre-ping Disconnection detected checkout Reconnection attempts exhausted",
    "Exception during reset or similar Soft Hard Invalidate closing Cancellation terminate recreating disposed",
    "The garbage collector is trying to clean up Time taken Average Job done Traceback During handling above",
)


class Head(NamedTuple):
    """A head line taken apart.

    Attributes:
        record: its parts.
        layout: the name of its layout, wrappers first.
    """

    record: Record
    layout: str


def read_head(text: str, processes: tuple[str, ...] = PROCESSES) -> Head | None:
    """A line, its times replaced by :data:`TIME`, taken apart; None for a line that is no record's head.

    Args:
        text: the line.
        processes: of :data:`PROCESSES`, what may name one where no layout fits.
    """
    text = _COLOURS.sub("", text) if "\x1b" in text else text
    readings = list(_unwrapped(text))
    fallback: Head | None = None
    for wrapped, names in readings:
        for head in _in_known_layouts(wrapped, processes):
            named = _wrapped_head(head, names)
            if _is_the_pools(head.record):
                return named
            fallback = fallback or named
    if fallback is not None and fallback.record.logger is not None and is_pool_logger(fallback.record.logger):
        # the layout may have more fields behind those that are known
        start = STARTS.search(fallback.record.message)
        if start is None or not _are_fields(fallback.record, start.start()):
            return fallback
    logger = None if fallback is None else fallback.record.logger
    of_another = logger is not None and not is_pool_logger(logger)
    return _found_anywhere(readings, processes, of_another=of_another) or fallback


def _are_fields(record: Record, end: int) -> bool:
    """Whether a record's message is, up to a place, what its layout puts before the message: of a task, a user, a path.

    SQLAlchemy's own loggers say nothing but messages as a whole. Behind part of one another line may have been written.
    """
    before = without_locators(record.message[:end])
    if _FIELDS.fullmatch(before):
        return True
    return (
        0 < len(before) <= _LONGEST_FIELDS
        and (record.logger or "").startswith("sqlalchemy.pool")
        and not before[-1].isalnum()
        and not _ANOTHER.search(before)
        and not _PART_OF_A_MESSAGE.search(before)
    )


# the first field of a layout may be aligned to the right
_ALIGNED = re.compile(rf"\s+(?:\d+\s+)?(?:(?:{_LEVEL_NAMES})\W+)?{TIME}")
_CONTINUED = re.compile(
    r"(?:\s|Traceback \(most recent call last\)|During handling of the above|The above exception was|"
    r"[\w.]+(?:Error|Exception|Exit|Interrupt|Warning)(?::|$))"
)


def is_continued(text: str) -> bool:
    """Whether a line that has a time, but no layout, goes on with the record above: the collector gave it the time."""
    inner = text
    for _, pattern in _WRAPPERS:
        match = pattern.match(inner)
        inner = inner[match.end() :] if match else inner
    if _ALIGNED.match(inner):
        return False
    return bool(_CONTINUED.match(inner.removeprefix(f"{TIME} ").removeprefix(TIME)) or not inner.strip())


def read_json(text: str) -> Head | None:
    """The same, for one JSON object a line and nothing else."""
    text = _COLOURS.sub("", text) if "\x1b" in text else text
    for wrapped, names in _unwrapped(text):
        for head in _json(wrapped, PROCESSES):
            return _wrapped_head(head, names)
    return None


def _is_the_pools(record: Record) -> bool:
    if record.logger is not None and not is_pool_logger(record.logger):
        message = parse_message(record.message)
        return message is not None and message.connection is not None and message.connection.driver != "unknown"
    return parse_message(record.message) is not None


class _Wrapping(NamedTuple):
    names: tuple[str, ...] = ()
    host: str | None = None
    process: str | None = None


def _unwrapped(text: str) -> Iterator[tuple[str, _Wrapping]]:
    """The text within no wrapper, one, two: the plain text first."""
    seen = {text}
    waiting = [(text, _Wrapping())]
    while waiting:
        text, wrapping = waiting.pop(0)
        yield text, wrapping
        for name, pattern in _WRAPPERS:
            match = pattern.match(text)
            if match and match.end() < len(text) and text[match.end() :] not in seen:
                found = match.groupdict()
                inner = text[match.end() :]
                seen.add(inner)
                host = "/".join(filter(None, (wrapping.host, found.get("host"))))
                names = (*wrapping.names, name)
                waiting.append((inner, _Wrapping(names, host or None, found.get("process") or wrapping.process)))


def _in_known_layouts(text: str, processes: tuple[str, ...]) -> Iterator[Head]:
    if text.startswith("{"):
        yield from _json(text, processes)
    if "=" in text:
        yield from _logfmt(text)
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
            yield Head(record, name)
    yield from _bare(text)


def _bare(text: str) -> Iterator[Head]:
    bare = text.removeprefix(TIME).lstrip()
    if STARTS.match(bare):
        yield Head(Record(bare), "message" if bare == text else "asctime message")


def _json(text: str, processes: tuple[str, ...]) -> Iterator[Head]:
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
        head = read_head(inner.rstrip("\n"), processes) if isinstance(inner, str) else None
        if head is not None:
            yield head._replace(layout=f"{head.layout} in json-file")
        return
    record = Record(message, _logger(value), _first(value, _LEVELS), _first(value, _PROCESSES), _first(value, _THREADS))
    host = _first(value, _HOSTS)
    yield Head(replace(record, process=_process(host, record.process)), "json")


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


def _logfmt(text: str) -> Iterator[Head]:
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
    process = _process(_first(pairs, _HOSTS), _first(pairs, _PROCESSES))
    yield Head(Record(message, _logger(pairs), level, process, _first(pairs, _THREADS)), "logfmt")


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", value[1:-1])


@cache
def _process_around(processes: tuple[str, ...]) -> re.Pattern[str]:
    # what matches nothing, where none may name one
    return re.compile("|".join(_AROUND[one] for one in processes) or r"(?!)", re.IGNORECASE)


def _found_anywhere(
    readings: list[tuple[str, _Wrapping]], processes: tuple[str, ...], *, of_another: bool
) -> Head | None:
    """The message wherever it stands in a line, and what is certain of what stands around it.

    What names neither a connection nor a pool's logger may be anybody's, as "Pool recreating" in some sentence.
    Another logger may be a wrong one; but only a connection's text shows that it is.
    A line that begins with white space may be of a traceback, and of the pool's own source: there the message has
    something before it that only a layout puts there.
    """
    text = readings[0][0]
    indented = any(inner[:1].isspace() for inner, _ in readings)
    for start in STARTS.finditer(text, 0, _LONGEST):
        message = parse_message(text[start.start() :])
        if message is None:
            continue
        before = without_locators(text[: start.start()])
        # in JSON it may stand behind the message
        name = _POOL_LOGGER.search(before) or _POOL_CLASS.search(before) or _POOL_LOGGER.search(text, start.end())
        named = message.connection is not None and message.connection.driver != "unknown"
        if not named and (of_another or not name):
            continue
        level = _LEVEL_WORD.search(before)
        count = _COUNT.match(before)
        marked = name or level or count or TIME in before.lstrip() or _THREAD_NAME.search(before)
        if indented and not marked and not (named and _NUMBERS.fullmatch(before)):
            continue
        around = _process_around(processes).search(before, count.end() if count else 0)
        found = around.groupdict() if around else {}
        process = next((found[key] for key in processes if found.get(key)), None)
        thread = found.get("thread") or found.get("another")
        if thread is None or LOCATOR in thread:
            # behind a number there may as well be a client's address
            thread = _first_match(_THREAD_NAME, before) or _first_match(_THREAD_NUMBER, before)
        record = Record(
            text[start.start() :],
            name[0] if name else None,
            level[0] if level else None,
            process,
            thread,
        )
        wrapping = next(names for _, names in reversed(readings) if names.names[-1:] != (_DOCKER_TIME,))
        return _wrapped_head(Head(record, UNKNOWN), wrapping)
    return None


def _first_match(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match[0] if match else None


def _wrapped_head(head: Head, wrapping: _Wrapping) -> Head:
    process = _process(wrapping.host, head.record.process or wrapping.process)
    layout = " in ".join([head.layout, *reversed(wrapping.names)])
    return Head(replace(head.record, process=process), layout)


def _process(host: str | None, process: str | None) -> str | None:
    return "/".join(filter(None, (host, process))) or None
