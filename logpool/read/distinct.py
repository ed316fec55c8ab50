"""Texts that repeat, each once: what follows from a text is then found once for all of its lines."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl


class Distinct(NamedTuple):
    """A column of texts as numbers.

    Attributes:
        codes: for each row the place of its text in ``texts``.
        texts: each once.
    """

    codes: pl.Series
    texts: pl.Series

    def spread(self, values: pl.Series) -> pl.Series:
        """Values, one for each distinct text, row by row."""
        return values[self.codes]

    def where(self, chosen: pl.Series) -> Distinct:
        """Some of the rows."""
        codes = self.codes.filter(chosen)
        used = codes.unique()
        places = pl.zeros(len(self.texts), dtype=pl.UInt32, eager=True)
        places = places.scatter(used, pl.int_range(len(used), dtype=pl.UInt32, eager=True))
        return Distinct(places[codes], self.texts[used])


class Codes:
    """Gives the texts of one column numbers."""

    def __init__(self) -> None:
        self._known = pl.Categories.random()

    def of(self, texts: pl.Expr) -> pl.Expr:
        """A column of texts to be told apart, for :meth:`read`."""
        return texts.cast(pl.Categorical(self._known))

    def read(self, column: pl.Series) -> Distinct:
        """The distinct texts of that column."""
        codes = column.to_physical()
        last = codes.max()
        count = last + 1 if isinstance(last, int) else 0
        # polars forgets the codes once no column uses them, as this one does
        numbers = pl.int_range(count, dtype=pl.UInt32)
        texts = pl.select(numbers.cat.to(pl.Categorical(self._known)).cast(pl.String)).to_series()
        return Distinct(codes, texts)
