"""Centres and spreads of a sample, and its reduction to a size that can be stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from perfgate.core.units import Number

#: More values than this from one capture are stored as medians of consecutive blocks: they are autocorrelated anyway, and
#: the error term of every judgement is the variation between runs.
STORED_VALUES = 100


def median(values: Sequence[Number]) -> Number:
    """The middle value, or the mean of the two middle ones; `values` must not be empty. Decimal stays Decimal."""
    ordered = sorted(values)
    middle, odd = divmod(len(ordered), 2)
    if odd:
        return ordered[middle]
    low, high = ordered[middle - 1], ordered[middle]
    if isinstance(low, Decimal) and isinstance(high, Decimal):
        return (low + high) / 2
    return float(low) + (float(high) - float(low)) / 2


def mean(values: Sequence[Number]) -> Number:
    """The arithmetic mean of at least one value; Decimal stays Decimal."""
    amounts = [value for value in values if isinstance(value, Decimal)]
    if len(amounts) == len(values):
        return sum(amounts, Decimal(0)) / len(amounts)
    return math.fsum(float(value) for value in values) / len(values)


def middle(ordered: Sequence[float]) -> float:
    """The median of values that are in order already; there must be one."""
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else ordered[half - 1] + (ordered[half] - ordered[half - 1]) / 2


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """The mean and the standard deviation with n - 1 below it; the deviation of a single value is 0."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))


def block_medians(values: Sequence[Number], most: int = STORED_VALUES) -> tuple[Number, ...]:
    """At most `most` values: the values themselves, or the medians of that many consecutive blocks of nearly equal size."""
    n = len(values)
    if n <= most:
        return tuple(values)
    edges = [round(index * n / most) for index in range(most + 1)]
    return tuple(median(values[start:end]) for start, end in pairwise(edges))
