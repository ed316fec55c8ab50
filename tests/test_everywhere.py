"""The same traffic in every layout, every wrapper and every driver's text gives the same numbers."""

from dataclasses import replace
from pathlib import Path

import pytest

from logpool import Report, analyze
from logpool.report.model import Durations, Pool
from oracle import Scenario
from oracle import run as drive
from printing import DRIVERS, LAYOUTS, WRAPPERS, Printed, printed, records

SECONDS_ONLY = ("ISO with zone", "gunicorn", "day first")


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> list[Printed]:
    scenario = Scenario(pools=("QueuePool",), pre_ping=True, steps=60)
    text, _ = drive(12, scenario, tmp_path_factory.mktemp("traffic"))
    return records(text.replace("oracle.Connection", "sqlite3.Connection"))


def report(path: Path, text: str) -> Report:
    path.write_text(text, encoding="utf-8")
    return analyze(path)


def counts(totals: Pool) -> Pool:
    """All figures but the times, and what the layout shows of names."""
    durations = {"hold_seconds": Durations(), "life_seconds": Durations(), "little": None}
    return replace(totals, **durations, driver=None, processes=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_in_every_wrapper(layout: str, traffic: list[Printed], tmp_path: Path) -> None:
    expected = report(tmp_path / "plain.log", printed(traffic))
    for wrapper in WRAPPERS:
        actual = report(tmp_path / "other.log", printed(traffic, layout, wrapper))
        told = actual.totals
        if actual.pools[0].pool_class == "unknown":
            # whether a pool closes what comes back because it is full, or always, its class tells
            told = replace(told, closes=replace(told.closes, overflow=told.closes.unknown, unknown=0))
        assert (wrapper, counts(expected.totals)) == (wrapper, counts(told))
        assert (wrapper, expected.timeouts) == (wrapper, actual.timeouts)
        assert actual.sources[0].unrecognised_lines == 0


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver(driver: str, traffic: list[Printed], tmp_path: Path) -> None:
    expected = report(tmp_path / "plain.log", printed(traffic))
    actual = report(tmp_path / "other.log", printed(traffic, driver=driver))
    assert counts(expected.totals) == counts(actual.totals)
    assert expected.totals.hold_seconds == actual.totals.hold_seconds


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in SECONDS_ONLY])
def test_times_are_the_same_where_a_layout_has_them(layout: str, traffic: list[Printed], tmp_path: Path) -> None:
    expected = report(tmp_path / "plain.log", printed(traffic)).totals.hold_seconds
    actual = report(tmp_path / "other.log", printed(traffic, layout)).totals.hold_seconds
    assert actual in (expected, Durations())
    assert (actual == Durations()) == (layout in {"basicConfig", "Alembic", "uvicorn", "pytest", "none"})


def test_several_layouts_in_one_file(traffic: list[Printed], tmp_path: Path) -> None:
    expected = report(tmp_path / "plain.log", printed(traffic))
    third = len(traffic) // 3
    parts = (traffic[:third], traffic[third : 2 * third], traffic[2 * third :])
    layouts = ("document", "JSON, python-json-logger", "echo_pool")
    text = "".join(printed(part, layout) for part, layout in zip(parts, layouts, strict=True))
    # JSON shows process and thread, the others do not: there they would be others
    text = text.replace(', "process": 4242, "threadName": "Thread-1"', "")
    actual = report(tmp_path / "other.log", text)
    assert counts(expected.totals) == counts(actual.totals)
    assert expected.totals.hold_seconds == actual.totals.hold_seconds
