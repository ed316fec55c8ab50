"""What is told of events by their places, and the whole uses and lives among them."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from stepping import EVENT, LABELS, LINES, THREADS, TIMES

from logpool.native.events import Events, wholes_of

GROUPS = pl.Series([7, 0, 3], dtype=pl.UInt32)


def test_the_connections_of_many_keys_that_are_open() -> None:
    # more than the first hash table has room for
    count = 5000
    keys = pl.int_range(count, dtype=pl.UInt32, eager=True)
    life = [1, 2, 3, 4, 5]
    shapes = pl.Series([role for _ in range(count) for role in life], dtype=pl.UInt32)
    connections = pl.Series([key for key in keys for _ in life], dtype=pl.UInt32)
    roles, bases = pl.Series(range(6), dtype=pl.UInt8), pl.Series([0] * 6, dtype=pl.Int64)
    known = pl.Series(range(0, count, 2), dtype=pl.Int64)
    found, uses, lives, rest = wholes_of(shapes, connections, roles, bases, known)
    assert found.to_list() == keys.to_list()
    assert lives["connection"].to_list() == list(range(1, count, 2))
    assert uses.height == lives.height
    assert rest["key"].unique(maintain_order=True).to_list() == known.to_list()


@given(st.data())
def test_points(data: st.DataObject) -> None:
    events = data.draw(st.lists(st.tuples(st.integers(0, 2), TIMES, LINES, LABELS, THREADS), min_size=1, max_size=20))
    places = data.draw(st.lists(st.integers(0, len(events) - 1), max_size=20))
    batch = Events(pl.DataFrame(events, schema=EVENT, orient="row"), 9, GROUPS)
    found = batch.points(pl.Series(places, dtype=pl.UInt32))
    chosen = [(place, *events[place]) for place in places]
    assert found["seq"].to_list() == [9 + place for place, *_ in chosen]
    assert found["time"].to_list() == [time for _, _, time, *_ in chosen]
    assert found["line"].to_list() == [line for _, _, _, line, *_ in chosen]
    assert found["source"].to_list() == [source for *_, source, _ in chosen]
