"""Durations by how often each occurs: exact, and bounded by how many distinct ones there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import polars as pl

from logpool.report.model import Durations

_SCHEMA = {"group": pl.UInt32, "microseconds": pl.Int64, "count": pl.UInt64}


@dataclass
class DurationCounts:
    """Counts of durations per group, grown batch by batch."""

    _kept: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SCHEMA))
    _recent: list[pl.DataFrame] = field(default_factory=list)

    def add(self, rows: pl.DataFrame) -> None:
        """Adds ``group`` and ``microseconds``, a row a duration; null ones do not count.

        A log's clock may step back; such a duration counts as none at all (0).
        """
        known = rows.drop_nulls("microseconds")
        if not known.height:
            return
        counted = known.group_by("group", pl.col("microseconds").clip(0)).agg(pl.len().alias("count"))
        self._recent.append(counted.cast(_SCHEMA))  # type: ignore[arg-type]
        if sum(frame.height for frame in self._recent) > self._kept.height + 10_000:
            self._tidy()

    def _tidy(self) -> None:
        merged = pl.concat([self._kept, *self._recent])
        self._kept = merged.group_by("group", "microseconds").agg(pl.col("count").sum())
        self._recent = []

    def beyond(self, groups: list[int], seconds: float) -> tuple[int, int]:
        """How many durations of some groups are longer than that, and their sum in microseconds."""
        self._tidy()
        long = self._kept.filter(pl.col("group").is_in(groups) & (pl.col("microseconds") > seconds * 1e6))
        total = (long["microseconds"].cast(pl.Int128) * long["count"].cast(pl.Int128)).sum()
        return int(long["count"].sum()), int(total)

    def of(self, groups: list[int]) -> Durations:
        """Mean, quantiles and maximum over some groups."""
        if self._recent:
            self._tidy()
        chosen = self._kept.filter(pl.col("group").is_in(groups))
        if not chosen.height:
            return Durations()
        ordered = chosen.group_by("microseconds").agg(pl.col("count").sum()).sort("microseconds")
        values, counts = ordered["microseconds"], ordered["count"]
        total = int(counts.sum())
        reached = counts.cum_sum()

        def nearest_rank(quantile: float) -> float:
            rank = max(1, math.ceil(round(quantile * total, 9)))
            place = reached.search_sorted(rank, side="left")
            return int(values[int(place)]) / 1e6

        mean = int((values.cast(pl.Int128) * counts.cast(pl.Int128)).sum()) / total / 1e6
        return Durations(total, mean, nearest_rank(0.5), nearest_rank(0.95), nearest_rank(0.99), int(values[-1]) / 1e6)
