"""What closed each connection: the near misses. The oracle holds every cause against the truth on real pools."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from logpool import analyze
from logpool.report.model import Closes
from logpool.schema import Cause

TESTS = Path(__file__).parents[1]
LOGS = [*sorted(TESTS.glob("cases/*/*.log")), *sorted(TESTS.glob("../samples/*.log"))]
DISPOSED = "Pool disposed. Pool size: {}  Connections in pool: 0 Current Overflow:"
TEXTS = {
    "new": "Created new connection {}",
    "out": "Connection {} checked out from pool",
    "back": "Connection {} being returned to pool",
    "reset": "Connection {} reset, transaction already reset",
    "close": "Closing connection {}",
    "hard": "Hard-closing connection {}",
    "ping": "Pool pre-ping on connection {}",
    "failed": "Pool pre-ping on connection {} failed, will invalidate pool",
    "invalidate": "Invalidate connection {} (reason: Fault:gone)",
    "error": "Exception during reset or similar",
    "garbage": "The garbage collector is trying to clean up non-checked-in connection {}, which will be terminated.",
    "recreated": "Pool recreating",
    "disposed": f"{DISPOSED.format(2)} -2 Current Checked out connections: 0",
    "unlimited": f"{DISPOSED.format(0)} 0 Current Checked out connections: 0",
}


def closes(tmp_path: Path, *told: str, pool: str = "QueuePool", block: int = 1 << 20) -> dict[str, int]:
    """The causes that are counted in a log of records such as ``out A`` or, by another thread, ``out A 2``."""
    lines = []
    for number, record in enumerate(told):
        what, name, thread = [*record.split(), "", ""][:3]
        connection = f"<sqlite3.Connection object at 0x{ord(name or 'A'):x}00>"
        time = f"2026-01-01 10:00:{number // 1000:02},{number % 1000:03}"
        text = TEXTS[what].format(connection)
        lines.append(f"{time} [1] [Thread-{thread or 1}] DEBUG sqlalchemy.pool.impl.{pool}: {text}\n")
    log = tmp_path / "pool.log"
    log.write_text("".join(lines), encoding="utf-8")
    (found,) = analyze(log, block_bytes=block).pools
    return {cause: count for cause, count in asdict(found.closes).items() if count}


def use(name: str, thread: int = 1) -> list[str]:
    """One checkout, whole."""
    return [f"{what} {name} {thread}" for what in ("out", "back", "reset")]


def both(*names: str) -> list[str]:
    return [record for name in names for record in (f"new {name}", *use(name))]


def test_overflow_comes_back_to_a_full_pool(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A", "B", "C"), "close C", *use("A")) == {"overflow": 1}


def test_the_last_record_of_a_log_may_be_an_overflow(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A", "B", "C"), "close C") == {"overflow": 1}


def test_a_log_that_ends_while_its_pool_is_disposed_of_does_not_tell(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A", "B", "C"), "close A", "close B") == {"unknown": 2}


def test_disposed(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A", "B"), "close A", "close B", "disposed") == {"disposed": 2}


def test_one_that_is_disposed_of_right_after_its_return_is_no_overflow(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A"), "close A", "disposed", "recreated") == {"disposed": 1}


def test_more_than_the_pool_keeps_cannot_be_disposed_of(tmp_path: Path) -> None:
    told = (*both("A", "B", "C"), "close C", "close A", "close B")
    assert closes(tmp_path, *told, "disposed") == {"overflow": 1, "disposed": 2}
    assert closes(tmp_path, *told, "unlimited") == {"disposed": 3}


def test_what_others_do_meanwhile_does_not_matter(tmp_path: Path) -> None:
    told = (
        *both("A", "B"),
        "new C 2",
        "close A",
        "out C 2",
        "close B",
        "back C 2",
        "disposed",
        "reset C 2",
        "close C 2",
    )
    assert closes(tmp_path, *told, *use("D", 2)) == {"overflow": 1, "disposed": 2}


def test_recreated_alone_says_nothing_of_a_queue(tmp_path: Path) -> None:
    told = (*both("A"), "close A", "recreated")
    assert closes(tmp_path, *told) == {"overflow": 1}
    assert closes(tmp_path, *told, pool="StaticPool") == {"disposed": 1}


def test_null_pool(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A"), "close A", "disposed", pool="NullPool") == {"nullpool": 1}


def test_a_pool_of_an_unknown_class_does_not_tell(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A"), "close A", *both("A"), pool="TracedPool") == {"unknown": 1}


def test_too_many_threads(tmp_path: Path) -> None:
    told = (*both("A"), "new B 2", "close A 2", *use("B", 2))
    assert closes(tmp_path, *told, pool="SingletonThreadPool") == {"overflow": 1}


def test_detached_is_reset_without_a_return(tmp_path: Path) -> None:
    assert closes(tmp_path, "new A", "out A", "reset A", "close A") == {"detached": 1}


def test_detached_where_nothing_is_reset(tmp_path: Path) -> None:
    told = ("new A", "out A", "close A", "new B", "out B", "back B")
    assert closes(tmp_path, *told) == {"detached": 1}
    assert closes(tmp_path, *told, "reset B") == {"unknown": 1}


def test_what_was_reset_before_the_log_shows_its_return_is_unknown(tmp_path: Path) -> None:
    assert closes(tmp_path, "reset A", "close A", *both("B")) == {"unknown": 1}
    assert closes(tmp_path, "back A", "reset A", "close A", *both("B")) == {"overflow": 1}


def test_a_failed_ping_is_no_invalidation_in_use(tmp_path: Path) -> None:
    told = ("new A", "out A", "ping A", "failed A", "invalidate A", "close A", "new B", "back B", "reset B")
    assert closes(tmp_path, *told) == {"ping_failed": 1}
    assert closes(tmp_path, "new A", "out A", "ping A", "invalidate A", "close A") == {"invalidated": 1}


def test_a_failed_reset_is_another_connections_unless_this_one_was_returned(tmp_path: Path) -> None:
    assert closes(tmp_path, *both("A"), "error", "invalidate A", "hard A") == {"reset_failed": 1}
    assert closes(tmp_path, *both("A"), "error 2", "out A", "invalidate A", "hard A") == {"invalidated": 1}


def test_reclaimed_is_said_afterwards(tmp_path: Path) -> None:
    told = ("new A", "out A", "back A", "hard A")
    assert closes(tmp_path, *told, *both("B"), "garbage A") == {"reclaimed": 1}
    assert closes(tmp_path, *told, *both("B"), "garbage B") == {"unknown": 1}


def test_made_but_not_made_ready(tmp_path: Path) -> None:
    assert closes(tmp_path, "new A", "hard A", *both("B")) == {"not_ready": 1}


@pytest.mark.parametrize("block", [150, 400, 1000])
def test_batches_change_nothing(tmp_path: Path, block: int) -> None:
    told = (*both("A", "B", "C"), "close C", "close A", "close B", "disposed", "reset D", "close D")
    told += ("new A", "out A", "back A", "hard A", *both("B"), "garbage A", *both("C"), "close C")
    assert closes(tmp_path, *told, block=block) == {"overflow": 2, "disposed": 2, "reclaimed": 1, "unknown": 1}


def test_the_model_has_every_cause() -> None:
    assert set(asdict(Closes())) == {cause.word for cause in Cause} - {Cause.TAKEN.word}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}/{log.stem}")
def test_every_close_has_one_cause(log: Path) -> None:
    report = analyze(log)
    for pool in (*report.pools, *report.pool_classes, report.totals):
        counts = asdict(pool.closes)
        assert min(counts.values()) >= 0
        assert sum(counts.values()) == pool.closed


@pytest.mark.parametrize("block", [150, 300, 1 << 20])
def test_what_is_said_of_one_connection_explains_no_other(block: int, tmp_path: Path) -> None:
    records = ["new A", "out A", "invalidate A", "close B", *use("B")]
    assert "invalidated" not in closes(tmp_path, *records, block=block)
