"""Two reports side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import logpool
from logpool.judge.comparison import compare
from logpool.report.model import Durations, Report, Side, Timings

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def queue() -> Report:
    return logpool.analyze(SAMPLES / "document-queuepool.log")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def null() -> Report:
    return logpool.analyze(SAMPLES / "document-nullpool.log")  # type: ignore[no-any-return]


def test_sides_say_what_was_compared(queue: Report, null: Report) -> None:
    comparison = compare(queue, null)
    assert (str(SAMPLES / "document-queuepool.log"),) == comparison.baseline.paths
    assert ("QueuePool",) == comparison.baseline.pool_classes
    assert ("sqlalchemy.pool.impl.NullPool",) == comparison.other.pools
    assert (10, 10) == (comparison.baseline.queries, comparison.other.queries)


def test_ratios_are_other_over_baseline(queue: Report, null: Report) -> None:
    forth, back = compare(queue, null).ratios, compare(null, queue).ratios
    assert 0.02892 / 0.01868 == pytest.approx(forth["mean_seconds"])
    assert 0.01868 / 0.02892 == pytest.approx(back["mean_seconds"])
    assert (10.0, 0.1) == (forth["created"], back["created"])
    assert (10.0, 0.1) == (forth["created_per_checkout"], back["created_per_checkout"])
    assert 11.4 / 8.5 == pytest.approx(forth["hold_mean"])
    assert 0.0 == forth["reuse_ratio"]


def test_with_itself_all_ratios_are_one(queue: Report) -> None:
    ratios = compare(queue, queue).ratios
    assert {1.0} == {ratio for ratio in ratios.values() if ratio is not None}
    # nothing was closed, and nobody timed out
    assert {"closed", "timeouts"} == {name for name, ratio in ratios.items() if ratio is None}


def test_every_figure_has_a_ratio(queue: Report, null: Report) -> None:
    assert Side.FIGURES == tuple(compare(queue, null).ratios)


def test_no_ratio_where_a_side_is_missing(queue: Report) -> None:
    bare = replace(queue, timings=None, totals=replace(queue.totals, hold_seconds=Durations(), checkouts=0))
    for ratios in (compare(queue, bare).ratios, compare(bare, queue).ratios):
        missing = {"mean_seconds", "first_seconds", "mean_after_first_seconds", "hold_mean", "hold_max"}
        assert {None} == {ratios[name] for name in missing | {"created_per_checkout"}}
    assert compare(queue, bare).other.created_per_checkout is None


def test_no_ratio_over_nothing(queue: Report) -> None:
    still = replace(queue, timings=Timings(1, 0.0, 0.0, None))
    assert compare(still, queue).ratios["mean_seconds"] is None
    assert 0.0 == compare(queue, still).ratios["mean_seconds"]


def test_json(queue: Report, null: Report) -> None:
    told = compare(queue, null).to_dict()
    assert ["schema_version", "baseline", "other", "ratios"] == list(told)
    assert {*Side.FIGURES, "paths", "pools", "pool_classes", "queries"} == set(told["baseline"])
    assert 10 == told["other"]["created"]
