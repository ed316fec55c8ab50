"""Several logs as one: their events in the order of their times, each log's own in the order of its lines."""

from __future__ import annotations

from dataclasses import field
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.late import pl
from logpool.native.numbers import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_BEFORE_ALL = -(1 << 63)
# of more logs than these, events are passed on in greater lots
_MANY = 16
_LOT = 1 << 16


@stateful
class _Stream:
    """One log's events, with ``order``: the latest time so far, so that a clock that steps back changes no order."""

    batches: Iterator[pl.DataFrame]
    latest: int

    def fetch(self) -> pl.DataFrame | None:
        """The next batch; None at the end."""
        batch = next(self.batches, None)
        if batch is None or not batch.height:
            return batch
        order = batch["time"].cum_max().fill_null(strategy="forward").fill_null(_BEFORE_ALL)
        order = order.clip(self.latest).alias("order")
        self.latest = int(order[-1])
        return batch.with_columns_seq(order)


@stateful
class _Waiting:
    """Events that something earlier may still come before."""

    batches: list[pl.DataFrame] = field(default_factory=list)
    rows: int = 0
    _kept: int = 0

    def add(self, batch: pl.DataFrame) -> None:
        self.batches.append(batch)
        self.rows += batch.height

    def is_worth_sorting(self) -> bool:
        """Whether so many have come since the last time that sorting costs little for each."""
        return self.rows >= 2 * self._kept + _LOT

    def take(self, until: int | None) -> pl.DataFrame | None:
        """What comes before a time, in order; all that waits where there is none."""
        if not self.batches:
            return None
        ready = pl.concat(self.batches)
        left = ready.clear()
        if until is not None:
            # what has no time comes log by log, so nothing that is still to come is before it
            early = pl.col("order") <= until if until == _BEFORE_ALL else pl.col("order") < until
            ready, left = ready.filter(early), ready.filter(~early)
        self.batches = [left] if left.height else []
        self.rows = self._kept = left.height
        return ready.sort("order", "source", maintain_order=True).drop("order") if ready.height else None


def merged(
    streams: Iterable[Iterator[pl.DataFrame]], begins: Sequence[int | None] | None = None
) -> Iterator[pl.DataFrame]:
    """The events of all logs in one order, which does not depend on how each comes in batches.

    Args:
        streams: the logs; ``source`` grows from each to the next.
        begins: where known, when each begins: it is not asked for events before. An event that is earlier all the
            same is put there.
    """
    logs = [_Stream(stream, _BEFORE_ALL) for stream in streams]
    if len(logs) == 1:
        yield from logs[0].batches
        return
    for log, begin in zip(logs, begins or (), strict=False):
        log.latest = _BEFORE_ALL if begin is None else begin
    # nothing that is still to come is earlier than the first of these
    heap = [(log.latest, number) for number, log in enumerate(logs)]
    heapify(heap)
    waiting = _Waiting()
    while heap:
        until, number = heap[0]
        if len(logs) <= _MANY or waiting.is_worth_sorting():
            ready = waiting.take(until)
            if ready is not None:
                yield ready
        batch = logs[number].fetch()
        if batch is None:
            heappop(heap)
            # with it goes what it holds in memory
            logs[number].batches = iter(())
            continue
        heapreplace(heap, (logs[number].latest, number))
        if batch.height:
            waiting.add(batch)
    ready = waiting.take(None)
    if ready is not None:
        yield ready


def as_one(batches: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Batches of events that follow each other as one, each column in one piece."""
    if len(batches) == 1:
        return batches[0]
    return pl.DataFrame([joined([batch[name] for batch in batches]) for name in batches[0].columns])
