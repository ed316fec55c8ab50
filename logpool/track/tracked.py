"""The tables of what the fold brings to light: checkouts, lives, steps and incidents."""

from __future__ import annotations

import polars as pl

from logpool.track.neighbours import GROUP, MARK, POINT

# one row per checkout that ended, or did not
CHECKOUT = {
    "key": pl.Int64,
    **{f"out_{name}": dtype for name, dtype in POINT.items()},
    **{f"end_{name}": dtype for name, dtype in POINT.items()},
    "outcome": pl.UInt8,
    "fresh": pl.Boolean,
    "complete": pl.Boolean,
}
# one row per life that ended, or did not; "born" where the log shows its beginning; "seq" and "time" of its last event;
# "at_return" where the connection was closed as soon as it came back, as a pool does that has no room for it
LIFE = {
    "key": pl.Int64,
    **{f"life_{name}": dtype for name, dtype in POINT.items()},
    **{f"end_{name}": dtype for name, dtype in POINT.items()},
    "born": pl.Boolean,
    "dropped": pl.Boolean,
    "uses": pl.Int64,
    "seq": pl.Int64,
    "time": pl.Int64,
    "at_return": pl.Boolean,
}
# in the log's order: how many connections an event opens and closes, and how many more are in use from it on; with
# "out" comes the checkout that begins or ends, by its number and its thread, unless its connection is shared
CHANGES = {"opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
WHOSE = {"out_seq": pl.Int64, "out_thread": pl.UInt32}
STEP = {
    "seq": pl.Int64,
    "group": pl.UInt32,
    "time": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    **CHANGES,
    **WHOSE,
}
CHANGE = {"seq": pl.Int64, **CHANGES, **WHOSE}
# one row per return that psycopg's status shows to end inside a transaction
UNFINISHED = {
    "key": pl.Int64,
    **{f"out_{name}": dtype for name, dtype in POINT.items()},
    **{f"end_{name}": dtype for name, dtype in POINT.items()},
}
FAILURE = {"group": pl.UInt32, "kind": pl.UInt8, **MARK}
# of what does not happen to a healthy pool, or not often; no connection and no group where the record names none;
# "idle": the microseconds that the connection lay idle before the checkout that failed soon after its beginning;
# "held": those from the beginning of the checkout that failed
INCIDENT = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "kind": pl.UInt8,
    "detail": pl.UInt8,
    "shape": pl.UInt32,
    "idle": pl.Int64,
    "held": pl.Int64,
    **MARK,
}
# per group, of returns that end the use of a kept connection: the first, and the longest idle time before such a use
RESTED = {"group": pl.UInt32, "seq": pl.Int64, "idle": pl.Int64}
# where a connection first shows up without having been created
UNBORN = {"key": pl.Int64, "kind": pl.UInt8, **MARK}
# where a connection is created, of lives that are no whole ones
BIRTH = {"key": pl.Int64, "birth_seq": pl.Int64, "birth_time": pl.Int64}
# of events that the sequence is judged by in the end, when all is known; "completed": the checkout, by the number of
# its check-out, that the connection's event before, a reset, made complete
LATER = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "kind": pl.UInt8,
    "completed": pl.Int64,
    **MARK,
}

# where each shape first and last stands in a batch, and how often
ENDS = dict.fromkeys(("label", "first", "last", "count"), pl.Int64)


def group_of(key: str = "key") -> pl.Expr:
    """The group of a key."""
    return (pl.col(key) // GROUP).cast(pl.UInt32)


def connection_of(key: str = "key") -> pl.Expr:
    """The code of a key's connection."""
    return (pl.col(key) % GROUP).cast(pl.UInt32)


def keys_of(rows: pl.DataFrame) -> pl.Series:
    """The keys of rows with a ``group`` and a ``connection``: both in one number."""
    return (rows["group"].cast(pl.Int64) * GROUP + rows["connection"].cast(pl.Int64)).alias("key")


def groups_of(keys: pl.Series) -> pl.Series:
    """The groups of keys."""
    # a division without a remainder is exact, and nothing is asked of polars' threads
    return ((keys - keys % GROUP) / GROUP).cast(pl.UInt32).alias("group")


def lasting(rows: pl.DataFrame, begin: str) -> pl.DataFrame:
    """The ``group`` of each row, and the ``microseconds`` from one of its times to its ``end_time``."""
    return pl.DataFrame({"group": groups_of(rows["key"]), "microseconds": rows["end_time"] - rows[begin]})
