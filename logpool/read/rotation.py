"""Names of rotated logs: which belong together, and which is older."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from logpool.late import regex

_PACKED = regex(r"\.(?:gz|bz2|xz|zst|zip|tar|tgz|tbz2?|txz|tzst)$", re.IGNORECASE)
# a day, and whatever figures tell more of the time, or which of the day's files it is
_DATED = regex(
    r"(?P<before>.*?)(?P<mark>[._-]?)(?<!\d)"
    r"(?P<day>(?:19|20)\d\d(?P<gap>[-_.]?)(?:0[1-9]|1[0-2])(?P=gap)(?:0[1-9]|[12]\d|3[01]))"
    r"(?P<more>(?:[T_.: -]?\d+)*)Z?(?![A-Za-z\d])(?P<after>.*)"
)
# more figures are no backup's number, but a process
_NUMBERED = regex(r"(?P<name>.+)\.(?P<number>\d{1,3})")
_NUMBERED_WITHIN = regex(r"(?P<stem>.+)\.(?P<number>\d{1,3})(?P<suffix>\.[A-Za-z]+)")
_SUFFIX = regex(r"[^.]\.[A-Za-z]\w*$")

_DATE, _NUMBER, _CURRENT = range(3)


class Rotation(NamedTuple):
    """What a name says of a log.

    Attributes:
        name: of the log that is written to: the same for all of a set.
        rank: sorts a set, oldest first.
    """

    name: str
    rank: tuple[int, ...]

    @property
    def is_current(self) -> bool:
        """Whether the name tells of no rotation."""
        return self.rank == (_CURRENT,)


def is_packed(name: str) -> bool:
    """Whether a name ends like a compressed file's."""
    return _PACKED.search(name) is not None


def rotation_of(name: str, beside: frozenset[str] | set[str] = frozenset()) -> Rotation:
    """What a file's name says of its log.

    Args:
        name: without its directory.
        beside: the names of the logs in the same place: a number counts as a backup's where its log is there, or
            where it stands behind a suffix, as in ``app.log.1``.
    """
    plain = name
    while packed := _PACKED.search(plain):
        plain = plain[: packed.start()]
    dated = _DATED.fullmatch(plain)
    if dated:
        figures = [re.sub(r"\D", "", dated["day"]), *re.findall(r"\d+", dated["more"])]
        base = dated["before"] + dated["after"]
        return Rotation(base if dated["before"] else base.lstrip("._-"), (_DATE, *map(int, figures)))
    numbered = _NUMBERED.fullmatch(plain)
    if numbered and (_SUFFIX.search(numbered["name"]) or numbered["name"] in beside):
        return Rotation(numbered["name"], (_NUMBER, -int(numbered["number"])))
    within = _NUMBERED_WITHIN.fullmatch(plain)
    if within and within["stem"] + within["suffix"] in beside:
        return Rotation(within["stem"] + within["suffix"], (_NUMBER, -int(within["number"])))
    return Rotation(plain, (_CURRENT,))


def rotated(names: list[tuple[str, str]]) -> list[list[int]]:
    """Logs in sets, each oldest first, the sets in the order in which they were named.

    Args:
        names: of each log the place, such as a directory, and the name in it.

    Returns:
        The numbers of the logs in each set.
    """
    beside: dict[str, set[str]] = {}
    for place, name in names:
        beside.setdefault(place, set()).add(name)
    sets: dict[tuple[str, str], list[tuple[tuple[int, ...], bool, int]]] = {}
    for number, (place, name) in enumerate(names):
        found = rotation_of(name, beside[place])
        # what was compressed is older than what was not
        sets.setdefault((place, found.name), []).append((found.rank, not is_packed(name), number))
    return [part for found in sets.values() for part in _divided(sorted(found))]


def _divided(found: list[tuple[tuple[int, ...], bool, int]]) -> list[list[int]]:
    """One set; several where two logs have the same name, but for their packing, and none says which is older."""
    currents = [plain for rank, plain, _ in found if rank == (_CURRENT,)]
    if len(currents) == len(found) and len(set(currents)) < len(found):
        return [[number] for *_, number in found]
    return [[number for *_, number in found]]


def place_and_name(path: str) -> tuple[str, str]:
    """A file's directory, and its name in it."""
    directory, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 - links are not to be followed
    return directory, name
