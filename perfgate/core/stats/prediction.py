"""One new value against a history of runs: Student's prediction interval, on logarithms where all values are positive.

The error term is the variation between runs (statistics.md, 3.4): for n earlier values with mean c and standard deviation
s, one more value of an unchanged program falls within c ± t(0.995, n-1) · s · √(1 + 1/n) in 99 of 100 cases, if runs are
independent and about (log-)normal. Source: any text on prediction intervals, e.g. Hahn and Meeker, Statistical Intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.stats import student
from perfgate.core.stats.estimators import mean_and_sd

#: Two-sided 99 %.
LEVEL = 0.995
#: Half widths below 5 % are not believed, whatever the history shows: the next machine is not the last one.
FLOOR = 0.05
#: With no further information a value must be this many half widths away to be called real.
REAL_AT = 1.5
#: Below this many runs the spread is shrunk to a prior, and the finding may at most warn.
FULL_HISTORY = 5
_PRIOR_SD, _PRIOR_DF = 0.05, 5
_POWER = 0.9


class Prediction(NamedTuple):
    """Where one more value of an unchanged program is expected, and how far from there the candidate is.

    `log` says whether `center`, `sd` and `half_width` are on logarithms (and then `low`, `high` are back on the values'
    scale). `distance` is (candidate - center) / half_width. `false_alarm` is the nominal chance that an unchanged program
    is called real on one given side. `visible` is the smallest rise (0.1 = +10 %) that would be called real with probability 0.9,
    None where the center is zero; `visible_drop` the same for a fall, as a positive ratio.
    """

    n: int
    log: bool
    center: float
    sd: float
    df: float
    quantile: float
    half_width: float
    low: float
    high: float
    distance: float
    p: float
    false_alarm: float
    visible: float | None
    visible_drop: float | None


def predict(history: Sequence[float], candidate: float, *, resolution: float = 0.0) -> Prediction:
    """Judge `candidate` against the run medians in `history` (at least one, none newer than the candidate).

    `resolution` is the smallest step of the measurement, in the values' unit: the half width is never below it.
    """
    n = len(history)
    # Where a single step of the measurement is as large as the values, ratios mean nothing.
    log = min(candidate, *history) > max(0.0, resolution)
    center, sd = mean_and_sd([math.log(value) for value in history] if log else history)
    middle = math.exp(center) if log else abs(center)
    one_step = resolution / middle if log else resolution
    unit = 1.0 if log else middle
    # A reading rounded to steps of size r has the standard deviation r/√12 from the rounding alone.
    sd = max(sd, one_step / math.sqrt(12))
    df = float(n - 1)
    if n < FULL_HISTORY:
        sd, df = _shrunk(sd, df, _PRIOR_SD * unit)
    quantile = student.quantile(LEVEL, df)
    spread = sd * math.sqrt(1 + 1 / n)
    half_width = max(quantile * spread, FLOOR * unit, one_step)
    x = math.log(candidate) if log else candidate
    distance = (x - center) / half_width if half_width else math.copysign(math.inf, x - center) if x != center else 0.0
    # Rounded, so that the many series without a floor share one evaluation.
    tail = 0.0 if spread == 0 else student.upper_tail(round(REAL_AT * half_width / spread, 9), df)
    reach = REAL_AT * half_width + student.quantile(_POWER, df) * spread
    return Prediction(
        n=n,
        log=log,
        center=center,
        sd=sd,
        df=df,
        quantile=quantile,
        half_width=half_width,
        low=_back(center - half_width, log),
        high=_back(center + half_width, log),
        distance=distance,
        p=_two_sided(x - center, spread, df),
        false_alarm=tail,
        visible=math.expm1(min(reach, 700.0)) if log else reach / middle if middle else None,
        visible_drop=-math.expm1(-reach) if log else reach / middle if middle else None,
    )


def _shrunk(sd: float, df: float, prior_sd: float) -> tuple[float, float]:
    """The standard deviation pooled with a prior worth five degrees of freedom, and the degrees of both together."""
    pooled = math.sqrt((_PRIOR_DF * prior_sd**2 + df * sd**2) / (_PRIOR_DF + df))
    return pooled, _PRIOR_DF + df


def _two_sided(difference: float, spread: float, df: float) -> float:
    if spread == 0:
        return 1.0 if difference == 0 else 0.0
    return min(1.0, 2 * student.upper_tail(abs(difference) / spread, df))


def _back(value: float, log: bool) -> float:
    return math.exp(min(value, 700.0)) if log else value
