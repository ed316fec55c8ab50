"""Blocks of lines -> the events in them, as columns of small numbers.

A log of millions of lines holds few distinct texts once the times are cut out, and a few dozen shapes once the
connections' addresses are taken out. So every step works on the smallest table that will do: of the lines of a block
only those that can matter become rows, rows become times, addresses and keys (what is left), all by number; and only a
key that was never seen before is parsed. The result is joined back as numbers: which shape, which connection.

What a line is depends on the line alone, so it does not matter where a block begins; only a timeout inside a
traceback belongs to the head above it, and a line that the collector split is put together first.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import field
from itertools import chain, islice
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.read.above import Above, Stretch
from logpool.read.ahead import ahead
from logpool.read.around import PROCESSES
from logpool.read.cuts import Cut, Cuts, are_behind, cut_of
from logpool.read.days import Days
from logpool.read.edges import lacks_begin, lacks_end
from logpool.read.extent import Extent
from logpool.read.formats import has_time_behind, head_reader
from logpool.read.gathering import Gathered
from logpool.read.lines import Lines
from logpool.read.newest import is_newest_first, turned
from logpool.read.numbering import MOST_TEXTS, Numbering, Told
from logpool.read.pieces import Pieces
from logpool.read.processes import Begin, Happening, processes_of, records
from logpool.read.reading import Reading
from logpool.read.records import has_functions
from logpool.read.starts import bounded
from logpool.read.timeless import LIKE_A_TIME, Timeless
from logpool.read.vocabulary import Reader, Vocabulary
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from logpool.native.lines import Rows
    from logpool.read.formats import HeadReader
    from logpool.read.gathering import Timeout
    from logpool.read.lines import Block

_LEARNED_FROM = 200
_SHOWN = 3
_EDGE = 50
# so many blocks make a batch, however few events they hold
_LOT_BLOCKS = 16
# so many events at a log's begin tell what names its processes
_BEGIN_EVENTS = 500


@stateful
class EventReader:
    """Reads one source block by block.

    Attributes:
        vocabulary: what all sources share.
        source: the number of this one, the space in which an address means one thing.
        reading: what was read of it.
        layout: the layout that was asked for, if any.
        ahead: whether to read blocks, and to choose their lines, in a thread of its own.
        most_texts: how many texts each way of cutting lines may remember from block to block.
        lot: so many events, at least, are one batch, or those of many blocks.
        processes: what may name a process where no layout fits; found out from the log's begin when left out.
        dated: whether times that tell no day, or no year, are none: logs that are read with this one have others.
    """

    vocabulary: Vocabulary
    source: int
    reading: Reading
    layout: str | None = None
    ahead: bool = False
    most_texts: int = MOST_TEXTS
    lot: int = 1
    processes: tuple[str, ...] | None = None
    dated: bool = False
    _heads: HeadReader = field(init=False)
    # whether the function stands behind a pool's logger
    _functions: bool = False
    _cuts: Cuts = field(default_factory=Cuts)
    _readers: dict[Cut, Reader] = field(default_factory=dict)
    _numberings: dict[Cut, Numbering] = field(default_factory=dict)
    # the cut of the last event: the next ones are likely to be like those before them
    _likely: Cut = field(default_factory=Cut)
    _here: Stretch = field(default_factory=Stretch)
    _above: Above = field(init=False)
    _extent: Extent = field(init=False)
    _pieces: Pieces = field(default_factory=Pieces)
    _gathered: Gathered = field(default_factory=Gathered)
    _timeless: Timeless = field(init=False)

    def __post_init__(self) -> None:
        self._heads = head_reader(self.layout, PROCESSES if self.processes is None else self.processes)
        self._cuts.behind = has_time_behind(self.layout)
        self._timeless = Timeless(self.most_texts)
        self._above = Above(self._reader, self._cuts.behind)
        self._extent = Extent(self.reading, self._cuts.behind)

    def read(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """The events of some blocks at a time, in file order; of a log that stands newest first, in the other one.

        Returns:
            Tables of ``line`` (of the head), ``time`` (microseconds), ``shape``, ``connection``, ``thread``
            (numbers of the vocabulary), ``source`` (the number of the file).
        """
        in_turn = ahead if self.ahead else iter
        waiting = in_turn(blocks)
        begin = Begin.of(waiting)
        self._look_at(begin)
        batches = self._batches(chain(begin.each_once(), waiting))
        for batch in turned(batches, self.lot) if self.reading.newest_first else batches:
            if not self.reading.newest_first:
                self._extent.days.begin(self.reading.first_time)
            yield batch.with_columns_seq(self._extent.days.counted(batch["time"]))
        self._extent.settle()

    def _batches(self, blocks: Iterable[Block]) -> Iterator[pl.DataFrame]:
        """The same in file order, with the times as they are printed."""
        blocks_read = 0
        for block in blocks:
            self._take_in(block)
            # while the next block is waited for, this one takes no memory
            del block
            blocks_read += 1
            # where events are few, there is time to follow fewer of them at once, and not all of them in the end
            if len(self._gathered) >= self.lot or (self._gathered and blocks_read >= _LOT_BLOCKS):
                yield self._gathered.take()
                blocks_read = 0
        if self._gathered:
            yield self._gathered.take()

    def _take_in(self, block: Block) -> None:
        """Gathers the events of a block."""
        self._gathered.begin(block.part)
        last = block.lines.data.rfind(b"\n", 0, block.lines.size) + 1 if block.torn else 0
        if last:
            block, torn = block.parted(last)
            self._add(block, self._put_together(block))
            block = torn
        lines = self._put_together(block)
        if block.torn and self._lacks_end(next(iter(lines.head(1)), "")):
            self._pass_over(block, lines)
            return
        known = self.reading.unrecognised_lines, len(self.reading.unrecognised)
        if self._add(block, lines) != block.first_line and block.torn:
            # a last line that has no line end and tells nothing: the rest of it may be missing
            self.reading.torn.append((block.part, block.first_line))
            self.reading.unrecognised_lines = known[0]
            del self.reading.unrecognised[known[1] :]

    def _put_together(self, block: Block) -> Lines:
        """The lines of a block, where some may be split with these in one."""
        if self._pieces.matter(block):
            return Lines.of(self._pieces.joined(block.lines.texts))
        return block.lines

    def _pass_over_rest(self, begin: Begin, text: str) -> None:
        """Does not read the log's first line where that is the rest of a record."""
        first, _, others = text.partition("\n")
        if lacks_begin(first, islice(records(others), _LEARNED_FROM)):
            end = begin.blocks[0].lines.data.index(b"\n") + 1
            rest, begin.blocks[0] = begin.blocks[0].parted(end)
            self._pass_over(rest, rest.lines)

    def _pass_over(self, block: Block, lines: Lines) -> None:
        """Takes from a line that is no whole record nothing but its time."""
        self._count(block, lines)
        self._extent.pass_over(lines)
        self.reading.torn.append((block.part, block.first_line))

    def _lacks_end(self, line: str) -> bool:
        head = self._heads(cut_of(line).marked(bounded(line)))
        shapes = [shape for shape in self.vocabulary.shapes if shape is not None and shape.source == self.source]
        loggers = {shape.pool for shape in shapes if shape.pool is not None}
        return head is not None and lacks_end(head, line, self.reading.layouts or {head.layout}, loggers)

    def _look_at(self, begin: Begin) -> None:
        """Finds out what names a process, and whether the first record is whole."""
        text = begin.text
        self._functions = has_functions(text)
        if self.layout is None and are_behind(islice(records(text), _LEARNED_FROM)):
            self._cuts.behind = self._above.behind = self._extent.behind = True
        lines, behind = list(islice(map(Pieces().timed, records(text)), _LEARNED_FROM)), self._cuts.behind
        self.reading.newest_first = is_newest_first(lines, behind=behind)
        self._extent.days = Days() if self.dated else Days.of(lines, behind=behind)
        if self.layout is None and self.processes is None:
            self._find_processes(begin, text)
        self._pass_over_rest(begin, text)

    def _find_processes(self, begin: Begin, text: str) -> None:
        found = processes_of(text, lambda asked: self._told_by(begin.lots(text), asked))
        self._heads = head_reader(None, found)

    def _told_by(self, lots: Iterable[Block], processes: tuple[str, ...]) -> Iterator[Happening]:
        """What happens to connections in the first lines of the log, if only some numbers may name processes."""
        trial = EventReader(Vocabulary(), self.source, Reading(self.reading.path), processes=processes)
        trial._functions = self._functions
        for some in lots:
            trial._take_in(some)
            if len(trial._gathered) >= _BEGIN_EVENTS:
                break
        happened = list(trial._gathered.lot.named())
        for label, name in reversed(happened) if self.reading.newest_first else happened:
            shape = trial.vocabulary.shapes[label]
            if shape is not None and name is not None:
                yield Happening(shape.message.kind, shape.pool, shape.process, name)

    def _add(self, block: Block, lines: Lines) -> int | None:
        """Adds the events of a block, and returns the number of the last line that is one, or tells of one."""
        self._here = Stretch.of(block)
        first = self._here.first
        self._count(block, lines)
        likely = self._numberings.get(self._likely)
        rows = lines.rows(likely.cutter() if likely else None)
        lot = self._gathered.lot
        begin, told = len(lot), Told(lot)
        left = likely.read_alike(rows, first, told) if likely else rows.left
        self._read(rows, left, first, told)
        self._gathered.in_order &= told.pieces <= 1
        if block.numbers is not None:
            lot.renumber(begin, block.numbers)
        self._note_unrecognised(rows, told.unrecognised)
        counts = told.event_counts()
        self._count_events(counts)
        cut = None if self._extent.days.known(told.last_time) is None else told.last_cut
        self._extent.go_on(lines, rows, told.last, cut)
        heads = self._timed_out(begin, counts)
        timeouts = self._timeouts_inside(lines, rows, sorted(told.inside), heads)
        self._gathered.timeouts += timeouts
        self.reading.events += len(lot) - begin + len(timeouts)
        self._above.remember(self._here, lines, rows, told.last, heads)
        last = [self._here.number(rows.place(told.last))] if told.last >= 0 else []
        heads_here = [line for line, *_, part in timeouts if part == block.part]
        return max(last + heads_here, default=None)

    def _count(self, block: Block, lines: Lines) -> None:
        reading = self.reading
        reading.lines += block.line_count
        reading.size += block.size
        if len(reading.samples) < _SHOWN:
            texts = [text for text in lines.head(_EDGE) if text.strip()]
            reading.samples += texts[: _SHOWN - len(reading.samples)]
        self._extent.begin(lines)

    def _read(self, rows: Rows, left: array[int], first: int, told: Told) -> None:
        """Adds what some rows of a block tell that can matter."""
        tried: set[Cut] = set()
        queue = self._cuts.known
        if not queue and left:
            # most of a log is like its begin
            texts = map(rows.text, left[:_LEARNED_FROM])
            queue = self._cuts.learn(text for text in texts if re.search(LIKE_A_TIME, text))
        looked_through = False
        while left:
            for cut in queue:
                left = self._numbering(cut).read(rows, left, first, told)
                if not left:
                    break
            tried.update(queue)
            # those that are left once more are among those that were left before
            left = left if looked_through else self._without_timeless(rows, left, first, told)
            looked_through = True
            if not left:
                break
            # the next few rows have no cut that was tried: learn theirs, or take them as lines without times
            few = left[:_LEARNED_FROM]
            queue = self._cuts.learn(map(rows.text, few), tried)
            if not queue:
                self._numbering(Cut()).read(rows, few, first, told)
                left = left[_LEARNED_FROM:]
        self._likely = told.last_cut or self._likely

    def _without_timeless(self, rows: Rows, left: array[int], first: int, told: Told) -> array[int]:
        """Reads the rows in which no time can stand, such as tracebacks', and returns the others."""
        if not left:
            return left
        timed, timeless = self._timeless.parted(rows, left)
        if timeless:
            self._numbering(Cut()).read(rows, array("I", timeless), first, told)
        return timed

    def _numbering(self, cut: Cut) -> Numbering:
        numbering = self._numberings.get(cut)
        if numbering is None:
            numbering = self._numberings[cut] = Numbering(self._reader(cut), self.most_texts)
        return numbering

    def _reader(self, cut: Cut) -> Reader:
        reader = self._readers.get(cut)
        if reader is None:
            reader = self._readers[cut] = Reader(self.vocabulary, self.source, self._heads, cut, self._functions)
        return reader

    def _note_unrecognised(self, rows: Rows, found: list[int]) -> None:
        self.reading.unrecognised_lines += len(found)
        for row in sorted(found)[: _SHOWN - len(self.reading.unrecognised)]:
            place = self._here.part, self._here.number(rows.place(row))
            self.reading.unrecognised.append((*place, rows.text(row)))

    def _count_events(self, counts: dict[int, int]) -> None:
        shapes = self.vocabulary.shapes
        for number, count in counts.items():
            shape = shapes[number]
            assert shape is not None  # noqa: S101 - for the type checker: only events are counted
            if shape.message.kind is Kind.TIMED_OUT:
                continue
            self.reading.layouts[shape.layout] += count
            if shape.message.kind is Kind.TIMING:
                self.reading.timing_lines += count
            else:
                self.reading.pool_lines += count

    def _timeouts_inside(
        self, lines: Lines, rows: Rows, inside: list[int], told: set[tuple[int, int]]
    ) -> list[Timeout]:
        """The timeouts that stand under a head, in a traceback: one for each record."""
        found = []
        reader = self._reader(Cut())
        for row in inside:
            head = self._above.find(self._here, lines, rows, row)
            if head is None or head.timed_out or head.place in told:
                continue
            told.add(head.place)
            cut = cut_of(head.text, behind=self._cuts.behind)
            shape = reader.timed_out(rows.text(row), self._heads(cut.marked(bounded(head.text))))
            found.append((head.line, cut.time, shape, None, None, head.part))
        return found

    def _timed_out(self, begin: int, counts: dict[int, int]) -> set[tuple[int, int]]:
        """The heads among the events from a place on that are timeouts themselves."""
        shapes = self.vocabulary.shapes
        timeouts = {
            number
            for number in counts
            if (shape := shapes[number]) is not None and shape.message.kind is Kind.TIMED_OUT
        }
        return {(self._here.part, line) for line in self._gathered.lot.lines(timeouts, begin)} if timeouts else set()
