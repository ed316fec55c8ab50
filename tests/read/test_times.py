"""Times as logs print them: recognised, and parsed to the microsecond."""

import re
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.read.times import TimeFormat, any_time_format, iso, time_format

NOON = 1_704_110_400_000_000  # 2024-01-01T12:00:00Z
HOUR = 3_600_000_000
# from the first of January 1970 to that of 1972
YEARLESS_DAYS = 730


def parsed(times: TimeFormat | None, *texts: str) -> list[int | None]:
    assert times is not None
    return times.read(pl.Series("text", texts, dtype=pl.String))["time"].to_list()


@pytest.mark.parametrize(
    ("text", "microseconds", "offset"),
    [
        ("2024-01-01 12:00:00", NOON, None),
        ("2024-01-01T12:00:00", NOON, None),
        ("2024-01-01:12:00:00", NOON, None),
        ("2024/01/01 12:00:00", NOON, None),
        ("01/Jan/2024:12:00:00", NOON, None),
        ("01 Jan 2024 12:00:00", NOON, None),
        ("2024-01-01 12:00:00.5", NOON + 500_000, None),
        # what %(asctime)s,%(msecs)d prints
        ("2024-01-01 12:00:00,5", NOON + 5_000, None),
        ("2024-01-01 12:00:00,45", NOON + 45_000, None),
        ("2024-01-01 12:00:00.25", NOON + 250_000, None),
        ("2024-01-01 12:00:00,123", NOON + 123_000, None),
        ("2024-01-01 12:00:00.123", NOON + 123_000, None),
        ("2024-01-01 12:00:00.1234", NOON + 123_400, None),
        ("2024-01-01 12:00:00,12345", NOON + 123_450, None),
        ("2024-01-01 12:00:00.123456", NOON + 123_456, None),
        ("2024-01-01 12:00:00.1234567", NOON + 123_456, None),
        ("2024-01-01T12:00:00.123456789", NOON + 123_456, None),
        ("2024-01-01T12:00:00Z", NOON, 0),
        ("2024-01-01T12:00:00.123456789Z", NOON + 123_456, 0),
        # as AWS Lambda prints milliseconds
        ("2024-01-01T12:00:00.5Z", NOON + 5_000, 0),
        ("2024-01-01T12:00:00.50Z", NOON + 50_000, 0),
        ("2024-01-01T12:00:00.500Z", NOON + 500_000, 0),
        ("2024-01-01T12:00:00.5", NOON + 500_000, None),
        ("2024-01-01 at 12:00:00.123", NOON + 123_000, None),
        ("2024-01-01_12:00:00", NOON, None),
        ("2024/01/01/12:00:00", NOON, None),
        ("01-Jan-2024 12:00:00,123", NOON + 123_000, None),
        ("Jan 01 2024 12:00:00", NOON, None),
        ("2024-01-01T20:00:00+08:00", NOON, 8 * 3600),
        ("2024-01-01 20:00:00.123 +0800", NOON + 123_000, 8 * 3600),
        ("2024-01-01T08:30:00.123-0330", NOON + 123_000, -3 * 3600 - 1800),
        ("2024-01-01T12:00:00.1+00:00", NOON + 100_000, 0),
        ("1704110400", NOON, 0),
        ("1704110400.5", NOON + 500_000, 0),
        ("1704110400.123456", NOON + 123_456, 0),
        ("1704110400123", NOON + 123_000, 0),
        ("1704110400123456", NOON + 123_456, 0),
        ("1704110400123456000", NOON + 123_456, 0),
    ],
)
def test_time(text: str, microseconds: int, offset: int | None) -> None:
    times = time_format(f"{text} and more")
    assert [microseconds] == parsed(times, text)
    assert times is not None
    assert offset == times.offset


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INFO",
        "12:00:00",
        "2024-01-01",
        "2024-01-01 12:00",
        "2024-01-01-at-12:00:00",
        "1/1/2024 12:00:00",
        "Jan 01 12:00:00",
        "12345678",
        " 2024-01-01 12:00:00",
    ],
)
def test_no_time(text: str) -> None:
    assert time_format(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback",
        "2024-13-01 12:00:00,123",
        "2024-01-01 25:00:00,123",
        "2024-01-01 12:00:00.123",
        "2024-01-01 12:00:00",
    ],
)
def test_a_text_in_another_format_is_null(text: str) -> None:
    assert parsed(time_format("2024-01-01 12:00:00,123"), text) == [None]


@pytest.mark.parametrize("text", ["", "nan", "inf", "x", "9" * 30, "1e300"])
def test_a_number_that_is_no_time_is_null(text: str) -> None:
    assert parsed(time_format("1704110400.5"), text) == [None]


def test_each_offset_counts() -> None:
    texts = ["2024-01-01T12:00:00+0000", "2024-01-01T12:00:00+0100", "2024-01-01T12:00:00-0130"]
    expected = [NOON, NOON - 3_600_000_000, NOON + 5_400_000_000]
    assert expected == parsed(time_format(texts[0]), *texts)


@pytest.mark.parametrize(
    "after", ["-4242-name", "-1234-name", " -0130- name", "+2500", "-12345", " -08", "+09:99", " CST", " CETX", " PST"]
)
def test_what_follows_a_time_is_a_zone_only_if_it_can_be_one(after: str) -> None:
    times = time_format(f"2024-01-01 12:00:00,123{after}")
    assert times is not None
    assert (times.width, times.offset) == (23, None)


@pytest.mark.parametrize(
    ("text", "microseconds", "offset"),
    [
        ("2024-01-01 12:00:00,123", NOON + 123_000, None),
        ("2024-01-01T12:00:00+01:00", NOON - 3_600_000_000, 3600),
        ("31/12/2023 12:00:00", NOON - 86_400_000_000, None),
        ("31.12.2023 12:00:00.5", NOON - 86_400_000_000 + 500_000, None),
        ("31-12-2023T12:00:00Z", NOON - 86_400_000_000, 0),
        ("12/31/2023 12:00:00", NOON - 86_400_000_000, None),
        ("01/01/2024 12:00:00", NOON, None),
        # a clock of twelve hours: there months come first, where nothing says otherwise
        ("01/02/2024 12:00:00 PM", NOON + 86_400_000_000, None),
        ("12/31/2023 12:00:00 AM", NOON - 129_600_000_000, None),
        ("31/12/2023 11:00:00 PM", NOON - 46_800_000_000, None),
        ("2024-01-01 12:00:00 PM", NOON, None),
        ("01/01/2024 12:00:00.123 PM", NOON + 123_000, None),
        ("01/01/2024 01:00:00,123456 PM", NOON + 3_600_123_456, None),
        # without zeros
        ("1/1/2024 12:00:00 PM", NOON, None),
        ("1/2/2024 1:00:00 PM", NOON + 90_000_000_000, None),
        ("12/31/2023, 1:00:00 AM", NOON - 126_000_000_000, None),
        ("1/1/2024 12:00:00", NOON, None),
        ("01/Jan/2024 01:00:00 PM", NOON + 3_600_000_000, None),
        # milliseconds behind it all, and once more
        ("01/01/2024 12:00:00 PM.123", NOON + 123_000, None),
        ("2024-01-01 12:00:00 PM,5", NOON + 5_000, None),
        ("2024-01-01T12:00:00+0000.123", NOON + 123_000, 0),
        ("2024-01-01T13:00:00+01:00,45", NOON + 45_000, 3600),
        ("2024-01-01 12:00:00,123.123", NOON + 123_000, None),
        ("2024-01-01 12:00:00,005.5", NOON + 5_000, None),
        ("2024-01-01 12:00:00:123", NOON + 123_000, None),
        ("31.12.2023 12:00:00,5", NOON - 86_400_000_000 + 5_000, None),
        # other dates
        ("2024.01.01 12:00:00.123", NOON + 123_000, None),
        ("20240101 12:00:00", NOON, None),
        ("20240101T12:00:00,123", NOON + 123_000, None),
        ("20240101-12:00:00.123", NOON + 123_000, None),
        ("20240101T120000Z", NOON, 0),
        ("20240101T130000.123456+0100", NOON + 123_456, 3600),
        ("20240101 120000", NOON, None),
        ("20240101 120000,123", NOON + 123_000, None),
        ("Jan 01, 2024 12:00:00.123", NOON + 123_000, None),
        ("Jan 01, 2024 01:00:00 PM", NOON + 3_600_000_000, None),
        ("Jan  1 12:00:00 2024", NOON, None),
        ("Jan  1 12:00:00.123456 2024", NOON + 123_456, None),
        ("Dec 31 12:00:00 2023", NOON - 86_400_000_000, None),
        ("2024-01-01 12:00:00 UTC", NOON, 0),
        ("2024-01-01 12:00:00.123 GMT", NOON + 123_000, 0),
        ("2024-01-01 13:00:00 CET", NOON, 3600),
        ("2024-01-01 14:00:00,123 CEST", NOON + 123_000, 7200),
        ("2024-01-01 07:00:00.5 EST", NOON + 500_000, -5 * 3600),
        ("1704110400.123456", NOON + 123_456, 0),
        # the day is not told, or the year; or it may be a month
        ("12:00:00,123", HOUR * 12 + 123_000, None),
        ("Jan  1 12:00:00", YEARLESS_DAYS * 24 * HOUR + 12 * HOUR, None),
        ("Dec 31 23:59:59.5", (YEARLESS_DAYS + 366) * 24 * HOUR - 500_000, None),
        ("0229 12:00:00.000001", (YEARLESS_DAYS + 59) * 24 * HOUR + 12 * HOUR + 1, None),
        ("24:00:00", None, None),
        ("May 6 12:00:00 PM", (YEARLESS_DAYS + 126) * 24 * HOUR + 12 * HOUR, None),
        ("05:30:00 PM", 17 * HOUR + HOUR // 2, None),
        ("Jan 1, 2024 @ 12:00:00.000", NOON, None),
        ("January 01, 2024 12:00:00", NOON, None),
        ("January 1, 2024 at 12:00:00", NOON, None),
        ("1 January 2024 12:00:00", NOON, None),
        ("1 Jan 2024 12:00:00", NOON, None),
        ("01/31/2024, 12:00:00", NOON + 30 * 24 * HOUR, None),
        ("2024-01-01, 12:00:00,123", NOON + 123_000, None),
        ("2024-01-01\t12:00:00", NOON, None),
        ("01/02/2024 12:00:00", None, None),
        ("01.02.2024 12:00:00 PM", None, None),
        # behind points the month stands
        ("01.02.2024 12:00:00", NOON + 31 * 86_400_000_000, None),
        ("31/13/2024 12:00:00", None, None),
        ("1/2/2024 12:00:00", None, None),
    ],
)
def test_any_time(text: str, microseconds: int | None, offset: int | None) -> None:
    times = any_time_format(text)
    assert [microseconds] == parsed(times, text)
    assert times.time_of(text) == microseconds
    assert (len(text), offset) == (times.width, times.offset)
    # without directives it is known by its pattern
    assert (microseconds is None) == (times.directives is None)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (True, "Jan  1 12:00:00"),
        (True, "Feb 28 23:59:59"),
        (False, "Jan  1 12:00"),
        (False, "January 1 12:00:00"),
        (False, "Jan 1 12:00:00"),
        (False, "2024-01-01 12:00:00"),
    ],
)
def test_a_time_without_its_day_is_told_by_its_pattern(text: str, *, expected: bool) -> None:
    assert expected == bool(re.fullmatch(any_time_format("Jan 31 12:00:00").pattern, text))


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001 - a log's local time
    st.sampled_from([" ", "T"]),
    st.sampled_from([",", "."]),
    st.sampled_from([0, 3, 6]),
    st.none() | st.integers(-14 * 4, 14 * 4),
)
def test_any_time_is_read_back(time: datetime, gap: str, mark: str, digits: int, quarters: int | None) -> None:
    minutes = None if quarters is None else quarters * 15
    unit = 10 ** (6 - digits)
    time = time.replace(microsecond=time.microsecond // unit * unit)
    text = time.strftime(f"%Y-%m-%d{gap}%H:%M:%S")
    text += f"{mark}{time.microsecond // unit:0{digits}}" if digits else ""
    zone = UTC if minutes is None else timezone(timedelta(minutes=minutes))
    text += "" if minutes is None else time.replace(tzinfo=zone).strftime("%z")
    since = time.replace(tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)
    times = time_format(text)
    assert [since // timedelta(microseconds=1)] == parsed(times, text)
    assert times is not None
    assert [times.time_of(text)] == parsed(times, text)
    assert (None if minutes is None else minutes * 60) == times.offset


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30 12:00:00,123",
        "2024-02-29 12:00:60,123",
        "2023-02-29T12:00:00.123456",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59,999",
        "2024-13-01 12:00:00",
        "2024-01-01 24:00:00.000",
    ],
)
def test_one_text_is_read_as_a_column_is(text: str) -> None:
    times = any_time_format(text)
    assert [times.time_of(text)] == parsed(times, text)


@given(
    example=st.sampled_from(["2024-02-29 12:00:00,123", "2024-02-29T12:00:00.123456", "2024-02-29 12:00:00"]),
    place=st.integers(0, 25),
    instead=st.text("0123456789-:.,T Z\u0663", max_size=2),
)
def test_what_is_plainly_a_time_is_one_to_polars(example: str, place: int, instead: str) -> None:
    times = any_time_format(example)
    text = example[:place] + instead + example[place + len(instead) :]
    found = times.plain_time(text)
    if found is not None:
        read = times.read(pl.Series([text])).with_columns(fits=times.fits)
        assert read.select("time", "fits").row(0) == (found, True)
    assert times.plain_time(example) is not None


@pytest.mark.parametrize(
    ("expected", "microseconds", "offset"),
    [
        (None, None, None),
        (None, None, 0),
        ("2024-01-01T12:00:00.000", NOON, None),
        ("2024-01-01T12:00:00.123", NOON + 123_000, None),
        ("2024-01-01T12:00:00.123456", NOON + 123_456, None),
        ("2024-01-01T12:00:00.000+00:00", NOON, 0),
        ("2024-01-01T20:00:00.123+08:00", NOON + 123_000, 8 * 3600),
        ("2024-01-01T08:30:00.000001-03:30", NOON + 1, -3 * 3600 - 1800),
        ("1969-12-31T23:59:59.999", -1000, None),
        (None, 10**18, None),
        (None, -(10**18), 0),
    ],
)
def test_iso(expected: str | None, microseconds: int | None, offset: int | None) -> None:
    assert expected == iso(microseconds, offset)
