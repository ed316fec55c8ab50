"""Leaks told apart from what ended with its process, from what is kept on purpose, and from clocks that step back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from written import Written, connection

if TYPE_CHECKING:
    from pathlib import Path

    from logpool.report.model import Finding

NULL = "sqlalchemy.pool.impl.NullPool"
TIMED_OUT = (
    "Traceback (most recent call last):",
    "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 5 reached, connection timed out, timeout 30.00",
)


def made(log: Written, *numbers: int, process: int = 4242) -> None:
    for number in numbers:
        log.add(f"Created new connection {connection(number)}", process=process)


def taken(log: Written, number: int, seconds: float = 0.05, *, process: int = 4242) -> None:
    log.add(f"Connection {connection(number)} checked out from pool", seconds, process=process)


def busy(log: Written, number: int, minutes: int, *, process: int = 4242) -> None:
    """Uses of one connection, one in ten seconds."""
    for _ in range(6 * minutes):
        log.add("tick", 9.9, logger="app.web", process=process)
        log.use(connection(number), process=process)


def timed_out(log: Written, times: int) -> None:
    for _ in range(times):
        log.add("no connection", 30, logger="app.web", process=4242)
        log.lines += TIMED_OUT


def all_at_once(log: Written, process: int, gap: float) -> dict[str, Finding]:
    """All connections that there are get lost, and the pool goes on with new ones."""
    made(log, 0, 1, 2, 3, process=process)
    for number in range(4):
        log.use(connection(number), process=process)
    busy(log, 0, 5, process=process)
    for number in range(4):
        taken(log, number, 0.001, process=process)
    log.add("tick", gap, logger="app.web", process=process)
    made(log, 4, process=process)
    busy(log, 4, 30, process=process)
    return log.found()


# a number of the system's is one process; one of a container's may be the next one, unless there was no time to start
@pytest.mark.parametrize(("process", "gap", "leaked"), [(4242, 10, 4), (7, 0.1, 4), (7, 10, None)])
def test_a_pool_that_leaks_all_it_has_goes_on(process: int, gap: float, leaked: int | None, tmp_path: Path) -> None:
    found = all_at_once(Written(tmp_path / "app.log"), process, gap)
    leak = found.get("connection_leak")
    assert (leak and leak.count) == leaked
    assert ("left_out_at_end" in found) == (leaked is None)


def test_what_a_process_takes_at_its_start_it_may_keep(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    made(log, 0, 1, 2, 3)
    for number in (1, 2, 3):
        taken(log, number)
    busy(log, 0, 30)
    kept = log.found()["connection_leak"]
    assert (kept.severity, kept.count) == ("warning", 3)
    assert "unless they are kept on purpose" in kept.message
    # one that is taken later is none of these
    made(log, 4)
    taken(log, 4)
    busy(log, 0, 30)
    leak = log.found()["connection_leak"]
    assert (leak.severity, leak.count) == ("error", 4)
    assert "on purpose" not in leak.message


def test_a_clock_that_steps_back_makes_nothing_old(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    made(log, 0, 1, 2, 3)
    busy(log, 0, 30)
    log.now = log.now.replace(minute=0, second=30)
    busy(log, 0, 5)
    for number in (1, 2, 3):
        taken(log, number)
    found = log.found()
    assert "connection_leak" not in found
    assert "the oldest for 100 ms" in found["left_out_at_end"].message


def test_a_null_pool_leaks(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for number in range(40):
        name = connection(number)
        for text in (f"Created new connection {name}", f"Connection {name} checked out from pool"):
            log.add(text, 30, logger=NULL)
        if number % 4:
            for text in ("being returned to pool", "reset, transaction already reset"):
                log.add(f"Connection {name} {text}", logger=NULL)
            log.add(f"Closing connection {name}", logger=NULL)
    leak = log.found()["connection_leak"]
    assert (leak.severity, leak.count) == ("error", 10)
    assert " is dry " not in leak.message


def leaking_dry(log: Written) -> None:
    """One report of an hour, and then ten leaks until nobody gets anything."""
    made(log, *range(11))
    for _ in range(40):
        log.use(connection(0))
    taken(log, 10)
    busy(log, 0, 60)
    log.add(f"Connection {connection(10)} being returned to pool", process=4242)
    log.add(f"Connection {connection(10)} reset, transaction already reset", process=4242)
    for number in range(1, 11):
        taken(log, number, 20)
        log.use(connection(0), process=4242)


def test_one_long_checkout_does_not_explain_many(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    leaking_dry(log)
    timed_out(log, 30)
    found = log.found()
    assert found["connection_leak"].count == 10
    assert "most of those who had held one longest never gave it back" in found["pool_exhausted"].message
    # as many long ones may well explain them
    log = Written(tmp_path / "app.log")
    made(log, *range(20))
    for number in range(10, 20):
        taken(log, number)
    busy(log, 0, 60)
    for number in range(10, 20):
        log.add(f"Connection {connection(number)} being returned to pool", process=4242)
        log.add(f"Connection {connection(number)} reset, transaction already reset", process=4242)
    for number in range(1, 11):
        taken(log, number, 20)
    busy(log, 0, 30)
    assert "connection_leak" not in log.found()


def test_what_was_taken_before_the_log_begins(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for _ in range(40):
        log.use(connection(0), process=4242)
    taken(log, 0)
    timed_out(log, 3)
    log.add(f"Connection {connection(0)} being returned to pool", process=4242)
    log.add(f"Connection {connection(0)} reset, transaction already reset", process=4242)
    message = log.found()["pool_exhausted"].message
    assert "the pool gives out 10, and the log shows at most 1 in use at once" in message
    assert "too small" not in message


def test_whose_connects_fail(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    for process in (12, 13):
        made(log, process, process=process)
        log.use(connection(process), process=process)
    log.add("Error on connect(): [Errno 111] Connection refused", process=13)
    assert "all of them in process 13:" in log.found()["connect_errors"].message
    log.add("Error on connect(): [Errno 111] Connection refused", process=12)
    assert "in process" not in log.found()["connect_errors"].message


def test_a_pool_that_recovered_is_not_dry_at_the_end(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log")
    made(log, *range(10))
    for _ in range(5):
        for number in range(10):
            log.use(connection(number), process=4242)
    for number in range(10):
        taken(log, number)
    timed_out(log, 1)
    for number in range(10):
        log.add(f"Connection {connection(number)} being returned to pool", process=4242)
        log.add(f"Connection {connection(number)} reset, transaction already reset", process=4242)
    for number in range(10):
        taken(log, number)
    assert "nobody else got one" not in log.found()["left_out_at_end"].message
