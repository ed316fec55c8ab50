"""How long each pool stands at the most connections that it ever has in use: a plateau shows where its limit is.

A saturated pool stays at its limit: whoever waits takes a connection within milliseconds of its return. Such a dip
does not end a span at the limit. Only the highest level so far is followed, as the limit can be no lower, so a
group's state is small, however many levels it has been through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from logpool.judge.concurrency import Concurrency, ends_of

#: microseconds: the longest dip below the limit that a waiting caller fills: a reset, a round trip, a thread's turn
DIP = 50_000


class Span(NamedTuple):
    """Some time at the limit.

    Attributes:
        start: in microseconds; likewise ``end``.
        line: of the check-out that reached the limit, in the file ``source``.
        visits: how often the limit was reached in it, dips in between.
    """

    start: int
    end: int
    line: int
    source: int
    visits: int

    @property
    def length(self) -> int:
        """In microseconds."""
        return self.end - self.start


@dataclass(slots=True)
class Plateau:
    """What one group has been through.

    Attributes:
        peak: the most connections in use at once.
        first: the first step's time, and ``clock`` the latest; None as long as there is none.
        total: microseconds at the peak.
        visits: how often it was reached and left; ``spans`` over how many spans, the current one not counted.
        longest: the longest span that is over.
        current: the span that the next visit may continue.
        waiting: the step that reached the peak and is not yet left: time, line, source.
        threads: those that reached the peak, as many as tell whether there are more of them than connections.
    """

    peak: int = 0
    first: int | None = None
    clock: int | None = None
    total: int = 0
    visits: int = 0
    spans: int = 0
    longest: Span | None = None
    current: Span | None = None
    waiting: tuple[int, int, int] | None = None
    threads: set[int] = field(default_factory=set)

    def rise(self, peak: int) -> None:
        """There are more in use than ever: what was noted of a lower peak does not count."""
        self.peak, self.total, self.visits, self.spans = peak, 0, 0, 0
        self.longest = self.current = self.waiting = None
        self.threads = set()

    def close(self, span: Span | None) -> None:
        """A span is over."""
        if span is not None:
            self.spans += 1
            if self.longest is None or span.length > self.longest.length:
                self.longest = span

    def finish(self, end: int | None) -> None:
        """The log ends: whatever lasts, lasts until then."""
        if end is not None and self.clock is not None:
            self.clock = max(self.clock, end)
        if self.waiting is not None and end is not None:
            start, line, source = self.waiting
            self.waiting = None
            self.visits += 1
            self.total += max(end, start) - start
            if self.current is not None and start - self.current.end <= DIP:
                self.current = self.current._replace(end=max(end, start), visits=self.current.visits + 1)
            else:
                self.close(self.current)
                self.current = Span(start, max(end, start), line, source, 1)
        self.close(self.current)
        self.current = None


_VISIT = {
    "group": pl.UInt32,
    "time": pl.Int64,
    "end": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    "visits": pl.Int64,
}
_BY_GROUP = "group"


@dataclass
class Plateaus:
    """The plateaus of all groups, grown batch by batch."""

    of: dict[int, Plateau] = field(default_factory=dict)
    _levels: Concurrency = field(default_factory=Concurrency)

    def take(self, steps: pl.DataFrame) -> None:
        """Adds the steps of one batch."""
        steps = steps.filter(pl.col("out") != 0)
        if not steps.height:
            return
        rows = self._levels.followed(
            steps.select_seq("seq", "time", "opened", "closed", "out", "out_thread", part="group"),
        ).select_seq("part", "seq", "time", "out_thread", "in_use")
        ends = pl.Series("end", [end for end, _ in ends_of(rows["part"])], dtype=pl.UInt32)
        groups = rows["part"][ends].to_list()
        for group in groups:
            self.of.setdefault(group, Plateau())
        rows = self._clocked(rows, groups)
        self._rise(rows)
        self._visit(rows, ends, steps)
        for group, clock in zip(groups, rows["time"][ends], strict=True):
            self.of[group].clock = clock

    def _clocked(self, rows: pl.DataFrame, groups: list[int]) -> pl.DataFrame:
        """The same where no time is missing, or before an earlier one, as a clock that steps back has it."""
        part, times = rows["part"], rows["time"]
        clock = _by_number({group: self.of[group].clock for group in groups})[part]
        steps_back = ((times < times.shift(1)) & (part == part.shift(1))) | (times < clock)
        if not times.null_count() and not steps_back.any():
            return rows
        latest = pl.col("time").cum_max().forward_fill().over("part")
        return rows.with_columns_seq(clock.alias("clock")).with_columns_seq(time=pl.max_horizontal(latest, "clock"))

    def _rise(self, rows: pl.DataFrame) -> None:
        """Takes note of new peaks, and of the first step of every group."""
        for group, peak in rows.group_by("part").agg(pl.col("in_use").max()).iter_rows():
            if peak > self.of[group].peak:
                self.of[group].rise(peak)
        new = [group for group, state in self.of.items() if state.first is None]
        if new:
            timed = rows.filter(pl.col("part").is_in(new)).drop_nulls("time")
            firsts = timed.group_by("part").agg(pl.col("time").first())
            for group, first in firsts.iter_rows():
                self.of[group].first = first

    def _visit(self, rows: pl.DataFrame, ends: pl.Series, steps: pl.DataFrame) -> None:
        """Takes note of the visits at the peak: each lasts from the step that reaches it to the next one."""
        part = rows["part"]
        peak = _by_number({group: state.peak for group, state in self.of.items()})[part]
        at_peak = ((rows["in_use"] == peak) & (peak > 0)).arg_true()
        waiting = self._waiting(rows, ends)
        if not len(at_peak) and not waiting.height:
            return
        last = at_peak.is_in(ends.implode())
        after = (at_peak + 1).clip(upper_bound=rows.height - 1)
        reached = rows[at_peak].select_seq(
            "out_thread", "time", group="part", end=rows["time"][after], last=last, visits=pl.lit(1, pl.Int64)
        )
        # steps are in the order of their numbers
        places = steps["seq"].search_sorted(rows["seq"][at_peak])
        reached = pl.concat([reached, steps.select_seq("line", "source")[places]], how="horizontal")
        for group, threads in reached.group_by(_BY_GROUP).agg(pl.col("out_thread").drop_nulls().unique()).iter_rows():
            state = self.of[group]
            if len(state.threads) <= state.peak:
                state.threads.update(threads)
        timed = reached.filter(pl.col("time").is_not_null())
        for group, *step in timed.filter("last").select_seq("group", "time", "line", "source").iter_rows():
            time, line, source = step
            self.of[group].waiting = time, line, source
        left = timed.filter(~pl.col("last") & pl.col("end").is_not_null())
        self._span(pl.concat([waiting, left.select_seq(_VISIT.keys())]))

    def _waiting(self, rows: pl.DataFrame, ends: pl.Series) -> pl.DataFrame:
        """The visits that began in an earlier batch, and end at the first step of this one."""
        found = []
        begin = 0
        for end in ends:
            state = self.of[rows["part"][begin]]
            if state.waiting is not None:
                time, line, source = state.waiting
                found.append((rows["part"][begin], time, rows["time"][begin], line, source, 1))
                state.waiting = None
            begin = end + 1
        return pl.DataFrame(found, schema=_VISIT, orient="row").drop_nulls("end")

    def _span(self, visits: pl.DataFrame) -> None:
        """Joins visits that dips part, and the first of them to the span that an earlier batch began."""
        if not visits.height:
            return
        pending = []
        for group in visits["group"].unique(maintain_order=True):
            state = self.of[group]
            if state.current is not None:
                span = state.current
                pending.append((group, span.start, span.end, span.line, span.source, span.visits))
        before = pl.DataFrame(pending, schema=_VISIT, orient="row")
        counts = visits.group_by(_BY_GROUP).agg(pl.len(), (pl.col("end") - pl.col("time")).sum().alias("total"))
        for group, count, total in counts.iter_rows():
            self.of[group].visits += count
            self.of[group].total += total
        rows = pl.concat([before, visits])
        parted = (pl.col("time") - pl.col("end").shift(1).over(_BY_GROUP) > DIP).fill_null(value=False)
        spans = (
            rows.with_columns_seq(span=parted.cast(pl.Int64).cum_sum().over(_BY_GROUP))
            .group_by(_BY_GROUP, "span", maintain_order=True)
            .agg(pl.col("time").first(), pl.col("end").last(), pl.col("line", "source").first(), pl.col("visits").sum())
            .with_columns_seq(latest=pl.col("span") == pl.col("span").max().over(_BY_GROUP))
        )
        over = spans.filter(~pl.col("latest"))
        columns = ("group", "time", "end", "line", "source", "visits")
        longest = over.group_by(_BY_GROUP, maintain_order=True).agg(
            pl.len(), pl.all().exclude("span", "latest").get((pl.col("end") - pl.col("time")).arg_max())
        )
        for group, count, *found in longest.select_seq("group", "len", *columns[1:]).iter_rows():
            state = self.of[group]
            state.close(Span(*found))
            state.spans += count - 1
        for group, *found in spans.filter("latest").select_seq(columns).iter_rows():
            self.of[group].current = Span(*found)


def _by_number(values: dict[int, int | None]) -> pl.Series:
    """What groups have, by their numbers."""
    return pl.Series([values.get(group) for group in range(1 + max(values, default=-1))], dtype=pl.Int64)
