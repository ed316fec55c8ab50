"""How long each pool stands at the most connections that it ever has in use: a plateau shows where its limit is.

A saturated pool stays at its limit: whoever waits takes a connection within milliseconds of its return. Such a dip
does not end a span at the limit. Only the highest level so far is followed, as the limit can be no lower, so a
group's state is small, however many levels it has been through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.frames import stacked, where
from logpool.native.batches import Peaks

if TYPE_CHECKING:
    from logpool.native.batches import Steps

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
    _peaks: Peaks = field(default_factory=Peaks)

    def take(self, steps: Steps) -> None:
        """Adds the steps of one batch."""
        visits, reached = self._peaks.take(steps)
        for group in range(len(self._peaks)):
            now = self._peaks.of(group)
            state = self.of.setdefault(group, Plateau())
            if now.peak > state.peak:
                state.rise(now.peak)
            state.first, state.clock = now.first, now.latest
            state.waiting = None if now.since is None else (now.since, now.line, now.source)
        peaks = pl.Series([self.of[group].peak for group in range(len(self._peaks))], dtype=pl.Int64)
        for group, thread, _ in where(reached, reached["level"] == peaks[reached["group"]]).iter_rows():
            state = self.of[group]
            if len(state.threads) <= state.peak:
                state.threads.add(thread)
        at_peak = where(visits, visits["level"] == peaks[visits["group"]])
        at_peak = at_peak.with_columns_seq(visits=pl.lit(1, pl.Int64))
        self._span(at_peak.select_seq(pl.col(name).cast(dtype) for name, dtype in _VISIT.items()))

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
        rows = stacked([before, visits])
        parted = (pl.col("time") - pl.col("end").shift(1).over(_BY_GROUP) > DIP).fill_null(value=False)
        spans = (
            rows.with_columns_seq(span=parted.cast(pl.Int64).cum_sum().over(_BY_GROUP))
            .group_by(_BY_GROUP, "span", maintain_order=True)
            .agg(pl.col("time").first(), pl.col("end").last(), pl.col("line", "source").first(), pl.col("visits").sum())
            .with_columns_seq(latest=pl.col("span") == pl.col("span").max().over(_BY_GROUP))
        )
        over = where(spans, ~spans["latest"])
        columns = ("group", "time", "end", "line", "source", "visits")
        longest = over.group_by(_BY_GROUP, maintain_order=True).agg(
            pl.len(), pl.all().exclude("span", "latest").get((pl.col("end") - pl.col("time")).arg_max())
        )
        for group, count, *found in longest.select_seq("group", "len", *columns[1:]).iter_rows():
            state = self.of[group]
            state.close(Span(*found))
            state.spans += count - 1
        for group, *found in where(spans, "latest").select_seq(columns).iter_rows():
            self.of[group].current = Span(*found)
