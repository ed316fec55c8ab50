"""Real pools driven into each trouble, and close by: the finding is made, and is not."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from trouble import APPLICATION, QUEUE, SELECT, found, in_threads, in_turn, lines_with, logged, report, use

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ASYNC_QUEUE = "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"


# leaks


@pytest.mark.parametrize("given_back", [False, True])
def test_sessions_never_closed(given_back: bool, sqlite: Callable[..., sa.Engine], log: Path) -> None:  # noqa: FBT001
    engine = sqlite(pool_size=10)
    with ExitStack() as leaked:
        with logged(log):
            use(engine)
            for _ in range(3):
                leaked.enter_context(engine.connect())
                use(engine, 20)
            time.sleep(1.5)
            use(engine, 3)
            if given_back:
                leaked.close()
        findings = found(log, "leak_seconds=0.5", "leak_factor=1")
    engine.dispose()
    if given_back:
        # a late return is no leak
        assert "connection_leak" not in findings
        assert "held_too_long" in found(log, "held_too_long=1")
    else:
        leak = findings["connection_leak"]
        assert (leak.severity, leak.pool, leak.count) == ("error", QUEUE, 3)
        assert {place.line for place in leak.evidence} <= {*lines_with(log, "checked out from pool")}
        assert "left_out_at_end" not in findings
        # cut short, they are in use at that moment
        assert found(log)["left_out_at_end"].severity == "info"


# exhaustion


def test_callers_wait_at_the_limit(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_size=2, max_overflow=0)
    with logged(log):
        in_threads(*[lambda: in_turn(engine, 4)] * 8)
    engine.dispose()
    exhausted = found(log)["pool_exhausted"]
    assert (exhausted.severity, exhausted.pool) == ("warning", QUEUE)
    assert exhausted.message.startswith("2 connections were in use, and never more, for ")
    # unless that is not much, or not long
    assert "pool_exhausted" not in found(log, "plateau_share=1.1", "plateau_seconds=999")


def test_nobody_waits_where_there_are_as_many_connections(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_size=2, max_overflow=0)
    with logged(log):
        in_threads(*[lambda: use(engine, 30, 0.01)] * 2)
    engine.dispose()
    assert found(log) == {}


def test_callers_time_out(postgres_url: str, log: Path) -> None:
    engine = sa.create_engine(postgres_url, pool_size=1, max_overflow=1, pool_timeout=0.05)
    with logged(log):
        with engine.connect(), engine.connect():
            for _ in range(2):
                try:
                    engine.connect()
                except sa.exc.TimeoutError:
                    APPLICATION.exception("no connection")
        use(engine)
    engine.dispose()
    exhausted = found(log)["pool_exhausted"]
    assert (exhausted.severity, exhausted.pool, exhausted.count) == ("error", QUEUE, 2)
    assert [place.line for place in exhausted.evidence] == [
        *lines_with(log, "no connection"),
        *lines_with(log, "checked out from pool")[:2],
    ]
    assert f"from {log}:{lines_with(log, 'checked out from pool')[0]} on" in exhausted.message
    assert "; 2 connections were in use, and never more, for " in exhausted.message


def test_a_timeout_belongs_to_the_pool_with_that_limit(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    wide = sqlite(pool_size=5, pool_logging_name="wide")
    narrow = sqlite(pool_size=1, max_overflow=0, pool_timeout=0.01, pool_logging_name="narrow")
    with logged(log), wide.connect(), wide.connect(), narrow.connect():
        try:
            narrow.connect()
        except sa.exc.TimeoutError:
            APPLICATION.exception("no connection")
    for engine in (wide, narrow):
        engine.dispose()
    assert found(log)["pool_exhausted"].pool == f"{QUEUE}.narrow"


# holds


def test_held_too_long(postgres_url: str, log: Path) -> None:
    engine = sa.create_engine(postgres_url)
    with logged(log):
        use(engine, 3)
        use(engine, 1, 0.6)
    engine.dispose()
    held = found(log, "held_too_long=0.5")["held_too_long"]
    assert (held.severity, held.count, held.pool) == ("warning", 1, QUEUE)
    assert [place.line for place in held.evidence] == lines_with(log, "checked out")[-1:]
    assert held.message.startswith("1 checkout of 4 lasted longer than 500 ms and took ")
    assert held.first_time is not None
    assert found(log) == {}


@pytest.mark.parametrize("committed", [False, True])
def test_idle_in_a_transaction(committed: bool, postgres_url: str, log: Path) -> None:  # noqa: FBT001
    engine = sa.create_engine(sa.make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with logged(log):
        for seconds in (0.6, 0.0):
            connection = engine.raw_connection()
            connection.cursor().execute("SELECT 1")
            if committed:
                connection.commit()
            time.sleep(seconds)
            connection.close()
    engine.dispose()
    findings = found(log, "idle_in_transaction=0.5")
    if committed:
        assert findings == {}
    else:
        idle = findings["idle_in_transaction"]
        assert (idle.severity, idle.count) == ("warning", 1)
        assert [place.line for place in idle.evidence] == lines_with(log, "checked out")[:1]
        assert found(log) == {}


# nesting


def nest(engine: sa.Engine, depth: int, meet: Callable[[], object] = lambda: None) -> None:
    with engine.connect() as connection:
        connection.execute(SELECT)
        if depth > 1:
            nest(engine, depth - 1, meet)
        else:
            meet()


def test_threads_that_hold_several(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite()
    with logged(log):
        for _ in range(4):
            # one after the other, so that few are in use
            thread = threading.Thread(target=lambda: nest(engine, 3))
            thread.start()
            thread.join()
    engine.dispose()
    nested = found(log)["nested_checkouts"]
    assert (nested.severity, nested.count) == ("warning", 8)
    assert "4 threads of one process with up to 3 at once" in nested.message
    assert "9 connections or more" in nested.message
    assert [place.line for place in nested.evidence] == lines_with(log, "checked out")[2::3]


def test_threads_that_hold_several_of_a_pool_large_enough(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite()
    barrier = threading.Barrier(3)
    with logged(log):
        in_threads(*[lambda: nest(engine, 2, barrier.wait)] * 3)
    engine.dispose()
    assert found(log)["nested_checkouts"].severity == "info"


@pytest.mark.parametrize("depth", [1, 3])
def test_one_thread_waits_for_nobody(depth: int, sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite()
    with logged(log):
        for _ in range(3):
            nest(engine, depth)
        if depth == 1:
            in_threads(*[lambda: use(engine, 4)] * 3)
    engine.dispose()
    assert found(log) == {}


# event loops


def async_url(postgres_url: str, driver: str, folder: Path) -> sa.URL:
    if driver == "aiosqlite":
        return sa.make_url(f"sqlite+aiosqlite:///{folder}/app.db")
    return sa.make_url(postgres_url).set(drivername=f"postgresql+{driver}")


@pytest.mark.parametrize(
    ("driver", "cancelled"),
    [("asyncpg", True), ("asyncpg", False), ("psycopg", True), ("psycopg", False), ("aiosqlite", False)],
)
def test_cancelled_tasks(driver: str, cancelled: bool, postgres_url: str, log: Path) -> None:  # noqa: FBT001
    async def drive() -> None:
        engine = create_async_engine(async_url(postgres_url, driver, log.parent), poolclass=sa.AsyncAdaptedQueuePool)
        holding = asyncio.Event()

        async def query() -> None:
            async with engine.connect() as connection:
                await connection.execute(SELECT)
                holding.set()
                # one that overlaps, as tasks do
                async with engine.connect() as other:
                    await other.execute(sa.text("SELECT pg_sleep(60)") if cancelled else SELECT)

        tasks = [asyncio.create_task(query()) for _ in range(2)]
        await holding.wait()
        await asyncio.sleep(0.3)
        if cancelled:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with engine.connect() as connection:
            await connection.execute(SELECT)
            await connection.invalidate()
        await engine.dispose()

    with logged(log):
        asyncio.run(drive())
    findings = found(log)
    assert "nested_checkouts" not in findings
    if cancelled:
        lost = findings["cancelled_in_use"]
        assert (lost.severity, lost.pool) == ("warning", ASYNC_QUEUE)
        assert [place.line for place in lost.evidence] == lines_with(log, "Invalidate", "CancelledError")
        assert lost.count == len(lost.evidence)
    else:
        assert findings == {}


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning", "ignore::ResourceWarning")
def test_left_to_the_garbage_collector(driver: str, closed: bool, postgres_url: str, log: Path) -> None:  # noqa: FBT001
    async def drive() -> None:
        engine = create_async_engine(async_url(postgres_url, driver, log.parent), poolclass=sa.AsyncAdaptedQueuePool)
        for _ in range(3):
            connection = await engine.connect()
            await connection.execute(SELECT)
            if closed:
                await connection.close()
            del connection
            gc.collect()
            await asyncio.sleep(0.05)
        await engine.dispose()

    with logged(log):
        asyncio.run(drive())
    findings = found(log)
    if closed:
        assert findings == {}
        return
    leaked = findings["reclaimed_by_gc"]
    assert (leaked.severity, leaked.pool, leaked.count) == ("error", ASYNC_QUEUE, 3)
    assert [place.line for place in leaked.evidence] == lines_with(log, "The garbage collector")
    assert "sequence_violation" not in findings
    totals = report(log).totals
    assert (totals.ends.reclaimed, totals.reclaimed, totals.balanced) == (3, 3, True)


# resets


def test_resets_that_fail(sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite()
    with logged(log):
        use(engine)
        connection = engine.raw_connection()
        connection.driver_connection.close()  # type: ignore[union-attr]
        connection.close()
        use(engine)
    engine.dispose()
    failed = found(log)["reset_failures"]
    assert (failed.severity, failed.count, failed.pool) == ("warning", 1, QUEUE)
    assert [place.line for place in failed.evidence] == lines_with(log, "Exception during reset")


@pytest.mark.parametrize("way", ["commit", "rollback"])
def test_resets_that_commit(way: str, sqlite: Callable[..., sa.Engine], log: Path) -> None:
    engine = sqlite(pool_reset_on_return=way)
    with logged(log):
        for _ in range(2):
            engine.raw_connection().close()
    engine.dispose()
    findings = found(log)
    assert set(findings) == ({"commit_on_return"} if way == "commit" else set())
    for finding in findings.values():
        assert (finding.severity, finding.count) == ("info", 2)
        assert finding.evidence
