"""When each of several logs begins, seen from its first lines: so that each is opened only when its time has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.read.cuts import cut_of
from logpool.read.encoding import encoding_of
from logpool.read.newest import is_newest_first
from logpool.read.pieces import Pieces, may_be_split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.parts import Part
    from logpool.read.sources import Source

_TRIED = 50
_PEEKED_BYTES = 1 << 16


def begin_of(source: Source, needles: Iterable[str]) -> int | None:
    """The time of a log's first line with one of the needles, or else of its first lines.

    Returns:
        Microseconds; None where nothing tells, or the log stands newest first.
    """
    needles = tuple(needles)
    for part in source.parts:
        lines = head_lines(part)
        chosen = [line for line in lines if any(needle in line for needle in needles)]
        if is_newest_first(chosen):
            return None
        times = (cut_of(line).time for line in [*chosen[:_TRIED], *lines[:_TRIED]])
        found = next((time for time in times if time is not None), None)
        if found is not None:
            return found
    return None


def head_lines(part: Part) -> list[str]:
    """The first lines of a file; none where it cannot be read."""
    try:
        stream = part.open()
    except OSError:
        return []
    data = stream.peek(_PEEKED_BYTES)
    stream.close()
    encoding, mark = encoding_of(data)
    lines = lines_of(data[mark:], encoding)
    return lines[:-1] if len(data) == _PEEKED_BYTES else lines


def lines_of(data: bytes, encoding: str) -> list[str]:
    """The lines in some bytes, the last one as far as it goes, and with the times of those that Rich prints."""
    text = data.decode(encoding, errors="replace")
    lines = [line.strip("\0\r") for line in text.split("\n" if "\n" in text else "\r")]
    return list(map(Pieces().timed, lines)) if may_be_split(data) else lines
