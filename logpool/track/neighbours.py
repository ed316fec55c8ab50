"""One stable sort by connection, then comparisons with the rows before: what each event does to its connection.

Every answer looks backwards only, so a batch needs no more of the past than one row per open connection: its
state, put in front of its events. That is why the way a log is cut into batches never changes a number.

Rows carry the time and place of an event as a *mark*: ``seq`` (its number in the whole analysis), ``time``,
``line``, ``source``, ``thread``; without the thread it is a *point*. ``life_*`` is the mark at which the connection's
life begins, ``out_*`` of its checkout, ``back_*`` of its return.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from logpool.schema import Detail, Kind, Reason

STATE = 255

POINT = {"seq": pl.Int64, "time": pl.Int64, "line": pl.Int64, "source": pl.UInt32}
MARK = {**POINT, "thread": pl.UInt32}
STATE_COLUMNS = {
    "key": pl.Int64,
    "kind": pl.UInt8,
    "shared": pl.Boolean,
    # the last event of the connection, and its mark
    "last": pl.UInt8,
    **MARK,
    # its life: whether it lasts, whether the log shows its beginning, how often it was checked out
    "alive": pl.Boolean,
    "born": pl.Boolean,
    "settled": pl.Boolean,
    "uses": pl.Int64,
    **{f"life_{name}": dtype for name, dtype in MARK.items()},
    # its checkout: whether it is out, was created for it, carries on another's
    "out": pl.Boolean,
    "fresh": pl.Boolean,
    "inherited": pl.Boolean,
    # microseconds between the return before it and its beginning
    "idle": pl.Int64,
    "out_key": pl.Int64,
    **{f"out_{name}": dtype for name, dtype in MARK.items()},
    # its return: whether the reset is awaited, whether a checkout in the log was returned
    "awaiting": pl.Boolean,
    "effective": pl.Boolean,
    # the checkout that its last event, a reset, made complete: the number of its check-out
    "completed": pl.Int64,
    **{f"back_{name}": dtype for name, dtype in MARK.items()},
}

_ROW = pl.int_range(pl.len(), dtype=pl.Int64)
_IS_STATE = pl.col("kind") == STATE
_SHARED = pl.col("shared")
#: a connection's key is its group times this, and its number
GROUP = 1 << 32


def _is(*kinds: Kind) -> pl.Expr:
    if len(kinds) == 1:
        return pl.col("kind") == int(kinds[0])
    return pl.col("kind").is_in([int(kind) for kind in kinds])


def _previous(*kinds: Kind) -> pl.Expr:
    return pl.col("previous").is_in([int(kind) for kind in kinds])


def _place(condition: pl.Expr) -> pl.Expr:
    """The place of the last row up to this one at which the condition held; -1 where there is none."""
    return pl.when(condition).then(_ROW).otherwise(-1).cum_max()


def _before(place: pl.Expr) -> pl.Expr:
    return place.shift(1, fill_value=-1)


def related(events: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """The events of tracked connections by connection, each with what it does.

    Args:
        events: ``key``, ``kind``, ``detail``, ``shared``, ``reason`` and a mark, in the log's order; ``more``: uses of
            the connection that were counted already, just before; ``time_before``, at which the last of these ended.
        states: of the keys among them that are known, as :data:`STATE_COLUMNS`.

    Returns:
        The rows of both, sorted by key, the state before its events, with:
        ``group``, and ``gap``: the microseconds since the row before, or the uses that were counted already;
        ``begins`` a life begins; ``ends`` it ends; ``late`` after it had ended;
        ``takes`` a checkout begins; ``inherits`` it goes on here, moved from a connection that failed;
        ``was_out`` the connection was out; ``gives`` the checkout ends; ``moves`` it moves;
        ``was_awaiting`` a return had no reset yet; ``resolves`` this event tells whether it gets one;
        ``unsettled`` the log's beginning hides whether it was out.
    """
    rows = pl.concat([states, events], how="diagonal").sort("key", maintain_order=True)
    for derived in (_neighbours(), _deeds(), _places(), _usage(), _effects()):
        rows = rows.with_columns_seq(**derived)
    return rows


# an event that shows a connection in use, although it was never checked out itself
_IN_USE = (
    Kind.PINGED,
    Kind.PING_FAILED,
    Kind.PING_SKIPPED,
    Kind.DISCONNECTED,
    Kind.RETURNED,
    Kind.RESET,
    Kind.INVALIDATED,
    Kind.SOFT_INVALIDATED,
)
# where nothing is reset: what failed before it was ready is closed hard
_DETACHED = _is(Kind.CLOSING) & (pl.col("detail") == int(Detail.SOFT))
_DROPPED = _is(Kind.RECLAIMED) & (pl.col("detail") == int(Detail.DROPPED))
# after a return: tells whether it got its reset
_RESOLVING = _DROPPED | _is(Kind.RESET, Kind.CHECKED_OUT, Kind.CREATED, Kind.CLOSING, Kind.INVALIDATED, Kind.RETURNED)
# what is said of a connection after its close
_EPILOGUE = _is(Kind.CLOSE_FAILED) | (_is(Kind.RECLAIMED) & (pl.col("detail") != int(Detail.DROPPED)))


@cache
def _neighbours() -> dict[str, pl.Expr]:
    key, time = pl.col("key"), pl.col("time")
    first = (key != key.shift(1)).fill_null(value=True)
    said = pl.when(_IS_STATE).then("last").otherwise("kind").shift(1, fill_value=0)
    return {
        "group": (key // GROUP).cast(pl.UInt32),
        "first": first,
        "previous": pl.when(first).then(pl.lit(0, pl.UInt8)).otherwise(said),
        "gap": time - pl.when(pl.col("more") > 0).then("time_before").otherwise(time.shift(1)),
    }


@cache
def _deeds() -> dict[str, pl.Expr]:
    over = _previous(Kind.CLOSING, Kind.RECLAIMED, Kind.CLOSE_FAILED)
    # who shares a connection may go on using it after another has closed it
    goes_on = _SHARED & _is(*_IN_USE)
    unborn = ~_IS_STATE & ~_EPILOGUE & (pl.col("first") | (over & ~goes_on))
    return {
        "begins": _is(Kind.CREATED) | unborn,
        "late": ~_is(Kind.CREATED) & unborn & over,
        "ends": _is(Kind.CLOSING) | _DROPPED,
        "takes": _is(Kind.CHECKED_OUT),
        "inherits": _previous(Kind.CREATED) & (_is(*_IN_USE) | _DETACHED),
        "gives": _is(Kind.RETURNED, Kind.INVALIDATED, Kind.CREATED, Kind.CLOSING) | _DROPPED,
    }


@cache
def _places() -> dict[str, pl.Expr]:
    """Where the connection's life, checkout, return and first certain event last began or ended."""
    returns = _is(Kind.RETURNED) & (pl.col("detail") != int(Detail.ALREADY_RESET))
    settling = _is(Kind.CREATED, Kind.CHECKED_OUT, Kind.RETURNED, Kind.RESET, Kind.RECYCLED, Kind.INVALIDATED)
    begun = pl.col("takes") | pl.col("inherits")
    return {
        "start_at": _place(pl.col("first")),
        "out_at": _place(begun | (_IS_STATE & pl.col("out"))),
        "given_at": _place(pl.col("gives") & ~_IS_STATE),
        # a state holds the marks of its last checkout even where that has been returned, and awaits its reset
        "taken_at": _place(begun | _IS_STATE),
        "back_at": _place(returns | (_IS_STATE & pl.col("awaiting"))),
        "cleared_at": _place(_RESOLVING & ~returns),
        "life_at": _place(pl.col("begins") | _IS_STATE),
        "over_at": _place(pl.col("ends") | (_IS_STATE & ~pl.col("alive"))),
        "settled_at": _place(settling | (_IS_STATE & pl.col("settled"))),
        "used_at": _place(begun | (_IS_STATE & (pl.col("uses") > 0))),
    }


@cache
def _usage() -> dict[str, pl.Expr]:
    """What the connection was when the event came, and what it is then.

    And how often it was checked out in this life, and whether the log shows the life's beginning.
    """
    not_first = ~pl.col("first")
    start, back, life = pl.col("start_at"), pl.col("back_at"), pl.col("life_at")
    out = (pl.col("out_at") > pl.col("given_at")) & (pl.col("out_at") >= start)
    awaiting = (back > pl.col("cleared_at")) & (back >= start)
    alive = (life > pl.col("over_at")) & (life >= start)
    use = (pl.col("takes") | pl.col("inherits")).cast(pl.Int64) + pl.col("more").fill_null(0)
    total = use.cum_sum()
    at_life = (total - use).gather(life.clip(0))
    known = pl.col("uses").fill_null(0).gather(life.clip(0))
    born = pl.when(_IS_STATE).then("born").otherwise(_is(Kind.CREATED))
    return {
        "back_before": _before(back),
        "was_out": (out.shift(1, fill_value=False) & not_first) | pl.col("inherits"),
        "was_awaiting": awaiting.shift(1, fill_value=False) & not_first,
        "was_alive": alive.shift(1, fill_value=False) & not_first,
        # what is said of a connection after its close, and nothing before, is of no life
        "was_settled": (_before(pl.col("settled_at")) >= pl.max_horizontal(life, start)) & not_first,
        "was_used": (_before(pl.col("used_at")) >= pl.max_horizontal(life, start)) & not_first,
        "is_out": out,
        "is_awaiting": awaiting,
        "is_alive": alive,
        "is_settled": pl.col("settled_at") >= pl.max_horizontal(life, start),
        "uses": total - at_life + known,
        "born": born.gather(life.clip(0)),
    }


@cache
def _effects() -> dict[str, pl.Expr]:
    failed = _previous(Kind.PING_FAILED, Kind.DISCONNECTED) | (pl.col("reason") == int(Reason.DISCONNECTION))
    own = ~_IS_STATE & ~_SHARED
    hidden = ~pl.col("was_settled") & ~pl.col("begins")
    return {
        "moves": own & _is(Kind.INVALIDATED) & (pl.col("was_out") | hidden) & failed.fill_null(value=False),
        "resolves": own & pl.col("was_awaiting") & _RESOLVING,
        "first_use": pl.col("takes") & pl.col("born") & ~pl.col("was_used"),
        "unsettled": own & ~pl.col("was_settled") & ~pl.col("was_out"),
    }
