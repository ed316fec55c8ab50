"""On structlog's console a message of several lines is of the logger behind its last one."""

from pathlib import Path

import pytest

import logpool

POOL = "sqlalchemy.pool.impl.QueuePool"
ONE = "<a.B object at 0x7f9e3b655250>"
GONE = "server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n"
REFUSED = 'connection to server at "db", port 5432 failed: Connection refused\n\tIs the server running?\n'
MESSAGES = [
    ("debug", f"Created new connection {ONE}"),
    ("debug", f"Connection {ONE} checked out from pool"),
    ("info", f"Invalidate connection {ONE} (reason: OperationalError:{GONE})"),
    ("debug", f"Hard-closing connection {ONE}"),
    ("debug", f"Error on connect(): {REFUSED}"),
]
PLAIN = "".join(f"2024-09-26T17:45:26.001Z [{level:9}] {text} [{POOL}] pid=42\n" for level, text in MESSAGES)
COLOURED = "".join(
    f"\x1b[2m2024-09-26T17:45:26.001Z\x1b[0m [\x1b[32m\x1b[1m{level:9}\x1b[0m] \x1b[1m{text}\x1b[0m "
    f"[\x1b[0m\x1b[1m\x1b[34m{POOL}\x1b[0m]\x1b[0m\n"
    for level, text in MESSAGES
)


@pytest.mark.parametrize("text", [PLAIN, COLOURED, PLAIN.removesuffix("\n")], ids=["plain", "coloured", "no line end"])
@pytest.mark.parametrize("size", [50, 200, 1 << 24])
def test_a_message_of_several_lines_is_its_loggers(text: str, size: int, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(text)
    report = logpool.analyze(tmp_path / "log", block_bytes=size)
    (pool,) = report.pools
    assert (pool.logger, pool.invalidated, pool.hard_closed, pool.connect_errors) == (POOL, 1, 1, 1)
    assert (pool.open_at_end, report.sources[0].lines, report.sources[0].pool_lines) == (0, 9, 5)
    assert [(finding.code, finding.evidence[0].line) for finding in report.findings] == [("connect_errors", 7)]


def test_without_loggers_each_line_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(PLAIN.replace(f" [{POOL}] pid=42", ""))
    report = logpool.analyze(tmp_path / "log")
    assert (report.totals.invalidated, report.sources[0].lines) == (1, 9)
