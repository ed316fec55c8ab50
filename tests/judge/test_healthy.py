"""Healthy logs alarm nobody: no warning, no error, whatever the layout; and troubled ones do, however they are cut."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import logpool
from logpool.judge.thresholds import Thresholds
from traffic import BASIC, ECHO, THREADS, Traffic, written

if TYPE_CHECKING:
    from pathlib import Path

    from logpool.report.model import Finding, Report

HOUR = 3600.0


def analyzed(tmp_path: Path, text: str, **options: object) -> Report:
    log = tmp_path / "input.log"
    log.write_text(text, "utf-8")
    return logpool.analyze(log, **options)  # type: ignore[arg-type]


def alarms(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity != "info"]


@pytest.mark.parametrize("layout", [THREADS, ECHO, BASIC])
def test_an_hour_of_four_workers_well_below_capacity(layout: str, tmp_path: Path) -> None:
    text = written(1, *[Traffic(rate=2, hold=0.05, length=HOUR, layout=layout)] * (3 if layout == THREADS else 1))
    assert alarms(analyzed(tmp_path, text)) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(rate=0.5, hold=0.01),
        Traffic(rate=30, hold=0.05, threads=8),
        Traffic(rate=100, hold=0.05),
        Traffic(rate=2, hold=2.0),
        Traffic(rate=20, hold=0.05, pool="NullPool"),
        Traffic(rate=20, hold=0.5, pool="NullPool"),
        Traffic(rate=60, hold=0.05, layout=ECHO),
        Traffic(rate=60, hold=0.05, layout=BASIC),
    ],
    ids=lambda traffic: f"{traffic.rate:g}x{traffic.hold:g}-{traffic.pool}-{len(traffic.layout)}",
)
def test_minutes_of_traffic(traffic: Traffic, seed: int, tmp_path: Path) -> None:
    assert alarms(analyzed(tmp_path, written(seed, traffic))) == []
    # cut short anywhere as well
    assert alarms(analyzed(tmp_path, written(seed, replace(traffic, length=17.0 + seed)))) == []


@pytest.mark.parametrize("threads", [2, 5, 15])
def test_as_many_workers_as_connections(threads: int, tmp_path: Path) -> None:
    # each takes a connection, always; none ever waits for one
    busy = Traffic(rate=1000, hold=0.05, threads=threads)
    assert [one.code for one in analyzed(tmp_path, written(2, busy)).findings] in ([], ["left_out_at_end"])


def test_more_workers_than_connections(tmp_path: Path) -> None:
    busy = Traffic(rate=1000, hold=0.05, size=3, overflow=1, threads=9, length=20)
    report = analyzed(tmp_path, written(3, busy))
    (finding,) = alarms(report)
    assert (finding.code, finding.severity, finding.pool) == (
        "pool_exhausted",
        "warning",
        "sqlalchemy.pool.impl.QueuePool",
    )
    assert finding.message.startswith("4 connections were in use, and never more, for 9")
    assert finding.first_time is not None
    assert finding.last_time is not None
    assert finding.evidence
    # where the log shows no threads, it cannot tell waiting callers from as many workers
    (unsure,) = (
        one
        for one in analyzed(tmp_path, written(3, replace(busy, layout=ECHO))).findings
        if one.code == "pool_exhausted"
    )
    assert unsure.severity == "info"


def test_one_hour_with_some_minutes_at_the_limit(tmp_path: Path) -> None:
    calm = Traffic(rate=5, hold=0.02, length=HOUR / 4, size=3, overflow=1)
    rush = replace(calm, rate=400, length=40)
    report = analyzed(tmp_path, written(4, calm, rush))
    (finding,) = alarms(report)
    assert (finding.code, finding.severity) == ("pool_exhausted", "warning")
    assert report.pools[0].processes == 2


def test_each_process_has_its_own_limit(tmp_path: Path) -> None:
    # together they stand at eight all the time, but each is well off
    assert alarms(analyzed(tmp_path, written(5, *[Traffic(rate=20, hold=0.05, threads=4)] * 4))) == []


@pytest.mark.parametrize("layout", [THREADS, ECHO])
def test_a_leak(layout: str, tmp_path: Path) -> None:
    leaking = Traffic(rate=5, hold=0.02, length=HOUR, leaks=0.0004, overflow=30, layout=layout)
    report = analyzed(tmp_path, written(6, leaking))
    (leak,) = alarms(report)
    count = report.pools[0].checked_out_at_end
    assert (leak.code, leak.severity) == ("connection_leak", "error")
    assert 0 <= count - leak.count <= 2
    assert " an hour" in leak.message
    assert len(leak.evidence) == min(5, leak.count)


def test_a_leak_without_times(tmp_path: Path) -> None:
    leaking = Traffic(rate=5, hold=0.02, length=HOUR / 4, leaks=0.002, overflow=30, layout=BASIC)
    assert [(one.code, one.severity) for one in alarms(analyzed(tmp_path, written(6, leaking)))] == [
        ("left_out_at_end", "warning")
    ]


def with_one_kept(lines: list[str], place: int) -> str:
    """A log in which a connection is made and checked out behind some line, and never returned."""
    head = lines[place - 1].partition("Connection")[0].partition("Created")[0]
    kept = "<sqlite3.Connection object at 0x7f00000099>"
    added = [f"{head}Created new connection {kept}", f"{head}Connection {kept} checked out from pool"]
    return "\n".join([*lines[:place], *added, *lines[place:], ""])


def test_a_single_leak_may_be_meant(tmp_path: Path) -> None:
    lines = written(1, Traffic(rate=2, hold=0.02, length=HOUR / 6)).splitlines()
    (leak,) = alarms(analyzed(tmp_path, with_one_kept(lines, 9)))
    assert (leak.code, leak.severity, leak.count) == ("connection_leak", "warning", 1)
    assert [place.line for place in leak.evidence] == [11]
    # at first it is only in use; and then odd, but no leak yet
    lately = analyzed(tmp_path, with_one_kept(lines, len(lines) - 3))
    assert [one.severity for one in lately.findings if one.code == "left_out_at_end"] == ["info"]
    odd = analyzed(tmp_path, with_one_kept(lines, len(lines) - 400))
    assert [(one.code, one.severity) for one in alarms(odd)] == [("left_out_at_end", "warning")]


def test_a_process_that_ends_leaks_nothing(tmp_path: Path) -> None:
    # day after day in one log, without a process id: what each run had in use when it was killed
    runs = "".join(
        written(day, Traffic(rate=20, hold=0.4, length=20, layout=ECHO))
        .replace("2026-03-04", f"2026-03-{day + 10}")
        .replace("0x7f00", f"0x7f{day:02}")
        for day in range(9)
    )
    report = analyzed(tmp_path, runs)
    assert report.pools[0].checked_out_at_end > 20
    assert alarms(report) == []


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(rate=1000, hold=0.05, size=3, overflow=1, threads=9, length=4),
        Traffic(rate=30, hold=0.02, length=20, leaks=0.01, overflow=30),
        Traffic(rate=60, hold=0.1, threads=12, size=4, overflow=3, length=6),
    ],
    ids=lambda traffic: f"{traffic.rate:g}x{traffic.hold:g}-{traffic.pool}-{len(traffic.layout)}",
)
def test_findings_never_depend_on_batches(traffic: Traffic, tmp_path: Path) -> None:
    text = written(7, traffic, replace(traffic, rate=traffic.rate / 10))
    settings = ["leak_seconds=1", "held_too_long=0.2", "plateau_seconds=0.5", "plateau_share=0.01"]
    thresholds = Thresholds.of(settings)
    whole = analyzed(tmp_path, text, thresholds=thresholds)
    assert whole.findings
    for size in (7_777, 1 << 16):
        assert analyzed(tmp_path, text, thresholds=thresholds, block_bytes=size) == whole
