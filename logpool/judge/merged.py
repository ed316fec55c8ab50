"""Tables that grow batch by batch, in which rows that belong together become one."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, stacked

if TYPE_CHECKING:
    from collections.abc import Callable

# fewer rows than these are not worth the call: some megabytes
_FEW = 20_000


@stateful
class Merged:
    """A table whose rows are merged when those added since outnumber the others, and whenever it is asked for.

    So merging takes time in proportion to what is added, and memory to what is left.

    Attributes:
        schema: of its rows.
        merge: makes one row of those that belong together, some of which may be such rows already. They come in the
            order in which they were added.
    """

    schema: pl.Schema
    merge: Callable[[pl.DataFrame], pl.DataFrame]
    _merged: pl.DataFrame = field(init=False)
    _added: list[pl.DataFrame] = field(default_factory=list)
    _size: int = 0

    def __post_init__(self) -> None:
        self._merged = pl.DataFrame(schema=self.schema)

    def add(self, rows: pl.DataFrame) -> None:
        """Adds rows of the table's columns."""
        if not rows.height:
            return
        self._added.append(rows)
        self._size += rows.height
        if self._size > self._merged.height + _FEW:
            self.become(self.rows)

    @property
    def rows(self) -> pl.DataFrame:
        """All rows, of which some may still be merged, in the order in which they were added."""
        return stacked([self._merged, *self._added])

    @property
    def table(self) -> pl.DataFrame:
        """All rows, merged."""
        if self._added:
            self.become(self.rows)
        return self._merged

    def become(self, rows: pl.DataFrame) -> None:
        """Takes other rows in place of all there are."""
        self._added, self._size = [], 0
        self._merged = chosen(self.merge(rows.rechunk()), *self.schema.names())
