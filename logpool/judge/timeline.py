"""What the pools did over time: how many connections were open and in use, interval by interval.

How long a log lasts is known when it has been read. Until then the intervals are as fine as memory allows, and grow:
each width divides the next, and intervals start at multiples of their width since the epoch, so what comes out does
not depend on when they grew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field
from operator import add
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import stateful
from logpool.errors import UsageError
from logpool.frames import at, chosen, constant, where
from logpool.judge.concurrency import CLIMB
from logpool.judge.intervals import FINE, NICE, SECOND
from logpool.judge.merged import Merged
from logpool.read.vocabulary import split_pool_name
from logpool.report.model import Bin, Timeline
from logpool.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from logpool.judge.names import Names
    from logpool.read.vocabulary import Vocabulary

# kept while reading: many times what a report shows, so that every nice width can be made of them
_MOST_FINE = 4096
#: a report shows at most so many intervals,
MOST = 120
# and fewer of a log of few events: so many to an interval, but not fewer than these in all
_EVENTS_AN_INTERVAL, _FEWEST = 4, 8
#: more than these nobody reads, and memory does not hold for many pools
MOST_ASKED = 100_000

_COUNTED = {
    "checkouts": Kind.CHECKED_OUT,
    "created": Kind.CREATED,
    "closed": Kind.CLOSING,
    "timeouts": Kind.TIMED_OUT,
}
#: the part of all pools together
ALL = -1
# that of the timeouts, which name none
_NOBODY = -2
_IS_COUNTED = pl.col("kind").is_in([int(kind) for kind in _COUNTED.values()])
_EACH = {
    name: pl.when(pl.col("kind") == int(kind)).then("count").otherwise(0).cast(pl.Int64)
    for name, kind in _COUNTED.items()
}
_LAST = ("last_open", "last_out")
_COUNTS = pl.Schema(dict.fromkeys(("part", "bin", *_COUNTED), pl.Int64))


@stateful
class Timelines:
    """Grows by batches.

    Attributes:
        vocabulary: gives events their meaning.
        parts: the numbers of the pools, in the order in which they appear.
        interval: the microseconds of every interval; found to suit the log where it is None.
    """

    vocabulary: Vocabulary
    parts: dict[str, int]
    interval: int | None = None
    _width: int = FINE[0]
    # of the log; None without times
    _span: tuple[int, int] | None = None
    _timed: int = 0
    _together: bool = False
    # what had no time
    _untimed: Counter[int] = field(default_factory=Counter)
    # open and in use before the first time, by part
    _before: dict[int, tuple[int, int]] = field(default_factory=dict)
    _counts: Merged = field(default_factory=lambda: Merged(_COUNTS, _counted))
    _levels: Merged = field(default_factory=lambda: Merged(CLIMB, _levelled))

    def __post_init__(self) -> None:
        self._width = self.interval or self._width

    @property
    def width(self) -> int:
        """The microseconds of every interval for now."""
        return self._width

    def climb(self, pools: pl.DataFrame, together: pl.DataFrame | None) -> None:
        """Adds levels, as :meth:`logpool.judge.concurrency.Concurrency.add` returns them.

        Args:
            pools: by the number of the pool.
            together: of all together; None as long as there is one pool.
        """
        if together is not None and not self._together:
            self._begin_together()
        self._climb(pools)
        if together is not None:
            self._climb(together.with_columns(constant(ALL, pl.Int64, together.height).alias("part")))

    def reach(self, times: pl.Series) -> None:
        """Notes how far the log reaches, and makes the intervals as wide as it takes."""
        first, last = times.min(), times.max()
        self._timed += len(times) - times.null_count()
        if not isinstance(first, int) or not isinstance(last, int):
            return
        self._span = (first, last) if self._span is None else (min(self._span[0], first), max(self._span[1], last))
        if self.interval is not None and self._number(self.interval) > MOST_ASKED:
            raise UsageError(
                f"an interval of {self.interval / SECOND:g} s divides this log into more than {MOST_ASKED:,}",
                "take a longer one, or a part of the log: --since, --until",
            )
        if self.interval is None:
            wide = (width for width in FINE[FINE.index(self._width) :] if self._number(width) <= _MOST_FINE)
            self._widen(next(wide, FINE[-1]))

    def _number(self, width: int) -> int:
        """How many intervals of a width the log reaches over."""
        if self._span is None:
            return 0
        first, last = self._span
        return last // width - first // width + 1

    def _widen(self, width: int) -> None:
        """Merges intervals to wider ones, of a multiple of their width."""
        if width == self._width:
            return
        start = pl.col("bin") * self._width
        wider = start // width
        self._counts.become(self._counts.rows.with_columns_seq(bin=wider))
        moved = pl.col("moment") + pl.col("out") * (start - wider * width)
        # intervals are merged in no order, and now several become one
        self._levels.become(self._levels.rows.with_columns_seq(bin=wider, moment=moved).sort("last"))
        self._width = width

    def count(self, tally: pl.DataFrame, parts: Sequence[int], meaning: pl.DataFrame) -> None:
        """Counts the events of one batch.

        Args:
            tally: the ``count`` of each ``shape`` in each ``bin``, null without a time.
            parts: the number of each group's pool.
            meaning: of the shapes, as the vocabulary has it.
        """
        part = pl.Series("part", [*parts, _NOBODY], pl.Int64)[meaning["group"].fill_null(len(parts))]
        told = at(chosen(meaning, "kind").hstack([part]), tally["shape"])
        rows = where(chosen(tally, "bin", "count").hstack(told.get_columns()), _IS_COUNTED)
        if rows["bin"].null_count():
            for one, count in where(rows, rows["bin"].is_null()).select_seq("part", "count").iter_rows():
                self._untimed[one] += count
            rows = where(rows, rows["bin"].is_not_null())
        self._counts.add(rows.select_seq("part", "bin", **_EACH))

    def _begin_together(self) -> None:
        """A second pool appears: until now, one pool was all of them."""
        self._together = True
        self._levels.add(self._levels.table.with_columns_seq(part=pl.lit(ALL, pl.Int64)))
        if self._before:
            self._before[ALL] = next(iter(self._before.values()))

    def _climb(self, rows: pl.DataFrame) -> None:
        """Adds the levels of some parts, in the log's order."""
        if rows["bin"].null_count():
            for part, opened, out in chosen(where(rows, rows["bin"].is_null()), "part", *_LAST).iter_rows():
                self._before[part] = opened, out
            rows = where(rows, rows["bin"].is_not_null())
        self._levels.add(chosen(rows, *CLIMB.names()))

    def finish(self, pools: Sequence[str], names: Names) -> tuple[Timeline, ...]:
        """One per pool, and one of all together where there are several; none where the log has no times."""
        if self._span is None or not pools:
            return ()
        self._widen(self.interval or self._suitable())
        rooms = [pool for pool in pools if split_pool_name(pool)[0].endswith("QueuePool")]
        # a timeout names no pool, but only one that makes its callers wait has any
        waiting = rooms if len(rooms) == 1 else pools if len(pools) == 1 else ()
        groups = {pool: group for group, (_, _, pool) in reversed(list(enumerate(self.vocabulary.groups)))}
        # there may be a thousand pools: each is not looked for by itself
        happened: defaultdict[int, dict[int, list[int]]] = defaultdict(dict)
        for part, number, *told in chosen(self._counts.table, "part", "bin", *_COUNTED).iter_rows():
            happened[part][number] = told
        climbed: defaultdict[int, dict[int, dict[str, int]]] = defaultdict(dict)
        for row in self._levels.table.iter_rows(named=True):
            climbed[row["part"]][row["bin"]] = row

        def timeline(pool: str | None, part: int, counted: list[int], group: int) -> Timeline:
            told = _summed([happened[one] for one in counted])
            nothing = [0] * len(_COUNTED)
            bins = tuple(
                Bin(names.time(number * self._width, group), *level, *told.get(number, nothing))
                for number, level in self._filled(part, climbed[part])
            )
            return Timeline(pool, self._width / SECOND, bins, sum(self._untimed[one] for one in counted))

        found = []
        for pool in pools:
            parts = [self.parts[pool], *([_NOBODY] if pool in waiting else [])]
            found.append(timeline(pool, parts[0], parts, groups[pool]))
        if len(pools) > 1:
            parts = [_NOBODY, *(self.parts[pool] for pool in pools)]
            found.append(timeline(None, ALL, parts, groups[pools[0]]))
        return tuple(found)

    def _suitable(self) -> int:
        """The width for a report: the finest nice one that makes few enough intervals."""
        most = max(_FEWEST, min(MOST, self._timed // _EVENTS_AN_INTERVAL))
        fitting = (width for width in NICE if width % self._width == 0 and self._number(width) <= most)
        return next(fitting, NICE[-1])

    def _filled(
        self, part: int, climbed: Mapping[int, Mapping[str, int]]
    ) -> Iterator[tuple[int, tuple[int, int, float]]]:
        """Every interval of one part, of which some have levels: the most open, the most in use, and on average."""
        first, last = self._span or (0, -1)
        opened, out = self._before.get(part, (0, 0))
        level = out
        for number in range(first // self._width, last // self._width + 1):
            row = climbed.get(number)
            begin, end = number * self._width, min(last, (number + 1) * self._width)
            covered = end - max(first, begin)
            area = level * covered
            most_open, most_out = opened, out
            if row is not None:
                most_open, most_out = max(opened, row["most_open"]), max(out, row["most_out"])
                opened, out = row["last_open"], row["last_out"]
                area += row["out"] * (end - begin) - row["moment"]
                level += row["out"]
            mean = area / covered if covered else float(out)
            # where the clock steps back, a connection may seem to come back before it was taken
            yield number, (most_open, most_out, min(max(mean, 0.0), float(most_out)))


def _summed(counts: Sequence[Mapping[int, list[int]]]) -> dict[int, list[int]]:
    """Counts by interval, those of several parts together."""
    found: dict[int, list[int]] = {}
    for one in counts:
        for number, told in one.items():
            known = found.get(number)
            found[number] = told if known is None else list(map(add, known, told))
    return found


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("part", "bin").agg(pl.col(*_COUNTED).sum())


def _levelled(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per part and interval, of which those that were later come last."""
    return rows.group_by("part", "bin").agg(
        pl.col("out", "moment").sum(),
        pl.col("most_open", "most_out").max(),
        pl.col("last", "last_open", "last_out").last(),
    )
