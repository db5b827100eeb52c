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
#: Beyond one half width a value is suspect. One alone must be this many half widths away to be called real, the median of three
#: independent ones one.
REAL_AT, CONFIRMED_AT = 1.5, 1.0
#: Below this many runs the spread is shrunk to a prior, and the finding may at most warn.
FULL_HISTORY = 5
_PRIOR_SD, _PRIOR_DF = 0.05, 5
_POWER = 0.9
#: The variance of the median of three normal values, as a part of theirs.
_MEDIAN_OF_THREE = 0.4487


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
    candidates: int = 1
    real_at: float = REAL_AT

    @property
    def suspect(self) -> bool:
        """Whether the candidate is outside the interval."""
        return abs(self.distance) > 1

    @property
    def real(self) -> bool:
        """Whether it is so far outside that it is called real."""
        return abs(self.distance) > self.real_at


def predict(history: Sequence[float], candidate: float, *, candidates: int = 1, resolution: float = 0.0) -> Prediction:
    """Judge `candidate`, the median of `candidates` independent values, against the run medians in `history` (at least one).

    `resolution` is the smallest step of the measurement, in the values' unit: the half width is never below it.
    """
    n = len(history)
    # Where a single step of the measurement is as large as the values, ratios mean nothing.
    log = min(candidate, *history) > max(0.0, resolution)
    center, sd = mean_and_sd([math.log(value) for value in history] if log else history)
    sd = max(sd, _one_step(center, resolution, log=log) / math.sqrt(12))
    df = float(n - 1)
    if n < FULL_HISTORY:
        sd, df = _shrunk(sd, df, _PRIOR_SD * (1.0 if log else abs(center)))
    return _judged(_Expected(n, log, center, sd, df, resolution), candidate, candidates)


def predict_class(classes: Sequence[Sequence[float]], candidate: float, *, resolution: float = 0.0) -> Prediction:
    """Judge `candidate` where its own machine class is thin, against all `classes` behind the same runner label.

    One more class differs from those seen by their spread, shrunk to the prior of 5 %; one more run within it by the spread
    within classes. `n` is the number of classes: such a finding may at most warn.
    """
    log = min(candidate, *(value for each in classes for value in each)) > max(0.0, resolution)
    scaled = [[math.log(value) for value in each] if log else list(each) for each in classes]
    within = [(len(each) - 1, mean_and_sd(each)[1] ** 2) for each in scaled]
    freedom = sum(count for count, _ in within)
    inside = sum(count * variance for count, variance in within) / freedom if freedom else 0.0
    center, between = mean_and_sd([mean_and_sd(each)[0] for each in scaled])
    inside = max(inside, _one_step(center, resolution, log=log) ** 2 / 12)
    between, df = _shrunk(between, float(len(classes) - 1), _PRIOR_SD * (1.0 if log else abs(center)))
    return _judged(_Expected(len(classes), log, center, math.sqrt(between**2 + inside), df, resolution), candidate, 1)


class _Expected(NamedTuple):
    """What a history says of the next value, before the candidate is looked at; `sd` and `df` as in Prediction."""

    n: int
    log: bool
    center: float
    sd: float
    df: float
    resolution: float


def _one_step(center: float, resolution: float, *, log: bool) -> float:
    """One step of the measurement on the scale of the test. Rounding to steps of r alone has the standard deviation r/√12."""
    if not resolution:
        return 0.0
    return resolution / math.exp(center) if log else resolution


def _judged(known: _Expected, candidate: float, candidates: int) -> Prediction:
    n, log, center, sd, df = known[:5]
    unit = 1.0 if log else abs(center)
    confirmed = candidates >= 3
    quantile = student.quantile(LEVEL, df)
    spread = sd * math.sqrt(1 + 1 / n)
    half_width = max(quantile * spread, FLOOR * unit, _one_step(center, known.resolution, log=log))
    x = math.log(candidate) if log else candidate
    distance = (x - center) / half_width if half_width else math.copysign(math.inf, x - center) if x != center else 0.0
    real_at = CONFIRMED_AT if confirmed else REAL_AT
    # Rounded, so that the many series without a floor share one evaluation.
    tail = 0.0 if spread == 0 else student.upper_tail(round(real_at * half_width / spread, 9), df)
    reach = real_at * half_width + student.quantile(_POWER, df) * (
        sd * math.sqrt(_MEDIAN_OF_THREE + 1 / n) if confirmed else spread
    )
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
        # Of three independent values two must be out; that they share one history is neglected.
        false_alarm=tail * tail * (3 - 2 * tail) if confirmed else tail,
        visible=math.expm1(min(reach, 700.0)) if log else reach / unit if unit else None,
        visible_drop=-math.expm1(-reach) if log else reach / unit if unit else None,
        candidates=candidates,
        real_at=real_at,
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
