"""When to stop repeating a measurement of one thing: as soon as its median is known as closely as somebody asked for.

Looking after every run and stopping at the first interval that happens to be narrow would favour lucky ones: with the usual 95 % interval
such stops hold the true median in 90 to 92 %. So the first look is after 10 runs, each next one after two fifths more, and every look
asks for a 97.5 % interval. Simulated at fixed seed (tests/core/stats/test_precision.py) 95 % or more of all measurements then hold the true
median, for normal, log-normal, heavy-tailed and skewed noise; on a machine that is fast and slow equally often, where the middle is a
matter of luck, 88 to 90 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.core.stats.shift import Shift, of_median

#: The numbers of runs at which one may look.
LOOKS: tuple[int, ...] = (
    10,
    14,
    20,
    28,
    40,
    57,
    80,
    113,
    160,
    226,
    320,
    452,
    640,
    905,
    1280,
    1810,
    2560,
    3620,
    5120,
    7240,
)
#: What each look asks for, so that all together give 95 %.
LEVEL = 0.975


def known(values: Sequence[float]) -> Shift:
    """The median and the interval that a look goes by."""
    return of_median(values, LEVEL)


def reach(values: Sequence[float]) -> float:
    """How far that interval reaches from the median, at its farther end, as a ratio of it; infinite below seven values."""
    found = known(values)
    farther = max(found.high - found.estimate, found.estimate - found.low)
    return farther / found.estimate if found.estimate > 0 else float("inf")


def precise(values: Sequence[float], within: float) -> bool:
    """Whether measuring may stop now: this is a number of runs at which to look, and the median is known `within` this ratio."""
    return len(values) in LOOKS and reach(values) <= within
