"""What users write -> the files that it stands for: directories and globs are looked through, archives opened."""

from __future__ import annotations

import glob
import os
import stat
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.errors import InputError
from logpool.read.archives import HEAD_BYTES, archive_of, members
from logpool.read.damage import Damages, reason, shown
from logpool.read.files import FileRegion, Spool
from logpool.read.packing import Ahead, unpacked
from logpool.read.parts import Part, file_part, member_parts
from logpool.read.pipes import named_pipe, standard_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from logpool.read.archives import Member
    from logpool.read.files import Region, Stream

STANDARD_INPUT = "-"
_PIPE = "is a pipe"


@stateful
class Finder:
    """Collects the logs that names stand for, each file once."""

    damages: Damages
    parts: list[Part] = field(default_factory=list)
    _seen: set[tuple[int, int] | str] = field(default_factory=set)
    _spool: Spool | None = None

    def find(self, name: str) -> None:
        """Adds what one name stands for."""
        if name == STANDARD_INPUT:
            self._add_pipe(STANDARD_INPUT, standard_input)
        elif os.path.isdir(name):  # noqa: PTH112 - a name may hold what no path can
            self._add_directory(name)
        elif os.path.lexists(name):
            self._add_path(name, is_named=True)
        else:
            self._add_glob(name)

    def _add_directory(self, name: str) -> None:
        before = len(self.parts), len(self.damages.all)
        paths: list[str] = []
        for directory, _, files in os.walk(name, onerror=self._note):
            paths += [os.path.join(directory, file) for file in files]  # noqa: PTH118 - keeps ./ as it is
        for path in sorted(os.path.normpath(path) for path in paths):
            self._add_path(path, is_named=False)
        if before == (len(self.parts), len(self.damages.all)) and not paths:
            raise InputError(f"no file in the directory {shown(name)}")

    def _add_glob(self, name: str) -> None:
        found = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))  # noqa: PTH112, PTH207
        if not found:
            what = "no file matches" if glob.has_magic(name) else "no such file:"
            raise InputError(f"{what} {name}")
        for path in found:
            self._add_path(path, is_named=False)

    def _add_path(self, path: str, *, is_named: bool) -> None:
        """Adds a file; and a pipe that was named itself, since nobody waits for one that was found."""
        try:
            kind = _kind_of(path)
            if kind is None:
                self._add_file(path)
            elif kind == _PIPE and is_named:
                self._add_pipe(path, partial(named_pipe, path))
            else:
                self.damages.skip(shown(path), kind)
        except OSError as error:
            self._note(error, path)

    def _note(self, error: OSError, path: str | None = None) -> None:
        self.damages.skip(shown(str(path or error.filename)), reason(error))

    def _add_file(self, path: str) -> None:
        region = FileRegion(path)
        if region.identity in self._seen:
            return
        self._seen.add(region.identity)
        self._add(file_part(path), region)

    def _add_pipe(self, name: str, opener: Callable[[], Stream]) -> None:
        """Adds what can be read only once, and so is opened only once."""
        if name in self._seen:
            return
        self._seen.add(name)
        try:
            stream = Ahead(opener())
        except OSError as error:
            self.damages.skip("standard input" if name == STANDARD_INPUT else shown(name), reason(error))
            return
        opened = unpacked(stream)
        self._add(Part(shown(name), lambda: opened, name, name, once=True), None)

    def _add(self, part: Part, region: Region | None) -> None:
        """Adds a log, or the members of an archive."""
        try:
            stream = part.open()
        except OSError as error:
            self.damages.skip(part.path, reason(error))
            return
        try:
            kind = archive_of(stream.peek(HEAD_BYTES))
            if kind is None:
                self.parts.append(part)
            else:
                self._add_archive(part, stream, region, kind)
        finally:
            stream.close()
            if region is not None:
                region.close()

    def _add_archive(self, part: Part, stream: Ahead, region: Region | None, kind: str) -> None:
        if region is None or archive_of(region.pread(HEAD_BYTES, 0)) is None:
            self._spool = self._spool or Spool()
            try:
                region = self._spool.take(stream)
            except OSError as error:
                raise InputError(
                    f"cannot unpack {part.path}: {reason(error)}", "unpack it, and name what was in it"
                ) from error
        found, failure = members(region, kind)
        failure = stream.failure or failure
        if failure is not None:
            self.damages.note(part.path, failure)
        elif not found:
            self.damages.skip(part.path, "holds no log")
        logs = [member for member in found if not self._is_damaged(part, member)]
        self.parts += member_parts(part, logs)

    def _is_damaged(self, archive: Part, member: Member) -> bool:
        if member.damage is not None:
            self.damages.skip(f"{archive.path}:{shown(member.name)}", member.damage)
        return member.damage is not None


def _kind_of(path: str) -> str | None:
    """What a path is that holds no log: None for a file.

    Raises:
        OSError: it is not there, or not to be seen.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116 - the path is the user's text
    if stat.S_ISFIFO(mode):
        return _PIPE
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "is a directory"
    return "is a socket" if stat.S_ISSOCK(mode) else "is a device"
