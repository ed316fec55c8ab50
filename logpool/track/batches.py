"""One batch of events, and its whole uses and lives as rows of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import constant, where
from logpool.schema import Detail, End, Kind
from logpool.track.neighbours import MARK
from logpool.track.outcomes import AT_ONCE
from logpool.track.tracked import CHECKOUT, LIFE, group_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.read.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Some events, in the log's order.

    Attributes:
        events: ``line``, ``time``, ``shape``, ``connection``, ``source``.
        first: the number of the first one in the whole analysis.
        vocabulary: gives them their meaning.
    """

    events: pl.DataFrame
    first: int
    vocabulary: Vocabulary

    def told(self, places: pl.Series) -> pl.DataFrame:
        """Some of the events, with what their shapes say, numbered."""
        rows = self.events[places]
        meaning = self.vocabulary.frame()[rows["shape"]]
        return rows.hstack([*meaning.get_columns(), (places.cast(pl.Int64) + self.first).alias("seq")])

    def marks(self, places: pl.Series, name: str) -> Iterator[pl.Series]:
        """The marks of events, as columns of a name."""
        marks = {
            "seq": places.cast(pl.Int64) + self.first,
            "time": self.events["time"][places],
            "line": self.events["line"][places],
            "source": _picked(self.events["source"], places),
            "thread": self.threads(places),
        }
        return (marks[mark].alias(f"{name}_{mark}") for mark in MARK)

    def threads(self, places: pl.Series) -> pl.Series:
        """The threads of events."""
        threads = self.vocabulary.frame()["thread"]
        if threads.null_count() == len(threads):
            return constant(None, pl.UInt32, len(places))
        return threads[self.events["shape"][places]]

    def whole_uses(self, uses: pl.DataFrame) -> pl.DataFrame:
        """Whole uses as checkouts."""
        ends = (*self.marks(uses["begin"], "out"), *self.marks(uses["end"], "end"))
        rows = pl.DataFrame([uses["key"], uses["fresh"], *ends])
        rows = rows.with_columns_seq(outcome=pl.lit(int(End.RETURNED), pl.UInt8), complete=pl.lit(value=True))
        return rows.select_seq(CHECKOUT.keys())

    def whole_lives(self, lives: pl.DataFrame) -> pl.DataFrame:
        """Whole lives as lives that ended."""
        ends = (*self.marks(lives["begin"], "life"), *self.marks(lives["end"], "end"))
        rows = pl.DataFrame([lives["key"], lives["uses"], *ends])
        closing = self.events.select_seq("shape", "time")[lives["end"]]
        soft = self.vocabulary.frame()["detail"][closing["shape"]] == int(Detail.SOFT)
        gap = closing["time"] - self.events["time"][lives["back"]]
        rows = rows.with_columns_seq(
            born=pl.lit(value=True),
            dropped=pl.lit(value=False),
            seq="end_seq",
            time="end_time",
            at_return=soft & (gap <= AT_ONCE).fill_null(value=True),
        )
        return rows.select_seq(LIFE.keys())

    def whole_closes(self, lives: pl.DataFrame) -> pl.DataFrame:
        """The closes of whole lives, as related rows, with ``before``: the number of the reset before each."""
        return self.told(lives["end"]).with_columns_seq(
            lives["key"],
            before=lives["back"].cast(pl.Int64) + self.first,
            previous=pl.lit(int(Kind.RESET), pl.UInt8),
            was_out=pl.lit(value=False),
            was_awaiting=pl.lit(value=False),
            is_last=pl.lit(value=False),
        )

    def whole_rests(self, uses: pl.DataFrame) -> pl.DataFrame:
        """The rests before whole uses of connections that the pool had kept."""
        kept = where(uses, ~pl.col("fresh"))
        times = self.events["time"]
        return kept.select_seq(
            group_of().alias("group"),
            seq=pl.col("end").cast(pl.Int64) + self.first,
            idle=times[kept["begin"]] - times[kept["before"]],
        )


def _picked(column: pl.Series, places: pl.Series) -> pl.Series:
    """Some rows of a column in which most often all are the same."""
    if len(column) and column.min() == column.max():
        return column.new_from_index(0, len(places))
    return column[places]
