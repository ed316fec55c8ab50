"""Layouts: what a formatter prints is read back as it was logged, asked for by its format or found by itself."""

import json
import logging
import time
from array import array
from collections.abc import Callable
from itertools import cycle, pairwise
from typing import Literal, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logpool.errors import UsageError
from logpool.native.cutting import Taken
from logpool.native.finding import Known
from logpool.native.lines import Needles, Rows, surveyed
from logpool.read.cuts import cut_of
from logpool.read.events import EventReader
from logpool.read.formats import head_reader
from logpool.read.grammar import parse_message
from logpool.read.heads import read_head
from logpool.read.layouts import BASIC, DOCUMENT, ECHO_POOL
from logpool.read.lines import Block, Lines
from logpool.read.locators import without_locators
from logpool.read.reading import Reading
from logpool.read.records import Record, is_pool_logger
from logpool.read.rests import rest_of
from logpool.read.vocabulary import Vocabulary

POOL = "sqlalchemy.pool.impl.QueuePool"
CREATED = "Created new connection <pyodbc.Connection object at 0x7f6fbc2ff770>"
RETURNED = "Connection <AdaptedConnection <Connection(Thread-3, started daemon 12)>> being returned to pool"
NOON = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
# what is tried in many ways takes hours: so many seconds are long for what takes some of them, however busy the machine
HOURS = 60
DAYLESS_NOON = 43_200_000_000
STYLES: list[Literal["%", "{", "$"]] = ["%", "{", "$"]


class Read(NamedTuple):
    """A line taken apart: its time in microseconds, and its record."""

    time: int | None
    record: Record | None


def read(layout: str | None, line: str) -> Read:
    """A line read by itself."""
    time, rest = taken_apart(line)
    head = head_reader(layout)(rest)
    return Read(time, head.record if head else None)


def taken_apart(line: str) -> tuple[int | None, str]:
    """A line's time, and the rest of it."""
    cut = cut_of(line)
    if len(line) < 2:
        return None, line
    # the line itself is what is looked for, so that it is read whatever it is
    data = f"{line}\n".encode()
    rows = Rows(data, Needles([line], rare=[line[:2]]), surveyed(data, len(data)))
    taken = Taken.of(cut.cutter(), rows, array("I", [0]))
    parts = [cut.added(number, texts) for number, texts in enumerate(taken.cutter.times)]
    time = Known(parts).time(taken, 0)
    return time, cut.restored(rest_of(taken, 0).text)


class Event(NamedTuple):
    """What an event says of its record."""

    line: int
    time: int | None
    pool: str | None
    process: str | None
    thread: str | None


def events_of(layout: str | None, lines: list[str], cuts: tuple[int, ...] = ()) -> list[Event]:
    """The events of lines read together, as a log is, in blocks that end at some lines."""
    vocabulary = Vocabulary()
    reader = EventReader(vocabulary, 0, Reading("log"), layout)
    blocks = [Block(begin + 1, Lines.of(lines[begin:end]), 0) for begin, end in pairwise([0, *cuts, len(lines)])]
    found = []
    for batch in reader.read(blocks):
        for line, at, number, thread in batch.select("line", "time", "shape", "thread").iter_rows():
            shape = vocabulary.shapes[number]
            assert shape is not None
            found.append(
                Event(line, at, shape.pool, shape.process, None if thread is None else vocabulary.threads.get(thread))
            )
    return found


# -- what formatters print -------------------------------------------------------------------------------------------


class Field(NamedTuple):
    """One field of a format: what it is called, and the ways to write it in each style."""

    name: str
    written: dict[str, list[str]]


def field(name: str, percent: list[str], brace: list[str]) -> Field:
    return Field(name, {"%": percent, "{": brace, "$": [f"${{{name}}}"]})


FIELDS = [
    field("name", ["%(name)s", "%(name)-40s", "%(name)40s"], ["{name}", "{name:<40}", "{name:>40}", "{name!s:40}"]),
    field(
        "levelname",
        ["%(levelname)s", "%(levelname)-8s", "%(levelname)8s", "%(levelname)-9.9s"],
        ["{levelname}", "{levelname:8}", "{levelname:>8}", "{levelname!s}"],
    ),
    field(
        "process",
        ["%(process)d", "%(process)s", "%(process)7d"],
        ["{process}", "{process:d}", "{process:>7}"],
    ),
    field("thread", ["%(thread)d", "%(thread)s", "%(thread)-16d"], ["{thread}", "{thread:<16d}"]),
    field("threadName", ["%(threadName)s", "%(threadName)-20s"], ["{threadName}", "{threadName:^20}"]),
    field("lineno", ["%(lineno)d", "%(lineno)4d"], ["{lineno}", "{lineno:4d}"]),
    field("filename", ["%(filename)s"], ["{filename}"]),
    field("funcName", ["%(funcName)s"], ["{funcName:s}"]),
    field("processName", ["%(processName)s"], ["{processName}"]),
    field("asctime", ["%(asctime)s"], ["{asctime}"]),
]
DATEFMTS = [
    None,
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S UTC",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y.%m.%d %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y %H:%M:%S",
]
WRAPS = [("", ""), ("[", "]"), ("(", ")"), ("<", ">"), ("{", "}"), ("%", "%"), ("$", "$"), ("\\", "|")]
GAPS = [" ", "  ", " - ", " | ", ": ", ", ", " :: ", " {} ", " 5% "]


def literal(text: str, style: str) -> str:
    doubled = {"%": "%", "{": "{}", "$": "$"}[style]
    return "".join(2 * char if char in doubled else char for char in text)


class Format(NamedTuple):
    """A format string, and which fields it shows."""

    style: Literal["%", "{", "$"]
    text: str
    datefmt: str | None
    names: tuple[str, ...]

    def formatter(self) -> logging.Formatter:
        made = logging.Formatter(self.text, self.datefmt, self.style)
        made.converter = time.gmtime
        return made


@st.composite
def formats(draw: st.DrawFn) -> Format:
    style = draw(st.sampled_from(STYLES))
    fields = draw(st.lists(st.sampled_from(FIELDS), unique_by=lambda one: one.name, max_size=6))
    text = ""
    for one in fields:
        before, after = draw(st.sampled_from(WRAPS))
        written = draw(st.sampled_from(one.written[style]))
        text += literal(before, style) + written + literal(after + draw(st.sampled_from(GAPS)), style)
    message = {"%": "%(message)s", "{": "{message}", "$": "$message"}[style]
    return Format(style, text + message, draw(st.sampled_from(DATEFMTS)), tuple(one.name for one in fields))


words = st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True)
messages = st.sampled_from([CREATED, RETURNED, f"{CREATED} at 2001-02-03 04:05:06,789 [INFO] a: b - c | d"])


@st.composite
def log_records(draw: st.DrawFn) -> logging.LogRecord:
    record = logging.makeLogRecord(
        {
            "name": draw(st.just(POOL) | st.lists(words, min_size=1, max_size=4).map(".".join)),
            "msg": draw(messages),
            "levelno": (level := draw(st.sampled_from([10, 15, 20, 30, 40, 50]))),
            "levelname": logging.getLevelName(level),
            "process": draw(st.integers(1, 4_194_304)),
            "thread": draw(st.integers(1, 2**63)),
            "threadName": draw(
                st.sampled_from(["MainThread", "Thread-3", "Thread-1 (work)", "ThreadPoolExecutor-0_1"])
            ),
            "lineno": draw(st.integers(1, 9999)),
            "filename": "base.py",
            "funcName": draw(words),
            "processName": "MainProcess",
        }
    )
    record.created = draw(st.integers(10**12, 2 * 10**12)) / 1000
    record.msecs = round(record.created * 1000) % 1000
    return record


def shown(record: logging.LogRecord, names: tuple[str, ...]) -> Record:
    def one(name: str) -> str | None:
        return str(getattr(record, name)) if name in names else None

    process, thread = one("process") or one("processName"), one("threadName") or one("thread")
    return Record(record.getMessage(), one("name"), one("levelname"), process, thread)


@given(formats(), st.lists(log_records(), min_size=1, max_size=4))
def test_what_a_formatter_prints_is_read_back(form: Format, records: list[logging.LogRecord]) -> None:
    lines = [form.formatter().format(record) for record in records]
    unit = 1000 if form.datefmt is None else 1_000_000
    timed = "asctime" in form.names
    times = [round(record.created * 1000) * 1000 // unit * unit if timed else None for record in records]
    expected = [Read(at, shown(record, form.names)) for at, record in zip(times, records, strict=True)]
    assert expected == [read(form.text, line) for line in lines]
    assert [
        Event(number, one.time, one.record.logger or "unknown", one.record.process, one.record.thread)
        for number, one in enumerate(expected, start=1)
        if one.record is not None
    ] == events_of(form.text, lines)


SAID = [
    "Created new connection <sqlite3.Connection object at 0x7f01>",
    "Connection <connection object at 0x7f01; dsn: 'user=a host=b', closed: 0> checked out from pool",
    "Connection <sqlite3.Connection object at 0x7f01> being returned to pool",
]


@st.composite
def pool_records(draw: st.DrawFn) -> logging.LogRecord:
    """A record as a pool writes it, with numbers as programs have them."""
    record = draw(log_records())
    record.msg, record.name = draw(st.sampled_from(SAID)), POOL
    record.process, record.thread = draw(st.integers(2, 99_999)), draw(st.integers(10**14, 10**15))
    return record


@settings(max_examples=150)
@given(formats(), st.lists(pool_records(), min_size=1, max_size=3))
def test_what_a_formatter_prints_is_found_without_its_format(form: Format, records: list[logging.LogRecord]) -> None:
    # a line of source code in brackets is like a process, a function's name before a bar like a container's
    assume(not {"lineno", "funcName"} & set(form.names))
    lines = [form.formatter().format(record) for record in records]
    found = events_of(None, lines)
    assert [event.line for event in found] == list(range(1, len(lines) + 1))
    unit = 1000 if form.datefmt is None else 1_000_000
    for event, record in zip(found, records, strict=True):
        expected = shown(record, form.names)
        assert event.process in {None, expected.process}
        assert event.thread in {None, expected.thread, str(record.thread) if "thread" in form.names else None}
        if "name" in form.names:
            assert event.pool == POOL
        if "asctime" in form.names:
            assert event.time == round(record.created * 1000) * 1000 // unit * unit


WRAPPED = [
    "2024-01-01T12:00:00.123456789Z {}",
    "2024-01-01T12:00:00.123456789Z stdout F {}",
    "Jan  1 12:00:00 web-1 app[17]: {}",
    "web-1  | 2024-01-01T12:00:00.123456789Z {}",
    '{{"log":"{}\\n","stream":"stdout","time":"2024-01-01T12:00:00.123456789Z"}}',
]
# what may fill the begin of a log: these hold no time of their own, but most of them something that looks for one
BEGUN = [
    "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
    "    raise TimeoutError(connection )",
    "starting sqlalchemy.pool at 12:34:56.789, request 0123456789abcdef, 20240101 1704110400.123456",
]


@settings(max_examples=60)
@given(
    formats(),
    st.lists(pool_records(), min_size=1, max_size=3),
    st.sampled_from(WRAPPED),
    st.sampled_from(BEGUN),
    st.sampled_from([None, "%s,%03d", "%s.%03d"]),
)
def test_what_a_log_begins_with_changes_nothing_behind_it(
    form: Format, records: list[logging.LogRecord], wrapped: str, begun: str, milliseconds: str | None
) -> None:
    if milliseconds:
        form = form._replace(datefmt=None)
    formatter = form.formatter()
    formatter.default_msec_format = milliseconds
    lines = [wrapped.format(formatter.format(record)) for record in records]
    first = [wrapped.format(begun)] * 250
    behind = events_of(None, first + lines)[-len(lines) :]
    assert [event._replace(line=event.line - len(first)) for event in behind] == events_of(None, lines)


# -- single formats --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "microseconds", "record"),
    [
        (DOCUMENT, f"2024-01-01 12:00:00,123 - {POOL} - DEBUG - Hi", NOON + 123_000, Record("Hi", POOL, "DEBUG")),
        (ECHO_POOL, f"2024-01-01 12:00:00,123 DEBUG {POOL} Hi", NOON + 123_000, Record("Hi", POOL, "DEBUG")),
        (BASIC, f"DEBUG:{POOL}:Hi: you", None, Record("Hi: you", POOL, "DEBUG")),
        ("%(message)s", "Hi", None, Record("Hi")),
        ("{message}", "Hi", None, Record("Hi")),
        ("$message", "Hi", None, Record("Hi")),
        (
            "%(asctime)s.%(msecs)03d %(name)s %(message)s",
            "2024-01-01 12:00:00.005 a.B Hi",
            NOON + 5_000,
            Record("Hi", "a.B"),
        ),
        (
            "%(asctime)s,%(msecs)d %(levelname)-8s [%(filename)s:%(lineno)d] %(message)s",
            "2024-01-01:12:00:00,5 DEBUG    [base.py:895] Hi",
            NOON + 5_000,
            Record("Hi", None, "DEBUG"),
        ),
        ("%(asctime)s %(msecs)03d %(message)s", "2024-01-01 12:00:00 123 Hi", NOON, Record("Hi")),
        ("{asctime}.{msecs:03.0f} {message}", "2024-01-01 12:00:00.005 Hi", NOON + 5_000, Record("Hi")),
        (
            "[%(levelname)s/%(process)d] %(asctime)s %(message)s",
            f"[INFO/7] 2024-01-01 12:00:00,123 {CREATED} at 2023-01-01 00:00:00,000",
            NOON + 123_000,
            Record(f"{CREATED} at 2023-01-01 00:00:00,000", None, "INFO", "7"),
        ),
        ("%(asctime)-30s|%(message)s", "2024-01-01 12:00:00,123       |Hi", NOON + 123_000, Record("Hi")),
        (
            "%(levelname)s-%(asctime)s-%(message)s",
            "INFO-2024-01-01 12:00:00,123-Hi",
            NOON + 123_000,
            Record("Hi", None, "INFO"),
        ),
        # no zone: the process
        (
            "%(asctime)s-%(process)d-%(levelname)s-%(message)s",
            "2024-01-01 12:00:00,123-1234-INFO-Hi",
            NOON + 123_000,
            Record("Hi", None, "INFO", "1234"),
        ),
        (
            "%(asctime)s -%(process)d- %(message)s",
            "2024-01-01 12:00:00 -1234- Hi",
            NOON,
            Record("Hi", None, None, "1234"),
        ),
        ("%(created)f %(message)s", "1704110400.123456 Hi", NOON + 123_456, Record("Hi")),
        ("%(created).3f %(message)s", "1704110400.123 Hi", NOON + 123_000, Record("Hi")),
        (
            "{levelname} [{created:.6f}] {message}",
            "INFO [1704110400.123456] Hi",
            NOON + 123_456,
            Record("Hi", None, "INFO"),
        ),
        ("%(created)d %(message)s", "1704110400 Hi", NOON, Record("Hi")),
        ("%(relativeCreated)f %(message)s", "1234567.654321 Hi", None, Record("Hi")),
        ("%(relativeCreated)d %(message)s", "123456 Hi", None, Record("Hi")),
        ("%(asctime)s|%(asctime)s|%(message)s", "2024-01-01 12:00:00|2024-01-01 12:00:00|Hi", NOON, Record("Hi")),
        ("%(name)s %(name)s %(message)s", "a a Hi", None, Record("Hi", "a")),
        # milliseconds behind the time, and a zone that is a text
        ("%(asctime)s.%(msecs)03d %(message)s", "01/02/2024 12:00:00 PM.123 Hi", NOON + 86_400_123_000, Record("Hi")),
        ("%(asctime)s.%(msecs)03d %(message)s", "2024-01-01T12:00:00+0000.123 Hi", NOON + 123_000, Record("Hi")),
        ("%(asctime)s.%(msecs)03d %(message)s", "2024-01-01 12:00:00,123.123 Hi", NOON + 123_000, Record("Hi")),
        ("%(asctime)s.%(msecs)d %(message)s", "2024-01-01 12:00:00,005.5 Hi", NOON + 5_000, Record("Hi")),
        ("%(asctime)s,%(msecs)d %(message)s", "2024-01-01 12:00:00,123,123 Hi", NOON + 123_000, Record("Hi")),
        ("%(asctime)s:%(msecs)03d %(message)s", "2024-01-01 12:00:00:005 Hi", NOON + 5_000, Record("Hi")),
        ("%(asctime)s:%(msecs)d %(message)s", "2024-01-01 12:00:00:5 Hi", NOON, Record("Hi")),
        ("%(asctime)s.%(msecs)03dZ %(message)s", "2024-01-01T12:00:00.123Z Hi", NOON + 123_000, Record("Hi")),
        ("%(asctime)sZ %(message)s", "2024-01-01T12:00:00Z Hi", NOON, Record("Hi")),
        (
            "%(asctime)s UTC [%(process)d] %(message)s",
            "2024-01-01 12:00:00 UTC [7] Hi",
            NOON,
            Record("Hi", process="7"),
        ),
        # a process behind a comma is none of it
        (
            "%(asctime)s,%(process)d,%(levelname)s,%(message)s",
            "2024-01-01 12:00:00,123,123,INFO,Hi",
            NOON + 123_000,
            Record("Hi", None, "INFO", "123"),
        ),
        # what stands around a time that is not known to the day, or is no figure
        ("%(asctime)s %(name)s %(message)s", "Mon Jan  1 12:00:00 2024 a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s %(name)s %(message)s", "Mon, 01 Jan 2024 12:00:00 a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s %(name)s %(message)s", "2024-01-01 14:00:00 CEST a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s %(name)s %(message)s", "2024-01-01 12:00:00 CST a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s CET %(name)s %(message)s", "2024-01-01 13:00:00 CET a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s %(name)s %(message)s", "Jan 01, 2024 12:00:00 a Hi", NOON, Record("Hi", "a")),
        ("%(asctime)s %(name)s %(message)s", "24/01/01 12:00:00 a Hi", DAYLESS_NOON, Record("Hi", "a")),
        # a day that is not told: the clock counts; and one that can't be known
        ("%(asctime)s %(levelname)s %(message)s", "12:00:00 INFO Hi", DAYLESS_NOON, Record("Hi", None, "INFO")),
        ("%(asctime)s %(levelname)s %(message)s", "01/02/2024 12:00:00 INFO Hi", None, Record("Hi", None, "INFO")),
        ("%(threadName)s %(message)s", "Thread-1 (work) Hi (you)", None, Record("Hi (you)", thread="Thread-1 (work)")),
        ("%(threadName)s %(message)s", "Thread-x (work) Hi", None, Record("(work) Hi", thread="Thread-x")),
        ("%(thread)d %(threadName)s %(message)s", "140 main Hi", None, Record("Hi", thread="main")),
        ("%(request_id)s %(message)s", "req-1 Hi", None, Record("Hi")),
        ("%(name)s %(message)s", "a Hi you", None, Record("Hi you", "a")),
        ("100%% %(message)s", "100% Hi", None, Record("Hi")),
        ("{{}} {message}", "{} Hi", None, Record("Hi")),
        ("$$5 ${message}", "$5 Hi", None, Record("Hi")),
        ("(.*) %(message)s", "(.*) Hi", None, Record("Hi")),
    ],
)
def test_format(text: str, line: str, microseconds: int | None, record: Record) -> None:
    assert Read(microseconds, record) == read(text, line)


@pytest.mark.parametrize("cuts", [(), (1,), (7,)])
@pytest.mark.parametrize(
    ("text", "pool"),
    [
        ("%(levelname)10s %(name)-40s %(message)s @%(asctime)s", POOL),
        ("%(message)s (%(asctime)s) [%(process)d]", "unknown"),
        ("{message} {created:.3f}", "unknown"),
    ],
)
def test_a_time_may_stand_behind_the_message(text: str, pool: str, cuts: tuple[int, ...]) -> None:
    form = Format("{" if text.startswith("{") else "%", text, None, ())
    records = []
    for number in range(20):
        said = (
            f"{CREATED[:-1]}{number * 'é'}>" if number % 3 else "Error on connect(): 2001-02-03 04:05:06,789 too late"
        )
        record = logging.makeLogRecord({"name": POOL, "msg": said, "levelname": "DEBUG", "process": 7})
        record.created, record.msecs = NOON / 1e6 + number, 0
        records.append(record)
    lines = [form.formatter().format(record) for record in records]
    process = "7" if "process" in text else None
    expected = [Event(number, NOON + (number - 1) * 1_000_000, pool, process, None) for number in range(1, 21)]
    assert events_of(text, lines, cuts) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (DOCUMENT, "Traceback (most recent call last):"),
        (DOCUMENT, f"{POOL} - DEBUG - Hi"),
        (DOCUMENT, f"2024-01-01 12:00:00,123 {POOL} - DEBUG - Hi"),
        (DOCUMENT, f" - 2024-01-01 12:00:00,123 - {POOL} - DEBUG - Hi"),
        (DOCUMENT, f"2024-01-01 12:00:00,123 - {POOL} - 10 - Hi"),
        (DOCUMENT, ""),
        (ECHO_POOL, f"2024-01-01 12:00:00,123 10 {POOL} Hi"),
        (BASIC, "sqlalchemy.exc.TimeoutError: QueuePool limit: reached"),
        (BASIC, "TimeoutError: QueuePool limit: reached"),
        (BASIC, "    DEBUG:a:Hi"),
        ("%(levelname)s %(asctime)s %(message)s", "  at 2024-01-01 12:00:00,123 it stopped"),
        ("%(name)s|%(message)s", "Hi"),
    ],
)
def test_line_that_is_no_head(text: str, line: str) -> None:
    assert read(text, line).record is None


def test_a_record_whose_time_is_none_is_still_a_record() -> None:
    assert [Event(1, None, POOL, None, None)] == events_of(
        DOCUMENT, [f"2024-13-01 12:00:00,123 - {POOL} - DEBUG - {CREATED}"]
    )


@pytest.mark.parametrize("text", ["%(asctime)s,%(msecs)d %(message)s", "{asctime},{msecs:.0f} {message}"])
def test_milliseconds_without_zeros_keep_their_value(text: str) -> None:
    numbers = [123, 5, 45, 0, 999, 5]
    lines = [f"2024-01-01 12:00:00,{number} {CREATED}" for number in numbers]
    assert [NOON + number * 1000 for number in numbers] == [event.time for event in events_of(text, lines)]


@pytest.mark.parametrize("zone", ["Z", "+00:00", " +0000"])
def test_zone(zone: str) -> None:
    line = f"2024-01-01T12:00:00{zone} - {POOL} - DEBUG - {CREATED}"
    assert Read(NOON, Record(CREATED, POOL, "DEBUG")) == read(DOCUMENT, line)
    assert cut_of(line).offset == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no field",
        "%(asctime)s %(name)s",
        "%(message)",
        "%(message) !",
        "%(message)s %",
        "%(message)s %(name",
        "%(1)s %(message)s",
        "{asctime} {name}",
        "{message",
        "{message} }",
        "{} {message}",
        "{0} {message}",
        "$asctime",
        "$message $",
        "jsonl",
    ],
)
def test_text_that_is_no_format(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        head_reader(text)
    assert repr(text) in caught.value.message
    assert caught.value.hint is not None
    assert "json" in caught.value.hint


@given(st.text() | st.text("%{}$()[asctimemessage:!>-8 "))
def test_no_text_is_too_odd_for_a_format(text: str) -> None:
    try:
        reader = head_reader(text)
    except UsageError:
        return
    for line in ("Hi", "\x01 Hi", ""):
        head = reader(line)
        assert head is None or head.record.message in line


# -- layouts found by themselves -------------------------------------------------------------------------------------

TIME = "2024-01-01 12:00:00,123"


@pytest.mark.parametrize(
    ("line", "layout", "microseconds"),
    [
        (f"{TIME} - {{}} - DEBUG - {{}}", DOCUMENT, NOON + 123_000),
        (f"{TIME} DEBUG {{}} {{}}", ECHO_POOL, NOON + 123_000),
        ("DEBUG:{}:{}", BASIC, None),
    ],
)
@pytest.mark.parametrize(
    "logger", [POOL, f"{POOL}.web", "sqlalchemy.pool.QueuePool.0x..a1b2", "myapp.db.TracedPool", "a"]
)
@pytest.mark.parametrize("message", [CREATED, RETURNED])
def test_layout_is_found(line: str, layout: str, microseconds: int | None, logger: str, message: str) -> None:
    line = line.format(logger, message)
    assert Read(microseconds, Record(message, logger, "DEBUG")) == read(None, line)
    head = head_reader(None)(taken_apart(line)[1])
    assert head is not None
    assert layout == head.layout


@pytest.mark.parametrize("behind", ["", " _checkout /usr/lib/python3/site-packages/sqlalchemy/pool/base.py:895"])
@pytest.mark.parametrize("message", [CREATED, RETURNED])
def test_oslo_puts_the_place_behind_what_is_logged_at_debug(message: str, behind: str) -> None:
    head = head_reader(None)(f"\x01 52 DEBUG {POOL} [req-1 default] {message}{behind}")
    assert head is not None
    assert ("oslo.log", Record(message, POOL, "DEBUG", "52")) == (head.layout, head.record)


def test_layouts_may_change_from_line_to_line() -> None:
    lines = [
        f"{TIME} DEBUG {POOL} {CREATED}",
        f"DEBUG:{POOL}:{CREATED}",
        "Traceback (most recent call last):",
        f"01/Jan/2024:12:00:00 - {POOL}.b - DEBUG - {CREATED}",
        f"{TIME} - {POOL}.b - DEBUG - {CREATED}",
    ]
    assert [
        Event(1, NOON + 123_000, POOL, None, None),
        Event(2, None, POOL, None, None),
        Event(4, NOON, f"{POOL}.b", None, None),
        Event(5, NOON + 123_000, f"{POOL}.b", None, None),
    ] == events_of(None, lines)


def test_the_pools_name_vouches_for_what_names_no_connection() -> None:
    message = "Disconnection detected on checkout, invalidating individual connection None (reason: Gone('x'))"
    head = f"~7~ at {TIME} <<INFO>>"
    assert [Event(1, NOON + 123_000, POOL, None, None)] == events_of(None, [f"{head} {POOL} says {message}"])
    assert events_of(None, [f"{head} somebody says {message}"]) == []


# what layouts put before a message, by its level
FIELDS_ONLY: list[Callable[[str], str]] = [
    lambda level: f"[{TIME}] {level} in base: ",
    lambda level: f"[{TIME}] {level} in pool: ",
    lambda level: f"{TIME} {level} base.py:895 - ",
    lambda level: f"{TIME} {level} base._do_get:895 ",
    lambda level: f"[{TIME}] {level} [impl.log:895] ",
    lambda level: f"{TIME} - {level} - ",
    lambda level: f"{TIME} - 4242 - {level} - ",
    lambda level: f"{TIME} - base - {level} - ",
    lambda level: f"{TIME} - {level} - impl - ",
    lambda level: f"{TIME} | {level} | ",
    lambda level: f"{TIME} | {level:8} | ",
    lambda level: f"{TIME}:{level}:",
    lambda level: f"{TIME} 4242 {level} ",
    lambda level: f"{TIME} {level} [4242] ",
    lambda level: f"{level} {TIME} ",
    lambda level: f"{level} ",
    lambda level: f"{level}:",
    lambda level: f"[{level}] ",
    lambda level: f"                    {level}    ",
    lambda level: f"{level[0]} ",
    lambda level: f"[{level[0]} 240926 17:45:26 base:895] ",
    lambda level: f"[{level[0]} {TIME} base] ",
    lambda level: f"{level[0]}0926 17:45:26.001000 4242 base.py:895] ",
    lambda level: f"[{level}]\t2024-01-01T12:00:00.000Z\t3f2504e0-4f89-abcd-9a0c-0305e82c3301\t",
    lambda level: f"{TIME} [{level.lower():8}] ",
    lambda level: f"{TIME} {level} MainProcess Thread-1 (work) ",
    lambda _: f"{TIME} (Thread-1  ) ",
    lambda _: f"[{TIME}] ",
    lambda level: f"12:00:00.123 | {level:7} | {POOL} - ",
    lambda level: f"{TIME} {level} MainProcess Thread-1 {POOL} ",
    lambda level: f"{TIME} | 4242 | {level} | {POOL} | ",
    lambda level: f"{TIME} | {level:8} | logging:callHandlers:1706 - ",
    lambda level: f"web-1  | [{TIME}] {level} in base: ",
    lambda level: f"web-1  | {TIME} - {level} - ",
    lambda level: f"web-1  | [{level}]\t2024-01-01T12:00:00.000Z\t3f2504e0-4f89-abcd-9a0c-0305e82c3301\t",
    lambda level: f"Sep 26 17:45:26 host app[42]: {level} ",
    lambda level: f"app.log:12:[{TIME}] [42] [{level}] ",
    lambda level: f"/var/log/app-1.log:12:[{TIME}] [42] [{level}] ",
    lambda level: f"logs/app.log.1:12:{TIME} {level} ",
    lambda level: f"12:[{TIME}] [42] [{level}] ",
]
STATUS = "Pool size: 5  Connections in pool: 0 Current Overflow: -5 Current Checked out connections: 0"
NAMELESS = {
    "Exception during reset or similar": "ERROR",
    "Error on connect(): connection refused": "DEBUG",
    "Pool recreating": "INFO",
    "Reconnection attempts exhausted on checkout": "INFO",
    f"Pool disposed. {STATUS}": "INFO",
}


@pytest.mark.parametrize("head", FIELDS_ONLY)
@pytest.mark.parametrize("message", NAMELESS)
def test_what_names_no_connection_counts_behind_fields_alone(head: Callable[[str], str], message: str) -> None:
    before = head(NAMELESS[message])
    assert [event.pool for event in events_of(None, [before + message])] == [POOL if POOL in before else "unknown"]


# not as the pool says it, another's, source code, a sentence; and whether it is in doubt
NOT_FIELDS_ONLY = [
    ("[{TIME}] WARNING in base: {}", False),
    ("W {}", False),
    ("[{TIME}] {level} in views: {}", True),
    ("{level} worker/web: {}", True),
    ("{level}:root:{}", True),
    ("{TIME} - app.jobs - {level} - {}", False),
    ("app.jobs:12:{level}:{}", True),
    ("{level} because of {}", False),
    ("web-1  | {level} because of {}", False),
    ("web-1  | WARNING in base: {}", False),
    ('    log.info("{}")', False),
    ('{TIME} log.info("{}")', False),
    ('{TIME}     self.logger.info("{}")', False),
    ("{level}('{}')", False),
    ("{}", None),
]


@pytest.mark.parametrize(("form", "doubtful"), NOT_FIELDS_ONLY)
@pytest.mark.parametrize("message", NAMELESS)
def test_what_names_no_connection_may_be_anybodys(form: str, message: str, *, doubtful: bool | None) -> None:
    reading = Reading("log")
    line = form.format(message, TIME=TIME, level=NAMELESS[message])
    found = list(EventReader(Vocabulary(), 0, reading).read([Block(1, Lines.of([line]), 0)]))
    assert bool(found) == (doubtful is None)
    assert reading.unrecognised_lines == bool(doubtful)


def test_no_fields_are_too_odd() -> None:
    begin = time.process_time()
    for unit in ("base:", "base.a ", "1a", "[info ", "Thread-1 ", "a-", "Level ", "3f2504e0-"):
        for end in ("", "x", "_"):
            assert not events_of(None, [f"{unit * (8000 // len(unit))}{end} {message}" for message in NAMELESS])
            assert not events_of(None, [f"{unit * (250 // len(unit))}{end}x {message}" for message in NAMELESS])
    assert time.process_time() - begin < HOURS


def test_a_module_is_no_logger() -> None:
    layouts = [f"{TIME} - base - DEBUG - ", f"{TIME} | DEBUG | ", f"{TIME} DEBUG MainProcess "]
    assert {event.pool for event in events_of(None, [layout + CREATED for layout in layouts])} == {"unknown"}
    for message in (CREATED, "Pool recreating"):
        assert read(None, in_json(module="base", message=message)).record == Record(message)
    # what names no connection as drivers print it is not the pool's for that
    assert not events_of(None, [f"{layout}Closing connection to the server" for layout in layouts])


@pytest.mark.parametrize(
    "layout", [None, "%(asctime)s | %(levelname)-8s | %(name)s:%(funcName)s:%(lineno)d - %(message)s"]
)
def test_pools_share_the_modules_that_they_log_from(layout: str | None) -> None:
    lines = [
        f"{TIME} | DEBUG    | sqlalchemy.pool.base:__connect:897 - {CREATED}",
        f"{TIME} | INFO     | sqlalchemy.pool.impl:recreate:205 - Pool recreating",
        f"{TIME} | DEBUG    | {POOL}:__connect:897 - {CREATED}",
    ]
    assert [event.pool for event in events_of(layout, lines)] == ["unknown", "unknown", POOL]


def test_a_time_in_json_within_json() -> None:
    inner = json.dumps({"ts": 1704110400.123456, "name": POOL, "message": CREATED}) + "\n"
    line = json.dumps({"log": inner, "stream": "stderr", "time": "2024-01-01T12:00:00.200000000Z"})
    assert [Event(1, NOON + 123_456, POOL, None, None)] == events_of(None, [line])


@pytest.mark.parametrize("text", [ECHO_POOL, BASIC, "%(message)s", "json"])
def test_a_layout_that_is_asked_for_is_the_only_one(text: str) -> None:
    assert not events_of(text, [f"{TIME} - {POOL} - DEBUG - {CREATED}"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sqlalchemy.pool", True),
        (POOL, True),
        ("sqlalchemy.pool.impl.QueuePool.web.a b", True),
        ("sqlalchemy.pool.QueuePool.0x..a1b2", True),
        ("myapp.db.TracedPool", True),
        ("TracedPool", True),
        ("myapp.db.TracedPool.web", True),
        ("", False),
        ("sqlalchemy.engine.Engine", False),
        ("urllib3.connectionpool", False),
        ("myapp.PoolTracer", False),
        ("myapp.ThreadPoolExecutor", False),
    ],
)
def test_pool_loggers(name: str, *, expected: bool) -> None:
    assert expected == is_pool_logger(name)


# -- JSON lines ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [None, "json"])
@pytest.mark.parametrize("time_key", ["asctime", "timestamp", "time", "ts", "@timestamp"])
@pytest.mark.parametrize("message_key", ["message", "msg", "event"])
@pytest.mark.parametrize("name_key", ["name", "logger", "logger_name", "module"])
def test_json(layout: str | None, time_key: str, message_key: str, name_key: str) -> None:
    fields = {time_key: "2024-01-01T12:00:00.123Z", name_key: POOL, message_key: CREATED}
    assert Read(NOON + 123_000, Record(CREATED, POOL)) == read(layout, json.dumps(fields))


@pytest.mark.parametrize(
    ("fields", "microseconds", "record"),
    [
        ({}, None, Record(CREATED)),
        ({"level": "debug", "pid": 7, "threadName": "main"}, None, Record(CREATED, None, "debug", "7", "main")),
        ({"levelname": "DEBUG", "process": 7, "thread": 140}, None, Record(CREATED, None, "DEBUG", "7", "140")),
        ({"severity": "INFO", "name": None, "logger": "a"}, None, Record(CREATED, "a", "INFO")),
        ({"level": "", "severity": "INFO"}, None, Record(CREATED, None, "INFO")),
        ({"name": "app", "logger": POOL}, None, Record(CREATED, POOL)),
        ({"ts": 1704110400.5}, NOON + 500_000, Record(CREATED)),
        ({"time": 1704110400123}, NOON + 123_000, Record(CREATED)),
        ({"time": "noon"}, None, Record(CREATED)),
        ({"time": None}, None, Record(CREATED)),
        ({"exc_info": "Traceback: nothing"}, None, Record(CREATED)),
        # Elastic's common schema has objects where others have texts
        (
            {"host": {"name": "web"}, "process": {"pid": 7}, "log": {"level": "info"}, "event": {"kind": "a"}},
            None,
            Record(CREATED, None, "info", "web/7"),
        ),
        (
            {"log": {"logger": POOL}, "process": {"pid": 7, "thread": {"id": 1, "name": "main"}}},
            None,
            Record(CREATED, POOL, None, "7", "main"),
        ),
        ({"logger": {"name": POOL, "thread_name": "main"}}, None, Record(CREATED, POOL, None, None, "main")),
        ({"process": ["a"], "pid": 7}, None, Record(CREATED, None, None, "7")),
        ({"host": "web", "pid": 7}, None, Record(CREATED, None, None, "web/7")),
    ],
)
@pytest.mark.parametrize("layout", [None, "json"])
def test_json_fields(layout: str | None, fields: dict[str, object], microseconds: int | None, record: Record) -> None:
    assert Read(microseconds, record) == read(layout, json.dumps({**fields, "message": CREATED}))
    assert Read(microseconds, record) == read(layout, json.dumps({"message": CREATED, **fields}))


@pytest.mark.parametrize(
    ("fields", "process"),
    [
        ({"pod_name": "web-1", "pid": 7}, "web-1/7"),
        ({"kubernetes": {"pod_name": "web-1", "host": "node"}}, "web-1"),
        ({"kubernetes": {"pod_name": "web-app-7d4b9c6f5-x2x5z"}, "pid": 7}, "web-app-*-x2x5z/7"),
        ({"kubernetes": {"pod": {"name": "web-1"}, "node": {"name": "node"}}, "host": {"name": "node"}}, "web-1"),
        ({"labels": {"pod": "web-1"}, "process": 7}, "web-1/7"),
        ({"resource": {"labels": {"pod_name": "web-1", "container_name": "app"}}}, "web-1"),
        ({"logStreamName": "2024/05/14/[$LATEST]3f2504e04f8911d39a0c0305e82c3301"}, None),
        ({"container_id": "3f2504e04f89"}, None),
        ({"container": {"id": "3f25", "name": "web-1"}, "host": {"name": "node"}}, "node:web-1"),
        ({"container_name": "/web-1", "container_id": "3f25"}, "web-1"),
        ({"processName": "ForkPoolWorker-3"}, "ForkPoolWorker-3"),
        ({"PROCESS_NAME": "SpawnProcess-1:2", "_PID": "7", "_HOSTNAME": "h"}, "h/7"),
        ({"extra": {"pid": 7}}, "7"),
        ({"ctx": {"processId": 7}}, "7"),
        ({"host": "h", "_pid": 7}, "h/7"),
        ({"resource": {"attributes": {"process.pid": 7, "host.name": "h"}}}, "h/7"),
        ({"record": {"process": {"id": 7, "name": "MainProcess"}}}, "7"),
        # the first of several processes is called so, each request may go to another host, and others have processes
        ({"processName": "MainProcess"}, None),
        ({"process": {"name": "python3"}}, None),
        ({"extra": {"host": "example.com"}}, None),
        ({"process": {"parent": {"pid": 1}}, "agent": {"pid": 2}, "db": {"pid": 3}, "kubernetes": {"host": "n"}}, None),
        ({"task": 7, "user": "web-1", "tenant": {"id": 3}, "worker": "w", "resource": {"pod": None}}, None),
    ],
)
@pytest.mark.parametrize("layout", [None, "json"])
def test_what_tells_the_process_in_json(layout: str | None, fields: dict[str, object], process: str | None) -> None:
    for more in ({"logger": POOL, "message": CREATED}, {"short_message": CREATED, "_logger": POOL}):
        assert read(layout, json.dumps({**fields, **more})).record == Record(CREATED, POOL, process=process)


@pytest.mark.parametrize(
    ("prefix", "process"),
    [
        ("web-7d4b9c6f5-x2x42 app ", "web-7d4b9c6f5-x2x42"),
        ("web_42 stderr | ", "web_42"),
        ("web:web_00 stdout | ", "web:web_00"),
        ("web.1.k3j4h5k6j7qm@node1    | ", "web.1.k3j4h5k6j7qm"),
        ("347 <45>1 2024-01-01T12:00:00.000+00:00 host app web.59 - ", "web.59"),
        ("<45>1 2024-01-01T12:00:00.000+00:00 d.1-2 app worker.1 - - ", "worker.1"),
        ("347 <45>1 2024-01-01T12:00:00.000Z h app 42 - - ", "h/42"),
        # a task, a user, a tenant
        ("job-20240101-12345 worker ", None),
        ("import-customer-items alice ", None),
        ("alice@example.com | ", None),
        ("a.1.b@example.com | ", None),
        ("tenant7 stderr: ", None),
    ],
)
def test_a_collector_tells_where_a_process_runs(prefix: str, process: str | None) -> None:
    for inner in (f"DEBUG:{POOL}:{CREATED}", f"2024-01-01 12:00:00,000 - {POOL} - DEBUG - {CREATED}"):
        events = events_of(None, [prefix + inner, prefix + inner.replace("0x7f6", "0x7f7")])
        assert [(event.pool, event.process) for event in events] == [(POOL, process)] * 2


@pytest.mark.parametrize(
    ("fields", "process", "thread"),
    [
        ("pid=42", "42", None),
        ("process=42 request_id=3f2504e0-4f89 thread_name=Thread-1", "42", "Thread-1"),
        ("user='a b' hostname=h process_name=ForkPoolWorker-3", "h/ForkPoolWorker-3", None),
        ("task=42 user=web-1 process_name=MainProcess", None, None),
    ],
)
def test_what_structlog_puts_behind_the_logger(fields: str, process: str | None, thread: str | None) -> None:
    line = f"2024-01-01T12:00:00.000Z [debug    ] {CREATED} [{POOL}] {fields}"
    assert read(None, line) == Read(NOON, Record(CREATED, POOL, "debug", process, thread))


@pytest.mark.parametrize("key", ["message", "log", "line", "textPayload", "MESSAGE", "short_message", "text"])
@pytest.mark.parametrize(
    ("line", "process", "thread"),
    [
        (f"2024-01-01 12:00:00,000 DEBUG {POOL} {CREATED}", "web-1", None),
        (f"2024-01-01 12:00:00,000 [7] [MainThread] DEBUG {POOL}: {CREATED}", "web-1/7", "MainThread"),
        (f"[2024-01-01 12:00:00,000: DEBUG/ForkPoolWorker-3] {POOL}: {CREATED}", "web-1/ForkPoolWorker-3", None),
        (json.dumps({"ts": 1704110400.5, "logger": POOL, "message": CREATED, "pid": 7}), "web-1/7", None),
        (f"2024-01-01 12:00:00,000 | {POOL}[7] | {CREATED}", "web-1/7", None),
    ],
)
def test_a_line_that_a_collector_put_into_json(key: str, line: str, process: str, thread: str | None) -> None:
    for around in ({"@timestamp": "2024-01-01T12:00:00.500Z"}, {}):
        record = read(None, json.dumps({**around, key: line, "kubernetes": {"pod_name": "web-1"}})).record
        assert record is not None
        assert (record.message, record.logger, record.process, record.thread) == (CREATED, POOL, process, thread)


# what a shipper calls the line that it read, and the time at which it did
LINE_KEYS = ("log", "line", "message", "msg", "MESSAGE", "textPayload", "content", "text", "Log", "LogEntry", "_raw")
TIME_KEYS = ("@timestamp", "time", "timestamp", "ts", "_time", "date")
SHIPPED = '{{"offset": {number}, "{time}": "2024-01-01T13:00:07.123Z", "host": {{"name": "web"}}, "{line}": {text}}}'
SHIPPED_BEHIND = '{{"{line}": {text}, "severity": "DEFAULT", "{time}": 1704114007123, "logName": "projects/p"}}'


@pytest.mark.parametrize("shipped", [SHIPPED, SHIPPED_BEHIND])
@pytest.mark.parametrize(("line", "time"), [*zip(LINE_KEYS, cycle(TIME_KEYS), strict=False)])
@pytest.mark.parametrize(
    "head",
    [
        "{time} - {pool} - DEBUG - {text}",
        "[{time}] [7] [MainThread] DEBUG {pool}: {text}",
        "DEBUG {time} {pool} {text}",
        "{text} - {pool}",
    ],
)
def test_the_time_of_a_line_in_an_object_comes_before_its_shippers(
    head: str, time: str, line: str, shipped: str
) -> None:
    own = "2024-01-01 12:00:00,00{}"
    lines = [
        shipped.format(
            number=10 ** (number // 2),
            time=time,
            line=line,
            text=json.dumps(head.format(time=own.format(number), pool=POOL, text=message) + "\n"),
        )
        for number, message in enumerate([CREATED, CREATED.replace("Created new c", "Closing c")] * 4)
    ]
    shippers = {"2024-01-01T13:00:07.123Z": 3_607_123_000, "1704114007123": 3_607_123_000}
    later = next(microseconds for text, microseconds in shippers.items() if text in lines[0])
    expected = [NOON + (number * 1000 if "{time}" in head else later) for number in range(8)]
    assert [event.time for event in events_of(None, lines)] == expected
    # in small blocks, too
    assert [event.time for one in lines[:2] for event in events_of(None, [one])] == expected[:2]


@pytest.mark.parametrize(
    "line",
    [
        # another program's, which tells of some time, or of nothing but one
        '{"@timestamp": "2024-01-01T12:00:00Z", "logger": "app", "message": "the job is due at 2030-01-01 00:00:00"}',
        '{"@timestamp": "2024-01-01T12:00:00Z", "logger": "app", "message": "2030-01-01 00:00:00"}',
        '{"@timestamp": "2024-01-01T12:00:00Z", "logger": "app", "due": "2030-01-01 00:00:00 or so", "message": "x"}',
        '{"due": "2030-01-01 00:00:00", "time": "2024-01-01T12:00:00Z", "logger": "app", "message": "x"}',
    ],
)
def test_what_another_record_tells_of_a_time_is_not_its_own(line: str) -> None:
    assert cut_of(line).time == NOON


def test_a_line_of_another_logger_in_an_object_has_its_own_time() -> None:
    line = '{"@timestamp": "2024-01-01T13:00:00Z", "message": "[2024-01-01 12:00:00] GET / \\"x\\""}'
    assert cut_of(line).time == NOON


@pytest.mark.parametrize("escape", ["\x1b", "#033", "^["])
@pytest.mark.parametrize("around", ["", "2024-01-01T12:00:00.000000+00:00 web app[7]: "])
def test_colours_whose_escape_is_printed(escape: str, around: str) -> None:
    line = f"{escape}[36m2024-01-01 12:00:00,000 - {POOL} - DEBUG - {CREATED}{escape}[0m"
    record = read(None, around + line).record
    assert record is not None
    assert (record.message, record.logger, record.level) == (CREATED, POOL, "DEBUG")
    one = f"{around}2024-01-01 12:00:00,000 {escape}[1;32mDEBUG{escape}[0m {escape}[34m{POOL}{escape}[0m {CREATED}"
    record = read(None, one + f"{escape}[0m").record
    assert record is not None
    assert (record.message, record.logger) == (CREATED, POOL)


@pytest.mark.parametrize(
    "before",
    [
        "12:",
        "app.log:12:",
        "    ",
        "2024-01-01T12:00:00.000000+00:00 ecs/web/0123456789abcdef0123456789abcdef ",
        "0|web  | ",
        "2024-01-01T12:00:00Z app[5683d] fra [info] ",
    ],
)
@pytest.mark.parametrize(
    ("fields", "process", "thread"),
    [
        ({"logger": POOL, "event": CREATED, "process": 11, "thread_name": "MainThread"}, "11", "MainThread"),
        ({"name": POOL, "message": CREATED, "levelname": "DEBUG", "process": 11}, "11", None),
        ({"log": {"logger": POOL}, "message": CREATED, "process": {"pid": 11, "thread": {"name": "w"}}}, "11", "w"),
    ],
)
def test_an_object_behind_what_nobody_knows(
    before: str, fields: dict[str, object], process: str, thread: str | None
) -> None:
    record = read(None, before + json.dumps({"timestamp": "2024-01-01T12:00:00.000Z", **fields})).record
    assert record is not None
    assert (record.message, record.logger, record.process, record.thread) == (CREATED, POOL, process, thread)


TAKEN = CREATED.replace("Created new connection", "Connection") + " checked out from pool"


@pytest.mark.parametrize(
    "line",
    [
        f"2024-01-01 12:00:00,000 - app.comments - INFO - posted comment: {TAKEN}",
        json.dumps({"logger": "app.comments", "level": "info", "message": f"posted comment: {TAKEN}"}),
        # what is invalidated is told at INFO
        f"2024-01-01 12:00:00,000 - app - DEBUG - saw {CREATED.replace('Created new', 'Invalidate')}",
        f"[2024-01-01 12:00:00,000] INFO [sqlalchemy.engine.Engine:1843] [cached] {{'msg': \"{TAKEN}\", 'a': 1}}",
        f"[2024-01-01 12:00:00,000] DEBUG [sqlalchemy.engine.Engine:1150] Row (1, 'DEBUG', \"{TAKEN}\")",
        f"[2024-01-01 12:00:00,000] INFO [sqlalchemy.engine.Engine:1843] SELECT 1 WHERE a = '{TAKEN}'",
        f"[2024-01-01 12:00:00,000] INFO [sqlalchemy.orm.mapper:1] about {TAKEN}",
    ],
)
def test_what_another_logger_says_of_a_connection_is_no_event(line: str) -> None:
    assert events_of(None, [line]) == []


@pytest.mark.parametrize(
    "line",
    [
        # threads and tasks that look like loggers; levels of what collected the line, and in short
        f"2024-01-01 12:00:00,000 - worker.one - DEBUG - {TAKEN}",
        f"2024-01-01 12:00:00,000 - worker.one - D - {TAKEN}",
        f"[2024-01-01 12:00:00,000] {{logging_mixin.py:137}} INFO - 2024-01-01 12:00:00,000 DEBUG {TAKEN}",
        json.dumps({"severity": "INFO", "logger": POOL, "message": TAKEN}),
        f"2024-01-01 12:00:00,000 DEBUG [{POOL}] [sqlalchemy.engine] {TAKEN}",
    ],
)
def test_what_may_be_the_pools_is_an_event(line: str) -> None:
    assert len(events_of(None, [line])) == 1


def test_the_process_of_a_collector_is_none_of_the_line() -> None:
    line = json.dumps({"message": f"DEBUG:{POOL}:{CREATED}", "host": {"name": "h"}, "agent": {"pid": 9, "name": "f"}})
    assert read(None, line).record == Record(CREATED, POOL, "DEBUG", "h")
    # what the line itself tells of its process counts
    line = json.dumps({"message": f"2024-01-01 12:00:00 [7] [a] DEBUG {POOL}: {CREATED}", "pid": 9})
    assert read(None, line).record == Record(CREATED, POOL, "DEBUG", "7", "a")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Hi",
        "{",
        "[]",
        '"message"',
        "1",
        "null",
        "{}",
        '{"message": ""}',
        '{"message": null}',
        '{"message": {"text": "Hi"}}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"log": ' * 100_000,
        "9" * 5000,
    ],
    ids=lambda line: str(line)[:30],
)
@pytest.mark.parametrize("layout", [None, "json"])
def test_json_line_that_is_no_record(layout: str | None, line: str) -> None:
    assert read(layout, line).record is None


@given(st.text(), st.text(min_size=1), st.text(), st.integers())
def test_json_is_read_back(name: str, message: str, level: str, process: int) -> None:
    line = json.dumps({"name": name, "message": message, "level": level, "process": process})
    record = read("json", line).record
    assert record is not None
    assert (message, str(process)) == (record.message, record.process)
    assert (name, level) == (record.logger or "", record.level or "")


@pytest.mark.parametrize(
    ("head", "process", "thread"),
    [
        ("[4242:Thread-1 (work)] DEBUG {}: ", "4242", "Thread-1 (work)"),
        ("[4242] [Thread-1 (work)] DEBUG {}: ", "4242", "Thread-1 (work)"),
        ("[4242/MainThread] DEBUG {} ", "4242", "MainThread"),
        ("DEBUG [4242-140374585935424] {} ", "4242", "140374585935424"),
        ("DEBUG (4242 MainThread) {} ", "4242", "MainThread"),
        ("4242 MainThread DEBUG {} ", "4242", "MainThread"),
        ("DEBUG {} 4242 140374585935424 ", "4242", "140374585935424"),
        ("(Thread-1 (work)) DEBUG [{}] ", None, "Thread-1 (work)"),
        ("DEBUG (Thread-1 (work)) [{}] ", None, "Thread-1 (work)"),
        ("[PID 4242] [MainThread] [DEBUG] [{}] ", "4242", "MainThread"),
        ("- 4242 - MainThread - {} - DEBUG - ", "4242", "MainThread"),
        ("|4242|MainThread|DEBUG|{}|", "4242", "MainThread"),
        ("- {} - DEBUG - 4242 - MainThread - ", "4242", "MainThread"),
        ("pid=4242 thread=MainThread DEBUG {}: ", "4242", "MainThread"),
        ("DEBUG [{}] [4242:MainThread] ", "4242", "MainThread"),
        ("[pid: 4242] DEBUG {}: ", "4242", None),
        ("DEBUG {} base.py:895 ", None, None),
        # a line of source code is no process
        ("DEBUG {} base.py 895 ", None, None),
        ("895 DEBUG {} ", None, None),
        ("DEBUG {} base.py:895 MainThread ", None, "MainThread"),
        ("DEBUG {} base.py[895] MainThread ", None, "MainThread"),
        ("Level 15 {} MainThread ", None, "MainThread"),
        # neither is a thread in brackets
        ("DEBUG {} [140374585935424] ", None, "140374585935424"),
        # neither is part of an id
        ("- 3b1a11df-587f-4280-3289-123456789012 - {} - DEBUG - ", None, None),
        # neither is a client's network address
        ("[1999:2f97:a11d:0:12:3:4:5] DEBUG {} ", None, None),
        ("DEBUG {} (2001::12) [2001:0db8:85a3:0000:0000:8a2e:0370:7334] [::1] ", None, None),
        ("10.0.0.12 MainThread DEBUG {} ", None, "MainThread"),
        ("DEBUG {} 10.0.0.12:8080 140374585935424 ", None, "140374585935424"),
        ("DEBUG {} [08:af:08:2e:66:12] MainThread ", None, "MainThread"),
        ("DEBUG {} [4242 10.0.0.1] ", "4242", None),
        # nor a request's id
        ("DEBUG {} [12-aBcD_x] (9-k2) ", None, None),
        ("DEBUG {} [4242-MainThread] ", "4242", "MainThread"),
        ("DEBUG {} (4242 - worker) ", "4242", "worker"),
        # nor a path, a URL, a mail address, a version
        ("DEBUG {} /orders/4242/140374585935424 ", None, None),
        ("DEBUG {} (https://example.com:8080/4242/140374585935424) ", None, None),
        ("DEBUG {} [4242 jo@example.com] 2@x MainThread ", "4242", "MainThread"),
        ("1.2.3 MainThread DEBUG {} ", None, "MainThread"),
        ("DEBUG /other.pool.MyPool/sqlalchemy.pool {} ", None, None),
        # nor an id or a time of our days that a thread might have for its number
        ("DEBUG {} 123456789012345678 ", None, None),
        ("DEBUG {} 4242 123456789012345678 ", None, None),
        ("DEBUG {} 1704110400 1704110400123 ", None, None),
        # what stands behind a thread in parentheses is its function, and no level and no process
        ("Thread-3 (DEBUG) {} ", None, "Thread-3"),
        ("Thread-3 (4242) {} ", None, "Thread-3"),
        ("[4242:abc] DEBUG {} ", "4242", "abc"),
        ("[4242:a:b:c] DEBUG {} ", "4242", "a:b:c"),
        # a date is none
        ("[20240905 115956] [4242] DEBUG {} - ", "4242", None),
        ("[11/26/26 23:58:15] DEBUG {} ", None, None),
        ("[D 240926 17:45:26 base:895] {} ", None, None),
        ("[240926 17:45:26] {} ", None, None),
        ("(26-11-24 work) {} ", None, None),
    ],
)
def test_process_and_thread_around_a_message(head: str, process: str | None, thread: str | None) -> None:
    message = "Connection <pyodbc.Connection object at 0x7f6fbc2ff770> checked out from pool"
    line = f"2024-09-26 17:45:36,210 {head.format('sqlalchemy.pool.impl.QueuePool')}{message}"
    found = head_reader(None)(taken_apart(line)[1])
    assert found is not None
    record = found.record
    assert (process, thread, "sqlalchemy.pool.impl.QueuePool") == (record.process, record.thread, record.logger)
    assert record.message == message


@pytest.mark.parametrize(
    ("head", "pool", "microseconds", "process", "thread"),
    [
        ("   DEBUG 2024-01-01 12:00:00,000 {} ", True, NOON, None, None),
        ("   DEBUG:{}:", True, None, None, None),
        ("   2024-01-01 12:00:00,000 DEBUG {}: ", True, NOON, None, None),
        ("\tDEBUG\t{}\t", True, None, None, None),
        ("     MainThread DEBUG {} ", True, None, None, "MainThread"),
        ("     MainThread ", False, None, None, "MainThread"),
        ("             base.py: 895    DEBUG ", False, None, None, None),
        ("    4242 2024-01-01 12:00:00,000 ", False, NOON, None, None),
        # milliseconds since the program began are no process
        ("     8 MainThread ", False, None, None, "MainThread"),
        ("123456 MainThread DEBUG {}: ", True, None, None, "MainThread"),
        ("  1234.5 MainThread ", False, None, None, "MainThread"),
        # what stands before a bar is not always a container
        ("DEBUG | ", False, None, None, None),
        ("{} | ", True, None, None, None),
        ("MainThread | {} | ", True, None, None, "MainThread"),
        ("base.py | ", False, None, None, None),
        ("1234 | ", False, None, None, None),
        ("web-1  | ", False, None, "web-1", None),
        ("web_12 | ", False, None, "web_12", None),
        ("postgres  | ", False, None, "postgres", None),
        ("alice | ", False, None, None, None),
        ("V1StGXR8_Z5jdHi6B-4 | 2024-01-01 12:00:00,000 | DEBUG | ", False, NOON, None, None),
        ("[pod/web-7d4b9c6f5-x2x9z/app] 2024-01-01 12:00:00,000 DEBUG {} ", True, NOON, "web-7d4b9c6f5-x2x9z", None),
    ],
)
def test_a_first_field_of_any_kind(
    head: str, microseconds: int | None, process: str | None, thread: str | None, *, pool: bool
) -> None:
    expected = Event(1, microseconds, POOL if pool else "unknown", process, thread)
    assert events_of(None, [head.format(POOL) + CREATED]) == [expected]


@pytest.mark.parametrize(
    "locator", ["08:af:08:59:36:04", "10:20:30:ab:cd:ef", "fe80::12:34:56", "/1704110400.123", "x://y/?t=12:00:00"]
)
@pytest.mark.parametrize("around", ["[{}]", "{}", "a={}"])
def test_what_looks_like_a_clock_in_an_address_is_none(locator: str, around: str) -> None:
    line = f"2024-01-01 12:00:00,000 DEBUG {around.format(locator)} {POOL} {CREATED}"
    assert len(cut_of(line).spans) == 1
    assert events_of(None, [line]) == [Event(1, NOON, POOL, None, None)]


@pytest.mark.parametrize("task", ["", "app.tasks.send[7f00d596-eb68-48f3-9c72-8ffc5334a770]: "])
def test_a_worker_of_celery_is_a_process(task: str) -> None:
    line = f"[2024-01-01 12:00:00,000: DEBUG/ForkPoolWorker-3] {task}{CREATED}"
    assert events_of(None, [line]) == [Event(1, NOON, "unknown", "ForkPoolWorker-3", None)]


@pytest.mark.parametrize("unit", ["=/?", "=/", "a@", "=a://b:", "1:2::", "/a?", "=/:", "::", "1.2.3.4"])
def test_no_path_is_too_odd(unit: str) -> None:
    begin = time.process_time()
    for end in ("(", " ", ""):
        without_locators(f" {unit * (8000 // len(unit))}{end}")
    assert time.process_time() - begin < HOURS


def test_a_clock_beside_colons_is_one() -> None:
    for line in ("D:12:34:56 x", "at:12:34:56 x", "12:34:56:789 x", "[12:34:56] a:b", "a/b 12:34:56"):
        assert [span.example for span in cut_of(line).spans] == ["12:34:56"]


def test_a_line_of_a_traceback_is_no_record() -> None:
    lines = [
        '    self.logger.debug("Connection %r checked out from pool", self.dbapi_connection)',
        f"    raise RuntimeError({CREATED!r})",
        f"    {POOL}",
        f"  17 | {CREATED[:10]}",
    ]
    assert events_of(None, lines) == []


@pytest.mark.parametrize("number", ["     17: ", " 4711 - ", "  1 | 2 | "])
def test_a_number_alone_may_be_aligned_to_the_right(number: str) -> None:
    assert events_of(None, [number + CREATED]) == [Event(1, None, "unknown", None, None)]


MORE_FIELDS = [
    "worker ",
    "Task-12 ",
    "- Task-12 - ",
    "+1.7ms ",
    "req=abc user=alice ",
    "base.py:1301 - alice - ",
    "127.0.0.1 /api/orders?q=1 ",
    "<Task pending name='Task-7' coro=<h() at 0x1f>> ",
    "[alice] (web) {'tenant': 'x'} ",
    "жанна: ",
]


@pytest.mark.parametrize("fields", MORE_FIELDS)
@pytest.mark.parametrize("message", [CREATED, RETURNED, "Pool recreating"])
@pytest.mark.parametrize(
    "head",
    [
        f"2024-01-01 12:00:00,000 DEBUG {POOL} ",
        f"2024-01-01 12:00:00,000 - {POOL} - DEBUG - ",
        f"2024-01-01 12:00:00,000 | DEBUG | {POOL} | ",
        f"DEBUG:{POOL}:",
        f"2024-01-01 12:00:00,000 [4242] [MainThread] DEBUG {POOL}: ",
    ],
)
def test_fields_of_any_kind_before_the_message(head: str, fields: str, message: str) -> None:
    time, record = read(None, f"{head}{fields}{message}")
    assert record is not None
    assert (record.message, record.logger) == (message, POOL)
    assert time == (NOON if "2024" in head else None)
    assert record.process == ("4242" if "4242" in head else None)


@pytest.mark.parametrize(
    "before",
    [
        "Connection <sqlite3.Connection object at 0x7f02> bei",
        "Connection <sqlite3.Connection object at 0x7f02> ",
        "Created new ",
        "Pool ",
        "word",
        "x" * 300 + " ",
    ],
)
@pytest.mark.parametrize("logger", [POOL, "my.OwnPool"])
def test_what_is_part_of_a_message_is_no_field(before: str, logger: str) -> None:
    line = f"2024-01-01 12:00:00,000 DEBUG {logger} {before}{CREATED}"
    record = read(None, line).record
    assert record is not None
    assert parse_message(record.message) is None


def test_a_pool_class_of_the_users_own_may_say_what_it_likes() -> None:
    record = read(None, f"2024-01-01 12:00:00,000 DEBUG my.OwnPool retrying {CREATED}").record
    assert record is not None
    assert record.message == f"retrying {CREATED}"


def test_the_head_above_a_timeout_may_be_aligned_to_the_right() -> None:
    timeout = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
    lines = [
        f"   DEBUG 2024-01-01 11:00:00,000 {POOL} {CREATED}",
        "   ERROR 2024-01-01 12:00:00,000 app Exception on / [GET]",
        "Traceback (most recent call last):",
        f"sqlalchemy.exc.TimeoutError: {timeout}",
    ]
    assert [(event.line, event.time) for event in events_of(None, lines)] == [(1, NOON - 3_600_000_000), (2, NOON)]


def in_json(**fields: object) -> str:
    return json.dumps(fields)


SAID_IN_TURN = [
    "Created new connection <connection object at 0x7f01; dsn: 'user=a host=b', closed: 0>",
    "Connection <connection object at 0x7f01; dsn: 'user=a host=b', closed: 0> checked out from pool",
    "Connection <AdaptedConnection <asyncpg.connection.Connection object at 0x7f01>> being returned to pool",
    "Connection <a.B object at 0x7f01> being returned to pool, transaction state was already reset by caller",
    "Connection <sqlite3.Connection object at 0x7f01> reset, transaction already reset",
    "Connection <sqlite3.Connection object at 0x7f01> rollback-on-return, via agent",
    "Pool pre-ping on connection <sqlite3.Connection object at 0x7f01>",
    "Pool pre-ping on connection <sqlite3.Connection object at 0x7f01> failed, will invalidate pool",
    "Connection <sqlite3.Connection object at 0x7f01> exceeded timeout; recycling",
    "Invalidate connection <sqlite3.Connection object at 0x7f01>",
    "Invalidate connection <sqlite3.Connection object at 0x7f01> (reason: OperationalError:gone)",
    "Closing connection <sqlite3.Connection object at 0x7f01>",
    "Hard-closing connection <psycopg.Connection [IDLE] (host=db database=a) at 0x7f01>",
]
ISO = "2024-01-01T12:00:00.000Z"
# what programs, collectors and their exports put around a message, by the pool's logger and a message
AROUND: dict[str, Callable[[str, str], str]] = {
    "Flask's documentation": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} [in /srv/base.py:895]",
    "file and line in parentheses": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} (base.py:895)",
    "file and line": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} base.py:895",
    "bars": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} | user 7",
    "dash": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} - base.py:895",
    "pairs": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m} request_id=7",
    "object": lambda q, m: f'2024-01-01 12:00:00,000 DEBUG {q}: {m} {{"user": 7}}',
    "padded": lambda q, m: f"2024-01-01 12:00:00,000 DEBUG {q}: {m:150}",
    "CSV": lambda q, m: f'"2024-01-01 12:00:00","DEBUG","{q}","{m}","7"',
    "tabs": lambda q, m: f"2024-01-01 12:00:00\tDEBUG\t{q}\t{m}\t7",
    "Graylog": lambda q, m: in_json(short_message=m, timestamp=1704110400.0, level=7, _logger=q, _pid=42),
    "Elastic": lambda q, m: in_json(**{"@timestamp": ISO, "message": m, "log": {"logger": q, "original": m}}),
    "Elasticsearch's hits": lambda q, m: in_json(_id="a", _source={"@timestamp": ISO, "message": m, "logger_name": q}),
    "Filebeat": lambda q, m: in_json(**{"@timestamp": ISO, "message": f"DEBUG {q} {m}", "host": {"name": "a"}}),
    "Google Cloud": lambda q, m: in_json(jsonPayload={"message": m, "python_logger": q}, timestamp=ISO),
    "Google Cloud's text": lambda q, m: in_json(textPayload=f"DEBUG:{q}:{m}", timestamp=ISO, severity="DEBUG"),
    "journald": lambda q, m: in_json(__REALTIME_TIMESTAMP="1704110400000000", MESSAGE=f"DEBUG:{q}:{m}", _PID="42"),
    "Splunk": lambda q, m: in_json(preview=False, result={"_raw": f"DEBUG {q} {m}", "_time": ISO}),
    "Loki": lambda q, m: in_json(line=f"DEBUG:{q}:{m}", timestamp="1704110400000000000", fields={}),
    "Fluentd": lambda q, m: f"2024-01-01T12:00:00+00:00\tkube.web\t{in_json(log=f'DEBUG:{q}:{m}', stream='stderr')}",
    "CloudWatch": lambda q, m: in_json(timestamp=1704110400000, message=f"[DEBUG]\t{q}\t{m}", eventId="37"),
    "Datadog": lambda q, m: in_json(message=m, logger={"name": q, "thread_name": "main"}, timestamp=ISO),
    "OpenTelemetry": lambda q, m: in_json(body=m, attributes={"logger.name": q}, timestamp=ISO, trace_id="0x0"),
    "Vector": lambda q, m: in_json(message=f"2024-01-01 12:00:00,000 - {q} - DEBUG - {m}", timestamp=ISO),
    "Azure": lambda q, m: in_json(ContainerName="web", LogMessage=f"DEBUG:{q}:{m}", time=ISO),
}


@pytest.mark.parametrize("around", AROUND)
def test_what_stands_behind_a_message(around: str) -> None:
    lines = [AROUND[around](POOL, message) for message in SAID_IN_TURN]
    vocabulary, reading = Vocabulary(), Reading("log")
    batches = list(EventReader(vocabulary, 0, reading).read([Block(1, Lines.of(lines), 0)]))
    names = vocabulary.connections.all()
    found = [row for batch in batches for row in batch.select("line", "time", "shape", "connection").iter_rows()]
    assert [(line, time) for line, time, *_ in found] == [(line, NOON) for line in range(1, len(lines) + 1)]
    for (_, _, number, connection), message in zip(found, SAID_IN_TURN, strict=True):
        shape, expected = vocabulary.shapes[number], parse_message(message)
        assert shape is not None
        assert expected is not None
        assert (shape.message, shape.pool) == (expected.without_identity(), POOL)
        assert names[connection] == "0x7f01"


def pools_of(layout: str | None, lines: list[str]) -> set[str | None]:
    return {event.pool for event in events_of(layout, lines)}


FUNCTIONS = {
    "__connect": [CREATED, "Error on connect(): connection refused"],
    "checkout": [CREATED.replace("Created new connection", "Connection") + " checked out from pool"],
    "_finalize_fairy": [RETURNED],
    "invalidate": [CREATED.replace("Created new", "Invalidate")],
    "recreate": ["Pool recreating"],
}


@pytest.mark.parametrize("joined", ["{}.{}:", "{}.{}:933", "[{}.{}]", "{}.{}() L933:"])
@pytest.mark.parametrize("name", [POOL, f"{POOL}.checkout", f"{POOL}.web"])
def test_a_function_behind_the_logger_is_no_pool(joined: str, name: str) -> None:
    levels = {"Pool recreating": "INFO"}
    lines = [
        f"{TIME} {levels.get(message, 'DEBUG')} {joined.format(name, function)} {message}"
        for function, messages in FUNCTIONS.items()
        for message in messages
    ]
    assert pools_of(None, lines) == {name}
    assert len(events_of(None, lines)) == len(lines)


@pytest.mark.parametrize("name", ["checkout", "dispose", "web.invalidate"])
def test_a_pool_may_be_called_as_a_function_is(name: str) -> None:
    messages = [message for messages in FUNCTIONS.values() for message in messages]
    assert pools_of(None, [f"{TIME} DEBUG {POOL}.{name}: {message}" for message in messages]) == {f"{POOL}.{name}"}


@pytest.mark.parametrize("layout", ["{time} - {function} - DEBUG - {message}", "{time} DEBUG {function} {message}"])
def test_a_function_in_the_place_of_the_logger_is_none(layout: str) -> None:
    lines = [
        layout.format(time=TIME, function=function, message=messages[0]) for function, messages in FUNCTIONS.items()
    ]
    assert pools_of(None, lines[:-1]) == {"unknown"}


@pytest.mark.parametrize(
    "layout",
    [
        "{level}:{time}:{name}:{message}",
        "{time} - shop - {level} - {name} - {message}",
        "{time} | {level} | shop | {name} | {message}",
        "{time} {level} shop {name} {message}",
        "{level}:{time}:4711:{name}:{message}",
        "{level}:shop:{name}:{message}",
    ],
)
def test_a_logger_right_before_the_message_vouches_for_it(layout: str) -> None:
    lines = [
        layout.format(time=TIME, level=level, name=POOL, message=message)
        for message, level in (*NAMELESS.items(), (CREATED, "DEBUG"))
    ]
    assert [event.pool for event in events_of(None, lines)] == [POOL] * len(lines)


@pytest.mark.parametrize("level", ["INFO", "[INFO]", "INFO:"])
def test_a_soft_invalidation_is_no_hard_one_of_a_logger(level: str) -> None:
    record = read(None, f"{TIME} {level} Soft {CREATED.replace('Created new', 'Invalidate')}").record
    assert record is not None
    assert (record.logger, record.message.split()[0]) == (None, "Soft")


@pytest.mark.parametrize(
    "line",
    [
        f"{TIME} - sqlalchemy.engine.Engine - INFO - [generated] ('{POOL}', 'DEBUG', '{RETURNED}')",
        f'{TIME} - app.web - INFO - it said: "{CREATED}"',
        f"{TIME} - app.web - INFO - `{RETURNED}` is a text",
    ],
)
def test_what_another_logger_quotes_is_no_record(line: str) -> None:
    assert not events_of(None, [line])


@pytest.mark.parametrize(
    ("fields", "thread"),
    [
        ("DEBUG [web-3]", "web-3"),
        ("[http_worker-12] DEBUG", "http_worker-12"),
        ("[worker_1] [DEBUG]", "worker_1"),
        ("DEBUG [base.py:895]", None),
        ("DEBUG [__connect]", None),
        ("[alice] DEBUG", None),
        ("[ForkPoolWorker-3] DEBUG", None),
        ("[3f2504e0-4f89-41d3-9a0c-0305e82c3301] DEBUG", None),
    ],
)
def test_a_word_and_a_number_in_brackets_are_a_thread(fields: str, thread: str | None) -> None:
    assert [event.thread for event in events_of(None, [f"{TIME} {fields} {POOL} - {CREATED}"])] == [thread]


def test_a_named_process_is_one_where_the_layout_says_so() -> None:
    layout = "%(asctime)s %(processName)-10s %(threadName)-10s %(name)-15s %(levelname)-8s %(message)s"
    line = f"{TIME} Worker-3   MainThread {POOL} DEBUG    {CREATED}"
    assert events_of(layout, [line]) == [Event(1, NOON + 123_000, POOL, "Worker-3", "MainThread")]
    both = layout.replace("%(threadName)", "%(process)")
    assert [event.process for event in events_of(both, [line.replace("MainThread", "42        ")])] == ["42"]


INVALIDATED = CREATED.replace("Created new", "Invalidate") + " (reason: OperationalError:server closed the connection"


@pytest.mark.parametrize("layout", ["%(asctime)s %(message)s [%(threadName)s]", "%(asctime)s %(message)s @%(name)s"])
def test_what_stands_behind_a_message_of_several_lines(layout: str) -> None:
    lines = [f"{TIME} {CREATED} [web]", f"{TIME} {INVALIDATED}", "\tThis probably means", ") [web]", f"{TIME} x [web]"]
    if "name" in layout:
        lines = [line.replace("[web]", f"@{POOL}") for line in lines]
    assert [event.line for event in events_of(layout, lines)] == [1, 2]


@pytest.mark.parametrize("end", ["2024-01-01 12:00:00,123", "[2024-01-01 12:00:00,123]", "(2024-01-01T12:00:00.123Z)"])
@pytest.mark.parametrize("cuts", [(), (1,), (2, 3)])
def test_times_behind_the_messages_are_found(end: str, cuts: tuple[int, ...]) -> None:
    lines = [f"{message} {end}" for message in (CREATED, RETURNED, CREATED, "Hello")]
    assert [event.time for event in events_of(None, lines, cuts)] == [NOON + 123_000] * 3
    # what has its time before its message may end with another one
    ahead = [f"2024-01-01 12:00:01,000 {line}" for line in lines]
    assert [event.time for event in events_of(None, ahead, cuts)] == [NOON + 1_000_000] * 3


@pytest.mark.parametrize("message", [*NAMELESS, CREATED, CREATED.replace("<", "<'a' ")])
@pytest.mark.parametrize("behind", ["", " user='it\\'s'", " request_id='0af7651916cd43dd8448eb211c80319c'"])
def test_pairs_in_the_quotation_marks_of_python(message: str, behind: str) -> None:
    record = {"event": message, "level": NAMELESS.get(message, "DEBUG").lower(), "logger": POOL}
    pairs = " ".join(f"{key}={value!r}" for key, value in record.items())
    for line in (
        f"{pairs} timestamp='2024-01-01T12:00:00Z'{behind}",
        f"timestamp='2024-01-01T12:00:00Z' {pairs}{behind}",
    ):
        assert events_of(None, [line]) == [Event(1, NOON, POOL, None, None)]


# the millisecond is 123, or there is none
TIMES_IN_LINES = [
    ("[Mon Jan 01 12:00:00.123000 2024] [wsgi:error] [pid 42:tid 140146959034048] {}", 123_000),
    ("[Mon Jan  1 12:00:00 2024] [wsgi:error] {}", 0),
    ("2024-01-01 at 12:00:00 | {}", 0),
    ("2024-01-01_12:00:00 {}", 0),
    ("2024-01-01/12:00:00.123 {}", 123_000),
    ("01-Jan-2024 12:00:00 {}", 0),
    ("Jan 01 2024 12:00:00 {}", 0),
    ("1704110400.5 {}", 500_000),
    ("1704110400.1234567 {}", 123_457),
    ("7:2024-01-01 12:00:00,123 {}", 123_000),
    ("app.log:7:2024-01-01 12:00:00,123 {}", 123_000),
    ("app.log:10007:2024/01/01 12:00:00,123 {}", 123_000),
    ("[DEBUG]\t2024-01-01T12:00:00.5Z\t3f2504e0-4f89-abcd-9a0c-0305e82c3301\t{}", 5_000),
]


@pytest.mark.parametrize(("line", "more"), TIMES_IN_LINES)
def test_times_as_they_stand_in_lines(line: str, more: int) -> None:
    events = events_of(None, [line.format(f"DEBUG:{POOL}:{CREATED}")])
    assert [event.time for event in events] == [NOON + more]


def test_the_numbers_that_grep_puts_before_lines_are_no_part_of_times() -> None:
    texts = (f"2024-01-01 12:00:00,{number:03} DEBUG {POOL} {CREATED}" for number in range(0, 900, 3))
    events = events_of(None, [f"{8 + number}:{text}" for number, text in enumerate(texts)])
    assert [event.time for event in events] == [NOON + 1000 * number for number in range(0, 900, 3)]


def test_celerys_fields_may_name_the_thread_as_well() -> None:
    found = [
        read_head(f"[\x01: DEBUG/{field}] {POOL}: {CREATED}")
        for field in ("ForkPoolWorker-3", "MainProcess/MainThread")
    ]
    assert [(head.record.process, head.record.thread) for head in found if head] == [
        ("ForkPoolWorker-3", None),
        ("MainProcess", "MainThread"),
    ]


@pytest.mark.parametrize("told", ["\x1b[0m", "\x1b[?25h", "\x1b[?2004l", "\x1b]8;;\x1b\\", "\x1b]0;title\x07"])
def test_what_a_terminal_is_told_is_no_part_of_a_line(told: str) -> None:
    text = f"Connection {CREATED.removeprefix('Created new connection ')} checked out from pool"
    for line in (f"{told}{TIME} DEBUG {POOL}: {text}", f"{TIME} DEBUG {POOL}: {text}{told}"):
        assert [event.pool for event in events_of(None, [line])] == [POOL]
