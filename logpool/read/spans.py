"""Where one time stands in a line, how it is printed, and in which parts it repeats from line to line."""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import dataclass
from logpool.late import pl, regex
from logpool.native.cutting import Part, Place
from logpool.read.forms import form_of

if TYPE_CHECKING:
    from logpool.read.times import TimeFormat

# up to its seconds a time repeats from line to line; a fraction of few digits repeats from second to second
_SECONDS = regex(r"(?:\d{1,2}:\d{2}:\d{2}|\d{8}[ T]\d{6})(?![.,]\d{4})")


@dataclass(frozen=True)
class Span:
    """Where one time stands.

    Attributes:
        anchor: the text that it stands behind; None where it stands at a fixed place.
        start: how far behind the anchor, or the end of the time before, or the line's beginning; None where it is the
            first text of its form behind the time before.
        format: how it is printed.
        example: one such time.
    """

    anchor: str | None
    start: int | None
    format: TimeFormat
    example: str = field(compare=False, default="")

    @property
    def place(self) -> Place:
        """The same, for what cuts lines."""
        parts = [Part(half.start, half.width) for half in self.halves]
        form = form_of(self.example) if self.start is None else None
        return Place(self.anchor, self.start or 0, self.width, parts, form)

    @property
    def width(self) -> int:
        """How many characters it has."""
        return self.format.width or 0

    @property
    def time(self) -> int | None:
        """The microseconds of the example; None where it does not tell the day."""
        return _time_of(self.format, self.example)

    @property
    def halves(self) -> tuple[Half, ...]:
        """The parts of it that repeat, as its seconds do, and their fractions; all of it where none do."""
        directives, example = self.format.directives, self.example
        seconds = _SECONDS.search(example)
        # a year behind the clock counts days of its own
        if seconds is None or (directives and (self.time is None or directives.endswith("%Y"))):
            return (Half(0, self.width, "", ""),)
        end = seconds.end()
        fraction = Half(end, len(example) - end, example[:end], "")
        return (Half(0, end, "", example[end:]), *([fraction] if end < len(example) else []))


@lru_cache(maxsize=1 << 12)
def _time_of(printed: TimeFormat, text: str) -> int | None:
    return printed.time_of(text)


class Half(NamedTuple):
    """Part of a time, which is read beside the example's other part, so that the sum of both is the time.

    Attributes:
        start: where it stands.
        width: how many characters it has.
        before: the other part, where that stands before it.
        behind: likewise behind it.
    """

    start: int
    width: int
    before: str
    behind: str

    def whole(self, texts: pl.Series) -> pl.Series:
        """Such parts, each with the example's other part."""
        if not self.before and not self.behind:
            return texts
        return texts.to_frame("text").select_seq(self.before + pl.col("text") + self.behind).to_series()
