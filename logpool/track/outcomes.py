"""Related rows -> the checkouts and lives that ended in a batch, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import at, chosen, empty, rows_of, stacked, where
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
# of the related rows, what tells of checkouts
_LOOKED_AT = (
    *("kind", "detail", "shared", "moves", "ends", "takes", "resolves", "was_out", "effective"),
    *("back_before", "out_key", "fresh", *POINT),
    *(f"{prefix}_{name}" for prefix in ("out", "back") for name in POINT),
)
_ENDS_AT_ONCE = (
    ((pl.col("kind") == int(Kind.RETURNED)) & (pl.col("detail") == int(Detail.ALREADY_RESET)))
    | ((pl.col("kind") == int(Kind.INVALIDATED)) & ~pl.col("moves"))
    | (pl.col("kind") == int(Kind.CLOSING))
    | pl.col("ends")
)
_BY = pl.when(pl.col("by") == int(Kind.RECLAIMED)).then(int(End.RECLAIMED)).otherwise(int(End.RETURNED))


def at_return_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose checkouts ended at their returns."""
    return rows.with_columns_seq(**AT_RETURN)


def outcome_of(rows: pl.DataFrame, outcome: End | pl.Expr) -> pl.DataFrame:
    """Rows with ``out_*``, ``end_*`` and ``complete`` as checkouts that ended so."""
    rows = where(rows, rows["out_seq"] >= 0)
    if not rows.height:
        return empty(CHECKOUT)
    ended = pl.lit(int(outcome)) if isinstance(outcome, End) else outcome
    return rows.select_seq(
        pl.col("out_key").alias("key"),
        *(name for name in CHECKOUT if name.startswith(("out_", "end_"))),
        outcome=ended.cast(pl.UInt8),
        fresh="fresh",
        complete="complete",
    )


def checkouts_of(tracked: pl.DataFrame, given_up: list[int]) -> list[pl.DataFrame]:
    """The checkouts of exclusive pools that ended in a batch; ``given_up`` holds the events that fail them."""
    rows = chosen(tracked, *_LOOKED_AT)
    return [_at_once(rows, given_up), _returned(rows), _lost(rows)]


def _at_once(rows: pl.DataFrame, given_up: list[int]) -> pl.DataFrame:
    """Those that end with an event, and wait for no reset."""
    kind = pl.col("kind")
    ends = where(where(rows, (rows["kind"] != STATE) & ~rows["shared"] & rows["was_out"]), _ENDS_AT_ONCE)
    if not ends.height:
        return empty(CHECKOUT)
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
    return outcome_of(ends.with_columns_seq(**HERE, complete=kind == int(Kind.RETURNED)), outcome)


def _returned(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose return got its reset, or did not, at an event of this batch."""
    resolving = where(rows, "resolves")
    if not resolving.height:
        return empty(CHECKOUT)
    returns = at(rows, resolving["back_before"]).with_columns_seq(
        by=resolving["kind"], complete=resolving["kind"] == int(Kind.RESET), **AT_RETURN
    )
    return outcome_of(where(returns, "effective"), _BY)


def _lost(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose end the log lacks: their connection is checked out, or created, anew."""
    again = (rows["takes"] | (rows["kind"] == int(Kind.CREATED))) & rows["was_out"] & ~rows["shared"]
    if not again.any():
        return empty(CHECKOUT)
    lost = at(rows, again.arg_true() - 1).with_columns_seq(**NO_END, complete=pl.lit(value=False))
    return outcome_of(lost, End.LOST)


def failed_checkouts(failed: Iterable[Failed], outcome: End) -> pl.DataFrame:
    """Moving checkouts that got no connection, or none before the log ends."""
    rows = [
        (moving.key, *_point(moving.mark), *_point(mark), int(outcome), moving.fresh, False)
        for moving, mark in failed
        if moving.mark.seq >= 0
    ]
    return rows_of(rows, CHECKOUT)


def _point(mark: Mark | None) -> tuple[int | None, ...]:
    return (None,) * len(POINT) if mark is None else mark[: len(POINT)]


def shared_checkouts(uses: Iterable[Use]) -> pl.DataFrame:
    """Those of shared connections."""
    rows = [(use.key, *_point(use.start), *_point(use.end), int(use.outcome), use.fresh, use.complete) for use in uses]
    return rows_of(rows, CHECKOUT)


def lives(tracked: pl.DataFrame) -> pl.DataFrame:
    """The lives that ended in a batch, and those whose address begins another life before the log shows an end."""
    return stacked([_over(tracked), _left(tracked)])


def _over(tracked: pl.DataFrame) -> pl.DataFrame:
    over = where(tracked, tracked["ends"] & (tracked["was_alive"] | tracked["begins"]))
    if not over.height:
        return empty(LIFE)
    at_return = (pl.col("kind") == int(Kind.CLOSING)) & (pl.col("detail") == int(Detail.SOFT)) & ~pl.col("was_out")
    at_return &= pl.col("previous").is_in(BACK) & (pl.col("gap") <= AT_ONCE).fill_null(value=True)
    over = over.with_columns_seq(**HERE, dropped=pl.col("kind") == int(Kind.RECLAIMED), at_return=at_return)
    return chosen(over, *LIFE)


def _left(tracked: pl.DataFrame) -> pl.DataFrame:
    again = (tracked["kind"] == int(Kind.CREATED)) & tracked["was_alive"]
    if not again.any():
        return empty(LIFE)
    before = at(tracked, again.arg_true() - 1)
    before = before.with_columns_seq(**NO_END, dropped=pl.lit(value=False), at_return=pl.lit(value=False))
    return chosen(before, *LIFE)
