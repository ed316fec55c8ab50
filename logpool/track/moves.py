"""Checkouts that move: a connection fails at check-out, and a new one carries the checkout on, or none can be made.

The log says so in pieces that name different connections: ``invalidated`` A, ``closing`` A, then ``created`` B with
no ``checked_out`` of its own, or ``connect_failed``. The pieces belong together by thread where the layout shows
it, else by order. They are few, so this is the one place that takes them one at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from logpool.schema import Detail, Kind, Reason
from logpool.track.neighbours import MARK

_CREATED, _CHECKED_OUT, _CONNECT_FAILED = int(Kind.CREATED), int(Kind.CHECKED_OUT), int(Kind.CONNECT_FAILED)
_CLOSING, _HARD = int(Kind.CLOSING), int(Detail.HARD)
_EXHAUSTED, _INVALIDATED = int(Kind.RECONNECT_EXHAUSTED), int(Kind.INVALIDATED)
_GROUP = 1 << 32


# the ``seq`` of what happened before the log begins
HIDDEN = -1


class Mark(NamedTuple):
    """When and where something happened."""

    seq: int
    time: int | None
    line: int
    source: int


class Moving(NamedTuple):
    """A checkout on its way from a failed connection to the next one.

    Attributes:
        key: the connection that it was checked out on.
        mark: when and where.
        fresh: whether that connection was created for it.
    """

    key: int
    mark: Mark
    fresh: bool


class Failed(NamedTuple):
    """A checkout that got no connection in the end; no mark where the log ends first."""

    moving: Moving
    mark: Mark | None


@dataclass
class Moves:
    """Carries the moving checkouts from batch to batch.

    Attributes:
        waiting: those whose connection is gone and not yet replaced, by group and thread, oldest first.
        carried: those that a new connection carries on, by the ``seq`` at which its life begins.
        given_up: the ``seq`` of each invalidation in the batch that ends the last attempt at a checkout.
    """

    waiting: defaultdict[tuple[int, int | None], deque[Moving]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    carried: dict[int, Moving] = field(default_factory=dict)
    given_up: list[int] = field(default_factory=list)
    _exhausted: Counter[tuple[int, int | None]] = field(default_factory=Counter)

    def take(self, rows: pl.DataFrame, failures: pl.DataFrame) -> list[Failed]:
        """Follows the moves of one batch.

        Args:
            rows: a batch's related rows, in which ``out_*`` is known but for inherited checkouts.
            failures: what fails and names no connection: ``kind``, ``group``, ``thread`` and a mark.

        Returns:
            The checkouts that failed.
        """
        groups = set(rows.filter("moves")["group"]) | {
            group for (group, _), queue in self.waiting.items() if queue
        }
        self.given_up = []
        if not groups:
            return []
        return [failed for row in _steps(rows, failures, groups) if (failed := self._step(row)) is not None]

    def _step(self, row: dict[str, int | None | bool]) -> Failed | None:
        place = row["group"], row["thread"]
        queue = self.waiting[place]  # type: ignore[index]
        kind, life = row["kind"], row["life_seq"]
        if row["moves"]:
            # a checkout that a life carries on has no beginning of its own yet; its next ones have
            carried = self.carried.pop(life, None) if row["out_seq"] is None else None  # type: ignore[arg-type]
            queue.append(carried or _moving(row))
        elif kind == _CREATED and queue:
            self.carried[life] = queue.popleft()  # type: ignore[index]
        elif kind == _CHECKED_OUT:
            # created for a checkout of its own after all
            moving = self.carried.pop(life, None)  # type: ignore[arg-type]
            if moving:
                queue.appendleft(moving)
        elif kind == _EXHAUSTED:
            self._exhausted[place] += 1  # type: ignore[index]
        elif kind == _INVALIDATED and self._exhausted[place]:  # type: ignore[index]
            self._exhausted[place] -= 1  # type: ignore[index]
            self.given_up.append(row["seq"])  # type: ignore[arg-type]
        elif kind == _CLOSING and life in self.carried:
            # made, but not made ready: closed before anybody got it
            return Failed(self.carried.pop(life), _mark(row))
        elif kind == _CONNECT_FAILED and queue:
            return Failed(queue.popleft(), _mark(row))
        return None

    def inherited(self, lives: pl.Series) -> pl.DataFrame:
        """The marks of the checkouts that lives carry on: ``out_*`` per ``life_seq``, in order, null for none."""
        found = [self.carried.get(life) for life in lives]
        marks = [moving.mark if moving else (None, None, None, None) for moving in found]
        schema = {f"out_{name}": dtype for name, dtype in MARK.items()}
        return pl.DataFrame(marks, schema=schema, orient="row").with_columns(
            out_key=pl.Series([moving.key if moving else None for moving in found], dtype=pl.Int64)
        )

    def forget(self, lives: pl.Series) -> None:
        """Drops lives whose inherited checkout has ended."""
        for life in lives:
            self.carried.pop(life, None)


def _mark(row: dict[str, int | None | bool]) -> Mark:
    return Mark(row["seq"], row["time"], row["line"], row["source"])  # type: ignore[arg-type]


def _moving(row: dict[str, int | None | bool]) -> Moving:
    if row["out_seq"] is None or not row["was_out"]:
        return Moving(row["key"], Mark(HIDDEN, None, 0, 0), fresh=False)  # type: ignore[arg-type]
    mark = Mark(row["out_seq"], row["out_time"], row["out_line"], row["out_source"])  # type: ignore[arg-type]
    return Moving(row["out_key"], mark, bool(row["fresh"]))  # type: ignore[arg-type]


def _steps(
    rows: pl.DataFrame, failures: pl.DataFrame, groups: set[int]
) -> list[dict[str, int | None | bool]]:
    """The rows that can matter to a move, in the log's order."""
    kind = pl.col("kind")
    own_after_all = (kind == _CHECKED_OUT) & (pl.col("previous") == _CREATED)
    unready = (kind == _CLOSING) & (pl.col("detail") == _HARD) & (pl.col("previous") == _CREATED)
    last = (kind == _INVALIDATED) & pl.col("inherits") & (pl.col("reason") == int(Reason.NONE))
    matters = pl.col("moves") | (kind == _CREATED) | own_after_all | unready | last
    names = ["key", "kind", "group", "thread", "moves", "was_out", "fresh", "life_seq", "out_key", *MARK]
    names += [f"out_{name}" for name in MARK]
    chosen = rows.filter(pl.col("group").is_in(list(groups)) & matters).select(names)
    failed = failures.filter(pl.col("group").is_in(list(groups)))
    return pl.concat([chosen, failed], how="diagonal").sort("seq").to_dicts()
