"""The fold: events in, batch by batch; lives, checkouts and violations out.

Between batches it carries one row per connection that is open, who uses a shared one, and what is still on its way
to a new connection. What comes out does not depend on where the batches were cut.
"""

from __future__ import annotations

from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import chosen, empty, stacked, where
from logpool.native.numbers import ends_of, places_of
from logpool.schema import Detail, End, Kind
from logpool.track.batches import EventBatch
from logpool.track.causes import Causes
from logpool.track.clocks import SETBACK, Clocks, lasts_of
from logpool.track.emptied import Emptied
from logpool.track.found import Checkouts, Lives, Tracked
from logpool.track.keys import KeySet
from logpool.track.moves import HIDDEN, Failed, Moves
from logpool.track.neighbours import GROUP, MARK, STATE, STATE_COLUMNS, related
from logpool.track.outcomes import (
    BACK,
    NO_END,
    at_return_of,
    checkouts_of,
    failed_checkouts,
    lives,
    outcome_of,
    shared_checkouts,
)
from logpool.track.refusals import Refusals
from logpool.track.remarks import (
    INCIDENTS,
    censored,
    created,
    incidents_of,
    later_of,
    rested,
    rests,
    unborn,
    unfinished,
)
from logpool.track.sequence import VIOLATION, broken
from logpool.track.sharing import Batch, Sharing
from logpool.track.steps import failed_steps, ordered, shared_steps, steps
from logpool.track.tracked import (
    BIRTH,
    FAILURE,
    INCIDENT,
    LATER,
    LIFE,
    RESTED,
    UNBORN,
    UNFINISHED,
)
from logpool.track.wholes import CREATED, OTHER, role_of, without_wholes

if TYPE_CHECKING:
    from logpool.read.vocabulary import Vocabulary

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


@stateful
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
    _refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self._causes = Causes(self.vocabulary)
        self._refusals = Refusals(self.vocabulary)

    def take(self, events: pl.DataFrame) -> Tracked:
        """Follows one batch: ``line``, ``time``, ``shape``, ``connection``, ``thread``, ``source``."""
        first = self._seq
        self._seq += events.height
        ends = ends_of(events["shape"])
        lasts = lasts_of(ends)
        # while this looks, more are read: of what is known now, all is of one length
        meanings = self._meanings_now()
        events = self._emptied.named(events, self.vocabulary.frame(), first, lasts)
        batch = EventBatch(events, first, self.vocabulary, lasts)
        incidents = batch.told(_incidents(events["shape"], ends["label"], meanings["incident"]))
        failures = where(chosen(incidents, *FAILURE), pl.col("kind").is_in(_NAMELESS))
        wholes = without_wholes(events, self._roles(incidents, meanings), meanings["base"], self._states["key"])
        before = events["time"][wholes.rest["before"]].alias("time_before")
        followed = batch.told(wholes.rest["place"]).hstack([*chosen(wholes.rest, "key", "more"), before])
        followed = self._refusals.told(self._emptied.told(followed), incidents)
        touched = wholes.rest["key"].unique()
        known = where(self._states, pl.col("key").is_in(touched.implode()))
        tracked = _carried(self._with_late(related(followed, known)))
        failed = self._moves.take(tracked, failures)
        tracked = _with_completed(self._with_inherited(tracked))
        shared = self._share(tracked, failures)
        self.keys.add(wholes.keys)
        self._remember(touched, tracked)
        own = where(tracked, tracked["kind"] != STATE)
        others = stacked([steps(own), failed_steps(failed), shared_steps(shared)])
        checkouts = [
            *checkouts_of(tracked, self._moves.given_up),
            failed_checkouts(failed, End.FAILED),
            shared_checkouts(shared.uses),
        ]
        later = later_of(own, incidents, shared.completed)
        detached = [use.end.seq for use in shared.uses if use.outcome is End.DETACHED and use.end]
        ended = Checkouts(stacked(checkouts), batch, wholes.uses)
        over = Lives(lives(tracked), batch, wholes.lives)
        return Tracked(
            ended,
            over,
            broken(tracked, shared.violations),
            ordered(batch, wholes, others),
            later,
            pl.concat([censored(own), pl.Series("group", shared.censored, dtype=pl.UInt32)]),
            incidents_of(incidents, own),
            rested(ended.spans, rests(own)),
            self._setbacks(batch),
            self._causes.take(tracked, over, batch, later, detached),
            unfinished(own, self.vocabulary.in_transaction()),
            unborn(own),
            created(own),
            self._emptied.begun,
            ends,
            self._clocks.course,
        )

    def _meanings_now(self) -> pl.DataFrame:
        """What the shapes say, by their numbers: ``incident``, ``role`` (0 for none), ``base`` (of keys), ``group``."""
        shapes = self.vocabulary.frame()
        if self._meanings.height != shapes.height:
            # a return inside a transaction is looked at by itself
            looked_at = set(self.vocabulary.in_transaction())
            roles = [
                (OTHER if number in looked_at else role_of(Kind(kind), Detail(detail)))
                if kind in _TRACKED and group is not None
                else 0
                for number, (kind, detail, group) in enumerate(shapes.select_seq("kind", "detail", "group").iter_rows())
            ]
            self._meanings = shapes.select_seq(
                incident=pl.col("kind").is_in(INCIDENTS),
                role=pl.when("shared")
                .then(pl.Series(roles).clip(0, 1) * OTHER)
                .otherwise(pl.Series(roles))
                .cast(pl.UInt8),
                base=(pl.col("group").cast(pl.Int64) * GROUP).fill_null(0),
                group="group",
            )
        return self._meanings

    def _roles(self, incidents: pl.DataFrame, meanings: pl.DataFrame) -> pl.Series:
        """The part that the events of each shape can have in whole uses and lives of this batch."""
        roles = meanings["role"]
        thrown = where(incidents, incidents["kind"] == int(Kind.INVALIDATED))["group"]
        busy = self._moves.busy() | self._emptied.groups | set(thrown)
        if not busy:
            return roles
        # a connection that is created there may carry on the checkout of one that failed
        waited_for = meanings["group"].is_in(list(busy)) & (roles == CREATED)
        return roles.zip_with(~waited_for, pl.Series([OTHER], dtype=pl.UInt8).new_from_index(0, len(roles)))

    def _setbacks(self, batch: EventBatch) -> pl.DataFrame:
        found = self._clocks.take(batch.events, self.vocabulary.frame()["group"], batch.lasts)
        if not found.height:
            return empty(SETBACK)
        rows = batch.told(found["place"])
        return chosen(rows.hstack([found["back"]]), *SETBACK)

    def _with_late(self, tracked: pl.DataFrame) -> pl.DataFrame:
        """Marks what happens to a connection that an earlier batch saw closed."""
        unborn = tracked["begins"] & tracked["first"] & (tracked["kind"] != int(Kind.CREATED))
        if not unborn.any():
            return tracked
        late = tracked["late"] | (unborn & self.keys.which(tracked["key"]))
        return tracked.with_columns_seq(late=late)

    def _with_inherited(self, tracked: pl.DataFrame) -> pl.DataFrame:
        """Gives the checkouts that went on on a new connection their beginnings."""
        inherits = tracked["inherits"] & ~tracked["shared"]
        if not inherits.any():
            return tracked
        places = inherits.arg_true().cast(pl.Int64)
        lives = tracked["life_seq"][places]
        marks = self._moves.inherited(lives).with_columns_seq(taken_at=places, kind=tracked["kind"][places])
        # nothing but a failed ping makes the pool skip the ping of a connection that nobody checked out
        skipped = pl.col("out_seq").is_null() & (pl.col("kind") == int(Kind.PING_SKIPPED))
        marks = marks.with_columns_seq(out_seq=pl.when(skipped).then(HIDDEN).otherwise("out_seq")).drop("kind")
        found = tracked.select_seq("taken_at").join(marks, on="taken_at", how="left", maintain_order="left")
        renewed = tracked["taken_at"].is_in(places.implode())
        names = [name for name in marks.columns if name != "taken_at"]
        return tracked.with_columns_seq(
            pl.when(renewed).then(found[name]).otherwise(pl.col(name)).alias(name) for name in names
        )

    def _share(self, tracked: pl.DataFrame, failures: pl.DataFrame) -> Batch:
        rows = where(tracked, (tracked["kind"] != STATE) & tracked["shared"])
        if not rows.height and not self._sharing.connections:
            return Batch()
        groups = {key // GROUP for key in self._sharing.connections} | set(rows["group"])
        return self._sharing.take(rows, failures.filter(pl.col("group").is_in(list(groups))))

    def _remember(self, touched: pl.Series, tracked: pl.DataFrame) -> None:
        """Keeps one row for each connection of which something is still open."""
        # a shared one, even closed, may have users that are still to return it
        kept = tracked["is_alive"] | tracked["shared"] | tracked["is_out"] | tracked["is_awaiting"]
        last = where(tracked.hstack([kept.alias("kept")]), _IS_KEPT)
        states = last.select_seq(_AS_STATE)
        untouched = where(self._states, ~self._states["key"].is_in(touched.implode()))
        self._states = stacked([untouched, states])

    def finish(self) -> Tracked:
        """What is still open at the end of the log."""
        states = self._states.with_columns_seq(**NO_END, dropped=pl.lit(value=False), complete=pl.lit(value=False))
        own = states.filter(~pl.col("shared") & (pl.col("out_seq") >= 0))
        opened, unreset = self._sharing.finish()
        for use in unreset:
            use.outcome = End.RETURNED
        moving = [Failed(moving, None) for moving in self._moves.unfinished()]
        checkouts = [
            outcome_of(own.filter("out"), End.OPEN),
            outcome_of(at_return_of(own.filter(pl.col("awaiting") & pl.col("effective"))), End.RETURNED),
            failed_checkouts(moving, End.OPEN),
            shared_checkouts([*opened, *unreset]),
        ]
        alive = states.filter("alive").with_columns_seq(at_return=pl.lit(value=False)).select_seq(LIFE.keys())
        return Tracked(
            Checkouts(pl.concat(checkouts)),
            Lives(alive),
            empty(VIOLATION),
            None,
            empty(LATER),
            pl.Series("group", [], dtype=pl.UInt32),
            empty(INCIDENT),
            empty(RESTED),
            empty(SETBACK),
            self._causes.finish(),
            empty(UNFINISHED),
            empty(UNBORN),
            empty(BIRTH),
        )


_IS_KEPT = pl.col("kept") & (pl.col("key") != pl.col("key").shift(-1, fill_value=-1))
# what a row becomes that is carried into the next batch
_CHANGED = {
    "last": pl.col("kind"),
    "kind": pl.lit(STATE, pl.UInt8),
    **{name: pl.col(f"is_{name}") for name in ("alive", "settled", "out", "awaiting")},
}
_AS_STATE = [_CHANGED.get(name, pl.col(name)).cast(dtype).alias(name) for name, dtype in STATE_COLUMNS.items()]


def _incidents(shapes: pl.Series, there: pl.Series, asked: pl.Series) -> pl.Series:
    """The places of incidents among events of some shapes, of which those are there; ``asked``: of each shape."""
    # most often there is none, and nobody need look for any
    return places_of(shapes, asked) if asked[there.cast(pl.UInt32)].any() else pl.Series(dtype=pl.UInt32)


def _carried(tracked: pl.DataFrame) -> pl.DataFrame:
    """Every row with the marks of the life, the checkout and the return that it belongs to."""
    own, reached = _carrying()
    return tracked.with_columns_seq(**own).with_columns_seq(**reached)


def _with_completed(tracked: pl.DataFrame) -> pl.DataFrame:
    """Every row with the checkout that it, a reset, makes complete, and with the one that the row before made so."""
    reset = (pl.col("kind") == int(Kind.RESET)) & pl.col("resolves") & pl.col("effective") & (pl.col("out_seq") >= 0)
    completed = pl.when(pl.col("kind") == STATE).then("completed").when(reset).then("out_seq")
    tracked = tracked.with_columns_seq(completed=completed)
    return tracked.with_columns_seq(was_completed=pl.when(~pl.col("first")).then(pl.col("completed").shift(1)))


@cache
def _carrying() -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """What each row has of itself, or of the state before the batch; and where it takes each from."""
    state = pl.col("kind") == STATE
    own: dict[str, pl.Expr] = {}
    for prefix, here in (("life", pl.col("begins")), ("out", pl.col("takes")), ("back", ~state)):
        for name in MARK:
            column = f"{prefix}_{name}"
            own[column] = pl.when(here).then(pl.col(name)).when(state).then(pl.col(column))
    own["fresh"] = pl.when("takes").then("first_use").when("inherits").then(pl.lit(value=True)).otherwise("fresh")
    own["inherited"] = pl.when(pl.col("takes") | pl.col("inherits")).then("inherits").otherwise("inherited")
    own["effective"] = pl.when(state).then("effective").otherwise("was_out")
    rests = pl.col("takes") & ~pl.col("shared") & pl.col("previous").is_in(BACK)
    own["idle"] = pl.when(state).then("idle").when(rests).then("gap")
    own["out_key"] = pl.when(state).then("out_key").when("takes").then("key")
    places = {"life": "life_at", "out": "taken_at", "back": "back_at"}
    reached = {f"{prefix}_{name}": place for prefix, place in places.items() for name in MARK}
    reached |= {"fresh": "taken_at", "inherited": "taken_at", "out_key": "taken_at", "effective": "back_at"}
    reached["idle"] = "taken_at"
    return own, {name: pl.col(name).gather(pl.col(place).clip(0)) for name, place in reached.items()}
