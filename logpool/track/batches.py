"""One batch of events, and its whole uses and lives as rows of the tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import constant
from logpool.native.numbers import Events
from logpool.schema import Detail, End, Kind
from logpool.track.neighbours import POINT
from logpool.track.outcomes import AT_ONCE
from logpool.track.tracked import CHECKOUT, LIFE, groups_of

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
        rows = self.events[places]
        meaning = self.vocabulary.frame()[rows["shape"]]
        return rows.hstack([*meaning.get_columns(), (places.cast(pl.Int64) + self.first).alias("seq")])

    def details(self, places: pl.Series) -> pl.Series:
        """The details of some of the events."""
        return self.vocabulary.frame()["detail"][self.events["shape"][places]]

    @cached_property
    def lent(self) -> Events:
        """The same, for the compiled part."""
        return Events(self.events, self.first, self.vocabulary.frame()["group"])

    def whole_uses(self, uses: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Whole uses as checkouts, and the rests before those whose connection the pool had kept."""
        begins, ends = self.lent.points(uses["begin"]), self.lent.points(uses["end"])
        columns = {
            "key": uses["key"],
            **{f"out_{name}": begins[name] for name in POINT},
            **{f"end_{name}": ends[name] for name in POINT},
            "outcome": constant(int(End.RETURNED), pl.UInt8, uses.height),
            "fresh": uses["fresh"],
            "complete": constant(value=True, dtype=pl.Boolean, size=uses.height),
        }
        kept = ~uses["fresh"]
        rests = {
            "group": groups_of(uses["key"].filter(kept)),
            "seq": ends["seq"].filter(kept),
            "idle": begins["time"].filter(kept) - self.events["time"][uses["before"].filter(kept)],
        }
        return pl.DataFrame({name: columns[name] for name in CHECKOUT}), pl.DataFrame(rests)

    def whole_lives(self, lives: pl.DataFrame) -> pl.DataFrame:
        """Whole lives as lives that ended."""
        begins, ends = self.lent.points(lives["begin"]), self.lent.points(lives["end"])
        soft = self.details(lives["end"]) == int(Detail.SOFT)
        at_once = ends["time"] - self.events["time"][lives["back"]] <= AT_ONCE
        columns = {
            "key": lives["key"],
            **{f"life_{name}": begins[name] for name in POINT},
            **{f"end_{name}": ends[name] for name in POINT},
            "born": constant(value=True, dtype=pl.Boolean, size=lives.height),
            "dropped": constant(value=False, dtype=pl.Boolean, size=lives.height),
            "uses": lives["uses"],
            "seq": ends["seq"],
            "time": ends["time"],
            "at_return": soft & at_once.fill_null(value=True),
        }
        return pl.DataFrame({name: columns[name] for name in LIFE})

    def whole_closes(self, lives: pl.DataFrame) -> pl.DataFrame:
        """The closes of whole lives, as related rows, with ``before``: the number of the reset before each."""
        return self.told(lives["end"]).with_columns_seq(
            lives["key"],
            before=lives["back"] + self.first,
            previous=pl.lit(int(Kind.RESET), pl.UInt8),
            was_out=pl.lit(value=False),
            was_awaiting=pl.lit(value=False),
            is_last=pl.lit(value=False),
        )
