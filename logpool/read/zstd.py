"""Zstandard, decompressed block by block (RFC 8878, sections 3.1.1.1 and 3.1.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zstandard import ZstdDecompressionObj

_MAGIC = 4
_BLOCK_HEADER = 3
_CHECKSUM = 4
# of a dictionary's number, and of the content's size: bytes by the bits of the descriptor
_DICTIONARY = (0, 1, 2, 4)
_CONTENT = (0, 2, 4, 8)
_REPEATED = 1


class Blockwise:
    """A decompressor of one frame that says how much to feed it: its header, then one block after the other.

    The engine gives nothing of a block before all of it came, and nothing at all of what it was fed together with
    damage. So no call is wasted on parts of a block, and no block is lost for what follows it.
    """

    def __init__(self, engine: ZstdDecompressionObj) -> None:
        self._engine = engine
        self._begun = False
        self._ends = False
        self._checksum = 0
        # of the piece that is fed now
        self._left = 0

    @property
    def eof(self) -> bool:
        """Whether the frame's end was reached."""
        return self._engine.eof

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond it."""
        return self._engine.unused_data

    def wanted(self, ahead: bytes) -> int:
        """How many bytes to feed it next, at most.

        Args:
            ahead: some of them, five if there are so many.
        """
        if not self._left:
            self._left = self._piece(ahead)
        return self._left

    def _piece(self, ahead: bytes) -> int:
        if not self._begun and len(ahead) > _MAGIC:
            self._begun = True
            descriptor = ahead[_MAGIC]
            alone = descriptor >> 5 & 1
            self._checksum = _CHECKSUM * (descriptor >> 2 & 1)
            size = _CONTENT[descriptor >> 6] or alone
            return _MAGIC + 1 + (1 - alone) + _DICTIONARY[descriptor & 3] + size
        if self._begun and not self._ends and len(ahead) >= _BLOCK_HEADER:
            header = int.from_bytes(ahead[:_BLOCK_HEADER], "little")
            self._ends = bool(header & 1)
            return _BLOCK_HEADER + (1 if header >> 1 & 3 == _REPEATED else header >> 3)
        # where there is more than the checksum, the engine does not think that the frame ends, and will say why
        return self._checksum if self._ends and self._checksum else 1

    def decompress(self, data: bytes, /) -> bytes:
        """What comes out.

        Raises:
            zstandard.ZstdError: the data is damaged.
        """
        self._left -= len(data)
        return self._engine.decompress(data)
