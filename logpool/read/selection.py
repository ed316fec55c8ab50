"""Which events count: of which pools, and from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from logpool.errors import UsageError
from logpool.read.vocabulary import split_pool_name
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.vocabulary import Shape, Vocabulary


@dataclass(frozen=True, slots=True)
class Selection:
    """What to keep; by default everything.

    Attributes:
        pools: names of pools: class, logging name or whole logger; empty for all.
        since: the earliest time kept, microseconds.
        until: the time from which on nothing is kept.
    """

    pools: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None

    @classmethod
    def of(cls, pools: Iterable[str], since: str | None, until: str | None) -> Selection:
        """A selection from what a user writes.

        Raises:
            UsageError: a time is no ISO 8601 time.
        """
        return cls(frozenset(pools), _microseconds(since, "--since"), _microseconds(until, "--until"))

    def apply(self, events: pl.DataFrame, vocabulary: Vocabulary) -> pl.DataFrame:
        """The events kept. What crosses the cut has no beginning, or no end, like at the edge of a log."""
        if self.since is not None:
            events = events.filter(pl.col("time") >= self.since)
        if self.until is not None:
            events = events.filter(pl.col("time") < self.until)
        if self.pools:
            kept = [shape is not None and self._keeps(shape) for shape in vocabulary.shapes]
            events = events.filter(pl.Series(kept, dtype=pl.Boolean).gather(events["shape"]))
        return events

    def _keeps(self, shape: Shape) -> bool:
        if shape.pool is None:
            # a timeout names no pool: it may be this one's
            return shape.message.kind is Kind.TIMED_OUT
        return not self.pools.isdisjoint((shape.pool, *split_pool_name(shape.pool)))


def _microseconds(text: str | None, option: str) -> int | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        # a log's local times are kept as they are printed
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = "give a time such as 2024-09-26T17:45:00"
        raise UsageError(f"{option} is no time: {text!r}", hint) from error
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
