"""Two logs side by side: the document's comparison, and for other logs the same from hold times and creates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.report.model import Comparison, Side

if TYPE_CHECKING:
    from logpool.report.model import Report


def compare(baseline: Report, other: Report) -> Comparison:
    """Every figure of both, and other / baseline for each."""
    left, right = _side(baseline), _side(other)
    ratios = {name: _ratio(getattr(left, name), getattr(right, name)) for name in Side.FIGURES}
    return Comparison(left, right, ratios)


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
