"""Lifecycles, batch by batch -> the figures of every pool, every pool class, and all together."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.judge.clock import Clock
from logpool.judge.concurrency import Concurrency, climbed
from logpool.judge.durations import DurationCounts
from logpool.judge.little import Areas
from logpool.judge.timeline import ALL, Timelines
from logpool.read.vocabulary import split_pool_name
from logpool.report.model import Timings
from logpool.schema import Cause, Detail, End, Kind
from logpool.track.sequence import Review
from logpool.track.tracked import group_of

if TYPE_CHECKING:
    from logpool.read.vocabulary import Vocabulary
    from logpool.track.sequence import Verdict
    from logpool.track.tracked import Tracked

_EVIDENCE = 5
# of these a finding cites the first few
_RARE = [int(kind) for kind in (Kind.TIMED_OUT, Kind.RECLAIMED)]
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


@dataclass
class Statistics:
    """Grows by batches, and counts what :mod:`logpool.judge.books` adds up.

    Attributes:
        vocabulary: names the groups: a group is one pool in one process.
        interval: of the timeline, in microseconds; None for one that suits the log.
        places: where the first few records of a rare kind stand, by group (None for no pool) and kind.
        first: where each group's first record stands: source and line.
        unidentified: per group, check-outs of connections that nothing tells apart.
        left_lives: per group, lives whose beginning the log does not show; likewise ``left_checkouts``.
        cut_returns: per group, returns whose reset the log's end cuts off.
        holds: how long the checkouts lasted; likewise ``ages`` the lives.
        by_pool: connections open and in use, per number in ``pool_parts``; likewise per class, and together.
        closes: what closed connections, per group.
        timelines: connections open and in use over time, per pool.
        areas: the area under the connections in use, per group.
    """

    vocabulary: Vocabulary
    interval: InitVar[int | None] = None
    places: defaultdict[tuple[int | None, Kind], list[tuple[int, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    first: dict[int, tuple[int, int]] = field(default_factory=dict)
    _shapes: Counter[int] = field(default_factory=Counter)
    unidentified: Counter[int] = field(default_factory=Counter)
    _outcomes: list[pl.DataFrame] = field(default_factory=list)
    left_lives: Counter[int] = field(default_factory=Counter)
    cut_returns: Counter[int] = field(default_factory=Counter)
    left_checkouts: Counter[int] = field(default_factory=Counter)
    holds: DurationCounts = field(default_factory=DurationCounts)
    ages: DurationCounts = field(default_factory=DurationCounts)
    by_pool: Concurrency = field(default_factory=Concurrency)
    by_class: Concurrency = field(default_factory=Concurrency)
    together: Concurrency = field(default_factory=Concurrency)
    closes: Counter[tuple[int, Cause]] = field(default_factory=Counter)
    timelines: Timelines = field(init=False)
    areas: Areas = field(init=False)
    _clock: Clock = field(default_factory=Clock)
    _review: Review = field(default_factory=Review)
    # of timings, each text of seconds by the code that it has among connections
    _timings: Counter[int] = field(default_factory=Counter)
    _first_timing: int | None = None
    pool_parts: dict[str, int] = field(default_factory=dict)
    class_parts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self, interval: int | None) -> None:
        self.timelines = Timelines(self.vocabulary, interval)
        self.areas = Areas(self.vocabulary)

    def take(self, events: pl.DataFrame, tracked: Tracked) -> None:
        """Adds one batch: its events, and what the fold made of them."""
        self._count(events)
        self._add(tracked)
        self._review.take(tracked.violations, tracked.later)
        self.left_checkouts.update(tracked.censored.to_list())
        self.timelines.take(events)
        steps = self._clock.timed(events, tracked.steps)
        self._climb(steps)
        self.areas.take(events, steps)

    def _count(self, events: pl.DataFrame) -> None:
        meaning = self.vocabulary.frame()
        for shape, count in events["shape"].value_counts().iter_rows():
            self._shapes[shape] += count
        kinds = meaning["kind"].gather(events["shape"])
        groups = meaning["group"].gather(events["shape"])
        for group in groups.drop_nulls().unique(maintain_order=True):
            if group not in self.first:
                self.first[group] = events.filter(groups == group).select("source", "line").row(0)
        nameless = (kinds == int(Kind.CHECKED_OUT)) & events["connection"].is_null()
        if nameless.any():
            self.unidentified.update(groups.filter(nameless).to_list())
        self._note_places(events.with_columns(group=groups, kind=kinds).filter(kinds.is_in(_RARE)))
        taken = (meaning["kind"] == int(Kind.TIMING)) & (meaning["detail"] == int(Detail.TIME_TAKEN))
        self._note_timings(events.filter(taken.gather(events["shape"])))

    def _note_places(self, rare: pl.DataFrame) -> None:
        first = rare.group_by("group", "kind", maintain_order=True).head(_EVIDENCE)
        for group, kind, source, line in first.select("group", "kind", "source", "line").iter_rows():
            here = self.places[group, Kind(kind)]
            if len(here) < _EVIDENCE:
                here.append((source, line))

    def _note_timings(self, timings: pl.DataFrame) -> None:
        if not timings.height:
            return
        if self._first_timing is None:
            self._first_timing = timings["connection"][0]
        for seconds, count in timings["connection"].value_counts().iter_rows():
            self._timings[seconds] += count

    def _add(self, tracked: Tracked) -> None:
        checkouts = tracked.checkouts.with_columns(group=group_of())
        self._outcomes.append(checkouts.group_by("group", "outcome", "fresh", "complete").len().cast(_OUTCOME))
        if len(self._outcomes) > 64:  # noqa: PLR2004 - how many small tables to keep before they become one
            self._outcomes = [self.outcomes().cast(_OUTCOME)]
        self.holds.add(checkouts.select("group", microseconds=pl.col("end_time") - pl.col("out_time")))
        lives = tracked.lives.with_columns(group=group_of())
        whole = lives.filter("born")
        self.ages.add(whole.select("group", microseconds=pl.col("end_time") - pl.col("life_time")))
        for group, cause, count in tracked.closes.group_by("group", "cause").len().iter_rows():
            self.closes[group, Cause(cause)] += count
        self.left_lives.update(lives.filter(~pl.col("born"))["group"].to_list())

    def _climb(self, steps: pl.DataFrame) -> None:
        groups = self.vocabulary.groups
        pools = [self.pool_parts.setdefault(pool, len(self.pool_parts)) for _, _, pool in groups]
        classes = [
            self.class_parts.setdefault(split_pool_name(pool)[0], len(self.class_parts)) for _, _, pool in groups
        ]
        placed = self.timelines.placed(steps)
        climbs = climbed(_of_parts(placed, pools))
        several = len(self.pool_parts) > 1
        by_pool = self.by_pool.add(climbs)
        # as long as every class has one pool, they are the same
        self.by_class.add(climbs if classes == pools else climbed(_of_parts(placed, classes)))
        everywhere = climbed(placed.with_columns(part=pl.lit(ALL, pl.Int64))) if several else climbs
        together = self.together.add(everywhere.with_columns(part=pl.lit(ALL, pl.Int64)))
        self.timelines.climb(by_pool, together if several else None)

    def finish(self, tracked: Tracked) -> Verdict:
        """Adds what is still open at the end of the log, and reviews the violations."""
        self._add(tracked)
        reset = {
            self.vocabulary.groups[group][2]
            for (group, kind, detail) in self.kinds()
            if kind in {Kind.RESET, Kind.RETURNED} and detail in RESETS
        }
        groups = self.vocabulary.groups
        unreset = tracked.checkouts.filter(pl.col("outcome") == int(End.RETURNED)).select(group_of()).to_series()
        self.cut_returns.update(group for group in unreset if groups[group][2] in reset)
        return self._review.finish({group for group, (_, _, pool) in enumerate(groups) if pool not in reset})

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
        merged = pl.concat([pl.DataFrame(schema=_OUTCOME), *self._outcomes])
        return merged.group_by("group", "outcome", "fresh", "complete").agg(pl.col("len").sum())

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
        texts = self.vocabulary.connections.to_series().cast(pl.String)
        first = float(texts[self._first_timing])
        count = self._timings.total()
        total = math.fsum(float(texts[seconds]) * number for seconds, number in self._timings.items())
        rest = (total - first) / (count - 1) if count > 1 else None
        return Timings(count, total / count, first, rest)


def _of_parts(steps: pl.DataFrame, parts: list[int]) -> pl.DataFrame:
    return steps.with_columns(pl.Series("part", parts, dtype=pl.Int64).gather(steps["group"]))
