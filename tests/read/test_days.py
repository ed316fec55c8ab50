"""Times that tell no day, or no year."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import all_of

from logpool import Report, analyze
from logpool.read.days import DAY, YEAR, Days, is_dated, period_of
from logpool.report.text import render

POOL = "sqlalchemy.pool.impl.QueuePool"
HOUR = DAY // 24
# where the year begins in which times without one are
YEARLESS = 730 * DAY
NOON = datetime(2024, 2, 28, 12)  # noqa: DTZ001 - a log's local time


def counted(days: Days, times: Sequence[int | None]) -> list[int | None]:
    return days.counted(pl.Series(times, dtype=pl.Int64)).to_list()


# what follows what in a log: no day of silence, and nothing that is later than another process by minutes
STEPS = st.integers(-5 * 60 * 1_000_000, 21 * HOUR) | st.integers(-1_000_000, 1_000_000)


@given(st.integers(0, DAY - 1), st.lists(STEPS | st.none(), max_size=40), st.lists(st.integers(0, 41), max_size=4))
def test_a_clock_counts_days(begin: int, steps: list[int | None], ends: list[int]) -> None:
    times: list[int | None] = [begin]
    last = latest = begin
    for step in steps:
        if step is not None:
            # by so much at most it is earlier than any before
            last = max(last + step, latest - 5 * 60 * 1_000_000, 0)
            latest = max(latest, last)
        times.append(None if step is None else last)
    # a longer silence cannot be told from a shorter one
    known = [time for time in times if time is not None]
    if any(later - earlier >= 22 * HOUR for earlier, later in pairwise(known)):
        return
    printed = [None if time is None else time % DAY for time in times]
    days, found = Days(DAY), list[int | None]()
    places = sorted({0, *(min(end, len(times)) for end in ends), len(times)})
    for first, end in pairwise(places):
        found += counted(days, printed[first:end])
    assert found == times


def test_a_year_ends() -> None:
    days = Days(YEAR)
    december, january, july = YEARLESS + YEAR - 1, YEARLESS + 1, YEARLESS + 190 * DAY
    assert counted(days, [december, january, december, january]) == [
        december,
        january + YEAR,
        december,
        january + YEAR,
    ]
    assert counted(days, [july, january]) == [july + YEAR, january + 2 * YEAR]
    assert days.last(july) == july + 2 * YEAR
    assert Days().last(july) == july


@pytest.mark.parametrize("shift", [HOUR, HOUR * 3 // 2])
def test_a_clock_that_is_put_back_begins_no_day(shift: int) -> None:
    assert counted(Days(DAY), [3 * HOUR, 3 * HOUR - shift]) == [3 * HOUR, 3 * HOUR - shift]


def test_times_that_are_none_of_the_logs() -> None:
    clock, dayless, dated = 5, YEARLESS + 5, 1_704_110_400_000_000
    every = [clock, dayless, None, dated]
    assert counted(Days(), every) == [None, None, None, dated]
    assert counted(Days(), [dated, dated + 1]) == [dated, dated + 1]
    assert counted(Days(DAY), every) == [clock, None, None, None]
    assert counted(Days(YEAR), every) == [None, dayless, None, None]
    assert counted(Days(), [None]) == counted(Days(DAY), [None]) == [None]
    assert counted(Days(DAY), []) == []
    assert [period_of(one) for one in (-1, 0, DAY - 1, DAY, YEARLESS - 1, YEARLESS, YEARLESS + YEAR, dated)] == [
        *(None, DAY, DAY, None, None, YEAR, None, None)
    ]
    assert [is_dated(one) for one in (None, clock, dayless, dated)] == [False, False, False, True]


def lines(begin: datetime, form: str, uses: int, held: timedelta, gap: timedelta) -> list[str]:
    """A connection that is used again and again, each time as long, with as long between."""
    time, found = begin, []
    for message in (
        "Created new connection {}",
        *["Connection {} checked out from pool", "Connection {} being returned to pool"] * uses,
    ):
        found.append(f"{time.strftime(form)} DEBUG {POOL} {message.format('<sqlite3.Connection object at 0x7f01>')}")
        time += held if "out" in message else gap
    return found


def report(path: Path, told: list[str], **options: object) -> Report:
    path.write_text("\n".join(told) + "\n", "utf-8")
    return analyze(path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["%H:%M:%S", "[%H:%M:%S,%f]", "%b %d %H:%M:%S", "%b %d %H:%M:%S.%f host app[7]:"])
@pytest.mark.parametrize("block_bytes", [200, 1 << 20])
def test_what_lasts_is_measured(form: str, block_bytes: int, tmp_path: Path) -> None:
    told = NOON, 40, timedelta(minutes=31), timedelta(hours=1)
    dated = report(tmp_path / "dated.log", lines(told[0], "%Y-%m-%d %H:%M:%S", *told[1:]))
    found = report(tmp_path / "other.log", lines(told[0], form, *told[1:]), block_bytes=block_bytes)
    assert found.totals.hold_seconds == dated.totals.hold_seconds
    assert found.totals.hold_seconds.max == 31 * 60
    assert [finding.code for finding in found.findings] == [finding.code for finding in dated.findings]
    first, last = (
        datetime.fromisoformat(time or "") for time in (found.sources[0].first_time, found.sources[0].last_time)
    )
    assert last - first == timedelta(minutes=31 * 40, hours=40)
    assert first.year == (1972 if "%b" in form else 1970)


def test_how_it_is_told(tmp_path: Path) -> None:
    told = (NOON, "%H:%M:%S", 20, timedelta(seconds=1), timedelta(hours=1))
    assert "12:00:00.000 to day 2 08:00:20.000" in render(report(tmp_path / "clock.log", lines(*told)))
    told = (NOON, "%b %d %H:%M:%S", 20, timedelta(seconds=1), timedelta(hours=1))
    assert "Feb 28 12:00:00.000 to Feb 29 08:00:20.000" in render(report(tmp_path / "syslog.log", lines(*told)))


def test_beside_others_they_are_none(tmp_path: Path) -> None:
    clock = lines(NOON, "%H:%M:%S", 3, timedelta(seconds=5), timedelta(seconds=1))
    dated = lines(NOON, "%Y-%m-%d %H:%M:%S", 4, timedelta(seconds=7), timedelta(seconds=1))
    report(tmp_path / "clock.log", clock)
    report(tmp_path / "dated.log", dated)
    found = analyze([tmp_path / "clock.log", tmp_path / "dated.log"])
    assert (found.totals.checkouts, found.totals.hold_seconds.count, found.totals.hold_seconds.max) == (7, 4, 7)
    assert [source.first_time for source in found.sources] == [None, "2024-02-28T12:00:00.000"]
    # in one log its begin tells
    assert report(tmp_path / "both.log", [*dated, *clock]).totals.hold_seconds.count == 4
    assert report(tmp_path / "both.log", [*clock, *dated]).totals.hold_seconds.count == 4
    (tmp_path / "later.log").write_text(
        "\n".join(lines(NOON, "%H:%M:%S", 2, timedelta(seconds=9), timedelta(0))), "utf-8"
    )
    both = analyze([tmp_path / "clock.log", tmp_path / "later.log"])
    assert (both.totals.hold_seconds.count, both.totals.hold_seconds.max) == (5, 9)


def test_the_first_line_may_be_of_the_day_before() -> None:
    told = [
        f"23:59:59 INFO app starts {POOL}",
        f"00:00:01 DEBUG {POOL} Created new connection <sqlite3.Connection object at 0x7f01>",
    ]
    ((_, time, *_),) = all_of(told, [])[0]
    assert time == DAY + 1_000_000


def test_no_day_is_told_that_the_log_does_not_tell(tmp_path: Path) -> None:
    told = [f"12:00:00 DEBUG {POOL} Created new connection <a.B object at 0x7f0{number}>" for number in range(3)]
    for second in range(60):
        for number in range(3):
            what = "checked out from pool" if (second + number) % 4 < 2 else "being returned to pool"
            told.append(f"12:00:{second:02} DEBUG {POOL} Connection <a.B object at 0x7f0{number}> {what}")
    text = render(report(tmp_path / "app.log", told), 120)
    assert "in use     12:00:00 to 12:00:58, a column 2 s" in text
    assert "1970" not in text
