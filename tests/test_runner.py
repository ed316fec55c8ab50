"""The document's experiment: its log line by line, its numbers under load, and a word for each bad input."""

import errno
import logging
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import pool
from sqlalchemy.engine import URL, Engine, make_url

from logpool import runner
from logpool.errors import DatabaseError, LogpoolError, OutputError, UsageError
from logpool.runner import Experiment, Outcome, database, run

SAMPLES = Path(__file__).parents[1] / "samples"
LOGGERS = ("sqlalchemy.pool", "logpool.runner")
POOLS = ["QueuePool", "NullPool", "StaticPool", "SingletonThreadPool", "AssertionPool"]
SLOW_SQLITE = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
SECRET = "s3cr3t/w@rd"  # noqa: S105 -- made up, to be looked for
WRITTEN_SECRET = "s3cr3t%2Fw%40rd"  # noqa: S105


def ignore(_: str) -> None:
    pass


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "sqlalchemy.log"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 -- as the fixture asked for
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    def state() -> list[tuple[Any, ...]]:
        loggers = [logging.getLogger(name) for name in LOGGERS]
        return [(log.handlers[:], log.level, log.propagate, log.disabled) for log in loggers]

    before = state()
    yield
    assert state() == before


def masked(log: Path) -> list[str]:
    """The log's lines without what differs from run to run: times, and the driver's text of a connection."""
    text = re.sub(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ", "TIME - ", log.read_text("utf-8"))
    text = re.sub(r"taken: \d+\.\d{4} seconds", "taken: N seconds", text)
    return re.sub(r"(?m)<.*?0x[0-9a-f]+(?:; dsn: '.*?', closed: \d)?>", "<CONNECTION>", text).split("\n")


def refused(experiment: Experiment) -> LogpoolError:
    """The error of an experiment that must fail, and must leave no log behind."""
    with pytest.raises(LogpoolError) as caught:
        run(experiment, ignore)
    assert not experiment.log.is_file()
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert WRITTEN_SECRET not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


@pytest.mark.parametrize("name", ["QueuePool", "NullPool"])
def test_log_is_the_documents(name: str, url: str | None, log: Path) -> None:
    said: list[str] = []
    outcome = run(Experiment(url=url, pool=name, log=log), said.append)
    assert masked(log) == masked(SAMPLES / f"document-{name.lower()}.log")
    assert [re.sub(r"\d+", "N", line) for line in said] == [
        "Connection Check-out: N",
        "Connection Check-in: N",
    ] * 10
    assert (len(outcome.times), outcome.timeouts, outcome.failures, outcome.log) == (10, 0, 0, log)


def test_ids_are_the_logs(log: Path) -> None:
    said: list[str] = []
    run(Experiment(log=log, queries=1), said.append)
    address = re.search(r"0x[0-9a-f]+", log.read_text("utf-8"))
    assert address is not None
    number = int(address[0], 16)
    assert said == [f"Connection Check-out: {number}", f"Connection Check-in: {number}"]


def test_times_are_the_logs(log: Path) -> None:
    times = run(Experiment(log=log), ignore).times
    mean = sum(times) / len(times)
    text = log.read_text("utf-8")
    assert re.findall(r"Time taken: (.*) seconds", text) == [f"{taken:.4f}" for taken in times]
    assert re.findall(r"Average time taken: (.*) seconds", text) == [f"{mean:.4f}"]


def test_log_is_appended_to(log: Path) -> None:
    log.write_text("what was there\n", "utf-8")
    for _ in range(2):
        run(Experiment(log=log, queries=1), ignore)
    lines = masked(log)
    assert lines[0] == "what was there"
    assert lines[1:8] == lines[8:15]
    assert lines[15:] == [""]


@pytest.mark.parametrize("name", POOLS)
def test_every_pool(name: str, url: str | None, log: Path) -> None:
    outcome = run(Experiment(url=url, pool=name, log=log, queries=3), ignore)
    assert len(outcome.times) == 3
    assert f"sqlalchemy.pool.impl.{name} - DEBUG - Created new connection" in log.read_text("utf-8")


@pytest.mark.parametrize("name", ["QueuePool", "NullPool", "SingletonThreadPool"])
def test_workers(name: str, url: str | None, log: Path) -> None:
    outcome = run(Experiment(url=url, pool=name, log=log, queries=20, workers=5), ignore)
    text = log.read_text("utf-8")
    assert (len(outcome.times), outcome.timeouts, outcome.failures) == (100, 0, 0)
    assert text.count("checked out from pool") == text.count("being returned to pool") == 100
    assert text.count("Time taken") == 100


def test_options_reach_the_engine(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[pool.Pool] = []
    create = sa.create_engine

    def spy(*args: Any, **options: Any) -> Engine:  # noqa: ANN401 -- passes all through
        engine = create(*args, **options)
        seen.append(engine.pool)
        return engine

    monkeypatch.setattr(sa, "create_engine", spy)
    options = {"pool_size": 2, "max_overflow": 3, "pool_timeout": 4.5, "pool_recycle": 6}
    run(Experiment(log=log, pre_ping=True, reset_on_return="commit", **options), ignore)  # type: ignore[arg-type]
    queue: Any = seen[0]
    assert (queue.size(), queue._max_overflow, queue._timeout, queue._recycle) == (2, 3, 4.5, 6)  # noqa: SLF001
    assert queue._reset_on_return.name == "reset_commit"  # noqa: SLF001
    assert "Pool pre-ping on connection" in log.read_text("utf-8")


@pytest.mark.parametrize(("value", "count"), [("rollback", 10), ("commit", 0), ("none", 0)])
def test_reset_on_return(value: str, count: int, log: Path) -> None:
    run(Experiment(log=log, reset_on_return=value), ignore)
    assert log.read_text("utf-8").count("reset, transaction already reset") == count


def test_sql_is_sent_as_it_stands(url: str | None, log: Path) -> None:
    outcome = run(Experiment(url=url, log=log, queries=2, sql="SELECT '%a', ':b', '100%s'"), ignore)
    assert len(outcome.times) == 2


def test_timeouts_are_counted(postgres_url: str, log: Path) -> None:
    load = {"queries": 2, "workers": 4, "pool_size": 1, "max_overflow": 0, "pool_timeout": 0.05}
    experiment = Experiment(url=postgres_url, log=log, sql="SELECT pg_sleep(0.2)", **load)  # type: ignore[arg-type]
    outcome = run(experiment, ignore)
    text = log.read_text("utf-8")
    assert outcome.timeouts > 0
    assert len(outcome.times) + outcome.timeouts == 8
    assert outcome.failures == 0
    timeout = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.05"
    assert text.count(timeout) == outcome.timeouts
    assert text.count("- logpool.runner - ERROR - query failed\nTraceback") == outcome.timeouts
    assert text.count("INFO - Time taken") == len(outcome.times)
    assert text.endswith("- sqlalchemy.pool - INFO - Job done.\n")


def test_later_failures_are_counted(postgres_url: str, log: Path) -> None:
    sql = "SELECT 1 / (random() * 2)::integer"
    outcome = Outcome([], 0, 0, log)
    while not (outcome.times and outcome.failures):  # the first query may fail: then all of it does
        try:
            outcome = run(Experiment(url=postgres_url, log=log, queries=20, sql=sql), ignore)
        except DatabaseError as error:
            assert error.message == "the query failed: division by zero"  # noqa: PT017 -- by chance
    text = log.read_text("utf-8")
    assert len(outcome.times) + outcome.failures == 20
    assert text.count("query failed\nTraceback") == outcome.failures
    assert text.count("DivisionByZero") > 0


def test_nobody_else_gets_the_records(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[logging.LogRecord] = []

    class Spy(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)

    spies = [(logging.getLogger(name), Spy()) for name in ("", "sqlalchemy", "sqlalchemy.pool")]
    for logger, spy in spies:
        logger.addHandler(spy)
    try:
        run(Experiment(log=log), ignore)
    finally:
        for logger, spy in spies:
            logger.removeHandler(spy)
    assert seen == []
    assert capfd.readouterr() == ("", "")


def test_nothing_stays_open(postgres_url: str, log: Path, tmp_path: Path) -> None:
    def connections() -> int:
        engine = sa.create_engine(postgres_url, poolclass=pool.NullPool)
        with engine.connect() as connection:
            count = sa.text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            return int(connection.execute(count).scalar_one())

    run(Experiment(url=postgres_url, log=log, workers=5), ignore)
    assert eventually(lambda: connections() == 1)
    assert list(tmp_path.iterdir()) == [log]


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_temporary_database_is_removed(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run(Experiment(log=log), ignore)
    assert list(tmp_path.iterdir()) == [log]


def test_listener_that_fails(log: Path) -> None:
    said: list[str] = []

    def fail(line: str) -> None:
        said.append(line)
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(Experiment(log=log, queries=1000), fail)
    assert len(said) <= 2
    assert log.read_text("utf-8").count("being returned to pool") == 1


INTERRUPTED = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from logpool.runner import Experiment, run
url, sql, log = sys.argv[1:]
run(Experiment(url=url or None, sql=sql, log=Path(log), workers=3, pool_size=2, max_overflow=0),
    lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_interrupted(url: str | None, log: Path, tmp_path: Path, number: signal.Signals) -> None:
    sql = SLOW_SQLITE if url is None else "SELECT pg_sleep(60)"
    command = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, url or "", sql, str(log)],
        cwd=Path(runner.__file__).parents[2],
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    for _ in range(2):
        assert command.stdout.readline().startswith("Connection Check-out: ")
    command.send_signal(number)
    sent = time.monotonic()
    _, errors = command.communicate(timeout=20)
    assert time.monotonic() - sent < 4
    by_hand = number == signal.SIGINT
    assert command.returncode == (-number if by_hand else 128 + number)
    assert errors.strip().endswith("KeyboardInterrupt") if by_hand else not errors
    text = log.read_text("utf-8")
    assert text.count("checked out from pool") == text.count("being returned to pool") >= 2
    assert text.endswith("\n")
    assert "Job done" not in text
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool_size": -1}, "--pool-size must be a number from 0 to 9223372036, not -1"),
        ({"max_overflow": -2}, "--max-overflow must be a number from -1 to 9223372036, not -2"),
        ({"pool_timeout": -0.1}, "--pool-timeout must be a number from 0 to 9223372036, not -0.1"),
        ({"pool_timeout": math.nan}, "--pool-timeout must be a number from 0 to 9223372036, not nan"),
        ({"pool_timeout": math.inf}, "--pool-timeout must be a number from 0 to 9223372036, not inf"),
        ({"pool_recycle": -2}, "--pool-recycle must be a number from -1 to 9223372036, not -2"),
        ({"queries": 0}, "--queries must be a number from 1 to 9223372036, not 0"),
        ({"workers": 0}, "--workers must be a number from 1 to 9223372036, not 0"),
        ({"pool": "queuepool"}, "--pool does not know 'queuepool'"),
        ({"reset_on_return": "maybe"}, "--reset-on-return does not know 'maybe'"),
        ({"pool": "NullPool", "pool_size": 1}, "--pool-size means nothing to NullPool"),
        ({"pool": "NullPool", "pool_recycle": 1}, "--pool-recycle means nothing to NullPool"),
        ({"pool": "StaticPool", "pool_size": 1}, "--pool-size means nothing to StaticPool"),
        ({"pool": "AssertionPool", "max_overflow": 1}, "--max-overflow means nothing to AssertionPool"),
        (
            {"pool": "SingletonThreadPool", "pool_timeout": 1},
            "--pool-timeout means nothing to SingletonThreadPool",
        ),
        (
            {"pool": "AssertionPool", "workers": 2},
            "--workers 2 cannot share the one connection of AssertionPool",
        ),
        ({"pool": "StaticPool", "workers": 2}, "--workers 2 cannot share the one connection of StaticPool"),
        (
            {"pool": "SingletonThreadPool", "workers": 6},
            "--pool-size 5 of SingletonThreadPool is not enough for --workers 6",
        ),
        (
            {"pool": "SingletonThreadPool", "pool_size": 0},
            "--pool-size 0 of SingletonThreadPool is not enough for --workers 1",
        ),
        ({"url": f"postgresql//me:{SECRET}@host/db"}, "the database URL cannot be read"),
        ({"url": f"postgresql://me:{WRITTEN_SECRET}@host:port/db"}, "the database URL cannot be read"),
        *(
            ({"url": url}, "the database URL has an @ or a ? that must be written as %40 or %3F")
            for url in (
                f"postgresql://me:{SECRET}@host/db",
                f"postgresql://host/db?user=me&password={SECRET}",
            )
        ),
        (
            {"url": f"postgres://me:{WRITTEN_SECRET}@host/db"},
            "the database URL cannot be used: SQLAlchemy does not know postgres",
        ),
        (
            {"url": f"postgresql+asyncpg://me:{WRITTEN_SECRET}@host/db"},
            "the driver of postgresql+asyncpg is asynchronous, which the experiment is not",
        ),
    ],
)
def test_wrong_usage(options: dict[str, Any], message: str, log: Path) -> None:
    error = refused(Experiment(log=log, **options))
    assert isinstance(error, UsageError)
    assert error.message == message


def test_url_that_the_dialect_refuses(log: Path) -> None:
    error = refused(Experiment(url=f"sqlite://me:{WRITTEN_SECRET}@host/db", log=log))
    assert isinstance(error, UsageError)
    assert error.message == "the database URL cannot be used: Invalid SQLite URL: sqlite://me:***@host/db"


def test_missing_driver(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    error = refused(Experiment(url=f"postgresql+psycopg2://me:{WRITTEN_SECRET}@host/db", log=log))
    assert isinstance(error, DatabaseError)
    assert error.message.startswith("the driver of postgresql+psycopg2 cannot be loaded: ")
    assert error.hint == "install it, or name another one: postgresql+psycopg2://..."


@pytest.mark.parametrize("where", [f"me:{WRITTEN_SECRET}@127.0.0.1:1/db", f"127.0.0.1:1/db?password={WRITTEN_SECRET}"])
def test_unreachable_server(where: str, log: Path) -> None:
    error = refused(Experiment(url=f"postgresql+psycopg2://{where}", log=log))
    assert isinstance(error, DatabaseError)
    shown = where.partition("?")[0].replace(WRITTEN_SECRET, "***")
    assert error.message.startswith(f"cannot connect to postgresql+psycopg2://{shown}: connection to server")
    assert error.message.endswith("Connection refused")
    assert error.hint == "check that the server runs there, and the names and the password in the URL"


def test_driver_that_tells_the_password() -> None:
    url = make_url(f"mssql://me:{WRITTEN_SECRET}@host/db?odbc_connect=DSN%3Dx;Pwd%3D{{tiger}};UID%3Dme")
    reason = database.reason(ValueError(f"login {SECRET}, {WRITTEN_SECRET}, Pwd={{tiger}}."), url)
    assert reason == "login ***, ***, Pwd={***}"


@pytest.fixture
def guarded_url(postgres_url: str) -> Iterator[URL]:
    """The server's URL for a user who needs a password, while the test runs."""
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=pool.NullPool)
    with engine.connect() as connection:
        rules = Path(connection.execute(sa.text("SHOW hba_file")).scalar_one())
        before = rules.read_text("utf-8")
        rules.write_text(f"local all guarded scram-sha-256\n{before}", "utf-8")
        connection.execute(sa.text("CREATE ROLE guarded LOGIN PASSWORD 'right'"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        yield make_url(postgres_url).set(username="guarded", password=SECRET)
        rules.write_text(before, "utf-8")
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        connection.execute(sa.text("DROP ROLE guarded"))


def test_wrong_password(guarded_url: URL, log: Path) -> None:
    url = guarded_url.render_as_string(hide_password=False)
    assert eventually(lambda: "password" in refused(Experiment(url=url, log=log)).message)
    error = refused(Experiment(url=url, log=log))
    assert isinstance(error, DatabaseError)
    assert error.message.startswith("cannot connect to postgresql+psycopg2://guarded:***@/postgres: ")
    assert error.message.endswith('FATAL:  password authentication failed for user "guarded"')


def test_password_of_a_connection_is_not_logged(guarded_url: URL, log: Path) -> None:
    url = guarded_url.set(password="right").render_as_string(hide_password=False)  # noqa: S106 -- a test's
    run(Experiment(url=url, log=log, queries=1), ignore)
    assert "right" not in log.read_text("utf-8")


def test_wrong_sql(url: str | None, log: Path) -> None:
    error = refused(Experiment(url=url, log=log, sql="SELECT * FROM your_table", workers=3))
    assert isinstance(error, DatabaseError)
    reason = "no such table: your_table" if url is None else 'relation "your_table" does not exist'
    assert error.message == f"the query failed: {reason}"
    assert error.hint == "check --sql, which is sent as it stands"


def test_wrong_sql_leaves_a_log_as_it_was(log: Path) -> None:
    log.write_text("what was there\n", "utf-8")
    with pytest.raises(DatabaseError):
        run(Experiment(log=log, sql="SELEKT"), ignore)
    assert log.read_text("utf-8") == "what was there\n"


def test_database_that_cannot_be_opened(log: Path) -> None:
    error = refused(Experiment(url="sqlite:////nowhere/my.db", log=log))
    assert error.message == "cannot connect to sqlite:////nowhere/my.db: unable to open database file"


def test_more_workers_than_the_system_can_start(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        reason = "can't start new thread"
        raise RuntimeError(reason)

    monkeypatch.setattr("threading.Thread.start", fail)
    error = refused(Experiment(log=log, workers=9))
    assert error.message == "--workers 9 is more than this system can start"


def test_log_is_a_folder(tmp_path: Path) -> None:
    error = refused(Experiment(log=tmp_path))
    assert isinstance(error, OutputError)
    assert error.message == f"cannot write the log {tmp_path}: is a directory"
    assert error.hint == "name with --log a file that may be written, in a folder that exists"


def test_log_in_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "my.log"
    assert refused(Experiment(log=path)).message == f"cannot write the log {path}: no such file or directory"


def test_log_is_no_name() -> None:
    assert "null" in refused(Experiment(log=Path("a\0b"))).message


def test_log_without_permission(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(log))

    monkeypatch.setattr("logging.open", forbid, raising=False)  # root may write everywhere
    assert refused(Experiment(log=log)).message == f"cannot write the log {log}: permission denied"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_disk_is_full(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OutputError) as caught:
        run(Experiment(log=Path("/dev/full")), ignore)
    assert caught.value.message == "cannot write the log /dev/full: no space left on device"
    assert capfd.readouterr() == ("", "")


def test_repr_hides_the_url() -> None:
    assert SECRET not in repr(Experiment(url=f"postgresql://me:{SECRET}@host/db"))
