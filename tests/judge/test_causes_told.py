"""What findings say of the cause, in made-up logs in which one thing is known to have happened."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from trouble import QUEUE
from written import Written, connection

import logpool
from logpool.judge.thresholds import Thresholds

if TYPE_CHECKING:
    from pathlib import Path

    from logpool.report.model import Finding, Report

ASYNC = "sqlalchemy.pool.impl.AsyncAdaptedQueuePool"
NULL = "sqlalchemy.pool.impl.NullPool"
SINGLETON = "sqlalchemy.pool.impl.SingletonThreadPool"


def created(log: Written, number: int, seconds: float = 0.001, *, logger: str = QUEUE) -> str:
    name = connection(number)
    log.add(f"Created new connection {name}", seconds, logger=logger)
    return name


def busy(log: Written, name: str, times: int = 30, seconds: float = 0.01) -> None:
    for _ in range(times):
        log.use(name, seconds)


# leaks


def leaking(log: Written, count: int, every: float) -> None:
    """A pool that works, and loses a connection now and then."""
    kept = created(log, 0)
    for number in range(1, count + 1):
        busy(log, kept, 20, every / 20)
        name = created(log, number)
        log.add(f"Connection {name} checked out from pool")
    busy(log, kept, 20, every / 20)


def test_a_leak_that_goes_on_is_not_told_to_have_ended(log: Path) -> None:
    written = Written(log)
    # one a minute: the last few are younger than what leaks are known by
    leaking(written, 12, 60)
    leak = written.found()["connection_leak"]
    assert leak.count == 12
    assert "none in the" not in leak.message
    assert "that is 59.9 an hour" in leak.message or "that is 60 an hour" in leak.message


def test_a_leak_that_ended_is_told_so_for_the_time_that_tells_it(log: Path) -> None:
    written = Written(log)
    leaking(written, 6, 60)
    for _ in range(20):
        busy(written, connection(0), 20, 3)
    message = written.found()["connection_leak"].message
    # twenty-one minutes from the last one to the end, less the half of one in which nobody knows
    assert "from the first to the last, and none in the 20 min 3" in message


def test_one_that_is_out_may_be_at_work(log: Path) -> None:
    written = Written(log)
    kept = created(written, 0)
    name = created(written, 1)
    written.add(f"Connection {name} checked out from pool")
    busy(written, kept, 30, 20)
    leak = written.found()["connection_leak"]
    assert (leak.severity, leak.count) == ("warning", 1)
    assert leak.message.startswith("1 connection had been out for 10 min 00 s, and was not back, when")
    assert "and none more than 20 s" in leak.message


def test_a_pool_that_had_more_is_not_told_the_default(log: Path) -> None:
    written = Written(log)
    names = [created(written, number) for number in range(20)]
    for text in ("checked out from pool", "being returned to pool", "reset, transaction already reset"):
        for name in names:
            written.add(f"Connection {name} {text}")
    leaking(written, 5, 120)
    assert "SQLAlchemy's default" not in written.found()["connection_leak"].message


@pytest.mark.parametrize("let_go", [False, True])
def test_what_comes_back_with_the_end_of_its_process(let_go: bool, log: Path) -> None:  # noqa: FBT001 - a parameter
    written = Written(log)
    kept = created(written, 0)
    lost = [created(written, number) for number in range(1, 6)]
    for name in lost:
        written.add(f"Connection {name} checked out from pool")
        busy(written, kept, 20, 3)
        if not let_go:
            written.add(f"Connection {name} being returned to pool")
            written.add(f"Connection {name} reset, transaction already reset")
    busy(written, kept, 20, 3)
    if let_go:
        for name in lost:
            written.add(f"Connection {name} being returned to pool")
            written.add(f"Connection {name} reset, transaction already reset")
    message = written.found()["held_too_long"].message
    assert ("5 of the 5 longest came back only when their process ended" in message) == let_go
    assert ("before anything slow" in message) != let_go


def test_what_the_garbage_collector_returned_is_not_held_too_long(log: Path) -> None:
    written = Written(log)
    kept = created(written, 0, logger=ASYNC)
    for number in range(1, 30):
        name = created(written, number, logger=ASYNC)
        written.add(f"Connection {name} checked out from pool", logger=ASYNC)
        written.add(f"Connection {kept} checked out from pool", logger=ASYNC)
        written.add(f"Connection {kept} being returned to pool", 40, logger=ASYNC)
        written.add(f"Connection {kept} reset, transaction already reset", logger=ASYNC)
        written.add(f"Connection {name} being returned to pool", 100, logger=ASYNC)
        written.add(f"Hard-closing connection {name}", logger=ASYNC)
        written.add(
            f"The garbage collector is trying to clean up non-checked-in connection {name}, which will be terminated. ",
            logger=ASYNC,
        )
    findings = written.found()
    assert findings["reclaimed_by_gc"].count == 29
    held = findings["held_too_long"]
    assert held.count == 29
    assert "the longest 40 s" in held.message


# exhaustion


def exhausted(log: Written, seconds: list[float]) -> str:
    names = [created(log, number) for number in range(2)]
    for number, long in enumerate(seconds):
        log.use(names[number % 2], long)
    for name in names:
        log.add(f"Connection {name} checked out from pool")
    log.add("QueuePool limit of size 2 overflow 0 reached, connection timed out, timeout 0.10", 0.1, logger="app")
    return log.found()["pool_exhausted"].message


def test_where_all_hold_long_the_pool_is_not_told_to_be_too_small(log: Path) -> None:
    message = exhausted(Written(log), [60.0, 70.0] * 15)
    assert "all hold one long (half of the checkouts take 60 s or more)" in message
    assert "too small" not in message


def test_where_few_hold_long_the_pool_is_too_small(log: Path) -> None:
    message = exhausted(Written(log), [1.0] * 60 + [6.0] * 2)
    assert "few hold one long (the 2 checkouts of 62 longer than 5 s took 17% of all the time" in message
    assert "so the pool is too small for so many callers at once" in message


# connections that die


def dying(log: Written, held: float, count: int, *, every: float = 100.0, replaced: int = 0) -> None:
    kept = [created(log, number) for number in range(replaced + 1)]
    for number in range(count):
        busy(log, kept[0], 20)
        name = created(log, 100 + number, every)
        log.add(f"Connection {name} checked out from pool")
        log.add(f"Invalidate connection {name} (reason: OperationalError:gone)", held)
        log.add(f"Closing connection {name}")
        for one in kept[1:]:
            log.add(f"Connection {one} invalidated due to pool invalidation; recycling")
            log.add(f"Closing connection {one}")
            log.add(f"Created new connection {one}")
            log.use(one)


def test_connections_that_die_in_long_use_only(log: Path) -> None:
    written = Written(log)
    dying(written, 20.5, 8, replaced=3)
    findings = written.found()
    killed = findings["killed_in_use"]
    assert (killed.severity, killed.count) == ("error", 8)
    assert "8 connections died in use, none before 20.5 s of it" in killed.message
    assert "invalidation_storm" not in findings


def test_connections_that_die_at_one_time_may_have_lost_the_network(log: Path) -> None:
    written = Written(log)
    kept = created(written, 0)
    busy(written, kept, 20)
    names = [created(written, number) for number in range(1, 7)]
    for name in names:
        written.add(f"Connection {name} checked out from pool", 1)
    written.add("tick", 900, logger="app.web")
    for name in names:
        written.add(f"Invalidate connection {name} (reason: OperationalError:gone)", 3)
        written.add(f"Closing connection {name}")
    assert "or the network went away, as all died within 15 s" in written.found()["killed_in_use"].message


def test_connections_that_die_in_short_use_are_no_time_limits(log: Path) -> None:
    written = Written(log)
    dying(written, 0.5, 8, every=2, replaced=3)
    findings = written.found()
    assert "killed_in_use" not in findings
    assert "invalidation_storm" in findings


@pytest.mark.parametrize("replaced", [0, 2])
def test_a_storm_shows_in_what_is_replaced(replaced: int, log: Path) -> None:
    written = Written(log)
    # few die close together by chance, in a pool with many
    names = [created(written, number) for number in range(20)]
    for text in ("checked out from pool", "being returned to pool", "reset, transaction already reset"):
        for name in names:
            written.add(f"Connection {name} {text}")
    dying(written, 0.5, 4, every=2, replaced=replaced)
    assert ("invalidation_storm" in written.found()) == bool(replaced)


def test_a_storm_lasts_until_the_last_connection_died(log: Path) -> None:
    written = Written(log)
    dying(written, 0.5, 3, every=2, replaced=3)
    for _ in range(4):
        written.add("Error on connect(): connection refused", 8)
    storm = written.found()["invalidation_storm"]
    # 2.5 seconds from one to the next, and a little
    assert "3 connections of 1 process died within 5." in storm.message
    assert "4 connects failed" in storm.message


def test_what_a_log_at_info_does_not_show(log: Path) -> None:
    written = Written(log, "{time} [{process}] [w] INFO {logger}: {text}")
    for number in range(4):
        written.add(f"Invalidate connection {connection(number)} (reason: OperationalError:gone)")
        written.add(f"Connection {connection(number + 9)} invalidated due to pool invalidation; recycling")
    message = written.found()["invalidation_storm"].message
    assert "no new connection was made" not in message
    assert "a log at INFO does not show" in message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", "connection refused"),
        ("Multiple exceptions: [Errno 111] Connect call failed", "connection refused"),
        ('connection to server at "db" failed: server closed the connection unexpectedly', "starting up"),
        ("", "other reason"),
    ],
)
def test_why_connects_fail(text: str, reason: str, log: Path) -> None:
    written = Written(log)
    busy(written, created(written, 0))
    written.add(f"Error on connect(): {text}")
    assert f"({reason})" in written.found()["connect_errors"].message


@pytest.mark.parametrize(("logger", "severity"), [("sqlalchemy.pool.impl.QueuePool", "error"), (ASYNC, "warning")])
def test_connections_that_are_never_ready(logger: str, severity: str, log: Path) -> None:
    written = Written(log)
    for number in range(5):
        name = created(written, number, logger=logger)
        # one that is thrown away in use is none of them
        if number == 3:
            written.add(f"Connection {name} checked out from pool", logger=logger)
        # nor is one that is disposed of before it is used
        how = "Closing" if number == 4 else "Hard-closing"
        written.add(f"{how} connection {name}", logger=logger)
    finding = written.found()["not_ready"]
    assert (finding.count, finding.severity) == (3, severity)
    assert [place.line for place in finding.evidence] == [2, 4, 6]
    assert "of 5, and thrown away" in finding.message


# programs that throw connections away


@pytest.mark.parametrize(
    ("logger", "reason", "code"),
    [
        ("sqlalchemy.pool.impl.QueuePool", "RuntimeError:tenant missing", "invalidated_in_use"),
        (ASYNC, "RuntimeError:got Future attached to a different loop", "event_loop_mismatch"),
        (ASYNC, "MissingGreenlet:greenlet_spawn has not been called", "missing_greenlet"),
    ],
)
def test_whose_exception_it_is(logger: str, reason: str, code: str, log: Path) -> None:
    written = Written(log)
    for number in range(12):
        name = created(written, number, logger=logger)
        written.add(f"Connection {name} checked out from pool", logger=logger)
        written.add(f"Invalidate connection {name} (reason: {reason})", logger=logger)
        written.add(f"Closing connection {name}", logger=logger)
    findings = written.found()
    assert {"invalidated_in_use", "event_loop_mismatch", "missing_greenlet"} & set(findings) == {code}


# pools that close what comes back


def test_a_null_pool_whose_beginning_is_cut_does_not_overflow(log: Path) -> None:
    written = Written(log)
    for number in range(40):
        name = connection(number)
        if number:
            created(written, number, logger=NULL)
        for text in ("checked out from pool", "being returned to pool", "reset, transaction already reset"):
            written.add(f"Connection {name} {text}", logger=NULL)
        written.add(f"Closing connection {name}", logger=NULL)
    assert "overflow_churn" not in written.found()


def test_more_threads_than_a_pool_of_threads_has_room_for(log: Path) -> None:
    written = Written(log)
    busy(written, connection(0), 0)
    for number in range(60):
        name = created(written, number, logger=SINGLETON)
        for _ in range(2):
            for text in ("checked out from pool", "being returned to pool", "reset, transaction already reset"):
                written.add(f"Connection {name} {text}", logger=SINGLETON)
        written.add(f"Closing connection {name}", logger=SINGLETON)
    findings = written.found()
    assert "engine_per_request" not in findings
    assert "more threads use it than its pool_size" in findings["overflow_churn"].message


def test_engines_that_are_disposed_of_now_and_then(log: Path) -> None:
    written = Written(log)
    for number in range(100):
        name = created(written, number, 5)
        written.use(name)
        written.add(f"Closing connection {name}", 1)
        written.add("Pool disposed. Pool size: 5  Connections in pool: 0 Current Overflow: -5")
        written.add("Pool recreating")
    finding = written.found()["engine_per_request"]
    assert (finding.severity, finding.count) == ("info", 100)


def test_a_recycle_that_most_checkouts_meet_is_a_warning(log: Path) -> None:
    written = Written(log)
    for number in range(100):
        name = created(written, number)
        busy(written, name, 2, 6)
        written.add(f"Connection {name} exceeded timeout; recycling")
        written.add(f"Closing connection {name}")
    finding = written.found()["recycle_churn"]
    assert finding.severity == "warning"
    assert "100 connections were closed because they were older than pool_recycle" in finding.message


def test_where_several_processes_stand_one_is_named(log: Path) -> None:
    written = Written(log)
    for process in (12, 13):
        names = [connection(number) for number in range(process - 11)]
        for name in names:
            written.add(f"Created new connection {name}", process=process)
        for name in names:
            written.use(name, process=process)
        for name in names:
            written.add(f"Connection {name} checked out from pool", process=process)
    text = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.10"
    written.add(text, 1, process=12, logger="app")
    assert "1 connection was in use in process 12, and never more" in written.found()["pool_exhausted"].message


# figures


def figures(log: Written) -> Report:
    log.found()
    return logpool.analyze(log.log, thresholds=Thresholds())


def early_14(log: Written, *, resets: bool) -> str:
    """Three uses, as SQLAlchemy 1.4.0 to 1.4.42 logs them; in the second one something had to be reset."""
    name = created(log, 0)
    for already in (True, False, True):
        log.add(f"Connection {name} checked out from pool")
        end = ", transaction state was already reset by caller" if already else ""
        log.add(f"Connection {name} being returned to pool{end}")
        if resets and not already:
            log.add(f"Connection {name} rollback-on-return")
    return name


def test_early_14_says_that_nothing_had_to_be_reset_where_nothing_ever_is(log: Path) -> None:
    written = Written(log)
    early_14(written, resets=False)
    assert figures(written).totals.sequence.violations == 0


def test_early_14_that_resets(log: Path) -> None:
    written = Written(log)
    name = early_14(written, resets=True)
    written.add(f"Connection {name} checked out from pool")
    written.add(f"Connection {name} being returned to pool")
    written.add(f"Connection {name} checked out from pool")
    assert figures(written).totals.sequence.violations == 1


@pytest.mark.parametrize("renewed", [False, True])
def test_more_in_use_than_a_pool_has_are_of_several(renewed: bool, log: Path) -> None:  # noqa: FBT001 - a parameter
    written = Written(log)
    names = [created(written, number) for number in range(4)]
    for name in names:
        written.use(name)
    if renewed:
        written.add("Pool disposed. Pool size: 2  Connections in pool: 0 Current Overflow: -2")
        written.add("Pool recreating")
    for name in names:
        written.add(f"Connection {name} checked out from pool")
    written.add("QueuePool limit of size 2 overflow 0 reached, connection timed out, timeout 0.10", 1, logger="app")
    message = written.found()["pool_exhausted"].message
    assert ("up to 4 were in use at once, though the pool that they waited for has 2 at most" in message) != renewed


@pytest.mark.parametrize("every", [30, 4])
def test_connections_that_die_one_by_one(log: Path, every: int) -> None:
    written = Written(log)
    chance = random.Random(every)  # noqa: S311 - times, no secret
    for _ in range(20):
        dying(written, 0.5, 1, every=chance.expovariate(1 / every), replaced=3)
    findings = written.found()
    died = findings["dying_connections"]
    assert (died.severity, died.count) == ("warning", 20)
    assert "20 connections died in use, one by one, one each" in died.message
    assert "60 more were replaced because of them" in died.message
    assert {"invalidation_storm", "killed_in_use"}.isdisjoint(findings)


def test_few_that_die_one_by_one_are_not_told(log: Path) -> None:
    written = Written(log)
    dying(written, 0.5, 4, every=30)
    assert {"dying_connections", "invalidation_storm"}.isdisjoint(written.found())


def test_restarts_are_no_pace(log: Path) -> None:
    written = Written(log)
    for _ in range(3):
        dying(written, 0.05, 5, every=0.2, replaced=1)
        busy(written, created(written, 900, 600), 20)
    findings = written.found()
    assert findings["invalidation_storm"].count == 10
    assert "dying_connections" not in findings


def test_an_outage_has_no_pace(log: Path) -> None:
    written = Written(log)
    for _ in range(20):
        dying(written, 0.5, 1, every=4, replaced=1)
        written.add("Error on connect(): connection refused")
    findings = written.found()
    assert findings["invalidation_storm"].count == 40
    assert "dying_connections" not in findings


def across_a_silence(log: Path, silence: float, *, after: float = 0.5, busy_for: int = 1500) -> dict[str, Finding]:
    written = Written(log)
    names = [created(written, number) for number in range(4)]
    busy(written, names[0], busy_for)
    for name in names[1:]:
        written.add(f"Connection {name} checked out from pool", 0.01)
    written.now += timedelta(seconds=silence)
    for name in names[1:]:
        written.add(f"Connection {name} being returned to pool", after)
        written.add(f"Connection {name} reset, transaction already reset")
    busy(written, names[0], busy_for)
    return written.found()


def test_what_spans_a_silence_may_not_have_lasted(log: Path) -> None:
    held = across_a_silence(log, 3600)["held_too_long"]
    assert (held.severity, held.count) == ("info", 3)
    assert "all of them span the 1 h 00 min in which the log has nothing at all" in held.message


def test_what_lasts_beside_a_silence(log: Path) -> None:
    # longer than the silence
    assert across_a_silence(log, 3600, after=40)["held_too_long"].severity == "warning"
    # a log that is silent all the time
    assert across_a_silence(log, 60, busy_for=3, after=20)["held_too_long"].severity == "warning"


@pytest.mark.parametrize(("rest", "is_told"), [(5, False), (100, True)])
def test_no_age_of_seconds_is_advised(log: Path, rest: int, is_told: bool) -> None:  # noqa: FBT001
    written = Written(log)
    for number in range(3):
        name = created(written, number)
        written.use(name)
        written.now += timedelta(seconds=rest)
        written.use(name)
        written.now += timedelta(seconds=3600)
        written.add(f"Connection {name} checked out from pool")
        written.add(f"Invalidate connection {name} (reason: OperationalError:gone)")
        written.add(f"Closing connection {name}")
    message = written.found()["stale_connections"].message
    assert ("as long as you do not know it, below 100 seconds" in message) == is_told
    assert ("as long as you do not know it" in message) == is_told
