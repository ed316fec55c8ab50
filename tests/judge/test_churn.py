"""Connections that are made too often, and times that go backwards."""

from __future__ import annotations

import random
import re
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from incidents import TIMELESS, WHOLE, judged, logged, use
from logpool.judge import cells
from logpool.judge.cells import Cells
from logpool.judge.checks.overflow import Spare
from logpool.judge.thresholds import Thresholds
from logpool.native.numbers import Stack

if TYPE_CHECKING:
    from pathlib import Path


def traffic(path: Path, size: int, seed: int, rounds: int = 70) -> int:
    """Checks out up to four connections at once, at random; how many connections were made."""
    chance = random.Random(seed)  # noqa: S311 - traffic, no secret
    engine = sa.create_engine(f"sqlite:///{path}/db", poolclass=sa.QueuePool, pool_size=size, max_overflow=10)
    made: list[object] = []
    sa.event.listen(engine, "connect", lambda *connection: made.append(connection))
    for _ in range(2):
        assert use(engine)
    for _ in range(rounds):
        with ExitStack() as stack:
            for _ in range(chance.choice((1, 1, 2, 3, 4))):
                stack.enter_context(engine.connect())
    engine.dispose()
    return len(made)


@pytest.mark.parametrize("layout", [WHOLE, TIMELESS])
def test_a_pool_that_overflows_all_the_time(tmp_path: Path, layout: str) -> None:
    log = tmp_path / "pool.log"
    with logged(log, layout):
        made = traffic(tmp_path, 1, 1)
    found = judged(log)
    assert set(found) == {"overflow_churn"}
    (churn,) = found["overflow_churn"]
    assert churn.severity == "warning"
    said = re.search(r"larger by (\d+) would have saved (\d+) of these connects", churn.message)
    assert said
    # the same traffic on the larger pool, in fact
    assert made - traffic(tmp_path, 1 + int(said[1]), 1) == int(said[2])
    assert "Closing connection" in log.read_text("utf-8").splitlines()[churn.evidence[0].line - 1]
    assert (churn.first_time is None) == (layout == TIMELESS)
    assert judged(log, thresholds=Thresholds(churn_connections=churn.count + 1)) == {}
    assert judged(log, thresholds=Thresholds(churn_share=2)) == {}


def test_an_overflow_once_is_what_it_is_there_for(tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/db", poolclass=sa.QueuePool, pool_size=2, max_overflow=30)
        for _ in range(300):
            assert use(engine)
        with ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(engine.connect())
        for _ in range(300):
            assert use(engine)
        engine.dispose()
    assert judged(log) == {}


def test_a_pool_that_is_disposed_of_again_and_again_does_not_overflow(tmp_path: Path) -> None:
    log = tmp_path / "pool.log"
    with logged(log):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/db", poolclass=sa.QueuePool, pool_size=5)
        for _ in range(40):
            for _ in range(2):
                with engine.connect(), engine.connect(), engine.connect():
                    pass
            engine.dispose()
    assert set(judged(log)) == {"engine_per_request"}


@given(steps=st.lists(st.booleans(), max_size=200), size=st.integers(1, 4), cut=st.integers(0, 200))
def test_what_a_larger_pool_saves_is_exact(steps: list[bool], size: int, cut: int) -> None:
    """For any traffic and every size: as many fewer connects as the larger pool has, walked through by itself."""

    def connects(of: int) -> tuple[int, list[Stack]]:
        idle = out = made = 0
        told: list[Stack] = []
        for takes in steps:
            if takes:
                made += not idle
                told += [] if idle else [Stack.TAKE]
                idle, out = max(idle - 1, 0), out + 1
            elif out:
                out -= 1
                told += [Stack.PUT] if idle == of else []
                idle = min(idle + 1, of)
        return made, told

    made, told = connects(size)
    spare = Spare()
    for part in (told[:cut], told[cut:]):
        spare.take(pl.Series(part, dtype=pl.UInt8))
    for more in range(1, 8):
        assert sum(spare.saved[one] for one in range(1, more + 1)) == made - connects(size + more)[0]


def nullpool(path: Path, count: int) -> Path:
    log = path / "pool.log"
    with logged(log):
        engine = sa.create_engine(f"sqlite:///{path}/db", poolclass=sa.NullPool)
        for _ in range(count):
            with engine.connect(), engine.connect():
                pass
    return log


def test_a_nullpool_that_is_busy(tmp_path: Path) -> None:
    log = nullpool(tmp_path, 75)
    found = judged(log)
    assert set(found) == {"nullpool_churn"}
    (churn,) = found["nullpool_churn"]
    # 2.5 per second, over a minute
    assert (churn.severity, churn.count) == ("info", 150)
    assert "a QueuePool with a pool_size of 2, the most in use at once, would have saved at least 148" in churn.message
    assert judged(log, thresholds=Thresholds(nullpool_busy=2))["nullpool_churn"][0].severity == "warning"
    assert judged(log, thresholds=Thresholds(nullpool_rate=3)) == {}
    assert judged(log, thresholds=Thresholds(nullpool_connects=151)) == {}


def test_a_nullpool_that_is_not(tmp_path: Path) -> None:
    assert judged(nullpool(tmp_path, 40)) == {}


def later(log: Path, seconds: float, begin: int, step: int = 1) -> None:
    """Moves the time of every so-manieth line from one on."""
    lines = log.read_text("utf-8").splitlines(keepends=True)
    for number in range(begin, len(lines), step):
        moved = datetime.fromisoformat(lines[number][:23].replace(",", ".")) + timedelta(seconds=seconds)
        lines[number] = moved.isoformat(" ", "milliseconds").replace(".", ",") + lines[number][23:]
    log.write_text("".join(lines), "utf-8")


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A log in which nothing happens, of two pools."""
    log = tmp_path / "pool.log"
    with logged(log):
        engines = [sa.create_engine(f"sqlite:///{tmp_path}/db", pool_logging_name=name) for name in ("one", "two")]
        for _ in range(30):
            for engine in engines:
                assert use(engine)
        for engine in engines:
            engine.dispose()
    return log


def test_a_clock_that_is_set_back(quiet: Path) -> None:
    later(quiet, -3600, 100)
    found = judged(quiet)
    assert set(found) == {"clock_steps"}
    assert [(one.severity, one.count) for one in found["clock_steps"]] == [("info", 1)] * 2
    assert "1 time the time goes backwards in a process, by up to 1 h 00 min" in found["clock_steps"][0].message
    assert min(one.evidence[0].line for one in found["clock_steps"]) == 101
    assert judged(quiet, thresholds=Thresholds(clock_step=3601)) == {}


def test_a_clock_that_is_set_forward_is_nothing(quiet: Path) -> None:
    later(quiet, 3600, 100)
    assert judged(quiet) == {}


def test_a_small_disorder_is_nothing(quiet: Path) -> None:
    later(quiet, 0.5, 0, step=7)
    assert judged(quiet) == {}


def test_processes_of_different_clocks_are_nothing(quiet: Path, tmp_path: Path) -> None:
    """Interleaved in one file that names them, or each in a file of its own."""
    here = quiet.read_text("utf-8").splitlines(keepends=True)
    later(quiet, 600, 0)
    there = [re.sub(r" \[\d+\] ", " [77] ", line) for line in quiet.read_text("utf-8").splitlines(keepends=True)]
    mixed, left, right = (tmp_path / name for name in ("mixed.log", "left.log", "right.log"))
    mixed.write_text("".join(line for pair in zip(here, there, strict=True) for line in pair), "utf-8")
    left.write_text("".join(here), "utf-8")
    right.write_text("".join(there), "utf-8")
    assert judged(mixed) == {}
    assert judged(left, right) == {}


@given(times=st.lists(st.integers(0, 10**9), min_size=1, max_size=60), cuts=st.integers(1, 7), most=st.integers(4, 20))
def test_cells_do_not_depend_on_batches(times: list[int], cuts: int, most: int) -> None:
    rows = pl.DataFrame(
        {
            "label": [time % 3 for time in times],
            "time": times,
            "source": 0,
            "line": range(len(times)),
            "idle": [time if time % 2 else None for time in times],
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_MOST_CELLS", most)
        whole, parts = Cells(), Cells()
        whole.add(rows)
        for batch in rows.iter_slices(cuts):
            parts.add(batch)
        assert parts.width == whole.width
        assert parts.of(range(3)).equals(whole.of(range(3)))
        assert whole.of(range(3))["count"].sum() == len(times)
        assert whole.of(range(3)).height <= most
