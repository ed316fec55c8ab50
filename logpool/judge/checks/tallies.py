"""What several checks note of rare records: how many there are, when, and where the first few stand."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass, stateful
from logpool.judge.names import EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.judge.names import Names
    from logpool.report.model import Evidence


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


@stateful
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
