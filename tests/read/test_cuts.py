"""Where a record's time stands: at a fixed place, or behind what has many lengths."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import all_of

from logpool.read import cuts, numbering
from logpool.read.around import PROCESSES
from logpool.read.cuts import Cuts, cut_of
from logpool.read.events import EventReader
from logpool.read.forms import first_of_form as of_form
from logpool.read.lines import Block, Lines
from logpool.read.reading import Reading
from logpool.read.vocabulary import Vocabulary

POOL = "sqlalchemy.pool.impl.QueuePool"
TAKEN = "Connection <asyncpg.Connection object at 0x7f01> checked out from pool"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
MICROSECONDS = 1_704_110_400_000_000
FORMATS = [
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S,000",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%d/%b/%Y:%H:%M:%S +0000",
    "%b %d %H:%M:%S %Y",
    "%b %d, %Y %H:%M:%S.000",
    "%Y%m%dT%H%M%S.000Z",
    "%Y%m%d-%H:%M:%S",
    "%m/%d/%Y %I:%M:%S.000 %p",
]

# what may stand before a time: what has any length, and what looks like a time or like part of one
BEFORE = st.lists(
    st.sampled_from(
        [
            *(
                "alice",
                "bob",
                "maximiliane",
                "жанна",
                "é",
                "10.0.0.12",
                "1.2.3.4",
                "fe80::12:34:56",
                "08:af:08:59:66:84",
            ),
            *("/a/b", "/x?from=2024-01-01T11:00:00Z", "/y?t=2024-01-01 11:00:00,000", "x@y.de", "http://x:80/12:34:56"),
            *("/x?ts=1704110000", "/y?a=b&time=1704110000.5", '{"p": "/z?t=1704110000"}', "?ts=1704110000", "x=1 ts=5"),
            *("12:34", "12:34:56", "2024-01-01", "2024-01-01T1", "01/Jan/2024", "Jan 01", "1704110400.123", "1.5"),
            *("[", "]", "-", "|", ":", ".", "/", "5", "_", '"', "=", "GET", "7f00d596-eb68-48f3-9c72-8ffc5334a770"),
            *("2023-12-31 10:00:00,000", "31/Dec/2023:10:00:00 +0000", "Dec 31 10:00:00 2023"),
        ]
    ),
    max_size=5,
)
LAYOUTS = [
    "{before}{time} DEBUG {logger} {message}",
    "{before}[{time}] {logger}: {message}",
    "DEBUG {before}{time} {before} {logger} {message}",
    "{time} {before}{time} {logger} {message}",
    '{before}ts="{time}" logger={logger} msg="{message}"',
]


@st.composite
def logs(draw: st.DrawFn) -> list[str]:
    layouts = draw(st.lists(st.sampled_from(LAYOUTS), min_size=1, max_size=2))
    formats = draw(st.lists(st.sampled_from(FORMATS), min_size=1, max_size=2))
    lines = []
    for second in range(draw(st.integers(1, 14))):
        gap = draw(st.sampled_from([" ", " ", ""]))
        lines.append(
            draw(st.sampled_from(layouts)).format(
                before=gap.join([*draw(BEFORE), ""]),
                time=(NOON + timedelta(seconds=second)).strftime(draw(st.sampled_from(formats))),
                logger=draw(st.sampled_from([POOL, POOL, "app"])),
                message=draw(st.sampled_from([TAKEN, TAKEN, "Pool recreating", "starting 2024-01-01 12:00:00,000"])),
            )
        )
    return lines


def read(lines: Sequence[str], ends: Sequence[int] = ()) -> list[tuple[object, ...]]:
    """What dated lines tell, in blocks that end after so many lines; whatever may name a process does."""
    vocabulary = Vocabulary()
    reader = EventReader(vocabulary, 0, Reading("log"), processes=PROCESSES, dated=True)
    places = sorted({0, *(min(end, len(lines)) for end in ends), len(lines)})
    blocks = (Block(begin + 1, Lines.of(lines[begin:end]), 1) for begin, end in pairwise(places))
    return [
        (line, time, vocabulary.shapes[shape])
        for batch in reader.read(blocks)
        for line, time, shape in batch.select("line", "time", "shape").iter_rows()
    ]


@given(logs(), st.lists(st.integers(0, 14), max_size=3), st.integers(0, 4), st.sampled_from([0, numbering.MANY_KEYS]))
@settings(max_examples=150)
def test_each_line_has_its_time_whatever_stands_in_others(
    lines: list[str], ends: list[int], few: int, many: int
) -> None:
    alone = [(number, *one[1:]) for number, line in enumerate(lines, 1) for one in read([line])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "_FEW_PLACES", few)
        patch.setattr(numbering, "MANY_KEYS", many)
        assert read(lines, ends) == alone


@pytest.mark.parametrize("printed", FORMATS)
@pytest.mark.parametrize(
    "layout",
    [
        "{ip} - {user} [{time}] DEBUG {logger}: {message}",
        "[{user}@example.com] {time} DEBUG {logger}: {message}",
        "DEBUG /api/{user}?at=2023-12-31T10:00:00Z {time} {logger} {message}",
        "[Thread-{number} (work_{user})] {time} DEBUG {logger} {message}",
        '"{user}","/{user}/{number}","{time}","DEBUG","{logger}","{message}"',
        "{user} {time} {ip} {time} DEBUG {logger} {message}",
        "level=debug user={user} at={time} logger={logger} msg={message}",
        "{id} {time} DEBUG {logger} {message}",
        "[trace={id} span={hex}] {time} DEBUG {logger} {message}",
        "{mac} {time} DEBUG {logger} {message}",
        "/{user}?ts={epoch} {time} DEBUG {logger} {message}",
        'path="/{user}?t={time}&timestamp={epoch}" ts="{time}" logger={logger} msg="{message}"',
    ],
)
def test_what_stands_before_a_time_may_have_any_length(
    layout: str, printed: str, parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbering, "MANY_KEYS", 100)
    monkeypatch.setattr(numbering, "MANY_PATTERNS", 50)
    chance = random.Random(layout)  # noqa: S311 - lines, no secret
    lines = [
        layout.format(
            ip=".".join(str(chance.randrange(256)) for _ in range(4)),
            user="".join(chance.choices("abcdefghij", k=chance.randrange(3, 30))),
            number=chance.randrange(10 ** chance.randrange(1, 6)),
            id=UUID(int=chance.getrandbits(128)),
            hex=f"{chance.getrandbits(64):016x}",
            mac=":".join(f"{chance.randrange(256):02x}" for _ in range(6)),
            epoch=1704110000 - second,
            time=(NOON + timedelta(seconds=second)).strftime(printed),
            logger=POOL,
            message=TAKEN,
        )
        for second in range(3000)
    ]
    found, unrecognised = all_of(lines, range(0, len(lines), 500))
    assert unrecognised == 0
    assert [event[1] for event in found] == [MICROSECONDS + second * 1_000_000 for second in range(len(lines))]
    assert len(parsed) < 600


@pytest.mark.parametrize(
    ("line", "times"),
    [
        ("1704110400 DEBUG {}", ["1704110400"]),
        ("[1704110400123] DEBUG {}", ["1704110400123"]),
        ("1704110400123|DEBUG|{}", ["1704110400123"]),
        ("1/1/2024, 9:05:06 AM DEBUG {}", ["1/1/2024, 9:05:06 AM"]),
        ("01/01/2024 09:05:06.123 AM DEBUG {}", ["01/01/2024 09:05:06.123 AM"]),
        ("[20240101 120000] DEBUG {}", ["20240101 120000"]),
        ("20240101T120000.123Z DEBUG {}", ["20240101T120000.123Z"]),
        ("20240101-12:00:00 DEBUG {}", ["20240101-12:00:00"]),
        ("Jan 01, 2024 12:00:00 DEBUG {}", ["Jan 01, 2024 12:00:00"]),
        # a number elsewhere, a part of another, a count; a day or an hour that there is not; part of a name
        ("DEBUG 1704110400 {}", []),
        ("1704110400-7 DEBUG {}", []),
        ("17041104001 DEBUG {}", []),
        ("1304110400 DEBUG {}", []),
        ("20241301T120000 DEBUG {}", []),
        ("20240101 250000 DEBUG {}", []),
        ("20240101T120000x DEBUG {}", []),
        ("20240101T120000.log DEBUG {}", []),
    ],
)
def test_what_is_a_time(line: str, times: list[str]) -> None:
    assert [span.example for span in cut_of(line.format(f"{POOL} {TAKEN}")).spans] == times


def test_a_zone_that_changes_does_not_set_the_clock_back() -> None:
    # 2024-10-27, 00:59:59 and 01:00:00 UTC
    begin = datetime(2024, 10, 27, 0, 59, 50, tzinfo=UTC)
    lines = []
    for second in range(20):
        zone, hours = ("CEST", 2) if second < 10 else ("CET", 1)
        time = begin + timedelta(hours=hours, seconds=second)
        lines.append(f"{time:%Y-%m-%d %H:%M:%S},000 {zone} DEBUG {POOL} {TAKEN}")
    found, _ = all_of(lines, ())
    assert [event[1] for event in found] == [(int(begin.timestamp()) + second) * 1_000_000 for second in range(20)]


def test_times_without_zeros_have_any_length() -> None:
    # 9:59:50 AM and on
    times = [NOON.replace(hour=9, minute=59, second=50) + timedelta(minutes=3 * count) for count in range(100)]
    lines = [
        f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S %p} DEBUG {POOL} {message}"
        for time, message in zip(
            times, [TAKEN, TAKEN.replace("checked out from", "being returned to")] * 50, strict=True
        )
    ]
    found, _ = all_of(lines, ())
    assert [event[1] for event in found] == [int(time.timestamp()) * 1_000_000 for time in times]


def test_a_few_places_are_looked_at_each_by_itself() -> None:
    known = Cuts()
    lines = [f"{'x' * size} 2024-01-01 12:00:00,000 DEBUG {POOL} {TAKEN}" for size in range(1, 20)]
    known.learn(lines[:3])
    assert known.known == sorted(map(cut_of, lines[:3]), key=known.known.index)
    known.learn(lines)
    assert [span.start for cut in known.known for span in cut.spans] == [None]
    # one that does not stand where the first that looks so does is cut by itself
    later = f"/x?from=2024-01-01 11:00:00,000 2024-01-01 12:00:00,000 DEBUG {POOL} {TAKEN}"
    later = later.replace("=2024-01-01 11", "=2024-01-01T11").replace(
        "2024-01-01 12:00:00,000", "2024-01-01T12:00:00,000"
    )
    assert known.learn([later]) == [cut_of(later)]


@pytest.mark.parametrize("fields", ["since {}", "[started {}]", "(alice, {}) -", "started={}"])
@pytest.mark.parametrize("printed", FORMATS[:3])
@pytest.mark.parametrize(
    "head", ["{} DEBUG {}", "{} - {} - DEBUG -", "2024-01-01T13:00:00.123456789Z stdout F {} DEBUG {}"]
)
def test_a_time_behind_the_logger_is_not_the_records(head: str, fields: str, printed: str) -> None:
    lines = [
        f"{head.format((NOON + timedelta(seconds=second)).strftime(printed), POOL)} "
        f"{fields.format((NOON - timedelta(hours=second)).strftime(printed))} {message}"
        for second, message in enumerate([TAKEN, TAKEN.replace("checked out from", "being returned to")] * 5)
    ]
    found, unrecognised = all_of(lines, ())
    assert unrecognised == 0
    assert [event[1] for event in found] == [MICROSECONDS + second * 1_000_000 for second in range(10)]


@pytest.mark.parametrize(
    "head",
    [f"2024-01-01 12:00:00,000 DEBUG {POOL}", f"DEBUG {POOL}", f"INFO [{POOL}] worker", "[alice] sqlalchemy.pool"],
)
def test_a_message_that_goes_on_as_none_does_is_not_understood(head: str) -> None:
    assert all_of([f"{head} {TAKEN} at noon", f"{head} {TAKEN}"], ()) == (all_of(["", f"{head} {TAKEN}"], ())[0], 1)
    # of another logger it is nobody's
    assert all_of([f"{head.replace(POOL, 'app').replace('sqlalchemy.pool', 'app')} {TAKEN} at noon"], ())[1] == 0


def test_a_line_that_does_not_fit_by_form_is_cut_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    # a slash that the learner does not see, as if the compiled part took more for a path
    monkeypatch.setattr(cuts, "first_of_form", lambda form, line, begin: of_form(form, line.replace("/", " "), begin))
    lines = [f"{'x' * size}/2024-01-01T12:00:00,000 DEBUG {POOL} {TAKEN}" for size in range(1, 9)]
    lines += [line.replace(",000", ".000") for line in lines]
    found, _ = all_of(lines, ())
    assert [event[1] for event in found] == [MICROSECONDS] * len(lines)


def test_another_record_within_a_line_is_no_field() -> None:
    # what wrote it was cut off, and another process went on
    for inner in (f"- {POOL} - DEBUG -", "[DEBUG]"):
        line = f"2024-01-01 12:00:00,000 - {POOL} - DEBUG - 2024-01-01 12:00:01,000 {inner} {TAKEN}"
        assert all_of([line], ()) == ([], 1)
