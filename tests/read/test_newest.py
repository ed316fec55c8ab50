"""Logs that stand newest first."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool import Report, analyze
from logpool.read.newest import is_newest_first
from logpool.report.text import render
from oracle import Scenario
from oracle import run as drive

CLOCK = "2024-01-01 12:00:{:02},000 - sqlalchemy.pool.impl.QueuePool - DEBUG - Pool recreating".format


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    scenario = Scenario(pools=("QueuePool", "NullPool"), pre_ping=True, steps=40)
    text, _ = drive(7, scenario, tmp_path_factory.mktemp("traffic"))
    return text.splitlines()


def report(path: Path, lines: list[str], block_bytes: int = 1 << 20) -> Report:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return analyze(path, block_bytes=block_bytes)


def figures(found: Report) -> tuple[object, ...]:
    """All but where it stands."""
    findings = [(one.code, one.pool, one.count, one.message, one.first_time, one.last_time) for one in found.findings]
    (source,) = found.sources
    pools = [replace(pool, settings=None) for pool in found.pools]
    return pools, found.totals, found.timeline, findings, source.first_time, source.last_time


@pytest.mark.parametrize("block_bytes", [2000, 1 << 20])
@pytest.mark.parametrize(
    "layout",
    [
        lambda line: line,
        lambda line: line[11:],
        lambda line: json.dumps({"timestamp": line[:23], "message": line[26:]}),
        lambda line: f"May 16 12:53:20 web[1]: {line}",
    ],
)
def test_nothing_changes_but_the_order(
    layout: Callable[[str], str], block_bytes: int, traffic: list[str], tmp_path: Path
) -> None:
    # what goes on with a record would stand before it
    lines = list(map(layout, (line for line in traffic if " - " in line)))
    expected = report(tmp_path / "app.log", lines)
    found = report(tmp_path / "app.log", lines[::-1], block_bytes)
    assert expected.totals.hold_seconds.count > 0
    assert figures(found) == figures(expected)
    assert (expected.sources[0].newest_first, found.sources[0].newest_first) == (False, True)
    assert "\n  newest first: read from its end\n" in render(found)
    assert "newest first" not in render(expected)


def test_logs_beside_others(traffic: list[str], tmp_path: Path) -> None:
    lines = [line for line in traffic if " - " in line]
    report(tmp_path / "one.log", lines)
    report(tmp_path / "two.log", lines)
    expected = analyze([tmp_path / "one.log", tmp_path / "two.log"])
    report(tmp_path / "two.log", lines[::-1])
    found = analyze([tmp_path / "one.log", tmp_path / "two.log"])
    assert (found.pools, found.totals) == (expected.pools, expected.totals)


def test_hours_without_days(tmp_path: Path) -> None:
    taken = "{:02}:30:00,500 DEBUG sqlalchemy.pool.impl.QueuePool Connection <a.B object at 0x7f01> {}"
    said = ["checked out from pool", "being returned to pool"] * 6
    uses = [taken.format(hour, what) for hour, what in enumerate(said)]
    expected = report(tmp_path / "app.log", uses)
    found = report(tmp_path / "app.log", uses[::-1])
    # the messages name lines
    assert (found.totals, found.timeline) == (expected.totals, expected.timeline)
    times = [(one.sources[0].first_time, one.sources[0].last_time) for one in (found, expected)]
    assert times == [("1970-01-01T00:30:00.500", "1970-01-01T11:30:00.500")] * 2


def test_what_counts_back_from_the_end(tmp_path: Path) -> None:
    taken = "2024-01-01 12:00:{:02},000 - sqlalchemy.pool.impl.QueuePool - DEBUG - Connection <a.B object at 0x7f01> {}"
    said = ["checked out from pool", "being returned to pool"] * 9
    uses = [taken.format(second, what) for second, what in enumerate(said)]
    report(tmp_path / "app.log", uses[::-1])
    assert analyze(tmp_path / "app.log", since="3s").totals.checkouts == 2


@given(st.lists(st.integers(0, 59), max_size=40))
def test_only_times_that_go_back(seconds: list[int]) -> None:
    assert is_newest_first(map(CLOCK, sorted(seconds, reverse=True))) == (len(set(seconds)) > 3)
    assert not is_newest_first(map(CLOCK, sorted(seconds)))
    assert not is_newest_first(["no time"] * len(seconds))


def test_some_may_go_forth() -> None:
    assert is_newest_first(map(CLOCK, [40, 38, 39, 30, 29, 20, 10]))
    assert not is_newest_first(map(CLOCK, [40, 38, 39, 30, 31, 20, 10]))
    # a clock that is put back
    assert not is_newest_first(map(CLOCK, [40, 41, 42, 30, 20, 10]))
