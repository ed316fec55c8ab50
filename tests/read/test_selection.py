"""Which events are kept: by pool, and by time."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.errors import UsageError
from logpool.read.grammar import Message
from logpool.read.selection import Selection
from logpool.read.vocabulary import Shape, Vocabulary, split_pool_name
from logpool.schema import Kind

NOON = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
POOLS = [
    "sqlalchemy.pool.impl.QueuePool",
    "sqlalchemy.pool.impl.QueuePool.web",
    "sqlalchemy.pool.impl.NullPool.web",
    "myapp.db.TracedPool",
    "unknown",
    None,
]


def kept(selection: Selection, pools: list[str | None], times: list[int | None]) -> list[int]:
    """The places of the events kept."""
    vocabulary = Vocabulary()
    shapes = [vocabulary.add(Shape(Message(Kind.CREATED), pool, 0, None, "")) for pool in pools]
    events = pl.DataFrame(
        {"place": range(len(pools)), "time": times, "shape": shapes},
        schema={"place": pl.Int64, "time": pl.Int64, "shape": pl.UInt32},
    )
    return selection.apply(events, vocabulary)["place"].to_list()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], [0, 1, 2, 3, 4, 5]),
        (["QueuePool"], [0, 1]),
        (["web"], [1, 2]),
        (["sqlalchemy.pool.impl.QueuePool"], [0]),
        (["sqlalchemy.pool.impl.QueuePool.web"], [1]),
        (["TracedPool"], [3]),
        (["myapp.db.TracedPool"], [3]),
        (["NullPool", "QueuePool", "QueuePool"], [0, 1, 2]),
        (["unknown"], [4]),
        (["queuepool"], []),
        (["Queue"], []),
        (["sqlalchemy.pool"], []),
        ([""], []),
    ],
)
def test_pools(names: list[str], expected: list[int]) -> None:
    assert expected == kept(Selection.of(names, None, None), POOLS, [NOON] * len(POOLS))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, [0, 1, 2, 3]),
        ("2024-01-01T12:00:00", None, [1, 2]),
        (None, "2024-01-01T12:00:00", [0]),
        (None, "2024-01-01T12:00:00.000001", [0, 1]),
        ("2024-01-01T12:00:00", "2024-01-01T12:00:00.000001", [1]),
        ("2024-01-01 12:00", "2024-01-02", [1, 2]),
        ("2024-01-01T13:00:00+01:00", None, [1, 2]),
        ("2024-01-01T12:00:00Z", None, [1, 2]),
        ("2024-01-02", "2024-01-01", []),
    ],
)
def test_times(since: str | None, until: str | None, expected: list[int]) -> None:
    selection = Selection.of([], since, until)
    assert expected == kept(selection, POOLS[:1] * 4, [NOON - 1, NOON, NOON + 1, None])


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        # as each of two files prints them: nine hours before UTC, and none
        ("2024-01-01T21:00:00", None, [1, 2, 4, 5]),
        ("2024-01-01T21:00:00", "2024-01-01T21:00:00.000001", [1, 4]),
        ("2024-01-01T12:00:00Z", None, [1, 2, 3, 4, 5]),
    ],
)
def test_a_time_without_an_offset_is_as_the_log_prints_it(
    since: str | None, until: str | None, expected: list[int]
) -> None:
    vocabulary = Vocabulary()
    shape = vocabulary.add(Shape(Message(Kind.CREATED), POOLS[0], 0, None, ""))
    local = NOON + 9 * 3_600_000_000
    events = pl.DataFrame(
        {
            "place": range(6),
            "time": [NOON - 1, NOON, NOON + 1, local - 1, local, local + 1],
            "shape": [shape] * 6,
            "source": [0, 0, 0, 1, 1, 1],
        },
        schema={"place": pl.Int64, "time": pl.Int64, "shape": pl.UInt32, "source": pl.UInt32},
    )
    selection = Selection.of([], since, until)
    assert selection.apply(events, vocabulary, [9 * 3600, None])["place"].to_list() == expected
    assert selection.at("since", 9 * 3600) == NOON


def test_pools_and_times_together() -> None:
    selection = Selection.of(["web"], "2024-01-01T12:00:00", None)
    assert kept(selection, POOLS[:2] * 2, [NOON, NOON - 1, NOON, NOON]) == [3]


def test_a_timeout_may_be_any_pools_and_a_timing_is_nones() -> None:
    vocabulary = Vocabulary()
    kinds = [Kind.TIMED_OUT, Kind.TIMING]
    shapes = [vocabulary.add(Shape(Message(kind), None, 0, None, "")) for kind in kinds]
    events = pl.DataFrame({"time": [NOON] * 2, "shape": shapes}, schema={"time": pl.Int64, "shape": pl.UInt32})
    assert Selection.of(["web"], None, None).apply(events, vocabulary)["shape"].to_list() == shapes[:1]


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "12:00",
        "2024-13-01",
        "1704110400x",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:00:00-05:00",
        "2h3",
        "h",
        "-2h",
        "2 hours ago",
        "2hm",
        "1..5h",
        "2 y",
    ],
)
def test_text_that_is_no_time(option: str, text: str) -> None:
    since, until = (text, None) if option == "--since" else (None, text)
    with pytest.raises(UsageError) as caught:
        Selection.of([], since, until)
    assert f"{option} is no time: {text!r}" == caught.value.message
    assert caught.value.hint == (
        "give a time such as 2024-09-26T17:45:00, or how long before the end of the log: 2h, 90s, 1h30m"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("2h", 7200),
        ("30m", 1800),
        ("1d", 86_400),
        ("1w", 604_800),
        ("500ms", 0.5),
        ("1h30m", 5400),
        ("1d 2h 3m 4s 5ms", 93_784.005),
        ("1.5h", 5400),
        ("0s", 0),
        ("2 hours", 7200),
        ("1 hour 30 minutes", 5400),
        ("1hr 30min 15sec", 5415),
        ("2 Days", 172_800),
        (" 2H ", 7200),
        ("1m1m", 120),
    ],
)
def test_durations_count_back_from_the_end(text: str, seconds: float) -> None:
    selection = Selection.of(["web"], text, None)
    assert (selection.since, [str(back) for back in selection.back]) == (None, [f"--since {text}"])
    expected = Selection(frozenset(["web"]), since=NOON - round(seconds * 1e6))
    assert expected == selection.settled(NOON)
    assert Selection.of([], None, text).settled(NOON).until == NOON - round(seconds * 1e6)


def test_one_time_may_count_back_and_the_other_not() -> None:
    selection = Selection.of([], "2024-01-01T11:00:00", "30m").settled(NOON)
    assert (selection.since, selection.until) == (NOON - 3_600_000_000, NOON - 1_800_000_000)


@pytest.mark.parametrize("text", ["9" * 30 + "w", "9" * 400 + "h"])
def test_a_duration_longer_than_any_log_keeps_everything(text: str) -> None:
    assert kept(Selection.of([], text, None).settled(NOON), POOLS[:1] * 2, [NOON, NOON - 1]) == [0, 1]


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))  # noqa: DTZ001 - a log's local time
def test_every_time_is_met_to_the_microsecond(time: datetime) -> None:
    since = Selection.of([], time.isoformat(), None).since
    assert since is not None
    assert time == datetime(1970, 1, 1) + timedelta(microseconds=since)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("logger", "expected"),
    [
        ("sqlalchemy.pool.impl.QueuePool", ("QueuePool", None)),
        ("sqlalchemy.pool.impl.QueuePool.web", ("QueuePool", "web")),
        ("sqlalchemy.pool.impl.QueuePool.web.eu.1", ("QueuePool", "web.eu.1")),
        ("sqlalchemy.pool.impl.QueuePool.MyPool", ("QueuePool", "MyPool")),
        ("sqlalchemy.pool.impl.AsyncAdaptedQueuePool", ("AsyncAdaptedQueuePool", None)),
        ("sqlalchemy.pool.QueuePool", ("QueuePool", None)),
        ("sqlalchemy.pool.QueuePool.0x..a1b2", ("QueuePool", "0x..a1b2")),
        ("myapp.db.TracedPool", ("TracedPool", None)),
        ("myapp.db.Traced", ("Traced", None)),
        ("sqlalchemy.pool", ("unknown", None)),
        ("unknown", ("unknown", None)),
        ("", ("unknown", None)),
    ],
)
def test_pool_names(logger: str, expected: tuple[str, str | None]) -> None:
    assert expected == split_pool_name(logger)
