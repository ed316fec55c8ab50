"""Checkouts that move: a connection fails at check-out, and a new one carries the checkout on, or none can be made.

The log says so in pieces that name different connections: ``invalidated`` A, ``closing`` A, then ``created`` B with
no ``checked_out`` of its own, or ``connect_failed``. The pieces belong together by thread where the layout shows
it, else by order. They are few, so this is the one place that takes them one at a time.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import field
from typing import NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.frames import where
from logpool.schema import Detail, Kind, Reason
from logpool.track.neighbours import MARK

_CREATED, _CHECKED_OUT, _CONNECT_FAILED = int(Kind.CREATED), int(Kind.CHECKED_OUT), int(Kind.CONNECT_FAILED)
_CLOSING, _HARD = int(Kind.CLOSING), int(Detail.HARD)
_EXHAUSTED, _INVALIDATED = int(Kind.RECONNECT_EXHAUSTED), int(Kind.INVALIDATED)
_UNEXPLAINED = int(Reason.NONE)

# a group, and a thread where the log shows one
Place = tuple[int, int | None]
Row = dict[str, int | bool | None]


# the ``seq`` of what happened before the log begins
HIDDEN = -1


class Mark(NamedTuple):
    """When and where something happened."""

    seq: int
    time: int | None
    line: int
    source: int
    thread: int | None


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


@stateful
class Moves:
    """Carries the moving checkouts from batch to batch.

    Attributes:
        waiting: those whose connection is gone and not yet replaced, by group and thread, oldest first.
        carried: those that a new connection seems to carry on, by group and thread, and by the ``seq`` at which its
            life begins.
        spare: lives that began since, and that nobody has checked out either.
        found: those that a connection did carry on, by its life, as the batch shows.
        given_up: the ``seq`` of each invalidation in the batch that ends the last attempt at a checkout.
    """

    waiting: defaultdict[Place, deque[Moving]] = field(default_factory=lambda: defaultdict(deque))
    carried: defaultdict[Place, dict[int, Moving]] = field(default_factory=lambda: defaultdict(dict))
    spare: defaultdict[Place, list[int]] = field(default_factory=lambda: defaultdict(list))
    found: dict[int, Moving] = field(default_factory=dict)
    given_up: list[int] = field(default_factory=list)
    _exhausted: Counter[Place] = field(default_factory=Counter)

    def take(self, rows: pl.DataFrame, failures: pl.DataFrame) -> list[Failed]:
        """Follows the moves of one batch.

        Args:
            rows: a batch's related rows, in which ``out_*`` is known but for inherited checkouts.
            failures: what fails and names no connection: ``kind``, ``group``, ``thread`` and a mark.

        Returns:
            The checkouts that failed.
        """
        groups = set(where(rows, "moves")["group"]) | self.busy()
        self.found, self.given_up = {}, []
        if not groups:
            return []
        return [failed for row in _steps(rows, failures, groups) if (failed := self._step(row)) is not None]

    def busy(self) -> set[int]:
        """The groups in which a checkout is on its way."""
        return {group for (group, _), moving in (*self.waiting.items(), *self.carried.items()) if moving}

    def _step(self, row: Row) -> Failed | None:
        place: Place = row["group"], row["thread"]  # type: ignore[assignment]
        # another thread may use, and give back, what one made for its checkout
        home: Place = row["group"], row["life_thread"]  # type: ignore[assignment]
        queue, carried, spare = self.waiting[place], self.carried[place], self.spare[place]
        kind, life = row["kind"], row["life_seq"]
        if not carried:
            spare.clear()
            self._exhausted.pop(place, None)
        if row["inherits"] and not (life in self.spare[home] and _is_not_ready(row)):
            self._find(home, life)  # type: ignore[arg-type]
        if row["moves"]:
            # a checkout that a life carries on has no beginning of its own yet; its next ones have
            moved = self.found.get(life) if row["out_seq"] is None else None  # type: ignore[arg-type]
            queue.append(moved or _moving(row))
        elif kind == _CREATED and queue:
            carried[life] = queue.popleft()  # type: ignore[index]
        elif kind == _CREATED and carried:
            spare.append(life)  # type: ignore[arg-type]
        elif kind == _CHECKED_OUT:
            self._own_after_all(home, life)  # type: ignore[arg-type]
        else:
            return self._ended(row, place, home)
        return None

    def _ended(self, row: Row, place: Place, home: Place) -> Failed | None:
        queue, carried = self.waiting[place], self.carried[place]
        kind, life, made = row["kind"], row["life_seq"], self.carried[home]
        if kind == _EXHAUSTED and carried:
            self._exhausted[place] += 1
        elif kind == _INVALIDATED and row["reason"] == _UNEXPLAINED and self._exhausted[place]:
            self._exhausted[place] -= 1
            self.given_up.append(row["seq"])  # type: ignore[arg-type]
        elif kind == _CLOSING and life in made:
            # made, but not made ready: closed before anybody got it
            return Failed(made.pop(life), _mark(row))
        elif kind == _CONNECT_FAILED and queue:
            return Failed(queue.popleft(), _mark(row))
        return None

    def _find(self, place: Place, life: int) -> None:
        """A life is in use that nobody checked out: it carries a checkout on, if need be one that another seemed to."""
        carried, spare = self.carried[place], self.spare[place]
        if life not in carried and life in spare and carried:
            other = next(iter(carried))
            carried[life] = carried.pop(other)
            spare[spare.index(life)] = other
        if life in carried:
            self.found[life] = carried.pop(life)

    def _own_after_all(self, place: Place, life: int) -> None:
        """A life was checked out: it was created for that, and carries nothing on."""
        carried, spare = self.carried[place], self.spare[place]
        if life in spare:
            spare.remove(life)
        moving = carried.pop(life, None)
        if moving and spare:
            carried[spare.pop(0)] = moving
        elif moving:
            self.waiting[place].appendleft(moving)

    def inherited(self, lives: pl.Series) -> pl.DataFrame:
        """The marks of the checkouts that lives carry on: ``out_*`` per ``life_seq``, in order, null for none."""
        found = [self.found.get(life) for life in lives]
        marks = [moving.mark if moving else (None,) * len(MARK) for moving in found]
        schema = {f"out_{name}": dtype for name, dtype in MARK.items()}
        return pl.DataFrame(marks, schema=schema, orient="row").with_columns_seq(
            out_key=pl.Series([moving.key if moving else None for moving in found], dtype=pl.Int64)
        )

    def unfinished(self) -> list[Moving]:
        """Those on their way where the log ends; one that a new connection carries on is served by a fresh one."""
        waiting = [moving for queue in self.waiting.values() for moving in queue]
        return waiting + [one._replace(fresh=True) for held in self.carried.values() for one in held.values()]


def _is_not_ready(row: Row) -> bool:
    """Whether a connection is invalidated right behind its creation: it could not be set up, and nobody used it."""
    return row["kind"] == _INVALIDATED and row["seq"] - row["life_seq"] == 1  # type: ignore[operator]


def _mark(row: Row) -> Mark:
    return Mark(row["seq"], row["time"], row["line"], row["source"], row["thread"])  # type: ignore[arg-type]


def _moving(row: Row) -> Moving:
    if row["out_seq"] is None or not row["was_out"]:
        return Moving(row["key"], Mark(HIDDEN, None, 0, 0, None), fresh=False)  # type: ignore[arg-type]
    mark = Mark(*(row[f"out_{name}"] for name in MARK))  # type: ignore[arg-type]
    return Moving(row["out_key"], mark, bool(row["fresh"]))  # type: ignore[arg-type]


def _steps(rows: pl.DataFrame, failures: pl.DataFrame, groups: set[int]) -> list[Row]:
    """The rows that can matter to a move, in the log's order."""
    kind = pl.col("kind")
    own_after_all = (kind == _CHECKED_OUT) & (pl.col("previous") == _CREATED)
    unready = (kind == _CLOSING) & (pl.col("detail") == _HARD) & (pl.col("previous") == _CREATED)
    matters = pl.col("moves") | pl.col("inherits") | (kind == _CREATED) | own_after_all | unready
    names = [
        "key",
        "kind",
        "group",
        "reason",
        "inherits",
        "moves",
        "was_out",
        "fresh",
        "life_seq",
        "life_thread",
        "out_key",
        *MARK,
    ]
    names += [f"out_{name}" for name in MARK]
    chosen = rows.filter(pl.col("group").is_in(list(groups)) & matters).select_seq(names)
    failed = failures.filter(pl.col("group").is_in(list(groups)))
    return pl.concat([chosen, failed], how="diagonal").sort("seq").to_dicts()
