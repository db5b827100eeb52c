"""Theil–Sen against scipy, published values and simulation."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perfgate.core.stats.slope import level_at_end, theil_sen


@pytest.mark.parametrize("seed", range(5))
def test_slope_and_interval_agree_with_scipy_where_nothing_is_autocorrelated(seed: int) -> None:
    source = random.Random(seed)
    times = sorted(source.uniform(0, 100) for _ in range(40))
    values = [3 + 0.05 * time + source.gauss(0, 1) for time in times]
    mine = theil_sen(times, values)
    theirs = stats.theilslopes(values, times, alpha=0.95)
    assert mine is not None
    assert mine.slope == pytest.approx(theirs.slope)
    # What is left over may be autocorrelated by chance: then the interval is wider, never narrower.
    assert mine.low <= theirs.low_slope + 1e-12
    assert mine.high >= theirs.high_slope - 1e-12


def test_the_interval_is_scipys_for_alternating_noise() -> None:
    times = [float(index) for index in range(30)]
    values = [0.1 * time + (1 + time % 7) * (-1) ** int(time) for time in times]
    mine = theil_sen(times, values)
    theirs = stats.theilslopes(values, times, alpha=0.95)
    assert mine is not None
    # scipy rounds to other order statistics: ours are never the narrower ones.
    assert mine.low == pytest.approx(theirs.low_slope, abs=0.02)
    assert mine.high == pytest.approx(theirs.high_slope, abs=0.02)
    assert mine.low <= theirs.low_slope
    assert mine.high >= theirs.high_slope


@pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.06), (0.5, 0.12)])
def test_noise_without_a_slope_seldom_shows_one(correlation: float, most: float) -> None:
    source = random.Random(3)
    shown = 0
    for _ in range(200):
        value, values = source.gauss(0, 1), []
        for _ in range(40):
            value = correlation * value + math.sqrt(1 - correlation**2) * source.gauss(0, 1)
            values.append(value)
        found = theil_sen([float(index) for index in range(40)], values)
        shown += found is not None and found.is_shown
    assert shown / 200 <= most


def test_the_interval_covers_the_true_slope() -> None:
    source = random.Random(5)
    covered = 0
    for _ in range(200):
        values = [0.02 * index + source.gauss(0, 1) for index in range(30)]
        found = theil_sen([float(index) for index in range(30)], values)
        covered += found is not None and found.low <= 0.02 <= found.high
    assert covered / 200 >= 0.93


def test_values_of_one_moment_and_few_values_have_no_slope() -> None:
    assert theil_sen([1.0] * 30, [float(index) for index in range(30)]) is None
    assert theil_sen([float(index) for index in range(9)], [float(index) for index in range(9)]) is None


def test_a_constant_has_a_slope_of_zero_that_is_not_shown() -> None:
    found = theil_sen([float(index) for index in range(20)], [4.0] * 20)
    assert found is not None
    assert found.slope == 0
    assert not found.is_shown


@settings(max_examples=40, deadline=None)
@given(st.floats(-100, 100), st.floats(-1e3, 1e3))
def test_a_line_is_found_exactly(slope: float, start: float) -> None:
    times = [float(index) for index in range(12)]
    values = [start + slope * time for time in times]
    found = theil_sen(times, values)
    assert found is not None
    assert found.slope == pytest.approx(slope, abs=1e-6)
    assert level_at_end(times, values, found.slope) == pytest.approx(values[-1], abs=1e-6)
