"""Files, directories, globs and standard input become blocks of whole lines, whatever the bytes."""

import bz2
import gzip
import io
import lzma
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.errors import InputError
from logpool.read.sources import Source, blocks, sources_of

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}
TEXT = "".join(f"line {number} ünï {number * 7919 % 10007}\n" for number in range(1, 3001))
LINES = TEXT.splitlines()


def lines_of(path: str | Path, size: int = 1 << 20) -> list[str]:
    """All lines; the blocks' numbers must be right."""
    found: list[str] = []
    for block in blocks(Source(str(path)), size):
        assert block.first_line == len(found) + 1
        found += block.lines.to_list()
    return found


def names(*logs: str | Path) -> list[str]:
    return [source.path for source in sources_of(logs)]


def refusal(path: str | Path) -> InputError:
    with pytest.raises(InputError) as caught:
        lines_of(path)
    return caught.value


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Sets what standard input holds."""

    def hold(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))

    return hold


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with logs in it, the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("b.log", "a.log", "deep/er/c.log.gz", "deep/[d].log", ".hidden", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty/within").mkdir(parents=True)
    return iter([tmp_path])


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b.log", ["b.log"]),
        ("./b.log", ["./b.log"]),
        ("-", ["-"]),
        (".", [".hidden", "a.log", "b.log", "deep/[d].log", "deep/er/c.log.gz", "notes.txt"]),
        ("deep", ["deep/[d].log", "deep/er/c.log.gz"]),
        ("*.log", ["a.log", "b.log"]),
        ("?.log", ["a.log", "b.log"]),
        ("[bc].log", ["b.log"]),
        ("**/*.log*", ["a.log", "b.log", "deep/[d].log", "deep/er/c.log.gz"]),
        ("deep/*", ["deep/[d].log"]),
        # a name that is there is no pattern
        ("deep/[d].log", ["deep/[d].log"]),
    ],
)
def test_names(name: str, expected: list[str]) -> None:
    assert expected == names(name)


@pytest.mark.usefixtures("folder")
def test_names_keep_their_order_and_count_once() -> None:
    assert names("b.log", "-", "*.log", Path("a.log"), "-") == ["b.log", "-", "a.log"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([], "no log was named"),
        (["missing.log"], "no such file: missing.log"),
        (["a.log", "missing.log"], "no such file: missing.log"),
        ([""], "no such file: "),
        (["a.log/b"], "no such file: a.log/b"),
        (["nul\0.log"], "no such file: nul\0.log"),
        (["*.lgo"], "no file matches *.lgo"),
        (["emp*"], "no file matches emp*"),
        (["empty"], "no file in the directory empty"),
    ],
)
def test_name_that_stands_for_nothing(logs: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        sources_of(logs)
    assert message == caught.value.message


def test_symbolic_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a\n", "utf-8")
    (tmp_path / "link").symlink_to("log")
    (tmp_path / "astray").symlink_to("nowhere")
    assert lines_of(tmp_path / "link") == ["a"]
    assert f"cannot read {tmp_path / 'astray'}: no such file or directory" == refusal(tmp_path / "astray").message


# -- lines -----------------------------------------------------------------------------------------------------------


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
        (b"x" * 3_000_000 + b"\ny\n", ["x" * 3_000_000, "y"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_lines(data: bytes, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(data)
    for size in (1, 2, 3, 4096, 1 << 24) if len(data) < 10_000 else (1 << 16, 1 << 24):
        assert expected == lines_of(tmp_path / "log", size)


def test_sizes_are_those_of_the_file(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfa\r\nb\xff\r\n\nc"
    (tmp_path / "log").write_bytes(data)
    assert len(data) == sum(block.size for block in blocks(Source(str(tmp_path / "log")), 3))


def test_blocks_are_about_as_large_as_asked(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(TEXT, "utf-8")
    sizes = [block.size for block in blocks(Source(str(tmp_path / "log")), 10_000)]
    longest = max(len(line.encode()) + 1 for line in LINES)
    assert len(sizes) > 5
    assert all(10_000 - longest < size < 10_000 + longest for size in sizes[:-1])


pieces = st.binary(max_size=6) | st.sampled_from(
    [b"\n", b"\r\n", b"\r", "ä€😀".encode(), b"\xff", b"line", b"\xef\xbb\xbf"]
)


@settings(deadline=None)
@given(st.lists(pieces, max_size=40).map(b"".join), st.integers(1, 60))
def test_no_block_size_changes_a_line(data: bytes, size: int) -> None:
    def read(size: int) -> list[str] | str:
        try:
            return lines_of("-", size)
        except InputError as error:
            return error.message

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        expected = read(1 << 20)
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert expected == read(size)
    if isinstance(expected, list):
        # what is a line is up to the line ends alone
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")
        assert [line.removesuffix("\r") for line in re.split("\n", text.removesuffix("\n"))] == (expected or [""])


# -- compression -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["log", *PACKINGS])
@pytest.mark.parametrize("packing", PACKINGS)
def test_packing_is_known_by_content(packing: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"app.{suffix}"
    path.write_bytes(PACKINGS[packing](TEXT.encode()))
    assert lines_of(path) == LINES
    assert lines_of(path, 1000) == LINES


@pytest.mark.parametrize("suffix", PACKINGS)
def test_plain_text_with_a_suffix_of_packing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"app.{suffix}"
    path.write_text(TEXT, "utf-8")
    assert lines_of(path) == LINES


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_parts_in_a_row(packing: str, tmp_path: Path) -> None:
    pack = PACKINGS[packing]
    (tmp_path / "log").write_bytes(pack(b"a\nb") + pack(b"") + pack(b"c\n") + pack(TEXT.encode()))
    assert ["a", "bc", *LINES] == lines_of(tmp_path / "log")


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_emptiness(packing: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(PACKINGS[packing](b""))
    assert lines_of(tmp_path / "log") == []


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("cut", [12, 5000, -1])
def test_packed_file_that_is_cut_off(packing: str, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(PACKINGS[packing](TEXT.encode())[:cut])
    message = refusal(path).message
    assert message.startswith(f"cannot read {path}: compressed file ended before the end-of-stream marker")


@pytest.mark.parametrize("packing", PACKINGS)
def test_packed_file_that_is_damaged(packing: str, tmp_path: Path) -> None:
    data = bytearray(PACKINGS[packing](TEXT.encode()))
    data[6 : len(data) // 2] = bytes(255 - byte for byte in data[6 : len(data) // 2])
    path = tmp_path / "log"
    path.write_bytes(data)
    message = refusal(path).message
    assert message.startswith(f"cannot read {path}: ")
    assert message[len(f"cannot read {path}: ")].islower()


# -- standard input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, *PACKINGS.values()])
def test_standard_input(pack: Callable[[bytes], bytes], standard_input: Callable[[bytes], None]) -> None:
    standard_input(pack(TEXT.encode()))
    assert lines_of("-") == LINES


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
        assert lines_of("-", 1) == ["a", "bc"]


# -- what cannot be read ---------------------------------------------------------------------------------------------


def test_directory_where_a_file_is_needed(tmp_path: Path) -> None:
    assert f"cannot read {tmp_path}: is a directory" == refusal(tmp_path).message


def test_file_that_went_away(tmp_path: Path) -> None:
    assert f"cannot read {tmp_path / 'log'}: no such file or directory" == refusal(tmp_path / "log").message


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and can't be read")
def test_file_that_fails_while_it_is_read() -> None:
    assert refusal("/proc/self/mem").message == "cannot read /proc/self/mem: input/output error"


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 20,
        b"\x7fELF" + bytes(5000),
        "a log in UTF-16\n".encode("utf-16"),
        b"PAR1" + bytes(range(8)) * 100,
        bytes(10),
        bytes(100_000) + TEXT.encode(),
    ],
    ids=["bytes", "program", "UTF-16", "Parquet", "NULs", "NULs before text"],
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_binary_file(data: bytes, size: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        lines_of(path, size)
    assert f"{path} is no text file" == caught.value.message
    assert caught.value.hint == "name the log itself; .gz, .bz2, .xz and .zst are read as they are"


def test_binary_file_within_a_packed_one(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(gzip.compress(bytes(5000)))
    assert f"{tmp_path / 'log'} is no text file" == refusal(tmp_path / "log").message


def test_bytes_that_are_no_text_further_on_are_kept(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(TEXT.encode() + bytes(5000) + b"\nend\n")
    assert [*LINES, "\0" * 5000, "end"] == lines_of(tmp_path / "log")
