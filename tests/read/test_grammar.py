"""Every message that a pool has ever printed, with every connection text, and what the grammar makes of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.read import grammar
from logpool.read.grammar import Connection, Message, grammar_text, parse_connection, parse_message
from logpool.schema import Detail, Kind

README = Path(__file__).parents[2] / "README.md"


class Printed(NamedTuple):
    """A connection as a driver prints it, and what is to be read from it."""

    text: str
    driver: str
    identity: str | None
    status: str | None = None


CONNECTIONS = [
    Printed(
        "<connection object at 0x7feb87ec2700; dsn: 'dbname=app user=me password=xxx host=db', closed: 0>",
        "psycopg2",
        "0x7feb87ec2700",
    ),
    Printed("<connection object at 0x7feb87ec2700; dsn: '', closed: 2>", "psycopg2", "0x7feb87ec2700"),
    Printed(
        "<connection object at 0x7feb87ec2701; dsn: 'host=[::1] password=a, closed: 1 \\'b\\' (c)>', closed: 1>",
        "psycopg2",
        "0x7feb87ec2701",
    ),
    Printed(
        "<psycopg.Connection [IDLE] (host=db user=me database=app) at 0x7f03>",
        "psycopg.Connection",
        "0x7f03",
        "IDLE",
    ),
    Printed("<psycopg.Connection [ACTIVE] (host=db) at 0x7f03>", "psycopg.Connection", "0x7f03", "ACTIVE"),
    Printed("<psycopg.Connection [INTRANS] (host=db) at 0x7f03>", "psycopg.Connection", "0x7f03", "INTRANS"),
    Printed("<psycopg.Connection [INERROR] (host=db) at 0x7f03>", "psycopg.Connection", "0x7f03", "INERROR"),
    Printed("<psycopg.Connection [UNKNOWN] (host=db) at 0x7f03>", "psycopg.Connection", "0x7f03", "UNKNOWN"),
    Printed("<psycopg.Connection [BAD] at 0x7f03>", "psycopg.Connection", "0x7f03", "BAD"),
    Printed(
        "<AdaptedConnection <psycopg.AsyncConnection [IDLE] (host=db user=me database=app) at 0xffff78c824b0>>",
        "psycopg.AsyncConnection",
        "0xffff78c824b0",
        "IDLE",
    ),
    Printed(
        "<AdaptedConnection <asyncpg.connection.Connection object at 0x7f05>>",
        "asyncpg.connection.Connection",
        "0x7f05",
    ),
    Printed(
        "<sqlalchemy.dialects.postgresql.asyncpg.AsyncAdapt_asyncpg_connection object at 0x7f06>",
        "sqlalchemy.dialects.postgresql.asyncpg.AsyncAdapt_asyncpg_connection",
        "0x7f06",
    ),
    Printed("<AdaptedConnection <aiosqlite.core.Connection object at 0x7f07>>", "aiosqlite.core.Connection", "0x7f07"),
    Printed(
        "<AdaptedConnection <Connection(Thread-106, started daemon 125622825256512)>>",
        "aiosqlite",
        "125622825256512",
    ),
    Printed("<sqlite3.Connection object at 0x7f08>", "sqlite3.Connection", "0x7f08"),
    Printed("<pysqlite2.dbapi2.Connection object at 0x7f09>", "pysqlite2.dbapi2.Connection", "0x7f09"),
    Printed("<sqlcipher3.dbapi2.Connection object at 0x7f0a>", "sqlcipher3.dbapi2.Connection", "0x7f0a"),
    Printed("<pyodbc.Connection object at 0x7f6fbc2ff770>", "pyodbc.Connection", "0x7f6fbc2ff770"),
    Printed("<_mysql.connection open to 'localhost' at 0xf59240>", "_mysql.connection", "0xf59240"),
    Printed("<_mysql.connection closed at 0xf59240>", "_mysql.connection", "0xf59240"),
    Printed(
        "<pymysql.connections.Connection object at 0x00000219557BA668>",
        "pymysql.connections.Connection",
        "0x00000219557BA668",
    ),
    Printed(
        "<AdaptedConnection <aiomysql.connection.Connection object at 0x7f0c>>",
        "aiomysql.connection.Connection",
        "0x7f0c",
    ),
    Printed("<asyncmy.connection.Connection object at 0x7f0d>", "asyncmy.connection.Connection", "0x7f0d"),
    Printed("<cymysql.connections.Connection object at 0x7f0e>", "cymysql.connections.Connection", "0x7f0e"),
    Printed(
        "<mysql.connector.connection_cext.CMySQLConnection object at 0x7f0f>",
        "mysql.connector.connection_cext.CMySQLConnection",
        "0x7f0f",
    ),
    Printed("<mariadb.connection connected to '127.0.0.1' at 0x7f10>", "mariadb.connection", "0x7f10"),
    Printed("<cx_Oracle.Connection to scott@db:1521/xe>", "cx_Oracle.Connection", None),
    Printed("<oracledb.Connection to scott@db:1521/xe>", "oracledb.Connection", None),
    Printed("<oracledb.Connection to scott@(DESCRIPTION=(ADDRESS=(HOST=db)))>", "oracledb.Connection", None),
    Printed("<pg8000.legacy.Connection object at 0x7f12>", "pg8000.legacy.Connection", "0x7f12"),
    Printed("<Mock name='mock.connect()' id='140117875357552'>", "mock", "140117875357552"),
    Printed("<MagicMock id='140117875357553'>", "mock", "140117875357553"),
    Printed("<shop.db.connect.<locals>.Traced object at 0x7f13>", "shop.db.connect.<locals>.Traced", "0x7f13"),
    Printed("<odd.Connection 'a, b: (c)' [d] at 0x7f14 e>", "odd.Connection", "0x7f14"),
    Printed("<oracledb.Connection disconnected>", "oracledb.Connection", None),
    Printed("<AdaptedConnection <oracledb.AsyncConnection disconnected>>", "oracledb.AsyncConnection", None),
    Printed("<cx_Oracle.Connection to externally identified user>", "cx_Oracle.Connection", None),
    Printed("<shop.Connection (closed)>", "shop.Connection", None),
    Printed("shop.Connection(host='db', port=5432)", "unknown", None),
    Printed("whatever stands here", "unknown", None),
    Printed("None", "unknown", None),
    Printed("connection-17", "unknown", "connection-17"),
    Printed("whatever stands at 0x7f15", "unknown", "0x7f15"),
]

TOO_MANY = Detail.TOO_MANY_CLIENTS
# as PostgreSQL, MySQL, Oracle, SQL Server and PgBouncer say it
UNMADE = [
    ('connection to server on socket "/tmp/.s" failed: FATAL:  sorry, too many clients already\n', TOO_MANY),
    ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", TOO_MANY),
    ('FATAL:  too many connections for role "me"', TOO_MANY),
    ("(1040, 'Too many connections')", TOO_MANY),
    ("(1226, \"User 'me' has exceeded the 'max_user_connections' resource (current value: 5)\")", TOO_MANY),
    ("FATAL: no more connections allowed (max_client_conn)", TOO_MANY),
    ("ORA-12519, TNS:no appropriate service handler found", TOO_MANY),
    ('FATAL:  password authentication failed for user "me"', Detail.LOGIN_REFUSED),
    ('FATAL:  role "me" does not exist', Detail.LOGIN_REFUSED),
    ("(1045, \"Access denied for user 'me'@'10.0.0.5' (using password: YES)\")", Detail.LOGIN_REFUSED),
    ("('28000', \"[Microsoft] Login failed for user 'me'. (18456)\")", Detail.LOGIN_REFUSED),
    ('FATAL:  database "nope" does not exist', Detail.UNKNOWN_DATABASE),
    ("(1049, \"Unknown database 'nope'\")", Detail.UNKNOWN_DATABASE),
    ("unable to open database file", Detail.UNKNOWN_DATABASE),
    ("FATAL:  the database system is starting up", Detail.STARTING_UP),
    ("FATAL:  the database system is shutting down", Detail.STARTING_UP),
    ('could not translate host name "db" to address: Name or service not known', Detail.UNKNOWN_HOST),
    ("(2003, \"Can't connect to MySQL server on 'db' ([Errno -2] Name or service not known)\")", Detail.UNKNOWN_HOST),
    ("[Errno 11001] getaddrinfo failed", Detail.UNKNOWN_HOST),
    ('connection to server at "db", port 5432 failed: timeout expired', Detail.CONNECT_TIMEOUT),
    ("(2003, \"Can't connect to MySQL server on 'db' (timed out)\")", Detail.CONNECT_TIMEOUT),
    ('connection to server on socket "/tmp/.s" failed: No such file or directory', Detail.CONNECTION_REFUSED),
    ("could not connect to server: No route to host", Detail.CONNECTION_REFUSED),
]

UNNAMED: list[tuple[str, Kind, Detail, str | None]] = [
    (
        "Error on connect(): connection to server failed: refused\n\tIs it running?",
        Kind.CONNECT_FAILED,
        Detail.CONNECTION_REFUSED,
        None,
    ),
    (
        "Error on connect(): (2003, \"Can't connect to 'db' ([Errno 111])\")",
        Kind.CONNECT_FAILED,
        Detail.CONNECTION_REFUSED,
        None,
    ),
    ("Error on connect(): ", Kind.CONNECT_FAILED, Detail.NONE, None),
    ("Error on connect(): the disk is full", Kind.CONNECT_FAILED, Detail.NONE, None),
    *((f"Error on connect(): {text}", Kind.CONNECT_FAILED, detail, None) for text, detail in UNMADE),
    (
        (
            "Disconnection detected on checkout, invalidating all pooled connections prior to current timestamp "
            "(reason: InvalidatePoolError('it (was) [gone]: yes'))"
        ),
        Kind.DISCONNECTED,
        Detail.NONE,
        "InvalidatePoolError",
    ),
    (
        "Disconnection detected on checkout, invalidating all pooled connections prior to current timestamp",
        Kind.DISCONNECTED,
        Detail.NONE,
        None,
    ),
    ("Disconnection detected on checkout: it is gone", Kind.DISCONNECTED, Detail.NONE, None),
    ("Disconnection detected on checkout: ", Kind.DISCONNECTED, Detail.NONE, None),
    ("Reconnection attempts exhausted on checkout", Kind.RECONNECT_EXHAUSTED, Detail.NONE, None),
    ("Exception during reset or similar", Kind.RESET_FAILED, Detail.NONE, None),
    # as rsyslog writes line feeds and tabs
    (
        "Exception during reset or similar#012Traceback (most recent call last):#012",
        Kind.RESET_FAILED,
        Detail.NONE,
        None,
    ),
    ("Pool recreating#012", Kind.RECREATED, Detail.NONE, None),
    (
        "Disconnection detected on checkout, invalidating all pooled connections prior  base.py:1323",
        Kind.DISCONNECTED,
        Detail.NONE,
        None,
    ),
    ("Exception during reset or similar: pymysql.err.InterfaceError: (0, '')", Kind.RESET_FAILED, Detail.NONE, None),
    ("Pool recreating", Kind.RECREATED, Detail.NONE, None),
    ("Pool disposed.", Kind.DISPOSED, Detail.NONE, None),
    ("Pool disposed. ", Kind.DISPOSED, Detail.NONE, None),
    ("Pool disposed. NullPool", Kind.DISPOSED, Detail.NONE, None),
    ("Pool disposed. StaticPool", Kind.DISPOSED, Detail.NONE, None),
    ("Pool disposed. AssertionPool", Kind.DISPOSED, Detail.NONE, None),
    ("Job done.", Kind.TIMING, Detail.DONE, None),
]

# what stands where {} stands names the connection
NAMED: list[tuple[str, Kind, Detail, str | None]] = [
    ("Created new connection {}", Kind.CREATED, Detail.NONE, None),
    ("Connection {} checked out from pool", Kind.CHECKED_OUT, Detail.NONE, None),
    ("Pool pre-ping on connection {}", Kind.PINGED, Detail.NONE, None),
    ("Pool pre-ping on connection {} failed, will invalidate pool", Kind.PING_FAILED, Detail.NONE, None),
    ("Connection {} is fresh, skipping pre-ping", Kind.PING_SKIPPED, Detail.NONE, None),
    (
        "Disconnection detected on checkout, invalidating individual connection {} (reason: ValueError('a: (b)'))",
        Kind.DISCONNECTED,
        Detail.NONE,
        "ValueError",
    ),
    (
        "Disconnection detected on checkout, invalidating individual connection {} (reason: DisconnectionError())",
        Kind.DISCONNECTED,
        Detail.NONE,
        "DisconnectionError",
    ),
    ("Connection {} being returned to pool", Kind.RETURNED, Detail.NONE, None),
    (
        "Connection {} being returned to pool, transaction state was already reset by caller",
        Kind.RETURNED,
        Detail.ALREADY_RESET,
        None,
    ),
    ("Connection {} reset, transaction already reset", Kind.RESET, Detail.ALREADY_RESET, None),
    ("Connection {} rollback-on-return", Kind.RESET, Detail.ROLLBACK, None),
    ("Connection {} rollback-on-return, via agent", Kind.RESET, Detail.ROLLBACK, None),
    ("Connection {} commit-on-return", Kind.RESET, Detail.COMMIT, None),
    ("Connection {} commit-on-return, via agent", Kind.RESET, Detail.COMMIT, None),
    ("Invalidate connection {}", Kind.INVALIDATED, Detail.NONE, None),
    (
        "Invalidate connection {} (reason: OperationalError:gone away)",
        Kind.INVALIDATED,
        Detail.NONE,
        "OperationalError",
    ),
    (
        'Invalidate connection {} (reason: OperationalError:(2006, "gone: [away] (reason: none)"))',
        Kind.INVALIDATED,
        Detail.NONE,
        "OperationalError",
    ),
    ("Invalidate connection {} (reason: CancelledError:)", Kind.INVALIDATED, Detail.NONE, "CancelledError"),
    (
        "Invalidate connection {} (reason: OperationalError:server closed it\n\tThis probably means:\n\tnothing)",
        Kind.INVALIDATED,
        Detail.NONE,
        "OperationalError",
    ),
    # the first line of a reason that begins with a line end
    ("Invalidate connection {} (reason: OperationalError:", Kind.INVALIDATED, Detail.NONE, "OperationalError"),
    ("Soft Invalidate connection {}", Kind.SOFT_INVALIDATED, Detail.NONE, None),
    ("Soft Invalidate connection {} (reason: ValueError:a: b)", Kind.SOFT_INVALIDATED, Detail.NONE, "ValueError"),
    ("Connection {} exceeded timeout; recycling", Kind.RECYCLED, Detail.AGE, None),
    (
        "Connection {} invalidated due to pool invalidation; recycling",
        Kind.RECYCLED,
        Detail.POOL_INVALIDATION,
        None,
    ),
    (
        "Connection {} invalidated due to local soft invalidation; recycling",
        Kind.RECYCLED,
        Detail.SOFT_INVALIDATION,
        None,
    ),
    ("Closing connection {}", Kind.CLOSING, Detail.SOFT, None),
    ("Hard-closing connection {}", Kind.CLOSING, Detail.HARD, None),
    # as rsyslog writes line feeds and tabs
    ("Connection {} checked out from pool#012", Kind.CHECKED_OUT, Detail.NONE, None),
    (
        'Exception closing connection {}#012Traceback (most recent call last):#012  File "a.py", in <module>#012',
        Kind.CLOSE_FAILED,
        Detail.CLOSING_FAILED,
        None,
    ),
    (
        "Invalidate connection {} (reason: OperationalError:gone#012#011)",
        Kind.INVALIDATED,
        Detail.NONE,
        "OperationalError",
    ),
    ("Exception closing connection {}", Kind.CLOSE_FAILED, Detail.CLOSING_FAILED, None),
    (
        "Exception closing connection {} stranded by a failed connect event",
        Kind.CLOSE_FAILED,
        Detail.CLOSING_FAILED,
        None,
    ),
    ("Exception terminating connection {}", Kind.CLOSE_FAILED, Detail.TERMINATING_FAILED, None),
    (
        "Cancellation during terminate of connection {}; connection was force-closed",
        Kind.CLOSE_FAILED,
        Detail.CANCELLED,
        None,
    ),
    ("Connection {} threw an error on close: (2006, 'gone: away')", Kind.CLOSE_FAILED, Detail.CLOSING_FAILED, None),
    (
        (
            "The garbage collector is trying to clean up non-checked-in connection {}, which will be terminated.  "
            "Please ensure that SQLAlchemy pooled connections are returned to the pool explicitly."
        ),
        Kind.RECLAIMED,
        Detail.TERMINATED,
        None,
    ),
    (
        (
            "The garbage collector is trying to clean up non-checked-in connection {}, which will be dropped, as it "
            "cannot be safely terminated.  Please ensure that SQLAlchemy pooled connections are returned to the pool."
        ),
        Kind.RECLAIMED,
        Detail.DROPPED,
        None,
    ),
    (
        (
            "The garbage collector is trying to clean up connection {}. This feature is unsupported on async dbapi, "
            "since no IO can be performed at this stage to reset the connection. Please close out all connections."
        ),
        Kind.RECLAIMED,
        Detail.DROPPED,
        None,
    ),
    (
        (
            "The garbage collector is trying to clean up connection {}. This feature is unsupported on unsupported on "
            'asyncio dbapis that lack a "terminate" feature, since no IO can be performed at this stage.'
        ),
        Kind.RECLAIMED,
        Detail.DROPPED,
        None,
    ),
]

_STATUS = "Pool size: 5  Connections in pool: 1 Current Overflow: -4 Current Checked out connections: 2"
NUMBERED: list[tuple[str, Kind, Detail, float | None, tuple[float, ...]]] = [
    (
        "Pool disposed. Pool size: 5  Connections in pool: 1 Current Overflow: -4 Current Checked out connections: 2",
        Kind.DISPOSED,
        Detail.NONE,
        None,
        (5, 1, -4, 2),
    ),
    *(
        (f"Pool disposed. {_STATUS}{behind}", Kind.DISPOSED, Detail.NONE, None, (5.0, 1.0, -4.0, 2.0))
        for behind in ('", "timestamp": "2024-09-26T17:45:26Z"}', '\\n"}', " (base.py:230)", "   ", " user=7")
    ),
    # a narrow terminal's next line goes on
    (
        "Pool disposed. Pool size: 5  Connections in pool: 1 Current Overflow: -4      impl.py:230",
        Kind.DISPOSED,
        Detail.NONE,
        None,
        (5, 1, -4),
    ),
    ("Pool disposed. SingletonThreadPool id:140 size: 3", Kind.DISPOSED, Detail.NONE, None, ()),
    (
        "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30",
        Kind.TIMED_OUT,
        Detail.NONE,
        None,
        (5, 10, 30),
    ),
    (
        (
            "QueuePool limit of size 5 overflow -1 reached, connection timed out, timeout 30.00 "
            "(Background on this error at: https://sqlalche.me/e/20/3o7r)"
        ),
        Kind.TIMED_OUT,
        Detail.NONE,
        None,
        (5, -1, 30),
    ),
    (
        "AsyncAdaptedQueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.05",
        Kind.TIMED_OUT,
        Detail.NONE,
        None,
        (1, 0, 0.05),
    ),
    ("Time taken: 0.1174 seconds.", Kind.TIMING, Detail.TIME_TAKEN, 0.1174, (0.1174,)),
    ("Average time taken: 0.0187 seconds.", Kind.TIMING, Detail.AVERAGE, 0.0187, (0.0187,)),
    ("Time taken: 8.1e-05 seconds.", Kind.TIMING, Detail.TIME_TAKEN, 8.1e-05, (8.1e-05,)),
]

UNKNOWN = [
    "",
    " ",
    "\n",
    "Hello",
    "created new connection <a.B object at 0x1>",
    "Created new connection",
    "Created new connection ",
    " Created new connection <a.B object at 0x1>",
    "Connection <a.B object at 0x1>",
    "Connection  checked out from pool",
    "Connection checked out from pool",
    "Connection <a.B object at 0x1> checked out from pool, twice",
    "Connection <a.B object at 0x1> is checked out",
    "Connection <a.B object at 0x1> invalidated due to boredom; recycling",
    "Invalidate connection",
    "Pool recreating now",
    "Pool reconnecting",
    "Reconnection attempts exhausted on checkout, really",
    "Closing connection",
    "The garbage collector is trying to clean up",
    "The garbage collector is trying to clean up non-checked-in connection <a.B object at 0x1>, which may stay.",
    "QueuePool limit of size many overflow 10 reached, connection timed out, timeout 30",
    "QueuePool limit of size 5 overflow 10 reached",
    "Time taken: long seconds.",
    "Time taken: 0.1 seconds",
    "Job done",
]


@pytest.mark.parametrize("printed", CONNECTIONS, ids=lambda printed: printed.text[:60])
def test_connection(printed: Printed) -> None:
    assert Connection(printed.driver, printed.identity, printed.status) == parse_connection(printed.text)


@pytest.mark.parametrize(("text", "kind", "detail", "reason"), NAMED, ids=lambda value: str(value)[:60])
def test_message_about_a_connection(text: str, kind: Kind, detail: Detail, reason: str | None) -> None:
    expected = {printed.text: Message(kind, detail, Connection(*printed[1:]), reason) for printed in CONNECTIONS}
    assert expected == {connection: parse_message(text.format(connection)) for connection in expected}


@pytest.mark.parametrize(("text", "kind", "detail", "reason"), UNNAMED, ids=lambda value: str(value)[:60])
def test_message_about_no_connection(text: str, kind: Kind, detail: Detail, reason: str | None) -> None:
    assert Message(kind, detail, None, reason) == parse_message(text)


@pytest.mark.parametrize(("text", "kind", "detail", "number", "numbers"), NUMBERED, ids=lambda value: str(value)[:60])
def test_message_with_numbers(
    text: str, kind: Kind, detail: Detail, number: float | None, numbers: tuple[float, ...]
) -> None:
    assert Message(kind, detail, number=number, numbers=numbers) == parse_message(text)


def test_tables_hold_every_kind_and_detail() -> None:
    rows = [row[1:3] for row in [*NAMED, *UNNAMED, *NUMBERED]]
    assert set(Kind) == {kind for kind, _ in rows}
    assert set(Detail) == {detail for _, detail in rows}


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_text(text: str) -> None:
    assert parse_message(text) is None


def test_a_reason_names_the_class_without_its_module() -> None:
    message = parse_message("Invalidate connection <a.B object at 0x1> (reason: asyncpg.exceptions.Gone:away)")
    assert message is not None
    assert message.reason == "Gone"


def test_without_identity_keeps_the_rest() -> None:
    message = parse_message("Connection <psycopg.Connection [INTRANS] (host=db) at 0x7f03> checked out from pool")
    assert message is not None
    expected = Message(Kind.CHECKED_OUT, connection=Connection("psycopg.Connection", None, "INTRANS"))
    assert expected == message.without_identity()
    assert Message(Kind.RECREATED) == Message(Kind.RECREATED).without_identity()


# pieces of messages in any order get further into the grammar than letters do
PIECES = sorted(
    {piece for row in [*NAMED, *UNNAMED] for piece in re.split(r"(\{\}|[ ,:;.()]+)", row[0]) if piece}
    | {printed.text for printed in CONNECTIONS}
    | {"0x", "<", ">", "'", "\n", "\x00", "\ud800", "limit of size", "timeout"}
)
texts = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3)).map("".join)
edited = st.builds(
    lambda row, connection, at, more: row[0].replace("{}", connection)[:at] + more,
    st.sampled_from([*NAMED, *UNNAMED]),
    texts,
    st.integers(0, 200),
    texts,
)


@given(texts | edited)
def test_no_text_is_too_odd_for_a_message(text: str) -> None:
    message = parse_message(text)
    assert message is None or message.kind in Kind


@given(texts)
def test_no_text_is_too_odd_for_a_connection(text: str) -> None:
    connection = parse_connection(text)
    assert connection.driver
    assert connection.identity is None or connection.identity in text


def test_aliases_are_the_kinds() -> None:
    start = re.search(r"^\?start:(.*?)\n\n", grammar_text("message"), re.DOTALL | re.MULTILINE)
    assert start is not None
    aliases = re.findall(r"-> (\w+)$", start[1], re.MULTILINE)
    assert sorted(kind.word for kind in Kind) == sorted(aliases)


def test_readme_lists_the_kinds() -> None:
    table = re.search(r"^\| event \|.*\n\|[-|: ]+\n((?:\|.*\n)+)", README.read_text("utf-8"), re.MULTILINE)
    assert table is not None
    first = [row.split("|")[1] for row in table[1].splitlines()]
    assert {kind.word for kind in Kind} == {word for cell in first for word in re.findall(r"`(\w+)`", cell)}


PARSERS = [("message",), ("connection",), ("layout", "percent", "brace", "dollar")]


@pytest.fixture
def _anew() -> Iterator[None]:
    """No parser is known, neither before nor afterwards."""
    for known in (grammar.parser, grammar._saved):  # noqa: SLF001
        known.cache_clear()
    yield
    for known in (grammar.parser, grammar._saved):  # noqa: SLF001
        known.cache_clear()


@pytest.mark.usefixtures("_anew")
@pytest.mark.parametrize("names", PARSERS)
def test_a_parser_is_built_with_the_package(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(grammar, "_built")
    grammar.parser(*names)


@pytest.mark.usefixtures("_anew")
def test_another_grammar_than_the_one_that_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "grammar_text", lambda _: 'start: "a" -> b')
    assert grammar.parser("message").parse("a").data == "b"


@pytest.mark.usefixtures("_anew")
def test_without_what_was_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "Connection <sqlite3.Connection object at 0x7f> checked out from pool"
    built = grammar.parser("message").parse(text)
    grammar.parser.cache_clear()
    grammar._saved.cache_clear()  # noqa: SLF001
    monkeypatch.setattr(grammar, "PARSERS", tmp_path / "parsers")
    assert grammar.parser("message").parse(text) == built
    grammar.save_parsers()
    assert len(grammar._saved()) == 0  # noqa: SLF001
    grammar._saved.cache_clear()  # noqa: SLF001
    assert len(grammar._saved()) == len(PARSERS)  # noqa: SLF001
