"""Zstandard gives block by block what it gives byte by byte, whatever a frame looks like and wherever it is damaged."""

from collections.abc import Callable

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from logpool.read.zstd import Blockwise

TEXT = "".join(f"line {number} {number * number * 7919 % 1_000_003}\n" for number in range(1, 30_000)).encode()


def packed(pieces: list[bytes], level: int, *, checksum: bool, small: bool) -> bytes:
    """One frame: of blocks as large as they may be, or of small ones besides, some of one byte that repeats."""
    packer = zstandard.ZstdCompressor(level=level, write_checksum=checksum).compressobj()
    out = []
    for piece in pieces:
        out.append(packer.compress(piece))
        if small:
            out.append(packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
    return b"".join(out) + packer.flush()


FRAMES = st.builds(
    packed,
    st.lists(st.integers(0, 200_000).map(lambda size: TEXT[:size]) | st.just(b"x" * 150_000), max_size=4),
    st.sampled_from([-5, 1, 3]),
    checksum=st.booleans(),
    small=st.booleans(),
) | st.integers(0, 300_000).map(lambda size: zstandard.compress(TEXT[:size]))
SHARE = st.floats(0, 1)


def wanted(engine: Blockwise, ahead: bytes) -> int:
    return engine.wanted(ahead)


def fed(data: bytes, sizes: Callable[[Blockwise, bytes], int]) -> tuple[bytes, bool, str]:
    """What comes out, whether all of it did, and what the engine said of damage."""
    engine = Blockwise(zstandard.ZstdDecompressor().decompressobj())
    out, place = [], 0
    try:
        while place < len(data) and not engine.eof:
            size = sizes(engine, data[place : place + 5])
            out.append(engine.decompress(data[place : place + size]))
            place += size
    except zstandard.ZstdError as error:
        return b"".join(out), False, str(error)
    return b"".join(out), engine.eof, ""


@given(FRAMES, SHARE, st.none() | SHARE, st.integers(1, 255))
def test_blocks_give_what_bytes_give(frame: bytes, kept: float, damaged: float | None, bits: int) -> None:
    data = bytearray(frame[: round(kept * len(frame))])
    if damaged is not None and data:
        data[int(damaged * (len(data) - 1))] ^= bits
    whole = fed(bytes(data), wanted)
    assert whole == fed(bytes(data), lambda *_: 1)
    assert whole[1] or kept < 1 or damaged is not None


def test_a_frame_takes_few_calls() -> None:
    sizes: list[int] = []
    frame = zstandard.compress(TEXT * 10)

    def noted(engine: Blockwise, ahead: bytes) -> int:
        sizes.append(engine.wanted(ahead))
        return sizes[-1]

    assert fed(frame, noted) == (TEXT * 10, True, "")
    # one for each 128 KiB
    assert len(sizes) <= len(TEXT) * 10 / 2**17 + 3
