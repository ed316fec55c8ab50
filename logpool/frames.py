"""What a batch's small tables are handled by.

polars hands ``filter``, ``concat``, ``cast`` and the like of a table over to threads of its own. For millions of rows
that pays; here it takes several times as long as the work itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from logpool.late import pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = Mapping[str, pl.DataType | type[pl.DataType]]


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


def at(rows: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """The rows at some places."""
    # else each column converts them
    places = places if places.dtype == pl.UInt32 else places.cast(pl.UInt32)
    first, *others = [column[places] for column in rows.get_columns()]
    return first.to_frame().hstack(others)


def chosen(rows: pl.DataFrame, *names: str, **renamed: str) -> pl.DataFrame:
    """Some columns, as they are called, or by other names."""
    first, *others = [rows[name] for name in names] + [rows[name].alias(new) for new, name in renamed.items()]
    return first.to_frame().hstack(others)


def given(rows: pl.DataFrame, **columns: pl.Series) -> pl.DataFrame:
    """The rows with other columns, in place of those that are called so."""
    kept = [column for column in rows.get_columns() if column.name not in columns]
    return pl.DataFrame(kept + [column.alias(name) for name, column in columns.items()])


def parted(rows: pl.DataFrame, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that have something in a column, and the others."""
    if not rows[name].null_count():
        return rows, rows.clear()
    has = rows[name].is_not_null()
    return where(rows, has), where(rows, ~has)


@cache
def _empty(schema: tuple[tuple[str, pl.DataType | type[pl.DataType]], ...]) -> pl.DataFrame:
    return pl.DataFrame(schema=dict(schema))


def empty(schema: Schema) -> pl.DataFrame:
    """No rows of a schema."""
    return _empty(tuple(schema.items()))


def rows_of(rows: Sequence[Sequence[object]], schema: Schema) -> pl.DataFrame:
    """A table of rows of a schema."""
    return pl.DataFrame(rows, schema=schema, orient="row") if rows else empty(schema)


def typed(rows: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The columns of a schema, in their types."""
    return rows.select_seq(pl.col(name).cast(dtype) for name, dtype in schema.items())


def stacked(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Tables of the same columns, one below the other."""
    whole, *others = [table for table in tables if table.height] or tables[:1]
    for table in others:
        whole = whole.vstack(table)
    return whole


def constant(value: object, dtype: type[pl.DataType], size: int) -> pl.Series:
    """A column of the same value so many times."""
    return pl.Series([value], dtype=dtype).new_from_index(0, size)
