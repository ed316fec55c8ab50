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

from typing import TYPE_CHECKING, NamedTuple

from logpool.native.events import wholes_of
from logpool.schema import Detail, Kind

if TYPE_CHECKING:
    import polars as pl

# what the rows of whole uses and lives are called here; every other row of a connection is OTHER
CREATED, TAKEN, RETURNED, RESET, CLOSED, OTHER = range(1, 7)
_ROLES = {Kind.CREATED: CREATED, Kind.CHECKED_OUT: TAKEN, Kind.RESET: RESET, Kind.CLOSING: CLOSED}


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
        uses: ``group`` and ``connection``; ``begin`` and ``end``, the places of ``checked_out`` and ``returned``;
            ``before``, that of the connection's event before; ``fresh``, 1 or 0. All UInt32.
        lives: ``group`` and ``connection``; ``begin``, ``back`` and ``end``, the places of ``created``, the last
            ``reset`` and ``closing``; ``uses``, how many there are in it. All UInt32.
        rest: of the events that are left, by connection: ``key``, ``place``; ``before``, the place of the connection's
            event before, if any; ``more``, how many uses were taken out just before.
    """

    keys: pl.Series
    uses: pl.DataFrame
    lives: pl.DataFrame
    rest: pl.DataFrame


def without_wholes(events: pl.DataFrame, roles: pl.Series, bases: pl.Series, known: pl.Series) -> Wholes:
    """Takes whole uses and lives out of a batch.

    Args:
        events: ``shape`` and ``connection``, in the log's order.
        roles: of each shape the part that its events can have; 0 where they are not followed.
        bases: of each shape what makes a key of its connection when added to it; 0 where there is none.
        known: the keys of the connections that are open before it.
    """
    return Wholes(*wholes_of(events["shape"], events["connection"], roles, bases, known))
