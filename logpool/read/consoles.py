"""What structlog writes on a console: the logger stands behind the message, and so behind the last of its lines."""

from __future__ import annotations

import re

_COLOURS = rb"(?:\x1b\[[\d;]*m)*"
_START = rb"^%(c)s\d[^\n\[\x1b]{7,40}%(c)s *\[%(c)s(?:debug|info|warning|error|critical) *%(c)s\] " % {b"c": _COLOURS}
_HEAD = re.compile(rb"(?m)" + _START)
# the messages that end with the driver's text
_BEGUN = re.compile(
    rb"(?m)%s%s(?:(?:Soft )?Invalidate connection |Error on connect\(\):|Disconnection detected )" % (_START, _COLOURS)
)
_LOGGER = re.compile(rb" \[%s[\w.]*Pool[\w.]*%s\]" % (_COLOURS, _COLOURS))


def is_console(head: bytes) -> bool:
    """Whether a file that begins so is such a one."""
    return _HEAD.search(head) is not None


def last_head(data: bytes) -> int:
    """Where the last record in some bytes begins; 0 where none does behind their begin."""
    end = data.rfind(b"\n") + 1
    while end > 0:
        begin = data.rfind(b"\n", 0, end - 1) + 1
        if begin and _HEAD.match(data, begin, end):
            return begin
        end = begin
    return 0


def in_one_line(data: bytes) -> bytes:
    """Whole records, the lines of a message up to its logger in the place of the first, and nothing in the others'."""
    done = 0
    parts: list[bytes] = []
    for begun in _BEGUN.finditer(data):
        end = data.find(b"\n", begun.end())
        if end < 0 or _LOGGER.search(data, begun.end(), end):
            continue
        after = _HEAD.search(data, end)
        logger = _LOGGER.search(data, end, after.start() if after else len(data))
        if logger is None:
            continue
        end = data.find(b"\n", logger.end())
        # the last line may have no end, which it needs where it is empty
        ends = b"\n" if end < 0 else b""
        end = len(data) if end < 0 else end
        lines = data[begun.start() : end].split(b"\n")
        parts += data[done : begun.start()], b" ".join(map(bytes.strip, lines)), b"\n" * (len(lines) - 1) + ends
        done = end
    return b"".join((*parts, data[done:])) if parts else data
