"""What a batch's small tables are handled by.

polars hands ``filter`` and ``concat`` over to threads of its own. For millions of rows that pays; here it takes several
times as long as the work itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def where(rows: pl.DataFrame, chosen: pl.Series | pl.Expr | str) -> pl.DataFrame:
    """The rows where something is true: a column, one made of them, or one of theirs by name."""
    if not rows.height:
        return rows
    if isinstance(chosen, str):
        chosen = rows[chosen]
    elif isinstance(chosen, pl.Expr):
        chosen = rows.select_seq(chosen).to_series()
    first, *others = [column.filter(chosen) for column in rows.get_columns()]
    return first.to_frame().hstack(others)


def stacked(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Tables of the same columns, one below the other."""
    whole, *others = [table for table in tables if table.height] or tables[:1]
    for table in others:
        whole = whole.vstack(table)
    return whole


def constant(value: object, dtype: type[pl.DataType], size: int) -> pl.Series:
    """A column of the same value so many times."""
    return pl.Series([value], dtype=dtype).new_from_index(0, size)
