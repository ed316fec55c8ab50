"""What bytes say of the text in them: whether they are any, how it is encoded, which lines are too long."""

from __future__ import annotations

import codecs

#: of a longer line only the head is kept
LONGEST_LINE = 1 << 20
REPLACEMENT = "\ufffd".encode()

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NOT_TEXT = frozenset(range(9)) | frozenset(range(14, 27)) | frozenset(range(28, 32))
# too few bytes to judge by
_FEW = 8


def is_strange(line: bytes) -> bool:
    """Whether a line is no UTF-8."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def has_long_line(data: bytes, size: int) -> bool:
    """Whether some line of so many bytes is too long: such a one stands across a multiple of that length."""
    return any(
        (end if (end := data.find(b"\n", place, size)) >= 0 else size) - data.rfind(b"\n", 0, place) - 1 > LONGEST_LINE
        for place in range(LONGEST_LINE, size, LONGEST_LINE)
    )


def head_of(line: bytes) -> bytes:
    """The head of a line that is too long, which ends between two characters."""
    end = LONGEST_LINE
    while end > LONGEST_LINE - 4 and line[end] & 0xC0 == 0x80:  # noqa: PLR2004 - within a character of UTF-8
        end -= 1
    return line[:end]


def whole_characters(data: bytes) -> bytes:
    """The same without the beginning of a character at its end."""
    for back, least in ((1, 0xC2), (2, 0xE0), (3, 0xF0)):
        if back > len(data):
            break
        if data[-back] >= least:
            return data[:-back]
        if data[-back] & 0xC0 != 0x80:  # noqa: PLR2004 - goes on with a character of UTF-8
            break
    return data


def encoding_of(head: bytes) -> tuple[str, int]:
    """How a text that begins so is encoded, and how many bytes say so: UTF-16 shows without, by its many NULs."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if len(head) < _FEW:
        return "utf-8", 0
    even, odd = head[::2], head[1::2]
    for name, nuls, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if 2 * nuls.count(0) > len(nuls) and 10 * others.count(0) < len(others):
            return name, 0
    return "utf-8", 0


def ends_with_cr(head: bytes, encoding: str) -> bool:
    """Whether the lines of a text that begins so end with CR alone, as those of old Macs did."""
    text = head.decode(encoding, errors="replace")
    return "\n" not in text and "\r" in text.rstrip("\r")


def is_text(head: bytes, encoding: str) -> bool:
    """Whether bytes look like a text's beginning: few controls, and few that are no characters."""
    text = head.decode(encoding, errors="replace")
    raw = head if encoding == "utf-8" else text.encode()
    controls = sum(byte in _NOT_TEXT for byte in raw)
    return controls <= len(raw) // 10 and text.count("\ufffd") <= max(_FEW, len(text) // 3)
