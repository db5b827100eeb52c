"""The comparisons that a budget made with a series' numbers, each with its answer, for `explain`."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.baseline import as_float
from perfgate.core.budgets import Relative, Side
from perfgate.core.compare import Comparison, Tested
from perfgate.core.decision import Verdict
from perfgate.core.metrics import Direction
from perfgate.core.rules import exceeds
from perfgate.core.units import Number, Quantity, write_percent, write_threshold
from perfgate.render import arithmetic

_INDENT = " " * 14
#: Amounts of more digits are written with an exponent.
_LONGEST = 30


def of_limit(verdict: Verdict, limit: Quantity, comparison: Comparison | None) -> list[str]:
    """The value, and the one before, against the limit with and without its tolerance."""
    tolerance = Decimal(str(verdict.budget.tolerance))
    below = comparison is not None and comparison.better is Direction.HIGHER
    beyond = limit.value * (1 - tolerance if below else 1 + tolerance)
    unit = comparison.unit if comparison is not None else limit.unit
    shown = f" {unit}" if str(unit) != "1" else ""
    exact = f"{plain_number(limit.value)}{shown}"
    equal = "" if str(limit) == exact else f" = {exact}"
    tolerated = f"with the tolerance of {write_threshold(verdict.budget.tolerance)}: {plain_number(beyond)}{shown}"
    lines = [f"{_INDENT}limit {limit}{equal}; {tolerated}"]
    if comparison is None or comparison.after is None:
        return lines
    over = _over(comparison.after, limit.value, below=below)
    lines.append(_against(comparison.after, limit.value, "limit", below=below))
    if over:
        lines.append(_against(comparison.after, beyond, "limit and tolerance", below=below))
        if comparison.before is not None:
            lines.append(_against(comparison.before, limit.value, "already before", below=below))
    return lines


def of_family(relative: Relative) -> list[str]:
    """The thresholds that the mean change is held against."""
    source = "" if relative.stated else " (from the defaults)"
    return [
        f"{_INDENT}warn beyond {write_threshold(relative.warn)}, block beyond {write_threshold(relative.block)}{source}"
    ]


def of_change(verdict: Verdict, relative: Relative, comparison: Comparison | None) -> list[str]:
    """The change against the thresholds, the floor, the least effect and the evidence: it counts where all say yes."""
    lines = of_family(relative)
    if comparison is None or comparison.relative is None:
        return lines
    rise = _limited(comparison, relative.side)
    if rise is None:
        return lines
    amount = write_percent(rise, signed=True)
    for name, threshold in (("warn", relative.warn), ("block", relative.block)):
        if threshold is not None:
            lines.append(_answered(f"{amount} > {write_threshold(threshold)}", name, exceeds(rise, threshold)))
    if relative.at_least is not None:
        lines.append(_floor(comparison, relative.at_least))
    if isinstance(comparison.evidence, Tested):
        lines += _evidence(verdict, relative, comparison, comparison.evidence, rise)
    return lines


def _evidence(verdict: Verdict, relative: Relative, comparison: Comparison, evidence: Tested, rise: float) -> list[str]:
    least = verdict.budget.min_effect
    numbers = evidence.numbers
    lines = [
        _answered(
            f"{write_percent(rise, signed=True)} > {write_threshold(least)}",
            "min_effect",
            exceeds(rise, least),
        ),
        _answered(arithmetic.real(evidence)[0], "real", arithmetic.real(evidence)[1]),
    ]
    upward = relative.side is Side.INCREASE or (
        relative.side is Side.WORSE and comparison.better is not Direction.HIGHER
    )
    visible = numbers.visible if upward else numbers.visible_drop
    asked = relative.block if relative.block is not None else relative.warn
    if asked is not None and visible is not None:
        words = f"{write_percent(visible, signed=False)} ≤ {write_threshold(asked)}"
        lines.append(_answered(words, "can be seen", not exceeds(visible, asked)))
    return lines


def _limited(comparison: Comparison, side: Side) -> float | None:
    """The change in the direction that the budget limits."""
    if side is Side.WORSE:
        return comparison.worse
    if comparison.relative is None:
        return None
    return comparison.relative if side is Side.INCREASE else -comparison.relative


def _floor(comparison: Comparison, floor: Quantity) -> str:
    before, after = comparison.before, comparison.after
    if before is None or after is None:
        return f"{_INDENT}no floor without both values"
    if isinstance(before, Decimal) and isinstance(after, Decimal):
        difference: Number = abs(after - before)
    else:
        difference = abs(as_float(after) - as_float(before))
    return _against(difference, floor.value, f"at_least {floor}", below=False)


def _over(value: Number, bound: Decimal, *, below: bool) -> bool:
    left, right = (value, bound) if isinstance(value, Decimal) else (value, float(bound))
    return left < right if below else left > right


def _against(value: Number, bound: Decimal, name: str, *, below: bool) -> str:
    words = f"{plain_number(value)} {'<' if below else '>'} {plain_number(bound)}"
    return _answered(words, name, _over(value, bound, below=below))


def _answered(words: str, name: str, answer: bool) -> str:
    return f"{_INDENT}{words:<24}  {'yes' if answer else 'no':<3}  {name}"


def plain_number(value: Number) -> str:
    """A number in base units as it was counted: whole numbers in full, others with six digits, money as it is."""
    if isinstance(value, Decimal):
        if abs(value.adjusted()) > _LONGEST:
            return str(value)
        return format(value.normalize(), "f") if value == value.to_integral_value() else f"{value:f}"
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
