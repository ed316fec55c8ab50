"""The files that logs consist of, and how each is opened."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.read.damage import shown
from logpool.read.files import FileRegion, RegionStream
from logpool.read.packing import Ahead, unpacked
from logpool.read.rotation import place_and_name, rotation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logpool.read.archives import Member


@dataclass(frozen=True)
class Part:
    """One file of a log, standard input, or a member of an archive.

    Attributes:
        path: as reports name it, ``-`` for standard input, ``archive.tar:member`` for a member.
        open: gives its bytes, decompressed; raises an ``OSError``. What is read through a pipe is always the same
            stream, so that only its beginning can be looked at.
        place: what its name is unique in, such as a directory.
        name: in that place.
        once: whether it can be read only once.
        size: how many bytes it has on the disk; None where nothing tells.
    """

    path: str
    open: Callable[[], Ahead]
    place: str = ""
    name: str = ""
    once: bool = False
    size: int | None = None


def file_part(path: str) -> Part:
    """A file, by its path."""
    return Part(shown(path), partial(_opened, path), *place_and_name(path), size=_size_of(path))


def _size_of(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def _opened(path: str) -> Ahead:
    return unpacked(Ahead(RegionStream(FileRegion(path))))


def member_parts(archive: Part, logs: list[Member]) -> Iterator[Part]:
    """The members of an archive as parts; an only one may be a piece of a rotated set that was archived itself."""
    for member in logs:
        directory, _, name = member.name.rpartition("/")
        place = f"{archive.place}/{archive.name}:{directory}"
        if len(logs) == 1 and not rotation_of(archive.name).is_current:
            place, name = archive.place, archive.name
        yield Part(f"{archive.path}:{shown(member.name)}", partial(_opened_member, member), place, name)


def _opened_member(member: Member) -> Ahead:
    return unpacked(member.open())
