"""The score against a long history: its formula, its rates, and the same numbers one by one and many at once."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.stats import change_points, many, score

VALUES = st.lists(st.floats(0.5, 50.0), min_size=30, max_size=60)


def noise(kind: str, chance: random.Random, count: int) -> list[float]:
    """Logarithms of unchanged runs."""
    if kind == "log-normal":
        return [0.05 * chance.lognormvariate(0, 0.5) for _ in range(count)]
    if kind == "heavy-tailed":
        return [0.03 * chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 1 / 1.5)) for _ in range(count)]
    if kind == "two speeds":
        return [chance.choice((0.0, 0.3)) + chance.gauss(0, 0.01) for _ in range(count)]
    found, last = [], 0.0
    for at in range(count):
        last = 0.5 * last + chance.gauss(0, 0.04) if kind == "autocorrelated" else chance.gauss(0, 0.05)
        found.append(last + (0.001 * at if kind == "drifting" else 0.0))
    return found


def test_the_score_is_its_formula() -> None:
    chance = random.Random(1)
    history = [math.exp(chance.gauss(0, 0.05)) for _ in range(80)]
    logs = np.log(history)
    center = float(np.median(logs[-15:]))
    rolling = [abs(logs[at] - np.median(logs[at - 10 : at])) for at in range(10, 80)]
    low, high = np.quantile(np.abs(np.diff(logs)), [0.25, 0.75])
    parts = np.quantile(rolling, 0.95), high + 3 * (high - low), np.std(logs[-64:], ddof=1)
    spread = float(np.cbrt(np.prod(parts)))
    found = score.standing(history, 1.4)
    assert found.parts == pytest.approx(parts)
    assert (found.center, found.spread) == pytest.approx((center, spread))
    assert found.score == pytest.approx((math.log(1.4) - max(center, logs[-30:].max())) / spread)
    assert found.real


#: Alarms in a thousand unchanged runs, alone and as the median of three: measured here, with room for three standard errors.
RATES = {
    "normal": (12, 3),
    "log-normal": (20, 6),
    "heavy-tailed": (30, 6),
    "autocorrelated": (14, 4),
    "drifting": (16, 4),
    "two speeds": (3, 3),
}


@pytest.mark.parametrize("kind", RATES)
def test_unchanged_runs_are_called_worse_rarely_whatever_their_noise(kind: str) -> None:
    chance = random.Random(2)
    trials, alone, confirmed = 1000, 0, 0
    for _ in range(trials):
        values = [math.exp(value) for value in noise(kind, chance, 63)]
        history, further = values[:60], values[60:]
        first = score.standing(history, further[0])
        alone += first.real and first.effect > 0
        if first.suspect and first.effect > 0:
            third = score.standing(history, sorted(further)[1], candidates=3)
            confirmed += third.real and third.effect > 0
    assert alone <= RATES[kind][0]
    assert confirmed <= RATES[kind][1]


def test_what_is_called_visible_is_seen_nine_times_in_ten() -> None:
    chance = random.Random(3)
    trials, seen, seen_confirmed = 400, 0, 0
    for _ in range(trials):
        history = [math.exp(chance.gauss(0, 0.05)) for _ in range(60)]
        for candidates in (1, 3):
            known = score.standing(history, 1.0, candidates=candidates)
            assert known.visible is not None
            x = sorted(math.exp(chance.gauss(0, 0.05)) for _ in range(candidates))[candidates // 2]
            found = score.standing(history, x * (1 + known.visible), candidates=candidates)
            seen += found.real and candidates == 1
            seen_confirmed += found.real and candidates == 3
    assert 0.85 <= seen / trials <= 0.97
    assert 0.85 <= seen_confirmed / trials <= 0.99


@settings(deadline=None, max_examples=60)
@given(VALUES, st.floats(0.5, 50.0), st.floats(0.01, 100.0))
def test_scaling_every_value_changes_nothing(history: list[float], candidate: float, factor: float) -> None:
    one = score.standing(history, candidate)
    other = score.standing([value * factor for value in history], candidate * factor)
    assert one.score == pytest.approx(other.score, rel=1e-6, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(VALUES, st.floats(0.5, 50.0), st.floats(1.0, 3.0))
def test_a_worse_candidate_never_looks_less_real(history: list[float], candidate: float, more: float) -> None:
    one, worse = score.standing(history, candidate), score.standing(history, candidate * more)
    if one.effect > 0:
        assert (worse.real, worse.suspect) >= (one.real, one.suspect)


@settings(deadline=None, max_examples=60)
@given(VALUES)
def test_the_middle_of_the_recent_values_is_never_suspect(history: list[float]) -> None:
    middle = sorted(history[-score.RECENT :])[score.RECENT // 2]
    assert not score.standing(history, middle).suspect


def test_zero_and_negative_values_are_compared_by_differences() -> None:
    found = score.standing([0.0, 1.0, 2.0] * 15, 40.0)
    assert not found.log
    assert found.real
    assert score.standing([0.0] * 40, 0.0).real is False
    assert score.standing([0.0] * 40, 1.0).real


def test_one_step_of_a_coarse_clock_is_not_real() -> None:
    history = [20.0, 21.0] * 20
    assert not score.standing(history, 22.0, resolution=1.0).real
    assert score.standing(history, 24.0, resolution=1.0).real


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(0.5, 50.0), min_size=40, max_size=40), min_size=1, max_size=4))
def test_many_histories_at_once_give_the_same_numbers(histories: list[list[float]]) -> None:
    for history, known in zip(histories, many.known(histories), strict=True):
        alone = score.view(history, log=True)
        assert (known.view.n, known.view.log) == (alone.n, alone.log)
        assert known.view.parts == pytest.approx(alone.parts, abs=1e-12)
        assert known.view[2:3] + known.view[4:] == pytest.approx(alone[2:3] + alone[4:], abs=1e-12)
        if known.one_level:
            assert change_points.current_start(history) == 0


def test_most_quiet_histories_need_no_closer_look_and_every_step_gets_one() -> None:
    chance = random.Random(4)
    quiet = [[math.exp(chance.gauss(0, 0.05)) for _ in range(100)] for _ in range(300)]
    stepped = [[value * (1.3 if at >= 60 else 1.0) for at, value in enumerate(history)] for history in quiet]
    assert sum(each.one_level for each in many.known(quiet)) >= 250
    assert not any(each.one_level for each in many.known(stepped))
