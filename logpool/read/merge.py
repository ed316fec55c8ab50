"""Several logs as one: their events in the order of their times, each log's own in the order of its lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BEFORE_ALL = -(1 << 63)


@dataclass
class _Stream:
    """One log's events, with ``order``: the latest time so far, so that a clock that steps back changes no order."""

    batches: Iterator[pl.DataFrame]
    latest: int = _BEFORE_ALL
    waiting: list[pl.DataFrame] = field(default_factory=list)
    over: bool = False

    def fetch(self) -> None:
        batch = next(self.batches, None)
        if batch is None:
            self.over = True
        elif batch.height:
            order = batch["time"].cum_max().fill_null(strategy="forward").fill_null(_BEFORE_ALL)
            order = order.clip(self.latest).alias("order")
            self.latest = int(order[-1])
            self.waiting.append(batch.with_columns(order))

    def take(self, until: int | None) -> list[pl.DataFrame]:
        """What comes before a time; all that waits where there is none."""
        if until is None:
            taken, self.waiting = self.waiting, []
            return taken
        taken = [batch.filter(pl.col("order") < until) for batch in self.waiting]
        left = [batch.filter(pl.col("order") >= until) for batch in self.waiting]
        self.waiting = [batch for batch in left if batch.height]
        return [batch for batch in taken if batch.height]


def merged(streams: Iterable[Iterator[pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """The events of all logs in one order, which does not depend on how each comes in batches."""
    logs = [_Stream(stream) for stream in streams]
    if len(logs) == 1:
        yield from logs[0].batches
        return
    for log in logs:
        log.fetch()
    while True:
        going = [log for log in logs if not log.over]
        # nothing that is still to come is earlier than this
        until = min((log.latest for log in going), default=None)
        ready = [batch for log in logs for batch in log.take(until)]
        if ready:
            yield pl.concat(ready).sort("order", "source", maintain_order=True).drop("order")
        if until is None:
            return
        for log in going:
            if log.latest == until:
                log.fetch()
