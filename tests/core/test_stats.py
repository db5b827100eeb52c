"""Student's t and the prediction interval against scipy, published values and simulation."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perfgate.core.stats import prediction, student
from perfgate.core.stats.estimators import block_medians, mean_and_sd, median


@pytest.mark.parametrize("df", [1, 2, 3, 4, 6.5, 9, 29, 99, 1000])
@pytest.mark.parametrize("p", [0.55, 0.9, 0.975, 0.99, 0.995, 0.9995])
def test_quantiles_of_student_agree_with_scipy(p: float, df: float) -> None:
    assert student.quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9)
    assert student.quantile(1 - p, df) == pytest.approx(stats.t.ppf(1 - p, df), rel=1e-9)


@pytest.mark.parametrize("df", [1, 4, 9, 99])
@pytest.mark.parametrize("t", [-3.0, 0.0, 0.1, 1.0, 2.5, 8.0, 40.0])
def test_tails_of_student_agree_with_scipy(t: float, df: float) -> None:
    assert student.upper_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-9)


def test_the_quantile_of_published_tables_is_met() -> None:
    # Two-sided 99 % with 9 degrees of freedom: 3.250 in every printed table of Student's t.
    assert round(student.quantile(0.995, 9), 3) == 3.250


def test_the_interval_is_the_textbook_formula() -> None:
    history = [10.0, 11.0, 9.5, 10.5, 10.2, 9.8]
    made = prediction.predict(history, 12.0)
    logs = [math.log(value) for value in history]
    center, sd = mean_and_sd(logs)
    assert made.center == pytest.approx(center)
    assert made.half_width == pytest.approx(stats.t.ppf(0.995, 5) * sd * math.sqrt(1 + 1 / 6))
    assert made.p == pytest.approx(2 * stats.t.sf((math.log(12.0) - center) / (sd * math.sqrt(7 / 6)), 5))


def test_a_history_without_spread_still_has_a_half_width_of_five_percent() -> None:
    made = prediction.predict([1.0] * 20, 1.04)
    assert made.half_width == pytest.approx(0.05)
    assert abs(made.distance) < 1


def test_the_step_of_the_measurement_is_a_floor() -> None:
    # A jobs API that tells whole seconds cannot show that 3 s became 4 s.
    made = prediction.predict([3.0] * 10, 4.0, resolution=1.0)
    assert abs(made.distance) <= 1


def test_values_at_zero_switch_to_absolute_differences() -> None:
    made = prediction.predict([0.0, 0.0, 1.0, 0.0, 0.0, 0.5], 1.0)
    assert not made.log
    assert made.visible is not None


def test_a_history_of_zeros_says_that_any_growth_is_beyond_it() -> None:
    made = prediction.predict([0.0] * 8, 1.0)
    assert made.visible is None
    assert made.distance == math.inf


@pytest.mark.parametrize(
    ("noise", "most", "most_real"), [("normal", 0.015, 0.003), ("lognormal", 0.015, 0.003), ("heavy", 0.03, 0.012)]
)
def test_unchanged_programs_fall_outside_the_interval_about_once_in_a_hundred(
    noise: str, most: float, most_real: float
) -> None:
    chance = random.Random(20261121)
    draws: dict[str, Callable[[], float]] = {
        "normal": lambda: 100 + chance.gauss(0, 8),
        "lognormal": lambda: 100 * math.exp(chance.gauss(0, 0.1)),
        "heavy": lambda: 100 * math.exp(0.06 * chance.gauss(0, 1) / math.sqrt(chance.gammavariate(2, 0.5))),
    }
    draw = draws[noise]
    outside = real = 0
    rounds = 2000
    for _ in range(rounds):
        made = prediction.predict([draw() for _ in range(15)], draw())
        outside += abs(made.distance) > 1
        real += made.distance > prediction.REAL_AT
    assert outside / rounds <= most
    assert real / rounds <= most_real


def test_the_stated_false_alarm_rate_is_the_simulated_one() -> None:
    chance = random.Random(7)
    rounds = 6000
    real, stated = 0, 0.0
    for _ in range(rounds):
        made = prediction.predict([math.exp(chance.gauss(0, 0.1)) for _ in range(8)], math.exp(chance.gauss(0, 0.1)))
        real += made.distance > prediction.REAL_AT
        stated += made.false_alarm
    assert stated / rounds == pytest.approx(real / rounds, abs=0.002)


def test_the_smallest_visible_change_is_seen_nine_times_in_ten() -> None:
    chance = random.Random(11)
    rounds, seen = 1500, 0
    for _ in range(rounds):
        history = [math.exp(chance.gauss(0, 0.1)) for _ in range(30)]
        quiet = prediction.predict(history, 1.0)
        assert quiet.visible is not None
        made = prediction.predict(history, math.exp(chance.gauss(0, 0.1)) * (1 + quiet.visible))
        seen += made.distance > prediction.REAL_AT
    assert seen / rounds == pytest.approx(0.9, abs=0.03)


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=30), st.floats(0.01, 1e6), st.floats(1e-3, 1e3))
@settings(max_examples=200)
def test_scaling_every_value_changes_nothing(history: list[float], candidate: float, factor: float) -> None:
    plain = prediction.predict(history, candidate)
    scaled = prediction.predict([value * factor for value in history], candidate * factor)
    assert scaled.distance == pytest.approx(plain.distance, rel=1e-6, abs=1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(-1e6, 1e6), st.floats(0, 10))
@settings(max_examples=200)
def test_every_history_gives_numbers_that_are_not_nan(
    history: list[float], candidate: float, resolution: float
) -> None:
    made = prediction.predict(history, candidate, resolution=resolution)
    for value in (made.center, made.sd, made.half_width, made.distance, made.p, made.false_alarm):
        assert not math.isnan(value)


def test_many_values_become_block_medians_in_their_order() -> None:
    assert block_medians([1.0, 2.0]) == (1.0, 2.0)
    reduced = block_medians([float(n) for n in range(1000)])
    assert len(reduced) == 100
    assert list(reduced) == sorted(reduced)
    assert median([3.0, 1.0, 2.0]) == 2.0
