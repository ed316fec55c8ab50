"""Lines that Kubernetes split, put together again where their last part stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.lines import Block

_LINE = re.compile(rb"(?m)^\S+ (?:stdout|stderr) [FP] ")
_PART = re.compile(r"^\S+ (?P<stream>stdout|stderr) (?P<tag>[FP]) ")


def may_be_split(head: bytes) -> bool:
    """Whether a file that begins so is one of Kubernetes, whose long lines are split."""
    return _LINE.search(head) is not None


@dataclass
class Pieces:
    """Carries what has come of split lines from block to block."""

    _begun: dict[str, str] = field(default_factory=dict)

    def matter(self, block: Block) -> bool:
        """Whether a block may hold part of a split line."""
        return block.split or bool(self._begun)

    def joined(self, lines: Iterable[str]) -> list[str]:
        """The same lines, of a split one the whole in place of its last part, and nothing in place of the others."""
        whole: list[str] = []
        for line in lines:
            match = _PART.match(line)
            if match is None:
                whole.append(line)
            elif match["tag"] == "P":
                begun = self._begun.get(match["stream"])
                self._begun[match["stream"]] = begun + line[match.end() :] if begun else _as_whole(line, match)
                whole.append("")
            else:
                begun = self._begun.pop(match["stream"], None)
                whole.append(begun + line[match.end() :] if begun else line)
        return whole


def _as_whole(line: str, match: re.Match[str]) -> str:
    """A part of a line with the mark of a whole one."""
    return f"{line[: match.start('tag')]}F{line[match.end('tag') :]}"
