"""How long the connections of each group are all in use."""

from __future__ import annotations

from ctypes import byref
from typing import TYPE_CHECKING, NamedTuple

from logpool.native.library import NO_TIME, library
from logpool.native.numbers import table_of
from logpool.native.structures import PeakStructure

if TYPE_CHECKING:
    import polars as pl

    from logpool.native.steps import Steps


class Stay(NamedTuple):
    """Some time at the highest level.

    Attributes:
        start: in microseconds; likewise ``end``.
        line: of the step that reached the level, in the file ``source``.
        visits: how often it was reached meanwhile, dips in between.
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


class Peak(NamedTuple):
    """What one group of connections has been through; times in microseconds, None for none.

    Attributes:
        level: how many are in use now.
        peak: at most.
        first: the first step's time.
        latest: the latest.
        since: since when they have been at the peak; None where they are not. By the step in ``line`` of ``source``.
        total: how long the visits at the peak were that are over, together.
        visits: how many there were.
        stays: over how many stays, ``current`` not counted.
        current: the stay that the next visit may continue.
        longest: the longest other one.
    """

    level: int
    peak: int
    first: int | None
    latest: int | None
    since: int | None
    line: int
    source: int
    total: int = 0
    visits: int = 0
    stays: int = 0
    current: Stay | None = None
    longest: Stay | None = None


class Peaks:
    """Follows how many connections of each group are in use, and how long they are at their peak."""

    def __init__(self, dip: int) -> None:
        """Visits at the peak that are so many microseconds apart at most are one stay."""
        self.dip = dip
        self._memory = (PeakStructure * 0)()

    def __len__(self) -> int:
        return len(self._memory)

    def of(self, group: int) -> Peak:
        """What a group has been through."""
        state = self._memory[group]
        first, latest, since = (None if time == NO_TIME else time for time in (state.first, state.latest, state.since))
        stays = (
            Stay(stay.start, stay.end, stay.line, stay.source, stay.visits) if stay.visits else None
            for stay in (state.current, state.longest)
        )
        counts = (state.total, state.visits, state.stays)
        return Peak(state.level, state.peak, first, latest, since, state.line, state.source, *counts, *stays)

    def take(self, steps: Steps) -> pl.DataFrame:
        """Follows some steps.

        Returns:
            The threads that reached the highest level so far: ``group``, ``thread``, ``level``, and the numbers of the
            ``first`` and the ``last`` event at which they did. All Int64.
        """
        if steps.group_count > len(self):
            memory = (PeakStructure * steps.group_count)(*self._memory)
            for group in range(len(self), steps.group_count):
                memory[group].first = memory[group].latest = memory[group].since = NO_TIME
            self._memory = memory
        arguments = (byref(steps.structure), self.dip, self._memory)
        return table_of(("group", "thread", "level", "first", "last"), library().peaks, *arguments)
