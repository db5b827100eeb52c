"""By how much one sample lies above another: Hodges and Lehmann's estimate, and intervals from order statistics.

Sources: Hodges and Lehmann (1963); Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.2, 3.3, 4.2 and 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.stats import rank_sum, signed_rank
from perfgate.core.stats.estimators import middle


class Shift(NamedTuple):
    """An estimate and its interval.

    `level` is the one that is attained: at least what was asked for, or less where so few values cannot give it (three pairs
    give 75 %) and the interval is the widest there is. `exact` says whether it is exact for any distribution without ties; else
    it is the normal approximation's.
    """

    estimate: float
    low: float
    high: float
    level: float
    exact: bool


def two_sample(before: Sequence[float], after: Sequence[float], level: float = 0.95) -> Shift:
    """How far `after` lies above `before`: the median of all differences between them; neither may be empty.

    On logarithms this is the logarithm of a ratio.
    """
    n, m = len(before), len(after)
    differences = sorted(right - left for right in after for left in before)
    if max(n, m) <= rank_sum.EXACT_TO:
        known = rank_sum.distribution(n, m)
        return _between(differences, known.counts, level)
    return _approximately(differences, n * m / 2, math.sqrt(n * m * (n + m + 1) / 12), level)


def paired(differences: Sequence[float], level: float = 0.95) -> Shift:
    """How far pairs differ: the median of the means of all pairs of differences (each with itself too); at least one is needed."""
    n = len(differences)
    means = sorted(
        (first + second) / 2 for position, first in enumerate(differences) for second in differences[position:]
    )
    if n <= signed_rank.EXACT_TO:
        return _between(means, signed_rank.distribution(tuple(range(1, n + 1))), level)
    return _approximately(means, n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24), level)


def of_median(values: Sequence[float], level: float = 0.95) -> Shift:
    """The median and its interval between two order statistics: the shortest around the middle with at least `level`.

    Where two are equally likely the lower one is taken, as benchstat does, so it need not be symmetric. Too few values (under
    six for 95 %) give infinite ends. benchstat approximates beyond 30 values; this stays exact.
    """
    n = len(values)
    ordered = sorted(values)
    total = 2**n
    # low: how many values lie below the interval's lower end, 0 … n; the middle of the binomial distribution first.
    low = high = (n + 2) // 2 - 1
    inside = math.comb(n, low)
    while inside < level * total and inside < total:
        left = math.comb(n, low - 1) if low else 0
        right = math.comb(n, high + 1)
        if left >= right:
            low, inside = low - 1, inside + left
        else:
            high, inside = high + 1, inside + right
    return Shift(
        estimate=middle(ordered),
        low=ordered[low - 1] if low else -math.inf,
        high=ordered[high] if high < n else math.inf,
        level=inside / total,
        exact=True,
    )


def _between(ordered: Sequence[float], counts: Sequence[int], level: float) -> Shift:
    """The interval that leaves out as many of the `ordered` numbers on each side as the null distribution `counts` allows."""
    total = sum(counts)
    tail, out = counts[0], 0
    while out + 1 < (len(ordered) + 1) // 2 and 2 * (tail + counts[out + 1]) <= (1 - level) * total * (1 + 1e-12):
        out += 1
        tail += counts[out]
    return Shift(middle(ordered), ordered[out], ordered[-1 - out], max(0.0, 1 - 2 * tail / total), exact=True)


def _approximately(ordered: Sequence[float], mean: float, sd: float, level: float) -> Shift:
    from statistics import NormalDist  # it costs every start some milliseconds, and few samples are so large

    out = math.floor(mean - NormalDist().inv_cdf((1 + level) / 2) * sd - 0.5)
    out = min(max(out, 0), (len(ordered) - 1) // 2)
    return Shift(middle(ordered), ordered[out], ordered[-1 - out], level, exact=False)
