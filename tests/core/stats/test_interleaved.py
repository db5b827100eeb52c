"""Both sides measured in pairs: what is called real, by ranks and by alignment, and when sampling stops."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.metrics import Direction
from perfgate.core.stats import alignment, interleaved, sequential
from perfgate.core.stats.interleaved import Interleaved, compare_pairs

_Noise = Callable[[random.Random], float]

NOISES: dict[str, _Noise] = {
    "normal": lambda chance: chance.gauss(0, 0.15),
    "log-normal": lambda chance: chance.lognormvariate(0, 0.5) * 0.15,
    "heavy-tailed": lambda chance: 0.08 * chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 1 / 1.5)),
    "two speeds": lambda chance: chance.choice((0.0, 0.5)) + chance.gauss(0, 0.01),
}
VALUES = st.lists(st.floats(0.5, 5.0), min_size=5, max_size=7)


def side(chance: random.Random, noise: _Noise, count: int, ratio: float = 1.0) -> list[float]:
    return [ratio * math.exp(noise(chance)) for _ in range(count)]


def called_worse(found: Interleaved) -> bool:
    return found.real and found.shift > 0


@pytest.mark.parametrize("noise", NOISES)
def test_equal_sides_are_called_worse_no_more_often_than_once_in_forty(noise: str) -> None:
    chance = random.Random(3)
    trials = 150
    alarms = sum(
        called_worse(compare_pairs(side(chance, NOISES[noise], 10), side(chance, NOISES[noise], 10)))
        for _ in range(trials)
    )
    # 2.5 % by ranks and 0.5 % by alignment at most; three standard errors of so many trials beside.
    assert alarms / trials <= 0.03 + 3 * math.sqrt(0.03 * 0.97 / trials)


@pytest.mark.parametrize("noise", ["normal", "two speeds"])
def test_looking_at_five_seven_and_ten_pairs_alarms_hardly_more_often_than_once_in_forty(noise: str) -> None:
    chance = random.Random(5)
    trials = 150
    alarms = 0
    for _ in range(trials):
        before, after = (side(chance, NOISES[noise], 10) for _ in range(2))
        for look in (look for look in sequential.LOOKS if look <= 10):
            if sequential.decided(before[:look], after[:look], warn=0.05, block=0.10, most=10, better=Direction.LOWER):
                alarms += called_worse(compare_pairs(before[:look], after[:look]))
                break
    assert alarms / trials <= 0.03 + 3 * math.sqrt(0.03 * 0.97 / trials)


def test_a_machine_of_two_speeds_shows_ten_per_cent_by_alignment_where_ranks_see_nothing() -> None:
    chance = random.Random(7)
    by_ranks = by_alignment = wrong = 0
    for _ in range(40):
        before, after = (side(chance, NOISES["two speeds"], 10, ratio) for ratio in (1.0, 1.10))
        found = compare_pairs(before, after)
        if called_worse(found) and found.aligned is not None:
            assert interleaved.MARGIN < found.low < found.shift < found.high
            assert math.expm1(found.shift) == pytest.approx(0.10, abs=0.03)
            by_alignment += 1
        else:
            by_ranks += called_worse(found)
            wrong += found.real and found.shift < 0
    assert by_ranks + by_alignment >= 24, "ranks alone see about 15 of these 40"
    assert by_alignment >= 8
    assert wrong <= 2, "where the speeds fell unevenly, the wrong heaps can lie on each other"


def test_the_interval_by_alignment_holds_the_true_shift() -> None:
    chance = random.Random(11)
    held = real = 0
    for _ in range(40):
        before, after = (side(chance, NOISES["two speeds"], 10, ratio) for ratio in (1.0, 1.15))
        found = compare_pairs(before, after)
        if found.real and found.aligned is not None:
            real += 1
            held += found.low <= math.log(1.15) <= found.high
    assert real >= 10
    assert held / real >= 0.9


def test_the_p_of_alignment_is_that_of_all_divisions() -> None:
    before, after = [1.0, 1.01, 1.03, 1.005, 1.02], [1.3, 1.31, 1.33, 1.32, 1.305]
    logs = [[math.log(value) for value in values] for values in (before, after)]
    p = alignment.greater(logs[0], logs[1], interleaved.MARGIN, level=0.005)
    assert p == pytest.approx(1 / math.comb(10, 5))
    assert alignment.greater(logs[1], logs[0], interleaved.MARGIN, level=0.005) == 1.0


def test_too_few_pairs_are_never_real_however_far_apart() -> None:
    for pairs in (1, 2, 3):
        assert not compare_pairs([1.0] * pairs, [9.0] * pairs).real
    assert compare_pairs([1.0, 1.1, 1.05, 1.02, 1.01], [9.0, 9.1, 9.2, 9.3, 9.4]).real


def test_differences_within_the_margin_are_not_real_however_sure() -> None:
    before = [1.0 + n / 1e6 for n in range(10)]
    assert not compare_pairs(before, [value * 1.015 for value in before]).real
    assert compare_pairs(before, [value * 1.025 for value in before]).real


def test_values_of_zero_are_compared_by_their_differences() -> None:
    found = compare_pairs([0.0, 1.0, 2.0, 1.0, 1.0, 1.0], [5.0, 6.0, 7.0, 6.0, 6.0, 6.0])
    assert not found.log
    assert found.real
    assert found.shift == pytest.approx(5.0)


def test_one_step_of_a_coarse_clock_is_no_difference() -> None:
    assert not compare_pairs([10.0] * 6, [11.0] * 6, resolution=1.0).real
    assert compare_pairs([10.0] * 6, [12.0] * 6, resolution=1.0).real


@settings(deadline=None, max_examples=20)
@given(VALUES, st.floats(0.01, 100.0))
def test_scaling_both_sides_changes_nothing(values: list[float], factor: float) -> None:
    before, after = values, [value * 1.3 for value in reversed(values)]
    one = compare_pairs(before, after)
    other = compare_pairs([each * factor for each in before], [each * factor for each in after])
    assert one.real == other.real
    assert one.shift == pytest.approx(other.shift, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(VALUES, VALUES)
def test_swapping_the_sides_mirrors_the_result(first: list[float], second: list[float]) -> None:
    count = min(len(first), len(second))
    one, other = compare_pairs(first[:count], second[:count]), compare_pairs(second[:count], first[:count])
    assert one.real == other.real
    assert one.shift == pytest.approx(-other.shift, abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(VALUES)
def test_equal_sides_are_never_real(values: list[float]) -> None:
    assert not compare_pairs(values, values).real


@settings(deadline=None, max_examples=20)
@given(VALUES, st.permutations(range(5)))
def test_the_order_of_the_pairs_changes_nothing_about_ranks(values: list[float], order: list[int]) -> None:
    before, after = values[:5], [value * 1.4 for value in values[:5]]
    one = compare_pairs(before, after)
    other = compare_pairs([before[at] for at in order], [after[at] for at in order])
    assert (one.low, one.high, one.real) == (other.low, other.high, other.real)


def test_what_is_called_visible_is_seen_nine_times_in_ten() -> None:
    chance = random.Random(13)
    seen = trials = 0
    for _ in range(60):
        before, after = (side(chance, lambda it: it.gauss(0, 0.05), 10) for _ in range(2))
        visible = compare_pairs(before, after).visible
        assert visible is not None
        fresh = [side(chance, lambda it: it.gauss(0, 0.05), 10, ratio) for ratio in (1.0, 1 + visible)]
        seen += called_worse(compare_pairs(*fresh))
        trials += 1
    assert seen / trials >= 0.8


def test_sampling_stops_where_it_is_decided_and_goes_on_where_it_is_not() -> None:
    quiet = [1.0, 1.001, 0.999, 1.002, 1.0]

    def stops(after: list[float], better: Direction = Direction.LOWER) -> bool:
        return sequential.decided(quiet[: len(after)], after, warn=0.05, block=0.10, most=20, better=better)

    assert stops([value * 1.5 for value in quiet]), "far beyond the block"
    assert stops(quiet), "no worse than the warning"
    assert stops([value * 0.5 for value in quiet]), "better"
    assert not stops([1.0, 1.5, 0.8, 1.6, 0.9]), "noise that may hide anything"
    assert not stops(quiet[:2]), "before the first look"
    assert stops([value * 0.5 for value in quiet], Direction.HIGHER), "worse, where more is better"
    assert sequential.decided([1.0], [1.0], warn=0.05, block=0.1, most=1, better=Direction.LOWER), "the cap"
