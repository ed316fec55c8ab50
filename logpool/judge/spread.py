"""How long connections are held, stretch by stretch of the log: what two logs are tested by.

Holds of one stretch hang together (a slow query holds many connections, a busy minute slows them all), so a test must
not take each for a new witness. Stretches that are long enough are nearly independent of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import stacked, where
from logpool.native.numbers import counted
from logpool.report.model import HoldCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.vocabulary import Vocabulary
    from logpool.track.tracked import Tracked

# at most so many stretches, so at least half as many in a log without breaks. Schmeiser, "Batch size effects in the
# analysis of simulation output" (Operations Research 30, 1982): 10 to 30 of them, the longer the better, lose little
STRETCHES = 32
# a class of hold times is so much wider than its begin: 32 to the octave, 2.2 percent
_TO_THE_OCTAVE = 32
_SCHEMA = {"part": pl.UInt32, "stretch": pl.Int64, "length": pl.UInt32, "count": pl.UInt64}


@dataclass
class HoldSpread:
    """Counts of holds per pool, stretch of time and class of length, grown batch by batch.

    A stretch is 2^k microseconds, from a multiple of that since the epoch, where k is as small as leaves no more than
    ``STRETCHES`` of them: so it does not depend on how the log is cut. Holds without times do not count.
    """

    vocabulary: Vocabulary
    _kept: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SCHEMA))
    _power: int = 0
    _parts: dict[str, int] = field(default_factory=dict)

    def take(self, tracked: Tracked) -> None:
        """Adds the checkouts of one batch that are known from both ends."""
        holds = tracked.holds.hstack([tracked.checkouts["out_time"]])
        if holds["microseconds"].null_count():
            holds = where(holds, holds["microseconds"].is_not_null())
        if not holds.height:
            return
        group, microseconds, taken = holds
        first, last = (time >> self._power for time in _span(taken))
        begin, end = _span(self._kept["stretch"]) if self._kept.height else (first, last)
        begin, end = min(begin, first), max(end, last)
        wider = 0
        while (end >> wider) - (begin >> wider) >= STRETCHES:
            wider += 1
        self._power += wider
        parts = [self._parts.setdefault(pool, len(self._parts)) for _, _, pool in self.vocabulary.groups]
        first >>= wider
        stretch = taken // (1 << self._power)
        # what is equal is counted before it is classed, which takes longer
        place = pl.Series(parts, dtype=pl.UInt32)[group] * STRETCHES + (stretch - first).cast(pl.UInt32)
        found = counted(place, microseconds.clip(0)).select_seq(
            "count",
            part=pl.col("one") // STRETCHES,
            stretch=pl.col("one") % STRETCHES + first,
            length=(pl.col("other").log1p() * (_TO_THE_OCTAVE / math.log(2))).floor(),
        )
        found = found.select_seq(_SCHEMA.keys())
        kept = self._kept.with_columns_seq(pl.col("stretch") // (1 << wider))
        merged = stacked([kept, found.cast(_SCHEMA)])  # type: ignore[arg-type]
        self._kept = merged.group_by("part", "stretch", "length").agg(pl.col("count").sum())

    def finish(self, pools: Iterable[str]) -> tuple[HoldCounts, ...]:
        """One per pool that has holds, in their order."""
        if not self._kept.height:
            return ()
        begin = self._kept.select_seq(pl.col("stretch").min()).item()
        ordered = self._kept.with_columns_seq(pl.col("stretch") - begin).sort("part", "stretch", "length")
        rows = {part: ordered.filter(pl.col("part") == part).drop("part").rows() for part in self._parts.values()}
        found = {pool: tuple(rows[part]) for pool, part in self._parts.items() if rows[part]}
        return tuple(HoldCounts(pool, found[pool]) for pool in pools if pool in found)


def _span(times: pl.Series) -> tuple[int, int]:
    """The first and the last of some times."""
    return int(times.min()), int(times.max())  # type: ignore[arg-type]
