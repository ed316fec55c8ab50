"""What is promised of the document's two logs, to the digit, written out by hand."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import logpool
from logpool.judge.comparison import compare

if TYPE_CHECKING:
    from logpool.report.model import Finding, Report

SAMPLES = Path(__file__).parents[1] / "samples"


@cache
def analyzed(name: str) -> Report:
    return logpool.analyze(SAMPLES / f"document-{name}.log")


@pytest.mark.parametrize(("name", "created", "closed", "addresses"), [("queuepool", 1, 0, 1), ("nullpool", 10, 10, 3)])
def test_connections(name: str, created: int, closed: int, addresses: int) -> None:
    pool = analyzed(name).pools[0]
    assert (created, closed, addresses) == (pool.created, pool.closed, pool.distinct_addresses)


@pytest.mark.parametrize("name", ["queuepool", "nullpool"])
def test_checkouts(name: str) -> None:
    pool = analyzed(name).pools[0]
    assert (pool.checkouts, pool.returned, pool.resets.already_reset) == (10, 10, 10)
    assert (pool.resets.rollback, pool.resets.commit, pool.resets.none, pool.resets.failed) == (0, 0, 0, 0)


@pytest.mark.parametrize(("name", "fresh", "reused", "ratio"), [("queuepool", 1, 9, 0.9), ("nullpool", 10, 0, 0.0)])
def test_reuse(name: str, fresh: int, reused: int, ratio: float) -> None:
    pool = analyzed(name).pools[0]
    assert (fresh, reused, ratio) == (pool.fresh_checkouts, pool.reused_checkouts, pool.reuse_ratio)
    assert pool.failed_checkouts == 0


@pytest.mark.parametrize(("name", "opened"), [("queuepool", 1), ("nullpool", 0)])
def test_end(name: str, opened: int) -> None:
    pool = analyzed(name).pools[0]
    assert (opened, 0) == (pool.open_at_end, pool.checked_out_at_end)
    assert (pool.peak_open, pool.peak_checked_out) == (1, 1)


@pytest.mark.parametrize(
    ("name", "mean", "first", "after"),
    [("queuepool", 0.01868, 0.1174, 0.00771), ("nullpool", 0.02892, 0.0852, 0.02267)],
)
def test_timings(name: str, mean: float, first: float, after: float) -> None:
    timings = analyzed(name).timings
    assert timings is not None
    assert timings.mean_after_first_seconds is not None
    rounded = [
        round(seconds, 5) for seconds in (timings.mean_seconds, timings.first_seconds, timings.mean_after_first_seconds)
    ]
    assert (10, [mean, first, after]) == (timings.count, rounded)


@pytest.mark.parametrize("name", ["queuepool", "nullpool"])
def test_sequence(name: str) -> None:
    report = analyzed(name)
    assert (report.pools[0].sequence.complete, report.pools[0].sequence.violations) == (10, 0)
    findings: tuple[Finding, ...] = ()
    assert findings == report.findings


@pytest.mark.parametrize(
    ("name", "lines", "pool_lines", "other_lines"), [("queuepool", 43, 31, 12), ("nullpool", 62, 50, 12)]
)
def test_source(name: str, lines: int, pool_lines: int, other_lines: int) -> None:
    (source,) = analyzed(name).sources
    assert (lines, pool_lines, other_lines, 0) == (
        source.lines,
        source.pool_lines,
        source.other_lines,
        source.unrecognised_lines,
    )


def test_hold_times() -> None:
    # the queue's, read off the log: 16, 9, 8, 7, 7, 6, 7, 9, 8, 8 ms
    hold = analyzed("queuepool").pools[0].hold_seconds
    assert (hold.count, hold.p50, hold.p95, hold.p99, hold.max) == (10, 0.008, 0.016, 0.016, 0.016)
    assert hold.mean is not None
    assert math.isclose(0.0085, hold.mean)


def test_comparison() -> None:
    ratios = compare(analyzed("queuepool"), analyzed("nullpool")).ratios
    mean, after = ratios["mean_seconds"], ratios["mean_after_first_seconds"]
    assert mean is not None
    assert after is not None
    assert (round(mean, 2), round(after, 2)) == (1.55, 2.94)
    assert 1.5 < mean < 2
    assert ratios["created_per_checkout"] == 10


def test_json_has_the_promised_keys() -> None:
    report = analyzed("queuepool").to_dict()
    keys = ["schema_version", "sources", "pools", "pool_classes", "totals", "timings", "timeline", "findings"]
    assert list(report) == keys
    promised = [
        "logger",
        "pool_class",
        "logging_name",
        "processes",
        "created",
        "closed",
        "hard_closed",
        "connect_errors",
        "checkouts",
        "fresh_checkouts",
        "reused_checkouts",
        "failed_checkouts",
        "reuse_ratio",
        "returned",
        "resets",
        "pings",
        "invalidated",
        "soft_invalidated",
        "recycled",
        "reclaimed",
        "dropped",
        "distinct_addresses",
        "open_at_end",
        "checked_out_at_end",
        "peak_open",
        "peak_checked_out",
        "hold_seconds",
        "life_seconds",
        "sequence",
    ]
    assert set(promised) <= set(report["pools"][0])
    assert set(promised) <= set(report["pool_classes"][0])
    assert set(promised) - {"logger", "pool_class", "logging_name"} | {"timeouts"} <= set(report["totals"])
    sources = [
        "path",
        "bytes",
        "lines",
        "layout",
        "first_time",
        "last_time",
        "pool_lines",
        "other_lines",
        "unrecognised_lines",
    ]
    assert set(sources) <= set(report["sources"][0])
    durations = {"count", "mean", "p50", "p95", "p99", "max"}
    assert durations == set(report["pools"][0]["hold_seconds"]) == set(report["pools"][0]["life_seconds"])


def test_a_cut_reset_is_censored() -> None:
    report: Report = logpool.analyze(Path(__file__).parent / "cases" / "right-cut" / "input.log")
    # of three checkouts one is complete, one was returned on the last line, one is still out
    verdict = report.verdict()
    assert (verdict["checkouts"], verdict["complete"], verdict["censored"]) == (3, 1, 2)
