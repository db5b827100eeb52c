"""Where the level of a history changed for good: change points by medians, and the start of the current segment.

A split of a history at i compares the medians of the at most 15 values before and after it (at least 5 each). With s the
spread of single values and f = √(π/2 · (1/n + 1/m)), the standard error of the difference of two medians under normal noise
(Kenney and Keeping, Mathematics of Statistics), the step is real when

    z = |difference| / (s · f · √((1 + r) / (1 − r)))  >  4.5     and     the difference is at least 3 %.

s is the larger of two estimates, neither of which sees the step itself: the mean absolute deviation of both windows from
their own medians (× √(π/2), n + m − 2 below it), and, from 30 values on, the median absolute deviation of all values from
the running median of 15 around them. r is the lag-1 autocorrelation of the deviations inside the windows, plus 1/n,
which a window of n hides (Kendall 1954), because values that follow each other form levels by chance. Where a straight line
leaves no larger absolute deviations than the two medians do, the values climb and there is no step. The split with the largest
z is moved, by at most 5, to where the sum of absolute deviations from both medians is least; both parts are then
searched in turn. Rates: docs/reference/statistics.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise
from operator import mul, sub
from typing import NamedTuple

from perfgate.core.stats import student
from perfgate.core.stats.estimators import middle

#: Values looked at on each side of a split, at most and at least.
WINDOW, LEAST = 15, 5
#: How many standard errors, and how much of the level, a step must have to be called one.
Z = 4.5
SMALLEST_STEP = 0.03
#: A split is moved at most so far when its place is refined.
_REACH = 5
#: Spreads below 0.4 % of the level are not believed.
_LEAST_SPREAD = 0.004
#: The spread of the whole history is known well enough from this many values on.
_LONG = 2 * WINDOW
_MEAN_TO_SD = math.sqrt(math.pi / 2)
#: The median absolute deviation of normal noise to its standard deviation, and what a value takes away from the distance to
#: a median of 15 that it is part of.
MAD_TO_SD = 1.4826 * math.sqrt(15 / 14)
#: The standard error of the difference of two medians of 15, per standard deviation of a value.
FULL = math.sqrt(math.pi / 2) * math.sqrt(2 / WINDOW)
_MOST_CORRELATION = 0.9
#: Differences that come from rounding alone decide nothing.
_EPSILON = 1e-9
#: The places whose sum of absolute deviations is within this many mean deviations of the least may be the true one: about
#: 95 % of simulated steps of two and a half standard deviations, and more of larger ones (tests/core/test_change_points.py).
_PLACE = 4.0


class ChangePoint(NamedTuple):
    """The level changed with the value at `start`, which is the first of the next segment.

    `before` and `after` are the medians of the whole segments on both sides, `ratio` is after / before (None where that says
    nothing, from zero or across it), with its 95 % interval `low` to `high`: Student's, from the standard error of the
    search. The change may have begun at any value from `earliest` to `latest`. `z` is how many standard errors the step has.
    """

    start: int
    earliest: int
    latest: int
    before: float
    after: float
    ratio: float | None
    low: float | None
    high: float | None
    z: float


class _Split(NamedTuple):
    """A place where a stretch is to be cut, on the scale of the search (logarithms or values)."""

    at: int
    earliest: int
    latest: int
    z: float
    half_width: float


def segment(values: Sequence[float], *, resolution: float = 0.0) -> tuple[int, ...]:
    """The start indexes of all segments after the first; `resolution` is the smallest step the measurement can show."""
    return tuple(split.at for split in _splits(*_scaled(values, resolution)))


def current_start(values: Sequence[float], *, resolution: float = 0.0) -> int:
    """The index of the first value of the last segment: `segment(values)[-1]`, or 0, without looking for the others."""
    if len(values) < 2 * LEAST:
        return 0
    scaled, step, log = _scaled(values, resolution)
    start = 0
    while (split := _best_split(scaled[start:] if start else scaled, step, log)) is not None:
        start += split.at
    return start


def change_points(values: Sequence[float], *, resolution: float = 0.0) -> tuple[ChangePoint, ...]:
    """Every change point with its size, how sure it is, and where it may have begun; oldest first."""
    scaled, step, log = _scaled(values, resolution)
    splits = _splits(scaled, step, log)
    if not splits:
        return ()
    edges = [0, *(split.at for split in splits), len(values)]
    levels = [middle(sorted(values[start:end])) for start, end in pairwise(edges)]
    return tuple(
        _change_point(split, before, after, log)
        for split, (before, after) in zip(splits, pairwise(levels), strict=True)
    )


def _change_point(split: _Split, before: float, after: float, log: bool) -> ChangePoint:
    ratio = low = high = None
    if before > 0 < after or before < 0 > after:
        ratio = after / before
        ends = (
            (ratio * math.exp(-split.half_width), ratio * math.exp(split.half_width))
            if log
            else ((after - split.half_width) / before, (after + split.half_width) / before)
        )
        low, high = min(ends), max(ends)
    return ChangePoint(split.at, split.earliest, split.latest, before, after, ratio, low, high, split.z)


def _scaled(values: Sequence[float], resolution: float) -> tuple[list[float], float, bool]:
    """The values on the scale of the search, the step of the measurement on it, and whether it is that of logarithms."""
    if values and min(values) > max(0.0, resolution):
        scaled = list(map(math.log, values))
        return scaled, resolution / middle(sorted(values)) if resolution else 0.0, True
    return list(values), resolution, False


def _splits(values: list[float], step: float, log: bool) -> list[_Split]:
    """All cuts of the values, in their order. No recursion: a long history may have many."""
    found: list[_Split] = []
    stretches = [(0, len(values))]
    while stretches:
        start, end = stretches.pop()
        split = _best_split(values[start:end], step, log)
        if split is not None:
            at = start + split.at
            found.append(split._replace(at=at, earliest=start + split.earliest, latest=start + split.latest))
            stretches += [(start, at), (at, end)]
    return sorted(found)


def _best_split(values: list[float], step: float, log: bool) -> _Split | None:
    """The clearest step inside a stretch without known ones; None where there is none."""
    n = len(values)
    if n < 2 * LEAST:
        return None
    before, after = _window_medians(values)
    differences = list(map(abs, map(sub, after, before)))
    spread = step / math.sqrt(12)
    if n >= _LONG:
        # before[10] is the median of the first full window, whose middle is the value at 7.
        deviations = sorted(map(abs, map(sub, values[WINDOW // 2 :], before[WINDOW - LEAST :])))
        spread = max(spread, MAD_TO_SD * middle(deviations))
    bound = max(least_step(log=log), Z * spread * FULL)
    # Most series end here: not even two full windows differ enough, and shorter ones would have to differ more.
    if max(differences) <= bound:
        return None
    best, best_z, best_r, best_difference = -1, Z, 0.0, 0.0
    for position, difference in enumerate(differences):
        if difference > bound:
            z, r = _standing(values, position + LEAST, before[position], after[position], spread, log)
            if z > best_z * (1 + _EPSILON):
                best, best_z, best_r, best_difference = position + LEAST, z, r, difference
    if best < 0:
        return None
    at, earliest, latest = _placed(values, best, spread, best_r, log)
    freedom = min(best, WINDOW) + min(n - best, WINDOW) - 2
    return _Split(at, earliest, latest, best_z, student.quantile(0.975, freedom) * best_difference / best_z)


def least_step(*, log: bool) -> float:
    """The smallest step that is looked at, on the scale of the search; plain values are held against their level later."""
    return math.log1p(SMALLEST_STEP) - _EPSILON if log else 0.0


def _window_medians(values: list[float]) -> tuple[list[float], list[float]]:
    """The medians of the windows before and after every split from 5 to n - 5, by one sorted window that slides along."""
    n = len(values)
    window: list[float] = sorted(values[: LEAST - 1])
    ending: list[float] = []
    for value in values[LEAST - 1 : WINDOW]:
        insort(window, value)
        ending.append(middle(window))
    for value, gone in zip(values[WINDOW:], values, strict=False):
        del window[bisect_left(window, gone)]
        insort(window, value)
        ending.append(window[7])
    # A full window that ends at i + 15 is the one that begins at i.
    starting = ending[WINDOW:] if n >= WINDOW + LEAST else []
    for gone in values[max(0, n - WINDOW) : n - LEAST]:
        del window[bisect_left(window, gone)]
        starting.append(middle(window))
    return ending[: n - 2 * LEAST + 1], starting[-(n - 2 * LEAST + 1) :]


def _standing(
    values: list[float], at: int, before: float, after: float, spread: float, log: bool
) -> tuple[float, float]:
    """The z of the split at `at`, and the autocorrelation that it allows for; 0 where the step is too small to matter."""
    difference = abs(after - before)
    level = 1.0 if log else max(abs(before), abs(after))
    if difference < (math.log1p(SMALLEST_STEP) if log else SMALLEST_STEP * level) - _EPSILON * level:
        return 0.0, 0.0
    left = [value - before for value in values[max(0, at - WINDOW) : at]]
    right = [value - after for value in values[at : at + WINDOW]]
    n, m = len(left), len(right)
    total = math.fsum(map(abs, left)) + math.fsum(map(abs, right))
    local = _MEAN_TO_SD * total / (n + m - 2)
    error = max(spread, local, _LEAST_SPREAD * level) * _MEAN_TO_SD * math.sqrt(1 / n + 1 / m)
    if difference <= Z * error or total >= _around_a_line(values[max(0, at - WINDOW) : at + WINDOW]):
        return 0.0, 0.0
    r = autocorrelation(left, right)
    return difference / (error * math.sqrt((1 + r) / (1 - r))), r


def _around_a_line(values: list[float]) -> float:
    """The sum of absolute deviations from the straight line of least squares: a climb that it fits as well is no step."""
    n = len(values)
    middle, mean = (n - 1) / 2, math.fsum(values) / n
    slope = math.fsum((index - middle) * value for index, value in enumerate(values)) / (n * (n * n - 1) / 12)
    return math.fsum(abs(value - mean - slope * (index - middle)) for index, value in enumerate(values))


def autocorrelation(left: Sequence[float], right: Sequence[float]) -> float:
    """The lag-1 autocorrelation of deviations from two levels, with the bias of small samples taken off: between 0 and 0.9."""
    total = math.fsum(value * value for value in left) + math.fsum(value * value for value in right)
    if total == 0:
        return 0.0
    raw = (math.fsum(map(mul, left, left[1:])) + math.fsum(map(mul, right, right[1:]))) / total
    return min(_MOST_CORRELATION, max(0.0, raw + (bool(left) + bool(right)) / (len(left) + len(right))))


def _placed(values: list[float], at: int, spread: float, r: float, log: bool) -> tuple[int, int, int]:
    """Where the sum of absolute deviations near the split is least, and the first and last place that are about as good."""
    n = len(values)
    first, end = max(0, at - WINDOW), min(n, at + WINDOW)
    best, least = at, math.inf
    for place in range(max(LEAST, at - _REACH), min(n - LEAST, at + _REACH) + 1):
        left, right = values[first:place], values[place:end]
        before, after = middle(sorted(left)), middle(sorted(right))
        total = math.fsum(abs(value - before) for value in left) + math.fsum(abs(value - after) for value in right)
        if total < least - _EPSILON * abs(after - before):
            best, least = place, total
    before, after = middle(sorted(values[first:best])), middle(sorted(values[best:end]))
    level = 1.0 if log else max(abs(before), abs(after))
    deviation = max(least / (end - first), spread / _MEAN_TO_SD, _LEAST_SPREAD * level)
    allowed = _PLACE * deviation * (1 + r) / (1 - r)
    excess = [abs(value - before) - abs(value - after) for value in values[first:end]]
    latest = best + _reached(excess[best - first :], allowed)
    earliest = best - _reached([-each for each in reversed(excess[: best - first])], allowed)
    return best, max(1, earliest), min(n - 1, latest)


def _reached(costs: list[float], allowed: float) -> int:
    """How far one can go, at a cost for each step, and still be within what is allowed at the end."""
    total, reached = 0.0, 0
    for steps, cost in enumerate(costs, 1):
        total += cost
        if total <= allowed:
            reached = steps
    return reached
