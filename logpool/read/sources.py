"""Files, directories, globs, standard input, compressed or not -> blocks of whole lines.

Nothing here looks into a line. A block holds whole lines only, so that what comes after never sees a cut one.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import os
import sys
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import polars as pl

from logpool.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK_BYTES = 16 << 20
STANDARD_INPUT = "-"

_MAGIC = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}
_BOM = b"\xef\xbb\xbf"
_NOT_TEXT = frozenset(range(9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))


@dataclass(frozen=True, slots=True)
class Source:
    """One log: a file, or standard input.

    Attributes:
        path: as reports name it, ``-`` for standard input.
    """

    path: str

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes of the log, decompressed.

        Raises:
            InputError: the file cannot be read.
        """
        if self.path == STANDARD_INPUT:
            yield _decompressed(sys.stdin.buffer)
            return
        try:
            raw = Path(self.path).open("rb", buffering=1 << 16)  # noqa: SIM115 - closed below
        except OSError as error:
            raise unreadable(self.path, error) from error
        with raw, _decompressed(raw) as stream:
            yield stream


def unreadable(path: str, error: Exception) -> InputError:
    """The error to raise for a file that cannot be read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError(f"cannot read {path}: {reason.lower()}")


def sources_of(names: Iterable[str | os.PathLike[str]]) -> list[Source]:
    """The logs that the names stand for: files, directories (all files in them), globs, ``-``.

    Raises:
        InputError: a name stands for nothing.
    """
    found: list[Source] = []
    for name in map(os.fspath, names):
        found.extend(Source(path) for path in _paths(name))
    unique = list(dict.fromkeys(found))
    if not unique:
        msg = "no log was named"
        raise InputError(msg)
    return unique


def _paths(name: str) -> list[str]:
    if name == STANDARD_INPUT or os.path.lexists(name):
        if not Path(name).is_dir():
            return [name]
        paths = sorted(str(path) for path in Path(name).rglob("*") if path.is_file())
        if not paths:
            msg = f"no file in the directory {name}"
            raise InputError(msg)
        return paths
    paths = sorted(path for path in glob.glob(name, recursive=True) if not Path(path).is_dir())
    if not paths:
        what = "no file matches" if glob.has_magic(name) else "no such file:"
        msg = f"{what} {name}"
        raise InputError(msg)
    return paths


def _decompressed(raw: BinaryIO) -> IO[bytes]:
    """The stream, or what its first bytes say it holds."""
    head = bytes(raw.peek(6)[:6]) if hasattr(raw, "peek") else b""
    packing = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if packing == "gz":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if packing == "bz2":
        return bz2.BZ2File(raw)
    if packing == "xz":
        return lzma.LZMAFile(raw)
    if packing == "zst":
        import zstandard  # noqa: PLC0415 - loaded only for such a file

        return cast("IO[bytes]", zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
    return raw


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a log, one after the other.

    Attributes:
        first_line: the number of the first one, from 1.
        lines: their texts, without line ends.
        size: their bytes, decompressed, line ends counted.
    """

    first_line: int
    lines: pl.Series
    size: int


def blocks(source: Source, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """A log in blocks of about ``size`` bytes.

    Raises:
        InputError: the file cannot be read, or holds no text.
    """
    line = 1
    with source.open() as stream:
        for number, data in enumerate(_whole_lines(source, stream, size)):
            text = data.removeprefix(_BOM) if number == 0 else data
            if number == 0:
                _require_text(source, text)
            lines = _lines(text)
            yield Block(line, lines, len(data))
            line += len(lines)


def _whole_lines(source: Source, stream: IO[bytes], size: int) -> Iterator[bytes]:
    rest: list[bytes] = []
    while True:
        try:
            data = stream.read(size)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise unreadable(source.path, error) from error
        if not data:
            break
        end = data.rfind(b"\n") + 1
        if not end:
            rest.append(data)
            continue
        yield b"".join([*rest, data[:end]])
        rest = [data[end:]] if end < len(data) else []
    if rest:
        yield b"".join(rest)


def _require_text(source: Source, data: bytes) -> None:
    head = data[:4096]
    strange = sum(byte in _NOT_TEXT for byte in head)
    if strange > len(head) // 10:
        msg = f"{source.path} is no text file"
        raise InputError(msg, "name the log itself; .gz, .bz2, .xz and .zst are read as they are")


def _lines(data: bytes) -> pl.Series:
    """The lines of a block; bytes that are no UTF-8 become the replacement character."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("utf-8", errors="replace").encode("utf-8")
    return pl.read_lines(data, name="line").to_series()
