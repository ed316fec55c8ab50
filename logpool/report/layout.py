"""What every text is made of: tables, wrapped lines, colours."""

from __future__ import annotations

import textwrap
from datetime import date
from typing import TYPE_CHECKING

from logpool.schema import DATED, DAYLESS, YEARLESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.report.model import Evidence

_COLOURS = {"error": "\033[1;31m", "warning": "\033[1;33m", "info": "\033[1;36m", "good": "\033[1;32m"}
_PLAIN = "\033[0m"


def wrapped(text: str, width: int, first: str = "", rest: str = "") -> str:
    """Lines of at most ``width``, the first one and the rest indented so; a longer word stays whole."""
    return textwrap.fill(
        text,
        max(width, 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(headings: Sequence[str], rows: list[list[str]], width: int) -> str:
    """Columns, the first to the left, as far apart as they fit; a block per row where they do not."""
    if not rows:
        return ""
    sizes = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    gap = next((gap for gap in (2, 1) if sum(sizes) + gap * (len(sizes) - 1) <= width), None)
    if gap is None:
        return "\n".join(_block(headings, row) for row in rows)
    return "\n".join(
        (" " * gap)
        .join(
            cell.ljust(size) if index == 0 else cell.rjust(size)
            for index, (cell, size) in enumerate(zip(line, sizes, strict=True))
        )
        .rstrip()
        for line in [headings, *rows]
    )


def _block(headings: Sequence[str], row: Sequence[str]) -> str:
    size = max(map(len, headings[1:]))
    cells = (f"  {name.ljust(size)}  {cell}" for name, cell in zip(headings[1:], row[1:], strict=True))
    return "\n".join([" ".join(filter(None, (headings[0], row[0]))), *cells])


def painted(text: str, colour_name: str, *, colour: bool) -> str:
    """A text in one of the report's colours, if there are to be any."""
    return f"{_COLOURS[colour_name]}{text}{_PLAIN}" if colour else text


def place_told(place: Evidence) -> str:
    """A place, as editors understand it."""
    return f"{place.path}:{place.line}"


def short_logger(logger: str) -> str:
    """A pool's logger without what all of them begin with."""
    return logger.removeprefix("sqlalchemy.pool.impl.").removeprefix("sqlalchemy.pool.")


def begin_and_end(first: str, last: str) -> tuple[str, str]:
    """Two times of the log, as far as it tells them, the second one without its day where that is the same."""
    (day, clock), (last_day, last_clock) = _day_and_clock(first), _day_and_clock(last)
    end = last_clock if first[:10] == last[:10] else f"{last_day} {last_clock}"
    return f"{day} {clock}".strip(), end.strip()


def _day_and_clock(time: str) -> tuple[str, str]:
    """A time's day and clock; where the log tells no day, days have numbers, but for the first one."""
    clock = time[11:]
    if not time or time[:4] >= str(DATED.year):
        return time[:10], clock
    day = date.fromisoformat(time[:10])
    if day.year >= YEARLESS.year:
        return f"{day:%b} {day.day}", clock
    passed = (day - DAYLESS).days
    return f"day {passed + 1:,}" if passed else "", clock
