"""Durations by how often each occurs: exact as long as there are not too many distinct ones, and then nearly so."""

from __future__ import annotations

import math
from dataclasses import field

import polars as pl

from logpool.classes import stateful
from logpool.frames import empty, typed, where
from logpool.judge.merged import Merged
from logpool.native.numbers import counted
from logpool.report.model import Durations

#: so many distinct ones are kept as they are: more than a log has whose times are in milliseconds
MOST_DISTINCT = 1 << 19
#: beyond, durations that agree in so many binary digits become one: a quantile is then too long by 0.2 % at most
DIGITS = 10
_SCHEMA = pl.Schema(
    {
        "group": pl.UInt32,
        "microseconds": pl.Int64,
        "count": pl.UInt64,
        "total": pl.Int128,
        "longest": pl.Int64,
    }
)
_MERGED = (pl.col("count").sum(), pl.col("total").sum(), pl.col("longest").max())
_POWERS = pl.Series([1 << power for power in range(63)], dtype=pl.Int64)


@stateful
class DurationCounts:
    """Counts of durations per group, grown batch by batch.

    Up to ``most`` distinct ones, each is kept as it is. Beyond, they are merged as in a logarithmic histogram (Masson,
    Rim and Lee, "DDSketch", VLDB 2019), and of each class the sum and the longest are kept: counts, means and maxima
    stay exact, and a quantile is the longest of its class. All of this depends on the durations alone, not on how they
    come.

    Attributes:
        bounds: microseconds that part classes, so that what is longer is counted exactly.
        most: distinct durations of all groups that are kept as they are.
    """

    bounds: tuple[int, ...] = ()
    most: int = MOST_DISTINCT
    _counts: Merged = field(init=False)
    _classed: bool = False
    # what was told since the last was added
    _told: dict[tuple[int, ...], Durations] = field(default_factory=dict)
    _by_group: dict[tuple[object, ...], pl.DataFrame] | None = None

    def __post_init__(self) -> None:
        self._counts = Merged(_SCHEMA, self._merged)

    def add_counted(self, rows: pl.DataFrame) -> None:
        """Adds durations: of ``one``, a group, the ``count`` of each ``other``, microseconds, as they are counted.

        A log's clock may step back; such a duration counts as none at all (0).
        """
        if not rows.height:
            return
        longest = pl.col("other")
        total = longest.cast(pl.Int128) * pl.col("count")
        found = rows.select_seq("count", group="one", microseconds=longest, total=total, longest=longest)
        self._counts.add(typed(found, _SCHEMA))
        self._told.clear()
        self._by_group = None

    def add(self, rows: pl.DataFrame) -> None:
        """Adds ``group`` and ``microseconds``, a row a duration; null ones do not count."""
        known = where(rows, rows["microseconds"].is_not_null()) if rows["microseconds"].null_count() else rows
        if known.height:
            self.add_counted(counted(known["group"], known["microseconds"].clip(0)))

    def _merged(self, rows: pl.DataFrame) -> pl.DataFrame:
        merged = rows.group_by("group", "microseconds").agg(*_MERGED)
        if not self._classed and merged.height <= self.most:
            return merged
        self._classed = True
        return merged.group_by("group", self._class()).agg(*_MERGED)

    def _class(self) -> pl.Expr:
        """The shortest duration of the class that one is of."""
        microseconds = pl.col("microseconds")
        spare = (64 - DIGITS - microseconds.bitwise_leading_zeros().cast(pl.Int64)).clip(0)
        width = pl.lit(_POWERS).gather(spare)
        begin = microseconds // width * width
        for bound in self.bounds:
            begin = pl.when((begin <= bound) & (microseconds > bound)).then(bound + 1).otherwise(begin)
        return begin.alias("microseconds")

    def beyond(self, groups: list[int], seconds: float) -> tuple[int, int]:
        """How many durations of some groups are longer than that, and their sum in microseconds."""
        found = self._of(groups)
        chosen = where(found, found["microseconds"] > round(seconds * 1e6))
        return int(chosen["count"].sum()), int(chosen["total"].sum())

    def of(self, groups: list[int]) -> Durations:
        """Mean, quantiles and maximum over some groups."""
        # a pool's are often those of its class, and of all
        asked = tuple(groups)
        if asked not in self._told:
            self._told[asked] = self._over(groups)
        return self._told[asked]

    def _of(self, groups: list[int]) -> pl.DataFrame:
        """The counts of some groups, each in order. There may be a thousand pools, each asked for by itself."""
        if self._by_group is None:
            ordered = self._counts.table.sort("group", "microseconds")
            self._by_group = ordered.partition_by("group", as_dict=True, maintain_order=True)
        found = [part for group in groups if (part := self._by_group.get((group,))) is not None]
        return pl.concat(found) if found else empty(_SCHEMA)

    def _over(self, groups: list[int]) -> Durations:
        ordered = self._of(groups)
        if not ordered.height:
            return Durations()
        if len(groups) > 1:
            ordered = ordered.group_by("microseconds").agg(*_MERGED).sort("microseconds")
        values, counts = ordered["longest"], ordered["count"]
        count = int(counts.sum())
        # by the nearest rank
        ranks = [max(1, math.ceil(round(quantile * count, 9))) for quantile in (0.5, 0.95, 0.99)]
        places = counts.cum_sum().search_sorted(pl.Series(ranks, dtype=counts.dtype), side="left")
        half, most, nearly_all = (int(value) / 1e6 for value in values[places])
        mean = int(ordered["total"].sum()) / count / 1e6
        return Durations(count, mean, half, most, nearly_all, int(values[-1]) / 1e6)
