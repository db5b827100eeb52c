"""Many series at once: Holm, Benjamini and Hochberg, and the scenarios of one metric judged together.

Sources: Holm (1979); Benjamini and Hochberg (1995); sign flips: Fisher, The Design of Experiments (1935), 21.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.stats import student
from perfgate.core.stats.estimators import mean_and_sd

#: The chance that a family of unchanged series yields any block, and the share of false ones among its warnings.
HOLM_LEVEL, FDR_LEVEL = 0.05, 0.10
#: The chance that unchanged scenarios together are called worse, and the probability that the change they "can show" is shown.
TOGETHER_LEVEL, POWER = 0.01, 0.9
#: Fewer scenarios than this cannot reach 1 % by sign flips: 1/2⁶ is 1.6 %.
FEWEST_FLIPPED = 7
#: Log-ratios are flipped in whole thousandths: a tenth of a per cent.
_GRID = 1000
#: A log-ratio beyond this is a factor of twenty thousand, and counts as that; the grid would grow without an end.
_MOST = 10.0
#: exp of more is larger than any float.
_LARGEST_EXPONENT = 700.0


def holm(p: Sequence[float], reach: Sequence[float] | None = None, level: float = HOLM_LEVEL) -> tuple[bool, ...]:
    """Which hypotheses of no change fall, so that with probability 1 - `level` none of them does wrongly.

    `reach[i]` is the chance that series i is called at all when it is unchanged (1 where it is left out): a series that is
    quiet enough to be hardly ever called takes nothing from the others, and what has a larger p than its reach was not called. The i-th smallest p stands if the expected number of
    unchanged series, among those not yet decided, that are called with so small a p is at most `level`: ∑ min(reach, p). With
    reach 1 that is (m - i + 1) · p, Holm's own rule; with less it is valid for the same reason (closed testing with the union
    bound, as Tarone's for discrete tests).
    """
    limits = _reach(p, reach)
    fallen = [False] * len(p)
    remaining = _Called(limits)
    for index in sorted(range(len(p)), key=lambda i: (p[i], i)):
        if p[index] > limits[index]:
            continue
        if remaining.expected(p[index]) > level:
            break
        fallen[index] = True
        remaining.drop(index, p[index])
    return tuple(fallen)


def benjamini_hochberg(
    p: Sequence[float], reach: Sequence[float] | None = None, level: float = FDR_LEVEL
) -> tuple[bool, ...]:
    """Which hypotheses of no change fall, so that the expected share of wrong ones among them is at most `level`.

    `reach` as for `holm`: the largest p counts at which ∑ min(reach, p) is at most `level` times the number of hypotheses that
    fall with it. With reach 1 that is m · p <= level · k, the rule as published.
    """
    limits = _reach(p, reach)
    called = _Called(limits)
    candidates = sorted(value for value, most in zip(p, limits, strict=True) if value <= most)
    threshold = -1.0
    for rank, value in enumerate(candidates, 1):
        if called.expected(value) <= level * rank:
            threshold = value
    return tuple(value <= min(threshold, most) for value, most in zip(p, limits, strict=True))


def threshold_for(reach: Sequence[float], expected: float) -> float:
    """The p up to which `expected` false calls are to be expected of these series: the t with ∑ min(reach, t) = expected, at most 1."""
    left = expected
    ordered = sorted(reach)
    for position, limit in enumerate(ordered):
        share = left / (len(ordered) - position)
        if share <= limit:
            return share
        left -= limit
    return 1.0


def _reach(p: Sequence[float], reach: Sequence[float] | None) -> Sequence[float]:
    return [1.0] * len(p) if reach is None else reach


class _Called:
    """∑ min(limit, p) over the series that are left, for a p that only grows: each limit is looked at once."""

    def __init__(self, limits: Sequence[float]) -> None:
        self._limits = limits
        self._ascending = sorted(range(len(limits)), key=lambda index: limits[index])
        self._passed = 0
        self._below = 0.0
        self._above = len(limits)
        self._gone: set[int] = set()

    def expected(self, p: float) -> float:
        """How many unchanged series are expected to be called with a p of at most this."""
        while self._passed < len(self._ascending) and self._limits[self._ascending[self._passed]] <= p:
            index = self._ascending[self._passed]
            self._passed += 1
            if index not in self._gone:
                self._below += self._limits[index]
                self._above -= 1
        return max(0.0, self._below) + p * self._above

    def drop(self, index: int, p: float) -> None:
        """Leave out one series; `p` is the last that was asked for."""
        self._gone.add(index)
        if self._limits[index] <= p:
            self._below -= self._limits[index]
        else:
            self._above -= 1


class Together(NamedTuple):
    """What the log-ratios of scenarios (after over before) show together.

    `mean` and `sd` are of the log-ratios, `low` and `high` the 98 % interval of their mean (Student). `p` is one-sided, against
    a rise, `p_fall` against a fall; `method` says how they were found. `visible` is the mean log-ratio that would be shown with probability 0.9.
    """

    n: int
    mean: float
    sd: float
    p: float
    p_fall: float
    method: str
    low: float
    high: float
    visible: float


def together(log_ratios: Sequence[float]) -> Together:
    """Whether scenarios became dearer together; `log_ratios` holds one number a scenario, at least two of them.

    From `FEWEST_FLIPPED` scenarios on, p counts the choices of signs whose sum is no smaller; with fewer it is Student's paired
    t, because so few choices of signs cannot reach 1 %.
    """
    n = len(log_ratios)
    mean, sd = mean_and_sd(log_ratios)
    error = sd / math.sqrt(n)
    quantile = student.quantile(1 - TOGETHER_LEVEL, n - 1)
    few = n < FEWEST_FLIPPED
    test = paired_t if few else sign_flips
    return Together(
        n=n,
        mean=_bounded(mean),
        sd=sd,
        p=test(log_ratios),
        p_fall=test([-value for value in log_ratios]),
        method="paired t" if few else "sign flips",
        low=_bounded(mean - quantile * error),
        high=_bounded(mean + quantile * error),
        visible=_bounded((quantile + student.quantile(POWER, n - 1)) * error),
    )


def _bounded(exponent: float) -> float:
    return max(-_LARGEST_EXPONENT, min(_LARGEST_EXPONENT, exponent))


def paired_t(differences: Sequence[float]) -> float:
    """The one-sided p of Student's test that the mean of at least two differences is above zero."""
    mean, sd = mean_and_sd(differences)
    if sd == 0:
        return 0.0 if mean > 0 else 1.0
    return student.upper_tail(mean * math.sqrt(len(differences)) / sd, len(differences) - 1.0)


def sign_flips(differences: Sequence[float]) -> float:
    """The one-sided p of the permutation test that flips signs: the share of all 2^n choices whose sum is no smaller.

    Exact for the differences in whole thousandths, for any number of them: ∏ (1 + q^|d|), with the coefficients side by side in
    one large integer. Unlike Student's t it never grows when a difference does.
    """
    steps = [round(max(-_MOST, min(_MOST, value)) * _GRID) for value in differences]
    width = len(steps) + 1
    counts = 1
    for step in steps:
        counts += counts << (abs(step) * width)
    # What is left are the coefficients from the positive differences' own sum upwards. The digits of a number in base b sum to
    # its remainder modulo b - 1, and these sum to no more than 2^n.
    kept = counts >> (sum(step for step in steps if step > 0) * width)
    return (kept % ((1 << width) - 1)) / (1 << len(steps))
