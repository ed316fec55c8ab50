"""How long each pool stands at the most connections that it ever has in use: a plateau shows where its limit is.

A saturated pool stays at its limit: whoever waits takes a connection within milliseconds of its return. Such a dip
does not end a stay at the limit. Only the highest level so far is followed, as the limit can be no lower, so a
group's state is small, however many levels it has been through.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass, stateful
from logpool.judge.merged import Merged
from logpool.native.peaks import Peaks, Stay

if TYPE_CHECKING:
    from logpool.native.peaks import Peak
    from logpool.native.steps import Steps

_THREAD = pl.Schema(dict.fromkeys(("group", "thread", "level", "first", "last"), pl.Int64))
#: microseconds: the longest dip below the limit that a waiting caller fills: a reset, a round trip, a thread's turn
DIP = 50_000


@dataclass()
class Plateau:
    """What one group has been through.

    Attributes:
        peak: the most connections in use at once.
        first: the first step's time, and ``clock`` the latest; None as long as there is none.
        total: microseconds at the peak.
        visits: how often it was reached and left; ``stays`` over how many stays, the current one not counted.
        longest: the longest stay that is over.
        current: the stay that the next visit may continue.
        waiting: the step that reached the peak and is not yet left: time, line, source.
        threads: how many reached the peak; ``at_once`` the most of them between whose first time and last there is an
            event in common, so that they were there together. Both are told in the end.
    """

    peak: int = 0
    first: int | None = None
    clock: int | None = None
    total: int = 0
    visits: int = 0
    stays: int = 0
    longest: Stay | None = None
    current: Stay | None = None
    waiting: tuple[int, int, int] | None = None
    threads: int = 0
    at_once: int = 0

    def become(self, now: Peak) -> None:
        """Goes on to what the group has been through by now."""
        self.peak, self.first, self.clock = now.peak, now.first, now.latest
        self.total, self.visits, self.stays = now.total, now.visits, now.stays
        self.longest, self.current = now.longest, now.current
        self.waiting = None if now.since is None else (now.since, now.line, now.source)

    def close(self, stay: Stay | None) -> None:
        """A stay is over."""
        if stay is not None:
            self.stays += 1
            if self.longest is None or stay.length > self.longest.length:
                self.longest = stay

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
                self.current = Stay(start, max(end, start), line, source, 1)
        self.close(self.current)
        self.current = None


@stateful
class Plateaus:
    """The plateaus of all groups, grown batch by batch."""

    of: dict[int, Plateau] = field(default_factory=dict)
    _peaks: Peaks = field(default_factory=lambda: Peaks(DIP))
    _threads: Merged = field(default_factory=lambda: Merged(_THREAD, _merged))

    def take(self, steps: Steps) -> None:
        """Adds the steps of one batch."""
        self._threads.add(self._peaks.take(steps))
        for group in range(len(self._peaks)):
            self.of.setdefault(group, Plateau()).become(self._peaks.of(group))

    def settle(self) -> None:
        """Tells of each group the threads that reached its peak."""
        for (group,), rows in self._threads.table.partition_by("group", as_dict=True).items():
            state = self.of[group]
            mine = rows.filter(pl.col("level") == state.peak)
            state.threads, state.at_once = mine.height, _at_once(mine)


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each thread, of those that reached the highest level of their group."""
    highest = rows.filter(pl.col("level") == pl.col("level").max().over("group"))
    return highest.group_by("group", "thread").agg(pl.col("level", "last").max(), pl.col("first").min())


def _at_once(threads: pl.DataFrame) -> int:
    """How many threads, at most, are between their first and their last time at once."""
    begins = threads.select_seq("first", change=pl.lit(1))
    ends = threads.select_seq(first=pl.col("last") + 1, change=pl.lit(-1))
    level = pl.concat([ends, begins]).sort("first", maintain_order=True)["change"].cum_sum()
    most: int | None = level.max()  # type: ignore[assignment]
    return most or 0
