"""Bytes become blocks of whole lines, whatever the bytes and whatever the size of the blocks."""

import io
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logpool.errors import InputError
from logpool.read.damage import Damages
from logpool.read.encoding import LONGEST_LINE
from logpool.read.logs import begins_anew, blocks
from logpool.read.sources import Source, sources_of

TEXT = "".join(f"line {number} ünï {number * 7919 % 10007}\n" for number in range(1, 3001))
LINES = TEXT.splitlines()
Noted = list[tuple[str, int, int]]


def read(*paths: str | Path, size: int = 1 << 20) -> tuple[list[str], Noted]:
    """All lines of a log, and its damage; the blocks' numbers must be right."""
    damages = Damages()
    (source,) = sources_of(paths, damages)
    found: list[str] = []
    in_part: dict[int, int] = {}
    for block in blocks(source, size, damages):
        assert block.first_line == in_part.get(block.part, 1)
        in_part[block.part] = block.first_line + len(block.lines)
        found += block.lines.texts.to_list()
    return found, [(damage.what, damage.line, damage.count) for damage in damages.all]


def lines_of(*paths: str | Path, size: int = 1 << 20) -> list[str]:
    return read(*paths, size=size)[0]


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Sets what standard input holds."""

    def hold(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))

    return hold


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n\n", ["", ""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\r\nb\r\n\r\n", ["a", "b", ""]),
        (b"a\r\nb\n", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        (b"\xef\xbb\xbf", []),
        (b"\xef\xbb\xbf\n", [""]),
        (b"a\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
        (b"a\xffb\n\xc3\n", ["a\ufffdb", "\ufffd"]),
        ("ä\u2028ö\x0b\x0cü\x85\n".encode(), ["ä\u2028ö\x0b\x0cü\x85"]),
        (b"\x1b[31mred\x1b[0m\tx\n", ["\x1b[31mred\x1b[0m\tx"]),
        (b"one NUL \0 in a longer line\n", ["one NUL \0 in a longer line"]),
        (b"x" * 1_000_000 + b"\ny\n", ["x" * 1_000_000, "y"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_lines(data: bytes, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(data)
    for size in (1, 2, 3, 4096, 1 << 24) if len(data) < 10_000 else (1 << 16, 1 << 24):
        assert expected == lines_of(tmp_path / "log", size=size)


@pytest.mark.parametrize(
    ("data", "expected", "noted"),
    [
        (b"a\nb \xff\n\xfe\nc\n", ["a", "b \ufffd", "\ufffd", "c"], [("bytes that are no UTF-8", 2, 2)]),
        # the hole that copytruncate leaves behind
        (bytes(20_000) + b"a long enough line\nb\n", ["a long enough line", "b"], [("NULs, left out", 1, 1)]),
        (b"a\n" + bytes(9000) + b"b\nc\n", ["a", "b", "c"], [("NULs, left out", 2, 1)]),
        (b"a\n\0b\n\0\0c\n\0\nd", ["a", "b", "c", "", "d"], [("NULs, left out", 2, 3)]),
        (b"a\nb\n" + bytes(5000), ["a", "b"], [("NULs, left out", 3, 1)]),
        (
            b"a\n"
            + "é".encode() * LONGEST_LINE
            + b"\xff\nb\n"
            + b"x" * LONGEST_LINE
            + b"\n"
            + b"y" * (LONGEST_LINE + 1),
            ["a", "é" * (LONGEST_LINE // 2), "b", "x" * LONGEST_LINE, "y" * LONGEST_LINE],
            [("line of more than 1 MiB, of which the head was kept", 2, 2)],
        ),
        # a character of three bytes does not end where the head does
        (
            b"x" + "€".encode() * (LONGEST_LINE // 2) + b"\n",
            ["x" + "€" * ((LONGEST_LINE - 1) // 3)],
            [("line of more than 1 MiB, of which the head was kept", 1, 1)],
        ),
        (bytes(LONGEST_LINE * 2) + b"a long enough line\n", ["a long enough line"], [("NULs, left out", 1, 1)]),
        ("a line\nünï\n".encode("utf-16-le") + b"x", ["a line", "ünï", "\ufffd"], [("bytes that are no UTF-16", 3, 1)]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_damage_and_its_place(data: bytes, expected: list[str], noted: Noted, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(data)
    for size in (1, 2, 7, 4096, 1 << 24) if len(data) < 50_000 else (4096, 65_537, 1 << 20, 1 << 24):
        lines, told = read(tmp_path / "log", size=size)
        assert expected == lines
        assert noted == told


# what UTF-32 is known by is its mark only
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        *(("\ufeff", encoding) for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8")),
        *(("", encoding) for encoding in ("utf-16-le", "utf-16-be", "utf-8")),
    ],
)
def test_encodings(mark: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes((mark + TEXT).encode(encoding))
    for size in (1001, 1 << 20):
        assert read(tmp_path / "log", size=size) == (LINES, [])


def test_memory_for_a_line_does_not_grow_with_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        for _ in range(100):
            log.write(b"x" * 1_000_000)
        log.write(b"\nend\n")
    (source,) = sources_of([tmp_path / "log"])
    sizes = [sum(block.lines.texts.str.len_bytes()) for block in blocks(source, 1 << 20)]
    assert sum(sizes) == LONGEST_LINE + len("end")


def test_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa\r\nb\xff\r\n\nc\n" + bytes(100)
    (tmp_path / "log").write_bytes(data)
    (source,) = sources_of([tmp_path / "log"])
    assert len(data) == sum(block.size for block in blocks(source, 3))


def test_blocks_are_about_as_large_as_asked(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(TEXT, "utf-8")
    (source,) = sources_of([tmp_path / "log"])
    sizes = [block.size for block in blocks(source, 10_000)]
    assert len(sizes) > 5
    assert all(9_000 < size <= 10_000 for size in sizes[:-1])


pieces = st.binary(max_size=6) | st.sampled_from(
    [b"\n", b"\r\n", b"\r", "ä€😀".encode(), b"\xff", b"line", b"\xef\xbb\xbf", b"\0", b"\n\0\0"]
)


def of_pipe(data: bytes, size: int) -> tuple[list[str], Noted]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        try:
            return read("-", size=size)
        except InputError as error:
            return [error.message], []


@given(st.lists(pieces, max_size=40).map(b"".join), st.integers(1, 60))
def test_no_block_size_changes_a_line_or_the_damage(data: bytes, size: int) -> None:
    assert of_pipe(data, 1 << 20) == of_pipe(data, size)


@given(st.lists(pieces, max_size=40).map(b"".join))
def test_what_is_a_line_is_up_to_the_line_ends_alone(data: bytes) -> None:
    # many letters, so that it is text
    data = b"letters" * 50 + b"\n" + data.replace(b"\0", b"")
    text = data.decode("utf-8", errors="replace")
    assert [line.removesuffix("\r") for line in re.split("\n", text.removesuffix("\n"))] == of_pipe(data, 7)[0]


# -- files in a row --------------------------------------------------------------------------------------------------

RECORDS = "".join(f"2024-09-26 17:45:{second:02},000 - name - DEBUG - ünï {second}\n" for second in range(60))


@pytest.mark.parametrize("cut", [1, 2, 10, 11, 19, 20, 23, 30, 51, 52, 53, 100])
def test_a_line_that_two_files_share_is_one(cut: int, tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text(RECORDS[:cut], "utf-8")
    (tmp_path / "log").write_text(RECORDS[cut:], "utf-8")
    for size in (7, 1 << 20):
        (source,) = sources_of([tmp_path])
        found = [line for block in blocks(source, size) for line in block.lines.texts]
        assert RECORDS.splitlines() == found
        assert len(RECORDS.encode()) == sum(block.size for block in blocks(source, size))


def test_a_line_that_three_files_share_is_one(tmp_path: Path) -> None:
    for name, text in (("log.2", "one\ntw"), ("log.1", "o and "), ("log", "a half\nthree")):
        (tmp_path / name).write_text(text, "utf-8")
    (source,) = sources_of([tmp_path])
    found = [(block.part, block.first_line, block.lines.texts.to_list(), block.torn) for block in blocks(source)]
    assert found == [(0, 1, ["one"], False), (0, 2, ["two and a half"], False), (2, 2, ["three"], True)]


@pytest.mark.parametrize(
    ("torn", "line", "expected"),
    [
        ("2024-09-26 17:45:26,873 - sql", "2024-09-26 17:45:26,873 - sqlalchemy.pool - DEBUG - x", True),
        ("", "[2024-09-26 17:45:26] x", True),
        ("DEBUG:sqlalch", "DEBUG:sqlalchemy.pool:x", True),
        ("", "[WARNING] x", True),
        ('{"tim', '{"time": "2024-09-26"}', True),
        ("sqlalchemy.pool.im", "sqlalchemy.pool.impl.QueuePool x", True),
        ("    raise", "2024-09-26 17:45:26,873 - sqlalchemy.pool - DEBUG - x", True),
        ("2024-09-26 17:45:26,873 - ", "sqlalchemy.pool - DEBUG - x", False),
        ("2024-09-26 17:45:26,873 - name - ", "DEBUG - x", False),
        ("2024-09-26 17:45:26,873 - x", "", False),
        ("2024-0", "9-26 17:45:26,873 - sqlalchemy.pool - DEBUG - x", False),
        ("2024-09-26", " 17:45:26,873 - sqlalchemy.pool - DEBUG - x", False),
        ("2024-09-26 ", "17:45:26,873 - sqlalchemy.pool - DEBUG - x", False),
        ("{", '"time": "2024-09-26 17:45:26,873"}', False),
        ("2024-09-26 17:45:26,873 - x checked ", "out from pool", False),
        ("    rai", "se exc", False),
    ],
)
def test_whether_a_file_begins_with_a_record(torn: str, line: str, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert begins_anew(line, torn) is expected


def test_files_that_end_without_a_line_end_stay_apart_where_records_begin(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text("2024-09-26 17:45:26 one", "utf-8")
    (tmp_path / "log").write_text("2024-09-26 17:45:27 two\n", "utf-8")
    (source,) = sources_of([tmp_path])
    found = [(block.lines.texts.to_list(), block.torn) for block in blocks(source)]
    assert found == [(["2024-09-26 17:45:26 one"], True), (["2024-09-26 17:45:27 two"], False)]


# -- standard input --------------------------------------------------------------------------------------------------


def test_standard_input_stays_open(standard_input: Callable[[bytes], None]) -> None:
    standard_input(b"a\n")
    assert lines_of("-") == ["a"]
    assert not sys.stdin.buffer.closed


def test_standard_input_of_a_pipe_that_comes_in_pieces() -> None:
    reading, writing = os.pipe()
    with io.TextIOWrapper(os.fdopen(reading, "rb")) as pipe, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", pipe)
        os.write(writing, b"a\nb")
        os.write(writing, b"c\n")
        os.close(writing)
        assert lines_of("-", size=1) == ["a", "bc"]


def test_nothing_of_a_source_without_parts() -> None:
    assert list(blocks(Source(()))) == []
