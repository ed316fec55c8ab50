"""Every word that a report may use: the kinds of event, and every table's columns with type, unit and meaning.

A kind's name is the alias in ``grammars/message.lark``, the value in the ``kind`` column and the word in every
report. Its number is what the tables hold while they are computed.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from typing import NamedTuple

#: times that tell no day count from the first of these dates, and those that tell no year from the second; whatever is
#: earlier than the third is one or the other, since there were no such logs before
DAYLESS, YEARLESS, DATED = date(1970, 1, 1), date(1972, 1, 1), date(2000, 1, 1)


class Kind(IntEnum):
    """What one pool record says happened."""

    CREATED = 1
    CONNECT_FAILED = 2
    CHECKED_OUT = 3
    PINGED = 4
    PING_FAILED = 5
    PING_SKIPPED = 6
    DISCONNECTED = 7
    RETURNED = 8
    RESET = 9
    RESET_FAILED = 10
    INVALIDATED = 11
    SOFT_INVALIDATED = 12
    RECYCLED = 13
    CLOSING = 14
    CLOSE_FAILED = 15
    RECONNECT_EXHAUSTED = 16
    RECREATED = 17
    DISPOSED = 18
    RECLAIMED = 19
    TIMED_OUT = 20
    TIMING = 21

    @property
    def word(self) -> str:
        """The kind as reports spell it."""
        return self.name.lower()


class Detail(IntEnum):
    """How or why, where a kind has several forms; ``NONE`` where it has one."""

    NONE = 0
    ALREADY_RESET = 1
    ROLLBACK = 2
    COMMIT = 3
    AGE = 4
    POOL_INVALIDATION = 5
    SOFT_INVALIDATION = 6
    SOFT = 7
    HARD = 8
    TERMINATED = 9
    DROPPED = 10
    CLOSING_FAILED = 11
    TERMINATING_FAILED = 12
    CANCELLED = 13
    TIME_TAKEN = 14
    AVERAGE = 15
    DONE = 16
    TOO_MANY_CLIENTS = 17
    LOGIN_REFUSED = 18
    UNKNOWN_DATABASE = 19
    STARTING_UP = 20
    UNKNOWN_HOST = 21
    CONNECTION_REFUSED = 22
    CONNECT_TIMEOUT = 23

    @property
    def word(self) -> str | None:
        """The detail as reports spell it."""
        return self.name.lower() if self else None


class Reason(IntEnum):
    """Why a connection was thrown away: the exception given, if any."""

    NONE = 0
    #: the pool's own at check-out, which makes it try another connection
    DISCONNECTION = 1
    OTHER = 2
    #: of a disconnection: it befell one connection, and not all
    INDIVIDUAL = 3


class End(IntEnum):
    """How a checkout ended, or that the log does not show its end."""

    OPEN = 0
    RETURNED = 1
    INVALIDATED = 2
    MOVED = 3
    FAILED = 4
    DETACHED = 5
    RECLAIMED = 6
    LOST = 7

    @property
    def word(self) -> str:
        """The end as reports spell it."""
        return self.name.lower()


class Cause(IntEnum):
    """What closed a connection."""

    UNKNOWN = 0
    OVERFLOW = 1
    NULLPOOL = 2
    AGE = 3
    POOL_INVALIDATION = 4
    SOFT_INVALIDATION = 5
    INVALIDATED = 6
    PING_FAILED = 7
    DISPOSED = 8
    DETACHED = 9
    RECLAIMED = 10
    RESET_FAILED = 11
    NOT_READY = 12
    #: in use, and not reset before: detached if the pool resets nothing at all, which only the whole log tells
    TAKEN = 13

    @property
    def word(self) -> str:
        """The cause as reports spell it."""
        return self.name.lower()


class Column(NamedTuple):
    """One column of a public table."""

    name: str
    type: str
    meaning: str


EVENTS = (
    Column("path", "string", "the file that the record stands in"),
    Column("line", "int64", "the record's head line in it, from 1"),
    Column(
        "time",
        "datetime[us]",
        "when it was logged, null where it has no time; where all logs have an offset from UTC, with the zone UTC",
    ),
    Column("kind", "string", "what happened"),
    Column(
        "detail",
        "string",
        "how or why: a reset's and a closing's way, a recycling's and a failed connect's reason; else null",
    ),
    Column("pool", "string", "the pool's logger"),
    Column("process", "string", "the process, where the layout shows one"),
    Column("thread", "string", "the thread, where the layout shows one"),
    Column("driver", "string", "the dotted name of the connection's class"),
    Column(
        "connection",
        "string",
        "what tells the connection apart while it lives: its address; null where it has none",
    ),
    Column("reason", "string", "the exception's class, of an invalidation or a disconnection"),
    Column("seconds", "float64", "of a timing: the seconds that it states"),
)

CHECKOUTS = (
    Column("pool", "string", "the pool's logger"),
    Column("process", "string", "the process, where the layout shows one; else the source"),
    Column("connection", "string", "the address of the connection that was checked out"),
    Column("path", "string", "the file in which it was checked out"),
    Column("line", "int64", "the line at which it was checked out"),
    Column("start", "datetime[us]", "when it was checked out"),
    Column("end_path", "string", "the file in which it ended; null while open"),
    Column("end_line", "int64", "the line at which it ended; null while open"),
    Column("end", "datetime[us]", "when it ended; null while open"),
    Column("hold_seconds", "float64", "from start to end; null where either is unknown"),
    Column("fresh", "bool", "whether the connection was created for it"),
    Column("outcome", "string", "returned, invalidated, failed, detached, reclaimed, lost or open"),
    Column("complete", "bool", "whether it reads checked_out, returned, reset"),
)

CONNECTIONS = (
    Column("pool", "string", "the pool's logger"),
    Column("process", "string", "the process, where the layout shows one; else the source"),
    Column("connection", "string", "its address"),
    Column("path", "string", "the file in which its life begins, or is first seen"),
    Column("line", "int64", "the line there"),
    Column("created", "datetime[us]", "when it was created; null when the log does not show it (left-censored)"),
    Column("end_path", "string", "the file in which it ends; null while open"),
    Column("end_line", "int64", "the line there; null while open"),
    Column("closed", "datetime[us]", "when it was closed or dropped; null while open"),
    Column("life_seconds", "float64", "from created to closed; null where either is unknown"),
    Column("outcome", "string", "closed, dropped or open"),
    Column("checkouts", "int64", "how many check-outs the log shows in its life"),
)

#: what an analysis may find, by the code that names it in every report
FINDINGS = {
    "pool_exhausted": "callers waited for a connection, or got none",
    "connection_leak": "connections are never returned",
    "reclaimed_by_gc": "connections were never returned, until the garbage collector found them",
    "sequence_violation": "the order checked out, returned, reset is broken",
    "nested_checkouts": "threads hold a connection while they ask for another",
    "held_too_long": "connections are kept for long",
    "idle_in_transaction": "connections are kept for long inside a transaction",
    "fork_shared": "forked processes use the connections of their parent",
    "cancelled_in_use": "connections are lost to cancelled tasks",
    "event_loop_mismatch": "connections are used in another event loop than they were made in",
    "invalidated_in_use": "connections are thrown away for no fault of the server's",
    "reset_failures": "connections could not be reset when they came back",
    "commit_on_return": "the pool commits what comes back",
    "connect_errors": "connections could not be made",
    "invalidation_storm": "many connections failed at once",
    "stale_connections": "connections were closed by the other side while they lay idle",
    "overflow_churn": "connections are thrown away, and made anew, all the time",
    "nullpool_churn": "connections are made all the time, where a pool would keep them",
    "engine_per_request": "connections are thrown away with the engine that made them",
    "recycle_churn": "connections are replaced for their age all the time",
    "abandoned_connections": "connections ended without a record, and others have their addresses",
    "ping_failures": "connections were found dead when they were checked out",
    "left_out_at_end": "connections are still in use where the log ends",
    "mixed_processes": "several processes are in one log, which does not show which is which",
    "books_unbalanced": "records are missing, or doubled",
    "duplicate_records": "every record stands twice, or more often",
    "damaged_input": "part of the input could not be read",
    "info_only": "the log holds no check-outs",
    "clock_steps": "times go backwards",
    "no_reset_on_return": "the pool does not reset what comes back",
    "unidentified_connections": "the driver prints nothing that tells connections apart",
    "unrecognised_records": "records of pool loggers are not understood",
}
