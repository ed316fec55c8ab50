"""The report as text: what a tired engineer reads at three in the morning."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING

from logpool.report.chart import BLOCKS, chart, is_drawn
from logpool.report.layout import begin_and_end, painted, place_told, short_logger, table, wrapped
from logpool.report.model import Closes
from logpool.report.settings import settings_rows
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logpool.report.model import Durations, Finding, Pool, Report, SourceReport

# each of these is shown by two places
_BY_TWO_PLACES = frozenset({"fork_shared"})


def render(report: Report, width: int = 80, *, colour: bool = False, blocks: str = BLOCKS) -> str:
    """A report for a terminal of some width, with charts of these characters."""
    parts = [
        _sources(report.sources),
        table(_POOL_HEADINGS, [_pool_row(pool) for pool in report.pools], width),
        table(_HOLD_HEADINGS, list(_hold_rows(report.pools)), width),
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
    if source.newest_first:
        lines.append("  newest first: read from its end")
    if source.layout:
        lines.append(f"  layout {source.layout}")
    return "\n".join(lines)


def _span(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ", no times"
    return f", {_from_to(first, last)}"


def _from_to(first: str, last: str | None) -> str:
    """A time span and how long it is; a time alone where it begins and ends at once."""
    begin, until = begin_and_end(first, last or first)
    if last is None or last == first:
        return begin
    start, end = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return f"{begin} to {until} ({duration(max(0.0, (end - start).total_seconds()))})"


_POOL_HEADINGS = ["pool", "checkouts", "reused", "created", "closed", "open/peak", "in use/peak"]


def _pool_row(pool: Pool) -> list[str]:
    # at INFO the log does not show what is in use, or made, or open
    followed = pool.unidentified_checkouts == 0 and not pool.info_only
    return [
        pool_name(pool),
        "-" if pool.info_only else f"{pool.checkouts:,}",
        "-" if pool.reuse_ratio is None else f"{pool.reuse_ratio:.1%}",
        "-" if pool.info_only else f"{pool.created:,}",
        "-" if pool.info_only else f"{pool.closed + pool.dropped:,}",
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
    yield table(_AVERAGE_HEADINGS, list(_average_rows(pool for pool, _ in drawn)), width)
    if any(_is_cut(pool) for pool, _ in drawn):
        yield wrapped(
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
    return table(["incidents", *shown], rows, width)


def _settings(pools: Sequence[Pool], width: int) -> str:
    """What is known of how the pools are set up."""
    known = [(pool_name(pool), settings_rows(pool.settings)) for pool in pools if pool.settings is not None]
    lines = [wrapped(f"settings of {name}: {', '.join(told)}", width, "", "  ") for name, told in known if told]
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
    return table(["closed because", *shown], rows, width)


def _timings(report: Report, width: int) -> str:
    timings = report.timings
    if timings is None:
        return ""
    text = f"queries: {timings.count:,}, mean {duration(timings.mean_seconds)}, first {duration(timings.first_seconds)}"
    if timings.mean_after_first_seconds is not None:
        text += f", mean after the first {duration(timings.mean_after_first_seconds)}"
    return wrapped(text, width, "", "  ")


def _sequence(report: Report, width: int, *, colour: bool) -> str:
    totals = report.totals
    read = "reads" if totals.checkouts == 1 else "read"
    whole = f"{totals.sequence.complete:,} of {many(totals.checkouts, 'checkout')} {read} checked_out, returned, reset"
    others = "".join(f"; {count:,} {what}" for what, count in _otherwise(report).items() if count)
    if report.violations:
        word, kind = "violated", "error"
        text = f"{many(len(report.violations), 'violation')}; {whole}{others}"
    elif not totals.checkouts:
        return wrapped("reset sequence: nothing to check, the log shows no checkout", width, "", "  ")
    else:
        word, kind = ("no violation" if others else "complete"), "good"
        text = f"{whole}{others}"
    lines = wrapped(f"reset sequence: {word}, {text}", width, "", "  ")
    return lines.replace(word, painted(word, kind, colour=colour), 1)


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
    text = wrapped(f"{finding.severity} {finding.code}{where}: {finding.message}", width, "  ", "    ")
    lines = [text.replace(finding.severity, painted(finding.severity, finding.severity, colour=colour), 1)]
    if finding.first_time is not None:
        lines.append(wrapped(_from_to(finding.first_time, finding.last_time), width, "    ", "    "))
    lines += [f"    {place_told(place)}" for place in finding.evidence]
    shown = len(finding.evidence) // (2 if finding.code in _BY_TWO_PLACES else 1)
    if finding.evidence and finding.count > shown:
        lines.append(f"    and {finding.count - shown:,} more")
    return "\n".join(lines)


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if round(amount, 1) < 1000 or unit == "GB":  # noqa: PLR2004 - decimal units
            break
        amount /= 1000
    return f"{size:,} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
