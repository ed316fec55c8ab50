"""Two logs side by side: every figure of both, the findings that came and went, and whether hold times changed."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from logpool.judge.gate import SEVERITIES
from logpool.judge.ranks import clusters, hold_test
from logpool.judge.thresholds import Thresholds
from logpool.judge.worse import judged, reasons
from logpool.report.comparison import Comparison, Figure, FindingChange, FindingChanges, PoolChange, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.report.model import Finding, Pool, Report

    # the loggers of one pool in both logs
    Pairs = list[tuple[str, str]]

# of a pool: what is no figure
_NAMES = ("logger", "pool_class", "logging_name", "driver", "info_only", "balanced")


def compare(baseline: Report, other: Report, thresholds: Thresholds | None = None) -> Comparison:
    """Every figure of both, other / baseline for each, and in what the other log is worse."""
    limits = thresholds or Thresholds()
    left, right = _side(baseline), _side(other)
    pairs = _pairs(list(baseline.pools), list(other.pools))
    alone = [
        tuple(pool for pool in side.pools if pool not in known)
        for side, known in zip((left, right), ({one for one, _ in pairs}, {two for _, two in pairs}), strict=True)
    ]
    # with each pool, chance has one more try
    tests = len(pairs) or 1
    comparison = Comparison(
        left,
        right,
        {name: _ratio(getattr(left, name), getattr(right, name)) for name in Side.FIGURES},
        totals=_pool_change(baseline, other, limits, tests),
        pools=tuple(_pool_change(baseline, other, limits, tests, pair) for pair in pairs),
        baseline_only=alone[0],
        other_only=alone[1],
        findings=_finding_changes(baseline, other, pairs),
    )
    return replace(comparison, worse=tuple(reasons(comparison, limits)))


def _side(report: Report) -> Side:
    totals, timings = report.totals, report.timings
    hold = totals.hold_seconds
    return Side(
        paths=tuple(source.path for source in report.sources),
        pools=tuple(pool.logger for pool in report.pools if pool.logger),
        pool_classes=tuple(pool.pool_class for pool in report.pool_classes if pool.pool_class),
        queries=timings.count if timings else None,
        mean_seconds=timings.mean_seconds if timings else None,
        first_seconds=timings.first_seconds if timings else None,
        mean_after_first_seconds=timings.mean_after_first_seconds if timings else None,
        checkouts=totals.checkouts,
        created=totals.created,
        closed=totals.closed,
        created_per_checkout=totals.created / totals.checkouts if totals.checkouts else None,
        reuse_ratio=totals.reuse_ratio,
        hold_mean=hold.mean,
        hold_p50=hold.p50,
        hold_p95=hold.p95,
        hold_p99=hold.p99,
        hold_max=hold.max,
        peak_open=totals.peak_open,
        peak_checked_out=totals.peak_checked_out,
        timeouts=report.timeouts,
    )


def _ratio(baseline: float | None, other: float | None) -> float | None:
    """Other / baseline; None where a side is missing, or the baseline is nothing."""
    return other / baseline if baseline and other is not None else None


def _pairs(baseline: list[Pool], other: list[Pool]) -> Pairs:
    """Which pools are the same: those of one logger, else the only ones of a class, else the only ones of their logs.

    In the order of the baseline.
    """
    loggers = {pool.logger for pool in other}
    found = {pool.logger or "": pool.logger or "" for pool in baseline if pool.logger in loggers}
    left = [pool for pool in baseline if pool.logger not in found]
    right = [pool for pool in other if pool.logger not in found.values()]
    for pool in left:
        alike = [[one for one in side if one.pool_class == pool.pool_class] for side in (left, right)]
        if [len(side) for side in alike] == [1, 1]:
            found[pool.logger or ""] = alike[1][0].logger or ""
    if len(baseline) == len(other) == 1:
        found[baseline[0].logger or ""] = other[0].logger or ""
    return [(pool.logger or "", found[pool.logger or ""]) for pool in baseline if pool.logger in found]


def _pool_change(
    baseline: Report, other: Report, limits: Thresholds, tests: int, pair: tuple[str, str] | None = None
) -> PoolChange:
    """How a pool changed, or all pools together."""
    sides, held = [], []
    for report, logger in zip((baseline, other), pair or (None, None), strict=True):
        pool = next((pool for pool in report.pools if pool.logger == logger), report.totals)
        figures = dict(_figures(asdict(pool)))
        if logger is None:
            figures["timeouts"] = report.timeouts
        sides.append(figures)
        held.append((pool, clusters(*(counts for counts in report.holds if logger in {None, counts.pool}))))
    (left, one), (right, two) = held
    names = dict.fromkeys([*sides[0], *sides[1]])
    test = hold_test(one, two)
    if test is not None:
        test = judged(test, left.hold_seconds, right.hold_seconds, limits, tests)
    changes = {name: _figure(sides[0].get(name), sides[1].get(name)) for name in names}
    return PoolChange(pair[0] if pair else None, pair[1] if pair else None, changes, test)


def _figures(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, float | str | None]]:
    """The figures of a pool; of a setting its value alone."""
    for name, value in values.items():
        if before == "settings.":
            yield f"{before}{name}", value["value"]
        elif isinstance(value, dict):
            yield from _figures(value, f"{before}{name}.")
        elif name not in _NAMES and (value is None or isinstance(value, (int, float))):
            yield f"{before}{name}", value


def _figure(baseline: float | str | None, other: float | str | None) -> Figure:
    # yes and no are numbers to Python
    if any(isinstance(value, (bool, str, type(None))) for value in (baseline, other)):
        return Figure(baseline, other, None, None)
    return Figure(baseline, other, other - baseline, _ratio(baseline, other))  # type: ignore[operator,arg-type]


def _finding_changes(baseline: Report, other: Report, pairs: Pairs) -> FindingChanges:
    """What came, went and changed, a kind on one pool at a time."""
    forth = dict(pairs)
    left = _by_kind(baseline, forth)
    right = _by_kind(other, {})
    appeared, gone, changed = [], [], []
    for key in dict.fromkeys([*right, *left]):
        one, two = left.get(key, []), right.get(key, [])
        worst = (two or one)[0]
        change = FindingChange(
            worst.code,
            worst.pool,
            one[0].severity if one else None,
            two[0].severity if two else None,
            sum(finding.count for finding in one),
            sum(finding.count for finding in two),
            worst.message,
            worst.evidence,
        )
        if not one:
            appeared.append(change)
        elif not two:
            gone.append(change)
        elif (change.baseline_severity, change.baseline_count) != (change.other_severity, change.other_count):
            changed.append(change)
    return FindingChanges(tuple(appeared), tuple(gone), tuple(changed))


def _by_kind(report: Report, renamed: dict[str, str]) -> dict[tuple[str, str | None], list[Finding]]:
    """Findings by code and pool, the worst of each first; pools under the names that they have in the other log."""
    found: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in sorted(report.findings, key=lambda finding: SEVERITIES.index(finding.severity)):
        pool = finding.pool and renamed.get(finding.pool, finding.pool)
        found.setdefault((finding.code, pool), []).append(finding)
    return found
