"""Blocks of lines -> the events in them, as columns of small numbers.

A log of millions of lines holds few distinct texts once the times are cut out, and a few dozen shapes once the
connections' addresses are taken out. So every step works on the smallest table that will do: lines become times
and rests, rests become distinct rests, distinct rests become shapes and addresses, and only a shape that was never
seen before is parsed. The result is joined back as numbers: which shape, which connection.

What a line is depends on the line alone, so it does not matter where a block begins; only a timeout inside a
traceback belongs to the head above it, and a line that the collector split is put together first.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.read.cuts import Cut, Cuts, cut_of
from logpool.read.formats import head_reader
from logpool.read.vocabulary import (
    NO_EVENT,
    TIMED_OUT_INSIDE,
    TIMED_OUT_TEXT,
    UNFIT,
    UNRECOGNISED,
    Reader,
    Vocabulary,
)
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.formats import HeadReader
    from logpool.read.lines import Block

_HEX = "0123456789abcdefABCDEF"
# every line that can be an event, a timeout or an unrecognised record holds one of these
NEEDLES = (
    "sqlalchemy.pool",
    "onnection",
    "Error on connect",
    "Pool recreating",
    "Pool disposed",
    "Exception during reset",
    "Time taken:",
    "time taken:",
    "Job done.",
    TIMED_OUT_TEXT,
)
_WORTH_FILTERING = 0.7
_LEARNED_FROM = 200
_SHOWN = 3
_EDGE = 50
_LOOKED_AT = 1000
_KNOWN_HEADS = 10_000
_SPLIT = r"^\S+ (?:stdout|stderr) P "
_SPLIT_LINE = re.compile(r"^\S+ (?P<stream>stdout|stderr) (?P<tag>[FP]) ")

EVENT_COLUMNS = {
    "line": pl.Int64,
    "time": pl.Int64,
    "shape": pl.UInt32,
    "connection": pl.UInt32,
    "source": pl.UInt32,
}


@dataclass
class Reading:
    """What was read of one source so far.

    Attributes:
        path: the source.
        files: that it consists of, oldest first.
        size: bytes, decompressed.
        lines: lines.
        pool_lines: pool events: timings and timeouts are none.
        timing_lines: the experiment's own lines.
        unrecognised_lines: heads on a pool logger that the grammar does not know.
        layouts: how many of the pool's records stand in which layout.
        offset: of its times from UTC, in seconds; None where they are local, or unknown.
        first_time: of its first line with a time, microseconds.
        last_time: of its last.
        unrecognised: the first few of them, with the numbers of their files and lines.
        torn: the files whose last lines are cut, with those lines.
        samples: its first few lines, to show where nothing was understood.
    """

    path: str
    files: tuple[str, ...] = ()
    size: int = 0
    lines: int = 0
    pool_lines: int = 0
    timing_lines: int = 0
    unrecognised_lines: int = 0
    layouts: Counter[str] = field(default_factory=Counter)
    offset: int | None = None
    first_time: int | None = None
    last_time: int | None = None
    unrecognised: list[tuple[int, int, str]] = field(default_factory=list)
    torn: list[tuple[int, int]] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


class _Head(NamedTuple):
    """Where the last record so far begins."""

    part: int
    line: int
    time: int | None
    timed_out: bool = False


@dataclass
class EventReader:
    """Reads one source block by block.

    Attributes:
        vocabulary: what all sources share.
        source: the number of this one, the space in which an address means one thing.
        reading: what was read of it.
        layout: the layout that was asked for, if any.
    """

    vocabulary: Vocabulary
    source: int
    reading: Reading
    layout: str | None = None
    _heads: HeadReader = field(init=False)
    _cuts: Cuts = field(default_factory=Cuts)
    _readers: dict[Cut, Reader] = field(default_factory=dict)
    _part: int = 0
    _last: _Head | None = None
    _known_heads: dict[str, bool] = field(default_factory=dict)
    _pieces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._heads = head_reader(self.layout)

    def read(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """The events of each block, in file order.

        Returns:
            Tables of ``line`` (of the head), ``time`` (microseconds), ``shape``, ``connection`` (numbers of the
            vocabulary), ``source`` (the number of the file).
        """
        for block in blocks:
            self._part = block.part
            events = self._events(block.first_line, self._joined(block.lines), block.size)
            if block.torn:
                self._note_torn(block.first_line + len(block.lines) - 1, events)
            yield events

    def _note_torn(self, last: int, events: pl.DataFrame) -> None:
        """Notes a last line that has no line end and tells nothing: the rest of it may be missing."""
        if not events.height or events["line"][-1] != last:
            self.reading.torn.append((self._part, last))

    def _joined(self, lines: pl.Series) -> pl.Series:
        """Lines that Kubernetes split, in one piece, where their last part stands."""
        split = lines.str.contains(_SPLIT)
        if not self._pieces and not split.any():
            return lines
        whole: list[str] = []
        for line in lines:
            match = _SPLIT_LINE.match(line)
            if match is None:
                whole.append(line)
            elif match["tag"] == "P":
                begun = self._pieces.get(match["stream"])
                self._pieces[match["stream"]] = begun + line[match.end() :] if begun else _as_whole(line, match)
                whole.append("")
            else:
                begun = self._pieces.pop(match["stream"], None)
                whole.append(begun + line[match.end() :] if begun else line)
        return pl.Series("line", whole, dtype=pl.String)

    def _events(self, first: int, lines: pl.Series, size: int) -> pl.DataFrame:
        self._count(lines, size)
        chosen, places = _worth_reading(lines)
        rows = self._shaped(chosen)
        at = rows["place"] if places is None else places.gather(rows["place"])
        rows = rows.select("time", "shape", "connection", line=at.cast(pl.Int64) + first)
        if rows["line"].is_sorted() is False:
            rows = rows.sort("line")
        self._note_unrecognised(first, lines, rows)
        events = rows.filter(pl.col("shape") >= NO_EVENT).select("line", "time", "shape", "connection")
        events = events.with_columns(source=pl.lit(self._part, pl.UInt32))
        inside = rows.filter(pl.col("shape") == TIMED_OUT_INSIDE)["line"].to_list()
        events = self._with_timeouts(first, lines, events, inside)
        self._count_events(events)
        return events

    def _count(self, lines: pl.Series, size: int) -> None:
        reading = self.reading
        reading.lines += len(lines)
        reading.size += size
        if len(reading.samples) < _SHOWN:
            texts = (text for text in lines.head(_EDGE) if text.strip())
            reading.samples += list(texts)[: _SHOWN - len(reading.samples)]
        if reading.first_time is None:
            reading.first_time = self._first_time(lines.head(_EDGE)) or self._first_time(_with_times(lines))
        backwards = lines.reverse()
        last = self._first_time(backwards.head(_EDGE)) or self._first_time(_with_times(backwards))
        reading.last_time = last if last is not None else reading.last_time

    def _first_time(self, lines: pl.Series) -> int | None:
        times = map(self._time_of, lines.head(_LOOKED_AT))
        return next((time for time in times if time is not None), None)

    def _time_of(self, line: str) -> int | None:
        cut = cut_of(line)
        if cut.chosen is None:
            return None
        time: int | None = cut.apply(pl.Series([line]))["time"][0]
        if time is not None and self.reading.first_time is None:
            self.reading.offset = cut.offset
        return time

    def _shaped(self, lines: pl.Series) -> pl.DataFrame:
        """``place``, ``time``, ``shape`` and ``connection`` of each line that can matter."""
        found: list[pl.DataFrame] = []
        left = lines.alias("line").to_frame().with_row_index("place")
        tried: set[Cut] = set()
        queue = list(self._cuts.known)
        while left.height:
            for cut in queue:
                left = self._take(cut, left, found)
                if not left.height:
                    break
            tried.update(queue)
            left = left.filter(_needed(left["line"]))
            # the next few lines have no cut that was tried: learn theirs, or take them as lines without times
            few = left.head(_LEARNED_FROM)
            queue = [cut for cut in self._cuts.learn(few["line"]) if cut not in tried]
            if not queue:
                self._take(Cut(), few, found)
                left = left.slice(_LEARNED_FROM)
        return pl.concat([pl.DataFrame(schema=_SHAPED), *found])

    def _take(self, cut: Cut, left: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
        """Reads the lines that a cut fits, and returns the others."""
        applied = cut.apply(left["line"]).with_columns(left["place"])
        fits = applied["fits"]
        if not fits.any():
            return left
        fitting = applied if fits.all() else applied.filter("fits")
        rests = pl.Categories.random()
        # polars forgets the codes once no column uses them: this one must outlive the next line
        column = fitting["rest"].cast(pl.Categorical(rests))
        distinct = rests.to_series().cast(pl.String).alias("rest").to_frame()
        numbers = _numbered(self._reader(cut), distinct)
        codes = column.to_physical()
        rows = fitting.select("place", "time").with_columns(
            shape=numbers["shape"].gather(codes), connection=numbers["connection"].gather(codes)
        )
        unfit = rows["shape"] == UNFIT
        if unfit.any():
            rows = rows.filter(~unfit)
        found.append(rows.select(_SHAPED.keys()).cast(_SHAPED))  # type: ignore[arg-type]
        if rows.height == left.height:
            return left.clear()
        return left.join(rows.select("place"), on="place", how="anti", maintain_order="left")

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

    def _count_events(self, events: pl.DataFrame) -> None:
        shapes = self.vocabulary.shapes
        for number, count in events["shape"].value_counts().iter_rows():
            shape = shapes[number]
            if shape is None or shape.message.kind is Kind.TIMED_OUT:
                continue
            self.reading.layouts[shape.layout] += count
            if shape.message.kind is Kind.TIMING:
                self.reading.timing_lines += count
            else:
                self.reading.pool_lines += count

    def _with_timeouts(self, first: int, lines: pl.Series, events: pl.DataFrame, inside: list[int]) -> pl.DataFrame:
        """Adds the timeouts that stand under a head, in a traceback: one for each record."""
        found = []
        told = self._told(events)
        reader = self._reader(Cut())
        for line in inside:
            head = self._head_above(first, lines, line)
            if head is None or head[:2] in told:
                continue
            told.add(head[:2])
            found.append((head.line, head.time, reader.timed_out(lines[line - first]), None, head.part))
        last = self._head_above(first, lines, first + len(lines))
        if last is not None:
            self._last = last._replace(timed_out=last[:2] in told)
        if not found:
            return events
        more = pl.DataFrame(found, schema=EVENT_COLUMNS, orient="row")
        return pl.concat([events, more]).sort("source", "line", maintain_order=True)

    def _told(self, events: pl.DataFrame) -> set[tuple[int, int]]:
        """The heads whose timeout is counted already."""
        kinds = self.vocabulary.frame()["kind"].gather(events["shape"])
        told = {(self._part, line) for line in events["line"].filter(kinds == int(Kind.TIMED_OUT))}
        if self._last is not None and self._last.timed_out:
            told.add(self._last[:2])
        return told

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
        for index in range(line - first - 1, -1, -1):
            text = lines[index]
            if self._is_head(text):
                time = cut_of(text).apply(pl.Series([text]))["time"][0]
                return _Head(self._part, first + index, time)
        return self._last


_SHAPED = {"place": pl.UInt32, "time": pl.Int64, "shape": pl.UInt32, "connection": pl.UInt32}


def _with_times(lines: pl.Series) -> pl.Series:
    """The lines that may hold a time."""
    return lines.filter(lines.str.contains(r"\d\d:\d\d:\d\d|:\s*\d{10}"))


def _as_whole(line: str, match: re.Match[str]) -> str:
    """A part of a line with the mark of a whole one."""
    return f"{line[: match.start('tag')]}F{line[match.end('tag') :]}"


def _needed(lines: pl.Series) -> pl.Series:
    return lines.str.contains_any(list(NEEDLES))


def _worth_reading(lines: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """The lines that can matter, with their places; all of them, and None, where most can."""
    sample = _needed(lines.gather_every(max(1, len(lines) // 1000)))
    if sample.sum() > _WORTH_FILTERING * len(sample):
        return lines, None
    places = _needed(lines).arg_true()
    return lines.gather(places), places


def _numbered(reader: Reader, distinct: pl.DataFrame) -> pl.DataFrame:
    """``shape`` and ``connection`` of each distinct rest."""
    parts = distinct.select(
        "rest", pl.col("rest").str.splitn("0x", 2).struct.rename_fields(["before", "after"]).alias("p")
    )
    parts = parts.unnest("p")
    parts = parts.with_columns(tail=pl.col("after").str.strip_chars_start(_HEX))
    digits = pl.col("after").str.len_bytes().cast(pl.Int64) - pl.col("tail").str.len_bytes().cast(pl.Int64)
    parts = parts.select(
        pl.coalesce(pl.col("before") + pl.lit("0x") + pl.col("tail"), "rest").alias("key"),
        "rest",
        address=pl.lit("0x") + pl.col("after").str.head(digits),
    )
    shapes: list[int] = []
    identities: list[str | None] = []
    for key, rest, address in parts.iter_rows():
        number, identity = reader.number(key, rest, address)
        shapes.append(number)
        identities.append(identity)
    dtype = pl.Categorical(reader.vocabulary.connections)
    return pl.DataFrame(
        {
            "shape": pl.Series(shapes, dtype=pl.UInt32),
            "connection": pl.Series(identities, dtype=pl.String).cast(dtype).to_physical(),
        }
    )
