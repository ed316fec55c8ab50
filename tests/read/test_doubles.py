"""Records printed twice count once, however they are doubled, and a log that is not doubled stays as it is."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logpool
from logpool import Report, analyze
from oracle import Scenario
from oracle import run as drive
from printing import Printed, printed, records


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    text, _ = drive(5, Scenario(pools=("QueuePool",), pre_ping=True, steps=80), tmp_path_factory.mktemp("traffic"))
    return records(text.replace("oracle.Connection", "sqlite3.Connection"))


def report(path: Path, text: str, block_bytes: int = 1 << 20) -> Report:
    path.write_text(text, encoding="utf-8")
    return analyze(path, block_bytes=block_bytes)


def plain(traffic: list[Printed]) -> list[Printed]:
    """Without tracebacks, so that a record is a line."""
    return [replace(record, message=record.message.split("\n")[0]) for record in traffic]


def interleaved(*logs: str) -> str:
    return "".join(
        "".join(f"{line}\n" for line in lines) for lines in zip(*(log.splitlines() for log in logs), strict=True)
    )


@pytest.mark.parametrize("layouts", [("document", "document"), ("document", "echo_pool"), ("echo_pool", "document")])
def test_every_record_twice(layouts: tuple[str, str], traffic: list[Printed], tmp_path: Path) -> None:
    once = [printed(plain(traffic), layout) for layout in layouts]
    expected = report(tmp_path / "once.log", once[0])
    actual = report(tmp_path / "twice.log", interleaved(*once))
    assert expected.totals == actual.totals
    assert expected.timeouts == actual.timeouts
    assert expected.sources[0].pool_lines == actual.sources[0].pool_lines
    finding = next(finding for finding in actual.findings if finding.code == "duplicate_records")
    assert len(finding.evidence) == 5
    assert [one.code for one in expected.violations] == [one.code for one in actual.violations]


def test_progress_never_goes_back(traffic: list[Printed], tmp_path: Path) -> None:
    log = tmp_path / "twice.log"
    once = printed(plain(traffic), "document") * 40
    log.write_text(interleaved(once, once), "utf-8")
    told: list[tuple[int, int, float | None]] = []
    found = analyze(log, block_bytes=1 << 15, progress=lambda *figures: told.append(figures))
    assert [finding.code for finding in found.findings if finding.code == "duplicate_records"]
    assert sorted(told) == told
    assert told[-1][1] == len(logpool.read_events(log)) + sum(
        finding.count for finding in found.findings if finding.code == "duplicate_records"
    )


@pytest.mark.parametrize("order", ["JSON first", "text first"])
def test_text_beside_json_keeps_the_one_that_tells_more(
    order: str,
    traffic: list[Printed],
    tmp_path: Path,
) -> None:
    structured = printed(plain(traffic), "JSON, python-json-logger")
    text = printed(plain(traffic), "uvicorn")
    expected = report(tmp_path / "once.log", structured)
    actual = report(
        tmp_path / "twice.log", interleaved(*((structured, text) if order == "JSON first" else (text, structured)))
    )
    assert expected.totals == actual.totals


def test_a_log_that_is_not_doubled_is_left_alone(traffic: list[Printed], tmp_path: Path) -> None:
    actual = report(tmp_path / "once.log", printed(traffic))
    assert "duplicate_records" not in {finding.code for finding in actual.findings}


def test_users_of_one_connection_are_no_doubles(tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000010>"
    said = ["checked out from pool", "being returned to pool", "rollback-on-return"]
    lines = [f"DEBUG:sqlalchemy.pool.impl.StaticPool:Created new connection {connection}"]
    twice = [said[0], said[0], said[1], said[1], said[2], said[2]] * 20
    lines += [f"DEBUG:sqlalchemy.pool.impl.StaticPool:Connection {connection} {what}" for what in twice]
    assert report(tmp_path / "shared.log", "\n".join(lines)).totals.checkouts == 40


def test_timeouts_one_after_the_other_are_no_doubles(tmp_path: Path) -> None:
    connection = "<sqlite3.Connection object at 0x7f0000000010>"
    lines = [f"DEBUG:sqlalchemy.pool.impl.QueuePool:Created new connection {connection}"]
    text = "QueuePool limit of size 1 overflow 0 reached, connection timed out, timeout 0.10"
    lines += [f"ERROR:app:{text}"] * 50
    assert report(tmp_path / "timeouts.log", "\n".join(lines)).timeouts == 50


def test_one_doubled_record_is_a_violation(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "samples" / "document-queuepool.log"
    lines = sample.read_text(encoding="utf-8").splitlines()
    twice = [*lines[:6], lines[5], *lines[6:]]
    actual = report(tmp_path / "odd.log", "\n".join(twice))
    assert [violation.code for violation in actual.violations] == ["checked_out_twice"]
    assert actual.violations[0].line == 7


@settings(max_examples=6)
@given(size=st.integers(500, 20_000))
def test_any_block_size_gives_the_same(
    size: int, traffic: list[Printed], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("doubled") / "twice.log"
    once = printed(plain(traffic))
    text = interleaved(once, once)
    assert report(path, text) == report(path, text, size)
