"""Counting: rates with a 95 % interval by bootstrap over groups (series, builds or sessions), at a fixed seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_RESAMPLES, _SEED, _LEVEL = 1000, 20260101, 0.95
#: Where not one of n independent trials hit, the rate is below 3/n at 95 %.
_RULE_OF_THREE = 3.0


class Rate(NamedTuple):
    """`hits` of `n`, from `groups` groups that stand for themselves; `low` and `high` are the 95 % interval of `value`."""

    hits: int
    n: int
    groups: int
    value: float | None
    low: float | None
    high: float | None


class Figure(NamedTuple):
    """One figure of the table: on which data, by which rule, with how much information, what was counted, at which injected size."""

    data: str
    rule: str
    information: str
    measure: str
    size: float
    rate: Rate


def rate(outcomes: Iterable[tuple[str, bool]]) -> Rate:
    """The share of hits among (group, hit); the interval resamples whole groups, for what a group shares is not independent.

    With no hit at all (or nothing but hits) no resample differs, and the interval ends at the rule of three.
    """
    counts: dict[str, list[int]] = {}
    for group, hit in outcomes:
        count = counts.setdefault(group, [0, 0])
        count[0] += hit
        count[1] += 1
    hits, n = (sum(count[column] for count in counts.values()) for column in (0, 1))
    if n == 0:
        return Rate(0, 0, 0, None, None, None)
    bound = min(1.0, _RULE_OF_THREE / n)
    if hits == 0:
        return Rate(0, n, len(counts), 0.0, 0.0, bound)
    if hits == n:
        return Rate(n, n, len(counts), 1.0, 1.0 - bound, 1.0)
    low, high = _interval(list(counts.values()))
    return Rate(hits, n, len(counts), hits / n, low, high)


def _interval(counts: Sequence[Sequence[int]]) -> tuple[float, float]:
    import numpy as np

    table = np.asarray(counts, dtype=float)
    chance = np.random.default_rng(_SEED)
    weights = chance.multinomial(len(table), np.full(len(table), 1 / len(table)), size=_RESAMPLES)
    sums = weights @ table
    rates = sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.quantile(rates, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def mean(values: Sequence[float]) -> Rate:
    """The mean of values that each stand for themselves, in their own unit: `hits` is their sum, rounded."""
    import numpy as np

    if not values:
        return Rate(0, 0, 0, None, None, None)
    chance = np.random.default_rng(_SEED)
    means = chance.choice(np.asarray(values, dtype=float), size=(_RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(means, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Rate(round(sum(values)), len(values), len(values), sum(values) / len(values), float(low), float(high))
