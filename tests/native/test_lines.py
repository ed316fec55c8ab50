"""Lines become numbers as they would in a few slow lines of Python."""

from __future__ import annotations

import re
from array import array
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.native.cutting import Cutter, Out, Part, Place, Taken
from logpool.native.finding import Lot
from logpool.native.lines import Needles, Rows, surveyed
from logpool.native.texts import Plain, Texts

WORDS = ("sqlalchemy.pool", "onnection ", "Pool disposed", "né: ")
NEEDLES = Needles(WORDS, rare=("y.", "nn", "Po", "n\xe9"))
# words, parts of them, and what may stand around them
PIECES = st.sampled_from(
    [*WORDS, "y.", "nn", "Po", "conn", "n", "x", "é", "漢", "\0", "\r", "\n", "\n\n", "\r\n", " " * 17]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join)
MARK = "\x01"


def rows_of(data: bytes, needles: Needles, cutter: Cutter | None = None) -> Rows:
    return Rows(data, needles, surveyed(data, len(data)), cutter=cutter)


@given(TEXTS)
@settings(max_examples=500)
def test_rows_are_the_lines_with_a_needle(text: str) -> None:
    rows = rows_of(text.encode(), NEEDLES)
    lines = text.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    found = [place for place, line in enumerate(lines) if any(word in line for word in WORDS)]
    survey = surveyed(text.encode(), len(text.encode()))
    assert survey == (len(lines), text.isascii(), "\0" in text)
    every = array("I", range(len(rows)))
    assert rows.texts(every).to_list() == [lines[place].removesuffix("\r") for place in found]
    assert [rows.text(row) for row in every] == rows.texts(every).to_list()
    starts = [sum(len(line.encode()) + 1 for line in lines[:place]) for place in found]
    assert [rows.start(row) for row in every] == starts
    assert [rows.place(row) for row in every] == found


def test_a_needle_stands_where_the_line_before_has_it_only_if_nothing_earlier_does() -> None:
    # at the same place behind the beginning of the next line stands a needle of the line after it
    rows = rows_of(b"0123456789onnection \nonnection \nonnection \n0123456789onnection ", NEEDLES)
    assert [rows.place(row) for row in range(len(rows))] == [0, 1, 2, 3]


@given(st.lists(st.text(max_size=40), max_size=60))
def test_texts_have_numbers_in_the_order_in_which_they_come(texts: list[str]) -> None:
    known = Texts()
    numbers = [known.add(text) for text in texts]
    distinct = list(dict.fromkeys(texts))
    assert numbers == [distinct.index(text) for text in texts]
    assert len(known) == len(distinct)
    assert known.all().to_list() == distinct
    assert [known.get(number) for number in range(len(known))] == distinct


def test_many_texts() -> None:
    known = Texts()
    texts = [f"{number:x}" * (number % 40) for number in range(5000)]
    distinct = list(dict.fromkeys(texts))
    assert [known.add(text) for text in texts] == [distinct.index(text) for text in texts]
    assert known.all().to_list() == distinct


# -- times -----------------------------------------------------------------------------------------------------------

FORMATS = st.sampled_from([Plain(" ", ",", 3), Plain("T", ".", 6), Plain(" ", "", 0)])
MOMENTS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31))  # noqa: DTZ001 - as printed
SPOILT = st.sampled_from(
    [(0, "x"), (4, "/"), (5, "19"), (8, "32"), (10, "_"), (11, "24"), (14, "60"), (17, "61"), (18, "é")]
)


def printed(moment: datetime, plain: Plain) -> str:
    fraction = f"{plain.mark}{moment.microsecond:06}"[: plain.digits + 1] if plain.digits else ""
    return f"{moment.isoformat(plain.gap, 'seconds')}{fraction}"


@given(st.lists(MOMENTS, min_size=1, max_size=8), FORMATS, st.sampled_from([0, 11, 19]), st.integers(-5, 5))
@settings(max_examples=200)
def test_plain_times(moments: list[datetime], plain: Plain, cut: int, less: int) -> None:
    texts = Texts()
    whole = [printed(moment, plain) for moment in moments]
    # part of each time stands before it, or behind it
    before, behind = whole[0][:cut], whole[0][cut:]
    tails = [texts.add(text[cut:]) for text in whole]
    found = texts.plain_times(0, plain, before, "", less)
    assert found is not None
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - as printed
    for text, number in zip(whole, tails, strict=True):
        expected = datetime.fromisoformat(before + text[cut:]) - epoch
        assert found[number] == expected // timedelta(microseconds=1) - less
    first = len(texts)
    texts.add(before)
    if behind or first == 1:
        assert texts.plain_times(first, plain, "", behind, 0) == array(
            "q", [found[tails[0]] + less][: len(texts) - first]
        )


@given(MOMENTS, FORMATS, SPOILT)
def test_what_is_no_plain_time(moment: datetime, plain: Plain, spoilt: tuple[int, str]) -> None:
    text = printed(moment, plain)
    place, other = spoilt
    for wrong in (f"{text[:place]}{other}{text[place + len(other) :]}", text[:-1], f"{text}0", "", "0000" + text[4:]):
        texts = Texts()
        texts.add(text)
        texts.add(wrong)
        assert texts.plain_times(0, plain, "", "", 0) is None
        assert texts.plain_times(1, plain, "", "", 0) is None


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
        ("2024-04-31", False),
        ("2024-12-31", True),
    ],
)
def test_days_that_there_are(day: str, *, is_one: bool) -> None:
    texts = Texts()
    texts.add(f"{day} 00:00:00")
    assert (texts.plain_times(0, Plain(" ", "", 0), "", "", 0) is not None) == is_one


# -- cuts ------------------------------------------------------------------------------------------------------------

ADDRESS = "0x[0-9a-fA-F]*"
LETTERS = st.text("0129xabfA k:.é漢", max_size=12)
TIMINGS = st.sampled_from(
    ["", "Time taken: 0.5 seconds.", "time taken: 12.25 seconds. more", "time taken: .5 seconds."]
)
ADDRESSES = st.sampled_from(["", "0x", "0x7fAb at", "<a at 0x12>", "0xg 0x1", "onnection 0x3", "0xb Connection <a"])
LINES = st.tuples(LETTERS, ADDRESSES, LETTERS, TIMINGS, ADDRESSES, LETTERS).map("".join)
# lines that differ in their times and addresses only, or a little more
ALIKE = st.tuples(
    st.sampled_from(["012", "021", "k:0", "0é1", "0x1"]),
    st.sampled_from(["", "| Connection <a at ", "| Connection <b at ", "| ime taken: 0x", "é| " * 9]),
    st.sampled_from(["", "0x", "0x12", "0x7fAb", "0x7fAb0123456789", "12"]),
    st.sampled_from(
        ["", " b", "> checked out from pool", "> checked in to a pool", " 0x1", "0x", " time taken: 0.5 seconds."]
    ),
).map("".join)


def of_form(form: str, line: str, begin: int) -> int | None:
    """Where the first text of a form begins; what figures, or words, go on with is none."""
    pattern = "".join({"0": "[0-9]", "9": "[0-9 ]", "a": "[A-Za-z]"}.get(one, re.escape(one)) for one in form)
    for found in re.finditer(rf"(?={pattern}(?![0-9]))", line):
        before = line[: found.start()]
        goes_on = r"[0-9A-Za-z_]|[^\x00-\x7f]" if form.startswith("a") else r"[0-9]|[0-9][.:/-]"
        in_path = not re.search(r"[ ,]", form) and re.search(r"/[^\s\"'()\[\]<>{},;|]*\Z", before)
        if found.start() >= begin and not in_path and not re.search(rf"(?:{goes_on})\Z", before):
            return found.start()
    return None


def taken_apart(
    line: str, places: list[Place], *, leading: bool
) -> tuple[list[str], str, str | None, str | None] | None:
    """A line's parts of times, what is left, its address and its seconds; None where a time cannot stand there."""
    parts: list[str] = []
    rest = ""
    whole = line
    for place in places:
        if place.form is not None:
            at = of_form(place.form, whole, len(whole) - len(line))
            if at is None:
                return None
            start = at - (len(whole) - len(line))
        else:
            start = place.start
        before, anchor, behind = line.partition(place.anchor) if place.anchor else (line[:start], "", "")
        if place.anchor and not anchor:
            return None
        line = behind if place.anchor else line[start:]
        if len(before) < (0 if place.anchor else start) or len(line) < place.width:
            return None
        time, line = line[: place.width], line[place.width :]
        parts += [time[part.start : part.start + part.width] for part in place.parts]
        rest += before + anchor + ("" if leading else MARK)
    rest += line
    head, timing, tail = rest.partition("ime taken: ")
    seconds = re.match(r"[0-9]+\.[0-9]+(?= seconds\.)", tail)
    if seconds:
        rest = f"{head}{timing}\x02{tail[seconds.end() :]}"
    address = re.search(rf"onnection .*?({ADDRESS})", rest, re.DOTALL) or re.search(f"({ADDRESS})", rest)
    if address:
        rest = f"{rest[: address.start(1)]}\x07{rest[address.end(1) :]}"
    return parts, rest, address[1] if address else None, seconds[0] if seconds else None


CUTS = st.sampled_from(
    [
        ([], False),
        ([Place(None, 0, 3, [Part(0, 2), Part(2, 1)])], True),
        ([Place(None, 1, 2, [Part(0, 2)]), Place(None, 2, 1, [Part(0, 1)])], False),
        ([Place("k:", 0, 2, [Part(0, 1), Part(1, 1)])], False),
        ([Place(None, 0, 1, [Part(0, 1)]), Place("a", 0, 0, [Part(0, 0)])], False),
        *(
            ([Place(None, 0, len(form), [Part(0, 3), Part(3, len(form) - 3)], form)], False)
            for form in ("00:00", "aaa 00", "aaa 90", "00/aaa/00", "000 00")
        ),
        ([Place(None, 0, 5, [Part(0, 5)], "00:00"), Place(None, 0, 5, [Part(0, 5)], "00-00")], False),
        ([Place("k:", 0, 2, [Part(0, 2)]), Place(None, 0, 5, [Part(0, 5)], "00:00")], False),
        # nothing in it stands for itself
        ([Place(None, 0, 4, [Part(0, 4)], "0000")], False),
    ]
)
CLOCKS = st.lists(
    st.sampled_from(["12:30", "01-02", "Jan 04", "Jan  5", "07/Feb/08", "123 45", "1234", *"0a_.:-/ é[|,", "k:"]),
    max_size=6,
).map("".join)


IDS = st.sampled_from(
    [
        "3b1a11df-587f-d280-3bab-6c398d88348a",
        "12345678-1234-1234-1234-123456789012",
        "3b1a11df-587f-d280-3bab-6c398d88348ab",
        "3b1a11df-587f-d280-3bab",
        "3B1A11DF587FD2803BAB6C398D88348A",
        "3b1a11d",
        "3b1a11df",
        "abcdefab",
        "1234567",
        "12345678",
        "1234567890",
        "2345678e",
        "2345678e-",
        "23a5678e-",
        "2345678e1f",
        "123456789012345",
        "1234567890123456",
        "16123.4567",
        "12345678.123",
        "0.12",
        ".123",
        "10.0.0.123",
        "01ARZ3NDEKTSV4RRFFQ6",
        "01ARZ3NDEKTSV4RRFFQ",
        "ThreadPoolExecutorThread",
        "q83v-_3kAbcX9yZ1w2Q7",
        "V1StGXR8_Z5jdHi6",
        "aB3cD4eF5gH6iJ7",
        "AsyncAdaptedQueuePool-0_7",
        "08:af:08:59:66:84",
        "fe80::1:2",
        "1:2:3:4:5:6:7",
        "1::a:12:",
        "08:af:08:59:66:84:",
        "::1",
    ]
)
WITH_IDS = st.lists(IDS | st.sampled_from(["", " ", "-", "_", "req-", "é", "g", "0x", "0x7f01"]), max_size=8)


def is_token(text: str) -> bool:
    """Whether letters of both sizes and digits change so often that no name is like it."""
    kinds = [-1 if one in "-_" else 0 if one.isdigit() else 1 if one.isupper() else 2 for one in text]
    changes = [{one, other} for one, other in pairwise(kinds) if one != other and -1 not in {one, other}]
    digits = sum(0 in change for change in changes)
    return len(text) >= 16 and len(changes) * 3 >= len(text) and digits >= 2 and {0, 1, 2} <= {*kinds}


def without_ids(text: str) -> str:
    """A text with a mark in the place of each id."""

    def marked(word: re.Match[str]) -> str:
        found = word[0]
        if found.startswith("0x"):
            return found
        if word["decimals"]:
            return "\x06"
        is_number = re.fullmatch(r"\d+[eE]", found) and text[word.end() : word.end() + 1] in {"-", "+"}
        if word["uuid"] or (
            len(found) >= 8 and re.fullmatch(r"(?=.*\d)(?=.*[a-fA-F])[0-9a-fA-F]+", found) and not is_number
        ):
            return "\x03"
        if found.isdigit():
            return "\x04" if len(found) >= 16 else "\x05" if len(found) in {8, 9} else found
        return "\x03" if len(found) >= 20 and re.search(r"\d", found) and re.search("[g-zG-Z]", found) else found

    group = "[0-9A-Fa-f]{1,4}"
    some = f"(?:{group}(?::{group})*)"
    network = re.compile(
        rf"(?<![\w:.])(?:(?:{group}:){{5}}(?:(?:{group}:){{2}})?{group}|(?=[0-9A-Fa-f:]*\d){some}::{some}?)(?![\w:])"
    )
    token = re.compile("(?<![0-9A-Za-z_-])[0-9A-Za-z_-]+")
    uuid = r"(?<![0-9A-Za-z])(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![0-9A-Za-z])"
    decimals = r"(?<![0-9A-Za-z.])(?P<decimals>[0-9]+\.[0-9]{3,})(?![0-9A-Za-z.])"
    plain = re.compile(rf"{uuid}|{decimals}|[0-9A-Za-z]+")
    found, at = "", 0
    while word := plain.search(text, at):
        found, at, mark = found + text[at : word.start()], word.end(), marked(word)
        # a mark stands for the whole of it, unless it goes on
        is_over = mark != word[0] and not re.match("[0-9A-Za-z_-]", text[at:])
        others = () if word[0].startswith("0x") else ((network, "\x0c"), *(() if is_over else ((token, "\x03"),)))
        for kind, its_mark in others:
            one = kind.match(text, word.start())
            if one and (kind is network or is_token(one[0])):
                mark, at = its_mark, one.end()
                break
        found += mark
    return found + text[at:]


@given(st.lists(WITH_IDS.map("".join), min_size=1, max_size=8))
@settings(max_examples=400)
def test_ids_are_taken_out(lines: list[str]) -> None:
    rows = rows_of("".join(f"{line}|Z\n" for line in lines).encode(), Needles(["|Z"], rare=["|Z"]))
    for out in (Out.NOTHING, Out.IDS):
        taken = Taken.of(cutter := Cutter([], leading=False, out=out), rows, array("I", range(len(lines))))
        for at, line in enumerate(lines):
            rest = re.sub(ADDRESS, "\x07", f"{line}|Z", count=1)
            assert cutter.keys.get(taken.key(at)) == (without_ids(rest) if out else rest)


@given(
    st.lists(LINES | CLOCKS, min_size=1, max_size=8) | st.lists(ALIKE | CLOCKS, min_size=1, max_size=30),
    CUTS,
    st.data(),
)
@settings(max_examples=800)
def test_lines_are_cut(lines: list[str], cut_at: tuple[list[Place], bool], data: st.DataObject) -> None:
    places, leading = cut_at
    # a needle at the end of each line makes it a row, and is part of what is left
    lines = [f"{line}|Z" for line in lines]
    rows = rows_of("".join(f"{line}\n" for line in lines).encode(), Needles(["|Z"], rare=["|Z"]))
    chosen = data.draw(st.lists(st.sampled_from(range(len(lines))), unique=True))
    expected = {row: found for row in chosen if (found := taken_apart(lines[row], places, leading=leading)) is not None}
    cutter = Cutter(places, leading=leading)
    seen: list[str] = []
    # whatever was cut before
    for _ in range(2):
        taken = Taken.of(cutter, rows, array("I", chosen))
        assert [taken.row(at) for at in range(len(taken))] == list(expected)
        for at, (parts, rest, address, seconds) in enumerate(expected.values()):
            assert cutter.keys.get(taken.key(at)) == rest
            assert taken.times(at) == parts
            assert taken.address(at) == address
            assert taken.seconds(at) == seconds
        rests = [rest for _, rest, _, _ in expected.values()]
        new = list(dict.fromkeys(rest for rest in rests if rest not in seen))
        assert cutter.keys.all(taken.first_key).to_list() == new
        assert list(taken.firsts()) == [rests.index(rest) for rest in new]
        seen += new


@given(
    st.lists(LINES | CLOCKS, min_size=1, max_size=8) | st.lists(ALIKE | CLOCKS, min_size=1, max_size=30),
    CUTS,
    st.data(),
)
@settings(max_examples=800)
def test_lines_like_ones_before_are_cut_at_once(
    lines: list[str], cut_at: tuple[list[Place], bool], data: st.DataObject
) -> None:
    places, leading = cut_at
    lines = [f"{line}|Z" for line in lines]
    before = data.draw(st.lists(st.sampled_from(lines), unique=True))
    needles = Needles(["|Z"], rare=["|Z"])
    cutter = Cutter(places, leading=leading)
    rows = rows_of("".join(f"{line}\n" for line in before).encode(), needles)
    Taken.of(cutter, rows, array("I", range(len(rows))))
    keys = cutter.keys.all().to_list()
    # those that hold no needle stand between them
    rows = rows_of("".join(f"{line}\nno row\n" for line in lines).encode(), needles, cutter)
    every = array("I", range(len(rows)))
    assert rows.texts(every).to_list() == lines
    taken = rows.alike
    if taken is None:
        assert rows.left == every
        return
    found = {taken.row(at): at for at in range(len(taken))}
    assert sorted([*found, *rows.left]) == list(every)
    for row, at in found.items():
        expected = taken_apart(lines[row], places, leading=leading)
        assert expected == (taken.times(at), cutter.keys.get(taken.key(at)), taken.address(at), taken.seconds(at))
    assert cutter.keys.all().to_list() == keys


def test_pools_lines_are_alike() -> None:
    cutter = Cutter([Place(None, 0, 5, [Part(0, 5)])], leading=True)
    needles = Needles(["onnection "], rare=["nn"])

    def log(minute: int, address: str) -> bytes:
        messages = (f"{thread} Connection <x.Connection object at 0x{address}>{rest}" for thread, rest in kinds)
        return "".join(f"12:{minute:02} {message}\n" for message in messages).encode()

    kinds = [(f"[Thread-{n}]", rest) for n in range(10) for rest in ("", " checked out from pool", " being returned")]
    rows = rows_of(log(1, "7f01"), needles)
    Taken.of(cutter, rows, rows.left)
    for minute, address, are_alike in (
        (2, "7f02", True),
        (3, "219557BA668", False),
        (4, "000000BA669", True),
        (5, "7f0g", False),
    ):
        rows = rows_of(log(minute, address), needles, cutter)
        assert rows.alike is not None
        # of lines of another length, one of each kind is cut before the others are known
        assert (len(rows.alike), len(rows.left)) == ((len(kinds), 0) if are_alike else (0, len(kinds)))
        Taken.of(cutter, rows, rows.left)


def test_lines_that_differ_in_a_few_letters_are_alike_in_the_end() -> None:
    cutter = Cutter([Place(None, 0, 5, [Part(0, 5)])], leading=True)
    needles = Needles(["onnection "], rare=["nn"])
    # few of their letters tell where they are looked for, until that does not tell them apart
    kinds = [
        f" same for all: {number:04}, and the same from here on: Connection <x.Connection object at"
        for number in range(12)
    ]
    alike = []
    for minute in range(1, 5):
        lines = "".join(f"12:{minute:02}{kind} 0x7f0{minute}>\n" for kind in kinds)
        rows = rows_of(lines.encode(), needles, cutter)
        left = rows.left if rows.alike is not None else array("I", range(len(rows)))
        alike.append(0 if rows.alike is None else len(rows.alike))
        Taken.of(cutter, rows, left)
        assert len(cutter.keys) == len(kinds)
    assert alike[0] == 0
    assert alike[-1] == len(kinds)


def test_a_needle_needs_a_rare_pair() -> None:
    with pytest.raises(StopIteration):
        Needles(["abc"], rare=["xy"])


NUMBERS = st.integers(0, (1 << 32) - 2)


@given(
    st.integers(0, 10),
    st.lists(
        st.tuples(st.integers(), st.none() | st.integers(), NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS).filter(
            lambda row: all(number is None or abs(number) < 1 << 62 for number in row)
        )
    ),
    st.sets(NUMBERS),
    st.data(),
)
def test_a_lot_holds_what_was_added(
    room: int, rows: list[tuple[int, int | None, int, int | None, int | None]], labels: set[int], data: st.DataObject
) -> None:
    lot = Lot(room)
    for row in rows:
        lot.add(*row)
    assert len(lot) == len(rows)
    assert [lot.time(place) for place in range(len(lot))] == [time for _, time, *_ in rows]
    asked = labels | set(data.draw(st.lists(st.sampled_from([label for _, _, label, *_ in rows]))) if rows else ())
    begin = data.draw(st.integers(0, len(rows)))
    assert lot.lines(asked, begin) == [line for line, _, label, *_ in rows[begin:] if label in asked]
    assert list(zip(*(column.to_list() for column in lot.columns()), strict=True)) == rows
    # they were given away
    assert len(lot) == 0
    lot.add(1, None, 2, None, 3)
    assert [column.to_list() for column in lot.columns()] == [[1], [None], [2], [None], [3]]
