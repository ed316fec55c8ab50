"""What the lines of a log have in common: each shape of record, parsed once, and known by a number from then on."""

from __future__ import annotations

import re
from dataclasses import field
from enum import IntEnum
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import dataclass, stateful
from logpool.late import pl, regex
from logpool.native.cutting import Out
from logpool.native.texts import Texts
from logpool.native.variables import JOINS, MAY_JOIN
from logpool.read.grammar import Message, parse_message
from logpool.read.nameless import is_in_doubt
from logpool.read.records import Head, Record, is_pool_logger, is_pool_module, without_function
from logpool.read.rests import PARTS_OF_IDS
from logpool.read.starts import STARTS, bounded
from logpool.read.wrappers import is_continued
from logpool.schema import Kind, Reason

if TYPE_CHECKING:
    from logpool.read.cuts import Cut
    from logpool.read.formats import HeadReader
    from logpool.read.rests import Rest

# the first numbers are no events: a line of another logger, a pool record that the grammar does not know, a line
# that is no record's head, and one of those that tells of a pool timeout
# the last is no answer: another cut has to take the line's times out
OTHER, UNRECOGNISED, CONTINUATION, TIMED_OUT_INSIDE, UNFIT = range(5)
NO_EVENT = 5

UNKNOWN_POOL = "unknown"
#: pools without a limit, or with one that nobody waits at
LIMITLESS = frozenset({"NullPool", "StaticPool", "SingletonThreadPool", "AssertionPool"})
TIMED_OUT_TEXT = "connection timed out, timeout"
_TIMEOUT = regex(r"(?<!\w)\w*Pool limit of size -?\d+ overflow -?\d+ reached, connection timed out, timeout [\d.]+")
# lines that are always read, however few of their kind there are
_LIKE_A_POOLS = regex(r"sqlalchemy\.pool|onnection")
# what does not hold one of these is no record of a pool
_MAY_MATTER = regex(rf"{STARTS.pattern}|[A-Z]\w*Pool\b|sqlalchemy\.pool|{TIMED_OUT_TEXT}")
#: the same for columns, where nothing can look ahead
MAY_MATTER = re.sub(r"\(\?=\.\{1,\d+\}(.*?\))\)", r".+\1", _MAY_MATTER.pattern)
# the message goes on in a way in which none does
_LIKE_A_RECORD = regex(rf"sqlalchemy\.pool\b.*?(?:{STARTS.pattern})", re.DOTALL)
# the logger is not shown, or is the one of whoever has none
_NOBODYS = frozenset({None, "root"})
_SHARED = regex(r"StaticPool|SingletonThreadPool")
#: exception classes by which the pool itself throws a connection away at check-out, to try another
DISCONNECTIONS = frozenset({"DisconnectionError", "InvalidatePoolError"})
# what psycopg calls a transaction that nothing runs in: open, or failed and not yet rolled back
_IN_TRANSACTION = frozenset({"INTRANS", "INERROR"})
_CACHED_TEXTS = 1 << 18
#: words that tell whether a record is a pool's, and what its shape is
WORDS_OF_RECORDS = ("sqlalchemy", TIMED_OUT_TEXT, "limit of size overflow reached", *DISCONNECTIONS, *_IN_TRANSACTION)


@dataclass(frozen=True)
class Shape:
    """All that records of one shape have in common: everything but time, connection and thread.

    Attributes:
        message: what they say; its connection has no identity.
        pool: the pool's logger; None where no pool is concerned (a timeout, a timing).
        source: the number of the source.
        process: the process as the layout shows it.
        layout: the name of the layout.
    """

    message: Message
    pool: str | None
    source: int
    process: str | None
    layout: str


def split_pool_name(logger: str) -> tuple[str, str | None]:
    """A pool logger's pool class and logging name, as in ``sqlalchemy.pool.impl.QueuePool.web``."""
    parts = logger.split(".")
    for index, part in enumerate(parts):
        if part[:1].isupper() and "Pool" in part:
            return part, ".".join(parts[index + 1 :]) or None
    return (parts[-1] if logger != UNKNOWN_POOL and parts[-1][:1].isupper() else UNKNOWN_POOL), None


@stateful
class Vocabulary:
    """The shapes, connections and threads of all sources, by number.

    Attributes:
        shapes: by number; the first few numbers are no events.
        connections: the identities of connections, and the seconds of timings.
        threads: the threads as layouts show them.
    """

    shapes: list[Shape | None] = field(default_factory=lambda: [None] * NO_EVENT)
    connections: Texts = field(default_factory=Texts)
    threads: Texts = field(default_factory=Texts)
    _numbers: dict[Shape, int] = field(default_factory=dict)
    _groups: dict[tuple[int, str | None, str], int] = field(default_factory=dict)
    _group_list: list[tuple[int, str | None, str]] = field(default_factory=list)
    _frame: pl.DataFrame | None = None
    _in_transaction: list[int] = field(default_factory=list)
    _looked_through: int = 0
    lock: Lock = field(default_factory=Lock)

    def add(self, shape: Shape) -> int:
        """The number of a shape."""
        number = self._numbers.get(shape)
        if number is None:
            number = self._numbers[shape] = len(self.shapes)
            self.shapes.append(shape)
        return number

    def connection(self, identity: str) -> int:
        """The number of a connection."""
        with self.lock:
            return self.connections.add(identity)

    def thread(self, name: str) -> int:
        """The number of a thread."""
        with self.lock:
            return self.threads.add(name)

    @property
    def groups(self) -> list[tuple[int, str | None, str]]:
        """The pools of each process, by group number: source, process, pool. Not to be changed."""
        return self._group_list

    def waited_for(self, shape: int) -> list[int]:
        """The groups whose pools may be meant by a timeout: those of its process that have a limit.

        Where it tells no process, or one that no pool is known of, they are those of its log.
        """
        known = self.shapes[shape]
        found = [
            group
            for group, (source, _, pool) in enumerate(self._group_list)
            if known is not None and source == known.source and split_pool_name(pool)[0] not in LIMITLESS
        ]
        own = [group for group in found if known is not None and self._group_list[group][1] == known.process]
        return own or found

    def frame(self) -> pl.DataFrame:
        """The shapes as a table, row i for number i, with what the fold looks at.

        Columns: ``kind``, ``detail`` (numbers of :mod:`logpool.schema`), ``group`` (a pool in a process; null for
        no pool), ``shared`` (whether one connection may have several users), ``reason``.
        """
        with self.lock:
            if self._frame is None or self._frame.height != len(self.shapes):
                done = self._frame.height if self._frame is not None else 0
                rows = [self._row(shape) for shape in self.shapes[done:]]
                schema = {
                    "kind": pl.UInt8,
                    "detail": pl.UInt8,
                    "group": pl.UInt32,
                    "shared": pl.Boolean,
                    "reason": pl.UInt8,
                }
                more = pl.DataFrame(rows, schema=schema, orient="row")
                self._frame = more if self._frame is None else pl.concat([self._frame, more])
            return self._frame

    def in_transaction(self) -> list[int]:
        """The numbers of the shapes whose connection, as psycopg prints it, is idle inside a transaction."""
        done, self._looked_through = self._looked_through, len(self.shapes)
        for number, shape in enumerate(self.shapes[done : self._looked_through], done):
            connection = None if shape is None else shape.message.connection
            if connection is not None and connection.status in _IN_TRANSACTION:
                self._in_transaction.append(number)
        return self._in_transaction

    def _row(self, shape: Shape | None) -> tuple[int, int, int | None, bool, int]:
        if shape is None:
            return 0, 0, None, False, 0
        group = None
        if shape.pool is not None:
            of_a_process = (shape.source, shape.process, shape.pool)
            group = self._groups.setdefault(of_a_process, len(self._groups))
            if group == len(self._group_list):
                self._group_list.append(of_a_process)
        message = shape.message
        shared = shape.pool is not None and bool(_SHARED.search(shape.pool))
        return int(message.kind), int(message.detail), group, shared, int(_reason(message))


def _reason(message: Message) -> Reason:
    if message.kind is Kind.DISCONNECTED and message.connection is not None:
        return Reason.INDIVIDUAL
    if message.reason is None:
        return Reason.NONE
    return Reason.DISCONNECTION if message.reason in DISCONNECTIONS else Reason.OTHER


class Naming(IntEnum):
    """What names the connection of a rest, or tells a timing from its like."""

    #: nothing, or the rest itself, whatever the address that was taken out of it
    FIXED = 0
    #: that address: then it says the same with any other
    ADDRESS = 1
    #: the seconds in it
    SECONDS = 2
    #: something else: each such rest must be looked up by itself
    SINGLE = 3


class Parsed(NamedTuple):
    """What a rest is.

    Attributes:
        shape: its shape, or one of the numbers of what is no event.
        identity: that of the connection in it, or the seconds of a timing; None where there is neither.
        thread: the thread as the layout shows it; None where it shows none.
    """

    shape: Shape | int
    identity: str | None = None
    thread: str | None = None


class Numbered(NamedTuple):
    """What a rest is, by number.

    Attributes:
        shape: the number of its shape.
        naming: what names the connection in it.
        identity: that connection's, or the seconds of a timing; None where there is neither.
        thread: the number of its thread; None where none is shown.
    """

    shape: int
    naming: Naming
    identity: str | None
    thread: int | None


@stateful
class Reader:
    """Rests to shapes, for the lines of one source that one cut fits.

    Attributes:
        functions: whether the function stands behind a pool's logger.
        known: by its key, and by what was taken out, what was learned of a rest.
    """

    vocabulary: Vocabulary
    source: int
    heads: HeadReader
    cut: Cut
    functions: bool = False
    known: dict[tuple[str, Out], Numbered] = field(default_factory=dict)

    def learned(self, rest: Rest) -> Numbered | None:
        """What a rest is; known from then on by its key, unless each must be looked up by itself.

        None where an id that was taken out matters: it is part of a process or a connection, say, or stands before a
        time, of which its length tells the place. Likewise where the thread stands elsewhere than it was taken out.
        """
        parsed = self.parsed(rest)
        shape, thread = parsed.shape, parsed.thread
        naming = self._naming(parsed, rest)
        if rest.has_ids:
            told = repr(parsed)
            if shape == UNFIT or naming is Naming.SINGLE or any(part in told for part in PARTS_OF_IDS):
                return None
        if rest.thread is not None:
            if thread is None or _without_variables(thread, rest.out) != _without_variables(rest.thread, rest.out):
                return None
            # each line has its own
            thread = None
        with self.vocabulary.lock:
            number = shape if isinstance(shape, int) else self.vocabulary.add(shape)
            thread_number = None if thread is None else self.vocabulary.threads.add(thread)
        found = Numbered(number, naming, parsed.identity, thread_number)
        if len(self.known) > _CACHED_TEXTS:
            self.known.clear()
        if found.naming is not Naming.SINGLE:
            self.known[rest.key, rest.out] = found
        return found

    def _naming(self, parsed: Parsed, rest: Rest) -> Naming:
        shape, identity = parsed.shape, parsed.identity
        if rest.seconds is not None and isinstance(shape, Shape) and shape.message.kind is Kind.TIMING:
            return Naming.SECONDS
        if identity is None or rest.address is rest.seconds is None:
            return Naming.FIXED
        if rest.address is None:
            return Naming.SINGLE
        if identity == rest.address and identity not in rest.key:
            return Naming.ADDRESS
        # it may be anybody's, as of a task; then it makes no difference, even where it is the same
        others = (f"0x7f182736{number:04x}" for number in count())
        other = next(other for other in others if other not in f"{rest.address} {rest.key}")
        varied = self.parsed(rest._replace(address=other))
        if varied == parsed._replace(identity=other):
            return Naming.ADDRESS
        return Naming.FIXED if rest.seconds is None and varied == parsed else Naming.SINGLE

    def parsed(self, rest: Rest) -> Parsed:
        """What a rest is, read as if it were the first one."""
        whole = self.cut.restored(rest.text)
        text = bounded(whole)
        # it may stand far behind, in the exception
        timeout = _TIMEOUT.search(whole) if TIMED_OUT_TEXT in whole else None
        if timeout is None and not _MAY_MATTER.search(text):
            # nothing but a pool's own record, or a timeout, makes any difference
            return Parsed(OTHER)
        return self._read(text, timeout)

    def owns(self, rest: Rest) -> bool:
        """Whether the line with a rest is one of the cut's own: no other time stands in it that is the record's."""
        return not self.cut.spans or self.cut.owns(bounded(self.cut.restored(rest.text)))

    def _read(self, text: str, timeout: re.Match[str] | None) -> Parsed:
        if self.cut.spans and not self.cut.owns(text):
            return Parsed(UNFIT)
        head = self.heads(text)
        if head is None:
            return Parsed(self._headless(text, timeout))
        record = head.record
        # in JSON it stands beside the message, in the exception
        if timeout:
            return Parsed(self._timeout(timeout[0], head), thread=record.thread)
        message = pool_message(record)
        if message is None:
            on_pool = record.logger is not None and is_pool_logger(record.logger)
            # a pool class of the user's own may say what it likes
            doubtful = (on_pool and _LIKE_A_POOLS.search(text)) or (record.logger in _NOBODYS and is_in_doubt(text))
            return Parsed(UNRECOGNISED if doubtful else OTHER)
        if message.kind is Kind.TIMING:
            # what tells timings apart is their seconds
            return Parsed(self._shape(message, None, head), None if message.number is None else str(message.number))
        identity = message.connection.identity if message.connection else None
        pool = _pool_of(record.logger)
        pool = without_function(pool) if self.functions else pool
        return Parsed(self._shape(message, pool, head), identity, record.thread)

    def _headless(self, text: str, timeout: re.Match[str] | None) -> Shape | int:
        """A line that no layout fits: a pool's, if its message begins as one does; of another logger, if it has a time.

        Else it belongs to the record above.
        """
        is_record = self.cut.spans and not is_continued(text)
        if timeout:
            return self._timeout(timeout[0], Head(Record(text), "")) if is_record else TIMED_OUT_INSIDE
        if _LIKE_A_RECORD.search(text) or is_in_doubt(text):
            return UNRECOGNISED
        return OTHER if is_record else CONTINUATION

    def is_head(self, text: str) -> bool:
        """Whether a line, its times marked, is a record's head."""
        text = bounded(text)
        return (bool(self.cut.spans) and not is_continued(text)) or self.heads(text) is not None

    def _shape(self, message: Message, pool: str | None, head: Head) -> Shape:
        # a timing is nobody's
        process = None if message.kind is Kind.TIMING else head.record.process
        return Shape(message.without_identity(), pool, self.source, process, head.layout)

    def _timeout(self, text: str, head: Head) -> Shape:
        return self._shape(parse_message(text) or Message(Kind.TIMED_OUT), None, head)

    def timed_out(self, text: str, above: Head | None = None) -> int:
        """The shape of the timeout that a line tells of which is no head.

        Args:
            text: the line.
            above: the head that it belongs to; None where no layout fits that.
        """
        found = _TIMEOUT.search(text)
        head = Head(Record(text, process=above.record.process), above.layout) if above else Head(Record(text), "")
        with self.vocabulary.lock:
            return self.vocabulary.add(self._timeout(found[0] if found else text, head))


def _pool_of(logger: str | None) -> str:
    return UNKNOWN_POOL if logger is None or is_pool_module(logger) else logger


def _without_variables(text: str, out: Out) -> str:
    if out < Out.WORDS:
        return re.sub(r"\d", "0", text)
    joins = re.escape(JOINS if out is Out.WORDS else JOINS + MAY_JOIN)
    return re.sub(rf"[^\W_]+(?:[{joins}]+[^\W_]+)*", "0", text)


def pool_message(record: Record) -> Message | None:
    """What a record says about a pool; None where it says nothing, or is not the pool's to say."""
    message = parse_message(record.message)
    if message is None or record.logger is None or is_pool_logger(record.logger):
        return message
    # on any other logger only what names a connection as drivers print it: a pool class of the user's own
    named = message.connection is not None and message.connection.driver != UNKNOWN_POOL
    return message if named else None
