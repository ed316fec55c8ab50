"""What of the input could not be read, or not as it stands: noted once each, with its place."""

from __future__ import annotations

from dataclasses import field

from logpool.classes import dataclass, stateful
from logpool.errors import InputError

NO_TEXT = "is no text file"
_NAMED = 3


@dataclass()
class Damage:
    """One kind of damage in one file.

    Attributes:
        path: the file.
        line: the first line that it concerns; the last one read where the rest is missing; 1 for a whole file.
        what: what is wrong, as it reads behind a colon.
        count: how often.
        skipped: whether nothing of the file was read.
    """

    path: str
    line: int
    what: str
    count: int = 1
    skipped: bool = False


@stateful
class Damages:
    """All damage to the input."""

    _found: dict[tuple[str, str], Damage] = field(default_factory=dict)

    def note(self, path: str, what: str, line: int = 1, count: int = 1) -> None:
        """Notes something that is wrong within a file."""
        known = self._found.setdefault((path, what), Damage(path, line, what, 0))
        known.count += count

    def skip(self, path: str, what: str) -> None:
        """Notes that a file was not read at all."""
        self._found.setdefault((path, what), Damage(path, 1, what, skipped=True))

    @property
    def all(self) -> list[Damage]:
        """Every one, file by file, in the order of the lines: as found it would depend on how much is read at once."""
        files = {path: number for number, path in enumerate(dict.fromkeys(path for path, _ in self._found))}
        return sorted(self._found.values(), key=lambda damage: (files[damage.path], damage.line, damage.what))

    def is_noted(self, path: str, line: int) -> bool:
        """Whether something is wrong there."""
        return any((damage.path, damage.line) == (path, line) for damage in self._found.values())

    @property
    def skipped(self) -> set[str]:
        """The files of which nothing was read."""
        return {damage.path for damage in self._found.values() if damage.skipped}

    def error(self) -> InputError:
        """The error to raise where the damage left nothing to read."""
        first, *others = self.all
        if first.what == NO_TEXT:
            message = f"{first.path} {NO_TEXT}"
            hint = "name the log itself; .gz, .bz2, .xz, .zst, .tar and .zip are read as they are"
        else:
            message, hint = f"cannot read {first.path}: {first.what}", None
        if others:
            message += f"; nor could {len(others):,} more be read"
        return InputError(message, hint)

    def told(self) -> str:
        """All of it in one sentence: each kind with the first few of its places."""
        kinds: dict[str, list[Damage]] = {}
        for damage in self.all:
            what = f"{damage.what.removeprefix('is ')}, skipped" if damage.skipped else damage.what
            kinds.setdefault(what, []).append(damage)
        return "; ".join(f"{what}: {_places(found)}" for what, found in kinds.items())


def _places(found: list[Damage]) -> str:
    names = [_place(damage) for damage in found[:_NAMED]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _place(damage: Damage) -> str:
    if damage.skipped:
        return damage.path
    more = f" ({damage.count:,} times)" if damage.count > 1 else ""
    return f"{damage.path} line {damage.line:,}{more}"


def reason(error: BaseException) -> str:
    """Why something could not be read, in a few words."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return told[:1].lower() + told[1:] if told else type(error).__name__


def shown(path: str) -> str:
    """A path as it can be printed: what is no character in it becomes the replacement character."""
    return "".join(char if char.isprintable() else "\ufffd" for char in path)
