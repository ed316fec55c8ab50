"""Related rows -> the checkouts and lives that ended in a batch, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import at, stacked, where
from logpool.schema import Detail, End, Kind
from logpool.track.neighbours import POINT, STATE
from logpool.track.tracked import CHECKOUT, LIFE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.track.moves import Failed, Mark
    from logpool.track.sharing import Use

#: microseconds: a pool without room closes what comes back at once, one that is disposed of whenever that is
AT_ONCE = 1_000_000
#: what a connection last did that is idle now
BACK = [int(Kind.RETURNED), int(Kind.RESET)]
NO_END = {f"end_{name}": pl.lit(None, dtype) for name, dtype in POINT.items()}
HERE = {f"end_{name}": pl.col(name) for name in POINT}
AT_RETURN = {f"end_{name}": pl.col(f"back_{name}") for name in POINT}


def at_return_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose checkouts ended at their returns."""
    return rows.with_columns_seq(**AT_RETURN)


def outcome_of(rows: pl.DataFrame, outcome: End | pl.Expr) -> pl.DataFrame:
    """Rows with ``out_*``, ``end_*`` and ``complete`` as checkouts that ended so."""
    ended = pl.lit(int(outcome)) if isinstance(outcome, End) else outcome
    return where(rows, rows["out_seq"] >= 0).select_seq(
        pl.col("out_key").alias("key"),
        *(name for name in CHECKOUT if name.startswith(("out_", "end_"))),
        outcome=ended.cast(pl.UInt8),
        fresh="fresh",
        complete="complete",
    )


def checkouts_of(tracked: pl.DataFrame, given_up: list[int]) -> list[pl.DataFrame]:
    """The checkouts of exclusive pools that ended in a batch; ``given_up`` holds the events that fail them."""
    kind = pl.col("kind")
    rows = tracked.with_columns_seq(complete=pl.lit(value=False))
    ends = where(rows, (kind != STATE) & ~pl.col("shared") & pl.col("was_out"))
    at_once = where(
        ends,
        ((kind == int(Kind.RETURNED)) & (pl.col("detail") == int(Detail.ALREADY_RESET)))
        | ((kind == int(Kind.INVALIDATED)) & ~pl.col("moves"))
        | (kind == int(Kind.CLOSING))
        | pl.col("ends"),
    ).with_columns_seq(**HERE, complete=kind == int(Kind.RETURNED))
    exhausted = pl.col("seq").is_in(given_up)
    outcome = (
        pl.when(kind == int(Kind.RETURNED))
        .then(int(End.RETURNED))
        .when(kind == int(Kind.CLOSING))
        .then(int(End.DETACHED))
        .when(kind == int(Kind.RECLAIMED))
        .then(int(End.RECLAIMED))
        .when(exhausted)
        .then(int(End.FAILED))
        .otherwise(int(End.INVALIDATED))
    )
    return [outcome_of(at_once, outcome), _returned(rows), _lost(rows)]


def _returned(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose return got its reset, or did not, at an event of this batch."""
    resolving = where(rows, "resolves")
    returns = at(rows, resolving["back_before"]).with_columns_seq(
        by=resolving["kind"], complete=resolving["kind"] == int(Kind.RESET), **AT_RETURN
    )
    outcome = pl.when(pl.col("by") == int(Kind.RECLAIMED)).then(int(End.RECLAIMED)).otherwise(int(End.RETURNED))
    return outcome_of(where(returns, "effective"), outcome)


def _lost(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose end the log lacks: their connection is checked out, or created, anew."""
    again = pl.col("takes") | (pl.col("kind") == int(Kind.CREATED))
    places = (rows.select_seq(again & pl.col("was_out") & ~pl.col("shared")).to_series()).arg_true()
    return outcome_of(at(rows, places.cast(pl.Int64) - 1).with_columns_seq(**NO_END), End.LOST)


def failed_checkouts(failed: Iterable[Failed], outcome: End) -> pl.DataFrame:
    """Moving checkouts that got no connection, or none before the log ends."""
    rows = [
        (moving.key, *_point(moving.mark), *_point(mark), int(outcome), moving.fresh, False)
        for moving, mark in failed
        if moving.mark.seq >= 0
    ]
    return pl.DataFrame(rows, schema=CHECKOUT, orient="row")


def _point(mark: Mark | None) -> tuple[int | None, ...]:
    return (None,) * len(POINT) if mark is None else mark[: len(POINT)]


def shared_checkouts(uses: Iterable[Use]) -> pl.DataFrame:
    """Those of shared connections."""
    rows = [(use.key, *_point(use.start), *_point(use.end), int(use.outcome), use.fresh, use.complete) for use in uses]
    return pl.DataFrame(rows, schema=CHECKOUT, orient="row")


def lives(tracked: pl.DataFrame) -> pl.DataFrame:
    """The lives that ended in a batch, and those whose address begins another life before the log shows an end."""
    over = where(tracked, pl.col("ends") & (pl.col("was_alive") | pl.col("begins")))
    at_return = (pl.col("kind") == int(Kind.CLOSING)) & (pl.col("detail") == int(Detail.SOFT)) & ~pl.col("was_out")
    at_return &= pl.col("previous").is_in(BACK) & (pl.col("gap") <= AT_ONCE).fill_null(value=True)
    over = over.with_columns_seq(**HERE, dropped=pl.col("kind") == int(Kind.RECLAIMED), at_return=at_return)
    again = (tracked["kind"] == int(Kind.CREATED)) & tracked["was_alive"]
    before = at(tracked, again.arg_true().cast(pl.Int64) - 1).with_columns_seq(
        **NO_END, dropped=pl.lit(value=False), at_return=pl.lit(value=False)
    )
    return stacked([over.select_seq(LIFE.keys()), before.select_seq(LIFE.keys())])
