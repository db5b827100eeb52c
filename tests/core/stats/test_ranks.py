"""Rank tests and shifts: against scipy, brute force, published examples, and simulated coverage."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.stats import rank_sum, shift, signed_rank

SMALL = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=5)
FLOATS = st.floats(-1e6, 1e6, allow_nan=False)


def untied(seed: int, n: int, m: int) -> tuple[list[float], list[float]]:
    chance = random.Random(seed)
    return [chance.gauss(0, 1) for _ in range(n)], [chance.gauss(0.5, 1) for _ in range(m)]


# --- p-values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 5), (3, 3), (4, 4), (5, 5), (7, 10), (10, 10), (20, 13), (50, 50)])
def test_the_exact_rank_test_is_scipys(n: int, m: int) -> None:
    x, y = untied(n * 100 + m, n, m)
    assert rank_sum.two_sided(x, y) == pytest.approx(scipy.stats.mannwhitneyu(x, y, method="exact").pvalue, rel=1e-9)
    theirs = scipy.stats.mannwhitneyu(y, x, method="exact", alternative="greater").pvalue
    assert rank_sum.greater(x, y) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("values", [1000, 7])
def test_many_values_are_tested_by_the_corrected_normal_approximation_of_scipy(values: int) -> None:
    chance = random.Random(5)
    x = [chance.randrange(values) * 1.0 for _ in range(60)]
    y = [chance.randrange(values) * 1.0 for _ in range(51)]
    theirs = scipy.stats.mannwhitneyu(x, y, method="asymptotic").pvalue
    assert rank_sum.two_sided(x, y) == pytest.approx(theirs, rel=1e-9)
    one_sided = scipy.stats.mannwhitneyu(y, x, method="asymptotic", alternative="greater").pvalue
    assert rank_sum.greater(x, y) == pytest.approx(one_sided, rel=1e-9)


def by_brute_force(x: Sequence[float], y: Sequence[float]) -> float:
    """Twice the smaller share of all divisions whose U is at least as extreme, at most 1."""
    pooled = [*x, *y]
    mine = rank_sum.statistic(x, y)[0]
    every = []
    for chosen in itertools.combinations(range(len(pooled)), len(x)):
        left = [pooled[index] for index in chosen]
        right = [value for index, value in enumerate(pooled) if index not in chosen]
        every.append(rank_sum.statistic(left, right)[0])
    low = sum(each <= mine for each in every) / len(every)
    high = sum(each >= mine for each in every) / len(every)
    return min(1.0, 2 * min(low, high))


@given(SMALL, SMALL)
@settings(deadline=None, max_examples=100)
def test_with_ties_the_rank_test_counts_every_division(x: list[float], y: list[float]) -> None:
    assert rank_sum.two_sided(x, y) == pytest.approx(by_brute_force(x, y), rel=1e-9)


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.1), (4, 0.0286), (5, 0.0079), (6, 0.0022), (7, 0.00058)])
def test_the_smallest_p_of_so_few_values_is_the_published_one(n: int, smallest: float) -> None:
    assert rank_sum.two_sided(range(n), range(n, 2 * n)) == pytest.approx(smallest, rel=0.02)


@pytest.mark.parametrize(
    ("n", "m", "critical"), [(4, 4, 0), (5, 5, 2), (6, 6, 5), (7, 7, 8), (8, 8, 13), (10, 10, 23), (20, 20, 127)]
)
def test_the_critical_values_are_those_of_the_published_table(n: int, m: int, critical: int) -> None:
    """Two-sided 5 %, for example Siegel and Castellan, table J; Mann and Whitney (1947)."""
    known = rank_sum.distribution(n, m)
    assert 2 * known.up_to(critical) <= 0.05 < 2 * known.up_to(critical + 1)


PERMEABILITY = (
    [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
    [1.15, 0.88, 0.90, 0.74, 1.21],
)
DEPRESSION = [-0.952, 0.147, -1.022, -0.430, -0.620, -0.590, -0.490, 0.080, -0.010]


def test_the_textbook_examples_come_out_as_printed() -> None:
    """Hollander and Wolfe, tables 4.1 and 3.1: p = 0.127 and 0.0195; shifts 0.305 (-0.15, 0.76) and -0.46 (-0.786, -0.010)."""
    term, early = PERMEABILITY
    assert rank_sum.greater(early, term) == pytest.approx(0.1272, abs=5e-5)
    found = shift.two_sample(early, term)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.305, -0.15, 0.76))
    assert found.level == pytest.approx(0.96, abs=0.003)
    assert signed_rank.greater([-each for each in DEPRESSION]) == pytest.approx(0.01953, abs=5e-6)
    fall = shift.paired(DEPRESSION)
    assert (fall.estimate, fall.low, fall.high) == pytest.approx((-0.46, -0.786, -0.010))
    assert fall.level == pytest.approx(0.961, abs=0.001)


@pytest.mark.parametrize("n", [1, 3, 6, 15, 50])
def test_the_signed_rank_test_is_scipys(n: int) -> None:
    differences, _ = untied(n, n, 1)
    theirs = scipy.stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank.two_sided(differences) == pytest.approx(theirs, rel=1e-9)


def test_many_differences_are_tested_by_the_corrected_normal_approximation_of_scipy() -> None:
    chance = random.Random(9)
    differences = [chance.randrange(-3, 6) * 1.0 for _ in range(80)]
    nonzero = [each for each in differences if each]
    assert len(nonzero) > signed_rank.EXACT_TO
    theirs = scipy.stats.wilcoxon(nonzero, method="asymptotic", correction=True).pvalue
    assert signed_rank.two_sided(differences) == pytest.approx(theirs, rel=1e-9)


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=9))
@settings(deadline=None, max_examples=100)
def test_with_ties_the_signed_rank_test_counts_every_choice_of_signs(differences: list[float]) -> None:
    nonzero = [each for each in differences if each]
    if not nonzero:
        assert signed_rank.two_sided(differences) == 1.0
        return
    mine = signed_rank.statistic(nonzero)[0]
    every = [
        signed_rank.statistic([sign * abs(each) for sign, each in zip(signs, nonzero, strict=True)])[0]
        for signs in itertools.product((-1, 1), repeat=len(nonzero))
    ]
    low, high = sum(each <= mine for each in every), sum(each >= mine for each in every)
    assert signed_rank.two_sided(differences) == pytest.approx(min(1.0, 2 * min(low, high) / len(every)))


@given(st.lists(FLOATS, min_size=1, max_size=30), st.lists(FLOATS, min_size=1, max_size=30))
@settings(deadline=None, max_examples=60)
def test_swapping_the_sides_changes_no_two_sided_p_and_equal_sides_never_differ(x: list[float], y: list[float]) -> None:
    assert rank_sum.two_sided(x, y) == pytest.approx(rank_sum.two_sided(y, x), rel=1e-9)
    assert rank_sum.two_sided(x, x) == 1.0
    assert 0 < rank_sum.two_sided(x, y) <= 1


# --- shifts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "level"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.96875)])
def test_so_few_pairs_give_their_whole_range_and_say_how_sure_that_is(n: int, level: float) -> None:
    found = shift.paired([float(each) for each in range(n)])
    assert (found.low, found.high) == (0.0, n - 1.0)
    assert found.level == level
    assert found.exact


def test_three_against_three_cannot_give_95_per_cent() -> None:
    found = shift.two_sample([1.0, 2.0, 3.0], [5.0, 6.0, 7.0])
    assert found[:3] == (4.0, 2.0, 6.0)
    assert found.level == pytest.approx(0.9)


def test_an_interval_excludes_zero_just_when_the_test_of_its_level_rejects() -> None:
    for seed in range(60):
        x, y = untied(seed, 6, 7)
        found = shift.two_sample(x, y)
        assert (found.low > 0 or found.high < 0) is (rank_sum.two_sided(x, y) <= 0.05)
        pairs = shift.paired(y)
        assert (pairs.low > 0 or pairs.high < 0) is (signed_rank.two_sided(y) <= 0.05)


def test_the_normal_interval_is_next_to_the_exact_one() -> None:
    x, y = untied(3, 50, 50)
    more, much = untied(4, 51, 51)
    for exact, normal in (
        (shift.two_sample(x, y), shift.two_sample(more, much)),
        (shift.paired(x), shift.paired(more)),
    ):
        assert exact.exact
        assert not normal.exact
        assert (normal.high - normal.low) == pytest.approx(exact.high - exact.low, rel=0.25)


@pytest.mark.parametrize(
    ("n", "low", "high"),
    # The order statistics (from 1; 0 and n + 1 are infinite) that benchstat's QuantileCI gives for a median at 95 %.
    [(1, 0, 2), (2, 0, 3), (3, 0, 4), (4, 0, 5), (5, 0, 5), (6, 1, 6), (7, 1, 7), (8, 1, 7), (10, 2, 9), (20, 6, 15)],
)
def test_the_interval_of_a_median_lies_between_the_order_statistics_of_benchstat(n: int, low: int, high: int) -> None:
    found = shift.of_median([float(each) for each in range(1, n + 1)])
    assert found.low == (low or -math.inf)
    assert found.high == (high if high <= n else math.inf)
    assert found.level >= 0.95


Draw = Callable[[random.Random], float]
NOISES: dict[str, Draw] = {
    "normal": lambda chance: chance.gauss(0, 1),
    "log-normal": lambda chance: chance.lognormvariate(0, 1),
    "t3": lambda chance: chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2) / 3),
    "bistable": lambda chance: chance.gauss(0, 0.1) + (3 if chance.random() < 0.4 else 0),
}


@pytest.mark.parametrize("noise", NOISES)
def test_intervals_cover_as_often_as_they_say(noise: str) -> None:
    """1,000 samples of each size at a fixed seed: within four standard errors of the stated level (no ties, so that the level is exact)."""
    chance, draw = random.Random(20261121), NOISES[noise]
    for n, m in ((5, 5), (10, 7)):
        covered = {"two": 0, "paired": 0, "median": 0}
        for _ in range(1000):
            x, y = [draw(chance) for _ in range(n)], [draw(chance) + 2.0 for _ in range(m)]
            two = shift.two_sample(x, y)
            covered["two"] += two.low <= 2.0 <= two.high
            pairs = shift.paired([left - right + 1.0 for left, right in zip(x, reversed(x), strict=True)][: n // 2])
            covered["paired"] += pairs.low <= 1.0 <= pairs.high
            middle = shift.of_median(x)
            covered["median"] += middle.low <= MEDIANS[noise] <= middle.high
        for name, level in (("two", two.level), ("paired", pairs.level), ("median", middle.level)):
            assert covered[name] / 1000 == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 1000)), name


#: The bistable one: 0.6 Φ(m/0.1) + 0.4 Φ((m - 3)/0.1) = 0.5 at m = 0.1 Φ⁻¹(5/6).
MEDIANS = {"normal": 0.0, "log-normal": 1.0, "t3": 0.0, "bistable": 0.0967422}
