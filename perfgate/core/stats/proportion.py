"""How sure a counted share is: the exact interval of Clopper and Pearson (Biometrika 26, 1934)."""

from __future__ import annotations

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
