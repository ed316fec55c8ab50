"""Records that stand in a log several times from some place on."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trouble import QUEUE
from written import Written, connection

from logpool import Report, analyze
from oracle import Scenario
from oracle import run as drive


def heads(text: str) -> list[str]:
    """The records of a log, and nothing that goes on with them."""
    return [line for line in text.splitlines() if " - sqlalchemy.pool" in line]


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which no two connects fail within a millisecond: of what names no connection that is one record."""
    path = tmp_path_factory.mktemp("traffic") / "app.log"
    found: list[str] = []
    for seed in range(2):
        scenario = Scenario(pools=("QueuePool", "NullPool"), pre_ping=True, steps=100)
        text, _ = drive(seed, scenario, path.parent)
        found += [line.replace("at 0x", f"at 0x{seed + 1}") for line in heads(text)]
    begin = datetime(2024, 1, 1, 12)  # noqa: DTZ001 - a log's local time
    times = (begin + timedelta(milliseconds=number + number // 7) for number in range(len(found)))
    clocks = (f"{time:%Y-%m-%d %H:%M:%S},{time.microsecond // 1000:03}" for time in times)
    path.write_text("".join(f"{clock}{line[23:]}\n" for clock, line in zip(clocks, found, strict=True)), "utf-8")
    return path


def report(path: Path, lines: list[str], block_bytes: int = 1 << 20) -> Report:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return analyze(path, block_bytes=block_bytes)


def figures(found: Report) -> tuple[object, ...]:
    """All but where it stands, and what timeouts there were: many may come at one time."""
    pools = [replace(pool, settings=None) for pool in found.pools]
    findings = [(one.code, one.pool, one.count) for one in found.findings if one.code != "duplicate_records"]
    return pools, replace(found.totals), findings, found.timeline


@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 4)), min_size=1, max_size=4),
    block_bytes=st.sampled_from([5000, 1 << 20]),
)
@settings(max_examples=10)
def test_what_is_printed_again_counts_once(
    changes: list[tuple[float, int]], block_bytes: int, traffic: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("onward") / "app.log"
    once = traffic.read_text("utf-8").splitlines()
    expected = report(path, once)
    times = [1] * len(once)
    for place, handlers in sorted(changes):
        begin = int(place * len(once))
        times[begin:] = [handlers] * (len(once) - begin)
    lines = [line for line, count in zip(once, times, strict=True) for _ in range(count)]
    assert figures(report(path, lines, block_bytes)) == figures(expected)


def test_it_is_told(traffic: Path, tmp_path: Path) -> None:
    once = traffic.read_text("utf-8").splitlines()
    half = len(once) // 2
    lines = once[:half] + [line for line in once[half:] for _ in range(2)]
    (told,) = [one for one in report(tmp_path / "app.log", lines).findings if one.code == "duplicate_records"]
    assert (told.severity, told.count) == ("warning", len(once) - half)
    assert "from some place on records stand several times in this log" in told.message
    assert "add it once" in told.message


def threads(written: Written, cycles: int, copies: int, distance: int) -> None:
    """Two threads, each with a connection of its own; what one says stands between the copies of the other's."""
    waiting: list[str] = []
    for number in range(cycles):
        for text in ("{} checked out from pool", "{} being returned to pool", "{} reset, transaction already reset"):
            for thread in range(2):
                written.add(f"Connection {text.format(connection(thread))}", 0.0013 + 0.001 * thread)
                waiting += [written.lines[-1]] * (copies if number > cycles // 2 else 0)
                if len(waiting) > distance and number % 3:
                    written.lines.append(waiting.pop(0))
                elif waiting:
                    written.lines += waiting
                    waiting = []
    written.lines += waiting


@pytest.mark.parametrize("distance", [0, 1])
def test_copies_with_other_threads_between(distance: int, tmp_path: Path) -> None:
    written = Written(tmp_path / "app.log")
    threads(written, 300, 1, distance)
    found = written.found()
    assert set(found) <= {"duplicate_records"}
    totals = analyze(written.log).totals
    assert (totals.checkouts, totals.sequence.violations) == (600, 0)


@pytest.mark.parametrize("times", [1, 2])
def test_a_line_that_was_sent_twice_is_no_handler(times: int, tmp_path: Path) -> None:
    written = Written(tmp_path / "app.log")
    written.add(f"Created new connection {connection(1)}", 0.0015)
    for number in range(50):
        written.use(connection(1), 0.0015)
        if number < times:
            written.lines.append(written.lines[-3 + number])
            written.lines[-2:] = written.lines[:-3:-1] if number else written.lines[-2:]
    found = written.found()
    assert "duplicate_records" not in found
    assert QUEUE in {pool.logger for pool in analyze(written.log).pools}


def test_seconds_alone_show_nothing(tmp_path: Path) -> None:
    written = Written(tmp_path / "app.log")
    for _ in range(50):
        # its return is missing
        written.add(f"Connection {connection(1)} checked out from pool", 0)
        written.add(f"Connection {connection(1)} checked out from pool", 0)
        written.add(f"Connection {connection(1)} being returned to pool", 1)
    assert "duplicate_records" not in written.found()
