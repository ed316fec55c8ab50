"""A log's files in a row -> its blocks: a line that two of them share is one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from logpool.late import regex
from logpool.read.cuts import cut_of
from logpool.read.damage import Damages, reason
from logpool.read.lines import BLOCK_BYTES, LineReader, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.read.lines import Block
    from logpool.read.parts import Part
    from logpool.read.sources import Source

# how records begin that do not begin with their time
_HEAD = regex(r"\{|\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|sqlalchemy\.")


def blocks(
    source: Source, size: int = BLOCK_BYTES, damages: Damages | None = None, first_part: int = 0
) -> Iterator[Block]:
    """A log in blocks of about ``size`` bytes.

    Args:
        source: the log.
        size: how much to read at once.
        damages: notes what is wrong, and where.
        first_part: the number of its first part; those of the others follow.
    """
    damages = damages if damages is not None else Damages()
    held: Block | None = None
    for number, part in enumerate(source.parts, first_part):
        for block in _part_blocks(part, size, damages, number):
            rest: Block | None = block
            if held is not None:
                held, rest = _mended(held, block)
                if held.torn and rest is None:
                    continue
                yield held
                held = None
            if rest is not None and rest.torn and part is not source.parts[-1]:
                held = rest
            elif rest is not None:
                yield rest
    if held is not None:
        yield held


def _part_blocks(part: Part, size: int, damages: Damages, number: int) -> Iterator[Block]:
    try:
        stream = part.open()
    except OSError as error:
        damages.skip(part.path, reason(error))
        return
    try:
        yield from LineReader(part.path, number, stream, damages).blocks(size)
    finally:
        stream.close()


def _mended(held: Block, block: Block) -> tuple[Block, Block | None]:
    """A block whose last line is cut, with the rest of that line where the next file begins with it; what is left."""
    if not len(block.lines):
        return replace(held, size=held.size + block.size), None
    if begins_anew(block.lines.head(1)[0], next(held.lines.above())):
        return held, block
    if len(block.lines) == 1:
        lines = Lines(held.lines.bytes() + block.lines.bytes())
        return replace(held, lines=lines, size=held.size + block.size, torn=block.torn), None
    rest, left = block.parted(block.lines.data.index(b"\n") + 1)
    lines = Lines(held.lines.bytes() + rest.lines.bytes())
    return replace(held, lines=lines, size=held.size + rest.size, torn=False), left


def begins_anew(line: str, torn: str) -> bool:
    """Whether a file's first line begins a record, so that it is no rest of a line that another file ends with.

    Args:
        line: the file's first line.
        torn: what the other file ends with: where that has a time, a record's beginning has one, too.
    """
    if _is_dated(line):
        return True
    return _HEAD.match(line) is not None and not _is_dated(torn)


def _is_dated(line: str) -> bool:
    """Whether a line begins with a time, all of it: a clock may be the rest of one."""
    span = next(iter(cut_of(line).spans), None)
    if span is None or span.format.directives is None or span.format.day:
        return False
    return span.anchor is None and span.start in (0, 1)
