"""What else a batch shows: incidents, rests, what is judged in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from logpool.frames import chosen, empty, stacked, where
from logpool.native.numbers import extremes_of
from logpool.schema import Kind
from logpool.track.moves import HIDDEN
from logpool.track.outcomes import HERE
from logpool.track.tracked import INCIDENT, LATER, RESTED, UNBORN, UNFINISHED, keys_of

if TYPE_CHECKING:
    from logpool.native.spans import Spans

#: what does not happen to a healthy pool, or not often
INCIDENTS = [
    int(kind)
    for kind in (
        Kind.CONNECT_FAILED,
        Kind.PING_FAILED,
        Kind.DISCONNECTED,
        Kind.RESET_FAILED,
        Kind.INVALIDATED,
        Kind.SOFT_INVALIDATED,
        Kind.RECYCLED,
        Kind.CLOSE_FAILED,
        Kind.RECONNECT_EXHAUSTED,
        Kind.RECREATED,
        Kind.DISPOSED,
        Kind.RECLAIMED,
        Kind.TIMED_OUT,
    )
]
# microseconds: what fails later in a checkout was alive at its beginning; a dead network takes some time to tell
_SOON = 60_000_000


def later_of(own: pl.DataFrame, rows: pl.DataFrame, completed: dict[int, int]) -> pl.DataFrame:
    """What the reset sequence is judged by when all is known.

    Args:
        own: the related rows.
        rows: the incidents.
        completed: of events of shared connections that follow a reset which made a checkout complete, by their
            numbers, that of its check-out.
    """
    kind, previous = own["kind"], own["previous"]
    after_return = (previous == int(Kind.RETURNED)) | (previous == int(Kind.RESET))
    thrown = (kind == int(Kind.INVALIDATED)) & after_return & (~own["was_out"] | own["shared"])
    seen = chosen(own, **{name: "was_completed" if name == "completed" else name for name in LATER})
    seen = where(seen, (kind == int(Kind.RECLAIMED)) | thrown)
    if completed:
        shared = pl.col("seq").replace_strict(completed, default=None, return_dtype=pl.Int64)
        seen = seen.with_columns_seq(completed=pl.coalesce(shared, "completed"))
    failures = where(rows, rows["kind"] == int(Kind.RESET_FAILED))
    failures = where(failures, failures["group"].is_not_null())
    if not failures.height:
        return seen
    failures = failures.with_columns_seq(key=pl.lit(None, pl.Int64), completed=pl.lit(None, pl.Int64))
    return stacked([seen, chosen(failures, *LATER)])


def censored(own: pl.DataFrame) -> pl.Series:
    """The group of each checkout whose beginning the log does not show."""
    returned = own["kind"] == int(Kind.RETURNED)
    hidden = own["unsettled"] & (returned | ((own["kind"] == int(Kind.RESET)) & ~own["was_awaiting"]))
    # or it began on another connection, which failed
    moved = returned & own["was_out"] & (own["out_seq"] == HIDDEN).fill_null(value=False)
    return own["group"].filter(hidden | moved)


def incidents_of(rows: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Incidents, with the rest that the connection had before the checkout that failed, and how long that lasted."""
    if not rows.height:
        return empty(INCIDENT)
    found = rows.hstack([keys_of(rows)])
    used = own.filter(pl.col("kind").is_in(INCIDENTS) & pl.col("was_out"))
    held = pl.col("time") - pl.col("out_time")
    used = used.select_seq("seq", idle=pl.when(held <= _SOON).then("idle"), held=held)
    return found.join(used, on="seq", how="left", maintain_order="left").select_seq(INCIDENT.keys())


def rests(own: pl.DataFrame) -> pl.DataFrame:
    """The returns that end the use of a kept connection."""
    returned = (own["kind"] == int(Kind.RETURNED)) & own["was_out"] & ~own["fresh"]
    return where(chosen(own, *RESTED), returned)


def rested(uses: Spans | None, rests: pl.DataFrame) -> pl.DataFrame:
    """What kept connections were good for, per group: whole uses of them, and those that are none."""
    both = stacked([empty(RESTED) if uses is None else uses.rested(), rests])
    first, longest = extremes_of(both["group"], both["seq"]), extremes_of(both["group"], both["idle"])
    # both have the groups in the order in which they come
    columns = (first["label"].cast(pl.UInt32), first["least"], longest["greatest"])
    return pl.DataFrame(dict(zip(RESTED, columns, strict=True)))


def unfinished(own: pl.DataFrame, shapes: list[int]) -> pl.DataFrame:
    """The returns whose records are of some shapes, with the checkouts that they end."""
    if not shapes:
        return empty(UNFINISHED)
    alone = pl.col("was_out") & ~pl.col("shared") & (pl.col("out_seq") >= 0)
    found = own.filter((pl.col("kind") == int(Kind.RETURNED)) & alone & pl.col("shape").is_in(shapes))
    return found.with_columns_seq(**HERE).select_seq(UNFINISHED.keys())


def unborn(own: pl.DataFrame) -> pl.DataFrame:
    """The first events of lives whose beginning the log does not show."""
    first = own["begins"] & own["first"] & ~own["late"]
    return where(chosen(own, *UNBORN), first & (own["kind"] != int(Kind.CREATED)))


def created(own: pl.DataFrame) -> pl.DataFrame:
    """Where connections are created that nobody shares."""
    alone = (own["kind"] == int(Kind.CREATED)) & ~own["shared"]
    return where(chosen(own, "key", birth_seq="seq", birth_time="time"), alone)
