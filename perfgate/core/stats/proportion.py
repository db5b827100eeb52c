"""How sure a counted share is: the exact interval of Clopper and Pearson (Biometrika 26, 1934), and Wilson's."""

from __future__ import annotations

import math

from perfgate.core.stats.student import incomplete_beta


def interval(hits: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """The two-sided interval of the chance behind `hits` in `trials`: (0, 1) without trials. Never narrower than it claims.

    >>> [round(end, 4) for end in interval(2, 20)]
    [0.0123, 0.317]
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no share")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else _solved(hits, trials - hits + 1, tail)
    high = 1.0 if hits == trials else _solved(hits + 1, trials - hits, 1 - tail)
    return low, high


def _solved(a: int, b: int, share: float) -> float:
    """The x at which the regularised incomplete beta function reaches `share`, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if incomplete_beta(a, b, middle) < share:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def wilson(hits: int, trials: int, *, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of the chance behind `hits` in `trials`; (0, 1) without trials. `z` is the quantile, 1.96 for 95 %.

    With p = hits/trials: (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n). Source: E. B. Wilson, Probable inference, the law of
    succession, and statistical inference, Journal of the American Statistical Association 22 (1927), pages 209-212. Right on the
    average where the exact interval is too wide; used where a rate is told and nothing rests on it.

    >>> [round(end, 4) for end in wilson(2, 31)]
    [0.0179, 0.2072]
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no share")
    if not trials:
        return 0.0, 1.0
    share, weight = hits / trials, z * z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return 0.0 if hits == 0 else max(0.0, middle - half), 1.0 if hits == trials else min(1.0, middle + half)
