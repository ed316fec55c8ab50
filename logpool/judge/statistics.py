"""Lifecycles, batch by batch -> the figures of every pool, every pool class, and all together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import at, chosen, constant
from logpool.judge.cells import Cells
from logpool.judge.clock import Clock
from logpool.judge.concurrency import Concurrency, climb
from logpool.judge.durations import DurationCounts
from logpool.judge.little import Areas
from logpool.judge.merged import Merged
from logpool.judge.silence import Silence
from logpool.judge.timeline import Timelines
from logpool.native.numbers import counted, extremes_of, places_of, tallied
from logpool.read.vocabulary import split_pool_name
from logpool.report.model import Timings
from logpool.schema import Cause, Detail, End, Kind
from logpool.track.sequence import Review
from logpool.track.tracked import groups_of

if TYPE_CHECKING:
    from logpool.native.steps import Steps
    from logpool.read.vocabulary import Vocabulary
    from logpool.track.found import Tracked
    from logpool.track.sequence import Verdict

_EVIDENCE = 5
RESETS = (Detail.ALREADY_RESET, Detail.ROLLBACK, Detail.COMMIT)
_OUTCOME = pl.Schema(
    {
        "group": pl.UInt32,
        "outcome": pl.UInt8,
        "fresh": pl.Boolean,
        "complete": pl.Boolean,
        "len": pl.UInt32,
    }
)
_TIMING = pl.Schema({"one": pl.Int64, "count": pl.Int64})


def _outcomes_merged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("group", "outcome", "fresh", "complete").agg(pl.col("len").sum())


def _timings_merged(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("one").agg(pl.col("count").sum())


@stateful
class Statistics:
    """Grows by batches, and counts what :mod:`logpool.judge.books` adds up.

    Attributes:
        vocabulary: names the groups: a group is one pool in one process.
        interval: of the timeline, in microseconds; None for one that suits the log.
        long: microseconds: how many checkouts lasted longer is known exactly, however many there are.
        reclaimed: where the garbage collector's first few messages stand, by group.
        first: where each group's first record stands: source and line; likewise ``first_returns`` its first return.
        heard: the last time at which each process told something, of whatever pool, or none: by source and name.
        silence: the longest time in which nothing was told.
        waited: the first and the last time at which callers waited in vain, by shape.
        unidentified: per group, check-outs of connections that nothing tells apart.
        left_lives: per group, lives whose beginning the log does not show; likewise ``left_checkouts``.
        cut_returns: per group, returns whose reset the log's end cuts off.
        holds: how long the checkouts lasted; likewise ``ages`` the lives.
        by_pool: connections open and in use, per number in ``pool_parts``; likewise per class, group, and together.
        made: connections made, per group and second.
        closes: what closed connections, per group.
        timelines: connections open and in use over time, per pool.
        areas: the area under the connections in use, per number in ``pool_parts``.
    """

    vocabulary: Vocabulary
    interval: int | None = None
    long: int | None = None
    reclaimed: defaultdict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    first: dict[int, tuple[int, int]] = field(default_factory=dict)
    first_returns: dict[int, tuple[int, int]] = field(default_factory=dict)
    heard: dict[tuple[int, str | None], int] = field(default_factory=dict)
    silence: Silence = field(default_factory=Silence)
    waited: dict[int, tuple[int, int]] = field(default_factory=dict)
    _shapes: Counter[int] = field(default_factory=Counter)
    unidentified: Counter[int] = field(default_factory=Counter)
    _outcomes: Merged = field(default_factory=lambda: Merged(_OUTCOME, _outcomes_merged))
    left_lives: Counter[int] = field(default_factory=Counter)
    cut_returns: Counter[int] = field(default_factory=Counter)
    left_checkouts: Counter[int] = field(default_factory=Counter)
    holds: DurationCounts = field(init=False)
    ages: DurationCounts = field(default_factory=DurationCounts)
    by_pool: Concurrency = field(default_factory=Concurrency)
    by_class: Concurrency = field(default_factory=Concurrency)
    by_group: Concurrency = field(default_factory=Concurrency)
    together: Concurrency = field(default_factory=Concurrency)
    made: Cells = field(default_factory=Cells)
    closes: Counter[tuple[int, Cause]] = field(default_factory=Counter)
    timelines: Timelines = field(init=False)
    areas: Areas = field(default_factory=Areas)
    _clock: Clock = field(default_factory=Clock)
    _review: Review = field(default_factory=Review)
    # how many timings there are of each text of seconds, by the code that it has among connections
    _timings: Merged = field(default_factory=lambda: Merged(_TIMING, _timings_merged))
    _first_timing: int | None = None
    _seq: int = 0
    # the number of the event at which each process was last heard
    _heard_at: dict[tuple[int, str | None], int] = field(default_factory=dict)
    # the number and the shape of each group's last event
    _lasts: dict[int, tuple[int, int]] = field(default_factory=dict)
    pool_parts: dict[str, int] = field(default_factory=dict)
    class_parts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holds = DurationCounts(() if self.long is None else (self.long,))
        self.timelines = Timelines(self.vocabulary, self.pool_parts, self.interval)

    def take(self, events: pl.DataFrame, tracked: Tracked) -> None:
        """Adds one batch: its events, and what the fold made of them."""
        # while this looks, more are read: there are pools of all groups that these shapes are of, and perhaps of others
        meaning = self.vocabulary.frame()
        pools = [pool for _, _, pool in self.vocabulary.groups]
        parts = [self.pool_parts.setdefault(pool, len(self.pool_parts)) for pool in pools]
        self._count(events, parts, meaning, tracked.ends)
        self._add(tracked)
        self._review.take(tracked.violations, tracked.later)
        self.left_checkouts.update(tracked.censored.to_list())
        times = self._clock.timed(events["time"])
        if tracked.steps is not None:
            self._climb(tracked.steps, times, pools, parts)

    def _count(self, events: pl.DataFrame, parts: list[int], meaning: pl.DataFrame, ends: pl.DataFrame) -> None:
        self.timelines.reach(events["time"])
        self.silence.take(events["time"])
        tally = self._tallied(events)
        self.timelines.count(tally, parts, meaning)
        told = ends.hstack(at(chosen(meaning, "kind", "detail", "group"), ends["label"]).get_columns())
        reclaimed, timings = [], []
        for shape, count, kind, detail in chosen(told, "label", "count", "kind", "detail").iter_rows():
            self._shapes[shape] += count
            if kind == Kind.RECLAIMED:
                reclaimed.append(shape)
            elif kind == Kind.TIMING and detail == Detail.TIME_TAKEN:
                timings.append(shape)
        self._note_groups(events, tally, told)
        self._note_unidentified(events)
        if reclaimed:
            self._note_reclaimed(at(events, self._places_of(events, reclaimed)))
        if timings:
            self._note_timings(events["connection"][self._places_of(events, timings)].drop_nulls())

    def _places_of(self, events: pl.DataFrame, shapes: list[int]) -> pl.Series:
        """Where events of some shapes stand."""
        shape = pl.int_range(self.vocabulary.frame().height, dtype=pl.UInt32, eager=True)
        return places_of(events["shape"], shape.is_in(shapes))

    def _tallied(self, events: pl.DataFrame) -> pl.DataFrame:
        """How often each ``shape`` stands in each interval, ``bin``: ``count``, and the ``first`` and ``last`` time."""
        found = tallied(events["shape"], events["time"], self.timelines.width)
        return chosen(found, "count", "first", "last", "bin").hstack([found["label"].cast(pl.UInt32).alias("shape")])

    def _note_groups(self, events: pl.DataFrame, tally: pl.DataFrame, told: pl.DataFrame) -> None:
        """Notes when each pool is heard of, and where each group is for the first time.

        Args:
            events: they.
            tally: how often they stand in each interval.
            told: the shapes among them, in the order in which they come.
        """
        firsts, lasts = (extremes_of(tally["shape"], tally[name]) for name in ("first", "last"))
        spans = dict(zip(firsts["label"], zip(firsts["least"], lasts["greatest"], strict=True), strict=True))
        begin, self._seq = self._seq, self._seq + events.height
        for shape, place, end, group, kind in chosen(told, "label", "first", "last", "group", "kind").iter_rows():
            first, last = spans[shape]
            known = self.vocabulary.shapes[shape]
            if known is not None and last is not None:
                self._hear((known.source, known.process), begin + end, events["time"][end])
                if kind == Kind.TIMED_OUT:
                    begun, ended = self.waited.get(shape, (first, last))
                    self.waited[shape] = min(first, begun), max(last, ended)
            if group is None:
                continue
            self._lasts[group] = max(self._lasts.get(group, (0, 0)), (begin + end, shape))
            if kind == Kind.RETURNED and group not in self.first_returns:
                self.first_returns[group] = (events["source"][place], events["line"][place])
            if first is not None:
                self.areas.reach(self.pool_parts[self.vocabulary.groups[group][2]], first, last)
            if group not in self.first:
                self.first[group] = (events["source"][place], events["line"][place])

    def _hear(self, process: tuple[int, str | None], seq: int, time: int | None) -> None:
        """Notes when a process told something, unless that was before what it is known to have told."""
        if time is not None and seq >= self._heard_at.get(process, 0):
            self._heard_at[process], self.heard[process] = seq, time

    def _note_unidentified(self, events: pl.DataFrame) -> None:
        if events["connection"].null_count():
            meaning = self.vocabulary.frame()[events["shape"].filter(events["connection"].is_null())]
            nameless = meaning.filter(pl.col("kind") == int(Kind.CHECKED_OUT))
            self.unidentified.update(nameless["group"].to_list())

    def _note_reclaimed(self, events: pl.DataFrame) -> None:
        groups = self.vocabulary.frame()["group"][events["shape"]]
        rows = events.select_seq("source", "line", group=groups).drop_nulls("group")
        for group, source, line in rows.group_by("group", maintain_order=True).head(_EVIDENCE).iter_rows():
            if len(self.reclaimed[group]) < _EVIDENCE:
                self.reclaimed[group].append((source, line))

    def _note_timings(self, seconds: pl.Series) -> None:
        if self._first_timing is None and len(seconds):
            self._first_timing = seconds[0]
        # one column of two would do; the other one is of the seconds alone
        self._timings.add(counted(seconds, constant(0, pl.Int64, len(seconds))).select_seq("one", "count"))

    def _add(self, tracked: Tracked) -> None:
        checkouts, lives = tracked.checkouts, tracked.lives
        self._outcomes.add(checkouts.outcomes())
        self.holds.add_counted(checkouts.holds())
        self.ages.add_counted(lives.ages())
        births = lives.births()
        if births.height:
            never = constant(None, pl.Int64, births.height).alias("idle")
            self.made.add(chosen(births, "time", "source", "line", label="group").hstack([never]))
        for group, cause, count in tracked.closes.iter_rows():
            self.closes[group, Cause(cause)] += count
        left = lives.rows["key"].filter(~lives.rows["born"])
        if len(left):
            self.left_lives.update(groups_of(left).to_list())

    def _climb(self, steps: Steps, times: pl.Series, pools: list[str], parts: list[int]) -> None:
        names = [split_pool_name(pool)[0] for pool in pools]
        classes = [self.class_parts.setdefault(name, len(self.class_parts)) for name in names]
        width = self.timelines.width
        # as long as every class has one pool, and every pool one process, and there is one, they are the same
        others = [
            (levels, own)
            for levels, own in (
                (self.together, [0] * len(parts)),
                (self.by_class, classes),
                (self.by_group, list(range(len(parts)))),
            )
            if own != parts
        ]
        by_pool, *climbs = climb(steps, times, width, [(self.by_pool, parts), *others])
        for levels in (self.together, self.by_class, self.by_group):
            if all(levels is not one for one, _ in others):
                levels.levels = dict(self.by_pool.levels)
        several = len(self.pool_parts) > 1
        self.timelines.climb(by_pool, climbs[0] if several else None)
        self.areas.add(by_pool, width)

    def finish(self, tracked: Tracked) -> Verdict:
        """Adds what is still open at the end of the log, and reviews the violations."""
        self._add(tracked)
        for shape, span in self.waited.items():
            # whose callers wait has all its connections in use meanwhile
            pools = {self.vocabulary.groups[group][2] for group in self.vocabulary.waited_for(shape)}
            if len(pools) == 1:
                self.areas.reach(self.pool_parts[pools.pop()], *span)
        reset = self.reset_pools()
        groups = self.vocabulary.groups
        rows = tracked.checkouts.rows
        unreset = groups_of(rows["key"].filter(rows["outcome"] == int(End.RETURNED)))
        self.cut_returns.update(group for group in unreset if groups[group][2] in reset)
        meaning, terminated = self.vocabulary.frame().select_seq("kind", "detail"), (Kind.CLOSING, Detail.HARD)
        verdict = self._review.finish(
            {group for group, (_, _, pool) in enumerate(groups) if pool not in reset},
            {seq for seq, shape in self._lasts.values() if meaning.row(shape) == terminated},
        )
        self.cut_returns.update(verdict.unexplained.to_list())
        return verdict

    def reset_pools(self) -> set[str]:
        """The pools that reset what comes back.

        That nothing had to be done, early 1.4 says in the return itself, even where nothing ever is: so it counts only
        where all returns say so.
        """
        told = {(kind, detail, self.vocabulary.groups[group][2]) for group, kind, detail in self.kinds()}
        reset = {pool for kind, detail, pool in told if kind is Kind.RESET and detail in RESETS}
        already = {pool for kind, detail, pool in told if (kind, detail) == (Kind.RETURNED, Detail.ALREADY_RESET)}
        plain = {pool for kind, detail, pool in told if kind is Kind.RETURNED and detail not in RESETS}
        return reset | (already - plain)

    def kinds(self) -> Counter[tuple[int, Kind, Detail]]:
        """How many records of each group, kind and detail there are."""
        kinds: Counter[tuple[int, Kind, Detail]] = Counter()
        groups = self.vocabulary.frame()["group"].to_list()
        for number, count in self._shapes.items():
            shape = self.vocabulary.shapes[number]
            if shape is not None and shape.pool is not None:
                kinds[groups[number], shape.message.kind, shape.message.detail] += count
        return kinds

    def outcomes(self) -> pl.DataFrame:
        """How many checkouts of each group ended how: ``group``, ``outcome``, ``fresh``, ``complete``, ``len``."""
        return self._outcomes.table

    def drivers(self) -> dict[int, str]:
        """The driver of each group's connections: the one that most records name."""
        named: defaultdict[int, Counter[str]] = defaultdict(Counter)
        groups = self.vocabulary.frame()["group"].to_list()
        for number, count in self._shapes.items():
            shape = self.vocabulary.shapes[number]
            if shape is not None and shape.message.connection is not None and groups[number] is not None:
                named[groups[number]][shape.message.connection.driver] += count
        return {group: max(counts, key=lambda name: (counts[name], name)) for group, counts in named.items()}

    def told(self, kind: Kind) -> int:
        """How many records of a kind there are, of whatever pool."""
        return sum(
            count
            for number, count in self._shapes.items()
            if (shape := self.vocabulary.shapes[number]) is not None and shape.message.kind is kind
        )

    def timings(self) -> Timings | None:
        """The experiment's own timings."""
        if self._first_timing is None:
            return None
        texts = self.vocabulary.connections.all()
        first = float(texts[self._first_timing])
        timings = self._timings.table
        count = int(timings["count"].sum())
        seconds = texts[timings["one"]].cast(pl.Float64)
        total = math.fsum(seconds * timings["count"])
        rest = (total - first) / (count - 1) if count > 1 else None
        return Timings(count, total / count, first, rest)
