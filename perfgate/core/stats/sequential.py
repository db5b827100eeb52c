"""When to stop measuring pairs: as soon as they decide, looking only at agreed numbers of pairs.

Looking often and stopping at the first alarm would multiply false alarms; here there are few looks, and the early ones ask for
more (interleaved.asked_level), so that all looks together alarm hardly more often than the last alone. Simulated at fixed seed
in tests/core/stats/test_interleaved.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfgate.core.metrics import Direction
from perfgate.core.stats.interleaved import LEAST, compare_pairs

#: The numbers of pairs at which one may look.
LOOKS: tuple[int, ...] = (3, 5, 7, 10, 14, 20, 30, 40, 60, 80, 100)


def decided(
    before: Sequence[float], after: Sequence[float], *, warn: float, block: float, most: int, better: Direction
) -> bool:
    """Whether sampling may stop: the sides are shown to differ, or a change for the worse beyond the budget is ruled out.

    `warn` and `block` are the budget's ratios. A change for the worse that is real but whose interval still spans `block` goes on,
    because it matters which of both it is. Always true with `most` pairs.
    """
    pairs = len(before)
    if pairs >= most:
        return True
    if pairs < LOOKS[0]:
        return False
    found = compare_pairs(before, after)
    unit = 1.0 if found.log else abs(found.center) or 1.0
    low, high = (_ratio(end, unit, log=found.log) for end in (found.low, found.high))
    if better is Direction.HIGHER:
        low, high = -high, -low
    if high < warn and pairs >= LEAST:
        return True
    if not found.real:
        return False
    return better is Direction.NONE or low > block or high < block or low < 0


def _ratio(end: float, unit: float, *, log: bool) -> float:
    return math.expm1(min(end, 700.0)) if log else end / unit
