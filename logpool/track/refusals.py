"""Exceptions of a listener's own, by which it refuses connections that are checked out.

They are subclasses of SQLAlchemy's DisconnectionError, with any name. The pool says it when it detects such a
disconnection, and right then throws the connection away for it: so its class, once it was detected, means that the
checkout goes on with another connection.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import where
from logpool.read.vocabulary import DISCONNECTIONS
from logpool.schema import Kind, Reason

if TYPE_CHECKING:
    from logpool.read.vocabulary import Vocabulary


@stateful
class Refusals:
    """Carries the classes of these exceptions from batch to batch.

    Attributes:
        vocabulary: gives events their meaning.
    """

    vocabulary: Vocabulary
    # the number of the event at which each was detected first
    _since: dict[str, int] = field(default_factory=dict)

    def told(self, rows: pl.DataFrame, incidents: pl.DataFrame) -> pl.DataFrame:
        """The rows of a batch, each connection that is thrown away for one as one that the pool gives up at check-out.

        Args:
            rows: with ``shape``, ``seq`` and ``reason``.
            incidents: of the batch, with ``shape``, ``seq`` and ``kind``.
        """
        detected = where(incidents, incidents["kind"] == int(Kind.DISCONNECTED))
        for shape, seq in detected.select_seq("shape", "seq").iter_rows():
            known = self.vocabulary.shapes[shape]
            reason = known.message.reason if known is not None else None
            if reason is not None and reason not in DISCONNECTIONS:
                self._since.setdefault(reason, seq)
        if not self._since:
            return rows
        since = [
            self._since.get(shape.message.reason or "")
            if shape is not None and shape.message.kind is Kind.INVALIDATED
            else None
            for shape in self.vocabulary.shapes
        ]
        refused = rows["seq"] > pl.Series(since, dtype=pl.Int64)[rows["shape"]]
        return rows.with_columns_seq(
            reason=pl.when(refused.fill_null(value=False))
            .then(pl.lit(int(Reason.DISCONNECTION), pl.UInt8))
            .otherwise("reason")
        )
