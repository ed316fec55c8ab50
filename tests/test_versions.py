"""Logs that SQLAlchemy 1.3, 1.4, 2.0 and 2.1 wrote, with the truth counted while they wrote them.

``tests/versions/write.py`` wrote them; the rest prints them anew, in other layouts and wrappers.
"""

import json
import random
from pathlib import Path

import pytest

from logpool import Report, analyze
from oracle import figures
from printing import DRIVERS, LAYOUTS, WRAPPERS, printed, records

LOGS = sorted((Path(__file__).parent / "versions").glob("*.log"))
# what a log without times, or without a pool's name, cannot show
POOL = "StaticPool"
UNTOLD = ("hold_seconds.count", "life_seconds.count", "closes.overflow", "closes.nullpool", "closes.unknown")


def said(report: Report) -> dict[str, object]:
    pools = {pool.logger or "": figures(pool) for pool in report.pools}
    return {"figures": {**pools, "all": figures(report.totals)}, "timeouts": report.timeouts}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_the_analysis_equals_the_truth(log: Path) -> None:
    assert json.loads(log.with_suffix(".json").read_text(encoding="utf-8")) == said(analyze(log))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_printed_otherwise_it_says_the_same(log: Path, tmp_path: Path) -> None:
    expected = json.loads(log.with_suffix(".json").read_text(encoding="utf-8"))["figures"]["all"]
    traffic = records(log.read_text(encoding="utf-8").replace("oracle.Connection", "sqlite3.Connection"))
    chance = random.Random(log.stem)  # noqa: S311 - which layouts, no secret
    # without the pool's name nobody knows that its connection is shared
    layouts = [name for name in LAYOUTS if "static" not in log.stem or POOL in printed(traffic[:1], name)]
    for _ in range(6):
        layout, wrapper, driver = (chance.choice(list(names)) for names in (layouts, WRAPPERS, DRIVERS))
        other = tmp_path / "other.log"
        other.write_text(printed(traffic, layout, wrapper, driver), encoding="utf-8")
        actual = figures(analyze(other).totals)
        told = {name: number for name, number in expected.items() if name not in UNTOLD}
        assert (layout, wrapper, driver, told) == (layout, wrapper, driver, {name: actual[name] for name in told})


def test_every_version_is_there() -> None:
    assert {log.name.split("-")[0].rpartition(".")[0] for log in LOGS} == {"1.3", "1.4", "2.0", "2.1"}
