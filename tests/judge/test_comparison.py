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
    return logpool.analyze(SAMPLES / "document-queuepool.log")


@pytest.fixture(scope="module")
def null() -> Report:
    return logpool.analyze(SAMPLES / "document-nullpool.log")


def test_sides_say_what_was_compared(queue: Report, null: Report) -> None:
    comparison = compare(queue, null)
    assert (str(SAMPLES / "document-queuepool.log"),) == comparison.baseline.paths
    assert comparison.baseline.pool_classes == ("QueuePool",)
    assert comparison.other.pools == ("sqlalchemy.pool.impl.NullPool",)
    assert (comparison.baseline.queries, comparison.other.queries) == (10, 10)


def test_ratios_are_other_over_baseline(queue: Report, null: Report) -> None:
    forth, back = compare(queue, null).ratios, compare(null, queue).ratios
    assert pytest.approx(forth["mean_seconds"]) == 0.02892 / 0.01868
    assert pytest.approx(back["mean_seconds"]) == 0.01868 / 0.02892
    assert (forth["created"], back["created"]) == (10.0, 0.1)
    assert (forth["created_per_checkout"], back["created_per_checkout"]) == (10.0, 0.1)
    assert pytest.approx(forth["hold_mean"]) == 11.4 / 8.5
    assert forth["reuse_ratio"] == 0.0


def test_with_itself_all_ratios_are_one(queue: Report) -> None:
    ratios = compare(queue, queue).ratios
    assert {1.0} == {ratio for ratio in ratios.values() if ratio is not None}
    # nothing was closed, and nobody timed out
    assert {"closed", "timeouts"} == {name for name, ratio in ratios.items() if ratio is None}


def test_every_figure_has_a_ratio(queue: Report, null: Report) -> None:
    assert tuple(compare(queue, null).ratios) == Side.FIGURES


def test_no_ratio_where_a_side_is_missing(queue: Report) -> None:
    bare = replace(queue, timings=None, totals=replace(queue.totals, hold_seconds=Durations(), checkouts=0))
    for ratios in (compare(queue, bare).ratios, compare(bare, queue).ratios):
        missing = {"mean_seconds", "first_seconds", "mean_after_first_seconds", "hold_mean", "hold_max"}
        assert {None} == {ratios[name] for name in missing | {"created_per_checkout"}}
    assert compare(queue, bare).other.created_per_checkout is None


def test_no_ratio_over_nothing(queue: Report) -> None:
    still = replace(queue, timings=Timings(1, 0.0, 0.0, None))
    assert compare(still, queue).ratios["mean_seconds"] is None
    assert compare(queue, still).ratios["mean_seconds"] == 0.0


def test_json(queue: Report, null: Report) -> None:
    told = compare(queue, null).to_dict()
    assert list(told) == ["schema_version", "baseline", "other", "ratios"]
    assert {*Side.FIGURES, "paths", "pools", "pool_classes", "queries"} == set(told["baseline"])
    assert told["other"]["created"] == 10
