"""The slope of values over time by the medians of pairs: Theil–Sen, with Sen's interval from the order statistics of the pairs.

Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968), 1379–1389. The variance of
Kendall's score is multiplied by (1 + r) / (1 − r), with r the lag-1 autocorrelation of what the line leaves over (at least 0),
because values that follow each other climb by chance (Yue and Wang, Water Resources Management 18, 2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from perfgate.core.stats.estimators import median

#: Two-sided 95 %.
_QUANTILE = 1.959964
#: Fewer values have no slope that could be shown.
LEAST = 10
#: The newest values of a long history are enough, and the pairs of a hundred times more would take long.
MOST = 60
_MOST_CORRELATION = 0.9


class Slope(NamedTuple):
    """The change of a value per unit of time, with its 95 % interval; `n` values in `pairs` pairs of different times."""

    slope: float
    low: float
    high: float
    n: int
    pairs: int

    @property
    def is_shown(self) -> bool:
        """Whether it differs from zero by more than chance."""
        return self.low > 0 or self.high < 0


def theil_sen(times: Sequence[float], values: Sequence[float]) -> Slope | None:
    """The slope of the newest 60 values; None under ten values, or where nearly all have the same time."""
    times, values = times[-MOST:], values[-MOST:]
    n = len(values)
    if n < LEAST:
        return None
    slopes = sorted(
        (values[j] - value) / (times[j] - time)
        for i, (time, value) in enumerate(zip(times, values, strict=True))
        for j in range(i + 1, n)
        if times[j] != time
    )
    if len(slopes) < n * (n - 1) // 4:
        return None
    middle = float(median(slopes))
    # Ties in time and value take from the variance of the score; Sen (1968), after Kendall.
    variance = (n * (n - 1) * (2 * n + 5) - _tied(times) - _tied(values)) / 18
    r = _autocorrelation(times, values, middle)
    reach = _QUANTILE * math.sqrt(max(0.0, variance) * (1 + r) / (1 - r))
    count = len(slopes)
    low, high = math.floor((count - reach) / 2), math.ceil((count + reach) / 2)
    if low < 1 or high >= count:
        return Slope(middle, -math.inf, math.inf, n, count)
    return Slope(middle, slopes[low - 1], slopes[high], n, count)


def level_at_end(times: Sequence[float], values: Sequence[float], slope: float) -> float:
    """Where a line of this slope through the middle of the newest 60 values stands at the last of them."""
    times, values = times[-MOST:], values[-MOST:]
    return float(median([value + slope * (times[-1] - time) for time, value in zip(times, values, strict=True)]))


def _tied(values: Sequence[float]) -> int:
    ordered = sorted(values)
    total, run = 0, 1
    for one, other in pairwise([*ordered, math.nan]):
        if one == other:
            run += 1
        else:
            total, run = total + run * (run - 1) * (2 * run + 5), 1
    return total


def _autocorrelation(times: Sequence[float], values: Sequence[float], slope: float) -> float:
    rest = [value - slope * time for time, value in zip(times, values, strict=True)]
    middle = math.fsum(rest) / len(rest)
    rest = [value - middle for value in rest]
    total = math.fsum(value * value for value in rest)
    raw = math.fsum(one * other for one, other in pairwise(rest)) / total if total else 0.0
    return min(_MOST_CORRELATION, max(0.0, raw))
