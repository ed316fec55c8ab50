"""What is written for a console: structlog puts the logger behind the message, and Rich wraps what it writes.

So a record takes several lines, and is whole only where the next one begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.late import regex

if TYPE_CHECKING:
    from collections.abc import Callable

_COLOURS = rb"(?:\x1b\[[\d;]*m)*"
_START = rb"^%(c)s\d[^\n\[\x1b]{7,40}%(c)s *\[%(c)s(?:debug|info|warning|error|critical) *%(c)s\] " % {b"c": _COLOURS}
_HEAD = regex(rb"(?m)" + _START)
# the messages that end with the driver's text
_BEGUN = regex(
    rb"(?m)%s%s(?:(?:Soft )?Invalidate connection |Error on connect\(\):|Disconnection detected )" % (_START, _COLOURS)
)
_LOGGER = regex(rb" \[%s[\w.]*Pool[\w.]*%s\]" % (_COLOURS, _COLOURS))
# Rich's columns: the time, or none where it is that of the record before; the level; the message; the file and line
_LEVEL = rb"(?:DEBUG   |INFO    |WARNING |ERROR   |CRITICAL)"
_TIMED = regex(rb"(?m)^(\[[^\]\n]{4,40}\]|\d[\d:.,/ T-]{4,40}) %s \S" % _LEVEL)
_RICHS = regex(rb"(?m)^(?:\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\] %(l)s| {6,42} %(l)s \S)|  \S+:\d+ *\r?$" % {b"l": _LEVEL})
_FILE = regex(rb" +\S+:\d+ *\r?$")
# how the pool's messages begin
_SAID = (
    rb"(?:[\w.]+:? )?(?:Created|Connection\b|Pool (?:pre-ping|disposed)|Invalidate|Soft Invalidate"
    rb"|(?:Hard-c|C)losing connection|Exception (?:closing|term)|Disconnection detected|Cancellation|The garbage"
    rb"|Error on connect)"
)
# what begins a traceback, in a box or not
_TRACEBACK = (b"Traceback", b"\xe2")
# the text of a timeout that goes on in the next line
_LIMIT = regex(rb"(?m)^( *)(\S[^\n]*Pool limit of size (?:(?!timed out, timeout)[^\n])*?) *\r?\n\1(?=[^\s\[])([^\n]*)$")


@dataclass(frozen=True)
class Console:
    """One way of writing for a console.

    Attributes:
        head: how a record begins.
        joined: whole records, the lines of a message in the place of the first, and nothing in the others'.
    """

    head: re.Pattern[bytes]
    joined: Callable[[bytes], bytes]

    def in_one_line(self, data: bytes) -> bytes:
        """Whole records, each of their messages, and of the texts of timeouts, in one line."""
        if b"limit of size" in data:
            data = _LIMIT.sub(rb"\1\2 \3\n", data)
        return self.joined(data)

    def last_head(self, data: bytes) -> int:
        """Where the last record in some bytes begins; 0 where none does behind their begin."""
        end = data.rfind(b"\n") + 1
        while end > 0:
            begin = data.rfind(b"\n", 0, end - 1) + 1
            if begin and self.head.match(data, begin, end):
                return begin
            end = begin
        return 0


def console_of(head: bytes) -> Console | None:
    """How a file that begins so was written for a console; None where it was not."""
    if _HEAD.search(head):
        return Console(_HEAD, _up_to_loggers)
    timed = _TIMED.search(head)
    if timed is None or not _RICHS.search(head):
        return None
    # a line that goes on begins with as many blanks as the first two columns have
    width = len(timed[1])
    start = rb"^(?:\[[^\]\n]{%d}\]|\d[\d:.,/ T-]{%d}| {%d}) %s " % (width - 2, width - 1, width, _LEVEL)
    begun = re.compile(rb"(?m)%s(?=%s)" % (start, _SAID))
    return Console(re.compile(rb"(?m)" + start), lambda data: _unwrapped(data, begun))


def _up_to_loggers(data: bytes) -> bytes:
    """Structlog's records, the lines of a message up to its logger in the place of the first."""
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


def _unwrapped(data: bytes, begun: re.Pattern[bytes]) -> bytes:
    """Rich's records, the lines of a message in the place of the first."""
    done = 0
    parts: list[bytes] = []
    for head in begun.finditer(data):
        first = data.find(b"\n", head.end())
        more, end = _going_on(data, first, b" " * len(head[0]))
        if more:
            text = _FILE.sub(b"", data[head.start() : first]).rstrip()
            parts += data[done : head.start()], b" ".join((text, *more)), b"\n" * len(more)
            done = end
    return b"".join((*parts, data[done:])) if parts else data


def _going_on(data: bytes, end: int, blanks: bytes) -> tuple[list[bytes], int]:
    """The lines behind a line's end that go on with its message, and where they end."""
    more: list[bytes] = []
    while 0 <= end < len(data) and data.startswith(blanks, end + 1):
        after = data.find(b"\n", end + 1)
        after = len(data) if after < 0 else after
        line = data[end + 1 + len(blanks) : after]
        if not line[:1].strip() or line.startswith(_TRACEBACK):
            break
        more.append(line.strip())
        end = after
    return more, end
