"""Blocks of lines -> the events in them, as columns of small numbers.

A log of millions of lines holds few distinct texts once the times are cut out, and a few dozen shapes once the
connections' addresses are taken out. So every step works on the smallest table that will do: lines become times
and rests, rests become distinct rests, distinct rests become shapes and addresses, and only a shape that was never
seen before is parsed. The result is joined back as numbers: which shape, which connection.

What a line is depends on the line alone, so it does not matter where a block begins; only a timeout inside a
traceback belongs to the head above it, and a line that the collector split is put together first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.read.ahead import ahead
from logpool.read.cuts import Applied, Cut, Cuts, cut_of
from logpool.read.distinct import Distinct
from logpool.read.formats import head_reader
from logpool.read.needles import needed_of
from logpool.read.numbering import numbered
from logpool.read.pieces import Pieces
from logpool.read.vocabulary import (
    MAY_MATTER,
    NO_EVENT,
    TIMED_OUT_INSIDE,
    UNFIT,
    UNRECOGNISED,
    Reader,
    Vocabulary,
)
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from logpool.read.formats import HeadReader
    from logpool.read.lines import Block
    from logpool.read.reading import Reading

_WORTH_FILTERING = 0.97
_LEARNED_FROM = 200
_SHOWN = 3
_EDGE = 50
_LOOKED_AT = 1000
_KNOWN_HEADS = 10_000
# whatever holds no such figures has no time in any format
_LIKE_A_TIME = r"\d:\d|\d{8}"

EVENT_COLUMNS = {
    "line": pl.Int64,
    "time": pl.Int64,
    "shape": pl.UInt32,
    "connection": pl.UInt32,
    "source": pl.UInt32,
}


class _Head(NamedTuple):
    """Where the last record so far begins."""

    part: int
    line: int
    time: int | None
    timed_out: bool = False


class _Ending(NamedTuple):
    """The last lines of a block, from its last event on, and the heads whose timeouts are counted."""

    part: int
    first: int
    lines: list[str]
    told: set[tuple[int, int]]


@dataclass
class EventReader:
    """Reads one source block by block.

    Attributes:
        vocabulary: what all sources share.
        source: the number of this one, the space in which an address means one thing.
        reading: what was read of it.
        layout: the layout that was asked for, if any.
        ahead: whether to read blocks, and to choose their lines, in a thread of its own.
    """

    vocabulary: Vocabulary
    source: int
    reading: Reading
    layout: str | None = None
    ahead: bool = False
    _heads: HeadReader = field(init=False)
    _cuts: Cuts = field(default_factory=Cuts)
    _readers: dict[Cut, Reader] = field(default_factory=dict)
    _part: int = 0
    _head: _Head | None = None
    _ending: _Ending | None = None
    _known_heads: dict[str, bool] = field(default_factory=dict)
    _pieces: Pieces = field(default_factory=Pieces)

    def __post_init__(self) -> None:
        self._heads = head_reader(self.layout)

    def read(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """The events of each block, in file order.

        Returns:
            Tables of ``line`` (of the head), ``time`` (microseconds), ``shape``, ``connection`` (numbers of the
            vocabulary), ``source`` (the number of the file).
        """
        in_turn = ahead if self.ahead else iter
        for block, chosen in in_turn((block, _worth_reading(block.lines)) for block in blocks):
            self._part = block.part
            lines = block.lines
            if self._pieces.matter(block):
                lines = self._pieces.joined(lines)
                events = self._events(block, lines, _worth_reading(lines))
            else:
                events = self._events(block, lines, chosen)
            if block.torn:
                self._note_torn(block.first_line + len(lines) - 1, events)
            # while the next block is waited for, this one takes no memory
            del block, chosen, lines
            yield events

    def _note_torn(self, last: int, events: pl.DataFrame) -> None:
        """Notes a last line that has no line end and tells nothing: the rest of it may be missing."""
        if not events.height or events["line"][-1] != last:
            self.reading.torn.append((self._part, last))

    def _events(self, block: Block, lines: pl.Series, chosen: _Chosen) -> pl.DataFrame:
        first = block.first_line
        self._count(lines, block.size)
        rows = self._shaped(chosen)
        at = rows["place"] if chosen.places is None else chosen.places[rows["place"]]
        rows = rows.select_seq("time", "shape", "connection", line=at.cast(pl.Int64) + first)
        counts = dict(rows["shape"].value_counts().iter_rows())
        if UNRECOGNISED in counts:
            self._note_unrecognised(first, lines, rows)
        inside: list[int] = []
        if TIMED_OUT_INSIDE in counts:
            inside = rows.filter(pl.col("shape") == TIMED_OUT_INSIDE)["line"].to_list()
        if any(shape < NO_EVENT for shape in counts):
            rows = rows.filter(pl.col("shape") >= NO_EVENT)
        events = rows.select_seq("line", "time", "shape", "connection", source=pl.lit(self._part, pl.UInt32))
        self._count_events(counts)
        return self._with_timeouts(first, lines, events, inside, counts)

    def _count(self, lines: pl.Series, size: int) -> None:
        reading = self.reading
        reading.lines += len(lines)
        reading.size += size
        if len(reading.samples) < _SHOWN:
            texts = (text for text in lines.head(_EDGE) if text.strip())
            reading.samples += list(texts)[: _SHOWN - len(reading.samples)]
        if reading.first_time is None:
            reading.first_time = self._first_time(lines.head(_EDGE))
            if reading.first_time is None:
                reading.first_time = self._first_time(_with_times(lines))
        last = self._first_time(lines.tail(_EDGE).reverse())
        if last is None:
            last = self._first_time(_with_times(lines.reverse()))
        reading.last_time = last if last is not None else reading.last_time

    def _first_time(self, lines: pl.Series) -> int | None:
        times = map(self._time_of, lines.head(_LOOKED_AT))
        return next((time for time in times if time is not None), None)

    def _time_of(self, line: str) -> int | None:
        cut = cut_of(line)
        time = cut.time
        if time is not None and self.reading.first_time is None:
            self.reading.offset = cut.offset
        return time

    def _shaped(self, chosen: _Chosen) -> pl.DataFrame:
        """``place``, ``time``, ``shape`` and ``connection`` of each line that can matter, in their order."""
        found: list[pl.DataFrame] = []
        left = chosen.lines.alias("line").to_frame().with_row_index("place")
        tried: set[Cut] = set()
        queue = self._cuts.known
        while left.height:
            for cut in queue:
                left = self._take(cut.apply(left["line"]), left, found)
                if not left.height:
                    break
            tried.update(queue)
            left = self._without_timeless(left.filter(needed_of(left["line"])), found)
            if not left.height:
                break
            # the next few lines have no cut that was tried: learn theirs, or take them as lines without times
            few = left.head(_LEARNED_FROM)
            queue = [cut for cut in self._cuts.learn(few["line"]) if cut not in tried]
            if not queue:
                self._take(Cut().apply(few["line"]), few, found)
                left = left.slice(_LEARNED_FROM)
        rows = pl.concat([pl.DataFrame(schema=_SHAPED), *found])
        return rows if len(found) <= 1 else rows.sort("place")

    def _without_timeless(self, left: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
        """Reads the lines in which no time can stand, such as tracebacks', and returns the others."""
        timed = left["line"].str.contains(_LIKE_A_TIME)
        if timed.all():
            return left
        # most are tracebacks' that only name a connection
        timeless = left.filter(~timed).filter(pl.col("line").str.contains(MAY_MATTER))
        if timeless.height:
            self._take(Cut().apply(timeless["line"]), timeless, found)
        return left.filter(timed)

    def _take(self, taken: Applied, left: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
        """Reads the lines that a cut fits, and returns the others."""
        if taken.rests is None:
            return left
        few = taken.rests if isinstance(taken.rests, Distinct) else None
        numbers = numbered(self._reader(taken.cut), few.texts if few else taken.rests)  # type: ignore[arg-type]
        shape, connection = numbers["shape"], numbers["connection"]
        unfit = (shape == UNFIT).any()
        if few:
            shape, connection = few.spread(shape), few.spread(connection)
        place = left["place"] if taken.fits is None else left["place"].filter(taken.fits)
        rows = pl.DataFrame([place, taken.time, shape, connection], schema=_SHAPED)
        if unfit:
            rows = rows.filter(pl.col("shape") != UNFIT)
            found.append(rows)
            return left.join(rows.select_seq("place"), on="place", how="anti", maintain_order="left")
        found.append(rows)
        return left.clear() if taken.fits is None else left.filter(~taken.fits)

    def _reader(self, cut: Cut) -> Reader:
        reader = self._readers.get(cut)
        if reader is None:
            reader = self._readers[cut] = Reader(self.vocabulary, self.source, self._heads, cut)
        return reader

    def _note_unrecognised(self, first: int, lines: pl.Series, rows: pl.DataFrame) -> None:
        places = rows.filter(pl.col("shape") == UNRECOGNISED)["line"]
        self.reading.unrecognised_lines += len(places)
        for line in places.head(_SHOWN - len(self.reading.unrecognised)):
            self.reading.unrecognised.append((self._part, line, lines[line - first]))

    def _count_events(self, counts: dict[int, int]) -> None:
        shapes = self.vocabulary.shapes
        for number, count in counts.items():
            shape = shapes[number]
            if shape is None or shape.message.kind is Kind.TIMED_OUT:
                continue
            self.reading.layouts[shape.layout] += count
            if shape.message.kind is Kind.TIMING:
                self.reading.timing_lines += count
            else:
                self.reading.pool_lines += count

    def _with_timeouts(
        self, first: int, lines: pl.Series, events: pl.DataFrame, inside: list[int], counts: dict[int, int]
    ) -> pl.DataFrame:
        """Adds the timeouts that stand under a head, in a traceback: one for each record."""
        found = []
        told = self._told(events, counts)
        reader = self._reader(Cut())
        for line in inside:
            head = self._head_above(first, lines, line)
            if head is None or head.timed_out or head[:2] in told:
                continue
            told.add(head[:2])
            found.append((head.line, head.time, reader.timed_out(lines[line - first]), None, head.part))
        self._remember(first, lines, events, told)
        if not found:
            return events
        more = pl.DataFrame(found, schema=EVENT_COLUMNS, orient="row")
        return pl.concat([events, more]).sort("source", "line", maintain_order=True)

    def _remember(self, first: int, lines: pl.Series, events: pl.DataFrame, told: set[tuple[int, int]]) -> None:
        """Keeps the lines in which the last head stands, to be looked for when it is asked for, which is rare."""
        begin = int(events["line"][-1]) - first if events.height else 0
        if events.height and len(lines) - begin <= _LOOKED_AT:
            self._ending = _Ending(self._part, first + begin, lines.slice(begin).to_list(), told)
            return
        head = self._head_above(first, lines, first + len(lines))
        self._ending = None
        self._keep(head, told)

    def _keep(self, head: _Head | None, told: set[tuple[int, int]]) -> None:
        if head is not None:
            self._head = head._replace(timed_out=head.timed_out or head[:2] in told)

    def _last(self) -> _Head | None:
        """The last head so far."""
        ending, self._ending = self._ending, None
        if ending is not None:
            self._keep(self._head_in(ending.part, ending.first, ending.lines), ending.told)
        return self._head

    def _told(self, events: pl.DataFrame, counts: dict[int, int]) -> set[tuple[int, int]]:
        """The heads that are timeouts themselves."""
        shapes = self.vocabulary.shapes
        timeouts = [
            number
            for number in counts
            if (shape := shapes[number]) is not None and shape.message.kind is Kind.TIMED_OUT
        ]
        if not timeouts:
            return set()
        return {(self._part, line) for line in events.filter(pl.col("shape").is_in(timeouts))["line"]}

    def _is_head(self, text: str) -> bool:
        known = self._known_heads.get(text)
        if known is None:
            if len(self._known_heads) > _KNOWN_HEADS:
                self._known_heads.clear()
            cut = cut_of(text)
            known = self._known_heads[text] = self._reader(cut).is_head(cut.marked(text))
        return known

    def _head_above(self, first: int, lines: pl.Series, line: int) -> _Head | None:
        """The head of the record that the line before this one belongs to."""
        return self._head_in(self._part, first, lines.head(line - first)) or self._last()

    def _head_in(self, part: int, first: int, lines: Sequence[str] | pl.Series) -> _Head | None:
        """The last head in some lines."""
        for index in range(len(lines) - 1, -1, -1):
            text = lines[index]
            if self._is_head(text):
                return _Head(part, first + index, cut_of(text).time)
        return None


_SHAPED = {"place": pl.UInt32, "time": pl.Int64, "shape": pl.UInt32, "connection": pl.UInt32}


def _with_times(lines: pl.Series) -> pl.Series:
    """The lines that may hold a time."""
    return lines.filter(lines.str.contains(r"\d\d:\d\d:\d\d|:\s*\d{10}"))


def _worth_reading(lines: pl.Series) -> _Chosen:
    """The lines that can matter; all of them where most can."""
    sample = needed_of(lines.gather_every(max(1, len(lines) // 1000)))
    if sample.sum() > _WORTH_FILTERING * len(sample):
        return _Chosen(lines, None)
    needed = needed_of(lines)
    return _Chosen(lines.filter(needed), needed.arg_true())


class _Chosen(NamedTuple):
    """Lines that can matter.

    Attributes:
        lines: they.
        places: where they stand in their block; None for all of them.
    """

    lines: pl.Series
    places: pl.Series | None
