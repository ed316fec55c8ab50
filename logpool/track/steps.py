"""Steps: what opens and closes connections, and what takes and gives them back, in the log's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.track.tracked import CHANGE, CHANGES, WHOSE

if TYPE_CHECKING:
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
    return changes.select_seq(CHANGE.keys()).cast(CHANGE)  # type: ignore[arg-type]


def failed_steps(failed: list[Failed]) -> pl.DataFrame:
    """Those of moving checkouts that got no connection."""
    rows = [
        (mark.seq, 0, 0, -1, moving.mark.seq, moving.mark.thread)
        for moving, mark in failed
        if mark and moving.mark.seq >= 0
    ]
    return pl.DataFrame(rows, schema=CHANGE, orient="row")


def shared_steps(shared: Batch) -> pl.DataFrame:
    """Those of shared connections."""
    rows = [(seq, 0, 0, change, None, None) for seq, change in shared.steps]
    return pl.DataFrame(rows, schema=CHANGE, orient="row")


def ordered(events: pl.DataFrame, told: pl.DataFrame, first: int, wholes: Wholes, others: pl.DataFrame) -> pl.DataFrame:
    """The steps of whole uses and lives, and the others, in the log's order.

    Args:
        events: of the batch.
        told: their ``group`` and ``thread``.
        first: the number of the first one.
        wholes: what was taken out of them.
        others: the steps of the rest.
    """
    uses, lives = wholes.uses, wholes.lives
    whose = {name: pl.col(name).filter(pl.col("out") != 0).first() for name in WHOSE}
    at = others.group_by("seq").agg(pl.col(*CHANGES).sum(), **whose)
    places = (at["seq"] - first).cast(pl.UInt32)
    size = events.height
    opened, closed, out = (pl.zeros(size, dtype=pl.Int8, eager=True) for _ in range(3))
    opened = opened.scatter(lives["begin"], 1).scatter(places, at["opened"])
    closed = closed.scatter(lives["end"], 1).scatter(places, at["closed"])
    out = out.scatter(uses["begin"], 1).scatter(uses["end"], -1).scatter(places, at["out"])
    # of most, the checkout is the one that begins at the step itself
    out_seq = pl.int_range(first, first + size, dtype=pl.Int64, eager=True)
    out_thread = told["thread"].clone().scatter(uses["end"], told["thread"][uses["begin"]])
    columns = {
        "seq": pl.int_range(first, first + size, dtype=pl.Int64, eager=True),
        "group": told["group"],
        "time": events["time"],
        "line": events["line"],
        "source": events["source"],
        "opened": opened,
        "closed": closed,
        "out": out,
        "out_seq": out_seq.scatter(uses["end"], uses["begin"].cast(pl.Int64) + first).scatter(places, at["out_seq"]),
        "out_thread": out_thread.scatter(places, at["out_thread"]),
    }
    steps = pl.DataFrame(columns).filter((pl.col("opened") != 0) | (pl.col("closed") != 0) | (pl.col("out") != 0))
    return steps.with_columns_seq(pl.when(pl.col("out") != 0).then(pl.col(name)).alias(name) for name in WHOSE)
