"""How far one sample must be moved to lie on the other, for machines that run now fast, now slow.

On shared machines the times of one and the same program gather in two or more heaps (alone on its core or not, high or low
clock), each narrow, a factor of 1.5 or more apart. Means, medians and ranks then see mostly which heap a run fell into. The
shift under which the heaps of both sides lie on each other is known far better. For a shift s let

    C(s) = mean over all i, j of exp(-(after_j - before_i - s)² / 2h²),

the overlap of both samples' kernel densities; the s with the largest C is the one that makes both samples together most
concentrated (least quadratic Rényi entropy). Whether `after` lies higher than `before` by more than a margin is tested with

    T = max C(s) over s > margin  −  max C(s) over s ≤ margin

against the same T of relabelled samples, after taking the margin off: a permutation test, exact where the values of both
sides can be exchanged if nothing differs (Lehmann and Romano, Testing Statistical Hypotheses, 15.2). Pairs in alternating order
only make it stricter. Tried against the alternatives on real pairs: docs/reference/decisions.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

#: The kernel's width on the values' scale: smaller shifts than the smallest effect of interest are not told apart.
WIDTH = 0.03
#: Divisions of the values into two sides: all where there are no more than these, else as many random ones.
DIVISIONS = 2000
#: The first so many decide whether the rest can still matter.
_FIRST = 200
_STEP = WIDTH / 2
#: Shifts of more than this many steps to a side (a factor of 2.5) are beyond what alignment is needed for.
_MOST_STEPS = 60
#: Differences of overlap below this are rounding.
_ROUNDING = 1e-6


def greater(
    before: Sequence[float],
    after: Sequence[float],
    margin: float,
    *,
    unit: float = 1.0,
    level: float,
    most: int = DIVISIONS,
) -> float:
    """The p-value against "after lies higher than before by no more than `margin`"; exact only where it is at most `level`.

    Values and margin are on one scale: logarithms (`unit` 1), or plain values of which `unit` is the typical size. Neither side
    may be empty. A p above `level` is that of the first divisions only. `most` bounds how many are tried.
    """
    values = _scaled(before, after, margin, unit)
    labels = _divisions(len(before), len(after))[:most]
    total = len(labels)
    kernels = _kernels(values)
    allowed = math.floor(level * total + 1e-9)
    first = _statistic(kernels, labels[:_FIRST])
    if first[0] <= 0:
        return 1.0
    reached = int((first >= first[0] - _ROUNDING).sum())
    if reached > allowed or total <= _FIRST:
        return reached / len(first)
    return (reached + int((_statistic(kernels, labels[_FIRST:]) >= first[0] - _ROUNDING).sum())) / total


def shift(before: Sequence[float], after: Sequence[float], *, unit: float = 1.0) -> float:
    """The shift that lays `after` on `before` best, on their scale; resolved to a fraction of the kernel's width."""
    import numpy as np

    values = _scaled(before, after, 0.0, unit)
    differences = (values[len(before) :, None] - values[None, : len(before)]).ravel()
    places = np.linspace(differences.min(), differences.max(), 801, dtype=np.float64)
    overlap = np.exp(-0.5 * ((differences[None, :] - places[:, None]) / WIDTH) ** 2).sum(axis=1)
    return float(places[int(overlap.argmax())]) * unit


def _scaled(before: Sequence[float], after: Sequence[float], margin: float, unit: float) -> Any:
    import numpy as np

    return np.array([*(value / unit for value in before), *((value - margin) / unit for value in after)])


def _kernels(values: Any) -> Floats:
    """The kernel of every difference between two values at every shift: (shifts, values, values); the middle shift is 0."""
    import numpy as np

    differences = (values[:, None] - values[None, :]).astype(np.float32)
    reach = min(_MOST_STEPS, int(np.abs(differences).max() / _STEP) + 1)
    shifts = (np.arange(-reach, reach + 1) * _STEP).astype(np.float32)
    kernels: Floats = np.exp(-0.5 * ((differences[None] - shifts[:, None, None]) / np.float32(WIDTH)) ** 2)
    return kernels


def _statistic(kernels: Floats, labels: Floats) -> Floats:
    """T for each division: one row of `labels` is 1 where a value counts to the second side."""
    import numpy as np

    sums = np.matmul(labels[None], kernels)
    overlap = np.einsum("sdv,dv->ds", sums, 1 - labels)
    overlap /= labels[0].sum() * (labels.shape[1] - labels[0].sum())
    middle = kernels.shape[0] // 2
    found: Floats = overlap[:, middle + 1 :].max(axis=1) - overlap[:, : middle + 1].max(axis=1)
    return found


@lru_cache(maxsize=32)
def _divisions(n: int, m: int) -> Floats:
    """Ways to call m of n + m values the second side; the first row is the one that was observed. Always the same rows."""
    import numpy as np

    total = n + m
    rows = np.zeros((min(DIVISIONS, math.comb(total, m)), total), dtype=np.float32)
    rows[0, n:] = 1
    if math.comb(total, m) <= DIVISIONS:
        observed = tuple(range(n, total))
        others = (each for each in combinations(range(total), m) if each != observed)
        for row, chosen in enumerate(others, 1):
            rows[row, list(chosen)] = 1
        return rows
    state = total
    for row in range(1, len(rows)):
        keys = []
        for _ in range(total):
            # Knuth's MMIX generator: the same numbers in every version of Python and of numpy.
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            keys.append(state >> 16)
        rows[row, sorted(range(total), key=keys.__getitem__)[:m]] = 1
    return rows
