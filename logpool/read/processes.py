"""Which numbers around a message name a process: a log's begin tells, where no layout does.

A number in brackets may be a process, and as well a status, a line of source code, an attempt. If it is a process, what
happens to a connection in it makes sense: taken, returned, reset, taken again. If it is none, a connection's events
fall apart among such numbers.

Of a number that is a field of its own, or of a worker's name, more is asked: that without it the log contradicts
itself, as forked processes do whose connections have the same addresses, that with it this comes to an end, and that
who uses a connection is who created it. A thread's number does no such thing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from logpool.read.around import GUESSES, PROCESSES
from logpool.read.cuts import cut_of
from logpool.read.heads import UNKNOWN, read_head
from logpool.read.lines import Block, Lines
from logpool.read.starts import STARTS
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from logpool.read.records import Head

# so many bytes of a log, fewer than are read at once, and so many lines of them tell what names its processes
_BEGIN_BYTES = 1 << 22
_BEGIN_LINES, _LOT_LINES = 20_000, 1000
# what most records of pools hold
_CONNECTION = "onnection "
# so many records are looked at to tell whether there are such numbers at all, fewer where their layout is known
_SHOWN, _KNOWN, _LAST_BYTES = 16, 4, 1 << 14
# of these, so large a share at most has a process of its own
_OTHERS = 0.75
# where they are processes, so many of the steps that make sense without them may make none with them: a connection that
# passes from one process to another makes one
_FEW, _SHARE = 3, 0.02
# and so large a share of the records must have one: a number beside some threads only is none
_MOST = 0.5
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
# so many contradictions are no chance; of what explains them, so small a share is left, each process has so many
# events, and so large a share of the connections that are seen being created are created where they are used
_MANY, _LEFT, _EVENTS, _CREATED = 5, 0.1, 20, 0.8
# of what happens to a connection, what can follow itself or anything else only in another process
_USES = frozenset({Kind.CREATED, Kind.CHECKED_OUT, Kind.RETURNED, Kind.CLOSING})
_MAY_FOLLOW = frozenset(
    {
        (Kind.CREATED, Kind.CHECKED_OUT),
        # it carries on the use of one that failed
        (Kind.CREATED, Kind.RETURNED),
        (Kind.CREATED, Kind.CLOSING),
        (Kind.CHECKED_OUT, Kind.RETURNED),
        (Kind.CHECKED_OUT, Kind.CLOSING),
        (Kind.RETURNED, Kind.CHECKED_OUT),
        (Kind.RETURNED, Kind.CLOSING),
        (Kind.CLOSING, Kind.CREATED),
    }
)
# these hand one connection to several users
_SHARED = ("StaticPool", "SingletonThreadPool")


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
    """What names processes in a log, of :data:`logpool.read.around.PROCESSES` and ``GUESSES``.

    Args:
        head: the first lines of the log.
        told: what these lines tell, if only some of them may name processes.
    """
    shown = _shown(head)
    if shown is None:
        return PROCESSES
    # another layout may follow
    shown |= _shown(head[-_LAST_BYTES:]) or set()
    plain = list(told(())) if shown else []
    found = () if shown.isdisjoint(PROCESSES) else _likely(plain, told)
    return found or _guessed(plain, [one for one in GUESSES if one in shown], told)


def _likely(plain: list[Happening], told: Callable[[tuple[str, ...]], Iterable[Happening]]) -> tuple[str, ...]:
    """What names the processes of most records, if nothing falls apart by it."""
    enough = _steps(plain)
    enough -= max(_FEW, round(_SHARE * enough))

    def makes_sense(*ways: str) -> bool:
        happenings = list(told(ways))
        named = sum(happening.process is not None for happening in happenings)
        return _MOST * len(happenings) <= named and _steps(happenings) >= enough

    return PROCESSES if makes_sense(*PROCESSES) else tuple(one for one in PROCESSES if makes_sense(one))


def _guessed(
    plain: list[Happening], guesses: list[str], told: Callable[[tuple[str, ...]], Iterable[Happening]]
) -> tuple[str, ...]:
    """The one that explains what contradicts itself without it; nothing where nothing does, or none explains it."""
    without = _Account.of(plain)
    if without.torn < _MANY:
        return ()
    accounts = [(one, _Account.of(told((one,)))) for one in guesses]
    explained = [(account.torn, one) for one, account in accounts if account.explains(without)]
    return (min(explained)[1],) if explained else ()


def _shown(head: str) -> set[str] | None:
    """What may name processes in some of the first records, outside of any known layout; None where all are of one.

    What is another one nearly each time is a guess that need not be tried.
    """
    unknown = 0
    known = 0
    shown: defaultdict[str, list[Head | None]] = defaultdict(list)
    for line in islice(records(head), _SHOWN):
        text = cut_of(line).marked(line)
        found = read_head(text, ())
        if found is None or not found.layout.startswith(UNKNOWN):
            known += 1
        else:
            unknown += 1
            for one in (*PROCESSES, *GUESSES):
                told = read_head(text, (one,))
                if told != found:
                    shown[one].append(told)
        if known == _KNOWN:
            break
    if not unknown:
        return None
    return {one for one, heads in shown.items() if one in PROCESSES or _recur(heads)}


def _recur(heads: list[Head | None]) -> bool:
    """Whether processes are shown again and again."""
    return len({head and head.record.process for head in heads}) <= _OTHERS * len(heads)


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


class _Account(NamedTuple):
    """What is told of connections, if the processes are some.

    Attributes:
        events: how many there are.
        processes: likewise.
        torn: how often something happens to a connection that cannot, after what happened to it before.
        created: the share of the connections, each in each process, of which the first event is that.
    """

    events: int
    processes: int
    torn: int
    created: float

    @classmethod
    def of(cls, happenings: Iterable[Happening]) -> _Account:
        last: dict[Happening, Kind] = {}
        events = torn = created = 0
        for happening in happenings:
            kind = happening.kind
            if kind not in _USES or any(shared in (happening.pool or "") for shared in _SHARED):
                continue
            whose = happening._replace(kind=Kind.CREATED)
            before = last.get(whose)
            events += 1
            created += before is None and kind is Kind.CREATED
            torn += before is not None and (before, kind) not in _MAY_FOLLOW
            last[whose] = kind
        return cls(events, len({whose.process for whose in last}), torn, created / max(1, len(last)))

    def explains(self, without: _Account) -> bool:
        """Whether these processes explain what contradicts itself without them."""
        return (
            self.torn <= _LEFT * without.torn
            and self.processes * _EVENTS <= self.events
            and self.created >= _CREATED * without.created
        )
