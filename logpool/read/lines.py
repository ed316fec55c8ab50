"""Bytes -> blocks of whole lines, whatever the bytes.

Any block size gives the same lines, with the same numbers, and the same damage.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from logpool.read.cuts import cut_of
from logpool.read.damage import NO_TEXT, Damages, reason
from logpool.read.encoding import (
    LONGEST_LINE,
    REPLACEMENT,
    encoding_of,
    has_long_line,
    head_of,
    is_strange,
    is_text,
    whole_characters,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.read.packing import Ahead
    from logpool.read.parts import Part
    from logpool.read.sources import Source

BLOCK_BYTES = 16 << 20
NULS = "NULs, left out"
TOO_LONG = "line of more than 1 MiB, of which the head was kept"

_HEAD_BYTES = 4096
_HOLE_BYTES = 1 << 20
# more than that is kept of a line, lest a character at its end is cut
_SLACK = 64
_PEEKED_BYTES = 1 << 16
# how records begin that do not begin with their time
_HEAD = re.compile(r"\{|\[?(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|sqlalchemy\.")
_NULS = re.compile(rb"(?m)^\0+")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a log, one after the other.

    Attributes:
        first_line: the number of the first one, from 1.
        lines: their texts, without line ends.
        size: how many bytes they were read from, decompressed.
        part: the number of the file in which they stand.
        torn: whether the last one ends without a line end, and so may be cut.
    """

    first_line: int
    lines: pl.Series
    size: int
    part: int = 0
    torn: bool = False


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
        yield from _LineReader(part.path, number, stream, damages).blocks(size)
    finally:
        stream.close()


def _mended(held: Block, block: Block) -> tuple[Block, Block | None]:
    """A block whose last line is cut, with the rest of that line where the next file begins with it; what is left."""
    if not len(block.lines):
        return replace(held, size=held.size + block.size), None
    if begins_anew(block.lines[0], held.lines[-1]):
        return held, block
    last = len(held.lines) - 1
    whole = pl.Series("line", [held.lines[last] + block.lines[0]], dtype=pl.String)
    lines = pl.concat([held.lines.head(last), whole])
    if len(block.lines) == 1:
        return replace(held, lines=lines, size=held.size + block.size, torn=block.torn), None
    left = replace(block, first_line=block.first_line + 1, lines=block.lines.slice(1))
    return replace(held, lines=lines, torn=False), left


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
    """Whether a line begins with a time."""
    spans = cut_of(line).spans
    return bool(spans) and spans[0].anchor is None and spans[0].start <= 1 and spans[0].format.directives is not None


@dataclass
class _LineReader:
    """Reads one file.

    Attributes:
        path: the file.
        part: its number.
        stream: its bytes, decompressed.
        damages: notes what is wrong, and where.
        line: the number of the next line.
        encoding: of the file.
    """

    path: str
    part: int
    stream: Ahead
    damages: Damages
    line: int = 1
    encoding: str = "utf-8"
    _rest: bytearray = field(default_factory=bytearray)
    # whether NULs stood before the line that comes next
    _nuls: bool = False
    _size: int = 0

    def blocks(self, size: int) -> Iterator[Block]:
        """All lines, as they are read."""
        if not self._begin():
            return
        for data in self._text(size):
            end = data.rfind(b"\n") + 1
            block = self._block(bytes(self._rest) + data[:end]) if end else None
            self._keep(data[end:])
            if block is not None:
                yield block
        if self._rest or self._size or self._nuls:
            yield self._block(bytes(self._rest), torn=bool(self._rest))
        if self.stream.failure is not None:
            self.damages.note(self.path, self.stream.failure, max(1, self.line - 1))

    def _begin(self) -> bool:
        """Tells the encoding, and whether this is text at all."""
        head = self.stream.peek(_HEAD_BYTES)
        self.encoding, mark = encoding_of(head)
        self._size = len(self.stream.read(mark))
        head = self.stream.peek(_HEAD_BYTES)
        if self.encoding == "utf-8":
            head = self._without_hole(head)
        failure = self.stream.failure
        if not head and (self._nuls or failure is not None):
            self.damages.skip(self.path, failure or NO_TEXT)
            return False
        if not is_text(_NULS.sub(b"", head) if self.encoding == "utf-8" else head, self.encoding):
            self.damages.skip(self.path, NO_TEXT)
            return False
        return True

    def _without_hole(self, head: bytes) -> bytes:
        """Passes over the NULs at the beginning, and returns what follows them."""
        while head.startswith(b"\0"):
            self._nuls = True
            self._size += len(self.stream.read(len(head) - len(head.lstrip(b"\0"))))
            head = self.stream.peek(_HOLE_BYTES)
        return head[:_HEAD_BYTES]

    def _text(self, size: int) -> Iterator[bytes]:
        """The file in UTF-8, in pieces."""
        decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)("replace")
        while data := self.stream.read(size):
            self._size += len(data)
            yield data if decoder is None else decoder.decode(data).encode()
        if decoder is not None:
            yield decoder.decode(b"", final=True).encode()

    def _keep(self, data: bytes) -> None:
        """Keeps what begins a line, or goes on with it; no more of it than counts."""
        if not self._rest and data.startswith(b"\0"):
            self._nuls = True
            data = data.lstrip(b"\0")
        self._rest += data[: max(0, LONGEST_LINE + _SLACK - len(self._rest))]

    def _block(self, data: bytes, *, torn: bool = False) -> Block:
        self._rest.clear()
        data = self._shortened(self._without_nuls(data))
        # of a character that is cut with its line, no more need be told
        data = self._valid(data, whole_characters(data) if torn else data)
        lines = pl.read_lines(data, name="line").to_series()
        block = Block(self.line, lines, self._size, self.part, torn)
        self.line += len(lines)
        self._size = 0
        return block

    def _without_nuls(self, data: bytes) -> bytes:
        if self._nuls:
            self._note(NULS, b"", 1)
            self._nuls = False
            data = data.lstrip(b"\0")
        first = _NULS.search(data) if b"\0" in data else None
        if first is None:
            return data
        data, count = _NULS.subn(b"", before := data)
        self._note(NULS, before[: first.start()], count)
        return data

    def _shortened(self, data: bytes) -> bytes:
        """The same with the heads only of lines that are too long."""
        if len(data) <= LONGEST_LINE or not has_long_line(data):
            return data
        lines = data.split(b"\n")
        long = [number for number, line in enumerate(lines) if len(line) > LONGEST_LINE]
        for number in long:
            lines[number] = head_of(lines[number])
        self._note(TOO_LONG, b"\n" * long[0], len(long))
        return b"\n".join(lines)

    def _valid(self, data: bytes, judged: bytes) -> bytes:
        """The same in UTF-8: what is none becomes the replacement character, and is noted where it is judged."""
        strange = f"bytes that are no {self.encoding[:6].upper()}"
        if self.encoding != "utf-8":
            found = data.find(REPLACEMENT)
            if found >= 0:
                self._note(strange, data[:found], sum(REPLACEMENT in line for line in data.split(b"\n")))
            return data
        try:
            judged.decode("utf-8")
        except UnicodeDecodeError as error:
            self._note(strange, data[: error.start], sum(map(is_strange, judged.split(b"\n"))))
        else:
            if judged is data:
                return data
        return data.decode("utf-8", errors="replace").encode()

    def _note(self, what: str, before: bytes, count: int) -> None:
        self.damages.note(self.path, what, self.line + before.count(b"\n"), count)


def head_lines(part: Part) -> list[str]:
    """The first lines of a file, to see when it begins; none where it cannot be read."""
    try:
        stream = part.open()
    except OSError:
        return []
    data = stream.peek(_PEEKED_BYTES)
    stream.close()
    encoding, mark = encoding_of(data)
    lines = data[mark:].decode(encoding, errors="replace").split("\n")
    return [line.strip("\0\r") for line in (lines[:-1] if len(data) == _PEEKED_BYTES else lines)]
