"""Two logs side by side, as text: what changed between them, and what is worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.report.comparison import Side
from logpool.report.layout import painted, place_told, short_logger, table, wrapped
from logpool.words import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from logpool.report.comparison import Comparison, Figure, FindingChange, PoolChange

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
_FIGURES = {
    "mean_seconds": "query, mean",
    "first_seconds": "query, the first",
    "mean_after_first_seconds": "query, mean after the first",
    "checkouts": "checkouts",
    "created": "connections created",
    "closed": "connections closed",
    "created_per_checkout": "created per checkout",
    "reuse_ratio": "reuse ratio",
    "hold_mean": "hold, mean",
    "hold_p50": "hold, p50",
    "hold_p95": "hold, p95",
    "hold_p99": "hold, p99",
    "hold_max": "hold, max",
    "peak_open": "open at most",
    "peak_checked_out": "in use at most",
    "timeouts": "timeouts",
}


def render_comparison(comparison: Comparison, width: int = 80, *, colour: bool = False) -> str:
    """Two logs side by side, what else changed, and what is worse."""
    left, right = comparison.baseline, comparison.other
    rows = []
    for name in Side.FIGURES:
        one, two = getattr(left, name), getattr(right, name)
        if one is None and two is None:
            continue
        ratio = comparison.ratios[name]
        rows.append([_FIGURES[name], _figure(name, one), _figure(name, two), "" if ratio is None else f"{ratio:.2f}"])
    names = _side_names(left, right)
    tables = changed_figures(comparison, names, duration)
    parts = [
        table(["", *names, "ratio"], rows, width),
        wrapped(_compared(comparison, names), width),
        *(_titled(title, [*sides, "ratio"], changed, width) for title, sides, changed in tables),
        wrapped(unmatched(comparison), width, "", "  "),
        *(wrapped(told, width, "", "  ") for told in hold_tests(comparison, names)),
        _finding_changes(comparison, width, colour=colour),
        _worse(comparison, width, colour=colour),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _titled(title: str, headings: Sequence[str], rows: list[list[str]], width: int) -> str:
    """A table whose first heading is a title, which stands above it where it is too wide."""
    whole = table([title, *headings], rows, width)
    if max(map(len, whole.splitlines()), default=0) <= width:
        return whole
    return f"{wrapped(title, width)}\n{table(['', *headings], rows, width)}"


def _finding_changes(comparison: Comparison, width: int, *, colour: bool) -> str:
    """What came, went and changed, each with the first place that shows it."""
    findings = comparison.findings
    lines = []
    for word, changes in (("appeared", findings.appeared), ("gone", findings.gone), ("changed", findings.changed)):
        for change in changes:
            severity = change.other_severity or change.baseline_severity or "info"
            where = f" ({short_logger(change.pool)})" if change.pool else ""
            told = wrapped(f"{word}: {severity} {change.code}{where}, {degree(change)}", width, "  ", "    ")
            lines.append(told.replace(severity, painted(severity, severity, colour=colour), 1))
            if word != "gone":
                lines += [wrapped(change.message, width, "    ", "    ")]
            lines += [f"    {place_told(place)}" for place in change.evidence[:1]]
    return "\n".join(["findings", *lines]) if lines else "findings: the same"


def _worse(comparison: Comparison, width: int, *, colour: bool) -> str:
    word = painted("worse", "error" if comparison.worse else "good", colour=colour)
    lines = [wrapped(f"worse: {reason}", width, "", "  ") for reason in comparison.worse or ("nothing",)]
    return "\n".join(line.replace("worse", word, 1) for line in lines)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name.endswith("seconds") or name.startswith("hold"):
        return duration(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _side_names(left: Side, right: Side) -> tuple[str, str]:
    # several classes on a side make no name for it
    if len(left.pool_classes) == len(right.pool_classes) == 1 and left.pool_classes != right.pool_classes:
        return left.pool_classes[0], right.pool_classes[0]
    return "baseline", "other"


def _compared(comparison: Comparison, names: tuple[str, str]) -> str:
    ratios = comparison.ratios
    mean, after = ratios["mean_seconds"], ratios["mean_after_first_seconds"]
    if mean is not None:
        text = f"a query took {mean:.2f} times as long with {names[1]} as with {names[0]}"
        return text + (f", and {after:.2f} times after the first one" if after is not None else "")
    hold = ratios["hold_mean"]
    return "" if hold is None else f"a connection was held {hold:.2f} times as long in {names[1]} as in {names[0]}"


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
    if change.baseline_severity != change.other_severity:
        # what is counted may not be the same: timeouts, where there was a plateau before
        return f"{_times(change.other_count)}, was {change.baseline_severity}"
    return f"{_times(change.baseline_count)} → {_times(change.other_count)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
