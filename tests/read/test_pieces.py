"""Messages that were broken into several lines are put together again, wherever blocks end."""

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import all_of
from rich.console import Console
from rich.logging import RichHandler

from logpool.analysis import analyze
from logpool.read.consoles import console_of
from logpool.read.grammar import parse_message
from logpool.read.pieces import may_be_split

MESSAGES = [
    "Created new connection <connection object at 0x7f01; dsn: 'user=somebody host=db.example.org', closed: 0>",
    "Connection <sqlite3.Connection object at 0x7f01> checked out from pool",
    "Connection <sqlite3.Connection object at 0x7f01> being returned to pool",
    "Connection <a.B object at 0x7f01> being returned to pool, transaction state was already reset by caller",
    "Connection <sqlite3.Connection object at 0x7f01> reset, transaction already reset",
    "Connection <sqlite3.Connection object at 0x7f01> rollback-on-return",
    "Invalidate connection <sqlite3.Connection object at 0x7f01> (reason: OperationalError:the server is gone)",
    "Invalidate connection <sqlite3.Connection object at 0x7f01>",
    "Hard-closing connection <psycopg.Connection [IDLE] (host=db.example.org database=a) at 0x7f01>",
    "Pool pre-ping on connection <sqlite3.Connection object at 0x7f01>",
    "Pool pre-ping on connection <sqlite3.Connection object at 0x7f01> failed, will invalidate pool",
    "Pool recreating",
    "Pool disposed. Pool size: 3  Connections in pool: 0 Current Overflow: -3 Current Checked out connections: 0",
    "Hello",
]


# 2024-12-31T23:59:58, as whoever wrote the log saw it
BEGIN = datetime(2024, 12, 31, 23, 59, 58)  # noqa: DTZ001 - local, as logs are


def second(number: int) -> int:
    """The second in which a message is logged, by its number."""
    return number * 2 // 3


def printed(messages: Sequence[str], width: int, *, path: bool = True, form: str = "[%x %X]") -> list[str]:
    """The lines that Rich prints, of some messages each second."""
    file = io.StringIO()
    console = Console(file=file, width=width)
    handler = RichHandler(console=console, log_time_format=form, show_path=path)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for number, message in enumerate(messages):
        values = {"msg": message, "levelname": "DEBUG", "pathname": "base.py", "lineno": 895}
        values["created"] = BEGIN.timestamp() + second(number)
        handler.emit(logging.makeLogRecord(values))
    return file.getvalue().splitlines()


def unwrapped(lines: Sequence[str], blocks: Sequence[int]) -> list[str]:
    """The lines as they are read of a file, in blocks that end before some records."""
    data = "".join(f"{line}\n" for line in lines).encode()
    console = console_of(data)
    assert console is not None
    ends = [console.last_head(data[: min(len(data), 1 + block)]) for block in blocks]
    pieces = [data[begin:end] for begin, end in pairwise(sorted({0, *ends, len(data)}))]
    found = b"".join(map(console.in_one_line, pieces))
    assert found == console.in_one_line(data)
    return found.decode().splitlines()


@given(
    st.lists(st.sampled_from(MESSAGES), max_size=8),
    st.integers(76, 220),
    st.booleans(),
    st.lists(st.integers(0, 2000), max_size=4),
    st.lists(st.integers(0, 30), max_size=4),
    st.sampled_from(["[%x %X]", "[%X]", "[%Y-%m-%d %X]", "%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
)
def test_what_rich_wrapped(
    messages: list[str],
    width: int,
    path: bool,  # noqa: FBT001
    blocks: list[int],
    cuts: list[int],
    form: str,
) -> None:
    # at its beginning a file must be known for what it is
    messages = [MESSAGES[1], MESSAGES[2], *messages]
    lines = printed(messages, width, path=path, form=form)
    assert may_be_split("\n".join(lines).encode())
    whole = unwrapped(lines, blocks)
    assert len(whole) == len(lines)
    found, unrecognised = all_of(whole, cuts, split=True)
    # what names no connection counts in some of these layouts only
    found = [one for one in found if one[3] is not None]
    told = [parse_message(message) for message in messages if "0x7f01" in message]
    expected = [one.without_identity() for one in told if one is not None]
    assert [shape.message for _, _, shape, *_ in found] == expected  # type: ignore[attr-defined]
    assert {connection for *_, connection, _ in found} == {"0x7f01"}
    assert unrecognised == 0
    begin = BEGIN.replace(tzinfo=UTC).timestamp()
    if form in {"[%X]", "%H:%M:%S"}:
        # of the first of the days
        begin %= 24 * 3600
    seconds = [begin + second(number) for number, message in enumerate(messages) if "0x7f01" in message]
    assert [time for _, time, *_ in found] == [1e6 * second for second in seconds]


@pytest.mark.parametrize("block_bytes", [100, 1 << 20])
@pytest.mark.parametrize("width", [80, 100, 200])
def test_timeouts_in_what_rich_wrapped(width: int, block_bytes: int, tmp_path: Path) -> None:
    text = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.20"
    messages = [
        MESSAGES[1],
        f"it failed\nTraceback (most recent call last):\nTimeoutError: {text} (Background)",
        "Hello",
    ]
    path = tmp_path / "app.log"
    path.write_text("".join(f"{line}\n" for line in printed(messages, width, path=False)))
    assert analyze(path, block_bytes=block_bytes).timeouts == 1


@pytest.mark.parametrize(
    "line", ["[2024-01-01 12:00:00,000] DEBUG    Pool recreating", "DEBUG    x", "[12:00:00] DEBUG x", "    INFO     x"]
)
def test_most_logs_are_written_for_no_console(line: str) -> None:
    assert console_of(f"{line}\n".encode()) is None


def test_the_time_of_what_rich_wrote_where_only_a_glance_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("".join(f"{line}\n" for line in printed([MESSAGES[1], MESSAGES[2]] * 6, 120)))
    # the last one in the seventh second: from the fourth on these are six messages
    report = analyze(path, since="3s")
    assert report.sources[0].last_time == "2025-01-01T00:00:05.000"
    assert report.totals.returned == 3


def test_a_day_first_is_not_taken_for_richs() -> None:
    line = "[31/12/24 12:00:00] DEBUG    Connection <a.B object at 0x7f01> checked out from pool  base.py:895"
    ((_, time, *_),) = all_of([line], [], split=True)[0]
    # of the first of the days
    assert time == 12 * 3600 * 1_000_000


@pytest.mark.parametrize(
    "line",
    [
        "2024-01-01 12:00:00,000 - sqlalchemy.pool.impl.QueuePool - DEBUG - Pool recreating",
        "    raise DEBUG",
        "DEBUG    root:base.py:895 Hello",
    ],
)
def test_most_files_are_not_split(line: str) -> None:
    assert not may_be_split(line.encode())
