"""The result of a comparison: frozen values, which every face renders and none computes.

The names are those of the JSON. Durations are seconds.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from logpool.classes import dataclass
from logpool.report.model import SCHEMA_VERSION

if TYPE_CHECKING:
    from logpool.report.model import Evidence, Severity


@dataclass(frozen=True)
class Side:
    """One side of a comparison. What its log does not hold is None."""

    FIGURES: ClassVar[tuple[str, ...]] = (
        "mean_seconds",
        "first_seconds",
        "mean_after_first_seconds",
        "checkouts",
        "created",
        "closed",
        "created_per_checkout",
        "reuse_ratio",
        "hold_mean",
        "hold_p50",
        "hold_p95",
        "hold_p99",
        "hold_max",
        "peak_open",
        "peak_checked_out",
        "timeouts",
    )

    paths: tuple[str, ...]
    pools: tuple[str, ...]
    pool_classes: tuple[str, ...]
    queries: int | None
    mean_seconds: float | None
    first_seconds: float | None
    mean_after_first_seconds: float | None
    checkouts: int
    created: int
    closed: int
    created_per_checkout: float | None
    reuse_ratio: float | None
    hold_mean: float | None
    hold_p50: float | None
    hold_p95: float | None
    hold_p99: float | None
    hold_max: float | None
    peak_open: int
    peak_checked_out: int
    timeouts: int


@dataclass(frozen=True)
class HoldTest:
    """Whether connections are held longer in the other log than in the baseline, by more than chance.

    Attributes:
        baseline_count: holds compared, likewise ``other_count``.
        baseline_stretches: stretches of the log with holds in them, likewise ``other_stretches``: holds of one stretch
            may hang together, stretches are taken as independent.
        probability_longer: that a hold of the other log is longer than one of the baseline, both drawn at random;
            equally long ones count half. 0.5 where neither is.
        p: two-sided: how often chance alone would bring at least so much; None where too few stretches are known.
        mean_ratio: of the mean hold times, other / baseline; likewise ``p50_ratio``.
        verdict: ``longer`` or ``shorter`` where it is beyond chance and matters, else ``same``; ``unknown`` without p.
    """

    baseline_count: int
    other_count: int
    baseline_stretches: int
    other_stretches: int
    probability_longer: float
    p: float | None
    mean_ratio: float | None = None
    p50_ratio: float | None = None
    verdict: Literal["longer", "shorter", "same", "unknown"] = "unknown"


@dataclass(frozen=True)
class Figure:
    """One figure of both sides.

    Attributes:
        baseline: None where that log does not tell; likewise ``other``.
        difference: other - baseline; None where one is none, or no number.
        ratio: other / baseline; None there too, and where the baseline is 0.
    """

    baseline: float | str | None
    other: float | str | None
    difference: float | None
    ratio: float | None


@dataclass(frozen=True)
class PoolChange:
    """One pool in both logs; or all pools together, without loggers.

    Attributes:
        baseline: its logger in the first log; likewise ``other``.
        figures: every figure by its name, parts after a point: ``resets.rollback``.
        hold_test: None where one log knows no hold.
    """

    baseline: str | None
    other: str | None
    figures: dict[str, Figure]
    hold_test: HoldTest | None


@dataclass(frozen=True)
class FindingChange:
    """A kind of finding on one pool that is not the same in both logs.

    Attributes:
        code: what kind of finding.
        pool: its logger, in the other log where it is there; None where no single pool is concerned.
        baseline_severity: the worst; None where the first log has none. Likewise ``other_severity``.
        baseline_count: how often; likewise ``other_count``.
        message: of the worst one, in the other log where it is there; likewise ``evidence``.
    """

    code: str
    pool: str | None
    baseline_severity: Severity | None
    other_severity: Severity | None
    baseline_count: int
    other_count: int
    message: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class FindingChanges:
    """What the other log shows that the baseline does not, the reverse, and what both show to different degrees."""

    appeared: tuple[FindingChange, ...] = ()
    gone: tuple[FindingChange, ...] = ()
    changed: tuple[FindingChange, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """Two logs side by side.

    Attributes:
        baseline: the first log.
        other: the second.
        ratios: other / baseline of every figure in :attr:`Side.FIGURES`; None where a side is missing.
        totals: all pools together.
        pools: those that both logs have.
        baseline_only: loggers of pools that the other log has not; likewise ``other_only``.
        findings: how they differ.
        worse: every reason to call the other log worse; none if it is not.
    """

    baseline: Side
    other: Side
    ratios: dict[str, float | None]
    totals: PoolChange
    pools: tuple[PoolChange, ...] = ()
    baseline_only: tuple[str, ...] = ()
    other_only: tuple[str, ...] = ()
    findings: FindingChanges = FindingChanges()
    worse: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[PoolChange, ...]:
        """What is judged: the pools that both logs have, else all pools together.

        Where some have no counterpart, all together would change as the mix of pools does.
        """
        return self.pools or (self.totals,)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of ``compare``, as plain values."""
        totals = asdict(self.totals)
        return {
            "schema_version": SCHEMA_VERSION,
            "baseline": asdict(self.baseline),
            "other": asdict(self.other),
            "ratios": dict(self.ratios),
            "totals": totals["figures"],
            "hold_test": totals["hold_test"],
            "pools": [asdict(pool) for pool in self.pools],
            "unmatched_pools": {"baseline": list(self.baseline_only), "other": list(self.other_only)},
            "findings": asdict(self.findings),
            "worse": list(self.worse),
        }
