"""Which numbers around a message name a process: a log's begin tells, where no layout does.

A number in brackets may be a process, and as well a status, a line of source code, an attempt. If it is a process, what
happens to a connection in it makes sense: taken, returned, reset, taken again. If it is none, a connection's events
fall apart among such numbers.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from logpool.read.around import PROCESSES
from logpool.read.cuts import cut_of
from logpool.read.heads import UNKNOWN, read_head
from logpool.read.lines import Block, Lines
from logpool.read.starts import STARTS
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# so many bytes of a log, fewer than are read at once, and so many lines of them tell what names its processes
_BEGIN_BYTES = 1 << 22
_BEGIN_LINES, _LOT_LINES = 20_000, 1000
# what most records of pools hold
_CONNECTION = "onnection "
# so many records are looked at to tell whether there are such numbers at all, fewer where their layout is known
_SHOWN, _KNOWN = 16, 4
# where they are processes, so many of the steps that make sense without them may make none with them: a connection that
# passes from one process to another makes one
_FEW, _SHARE = 3, 0.02
_STEPS = frozenset(
    {
        (Kind.CREATED, Kind.CHECKED_OUT),
        (Kind.CHECKED_OUT, Kind.RETURNED),
        (Kind.RETURNED, Kind.RESET),
        (Kind.RETURNED, Kind.CHECKED_OUT),
        (Kind.RETURNED, Kind.CLOSING),
        (Kind.RESET, Kind.CHECKED_OUT),
        (Kind.RESET, Kind.CLOSING),
    }
)


class Begin(NamedTuple):
    """A log's first blocks, and in them its first lines: the same ones, whatever the blocks.

    Attributes:
        blocks: as many as have all these lines; each is there until it is read.
    """

    blocks: deque[Block]

    @classmethod
    def of(cls, blocks: Iterator[Block]) -> Begin:
        """Takes as many blocks as tell what names the log's processes."""
        found: deque[Block] = deque()
        size = 0
        while size < _BEGIN_BYTES and (block := next(blocks, None)) is not None:
            found.append(block)
            size += block.lines.size
        return cls(found)

    @property
    def text(self) -> str:
        """The lines."""
        head = b"".join(block.lines.bytes() for block in self.blocks)[:_BEGIN_BYTES]
        # of a line that is longer than all that no more is needed
        return (head[: head.rfind(b"\n") + 1] or head).decode(errors="replace")

    def lots(self, text: str) -> Iterator[Block]:
        """These lines once more, some at a time."""
        lines = text.split("\n")
        for begin in range(0, min(len(lines), _BEGIN_LINES), _LOT_LINES):
            some = Lines.of(lines[begin : begin + _LOT_LINES])
            yield Block(begin + 1, some, some.size, split=self.blocks[0].split)

    def each_once(self) -> Iterator[Block]:
        """The blocks, which are let go one by one."""
        while self.blocks:
            yield self.blocks.popleft()


class Happening(NamedTuple):
    """What happens to a connection, as a record tells it."""

    kind: Kind
    pool: str | None
    process: str | None
    connection: int


def processes_of(head: str, told: Callable[[tuple[str, ...]], Iterable[Happening]]) -> tuple[str, ...]:
    """What names processes in a log, of :data:`logpool.read.around.PROCESSES`.

    Args:
        head: the first lines of the log.
        told: what these lines tell, if only some of them may name processes.
    """
    if not _are_shown(head):
        return PROCESSES
    enough = _steps(told(()))
    enough -= max(_FEW, round(_SHARE * enough))
    if _steps(told(PROCESSES)) >= enough:
        return PROCESSES
    return tuple(one for one in PROCESSES if _steps(told((one,))) >= enough)


def _are_shown(head: str) -> bool:
    """Whether some of the first records may name processes outside of any known layout."""
    known = 0
    for line in islice(records(head), _SHOWN):
        found = read_head(cut_of(line).marked(line))
        if found is None or not found.layout.startswith(UNKNOWN):
            known += 1
        elif found.record.process is not None:
            return True
        if known == _KNOWN:
            return False
    return False


def records(head: str) -> Iterator[str]:
    """The lines that are likely to be records of pools."""
    place = head.find(_CONNECTION)
    while place >= 0:
        end = head.find("\n", place)
        end = len(head) if end < 0 else end
        line = head[head.rfind("\n", 0, place) + 1 : end]
        if STARTS.search(line):
            yield line
        place = head.find(_CONNECTION, end)


def _steps(happenings: Iterable[Happening]) -> int:
    """How many steps from one event of a connection to the next make sense, if the processes are some."""
    last: dict[Happening, Kind] = {}
    count = 0
    for happening in happenings:
        whose = happening._replace(kind=Kind.CREATED)
        before = last.get(whose)
        count += before is not None and (before, happening.kind) in _STEPS
        last[whose] = happening.kind
    return count
