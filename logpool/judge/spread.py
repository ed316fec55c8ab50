"""How long connections are held, stretch by stretch of the log: what two logs are tested by.

Holds of one stretch hang together (a slow query holds many connections, a busy minute slows them all), so a test must
not take each for a new witness. Stretches that are long enough are nearly independent of each other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import typed
from logpool.judge.merged import Merged
from logpool.report.model import HoldCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.vocabulary import Vocabulary
    from logpool.track.found import Tracked

# at most so many stretches, so at least half as many in a log without breaks. Schmeiser, "Batch size effects in the
# analysis of simulation output" (Operations Research 30, 1982): 10 to 30 of them, the longer the better, lose little
STRETCHES = 32
# a class of hold times is so much wider than its begin: 32 to the octave, 2.2 percent
_TO_THE_OCTAVE = 32
_SCHEMA = pl.Schema({"part": pl.UInt32, "stretch": pl.Int64, "length": pl.UInt32, "count": pl.UInt64})


@stateful
class HoldSpread:
    """Counts of holds per pool, stretch of time and class of length, grown batch by batch.

    A stretch is 2^k microseconds, from a multiple of that since the epoch, where k is as small as leaves no more than
    ``STRETCHES`` of them: so it does not depend on how the log is cut. Holds without times do not count.
    """

    vocabulary: Vocabulary
    _kept: Merged = field(default_factory=lambda: Merged(_SCHEMA, _merged))
    _power: int = 0
    # the first stretch and the last
    _span: tuple[int, int] | None = None
    _parts: dict[str, int] = field(default_factory=dict)

    def take(self, tracked: Tracked) -> None:
        """Adds the checkouts of one batch that are known from both ends."""
        reach = tracked.checkouts.reach()
        if reach is None:
            return
        self._reach(*reach)
        parts = [self._parts.setdefault(pool, len(self._parts)) for _, _, pool in self.vocabulary.groups]
        first = self._span[0] if self._span else 0
        # what is equal is counted before it is classed, which takes longer
        found = tracked.checkouts.holds_in(parts, self._power, first, STRETCHES).select_seq(
            "count",
            part=pl.col("one") // STRETCHES,
            stretch=pl.col("one") % STRETCHES + first,
            length=(pl.col("other").log1p() * (_TO_THE_OCTAVE / math.log(2))).floor(),
        )
        self._kept.add(typed(found, _SCHEMA))

    def _reach(self, first: int, last: int) -> None:
        """Makes the stretches as long as it takes to hold some times, too."""
        begin, end = first >> self._power, last >> self._power
        if self._span is not None:
            begin, end = min(begin, self._span[0]), max(end, self._span[1])
        wider = 0
        while (end >> wider) - (begin >> wider) >= STRETCHES:
            wider += 1
        if wider:
            self._power += wider
            self._kept.become(self._kept.rows.with_columns_seq(pl.col("stretch") // (1 << wider)))
        self._span = begin >> wider, end >> wider

    def finish(self, pools: Iterable[str]) -> tuple[HoldCounts, ...]:
        """One per pool that has holds, in their order."""
        if self._span is None:
            return ()
        ordered = self._kept.table.with_columns_seq(pl.col("stretch") - self._span[0]).sort("part", "stretch", "length")
        # there may be a thousand pools: each is not looked for by itself
        found: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for part, *row in ordered.iter_rows():
            found[part].append((row[0], row[1], row[2]))
        parts = ((pool, self._parts[pool]) for pool in pools if pool in self._parts)
        return tuple(HoldCounts(pool, tuple(found[part])) for pool, part in parts if part in found)


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("part", "stretch", "length").agg(pl.col("count").sum())
