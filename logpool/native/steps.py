"""Where connections are opened and closed, taken and given back, and the levels that they make."""

from __future__ import annotations

from array import array
from ctypes import byref, c_int64
from typing import TYPE_CHECKING

import polars as pl

from logpool.native.columns import Lent
from logpool.native.library import library, must
from logpool.native.numbers import small, table_of
from logpool.native.structures import OthersStructure, StepsStructure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logpool.native.events import Events

_CHANGES = ("opened", "closed", "out")
_STEP = {
    "seq": pl.Int64,
    "group": pl.UInt32,
    "time": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
    **dict.fromkeys(_CHANGES, pl.Int8),
    "out_seq": pl.Int64,
    "out_thread": pl.UInt32,
}


class Steps:
    """The steps of a batch: where connections are opened and closed, taken and given back, in the log's order.

    Attributes:
        group_count: above the numbers of all groups.
        has_threads: whether the thread of any checkout may be known.
        structure: they, as the compiled part takes them.
    """

    def __init__(self, events: Events, uses: pl.DataFrame, lives: pl.DataFrame, others: pl.DataFrame) -> None:
        """Puts them in order.

        Args:
            events: of the batch.
            uses: ``begin`` and ``end``, places, UInt32.
            lives: likewise.
            others: of the places at which something else happens than there: ``place``, UInt32; ``opened``, ``closed``
                and ``out``, Int8; and with ``out`` the number of the event with which the checkout began, ``out_seq``,
                Int64, and ``out_thread``, UInt32.
        """
        self._free = library().steps_end
        self._events = events
        self.group_count = events.group_count
        self.has_threads = events.has_threads or others["out_thread"].null_count() < others.height
        self._lent = {
            "place": Lent(others["place"], pl.UInt32),
            "thread": Lent(others["out_thread"], pl.UInt32),
            "begin": Lent(others["out_seq"], pl.Int64),
            **{name: Lent(others[name], pl.Int8) for name in _CHANGES},
        }
        self._others = OthersStructure(others.height, **{name: one.address for name, one in self._lent.items()})
        self.structure = StepsStructure()
        whole = [
            argument
            for rows in (uses, lives)
            for argument in (Lent(rows["begin"], pl.UInt32), Lent(rows["end"], pl.UInt32), rows.height)
        ]
        must(library().steps_begin(byref(events.structure), *whole, byref(self._others), byref(self.structure)))

    def __del__(self) -> None:
        self._free(byref(self.structure))

    def table(self) -> pl.DataFrame:
        """All of them.

        Returns:
            ``seq``, ``group``, ``time``, ``line`` and ``source`` of each place where anything changes; ``opened``,
            ``closed`` and ``out``; and with ``out``, ``out_seq`` and ``out_thread``.
        """
        found = table_of(tuple(_STEP), library().steps_out, byref(self.structure))
        return pl.DataFrame([found[name].cast(dtype) for name, dtype in _STEP.items()])

    def balance(self) -> int:
        """How many more connections are open after them."""
        return int(self.structure.balance)

    def opened(self, followed: Sequence[int]) -> pl.DataFrame:
        """Where connections are opened: ``group``, UInt32, and ``seq``, Int64.

        Args:
            followed: of each group below a number, the number of the event behind which it is followed; others are not.
        """
        began = (c_int64 * len(followed))(*followed)
        columns = (byref(self.structure), began, len(followed))
        return small(table_of(("group", "seq"), library().steps_opened, *columns), "group")

    def apart(self, held: pl.DataFrame) -> pl.DataFrame | None:
        """Which checkout each thread has under way after them; None where a thread ever has two of one group.

        Args:
            held: those before: ``group`` and ``out_thread``, UInt32, and ``out_seq``, Int64.
        """
        is_apart = c_int64()
        lent = (Lent(held["group"], pl.UInt32), Lent(held["out_thread"], pl.UInt32), Lent(held["out_seq"], pl.Int64))

        def made(table: object) -> int:
            done: int = library().steps_apart(byref(self.structure), *lent, held.height, byref(is_apart), table)
            return done

        found = table_of(("group", "out_thread", "out_seq"), made)
        return small(found, "group", "out_thread") if is_apart.value else None

    def climbed(
        self, times: pl.Series, ways: Sequence[Sequence[int]], width: int, levels: Sequence[tuple[int, int, int, int]]
    ) -> tuple[pl.DataFrame, list[tuple[int, int, int, int]]]:
        """Follows levels.

        Args:
            times: of the events, microseconds or null.
            ways: to which part each group belongs; in several ways, each with parts of its own.
            width: of an interval.
            levels: of each part: open and out now, and at most.

        Returns:
            A row per run of a part's steps in one interval: ``part``, ``bin`` (null without a time), ``out`` and
            ``moment`` (the sum of the steps, and of each times how long after the interval's beginning), ``most_open``,
            ``most_out``, and of the ``last`` step ``last_open`` and ``last_out``. And the levels afterwards.
        """
        names = ("part", "bin", "out", "moment", "most_open", "most_out", "last", "last_open", "last_out")
        memory = (c_int64 * (4 * len(levels)))(*(number for level in levels for number in level))
        parts = array("I", (part for way in ways for part in way))
        found = table_of(
            names,
            library().climb,
            byref(self.structure),
            Lent(times, pl.Int64),
            parts.buffer_info()[0],
            len(ways),
            len(ways[0]),
            len(levels),
            width,
            memory,
        )
        numbers = iter(memory)
        return found, list(zip(numbers, numbers, numbers, numbers, strict=True))
