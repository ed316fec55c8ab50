"""Logs of several processes that do not show which record is whose: known by how they contradict themselves.

Forked processes often have connections at the same addresses. Read as one process, their log has checkouts that begin
on a connection that is out already, and each of these leaves an end that fits none: a return that nobody checked out,
or a use after the close. Within one process neither happens. What else makes a log contradict itself, missing lines
and lines printed twice, does so to the returns and the resets as well: these two stand side by side in the log, and
what another process prints hardly ever comes between them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import polars as pl

from logpool.classes import dataclass
from logpool.judge.processes import process_of
from logpool.read.vocabulary import UNKNOWN_POOL
from logpool.report.model import Finding
from logpool.schema import Kind
from logpool.track.sequence import (
    RESET_FAILED,
    RESET_WITHOUT_RETURN,
    RETURNED_WITHOUT_CHECKOUT,
    RETURNED_WITHOUT_RESET,
    USED_AFTER_CLOSE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from logpool.judge.books import Books
    from logpool.report.model import Evidence

#: so many checkouts at least begin twice, and end twice
FEWEST = 5
#: as a share of all checkouts; a gap in a long log has fewer
LEAST_SHARE = 0.01
#: as a share of them: more returns without a reset, and resets without a return, are of missing lines, of which two in
#: three are such; where connections are held for milliseconds, other processes come between them as well
MOST_TORN = 1 / 2
_EVIDENCE = 5
_FORMAT = "%(asctime)s [%(process)d] [%(threadName)s] %(levelname)s %(name)s: %(message)s"


@dataclass(frozen=True)
class Mixed:
    """The pools whose log mixes several processes.

    Attributes:
        books: of all pools.
        groups: the numbers of those.
    """

    books: Books
    groups: frozenset[int]

    def findings(self, place: Callable[[int, int], Evidence]) -> list[Finding]:
        """One for each log."""
        groups = self.books.statistics.vocabulary.groups
        logs: defaultdict[int, list[int]] = defaultdict(list)
        for group in sorted(self.groups):
            logs[groups[group][0]].append(group)
        return [self._finding(members, place) for members in logs.values()]

    def _finding(self, members: list[int], place: Callable[[int, int], Evidence]) -> Finding:
        groups = self.books.statistics.vocabulary.groups
        rows = self.books.verdict.violations.filter(pl.col("group").is_in(members) & (pl.col("code") != RESET_FAILED))
        what = "mixes several processes, and its layout shows none"
        if all(groups[group][2] == UNKNOWN_POOL for group in members):
            what += ", or its pool, which the layout does not show, hands one connection to several users"
        message = (
            f"the log {what}: again and again a connection is taken while it is out, and then comes back, or is "
            "closed, twice. What one process does is taken for another's, so lives, checkouts and times are not to be "
            f"relied on. Log process and thread: {_FORMAT}"
        )
        places = tuple(place(*row) for row in rows.select_seq("source", "line").head(_EVIDENCE).iter_rows())
        return Finding("mixed_processes", "warning", None, rows.height, message, places)


def mixed(books: Books) -> Mixed:
    """Which pools' records contradict each other as those of several processes do."""
    counts = books.verdict.violations.group_by("group", "code").len()
    codes = Counter({(group, code): count for group, code, count in counts.iter_rows()})
    groups = books.statistics.vocabulary.groups
    found = {
        group
        for group, (_, process, _) in enumerate(groups)
        if process_of(process) is None and _is_mixed(books, group, codes)
    }
    # what contradicts itself beside them, in the same log, does so for the same reason
    logs = {groups[group][:2] for group in found}
    beside = {
        group
        for group, (source, process, _) in enumerate(groups)
        if (source, process) in logs and min(_twice(books, group, codes)) > 0
    }
    return Mixed(books, frozenset(found | beside))


def _twice(books: Books, group: int, codes: Counter[tuple[int, str]]) -> tuple[int, int]:
    """How many checkouts of a group seem to begin twice, and to end twice."""
    return books.lost(group), codes[group, RETURNED_WITHOUT_CHECKOUT] + codes[group, USED_AFTER_CLOSE]


def _is_mixed(books: Books, group: int, codes: Counter[tuple[int, str]]) -> bool:
    begun, ended = _twice(books, group, codes)
    torn = codes[group, RETURNED_WITHOUT_RESET] + codes[group, RESET_WITHOUT_RETURN]
    twice = begun + ended
    checkouts = books.count(group, Kind.CHECKED_OUT)
    return min(begun, ended) >= FEWEST and twice >= LEAST_SHARE * checkouts and torn <= MOST_TORN * twice
