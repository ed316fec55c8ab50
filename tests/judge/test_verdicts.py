"""What a finding says of the cause: of pools that ran dry, engines that were thrown away, connections given up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from trouble import APPLICATION, QUEUE, found, in_threads, in_turn, lines_with, logged, report, use
from written import Written, connection

import logpool
from logpool.report.changes import degree
from logpool.report.comparison import FindingChange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def wait_in_vain(engine: sa.Engine, times: int) -> None:
    for _ in range(times):
        try:
            engine.connect()
        except sa.exc.TimeoutError:
            APPLICATION.exception("no connection")


# leaks and exhaustion


@pytest.mark.parametrize("stalled", [False, True])
def test_a_pool_that_leaked_dry(stalled: bool, sqlite: Callable[..., sa.Engine], log: Path) -> None:  # noqa: FBT001
    engine = sqlite(pool_size=3, max_overflow=0, pool_timeout=0.2)
    with ExitStack() as kept:
        with logged(log):
            use(engine, 30)
            for more in (10, 10, 0):
                kept.enter_context(engine.connect())
                use(engine, 0 if stalled else more, 0.03)
            wait_in_vain(engine, 3)
        findings = found(log, "held_too_long=0.3", "leak_factor=1")
    engine.dispose()
    assert findings["pool_exhausted"].count == 3
    if stalled:
        # all of it taken within moments: whoever has it waits for something else
        assert "connection_leak" not in findings
        assert "nobody else got one any more (pool_exhausted)" in findings["left_out_at_end"].message
    else:
        leak = findings["connection_leak"]
        assert (leak.severity, leak.count) == ("error", 3)
        assert "and the pool ran dry" in leak.message
        assert "left_out_at_end" not in findings
        assert "never gave it back: look at these" in findings["pool_exhausted"].message


def test_a_pool_too_small_for_its_callers(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_size=2, max_overflow=0)
    with logged(log):
        in_threads(*[lambda: in_turn(engine, 8)] * 8)
    engine.dispose()
    assert (
        "so the pool is too small for so many callers at once"
        in found(log, "plateau_share=0.1")["pool_exhausted"].message
    )


def test_a_few_that_hold_most_of_the_time(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_size=2, max_overflow=0, pool_timeout=0.05)

    def hog() -> None:
        with engine.connect():
            time.sleep(0.5)

    def late() -> None:
        time.sleep(0.1)
        wait_in_vain(engine, 2)

    with logged(log):
        use(engine, 40, 0.002)
        in_threads(hog, hog, late)
        use(engine, 20, 0.002)
    engine.dispose()
    exhausted = found(log)["pool_exhausted"].message
    assert " checkouts of 62 lasted longer than" in exhausted
    assert "of all the time that connections were held" in exhausted


@pytest.mark.parametrize("several", [False, True])
def test_how_long_something_is_out_where_the_pool_is_silent(several: bool, tmp_path: Path) -> None:  # noqa: FBT001
    log = Written(tmp_path / "app.log")
    log.add(f"Created new connection {connection(1)}")
    for _ in range(30):
        log.use(connection(1))
    log.add(f"Connection {connection(1)} checked out from pool")
    if several:
        log.add(f"Created new connection {connection(2)}", process=13)
        log.use(connection(2), process=13)
    log.add("still there", 1000, logger="app.web", process=13 if several else 12)
    findings = log.found()
    if several:
        # the other one went on, this one may have ended
        assert findings["left_out_at_end"].severity == "info"
        assert "connection_leak" not in findings
    else:
        assert (
            "out for 16 min 40 s, and was not back, when the log last shows its process"
            in findings["connection_leak"].message
        )


def test_whose_process_waited(tmp_path: Path) -> None:
    # its head shows it, the line that tells of the timeout does not
    log = Written(tmp_path / "app.log")
    for process in (12, 13):
        log.add(f"Created new connection {connection(1)}", process=process)
        for _ in range(15):
            log.use(connection(1), process=process)
    for number in (1, 2, 3):
        if number > 1:
            log.add(f"Created new connection {connection(number)}", 20)
        log.add(f"Connection {connection(number)} checked out from pool")
        log.use(connection(1), process=13)
    for _ in range(2):
        log.add("no connection", 30, logger="app.web")
        log.lines += [
            "Traceback (most recent call last):",
            "exc.TimeoutError: QueuePool limit of size 3 overflow 0 reached, connection timed out, timeout 30.00",
        ]
    leak = log.found()["connection_leak"]
    assert leak.count == 3
    assert "3 connections were checked out in process 12 and never returned, the oldest 100 s before" in leak.message


@pytest.mark.parametrize(
    ("begins", "end", "said"),
    [
        (
            [0, 600, 1200],
            1600,
            "6 an hour, so the pool, of 15 (SQLAlchemy's default), is dry within another 1 h 53 min",
        ),
        ([0, 60, 120], 3600, "60 an hour from the first to the last, and none in the 52 min 59 s"),
    ],
)
def test_the_pace_of_a_leak(begins: list[int], end: int, said: str, tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    begin = log.now
    for number in range(4):
        log.add(f"Created new connection {connection(number)}")
    for _ in range(30):
        log.use(connection(0))
    for number, second in enumerate(begins, 1):
        log.add(
            f"Connection {connection(number)} checked out from pool", (begin - log.now).total_seconds() + second + 1
        )
        log.use(connection(0))
    log.add("still there", (begin - log.now).total_seconds() + end, logger="app.web")
    assert said in log.found("held_too_long=9999")["connection_leak"].message


@pytest.mark.parametrize(
    ("thread_of", "severity", "said"),
    [
        # six that wait for four connections all the time
        (lambda turn, slot: (turn * 4 + slot) % 6, "warning", "callers wait for a connection"),
        # one for each request, as many at once as there are connections
        (lambda turn, slot: turn * 4 + slot, "info", "its threads come and go"),
        # four for each lot of work, and then four others
        (lambda turn, slot: turn // 10 * 4 + slot, "info", "its threads come and go"),
        (lambda _, slot: slot, None, ""),
    ],
)
def test_who_waits_at_the_limit(
    thread_of: Callable[[int, int], int], severity: str | None, said: str, tmp_path: Path
) -> None:
    log = Written(tmp_path / "app.log", "{time} [{process}] {text}")
    for slot in range(4):
        log.add(f"[start] DEBUG {QUEUE}: Created new connection {connection(slot)}")
    for turn in range(60):
        for slot in range(4):
            head = f"[Thread-{thread_of(turn, slot)}] DEBUG {QUEUE}: Connection {connection(slot)}"
            if turn:
                before = f"[Thread-{thread_of(turn - 1, slot)}] DEBUG {QUEUE}: Connection {connection(slot)}"
                log.add(f"{before} being returned to pool", 0.01)
                log.add(f"{before} reset, transaction already reset")
            log.add(f"{head} checked out from pool")
    found = log.found().get("pool_exhausted")
    assert (found and found.severity) == severity
    assert found is None or said in found.message


# engines and processes that end


@pytest.mark.parametrize("uses", [1, 5])
def test_an_engine_for_each_request(uses: int, tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for number in range(40):
        log.add(f"Created new connection {connection(number % 4)}")
        for _ in range(uses):
            log.use(connection(number % 4))
    findings = log.found()
    code, severity = ("engine_per_request", "warning") if uses == 1 else ("abandoned_connections", "info")
    assert set(findings) == {code}
    assert (findings[code].severity, findings[code].pool, findings[code].count) == (severity, QUEUE, 36)
    assert [place.line for place in findings[code].evidence] == lines_with(log.log, "Created new connection")[:5]
    assert uses == 1 or "without engine.dispose()" in findings[code].message
    assert "abandoned_connections" in log.found("churn_connections=37")


@pytest.mark.parametrize("often", [False, True])
def test_an_engine_disposed_of_after_each_request(often: bool, sqlite: Callable[..., sa.Engine], log: Path) -> None:  # noqa: FBT001
    with logged(log):
        for _ in range(120 if often else 40):
            engine = sqlite()
            use(engine)
            engine.dispose()
    findings = found(log)
    # tests do so, and rightly
    assert set(findings) == ({"engine_per_request"} if often else set())
    if often:
        assert findings["engine_per_request"].severity == "info"
        assert found(log, "nullpool_busy=1.5")["engine_per_request"].severity == "warning"


def test_a_process_that_is_started_again(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", "{time} DEBUG {logger} {text}")
    for _ in range(3):
        log.add(f"Created new connection {connection(1)}", 5)
        for _ in range(9):
            log.use(connection(1))
        log.add(f"Connection {connection(1)} checked out from pool")
    findings = log.found()
    assert set(findings) == {"abandoned_connections", "books_unbalanced", "left_out_at_end"}
    assert {one.severity for one in findings.values()} == {"info"}
    assert findings["abandoned_connections"].count == 2
    assert "most likely the process ended" in findings["abandoned_connections"].message
    whole = logpool.analyze(log.log)
    assert all(logpool.analyze(log.log, block_bytes=size) == whole for size in (100, 3000))


def runs(log: Written, count: int, *, pause: float, process: int = 12, logger: str = QUEUE) -> None:
    """Several runs of a program that uses three connections of its own, and closes none."""
    for number in range(count):
        mine = [connection(10 * number + place) for place in range(3)]
        for one in mine:
            log.add(f"Created new connection {one}", process=process, logger=logger)
            log.add(f"Connection {one} checked out from pool", process=process, logger=logger)
        for one in mine:
            log.add(f"Connection {one} being returned to pool", process=process, logger=logger)
            log.add(f"Connection {one} reset, transaction already reset", process=process, logger=logger)
        for place in range(30):
            log.use(mine[place % 3], process=process) if logger == QUEUE else None
        log.add("done", pause, process=process, logger="app")


@pytest.mark.parametrize(
    ("head", "process", "said"),
    [
        ("{time} DEBUG {logger} {text}", 12, "most likely the process ended 3 times, and others went on in its log"),
        ("{time} [{process}] DEBUG {logger} {text}", 12, "or its process was started again under the same name"),
        # the system gives such a number to one process
        ("{time} [{process}] DEBUG {logger} {text}", 4711, None),
    ],
)
def test_what_ended_processes_leave_idle(head: str, process: int, said: str | None, tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", head)
    runs(log, 4, pause=2, process=process)
    findings = log.found()
    assert set(findings) == ({"abandoned_connections"} if said else set())
    if said:
        told = findings["abandoned_connections"]
        assert (told.severity, told.pool, told.count) == ("info", QUEUE, 9)
        assert said in told.message
        assert "9 connections were never closed, and never used again, although idle when others" in told.message
        assert [place.line for place in told.evidence] == lines_with(log.log, "Created new connection")[:5]
    whole = logpool.analyze(log.log)
    assert whole.pools[0].open_at_end == 12
    assert all(logpool.analyze(log.log, block_bytes=size) == whole for size in (100, 3000))


def test_one_process_that_ended(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", "{time} DEBUG {logger} {text}")
    runs(log, 2, pause=2)
    told = log.found()["abandoned_connections"]
    assert told.count == 3
    assert "most likely the process ended, and another one went on in its log, which names neither" in told.message


def test_what_is_left_idle_and_what_is_replaced_is_told_once(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", "{time} DEBUG {logger} {text}")
    runs(log, 2, pause=2)
    log.add(f"Created new connection {connection(0)}")
    for _ in range(9):
        log.use(connection(0))
    told = log.found()["abandoned_connections"]
    assert told.count == 6
    assert "6 connections were never closed: another one was created at the address of 1; 5 were never" in told.message


@pytest.mark.parametrize(
    ("pause", "again", "logger"),
    [
        # no process starts as soon as that
        (0.1, False, QUEUE),
        # the process went on
        (2, True, QUEUE),
        # its threads end, and each has a connection
        (2, False, "sqlalchemy.pool.impl.SingletonThreadPool"),
    ],
)
def test_what_is_idle_and_not_left(pause: float, again: bool, logger: str, tmp_path: Path) -> None:  # noqa: FBT001
    log = Written(tmp_path / "app.log", "{time} DEBUG {logger} {text}")
    runs(log, 2, pause=pause, logger=logger)
    if again:
        log.use(connection(1))
    assert "abandoned_connections" not in log.found()


def test_programs_that_run_one_after_the_other(tmp_path: Path) -> None:
    script = """
import logging, sys, sqlalchemy as sa
logging.basicConfig(filename=sys.argv[1], format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("sqlalchemy.pool").setLevel(logging.DEBUG)
engine = sa.create_engine(f"sqlite:///{sys.argv[1]}.db", poolclass=sa.QueuePool, pool_size=int(sys.argv[2]))
for _ in range(3):
    for connected in [engine.connect() for _ in range(int(sys.argv[2]))]:
        connected.close()
"""
    log, sizes = tmp_path / "app.log", (2, 4, 1, 3)
    for size in sizes:
        subprocess.run([sys.executable, "-c", script, str(log), str(size)], check=True, timeout=60)
    told = found(log)["abandoned_connections"]
    assert told.count == sum(sizes[:-1])
    assert "the process ended 3 times" in told.message


@pytest.mark.parametrize("back", [0, 600])
def test_what_came_back_before_the_clock_stepped_back(back: int, tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for number in range(5):
        log.add(f"Created new connection {connection(number)}", 40)
        log.add(f"Connection {connection(number)} checked out from pool")
    for number in range(5):
        # all of them as the process ends, or long before
        log.add(f"Connection {connection(number)} being returned to pool")
        log.add(f"Connection {connection(number)} reset, transaction already reset")
    log.now -= timedelta(seconds=back)
    log.use(connection(0))
    message = log.found("held_too_long=30")["held_too_long"].message
    assert ("came back only when their process ended" in message) == (back == 0)


@pytest.mark.parametrize("head", ["{time} [{process}] [w] {logger}: {text}", "{time} {logger}: {text}"])
def test_a_log_cut_within_a_checkout_that_moves(head: str, tmp_path: Path) -> None:
    """Its return counts as cut, wherever the log begins between them."""
    log = Written(tmp_path / "app.log", head)
    failed, other = connection(1), connection(2)
    log.add(f"Created new connection {failed}")
    log.use(failed)
    for text in (
        f"Connection {failed} checked out from pool",
        f"Pool pre-ping on connection {failed}",
        f"Pool pre-ping on connection {failed} failed, will invalidate pool",
        (
            "Disconnection detected on checkout, invalidating all pooled connections prior to current timestamp "
            "(reason: InvalidatePoolError())"
        ),
        f"Invalidate connection {failed} (reason: InvalidatePoolError:())",
        f"Hard-closing connection {failed}",
        f"Created new connection {other}",
        f"Connection {other} is fresh, skipping pre-ping",
        f"Connection {other} being returned to pool",
        f"Connection {other} rollback-on-return",
    ):
        log.add(text)
    log.use(other)
    lines = list(log.lines)
    for begin in range(len(lines)):
        log.lines = lines[begin:]
        assert "books_unbalanced" not in log.found(), begin
        report = logpool.analyze(log.log)
        assert report.totals.balanced
        assert not report.violations


# what is thrown away


def test_connections_of_another_event_loop(postgres_url: str, log: Path) -> None:
    url = sa.make_url(postgres_url).set(drivername="postgresql+asyncpg")

    async def drive() -> None:
        engine = create_async_engine(url, poolclass=sa.AsyncAdaptedQueuePool)
        for _ in range(7):
            async with engine.connect() as connected:
                raw = await connected.get_raw_connection()
                # what asyncio raises there
                raw.invalidate(RuntimeError("got Future <Future pending> attached to a different loop"))
        await engine.dispose()

    with logged(log):
        asyncio.run(drive())
    findings = found(log)
    assert set(findings) == {"event_loop_mismatch"}
    alarm = findings["event_loop_mismatch"]
    assert (alarm.severity, alarm.count) == ("error", 7)
    assert [place.line for place in alarm.evidence] == lines_with(log, "(reason: RuntimeError")[:5]


def test_what_the_application_invalidates(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite()
    with logged(log):
        use(engine, 60)
        for _ in range(6):
            engine.raw_connection().invalidate()
        for _ in range(3):
            engine.raw_connection().invalidate(ValueError("no"))
    engine.dispose()
    alarm = found(log)["invalidated_in_use"]
    assert (alarm.severity, alarm.count) == ("warning", 9)
    assert (
        "13% of all checkouts, 6 because invalidate() was called without an exception, 3 because of ValueError"
        in alarm.message
    )
    assert found(log, "thrown_share=0.2") == {}
    assert found(log, "thrown_connections=10") == {}


def test_work_given_up_as_gevent_does(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    class Timeout(BaseException):
        pass

    engine = sqlite()
    with logged(log):
        use(engine)
        engine.raw_connection().invalidate(Timeout("0.2 seconds"))
    engine.dispose()
    alarm = found(log)["cancelled_in_use"]
    assert "because the task using it was given up (Timeout)" in alarm.message


def test_a_shared_connection_that_dies(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    log.add(f"Created new connection {connection(1)}")
    log.use(connection(1))
    for process in (13, 14, 15):
        log.use(connection(1), process=process)
    for process in (13, 14, 15):
        log.add(f"Connection {connection(1)} checked out from pool", process=process)
    for process in (13, 14, 15):
        log.add(f"Invalidate connection {connection(1)} (reason: OperationalError:lost)", process=process)
        log.add(f"Closing connection {connection(1)}", process=process)
    findings = log.found()
    assert findings["fork_shared"].severity == "error"
    assert findings["invalidation_storm"].severity == "warning"
    assert "they were shared over a fork" in findings["invalidation_storm"].message


def test_replaced_for_their_age_all_the_time(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_recycle=0.001)
    with logged(log):
        for _ in range(25):
            use(engine)
            time.sleep(0.003)
    engine.dispose()
    # each but the first, or that as well where it takes longer to make than it may live
    replaced = len(lines_with(log, "exceeded timeout; recycling"))
    assert replaced in {24, 25}
    alarm = found(log)["recycle_churn"]
    assert (alarm.severity, alarm.count) == ("warning", replaced)
    assert found(log, f"churn_connections={replaced + 1}") == {}


# what is said


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning", "ignore::ResourceWarning")
def test_what_the_garbage_collector_brings_back_is_not_reset(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for number in range(3):
        asyncpg = f"<AdaptedConnection <asyncpg.connection.Connection object at {0x7F0000000000 + number:#x}>>"
        log.add(f"Created new connection {asyncpg}")
        log.add(f"Connection {asyncpg} checked out from pool")
        log.add(f"Connection {asyncpg} being returned to pool")
        log.add(f"Hard-closing connection {asyncpg}")
        log.add(
            f"The garbage collector is trying to clean up non-checked-in connection {asyncpg}, which will be "
            "terminated."
        )
    assert set(log.found()) == {"reclaimed_by_gc"}
    assert report(log.log).pools[0].resets.none == 0


def test_a_log_may_end_before_the_garbage_collectors_message(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    kept, lost = connection(0), connection(9)
    for name, end in (
        (kept, f"Connection {kept} reset, transaction already reset"),
        (lost, f"Hard-closing connection {lost}"),
    ):
        log.add(f"Created new connection {name}")
        log.add(f"Connection {name} checked out from pool")
        log.add(f"Connection {name} being returned to pool")
        log.add(end)
    assert "sequence_violation" not in log.found()
    totals = report(log.log).totals
    assert (totals.sequence.complete, totals.sequence.violations, totals.censored.returns) == (1, 0, 1)
    # whatever stands behind the close, and is not that message, tells that nothing explains it
    log.add(f"Connection {kept} checked out from pool")
    assert "sequence_violation" in log.found()
    totals = report(log.log).totals
    assert (totals.sequence.complete, totals.sequence.violations, totals.censored.returns) == (1, 1, 0)


def test_counts_of_different_things_are_not_put_side_by_side() -> None:
    worse = FindingChange("pool_exhausted", None, "warning", "error", 1009, 111, "")
    assert degree(worse) == "111 times, was warning"
    same = FindingChange("pool_exhausted", None, "error", "error", 3, 1, "")
    assert degree(same) == "3 times → once"
