"""One new value against a long history: how far it lies beyond the recent values, in units of a spread that three views agree on.

With x the candidate and c the median of the last 15 values (on logarithms where all are positive),

    s   = ∛(a · b · d), at least 0.4 %: a = the 95 % quantile of the distances to the median of the ten values before,
          b = Q3 + 3 · IQR of the distances between successive values, d = the standard deviation of the last 64;
    ref = the largest of the last 30 values for a rise, the smallest for a fall, and never nearer than c;
    S   = (x − ref) / s, for a fall (ref − x) / s.

The geometric mean of three views is large only where none of them is small: a few outliers, a slow drift or two heaps of
values raise one view, not all. Holding x against the extreme of recent values, not against their middle, is what keeps false
alarms rare whatever their distribution is. Source of the form and its thresholds: statistics.md 3.3, docs/reference/decisions.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from perfgate.core.stats.estimators import mean_and_sd, middle

#: From this many values on the history speaks for itself.
LONG = 30
#: Beyond this a change of more than the smallest effect is suspect.
SUSPECT_AT = -0.25
#: Beyond this it is real: one value alone, and the median of three independent ones.
REAL_AT, CONFIRMED_AT = 0.75, 0.25
#: Changes below this are never suspect.
SMALLEST = 0.03
#: How many of the newest values make c, the reference, the level just before, and the wide standard deviation.
RECENT, REFERENCE, ROLLING, WIDE = 15, 30, 10, 64
#: The rates at which an unchanged value of public histories is called real and worse, alone and as the median of three; the larger
#: of two data sets (docs/reference/decisions.md).
FALSE_ALARM, FALSE_ALARM_CONFIRMED = 0.0041, 0.0036
_LEAST_SPREAD = 0.004
#: The spread is at least so many steps of the measurement: one step beyond everything seen is not real by itself.
_STEPS = 1.5
#: Two-sided 99 % and one-sided 90 % of the normal distribution; and the latter for the median of three values.
_SURE, _POWER, _POWER_OF_THREE = 2.5758, 1.2816, 0.8567


class Score(NamedTuple):
    """Where the candidate stands. `center`, `spread`, `half_width` and `effect` are on logarithms where `log`.

    `reference` is the extreme of the recent values on the candidate's side, `score` the S above. `sd` is the standard deviation
    of the last 64 values, from which `half_width` (of the 99 % interval of the change) and `visible` are made. `real_at` is the
    threshold that held: lower for the median of `candidates` ≥ 3 independent values. `p` is None: S has a measured rate of false
    alarms, `false_alarm`, instead. `visible` and `visible_drop` are as in Prediction.
    """

    n: int
    log: bool
    center: float
    spread: float
    parts: tuple[float, float, float]
    sd: float
    reference: float
    effect: float
    score: float
    candidates: int
    real_at: float
    real: bool
    suspect: bool
    half_width: float
    p: None
    false_alarm: float
    visible: float | None
    visible_drop: float | None


class View(NamedTuple):
    """What a history shows before any candidate is looked at, on logarithms where `log`: c, the three views of its spread, and the
    extremes of its last 30 values."""

    n: int
    log: bool
    center: float
    parts: tuple[float, float, float]
    highest: float
    lowest: float


def view(history: Sequence[float], *, log: bool) -> View:
    """The view of at least 30 values, oldest first; all positive where `log`."""
    values = list(map(math.log, history)) if log else list(history)
    recent = values[-REFERENCE:]
    return View(len(values), log, middle(sorted(values[-RECENT:])), _parts(values), max(recent), min(recent))


def standing(
    history: Sequence[float],
    candidate: float,
    *,
    candidates: int = 1,
    resolution: float = 0.0,
    known: View | None = None,
) -> Score:
    """Judge `candidate`, the median of `candidates` independent values, against at least 30 earlier ones, oldest first.

    `resolution` is the smallest step of the measurement, in the values' unit: the spread is never below it. `known` is the
    history's view where it has been made before.
    """
    coarse = max(0.0, resolution)
    log = candidate > coarse and min(history) > coarse
    seen = known if known is not None and known.log is log else view(history, log=log)
    x = math.log(candidate) if log else candidate
    center, parts = seen.center, seen.parts
    unit = 1.0 if log else abs(center)
    step = (resolution / math.exp(center) if log else resolution) if resolution else 0.0
    spread = max(math.cbrt(parts[0] * parts[1] * parts[2]), _LEAST_SPREAD * unit, _STEPS * step)
    highest, lowest = max(center, seen.highest), min(center, seen.lowest)
    effect = x - center
    rising = effect >= 0
    reference = highest if rising else lowest
    distance = (x - reference if rising else reference - x) / spread if spread else math.inf if effect else 0.0
    real_at = CONFIRMED_AT if candidates >= 3 else REAL_AT
    least = math.log1p(SMALLEST) if log else SMALLEST * unit
    worth = abs(effect) > least
    sd = max(parts[2], step / math.sqrt(12))
    noise = (_POWER_OF_THREE if candidates >= 3 else _POWER) * sd
    rise, fall = (max(way + real_at * spread, least) + noise for way in (highest - center, center - lowest))
    return Score(
        n=seen.n,
        log=log,
        center=center,
        spread=spread,
        parts=parts,
        sd=sd,
        reference=reference,
        effect=effect,
        score=distance,
        candidates=candidates,
        real_at=real_at,
        real=worth and distance > real_at,
        suspect=worth and distance > SUSPECT_AT,
        half_width=_SURE * max(sd, _LEAST_SPREAD * unit) / math.sqrt(min(candidates, 3)),
        p=None,
        false_alarm=FALSE_ALARM_CONFIRMED if candidates >= 3 else FALSE_ALARM,
        visible=math.expm1(min(rise, 700.0)) if log else rise / unit if unit else None,
        visible_drop=-math.expm1(-fall) if log else fall / unit if unit else None,
    )


def _parts(values: Sequence[float]) -> tuple[float, float, float]:
    """The three views of the spread: against the level just before, from value to value, and around the mean."""
    window = sorted(values[:ROLLING])
    distances = []
    for position in range(ROLLING, len(values)):
        value = values[position]
        distances.append(abs(value - (window[4] + window[5]) / 2))
        del window[bisect_left(window, values[position - ROLLING])]
        insort(window, value)
    steps = sorted(abs(second - first) for first, second in pairwise(values))
    low, high = _quantile(steps, 0.25), _quantile(steps, 0.75)
    return _quantile(sorted(distances), 0.95), high + 3 * (high - low), mean_and_sd(values[-WIDE:])[1]


def _quantile(ordered: Sequence[float], share: float) -> float:
    """A quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996)."""
    place = share * (len(ordered) - 1)
    low = int(place)
    if low + 1 >= len(ordered):
        return ordered[low]
    return ordered[low] + (place - low) * (ordered[low + 1] - ordered[low])
