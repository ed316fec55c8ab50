"""Names -> logs: files, directories, globs, standard input, archives; a rotated set is one log in several parts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.errors import InputError
from logpool.read.damage import Damages
from logpool.read.names import Finder
from logpool.read.rotation import is_packed, rotated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.parts import Part

_SAME_BYTES = 1 << 14


@dataclass(frozen=True)
class Source:
    """One log: its parts, oldest first.

    Attributes:
        parts: one, or the files of a rotated set.
    """

    parts: tuple[Part, ...]

    @property
    def path(self) -> str:
        """As reports name it: by the newest part."""
        return self.parts[-1].path


def sources_of(names: Iterable[str | os.PathLike[str]], damages: Damages | None = None) -> list[Source]:
    """The logs that the names stand for: files, directories (all files in them), globs, ``-``.

    Args:
        names: what a user writes.
        damages: notes what is left out: of a directory, a glob or an archive, what is no log.

    Raises:
        InputError: a name stands for nothing.
    """
    finder = Finder(damages if damages is not None else Damages())
    named = [os.fspath(name) for name in names]
    if not named:
        raise InputError("no log was named")
    for name in named:
        finder.find(name)
    if not finder.parts and finder.damages.all:
        raise finder.damages.error()
    parts = finder.parts
    sets = rotated([(part.place, part.name) for part in parts])
    return [Source(tuple(_distinct([parts[number] for number in one], finder.damages))) for one in sets]


def _distinct(parts: list[Part], damages: Damages) -> Iterator[Part]:
    """A set without the parts of which it holds the same twice, compressed and not: as while it is being rotated."""
    for part, after in zip(parts, [*parts[1:], None], strict=True):
        if after is not None and _is_the_same(part, after):
            damages.skip(part.path, f"holds the same as {after.path}")
        else:
            yield part


def _is_the_same(part: Part, other: Part) -> bool:
    """Whether a file is the other one, compressed: one begins as the other one does."""
    if not is_packed(part.name) or Path(part.name).stem != other.name:
        return False
    heads = []
    for one in (part, other):
        try:
            stream = one.open()
        except OSError:
            return False
        heads.append(stream.peek(_SAME_BYTES))
        stream.close()
    shorter, longer = sorted(heads, key=len)
    return bool(shorter) and longer.startswith(shorter)
