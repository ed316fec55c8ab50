"""Lines become events: which lines are records, whose they are, and what is only counted."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import all_of

from logpool.read.cuts import Cut
from logpool.read.events import EventReader
from logpool.read.lines import Block, Lines
from logpool.read.numbering import MOST_TEXTS
from logpool.read.reading import Reading
from logpool.read.vocabulary import Vocabulary

POOL = "sqlalchemy.pool.impl.QueuePool"
ONE = "<sqlite3.Connection object at 0x7f01>"
TWO = "<sqlite3.Connection object at 0x7f02>"
NOON = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
TIMED_OUT = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"


class Event(NamedTuple):
    """An event as reports show it."""

    line: int
    kind: str
    pool: str | None = POOL
    connection: str | None = None
    reason: str | None = None


class Log(NamedTuple):
    """What was read of a log."""

    events: list[Event]
    reading: Reading
    times: list[int | None]


def read(lines: list[str], cuts: Sequence[int] = (), layout: str | None = None, most: int = MOST_TEXTS) -> Log:
    """Reads lines, in blocks that end at the cuts, and remembers so many texts from block to block."""
    vocabulary = Vocabulary()
    reading = Reading("log")
    places = sorted({0, *(min(cut, len(lines)) for cut in cuts), len(lines)})
    blocks = (
        Block(begin + 1, Lines.of(lines[begin:end]), sum(map(len, lines[begin:end]))) for begin, end in pairwise(places)
    )
    batches = list(EventReader(vocabulary, 0, reading, layout, most_texts=most).read(blocks))
    names = vocabulary.connections.all()
    events: list[Event] = []
    times: list[int | None] = []
    for line, time, number, code in (
        row for batch in batches for row in batch.select("line", "time", "shape", "connection").iter_rows()
    ):
        shape = vocabulary.shapes[number]
        assert shape is not None
        identity = None if code is None else names[code]
        events.append(Event(line, shape.message.kind.word, shape.pool, identity, shape.message.reason))
        times.append(time)
    return Log(events, reading, times)


def record(message: str, logger: str = POOL, level: str = "DEBUG", second: int = 0) -> str:
    return f"2024-01-01 12:00:{second:02},000 - {logger} - {level} - {message}"


def created(connection: str = ONE) -> str:
    return record(f"Created new connection {connection}")


@pytest.mark.parametrize("cuts", [(), (1,), (1, 2), (2, 3), (1, 2, 3)])
def test_the_last_time_is_that_of_the_last_line_that_tells_its_day(cuts: tuple[int, ...]) -> None:
    certain, either = "13/01/2024 12:00:00,000", "05/01/2024 12:00:01,000"
    lines = [f"{time} - {POOL} - DEBUG - Created new connection {ONE}" for time in (certain, either)]
    log = read([*lines, lines[1], "no time"], cuts)
    assert [event.line for event in log.events] == [1, 2, 3]
    assert log.reading.first_time == log.reading.last_time == log.times[0]
    # whatever its logger
    log = read([created(), "2024-01-01 12:00:07 app: more", "no time"], cuts)
    assert log.times == [log.reading.first_time]
    assert log.reading.last_time == (log.reading.first_time or 0) + 7_000_000


def test_what_stands_in_the_place_of_seconds_is_no_name() -> None:
    lines = [
        record(f"Time taken: {seconds} seconds.", "sqlalchemy.pool", "INFO") for seconds in ("0.5", "\x02", "0.25")
    ]
    log = read([*lines, created("<a.B object at 0x>"), created("<a.B object at 0x12>"), created("<a.B object at 0x>")])
    assert [event.connection for event in log.events if event.kind == "timing"] == ["0.5", None, "0.25"]
    assert [event.kind for event in log.events].count("created") == 3


def test_lines_that_a_cut_does_not_fit_count_for_nothing() -> None:
    def kubernetes(second: int) -> str:
        head = f"2024-01-01T12:00:{second:02}.000123Z stdout F 2024-01-01 12:00:{second:02},000"
        return f"{head} DEBUG {POOL} Created new connection {ONE}"

    lines = [*map(kubernetes, range(12)), *(created() for _ in range(12))]
    vocabulary = Vocabulary()
    for number, cuts in enumerate(([0, 24], [0, 12, 24], [0, 5, 13, 14, 24])):
        blocks = [Block(begin + 1, Lines.of(lines[begin:end]), 1) for begin, end in pairwise(cuts)]
        list(EventReader(vocabulary, number, Reading("log")).read(blocks))
        assert {pool for source, _, pool in vocabulary.groups if source == number} <= {POOL}
        vocabulary.frame()
    assert {pool for _, _, pool in vocabulary.groups} == {POOL}


def test_what_is_forgotten_is_read_anew() -> None:
    lines = [
        record(f"Connection <a.B object at 0x{place % 7:x}> {what}", second=place)
        for place in range(60)
        for what in ("checked out from pool", "being returned to pool", "took part in nothing")
    ]
    lines += [record(f"Time taken: 0.{place} seconds.", "sqlalchemy.pool", "INFO", place) for place in range(60)]
    whole = read(lines)
    assert len(whole.events) == 180
    assert {event.connection for event in whole.events[:120]} == {f"0x{place:x}" for place in range(7)}
    for most in (0, 1, 5, 40):
        forgetful = read(lines, range(0, len(lines), 7), most=most)
        assert forgetful.events == whole.events
        assert forgetful.times == whole.times
        assert forgetful.reading.unrecognised_lines == whole.reading.unrecognised_lines == 60


TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/app/sqlalchemy/pool/impl.py", line 179, in _do_get',
    "    raise exc.TimeoutError(",
    f"sqlalchemy.exc.TimeoutError: {TIMED_OUT} (Background on this error at: https://sqlalche.me/e/20/3o7r)",
]


# -- records and their lines -----------------------------------------------------------------------------------------


def test_events_are_the_pools_records() -> None:
    log = read(
        [
            created(),
            record(f"Connection {ONE} checked out from pool"),
            created(TWO),
            record(f"Connection {ONE} being returned to pool"),
            record(f"Connection {ONE} reset, transaction already reset"),
            record("Pool disposed. "),
        ]
    )
    assert log.events == [
        Event(1, "created", POOL, "0x7f01"),
        Event(2, "checked_out", POOL, "0x7f01"),
        Event(3, "created", POOL, "0x7f02"),
        Event(4, "returned", POOL, "0x7f01"),
        Event(5, "reset", POOL, "0x7f01"),
        Event(6, "disposed", POOL, None),
    ]
    assert (log.reading.lines, log.reading.pool_lines, log.reading.unrecognised_lines) == (6, 6, 0)


def test_continuation_lines_belong_to_the_record_above() -> None:
    log = read(
        [
            record("Exception during reset or similar", level="ERROR"),
            "Traceback (most recent call last):",
            f"  Connection {ONE} checked out from pool, says the source",
            "    sqlalchemy.pool.impl.QueuePool is a class",
            "psycopg2.OperationalError: server closed the connection unexpectedly",
            "",
            "During handling of the above exception, another exception occurred:",
            "",
            '    self.logger.debug("Created new connection %r", connection)',
            record(f"Invalidate connection {ONE} (reason: OperationalError:gone)", level="INFO"),
        ]
    )
    assert log.events == [
        Event(1, "reset_failed"),
        Event(10, "invalidated", POOL, "0x7f01", "OperationalError"),
    ]
    assert log.reading.unrecognised_lines == 0


@pytest.mark.parametrize(
    ("head", "event"),
    [
        (
            f"Invalidate connection {ONE} (reason: OperationalError:server closed: the [connection]",
            Event(1, "invalidated", POOL, "0x7f01", "OperationalError"),
        ),
        (f"Soft Invalidate connection {ONE} (reason: E:", Event(1, "soft_invalidated", POOL, "0x7f01", "E")),
        (
            (
                "Disconnection detected on checkout, invalidating all pooled connections prior to current timestamp "
                "(reason: InvalidatePoolError('a"
            ),
            Event(1, "disconnected", POOL, None, "InvalidatePoolError"),
        ),
        ("Error on connect(): connection refused", Event(1, "connect_failed")),
        ("Error on connect(): ", Event(1, "connect_failed")),
    ],
)
def test_text_of_several_lines(head: str, event: Event) -> None:
    log = read([record(head), "\tThis probably means: the server", "\tterminated (abnormally)", ")", created()])
    assert [event, Event(5, "created", POOL, "0x7f01")] == log.events
    assert log.reading.unrecognised_lines == 0


def test_times_and_counts() -> None:
    lines = [
        "starting",
        record("Hi", "app", second=1),
        record(f"Created new connection {ONE}", second=2),
        record("Time taken: 0.1174 seconds.", "sqlalchemy.pool", second=3),
        record("Hi", "app", second=4),
        "the end",
    ]
    log = read(lines)
    assert log.times == [NOON + 2_000_000, NOON + 3_000_000]
    assert (log.reading.first_time, log.reading.last_time) == (NOON + 1_000_000, NOON + 4_000_000)
    assert (log.reading.lines, log.reading.size) == (6, sum(map(len, lines)))
    assert (log.reading.pool_lines, log.reading.timing_lines) == (1, 1)
    assert log.reading.samples == lines[:3]


def test_nothing() -> None:
    assert read([]).events == []
    log = read(["", "Hi", ""])
    assert (log.events, log.reading.lines, log.reading.samples) == ([], 3, ["Hi"])
    assert log.reading.first_time is None


def test_text_around_an_event_may_be_anything() -> None:
    log = read(["\0\x01\x1b[0m\ufffd", created(), "\x01", "0x", "{" * 10_000, '{"message": [1]}', "x" * 1_000_000])
    assert log.events == [Event(2, "created", POOL, "0x7f01")]


# -- timeouts --------------------------------------------------------------------------------------------------------

FAILED = record("Exception on /orders [GET]", "app", "ERROR")


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (3,), (4,), (5,), (1, 2, 3, 4, 5)])
def test_a_timeout_in_a_traceback_counts_at_its_record(cuts: tuple[int, ...]) -> None:
    log = read([created(), FAILED, *TRACEBACK, created(TWO)], cuts)
    assert log.events == [
        Event(1, "created", POOL, "0x7f01"),
        Event(2, "timed_out", None),
        Event(7, "created", POOL, "0x7f02"),
    ]
    assert log.times[1] == NOON


@pytest.mark.parametrize("cuts", [(), (1,), (3,), (5,), (6,), (9,), (10,), tuple(range(12))])
def test_a_timeout_that_is_chained_counts_once(cuts: tuple[int, ...]) -> None:
    chained = [*TRACEBACK, "", "The above exception was the direct cause of the following exception:", "", *TRACEBACK]
    log = read([FAILED, *chained, created()], cuts)
    assert log.events == [Event(1, "timed_out", None), Event(13, "created", POOL, "0x7f01")]


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (5,)])
def test_a_timeout_on_its_head_and_below_counts_once(cuts: tuple[int, ...]) -> None:
    head = record(f"failed: {TIMED_OUT}", "app", "ERROR")
    assert read([head, *TRACEBACK, head], cuts).events == [Event(1, "timed_out", None), Event(6, "timed_out", None)]


def test_each_record_counts_its_own_timeout() -> None:
    log = read([FAILED, *TRACEBACK, FAILED, *TRACEBACK, record("Hi", "app"), FAILED, *TRACEBACK])
    assert [event.line for event in log.events] == [1, 6, 12]


def test_a_timeout_is_no_pool_line() -> None:
    log = read([FAILED, *TRACEBACK])
    assert log.events == [Event(1, "timed_out", None)]
    assert (log.reading.pool_lines, log.reading.unrecognised_lines) == (0, 0)


def test_a_timeout_in_the_exception_of_a_json_line() -> None:
    trace = "\\n".join(["Traceback:", f"TimeoutError: {TIMED_OUT}"])
    line = f'{{"asctime": "2024-01-01 12:00:00,000", "name": "app", "message": "failed", "exc_info": "{trace}"}}'
    assert read([line, line]).events == [Event(1, "timed_out", None), Event(2, "timed_out", None)]


# -- other loggers, unknown texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(), (2,)])
def test_other_loggers_are_passed_over(cuts: tuple[int, ...]) -> None:
    log = read(
        [
            record("Connection pool is full, discarding connection", "urllib3.connectionpool"),
            record("Starting new HTTPS connection (1): localhost", "urllib3.connectionpool"),
            record("Created new connection to the server", "app"),
            record("Time taken: 3 seconds.", "app"),
            record("SELECT 'Connection x checked out from pool'", "sqlalchemy.engine.Engine"),
            created(),
        ],
        cuts,
    )
    assert log.events == [Event(6, "created", POOL, "0x7f01")]
    assert log.reading.unrecognised_lines == 0


def test_unknown_texts_are_counted_and_the_first_ones_kept() -> None:
    unknown = [record(f"never heard of {number}") for number in range(5)]
    log = read([unknown[0], created(), *unknown[1:], record("Connected", "sqlalchemy.pool")], (1, 3))
    assert log.events == [Event(2, "created", POOL, "0x7f01")]
    assert log.reading.unrecognised_lines == 6
    assert log.reading.unrecognised == [(0, 1, unknown[0]), (0, 3, unknown[1]), (0, 4, unknown[2])]
    assert log.reading.pool_lines == 1


def test_the_experiments_own_lines_are_known() -> None:
    own = ["Time taken: 0.1 seconds.", "Average time taken: 0.1 seconds.", "Job done."]
    log = read([record(text, "sqlalchemy.pool", "INFO") for text in own])
    seconds = {1: "0.1", 2: "0.1", 3: None}
    assert log.events == [Event(line, "timing", None, text) for line, text in seconds.items()]
    assert (log.reading.timing_lines, log.reading.pool_lines, log.reading.unrecognised_lines) == (3, 0, 0)


@pytest.mark.parametrize("logger", ["myapp.db.TracedPool", "myapp.db.TracedPool.web", "myapp.db.Traced", "__main__.P"])
def test_pool_class_of_the_users_own(logger: str) -> None:
    log = read([record(f"Created new connection {ONE}", logger), record(f"Closing connection {ONE}", logger)])
    assert log.events == [Event(1, "created", logger, "0x7f01"), Event(2, "closing", logger, "0x7f01")]


@pytest.mark.parametrize("cuts", [(), (1,), (2,), (4,)])
def test_what_a_pool_class_of_the_users_own_says_besides(cuts: tuple[int, ...]) -> None:
    logger = "myapp.db.TracedPool"
    texts = ["Pool recreating", "Connection tracing is on", "tracing", f"Created new connection {ONE}", "tracing"]
    log = read([record(text, logger) for text in texts], cuts)
    assert log.events == [Event(1, "recreated", logger), Event(4, "created", logger, "0x7f01")]
    assert log.reading.unrecognised == [(0, 2, record(texts[1], logger))]
    assert log.reading.unrecognised_lines == 1


@pytest.mark.parametrize("cuts", [(), (1,), (5,)])
def test_what_it_says_besides_counts_alike_among_many_records(cuts: tuple[int, ...]) -> None:
    log = read([created()] * 5 + [record("tracing", "myapp.db.TracedPool")], cuts)
    assert (log.reading.pool_lines, log.reading.unrecognised_lines) == (5, 0)


def test_many_lines_about_other_connections_before_the_first_record() -> None:
    log = read([record(f"Connection {number} refused", "app") for number in range(1000)] + [created()])
    assert log.events == [Event(1001, "created", POOL, "0x7f01")]


# -- connections -----------------------------------------------------------------------------------------------------


def test_connections_without_an_address() -> None:
    text = "<oracledb.Connection to scott@db:1521/xe>"
    log = read([record(f"Created new connection {text}"), record(f"Connection {text} checked out from pool")])
    assert log.events == [Event(1, "created"), Event(2, "checked_out")]
    assert log.reading.pool_lines == 2


@pytest.mark.parametrize(
    ("texts", "identities"),
    [
        # an address in something else than the connection
        (["<a.B 0xdead object at 0x7f01>", "<a.B 0xbeef object at 0x7f01>"], ["0xdead", "0xbeef"]),
        (["<Connection(Thread-3, started daemon 11)>", "<Connection(Thread-4, stopped daemon 12)>"], ["11", "12"]),
        (["<Mock name='0xdead' id='140'>", "<Mock name='0xbeef' id='140'>"], ["140", "140"]),
        (["<sqlite3.Connection object at 0x7F01>", "<sqlite3.Connection object at 0x7f01>"], ["0x7F01", "0x7f01"]),
        (["<psycopg.Connection [IDLE] (host=0xab) at 0x7f01>", "<psycopg.Connection [BAD] at 0x7f01>"], ["0x7f01"] * 2),
        (["something at 0x7f01", "something else"], ["0x7f01", None]),
    ],
)
def test_what_tells_connections_apart(texts: list[str], identities: list[str | None]) -> None:
    log = read([created(text) for text in [*texts, *texts]])
    assert [*identities, *identities] == [event.connection for event in log.events]


def test_a_logger_with_an_address_in_its_name() -> None:
    names = ["sqlalchemy.pool.QueuePool.0x1a2b", "sqlalchemy.pool.QueuePool.0x3c4d"]
    log = read([record(f"Created new connection {text}", name) for name in names for text in (ONE, TWO)])
    assert [(event.pool, event.connection) for event in log.events] == [
        (name, address) for name in names for address in ("0x7f01", "0x7f02")
    ]


def test_two_addresses_in_one_record() -> None:
    reason = "(reason: OperationalError:<Error at 0x{:x}>)"
    log = read([record(f"Invalidate connection {text} {reason.format(at)}") for text in (ONE, TWO) for at in (1, 2)])
    assert [event.connection for event in log.events] == ["0x7f01", "0x7f01", "0x7f02", "0x7f02"]


# -- laws ------------------------------------------------------------------------------------------------------------

JSON = '{{"time": "2024-01-01T12:00:00.123Z", "logger": "{}", "message": "{}"}}'
LINES = [
    *[created(text) for text in (ONE, TWO, "<oracledb.Connection to a@b>", "odd")],
    *TRACEBACK,
    FAILED,
    record(f"failed: {TIMED_OUT}", "app"),
    record(f"Connection {ONE} checked out from pool"),
    record(f"Connection {ONE} being returned to pool", "myapp.db.TracedPool"),
    record("never heard of", "myapp.db.TracedPool"),
    record("never heard of"),
    record("Hi", "app"),
    record("Connection refused", "app"),
    record("Average time taken: 0.1 seconds.", "sqlalchemy.pool"),
    JSON.format(POOL, f"Created new connection {ONE}"),
    JSON.format(POOL, "never heard of"),
    JSON.format("app", "Hi"),
    f"DEBUG:{POOL}:Closing connection {ONE}",
    f"web-1  | {created()}",
    f"2024-01-01T12:00:00.123456789Z {created()}",
    f"2024-01-01T12:00:00.123456789Z stdout F {created()}",
    f"2024-01-01T12:00:00.123456789Z stdout P {created()[:60]}",
    f"2024-01-01T12:00:00.123456789Z stdout F {created()[60:]}",
    f"Jan  1 12:00:00 host app[42]: {created()}",
    "Average time taken: 0.1 seconds.",
    "Pool recreating",
    "",
    "    indented",
    "12:00:00 Hi",
]


@given(st.lists(st.sampled_from(LINES), max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_no_cut_into_blocks_changes_anything(lines: list[str], cuts: list[int]) -> None:
    expected, actual = read(lines), read(lines, cuts)
    assert expected.events == actual.events
    assert expected.times == actual.times
    assert expected.reading == actual.reading


@given(
    st.lists(st.sampled_from(LINES), max_size=40),
    st.integers(0, 40),
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])),
)
def test_no_line_is_too_odd(lines: list[str], place: int, odd: str) -> None:
    log = read([*lines[:place], odd, *lines[place:]])
    assert len(lines) + 1 == log.reading.lines
    assert sorted(event.line for event in log.events) == [event.line for event in log.events]


SECONDS = st.sampled_from(["0", "0.0", "0.5", "1", "1.25", "12.5"])


@given(st.lists(SECONDS, max_size=8), st.sampled_from(["sqlalchemy.pool", f"{POOL}.0x7f01"]))
def test_timings_are_told_apart_by_their_seconds(seconds: list[str], logger: str) -> None:
    log = read([record(f"Time taken: {number} seconds.", logger=logger, level="INFO") for number in seconds])
    assert [float(event.connection or "nan") for event in log.events] == [float(number) for number in seconds]


LONG = """
import base64, random, sys
from pathlib import Path
from logpool import analyze
blob = base64.b64encode(random.Random(1).randbytes(600_000), b"AB").decode()
head = "2024-01-01 12:00:00,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - "
created, path = head + "Created new connection <sqlite3.Connection object at 0x1>", Path(sys.argv[1])
for text in ("x" * 900_000, "1" * 900_000, blob, "Connection " * 80_000):
    lines = (
        created,
        f"{text} sqlalchemy.pool connection ",
        f"2024-01-01 12:00:00,000 - app - INFO - connection {text}",
        f"{head}Invalidate connection <sqlite3.Connection object at 0x1> (reason: Error:{text})",
    )
    path.write_text("\\n".join(lines), "utf-8")
    found = analyze(path)
    assert (found.sources[0].pool_lines, found.totals.created) == (2, 1)
"""


def test_lines_of_nearly_a_megabyte_take_no_longer_than_they_are(tmp_path: Path) -> None:
    # patterns that go back over a word for each of its letters would take hours
    subprocess.run([sys.executable, "-c", LONG, str(tmp_path / "log")], check=True, timeout=120)


# -- ids -------------------------------------------------------------------------------------------------------------

# none begins with figures, which might be a process's: as part of an id they never are
UUID = "a{:07x}-{:04x}-4000-8000-{:012x}".format
TRACE, NUMBER, SHORT = "c{:015x}{:08x}{:08x}".format, "9{:05}{:05}{:09}".format, "b{:03x}{:01x}{:03x}1".format
# what production logs write around a message; {} is an id
WITH_IDS = [
    "2024-01-01 12:00:00,000 - {} - {logger} - DEBUG - {message}",
    "2024-01-01 12:00:00,000 [{}] DEBUG {logger}: {message}",
    "2024-01-01 12:00:00,000 [4242] [MainThread] DEBUG {logger}: {message} {}",
    "2024-01-01 12:00:00,000 [4242] [worker-{}] DEBUG {logger}: {message}",
    "2024-01-01 12:00:00.000 52 DEBUG {logger} [req-{} admin default - -] {message} _checkout /pool/base.py:895",
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "trace_id": "{}"}}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "dd.trace_id": {}}}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "pod": "web-{}"}}',
    '{{"asctime": "2024-01-01T12:00:00Z", "name": "{logger}", "message": "{message}", "pid": {}, "threadName": "{}"}}',
    'time="2024-01-01T12:00:00Z" level=DEBUG logger={logger} request_id={} message="{message}"',
    "web-{}  | 2024-01-01 12:00:00,000 DEBUG {logger} {message}",
    "<14>1 2024-01-01T12:00:00Z {} app 4242 - - DEBUG {logger} {message}",
    "{logger} {} {message}",
]
MESSAGES = [
    "Created new connection <sqlite3.Connection object at 0x7f0{}>",
    "Connection <sqlite3.Connection object at 0x7f0{}> checked out from pool",
    "Connection <Mine host={id}> being returned to pool",
    "Connection <Mine host={id} at 0x7f0{}> reset, transaction already reset",
    "Invalidate connection <sqlite3.Connection object at 0x7f0{}> (reason: OperationalError:lost {id})",
    "Pool status of {id}",
]
FIGURES = "9{:03}{:02}{:03}".format
DECIMALS = "9{:03}{:02}.1{:03}".format
KINDS = st.sampled_from([UUID, TRACE, NUMBER, SHORT, FIGURES, DECIMALS])


IDS = st.tuples(KINDS, st.tuples(*[st.integers(0, 3)] * 3)).map(lambda drawn: drawn[0](*drawn[1]))
# what stands in the place of ids while lines are read, and in no log
MARKS = st.sampled_from("\x03\x04\x05\x06")


@st.composite
def lines_with_ids(draw: st.DrawFn, ids: st.SearchStrategy[str]) -> list[str]:
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        form, one = draw(st.sampled_from(WITH_IDS)), draw(ids)
        message = draw(st.sampled_from(MESSAGES))
        # of what is not known, not even that is promised for characters that stand in no log
        one = draw(IDS) if "status" in message else one
        message = message.format(draw(st.integers(1, 3)), id=one)
        logger = draw(st.sampled_from([POOL, POOL, f"{POOL}.tenant-{one}", "app.db"]))
        lines.append(form.format(one, one, logger=logger, message=message))
    return lines


@given(lines_with_ids(IDS | MARKS), st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=100)
def test_ids_are_the_same_however_lines_are_cut_into_blocks(lines: list[str], cuts: list[int]) -> None:
    assert all_of(lines, cuts) == all_of(lines, ())


@given(lines_with_ids(IDS), st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=150)
def test_ids_change_nothing(lines: list[str], cuts: list[int]) -> None:
    found = all_of(lines, cuts)
    cutter = Cut.cutter
    with pytest.MonkeyPatch.context() as patch:
        # each line with its ids
        patch.setattr(Cut, "cutter", lambda cut, *_: cutter(cut))
        assert found == all_of(lines, cuts)


@pytest.mark.parametrize(
    ("form", "makers"),
    [(WITH_IDS[number], [UUID, TRACE, SHORT, FIGURES]) for number in (0, 4, 5, 9)]
    + [(WITH_IDS[6], [NUMBER, FIGURES, DECIMALS])],
)
def test_lines_that_differ_in_their_ids_are_parsed_once(
    form: str, makers: list[Callable[..., str]], parsed: list[str]
) -> None:
    message = "Connection <sqlite3.Connection object at 0x7f01> checked out from pool"
    lines = [form.format(make(1, 2, number), logger=POOL, message=message) for number in range(500) for make in makers]
    log = read(lines, range(0, len(lines), 100))
    assert len(log.events) == len(lines)
    assert len(parsed) < 20


@pytest.mark.parametrize(
    "inner",
    [
        "2024-09-26 15:19:17.684",
        "2024-09-26 15:19:17,684",
        "2024-09-26T15:19:17.684763+02:00",
        "26/Sep/2024 15:19:17",
        "20240926 15:19:17",
        "1727363957.684763",
    ],
)
def test_what_the_first_lines_look_like_does_not_hide_a_time(inner: str) -> None:
    """Lines that have only their wrapper's time come first: parts of the other one may look like an id then."""
    wrapper = "web-1  | 2024-09-26T15:19:{:02}.684763000Z {}"
    timeout = "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00"
    first = [wrapper.format(number % 17, f"app.errors.NoDatabase: {timeout}") for number in range(250)]
    records = [
        wrapper.format(17, f"{inner} DEBUG sqlalchemy.pool.impl.QueuePool Connection {ONE} {said}")
        for said in ("checked out from pool", "being returned to pool", "reset, transaction already reset")
    ]
    alone, behind = read(records), read(first + records)
    assert behind.times[-3:] == alone.times
    assert list(behind.reading.layouts) == list(alone.reading.layouts)
