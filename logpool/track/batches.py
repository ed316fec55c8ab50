"""One batch of events, and what they say."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass
from logpool.frames import at
from logpool.native.events import Events
from logpool.schema import Kind
from logpool.track.tracked import keys_of

if TYPE_CHECKING:
    from logpool.read.vocabulary import Vocabulary


@dataclass(frozen=True)
class EventBatch:
    """Some events, in the log's order.

    Attributes:
        events: ``line``, ``time``, ``shape``, ``connection``, ``thread``, ``source``.
        first: the number of the first one in the whole analysis.
        vocabulary: gives them their meaning.
        lasts: the places of the last events of each shape, in order, UInt32.
    """

    events: pl.DataFrame
    first: int
    vocabulary: Vocabulary
    lasts: pl.Series

    def told(self, places: pl.Series) -> pl.DataFrame:
        """Some of the events, with what their shapes say, numbered."""
        rows = at(self.events, places)
        meaning = at(self.vocabulary.frame(), rows["shape"])
        return rows.hstack([*meaning.get_columns(), (places.cast(pl.Int64) + self.first).alias("seq")])

    def details(self, places: pl.Series) -> pl.Series:
        """The details of some of the events."""
        return self.vocabulary.frame()["detail"][self.events["shape"][places]]

    @cached_property
    def lent(self) -> Events:
        """The same, for the compiled part."""
        return Events(self.events, self.first, self.vocabulary.frame()["group"])

    def whole_closes(self, lives: pl.DataFrame) -> pl.DataFrame:
        """The closes of whole lives, as related rows, with ``before``: the number of the reset before each."""
        return self.told(lives["end"]).with_columns_seq(
            keys_of(lives),
            before=lives["back"].cast(pl.Int64) + self.first,
            previous=pl.lit(int(Kind.RESET), pl.UInt8),
            was_out=pl.lit(value=False),
            was_awaiting=pl.lit(value=False),
            is_last=pl.lit(value=False),
        )
