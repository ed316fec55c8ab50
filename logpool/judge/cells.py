"""Events counted per second, in bounded memory."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import where
from logpool.native.numbers import tallied

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 1_000_000
#: the ``idle`` of what did not lie idle, or not for a known time
AWAKE = -1
# of more cells than these, each is made twice as wide: some 60 bytes a cell
_MOST_CELLS = 1 << 17
_PLACE = 1 << 40
_CELL = dict.fromkeys(("label", "bin", "count", "first", "last", "idle", "place", "end"), pl.Int64)


@stateful
class Cells:
    """Events counted per sort and second: count, first and last time, least ``idle``, first and last place.

    Where there are too many seconds, cells become wider, all at once and by halves of their number: what comes of it
    depends on the events alone, not on how they come.

    Attributes:
        width: that of a cell, microseconds.
    """

    width: int = SECOND
    _kept: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CELL))

    def add(self, rows: pl.DataFrame) -> None:
        """Adds ``label``, ``time``, ``source``, ``line`` and ``idle``; what has no time is left out."""
        timed = where(rows, rows["time"].is_not_null()) if rows["time"].null_count() else rows
        if not timed.height:
            return
        place = timed["source"].cast(pl.Int64) * _PLACE + timed["line"]
        # the least is kept of everything
        values = {"idle": timed["idle"].cast(pl.Int64).fill_null(AWAKE), "place": place, "end": place * -1}
        self._tally(timed["label"].cast(pl.UInt32), timed["time"], **values)
        while self._kept.height > _MOST_CELLS:
            self.width *= 2
            self._kept = self._kept.with_columns_seq(bin=pl.col("bin") // 2)
            none = pl.Series(dtype=pl.Int64)
            self._tally(none.cast(pl.UInt32), none, idle=none, place=none, end=none)

    def _tally(self, labels: pl.Series, times: pl.Series, **values: pl.Series) -> None:
        self._kept = tallied(labels, times, self.width, self._kept, **values)

    def of(self, labels: Iterable[int]) -> pl.DataFrame:
        """The cells of some sorts, by time: ``label``, ``bin``, and what is counted in each, Int64; and ``places``."""
        chosen = self._kept.filter(pl.col("label").is_in(list(labels))).sort("first", "last", "place")
        return chosen.with_columns_seq(places=pl.concat_list("place", -pl.col("end"))).drop("end")


def place_of(place: int) -> tuple[int, int]:
    """The source and the line of a cell's ``place``."""
    return divmod(place, _PLACE)
