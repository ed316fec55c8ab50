"""Whole uses and whole lives: what nearly every record of a pool tells, taken out of a batch at once.

A whole use reads ``checked_out``, ``returned``, ``reset``. Between two others of the same connection it changes
nothing for what comes after it: the connection is idle before and after. A whole life reads ``created``, one whole
use, ``closing``. Where nothing of the connection is open before it, and it is created anew after it or not named
again, it changes nothing either. So both are taken out and counted as what they are, and only what is left is
related to its neighbours, row by row.

The first and the last of a row of uses stay, so that what comes before and after finds its neighbours, and so does
whatever the batch's edge cuts. That is why the cut into batches changes no number.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from logpool.schema import Detail, Kind

# what the rows of whole uses and lives are called here; every other row of a connection is OTHER
CREATED, TAKEN, RETURNED, RESET, CLOSED, OTHER = range(1, 7)
_ROLES = {Kind.CREATED: CREATED, Kind.CHECKED_OUT: TAKEN, Kind.RESET: RESET, Kind.CLOSING: CLOSED}

_USE = 3
_LIFE = 5


def role_of(kind: Kind, detail: Detail) -> int:
    """The part that an event can have in a whole use or life."""
    if kind is Kind.RETURNED:
        # no reset follows where the return itself says that there was nothing to reset
        return OTHER if detail is Detail.ALREADY_RESET else RETURNED
    return _ROLES.get(kind, OTHER)


class Wholes(NamedTuple):
    """One batch, by what was taken out of it. Places are those of its events.

    Attributes:
        keys: of the connections in it, each once.
        uses: ``key``; ``begin`` and ``end``, the places of ``checked_out`` and ``returned``; ``before``, that of the
            connection's event before; ``fresh``.
        lives: ``key``; ``begin``, ``back`` and ``end``, the places of ``created``, ``reset`` and ``closing``.
        rest: of the events that are left, by connection: ``key``, ``place``; ``before``, the place of the connection's
            event before, if any; ``more``, how many uses were taken out just before.
    """

    keys: pl.Series
    uses: pl.DataFrame
    lives: pl.DataFrame
    rest: pl.DataFrame


def without_wholes(events: pl.DataFrame, known: pl.Series) -> Wholes:
    """Takes whole uses and lives out of a batch.

    Args:
        events: ``key``, ``place`` and ``role`` of the events of connections, in the log's order.
        known: the keys of the connections that are open before it.
    """
    by_key = events.select("key", row=pl.int_range(pl.len(), dtype=pl.UInt32)).group_by("key", maintain_order=True)
    grouped = by_key.agg("row")
    rows = events[grouped["row"].explode()]
    key, role = pl.col("key"), pl.col("role")
    rows = rows.with_columns(
        use=(role == TAKEN)
        & (role.shift(-1) == RETURNED)
        & (role.shift(-2) == RESET)
        & (key == key.shift(-2)).fill_null(value=False),
        first=(key != key.shift(1)).fill_null(value=True),
    )
    use, first = pl.col("use"), pl.col("first")
    rows = rows.with_columns(
        inner=use
        & use.shift(_USE, fill_value=False)
        & use.shift(-_USE, fill_value=False)
        & (key.shift(_USE) == key.shift(-_USE)).fill_null(value=False),
        life=(role == CREATED)
        & use.shift(-1, fill_value=False)
        & (role.shift(1 - _LIFE) == CLOSED)
        & (key == key.shift(1 - _LIFE)).fill_null(value=False)
        & (first | (role.shift(1) == CLOSED))
        & (first.shift(-_LIFE, fill_value=True) | (role.shift(-_LIFE) == CREATED)),
    )
    inner, life = rows["inner"], rows["life"].fill_null(value=False)
    open_before = rows.filter(life & rows["first"])["key"]
    open_before = open_before.filter(open_before.is_in(known.implode()))
    if len(open_before):
        life &= ~(rows["first"] & rows["key"].is_in(open_before.implode()))
    return Wholes(grouped["key"], _uses(rows, inner, life), _lives(rows, life), _rest(rows, inner, life))


def _later(marks: pl.Series, rows: int) -> pl.Series:
    return marks.shift(rows).fill_null(value=False)


def _uses(rows: pl.DataFrame, inner: pl.Series, life: pl.Series) -> pl.DataFrame:
    fresh = _later(life, 1)
    taken = inner | fresh
    return pl.DataFrame(
        {
            "key": rows["key"].filter(taken),
            "before": rows["place"].shift(1).filter(taken),
            "begin": rows["place"].filter(taken),
            "end": rows["place"].filter(_later(taken, 1)),
            "fresh": fresh.filter(taken),
        }
    )


def _lives(rows: pl.DataFrame, life: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "key": rows["key"].filter(life),
            "begin": rows["place"].filter(life),
            "back": rows["place"].filter(_later(life, _LIFE - 2)),
            "end": rows["place"].filter(_later(life, _LIFE - 1)),
        }
    )


def _rest(rows: pl.DataFrame, inner: pl.Series, life: pl.Series) -> pl.DataFrame:
    gone = inner | life
    for marks, size in ((inner, _USE), (life, _LIFE)):
        for row in range(1, size):
            gone |= _later(marks, row)
    # what was taken out between two rows is of their connection: a row of uses has kept its ends
    before = pl.when(~pl.col("first")).then(pl.col("place").shift(1))
    left = rows.select("key", "place", before=before, more=inner.cum_sum().cast(pl.Int64)).filter(~gone)
    return left.with_columns(more=pl.col("more") - pl.col("more").shift(1, fill_value=0))
