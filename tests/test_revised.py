"""What is known of a checkout only in the end: the tables say the same of it as the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import logpool

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

ONE, OTHER = (
    f"<AdaptedConnection <asyncpg.connection.Connection object at 0x7f000000{number}>>" for number in (10, 20)
)
LEAKED = [
    f"Connection {OTHER} being returned to pool",
    f"Hard-closing connection {OTHER}",
    f"The garbage collector is trying to clean up non-checked-in connection {OTHER}, which will be terminated. ",
]
MOVED = [
    f"Pool pre-ping on connection {ONE}",
    f"Pool pre-ping on connection {ONE} failed, will invalidate pool",
    "Disconnection detected on checkout, invalidating all pooled connections (reason: InvalidatePoolError())",
    f"Invalidate connection {ONE} (reason: InvalidatePoolError:())",
    f"Hard-closing connection {ONE}",
    f"Created new connection {OTHER}",
    f"Connection {OTHER} is fresh, skipping pre-ping",
]
USE = [f"Connection {ONE} {said}" for said in ("checked out from pool", "being returned to pool", "rollback-on-return")]


def written(messages: list[tuple[str, str]], folder: Path, pool: str = "AsyncAdaptedQueuePool") -> Path:
    log = folder / "app.log"
    log.write_text(
        "".join(
            f"2024-09-26 17:45:26,{number:03} [4242] [{thread}] DEBUG sqlalchemy.pool.impl.{pool}: {message}\n"
            for number, (thread, message) in enumerate(messages)
        )
    )
    return log


def checkouts(log: Path) -> list[tuple[object, ...]]:
    table: pl.DataFrame = logpool.read_checkouts(log)
    return list(table.select("line", "end_line", "outcome", "complete").iter_rows())


def test_what_the_garbage_collector_returned_after_a_move(tmp_path: Path) -> None:
    messages = [f"Created new connection {ONE}", *USE, USE[0], *MOVED, *LEAKED]
    log = written([("T", message) for message in messages], tmp_path)
    assert checkouts(log) == [(2, 3, "returned", True), (5, 13, "reclaimed", False)]
    assert logpool.analyze(log).totals.ends.reclaimed == 1


def test_another_thread_ends_a_checkout_that_moved(tmp_path: Path) -> None:
    # a listener refused the connection, and no ping tells whose the new one is
    begin = [("A", message) for message in (f"Created new connection {ONE}", *USE, USE[0], *MOVED[2:-1])]
    ends = {
        "returned": [message.replace(ONE, OTHER) for message in USE[1:]],
        "invalidated": [f"Invalidate connection {OTHER} (reason: OperationalError:x)"],
        "detached": [f"Connection {OTHER} rollback-on-return", f"Closing connection {OTHER}"],
        "reclaimed": LEAKED,
    }
    for outcome, end in ends.items():
        log = written([*begin, *(("B", message) for message in end)], tmp_path)
        (_, first), (out, last) = [(row[0], row[2]) for row in checkouts(log)]
        assert (first, out, last) == ("returned", 5, outcome)
        totals = logpool.analyze(log).totals
        assert (totals.checkouts, totals.ends.open, totals.sequence.violations) == (2, 0, 0)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("pool", ["QueuePool", "StaticPool"])
def test_a_reset_that_failed_completes_nothing(moved: bool, pool: str, tmp_path: Path) -> None:  # noqa: FBT001
    name = OTHER if moved else ONE
    use = [message.replace(ONE, name) for message in USE[1:]]
    failed = ["Exception during reset or similar", f"Invalidate connection {name} (reason: OperationalError:gone)"]
    messages = [f"Created new connection {ONE}", *USE, USE[0], *(MOVED if moved else []), *use, *failed]
    log = written([("T", message) for message in messages], tmp_path, pool)
    found = checkouts(log)
    assert [complete for *_, complete in found] == [True, False]
    assert logpool.analyze(log).totals.sequence.complete == 1


def test_who_shares_a_connection_returns_what_it_took(tmp_path: Path) -> None:
    taken, back, reset = USE
    steps = [("A", taken), ("B", taken), ("B", back), ("B", reset), ("A", back), ("A", reset)]
    log = written([("A", f"Created new connection {ONE}"), *steps], tmp_path, "StaticPool")
    assert checkouts(log) == [(2, 6, "returned", True), (3, 4, "returned", True)]
    held = logpool.analyze(log).totals.hold_seconds
    assert (held.p50, held.max) == (0.001, 0.004)


def test_what_another_thread_closed_is_no_life_of_its_own(tmp_path: Path) -> None:
    steps = [
        ("A", f"Created new connection {ONE}"),
        ("A", f"Connection {ONE} checked out from pool"),
        ("B", f"Created new connection {OTHER}"),
        ("B", f"Closing connection {ONE}"),
        ("A", f"Pool pre-ping on connection {ONE}"),
        ("A", f"Connection {ONE} being returned to pool"),
        ("A", f"Connection {ONE} rollback-on-return"),
    ]
    totals = logpool.analyze(written(steps, tmp_path, "SingletonThreadPool")).totals
    assert (totals.created, totals.closed, totals.open_at_end, totals.censored.lives) == (2, 1, 1, 0)


def test_ages_do_not_depend_on_blocks(tmp_path: Path) -> None:
    # the checkout that shows the greatest age outlives its connection: nobody gets another one
    failed = [*MOVED[:5], "Error on connect(): connection refused"]
    lines = [
        f"2024-09-26 17:{number:02}:26,000 [4242] [T] DEBUG sqlalchemy.pool.impl.AsyncAdaptedQueuePool: {message}\n"
        for number, message in enumerate([f"Created new connection {ONE}", *USE, *USE, USE[0], *failed])
    ]
    log = tmp_path / "app.log"
    log.write_text("".join(lines))
    found = [logpool.analyze(log, block_bytes=size) for size in (1, 150, 300, 700, 1 << 20)]
    settings = {report.pools[0].settings for report in found}
    assert len(settings) == 1
    (known,) = settings
    assert known is not None
    # the second check-out, four minutes after the connection was made
    assert known.pool_recycle.low == 239
