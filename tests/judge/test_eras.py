"""Eras of a process: what is under way in each, in time that grows with their number and not with its square."""

from time import process_time

import polars as pl

from logpool.judge.checks.eras import Era, GroupEras, era_of

# what takes a second, however busy the machine; with the square of so many it would take minutes
MANY, LONG = 50_000, 60.0


def spans_of(count: int) -> list[Era]:
    return [Era(10 * number, 10 * number + 6, number) for number in range(count)]


def group_of(seqs: list[int], idle: list[int], spans: list[Era]) -> GroupEras:
    times = [seq // 10 for seq in seqs]
    out = pl.DataFrame({"out_seq": seqs, "out_time": times}, schema={"out_seq": pl.Int64, "out_time": pl.Int64})
    return GroupEras(0, out, pl.DataFrame({"start": idle}, schema={"start": pl.Int64}), spans)


def test_an_era_ends_where_it_leaves_more_than_one_or_an_idle_one() -> None:
    found = group_of([1, 12, 13, 31], [43], spans_of(6)).eras(0.0)
    assert [(era.start, era.end) for era in found] == [(0, 16), (20, 46), (50, 56)]


def test_the_era_of_an_event() -> None:
    eras = spans_of(20)
    for seq in range(220):
        assert era_of(eras, seq) == next((era for era in eras if era.start <= seq <= era.end), None)


def test_thousands_of_open_checkouts_take_no_longer_than_their_number() -> None:
    begin = process_time()
    assert len(group_of([10 * number for number in range(MANY)], [], spans_of(MANY)).eras(0.0)) == 1
    assert process_time() - begin < LONG
