"""Events, checkouts and connections as tables: the columns promised, and their values on known logs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import logpool
from logpool.errors import InputError, UsageError
from logpool.schema import CHECKOUTS, CONNECTIONS, EVENTS, Column

ROOT = Path(__file__).parents[1]
QUEUE = ROOT / "samples" / "document-queuepool.log"
NULL = ROOT / "samples" / "document-nullpool.log"
CASES = ROOT / "tests" / "cases"
POOL = "sqlalchemy.pool.impl.QueuePool"
TYPES = {
    "string": pl.String,
    "int64": pl.Int64,
    "float64": pl.Float64,
    "bool": pl.Boolean,
    "datetime[us]": pl.Datetime("us"),
}
Reader = Callable[..., pl.DataFrame]
READERS: list[tuple[Reader, tuple[Column, ...]]] = [
    (logpool.read_events, EVENTS),
    (logpool.read_checkouts, CHECKOUTS),
    (logpool.read_connections, CONNECTIONS),
]


def case(name: str) -> Path:
    return CASES / name / "input.log"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(("read", "columns"), READERS)
@pytest.mark.parametrize("log", [QUEUE, case("info-only"), case("no-addresses"), case("basic-config-layout")])
def test_columns_are_the_schemas(read: Reader, columns: tuple[Column, ...], log: Path) -> None:
    assert {column.name: TYPES[column.type] for column in columns} == dict(read(log).schema)


def test_every_event_of_the_document() -> None:
    events = logpool.read_events(QUEUE)
    kinds = dict(events["kind"].value_counts().iter_rows())
    assert kinds == {"created": 1, "checked_out": 10, "returned": 10, "reset": 10, "timing": 12}
    assert events["line"].to_list() == list(range(1, 44))
    assert {str(QUEUE)} == set(events["path"])


def test_an_event() -> None:
    expected: dict[str, Any] = {
        "path": str(QUEUE),
        "line": 4,
        "time": at("2024-09-26 17:45:26.963"),
        "kind": "reset",
        "detail": "already_reset",
        "pool": POOL,
        "process": None,
        "thread": None,
        "driver": "pyodbc.Connection",
        "connection": "0x7f6fbc2ff770",
        "reason": None,
        "seconds": None,
    }
    assert expected == logpool.read_events(QUEUE).row(3, named=True)


def test_a_timing() -> None:
    row = logpool.read_events(QUEUE).row(4, named=True)
    assert (
        row["kind"],
        row["detail"],
        row["seconds"],
        row["pool"],
        row["connection"],
    ) == ("timing", "time_taken", 0.1174, None, None)


def test_details_and_reasons() -> None:
    events = logpool.read_events(case("reset-failed"))
    assert events.head(7).select("kind", "detail", "reason").rows() == [
        ("created", None, None),
        ("checked_out", None, None),
        ("returned", None, None),
        ("reset", "rollback", None),
        ("reset_failed", None, None),
        ("invalidated", None, "OperationalError"),
        ("closing", "hard", None),
    ]
    # the traceback stands on four lines of its own
    assert events["line"].head(7).to_list() == [1, 2, 3, 4, 5, 10, 11]


def test_processes_and_threads() -> None:
    layout = "%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s"
    events = logpool.read_events(case("two-moves-at-once-threads"), layout=layout)
    assert {"4242"} == set(events["process"])
    assert events["thread"].unique(maintain_order=True).to_list() == ["MainThread", "worker-1", "worker-2"]


def test_the_checkouts_of_the_document() -> None:
    checkouts = logpool.read_checkouts(QUEUE)
    milliseconds = [16, 9, 8, 7, 7, 6, 7, 9, 8, 8]
    assert [value / 1000 for value in milliseconds] == checkouts["hold_seconds"].to_list()
    assert checkouts["fresh"].to_list() == [True] + [False] * 9
    assert ({"returned"}, {True}) == (set(checkouts["outcome"]), set(checkouts["complete"]))
    assert list(range(2, 40, 4)) == checkouts["line"].to_list()


def test_a_checkout() -> None:
    expected: dict[str, Any] = {
        "pool": POOL,
        "process": str(QUEUE),
        "connection": "0x7f6fbc2ff770",
        "path": str(QUEUE),
        "line": 2,
        "start": at("2024-09-26 17:45:26.946"),
        "end_path": str(QUEUE),
        "end_line": 3,
        "end": at("2024-09-26 17:45:26.962"),
        "hold_seconds": 0.016,
        "fresh": True,
        "outcome": "returned",
        "complete": True,
    }
    assert expected == logpool.read_checkouts(QUEUE).row(0, named=True)


def test_ten_lives_share_three_addresses() -> None:
    lives = logpool.read_connections(NULL)
    assert (lives.height, lives["connection"].n_unique()) == (10, 3)
    assert ({"closed"}, {1}) == (set(lives["outcome"]), set(lives["checkouts"]))
    assert list(range(1, 61, 6)) == lives["line"].to_list()
    assert list(range(5, 65, 6)) == lives["end_line"].to_list()
    assert lives["life_seconds"].max() == 0.061


def test_a_life() -> None:
    expected: dict[str, Any] = {
        "pool": POOL,
        "process": str(QUEUE),
        "connection": "0x7f6fbc2ff770",
        "path": str(QUEUE),
        "line": 1,
        "created": at("2024-09-26 17:45:26.873"),
        "end_path": None,
        "end_line": None,
        "closed": None,
        "life_seconds": None,
        "outcome": "open",
        "checkouts": 10,
    }
    assert [expected] == logpool.read_connections(QUEUE).to_dicts()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("invalidated-in-use", [(2, 3, "invalidated", True, False), (9, 10, "returned", True, True)]),
        ("detached", [(2, 4, "detached", True, False), (6, 7, "returned", True, True)]),
        (
            "async-leak-terminated",
            [(2, 3, "returned", True, True), (5, 6, "reclaimed", False, False), (10, 11, "returned", True, True)],
        ),
        (
            "async-leak-dropped",
            [(2, 3, "returned", True, True), (5, 6, "reclaimed", False, False), (9, 10, "returned", True, True)],
        ),
        (
            "ping-failed-moved",
            [(2, 4, "returned", True, True), (6, 14, "returned", True, True), (16, 18, "returned", False, True)],
        ),
        (
            "ping-failed-no-replacement",
            [(2, 4, "returned", True, True), (6, 12, "failed", False, False), (16, 18, "returned", True, True)],
        ),
        ("checked-out-twice", [(2, None, "lost", True, False), (3, 4, "returned", False, True)]),
        (
            "right-cut",
            [(2, 3, "returned", True, True), (6, 8, "returned", True, False), (7, None, "open", False, False)],
        ),
        ("left-cut", [(3, 4, "returned", False, True), (9, None, "open", False, False)]),
        ("no-addresses", []),
        ("info-only", []),
    ],
)
def test_how_checkouts_end(name: str, expected: list[tuple[Any, ...]]) -> None:
    checkouts = logpool.read_checkouts(case(name))
    assert expected == checkouts.select("line", "end_line", "outcome", "fresh", "complete").rows()


def test_a_moved_checkout_is_that_of_its_first_connection() -> None:
    moved = logpool.read_checkouts(case("ping-failed-moved")).row(1, named=True)
    assert (moved["connection"], moved["hold_seconds"]) == ("0x7feb87ec2700", 0.028)


def test_a_connection_that_cannot_be_set_up_carries_no_checkout_on(tmp_path: Path) -> None:
    records = [
        ("DEBUG", "Created new connection {a}"),
        ("DEBUG", "Connection {a} checked out from pool"),
        ("INFO", "Disconnection detected on checkout, invalidating individual connection None (reason: Gone('fork'))"),
        # in its place; nothing more is said of it
        ("DEBUG", "Created new connection {b}"),
        ("DEBUG", "Created new connection {c}"),
        ("INFO", "Invalidate connection {c} (reason: Fault:cannot set up)"),
        ("DEBUG", "Hard-closing connection {c}"),
        ("DEBUG", "Created new connection {d}"),
        ("DEBUG", "Connection {d} checked out from pool"),
        ("DEBUG", "Connection {d} being returned to pool"),
        ("DEBUG", "Connection {d} reset, transaction already reset"),
    ]
    connections = {name: f"<sqlite3.Connection object at 0x7f00000000{name}0>" for name in "abcd"}
    lines = [
        f"2024-09-26 17:45:0{number // 4},000 - sqlalchemy.pool.impl.QueuePool - {level} - {text}\n"
        for number, (level, text) in enumerate(records)
    ]
    log = tmp_path / "set-up.log"
    log.write_text("".join(lines).format(**connections))
    checkouts = logpool.read_checkouts(log)
    expected = [(2, None, "open"), (9, 10, "returned")]
    assert sorted(checkouts.select("line", "end_line", "outcome").rows()) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("address-reuse", [(1, 6, "closed", 1, 3600.005), (7, None, "open", 1, None)]),
        ("async-leak-dropped", [(1, 7, "dropped", 2, 2.006), (8, 12, "closed", 1, 0.004)]),
        ("left-cut", [(1, None, "open", 1, None), (6, 8, "closed", 0, None), (9, None, "open", 1, None)]),
        ("used-after-close", [(1, 5, "closed", 1, 0.004), (6, 9, "closed", 1, None)]),
        ("overflow-closed", [(1, None, "open", 1, None), (3, 9, "closed", 1, 0.006)]),
        ("ping-failed-moved", [(1, 11, "closed", 2, 60.01), (12, None, "open", 2, None)]),
    ],
)
def test_lives(name: str, expected: list[tuple[Any, ...]]) -> None:
    lives = logpool.read_connections(case(name))
    assert expected == lives.select("line", "end_line", "outcome", "checkouts", "life_seconds").rows()


def test_times_are_null_where_the_log_has_none() -> None:
    log = case("basic-config-layout")
    assert {None} == set(logpool.read_events(log)["time"])
    assert {None} == set(logpool.read_checkouts(log)["hold_seconds"]) | set(logpool.read_checkouts(log)["start"])
    assert {None} == set(logpool.read_connections(log)["life_seconds"])


@pytest.mark.parametrize(("read", "_"), READERS)
def test_times_are_in_utc_where_all_logs_have_an_offset(read: Reader, _: object, tmp_path: Path) -> None:
    zoned = tmp_path / "zoned.log"
    zoned.write_text(re.sub(r"(?m)^(\S+ \S+?),(\d{3}) ", r"\1.\2+09:00 ", QUEUE.read_text("utf-8")), "utf-8")
    plain, found = read(QUEUE), read(zoned)
    times = [name for name, dtype in plain.schema.items() if dtype == pl.Datetime("us")]
    for name in times:
        assert found.schema[name] == pl.Datetime("us", "UTC")
        in_utc = plain[name].dt.replace_time_zone("UTC").dt.offset_by("-9h")
        assert found[name].to_list() == in_utc.to_list()
    # beside one that has none, nobody knows what is earlier
    assert read([QUEUE, zoned]).schema[times[0]] == pl.Datetime("us")


def test_a_clock_that_steps_back(tmp_path: Path) -> None:
    lines = case("overflow-closed").read_text("utf-8").splitlines(keepends=True)
    log = tmp_path / "back.log"
    log.write_text("".join(lines[:4] + [line.replace("02:59:58", "01:59:58") for line in lines[4:]]), "utf-8")
    assert logpool.read_checkouts(log)["hold_seconds"].to_list() == [0.0, 0.0]
    assert logpool.read_connections(log)["life_seconds"].to_list() == [None, 0.0]


@pytest.mark.parametrize(("read", "_"), READERS)
def test_the_selection(read: Reader, _: object) -> None:
    log = case("several-pools")
    assert {"sqlalchemy.pool.impl.QueuePool.web"} == set(read(log, pools=["web"])["pool"])
    assert read(log, pools=["nosuch"]).height == 0
    assert read(log, since="2030-01-01").height == 0
    assert read(log, until="2000-01-01").height == 0


@pytest.mark.parametrize(("read", "_"), READERS)
def test_several_logs_are_several_processes(read: Reader, _: object) -> None:
    both = read([NULL, QUEUE])
    assert read(NULL).height + read(QUEUE).height == both.height
    assert [str(QUEUE), str(NULL)] == both["path"].unique(maintain_order=True).to_list()


@pytest.mark.parametrize(("read", "_"), READERS)
def test_refusals(read: Reader, _: object, tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    with pytest.raises(InputError, match="no such file: "):
        read(tmp_path / "nosuch.log")
    with pytest.raises(InputError, match="is empty"):
        read(tmp_path / "empty.log")
    with pytest.raises(UsageError, match="--since is no time"):
        read(QUEUE, since="now")


def test_blocks_have_a_byte_at_least() -> None:
    assert logpool.analyze(QUEUE, block_bytes=1) == logpool.analyze(QUEUE)
    with pytest.raises(UsageError, match="block_bytes is too small: 0"):
        logpool.analyze(QUEUE, block_bytes=0)


@pytest.mark.parametrize(("read", "_"), READERS)
def test_progress_is_told(read: Reader, _: object) -> None:
    told: list[tuple[int, int, float | None]] = []
    read(QUEUE, progress=lambda *figures: told.append(figures))
    assert (QUEUE.stat().st_size, 43, 1.0) == told[-1]
    assert sorted(told) == told


def test_the_share_that_has_been_read(tmp_path: Path) -> None:
    text = QUEUE.read_bytes()
    (tmp_path / "one.log").write_bytes(text)
    (tmp_path / "two.log.gz").write_bytes(gzip.compress(text * 50))
    told: list[float | None] = []
    logpool.analyze([tmp_path / "one.log", tmp_path / "two.log.gz"], progress=lambda *figures: told.append(figures[2]))
    assert None not in told
    assert told[-1] == 1.0
    assert any(share is not None and 0 < share < 1 for share in told)
