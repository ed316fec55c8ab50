"""Tables that grow: what is in them does not depend on how it came."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from logpool.judge import merged
from logpool.judge.merged import Merged

SCHEMA = pl.Schema({"what": pl.Int64, "count": pl.Int64, "last": pl.Int64})
BATCHES = st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=8), max_size=8)


def table() -> Merged:
    return Merged(SCHEMA, lambda rows: rows.group_by("what").agg(pl.col("last").last(), pl.col("count").sum()))


def rows(batch: list[tuple[int, int]], begin: int) -> pl.DataFrame:
    numbered = [(what, count, begin + place) for place, (what, count) in enumerate(batch)]
    return pl.DataFrame(numbered, schema=SCHEMA, orient="row")


@given(BATCHES, st.sets(st.integers(0, 8)))
def test_rows_are_merged_in_their_order(batches: list[list[tuple[int, int]]], looks: set[int]) -> None:
    grown = table()
    counts: Counter[int] = Counter()
    last = {}
    begin = 0
    for number, batch in enumerate(batches):
        grown.add(rows(batch, begin))
        for place, (what, count) in enumerate(batch):
            counts[what] += count
            last[what] = begin + place
        begin += len(batch)
        if number in looks:
            assert grown.table.height == len(counts)
    assert grown.table.schema == SCHEMA
    assert sorted(grown.table.rows()) == [(what, counts[what], last[what]) for what in sorted(counts)]


def test_memory_is_for_what_is_left() -> None:
    grown = table()
    most = 0
    for number in range(200):
        grown.add(pl.DataFrame({"what": [number % 7] * 1000, "count": [1] * 1000, "last": [0] * 1000}, schema=SCHEMA))
        most = max(most, sum(added.height for added in grown._added))  # noqa: SLF001
    assert most <= merged._FEW + 7  # noqa: SLF001
    assert grown.table["count"].sum() == 200_000
