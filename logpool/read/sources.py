"""Files, directories, globs, standard input, compressed or not -> blocks of whole lines.

Nothing here looks into a line. A block holds whole lines only, so that what comes after never sees a cut one.
"""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import lzma
import os
import sys
import zlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, cast

import polars as pl

from logpool.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import zstandard
    from _typeshed import WriteableBuffer

BLOCK_BYTES = 16 << 20
STANDARD_INPUT = "-"

_MAGIC = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}
_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 4096
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
        with ExitStack() as opened:
            try:
                raw = opened.enter_context(Path(self.path).open("rb", buffering=1 << 16))
                stream = opened.enter_context(_decompressed(raw))
            except OSError as error:
                raise unreadable(self.path, error) from error
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
    for name in names:
        found.extend(Source(path) for path in _paths(os.fspath(name)))
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
    paths = sorted(path for path in glob.glob(name, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
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
        return cast("IO[bytes]", io.BufferedReader(_Zstandard(raw), 1 << 20))
    return raw


class _Zstandard(io.RawIOBase):
    """What a zstd file holds; an error where it is cut off, which the library's own reader takes for its end."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415 - loaded only for such a file

        self._raw = raw
        self._failure = zstandard.ZstdError
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        """As every reader does."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills the buffer, as far as one piece of the file does."""
        view = memoryview(buffer)
        while not self._waiting:
            if not self._refill():
                return 0
        taken = self._waiting[: len(view)]
        self._waiting = self._waiting[len(taken) :]
        view[: len(taken)] = taken
        return len(taken)

    def _refill(self) -> bool:
        """Decompresses one more piece; False at the end of the file."""
        data = self._frame.unused_data if self._frame and self._frame.eof else b""
        data = data or self._raw.read(1 << 16)
        if not data:
            if self._frame and not self._frame.eof:
                msg = "compressed file ended before the end-of-stream marker was reached"
                raise EOFError(msg)
            return False
        if self._frame is None or self._frame.eof:
            self._frame = self._decompressor.decompressobj()
        try:
            self._waiting = memoryview(self._frame.decompress(data))
        except self._failure as error:
            raise OSError(str(error)) from error
        return True


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
            lines = _lines(data.removeprefix(_BOM) if number == 0 else data)
            yield Block(line, lines, len(data))
            line += len(lines)


def _whole_lines(source: Source, stream: IO[bytes], size: int) -> Iterator[bytes]:
    rest: list[bytes] = []
    for data in _pieces(source, stream, size):
        end = data.rfind(b"\n") + 1
        if not end:
            rest.append(data)
            continue
        yield b"".join([*rest, data[:end]])
        rest = [data[end:]] if end < len(data) else []
    if rest:
        yield b"".join(rest)


def _pieces(source: Source, stream: IO[bytes], size: int) -> Iterator[bytes]:
    """The bytes in pieces of a size; whether they are text does not depend on it."""
    head = _read(source, stream, _HEAD_BYTES)
    _require_text(source, head)
    if len(head) < size:
        head += _read(source, stream, size - len(head))
    for start in range(0, len(head), size):
        yield head[start : start + size]
    while data := _read(source, stream, size):
        yield data


def _read(source: Source, stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise unreadable(source.path, error) from error


def _require_text(source: Source, data: bytes) -> None:
    strange = sum(byte in _NOT_TEXT for byte in data)
    if strange > len(data) // 10:
        msg = f"{source.path} is no text file"
        raise InputError(msg, "name the log itself; .gz, .bz2, .xz and .zst are read as they are")


def _lines(data: bytes) -> pl.Series:
    """The lines of a block; bytes that are no UTF-8 become the replacement character."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("utf-8", errors="replace").encode("utf-8")
    return pl.read_lines(data, name="line").to_series()
