"""Connections that a forked process took over from its parent, and uses as if they were its own.

The log shows one process create a connection, and another one use it that never created it, while the first still
has it open. That alone may be chance: processes that a server forks are alike, and often get the same addresses for
connections of their own. So the other process must be new: nothing of it stands in the log before that creation, and
all connections that it never created are known of the first one. Where the log begins in the middle, a process may
have made them before; then the numbers of the two processes tell which is older. And nobody forks while it uses a
connection: the first process must have given it back before the other one has it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.judge.processes import host_of, process_of
from logpool.report.model import Finding
from logpool.schema import End, Kind
from logpool.track.neighbours import GROUP
from logpool.track.tracked import connection_of, group_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logpool.judge.findings import Facts
    from logpool.read.vocabulary import Vocabulary
    from logpool.track.found import Tracked

    Place = tuple[int, int]

#: a process with more connections that it never created took none over: the log lacks the records of their creation
MOST_TAKEN_OVER = 1000
_SHOWN = 2
_NAMED = 3
_TAKEN = {
    "key": pl.Int64,
    "group": pl.UInt32,
    "connection": pl.UInt32,
    "family": pl.UInt32,
    "kind": pl.UInt8,
    "seq": pl.Int64,
    "time": pl.Int64,
    "line": pl.Int64,
    "source": pl.UInt32,
}
_SHARED = {
    "maker": pl.UInt32,
    "life_seq": pl.Int64,
    "life_line": pl.Int64,
    "life_source": pl.UInt32,
    **_TAKEN,
}


class Use(NamedTuple):
    """A connection of one process in another: where it was created, and first used by the other."""

    maker: int
    user: int
    life: int
    created: Place
    used: Place
    kind: Kind
    time: int | None


@stateful
class Forks:
    """Collects, batch by batch, connections that one process created and another took over.

    Attributes:
        vocabulary: names the groups: a group is one pool in one process.
        first: where each group's first record stands.
        returned: likewise its first return.
        keys: gives every connection seen, after the last batch.
    """

    vocabulary: Vocabulary
    first: dict[int, Place]
    returned: dict[int, Place]
    keys: Callable[[], pl.Series]
    _families: dict[tuple[int, str, str], int] = field(default_factory=dict)
    # connections that a process uses and never created, and how many of them there are of each
    _taken: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_TAKEN))
    _count: Counter[int] = field(default_factory=Counter)
    # the first events of those that more was done with than to check them out; and of those that a listener took away
    _used: set[int] = field(default_factory=set)
    _emptied: set[int] = field(default_factory=set)
    _shared: list[pl.DataFrame] = field(default_factory=list)

    def take(self, tracked: Tracked) -> None:
        """Watches one batch; the last one holds what is still open at the end of the log."""
        if tracked.unborn.height:
            self._take_over(tracked.unborn)
        if self._taken.height:
            self._note_use(tracked.checkouts.table)
            self._emptied.update(tracked.emptied)
            self._meet(tracked.lives.table)

    def _take_over(self, unborn: pl.DataFrame) -> None:
        rows = unborn.with_columns_seq(group=group_of(), connection=connection_of())
        rows = rows.with_columns_seq(family=self._family_of(rows["group"])).filter(pl.col("family").is_not_null())
        self._count.update(rows["group"].to_list())
        fewer = [group for group, count in self._count.items() if count <= MOST_TAKEN_OVER]
        self._taken = pl.concat([self._taken, rows.select_seq(_TAKEN.keys())]).filter(pl.col("group").is_in(fewer))

    def _family_of(self, groups: pl.Series) -> pl.Series:
        """The pools that can be one pool in several processes, by number; null where no process is shown."""
        families = [
            None
            if process_of(process) is None
            else self._families.setdefault((source, host_of(process), pool), len(self._families))
            for source, process, pool in self.vocabulary.groups
        ]
        return pl.Series("family", families, dtype=pl.UInt32)[groups]

    def _note_use(self, checkouts: pl.DataFrame) -> None:
        """Notes which of them were not only checked out."""
        over = checkouts.filter(~pl.col("outcome").is_in([int(End.OPEN), int(End.LOST)]))
        used = self._taken["seq"].is_in(over["out_seq"].implode()) | (self._taken["kind"] != int(Kind.CHECKED_OUT))
        self._used.update(self._taken["seq"].filter(used))

    def _meet(self, lives: pl.DataFrame) -> None:
        """Finds the lives that last when another process uses their connection."""
        made = lives.filter("born").select_seq("key", "life_seq", "life_line", "life_source", "end_seq")
        made = made.with_columns_seq(connection=connection_of(), maker=group_of()).drop("key")
        made = made.filter(pl.col("connection").is_in(self._taken["connection"].implode()))
        made = made.with_columns_seq(family=self._family_of(made["maker"]))
        met = made.join(self._taken, on=["family", "connection"]).filter(
            (pl.col("maker") != pl.col("group"))
            & (pl.col("life_seq") < pl.col("seq"))
            & (pl.col("end_seq").is_null() | (pl.col("end_seq") > pl.col("seq")))
        )
        if met.height:
            self._shared.append(met.select_seq(_SHARED.keys()).cast(_SHARED))  # type: ignore[arg-type]

    def _uses(self) -> list[Use]:
        """The connections that were taken over, in the order of their first use there."""
        shared = pl.concat([pl.DataFrame(schema=_SHARED), *self._shared]).sort("life_seq")
        # an address may have had several lives: the last one counts
        shared = shared.unique(["maker", "seq"], keep="last").sort("seq")
        begun = self._begun()
        children: defaultdict[int, defaultdict[int, list[Use]]] = defaultdict(lambda: defaultdict(list))
        for row in shared.filter(pl.col("seq").is_in(list(self._used - self._emptied))).iter_rows(named=True):
            maker, user = row["maker"], row["group"]
            created = row["life_source"], row["life_line"]
            used = row["source"], row["line"]
            idle = self.returned.get(maker, used) < used
            if created < begun[user] and idle and self._is_older(maker, user):
                use = Use(maker, user, row["life_seq"], created, used, Kind(row["kind"]), row["time"])
                children[user][maker].append(use)
        known = self._known([(user, maker) for user, makers in children.items() for maker in makers])
        return [
            use
            for user, makers in children.items()
            for use in _parents([uses for maker, uses in makers.items() if (user, maker) in known])
        ]

    def _begun(self) -> dict[int, Place]:
        """Where the first record of each group's process stands, of whatever pool."""
        begun: dict[tuple[int, str | None], Place] = {}
        groups = self.vocabulary.groups
        for group, place in self.first.items():
            process = groups[group][:2]
            begun[process] = min(place, begun.get(process, place))
        return {group: begun[groups[group][:2]] for group in self.first}

    def _is_older(self, maker: int, user: int) -> bool:
        """Whether one process may be the other's parent: numbers grow."""
        one, other = (process_of(self.vocabulary.groups[group][1]) or "" for group in (maker, user))
        return not (one.isdecimal() and other.isdecimal()) or int(one) < int(other)

    def _known(self, pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
        """Of some processes, each with one that may be its parent, those of which all is known there that they use.

        That is, all connections that they never created.
        """
        sought = pl.DataFrame(pairs, schema={"group": pl.UInt32, "maker": pl.UInt32}, orient="row")
        own = sought.join(self._taken.select_seq("group", "connection"), on="group")
        keys = own["connection"].cast(pl.Int64) + own["maker"].cast(pl.Int64) * GROUP
        unknown = own.filter(~keys.is_in(self.keys().implode())).select_seq("group", "maker")
        return set(pairs).difference(unknown.unique().iter_rows())

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """One for each pool whose connections were taken over."""
        pools: defaultdict[str, list[Use]] = defaultdict(list)
        for use in self._uses():
            pools[self.vocabulary.groups[use.maker][2]].append(use)
        for pool, found in pools.items():
            # one connection may have been taken over by several
            once = {(use.maker, use.life): use for use in reversed(found)}
            shown = sorted(once.values(), key=lambda use: use.used)[:_SHOWN]
            places = tuple(facts.names.place(*where) for use in shown for where in (use.created, use.used))
            times = [use.time for use in found if use.time is not None]
            span = [facts.names.time(end(times, default=None), found[0].user) for end in (min, max)]
            yield Finding("fork_shared", "error", pool, len(once), self._message(found, len(once)), places, *span)

    def _message(self, uses: list[Use], count: int) -> str:
        makers, users = (
            list(dict.fromkeys(self._process(group) for group in groups))
            for groups in ([use.maker for use in uses], [use.user for use in uses])
        )
        one, what = len(users) == 1, "a connection" if count == 1 else f"{count:,} connections"
        if all(use.kind is Kind.CLOSING for use in uses):
            done, harm = "closes" if one else "close", "what one of them closes is of no use to the other"
        else:
            done, harm = "uses" if one else "use", "two of them on one connection read each other's results"
        return (
            f"{_named(users)} {done} {what} that {_named(makers)} created: a forked process takes over those of its "
            f"parent, and {harm}. Call engine.dispose(close=False) in each process right after the fork, or create "
            "the engine there"
        )

    def _process(self, group: int) -> str:
        return process_of(self.vocabulary.groups[group][1]) or ""


def _parents(makers: list[list[Use]]) -> list[Use]:
    """What a process took over from the one of some that is the likeliest parent."""
    return max(makers, key=lambda uses: (len(uses), -uses[0].life), default=[])


def _named(processes: list[str]) -> str:
    """The first few of some processes."""
    if len(processes) == 1:
        return f"process {processes[0]}"
    more = len(processes) - _NAMED
    names, last = (processes[:_NAMED], f"{more:,} more") if more > 0 else (processes[:-1], processes[-1])
    return f"processes {', '.join(names)} and {last}"
