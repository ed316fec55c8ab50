"""In what one log is worse than another. This is the one place that says what worse means.

1. A finding of severity warning or error appeared, or one became more severe.
2. Connections of a pool are held longer: beyond chance by the rank test, and by ``compare_change`` in mean or median.
3. Something bad happens more often, per checkout: beyond chance, and by ``compare_change``.
4. Connections are reused less: those made beyond the most that were open at once (as many every pool must make once)
   are more per checkout, beyond chance, and by ``compare_change`` of all checkouts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from logpool.judge.gate import is_worse
from logpool.judge.ranks import rate_test
from logpool.words import times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.thresholds import Thresholds
    from logpool.report.comparison import Comparison, HoldTest, PoolChange
    from logpool.report.model import Durations

#: figures of which more is worse, and what they count
TROUBLES = {
    "timeouts": "timeouts",
    "connect_errors": "connect errors",
    "failed_checkouts": "failed checkouts",
    "pings.failed": "failed pings",
    "invalidated": "invalidated connections",
    "reclaimed": "connections reclaimed by the garbage collector",
    "resets.failed": "failed resets",
    "sequence.violations": "violations of the reset sequence",
}


def judged(test: HoldTest, baseline: Durations, other: Durations, limits: Thresholds, tests: int) -> HoldTest:
    """A test with its verdict; where so many tests are made, each must be as many times as sure (Bonferroni)."""
    test = replace(
        test, mean_ratio=_ratio(baseline.mean, other.mean), p50_ratio=_ratio(baseline.p50, other.p50), verdict="same"
    )
    if test.p is None:
        return replace(test, verdict="unknown")
    if test.p >= limits.compare_alpha / tests:
        return test
    if test.probability_longer > 1 / 2 and _longer(baseline, other, limits):
        return replace(test, verdict="longer")
    if test.probability_longer < 1 / 2 and _longer(other, baseline, limits):
        return replace(test, verdict="shorter")
    return test


def _longer(baseline: Durations, other: Durations, limits: Thresholds) -> bool:
    """Whether the mean or the median is longer by enough to matter."""
    pairs = ((baseline.mean, other.mean), (baseline.p50, other.p50))
    return any(_grew(one, two, limits) for one, two in pairs if one is not None and two is not None)


def _grew(one: float, two: float, limits: Thresholds) -> bool:
    return two > one and two >= one * (1 + limits.compare_change)


def _ratio(baseline: float | None, other: float | None) -> float | None:
    return other / baseline if baseline and other is not None else None


def reasons(comparison: Comparison, limits: Thresholds) -> Iterator[str]:
    """Why the other log is worse, a sentence each."""
    findings = comparison.findings
    for change in findings.appeared:
        if change.other_severity != "info":
            yield f"{change.other_severity} {change.code} appeared, {times(change.other_count)}{_of(change.pool)}"
    for change in findings.changed:
        if is_worse(change):
            yield f"{change.code} is {change.other_severity}, and was {change.baseline_severity}{_of(change.pool)}"
    tests = len(comparison.judged)
    for pool in comparison.judged:
        where = _of(pool.other) if tests > 1 else ""
        yield from _held(pool, where)
        yield from (told + where for told in _more(pool, limits, tests))
        yield from (told + where for told in _less_reused(pool, limits, tests))
    if comparison.pools:
        # no pool has these of its own
        yield from _more(comparison.totals, limits, tests, ("timeouts",))


def _held(pool: PoolChange, where: str) -> Iterator[str]:
    test = pool.hold_test
    if test is not None and test.verdict == "longer" and test.p is not None:
        ratios = {"on average": test.mean_ratio, "in the median": test.p50_ratio}
        told = "".join(f"{ratio:.2f} times {word}, " for word, ratio in ratios.items() if ratio is not None)
        yield f"connections are held longer{where}: {told}{told_p(test.p)}"


def _more(pool: PoolChange, limits: Thresholds, tests: int, names: tuple[str, ...] = tuple(TROUBLES)) -> Iterator[str]:
    baseline_of, other_of = _count(pool, "checkouts")
    for name in names:
        one, two = _count(pool, name)
        p = rate_test(one, baseline_of, two, other_of)
        if p < limits.compare_alpha / tests and _grew(one / baseline_of, two / other_of, limits):
            rates = f"{two:,} in {other_of:,} checkouts after {one:,} in {baseline_of:,}"
            yield f"more {TROUBLES[name]}: {rates} ({told_p(p)})"


def _less_reused(pool: PoolChange, limits: Thresholds, tests: int) -> Iterator[str]:
    counts, of = [], []
    for fresh, peak, reused in zip(
        *(_count(pool, name) for name in ("fresh_checkouts", "peak_open", "reused_checkouts")), strict=True
    ):
        counts.append(max(0, fresh - peak))
        of.append(fresh + reused)
    p = rate_test(counts[0], of[0], counts[1], of[1])
    if p < limits.compare_alpha / tests and counts[1] / of[1] - counts[0] / of[0] >= limits.compare_change:
        ratio = pool.figures["reuse_ratio"]
        yield f"connections are reused less: reuse ratio {ratio.other:.2f} after {ratio.baseline:.2f} ({told_p(p)})"


def told_p(p: float) -> str:
    """A p-value in words."""
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"  # noqa: PLR2004 - nobody can tell them apart


def _count(pool: PoolChange, name: str) -> tuple[int, int]:
    """A count on both sides; what nobody counts there is none."""
    figure = pool.figures.get(name)
    return (int(figure.baseline or 0), int(figure.other or 0)) if figure else (0, 0)


def _of(pool: str | None) -> str:
    return f" ({pool.removeprefix('sqlalchemy.pool.').removeprefix('impl.')})" if pool else ""
