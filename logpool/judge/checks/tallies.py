"""What several checks count by: first and last times, first places, and counts per second. All of bounded size."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import stacked, where
from logpool.judge.names import EVIDENCE
from logpool.native.numbers import tallied

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.judge.names import Names
    from logpool.report.model import Evidence

SECOND = 1_000_000
#: the ``idle`` of what did not lie idle, or not for a known time
AWAKE = -1
# of more cells than these, each is made twice as wide: some 60 bytes a cell
_MOST_CELLS = 1 << 17
_PLACE = 1 << 40


@dataclass(frozen=True)
class Sighting:
    """Records of one sort: how many, when (microseconds), and where the first few stand: ``seq``, source, line."""

    count: int = 0
    first: int | None = None
    last: int | None = None
    places: tuple[tuple[int, int, int], ...] = ()

    def evidence(self, names: Names) -> tuple[Evidence, ...]:
        """The first few places."""
        return names.evidence((source, line) for _, source, line in self.places)


def together(sightings: Iterable[Sighting]) -> Sighting:
    """Several sorts of records as one."""
    seen = list(sightings)
    firsts = [one.first for one in seen if one.first is not None]
    lasts = [one.last for one in seen if one.last is not None]
    places = sorted(place for one in seen for place in one.places)[:EVIDENCE]
    count = sum(one.count for one in seen)
    return Sighting(count, min(firsts, default=None), max(lasts, default=None), tuple(places))


@dataclass
class Sightings:
    """Rare records by their sort, a number such as a shape."""

    by_label: dict[int, Sighting] = field(default_factory=dict)

    def add(self, rows: pl.DataFrame, label: str) -> None:
        """Adds rows with a mark, in the log's order; the column ``label`` says of which sort each is."""
        if not rows.height:
            return
        mark = pl.struct("seq", "source", "line").head(EVIDENCE)
        found = rows.group_by(label, maintain_order=True).agg(
            pl.len(), first=pl.col("time").min(), last=pl.col("time").max(), places=mark
        )
        for one, count, first, last, places in found.iter_rows():
            marks = tuple((place["seq"], place["source"], place["line"]) for place in places)
            here = self.by_label.get(one, Sighting())
            self.by_label[one] = together((here, Sighting(count, first, last, marks)))


_CELL = {
    "label": pl.UInt32,
    "cell": pl.Int64,
    "count": pl.Int64,
    "first": pl.Int64,
    "last": pl.Int64,
    "idle": pl.Int64,
    "place": pl.Int64,
}
# so many may wait to be merged
_FEW_CELLS = 1 << 14
_MERGED = (
    pl.col("count").sum(),
    pl.col("first").min(),
    pl.col("last").max(),
    pl.col("idle").min(),
    pl.col("place").min(),
)


@dataclass
class Cells:
    """Events counted per sort and second: count, first and last time, least ``idle``, and first place.

    Where there are too many seconds, cells become wider, all at once and by halves of their number: what comes of it
    depends on the events alone, not on how they come.
    """

    _width: int = SECOND
    _kept: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_CELL))
    _waiting: list[pl.DataFrame] = field(default_factory=list)

    def add(self, rows: pl.DataFrame) -> None:
        """Adds ``label``, ``time``, ``source``, ``line`` and ``idle``; what has no time is left out."""
        timed = where(rows, rows["time"].is_not_null()) if rows["time"].null_count() else rows
        if not timed.height:
            return
        place = timed["source"].cast(pl.Int64) * _PLACE + timed["line"]
        idle = timed["idle"].cast(pl.Int64).fill_null(AWAKE)
        found = tallied(timed["label"].cast(pl.UInt32), timed["time"], self._width, idle=idle, place=place)
        named = {"label": "label", "cell": "bin"}
        self._waiting.append(
            found.select_seq(pl.col(named.get(name, name)).cast(dtype).alias(name) for name, dtype in _CELL.items())
        )
        if sum(cells.height for cells in self._waiting) > self._kept.height + _FEW_CELLS:
            self._settle()

    @property
    def width(self) -> int:
        """That of a cell, microseconds."""
        self._settle()
        return self._width

    def _settle(self) -> None:
        """Merges what was added."""
        if self._waiting:
            self._merge([self._kept, *self._waiting])
            self._waiting = []
        while self._kept.height > _MOST_CELLS:
            self._width *= 2
            self._merge([self._kept.with_columns_seq(cell=pl.col("cell") // 2)])

    def _merge(self, cells: list[pl.DataFrame]) -> None:
        self._kept = stacked(cells).group_by("label", "cell").agg(*_MERGED)

    def of(self, labels: Iterable[int]) -> pl.DataFrame:
        """The cells of some sorts, by time: ``label``, ``cell``, and what is counted in each."""
        self._settle()
        chosen = self._kept.filter(pl.col("label").is_in(list(labels)))
        return chosen.sort("first", "last", "place")


def place_of(place: int) -> tuple[int, int]:
    """The source and the line of a cell's ``place``."""
    return divmod(place, _PLACE)
