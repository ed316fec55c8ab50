"""When a log begins and ends: the first and the last time in its lines, whatever they tell."""

from __future__ import annotations

from dataclasses import field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.read.cuts import cut_of
from logpool.read.days import Days
from logpool.read.lines import upwards
from logpool.read.wrappers import is_continued, is_wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from logpool.native.lines import Rows
    from logpool.read.cuts import Cut
    from logpool.read.lines import Lines
    from logpool.read.reading import Reading

_EDGE = 50
_LOOKED_AT = 1000


class _Found(NamedTuple):
    """A time in a line, and whether the log put it there, not what collected it."""

    cut: Cut
    is_own: bool


@stateful
class Extent:
    """The times between which a log lies, told to what is read of it.

    Attributes:
        reading: what is read.
        behind: whether a time stands behind the message.
        days: those of the log's times.
    """

    reading: Reading
    behind: bool
    days: Days = field(default_factory=Days)
    # how many of the log's next lines may show its own first time, while none was found but a collector's
    _near: int = _EDGE
    # the lines from the last event on, where the last time stands in them
    _end: bytes | None = None

    def begin(self, lines: Lines) -> None:
        """Looks for the first time, where none was found before these lines, or none of the log's own."""
        if self._near:
            head = lines.head(self._near)
            self._near -= len(head)
            found = self._found(head)
            if found is not None and (found.is_own or self.reading.first_time is None):
                self.reading.first_time, self.reading.offset = found.cut.time, found.cut.offset
                if found.is_own:
                    self._near = 0
        if self.reading.first_time is None:
            self.reading.first_time = self._first(_with_times(lines.texts))

    def go_on(self, lines: Lines, rows: Rows, last: int, cut: Cut | None) -> None:
        """Keeps the lines in which the last time so far stands, to be looked for in the end; else looks for it now.

        Args:
            lines: of a block.
            rows: those that can matter.
            last: the number of the last row that is an event; -1 for none.
            cut: that of it, if its time is one of the log's.
        """
        if cut is not None and cut.is_certain and len(lines) - rows.place(last) <= _EDGE:
            self._end = lines.bytes(rows.start(last))
            return
        found = self._first(islice(lines.above(), _EDGE))
        if found is None:
            found = self._first(_with_times(lines.texts.reverse()))
        if found is not None:
            self._end, self.reading.last_time = None, found

    def pass_over(self, lines: Lines) -> None:
        """Takes the last time from a line that counts for nothing else."""
        time = self._first(lines.texts)
        if time is not None:
            self._end, self.reading.last_time = None, time

    def settle(self) -> None:
        """Looks for the last time in the lines that were kept."""
        if self._end is not None:
            found = self._first(islice(upwards(self._end, len(self._end)), _EDGE))
            self._end, self.reading.last_time = None, found
        reading = self.reading
        if reading.newest_first:
            reading.first_time, reading.last_time = reading.last_time, reading.first_time
        reading.last_time = self.days.last(reading.last_time)

    def _first(self, lines: Iterable[str]) -> int | None:
        """The first time in some lines."""
        found = self._found(lines)
        if found is None:
            return None
        if self.reading.first_time is None:
            self.reading.offset = found.cut.offset
        return found.cut.time

    def _found(self, lines: Iterable[str]) -> _Found | None:
        """Where the first time in some lines stands.

        One that a collector put before a line counts only where none of the next few lines has one of its own, since
        the collector's clock may be another.
        """
        of_collector: Cut | None = None
        for number, line in enumerate(islice(lines, _LOOKED_AT)):
            if of_collector is not None and number > _EDGE:
                break
            cut = cut_of(line, behind=self.behind)
            if self.days.known(cut.time) is None:
                continue
            marked = cut.marked(line)
            if cut.chosen or not is_wrapped(marked):
                return _Found(cut, is_own=True)
            if of_collector is None and not is_continued(marked):
                of_collector = cut
        return None if of_collector is None else _Found(of_collector, is_own=False)


def _with_times(lines: pl.Series) -> pl.Series:
    """The lines that may hold a time."""
    return lines.filter(lines.str.contains(r"\d:\d\d:\d\d|\d{8}[ T]\d{6}|(?:^\W?|:\s*)\d{10}"))
