"""The report as text: what a tired engineer reads at three in the morning."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from logpool.report.changes import changed_figures, degree, hold_tests, short_logger, unmatched
from logpool.report.chart import BLOCKS, chart, is_drawn
from logpool.report.model import Closes, Side
from logpool.report.settings import settings_rows
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logpool.report.model import Comparison, Durations, Evidence, Finding, Pool, Report, SourceReport

_COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "info": "\033[1;36m", "good": "\033[1;32m"}
_PLAIN = "\033[0m"
# each of these is shown by two places
_BY_TWO_PLACES = frozenset({"fork_shared"})


def render(report: Report, width: int = 80, *, colour: bool = False, blocks: str = BLOCKS) -> str:
    """A report for a terminal of some width, with charts of these characters."""
    parts = [
        _sources(report.sources),
        _table(_POOL_HEADINGS, [_pool_row(pool) for pool in report.pools], width),
        _table(_HOLD_HEADINGS, list(_hold_rows(report.pools)), width),
        *_over_time(report, width, blocks),
        _incidents(report.pools, width),
        _settings(report.pools, width),
        _closes(report.pools, width),
        _timings(report, width),
        _sequence(report, width, colour=colour),
        _findings(report.findings, colour=colour, width=width),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_verdict(report: Report, width: int = 80, *, colour: bool = False) -> str:
    """Every violation with its place, then the verdict."""
    lines = [
        f"{violation.path}:{violation.line}: {violation.code}: {violation.message} [{short_logger(violation.pool)}]"
        for violation in report.violations
    ]
    return "\n".join([*lines, _sequence(report, width, colour=colour)]) + "\n"


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
        _table(["", *names, "ratio"], rows, width),
        _wrapped(_compared(comparison, names), width),
        *(_titled(title, [*sides, "ratio"], changed, width) for title, sides, changed in tables),
        _wrapped(unmatched(comparison), width, "", "  "),
        *(_wrapped(told, width, "", "  ") for told in hold_tests(comparison, names)),
        _finding_changes(comparison, width, colour=colour),
        _worse(comparison, width, colour=colour),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _titled(title: str, headings: Sequence[str], rows: list[list[str]], width: int) -> str:
    """A table whose first heading is a title, which stands above it where it is too wide."""
    table = _table([title, *headings], rows, width)
    if max(map(len, table.splitlines()), default=0) <= width:
        return table
    return f"{_wrapped(title, width)}\n{_table(['', *headings], rows, width)}"


def _finding_changes(comparison: Comparison, width: int, *, colour: bool) -> str:
    """What came, went and changed, each with the first place that shows it."""
    findings = comparison.findings
    lines = []
    for word, changes in (("appeared", findings.appeared), ("gone", findings.gone), ("changed", findings.changed)):
        for change in changes:
            severity = change.other_severity or change.baseline_severity or "info"
            where = f" ({short_logger(change.pool)})" if change.pool else ""
            told = _wrapped(f"{word}: {severity} {change.code}{where}, {degree(change)}", width, "  ", "    ")
            lines.append(told.replace(severity, _painted(severity, severity, colour=colour), 1))
            if word != "gone":
                lines += [_wrapped(change.message, width, "    ", "    ")]
            lines += [f"    {_place(place)}" for place in change.evidence[:1]]
    return "\n".join(["findings", *lines]) if lines else "findings: the same"


def _worse(comparison: Comparison, width: int, *, colour: bool) -> str:
    word = _painted("worse", "error" if comparison.worse else "good", colour=colour)
    lines = [_wrapped(f"worse: {reason}", width, "", "  ") for reason in comparison.worse or ("nothing",)]
    return "\n".join(line.replace("worse", word, 1) for line in lines)


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


def _sources(sources: Iterable[SourceReport]) -> str:
    return "\n".join(_source(source) for source in sources)


def _source(source: SourceReport) -> str:
    span = _span(source.first_time, source.last_time)
    counts = f"{many(source.pool_lines, 'pool event')}, {many(source.other_lines, 'other line')}"
    if source.unrecognised_lines:
        counts += f", {source.unrecognised_lines:,} not understood"
    lines = [
        source.path,
        f"  {many(source.lines, 'line')}, {_bytes(source.bytes)}{span}",
        f"  {counts}",
    ]
    if len(source.files) > 1:
        lines.insert(1, f"  {len(source.files):,} files of one log, the oldest {source.files[0]}")
    if source.layout:
        lines.append(f"  layout {source.layout}")
    return "\n".join(lines)


def _span(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ", no times"
    return f", {_from_to(first, last)}"


def _from_to(first: str, last: str | None) -> str:
    """A time span and how long it is; a time alone where it begins and ends at once."""
    if last is None or last == first:
        return first.replace("T", " ")
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    until = last[11:] if first[:10] == last[:10] else last.replace("T", " ")
    return f"{first.replace('T', ' ')} to {until} ({duration(max(0.0, (end - start).total_seconds()))})"


_POOL_HEADINGS = ["pool", "checkouts", "reused", "created", "closed", "open/peak", "in use/peak"]


def _pool_row(pool: Pool) -> list[str]:
    followed = pool.unidentified_checkouts == 0
    return [
        pool_name(pool),
        f"{pool.checkouts:,}",
        "-" if pool.reuse_ratio is None else f"{pool.reuse_ratio:.1%}",
        f"{pool.created:,}",
        f"{pool.closed + pool.dropped:,}",
        f"{pool.open_at_end:,}/{pool.peak_open:,}" if followed else "-",
        f"{pool.checked_out_at_end:,}/{pool.peak_checked_out:,}" if followed else "-",
    ]


def pool_name(pool: Pool) -> str:
    """A pool as people call it: its class, and its logging name if it has one."""
    if pool.logging_name:
        return f"{pool.pool_class}.{pool.logging_name}"
    return pool.pool_class or "all pools"


_HOLD_HEADINGS = ["held for", "mean", "p50", "p95", "p99", "max"]


def _hold_rows(pools: Iterable[Pool]) -> Iterable[list[str]]:
    for pool in pools:
        if pool.hold_seconds.count:
            yield [pool_name(pool), *_durations(pool.hold_seconds)]


def _durations(durations: Durations) -> list[str]:
    values = (durations.mean, durations.p50, durations.p95, durations.p99, durations.max)
    return ["-" if value is None else duration(value) for value in values]


def _over_time(report: Report, width: int, blocks: str) -> Iterable[str]:
    """Charts of what was in use, and the mean by Little's law."""
    named = {pool.logger: pool for pool in report.pools}
    drawn = [(named[one.pool], one) for one in report.timeline if one.pool in named and is_drawn(one)]
    yield chart([(pool_name(pool), timeline) for pool, timeline in drawn], width, duration, blocks)
    yield _table(_AVERAGE_HEADINGS, list(_average_rows(pool for pool, _ in drawn)), width)
    if any(_is_cut(pool) for pool, _ in drawn):
        yield _wrapped(
            "in use and product differ: checkouts that the log cuts are in use, but nobody knows how long", width
        )


# by which share of the larger one the sides of Little's law may differ before it is worth a word
_LAWFUL = 0.02


def _is_cut(pool: Pool) -> bool:
    """Whether checkouts without an end, or a beginning, in the log make the sides of Little's law differ."""
    little, cut = pool.little, pool.ends.open + pool.ends.lost + pool.censored.checkouts
    if little is None or little.product is None or not cut:
        return False
    return abs(little.mean_in_use - little.product) > _LAWFUL * max(little.mean_in_use, little.product)


_AVERAGE_HEADINGS = ["on average", "in use", "checkouts/s", "held for", "product"]


def _average_rows(pools: Iterable[Pool]) -> Iterable[list[str]]:
    for pool in pools:
        little = pool.little
        if little is not None and little.mean_hold_seconds is not None and little.product is not None:
            rate = little.arrivals_per_second
            yield [
                pool_name(pool),
                f"{little.mean_in_use:.2f}",
                f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}",  # noqa: PLR2004 - three figures
                duration(little.mean_hold_seconds),
                f"{little.product:.2f}",
            ]


def _incidents(pools: Sequence[Pool], width: int) -> str:
    """What does not happen to a healthy pool, or not often; only the columns in which something did."""
    columns = {
        "connect errors": [pool.connect_errors for pool in pools],
        "pings": [pool.pings.sent for pool in pools],
        "pings failed": [pool.pings.failed for pool in pools],
        "failed checkouts": [pool.failed_checkouts for pool in pools],
        "invalidated": [pool.invalidated + pool.soft_invalidated for pool in pools],
        "recycled": [pool.recycled for pool in pools],
        "reset failed": [pool.resets.failed for pool in pools],
        "reclaimed": [pool.reclaimed for pool in pools],
        "detached": [pool.ends.detached for pool in pools],
    }
    shown = {name: values for name, values in columns.items() if any(values)}
    if not shown:
        return ""
    rows = [[pool_name(pool), *(f"{values[index]:,}" for values in shown.values())] for index, pool in enumerate(pools)]
    return _table(["incidents", *shown], rows, width)


def _settings(pools: Sequence[Pool], width: int) -> str:
    """What is known of how the pools are set up."""
    known = [(pool_name(pool), settings_rows(pool.settings)) for pool in pools if pool.settings is not None]
    lines = [_wrapped(f"settings of {name}: {', '.join(told)}", width, "", "  ") for name, told in known if told]
    return "\n".join(lines)


def _closes(pools: Sequence[Pool], width: int) -> str:
    """What closed connections; nothing where a NullPool closed all of them, as it should."""
    causes = {field.name: [getattr(pool.closes, field.name) for pool in pools] for field in fields(Closes)}
    shown = {name.replace("_", " "): counts for name, counts in causes.items() if any(counts)}
    if not set(shown) - {"nullpool"}:
        return ""
    rows = [
        [pool_name(pool), *(f"{counts[index]:,}" for counts in shown.values())]
        for index, pool in enumerate(pools)
        if pool.closed
    ]
    return _table(["closed because", *shown], rows, width)


def _timings(report: Report, width: int) -> str:
    timings = report.timings
    if timings is None:
        return ""
    text = f"queries: {timings.count:,}, mean {duration(timings.mean_seconds)}, first {duration(timings.first_seconds)}"
    if timings.mean_after_first_seconds is not None:
        text += f", mean after the first {duration(timings.mean_after_first_seconds)}"
    return _wrapped(text, width, "", "  ")


def _sequence(report: Report, width: int, *, colour: bool) -> str:
    totals = report.totals
    read = "reads" if totals.checkouts == 1 else "read"
    whole = f"{totals.sequence.complete:,} of {many(totals.checkouts, 'checkout')} {read} checked_out, returned, reset"
    others = "".join(f"; {count:,} {what}" for what, count in _otherwise(report).items() if count)
    if report.violations:
        word, kind = "violated", "error"
        text = f"{many(len(report.violations), 'violation')}; {whole}{others}"
    elif not totals.checkouts:
        return _wrapped("reset sequence: nothing to check, the log shows no checkout", width, "", "  ")
    else:
        word, kind = ("no violation" if others else "complete"), "good"
        text = f"{whole}{others}"
    lines = _wrapped(f"reset sequence: {word}, {text}", width, "", "  ")
    return lines.replace(word, _painted(word, kind, colour=colour), 1)


def _otherwise(report: Report) -> dict[str, int]:
    """How the checkouts ended that do not read so, in words."""
    ends = report.totals.ends
    unset = sum(pool.ends.returned for pool in report.pools if pool.resets.none)
    return {
        "invalidated in use": ends.invalidated,
        "detached": ends.detached,
        "reclaimed by the garbage collector": ends.reclaimed,
        "failed, no connection could be made": ends.failed,
        "returned to a pool that does not reset": unset,
        "returned, but the reset failed or is not in the log": max(
            0, ends.returned - unset - report.totals.sequence.complete
        ),
        "without an end in the log": ends.lost,
        "still out at the end of the log": ends.open,
        "of connections without an address, not followed": report.totals.unidentified_checkouts,
    }


def _findings(findings: Sequence[Finding], *, colour: bool, width: int) -> str:
    if not findings:
        return "findings: none"
    return "findings\n" + "\n".join(_finding(finding, colour=colour, width=width) for finding in findings)


def _finding(finding: Finding, *, colour: bool, width: int) -> str:
    where = f" ({short_logger(finding.pool)})" if finding.pool else ""
    text = _wrapped(f"{finding.severity} {finding.code}{where}: {finding.message}", width, "  ", "    ")
    lines = [text.replace(finding.severity, _painted(finding.severity, finding.severity, colour=colour), 1)]
    if finding.first_time is not None:
        lines.append(_wrapped(_from_to(finding.first_time, finding.last_time), width, "    ", "    "))
    lines += [f"    {_place(place)}" for place in finding.evidence]
    shown = len(finding.evidence) // (2 if finding.code in _BY_TWO_PLACES else 1)
    if finding.evidence and finding.count > shown:
        lines.append(f"    and {finding.count - shown:,} more")
    return "\n".join(lines)


def _place(place: Evidence) -> str:
    return f"{place.path}:{place.line}"


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """Lines of at most ``width``, the first one and the rest indented so; a longer word stays whole."""
    return textwrap.fill(
        text,
        max(width, 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(headings: Sequence[str], rows: list[list[str]], width: int) -> str:
    """Columns, the first to the left, as far apart as they fit; a block per row where they do not."""
    if not rows:
        return ""
    sizes = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    gap = next((gap for gap in (2, 1) if sum(sizes) + gap * (len(sizes) - 1) <= width), None)
    if gap is None:
        return "\n".join(_block(headings, row) for row in rows)
    return "\n".join(
        (" " * gap)
        .join(
            cell.ljust(size) if index == 0 else cell.rjust(size)
            for index, (cell, size) in enumerate(zip(line, sizes, strict=True))
        )
        .rstrip()
        for line in [headings, *rows]
    )


def _block(headings: Sequence[str], row: Sequence[str]) -> str:
    size = max(map(len, headings[1:]))
    cells = (f"  {name.ljust(size)}  {cell}" for name, cell in zip(headings[1:], row[1:], strict=True))
    return "\n".join([" ".join(filter(None, (headings[0], row[0]))), *cells])


def _painted(text: str, colour_name: str, *, colour: bool) -> str:
    return f"{_COLOURS[colour_name]}{text}{_PLAIN}" if colour else text


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if round(amount, 1) < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units
            break
        amount /= 1000
    return f"{size:,} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
