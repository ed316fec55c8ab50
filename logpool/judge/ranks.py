"""Tests of whether two logs differ by more than chance: of hold times, and of how often something happens."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from logpool.report.comparison import HoldTest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.report.model import HoldCounts

    # stretch of the log -> class of length -> count
    Clusters = dict[int, Counter[int]]

# stretches are joined as long as so many are left: with fewer, Student's t leaves little to be sure of
_FEWEST = 5
# what is smaller than this share of a sum no longer changes it
_NOTHING = 1e-17


def clusters(*pools: HoldCounts) -> Clusters:
    """The holds of some pools together, stretch by stretch."""
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for pool in pools:
        for stretch, length, count in pool.rows:
            found[stretch][length] += count
    return dict(found)


def hold_test(baseline: Clusters, other: Clusters) -> HoldTest | None:
    """The rank test of hold times, with stretches of the logs as clusters; None where a side has no hold.

    The statistic is P(baseline < other) + P(equal) / 2, the Mann-Whitney U over the number of pairs. Its variance is
    that of Obuchowski, "Nonparametric analysis of clustered ROC curve data" (Biometrics 53, 1997), with the sums of the
    structural components per stretch, so that holds of one stretch may depend on each other; but at least that of
    Mann and Whitney with the correction for ties (Lehmann, "Nonparametrics", 1975, 1.4), as if all were independent.
    Student's t with as many degrees of freedom as the side with fewer stretches has, less one; p by the approximation
    of Wallace, "Bounds on normal approximations to Student's and the chi-square distributions" (Annals of Mathematical
    Statistics 30, 1959). Neighbouring stretches may hang together too: the largest p counts of those with stretches as
    they are, two joined, and four joined, and so on, as long as enough are left.
    """
    left, right = _together(baseline), _together(other)
    pairs = left.total() * right.total()
    if not pairs:
        return None
    # twice how many of the other side are on the right side of each hold: longer than one of the baseline, or shorter
    # than one of the other log; equal ones count once. Both sum up to the same
    longer = _beyond(right, left)
    shorter = {length: 2 * left.total() - count for length, count in _beyond(left, right).items()}
    above = sum(count * longer[length] for length, count in left.items())
    probability = above / (2 * pairs)
    least = _mann_whitney(left + right, left.total(), right.total())
    p = None
    one, two = baseline, other
    while min(len(one), len(two)) > 1:
        variance = max(least, _variance(one, longer, above, pairs) + _variance(two, shorter, above, pairs))
        # equal holds all over have none
        t = (probability - 0.5) / math.sqrt(variance) if variance else 0.0
        p = max(p or 0.0, _student(t, min(len(one), len(two)) - 1))
        one, two = _paired(one), _paired(two)
        if min(len(one), len(two)) < _FEWEST:
            break
    return HoldTest(left.total(), right.total(), len(baseline), len(other), probability, p)


def _paired(parts: Clusters) -> Clusters:
    """Stretches twice as long."""
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for stretch, counts in parts.items():
        found[stretch // 2].update(counts)
    return dict(found)


def _together(parts: Clusters) -> Counter[int]:
    total: Counter[int] = Counter()
    for counts in parts.values():
        total.update(counts)
    return total


def _beyond(counts: Counter[int], lengths: Iterable[int]) -> dict[int, int]:
    """For each length, twice how many are longer, and once how many are as long."""
    found = {}
    passed, total = 0, counts.total()
    for length in sorted({*counts, *lengths}):
        found[length] = 2 * (total - passed) - counts[length]
        passed += counts[length]
    return found


def _variance(parts: Clusters, placed: dict[int, int], above: int, pairs: int) -> float:
    """One side's share of the variance; ``placed`` over all its holds adds up to ``above``."""
    size = sum(counts.total() for counts in parts.values())
    squares = sum(
        (sum(count * placed[length] for length, count in counts.items()) * size - counts.total() * above) ** 2
        for counts in parts.values()
    )
    return len(parts) / (len(parts) - 1) * squares / (2 * pairs * size) ** 2


def _mann_whitney(counts: Counter[int], left: int, right: int) -> float:
    total = left + right
    ties = sum(count**3 - count for count in counts.values()) / (total * (total - 1))
    return max(0.0, total + 1 - ties) / (12 * left * right)


def _student(t: float, degrees: int) -> float:
    """The two-sided p of Student's t."""
    normal = (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(t * t / degrees))
    return math.erfc(normal / math.sqrt(2))


def rate_test(baseline: int, baseline_of: int, other: int, other_of: int) -> float:
    """Two-sided p of two counts, out of so many each, if both happen equally often.

    Given both together, the other one is binomial: Przyborowski and Wilenski, "Homogeneity of results in testing
    samples from Poisson series" (Biometrika 31, 1940); twice the smaller tail, 1 at most. It takes what it counts as
    independent.
    """
    total = baseline + other
    if not total or not baseline_of or not other_of:
        return 1.0
    share = other_of / (baseline_of + other_of)
    return min(1.0, 2 * min(_upper(other, total, share), _upper(baseline, total, 1 - share)))


def _upper(count: int, total: int, share: float) -> float:
    """The probability of ``count`` or more out of ``total``."""
    if count <= total * share:
        # not the rare side: the other tail decides
        return 1.0
    choices = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    term = math.exp(choices + count * math.log(share) + (total - count) * math.log1p(-share))
    added = 0.0
    # above the mean each term is smaller than the one before
    for number in range(count, total + 1):
        added += term
        if term <= added * _NOTHING:
            break
        term *= (total - number) / (number + 1) * share / (1 - share)
    return min(1.0, added)
