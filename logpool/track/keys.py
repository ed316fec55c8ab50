"""Every connection that a log has named, as a set of numbers."""

from __future__ import annotations

from dataclasses import field

import polars as pl

from logpool.classes import stateful

_EMPTY = pl.Series("key", [], dtype=pl.Int64)


@stateful
class KeySet:
    """Grows by batches; tidied up whenever it has doubled."""

    _kept: pl.Series = field(default_factory=lambda: _EMPTY)
    _recent: list[pl.Series] = field(default_factory=list)

    def add(self, keys: pl.Series) -> None:
        """Adds distinct keys."""
        self._recent.append(keys)
        if sum(map(len, self._recent)) > len(self._kept) + 1000:
            self.all()

    def all(self) -> pl.Series:
        """The distinct keys."""
        if self._recent:
            self._kept = pl.concat([self._kept, *self._recent]).unique()
            self._recent = []
        return self._kept

    def which(self, keys: pl.Series) -> pl.Series:
        """For each key whether it was added."""
        found = keys.is_in(self._kept.implode())
        for recent in self._recent:
            found |= keys.is_in(recent.implode())
        return found
