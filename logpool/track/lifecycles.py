"""The fold: events in, batch by batch; lives, checkouts and violations out.

Between batches it carries one row per connection that is open, who uses a shared one, and what is still on its way
to a new connection. What comes out does not depend on where the batches were cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.schema import Detail, End, Kind
from logpool.track.emptied import Emptied
from logpool.track.keys import KeySet
from logpool.track.moves import HIDDEN, Failed, Moves
from logpool.track.neighbours import MARK, STATE, STATE_COLUMNS, related
from logpool.track.sequence import VIOLATION, broken
from logpool.track.sharing import Batch, Sharing, Use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.read.vocabulary import Vocabulary

# one row per checkout that ended, or did not
CHECKOUT = {
    "key": pl.Int64,
    **{f"out_{name}": dtype for name, dtype in MARK.items()},
    **{f"end_{name}": dtype for name, dtype in MARK.items()},
    "outcome": pl.UInt8,
    "fresh": pl.Boolean,
    "complete": pl.Boolean,
}
# one row per life that ended, or did not; "born" where the log shows its beginning
LIFE = {
    "key": pl.Int64,
    **{f"life_{name}": dtype for name, dtype in MARK.items()},
    **{f"end_{name}": dtype for name, dtype in MARK.items()},
    "born": pl.Boolean,
    "dropped": pl.Boolean,
    "uses": pl.Int64,
}
# how many more connections are open, and in use, from an event on
STEP = {"seq": pl.Int64, "group": pl.UInt32, "open": pl.Int32, "out": pl.Int32}
RARE = {"group": pl.UInt32, "thread": pl.UInt32, "kind": pl.UInt8, **MARK}
# of events that the sequence is judged by in the end, when all is known
LATER = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "thread": pl.UInt32,
    "kind": pl.UInt8,
    "previous": pl.UInt8,
    **MARK,
}
# where a connection first shows up without having been created
UNBORN = {"key": pl.Int64, "kind": pl.UInt8, **MARK}

_TRACKED = [
    int(kind)
    for kind in (
        Kind.CREATED,
        Kind.CHECKED_OUT,
        Kind.PINGED,
        Kind.PING_FAILED,
        Kind.PING_SKIPPED,
        Kind.DISCONNECTED,
        Kind.RETURNED,
        Kind.RESET,
        Kind.INVALIDATED,
        Kind.SOFT_INVALIDATED,
        Kind.RECYCLED,
        Kind.CLOSING,
        Kind.CLOSE_FAILED,
        Kind.RECLAIMED,
    )
]
# what fails, and does not say on which connection
_NAMELESS = [int(kind) for kind in (Kind.CONNECT_FAILED, Kind.RECONNECT_EXHAUSTED, Kind.RESET_FAILED)]
_GROUP = 1 << 32


def group_of(key: str = "key") -> pl.Expr:
    """The group of a key."""
    return (pl.col(key) // _GROUP).cast(pl.UInt32)


def connection_of(key: str = "key") -> pl.Expr:
    """The code of a key's connection."""
    return (pl.col(key) % _GROUP).cast(pl.UInt32)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one batch, or the end of the log, brought to light: tables as named above.

    Attributes:
        checkouts: those that ended.
        lives: those that ended.
        violations: of the reset sequence, some of them to be reviewed in the end.
        steps: changes of the number of connections open, and in use.
        later: reset failures, reclaimings, and invalidations that follow a return.
        censored: per checkout whose beginning the log does not show, its ``group``.
        unborn: connections that are first seen without having been created.
        emptied: the numbers of the events at which checkouts began whose connection a listener took away at once.
    """

    checkouts: pl.DataFrame
    lives: pl.DataFrame
    violations: pl.DataFrame
    steps: pl.DataFrame
    later: pl.DataFrame
    censored: pl.Series
    unborn: pl.DataFrame
    emptied: tuple[int, ...] = ()


@dataclass
class Fold:
    """Takes the events of all sources in order, batch by batch.

    Attributes:
        vocabulary: gives the events their meaning.
        keys: every connection seen.
    """

    vocabulary: Vocabulary
    keys: KeySet = field(default_factory=KeySet)
    _seq: int = 0
    _states: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=STATE_COLUMNS))
    _emptied: Emptied = field(default_factory=Emptied)
    _moves: Moves = field(default_factory=Moves)
    _sharing: Sharing = field(default_factory=Sharing)

    def take(self, events: pl.DataFrame) -> Tracked:
        """Follows one batch: ``line``, ``time``, ``shape``, ``connection``, ``source``."""
        rows = self._emptied.named(self._told(events))
        followed = rows.filter(
            pl.col("connection").is_not_null() & pl.col("group").is_not_null() & pl.col("kind").is_in(_TRACKED)
        ).with_columns(key=pl.col("group").cast(pl.Int64) * _GROUP + pl.col("connection").cast(pl.Int64))
        failures = rows.filter(pl.col("kind").is_in(_NAMELESS)).select(RARE.keys())
        touched = followed["key"].unique()
        known = self._states.filter(pl.col("key").is_in(touched.implode()))
        tracked = related(followed, known).with_columns(group=group_of())
        tracked = _carried(self._with_late(tracked))
        failed = self._moves.take(tracked, failures)
        tracked = self._with_inherited(tracked)
        shared = self._share(tracked, failures)
        self._remember(touched, tracked)
        own = tracked.filter(pl.col("kind") != STATE)
        return Tracked(
            pl.concat([*_checkouts(tracked, self._moves.given_up), _failed(failed, End.FAILED), _used(shared.uses)]),
            _lives(tracked),
            broken(tracked, shared.violations),
            pl.concat([_steps(own), _failed_steps(failed), _shared_steps(shared)]),
            _later(own, rows),
            pl.concat([_censored(own), pl.Series("group", shared.censored, dtype=pl.UInt32)]),
            _unborn(own),
            tuple(self._emptied.checkouts),
        )

    def _told(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events with what their shapes say, numbered."""
        shapes = self.vocabulary.frame()
        meaning = shapes[events["shape"]]
        seq = pl.int_range(self._seq, self._seq + events.height, dtype=pl.Int64, eager=True).alias("seq")
        self._seq += events.height
        return pl.concat([events.drop("shape"), meaning, seq.to_frame()], how="horizontal")

    def _with_late(self, tracked: pl.DataFrame) -> pl.DataFrame:
        """Marks what happens to a connection that an earlier batch saw closed."""
        unborn = tracked["begins"] & tracked["first"] & (tracked["kind"] != int(Kind.CREATED))
        if not unborn.any():
            return tracked
        late = tracked["late"] | (unborn & self.keys.which(tracked["key"]))
        return tracked.with_columns(late=late)

    def _with_inherited(self, tracked: pl.DataFrame) -> pl.DataFrame:
        """Gives the checkouts that went on on a new connection their beginnings."""
        places = (tracked["inherits"] & ~tracked["shared"]).arg_true().cast(pl.Int64)
        if not len(places):
            return tracked
        lives = tracked["life_seq"].gather(places)
        marks = self._moves.inherited(lives).with_columns(taken_at=places, kind=tracked["kind"].gather(places))
        # nothing but a failed ping makes the pool skip the ping of a connection that nobody checked out
        skipped = pl.col("out_seq").is_null() & (pl.col("kind") == int(Kind.PING_SKIPPED))
        marks = marks.with_columns(out_seq=pl.when(skipped).then(HIDDEN).otherwise("out_seq")).drop("kind")
        found = tracked.select("taken_at").join(marks, on="taken_at", how="left", maintain_order="left")
        renewed = tracked["taken_at"].is_in(places.implode())
        names = [name for name in marks.columns if name != "taken_at"]
        return tracked.with_columns(
            pl.when(renewed).then(found[name]).otherwise(pl.col(name)).alias(name) for name in names
        )

    def _share(self, tracked: pl.DataFrame, failures: pl.DataFrame) -> Batch:
        rows = tracked.filter((pl.col("kind") != STATE) & pl.col("shared"))
        if not rows.height and not self._sharing.connections:
            return Batch()
        groups = {key // _GROUP for key in self._sharing.connections} | set(rows["group"])
        return self._sharing.take(rows, failures.filter(pl.col("group").is_in(list(groups))))

    def _remember(self, touched: pl.Series, tracked: pl.DataFrame) -> None:
        """Keeps one row for each connection of which something is still open."""
        self.keys.add(touched)
        last = tracked.filter(pl.col("key") != pl.col("key").shift(-1, fill_value=-1))
        # a shared one, even closed, may have users that are still to return it
        last = last.filter(pl.col("is_alive") | pl.col("shared") | pl.col("is_out") | pl.col("is_awaiting"))
        states = last.with_columns(
            last="kind",
            kind=pl.lit(STATE, pl.UInt8),
            alive="is_alive",
            settled="is_settled",
            out="is_out",
            awaiting="is_awaiting",
        ).select(pl.col(name).cast(dtype) for name, dtype in STATE_COLUMNS.items())
        untouched = self._states.filter(~pl.col("key").is_in(touched.implode()))
        self._states = pl.concat([untouched, states])

    def finish(self) -> Tracked:
        """What is still open at the end of the log."""
        states = self._states.with_columns(**_NO_END, dropped=pl.lit(value=False), complete=pl.lit(value=False))
        own = states.filter(~pl.col("shared") & (pl.col("out_seq") >= 0))
        opened, unreset = self._sharing.finish()
        for use in unreset:
            use.outcome = End.RETURNED
        moving = [Failed(moving, None) for moving in self._moves.unfinished()]
        checkouts = [
            _outcome(own.filter("out"), End.OPEN),
            _outcome(_at_return(own.filter(pl.col("awaiting") & pl.col("effective"))), End.RETURNED),
            _failed(moving, End.OPEN),
            _used([*opened, *unreset]),
        ]
        return Tracked(
            pl.concat(checkouts),
            states.filter("alive").select(LIFE.keys()),
            pl.DataFrame(schema=VIOLATION),
            pl.DataFrame(schema=STEP),
            pl.DataFrame(schema=LATER),
            pl.Series("group", [], dtype=pl.UInt32),
            pl.DataFrame(schema=UNBORN),
        )


def _carried(tracked: pl.DataFrame) -> pl.DataFrame:
    """Every row with the marks of the life, the checkout and the return that it belongs to."""
    state = pl.col("kind") == STATE
    own: dict[str, pl.Expr] = {}
    for prefix, here in (("life", pl.col("begins")), ("out", pl.col("takes")), ("back", ~state)):
        for name in MARK:
            column = f"{prefix}_{name}"
            own[column] = pl.when(here).then(pl.col(name)).when(state).then(pl.col(column))
    own["fresh"] = pl.when("takes").then("first_use").when("inherits").then(pl.lit(value=True)).otherwise("fresh")
    own["inherited"] = pl.when(pl.col("takes") | pl.col("inherits")).then("inherits").otherwise("inherited")
    own["effective"] = pl.when(state).then("effective").otherwise("was_out")
    own["out_key"] = pl.when(state).then("out_key").when("takes").then("key")
    tracked = tracked.with_columns(**own)
    places = {"life": "life_at", "out": "taken_at", "back": "back_at"}
    reached = {f"{prefix}_{name}": place for prefix, place in places.items() for name in MARK}
    reached |= {"fresh": "taken_at", "inherited": "taken_at", "out_key": "taken_at", "effective": "back_at"}
    return tracked.with_columns(pl.col(name).gather(pl.col(place).clip(0)) for name, place in reached.items())


_NO_END = {f"end_{name}": pl.lit(None, dtype) for name, dtype in MARK.items()}
_HERE = {f"end_{name}": pl.col(name) for name in MARK}
_AT_RETURN = {f"end_{name}": pl.col(f"back_{name}") for name in MARK}


def _at_return(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(**_AT_RETURN)


def _outcome(rows: pl.DataFrame, outcome: End | pl.Expr) -> pl.DataFrame:
    """Rows with ``out_*``, ``end_*`` and ``complete`` as checkouts that ended so."""
    ended = pl.lit(int(outcome)) if isinstance(outcome, End) else outcome
    return rows.filter(pl.col("out_seq") >= 0).select(
        pl.col("out_key").alias("key"),
        *(name for name in CHECKOUT if name.startswith(("out_", "end_"))),
        outcome=ended.cast(pl.UInt8),
        fresh="fresh",
        complete="complete",
    )


def _checkouts(tracked: pl.DataFrame, given_up: list[int]) -> list[pl.DataFrame]:
    """The checkouts of exclusive pools that ended in a batch; ``given_up`` holds the events that fail them."""
    kind = pl.col("kind")
    rows = tracked.with_columns(complete=pl.lit(value=False))
    ends = rows.filter((kind != STATE) & ~pl.col("shared") & pl.col("was_out"))
    at_once = ends.filter(
        ((kind == int(Kind.RETURNED)) & (pl.col("detail") == int(Detail.ALREADY_RESET)))
        | ((kind == int(Kind.INVALIDATED)) & ~pl.col("moves"))
        | (kind == int(Kind.CLOSING))
        | pl.col("ends")
    ).with_columns(**_HERE, complete=kind == int(Kind.RETURNED))
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
    return [_outcome(at_once, outcome), _returned(rows), _lost(rows)]


def _returned(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose return got its reset, or did not, at an event of this batch."""
    resolving = rows.filter("resolves")
    returns = rows[resolving["back_before"]].with_columns(
        by=resolving["kind"], complete=resolving["kind"] == int(Kind.RESET), **_AT_RETURN
    )
    outcome = pl.when(pl.col("by") == int(Kind.RECLAIMED)).then(int(End.RECLAIMED)).otherwise(int(End.RETURNED))
    return _outcome(returns.filter("effective"), outcome)


def _lost(rows: pl.DataFrame) -> pl.DataFrame:
    """Those whose end the log lacks: their connection is checked out, or created, anew."""
    again = pl.col("takes") | (pl.col("kind") == int(Kind.CREATED))
    places = (rows.select(again & pl.col("was_out") & ~pl.col("shared")).to_series()).arg_true()
    return _outcome(rows[places.cast(pl.Int64) - 1].with_columns(**_NO_END), End.LOST)


def _failed(failed: Iterable[Failed], outcome: End) -> pl.DataFrame:
    """Moving checkouts that got no connection, or none before the log ends."""
    rows = [
        (moving.key, *moving.mark, *(mark or (None,) * len(MARK)), int(outcome), moving.fresh, False)
        for moving, mark in failed
        if moving.mark.seq >= 0
    ]
    return pl.DataFrame(rows, schema=CHECKOUT, orient="row")


def _used(uses: Iterable[Use]) -> pl.DataFrame:
    rows = [
        (use.key, *use.start, *(use.end or (None,) * len(MARK)), int(use.outcome), use.fresh, use.complete)
        for use in uses
    ]
    return pl.DataFrame(rows, schema=CHECKOUT, orient="row")


def _lives(tracked: pl.DataFrame) -> pl.DataFrame:
    """The lives that ended in a batch, and those whose address begins another life before the log shows an end."""
    over = tracked.filter(pl.col("ends") & (pl.col("was_alive") | pl.col("begins")))
    over = over.with_columns(**_HERE, dropped=pl.col("kind") == int(Kind.RECLAIMED))
    again = (tracked["kind"] == int(Kind.CREATED)) & tracked["was_alive"]
    before = tracked[again.arg_true().cast(pl.Int64) - 1].with_columns(**_NO_END, dropped=pl.lit(value=False))
    return pl.concat([over.select(LIFE.keys()), before.select(LIFE.keys())])


def _steps(own: pl.DataFrame) -> pl.DataFrame:
    alone = ~pl.col("shared")
    leaves = pl.col("gives") & pl.col("was_out") & (pl.col("out_seq") >= 0) & ~pl.col("moves")
    dies = pl.col("ends") & (pl.col("was_alive") | pl.col("begins"))
    changes = own.select(
        "seq",
        "group",
        up=pl.col("begins").cast(pl.Int32),
        down=dies.cast(pl.Int32),
        out=(pl.col("takes") & ~pl.col("was_out") & alone).cast(pl.Int32)
        - (leaves & alone).fill_null(value=False).cast(pl.Int32),
    )
    rising = changes.select("seq", "group", open="up", out=pl.col("out"))
    falling = changes.select("seq", "group", open=-pl.col("down"), out=pl.lit(0, pl.Int32))
    steps = pl.concat([rising, falling.filter(pl.col("open") != 0)])
    return steps.filter((pl.col("open") != 0) | (pl.col("out") != 0)).cast(STEP)  # type: ignore[arg-type]


def _failed_steps(failed: list[Failed]) -> pl.DataFrame:
    rows = [(mark.seq, moving.key // _GROUP, 0, -1) for moving, mark in failed if mark and moving.mark.seq >= 0]
    return pl.DataFrame(rows, schema=STEP, orient="row")


def _shared_steps(shared: Batch) -> pl.DataFrame:
    rows = [(seq, group, 0, change) for seq, group, change in shared.steps]
    return pl.DataFrame(rows, schema=STEP, orient="row")


def _later(own: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    kind = pl.col("kind")
    after_return = pl.col("previous").is_in([int(Kind.RETURNED), int(Kind.RESET)])
    thrown = (kind == int(Kind.INVALIDATED)) & after_return & (~pl.col("was_out") | pl.col("shared"))
    seen = own.filter((kind == int(Kind.RECLAIMED)) | thrown).select(LATER.keys())
    failures = rows.filter((kind == int(Kind.RESET_FAILED)) & pl.col("group").is_not_null())
    failures = failures.with_columns(key=pl.lit(None, pl.Int64), previous=pl.lit(0, pl.UInt8))
    return pl.concat([seen, failures.select(LATER.keys())])


def _censored(own: pl.DataFrame) -> pl.Series:
    hidden = (pl.col("kind") == int(Kind.RETURNED)) | ((pl.col("kind") == int(Kind.RESET)) & ~pl.col("was_awaiting"))
    return own.filter(pl.col("unsettled") & hidden)["group"]


def _unborn(own: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("begins") & pl.col("first") & ~pl.col("late")
    return own.filter(first & (pl.col("kind") != int(Kind.CREATED))).select(UNBORN.keys())
