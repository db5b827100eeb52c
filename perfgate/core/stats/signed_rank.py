"""Wilcoxon's signed-rank test of paired differences: exact up to 50 pairs, also with ties, else by the normal approximation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

#: Up to this many differences p is exact.
EXACT_TO = 50


def statistic(differences: Sequence[float]) -> tuple[int, tuple[int, ...]]:
    """Twice the rank sum of the positive differences, and twice the (mean) ranks of all; zeros are left out before ranking."""
    ordered = sorted((abs(value), value > 0) for value in differences if value)
    positive, ranks, below = 0, [], 0
    for _, group in groupby(ordered, key=lambda pair: pair[0]):
        signs = [sign for _, sign in group]
        rank = 2 * below + len(signs) + 1
        positive += rank * sum(signs)
        ranks += [rank] * len(signs)
        below += len(signs)
    return positive, tuple(ranks)


@lru_cache(maxsize=256)
def distribution(ranks: tuple[int, ...]) -> tuple[int, ...]:
    """How many of the 2^n choices of signs give each sum of the positive ones among `ranks` (whole numbers)."""
    counts = [1]
    for rank in ranks:
        longer = counts + [0] * rank
        for at, number in enumerate(counts):
            longer[at + rank] += number
        counts = longer
    return tuple(counts)


def two_sided(differences: Sequence[float]) -> float:
    """The p-value of "the differences are symmetric about zero"; 1 where all of them are zero."""
    positive, ranks = statistic(differences)
    return min(1.0, 2 * min(_tail(positive, ranks), _tail(sum(ranks) - positive, ranks))) if ranks else 1.0


def greater(differences: Sequence[float]) -> float:
    """The p-value against "the differences tend to be positive" alone."""
    positive, ranks = statistic(differences)
    return _tail(positive, ranks) if ranks else 1.0


def _tail(positive: int, ranks: tuple[int, ...]) -> float:
    """P(twice the rank sum >= positive); the distribution is symmetric."""
    if len(ranks) <= EXACT_TO:
        counts = distribution(ranks)
        return sum(counts[positive:]) / (1 << len(ranks))
    # Each rank r is there or not: mean r/2, variance r²/4; the half step of continuity is 1 in doubled ranks.
    sd = math.sqrt(sum(rank * rank for rank in ranks)) / 2
    return math.erfc((positive - sum(ranks) / 2 - 1) / sd / math.sqrt(2)) / 2
