"""Lives and checkouts -> the report: everyone who judges them sees them go by, and says in the end what was found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field, replace
from typing import TYPE_CHECKING

from logpool.classes import stateful
from logpool.judge.books import Books
from logpool.judge.checks import CHECKS
from logpool.judge.checks.eras import Eras
from logpool.judge.findings import Doubled, Facts, find
from logpool.judge.forks import Forks
from logpool.judge.mixing import mixed
from logpool.judge.names import EVIDENCE, Names
from logpool.judge.settings import Watch, settings_of
from logpool.judge.spread import HoldSpread
from logpool.judge.statistics import Statistics
from logpool.read.times import iso
from logpool.report.model import Evidence, Report, SourceReport, Violation
from logpool.schema import Kind
from logpool.track.sequence import CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from logpool.analysis import Analysis
    from logpool.judge.checks import Check, Watcher
    from logpool.read.reading import Reading
    from logpool.track.found import Tracked
    from logpool.track.lifecycles import Fold

    Followed = Iterator[tuple[pl.DataFrame, Tracked]]


@stateful
class Judgement:
    """What an analysis comes to.

    Attributes:
        analysis: what was read, and how it is to be judged.
        names: what the numbers in tables mean.
    """

    analysis: Analysis
    names: Names = field(init=False)
    # every connection that was seen
    _keys: pl.Series = field(init=False)

    def _judged(
        self, followed: Followed, fold: Fold, statistics: Statistics, checks: Sequence[Watcher], watch: Watch
    ) -> Tracked:
        """Shows all that happens to everyone who judges it, and returns what is still open in the end."""
        for batch, tracked in followed:
            statistics.take(batch, tracked)
            watch.take(batch, tracked)
            for check in checks:
                check.take(tracked)
            # while the next one is waited for, this one takes no memory
            del batch, tracked
        self._keys = fold.keys.all()
        last = fold.finish()
        watch.finish(last)
        for check in checks:
            check.take(last)
        return last

    def report(self, followed: Followed, fold: Fold) -> Report:
        """Takes all events, each batch with what a fold made of it, and judges them."""
        statistics = Statistics(
            self.analysis.vocabulary, self.analysis.interval, round(self.analysis.thresholds.held_too_long * 1e6)
        )
        checks: list[Check] = [
            Forks(self.analysis.vocabulary, statistics.first, statistics.first_returns, lambda: self._keys),
            *(check() for check in CHECKS),
        ]
        watch = Watch(self.analysis.vocabulary)
        spread, eras = HoldSpread(self.analysis.vocabulary), Eras()
        last = self._judged(followed, fold, statistics, [*checks, spread, eras], watch)
        names = self.names = Names(self.analysis.vocabulary, self.analysis.readings, self.analysis.places)
        books = Books(statistics, statistics.finish(last), self._keys)
        pools = books.pools()
        settings = settings_of(watch, pools, names)
        pools = [replace(pool, settings=settings.get(pool.logger or "")) for pool in pools]
        violations, mixture = self._violations(books), mixed(books)
        timeouts = statistics.told(Kind.TIMED_OUT)
        facts = Facts(
            names,
            self.analysis.thresholds,
            pools,
            violations,
            self._unrecognised(),
            {pool: names.place(*place) for pool, place in books.firsts().items()},
            {pool: names.evidence(found) for pool, found in books.reclaimed().items()},
            self._doubled(),
            self.analysis.damages,
            statistics.holds,
            self._files_and_pools(mixture.groups),
            {group: level.peak_out for group, level in statistics.by_group.levels.items()},
            statistics.made,
            self._heard(statistics),
            statistics.waited,
            {pool: names.place(*place) for pool, place in books.first_returns().items()},
            books.verdict.reclaimed,
            tuple(mixture.findings(names.place)),
            eras,
            statistics.silence,
        )
        skipped = self.analysis.damages.skipped
        return Report(
            tuple(
                _source_report(reading)
                for reading in self.analysis.readings
                if reading.size or reading.path not in skipped
            ),
            tuple(pools),
            tuple(books.pool_classes()),
            books.totals(),
            timeouts,
            statistics.timings(),
            tuple(find(facts, checks)),
            tuple(violations),
            statistics.timelines.finish(books.names(), names),
            spread.finish(books.names()),
        )

    def _heard(self, statistics: Statistics) -> dict[tuple[int, str | None], int]:
        """When each process was last heard of; of the only one of a log, every line tells that it went on."""
        heard = dict(statistics.heard)
        processes: defaultdict[int, set[str | None]] = defaultdict(set)
        for source, process, _ in self.analysis.vocabulary.groups:
            processes[source].add(process)
        for source, names in processes.items():
            reading = self.analysis.readings[source]
            ends = (reading.last_time, self.analysis.selection.at("until", reading.offset))
            last = min((end for end in ends if end is not None), default=None)
            if len(names) == 1 and last is not None:
                (name,) = names
                heard[source, name] = last
        return heard

    def _doubled(self) -> list[Doubled]:
        """The logs whose records stand there several times: how often, how, how many were left out, and where."""
        return [
            Doubled(
                *(doubles.times, doubles.what, doubles.how or "", doubles.count),
                self.names.evidence(doubles.places),
                doubles.onward,
            )
            for doubles in self.analysis.doubles
            if doubles.count
        ]

    def _files_and_pools(self, groups: Iterable[int]) -> frozenset[tuple[str, str]]:
        """Where the records of some groups stand: in which files, of which pools."""
        found = [self.analysis.vocabulary.groups[group] for group in groups]
        return frozenset((path, pool) for source, _, pool in found for path in self.analysis.readings[source].files)

    def _violations(self, books: Books) -> list[Violation]:
        rows = books.verdict.violations
        found = []
        for (code, group, line, source), identity in zip(
            rows.select("code", "group", "line", "source").iter_rows(),
            self.names.connections(rows["key"]),
            strict=True,
        ):
            driver = books.driver(group) or "connection"
            name = f"{driver} {identity}" if identity is not None else None
            message = f"{name or 'a connection'} {CODES[code]}"
            pool = self.analysis.vocabulary.groups[group][2]
            found.append(Violation(code, pool, name, self.analysis.places[source], line, message))
        return found

    def _unrecognised(self) -> tuple[int, list[tuple[Evidence, str]]]:
        count = sum(reading.unrecognised_lines for reading in self.analysis.readings)
        samples = [
            (self.names.place(source, line), text)
            for reading in self.analysis.readings
            for source, line, text in reading.unrecognised
        ]
        return count, samples[:EVIDENCE]


def _layout(reading: Reading) -> str | None:
    """The layouts found, with the share of the pool's records that each explains."""
    total = reading.layouts.total() + reading.unrecognised_lines
    found = sorted(reading.layouts.items(), key=lambda item: (-item[1], item[0]))
    if len(found) == 1 and not reading.unrecognised_lines:
        return found[0][0]
    return ", ".join(f"{name} ({count / total:.0%})" for name, count in found) or None


def _source_report(reading: Reading) -> SourceReport:
    pool_lines = reading.pool_lines - reading.doubled_lines
    return SourceReport(
        path=reading.path,
        bytes=reading.size,
        lines=reading.lines,
        layout=_layout(reading),
        first_time=iso(reading.first_time, reading.offset),
        last_time=iso(reading.last_time, reading.offset),
        pool_lines=pool_lines,
        timing_lines=reading.timing_lines,
        # a line may hold several records
        other_lines=max(0, reading.lines - pool_lines - reading.unrecognised_lines),
        unrecognised_lines=reading.unrecognised_lines,
        files=reading.files,
        newest_first=reading.newest_first,
    )
