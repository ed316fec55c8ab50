"""Bytes: of files, pieces of files, pipes. No reader here ever fails halfway: it ends, and says why.

A file is not held open while nobody reads it, so that thousands can be read side by side.
"""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections import OrderedDict
from dataclasses import field
from threading import Lock
from typing import IO, TYPE_CHECKING, Protocol

from logpool.classes import stateful
from logpool.read.damage import reason

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HELD_OPEN = 64
SHRANK = "shrank while it was read"
REPLACED = "was replaced while it was read"


class Stream(Protocol):
    """Bytes, one after the other."""

    @property
    def failure(self) -> str | None:
        """Why they ended before their end; None where they did not."""

    def read(self, size: int) -> bytes:
        """The next bytes: as many as asked for, fewer only at the end. Never raises."""

    def close(self) -> None:
        """Gives back what reading needed."""


class Region(Protocol):
    """Bytes at fixed places."""

    @property
    def size(self) -> int | None:
        """How many there are; None where nothing tells."""

    def pread(self, size: int, offset: int) -> bytes:
        """The bytes at a place.

        Raises:
            OSError: they cannot be read.
        """

    def close(self) -> None:
        """Gives back what reading needed."""


@stateful
class _OpenFiles:
    """At most so many files open at a time: the one that was not read for longest is closed."""

    limit: int = _HELD_OPEN
    _open: OrderedDict[FileRegion, IO[bytes]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def pread(self, file: FileRegion, size: int, offset: int) -> bytes:
        with self._lock:
            handle = self._open.pop(file, None) or file.reopened()
            while len(self._open) >= self.limit:
                self._open.popitem(last=False)[1].close()
            self._open[file] = handle
            handle.seek(offset)
            return _all_of(handle, size)

    def close(self, file: FileRegion) -> None:
        with self._lock:
            handle = self._open.pop(file, None)
        if handle is not None:
            handle.close()


_OPEN = _OpenFiles()


def _all_of(handle: IO[bytes], size: int) -> bytes:
    """As many bytes as asked for, fewer only at the end of the file."""
    data = handle.read(size)
    while 0 < len(data) < size and (more := handle.read(size - len(data))):
        data += more
    return data


class FileRegion:
    """A file, as long as it was when it was opened: what is written to it meanwhile is not read.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb", buffering=0) as handle:  # noqa: PTH123 - the path is the user's text
            found = os.fstat(handle.fileno())
        self.identity = (found.st_dev, found.st_ino)
        # what lies under /proc has no size, and can be read all the same
        self.size = found.st_size or None

    def reopened(self) -> IO[bytes]:
        """The same file once more."""
        handle = open(self.path, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed by the one who asked
        found = os.fstat(handle.fileno())
        if (found.st_dev, found.st_ino) != self.identity:
            handle.close()
            raise OSError(REPLACED)
        return handle

    def pread(self, size: int, offset: int) -> bytes:
        """The bytes at a place."""
        return _OPEN.pread(self, size, offset)

    def close(self) -> None:
        """Closes the file, if it is open."""
        _OPEN.close(self)


class Spool:
    """A temporary file, without a name, for what cannot be read twice. Goes with the last one who knows it."""

    def __init__(self) -> None:
        number, name = tempfile.mkstemp(prefix="logpool-")
        weakref.finalize(self, os.close, number)
        os.unlink(name)  # noqa: PTH108 - so it goes away however this process ends
        self._number = number
        self.size = 0

    def take(self, stream: Stream) -> Region:
        """All bytes of a stream, at places of their own.

        Raises:
            OSError: no space is left.
        """
        start = self.size
        while data := stream.read(1 << 20):
            view = memoryview(data)
            while view:
                written = os.pwrite(self._number, view, self.size)
                self.size += written
                view = view[written:]
        return Piece(self, start, self.size - start)

    def pread(self, size: int, offset: int) -> bytes:
        """The bytes at a place."""
        return os.pread(self._number, size, offset)

    def close(self) -> None:
        """Nothing: others may still read."""


@stateful
class Piece:
    """A part of a region."""

    whole: Region | Spool
    start: int
    size: int | None

    def pread(self, size: int, offset: int) -> bytes:
        """The bytes at a place, counted from the piece's beginning."""
        if self.size is not None:
            size = max(0, min(size, self.size - offset))
        return self.whole.pread(size, self.start + offset)

    def close(self) -> None:
        """Closes what it is a part of."""
        self.whole.close()


class RegionStream:
    """The bytes of a region, one after the other."""

    def __init__(self, region: Region, too_short: str = SHRANK) -> None:
        self.failure: str | None = None
        self._region = region
        self._too_short = too_short
        self._place = 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        end = self._region.size
        wanted = size if end is None else min(size, end - self._place)
        if wanted <= 0 or self.failure:
            return b""
        try:
            data = self._region.pread(wanted, self._place)
        except OSError as error:
            self.failure = reason(error)
            return b""
        self._place += len(data)
        if end is not None and len(data) < wanted:
            self.failure = self._too_short
        return data

    @property
    def share(self) -> float | None:
        """How much of it has been read, of 1; None where nothing tells how long it is."""
        return self._place / self._region.size if self._region.size else None

    def back(self, data: bytes) -> bool:
        """Goes back to before what was read last; whether that can be read again."""
        if self.failure is None:
            self._place -= len(data)
        return self.failure is None

    def leave(self, size: int) -> bool:
        """Passes over all but about so many bytes at the end; whether there was more.

        From the beginning to where it goes on there are pairs of UTF-16 and fours of UTF-32, none of them cut.
        """
        place = ((self._region.size or 0) - size) // 4 * 4
        passed = place > self._place
        self._place = max(self._place, place)
        return passed

    def close(self) -> None:
        """Closes the region."""
        self._region.close()


class RegionFile(io.RawIOBase):
    """A region as a file, for libraries that want one."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._place = 0

    def readable(self) -> bool:
        """As every reader does."""
        return True

    def seekable(self) -> bool:
        """The point of it."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._region.size or 0}[whence]
        if base + offset < 0:
            raise OSError(22, "Invalid argument")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills the buffer."""
        view = memoryview(buffer)
        data = self._region.pread(len(view), self._place)
        view[: len(data)] = data
        self._place += len(data)
        return len(data)
