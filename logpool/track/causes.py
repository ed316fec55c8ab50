"""What closed each connection, as the records around its close tell.

Most causes stand in the record before: a recycling, an invalidation, a reset. Two stand in what follows: the pool's
``dispose()`` closes the idle connections in a row and then says so, and the garbage collector's message comes after
the close that it explains. A close waits for that, and for no more: what the log does not tell is unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import at, chosen, empty, given, parted, rows_of, stacked, where
from logpool.native.numbers import counted, nexts_of
from logpool.read.vocabulary import split_pool_name
from logpool.schema import Cause, Detail, Kind, Reason
from logpool.track.tracked import keys_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from logpool.read.vocabulary import Vocabulary
    from logpool.track.batches import EventBatch
    from logpool.track.found import Lives

# how many closes of each group were settled, by their cause
CLOSES = {"group": pl.UInt32, "cause": pl.UInt8, "count": pl.Int64}
_SETTLED = {"group": pl.UInt32, "cause": pl.UInt8}

_PLACE = ("group", "thread")
# dispose() closes no more idle connections than a pool keeps: more in a row than this wait for no message
_LONGEST_RUN = 10_000

_SAID_BEFORE = (Kind.INVALIDATED, Kind.RECYCLED)
# what is looked at of the related rows
_RELATED = (
    *("key", "group", "thread", "seq", "kind", "detail", "reason", "shared"),
    *("previous", "was_out", "was_awaiting"),
)
_IN_A_RUN = [int(kind) for kind in (Kind.CLOSING, Kind.CLOSE_FAILED)]
_CHECKING_OUT = [int(kind) for kind in (Kind.CHECKED_OUT, Kind.PINGED, Kind.PING_SKIPPED)]


class Style(IntEnum):
    """What a pool class closes of its own accord."""

    OTHER = 0
    #: what comes back to a full pool
    QUEUE = 1
    #: what comes back
    NULL = 2
    #: what other threads have, when there are too many threads
    THREADS = 3


# which lives are settled at once, and which when something follows: see :meth:`logpool.native.spans.Spans.followed`
_SETTLES = {Style.NULL: 1, Style.QUEUE: 2}

_MARK = {"key": pl.Int64, "seq": pl.Int64, "cause": pl.UInt8}
# a close that waits for what its place, which is its group and thread, says next: ``before`` is the number of its
# connection's record before it, ``idle`` whether it had been returned, ``goes_on`` whether its pool says more later
_WAITING = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "seq": pl.Int64,
    "before": pl.Int64,
    "thread": pl.UInt32,
    "style": pl.UInt8,
    "idle": pl.Boolean,
    "was_out": pl.Boolean,
    "goes_on": pl.Boolean,
}
_HARD = {"key": pl.Int64, "group": pl.UInt32, "seq": pl.Int64}


@stateful
class Causes:
    """Follows every close from batch to batch, until its cause is settled."""

    vocabulary: Vocabulary
    # what was said last of connections that a close may follow
    _marks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_MARK))
    # reset failures that no invalidation has followed, by group and thread
    _failures: Counter[tuple[int, int | None]] = field(default_factory=Counter)
    # terminated after a return without a reset: the garbage collector's message may follow
    _terminated: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_HARD))
    # after which their place has said nothing else yet
    _waiting: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_WAITING))
    _meanings: pl.DataFrame = field(default_factory=pl.DataFrame)

    def take(
        self,
        tracked: pl.DataFrame,
        lives: Lives,
        batch: EventBatch,
        later: pl.DataFrame,
        detached: Collection[int],
    ) -> pl.DataFrame:
        """Settles what one batch tells.

        Args:
            tracked: the related rows of a batch, sorted by connection, with the states before them.
            lives: those that ended in it.
            batch: all its events.
            later: its reset failures, reclaimings, and invalidations after a return.
            detached: the ``seq`` of closes that end a detached checkout of a shared connection.

        Returns:
            The closes whose cause is settled, as :data:`CLOSES`.
        """
        related = tracked.select_seq(*_RELATED, before=_BEFORE, is_last=_IS_LAST)
        if self._marks.height:
            related = related.with_columns_seq(before=self._before(tracked, related["before"]))
        styles = [_style(pool) for _, _, pool in self.vocabulary.groups]
        plain, others = self._plain(lives, styles)
        if others.height:
            related = stacked([related, chosen(batch.whole_closes(others), *related.columns)])
        styled = pl.Series("style", styles, dtype=pl.UInt8)
        closes = self._explained(related, lives.whole, styled, later, detached)
        waits = closes["cause"].is_null()
        terminated = waits & (closes["detail"] == int(Detail.HARD)) & (closes["previous"] == int(Kind.RETURNED))
        settled = [_settled(where(closes, ~waits)), self._reclaimed(where(closes, terminated), later)]
        settled.append(self._runs(where(closes, waits & ~terminated), batch))
        for group, cause in stacked(settled).iter_rows():
            plain[group, cause] += 1
        return rows_of([(*key, count) for key, count in plain.items()], CLOSES)

    def _plain(self, lives: Lives, styles: list[Style]) -> tuple[Counter[tuple[int, int]], pl.DataFrame]:
        """How many whole lives ended as they do in a pool of each style, by group and cause; and the others.

        A pool that keeps nothing closes all that comes back: nothing else need be known of a whole life. One that
        queues closes what it has no room for, unless it is being disposed of: what its place says next tells.
        """
        if lives.spans is None:
            return Counter(), lives.whole
        said = self._meaning()
        asked = [_SETTLES.get(style, 0) for style in styles]
        settled, left = lives.spans.followed(asked, said["soft"], said["follows"])
        causes = {Style.NULL: int(Cause.NULLPOOL), Style.QUEUE: int(Cause.OVERFLOW)}
        counts = Counter({(group, causes[styles[group]]): count for group, count in settled.iter_rows()})
        return counts, at(lives.whole, left)

    def _meaning(self) -> pl.DataFrame:
        """What each shape says of a life and of what follows: ``soft``, ``follows``, ``ends``.

        As :meth:`logpool.native.spans.Spans.followed` takes the first two; and its group, where it ends runs there.
        """
        shapes = self.vocabulary.frame()
        if self._meanings.height != shapes.height:
            goes_on = pl.col("kind").is_in(_IN_A_RUN)
            self._meanings = shapes.select_seq(
                soft=(pl.col("detail") == int(Detail.SOFT)).cast(pl.UInt8),
                follows=goes_on.cast(pl.UInt8) + 1 - (pl.col("kind") == int(Kind.DISPOSED)).cast(pl.UInt8),
                ends=pl.when(~goes_on).then("group"),
            )
        return self._meanings

    def _before(self, tracked: pl.DataFrame, before: pl.Series) -> pl.Series:
        """The record before each one of its connection; of a connection without a state, what was said of it last."""
        said = tracked.select_seq("key").join(
            self._marks.select_seq("key", "seq"), on="key", how="left", maintain_order="left"
        )
        return before.zip_with(~tracked["first"], said["seq"])

    def _explained(
        self,
        related: pl.DataFrame,
        lives: pl.DataFrame,
        styles: pl.Series,
        later: pl.DataFrame,
        detached: Collection[int],
    ) -> pl.DataFrame:
        """The closes of a batch, with the ``cause`` that the records before them tell, null where they do not.

        Args:
            related: its rows.
            lives: its whole ones.
            styles: of each group's pool.
            later: as :meth:`take` has it.
            detached: likewise.
        """
        new = where(related, _SAYS)
        failed = self._reset_failures(later)
        marks = self._marks
        if new.height:
            new = new.select_seq("key", "seq", "is_last", cause=_said(failed))
            marks = stacked([marks, chosen(new, *_MARK)])
        closes = _with_said(where(related, related["kind"] == int(Kind.CLOSING)), marks)
        kept = self._marks
        for touched in (related["key"], keys_of(lives)) if kept.height else ():
            kept = where(kept, ~kept["key"].is_in(touched.unique().implode()))
        self._marks = stacked([kept, chosen(where(new, "is_last"), *_MARK)]) if new.height else kept
        returned = pl.col("previous").is_in([int(Kind.RETURNED), int(Kind.RESET)]) & ~pl.col("was_out")
        closes = closes.with_columns_seq(
            styles[closes["group"]],
            idle=returned & (pl.col("detail") != int(Detail.HARD)) & ~pl.col("shared"),
            goes_on=pl.lit(value=False),
        )
        reset_in_use = ~pl.col("shared") & pl.col("was_out") & (pl.col("previous") == int(Kind.RESET))
        unready = (pl.col("previous") == int(Kind.CREATED)) & (pl.col("detail") == int(Detail.HARD))
        return closes.with_columns_seq(
            cause=pl.when(reset_in_use | pl.col("seq").is_in(list(detached)))
            .then(int(Cause.DETACHED))
            .when(pl.col("said").is_not_null())
            .then("said")
            .when(unready)
            .then(int(Cause.NOT_READY))
            .when(pl.col("idle") & (pl.col("style") == int(Style.NULL)))
            .then(int(Cause.NULLPOOL))
            .cast(pl.UInt8)
        )

    def _reset_failures(self, later: pl.DataFrame) -> list[int]:
        """The ``seq`` of the invalidations that a failed reset explains."""
        failures = later["kind"] == int(Kind.RESET_FAILED)
        if not failures.any() and not self._failures:
            return []
        found = []
        for kind, group, thread, seq in later.sort("seq").select_seq("kind", "group", "thread", "seq").iter_rows():
            if kind == Kind.RESET_FAILED:
                self._failures[group, thread] += 1
            elif kind == Kind.INVALIDATED and self._failures[group, thread]:
                self._failures[group, thread] -= 1
                found.append(seq)
        return found

    def _reclaimed(self, terminated: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
        """The closes that a message of the garbage collector's explains."""
        if terminated.height:
            self._terminated = pl.concat([self._terminated, terminated.select_seq(_HARD.keys())])
        messages = where(later, later["kind"] == int(Kind.RECLAIMED))
        if not messages.height or not self._terminated.height:
            return empty(_SETTLED)
        messages = chosen(messages, "key", told="seq").sort("told")
        waiting = self._terminated.sort("seq")
        told = messages.join_asof(
            waiting.select_seq("key", "seq"),
            left_on="told",
            right_on="seq",
            by="key",
            coalesce=False,
            check_sortedness=False,
        )["seq"].drop_nulls()
        explained = pl.col("seq").is_in(told.implode())
        # of the others, only the last close of a connection can be meant by what is still to come
        self._terminated = waiting.filter(~explained).unique("key", keep="last", maintain_order=True)
        return _settled(waiting.filter(explained).with_columns_seq(cause=pl.lit(int(Cause.RECLAIMED))))

    def _runs(self, closes: pl.DataFrame, batch: EventBatch) -> pl.DataFrame:
        """Settles the closes by what their place says next: of one thread, or of all where no thread shows."""
        waiting = stacked([self._waiting, chosen(closes, *_WAITING).sort("seq")])
        if not waiting.height:
            return empty(_SETTLED)
        lasts = pl.Series(self._lasts(batch), dtype=pl.Int64)
        waiting = given(waiting, goes_on=waiting["goes_on"] | (lasts[waiting["group"]] > waiting["seq"]))
        ended, open_runs = parted(self._ended(waiting, batch), "end")
        over = _by_the_end(ended)
        if open_runs.height <= _LONGEST_RUN:
            self._waiting = chosen(open_runs, *_WAITING)
            return over
        to_come = pl.int_range(pl.len()).reverse().over(_PLACE)
        too_long = open_runs.select_seq(to_come >= _LONGEST_RUN).to_series()
        self._waiting = where(open_runs, ~too_long).select_seq(_WAITING.keys())
        return stacked([over, _by_the_end(where(open_runs, too_long))])

    def _lasts(self, batch: EventBatch) -> list[int]:
        """The number of the last event of each group that goes on with no run; -1 for none."""
        lasts = [-1] * len(self.vocabulary.groups)
        groups = self._meaning()["ends"][batch.events["shape"][batch.lasts]]
        for group, place in zip(groups, batch.lasts, strict=True):
            if group is not None:
                lasts[group] = max(lasts[group], batch.first + place)
        return lasts

    def _ended(self, waiting: pl.DataFrame, batch: EventBatch) -> pl.DataFrame:
        """With what ends each one's run: ``end`` (its ``seq``), ``ender`` (its kind), ``size`` (of the pool)."""
        wanted = given(chosen(waiting, "thread", label="group"), place=waiting["seq"] - batch.first)
        ends = nexts_of(batch.events, self._meaning()["ends"], wanted)
        shapes = batch.events["shape"][ends]
        sizes = {shape: self._pool_size(shape) for shape in set(shapes) if shape is not None}
        return given(
            waiting,
            shape=shapes,
            end=ends.cast(pl.Int64) + batch.first,
            size=pl.Series([sizes.get(shape) for shape in shapes], dtype=pl.Int64),
            ender=self.vocabulary.frame()["kind"][shapes],
        )

    def _pool_size(self, number: int) -> int | None:
        """The pool's size where a message tells it; None where there is none, or no limit."""
        shape = self.vocabulary.shapes[number]
        if shape is None or shape.message.kind is not Kind.DISPOSED or not shape.message.numbers:
            return None
        return int(shape.message.numbers[0]) or None

    def finish(self) -> pl.DataFrame:
        """Settles what the end of the log leaves: a pool that is silent afterwards may have been disposed of."""
        waiting = self._waiting
        at_once = pl.col("seq") - pl.col("before") == 1
        full = (pl.col("style") == int(Style.QUEUE)) & pl.col("idle") & (pl.col("goes_on") | at_once)
        cause = pl.when(full).then(int(Cause.OVERFLOW)).when(_TAKEN).then(int(Cause.TAKEN)).otherwise(_UNKNOWN)
        return _counted(_settled(waiting.with_columns_seq(cause=cause)))


def _with_said(closes: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Closes with what the record ``before`` each ``said`` of it, null where nothing is known."""
    if not marks.height or not closes.height:
        return closes.with_columns_seq(said=pl.lit(None, pl.UInt8))
    said = marks.select_seq(before="seq", said="cause")
    return closes.join(said, on="before", how="left", maintain_order="left")


_BEFORE = pl.when(~pl.col("first")).then(pl.col("seq").shift(1))
_IS_LAST = pl.col("key") != pl.col("key").shift(-1, fill_value=-1)
# a reset of which the beginning of the log hides whether it was a returned connection's or a detached one's
_STRAY = (pl.col("kind") == int(Kind.RESET)) & ~pl.col("was_out") & ~pl.col("was_awaiting") & ~pl.col("shared")
_SAYS = pl.col("kind").is_in([int(kind) for kind in _SAID_BEFORE]) | _STRAY
_TAKEN = pl.col("was_out")
_UNKNOWN = int(Cause.UNKNOWN)


def _said(failed: list[int]) -> pl.Expr:
    """What an invalidation, a recycling or a stray reset says of the close that follows it."""
    kind = pl.col("kind")
    in_vain = pl.col("previous").is_in([int(Kind.PING_FAILED), int(Kind.DISCONNECTED)])
    in_vain |= pl.col("reason") == int(Reason.DISCONNECTION)
    why = {
        int(Detail.AGE): int(Cause.AGE),
        int(Detail.POOL_INVALIDATION): int(Cause.POOL_INVALIDATION),
        int(Detail.SOFT_INVALIDATION): int(Cause.SOFT_INVALIDATION),
    }
    return (
        pl.when(kind == int(Kind.RECYCLED))
        .then(pl.col("detail").replace_strict(why, default=_UNKNOWN, return_dtype=pl.UInt8))
        .when(kind == int(Kind.RESET))
        .then(_UNKNOWN)
        .when(in_vain)
        .then(int(Cause.PING_FAILED))
        .when(pl.col("seq").is_in(failed))
        .then(int(Cause.RESET_FAILED))
        .otherwise(int(Cause.INVALIDATED))
        .cast(pl.UInt8)
    )


def _by_the_end(closes: pl.DataFrame) -> pl.DataFrame:
    """Settles closes by the record that ends their run, which is null where the run never seems to end."""
    if not closes.height:
        return empty(_SETTLED)
    style, ender = pl.col("style"), pl.col("ender")
    queue = style == int(Style.QUEUE)
    # the others say so only by the pool that replaces them
    disposing = (ender == int(Kind.DISPOSED)) | (~queue & (ender == int(Kind.RECREATED)))
    disposed = disposing & ~(queue & _TAKEN)
    # most often no pool is disposed of, and nobody need count
    if closes.select_seq(disposed.any()).item():
        # those before the last few, as many as the pool keeps, came back to a full pool right before
        kept = pl.int_range(pl.len()).reverse().over(*_PLACE, "end") < pl.col("size").fill_null(_LONGEST_RUN)
        disposed &= kept
    crowded = (queue & pl.col("idle")) | ((style == int(Style.THREADS)) & ender.is_in(_CHECKING_OUT))
    return _settled(
        closes.with_columns_seq(
            cause=pl.when(disposed)
            .then(int(Cause.DISPOSED))
            .when(crowded)
            .then(int(Cause.OVERFLOW))
            .when(_TAKEN)
            .then(int(Cause.TAKEN))
            .otherwise(_UNKNOWN)
        )
    )


def _settled(closes: pl.DataFrame) -> pl.DataFrame:
    """The ``group`` and the ``cause`` of closes."""
    if not closes.height:
        return empty(_SETTLED)
    return closes.select_seq(pl.col(name).cast(dtype) for name, dtype in _SETTLED.items())


def _counted(closes: pl.DataFrame) -> pl.DataFrame:
    found = counted(closes["group"], closes["cause"].cast(pl.Int64))
    columns = zip(CLOSES.items(), ("one", "other", "count"), strict=True)
    return found.select_seq(pl.col(column).cast(dtype).alias(name) for (name, dtype), column in columns)


def _style(pool: str) -> Style:
    name = split_pool_name(pool)[0]
    if name.endswith("QueuePool"):
        return Style.QUEUE
    if name.endswith("NullPool"):
        return Style.NULL
    return Style.THREADS if name == "SingletonThreadPool" else Style.OTHER
