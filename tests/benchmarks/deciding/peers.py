"""The rules of other tools, re-implemented from their documented definitions, on the same points as the engine.

Every rule on a history gives one limit for each point, from the values before it; a value beyond the limit is an alarm. Where
a higher value is better the limit lies below. Their re-run variant alarms only if all three values are beyond the limit.
Sources, as read in 2026: github-action-benchmark (alert-threshold 200 %), Bencher (lib/bencher_boundary: percentage of the mean,
t prediction limit at 0.99 over 64 values, median + k x IQR), Conbench (z-score 5 over 100 commits), rustc-perf
(docs/comparison-analysis.md), benchstat (Mann-Whitney U, alpha 0.05).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from deciding.points import WINDOW, Point
from deciding.replay import FURTHER, SINGLE, SIZES, detections, slower
from deciding.score import Figure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MEAN_OVER, _COMMITS, _CHANGES = 64, 100, 30
_TAIL = 0.99
_IQR_TIMES = 3.0
#: Without enough history rustc-perf calls 0.2 % significant.
_RUSTC_DEFAULT = 0.002


class _Past(NamedTuple):
    """The values before each point, newest in the last column, NaN where there are none; `sign` is -1 where higher is better."""

    values: Floats
    sign: Floats

    def last(self, count: int) -> Floats:
        return self.values[:, -count:]


def _previous(past: _Past, allowed: float) -> Floats:
    """The previous value times (or, where higher is better, divided by) the allowed ratio."""
    limit: Floats = past.values[:, -1] * allowed**past.sign
    return limit


def _share_of_mean(past: _Past) -> Floats:
    import numpy as np

    limit: Floats = np.nanmean(past.last(_MEAN_OVER), axis=1) * (1 + past.sign * 0.10)
    return limit


def _t_limit(past: _Past) -> Floats:
    """Student's prediction limit of one more value, one-sided 99 %."""
    import numpy as np

    from perfgate.core.stats.student import quantile

    rows = past.last(_MEAN_OVER)
    n = np.sum(~np.isnan(rows), axis=1)
    t = np.array([quantile(_TAIL, float(count - 1)) for count in n])
    limit: Floats = np.nanmean(rows, axis=1) + past.sign * t * np.nanstd(rows, axis=1, ddof=1) * np.sqrt(1 + 1 / n)
    return limit


def _iqr_limit(past: _Past) -> Floats:
    import numpy as np

    first, middle, third = np.nanquantile(past.last(_MEAN_OVER), [0.25, 0.5, 0.75], axis=1)
    limit: Floats = middle + past.sign * _IQR_TIMES * (third - first)
    return limit


def _z_limit(past: _Past) -> Floats:
    import numpy as np

    rows = past.last(_COMMITS)
    limit: Floats = np.nanmean(rows, axis=1) + past.sign * 5 * np.nanstd(rows, axis=1, ddof=1)
    return limit


def _rustc_limit(past: _Past) -> Floats:
    """Significant: the relative change is beyond Q3 + 3 IQR of the last 30. Relevant: of at least small magnitude, which weighs
    how large the change is (0.2, 1, 2, 5 %) and how far it is beyond that threshold (1.5, 3, 10, 25 times)."""
    import numpy as np

    rows = past.last(_CHANGES + 1)
    changes = np.abs(np.diff(rows, axis=1) / rows[:, :-1])
    first, third = np.nanquantile(changes, [0.25, 0.75], axis=1)
    significant = np.where(np.isnan(changes).any(axis=1), _RUSTC_DEFAULT, third + 3 * (third - first))
    small = np.minimum(np.minimum(np.maximum(1.5 * significant, 0.002), 3 * significant), 0.01)
    limit: Floats = past.values[:, -1] * (1 + past.sign * np.maximum(significant, small))
    return limit


def _mad_limit(past: _Past) -> Floats:
    import numpy as np

    rows = past.last(_CHANGES)
    middle = np.nanmedian(rows, axis=1)
    limit: Floats = middle + past.sign * 5 * np.nanmedian(np.abs(rows - middle[:, None]), axis=1)
    return limit


RULES: tuple[tuple[str, Callable[[_Past], Floats]], ...] = (
    ("github-action-benchmark: 200 % of previous", lambda past: _previous(past, 2.0)),
    ("10 % over previous", lambda past: _previous(past, 1.1)),
    ("Bencher: 10 % over the mean of 64", _share_of_mean),
    ("Bencher: t 0.99 over 64", _t_limit),
    ("Bencher: median + 3 IQR over 64", _iqr_limit),
    ("Conbench: z = 5 over 100", _z_limit),
    ("rustc-perf: Q3 + 3 IQR of changes, relevant", _rustc_limit),
    ("median + 5 MAD over 30", _mad_limit),
)


def figures(data: str, points: Sequence[Point]) -> Iterator[Figure]:
    """False alarms and detection of every rule: with the single value, and with all three values beyond the limit."""
    import numpy as np

    table = np.full((len(points), WINDOW), np.nan)
    for row, point in enumerate(points):
        table[row, -len(point.earlier) :] = point.earlier
    sign = np.array([-1.0 if point.history.better == "higher" else 1.0 for point in points])
    past = _Past(table, sign)
    values = {size: np.array([slower(point.values, point.history.better, size) for point in points]) for size in SIZES}
    for name, rule in RULES:
        limit = rule(past)
        beyond = {size: np.asarray(sign[:, None] * (values[size] - limit[:, None]) > 0) for size in SIZES}
        for information, count in ((SINGLE, 1), (FURTHER, 3)):
            alarms = {size: [bool(each) for each in np.all(beyond[size][:, :count], axis=1).tolist()] for size in SIZES}
            hits = {size: alarms[size] for size in SIZES[1:]}
            yield from detections(data, name, information, points, alarms[0.0], hits)


def benchstat(before: Sequence[float], after: Sequence[float], better: str) -> bool:
    """Two-sided Mann-Whitney U at 0.05, and worse: equal values count half, the distribution is the exact one without them."""
    worse = sum((b > a) + (a == b) / 2 for a in before for b in after)
    if better == "higher":
        worse = len(before) * len(after) - worse
    return worse >= critical(len(before), len(after))


@cache
def critical(n: int, m: int) -> int:
    """The smallest U whose two-sided exact p is below 0.05; more than n x m where no U is that rare."""
    counts = {(0, 0): 1}
    # Each of the n + m values in ascending order is of one side; one of the first side adds how many of the other lie below it.
    for placed in range(n + m):
        following: dict[tuple[int, int], int] = {}
        for (taken, total), ways in counts.items():
            others = placed - taken
            if taken < n:
                key = (taken + 1, total + others)
                following[key] = following.get(key, 0) + ways
            if others < m:
                following[taken, total] = following.get((taken, total), 0) + ways
        counts = following
    ways_of = {total: ways for (_, total), ways in counts.items()}
    tail = 0
    for total in range(n * m, -1, -1):
        tail += ways_of.get(total, 0)
        if 2 * tail / math.comb(n + m, n) >= 0.05:
            return total + 1
    return 0
