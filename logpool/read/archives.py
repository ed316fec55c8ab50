"""Archives, known by their content: each member is a log."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

from logpool.read.files import Piece, RegionFile, RegionStream
from logpool.read.packing import Ahead, part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logpool.read.files import Region, Stream

CUT_OFF = "archive ends too early"
CORRUPT = "archive is corrupt"
_ENCRYPTED = "is encrypted"
_SPARSE = "has holes, which are read from no archive"
_METHODS = {0: None, 8: "deflate", 12: "bz2", 93: "zst"}
_LOCAL = b"PK\x03\x04"
_LOCAL_SIZE = 30
_TAR_BLOCK = 512
#: how much of a stream tells whether it is an archive
HEAD_BYTES = 512


class Member(NamedTuple):
    """One log in an archive.

    Attributes:
        name: as the archive tells it.
        open: its bytes, as they were put into the archive.
        damage: why it cannot be opened.
    """

    name: str
    open: Callable[[], Ahead]
    damage: str | None = None


def archive_of(head: bytes) -> str | None:
    """What kind of archive begins so; None for none."""
    if head.startswith((_LOCAL, b"PK\x05\x06", b"PK\x07\x08PK")):
        return "zip"
    return "tar" if _is_tar(head) else None


def _is_tar(head: bytes) -> bool:
    """Whether a block is the head of a tar's member: its checksum tells, of the oldest ones too."""
    if len(head) < _TAR_BLOCK:
        return False
    told = head[148:156].strip(b" \0")
    try:
        return int(told, 8) == sum(head[:148]) + 8 * ord(" ") + sum(head[156:_TAR_BLOCK])
    except ValueError:
        return False


def members(region: Region, kind: str) -> tuple[list[Member], str | None]:
    """The files in an archive, in its order, and what is wrong with it as a whole."""
    found, failure = _tar_members(region) if kind == "tar" else _zip_members(region)
    # of members with the same name the last one counts, as when they are unpacked
    return list({member.name: member for member in found}.values()), failure


def _tar_members(region: Region) -> tuple[list[Member], str | None]:
    found: list[Member] = []
    end = 0
    try:
        with tarfile.open(fileobj=RegionFile(region), mode="r:") as tar:
            for info in _infos(tar):
                if info.isreg():
                    end = info.offset_data + info.size
                    found.append(_tar_member(region, info))
            end = tar.offset
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        if isinstance(error, tarfile.ReadError) and "unexpected end" in str(error):
            # where a log is cut, that tells it, with the line
            return found, None if end > (region.size or 0) else CUT_OFF
        return found, CORRUPT
    block = region.pread(_TAR_BLOCK, end)
    if len(block) < _TAR_BLOCK:
        return found, CUT_OFF
    return found, CORRUPT if block.strip(b"\0") else None


def _infos(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (info := tar.next()) is not None:
        yield info
        # it keeps all heads, which nobody asks for
        tar.members = []  # type: ignore[attr-defined]


def _tar_member(region: Region, info: tarfile.TarInfo) -> Member:
    piece = Piece(region, info.offset_data, info.size)
    return Member(info.name, lambda: Ahead(RegionStream(piece, CUT_OFF)), _SPARSE if info.issparse() else None)


def _zip_members(region: Region) -> tuple[list[Member], str | None]:
    try:
        with zipfile.ZipFile(RegionFile(region)) as archive:
            listed = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return list(_local_members(region)), CUT_OFF
    return [_zip_member(region, info) for info in listed], None


def _zip_member(region: Region, info: zipfile.ZipInfo) -> Member:
    if info.flag_bits & 1:
        damage: str | None = _ENCRYPTED
    else:
        damage = None if info.compress_type in _METHODS else f"is packed in an unknown way ({info.compress_type})"

    def opened() -> Ahead:
        head = region.pread(_LOCAL_SIZE, info.header_offset)
        start = info.header_offset + _LOCAL_SIZE + _sum_of_names(head)
        stream = _stream(region, start, info.compress_size, info.compress_type)
        return Ahead(_Checked(stream, info.CRC))

    return Member(info.filename, opened, damage)


def _stream(region: Region, start: int, size: int, method: int) -> Ahead:
    stream = Ahead(RegionStream(Piece(region, start, size), CUT_OFF))
    packing = _METHODS[method]
    return stream if packing is None else part_of(stream, packing)


def _sum_of_names(local: bytes) -> int:
    """How many bytes of names stand between a member's head and its data."""
    return int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")


def _local_members(region: Region) -> Iterator[Member]:
    """The members of a zip whose list, which stands at its end, is missing: found by their own heads."""
    place = 0
    while (head := region.pread(_LOCAL_SIZE, place)).startswith(_LOCAL) and len(head) == _LOCAL_SIZE:
        length = int.from_bytes(head[26:28], "little")
        name = region.pread(length, place + _LOCAL_SIZE).decode("utf-8", errors="replace")
        start = place + _LOCAL_SIZE + _sum_of_names(head)
        place = _next_local(region, start)
        flags, method = int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
        size = int.from_bytes(head[18:22], "little")
        if flags & 1 or method not in _METHODS:
            yield Member(name, lambda: Ahead(RegionStream(region)), _ENCRYPTED if flags & 1 else CORRUPT)
        elif not name.endswith("/"):
            end = start + size if size and not flags & 8 else place
            yield Member(name, _opener(region, start, end - start, method))


def _opener(region: Region, start: int, size: int, method: int) -> Callable[[], Ahead]:
    return lambda: _stream(region, start, size, method)


def _next_local(region: Region, place: int) -> int:
    """Where the next member's head stands; behind the end where there is none."""
    while data := region.pread(1 << 20, place):
        found = data.find(_LOCAL)
        if found >= 0:
            return place + found
        place += max(len(data) - len(_LOCAL) + 1, 1)
    return place


class _Checked:
    """A stream of which the sum is known."""

    def __init__(self, stream: Stream, expected: int) -> None:
        self.failure: str | None = None
        self._stream = stream
        self._expected = expected
        self._sum = 0

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._sum = zlib.crc32(data, self._sum)
        if len(data) < size:
            self.failure = self._stream.failure
            if self.failure is None and self._sum != self._expected:
                self.failure = CORRUPT
        return data

    def close(self) -> None:
        self._stream.close()
