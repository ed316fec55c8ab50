"""Connections that die, or cannot be made: real pools against a real server that is made to fail."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from incidents import TIMELESS, WHOLE, judged, logged, use
from logpool.judge.thresholds import Thresholds
from logpool.runner.servers import private_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = Thresholds(stale_idle=0.3)
# a worker that keeps connections in use and uses them when it is told to
WORKER = f"""
import logging, sys
import sqlalchemy as sa
logging.basicConfig(filename=sys.argv[2], level=logging.WARNING, format={WHOLE!r})
logging.getLogger("sqlalchemy.pool").setLevel(logging.DEBUG)
engine = sa.create_engine(sys.argv[1], connect_args={{"application_name": "worker"}})
held = [engine.connect() for _ in range(3)]
for one in held:
    one.execute(sa.text("SELECT 1"))
print("ready", flush=True)
sys.stdin.readline()
for one in held:
    try:
        one.execute(sa.text("SELECT 1"))
    except sa.exc.DBAPIError:
        pass
    one.close()
while True:
    try:
        with engine.connect() as one:
            one.execute(sa.text("SELECT 1"))
        break
    except sa.exc.DBAPIError:
        pass
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own: it is crashed."""
    with private_postgres() as url:
        yield url


def asked(server: str, query: str, *values: object) -> object:
    """What the server answers an administrator, whose connections no pool makes."""
    place = make_url(server)
    with closing(psycopg2.connect(host=place.query["host"], port=5432, user="postgres", dbname="postgres")) as admin:
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0] if cursor.description else None


def kill(server: str, pid: int) -> None:
    """Ends a backend of the server, as an administrator does."""
    assert asked(server, "SELECT pg_terminate_backend(%s, 5000)", pid) is True


def pid_of(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


def crash(server: str, victim: int) -> None:
    """Kills a backend by force, so that the server ends all of them, recovers, and starts again."""
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        assert time.monotonic() < deadline
        with suppress(psycopg2.OperationalError):
            # until it has noticed, it answers as before
            if asked(server, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", victim) == 0:
                return
        time.sleep(0.02)


@pytest.mark.parametrize("layout", [WHOLE, TIMELESS])
def test_a_restarted_server_is_a_storm(server: str, tmp_path: Path, layout: str) -> None:
    log = tmp_path / "pool.log"
    with logged(log, layout):
        engine = sa.create_engine(server, pool_size=6)
        with ExitStack() as stack:
            held = [stack.enter_context(engine.connect()) for _ in range(5)]
            for one in held:
                one.execute(sa.text("SELECT 1"))
            for one in held[:2]:
                one.close()
            crash(server, pid_of(held[4]))
            for one in held[2:]:
                with pytest.raises(sa.exc.DBAPIError):
                    one.execute(sa.text("SELECT 1"))
        assert use(engine)
        engine.dispose()
    found = judged(log)
    if layout == TIMELESS:
        assert not found
        return
    assert set(found) == {"invalidation_storm"}
    (storm,) = found["invalidation_storm"]
    assert (storm.severity, storm.pool) == ("error", "sqlalchemy.pool.impl.QueuePool")
    # those in use, and what the next checkouts found in the pool
    assert 3 <= storm.count <= 5
    assert "3 connections of 1 process died within" in storm.message
    assert "new connections could be made again after" in storm.message
    assert storm.first_time is not None
    assert storm.last_time is not None
    assert storm.first_time <= storm.last_time
    assert "Invalidate connection" in line_of(log, storm.evidence[0].line)


def line_of(log: Path, line: int) -> str:
    return log.read_text("utf-8").splitlines()[line - 1]


def test_a_restart_is_one_storm_of_all_processes(server: str, tmp_path: Path) -> None:
    logs = [tmp_path / f"worker{number}.log" for number in "ab"]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, server, str(log)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for log in logs
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        victim = asked(server, "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'worker'")
        crash(server, int(str(victim)))
    finally:
        for worker in workers:
            worker.communicate("go\n", timeout=20)
    (storm,) = judged(*logs)["invalidation_storm"]
    assert storm.message.startswith("6 connections of 2 processes died within")
    assert {place.path for place in storm.evidence} == {str(log) for log in logs}
    # one log of all processes says the same
    joined = tmp_path / "joined.log"
    joined.write_text("".join(log.read_text("utf-8") for log in logs), "utf-8")
    (same,) = judged(joined)["invalidation_storm"]
    assert same.count == storm.count


def test_each_pool_has_its_own_storm(tmp_path: Path) -> None:
    def said(minute: int, pool: str, message: str, number: int) -> str:
        connection = f"<sqlite3.Connection object at 0x7f{pool}{number}>"
        head = f"2024-01-01 12:{minute:02d}:0{number},000 - sqlalchemy.pool.impl.QueuePool.{pool} - DEBUG - "
        return head + message.format(connection)

    log = tmp_path / "log"
    lines = [
        said(minute + later, pool, message, number)
        for pool, minute, count in (("a", 0, 3), ("b", 20, 4), ("c", 40, 0))
        for later, message, died in (
            (0, "Created new connection {}", 5),
            (1, "Connection {} checked out from pool", 5),
            (2, "Invalidate connection {} (reason: OperationalError:server closed the connection)", count),
        )
        for number in range(died)
    ]
    log.write_text("\n".join(lines) + "\n")
    storms = judged(log)["invalidation_storm"]
    assert [(storm.pool, storm.count) for storm in storms] == [
        ("sqlalchemy.pool.impl.QueuePool.a", 3),
        ("sqlalchemy.pool.impl.QueuePool.b", 4),
    ]


def test_one_killed_connection_is_no_storm(server: str, tmp_path: Path) -> None:
    """Although the pool replaces all others as well."""
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(server, pool_size=5)
        with ExitStack() as stack:
            held = [stack.enter_context(engine.connect()) for _ in range(5)]
            kill(server, pid_of(held[0]))
            with pytest.raises(sa.exc.DBAPIError):
                held[0].execute(sa.text("SELECT 1"))
        for _ in range(5):
            assert use(engine)
        engine.dispose()
    assert "invalidated due to pool invalidation" in log.read_text("utf-8")
    assert judged(log) == {}


def test_cancelled_tasks_are_no_storm(tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/db")
        for _ in range(6):
            connection = engine.raw_connection()
            connection.invalidate(asyncio.CancelledError())
            connection.close()
            engine.raw_connection().invalidate()
    assert set(judged(log)) == {"cancelled_in_use", "invalidated_in_use"}


def test_connections_recycled_by_age_are_nothing(tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/db", pool_recycle=0.001)
        for _ in range(8):
            assert use(engine)
            time.sleep(0.005)
        engine.dispose()
    assert "exceeded timeout; recycling" in log.read_text("utf-8")
    assert judged(log) == {}


def idle_kills(server: str, log: Path, *, pre_ping: bool) -> None:
    """Two connections that the server closes for resting, and many rests that it does not mind."""
    options = {"options": "-c idle_session_timeout=400"}
    with logged(log):
        engine = sa.create_engine(server, pool_size=1, max_overflow=0, connect_args=options, pool_pre_ping=pre_ping)
        for _ in range(2):
            for _ in range(10):
                use(engine)
                time.sleep(0.005)
            time.sleep(0.7)
        use(engine)
        engine.dispose()


def test_what_rests_too_long_is_closed_for_it(server: str, tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    idle_kills(server, log, pre_ping=False)
    found = judged(log, thresholds=QUICK)
    assert set(found) == {"stale_connections"}
    (stale,) = found["stale_connections"]
    assert (stale.severity, stale.count) == ("warning", 2)
    assert "noticed by callers, as errors: the shortest rest before such a failure was" in stale.message
    shortest, survived = re.findall(r"(?:was|than) ([\d.]+) ms", stale.message)
    assert float(survived) < 400 <= float(shortest)
    assert "lies in between: look it up and set pool_recycle below it, or set pool_pre_ping=True" in stale.message
    assert "Invalidate connection" in line_of(log, stale.evidence[0].line)


def test_a_ping_that_notices_makes_it_an_information(server: str, tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    idle_kills(server, log, pre_ping=True)
    found = judged(log, thresholds=QUICK)
    assert set(found) == {"stale_connections", "ping_failures"}
    assert [found[code][0].severity for code in ("stale_connections", "ping_failures")] == ["info", "warning"]
    pings = found["ping_failures"][0]
    # the first connection of all, and those that replace dead ones, are not pinged
    assert pings.message.startswith("2 pre-pings of 20 failed (100,000 per million)")
    assert pings.count == 2
    # a few are told, and no more
    few = Thresholds(stale_idle=0.3, ping_failures=0.5)
    assert judged(log, thresholds=few)["ping_failures"][0].severity == "info"


def test_what_dies_after_a_rest_that_others_survive_was_not_closed_for_it(server: str, tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(server, pool_size=1, max_overflow=0)
        for _ in range(3):
            with engine.connect() as connection:
                pid = pid_of(connection)
            kill(server, pid)
            time.sleep(0.1)
            assert not use(engine)
        use(engine)
        time.sleep(0.6)
        use(engine)
        engine.dispose()
    found = judged(log, thresholds=Thresholds(stale_idle=0.05))
    assert set(found) == {"invalidation_storm"}
    # where so few are no storm, they are nothing
    assert judged(log, thresholds=Thresholds(stale_idle=0.05, storm_connections=4, storm_share=9)) == {}


def test_too_many_clients(server: str, tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log), ExitStack() as stack:
        engines = [sa.create_engine(server, pool_size=40, pool_logging_name=f"app{number}") for number in range(3)]
        for engine in engines:
            stack.callback(engine.dispose)
        refused = opened = 0
        for number in range(102):
            try:
                stack.enter_context(engines[number % 3].connect())
                opened += 1
            except sa.exc.OperationalError:
                refused += 1
    assert refused >= 2
    found = judged(log)
    assert set(found) == {"connect_errors"}
    assert sum(finding.count for finding in found["connect_errors"]) == refused
    assert f"this log's own pools had up to {opened:,} open then" in found["connect_errors"][0].message
    assert all("(too many clients)" in finding.message for finding in found["connect_errors"])


def test_every_reason_is_told_by_itself_and_nobodys_secret(server: str, tmp_path: Path) -> None:
    home = Path(str(make_url(server).query["host"]))
    rules = home / "data" / "pg_hba.conf"
    rules.write_text("local all guarded scram-sha-256\nlocal all all trust\n")
    asked(server, "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    assert asked(server, "SELECT pg_reload_conf()") is True
    time.sleep(0.2)
    url = make_url(server)
    wrong = {
        "login refused": url.set(username="guarded", password="s3cret"),  # noqa: S106
        "unknown database": url.set(database="n0where"),
        "connection refused": url.update_query_dict({"host": "/n0where"}),
    }
    log = tmp_path / "pool.log"
    with logged(log):
        for number, one in enumerate(wrong.values()):
            for _ in range(number + 1):
                assert not use(sa.create_engine(one.render_as_string(hide_password=False)))
    found = judged(log)
    assert set(found) == {"connect_errors"}
    told = {finding.message.partition("(")[2].partition(")")[0]: finding for finding in found["connect_errors"]}
    assert {why: finding.count for why, finding in told.items()} == dict(zip(wrong, (1, 2, 3), strict=True))
    assert all(finding.severity == "error" and finding.first_time for finding in told.values())
    for secret in ("guarded", "s3cret", "n0where"):
        assert secret not in " ".join(finding.message for finding in told.values())
    assert judged(log, thresholds=Thresholds(connect_errors=4)) == {}


def test_connects_that_work_are_nothing(server: str, tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(server, pool_pre_ping=True)
        for _ in range(5):
            assert use(engine)
        engine.dispose()
    assert judged(log) == {}
