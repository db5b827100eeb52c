"""Both sides measured on one machine in alternating pairs: by how much they differ, and whether that is more than noise.

Two rules, either of which is enough (statistics.md 3.2, and docs/decisions/0009):

* ranks: the interval of Hodges and Lehmann's shift of logarithms lies beyond a margin of 2 %;
* alignment: the shift that lays both samples on each other is beyond the margin, for machines that run now fast, now slow.

On one host, minutes apart, tiny differences are real and without meaning (memory layout, link order): hence the margin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.stats import alignment, shift
from perfgate.core.stats.estimators import median

#: Differences within this are not spoken of, however sure they are.
MARGIN = math.log(1.02)
#: The smallest effect that a budget speaks of unless told otherwise.
SMALLEST = math.log(1.03)
#: Under this many pairs nothing is called real.
LEAST = 4
#: The level of the test by alignment, on each side, and the fewest pairs that can reach it.
ALIGNED = 0.005
_LEAST_ALIGNED = 5
#: The level of the interval of a shift found by alignment.
_INTERVAL = 0.95
_POWER = 1.2816
#: So many divisions are enough for its ends.
_DIVISIONS = 400
#: How often the ends of that interval are halved: to a tenth of the kernel's width or so.
_HALVINGS, _DOUBLINGS = 4, 5
#: By number of pairs, up to and including: the level of the ranks' interval.
_LEVELS: tuple[tuple[float, float], ...] = ((4, 0.95), (6, 0.992), (9, 0.985), (math.inf, 0.95))


class Interleaved(NamedTuple):
    """What pairs show. `shift`, `low` and `high` are on logarithms where `log`, else in units of the values.

    `level` is that of the interval. `aligned` is the p of the alignment test, None where it was not needed or cannot be had.
    `p` is None: nothing here rests on a p-value that a family would correct. `false_alarm` is the nominal chance that equal sides
    are called different in one given direction. `visible` and `visible_drop` are as in Prediction. `center` is where the
    before side lies, on the scale.
    """

    n: int
    log: bool
    center: float
    shift: float
    low: float
    high: float
    level: float
    margin: float
    aligned: float | None
    real: bool
    p: None
    false_alarm: float
    visible: float | None
    visible_drop: float | None

    @property
    def half_width(self) -> float:
        """Half the width of the interval, on the scale of the test."""
        return (self.high - self.low) / 2


def compare_pairs(before: Sequence[float], after: Sequence[float], *, resolution: float = 0.0) -> Interleaved:
    """Hold `after` against `before`: as many values each, pair by pair; neither empty. `resolution` as in Prediction."""
    log = min(*before, *after) > max(0.0, resolution)
    left = [math.log(value) for value in before] if log else list(before)
    right = [math.log(value) for value in after] if log else list(after)
    center = float(median(left))
    unit = 1.0 if log else abs(center) or max(map(abs, right)) or 1.0
    margin = max(MARGIN * unit, resolution / math.exp(center) if log else resolution)
    found = shift.two_sample(left, right, asked_level(len(before)))
    attained = found.level >= asked_level(len(before)) - 1e-9
    real = len(before) >= LEAST and attained and (found.low > margin or found.high < -margin)
    aligned = None
    estimate, low, high = found.estimate, found.low, found.high
    if not real and len(before) >= _LEAST_ALIGNED:
        aligned, sides = _aligned(left, right, margin, unit)
        if sides is not None:
            real = True
            estimate, low, high = sides
    half = (found.high - found.low) / 2
    error = half / _normal_quantile(found.level)
    reach = max(margin + half, SMALLEST * unit) + _POWER * error
    return Interleaved(
        n=len(before),
        log=log,
        center=center,
        shift=estimate,
        low=low,
        high=high,
        level=found.level,
        margin=margin,
        aligned=aligned,
        real=real,
        p=None,
        false_alarm=_false_alarm(margin + half, error),
        visible=math.expm1(min(reach, 700.0)) if log else reach / unit,
        visible_drop=-math.expm1(-reach) if log else reach / unit,
    )


def asked_level(pairs: int) -> float:
    """The level that the ranks' interval must have after so many pairs.

    It is stricter while sampling may still stop early, so that the looks together keep the rate of the last (sequential.LOOKS).
    Nobody looks after four pairs, and they can hardly show more.
    """
    return next(level for most, level in _LEVELS if pairs <= most)


def _normal_quantile(level: float) -> float:
    """The normal quantile of a two-sided level; a level that is hardly one counts as 50 %."""
    from statistics import NormalDist  # it costs every start some milliseconds

    return NormalDist().inv_cdf((1 + max(level, 0.5)) / 2)


def _false_alarm(reach: float, error: float) -> float:
    """The chance that a normal error exceeds `reach`, and as much more as alignment adds to a level of 2.5 % on each side."""
    if error == 0:
        return 0.0
    return 0.5 * math.erfc(reach / error / math.sqrt(2)) * (1 + ALIGNED / 0.025)


def _aligned(
    left: Sequence[float], right: Sequence[float], margin: float, unit: float
) -> tuple[float | None, tuple[float, float, float] | None]:
    """The p of the test by alignment, and the shift with its interval where it is real."""
    estimate = alignment.shift(left, right, unit=unit)
    if abs(estimate) <= margin:
        return None, None
    low, high = (left, right) if estimate > 0 else (right, left)
    p = alignment.greater(low, high, margin, unit=unit, level=ALIGNED)
    if p > ALIGNED:
        return p, None
    nearest, farthest = _ends(low, high, abs(estimate), margin, unit)
    return p, (estimate, nearest, farthest) if estimate > 0 else (estimate, -farthest, -nearest)


def _ends(
    low: Sequence[float], high: Sequence[float], estimate: float, margin: float, unit: float
) -> tuple[float, float]:
    """The ends of the interval: the shifts nearest to the estimate that the same test refuses (inversion of the test)."""
    level = (1 - _INTERVAL) / 2

    def refused_above(bound: float) -> bool:
        return alignment.greater(low, high, bound, unit=unit, level=level, most=_DIVISIONS) <= level

    def refused_below(bound: float) -> bool:
        return alignment.greater(high, low, -bound, unit=unit, level=level, most=_DIVISIONS) <= level

    nearest, inside = margin, estimate
    for _ in range(_HALVINGS):
        middle = (nearest + inside) / 2
        nearest, inside = (middle, inside) if refused_above(middle) else (nearest, middle)
    spread = max(estimate - nearest, alignment.WIDTH * unit)
    inside, farthest = estimate, estimate + spread
    for _ in range(_DOUBLINGS):
        if refused_below(farthest):
            break
        inside, farthest = farthest, estimate + 2 * (farthest - estimate)
    for _ in range(_HALVINGS):
        middle = (inside + farthest) / 2
        inside, farthest = (inside, middle) if refused_below(middle) else (middle, farthest)
    return nearest, farthest
