"""Records that were printed several times: by several handlers, in one layout or in more. Each counts once.

With ``echo_pool`` and a handler of the root logger, or with plain text beside JSON, every record stands in the log
twice. Undetected, every count doubles. One doubled record proves nothing: so a log's first few thousand events tell
whether it is doubled throughout.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from logpool.classes import stateful
from logpool.late import pl
from logpool.read.copies import APPLICATIONS, NEAR, Again, Meaning, Repeats, runs, second_layouts
from logpool.read.louder import Louder
from logpool.read.onward import Onward

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.reading import Reading
    from logpool.read.vocabulary import Vocabulary

#: how many events decide
DECIDING = 4096
_SHOWN = 5
_PAIR = 2


@stateful
class Doubles:
    """What was left out of one source.

    Attributes:
        vocabulary: gives the events their meaning.
        reading: what was read of the source; what is left out of its pool lines is counted there.
        count: how many records were left out.
        places: where the first few stand: the number of the file, and the line.
        times: how often each record stands in the log.
        what: of which records that is so, for people.
        how: in what way, likewise.
        onward: whether it is so from some place on.
    """

    vocabulary: Vocabulary
    reading: Reading
    count: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)
    times: int = 1
    what: str = "record"
    how: str | None = None
    onward: bool = False
    _meaning: Meaning = field(init=False)

    def __post_init__(self) -> None:
        self._meaning = Meaning(self.vocabulary)

    def without(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The events of one source, each once."""
        batches = iter(batches)
        first: list[pl.DataFrame] = []
        for batch in batches:
            first.append(batch)
            if sum(one.height for one in first) >= DECIDING:
                break
        steps = self._steps(pl.concat(first).head(DECIDING)) if first else []
        if not steps:
            yield from self._without_louder(self._without_later(chain(first, batches)))
            return
        columns = first[0].columns
        events: Iterator[pl.DataFrame] = map(self._meaning.of, chain(first, batches))
        for step in steps:
            events = self._kept(step, events)
        # more handlers may have been added
        yield from self._without_later(kept.select_seq(columns) for kept in events)

    def _without_later(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The same of a log in which records stand several times from some place on."""
        for batch, is_copy in Onward(self._meaning).parted(batches):
            if is_copy is not None and is_copy.any():
                self.onward = True
                self._leave_out(self._meaning.of(batch.filter(is_copy)))
                yield batch.filter(~is_copy)
            else:
                yield batch

    def _without_louder(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The same of a log that has nothing twice but perhaps what is told at INFO and above."""
        louder = Louder(self._meaning)
        for batch in batches:
            places = louder.again(batch)
            if places:
                self.times, self.what, self.how = _PAIR, "record at INFO and above", "while those at DEBUG stand once"
                is_copy = pl.int_range(batch.height, eager=True).is_in(places)
                self._leave_out(self._meaning.of(batch.filter(is_copy)))
                batch = batch.filter(~is_copy)  # noqa: PLW2901 - what is left of it
            yield batch

    def _steps(self, sample: pl.DataFrame) -> list[_Step]:
        """What is to be done, as the first events tell."""
        sample = self._meaning.of(sample)
        steps: list[_Step] = []
        repeats = Repeats.of(runs(sample.with_columns_seq(at=pl.int_range(pl.len()))))
        if repeats.counts:
            steps.append(_OnceALayout(repeats))
            sample = pl.concat(rows.filter(~again) for rows, again in _OnceALayout(repeats).parted(iter([sample])))
        again = second_layouts(sample, self._meaning)
        if again is not None:
            steps.append(_InOneLayout(again))
        self._tell(repeats, again)
        return steps

    def _tell(self, repeats: Repeats, again: Again | None) -> None:
        """Says in what way the log is doubled."""
        names = self._meaning.layouts
        if again is None:
            self.times = max(repeats.counts.values(), default=1)
            self.how = "in the same layout"
            return
        handlers = again.layouts | {again.kept}
        self.times = sum(map(repeats.of_layout, handlers)) if again.times == len(handlers) else again.times
        said = " and in ".join(names[layout] for layout in sorted(again.layouts))
        layouts = "two" if again.times == _PAIR else f"{again.times}"
        self.how = f"in {layouts} layouts ({names[again.kept]}, and again in {said})"

    def _kept(self, step: _Step, events: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for rows, again in step.parted(events):
            self._leave_out(rows.filter(again))
            kept = rows.filter(~again)
            if kept.height:
                yield kept

    def _leave_out(self, events: pl.DataFrame) -> None:
        self.count += events.height
        self.reading.doubled_lines += events.height - events["group"].null_count()
        if len(self.places) < _SHOWN:
            self.places += events.select_seq("source", "line").head(_SHOWN - len(self.places)).rows()


class _Step(Protocol):
    """Tells copies from what is to be kept."""

    def parted(self, events: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """The same events in the same order, each with whether it is a copy."""


@stateful
class _OnceALayout:
    """Tells what handlers of the same layout print again.

    Attributes:
        repeats: how often they print everything.
    """

    repeats: Repeats
    _seen: int = 0
    # the last event of each run that may go on, with its place in it
    _last: pl.DataFrame | None = None

    def parted(self, events: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """The same events in the same order, each with whether it is a copy."""
        for rows in events:
            yield rows, self._again(rows)

    def _again(self, events: pl.DataFrame) -> pl.Series:
        first = self._seen
        self._seen += events.height
        rows = events.with_columns_seq(at=pl.int_range(pl.len()) + first, place=pl.lit(None, pl.Int64))
        if self._last is not None:
            rows = pl.concat([self._last, rows])
        found = runs(rows, exact=self.repeats.exact)
        # counted on from what the last batch ended with
        begun = pl.col("place").first().over("run").fill_null(0)
        found = found.with_columns_seq(place=pl.int_range(pl.len()).over("run") + begun)
        self._last = found.filter(pl.col("is_last") & (pl.col("at") >= self._seen - NEAR)).select_seq(rows.columns)
        layouts = found["layout"].unique().to_list()
        times = pl.col("layout").replace_strict(
            {layout: self.repeats.of_layout(layout) for layout in layouts}, return_dtype=pl.Int64
        )
        again = (pl.col("place") % times > 0) & ~pl.col("kind").is_in(self.repeats.single)
        return found.with_columns_seq(again=again).filter(pl.col("at") >= first).sort("at")["again"]


@stateful
class _InOneLayout:
    """Tells what stands there in another layout, as long as that has anything at all.

    Attributes:
        layouts: which layouts say again what another one says.
    """

    layouts: Again
    # the place of the last event in that one
    _last: int | None = None
    # of what the application logs itself: how often each layout has said it, by what it is
    _said: defaultdict[tuple[int, int | None], Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def parted(self, events: Iterator[pl.DataFrame]) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
        """The same events in the same order, each with whether it is a copy."""
        first, waiting = 0, None
        for batch in events:
            rows = batch if waiting is None else pl.concat([waiting, batch])
            again = self._again(rows, first)
            # whether the other layout has nothing any more is to be seen a little later
            sure = max(0, rows.height - self.layouts.near)
            if sure:
                yield rows.head(sure), self._judged(rows.head(sure), again.head(sure), first)
            first, waiting = first + sure, rows.tail(rows.height - sure)
        if waiting is not None:
            yield waiting, self._judged(waiting, self._again(waiting, first), first)

    def _again(self, rows: pl.DataFrame, first: int) -> pl.Series:
        """For each event whether it is in a layout of copies, and near enough to what it may be a copy of."""
        place = pl.int_range(pl.len()) + first
        is_copy = pl.col("layout").is_in(self.layouts.layouts)
        last = pl.when(~is_copy).then(place)
        before = place - last.forward_fill().fill_null(pl.lit(self._last, pl.Int64))
        after = last.backward_fill() - place
        near = (pl.min_horizontal(before, after) <= self.layouts.near).fill_null(value=False)
        return rows.select_seq(is_copy & near).to_series()

    def _judged(self, rows: pl.DataFrame, again: pl.Series, first: int) -> pl.Series:
        """The same, but what the application logs itself is judged by itself."""
        others = (~rows["layout"].is_in(self.layouts.layouts)).arg_true()
        self._last = first + int(others[-1]) if len(others) else self._last
        of_application = rows["kind"].is_in(APPLICATIONS)
        if not of_application.any():
            return again
        own = rows.filter(of_application).select_seq("said", "connection", "layout")
        # a handler of the pool's records need not print these: only what was said before is a copy
        own_again = pl.Series([self._was_said(*row) for row in own.iter_rows()], dtype=pl.Boolean)
        return again.scatter(of_application.arg_true(), own_again)

    def _was_said(self, said: int, connection: int | None, layout: int) -> bool:
        counts = self._said[said, connection]
        most = max(counts.values(), default=0)
        counts[layout] += 1
        return counts[layout] <= most
