"""Lines as those export them who collect logs: with columns, streams, and objects around them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from logpool import Report, analyze

POOL = "sqlalchemy.pool.impl.QueuePool"
STREAM = "2024/05/16/[$LATEST]0123456789abcdef0123456789abcdef"
TASK = "ecs/app/0123456789abcdef0123456789abcdef"
ID = "8f14e45f-ceea-467f-a9d4-c1f6d0e0a8b1"
# a connection that is used twice, whose server goes away, and another one that cannot be made
SAID = [
    ("DEBUG", "Created new connection <sqlite3.Connection object at 0x7f01>"),
    ("DEBUG", "Connection <sqlite3.Connection object at 0x7f01> checked out from pool"),
    ("DEBUG", "Connection <sqlite3.Connection object at 0x7f01> being returned to pool"),
    ("DEBUG", "Connection <sqlite3.Connection object at 0x7f01> rollback-on-return"),
    ("DEBUG", "Connection <sqlite3.Connection object at 0x7f01> checked out from pool"),
    ("DEBUG", "Connection <sqlite3.Connection object at 0x7f01> being returned to pool"),
    ("ERROR", "Exception during reset or similar"),
    ("INFO", "Invalidate connection <sqlite3.Connection object at 0x7f01> (reason: OperationalError:gone)"),
    ("DEBUG", "Closing connection <sqlite3.Connection object at 0x7f01>"),
    ("DEBUG", "Error on connect(): could not connect to server: Connection refused"),
]


def clock(second: int) -> str:
    return f"2024-05-16T12:53:{second:02}.250"


def report(path: Path, line: Callable[[int, str, str], str]) -> Report:
    path.write_text("".join(f"{line(2 * second, *said)}\n" for second, said in enumerate(SAID)), "utf-8")
    return analyze(path)


def figures(found: Report) -> tuple[object, ...]:
    totals = found.totals
    return (
        *(totals.created, totals.checkouts, totals.returned, totals.closed, totals.connect_errors, totals.ends),
        *(
            totals.resets,
            totals.hold_seconds,
            totals.life_seconds,
            totals.sequence,
            found.sources[0].unrecognised_lines,
        ),
    )


@pytest.fixture
def expected(tmp_path: Path) -> Report:
    return report(tmp_path / "plain.log", lambda second, level, said: f"{clock(second)} {level} {POOL} {said}")


COLUMNS: dict[str, str] = {
    "a stream": TASK,
    "a time": "2024-05-16T12:53:20Z",
    "milliseconds": "1715864000250",
    "a host": "web1",
    "a process and a thread": "4242,MainThread",
    "a file": "base.py,895",
    "nothing": "",
    "quotes": '"web, 1"',
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_column_behind_the_message(column: str, expected: Report, tmp_path: Path) -> None:
    def line(second: int, level: str, said: str) -> str:
        text = f'"{said}"' if "," in said else said
        return f"{clock(second)},{level}:{POOL}:{text},{column}"

    found = report(tmp_path / "app.csv", line)
    assert figures(found) == figures(expected)


LAMBDAS: dict[str, Callable[[int, str, str], str]] = {
    "plain": lambda second, level, said: f"[{level}]\t{clock(second)}Z\t{ID}\t{said}",
    "aws logs tail": lambda second, level, said: (
        f"{clock(second + 1)}+00:00 {STREAM} [{level}]\t{clock(second)}Z\t{ID}\t{said}"
    ),
    "sam logs": lambda second, level, said: f"{STREAM} {clock(second + 1)} [{level}]\t{clock(second)}Z\t{ID}\t{said}",
    "filter-log-events": lambda second, level, said: json.dumps(
        {
            "logStreamName": STREAM,
            "timestamp": 1715864000251,
            "message": f"[{level}]\t{clock(second)}Z\t{ID}\t{said}\n",
        }
    ),
    "json-file": lambda second, level, said: json.dumps(
        {"log": f"[{level}]\t{clock(second)}Z\t{ID}\t{said}\n", "stream": "stderr", "time": f"{clock(second + 1)}Z"}
    ),
    "Django": lambda second, level, said: (
        f"{clock(second + 1)}+00:00 {TASK} {level} {clock(second)} base 4242 140374585935424 {said}"
    ),
}


@pytest.mark.parametrize("line", LAMBDAS.values(), ids=LAMBDAS)
def test_what_names_no_connection(line: Callable[[int, str, str], str], expected: Report, tmp_path: Path) -> None:
    assert figures(report(tmp_path / "app.log", line)) == figures(expected)


@pytest.mark.parametrize(
    "keys", ["timestamp event logger level", "event logger level timestamp", "level event timestamp logger"]
)
@pytest.mark.parametrize(
    "outer",
    [
        lambda second, text: json.dumps({"log": f"{text}\n", "stream": "stderr", "time": f"{clock(second + 1)}Z"}),
        lambda second, text: json.dumps(
            {"@timestamp": f"{clock(second % 7)}Z", "message": text, "host": {"name": "web1"}}
        ),
        lambda second, text: json.dumps(
            {"time": 1715864000, "log": json.dumps({"log": text, "time": f"{clock(second % 5)}Z"})}
        ),
    ],
)
def test_an_objects_own_time_within_a_collectors(
    outer: Callable[[int, str], str], keys: str, expected: Report, tmp_path: Path
) -> None:
    def line(second: int, level: str, said: str) -> str:
        values = {"timestamp": f"{clock(second)}Z", "event": said, "logger": POOL, "level": level.lower()}
        return outer(second, json.dumps({key: values[key] for key in keys.split()}))

    assert figures(report(tmp_path / "app.log", line)) == figures(expected)


def test_hosts_of_syslog_are_processes(tmp_path: Path) -> None:
    lines = [
        f"May 16 12:53:20 web{number} app: 2024-05-16 12:53:2{second},0{number}0 {level} {POOL} {said}"
        for second, (level, said) in enumerate(SAID[:4])
        for number in range(2)
    ]
    path = tmp_path / "app.log"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    found = analyze(path).totals
    assert (found.processes, found.created, found.checkouts, found.peak_checked_out) == (2, 2, 2, 2)
    assert (found.sequence.complete, found.sequence.violations) == (2, 0)


def test_djangos_layout_with_the_logger(tmp_path: Path) -> None:
    def line(second: int, level: str, said: str) -> str:
        return f"{level} {clock(second)} {POOL}.web 4242 140374585935424 {said}"

    (pool,) = report(tmp_path / "app.log", line).pools
    assert (pool.logger, pool.logging_name, pool.checkouts) == (f"{POOL}.web", "web", 2)
