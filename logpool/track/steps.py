"""Steps: what opens and closes connections, and what takes and gives them back, in the log's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import rows_of, typed
from logpool.native.steps import Steps
from logpool.track.tracked import CHANGE, CHANGES, WHOSE

if TYPE_CHECKING:
    from logpool.track.batches import EventBatch
    from logpool.track.moves import Failed
    from logpool.track.sharing import Batch
    from logpool.track.wholes import Wholes


def steps(own: pl.DataFrame) -> pl.DataFrame:
    """Those of related rows."""
    alone = ~pl.col("shared")
    leaves = pl.col("gives") & pl.col("was_out") & (pl.col("out_seq") >= 0) & ~pl.col("moves")
    dies = pl.col("ends") & (pl.col("was_alive") | pl.col("begins"))
    changes = own.select_seq(
        "seq",
        *WHOSE,
        opened=pl.col("begins").cast(pl.Int8),
        closed=dies.cast(pl.Int8),
        out=(pl.col("takes") & ~pl.col("was_out") & alone).cast(pl.Int8)
        - (leaves & alone).fill_null(value=False).cast(pl.Int8),
    )
    return typed(changes, CHANGE)


def failed_steps(failed: list[Failed]) -> pl.DataFrame:
    """Those of moving checkouts that got no connection."""
    rows = [
        (mark.seq, 0, 0, -1, moving.mark.seq, moving.mark.thread)
        for moving, mark in failed
        if mark and moving.mark.seq >= 0
    ]
    return rows_of(rows, CHANGE)


def shared_steps(shared: Batch) -> pl.DataFrame:
    """Those of shared connections."""
    rows = [(seq, 0, 0, change, None, None) for seq, change in shared.steps]
    return rows_of(rows, CHANGE)


def ordered(batch: EventBatch, wholes: Wholes, others: pl.DataFrame) -> Steps:
    """The steps of whole uses and lives, and the others, in the log's order.

    Args:
        batch: the events.
        wholes: what was taken out of them.
        others: the steps of the rest.
    """
    if len(set(others["seq"])) < others.height:
        # several belong to one event
        whose = {name: pl.col(name).filter(pl.col("out") != 0).first() for name in WHOSE}
        others = others.group_by("seq").agg(pl.col(*CHANGES).sum().cast(pl.Int8), **whose)
    others = others.hstack([(others["seq"] - batch.first).cast(pl.UInt32).alias("place")])
    return Steps(batch.lent, wholes.uses, wholes.lives, others)
