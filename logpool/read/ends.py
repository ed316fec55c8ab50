"""When logs end, seen from their last lines: for times that are counted back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.errors import InputError, UsageError
from logpool.late import regex
from logpool.read.cuts import Cut, cut_of
from logpool.read.days import is_dated
from logpool.read.encoding import encoding_of, is_text
from logpool.read.formats import head_reader
from logpool.read.newest import is_newest_first
from logpool.read.peek import head_lines, lines_of
from logpool.read.starts import STARTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.read.formats import HeadReader
    from logpool.read.parts import Part
    from logpool.read.selection import Back
    from logpool.read.sources import Source

# how much of a log's end is looked at: more where there is no time in it
_LOOKED_AT = (1 << 16, 1 << 20, 1 << 24)
_HEAD_BYTES = 1 << 12
_MAY_HOLD_A_TIME = regex(r"\d\d:\d\d:\d\d|\d{10}")
_NAMED = 3


def end_of(sources: Sequence[Source], layout: str | None, back: Back) -> int:
    """The last time of all logs, microseconds.

    Args:
        sources: the logs.
        layout: the layout that was asked for, if any.
        back: what is counted from there, for the messages.

    Raises:
        UsageError: a log can be read only once, so that its end is not known before.
        InputError: there is no time.
    """
    parts = [part for source in sources for part in source.parts]
    once = next((part.path for part in parts if part.once), None)
    if once is not None:
        name = "standard input" if once == "-" else f"the pipe {once}"
        raise UsageError(
            f"{back} counts from the end of the log, which {name} shows only when all is read",
            "give a time such as 2024-09-26T17:45:00, or write the log to a file first",
        )
    heads = head_reader(layout)
    times = [time for source in sources if (time := _end_of_one(source, heads)) is not None]
    if not times:
        names = [source.path for source in sources]
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        raise InputError(
            f"{back} counts from the end of the log, but no time with day and year was found in "
            f"{', '.join(names[:_NAMED])}{more}",
            "without such times there is nothing to count back from: leave it out",
        )
    return max(times)


def _end_of_one(source: Source, heads: HeadReader) -> int | None:
    """The time of the last record, or of the first where the log stands newest first."""
    for part in reversed(source.parts):
        last = _last_time(part, heads)
        if last is not None:
            lines = head_lines(part)
            is_turned = is_newest_first(line for line in lines if STARTS.search(line))
            return max(last, _last_of(lines[::-1], heads) or last) if is_turned else last
    return None


def _last_time(part: Part, heads: HeadReader) -> int | None:
    for size in _LOOKED_AT:
        lines, is_whole = _last_lines(part, size)
        found = _last_of(lines, heads)
        if found is not None or is_whole:
            return found
    return None


def _last_of(lines: list[str], heads: HeadReader) -> int | None:
    """The time of the last record; where none is known by its layout, of the last line that has one.

    What goes on with a record may hold times of any day: a traceback tells of the data.
    """
    other: int | None = None
    for line in reversed(lines):
        cut = cut_of(line) if _MAY_HOLD_A_TIME.search(line) else Cut()
        # without days nobody knows how many have passed
        time = cut.time if is_dated(cut.time) else None
        if time is not None and heads(cut.marked(line)) is not None:
            return time
        other = time if other is None else other
    return other


def _last_lines(part: Part, size: int) -> tuple[list[str], bool]:
    """The last lines of a file, of about so many bytes, and whether these are all; none where it cannot be read."""
    try:
        stream = part.open()
    except OSError:
        return [], True
    head = stream.peek(_HEAD_BYTES)
    encoding, mark = encoding_of(head)
    if not is_text(head.lstrip(b"\0") if encoding == "utf-8" else head, encoding):
        stream.close()
        return [], True
    is_whole = not stream.leave(size)
    before, last = b"", b""
    while data := stream.read(size):
        is_whole &= not before
        before, last = last, data
    stream.close()
    lines = lines_of((before + last)[mark if is_whole else 0 :], encoding)
    return (lines if is_whole else lines[1:]), is_whole
