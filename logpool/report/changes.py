"""What changed between two logs, in words and rows of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logpool.report.model import Comparison, Figure, FindingChange, PoolChange

    Rows = list[list[str]]

# of a single pool the first table shows these already
_SHOWN = frozenset(
    {
        "checkouts",
        "created",
        "closed",
        "reuse_ratio",
        "hold_seconds.mean",
        "hold_seconds.p50",
        "hold_seconds.p95",
        "hold_seconds.p99",
        "hold_seconds.max",
        "peak_open",
        "peak_checked_out",
        "timeouts",
    }
)
# what follows from others, or from how long the logs are
_IMPLIED = frozenset({"hold_seconds.count", "life_seconds.count", "little.product", "little.mean_hold_seconds"})
_WORDS = {"hold_seconds": "hold", "life_seconds": "life", "closes": "closed because"}
_WHOLE = {
    "little.span_seconds": "from first to last record",
    "little.mean_in_use": "in use on average",
    "little.arrivals_per_second": "checkouts per second",
}
_SECONDS = ("seconds.mean", "seconds.p50", "seconds.p95", "seconds.p99", "seconds.max", "_seconds")


def changed_figures(
    comparison: Comparison, names: tuple[str, str], seconds: Callable[[float], str]
) -> Iterator[tuple[str, tuple[str, str], Rows]]:
    """For each table of what changed: title, names of the sides, and rows: figure, both values, ratio."""
    single = len(comparison.baseline.pools) <= 1 and len(comparison.other.pools) <= 1
    if single:
        only = comparison.pools[0] if comparison.pools else comparison.totals
        rows = [row for name, row in _rows(only, seconds) if name not in _SHOWN]
        yield ("also changed", names, rows)
        return
    for pool in comparison.pools:
        yield (pool_title(pool), ("baseline", "other"), [row for _, row in _rows(pool, seconds)])


def pool_title(pool: PoolChange) -> str:
    """What a pool is called in both logs."""
    one, two = short_logger(pool.baseline or "all pools"), short_logger(pool.other or "all pools")
    return one if one == two else f"{one} → {two}"


def short_logger(logger: str) -> str:
    """A pool's logger without what all of them begin with."""
    return logger.removeprefix("sqlalchemy.pool.impl.").removeprefix("sqlalchemy.pool.")


def _rows(pool: PoolChange, seconds: Callable[[float], str]) -> Iterator[tuple[str, list[str]]]:
    for name, figure in pool.figures.items():
        if figure.baseline == figure.other or name in _IMPLIED:
            continue
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        one, two = _cells(name, figure, seconds)
        if one != two:
            yield name, [_word(name), one, two, ratio]


def _word(name: str) -> str:
    if name in _WHOLE:
        return _WHOLE[name]
    group, _, part = name.partition(".")
    words = f"{_WORDS.get(group, group)}, {part}" if part else group
    return words.replace("_", " ")


def _cells(name: str, figure: Figure, seconds: Callable[[float], str]) -> tuple[str, str]:
    def told(value: float | str | None) -> str:
        if value is None:
            return "-"
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "yes" if value else "no"
        if name.endswith(_SECONDS):
            return seconds(value)
        return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"

    return told(figure.baseline), told(figure.other)


def unmatched(comparison: Comparison) -> str:
    """The pools that only one log has."""
    sides = {"baseline": comparison.baseline_only, "other": comparison.other_only}
    told = (f"only in {side}: {', '.join(map(short_logger, pools))}" for side, pools in sides.items() if pools)
    return "; ".join(told)


def hold_tests(comparison: Comparison, names: tuple[str, str]) -> Iterator[str]:
    """What the test of hold times says, a text for each pool, or for all together."""
    single = len(comparison.baseline.pools) <= 1 and len(comparison.other.pools) <= 1
    for pool in comparison.judged:
        where = "" if single else f" of {pool_title(pool)}"
        test = pool.hold_test
        if test is None:
            continue
        share = f"in {test.probability_longer:.0%} of all pairs, one is longer in {names[1]} than in {names[0]}"
        if test.verdict == "unknown" or test.p is None:
            yield f"hold times{where}: the logs are too short to tell a change from chance; {share}"
        else:
            p = f"p = {test.p:.2g}" if test.p >= 0.0001 else "p < 0.0001"  # noqa: PLR2004 - nobody tells them apart
            verdict = {
                "longer": "longer, beyond chance",
                "shorter": "shorter, beyond chance",
                "same": "no change beyond chance that matters",
            }[test.verdict]
            yield f"hold times{where}: {verdict}; {share} ({p})"


def degree(change: FindingChange) -> str:
    """How often a finding shows, and where it shows in both, how it was before."""
    if change.baseline_severity is None:
        return _times(change.other_count)
    if change.other_severity is None:
        return _times(change.baseline_count)
    was = f", was {change.baseline_severity}" if change.baseline_severity != change.other_severity else ""
    return f"{_times(change.baseline_count)} → {_times(change.other_count)}{was}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
