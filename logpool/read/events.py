"""Blocks of lines -> the events in them, as columns of small numbers.

A log of millions of lines holds few distinct texts once the time is cut off, and a few dozen shapes once the
connections' addresses are taken out. So every step works on the smallest table that will do: lines become times
and rests, rests become distinct rests, distinct rests become shapes and addresses, and only a shape that was never
seen before is parsed. The result is joined back as numbers: which shape, which connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from logpool.read.layouts import find_layout, layout_of
from logpool.read.vocabulary import (
    CONTINUATION,
    NO_EVENT,
    TIMED_OUT_INSIDE,
    TIMED_OUT_TEXT,
    UNRECOGNISED,
    Reader,
    Vocabulary,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logpool.read.layouts import Layout
    from logpool.read.sources import Block

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
    "Job done.",
    TIMED_OUT_TEXT,
)
_NEEDLE = re.compile("|".join(map(re.escape, NEEDLES)))
_WORTH_FILTERING = 0.7
_SAMPLE = 200
_SAMPLE_BYTES = 32 << 20
_SHOWN = 3
_EDGE = 50

EVENT_COLUMNS = {"line": pl.Int64, "time": pl.Int64, "shape": pl.UInt32, "connection": pl.UInt32}


@dataclass
class Reading:
    """What was read of one source so far.

    Attributes:
        path: the source.
        size: bytes, decompressed.
        lines: lines.
        pool_lines: pool events: timings and timeouts are none.
        timing_lines: the experiment's own lines.
        unrecognised_lines: heads on a pool logger that the grammar does not know.
        layout: how its lines are laid out; None as long as no line of a pool was found.
        first_time: of its first line with a time, microseconds.
        last_time: of its last.
        unrecognised: the first few of them, with their line numbers.
        samples: its first few lines, to show where nothing was understood.
    """

    path: str
    size: int = 0
    lines: int = 0
    pool_lines: int = 0
    timing_lines: int = 0
    unrecognised_lines: int = 0
    layout: Layout | None = None
    first_time: int | None = None
    last_time: int | None = None
    unrecognised: list[tuple[int, str]] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the last record so far begins."""

    line: int
    time: int | None
    timed_out: bool = False


@dataclass
class EventReader:
    """Reads one source block by block.

    Attributes:
        vocabulary: what all sources share.
        source: the number of this one.
        reading: what was read of it.
        wanted: the layout that was asked for, if any.
    """

    vocabulary: Vocabulary
    source: int
    reading: Reading
    wanted: str | None = None
    _reader: Reader | None = None
    _last: _Head | None = None

    def read(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """The events of each block, in file order.

        Returns:
            Tables of ``line`` (of the head), ``time`` (microseconds), ``shape``, ``connection`` (numbers of the
            vocabulary), ``source``.
        """
        waiting: list[Block] = []
        sample: list[str] = []
        for block in blocks:
            self._count(block)
            if self._reader is not None:
                yield self._events(block)
                continue
            found = _candidates(block.lines).head(_SAMPLE - len(sample)).to_list()
            sample += found
            if sample:
                waiting.append(block)
            if len(sample) >= _SAMPLE or sum(block.size for block in waiting) >= _SAMPLE_BYTES:
                yield from self._begin(waiting, sample)
                waiting = []
        if self._reader is None:
            yield from self._begin(waiting, sample)

    def _begin(self, waiting: list[Block], sample: list[str]) -> Iterator[pl.DataFrame]:
        layout = layout_of(self.wanted, sample) if self.wanted else find_layout(sample)
        if layout is None:
            return
        self.reading.layout = layout
        self._reader = Reader(self.vocabulary, self.source, layout)
        for block in waiting:
            yield self._events(block)

    def _count(self, block: Block) -> None:
        reading = self.reading
        reading.lines += len(block.lines)
        reading.size += block.size
        if len(reading.samples) < _SHOWN:
            texts = (text for text in block.lines.head(_EDGE) if text.strip())
            reading.samples += list(texts)[: _SHOWN - len(reading.samples)]

    def _events(self, block: Block) -> pl.DataFrame:
        assert self._reader is not None
        self._note_times(self._reader.layout, block.lines)
        lines, places = _worth_reading(block.lines)
        rows = _shaped(self._reader, lines)
        if places is None:
            rows = rows.with_row_index("line")
        else:
            rows = rows.with_columns(line=places)
        rows = rows.with_columns(pl.col("line").cast(pl.Int64) + block.first_line)
        self._note_unrecognised(block, rows)
        events = rows.filter(pl.col("shape") >= NO_EVENT).select(EVENT_COLUMNS.keys())
        inside = rows.filter(pl.col("shape") == TIMED_OUT_INSIDE)["line"].to_list()
        events = self._with_timeouts(block, events, inside)
        self._count_events(events)
        return events.with_columns(source=pl.lit(self.source, pl.UInt32))

    def _note_times(self, layout: Layout, lines: pl.Series) -> None:
        if not layout.has_time:
            return
        edges = (layout.cut(lines.head(_EDGE))["time"], layout.cut(lines.tail(_EDGE))["time"])
        first, last = (edge.drop_nulls() for edge in edges)
        if self.reading.first_time is None and len(first):
            self.reading.first_time = first[0]
        if len(last):
            self.reading.last_time = last[-1]

    def _note_unrecognised(self, block: Block, rows: pl.DataFrame) -> None:
        places = rows.filter(pl.col("shape") == UNRECOGNISED)["line"]
        self.reading.unrecognised_lines += len(places)
        for line in places.head(_SHOWN - len(self.reading.unrecognised)):
            self.reading.unrecognised.append((line, block.lines[line - block.first_line]))

    def _count_events(self, events: pl.DataFrame) -> None:
        known = self.vocabulary.frame()
        groups = known["group"].gather(events["shape"])
        kinds = known["kind"].gather(events["shape"])
        self.reading.pool_lines += len(groups) - groups.null_count()
        self.reading.timing_lines += int((kinds == _TIMING).sum())

    def _with_timeouts(self, block: Block, events: pl.DataFrame, inside: list[int]) -> pl.DataFrame:
        """Adds the timeouts that stand under a head, in a traceback: one for each record."""
        assert self._reader is not None
        found = []
        told = self._told(events)
        for line in inside:
            head = self._head_above(block, line)
            if head is None or head.line in told:
                continue
            told.add(head.line)
            shape = self._reader.timed_out(block.lines[line - block.first_line])
            found.append((head.line, head.time, shape, None))
        last = self._head_above(block, block.first_line + len(block.lines))
        if last is not None:
            self._last = _Head(last.line, last.time, last.line in told)
        if not found:
            return events
        more = pl.DataFrame(found, schema=EVENT_COLUMNS, orient="row")
        return pl.concat([events, more]).sort("line", maintain_order=True)

    def _told(self, events: pl.DataFrame) -> set[int]:
        """The heads whose timeout is counted already."""
        kinds = self.vocabulary.frame()["kind"].gather(events["shape"])
        told = set(events["line"].filter(kinds == _TIMED_OUT))
        if self._last is not None and self._last.timed_out:
            told.add(self._last.line)
        return told

    def _head_above(self, block: Block, line: int) -> _Head | None:
        """The head of the record that the line before this one belongs to."""
        assert self._reader is not None
        layout = self._reader.layout
        for index in range(line - block.first_line - 1, -1, -1):
            cut = layout.cut(block.lines[index : index + 1]).row(0)
            if cut[1] is not None and layout.read(cut[1]) is not None:
                return _Head(block.first_line + index, cut[0])
        return self._last


_TIMING = 21
_TIMED_OUT = 20


def _candidates(lines: pl.Series) -> pl.Series:
    return lines.filter(lines.str.contains_any(list(NEEDLES)))


def _worth_reading(lines: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """The lines that can matter, with their places; all of them, and None, where most can."""
    sample = lines.gather_every(max(1, len(lines) // 1000))
    if sample.str.contains_any(list(NEEDLES)).mean() > _WORTH_FILTERING:
        return lines, None
    places = lines.str.contains_any(list(NEEDLES)).arg_true()
    return lines.gather(places), places


def _shaped(reader: Reader, lines: pl.Series) -> pl.DataFrame:
    """``time``, ``shape`` and ``connection`` of each line."""
    cut = reader.layout.cut(lines)
    rests = pl.Categories.random()
    codes = cut["rest"].cast(pl.Categorical(rests))
    distinct = rests.to_series().cast(pl.String).alias("rest").to_frame()
    numbers = _numbered(reader, distinct)
    places = codes.to_physical()
    shapes = numbers["shape"].gather(places).fill_null(CONTINUATION)
    if cut["rest"].null_count():
        outside = cut["rest"].is_null() & lines.str.contains(TIMED_OUT_TEXT, literal=True)
        if outside.any():
            shapes = shapes.set(outside, TIMED_OUT_INSIDE)
    return cut.select("time").with_columns(shapes, numbers["connection"].gather(places))


def _numbered(reader: Reader, distinct: pl.DataFrame) -> pl.DataFrame:
    """``shape`` and ``connection`` of each distinct rest."""
    parts = distinct.with_columns(pl.col("rest").str.splitn("0x", 2).struct.rename_fields(["before", "after"]).alias("p"))
    parts = parts.unnest("p").with_columns(tail=pl.col("after").str.strip_chars_start(_HEX))
    digits = pl.col("after").str.len_bytes().cast(pl.Int64) - pl.col("tail").str.len_bytes().cast(pl.Int64)
    parts = parts.select(
        "rest",
        key=pl.when(pl.col("after").is_null())
        .then(pl.col("rest"))
        .otherwise(pl.concat_str([pl.col("before"), pl.lit("0x"), pl.col("tail")])),
        address=pl.concat_str([pl.lit("0x"), pl.col("after").str.head(digits)]),
    )
    shapes: list[int] = []
    identities: list[str | None] = []
    for key, rest, address in parts.select("key", "rest", "address").iter_rows():
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
