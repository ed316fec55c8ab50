"""When a log begins and ends: by its own clock, and not by that of what collected it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import logpool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POOL = "sqlalchemy.pool.impl.QueuePool"
NAME = "<sqlite3.Connection object at 0x7f01>"
# the collector's clock is five hours ahead
COLLECTORS: list[Callable[[str, str], str]] = [
    lambda second, line: f"2024-09-26T16:00:{second}.250456789Z stderr F {line}",
    lambda second, line: f"2024-09-26T16:00:{second}.250000+00:00 app[web.1]: {line}",
    lambda second, line: f"2024-09-26T16:00:{second}.250000+00:00 host app[42]: {line}",
    lambda second, line: f"Sep 26 16:00:{second} host app[42]: {line}",
    lambda second, line: f"<14>1 2024-09-26T16:00:{second}Z host app 42 - - {line}",
]
RECORDS = [
    ("10", "{time} - app - INFO - starting up"),
    ("11", f"{{time}} - {POOL} - DEBUG - Created new connection {NAME}"),
    ("12", f"{{time}} - {POOL} - DEBUG - Connection {NAME} checked out from pool"),
    ("13", "{time} - app - ERROR - Exception in worker"),
    ("13", "Traceback (most recent call last):"),
    (
        "13",
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 1.00",
    ),
    ("14", f"{{time}} - {POOL} - DEBUG - Connection {NAME} being returned to pool"),
    ("15", f"{{time}} - {POOL} - DEBUG - Connection {NAME} reset, transaction already reset"),
]


@pytest.mark.parametrize("collected", COLLECTORS)
@pytest.mark.parametrize("records", [RECORDS, RECORDS[:1] + RECORDS[3:6] + RECORDS[1:3], RECORDS[1:6]])
def test_the_logs_own_clock_counts(
    collected: Callable[[str, str], str], records: list[tuple[str, str]], tmp_path: Path
) -> None:
    lines = [(second, line.format(time=f"2024-09-26 11:00:{second},250")) for second, line in records]
    plain, log = tmp_path / "plain.log", tmp_path / "app.log"
    plain.write_text("".join(f"{line}\n" for _, line in lines))
    log.write_text("".join(f"{collected(second, line)}\n" for second, line in lines))
    expected = logpool.analyze(plain)
    for report in (logpool.analyze(log), logpool.analyze(log, block_bytes=100)):
        found, known = report.sources[0], expected.sources[0]
        assert (found.first_time, found.last_time) == (known.first_time, known.last_time)
        timeouts = [one for one in report.findings if one.code == "pool_exhausted"]
        assert [one.first_time for one in timeouts] == ["2024-09-26T11:00:13.250"]
    late = logpool.analyze(log, since="2024-09-26T11:00:13", until="2024-09-26T11:00:14")
    assert late.timeouts == 1


def test_where_nothing_else_tells_the_time_the_collectors_counts(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(
        f"2024-09-26T16:00:10.250Z stdout F DEBUG:{POOL}:Created new connection {NAME}\n"
        "2024-09-26T16:00:11.250Z stdout F Traceback (most recent call last):\n"
        "2024-09-26T16:00:12.250Z stdout F GET /\n"
    )
    source = logpool.analyze(log).sources[0]
    assert (source.first_time, source.last_time) == ("2024-09-26T16:00:10.250+00:00", "2024-09-26T16:00:12.250+00:00")


@pytest.mark.parametrize("before", [1, 2, 49, 50])
def test_how_far_the_logs_own_first_time_is_looked_for_does_not_depend_on_blocks(before: int, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    collected = [f"2024-01-01T12:00:00.{number:09}Z stdout F EBUG - Created" for number in range(before)]
    own = [f"2024-01-01 11:00:00,000 - {POOL} - DEBUG - Created new connection {NAME}"]
    log.write_text("".join(f"{line}\n" for line in collected + own))
    # the fiftieth line is the last one that may tell
    first = "2024-01-01T11:00:00.000" if before < 50 else "2024-01-01T12:00:00.000+00:00"
    for size in (10, 200, 1000, 1 << 24):
        assert logpool.analyze(log, block_bytes=size).sources[0].first_time == first
