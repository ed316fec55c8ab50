"""Lines that Kubernetes split, put together again where their last part stands; and the times that Rich prints.

Rich leaves a time out where it is that of the record before. Unless it is told how to print them, it prints years
without their century, months first (``[09/26/24 17:45:26]``, the ``%x %X`` of a program that sets no locale).
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.late import regex

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from logpool.read.lines import Block

_LEVEL = r"(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)"
_PART = regex(r"^\S+ (?P<stream>stdout|stderr) (?P<tag>[FP]) ")
_TIME = r"\[(?P<month>0[1-9]|1[0-2])/(?P<day>\d\d)/(?P<year>\d\d) (?P<clock>\d\d:\d\d:\d\d)\]"
# Rich's columns: the time, blank where it is left out, and the level, as wide as the longest
_BLANK = r" {6,42}"
_COLUMN = r"(?:DEBUG   |INFO    |WARNING |ERROR   |CRITICAL)"
_LINE = regex(rf"(?m)^(?:\S+ (?:stdout|stderr) [FP] |{_TIME} {_LEVEL} |{_BLANK} {_COLUMN} \S)".encode())
_OTHER = r"\[?(?:\d{4}[-/]\d\d[-/]\d\d[ T])?\d\d:\d\d:\d\d(?:[.,]\d{1,6})?\]?"
_TIMED = regex(rf"(?:{_TIME}|(?P<other>{_OTHER})|{_BLANK})(?= {_LEVEL} )")


def may_be_split(head: bytes) -> bool:
    """Whether a file that begins so is one of Kubernetes, whose long lines are split, or one that Rich wrote."""
    return _LINE.search(head) is not None


@stateful
class Pieces:
    """Carries what has come of split lines from block to block."""

    _begun: dict[str, str] = field(default_factory=dict)
    # the last time that Rich printed, and how wide its column is
    _time: str = ""
    _width: int = 0

    def matter(self, block: Block) -> bool:
        """Whether a block may hold part of a split line."""
        return block.split or bool(self._begun)

    def joined(self, lines: Iterable[str]) -> list[str]:
        """The same lines, of a split one the whole in place of its last part, and nothing in place of the others."""
        whole: list[str] = []
        for line in lines:
            match = _PART.match(line)
            if match is None:
                whole.append(self.timed(line))
            elif match["tag"] == "P":
                begun = self._begun.get(match["stream"])
                self._begun[match["stream"]] = begun + line[match.end() :] if begun else _as_whole(line, match)
                whole.append("")
            else:
                begun = self._begun.pop(match["stream"], None)
                whole.append(begun + line[match.end() :] if begun else line)
        return whole

    def timed(self, line: str) -> str:
        """A line of Rich's with its time, the century told; others as they are."""
        match = _TIMED.match(line)
        if match is None:
            return line
        if match["clock"] or match["other"]:
            century = f"[20{match['year']}-{match['month']}-{match['day']} {match['clock']}]"
            self._time, self._width = match["other"] or century, match.end()
        return self._time + line[match.end() :] if match.end() == self._width else line


def _as_whole(line: str, match: re.Match[str]) -> str:
    """A part of a line with the mark of a whole one."""
    return f"{line[: match.start('tag')]}F{line[match.end('tag') :]}"
