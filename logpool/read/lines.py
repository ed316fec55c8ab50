"""Bytes -> blocks of whole lines, whatever the bytes.

Any block size gives the same lines, with the same numbers, and the same damage.
"""

from __future__ import annotations

import codecs
from dataclasses import field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from logpool.classes import dataclass, stateful
from logpool.late import pl, regex
from logpool.native.lines import Rows, surveyed
from logpool.read.bundles import are_bundled, unbundled
from logpool.read.consoles import Console, console_of
from logpool.read.damage import NO_TEXT, Damages
from logpool.read.encoding import (
    LONGEST_LINE,
    REPLACEMENT,
    encoding_of,
    ends_with_cr,
    has_long_line,
    head_of,
    is_strange,
    is_text,
    whole_characters,
)
from logpool.read.needles import NEEDLES
from logpool.read.pieces import may_be_split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from logpool.native.cutting import Cutter
    from logpool.read.packing import Ahead

# more takes more memory, and little less time
BLOCK_BYTES = 8 << 20
NULS = "NULs, left out"
TOO_LONG = "line of more than 1 MiB, of which the head was kept"

_HEAD_BYTES = 4096
_HOLE_BYTES = 1 << 20
# so much tells whether records share lines, where one of the first few characters is as in JSON
_BEGIN_BYTES, _SIGN_BYTES = 1 << 16, 16
# more than that is kept of a line, lest a character at its end is cut
_SLACK = 64
_NULS = regex(rb"(?m)^\0+")


class Lines:
    """Lines of a log, one after the other.

    Attributes:
        data: they, in UTF-8, each with its end; more may follow.
        size: how many bytes they are.
        survey: what they hold.
    """

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self.data = data
        self.size = len(data) if size is None else size
        self.survey = surveyed(data, self.size)

    @classmethod
    def of(cls, texts: Iterable[str]) -> Lines:
        """Lines without their ends."""
        return cls("".join(f"{text}\n" for text in texts).encode())

    def __len__(self) -> int:
        return self.survey.lines

    def rows(self, cutter: Cutter | None = None) -> Rows:
        """Those that can matter; some are cut at once, if there is something to do that with."""
        return Rows(self.data, NEEDLES, self.survey, self.size, cutter)

    @cached_property
    def texts(self) -> pl.Series:
        """All of them without their ends; seldom needed."""
        return pl.read_lines(self.bytes(), name="line").to_series()

    def bytes(self, start: int = 0) -> bytes:
        """They themselves, from a place on."""
        return self.data[start : self.size]

    def head(self, count: int) -> list[str]:
        """The first ones."""
        end = -1
        for _ in range(count):
            end = self.data.find(b"\n", end + 1, self.size)
            if end < 0:
                break
        return list(upwards(self.data, self.size if end < 0 else end + 1))[::-1]

    def above(self, end: int | None = None) -> Iterator[str]:
        """The lines above a place where one begins, or above the end, from the last one on."""
        return upwards(self.data, self.size if end is None else end)


def upwards(data: bytes, end: int) -> Iterator[str]:
    """The lines in some bytes up to a line's beginning, or the end, from the last one on."""
    while end > 0:
        last = end - data.endswith(b"\n", 0, end)
        end = data.rfind(b"\n", 0, last) + 1
        yield data[end:last].decode().removesuffix("\r")


@dataclass(frozen=True)
class Block:
    """Whole lines of a log, one after the other.

    Attributes:
        first_line: the number of the first one, from 1.
        lines: they themselves.
        size: how many bytes they were read from, decompressed.
        part: the number of the file in which they stand.
        torn: whether the last one ends without a line end, and so may be cut.
        split: whether the file is one of Kubernetes, which splits long lines.
        share: how much of the file has been read, of 1; None where nothing tells.
        numbers: the numbers of the lines; None where they are one after the other.
        count: then, how many lines of the file they were.
    """

    first_line: int
    lines: Lines
    size: int
    part: int = 0
    torn: bool = False
    split: bool = False
    share: float | None = None
    numbers: Sequence[int] | None = None
    count: int = 0

    @property
    def line_count(self) -> int:
        """How many lines of the file they were."""
        return len(self.lines) if self.numbers is None else self.count

    def parted(self, place: int) -> tuple[Block, Block]:
        """The lines before a place in the bytes where one begins, and those from there on."""
        before, behind = Lines(self.lines.data, place), Lines(self.lines.bytes(place))
        count = len(before)
        first, numbers, more = self.first_line + count, None, None
        if self.numbers is not None:
            numbers, more = self.numbers[:count], self.numbers[count:]
            first = more[0] if more else self.first_line + self.count
            count = first - self.first_line
        size = self.size - behind.size
        return (
            replace(self, lines=before, size=size, torn=False, numbers=numbers, count=count),
            replace(
                self,
                first_line=first,
                lines=behind,
                size=behind.size,
                numbers=more,
                count=self.count - count,
            ),
        )


@stateful
class LineReader:
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
    # whether lines end with CR alone
    _bare: bool = False
    _rest: bytearray = field(default_factory=bytearray)
    _split: bool = False
    _console: Console | None = None
    # whether NULs stood before the line that comes next
    _nuls: bool = False
    _size: int = 0
    # in which lines of the file those stand that were made from them
    _places: Sequence[int] = ()

    def blocks(self, size: int) -> Iterator[Block]:
        """All lines, as they are read."""
        if not self._begin():
            return
        if self._are_bundled():
            yield from self._unbundled(size)
            return
        for data in self._text(size):
            end = data.rfind(b"\n") + 1
            if self._console is not None:
                # what goes on with the last record may follow
                head = self._console.last_head(data)
                end = head if head or len(self._rest) + len(data) < LONGEST_LINE else end
            if end:
                yield self._whole(data, end)
            else:
                self._keep(data)
            # while the block is in use, what it was made from takes no more memory
            del data
        if self._rest or self._size or self._nuls:
            rest = bytes(self._rest)
            yield self._block(rest, len(rest), torn=bool(rest) and not rest.endswith(b"\n"))
        if self.stream.failure is not None:
            self.damages.note(self.path, self.stream.failure, max(1, self.line - 1))

    def _are_bundled(self) -> bool:
        """Whether records share lines, or take several."""
        head = self.stream.peek(_HEAD_BYTES)
        if not any(sign in head[:_SIGN_BYTES] for sign in b"{["):
            return False
        return are_bundled(self.stream.peek(_BEGIN_BYTES).decode(self.encoding, errors="replace"))

    def _unbundled(self, size: int) -> Iterator[Block]:
        """Blocks of records, one in each line."""
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        text, last, is_end = "", "", False
        pieces = self._text(size)
        while not is_end:
            data = next(pieces, None)
            is_end = data is None
            text += decoder.decode(data or b"", final=is_end)
            found = unbundled(text, is_end=is_end)
            lines = Lines("".join(f"{line}\n" for line in found.lines).encode("utf-8", "surrogateescape"))
            if found.torn:
                lines = Lines(lines.data[:-1])
            self._places = found.places
            lines = self._mended(lines, torn=False)
            taken, text = text[: found.size], text[found.size :]
            last = taken[-1:] or last
            count = taken.count("\n") + (is_end and last not in ("", "\n"))
            numbers = [self.line + place for place in found.places]
            yield Block(
                self.line,
                lines,
                self._size,
                self.part,
                found.torn,
                share=self.stream.share,
                numbers=numbers,
                count=count,
            )
            self.line += count
            self._size = 0
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
        self._split = may_be_split(head)
        self._console = console_of(head) if self.encoding == "utf-8" else None
        self._bare = b"\r" in head and ends_with_cr(self.stream.peek(_HOLE_BYTES), self.encoding)
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
            text = data if decoder is None else decoder.decode(data).encode()
            yield text.replace(b"\r", b"\n") if self._bare else text
        if decoder is not None:
            yield decoder.decode(b"", final=True).encode()

    def _keep(self, data: bytes) -> None:
        """Keeps what begins a line, or goes on with it; no more of it than counts."""
        if not self._rest and data.startswith(b"\0"):
            self._nuls = True
            data = data.lstrip(b"\0")
        self._rest += data[: max(0, LONGEST_LINE + _SLACK - len(self._rest))]

    def _whole(self, data: bytes, end: int) -> Block:
        """The whole lines in what was read, the first one with what was kept of it."""
        left = data[end:]
        # what begins a line is read again with the rest of it, so that these need not be put together
        again = self.encoding == "utf-8"
        if again and left:
            self.stream.back(left)
            self._size -= len(left)
        rest = bytes(self._rest)
        block = self._block(rest + data, len(rest) + end) if rest else self._block(data, end)
        if not again:
            self._keep(left)
        return block

    def _block(self, data: bytes, end: int, *, torn: bool = False) -> Block:
        self._rest.clear()
        lines = self._mended(Lines(data, end), torn=torn)
        if self._console is not None:
            lines = Lines(self._console.in_one_line(lines.bytes()))
            torn = torn and not lines.data.endswith(b"\n")
        block = Block(self.line, lines, self._size, self.part, torn, self._split, self.stream.share)
        self.line += len(lines)
        self._size = 0
        return block

    def _mended(self, lines: Lines, *, torn: bool) -> Lines:
        """The same in UTF-8, without NULs, and of a line that is too long the head."""
        is_plain = lines.survey.is_plain and not lines.survey.has_nuls
        if is_plain and not self._nuls and not has_long_line(lines.data, lines.size):
            return lines
        before = lines.bytes()
        data = self._shortened(self._without_nuls(before))
        # of a character that is cut with its line, no more need be told
        data = self._valid(data, whole_characters(data) if torn else data)
        return lines if data is before else Lines(data)

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
        if not has_long_line(data, len(data)):
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
        place = before.count(b"\n")
        self.damages.note(self.path, what, self.line + (self._places[place] if self._places else place), count)
