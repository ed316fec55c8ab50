"""Threads that hold several connections of one pool at once: all of them may wait for one another for ever.

Shown only by blocks of checkouts of one thread, from none to none, that nest properly: what was taken last is given
back first, as calls within calls do. Tasks of one event loop share a thread and overlap in any order, so a thread
that ever does so is left out, and a single thread tells nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass, stateful
from logpool.frames import stacked, where
from logpool.report.model import Finding
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool
    from logpool.track.found import Tracked

# one thread alone cannot wait for another, and may be an event loop
_SEVERAL = 2
# classes and drivers of event loops, whose tasks share a thread
_ASYNC = ("Async", "asyncpg", "aiosqlite", "aiomysql", "asyncmy", "aioodbc")
# a checkout under way, and how many its thread holds from then on
_OPEN = {"group": pl.UInt32, "out_thread": pl.UInt32, "out_seq": pl.Int64, "level": pl.Int64}
# a block: how many connections its thread holds at most, where it first does, how many checkouts stand within others,
# and whether one was given back that was not the last taken
_BLOCK = {
    "group": pl.UInt32,
    "out_thread": pl.UInt32,
    "depth": pl.Int64,
    "seq": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    "nested": pl.Int64,
    "crossed": pl.Boolean,
}
_THREAD = ("group", "out_thread")
_TOLD = (*_THREAD, "out_seq", "out", "seq", "line", "source")
# more than there can be
_THREADS = 1 << 32


@dataclass()
class _Tally:
    """The blocks of one thread that are over.

    Attributes:
        depth: how many connections it held at most; ``place`` (its number, source, line) where it first did.
        nested: how many checkouts stood within others.
        crossed: whether it ever gave one back that it had not taken last.
    """

    depth: int = 0
    place: tuple[int, int, int] = (0, 0, 0)
    nested: int = 0
    crossed: bool = False


@stateful
class Nesting:
    """``nested_checkouts``: threads that hold a connection while they ask for another."""

    _open: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_OPEN))
    # of the threads that hold connections, and have held two
    _blocks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_BLOCK))
    _tallies: defaultdict[tuple[int, int], _Tally] = field(default_factory=lambda: defaultdict(_Tally))

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        if tracked.steps is None or not tracked.steps.has_threads:
            return
        held = tracked.steps.apart(self._open) if not self._blocks.height else None
        if held is not None:
            # as long as no thread has two, nothing else need be known of them
            self._open = held.with_columns_seq(level=pl.lit(1, pl.Int64))
            return
        rows = where(
            tracked.steps.table().select_seq(*_TOLD),
            (pl.col("out") != 0) & pl.col("out_thread").is_not_null() & pl.col("out_seq").is_not_null(),
        )
        begun = pl.concat([self._open["out_seq"], rows["out_seq"].filter(rows["out"] > 0)])
        rows = where(rows, (pl.col("out") > 0) | pl.col("out_seq").is_in(begun.implode()))
        if not rows.height:
            return
        # what was held before comes first, as if it were taken here
        before = self._open.height
        whole = stacked([self._open.select_seq(*_THREAD, out=pl.lit(1, pl.Int8)), rows.select_seq(*_THREAD, "out")])
        thread = pl.col("group").cast(pl.Int64) * _THREADS + pl.col("out_thread").cast(pl.Int64)
        level = whole.select_seq(level=pl.col("out").cast(pl.Int64).cum_sum().over(thread)).to_series()
        rows = rows.with_columns_seq(level.slice(before))
        known = stacked([self._open, where(rows, rows["out"] > 0).select_seq(_OPEN.keys())])
        if self._blocks.height or (rows["level"] > 1).any():
            self._judge(rows, known)
        over = rows["out_seq"].filter(rows["out"] < 0)
        self._open = where(known, ~pl.col("out_seq").is_in(over.implode()))

    def _judge(self, rows: pl.DataFrame, known: pl.DataFrame) -> None:
        """Adds the blocks of one batch, the first of a thread to what an earlier batch saw of it."""
        ends = pl.col("out") < 0
        rows = rows.join(known.select_seq("out_seq", began="level"), on="out_seq", how="left", maintain_order="left")
        rows = rows.with_columns_seq(
            block=(pl.col("level") == 0).cast(pl.Int64).cum_sum().shift(1, fill_value=0).over(_THREAD),
            crossed=ends & (pl.col("began") != pl.col("level") + 1),
            nested=(~ends & (pl.col("level") > 1)).cast(pl.Int64),
        )
        deepest = pl.col("level").arg_max()
        blocks = rows.group_by(*_THREAD, "block", maintain_order=True).agg(
            pl.col("level").max().alias("depth"),
            pl.col("seq", "line", "source").get(deepest),
            pl.col("nested").sum(),
            pl.col("crossed").any(),
            over=pl.col("level").last() == 0,
        )
        waiting = self._blocks.with_columns_seq(block=pl.lit(0, pl.Int64), over=pl.lit(value=False))
        parts = pl.concat([waiting.select_seq(blocks.columns), blocks.cast(_BLOCK)])  # type: ignore[arg-type]
        deepest = pl.col("depth").arg_max()
        whole = parts.group_by(*_THREAD, "block", maintain_order=True).agg(
            pl.col("depth").max(),
            pl.col("seq", "line", "source").get(deepest),
            pl.col("nested").sum(),
            pl.col("crossed").any(),
            pl.col("over").any(),
        )
        deep = whole.filter(pl.col("depth") > 1)
        self._blocks = deep.filter(~pl.col("over")).select_seq(_BLOCK.keys())
        self._tell(deep.filter("over"))

    def _tell(self, blocks: pl.DataFrame) -> None:
        """Adds blocks that are over."""
        threads = blocks.group_by(_THREAD, maintain_order=True).agg(
            pl.col("depth").max(),
            pl.col("seq", "source", "line").get(pl.col("depth").arg_max()),
            pl.col("nested").sum(),
            pl.col("crossed").any(),
        )
        for group, thread, depth, seq, source, line, nested, crossed in threads.iter_rows():
            tally = self._tallies[group, thread]
            if depth > tally.depth:
                tally.depth, tally.place = depth, (seq, source, line)
            tally.nested += nested
            tally.crossed |= crossed

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """What was found, after the last batch."""
        for pool in facts.pools:
            if not any(word in f"{pool.pool_class} {pool.driver}" for word in _ASYNC):
                found = [self._threads(group) for group in facts.groups(pool)]
                worst = max(found, key=_enough, default=[])
                if len(worst) >= _SEVERAL:
                    groups = [
                        group for group, threads in zip(facts.groups(pool), found, strict=True) if threads is worst
                    ]
                    yield _nested(facts, pool, worst, facts.peaks.get(groups[0], 0))

    def _threads(self, group: int) -> list[_Tally]:
        """The threads of a process that nest; none where more of them hold connections in any order."""
        mine = [tally for (one, _), tally in self._tallies.items() if one == group]
        nesting = [tally for tally in mine if not tally.crossed]
        return nesting if 2 * len(nesting) > len(mine) else []


def _enough(threads: list[_Tally]) -> int:
    """Of how many connections one is always free for somebody, so that not all threads wait."""
    return len(threads) * (max((tally.depth for tally in threads), default=1) - 1) + 1


def _nested(facts: Facts, pool: Pool, threads: list[_Tally], peak: int) -> Finding:
    depth, enough = max(tally.depth for tally in threads), _enough(threads)
    count = sum(tally.nested for tally in threads)
    message = (
        f"{many(count, 'checkout', 'checkouts')} by threads that hold a connection already: {len(threads):,} threads "
        f"of one process with up to {depth} at once. They may all wait for one another, unless the pool has "
        f"{enough:,} connections or more (threads * (per thread - 1) + 1)"
    )
    if peak >= enough:
        message += f", as this one has: {peak:,} were in use at once"
    else:
        message += ": pass the connection on instead of taking another. If these are several engines, name their pools"
    places = sorted(tally.place for tally in threads)
    return Finding(
        "nested_checkouts",
        "info" if peak >= enough else "warning",
        pool.logger,
        count,
        message,
        facts.names.evidence((source, line) for _, source, line in places),
    )
