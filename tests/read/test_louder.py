"""What a second handler prints from INFO on counts once; what happened twice counts twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from written import Written, connection

import logpool
from logpool.read.grammar import parse_message
from logpool.report.model import Finding
from logpool.schema import Kind
from oracle import Scenario
from oracle import run as drive
from printing import Printed, printed, records

QUIET = {Kind.CREATED, Kind.CHECKED_OUT, Kind.RETURNED, Kind.RESET, Kind.CLOSING, Kind.PINGED, Kind.PING_FAILED}


def loud(record: Printed) -> bool:
    message = parse_message(record.message)
    return message is not None and message.kind not in {*QUIET, Kind.PING_SKIPPED, Kind.CONNECT_FAILED}


@pytest.fixture(scope="module", params=[3])
def traffic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    """A real pool's, from where it first invalidates or recycles a connection: that shows what is doubled."""
    scenario = Scenario(pools=("QueuePool",), pre_ping=True, steps=200)
    text, _ = drive(request.param, scenario, tmp_path_factory.mktemp("traffic"))
    found = [replace(one, message=one.message.split("\n")[0]) for one in records(text)]
    kinds = [message and message.kind for message in (parse_message(one.message) for one in found)]
    first = min(kinds.index(kind) for kind in (Kind.INVALIDATED, Kind.RECYCLED) if kind in kinds)
    return [one for place, one in enumerate(found) if place >= first or not loud(one)]


def duplicates(report: logpool.Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.code == "duplicate_records"]


@pytest.mark.parametrize("second", ["document", "basicConfig", "echo_pool", "JSON, python-json-logger"])
def test_what_is_printed_again_from_info_on(second: str, traffic: list[Printed], tmp_path: Path) -> None:
    once, again = (printed(traffic, layout).splitlines() for layout in ("document", second))
    both = list(zip(traffic, once, again, strict=True))
    once_log, log = tmp_path / "once.log", tmp_path / "twice.log"
    once_log.write_text("".join(f"{line}\n" for line in once), "utf-8")
    log.write_text("".join(f"{one}\n{other}\n" if loud(record) else f"{one}\n" for record, one, other in both), "utf-8")
    expected, actual = logpool.analyze(once_log), logpool.analyze(log)
    count = sum(map(loud, traffic))
    assert count > 3
    assert not duplicates(expected)
    assert actual.totals == expected.totals
    assert [one.code for one in actual.violations] == [one.code for one in expected.violations]
    assert {one.code for one in actual.findings} - {one.code for one in expected.findings} == {"duplicate_records"}
    (finding,) = duplicates(actual)
    assert finding.count == count
    assert "every record at INFO and above stands twice" in finding.message
    for size in (1000, 10_000):
        assert logpool.analyze(log, block_bytes=size) == actual


def test_what_happens_twice_counts_twice(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", "{time} {logger} {text}")
    for _ in range(20):
        # the next connection has the address of the one before, and all within a moment
        log.add(f"Created new connection {connection(1)}", 0)
        log.add(f"Connection {connection(1)} checked out from pool", 0)
        log.add(f"Invalidate connection {connection(1)}", 0)
        log.add(f"Closing connection {connection(1)}", 0)
    log.add("Pool recreating", 0)
    log.add("Pool recreating", 0)
    assert "duplicate_records" not in log.found()
    assert logpool.analyze(log.log).totals.invalidated == 20


def test_what_other_threads_do_is_no_copy(tmp_path: Path) -> None:
    log = Written(tmp_path / "app.log", "{time} [{process}] {logger}: {text}")
    for process in (11, 12):
        log.add(f"Created new connection {connection(1)}", process=process)
        log.add(f"Connection {connection(1)} checked out from pool", process=process)
    for process in (11, 12):
        log.add(f"Invalidate connection {connection(1)}", 0, process=process)
    assert "duplicate_records" not in log.found()
    assert logpool.analyze(log.log).totals.invalidated == 2
