"""The heads of records, looked for above their other lines: a timeout in a traceback belongs to the head above it."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import stateful
from logpool.late import regex
from logpool.read.cuts import cut_of
from logpool.read.lines import upwards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logpool.native.lines import Rows
    from logpool.read.cuts import Cut
    from logpool.read.lines import Block, Lines
    from logpool.read.vocabulary import Reader

_KEPT = 1000
_KNOWN = 10_000
_NUMBER = regex(r"\d+")
# what Python prints of an exception that nobody caught: it belongs to no record, but it has the time of the one above
_UNCAUGHT = regex(r"Exception in (?:thread|callback) |Task exception was never retrieved|Unhandled exception in ")
# right above it stands what it belongs to, whatever the layout; unless that is another one
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")


class Stretch(NamedTuple):
    """Where the lines of a block stand.

    Attributes:
        part: the number of the file.
        first: the number of the first line; 0 where lines have numbers of their own, which stand for these then.
        numbers: such numbers.
    """

    part: int = 0
    first: int = 0
    numbers: Sequence[int] | None = None

    @classmethod
    def of(cls, block: Block) -> Stretch:
        """That of a block."""
        return cls(block.part, block.first_line if block.numbers is None else 0, block.numbers)

    def number(self, place: int) -> int:
        """The number in its file of a line, by its place among these."""
        return self.first + place if self.numbers is None else self.numbers[place]


class Head(NamedTuple):
    """Where a record begins, or what Python prints of an exception that nobody caught.

    Attributes:
        part: the number of the file.
        line: the number of the line.
        text: the line, of a record; empty where none is known.
        timed_out: whether a timeout was told of it.
    """

    part: int
    line: int
    text: str
    timed_out: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """The numbers of its file and line."""
        return self.part, self.line


class _Ending(NamedTuple):
    """The last lines of a block, from its last event on, up to a place; and the heads whose timeouts are counted."""

    stretch: Stretch
    end: int
    data: bytes
    told: set[tuple[int, int]]


@stateful
class Above:
    """Finds heads in the lines of a block, and in those before it.

    Attributes:
        reader: reads lines that are cut in some way.
        behind: whether a time stands behind the message.
    """

    reader: Callable[[Cut], Reader]
    behind: bool
    _head: Head | None = None
    _ending: _Ending | None = None
    # the last line before the block, if it may be a head
    _last: Head | None = None
    # whether lines are heads; and such as differ from them in nothing but times and numbers, by whether they have times
    _known: dict[str, bool] = field(default_factory=dict)
    _alike: dict[tuple[str, bool], bool] = field(default_factory=dict)

    def find(self, stretch: Stretch, lines: Lines, rows: Rows, row: int | None) -> Head | None:
        """The head of the record that the line before a row, or the last one, belongs to."""
        end = len(lines) if row is None else rows.place(row)
        above = lines.above(None if row is None else rows.start(row))
        return self._within(stretch, end, above)

    def remember(self, stretch: Stretch, lines: Lines, rows: Rows, last: int, told: set[tuple[int, int]]) -> None:
        """Keeps the lines in which the last head stands, to be looked for when it is asked for, which is rare.

        Args:
            stretch: where the lines of a block stand.
            lines: they.
            rows: those that can matter.
            last: the number of the last row that is an event; -1 for none.
            told: the heads whose timeouts are counted.
        """
        begin = rows.place(last) if last >= 0 else 0
        if last >= 0 and len(lines) - begin <= _KEPT:
            self._ending = _Ending(stretch, len(lines), lines.bytes(rows.start(last)), told)
        else:
            head = self.find(stretch, lines, rows, None)
            self._ending = None
            self._keep(head, told)
        if len(lines):
            end = Head(stretch.part, stretch.number(len(lines) - 1), next(iter(lines.above())))
            self._last = end._replace(timed_out=end.place in told) if _is_above(end.text) else None

    def _keep(self, head: Head | None, told: set[tuple[int, int]]) -> None:
        if head is not None:
            self._head = head._replace(timed_out=head.timed_out or head.place in told)

    def _before(self, *, begins: bool = False) -> Head | None:
        """The last head before the block, whose first line may begin a traceback."""
        if begins and self._last is not None:
            return self._last
        ending, self._ending = self._ending, None
        if ending is not None:
            above = upwards(ending.data, len(ending.data))
            self._keep(self._within(ending.stretch, ending.end, above), ending.told)
        return self._head

    def _within(self, stretch: Stretch, end: int, above: Iterable[str]) -> Head | None:
        """The last head above a place among the lines of a block, or before it."""
        uncaught: int | None = None
        begins = False
        for back, text in enumerate(above, 1):
            if uncaught is None and _UNCAUGHT.match(text):
                uncaught = stretch.number(end - back)
            elif self._is_head(text) or (begins and _is_above(text)):
                line = stretch.number(end - back)
                return Head(stretch.part, line if uncaught is None else uncaught, text)
            begins = uncaught is None and text.startswith(_TRACEBACK)
        before = self._before(begins=begins)
        return before if uncaught is None else Head(stretch.part, uncaught, before.text if before else "")

    def _is_head(self, text: str) -> bool:
        known = self._known.get(text)
        if known is None:
            cut = cut_of(text, behind=self.behind)
            marked = cut.marked(text)
            # what is a head is one whatever its numbers are
            alike = _NUMBER.sub("0", marked), bool(cut.spans)
            known = self._alike.get(alike)
            if known is None:
                known = self._alike[alike] = self.reader(cut).is_head(marked)
            self._known[text] = known
            for heads in (self._known, self._alike):
                if len(heads) > _KNOWN:
                    heads.clear()
        return known


def _is_above(text: str) -> bool:
    """Whether a traceback that begins right behind a line may belong to it."""
    return bool(text.strip()) and not text[0].isspace() and not text.startswith(_CHAINED) and not _UNCAUGHT.match(text)
