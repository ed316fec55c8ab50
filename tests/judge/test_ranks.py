"""Whether two logs differ by more than chance: against the definitions, and how often chance alone alarms."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logpool.judge.ranks import clusters, hold_test, rate_test
from logpool.report.model import HoldCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    Parts = dict[int, Counter[int]]

PARTS = st.dictionaries(
    st.integers(0, 6), st.dictionaries(st.integers(0, 9), st.integers(1, 30), min_size=1).map(Counter), max_size=6
)


def drawn(chance: random.Random, hold: Callable[[int], float], stretches: int = 24, size: int = 15) -> Parts:
    """Holds in so many stretches, in classes a tenth apart."""
    return {
        stretch: Counter(round(10 * math.log(hold(stretch))) for _ in range(chance.randint(1, 2 * size)))
        for stretch in range(stretches)
    }


@given(PARTS, PARTS)
@settings(max_examples=100)
def test_swapped_sides(left: Parts, right: Parts) -> None:
    forth, back = hold_test(left, right), hold_test(right, left)
    if forth is None or back is None:
        assert forth is back is None
        assert not left or not right
        return
    assert forth.probability_longer == pytest.approx(1 - back.probability_longer)
    assert forth.p == pytest.approx(back.p)
    assert (forth.baseline_count, forth.other_count) == (back.other_count, back.baseline_count)


@given(PARTS, PARTS)
@settings(max_examples=100)
def test_the_probability_is_that_of_all_pairs(left: Parts, right: Parts) -> None:
    sides = [[value for counts in side.values() for value in counts.elements()] for side in (left, right)]
    test = hold_test(left, right)
    if test is not None:
        wins = sum((two > one) + (two == one) / 2 for one, two in product(*sides))
        assert test.probability_longer == pytest.approx(wins / len(sides[0]) / len(sides[1]))


@given(PARTS.filter(lambda parts: len(parts) > 1))
@settings(max_examples=60)
def test_with_itself_nothing_is_longer(parts: Parts) -> None:
    test = hold_test(parts, parts)
    assert test is not None
    assert (test.probability_longer, test.p) == (0.5, 1.0)


def test_one_stretch_is_too_little_to_tell() -> None:
    test = hold_test({0: Counter({1: 1000})}, {0: Counter({2: 10}), 1: Counter({2: 10})})
    assert test is not None
    assert (test.probability_longer, test.p) == (1.0, None)


def test_against_a_table_of_t() -> None:
    # each hold in a stretch of its own, all of one side shorter: Mann and Whitney's variance counts, 13 / 12 / 36
    apart = hold_test({n: Counter([n]) for n in range(6)}, {n: Counter([n + 6]) for n in range(6)})
    assert apart is not None
    assert apart.p is not None
    # Student's t of 0.5 / sqrt(13 / 432) = 2.882 with 5 degrees of freedom: 0.0345 by tables
    assert apart.p == pytest.approx(0.0345, abs=0.0005)


def test_pools_together() -> None:
    one, two = HoldCounts("a", ((0, 3, 2), (1, 3, 1))), HoldCounts("b", ((1, 3, 5), (1, 4, 1)))
    assert clusters(one, two) == {0: {3: 2}, 1: {3: 6, 4: 1}}


def alarms(p_values: list[float], alpha: float) -> float:
    return sum(p < alpha for p in p_values) / len(p_values)


def test_chance_alarms_as_often_as_it_may() -> None:
    chance = random.Random(7)  # noqa: S311 - traffic, no secret
    p_values = []
    for _ in range(400):
        sides = [drawn(chance, lambda _: chance.lognormvariate(3, 1)) for _ in range(2)]
        test = hold_test(*sides)
        assert test is not None
        assert test.p is not None
        p_values.append(test.p)
    # no more often than it may, give or take three standard deviations of 400 tries; and not by far less often either,
    # though the largest of several p counts
    for alpha in (0.01, 0.05, 0.1, 0.2, 0.5, 0.8):
        slack = 3 * math.sqrt(alpha * (1 - alpha) / 400)
        assert alpha * 0.4 - slack < alarms(p_values, alpha) < alpha + slack, alpha


def phases(chance: random.Random, share: float, stretches: int = 24) -> list[float]:
    """How slow each stretch is, so much like the one before."""
    slow = [chance.gauss(0, 1)]
    while len(slow) < stretches:
        slow.append(share * slow[-1] + math.sqrt(1 - share**2) * chance.gauss(0, 1))
    return slow


def scattered(chance: random.Random, parts: Parts) -> Parts:
    """The same holds, each a stretch of its own, in any order: as if none had to do with another."""
    holds = [length for counts in parts.values() for length in counts.elements()]
    chance.shuffle(holds)
    return {number: Counter([length]) for number, length in enumerate(holds)}


@pytest.mark.parametrize(("share", "one_percent", "five_percent"), [(0.0, 0.03, 0.09), (0.4, 0.06, 0.12)])
def test_chance_alarms_no_more_often_where_holds_hang_together(
    share: float, one_percent: float, five_percent: float
) -> None:
    chance = random.Random(8)  # noqa: S311 - traffic, no secret
    p_values, naive = [], []
    for _ in range(200):
        slow = [phases(chance, share) for _ in range(2)]
        sides = [
            drawn(chance, lambda stretch, mine=mine: chance.lognormvariate(3 + mine[stretch], 0.5))  # type: ignore[misc]
            for mine in slow
        ]
        test, alone = hold_test(*sides), hold_test(*(scattered(chance, side) for side in sides))
        assert test is not None
        assert alone is not None
        p_values.append(test.p or 0.0)
        naive.append(alone.p or 0.0)
    assert alarms(p_values, 0.01) < one_percent
    assert alarms(p_values, 0.05) < five_percent
    # as they would without stretches
    assert alarms(naive, 0.01) > 0.3


def test_a_slowdown_is_seen() -> None:
    chance = random.Random(9)  # noqa: S311 - traffic, no secret
    seen = 0
    for _ in range(50):
        test = hold_test(
            drawn(chance, lambda _: chance.lognormvariate(3, 1)), drawn(chance, lambda _: chance.lognormvariate(3.5, 1))
        )
        assert test is not None
        assert test.p is not None
        seen += test.p < 0.01 and test.probability_longer > 0.5
    assert seen > 45


def exact(one: int, one_of: int, two: int, two_of: int) -> float:
    total, share = one + two, two_of / (one_of + two_of)
    chances = [math.comb(total, n) * share**n * (1 - share) ** (total - n) for n in range(total + 1)]
    return min(1.0, 2 * min(math.fsum(chances[two:]), math.fsum(chances[: two + 1])))


@given(st.integers(0, 60), st.integers(1, 500), st.integers(0, 60), st.integers(1, 500))
@settings(max_examples=200)
def test_rates_against_the_binomial(one: int, one_of: int, two: int, two_of: int) -> None:
    p = rate_test(one, one_of, two, two_of)
    assert p == pytest.approx(exact(one, one_of, two, two_of), abs=1e-9)
    assert p == pytest.approx(rate_test(two, two_of, one, one_of), abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((0, 10, 9, 10), 2 / 2**9), ((5, 10, 5, 10), 1.0), ((0, 0, 5, 10), 1.0), ((0, 10, 0, 10), 1.0)],
)
def test_rates(counts: tuple[int, int, int, int], expected: float) -> None:
    assert rate_test(*counts) == pytest.approx(expected)


def test_rates_of_millions() -> None:
    assert rate_test(1_000_000, 10**8, 1_000_500, 10**8) == pytest.approx(0.72, abs=0.01)
    assert rate_test(1_000_000, 10**8, 1_010_000, 10**8) < 1e-10
