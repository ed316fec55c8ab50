"""Named judgements on a log, each with its count and the places that show it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from logpool.classes import dataclass
from logpool.frames import empty
from logpool.judge.books import imbalances
from logpool.judge.cells import Cells
from logpool.judge.checks.aged import replaced_by_age
from logpool.judge.checks.eras import Eras
from logpool.judge.checks.nullpools import churning_nullpools
from logpool.judge.durations import DurationCounts
from logpool.judge.masking import masked
from logpool.judge.names import EVIDENCE
from logpool.judge.processes import process_of
from logpool.judge.silence import Silence
from logpool.read.damage import Damages
from logpool.read.vocabulary import UNKNOWN_POOL
from logpool.report.model import Evidence, Finding
from logpool.track.sequence import (
    CHECKED_OUT_TWICE,
    RESET_FAILED,
    RETURNED_WITHOUT_CHECKOUT,
    REVISED,
    SHARING,
    USED_AFTER_CLOSE,
)
from logpool.words import many

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import polars as pl

    from logpool.judge.checks import Check
    from logpool.judge.names import Names
    from logpool.judge.thresholds import Thresholds
    from logpool.report.model import Pool, Severity, Violation

#: what the input's damage is told with
DAMAGED = "part of the input is damaged or was left out, and the rest was read"

# what one process does to another's connections where they are taken for one
_OF_SEVERAL = {CHECKED_OUT_TWICE, RETURNED_WITHOUT_CHECKOUT, USED_AFTER_CLOSE}
_PAIR = 2
_ORDER = {"error": 0, "warning": 1, "info": 2}


class Doubled(NamedTuple):
    """A log whose records stand there several times.

    Attributes:
        times: how often.
        what: which of them.
        how: in what way, for people.
        left_out: how many were left out.
        places: the first few of these.
        onward: whether it is so from some place on, however often.
    """

    times: int
    what: str
    how: str
    left_out: int
    places: tuple[Evidence, ...]
    onward: bool = False


@dataclass(frozen=True)
class Facts:
    """What the findings are drawn from.

    Attributes:
        names: what the numbers in tables mean.
        thresholds: from where on something is worth a finding.
        pools: the figures of every pool.
        violations: of the reset sequence.
        unrecognised: how many records of pool loggers the grammar does not know, with the first few.
        first: per pool logger, its first record.
        reclaimed: per pool logger, where the garbage collector's first few messages stand.
        doubled: the logs whose records stand there several times.
        damages: what could not be read, or not as it stands.
        holds: how long the checkouts lasted, each.
        mixed: the files and the pools whose records are of several processes, without telling which.
        peaks: by group, the most connections in use at once.
        made: connections made, by group and second.
        heard: the last time, microseconds, at which each process is known to have gone on: by source and name.
        waited: the first and the last time at which callers waited in vain, by shape.
        returned: per pool logger, its first return.
        collected: checkouts that looked returned and were the garbage collector's doing: ``group``, ``out_seq`` and
            ``microseconds``.
        others: findings made elsewhere.
        eras: how long each process went on.
        silence: the longest time in which nothing was told.
        told: the codes of the findings so far, each with its pool: what is drawn later may lean on them.
    """

    names: Names
    thresholds: Thresholds
    pools: list[Pool]
    violations: list[Violation]
    unrecognised: tuple[int, list[tuple[Evidence, str]]]
    first: dict[str, Evidence] = field(default_factory=dict)
    reclaimed: dict[str, tuple[Evidence, ...]] = field(default_factory=dict)
    doubled: list[Doubled] = field(default_factory=list)
    damages: Damages = field(default_factory=Damages)
    holds: DurationCounts = field(default_factory=DurationCounts)
    mixed: frozenset[tuple[str, str]] = frozenset()
    peaks: Mapping[int, int] = field(default_factory=dict)
    made: Cells = field(default_factory=Cells)
    heard: Mapping[tuple[int, str | None], int] = field(default_factory=dict)
    waited: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    returned: Mapping[str, Evidence] = field(default_factory=dict)
    collected: pl.DataFrame = field(default_factory=lambda: empty(REVISED))
    others: tuple[Finding, ...] = ()
    eras: Eras = field(default_factory=Eras)
    silence: Silence = field(default_factory=Silence)
    told: set[tuple[str, str | None]] = field(default_factory=set)

    def groups(self, pool: Pool) -> list[int]:
        """The numbers of a pool's groups: itself in each of its processes."""
        return self._groups_of.get(pool.logger or "", [])

    @cached_property
    def _groups_of(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for group, (_, _, logger) in enumerate(self.names.vocabulary.groups):
            found[logger].append(group)
        return found

    def beginning(self, pool: Pool) -> tuple[Evidence, ...]:
        """The place to cite for what a pool's whole log shows."""
        place = self.first.get(pool.logger or "")
        return (place,) if place else ()


def find(facts: Facts, checks: Iterable[Check] = ()) -> list[Finding]:
    """All findings, the worst first."""
    found = [*facts.others]
    for findings in (*(check.findings for check in checks), *_CHECKS):
        new = list(findings(facts))
        facts.told.update((finding.code, finding.pool) for finding in new)
        found += new
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


def _violated(facts: Facts) -> Iterator[Finding]:
    by_pool: defaultdict[str | None, list[Violation]] = defaultdict(list)
    for violation in facts.violations:
        by_pool[violation.pool].append(violation)
    for pool in facts.pools:
        is_shared = _may_be_shared(pool, facts)
        reasons: dict[str, list[Violation]] = {}
        for violation in by_pool[pool.logger]:
            reasons.setdefault(_reason(violation, facts, is_shared=is_shared), []).append(violation)
        for reason, found in reasons.items():
            codes = ", ".join(sorted({violation.code for violation in found}))
            places = tuple(Evidence(violation.path, violation.line) for violation in found[:EVIDENCE])
            message = f"the reset sequence is broken ({codes}){reason}: logpool verify shows each place"
            if not reason and _may_be_several(pool, facts) and {one.code for one in found} <= _OF_SEVERAL:
                message += "; if several processes write this log, they cannot be told apart: log %(process)d"
            severity: Severity = "warning" if reason else "error"
            yield Finding("sequence_violation", severity, pool.logger, len(found), message, places)


def _may_be_several(pool: Pool, facts: Facts) -> bool:
    """Whether several processes may be taken for one: the layout shows none."""
    groups = facts.names.vocabulary.groups
    return any(process_of(groups[group][1]) is None for group in facts.groups(pool))


def _may_be_shared(pool: Pool, facts: Facts) -> bool:
    """Whether one connection may have several users by design: the layout does not show the pool's class."""
    return pool.logger == UNKNOWN_POOL and any(
        (violation.pool, violation.code) == (UNKNOWN_POOL, CHECKED_OUT_TWICE) for violation in facts.violations
    )


def _reason(violation: Violation, facts: Facts, *, is_shared: bool) -> str:
    """What may explain a violation besides a fault of the application's; empty for nothing."""
    if violation.code == RESET_FAILED:
        return ""
    if (violation.path, violation.pool) in facts.mixed:
        return ", as it is where several processes are taken for one (mixed_processes)"
    if is_shared and violation.code in SHARING:
        return (
            ", unless the pool, which the layout does not show, is a StaticPool or a SingletonThreadPool: these hand "
            "one connection to several users (log %(name)s to tell)"
        )
    return ""


def _reclaimed(facts: Facts) -> Iterator[Finding]:
    for pool in facts.pools:
        if pool.reclaimed:
            message = (
                f"{many(pool.reclaimed, 'connection was', 'connections were')} never returned, and reclaimed by the "
                "garbage collector: close every session and connection, or use them in a with block"
            )
            places = tuple(facts.reclaimed.get(pool.logger or "", ()))
            yield Finding("reclaimed_by_gc", "error", pool.logger, pool.reclaimed, message, places)


def _doubled(facts: Facts) -> Iterator[Finding]:
    for times, what, how, left_out, places, onward in facts.doubled:
        if onward:
            message = (
                "from some place on records stand several times in this log, each right behind itself, and were "
                f"counted once: {left_out:,} records were left out. A handler is added while the program runs, as by a "
                "cell of a notebook that is run again, or by a set-up that is called for each request: add it once"
            )
            yield Finding("duplicate_records", "warning", None, left_out, message, places)
            continue
        often, handlers = ("twice", "Two") if times == _PAIR else (f"{times} times", f"{times}")
        louder = "" if what == "record" else ", one of them the louder ones alone"
        message = (
            f"every {what} stands {often} in this log, {how}, and was counted once: {left_out:,} records were left "
            f"out. {handlers} handlers print the pool's records{louder}: "
            f"{'remove' if times == _PAIR else 'keep'} one, or set propagate to False"
        )
        yield Finding("duplicate_records", "warning", None, left_out, message, places)


def _damaged(facts: Facts) -> Iterator[Finding]:
    damages = facts.damages.all
    if damages:
        message = f"{DAMAGED}: {facts.damages.told()}"
        places = tuple(Evidence(damage.path, damage.line) for damage in damages[:EVIDENCE])
        yield Finding("damaged_input", "warning", None, sum(damage.count for damage in damages), message, places)


def _info_only(facts: Facts) -> Iterator[Finding]:
    for pool in facts.pools:
        if pool.info_only:
            message = (
                "the log holds no record below INFO, so no checkout shows: set the logger sqlalchemy.pool to DEBUG, "
                'or echo_pool="debug"'
            )
            yield Finding("info_only", "warning", pool.logger, 1, message, facts.beginning(pool))


def _unbalanced(facts: Facts) -> Iterator[Finding]:
    for pool in facts.pools:
        wrong = imbalances(pool)
        if wrong:
            why = "so records are missing or doubled"
            if pool.logger in {name for _, name in facts.mixed}:
                why = "as those of several processes in one do not"
            elif _may_be_shared(pool, facts):
                why += ", or its connections have several users each"
            severity: Severity = "warning"
            if ("abandoned_connections", pool.logger) in facts.told:
                severity, why = "info", "as where a process ends with connections in use (abandoned_connections)"
            message = f"the books do not balance, {why}: {'; '.join(wrong)}"
            yield Finding("books_unbalanced", severity, pool.logger, len(wrong), message, facts.beginning(pool))


def _unidentified(facts: Facts) -> Iterator[Finding]:
    for pool in facts.pools:
        if pool.unidentified_checkouts:
            message = (
                f"{pool.driver} prints no address, so one connection cannot be told from another: "
                "events are counted, lives and checkouts are not followed"
            )
            yield Finding(
                "unidentified_connections",
                "info",
                pool.logger,
                pool.unidentified_checkouts,
                message,
                facts.beginning(pool),
            )


def _no_resets(facts: Facts) -> Iterator[Finding]:
    for pool in facts.pools:
        if pool.resets.none:
            message = (
                f"none of {many(pool.resets.none, 'return', 'returns')} is followed by a reset: "
                "the pool is set to reset_on_return=None"
            )
            place = facts.returned.get(pool.logger or "")
            places = (place,) if place else ()
            yield Finding("no_reset_on_return", "info", pool.logger, pool.resets.none, message, places)


def _unrecognised(facts: Facts) -> Iterator[Finding]:
    count, samples = facts.unrecognised
    if count:
        message = (
            f"{many(count, 'record', 'records')} on a pool logger {'is' if count == 1 else 'are'} not understood "
            "and not counted, such as: "
            f"{_shortened(masked(samples[0][1])) if samples else ''}"
        )
        yield Finding("unrecognised_records", "info", None, count, message, tuple(place for place, _ in samples))


_CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    churning_nullpools,
    replaced_by_age,
    _violated,
    _reclaimed,
    _unbalanced,
    _doubled,
    _damaged,
    _info_only,
    _no_resets,
    _unidentified,
    _unrecognised,
)


def _shortened(text: str, width: int = 120) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
