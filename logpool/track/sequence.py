"""The reset sequence of every checkout: ``checked_out``, ``returned``, ``reset``; and what breaks it.

Some of it can be judged only when all is known: a pool none of whose returns has a reset is set to
``reset_on_return=None``, the garbage collector's message comes after the close it explains, and a reset failure
names its connection only in the invalidation that follows it. So violations are collected, and reviewed at the end.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass, stateful
from logpool.frames import chosen, empty, rows_of, stacked, where
from logpool.schema import Kind
from logpool.track.neighbours import GROUP, MARK, STATE
from logpool.track.tracked import LATER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from logpool.track.moves import Mark

# "until" is the number of the event that shows the violation, "by" its kind; "out_seq" and "out_time" are of the
# check-out before, where there is one
VIOLATION = {
    "code": pl.String,
    "key": pl.Int64,
    "group": pl.UInt32,
    **MARK,
    "until": pl.Int64,
    "by": pl.UInt8,
    "out_seq": pl.Int64,
    "out_time": pl.Int64,
}
# a checkout that ended in another way than it looked: whose, the number of its check-out, how long it lasted
REVISED = {"group": pl.UInt32, "out_seq": pl.Int64, "microseconds": pl.Int64}

CHECKED_OUT_TWICE = "checked_out_twice"
USED_AFTER_CLOSE = "used_after_close"
RETURNED_WITHOUT_CHECKOUT = "returned_without_checkout"
RETURNED_WITHOUT_RESET = "returned_without_reset"
RESET_WITHOUT_RETURN = "reset_without_return"
CLOSED_WHILE_CHECKED_OUT = "closed_while_checked_out"
RESET_FAILED = "reset_failed"

CODES = {
    RETURNED_WITHOUT_RESET: "was returned and got no reset",
    RESET_WITHOUT_RETURN: "was reset without a return before it",
    RETURNED_WITHOUT_CHECKOUT: "was returned, but nobody had checked it out",
    CHECKED_OUT_TWICE: "was checked out while it was out already",
    CLOSED_WHILE_CHECKED_OUT: "was closed while it was checked out",
    USED_AFTER_CLOSE: "was used after it had been closed",
    RESET_FAILED: "could not be reset when it was returned",
}
#: what a connection with several users at once shows
SHARING = frozenset({CHECKED_OUT_TWICE, RETURNED_WITHOUT_CHECKOUT, RETURNED_WITHOUT_RESET, RESET_WITHOUT_RETURN})
# what a pool set to reset_on_return=None shows for every checkout, or for every detached one
_VOID_WITHOUT_RESETS = (RETURNED_WITHOUT_RESET, CLOSED_WHILE_CHECKED_OUT)


def broken(tracked: pl.DataFrame, shared: Iterable[tuple[str, int, Mark]]) -> pl.DataFrame:
    """The violations that one batch of related rows shows, and those of shared connections."""
    kind = pl.col("kind")
    alone = (kind != STATE) & ~pl.col("shared")
    returned = kind == int(Kind.RETURNED)
    reset = kind == int(Kind.RESET)
    after_reset = pl.col("previous") == int(Kind.RESET)
    out, settled = pl.col("was_out"), pl.col("was_settled")
    never_taken = returned & ((~out & settled) | (out & pl.col("out_seq").is_null()))
    stray_reset = reset & ~out & ~pl.col("was_awaiting") & settled
    closed = (kind == int(Kind.CLOSING)) & out & ~after_reset & pl.col("out_seq").is_not_null()
    # a reset of a connection in use is a detached one's if its close is next
    hanging = out & after_reset & (kind != int(Kind.CLOSING))
    unreset = pl.col("resolves") & ~reset & ~kind.is_in([int(Kind.INVALIDATED), int(Kind.RECLAIMED)])
    itself = {
        # after a reset without a return it is the return that is missing: one violation, not two
        CHECKED_OUT_TWICE: alone & pl.col("takes") & out & ~after_reset,
        USED_AFTER_CLOSE: (kind != STATE) & pl.col("late"),
        RETURNED_WITHOUT_CHECKOUT: alone & never_taken,
        RESET_WITHOUT_RETURN: alone & stray_reset,
        CLOSED_WHILE_CHECKED_OUT: alone & closed,
    }
    # nearly always there is none: all are looked for at once
    hits = tracked.select_seq(**itself, hanging=alone & hanging, unreset=alone & unreset)
    found = [_marked(where(tracked, hits[code]), code) for code in itself if hits[code].any()]
    if hits["hanging"].any():
        found.append(_before(tracked, RESET_WITHOUT_RETURN, hits["hanging"], pl.int_range(pl.len()) - 1))
    if hits["unreset"].any():
        place = pl.col("back_before")
        found.append(_before(tracked, RETURNED_WITHOUT_RESET, hits["unreset"], place, effective=True))
    rows = [(code, key, key // GROUP, *mark, mark.seq, 0, None, None) for code, key, mark in shared]
    return stacked([*found, rows_of(rows, VIOLATION)])


def _marked(rows: pl.DataFrame, code: str) -> pl.DataFrame:
    """A violation by the rows themselves."""
    return rows.with_columns_seq(until="seq", by="kind", code=pl.lit(code)).select_seq(VIOLATION.keys())


def _before(
    tracked: pl.DataFrame, code: str, hits: pl.Series, place: pl.Expr, *, effective: bool = False
) -> pl.DataFrame:
    """A violation by an earlier row of the same connection, shown by these rows."""
    rows = tracked.with_columns_seq(place=place.cast(pl.Int64)).filter(hits)
    found = tracked[rows["place"]]
    if effective:
        # a row of state holds the last event's mark; the return's own is in back_*
        found = found.with_columns_seq(**{name: pl.col(f"back_{name}") for name in MARK})
    found = found.with_columns_seq(until=rows["seq"], by=rows["kind"], code=pl.lit(code))
    if effective:
        found = found.filter("effective")
    return found.select_seq(VIOLATION.keys())


@dataclass(frozen=True)
class Verdict:
    """The violations that stand, and what the review took from the complete checkouts.

    Attributes:
        violations: in the log's order.
        incomplete: checkouts that looked complete and whose reset failed after all.
        reclaimed: checkouts that looked returned and were the garbage collector's doing.
        unexplained: the groups of returns whose reset is missing where the log's end cuts off what may explain it.
    """

    violations: pl.DataFrame
    incomplete: pl.DataFrame
    reclaimed: pl.DataFrame
    unexplained: pl.Series

    def incomplete_of(self, group: int) -> int:
        """How many there are of a group."""
        return self._counts[0][group]

    def reclaimed_of(self, group: int) -> int:
        """Likewise."""
        return self._counts[1][group]

    @cached_property
    def _counts(self) -> tuple[Counter[int], Counter[int]]:
        return Counter(self.incomplete["group"].to_list()), Counter(self.reclaimed["group"].to_list())


@stateful
class Review:
    """Collects violations, and the events that explain some of them away."""

    _violations: list[pl.DataFrame] = field(default_factory=list)
    _later: list[pl.DataFrame] = field(default_factory=list)

    def take(self, violations: pl.DataFrame, later: pl.DataFrame) -> None:
        """What one batch showed."""
        if violations.height:
            self._violations.append(violations)
        if later.height:
            self._later.append(later)

    def finish(self, unreset: Collection[int] = (), terminated: Collection[int] = ()) -> Verdict:
        """The verdict.

        Args:
            unreset: the groups none of whose returns has a reset.
            terminated: the numbers of hard closes that are the last events of their groups: the garbage collector's
                message, which comes right behind such a close, may be cut off.
        """
        violations = pl.concat([pl.DataFrame(schema=VIOLATION), *self._violations])
        later = pl.concat([pl.DataFrame(schema=LATER), *self._later]).sort("seq")
        reclaimed, failures, incomplete = empty(REVISED), empty(VIOLATION), empty(REVISED)
        if later.height:
            violations, reclaimed = _without_reclaimed(violations, later)
            violations = _without_failed_detached(violations, later)
            failures, incomplete = _reset_failures(later)
        void = pl.col("code").is_in(_VOID_WITHOUT_RESETS) & pl.col("group").is_in(list(unreset))
        violations = violations.filter(~void)
        cut_off = (pl.col("code") == RETURNED_WITHOUT_RESET) & pl.col("until").is_in(list(terminated))
        unexplained = violations.filter(cut_off)["group"]
        return Verdict(
            pl.concat([violations.filter(~cut_off), failures]).sort("seq"), incomplete, reclaimed, unexplained
        )


def _without_reclaimed(violations: pl.DataFrame, later: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Takes out the returns without a reset that the garbage collector made, and then closed."""
    collected = later.filter(pl.col("kind") == int(Kind.RECLAIMED)).select_seq("key", "seq").sort("seq")
    held = (pl.col("time") - pl.col("out_time")).alias("microseconds")
    closes = violations.filter(
        (pl.col("code") == RETURNED_WITHOUT_RESET) & (pl.col("by") == int(Kind.CLOSING))
    ).select_seq("key", "until", "group", "out_seq", held)
    explained = collected.join_asof(
        closes.sort("until"),
        left_on="seq",
        right_on="until",
        by="key",
        coalesce=False,
        check_sortedness=False,
    ).filter(pl.col("until").is_not_null())
    # one close is told once, however often the message stands there
    pairs = explained.unique(["key", "until"], maintain_order=True)
    return violations.join(pairs, on=["key", "until"], how="anti", maintain_order="left"), chosen(pairs, *REVISED)


def _without_failed_detached(violations: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Takes out the resets without a return that failed at once: a detached connection's, which is then not closed."""
    failed = later.filter(pl.col("kind") == int(Kind.RESET_FAILED))["seq"]
    detached = (pl.col("code") == RESET_WITHOUT_RETURN) & (pl.col("seq") + 1).is_in(failed.implode())
    return violations.filter(~detached)


def _reset_failures(later: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each reset failure with the connection that the next invalidation after a return names."""
    rows: list[tuple[str | int | None, ...]] = []
    incomplete: list[tuple[int, int, None]] = []
    waiting: defaultdict[tuple[int, int | None], deque[dict[str, int]]] = defaultdict(deque)
    for row in later.iter_rows(named=True):
        queue = waiting[row["group"], row["thread"]]
        if row["kind"] == Kind.RESET_FAILED:
            queue.append(row)
        elif row["kind"] == Kind.INVALIDATED and queue:
            rows.append(_reset_failure(queue.popleft(), row["key"]))
            if row["completed"] is not None:
                incomplete.append((row["group"], row["completed"], None))
    rows += [_reset_failure(row, None) for queue in waiting.values() for row in queue]
    return pl.DataFrame(rows, schema=VIOLATION, orient="row"), rows_of(incomplete, REVISED)


def _reset_failure(row: dict[str, int], key: int | None) -> tuple[str | int | None, ...]:
    mark = (row[name] for name in MARK)
    return RESET_FAILED, key, row["group"], *mark, row["seq"], int(Kind.RESET_FAILED), None, None
