"""Events of several blocks, gathered to become one batch: each batch costs those who follow and judge it the same."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.frames import constant, rows_of
from logpool.late import pl
from logpool.native.finding import Lot
from logpool.native.library import spare_memory

if TYPE_CHECKING:
    #: a timeout in a traceback: ``line`` and ``time`` of the head, ``shape``, nothing, nothing, ``source``
    Timeout = tuple[int, int | None, int, None, None, int]

# of so many events little of the memory that they took is in use, and what is not lies in pieces
_SPARED_AFTER = 1 << 23
_COLUMNS = ("line", "time", "shape", "connection", "thread")


@stateful
class Gathered:
    """The events of the next batch.

    Attributes:
        lot: they, those of each block behind those before.
        timeouts: those that stand under heads.
        in_order: whether the events are in the order of their lines.
    """

    lot: Lot = field(default_factory=Lot)
    timeouts: list[Timeout] = field(default_factory=list)
    in_order: bool = True
    # from which place on they are of which file
    _begins: list[tuple[int, int]] = field(default_factory=list)
    _given: int = 0

    def __len__(self) -> int:
        return len(self.lot) + len(self.timeouts)

    def begin(self, part: int) -> None:
        """From now on they are of a file, by its number."""
        if not self._begins or self._begins[-1][1] != part:
            self._begins.append((len(self.lot), part))

    def take(self) -> pl.DataFrame:
        """Gives them away, by their lines: ``line``, ``time``, ``shape``, ``connection``, ``thread``, ``source``."""
        count = len(self.lot)
        places, parts = zip(*self._begins, strict=True)
        sizes = (end - begin for begin, end in zip(places, [*places[1:], count], strict=True))
        sources = [constant(part, pl.UInt32, size) for part, size in zip(parts, sizes, strict=True)]
        named = zip(_COLUMNS, self.lot.columns(), strict=True)
        source = sources[0] if len(sources) == 1 else pl.concat(sources, rechunk=True)
        events = pl.DataFrame([*(column.alias(name) for name, column in named), source.alias("source")])
        if self.timeouts:
            events = pl.concat([events, rows_of(self.timeouts, events.schema)])
        if self.timeouts or not self.in_order:
            events = events.sort("source", "line", maintain_order=True)
        self._given += count
        if self._given >= _SPARED_AFTER:
            self._given = 0
            spare_memory()
        # the next one will hold about as many
        self.lot = Lot(count * 9 // 8)
        self._begins, self.timeouts, self.in_order = [(0, parts[-1])], [], True
        return events
