"""Connections that died: many at once, as when a server restarts; or one by one, closed while idle, or in long use.

Both leave an invalidation with the exception that showed it. They are told apart by the idle time before the checkout
that failed: where no connection of the pool ever survived so long a rest, it was closed for resting. What fails close
together and was not closed for resting is a storm; unless all that ever died had been in use for long by then, longer
than nearly all others are: then a time limit of the server ended them. What dies at an even pace is close together by
chance: it died one by one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from math import exp, sqrt
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from logpool.classes import stateful
from logpool.frames import where
from logpool.judge.cells import SECOND, Cells, place_of
from logpool.judge.checks.reasons import PINGED, is_the_servers
from logpool.judge.names import EVIDENCE
from logpool.report.model import Finding
from logpool.schema import Detail, Kind
from logpool.words import duration, many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logpool.judge.findings import Facts
    from logpool.report.model import Pool
    from logpool.track.found import Tracked

_KINDS = [int(kind) for kind in (Kind.INVALIDATED, Kind.RECYCLED, Kind.CONNECT_FAILED)]
_FAILED, _REPLACED, _UNMADE = range(3)
# fewer that fail are no storm, however few connections there are
_LEAST = 2
# so many that die in use show a time limit, if none had been used for less than so many seconds, and for less than so
# many times what is usual
_SEVERAL, _LONG_USE, _TIMES = 5, 5.0, 10
# as a share of the shortest of these uses: what dies so close together died at one time
_AT_ONCE = 0.1
_NEVER = 1 << 62
# so many storms of a pool are told, the largest
_TOLD = 3
# so many that die one by one are told, and so large a share of all checkouts is a warning
_SCATTERED, _SCATTERED_SHARE = 5, 0.001
# what dies within so many microseconds has no pace, nor what is closer together than chance by so many deviations
_PACE, _DEVIATIONS = 60 * SECOND, 3.0
_ROLE = {"label": pl.Int64, "group": pl.UInt32, "process": pl.UInt32, "role": pl.UInt8, "pinged": pl.Boolean}


class Storm(NamedTuple):
    """What failed close together in one pool, of all processes.

    Attributes:
        first: when it began, microseconds; likewise ``last`` when it ended.
        died: likewise, when the last connection showed that it was dead.
        failed: connections that died; likewise ``replaced`` those that the pool gave up because of them.
        unmade: connects that failed.
        outage: until when no connect worked, as far as the log tells.
        processes: how many had connections that died or were given up.
        places: of the first that failed.
    """

    first: int
    died: int
    last: int
    failed: int
    replaced: int
    unmade: int
    outage: int
    processes: int
    places: list[int]


@stateful
class _Deaths:
    """Connections that died in use: how many, the shortest use, microseconds, and where the first few stand."""

    count: int = 0
    least: int = _NEVER
    first: int | None = None
    last: int | None = None
    places: list[tuple[int, int]] = field(default_factory=list)

    def add(self, held: int | None, time: int | None, place: tuple[int, int]) -> None:
        self.count += 1
        # of one that is not known to have been in use, nothing is known
        self.least = min(self.least, -1 if held is None else held)
        if time is not None:
            self.first = time if self.first is None else self.first
            self.last = time
        if len(self.places) < EVIDENCE:
            self.places.append(place)


@stateful
class Failures:
    """Counts what failed, per second; how long connections may rest; and how long those had been used that died."""

    _failed: Cells = field(default_factory=Cells)
    # microseconds, by group
    _rested: dict[int, int] = field(default_factory=dict)
    # by shape
    _deaths: defaultdict[int, _Deaths] = field(default_factory=lambda: defaultdict(_Deaths))

    def take(self, tracked: Tracked) -> None:
        """Watches one batch."""
        if tracked.incidents.height:
            self._failed.add(where(tracked.incidents, pl.col("kind").is_in(_KINDS)).rename({"shape": "label"}))
            thrown = where(tracked.incidents, pl.col("kind") == int(Kind.INVALIDATED))
            for shape, held, time, source, line in thrown.select_seq(
                "shape", "held", "time", "source", "line"
            ).iter_rows():
                self._deaths[shape].add(held, time, (source, line))
        rested = where(tracked.rested, tracked.rested["idle"].is_not_null())
        for group, idle in rested.select_seq("group", "idle").iter_rows():
            self._rested[group] = max(idle, self._rested.get(group, 0))

    def findings(self, facts: Facts) -> Iterator[Finding]:
        """At most one finding on resting per pool, and a few storms."""
        roles = _roles(facts)
        every = self._failed.of(roles["label"]).join(roles, on="label", maintain_order="left")
        failed = {*where(every, every["role"] == _FAILED)["group"]}
        for pool in facts.pools:
            groups = facts.groups(pool)
            # of a thousand pools few have any
            if failed.isdisjoint(groups):
                continue
            cells = where(every, pl.col("group").is_in(groups))
            # longer than any rest that a connection survived, and long enough to be closed for
            longest = max((self._rested.get(group, 0) for group in groups), default=0)
            rested = (pl.col("role") == _FAILED) & (pl.col("idle") > longest)
            rested &= pl.col("idle") >= facts.thresholds.stale_idle * SECOND
            yield from _stale(facts, pool, cells.filter(rested), longest)
            killed = self._killed(facts, pool, roles)
            if killed is not None:
                yield killed
                continue
            storms, scattered = _storms(facts, pool, cells.filter(~rested))
            for storm in storms[:_TOLD]:
                yield _told(facts, pool, storm, groups, len(storms) - _TOLD)
            yield from _scattered(facts, pool, scattered)

    def _killed(self, facts: Facts, pool: Pool, roles: pl.DataFrame) -> Finding | None:
        """The finding on a pool whose connections die in long use, and in no other."""
        failed = roles.filter((pl.col("role") == _FAILED) & pl.col("group").is_in(facts.groups(pool)))["label"]
        deaths = [self._deaths[shape] for shape in failed if shape in self._deaths]
        count = sum(one.count for one in deaths)
        least = min((one.least for one in deaths), default=-1)
        usual = pool.hold_seconds.p50
        if count < _SEVERAL or usual is None or least < max(_LONG_USE, _TIMES * usual) * SECOND:
            return None
        first = min((one.first for one in deaths if one.first is not None), default=0)
        last = max((one.last for one in deaths if one.last is not None), default=0)
        if last - first <= facts.thresholds.storm_seconds * SECOND:
            return None
        group = facts.groups(pool)[0]
        # of a limit each dies when its own time is over; what dies at one time may have lost the network
        at_once = last - first <= _AT_ONCE * least
        network = (
            f"; or the network went away, as all died within {duration((last - first) / SECOND)}" if at_once else ""
        )
        return Finding(
            "killed_in_use",
            "error",
            pool.logger,
            count,
            f"{many(count, 'connection')} died in use, none before {duration(least / SECOND)} of it, while half of all "
            f"checkouts last at most {duration(usual)}: most likely a time limit of the server ended them "
            "(PostgreSQL's idle_in_transaction_session_timeout, MySQL's wait_timeout), or of what stands before "
            f"it{network}; commit or give back the connection before anything slow. pool_pre_ping is of no help here",
            facts.names.evidence(sorted(place for one in deaths for place in one.places)[:EVIDENCE]),
            facts.names.time(first, group),
            facts.names.time(last, group),
        )


def _told(facts: Facts, pool: Pool, storm: Storm, groups: list[int], more: int) -> Finding:
    message = f"{many(storm.failed, 'connection')} of {many(storm.processes, 'process', 'processes')} died" + (
        f" within {duration((storm.died - storm.first) / SECOND)}" if storm.failed > 1 else ""
    )
    if storm.replaced:
        message += f", {many(storm.replaced, 'more was', 'more were')} replaced because of them"
    if storm.unmade:
        message += f", {many(storm.unmade, 'connect')} failed"
    is_shared = ("fork_shared", pool.logger) in facts.told
    why = (
        "they were shared over a fork (fork_shared), which breaks them; else the server was restarted"
        if is_shared
        else "the server was restarted or failed over, or the network went away"
    )
    message += f": {why}; {_recovery(facts, pool, storm, groups)}"
    if not is_shared and not pool.pings.sent:
        message += "; pool_pre_ping=True spares callers the error on a connection that died while idle"
    if more > 0:
        message += f" (one of the {_TOLD} largest of this pool; {many(more, 'smaller one')} left out)"
    return Finding(
        "invalidation_storm",
        "warning" if is_shared else "error",
        pool.logger,
        storm.failed + storm.replaced,
        message,
        facts.names.evidence(map(place_of, storm.places)),
        facts.names.time(storm.first, groups[0]),
        facts.names.time(storm.last, groups[0]),
    )


def _recovery(facts: Facts, pool: Pool, storm: Storm, groups: list[int]) -> str:
    made = facts.made.of(groups).filter(pl.col("last") >= storm.outage)
    if pool.info_only:
        return "when new connections could be made again, a log at INFO does not show"
    if not made.height:
        return "no new connection was made before the log ends"
    # of a second, the first and the last connect are known
    at = made.select_seq(pl.when(pl.col("first") >= storm.outage).then("first").otherwise("last").min()).item()
    return f"new connections could be made again after {duration((int(at) - storm.first) / SECOND)}"


def _roles(facts: Facts) -> pl.DataFrame:
    """What each shape of a failure means: ``label``, ``group``, ``process``, ``role``, ``pinged``."""
    vocabulary = facts.names.vocabulary
    processes: dict[tuple[int, str | None], int] = {}
    rows = []
    for label, group in enumerate(vocabulary.frame()["group"]):
        message = facts.names.message(label)
        if message is None or group is None or message.kind not in _KINDS:
            continue
        if message.kind is Kind.INVALIDATED and is_the_servers(message.reason):
            role = _FAILED
        elif message.kind is Kind.RECYCLED and message.detail is Detail.POOL_INVALIDATION:
            role = _REPLACED
        elif message.kind is Kind.CONNECT_FAILED:
            role = _UNMADE
        else:
            continue
        source, process, _ = vocabulary.groups[group]
        number = processes.setdefault((source, process), len(processes))
        rows.append((label, group, number, role, message.reason in PINGED))
    return pl.DataFrame(rows, schema=_ROLE, orient="row")


def _storms(facts: Facts, pool: Pool, cells: pl.DataFrame) -> tuple[list[Storm], pl.DataFrame]:
    """The storms of one pool, the largest first; and the cells that are part of none."""
    thresholds = facts.thresholds
    gap = pl.col("first") - pl.col("last").cum_max().shift(1)
    storm = (gap > thresholds.storm_seconds * SECOND).fill_null(value=False).cum_sum().alias("storm")
    role = pl.col("role")
    failed, lost = role == _FAILED, role != _UNMADE

    def count(of: pl.Expr) -> pl.Expr:
        return pl.col("count").filter(of).sum()

    cells = cells.sort("first", "last", "place").with_columns_seq(storm)
    found = cells.group_by("storm").agg(
        first=pl.col("first").filter(failed).min(),
        died=pl.col("last").filter(failed).max(),
        last=pl.col("last").max(),
        failed=count(failed),
        replaced=count(role == _REPLACED),
        unmade=count(role == _UNMADE),
        outage=pl.coalesce(pl.col("last").filter(role == _UNMADE).max(), pl.col("first").filter(failed).min()),
        processes=pl.col("process").filter(lost).n_unique(),
        places=pl.col("places").filter(failed).explode(),
    )
    # or else they died one by one, and close together by chance
    shown = (pl.col("replaced") > 0) | (pl.col("unmade") > 0)
    enough = (pl.col("failed") >= thresholds.storm_connections) & shown
    share = pl.col("failed") + pl.col("replaced") >= thresholds.storm_share * pool.peak_open
    # one connection that dies makes the pool replace all others: a connect that fails shows that it is not alone
    several = (pl.col("failed") >= _LEAST) | (
        (pl.col("failed") + pl.col("replaced") >= _LEAST) & (pl.col("unmade") > 0)
    )
    # an outage has no pace, however long it is
    at_once = (pl.col("unmade") > 0) | pl.lit(not _has_pace(cells.filter(failed), thresholds.storm_seconds * SECOND))
    chosen = found.filter((pl.col("failed") > 0) & at_once & (enough | (share & several)))
    largest = chosen.sort(pl.col("failed") + pl.col("replaced"), "first", descending=[True, False])
    storms = [Storm(**row) for row in largest.drop("storm").iter_rows(named=True)]
    return storms, cells.filter(~pl.col("storm").is_in(chosen["storm"].implode()))


def _has_pace(died: pl.DataFrame, together: float) -> bool:
    """Whether connections die at an even pace: no closer together than chance has it.

    At an even pace, of ``n`` that die within a time ``t`` each but the first comes within ``d`` behind the one before
    with the probability ``p = 1 - exp(-d (n - 1) / t)``: ``(n - 1) p`` of them, of variance ``(n - 1) p (1 - p)``.

    Args:
        died: the cells, in order.
        together: what is closer is one storm, in microseconds.
    """
    count = int(died["count"].sum())
    if count < _SCATTERED:
        return False
    lasted = int(died["last"].max()) - int(died["first"].min())  # type: ignore[arg-type]
    if lasted < _PACE:
        return False
    gaps = died["first"] - died["last"].cum_max().shift(1)
    close = count - 1 - int((gaps > together).sum())
    chance = 1 - exp(-together * (count - 1) / lasted)
    return close <= (count - 1) * chance + _DEVIATIONS * sqrt((count - 1) * chance * (1 - chance))


def _scattered(facts: Facts, pool: Pool, cells: pl.DataFrame) -> Iterator[Finding]:
    """The finding on a pool whose connections die in use, one by one."""
    died = cells.filter((pl.col("role") == _FAILED) & ~pl.col("pinged"))
    count = int(died["count"].sum())
    if count < _SCATTERED:
        return
    replaced = int(cells.filter(pl.col("role") == _REPLACED)["count"].sum())
    group = int(died["group"][0])
    first, last = int(died["first"].min()), int(died["last"].max())  # type: ignore[arg-type]
    cost = f"; {many(replaced, 'more was', 'more were')} replaced because of them" if replaced else ""
    yield Finding(
        "dying_connections",
        "warning" if count >= _SCATTERED_SHARE * pool.checkouts else "info",
        pool.logger,
        count,
        f"{many(count, 'connection')} died in use, one by one, {_apart(last - first, count)}, each with an error for "
        f"its caller{cost}: no restart, since others go on; the server, or what stands before it, ends single ones. "
        "Its log tells why: a backend that crashes or is killed (out of memory, by hand, by a statement of the work "
        "itself), a limit of a proxy or a load balancer. pool_pre_ping is of no help for what dies in use",
        facts.names.evidence(map(place_of, died["places"].explode())),
        facts.names.time(first, group),
        facts.names.time(last, group),
    )


def _apart(lasted: int, count: int) -> str:
    """How often something happens that happens so many times in so many microseconds."""
    return f"one each {duration(lasted / (count - 1) / SECOND)} on average"


def _stale(facts: Facts, pool: Pool, cells: pl.DataFrame, longest: int) -> Iterator[Finding]:
    """The finding on a pool whose connections were closed for resting."""
    count = int(cells["count"].sum())
    if count < max(1, facts.thresholds.stale_connections):
        return
    least = int(cells["idle"].min())  # type: ignore[arg-type]
    is_pinged = bool(cells["pinged"].all())
    survived, lies = "no rest was survived", "is shorter"
    if longest:
        survived, lies = f"no rest of more than {duration(longest / SECOND)} was survived", "lies in between"
    message = (
        f"{many(count, 'connection')} had been closed by the other side while idle, and this was noticed "
        f"{'by pre-pings' if is_pinged else 'by callers, as errors'}: the shortest rest before such a failure was "
        f"{duration(least / SECOND)}, and {survived}, so the idle timeout of the server, or of what stands before it, "
        f"{lies}: look it up and set pool_recycle below it"
    )
    if longest >= facts.thresholds.stale_idle * SECOND:
        message += f" (as long as you do not know it, below {longest // SECOND:,} seconds)"
    if not is_pinged:
        message += ", or set pool_pre_ping=True, which spares callers the error"
    group = int(cells["group"][0])
    first, last = int(cells["first"].min()), int(cells["last"].max())  # type: ignore[arg-type]
    if last - first <= facts.thresholds.storm_seconds * SECOND:
        message += "; all failed at one time, so it may also have been a restart while they were idle"
    yield Finding(
        "stale_connections",
        "info" if is_pinged else "warning",
        pool.logger,
        count,
        message,
        facts.names.evidence(map(place_of, cells["places"].explode())),
        facts.names.time(first, group),
        facts.names.time(last, group),
    )
