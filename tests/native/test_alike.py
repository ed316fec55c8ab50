"""A line that is like ones before is cut as if there had been none."""

from __future__ import annotations

import json
import random
from array import array
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.native.cutting import Cutter, Out, Part, Place, Taken
from logpool.native.lines import Needles, Rows, surveyed
from logpool.native.variables import Pattern, Words, variables_of

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDLES = Needles(["|Z"], rare=["|Z"])
KNOWN = ["connection", "pool", "at", "user", "taken", "time", "10"]
WORDS = {out: Words(KNOWN, ["error", "pool"], in_chunks=out is Out.CHUNKS) for out in (Out.WORDS, Out.CHUNKS)}
CUTS: list[tuple[list[Place], bool]] = [
    ([Place(None, 0, 5, [Part(0, 5)])], True),
    ([Place(None, 3, 5, [Part(0, 3), Part(3, 2)])], False),
    ([Place('"ts": "', 0, 5, [Part(0, 5)])], False),
    ([Place(None, 0, 5, [Part(0, 5)]), Place("at ", 0, 2, [Part(0, 2)])], False),
    ([Place(None, 0, 5, [Part(0, 5)], "00:00")], False),
    ([], False),
]

# what stands in lines, by kind: where one stands, most often another of the same kind may as well
KINDS: dict[str, list[str]] = {
    "id": ["d3b07384d113edec49eaa6238ad5ff00", "0a1b2c3d4e5f", "12345678", "9182736455463728190"],
    "with address": ["a1b0xc2d3e4f5a6b7c8d9e", "0a1b2c3d0x", "a0xb"],
    "uuid": ["7f00d596-eb68-48f3-9c72-8ffc5334a770", "80c4c5f8-fbd6-490c-bcf1-2bf819ec2493", "deadbeef-dead-beef-dead"],
    "token": ["q83v-_3kAbcX9yZ1w2Q7", "V1StGXR8_Z5jdHi6B-myT", "3f-Gh7Kd92Lmq5RzT8", "ThreadPoolExecutor-0_7"],
    "fraction": ["12.3456", "0.123", "1.2.345", "1.2", "12.34567890"],
    "number": ["1", "23", "10", "4567890", "12345678901", "123456789012345"],
    "word": ["vupi", "x", "zumoru", "Gope", "KIPU", "3d", "y-z_2", "b-pool", "myPoolx", "xime"],
    "beyond": ["é", "naïve", "\\u00e9t\\u00e9", "é3f2a9c81", "漢字", "\\u30b5\\u30d7", "\\u0041b"],
    "known": ["connection", "pool", "at ", "user", "OperationalError", "ime taken: ", " seconds."],
    "seconds": ["ime taken: 0.5 seconds.", "ime taken: 12.25 seconds.", "ime taken: 5 s", "ime taken: 0.1234 seconds."],
    "address": ["0x7f01", "0x7f02e", "0x", "0xZ", "0x7f6f43779b10", "c0x1"],
    "clock": ["12:34", "1:2", "10:00", "x7:12", "12:345", ":", "99:1"],
    "time": ['"ts": "12:01', '"ts": "a', "at 12"],
    "joined": ['"/a/vupi"', '"x=1&pool=y"', '"2001:db8::1"', '"1.2.3.4', '"x12:34:56"', '"f/12:345:6/g"', '"a:12:34"'],
    "unquoted": ["/a/vupi", "vupi/zu", "12:34/x", "/connection", ":a=b?"],
    "path": [
        "/a/vupi",
        "/x?y=1&z=/w",
        "/3f2a9c81d4/x",
        "/é",
        "/\\u00e9",
        "/a/0x7f01",
        "/my-pool",
        "/a:b",
        "/1.2345",
        "/ ",
        "/x?t=12:34:56.7891",
        "/x?a=12:34&b=d3b07384d1",
        "/x?a=d3b07384d1&t=12:34:56.789",
        "/x?12345678:12:34",
        "/d3b07384d1/y?t=12:34:56",
        '/a\\"',
        '"\\"/a/pool\\""',
    ],
    "mail": ["vupi@zu.de", "é@x", "a.b@d3b07384d1", "at@x", "12@3", "x@pool", "@x", "a@b@c", "a=b@c", "\\u00e9@x"],
    "url": ["http://x/y?z=12:34:56", "at://vupi:8080/zu", "h://", "x+y://12:34", "pool://x", "h://é", "://x"],
    "odd url": [
        "h://d3b07384d1:80",
        "d3b07384d1://x",
        "h://x:123",
        "h://x:1234567",
        "a-3f2a9c81d4://y",
        "h://x:804/a:b",
    ],
    "quad": [
        "10.0.0.12",
        "1.2.3.4:80",
        "1.2.3.4:123456",
        "1.2.3.4.5",
        "1.2.3",
        "1.2.3.4567",
        "1.2.3.4:",
        "255.1.2.3é",
        '\\"1.2.3.4\\"',
    ],
    "network": ["08:af:08:59:66:84", "fe80::12:34:56", "12:34:56:78:90:12", "::1", "a::b", "1:2:3:4:5:6:7:8"],
    "no network": ["12:34:ab:", "12:34:56:78:90:12:13", "fe80::12345", "1:::2", "a::b::1", "x08:af:08:59:66:84"],
    "bound": [" ", "(", ")", "[", "] ", "=", ", ", ";", "'", "|", '"', "<", ">"],
    "edge": ['"', " ", "/", ".", "-", "_", '", "', "\\n", "\\", "=", "\x1b[0m", "\t"],
    "mark": ["\x03", "\x1c", "\x0e", "\x0b", "\x0c", "\x01"],
}
SHAPES = st.lists(st.sampled_from([*KINDS, *["edge"] * 6, *["bound"] * 6, "word", "number", "known"]), max_size=14)


def chance_of(seed: object) -> random.Random:
    return random.Random(repr(seed))  # noqa: S311 - lines, no secret


def lines_of(shapes: list[list[str]], seed: int) -> list[str]:
    """Some lines of each shape."""
    chance = chance_of(seed)
    lines = []
    for _ in range(8):
        for shape in shapes:
            head = chance.choice(["12:01", "03:59", "7 12:1", "12"])
            # what two lines of a shape have in common is more than chance would give them
            own = chance_of(shape)
            inner = (chance.choice(KINDS[kind]) if chance.random() < 0.7 else own.choice(KINDS[kind]) for kind in shape)
            lines.append(f"{head} {''.join(inner)}|Z")
    return lines


def known_of(text: str, out: Out) -> Pattern:
    """What is known of a pattern: anything that may be."""
    chance = chance_of(text)
    marks = [0x08, *range(0x0E, 0x1B), *((0x0B, *range(0x1C, 0x20)) if out in WORDS else ())]
    count = sum(ord(character) in marks for character in text)
    kept = chance.getrandbits(64) if chance.random() < 0.3 else 0
    if not count or count > 60 or chance.random() < 0.5:
        return Pattern(kept)
    first = chance.randrange(count)
    return Pattern(kept, first, chance.randint(1, count - first))


def cut_apart(cutter: Cutter, rows: Rows, chosen: array[int], known: Callable[[str, Out], Pattern] = known_of) -> Taken:
    """The lines, cut; what their patterns are is learned."""
    taken = Taken.of(cutter, rows, chosen)
    while cutter.patterns is not None and taken.unknown:
        for number in range(len(cutter.patterns), len(cutter.patterns.texts)):
            cutter.patterns.learn(known(cutter.patterns.texts.get(number), cutter.out))
        taken = Taken.of(cutter, rows, chosen)
    return taken


def rows_of(lines: list[str], cutter: Cutter | None = None) -> Rows:
    data = "".join(f"{line}\n" for line in lines).encode()
    return Rows(data, NEEDLES, surveyed(data, len(data)), cutter=cutter)


def told(taken: Taken, rows: Rows) -> dict[str, tuple[object, ...]]:
    """What is told of lines that were cut, by their texts."""
    return {
        rows.text(taken.row(at)): (
            taken.cutter.keys.get(taken.key(at)),
            taken.times(at),
            taken.address(at),
            taken.seconds(at),
            taken.thread(at),
        )
        for at in range(len(taken))
    }


@pytest.mark.parametrize("out", list(Out))
@given(st.lists(SHAPES, min_size=1, max_size=4), st.sampled_from(CUTS), st.integers(0, 1 << 16))
@settings(max_examples=250)
def test_what_lines_before_were_does_not_matter(
    out: Out, shapes: list[list[str]], cut: tuple[list[Place], bool], seed: int
) -> None:
    places, leading = cut

    def cutter() -> Cutter:
        return Cutter(places, leading=leading, out=out, words=WORDS.get(out))

    lines = lines_of(shapes, seed)
    apart: dict[str, tuple[object, ...]] = {}
    for line in lines:
        rows = rows_of([line])
        apart |= told(cut_apart(cutter(), rows, array("I", [0])), rows)
    one = cutter()
    half = len(lines) // 2
    for some in (lines[:half], lines):
        rows = rows_of(some)
        assert told(cut_apart(one, rows, array("I", range(len(rows)))), rows) == {
            line: apart[line] for line in some if line in apart
        }
    # and so it is of those that are found to be alike while lines are looked for
    rows = rows_of(lines, one)
    if rows.alike is not None:
        found = told(rows.alike, rows)
        assert found.items() <= apart.items()
        assert sorted([*(rows.alike.row(at) for at in range(len(rows.alike))), *rows.left]) == list(range(len(rows)))


def pool_line(number: int, out: Out, chance: random.Random) -> str:
    """A line in JSON that has in each field what is taken out."""
    user = "".join(chance.choices("aeioubdfgklmnprstvz", k=7))
    fields = {
        "ts": f"12:{number % 60:02}",
        "message": f"Connection <x at 0x{chance.getrandbits(44):x}> checked out",
        "by": f"worker-{number % 7 if out is Out.IDS else number + 1000}",
        "id": f"{chance.getrandbits(128):032x}",
        **({"user": user} if out is Out.WORDS else {}),
    }
    return f"{json.dumps(fields)}|Z"


@pytest.mark.parametrize("out", [Out.IDS, Out.NUMBERS, Out.WORDS])
def test_lines_are_found_by_what_they_leave(out: Out) -> None:
    chance = chance_of(1)
    words = Words(["ts", "message", "connection", "x", "at", "checked", "out", "by", "worker", "id", "user"])
    one = Cutter(CUTS[2][0], leading=False, out=out, words=words if out is Out.WORDS else None)
    lines = [pool_line(number, out, chance) for number in range(2000)]
    rows = rows_of(lines[:1000])
    cut_apart(one, rows, array("I", range(len(rows))), lambda *_: Pattern(0))
    rows = rows_of(lines[1000:], one)
    assert rows.alike is not None
    assert len(rows.alike) == 1000


def test_a_tree_that_is_full_begins_anew() -> None:
    one = Cutter([], leading=False, out=Out.IDS)
    chance = chance_of(2)
    for _ in range(8):
        # each leaves a text of its own, twice
        lines = [f"{chance.randrange(10**7)} d3b07384d113edec49eaa6238ad5ff00 |Z" for _ in range(10_000)] * 2
        rows = rows_of(lines)
        taken = Taken.of(one, rows, array("I", range(len(rows))))
        assert [one.keys.get(taken.key(at)) for at in range(len(taken))] == [
            line.replace("d3b07384d113edec49eaa6238ad5ff00", "\x03") for line in lines
        ]
    rows = rows_of(lines[-100:], one)
    assert rows.alike is not None
    assert len(rows.alike) == 100


def test_a_token_is_told_by_all_of_it() -> None:
    # both begin in the same way, but only one changes often enough between letters and digits
    begin = "V1StGXR8_Z5jdHi6B-myT7f00d596-eb68-48f3-9c72-8ffc5334a770"
    others = [f"{begin}1234567890123454567{number} |Z" for number in range(100, 110)]
    one = Cutter([], leading=False, out=Out.IDS)
    left = dict.fromkeys(others, "V1StGXR8_Z5jdHi6B-myT7f00d596-eb68-48f3-9c72-\x03 |Z")
    left[f"{begin}456789012345678901 |Z"] = "\x03 |Z"
    for lines in (others[:5], list(left)):
        rows = rows_of(lines)
        taken = cut_apart(one, rows, array("I", range(len(rows))))
        assert [one.keys.get(taken.key(at)) for at in range(len(taken))] == [left[line] for line in lines]


def test_variables_are_the_same_wherever_ids_stand() -> None:
    # a word ends where an id begins that a hyphen joins to it
    one = Cutter([], leading=False, out=Out.WORDS, words=WORDS[Out.WORDS])
    for line in ("vupi-7f00d596-eb68-48f3-9c72-8ffc5334a770 x", "zumoru-80c4c5f8-fbd6-490c-bcf1-2bf819ec2493 y"):
        rows = rows_of([f"{line}|Z"])
        taken = cut_apart(one, rows, array("I", [0]))
        assert one.patterns is not None
        assert one.patterns.texts.get(0) == "\x1c-\x03 \x1c|\x1d"
        assert len(taken) == 1
    assert [variable.mark for variable in variables_of(b"vupi-\x03 x|Z", WORDS[Out.WORDS])] == [0x1C, 0x1C, 0x1D]
