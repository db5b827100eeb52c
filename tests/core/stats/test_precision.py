"""When a median is known closely enough, and how often an interval that stopped the measuring holds the truth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from perfgate.core.stats import precision

NOISES: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda chance: chance.gauss(0, 0.1),
    "log-normal": lambda chance: 0.15 * chance.lognormvariate(0, 0.5),
    "heavy-tailed": lambda chance: 0.08 * chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 1 / 1.5)),
    "skewed": lambda chance: (0.3 if chance.random() < 0.3 else 0.0) + abs(chance.gauss(0, 0.03)),
}


def stopped(values: list[float], within: float) -> list[float]:
    """What would have been measured of these."""
    for number in range(1, len(values)):
        if precision.precise(values[:number], within):
            return values[:number]
    return values


@pytest.mark.parametrize("noise", NOISES)
def test_the_interval_that_stops_the_measuring_holds_the_median_as_often_as_is_said(noise: str) -> None:
    chance = random.Random(2)
    ordered = sorted(math.exp(NOISES[noise](chance)) for _ in range(20001))
    truth, trials, held = ordered[10000], 250, 0
    for _ in range(trials):
        found = precision.known(stopped([math.exp(NOISES[noise](chance)) for _ in range(200)], 0.05))
        held += found.low <= truth <= found.high
    assert held / trials >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / trials)


def test_nobody_looks_before_ten_runs_nor_after_every_one() -> None:
    assert [number for number in range(1, 60) if precision.precise([1.0] * number, 0.01)] == [10, 14, 20, 28, 40, 57]


def test_what_is_asked_for_is_reached_on_both_sides_of_the_median() -> None:
    values = [1.0] * 8 + [1.5] * 6
    assert precision.reach(values) > 0.4
    assert not precision.precise(values, 0.4)
    assert math.isinf(precision.reach([1.0] * 5))
    assert math.isinf(precision.reach([0.0] * 20))
