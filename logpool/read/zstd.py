"""Zstandard, decompressed block by block (RFC 8878, sections 3.1.1.1 and 3.1.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from zstandard import ZstdDecompressionObj

_MAGIC = 4
_HEADER = 3
_CHECKSUM = 4
# of a dictionary's number, and of the content's size: bytes by the bits of the descriptor
_DICTIONARY = (0, 1, 2, 4)
_CONTENT = (0, 2, 4, 8)
_REPEATED = 1


class Blockwise:
    """A decompressor of one frame that says how much to feed it: never more than a block.

    The engine gives nothing of a block before all of it came, and nothing at all of what it was fed together with
    damage. So no call is wasted on parts of a block, and no block is lost for what follows it.

    Attributes:
        wanted: how many bytes to feed it next, at most.
    """

    def __init__(self, engine: ZstdDecompressionObj) -> None:
        self._engine = engine
        self._pieces = _pieces()
        self._tail = b""
        self.wanted = next(self._pieces)

    @property
    def eof(self) -> bool:
        """Whether the frame's end was reached."""
        return self._engine.eof

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond it."""
        return self._engine.unused_data

    def decompress(self, data: bytes, /) -> bytes:
        """What comes out.

        Raises:
            zstandard.ZstdError: the data is damaged.
        """
        self._tail = (self._tail + data[-_HEADER:])[-_HEADER:]
        self.wanted -= len(data)
        if not self.wanted:
            try:
                self.wanted = self._pieces.send(self._tail)
            except StopIteration:
                # the frame ends here; where the engine does not think so, it will say why
                self.wanted = 1
        return self._engine.decompress(data)


def _pieces() -> Generator[int, bytes]:
    """How many bytes the pieces of a frame have: its header, each block's header and content, its checksum.

    Is sent the last three bytes of each piece.
    """
    descriptor = (yield _MAGIC + 1)[-1]
    alone = descriptor >> 5 & 1
    size = (1 - alone) + _DICTIONARY[descriptor & 3] + (_CONTENT[descriptor >> 6] or alone)
    if size:
        yield size
    is_last = False
    while not is_last:
        header = int.from_bytes((yield _HEADER), "little")
        is_last = bool(header & 1)
        size = 1 if header >> 1 & 3 == _REPEATED else header >> 3
        if size:
            yield size
    if descriptor >> 2 & 1:
        yield _CHECKSUM
