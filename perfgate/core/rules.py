"""The rules of design.md 5, one function each: a limit, a change, a suspicious drop. Each gives what it finds, before enforcement."""

from __future__ import annotations

from decimal import Decimal

from perfgate.core.budgets import Budget, Judge, Level, Relative, Side
from perfgate.core.compare import PAIRS, Comparison, Exact, Finding, Insufficient, Tested
from perfgate.core.decision import Rule, Subject, Verdict
from perfgate.core.metrics import GOOD_AT_ZERO, Direction
from perfgate.core.model import State
from perfgate.core.units import Number, Quantity, write_percent, write_threshold, write_value
from perfgate.errors import InputError

#: A lower-is-better value at less than half, or a higher-is-better value at more than double, is checked before it is praised.
_SUSPICIOUS = 0.5
#: How a suspicion becomes a finding, or ends; and how a series comes to show smaller changes.
_SETTLE = "to settle a suspicion, measure both sides in turns (versus: base, or perfgate ab), or two more runs on other runners or at other times"
_MORE_PAIRS = "measure more pairs (perfgate ab --pairs), on a quieter machine, or count instructions"
_CLEARER = "compare interleaved on one machine, measure more runs, use a quieter runner, or count instructions"
#: 1.1 / 1.0 - 1 is a little more than 0.1 in binary; "exceeds 10 %" must not hinge on that.
_SLACK = 1e-9


def exceeds(amount: float, threshold: float) -> bool:
    """Whether a ratio is beyond a threshold, by more than the rounding of binary fractions."""
    return amount > threshold + _SLACK * max(1.0, threshold)


# --- absolute limits --------------------------------------------------------------------------------------------------


def limit(comparison: Comparison, budget: Budget) -> Verdict:
    """The value against the budget's limit: pass up to it, warn up to limit + tolerance, block above; mirrored where higher is better."""
    quantity = budget.limit
    if quantity is None:
        raise ValueError("a budget without a limit has no limit to apply")
    bound = bound_of(comparison, quantity, budget.place)
    if comparison.state is State.UNKNOWN or comparison.after is None:
        return _verdict(comparison, budget, Rule.LIMIT, Level.INCONCLUSIVE, f"no value: {_why_no_value(comparison)}")
    over = _over(comparison.after, bound, comparison.better)
    if over and _over(comparison.after, bound * _beyond(comparison.better, budget.tolerance), comparison.better):
        if _was_over_before(comparison, budget, bound):
            return _verdict(comparison, budget, Rule.LIMIT, Level.WARN, _limit_text(comparison, budget, "already"))
        return _verdict(comparison, budget, Rule.LIMIT, Level.BLOCK, _limit_text(comparison, budget, "beyond"))
    if over:
        return _verdict(comparison, budget, Rule.LIMIT, Level.WARN, _limit_text(comparison, budget, "tolerated"))
    if comparison.state is State.LOWER_BOUND:
        reason = f"at least {write_value(comparison.after, comparison.unit)}, the rest is unknown: {comparison.reason}"
        return _verdict(comparison, budget, Rule.LIMIT, Level.INCONCLUSIVE, reason)
    return _verdict(comparison, budget, Rule.LIMIT, Level.PASS, _limit_text(comparison, budget, "within"))


def bound_of(comparison: Subject, quantity: Quantity, place: str) -> Decimal:
    """The number of a limit, a ceiling or a floor in the series' unit; InputError where the units do not fit."""
    if not quantity.fits(comparison.unit):
        what = f'"{quantity}" is counted in {quantity.unit}, but {comparison.series} in {comparison.unit}'
        raise InputError(
            what, where=place, remedy=f'write it in {comparison.unit}, for example "{_example(comparison)}"'
        )
    return quantity.value


def within(comparison: Subject, ceiling: Quantity, place: str) -> bool:
    """Whether the value is not worse than a ceiling (a floor, where higher is better)."""
    bound = bound_of(comparison, ceiling, place)
    return comparison.after is not None and not _over(comparison.after, bound, comparison.better)


def _example(comparison: Subject) -> str:
    return write_value(comparison.after if comparison.after is not None else 10, comparison.unit)


def _over(value: Number, bound: Decimal, better: Direction) -> bool:
    left, right = (value, bound) if isinstance(value, Decimal) else (value, float(bound))
    return left < right if better is Direction.HIGHER else left > right


def _beyond(better: Direction, tolerance: float) -> Decimal:
    ratio = Decimal(str(tolerance))
    return 1 - ratio if better is Direction.HIGHER else 1 + ratio


def _was_over_before(comparison: Comparison, budget: Budget, bound: Decimal) -> bool:
    """Whether the base was over the limit too and this change is not to blame: no worse than base and anchor by more than `warn`."""
    if comparison.before is None or not _over(comparison.before, bound, comparison.better):
        return False
    relative = budget.relative or Relative()
    allowed = relative.warn if relative.warn is not None else relative.block or 0.0
    shown = not isinstance(comparison.evidence, Tested) or comparison.evidence.finding is not Finding.UNCHANGED
    if shown and exceeds(rise_of(comparison, Side.WORSE), allowed):
        return False
    anchor = comparison.anchor
    return anchor is None or not (anchor.beyond and exceeds(_ratio(anchor.worse), allowed))


def _limit_text(comparison: Comparison, budget: Budget, how: str) -> str:
    value = write_value(comparison.after, comparison.unit)
    side = "below" if comparison.better is Direction.HIGHER else "over"
    text = {
        "within": f"{value} is within the limit of {budget.limit}",
        "tolerated": f"{value} is {side} the limit of {budget.limit}, within the tolerance of {write_threshold(budget.tolerance)}",
        "beyond": f"{value} is {side} the limit of {budget.limit}",
        "already": f"{value} is {side} the limit of {budget.limit}, but it was before this change and this change did not make it worse",
    }[how]
    if comparison.interval is None:
        return text
    low, high = comparison.interval
    bound = float(budget.limit.value) if budget.limit else low
    return (
        f"{text}; the limit lies inside the 95 % interval of {len(comparison.values)} runs"
        if low <= bound <= high
        else text
    )


# --- changes ----------------------------------------------------------------------------------------------------------


def change(comparison: Comparison, budget: Budget, relative: Relative) -> Verdict | None:
    """The change against the relative limit: it counts if it exceeds the per cent AND the floor AND is shown to be real.

    None where the metric has no better direction and the budget does not say which change it is about.
    """
    side = side_of(comparison, budget, relative)
    if side is None:
        return None
    evidence = comparison.evidence
    if isinstance(evidence, Insufficient):
        reason = evidence.missing if comparison.state is not State.UNKNOWN else f"no value: {_why_no_value(comparison)}"
        return _verdict(comparison, budget, Rule.CHANGE, Level.INCONCLUSIVE, reason, remedy=evidence.remedy)
    rise = rise_of(comparison, side)
    enough = floor_exceeded(comparison, budget, relative, comparison.before, comparison.after)
    found = level_of(rise, relative) if enough else Level.PASS
    if isinstance(evidence, Exact):
        if comparison.state is State.LOWER_BOUND and found is Level.PASS:
            reason = f"the value is only a lower bound: {comparison.reason}"
            return _verdict(comparison, budget, Rule.CHANGE, Level.INCONCLUSIVE, reason)
        return _verdict(comparison, budget, Rule.CHANGE, found, _change_text(comparison, relative, found, rise))
    return _tested(comparison, budget, relative, side, found)


def _tested(comparison: Comparison, budget: Budget, relative: Relative, side: Side, found: Level) -> Verdict:
    """A noisy series: real changes count, suspects pass and are said, and what could not have been seen is inconclusive."""
    evidence = comparison.evidence
    if not isinstance(evidence, Tested):
        raise TypeError("only a tested comparison has noise")
    rise = rise_of(comparison, side)
    small = not exceeds(rise, budget.min_effect)
    if found > Level.PASS and evidence.finding is Finding.REAL and not small:
        text = _change_text(comparison, relative, found, rise)
        if found is Level.WARN:
            return _verdict(comparison, budget, Rule.CHANGE, found, text)
        why = _at_most_warn(comparison, evidence, budget)
        seen = _visible(evidence, comparison, side)
        unseen = seen is None or not exceeds(rise, seen)
        if not why and not evidence.settled and unseen and is_too_noisy(comparison, relative, side):
            # Real, but in the range where this series shows changes by luck only: not enough to stop somebody.
            wanted = write_threshold(relative.block)
            note = f"at most warn until it is settled: this series can show a change of {write_percent(seen)}, the budget asks for {wanted}"
            return _verdict(
                comparison, budget, Rule.CHANGE, Level.WARN, text, notes=(note,), remedy=_SETTLE, suspect=True
            )
        notes = (f"at most warn: {why}",) if why else ()
        return _verdict(comparison, budget, Rule.CHANGE, Level.WARN if why else found, text, notes=notes)
    asked = relative.block if relative.block is not None else relative.warn
    visible = _visible(evidence, comparison, side)
    upper = _upper(evidence, side, comparison)
    hidden = is_too_noisy(comparison, relative, side)
    proven = asked is not None and upper is not None and upper < asked
    beyond = found > Level.PASS and not small
    suspect = evidence.finding is Finding.SUSPECT and beyond
    if hidden and not proven and asked is not None:
        reason = (
            f"this series can show a change of {write_percent(visible)}, the budget asks for {write_threshold(asked)}"
        )
        remedy = _MORE_PAIRS if evidence.method == PAIRS else _CLEARER
        # Beyond the budget, though this history cannot tell: worth settling just as a suspect is.
        worth = beyond and evidence.method != PAIRS
        return _verdict(comparison, budget, Rule.CHANGE, Level.INCONCLUSIVE, reason, remedy=remedy, suspect=worth)
    if suspect:
        reason = f"{write_percent(rise)} is suspicious, but not shown to be more than noise"
        return _verdict(comparison, budget, Rule.CHANGE, Level.PASS, reason, remedy=_SETTLE, suspect=True)
    return _verdict(
        comparison,
        budget,
        Rule.CHANGE,
        Level.PASS,
        _pass_text(comparison, budget, side, small=small, evidence=evidence),
    )


def _at_most_warn(comparison: Comparison, evidence: Tested, budget: Budget) -> str:
    """Why a change that would block may only warn; "" where it may block."""
    if comparison.pooled:
        return f"this cpu model has too few runs of its own, so it is held against {evidence.numbers.n} behind the same runner label"
    if evidence.at_most_warn:
        n = evidence.numbers.n
        return f"only {n} comparable run{'' if n == 1 else 's'} in the baseline"
    return "one scenario of a family does not block alone" if budget.judge is Judge.FAMILY else ""


def side_of(comparison: Comparison, budget: Budget, relative: Relative) -> Side | None:
    """Which change is meant; InputError where the budget asks for the one that is an improvement."""
    better = comparison.better
    if relative.side is Side.WORSE:
        return None if better is Direction.NONE else Side.WORSE
    worse = {Direction.LOWER: Side.INCREASE, Direction.HIGHER: Side.DECREASE}.get(better, relative.side)
    if worse is not relative.side:
        what = f"{comparison.series} is better when {better.value}, so a budget limits its {worse.value}"
        raise InputError(
            what, where=budget.place, remedy=f"write max_{worse.value} instead of max_{relative.side.value}"
        )
    return relative.side


def rise_of(comparison: Comparison, side: Side) -> float:
    """The change in the direction that is limited, as a ratio; 0 where there is no earlier value."""
    if side is Side.WORSE:
        return _ratio(comparison.worse)
    relative = _ratio(comparison.relative)
    return relative if side is Side.INCREASE else -relative


def _ratio(ratio: float | None) -> float:
    return 0.0 if ratio is None else ratio


def level_of(rise: float, relative: Relative) -> Level:
    """The level that a change of this size comes to, were it real."""
    if relative.block is not None and exceeds(rise, relative.block):
        return Level.BLOCK
    return Level.WARN if relative.warn is not None and exceeds(rise, relative.warn) else Level.PASS


def floor_exceeded(
    comparison: Comparison, budget: Budget, relative: Relative, before: Number | None, after: Number | None
) -> bool:
    """Whether two values of this series differ by more than the budget's absolute floor, if it has one."""
    if relative.at_least is None or before is None or after is None:
        return True
    floor = bound_of(comparison, relative.at_least, budget.place)
    if isinstance(before, Decimal) and isinstance(after, Decimal):
        return abs(after - before) > floor
    return abs(float(after) - float(before)) > float(floor)


def is_upward(comparison: Comparison, side: Side) -> bool:
    """Whether the limited change is a rise of the value."""
    return side is Side.INCREASE or (side is Side.WORSE and comparison.better is not Direction.HIGHER)


def is_too_noisy(comparison: Comparison, relative: Relative, side: Side) -> bool:
    """Whether the series could not show the change that the budget asks about."""
    asked = relative.block if relative.block is not None else relative.warn
    if asked is None or not isinstance(comparison.evidence, Tested):
        return False
    visible = _visible(comparison.evidence, comparison, side)
    return visible is None or exceeds(visible, asked)


def _visible(evidence: Tested, comparison: Comparison, side: Side) -> float | None:
    return evidence.numbers.visible if is_upward(comparison, side) else evidence.numbers.visible_drop


def _upper(evidence: Tested, side: Side, comparison: Comparison) -> float | None:
    """The end of the change's interval on the limited side."""
    if evidence.change_low is None or evidence.change_high is None:
        return None
    return evidence.change_high if is_upward(comparison, side) else -evidence.change_low


def _change_text(comparison: Comparison, relative: Relative, found: Level, rise: float) -> str:
    amount = write_percent(comparison.relative)
    if found is Level.PASS and rise <= 0:
        return "unchanged" if comparison.relative == 0 else f"{amount}, not worse"
    if found is Level.PASS:
        floor = f" or not by more than {relative.at_least}" if relative.at_least else ""
        asked = relative.warn if relative.warn is not None else relative.block
        return f"{amount} is not beyond {write_threshold(asked)}{floor}"
    threshold = relative.block if found is Level.BLOCK else relative.warn
    if found is Level.WARN and threshold is None:
        threshold = relative.block
    return f"{amount} is beyond {write_threshold(threshold)}"


def _pass_text(comparison: Comparison, budget: Budget, side: Side, *, small: bool, evidence: Tested) -> str:
    amount = write_percent(comparison.relative)
    if evidence.finding is Finding.REAL and rise_of(comparison, side) < 0:
        return f"{amount}, better than the baseline"
    if evidence.finding is not Finding.REAL and rise_of(comparison, side) <= -budget.min_effect:
        return f"{amount}, not worse"
    if small:
        return f"{amount}, nothing to speak of"
    if evidence.finding is Finding.REAL:
        return f"{amount} is real, and within the budget"
    return f"{amount} is within the usual variation between runs"


# --- drops ------------------------------------------------------------------------------------------------------------


def drop(comparison: Comparison, budget: Budget) -> Verdict | None:
    """A fall to nothing, or to less than half (a rise to more than double where higher is better), is a warning: usually something
    stopped being measured. None where there is no such fall."""
    relative, evidence = comparison.relative, comparison.evidence
    if relative is None or isinstance(evidence, Insufficient):
        return None
    if isinstance(evidence, Tested) and evidence.finding is not Finding.REAL:
        return None
    to_zero = comparison.after == 0 and relative < 0
    if to_zero and comparison.series.metric in GOOD_AT_ZERO:
        return None
    if comparison.better is Direction.HIGHER:
        suspicious = exceeds(relative, 1 / _SUSPICIOUS - 1)
    else:
        suspicious = exceeds(-relative, _SUSPICIOUS) or to_zero
    if not suspicious:
        return None
    amount = "to zero" if to_zero else write_percent(relative)
    return _verdict(
        comparison,
        budget,
        Rule.DROP,
        Level.WARN,
        f"{amount} is more than an improvement usually brings; make sure that the same work was measured",
        remedy="if it is real, justify it in a commit",
    )


def watched(comparison: Comparison, budget: Budget) -> Verdict:
    """A series that a budget names without any limit that applies: there is a value, or there is none."""
    if comparison.state is State.UNKNOWN or comparison.after is None:
        return _verdict(comparison, budget, Rule.CHANGE, Level.INCONCLUSIVE, f"no value: {_why_no_value(comparison)}")
    return _verdict(comparison, budget, Rule.CHANGE, Level.PASS, "measured; the budget sets no limit")


def _why_no_value(comparison: Comparison) -> str:
    if comparison.reason:
        return comparison.reason
    return comparison.evidence.missing if isinstance(comparison.evidence, Insufficient) else "the run has no value"


def _verdict(
    comparison: Comparison,
    budget: Budget,
    rule: Rule,
    found: Level,
    reason: str,
    *,
    notes: tuple[str, ...] = (),
    remedy: str = "",
    suspect: bool = False,
) -> Verdict:
    return Verdict(comparison.series, rule, found, found, reason, budget, notes, remedy, suspect)
