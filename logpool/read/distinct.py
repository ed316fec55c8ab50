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
        return values.gather(self.codes)


def distinct(texts: pl.Series) -> Distinct:
    """The distinct texts of a column."""
    known = pl.Categories.random()
    # polars forgets the codes once no column uses them: this one must outlive the next lines
    column = texts.cast(pl.Categorical(known))
    return Distinct(column.to_physical(), known.to_series().cast(pl.String))
