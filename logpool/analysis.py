"""The program's table of contents: a log becomes a report, stage by stage.

``blocks`` of lines -> ``events`` -> one order -> the ``fold`` that follows lives and checkouts ->
:mod:`logpool.judging`: ``statistics`` -> ``books`` -> ``findings`` -> :class:`logpool.report.model.Report`.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.errors import InputError, UsageError
from logpool.judge.thresholds import Thresholds
from logpool.read.ahead import ahead, begun
from logpool.read.damage import Damages
from logpool.read.days import is_dated
from logpool.read.doubles import Doubles
from logpool.read.ends import end_of
from logpool.read.events import EventReader
from logpool.read.lines import BLOCK_BYTES
from logpool.read.logs import blocks
from logpool.read.merge import as_one, merged
from logpool.read.needles import NEEDLES
from logpool.read.numbering import MOST_TEXTS
from logpool.read.peek import begin_of
from logpool.read.reading import Reading
from logpool.read.selection import Selection
from logpool.read.sources import sources_of
from logpool.read.vocabulary import Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator

    import polars as pl

    from logpool.read.lines import Block
    from logpool.read.sources import Source
    from logpool.report.model import Report
    from logpool.track.found import Tracked
    from logpool.track.lifecycles import Fold

    Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    Progress = Callable[[int, int, float | None], None]


# what is read at once of all logs that are read side by side, and of one of them at least
_ALL_BLOCKS_BYTES = 1 << 28
_LEAST_BLOCK_BYTES = 1 << 18
# and how many texts are remembered of all of them
_ALL_TEXTS = 1 << 20
# of more logs than these, none is read ahead
_READ_AHEAD = 8
# an event for so many bytes read at once is folded at once: fewer where less is read, as tests do
_BYTES_AN_EVENT = 10
_NAMED = 3


@stateful
class Analysis:
    """One reading of some logs.

    Attributes:
        paths: the logs, as :func:`analyze` takes them.
        layout: as :func:`analyze` takes it.
        selection: which events count.
        block_bytes: how much is read at once.
        progress: told the bytes and the events so far, and the share of all that they are, now and then.
        thresholds: from where on something is worth a finding.
        interval: of the timeline, in microseconds; None for one that suits the log.
        vocabulary: what the logs have in common.
        readings: what was read of each source.
        places: the path of each file, by the number by which events know it.
        damages: what could not be read, or not as it stands.
        doubles: what was left out of each.
    """

    paths: Paths
    layout: str | None = None
    selection: Selection = field(default_factory=Selection)
    block_bytes: int = BLOCK_BYTES
    progress: Progress | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    interval: int | None = None
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    readings: list[Reading] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    damages: Damages = field(default_factory=Damages)
    doubles: list[Doubles] = field(default_factory=list)
    _told: int = 0
    # of each part, its size on the disk, and how much of it has been read, of 1
    _sizes: list[int | None] = field(default_factory=list)
    _shares: dict[int, float | None] = field(default_factory=dict)

    def events(self) -> Iterator[pl.DataFrame]:
        """The events of all logs in one order, batch by batch.

        Raises:
            InputError: a log cannot be read; or, in the end, no log holds a pool record.
        """
        names = [self.paths] if isinstance(self.paths, str) or hasattr(self.paths, "__fspath__") else self.paths
        sources = sources_of(names, self.damages)  # type: ignore[arg-type]
        self.readings = [Reading(source.path, tuple(part.path for part in source.parts)) for source in sources]
        self.places = [path for reading in self.readings for path in reading.files]
        self._sizes = [part.size for source in sources for part in source.parts]
        back = self.selection.back
        if back:
            self.selection = self.selection.settled(end_of(sources, self.layout, back[0]))
        begins = _begins(sources)
        for batch in merged(self._streams(sources, dated=any(map(is_dated, begins))), begins):
            offsets = [reading.offset for reading in self.readings for _ in reading.files]
            yield self.selection.apply(batch, self.vocabulary, offsets)
        self._tell(0)
        for part, line in (torn for reading in self.readings for torn in reading.torn):
            if not self.damages.is_noted(self.places[part], line):
                self.damages.note(self.places[part], "cut within a line", line)
        if not any(reading.pool_lines or reading.timing_lines for reading in self.readings):
            raise nothing_understood(self.readings, self.damages)

    def _streams(self, sources: list[Source], *, dated: bool) -> Iterator[Iterator[pl.DataFrame]]:
        # many logs may be read side by side
        size = min(self.block_bytes, max(_LEAST_BLOCK_BYTES, _ALL_BLOCKS_BYTES // max(1, len(sources))))
        part = 0
        for number, source in enumerate(sources):
            yield self._stream(number, blocks(source, size, self.damages, part), len(sources), dated=dated)
            part += len(source.parts)

    def _stream(self, number: int, read: Iterator[Block], count: int, *, dated: bool) -> Iterator[pl.DataFrame]:
        """The events of one log of so many, some of them dated; nothing is opened before the first is asked for."""
        by_threads = count <= _READ_AHEAD
        most = min(MOST_TEXTS, _ALL_TEXTS // count)
        lot = self._lot // count
        reading = self.readings[number]
        reader = EventReader(self.vocabulary, number, reading, self.layout, by_threads, most, lot, dated=dated)
        doubles = Doubles(self.vocabulary, reading)
        self.doubles.append(doubles)
        events = reader.read(self._watched(read))
        # where there is no other log, whoever gathers the events may as well read them
        yield from doubles.without(ahead(events) if 1 < count <= _READ_AHEAD else events)

    def _watched(self, source: Iterable[Block]) -> Iterator[Block]:
        for block in source:
            self._shares[block.part] = block.share
            self._tell(block.size)
            yield block

    def _tell(self, size: int) -> None:
        self._told += size
        if self.progress:
            events = sum(reading.events for reading in self.readings)
            self.progress(self._told, events, self._share())

    def _share(self) -> float | None:
        """How much of all logs has been read, of 1; None where nothing tells how long they are."""
        whole = sum(size or 0 for size in self._sizes)
        # logs are read by threads of their own
        shares = dict(self._shares)
        if not whole or None in self._sizes or None in shares.values():
            return None
        read = sum((self._sizes[part] or 0) * (share or 0) for part, share in shares.items())
        return min(1.0, read / whole)

    def batches(self) -> Iterator[pl.DataFrame]:
        """The events in lots that suit the fold; while one is in use, the next is gathered, the first from now on."""
        return begun(self._gathered())

    @property
    def _lot(self) -> int:
        """How many events, at least, are folded at once: each time costs the same, however few there are."""
        return self.block_bytes // _BYTES_AN_EVENT

    def _gathered(self) -> Iterator[pl.DataFrame]:
        """The same events in fewer batches."""
        waiting: list[pl.DataFrame] = []
        for batch in self.events():
            waiting.append(batch)
            # those of one log come in lots
            if len(self.readings) == 1 or sum(one.height for one in waiting) >= self._lot:
                lot, waiting = as_one(waiting), []
                yield lot
                del lot
        if waiting:
            yield as_one(waiting)

    def tracked(self) -> Iterator[Tracked]:
        """Lives and checkouts, batch by batch; in the end, what is still open."""
        from logpool.track.lifecycles import Fold  # noqa: PLC0415 - as in report()

        fold = Fold(self.vocabulary)
        for _, tracked in _followed(self.batches(), fold):
            yield tracked
        yield fold.finish()

    def report(self) -> Report:
        """Reads all logs to the end, and judges them."""
        batches = self.batches()
        # the first lines are read while those are loaded who follow them, and followed while those are who judge them
        from logpool.track.lifecycles import Fold  # noqa: PLC0415

        fold = Fold(self.vocabulary)
        followed = _followed(batches, fold)
        from logpool.judging import Judgement  # noqa: PLC0415

        return Judgement(self).report(followed, fold)


def _followed(batches: Iterator[pl.DataFrame], fold: Fold) -> Iterator[tuple[pl.DataFrame, Tracked]]:
    """Lots, each with what the fold makes of it; while one is in use, the next is followed, the first from now on."""
    return begun((batch, fold.take(batch)) for batch in batches)


def analyze(
    paths: Paths,
    *,
    layout: str | None = None,
    pools: Iterable[str] = (),
    since: str | None = None,
    until: str | None = None,
    block_bytes: int = BLOCK_BYTES,
    progress: Progress | None = None,
    thresholds: Thresholds | None = None,
    interval: str | None = None,
) -> Report:
    """Reads pool logs, and says what every connection did and what went wrong.

    Args:
        paths: one log or several: files (compressed or not), directories, globs, archives, ``-`` for standard input;
            the files of a rotated set are one log.
        layout: the format string of the log's ``logging.Formatter``, in any of its three styles, or ``json``; found
            by itself when left out.
        pools: only these pools, each by class, logging name or whole logger.
        since: only what was logged at this time or later: ISO 8601, without an offset as the log prints its times; or
            how long before the end of the log, as in ``2h``, ``90s``, ``1h30m``.
        until: only what was logged before this time, likewise.
        block_bytes: how much to read at once; changes the memory used, never the result.
        progress: called now and then with the bytes and the events read so far, and with the share of all that has
            been read, from 0 to 1, or None where nothing tells how long the logs are.
        thresholds: from where on something is worth a finding.
        interval: of the timeline, such as ``500ms``, ``10s``, ``5m`` or ``1h``; found to suit the log when left out.

    Raises:
        logpool.errors.InputError: a log is not there, or none can be read, or none holds a pool record. What cannot
            be read besides is a finding.
        logpool.errors.UsageError: the layout is no format string; a time is none, or counts from the end of a log that
            can be read only once; the interval is none, or too short for the log; a block has no byte.
    """
    if block_bytes < 1:
        msg = f"block_bytes is too small: {block_bytes}"
        raise UsageError(msg)
    selection = Selection.of(pools, since, until)
    from logpool.judge.intervals import parse_interval  # noqa: PLC0415

    width = None if interval is None else parse_interval(interval)
    return Analysis(paths, layout, selection, block_bytes, progress, thresholds or Thresholds(), width).report()


def nothing_understood(readings: list[Reading], damages: Damages) -> InputError:
    """The error for logs without a pool record: what was read, what was looked for, and how the lines look."""
    from logpool.judge.findings import DAMAGED  # noqa: PLC0415 - as in report()
    from logpool.judge.masking import masked  # noqa: PLC0415

    lines = sum(reading.lines for reading in readings)
    if not lines and damages.all:
        return damages.error()
    if not lines:
        return InputError(f"nothing to read: {_listed([reading.path for reading in readings])} empty")
    unrecognised = sum(reading.unrecognised_lines for reading in readings)
    samples = [sample for reading in readings for sample in reading.samples][:3]
    message = "'Connection … checked out from pool'"
    looked = (
        f"no record of an SQLAlchemy pool was found: neither the logger sqlalchemy.pool nor messages such as {message}"
    )
    if unrecognised:
        looked = f"{unrecognised:,} of them on a pool's logger, but none with a known message, such as {message}"
    timeouts = sum(reading.events for reading in readings)
    if timeouts:
        looked += (
            f"; but {timeouts:,} {'timeout' if timeouts == 1 else 'timeouts'} of a pool's callers: its own records may "
            "stand in another file of the set"
        )
    shown = "".join(f"\n  | {masked(sample)[:160]}" for sample in samples)
    if damages.all:
        shown += f"\n{DAMAGED}: {damages.told()}"
    return InputError(
        f"{lines:,} {'line' if lines == 1 else 'lines'} read, {looked}; the log begins{shown}",
        "set the logger sqlalchemy.pool to DEBUG where the log is written; if this is a pool's log in an unusual "
        "layout, give its format with --layout",
    )


def _listed(paths: list[str]) -> str:
    """The first few of some files, as the subject of a sentence."""
    more = len(paths) - _NAMED
    if more > 0:
        return f"{', '.join(paths[:_NAMED])} and {more:,} more are"
    return f"{', '.join(paths)} {'is' if len(paths) == 1 else 'are'}"


def _begins(sources: list[Source]) -> list[int | None]:
    """When each log begins, so that the merge opens it no earlier; nothing for an only one."""
    if len(sources) == 1:
        return []
    begins = [begin_of(source, NEEDLES.texts) for source in sources]
    # beside these, what tells no day, or no year, is no time
    dated = any(map(is_dated, begins))
    return [None if dated and not is_dated(begin) else begin for begin in begins]
