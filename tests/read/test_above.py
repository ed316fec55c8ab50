"""Timeouts in tracebacks belong to the head above them, and each of those that nobody caught is one of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import logpool
from logpool.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

POOL = "sqlalchemy.pool.impl.QueuePool"
NAME = "<sqlite3.Connection object at 0x7f01>"
TIME = "2024-09-26 17:45:26,00"
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/app/w.py", line 9, in work',
    "sqlalchemy.exc.TimeoutError: QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 30.00",
]
CHAINED = ["", "During handling of the above exception, another exception occurred:", "", *TRACEBACK]
UNCAUGHT = ["Exception in thread Thread-1 (work):", "Task exception was never retrieved"]


@pytest.mark.parametrize("uncaught", UNCAUGHT)
@pytest.mark.parametrize("above", [0, 1, 40])
def test_each_that_nobody_caught_counts(uncaught: str, above: int, tmp_path: Path) -> None:
    pool = [
        f"{TIME}1 - {POOL} - DEBUG - Created new connection {NAME}",
        f"{TIME}2 - {POOL} - DEBUG - Connection {NAME} checked out from pool",
        *["something that is printed"] * above,
    ]
    lines = [*pool, *[uncaught, *TRACEBACK, *CHAINED] * 3]
    log = tmp_path / "app.log"
    log.write_text("".join(f"{line}\n" for line in lines))
    begins = [len(pool) + 1 + number * (len(TRACEBACK) + len(CHAINED) + 1) for number in range(3)]
    for size in (60, 300, 1 << 20):
        report = logpool.analyze(log, block_bytes=size)
        assert report.timeouts == 3
        (finding,) = (one for one in report.findings if one.code == "pool_exhausted")
        assert [place.line for place in finding.evidence[:3]] == begins
        # the time of the record above is the nearest that is known
        assert finding.first_time == "2024-09-26T17:45:26.002"


@pytest.mark.parametrize(
    "head",
    [
        "{time}\t4242\tMainThread\t{level}\t{logger}\t{text}",
        "{time}  {level} 4242 --- [main] {logger} : {text}",
        "{level} {logger}: {text}",
        "{text}",
    ],
)
def test_what_stands_right_above_a_traceback_is_its_head(head: str, tmp_path: Path) -> None:
    pool = head.format(time=f"{TIME}1", level="DEBUG", logger=POOL, text=f"Connection {NAME} checked out from pool")
    failed = [
        [head.format(time=f"{TIME}{number}", level="ERROR", logger="app", text=f"no order {number}"), *TRACEBACK]
        for number in range(5)
    ]
    log = tmp_path / "app.log"
    # one of them is raised while another is handled
    lines = [pool, *failed[0], *failed[1], *CHAINED, *failed[2], *failed[3], *failed[4], *TRACEBACK]
    log.write_text("".join(f"{line}\n" for line in lines))
    for size in (60, 130, 300, 1 << 20):
        report = logpool.analyze(log, block_bytes=size)
        # the last traceback has no other head than the line above
        assert report.timeouts == 6
        (finding,) = (one for one in report.findings if one.code == "pool_exhausted")
        assert [place.line for place in finding.evidence[:3]] == [2, 6, 16]


def test_one_traceback_is_one_timeout(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    head = f"{TIME}3 - app - ERROR - QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 30.00"
    begin = f"{TIME}1 - {POOL} - DEBUG - Created new connection {NAME}"
    log.write_text("".join(f"{line}\n" for line in [begin, head, *TRACEBACK, *CHAINED, head, *TRACEBACK]))
    for size in (60, 300, 1 << 20):
        assert logpool.analyze(log, block_bytes=size).timeouts == 2


def test_a_file_of_timeouts_only_is_told_so(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("".join(f"{line}\n" for line in [UNCAUGHT[0], *TRACEBACK] * 2))
    with pytest.raises(
        InputError, match="but 2 timeouts of a pool's callers: its own records may stand in another file"
    ):
        logpool.analyze(log)
