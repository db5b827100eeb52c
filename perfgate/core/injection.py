"""Regressions made on purpose: which way is worse for a budget, how large one must be, and a value made worse by it."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.budgets import Relative, Side
from perfgate.core.compare import Comparison, Tested
from perfgate.core.metrics import Direction
from perfgate.core.units import Number

#: A regression that a budget must block is a fifth larger than what the budget allows: none is blocked at the threshold itself.
BEYOND = 1.2


def rises(better: Direction, relative: Relative) -> bool | None:
    """Whether the change that a relative limit is about is a rise of the value; None where the metric has no better side."""
    if relative.side is not Side.WORSE:
        return relative.side is Side.INCREASE
    return None if better is Direction.NONE else better is Direction.LOWER


def asked_of(relative: Relative) -> float | None:
    """The change that a relative limit must not let through: what it blocks, else what it warns about."""
    return relative.block if relative.block is not None else relative.warn


def size_of(relative: Relative, before: Number | None) -> float | None:
    """The ratio by which a value must get worse to be beyond the limit and its floor; None where nothing is limited.

    `before` is the value that the floor `at_least` is counted from.
    """
    asked = asked_of(relative)
    if asked is None:
        return None
    size = max(BEYOND * asked, 0.01)
    if relative.at_least is not None and before:
        size = max(size, BEYOND * float(relative.at_least.value) / abs(float(before)))
    return size


def visible(comparison: Comparison, *, upwards: bool) -> float | None:
    """The smallest change in this direction that the engine says it would show nine times in ten; None where it says nothing."""
    evidence = comparison.evidence
    if not isinstance(evidence, Tested):
        return None
    return evidence.numbers.visible if upwards else evidence.numbers.visible_drop


def worsened(value: Number, ratio: float, *, upwards: bool) -> Number:
    """`value` moved by this share of its size, upwards or down; Decimal stays Decimal."""
    change = ratio if upwards else -ratio
    if isinstance(value, Decimal):
        return value + abs(value) * Decimal(repr(change))
    return value + abs(value) * change
