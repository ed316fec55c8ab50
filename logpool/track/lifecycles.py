"""The fold: events in, batch by batch; lives, checkouts and violations out.

Between batches it carries one row per connection that is open, who uses a shared one, and what is still on its way
to a new connection. What comes out does not depend on where the batches were cut.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.schema import Detail, End, Kind
from logpool.track.causes import Causes
from logpool.track.clocks import SETBACK, Clocks
from logpool.track.emptied import Emptied
from logpool.track.keys import KeySet
from logpool.track.moves import HIDDEN, Failed, Moves
from logpool.track.neighbours import MARK, STATE, STATE_COLUMNS, related
from logpool.track.sequence import VIOLATION, broken
from logpool.track.sharing import Batch, Sharing, Use
from logpool.track.wholes import CREATED, OTHER, Wholes, role_of, without_wholes

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
# one row per life that ended, or did not; "born" where the log shows its beginning; "seq" and "time" of its last event;
# "at_return" where the connection was closed as soon as it came back, as a pool does that has no room for it
LIFE = {
    "key": pl.Int64,
    **{f"life_{name}": dtype for name, dtype in MARK.items()},
    **{f"end_{name}": dtype for name, dtype in MARK.items()},
    "born": pl.Boolean,
    "dropped": pl.Boolean,
    "uses": pl.Int64,
    "seq": pl.Int64,
    "time": pl.Int64,
    "at_return": pl.Boolean,
}
# in the log's order: how many connections an event opens and closes, and how many more are in use from it on; with
# "out" comes the checkout that begins or ends, by its number and its thread, unless its connection is shared
_CHANGES = {"opened": pl.Int8, "closed": pl.Int8, "out": pl.Int8}
_WHOSE = {"out_seq": pl.Int64, "out_thread": pl.UInt32}
STEP = {
    "seq": pl.Int64,
    "group": pl.UInt32,
    "time": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    **_CHANGES,
    **_WHOSE,
}
_CHANGE = {"seq": pl.Int64, **_CHANGES, **_WHOSE}
# one row per return that psycopg's status shows to end inside a transaction
UNFINISHED = {
    "key": pl.Int64,
    **{f"out_{name}": dtype for name, dtype in MARK.items()},
    **{f"end_{name}": dtype for name, dtype in MARK.items()},
}
FAILURE = {"group": pl.UInt32, "kind": pl.UInt8, **MARK}
# of what does not happen to a healthy pool, or not often; no connection and no group where the record names none;
# "idle": the microseconds that the connection lay idle before the checkout that failed soon after its beginning
INCIDENT = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "kind": pl.UInt8,
    "detail": pl.UInt8,
    "shape": pl.UInt32,
    "idle": pl.Int64,
    **MARK,
}
# per group, of returns that end the use of a kept connection: the first, and the longest idle time before such a use
RESTED = {"group": pl.UInt32, "seq": pl.Int64, "idle": pl.Int64}
# where a connection first shows up without having been created
UNBORN = {"key": pl.Int64, "kind": pl.UInt8, **MARK}
# of events that the sequence is judged by in the end, when all is known
LATER = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "kind": pl.UInt8,
    "previous": pl.UInt8,
    **MARK,
}

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
_INCIDENTS = [
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
_GROUP = 1 << 32
# microseconds: a pool without room closes what comes back at once, one that is disposed of whenever that is
_AT_ONCE = 1_000_000
# microseconds: what fails later in a checkout was alive at its beginning; a dead network takes some time to tell
_SOON = 60_000_000


# what a connection last did that is idle now
_BACK = [int(Kind.RETURNED), int(Kind.RESET)]
_KEY = (pl.col("group").cast(pl.Int64) * _GROUP + pl.col("connection").cast(pl.Int64)).alias("key")


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
        incidents: what does not happen to a healthy pool, or not often, in the log's order.
        rested: what kept connections were good for, per group.
        setbacks: where a process's clock steps back.
        closes: those whose cause is settled, as :data:`logpool.track.causes.CLOSE`.
        unfinished: returns with a transaction still open, where the driver prints it.
        unborn: connections that are first seen without having been created.
        emptied: the numbers of the events at which checkouts began whose connection a listener took away at once.
    """

    checkouts: pl.DataFrame
    lives: pl.DataFrame
    violations: pl.DataFrame
    steps: pl.DataFrame
    later: pl.DataFrame
    censored: pl.Series
    incidents: pl.DataFrame
    rested: pl.DataFrame
    setbacks: pl.DataFrame
    closes: pl.DataFrame
    unfinished: pl.DataFrame
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
    _meanings: pl.DataFrame = field(default_factory=pl.DataFrame)
    _emptied: Emptied = field(default_factory=Emptied)
    _moves: Moves = field(default_factory=Moves)
    _sharing: Sharing = field(default_factory=Sharing)
    _clocks: Clocks = field(default_factory=Clocks)
    _causes: Causes = field(init=False)

    def __post_init__(self) -> None:
        self._causes = Causes(self.vocabulary)

    def take(self, events: pl.DataFrame) -> Tracked:
        """Follows one batch: ``line``, ``time``, ``shape``, ``connection``, ``source``."""
        first = self._seq
        self._seq += events.height
        events = self._emptied.named(events, self.vocabulary.frame(), first)
        incidents = self._told(events, self._meaning("incident")[events["shape"]].arg_true(), first)
        failures = incidents.filter(pl.col("kind").is_in(_NAMELESS)).select(FAILURE.keys())
        wholes = without_wholes(self._followed(events, incidents), self._states["key"])
        followed = self._told(events, wholes.rest["place"], first).with_columns(
            wholes.rest["key"], wholes.rest["more"], time_before=events["time"].gather(wholes.rest["before"])
        )
        followed = self._emptied.told(followed)
        touched = wholes.rest["key"].unique()
        known = self._states.filter(pl.col("key").is_in(touched.implode()))
        tracked = related(followed, known).with_columns(group=group_of())
        tracked = _carried(self._with_late(tracked))
        failed = self._moves.take(tracked, failures)
        tracked = self._with_inherited(tracked)
        shared = self._share(tracked, failures)
        self.keys.add(wholes.keys)
        self._remember(touched, tracked)
        own = tracked.filter(pl.col("kind") != STATE)
        told = self.vocabulary.frame().select("group", "thread")[events["shape"]]
        others = pl.concat([_steps(own), _failed_steps(failed), _shared_steps(shared)])
        checkouts = [*_checkouts(tracked, self._moves.given_up), _failed(failed, End.FAILED), _used(shared.uses)]
        later = _later(own, incidents)
        detached = [use.end.seq for use in shared.uses if use.outcome is End.DETACHED and use.end]
        whole_lives = self._whole_lives(events, wholes.lives, first)
        return Tracked(
            pl.concat([self._whole_uses(events, wholes.uses, first), *checkouts]),
            pl.concat([whole_lives, _lives(tracked)]),
            broken(tracked, shared.violations),
            _ordered(events, told, first, wholes, others),
            later,
            pl.concat([_censored(own), pl.Series("group", shared.censored, dtype=pl.UInt32)]),
            _incidents(incidents, own),
            _rested(pl.concat([self._whole_rests(events, wholes.uses, first), _rests(own)])),
            self._setbacks(events, told["group"], first),
            self._causes.take(tracked, self._whole_closes(events, wholes.lives, first), events, first, later, detached),
            _unfinished(own, self.vocabulary.in_transaction()),
            _unborn(own),
            self._emptied.begun,
        )

    def _meaning(self, name: str) -> pl.Series:
        """What the shapes say, by their numbers: ``incident``, ``role`` (0 for none), ``base`` (of keys)."""
        shapes = self.vocabulary.frame()
        if self._meanings.height != shapes.height:
            # a return inside a transaction is looked at by itself
            unfinished = set(self.vocabulary.in_transaction())
            roles = [
                (OTHER if number in unfinished else role_of(Kind(kind), Detail(detail)))
                if kind in _TRACKED and group is not None
                else 0
                for number, (kind, detail, group) in enumerate(shapes.select("kind", "detail", "group").iter_rows())
            ]
            self._meanings = shapes.select(
                incident=pl.col("kind").is_in(_INCIDENTS),
                role=pl.when("shared")
                .then(pl.Series(roles).clip(0, 1) * OTHER)
                .otherwise(pl.Series(roles))
                .cast(pl.UInt8),
                base=pl.col("group").cast(pl.Int64) * _GROUP,
            )
        return self._meanings[name]

    def _followed(self, events: pl.DataFrame, incidents: pl.DataFrame) -> pl.DataFrame:
        """``key``, ``place`` and ``role`` of the events of connections."""
        roles = self._meaning("role")
        thrown = incidents.filter(pl.col("kind") == int(Kind.INVALIDATED))["group"]
        busy = self._moves.busy() | self._emptied.groups | set(thrown)
        if busy:
            # a connection that is created there may carry on the checkout of one that failed
            groups = self.vocabulary.frame()["group"]
            waited_for = groups.is_in(list(busy)) & (roles == CREATED)
            roles = roles.zip_with(~waited_for, pl.Series([OTHER], dtype=pl.UInt8).new_from_index(0, len(roles)))
        shape = events["shape"]
        rows = pl.DataFrame(
            {
                "key": self._meaning("base").gather(shape) + events["connection"].cast(pl.Int64),
                "role": roles.gather(shape),
                "place": pl.int_range(events.height, dtype=pl.UInt32, eager=True),
            }
        )
        return rows.filter((pl.col("role") > 0) & pl.col("key").is_not_null())

    def _told(self, events: pl.DataFrame, places: pl.Series, first: int) -> pl.DataFrame:
        """Some of the events, with what their shapes say, numbered."""
        rows = events[places]
        meaning = self.vocabulary.frame()[rows["shape"]]
        return pl.concat([rows, meaning, (places.cast(pl.Int64) + first).alias("seq").to_frame()], how="horizontal")

    def _marks(self, events: pl.DataFrame, places: pl.Series, first: int, name: str) -> pl.DataFrame:
        """The marks of events, as columns of a name."""
        rows = events.select("time", "line", "source", "shape")[places]
        rows = rows.with_columns(
            seq=places.cast(pl.Int64) + first, thread=self.vocabulary.frame()["thread"].gather(rows["shape"])
        )
        return rows.select(pl.col(mark).alias(f"{name}_{mark}") for mark in MARK)

    def _whole_uses(self, events: pl.DataFrame, uses: pl.DataFrame, first: int) -> pl.DataFrame:
        ends = [self._marks(events, uses["begin"], first, "out"), self._marks(events, uses["end"], first, "end")]
        rows = pl.concat([uses.select("key", "fresh"), *ends], how="horizontal")
        rows = rows.with_columns(outcome=pl.lit(int(End.RETURNED), pl.UInt8), complete=pl.lit(value=True))
        return rows.select(CHECKOUT.keys())

    def _whole_lives(self, events: pl.DataFrame, lives: pl.DataFrame, first: int) -> pl.DataFrame:
        ends = [self._marks(events, lives["begin"], first, "life"), self._marks(events, lives["end"], first, "end")]
        rows = pl.concat([lives.select("key"), *ends], how="horizontal")
        closing = events.select("shape", "time")[lives["end"]]
        soft = self.vocabulary.frame()["detail"].gather(closing["shape"]) == int(Detail.SOFT)
        gap = closing["time"] - events["time"].gather(lives["back"])
        rows = rows.with_columns(
            born=pl.lit(value=True),
            dropped=pl.lit(value=False),
            uses=pl.lit(1, pl.Int64),
            seq="end_seq",
            time="end_time",
            at_return=soft & (gap <= _AT_ONCE).fill_null(value=True),
        )
        return rows.select(LIFE.keys())

    def _whole_closes(self, events: pl.DataFrame, lives: pl.DataFrame, first: int) -> pl.DataFrame:
        """The closes of whole lives, as related rows, with ``before``: the number of the reset before each."""
        return self._told(events, lives["end"], first).with_columns(
            lives["key"],
            before=lives["back"].cast(pl.Int64) + first,
            previous=pl.lit(int(Kind.RESET), pl.UInt8),
            was_out=pl.lit(value=False),
            was_awaiting=pl.lit(value=False),
            is_last=pl.lit(value=False),
        )

    def _whole_rests(self, events: pl.DataFrame, uses: pl.DataFrame, first: int) -> pl.DataFrame:
        kept = uses.filter(~pl.col("fresh"))
        times = events["time"]
        return kept.select(
            group_of().alias("group"),
            seq=pl.col("end").cast(pl.Int64) + first,
            idle=times.gather(kept["begin"]) - times.gather(kept["before"]),
        )

    def _setbacks(self, events: pl.DataFrame, groups: pl.Series, first: int) -> pl.DataFrame:
        found = self._clocks.take(events["time"], groups)
        rows = self._told(events, found["place"], first)
        return pl.concat([rows, found.select("back")], how="horizontal").select(SETBACK.keys())

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
            states.filter("alive").with_columns(at_return=pl.lit(value=False)).select(LIFE.keys()),
            pl.DataFrame(schema=VIOLATION),
            pl.DataFrame(schema=STEP),
            pl.DataFrame(schema=LATER),
            pl.Series("group", [], dtype=pl.UInt32),
            pl.DataFrame(schema=INCIDENT),
            pl.DataFrame(schema=RESTED),
            pl.DataFrame(schema=SETBACK),
            self._causes.finish(),
            pl.DataFrame(schema=UNFINISHED),
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
    own["gap"] = pl.col("time") - pl.when(pl.col("more") > 0).then("time_before").otherwise(pl.col("time").shift(1))
    rests = pl.col("takes") & ~pl.col("shared") & pl.col("previous").is_in(_BACK)
    own["idle"] = pl.when(state).then("idle").when(rests).then("gap")
    own["out_key"] = pl.when(state).then("out_key").when("takes").then("key")
    tracked = tracked.with_columns(gap=own.pop("gap")).with_columns(**own)
    places = {"life": "life_at", "out": "taken_at", "back": "back_at"}
    reached = {f"{prefix}_{name}": place for prefix, place in places.items() for name in MARK}
    reached |= {"fresh": "taken_at", "inherited": "taken_at", "out_key": "taken_at", "effective": "back_at"}
    reached["idle"] = "taken_at"
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
    at_return = (pl.col("kind") == int(Kind.CLOSING)) & (pl.col("detail") == int(Detail.SOFT)) & ~pl.col("was_out")
    at_return &= pl.col("previous").is_in(_BACK) & (pl.col("gap") <= _AT_ONCE).fill_null(value=True)
    over = over.with_columns(**_HERE, dropped=pl.col("kind") == int(Kind.RECLAIMED), at_return=at_return)
    again = (tracked["kind"] == int(Kind.CREATED)) & tracked["was_alive"]
    before = tracked[again.arg_true().cast(pl.Int64) - 1].with_columns(
        **_NO_END, dropped=pl.lit(value=False), at_return=pl.lit(value=False)
    )
    return pl.concat([over.select(LIFE.keys()), before.select(LIFE.keys())])


def _steps(own: pl.DataFrame) -> pl.DataFrame:
    alone = ~pl.col("shared")
    leaves = pl.col("gives") & pl.col("was_out") & (pl.col("out_seq") >= 0) & ~pl.col("moves")
    dies = pl.col("ends") & (pl.col("was_alive") | pl.col("begins"))
    changes = own.select(
        "seq",
        *_WHOSE,
        opened=pl.col("begins").cast(pl.Int8),
        closed=dies.cast(pl.Int8),
        out=(pl.col("takes") & ~pl.col("was_out") & alone).cast(pl.Int8)
        - (leaves & alone).fill_null(value=False).cast(pl.Int8),
    )
    return changes.select(_CHANGE.keys()).cast(_CHANGE)  # type: ignore[arg-type]


def _failed_steps(failed: list[Failed]) -> pl.DataFrame:
    rows = [
        (mark.seq, 0, 0, -1, moving.mark.seq, moving.mark.thread)
        for moving, mark in failed
        if mark and moving.mark.seq >= 0
    ]
    return pl.DataFrame(rows, schema=_CHANGE, orient="row")


def _shared_steps(shared: Batch) -> pl.DataFrame:
    rows = [(seq, 0, 0, change, None, None) for seq, change in shared.steps]
    return pl.DataFrame(rows, schema=_CHANGE, orient="row")


def _ordered(
    events: pl.DataFrame, told: pl.DataFrame, first: int, wholes: Wholes, others: pl.DataFrame
) -> pl.DataFrame:
    """The steps of whole uses and lives, and the others, in the log's order.

    Args:
        events: of the batch.
        told: their ``group`` and ``thread``.
        first: the number of the first one.
        wholes: what was taken out of them.
        others: the steps of the rest.
    """
    uses, lives = wholes.uses, wholes.lives
    whose = {name: pl.col(name).filter(pl.col("out") != 0).first() for name in _WHOSE}
    at = others.group_by("seq").agg(pl.col(*_CHANGES).sum(), **whose)
    places = (at["seq"] - first).cast(pl.UInt32)
    size = events.height
    opened, closed, out = (pl.zeros(size, dtype=pl.Int8, eager=True) for _ in range(3))
    opened = opened.scatter(lives["begin"], 1).scatter(places, at["opened"])
    closed = closed.scatter(lives["end"], 1).scatter(places, at["closed"])
    out = out.scatter(uses["begin"], 1).scatter(uses["end"], -1).scatter(places, at["out"])
    # of most, the checkout is the one that begins at the step itself
    out_seq = pl.int_range(first, first + size, dtype=pl.Int64, eager=True)
    out_thread = told["thread"].clone().scatter(uses["end"], told["thread"].gather(uses["begin"]))
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
    return steps.with_columns(pl.when(pl.col("out") != 0).then(pl.col(name)).alias(name) for name in _WHOSE)


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


def _incidents(rows: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    if not rows.height:
        return pl.DataFrame(schema=INCIDENT)
    found = rows.with_columns(_KEY)
    soon = pl.col("was_out") & (pl.col("time") - pl.col("out_time") <= _SOON)
    idle = own.filter(pl.col("kind").is_in(_INCIDENTS) & soon).select("seq", "idle")
    return found.join(idle, on="seq", how="left", maintain_order="left").select(INCIDENT.keys())


def _rests(own: pl.DataFrame) -> pl.DataFrame:
    returned = own.filter((pl.col("kind") == int(Kind.RETURNED)) & pl.col("was_out") & ~pl.col("fresh"))
    return returned.select(RESTED.keys())


def _rested(rests: pl.DataFrame) -> pl.DataFrame:
    return rests.group_by("group").agg(pl.col("seq").min(), pl.col("idle").max()).select(RESTED.keys())


def _unfinished(own: pl.DataFrame, shapes: list[int]) -> pl.DataFrame:
    """The returns whose records are of some shapes, with the checkouts that they end."""
    if not shapes:
        return pl.DataFrame(schema=UNFINISHED)
    alone = pl.col("was_out") & ~pl.col("shared") & (pl.col("out_seq") >= 0)
    found = own.filter((pl.col("kind") == int(Kind.RETURNED)) & alone & pl.col("shape").is_in(shapes))
    return found.with_columns(**_HERE).select(UNFINISHED.keys())


def _unborn(own: pl.DataFrame) -> pl.DataFrame:
    first = pl.col("begins") & pl.col("first") & ~pl.col("late")
    return own.filter(first & (pl.col("kind") != int(Kind.CREATED))).select(UNBORN.keys())
