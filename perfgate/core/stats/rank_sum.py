"""Mann and Whitney's U test of two samples: exact, also with ties, where they are small, else by the normal approximation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

#: Up to these sizes of both samples p is exact: without ties, and with them. benchstat has the same limits.
EXACT_TO, EXACT_TO_TIED = 50, 25


class Distribution(NamedTuple):
    """How many of the C(n + m, n) equally likely divisions give each U: `counts[i]` of them give U = i · `step`."""

    counts: tuple[int, ...]
    step: float

    def up_to(self, u: float) -> float:
        """P(U <= u)."""
        return sum(self.counts[: math.floor(u / self.step) + 1]) / sum(self.counts) if u >= 0 else 0.0

    def from_(self, u: float) -> float:
        """P(U >= u)."""
        return sum(self.counts[max(0, math.ceil(u / self.step)) :]) / sum(self.counts)


def statistic(x: Sequence[float], y: Sequence[float]) -> tuple[float, tuple[int, ...]]:
    """U, the number of pairs with x below y (a tie counts a half), and how many values there are of each size, ascending.

    Neither sample may be empty.
    """
    labelled = sorted([(value, 0) for value in x] + [(value, 1) for value in y])
    below, u, ties = 0, 0.0, []
    for _, group in groupby(labelled, key=lambda pair: pair[0]):
        sides = [side for _, side in group]
        theirs = sum(sides)
        mine = len(sides) - theirs
        u += theirs * (below + mine / 2)
        below += mine
        ties.append(len(sides))
    return u, tuple(ties)


@lru_cache(maxsize=256)
def distribution(n: int, m: int, ties: tuple[int, ...] = ()) -> Distribution:
    """The distribution of U when nothing differs, given the sizes of the groups of equal values (ascending; none: no ties).

    A generating function, ∏ over the groups of ∑ over k of C(t, k) · a^k · q^(k · rank); the coefficients of q are held side by
    side in one large integer, so that Python's own multiplication does the work. Klotz (1966) counts the same.
    """
    tied = any(size > 1 for size in ties)
    sizes = ties if tied else (1,) * (n + m)
    scale = 2 if tied else 1
    width = 8 * (math.comb(n + m, n).bit_length() // 8 + 1)
    # chosen[j]: the divisions that have put j of the values read so far on y's side, by the sum of their ranks.
    chosen = [1] + [0] * m
    below = 0
    for size in sizes:
        # Twice the mean rank among equal values, counted from 0: 2 · below + (size - 1).
        rank = (2 * below + size - 1) * scale // 2
        ways = [(math.comb(size, k), k * rank * width) for k in range(min(size, m) + 1)]
        for j in range(min(m, below + size), 0, -1):
            chosen[j] = sum(
                (chosen[j - k] * number) << shift for k, (number, shift) in enumerate(ways) if k <= j and chosen[j - k]
            )
        below += size
    # The ranks of m values sum to at least m (m - 1) / 2, where U is 0.
    lowest = m * (m - 1) * scale // 2
    packed = (chosen[m] >> (lowest * width)).to_bytes((n * m * scale + 1) * width // 8, "little")
    step = width // 8
    counts = tuple(int.from_bytes(packed[at : at + step], "little") for at in range(0, len(packed), step))
    return Distribution(counts, 1 / scale)


def two_sided(x: Sequence[float], y: Sequence[float]) -> float:
    """The p-value of "x and y come from one distribution" against "one of them tends to be larger"; 1 where all values are equal."""
    u, ties = statistic(x, y)
    if len(ties) == 1:
        return 1.0
    known = _exact(len(x), len(y), ties)
    if known is not None:
        return min(1.0, 2 * min(known.up_to(u), known.from_(u)))
    return min(1.0, 2 * _normal_tail(abs(u - len(x) * len(y) / 2), len(x), len(y), ties))


def greater(x: Sequence[float], y: Sequence[float]) -> float:
    """The p-value against "y tends to be larger than x" alone."""
    u, ties = statistic(x, y)
    if len(ties) == 1:
        return 1.0
    known = _exact(len(x), len(y), ties)
    return known.from_(u) if known is not None else _normal_tail(u - len(x) * len(y) / 2, len(x), len(y), ties)


def _exact(n: int, m: int, ties: tuple[int, ...]) -> Distribution | None:
    tied = len(ties) < n + m
    most = EXACT_TO_TIED if tied else EXACT_TO
    return distribution(n, m, ties if tied else ()) if max(n, m) <= most else None


def _normal_tail(above: float, n: int, m: int, ties: tuple[int, ...]) -> float:
    """P(U - mean >= above) with the corrections for ties and for continuity (Lehmann, Nonparametrics, 1.5)."""
    total = n + m
    correction = sum(size**3 - size for size in ties) / (total * (total - 1))
    sd = math.sqrt(n * m / 12 * (total + 1 - correction))
    return math.erfc((above - 0.5) / sd / math.sqrt(2)) / 2
