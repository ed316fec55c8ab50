"""Watches the events go by for what tells how a pool is set up.

What is rare is looked at wherever it stands; the queue is studied for a bounded number of events of each pool, counted
in its own events: the first ones, and stretches that begin where connections are created.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.frames import at
from logpool.judge.settings.ages import Ages
from logpool.judge.settings.queueing import Study
from logpool.judge.settings.seen import PLACES, Event, Seen
from logpool.read.vocabulary import split_pool_name
from logpool.schema import Detail, Kind
from logpool.track.tracked import group_of

if TYPE_CHECKING:
    from logpool.judge.settings.seen import Place
    from logpool.read.vocabulary import Vocabulary
    from logpool.track.found import Tracked

#: pool classes that keep their connections in a queue
QUEUES = frozenset({"QueuePool", "AsyncAdaptedQueuePool", "FallbackAsyncAdaptedQueuePool"})
# of these, those whose threads do one thing after another: tasks share theirs
_THREADED = frozenset({"QueuePool"})
# events of a group that are studied: the first, and in each later stretch; and how many stretches
_FIRST = 4_000
_LATER = 400
_STRETCHES = 16
# processes of one pool that are studied, and pools
_PROCESSES = 4
_POOLS = 16
_STATED = [int(Kind.DISPOSED), int(Kind.TIMED_OUT)]
_RENEWED = [int(Kind.DISPOSED), int(Kind.RECREATED)]


@stateful
class _Course:
    """How far the study of a group has come."""

    study: Study
    left: int = _FIRST
    stretches: int = 0

    @property
    def is_over(self) -> bool:
        return not self.left and self.stretches >= _STRETCHES


@stateful
class Watch:
    """Collects, batch by batch, what :mod:`logpool.judge.settings.rules` concludes from.

    Attributes:
        vocabulary: gives the events their meaning.
        seen: what each pool's queue showed.
        ages: of each pool's connections.
        stated: per pool (None for none) and message's numbers, the first few places.
        firsts: per pool, kind and detail, the first place.
        renewed: per pool, the first event at which it was disposed of or recreated.
        taken: per pool, the last check-out.
    """

    vocabulary: Vocabulary
    seen: defaultdict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    ages: Ages = field(default_factory=Ages)
    stated: defaultdict[tuple[str | None, Kind], dict[tuple[float, ...], list[Place]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    firsts: dict[tuple[str, Kind, Detail], Place] = field(default_factory=dict)
    renewed: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    _shapes: set[int] = field(default_factory=set)
    _courses: dict[int, _Course | None] = field(default_factory=dict)
    _studied: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _seq: int = 0

    def take(self, events: pl.DataFrame, tracked: Tracked) -> None:
        """Takes one batch: its events, and what the fold made of them."""
        first, self._seq = self._seq, self._seq + events.height
        meaning = self.vocabulary.frame()
        begins = tracked.ends["first"].cast(pl.UInt32)
        shapes = events["shape"][begins]
        self._note_firsts(events, begins, shapes)
        if tracked.incidents.height:
            self._note_stated(tracked.incidents)
        self._study(events, meaning, list(dict.fromkeys(meaning["group"][shapes].drop_nulls())), shapes)
        self.ages.take(events, first, tracked, self._pool_of)
        self._note_taken(tracked)

    def finish(self, last: Tracked) -> None:
        """Takes what is open at the end of the log."""
        self._note_taken(last)
        self.ages.finish(last, self._pool_of)
        for course in self._courses.values():
            if course is not None:
                course.study.finish()

    def _pool_of(self, group: int) -> str:
        return self.vocabulary.groups[group][2]

    def _note_firsts(self, events: pl.DataFrame, begins: pl.Series, shapes: pl.Series) -> None:
        for row, number in zip(begins, shapes, strict=True):
            if number in self._shapes:
                continue
            self._shapes.add(number)
            shape = self.vocabulary.shapes[number]
            if shape is not None and shape.pool is not None:
                place = (events["source"][row], events["line"][row])
                self.firsts.setdefault((shape.pool, shape.message.kind, shape.message.detail), place)

    def _note_stated(self, incidents: pl.DataFrame) -> None:
        stated = incidents.filter(pl.col("kind").is_in(_STATED))
        for shape_number, source, line in stated.select_seq("shape", "source", "line").iter_rows():
            shape = self.vocabulary.shapes[shape_number]
            if shape is not None and shape.message.numbers:
                places = self.stated[shape.pool, shape.message.kind].setdefault(shape.message.numbers, [])
                if len(places) < PLACES:
                    places.append((source, line))
        renewed = incidents.filter(pl.col("kind").is_in(_RENEWED) & pl.col("group").is_not_null())
        for group, seq in renewed.select_seq("group", "seq").iter_rows():
            self.renewed.setdefault(self._pool_of(group), seq)

    def _note_taken(self, tracked: Tracked) -> None:
        # it matters only where a pool was disposed of
        if not self.renewed:
            return
        last = tracked.checkouts.table.group_by(group_of()).agg(pl.col("out_seq").max())
        for group, seq in last.iter_rows():
            pool = self._pool_of(group)
            self.taken[pool] = max(seq, self.taken.get(pool, seq))

    def _study(self, events: pl.DataFrame, meaning: pl.DataFrame, groups: list[int], shapes: pl.Series) -> None:
        creating = set(meaning["group"][shapes].filter(meaning["kind"][shapes] == int(Kind.CREATED)).drop_nulls())
        column = None
        for group in groups:
            course = self._course(group)
            if course is None or course.is_over or not (course.left or group in creating):
                continue
            if column is None:
                column = meaning["group"][events["shape"]]
            self._follow(course, events, meaning, (column == group).arg_true())

    def _course(self, group: int) -> _Course | None:
        if group not in self._courses:
            pool = self._pool_of(group)
            name = split_pool_name(pool)[0]
            room = self._studied[pool] < _PROCESSES and (pool in self.seen or len(self.seen) < _POOLS)
            self._courses[group] = None
            if name in QUEUES and room:
                self._studied[pool] += 1
                self._courses[group] = _Course(Study(self.seen[pool], by_threads=name in _THREADED))
        return self._courses[group]

    def _follow(self, course: _Course, events: pl.DataFrame, meaning: pl.DataFrame, rows: pl.Series) -> None:
        """Studies the events of a batch, of one group, that belong to its stretches."""
        kinds = meaning["kind"][events["shape"][rows]]
        created = (kinds == int(Kind.CREATED)).arg_true()
        place = 0
        while place < len(rows):
            if course.left:
                size = min(course.left, len(rows) - place)
                studied = at(events, rows[place : place + size])
                for event in _events(studied, at(meaning.select_seq("kind", "detail"), studied["shape"])):
                    course.study.see(event)
                course.left -= size
                place += size
                if not course.left:
                    course.study.finish()
            elif course.stretches < _STRETCHES:
                later = created.filter(created >= place)
                if not len(later):
                    return
                place = later[0]
                course.left = _LATER
                course.stretches += 1
            else:
                return


def _events(rows: pl.DataFrame, about: pl.DataFrame) -> list[Event]:
    columns = (
        *about,
        *rows.select_seq("connection", "thread", "time", "source", "line"),
    )
    return [Event(*row) for row in zip(*(column.to_list() for column in columns), strict=True)]
