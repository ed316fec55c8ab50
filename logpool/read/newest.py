"""Logs that stand newest first, as those export them who show logs: they are read from their end."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from logpool.late import pl
from logpool.read.cuts import cut_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# so many records at a log's begin tell; of the steps from one time to the next so many at least go back, and for each
# so many of them one may go forth: threads and clocks come in between
_LOOKED_AT, _LEAST, _FOR_ONE = 200, 3, 5
# where more than so many go forth, and not for a few that go back, they tell
_FEW = 2


def is_newest_first(lines: Iterable[str], *, behind: bool = False) -> bool:
    """Whether the times of some records go back.

    Args:
        lines: a log's first records of pools.
        behind: whether their times stand behind the messages.
    """
    back = forth = 0
    last: int | None = None
    for line in islice(lines, _LOOKED_AT):
        time = cut_of(line, behind=behind).time
        if time is not None and last is not None:
            back += time < last
            forth += time > last
        last = last if time is None else time
        # in nearly all logs the first few records tell
        if forth > _FEW and forth * _FOR_ONE > back:
            return False
    return back >= _LEAST and forth * _FOR_ONE <= back


def turned(batches: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """All events of a log that stands newest first, in the order in which they happened, so many at a time."""
    read = list(batches)
    if read:
        # the files of a rotated set are in their order
        events = pl.concat(read).reverse().sort("source", maintain_order=True)
        yield from events.iter_slices(max(1, size))
