"""Whole uses and whole lives: what nearly every record of a pool tells, taken out of a batch at once.

A whole use reads ``checked_out``, ``returned``, ``reset``. Between two others of the same connection it changes
nothing for what comes after it: the connection is idle before and after. A whole life reads ``created``, whole uses,
``closing``. Where nothing of the connection is open before it, and it is created anew after it or not named again, it
changes nothing either. So both are taken out and counted as what they are, and only what is left is related to its
neighbours, row by row.

Outside of whole lives, the first and the last of a row of uses stay, so that what comes before and after finds its
neighbours, and so does whatever the batch's edge cuts. That is why the cut into batches changes no number.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from logpool.schema import Detail, Kind

# what the rows of whole uses and lives are called here; every other row of a connection is OTHER
CREATED, TAKEN, RETURNED, RESET, CLOSED, OTHER = range(1, 7)
_ROLES = {Kind.CREATED: CREATED, Kind.CHECKED_OUT: TAKEN, Kind.RESET: RESET, Kind.CLOSING: CLOSED}

_USE = 3


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
        lives: ``key``; ``begin``, ``back`` and ``end``, the places of ``created``, the last ``reset`` and ``closing``;
            ``uses``, how many there are in it.
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
    by_key = events.select_seq("key", row=pl.int_range(pl.len(), dtype=pl.UInt32)).group_by("key", maintain_order=True)
    grouped = by_key.agg("row")
    rows = events[grouped["row"].explode()]
    key, role = pl.col("key"), pl.col("role")
    rows = rows.with_columns_seq(
        use=(role == TAKEN)
        & (role.shift(-1) == RETURNED)
        & (role.shift(-2) == RESET)
        & (key == key.shift(-2)).fill_null(value=False),
        first=(key != key.shift(1)).fill_null(value=True),
    )
    lives = _whole_lives(rows, known)
    use = pl.col("use")
    rows = rows.with_columns_seq(
        inside=_between(lives, rows.height),
        inner=use
        & use.shift(_USE, fill_value=False)
        & use.shift(-_USE, fill_value=False)
        & (key.shift(_USE) == key.shift(-_USE)).fill_null(value=False),
    )
    rows = rows.with_columns_seq(pl.col("inner") & ~pl.col("inside"), taken=use & (pl.col("inner") | pl.col("inside")))
    return Wholes(grouped["key"], _uses(rows, lives), _lives(rows, lives), _rest(rows))


def _whole_lives(rows: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Where whole lives stand in the rows of connections: ``begin`` and ``end``."""
    row, role = pl.col("row"), pl.col("role")
    use = pl.col("use")
    is_last = pl.col("first").shift(-1, fill_value=True)
    others = rows.select_seq(
        "key", "role", "first", is_last=is_last, row=pl.int_range(pl.len(), dtype=pl.Int64)
    ).filter(~rows.select_seq(use | use.shift(1, fill_value=False) | use.shift(2, fill_value=False)).to_series())
    # between two neighbours of these there is nothing but whole uses
    begins_anew = (role.shift(-2) == CREATED) & (row.shift(-2) == row.shift(-1) + 1)
    lives = others.with_columns_seq(
        end=row.shift(-1),
        whole=(role == CREATED)
        & (role.shift(-1) == CLOSED)
        & (pl.col("key") == pl.col("key").shift(-1))
        & (row.shift(-1) > row + 1)
        & (pl.col("first") | ((role.shift(1) == CLOSED) & (row.shift(1) == row - 1)))
        & (pl.col("is_last").shift(-1) | begins_anew.fill_null(value=False)),
    ).filter("whole")
    open_before = lives["first"] & lives["key"].is_in(known.implode())
    return lives.filter(~open_before).select_seq("key", begin="row", end="end")


def _between(lives: pl.DataFrame, count: int) -> pl.Series:
    """For each row whether it is of a whole life."""
    edges = pl.zeros(count + 1, dtype=pl.Int8, eager=True)
    # where one ends, the next one may begin
    begins, behind = lives["begin"], lives["end"] + 1
    edges = edges.scatter(begins, 1)
    edges = edges.scatter(behind, edges[behind] - 1)
    return edges.cum_sum().head(count) > 0


def _uses(rows: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    taken = rows["taken"]
    fresh = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)  # noqa: FBT003
    fresh = fresh.scatter(lives["begin"] + 1, True)  # noqa: FBT003
    return pl.DataFrame(
        {
            "key": rows["key"].filter(taken),
            "before": rows["place"].shift(1).filter(taken),
            "begin": rows["place"].filter(taken),
            "end": rows["place"].filter(_later(taken, 1)),
            "fresh": fresh.filter(taken),
        }
    )


def _lives(rows: pl.DataFrame, lives: pl.DataFrame) -> pl.DataFrame:
    begin, end, place = lives["begin"], lives["end"], rows["place"]
    return pl.DataFrame(
        {
            "key": lives["key"],
            "begin": place[begin],
            "back": place[end - 1],
            "end": place[end],
            "uses": (end - begin - 1) // _USE,
        }
    )


def _rest(rows: pl.DataFrame) -> pl.DataFrame:
    inner = pl.col("inner")
    gone = pl.col("inside") | inner | inner.shift(1, fill_value=False) | inner.shift(2, fill_value=False)
    # what was taken out between two rows is of their connection: a row of uses has kept its ends
    before = pl.when(~pl.col("first")).then(pl.col("place").shift(1))
    left = rows.select_seq("key", "place", before=before, more=inner.cum_sum().cast(pl.Int64), gone=gone)
    left = left.filter(~pl.col("gone")).drop("gone")
    return left.with_columns_seq(more=pl.col("more") - pl.col("more").shift(1, fill_value=0))


def _later(marks: pl.Series, rows: int) -> pl.Series:
    return marks.shift(rows).fill_null(value=False)
