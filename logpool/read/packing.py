"""Compressed or not, known by the first bytes -> the bytes within, up to where they are damaged."""

from __future__ import annotations

import bz2
import lzma
from typing import TYPE_CHECKING, Protocol

from logpool.read.zstd import Blockwise

if TYPE_CHECKING:
    from collections.abc import Callable

    from logpool.read.files import Stream

CUT_OFF = "compressed data ends too early"
CORRUPT = "compressed data is corrupt"
TRAILING = "something else follows the compressed data"

_MAGIC = {
    "gz": (b"\x1f\x8b\x08",),
    "bz2": tuple(b"BZh%d" % level for level in range(1, 10)),
    "xz": (b"\xfd7zXZ\x00",),
    "zst": (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + number, 0x2A, 0x4D, 0x18]) for number in range(16))),
}
_LONGEST_MAGIC = 6
_SKIPPABLE = b"\x2a\x4d\x18"
# what is fed at once to a decompressor that does not say how much it wants: where it finds damage, no more than this is
# lost; and no bomb goes off, since even of the best compressed data so little becomes a few megabytes only, but for
# bzip2's
_FED = 512
_TAKEN = 1 << 22
# where a decompressor can be copied, it takes more at once, and where that finds damage its copy takes it again
_FED_WITH_COPY = 1 << 14
# so much is fed byte by byte, lest little is left of a small file
_CAREFUL = 1 << 14
_READ = 1 << 14
_LARGEST_WINDOW = 1 << 31


class Engine(Protocol):
    """What all decompressors have in common."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed data was reached."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond it."""

    def decompress(self, data: bytes, /) -> bytes:
        """What comes out."""


class Ahead:
    """A stream whose next bytes can be looked at before they are read; needs no seeking."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._next = b""

    @property
    def failure(self) -> str | None:
        """That of the stream, when all before it was read."""
        return None if self._next else self._stream.failure

    @property
    def share(self) -> float | None:
        """How much of the file behind it has been read, of 1; None where nothing tells."""
        return getattr(self._stream, "share", None)

    def peek(self, size: int) -> bytes:
        """The next bytes, as many as asked for; fewer only at the end."""
        if len(self._next) < size:
            self._next += self._stream.read(size - len(self._next))
        return self._next[:size]

    def read(self, size: int) -> bytes:
        """The next bytes."""
        taken, self._next = self._next[:size], self._next[size:]
        return taken + self._stream.read(size - len(taken)) if len(taken) < size else taken

    def back(self, data: bytes) -> None:
        """Takes back what was read last: it is read once more."""
        back = None if self._next else getattr(self._stream, "back", None)
        if back is None or not back(data):
            self._next = data + self._next

    def leave(self, size: int) -> bool:
        """Passes over all but about so many bytes at the end, where the stream can; whether it did."""
        leave = getattr(self._stream, "leave", None)
        passed = leave is not None and bool(leave(size))
        if passed:
            self._next = b""
        return passed

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()


def unpacked(stream: Ahead) -> Ahead:
    """The stream, or what its first bytes say it holds."""
    name = packing_of(stream.peek(_LONGEST_MAGIC))
    return stream if name is None else Ahead(Unpacked(stream, *_engine(name), name))


def packing_of(head: bytes) -> str | None:
    """How something that begins so is compressed; None for not at all."""
    return next((name for name, magic in _MAGIC.items() if head.startswith(magic)), None)


def _engine(name: str) -> tuple[Callable[[], Engine], tuple[type[Exception], ...]]:
    """How to make a decompressor, and how it fails."""
    if name == "gz":
        return _inflater(31)
    if name == "bz2":
        return _Bzip2, (OSError, ValueError)
    if name == "xz":
        return lzma.LZMADecompressor, (lzma.LZMAError,)
    import zstandard  # noqa: PLC0415 - loaded only for such a file

    made = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    return lambda: Blockwise(made.decompressobj()), (zstandard.ZstdError, MemoryError)


def _inflater(bits: int) -> tuple[Callable[[], Engine], tuple[type[Exception], ...]]:
    """The same for deflate, with a head that the bits tell, as :func:`zlib.decompressobj` takes them."""
    # several times as fast as the standard library's; loaded only for such a file
    from zlib_ng import zlib_ng  # noqa: PLC0415

    failure: type[Exception] = zlib_ng.error  # type: ignore[assignment]  # its stub has an instance
    return lambda: zlib_ng.decompressobj(bits), (failure,)


class _Bzip2:
    """A decompressor that gives no more than a few megabytes at once."""

    def __init__(self) -> None:
        self._engine = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    @property
    def needs_input(self) -> bool:
        return self._engine.needs_input

    def decompress(self, data: bytes, /) -> bytes:
        return self._engine.decompress(data, _TAKEN)


class Unpacked:
    """What a compressed stream holds, all its parts in a row.

    Args:
        stream: the compressed bytes.
        engine: makes a decompressor.
        failures: the exceptions by which that tells of damage.
        packing: the name of the compression; None where the stream holds one part, and says nothing of itself.
    """

    def __init__(
        self,
        stream: Ahead,
        engine: Callable[[], Engine],
        failures: tuple[type[Exception], ...],
        packing: str | None = None,
    ) -> None:
        self.failure: str | None = None
        self._stream = stream
        self._make = engine
        self._failures = failures
        self._packing = packing
        self._engine: Engine | None = None
        self._fed = b""
        # what has come out, and was not taken yet
        self._ready: list[bytes] = []
        self._size = 0
        self._over = False
        self._careful = False
        self._place = 0

    def read(self, size: int) -> bytes:
        """The next bytes, decompressed."""
        while self._size < size and not self._over:
            self._feed()
        taken, self._ready = self._ready, []
        if self._size > size:
            last = taken.pop()
            end = len(last) - (self._size - size)
            taken.append(last[:end])
            self._ready.append(last[end:])
        self._size = max(0, self._size - size)
        return b"".join(taken)

    def back(self, data: bytes) -> bool:
        """Takes back what was read last."""
        self._ready.insert(0, data)
        self._size += len(data)
        return True

    @property
    def share(self) -> float | None:
        """How much of the compressed bytes has been read, of 1; None where nothing tells."""
        return self._stream.share

    def _feed(self) -> None:
        """Decompresses one small piece more."""
        if self._engine is None and not self._begin():
            return
        assert self._engine is not None  # noqa: S101 - for the type checker
        waits = getattr(self._engine, "needs_input", True)
        copy = None if self._careful else getattr(self._engine, "copy", None)
        size = 1 if self._place <= _CAREFUL else _FED_WITH_COPY if copy else _FED
        wanted = getattr(self._engine, "wanted", None)
        if wanted is not None:
            self._fill(_LONGEST_MAGIC)
            size = wanted(self._fed[:_LONGEST_MAGIC])
            self._fill(size)
        saved = copy() if copy and size > _FED else None
        data = self._take(size) if waits else b""
        if waits and not data:
            self._end(self._stream.failure or CUT_OFF)
            return
        try:
            self._keep(self._engine.decompress(data))
        except self._failures:
            if saved is None:
                self._end(CORRUPT)
                return
            self._engine, self._careful = saved, True
            self._fed = data + self._fed
            self._place -= len(data)
        if self._engine.eof:
            self._fed = self._engine.unused_data + self._fed
            self._engine = None
            if self._packing is None:
                self._end(None)

    def _keep(self, data: bytes) -> None:
        if data:
            self._ready.append(data)
            self._size += len(data)

    def _begin(self) -> bool:
        """Makes a decompressor for the part that follows; False at the end of the stream."""
        self._fill(_LONGEST_MAGIC)
        if not self._fed:
            self._end(self._stream.failure)
            return False
        if self._packing is not None and packing_of(self._fed[:_LONGEST_MAGIC]) != self._packing:
            self._pad()
            return False
        if self._fed[1:4] == _SKIPPABLE and self._packing == "zst":
            self._skip()
            return False
        self._engine = self._make()
        return True

    def _pad(self) -> None:
        """Passes over the NULs with which a stream may be filled up; anything else ends it."""
        left = self._fed.lstrip(b"\0")
        if len(left) == len(self._fed):
            self._end(TRAILING)
        self._fed = left

    def _skip(self) -> None:
        """Passes over a frame that holds no data, but what the packer had to say."""
        self._fill(8)
        left = 8 + int.from_bytes(self._fed[4:8], "little")
        while left and (gone := self._take(min(left, _READ))):
            left -= len(gone)
        if left:
            self._end(self._stream.failure or CUT_OFF)

    def _fill(self, size: int) -> None:
        if len(self._fed) < size:
            self._fed += self._stream.read(max(_READ, size - len(self._fed)))

    def _take(self, size: int) -> bytes:
        self._fill(1)
        taken, self._fed = self._fed[:size], self._fed[size:]
        self._place += len(taken)
        return taken

    def _end(self, failure: str | None) -> None:
        self._over = True
        self.failure = failure

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()


def part_of(stream: Ahead, packing: str) -> Ahead:
    """What is compressed in an archive: as a ``deflate`` without a head, or in a way that a file may be, too."""
    if packing == "deflate":
        return Ahead(Unpacked(stream, *_inflater(-15)))
    return Ahead(Unpacked(stream, *_engine(packing)))
