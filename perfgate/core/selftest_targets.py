"""Which values a budget is tested with: just beyond its limit, a fifth beyond its per cent, beyond its waivers, and larger ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from perfgate.core.baseline import as_float
from perfgate.core.budgets import Level, Relative
from perfgate.core.compare import Comparison, Exact, Insufficient, Tested
from perfgate.core.decision import Family, Rule, Verdict
from perfgate.core.injection import asked_of, rises, size_of, visible, worsened
from perfgate.core.metrics import Direction
from perfgate.core.model import Series
from perfgate.core.rules import bound_of
from perfgate.core.units import Number, Quantity, write_percent, write_threshold, write_value

#: What is tried after the fair size: a budget that blocks only then cannot show what it asks for; one that never does is broken.
LARGER = (1.5, 2.0, 4.0, 8.0)
#: A fall by more than this cannot be made.
LARGEST_FALL = 0.99
#: Just above a limit is above it by this share.
_JUST = 1e-6
_JUST_EXACT = Decimal("0.000001")


def wanted_of(verdict: Verdict) -> Level:
    """What a budget's rule must find in a regression: block, or warn where the budget only warns."""
    relative = verdict.budget.relative
    only_warns = verdict.rule is not Rule.LIMIT and relative is not None and relative.block is None
    return Level.WARN if only_warns else Level.BLOCK


class Attempt(NamedTuple):
    """One regression: what which series are set to, and that in words."""

    values: Mapping[Series, Number]
    shown: str


class Plan(NamedTuple):
    """How a budget is tested. `doubt` says why it may not be able to prove itself, `hopeless` that nothing need be tried."""

    doubt: str
    hopeless: bool
    attempts: Iterator[Attempt]


class Case(NamedTuple):
    """One budget on one series: the verdict on the unchanged run, the comparison behind it, and what waivers cover."""

    verdict: Verdict
    comparison: Comparison
    ceilings: tuple[Quantity, ...] = ()


class FamilyCase(NamedTuple):
    """One budget on scenarios that are judged together: the verdict on the unchanged run, and the family behind it."""

    verdict: Verdict
    family: Family


def plan_of(case: Case | FamilyCase) -> Plan:
    """What to try on this budget."""
    if isinstance(case, FamilyCase):
        return _family_plan(case)
    insufficient = isinstance(case.comparison.evidence, Insufficient) and case.verdict.rule is Rule.CHANGE
    unmade = case.comparison.after is None or insufficient
    already = case.verdict.found >= wanted_of(case.verdict)
    return Plan(_doubt(case), unmade or already, _attempts(case))


# --- scenarios together -----------------------------------------------------------------------------------------------


def _family_plan(case: FamilyCase) -> Plan:
    family, verdict = case.family, case.verdict
    relative = verdict.budget.relative or Relative()
    asked, made = asked_of(relative), family.numbers
    if made is None or family.relative is None or asked is None:
        return Plan(verdict.reason, True, iter(()))
    if verdict.found >= wanted_of(verdict):
        return Plan(f"the unchanged run is at {verdict.found.word} already: {verdict.reason}", True, iter(()))
    upwards = rises(family.better, relative) is not False
    shows = math.expm1(made.visible) if upwards else -math.expm1(-made.visible)
    doubt = ""
    if shows > asked:
        doubt = (
            f"together they can show {write_percent(shows, signed=False)}, the budget asks for {write_threshold(asked)}"
        )
    return Plan(
        doubt, False, _family_attempts(case, max(size_of(relative, family.before) or 0.0, shows), upwards=upwards)
    )


def _family_attempts(case: FamilyCase, size: float, *, upwards: bool) -> Iterator[Attempt]:
    """Every scenario by the same factor, so that the family's mean ends at the size, and its spread stays what it is."""
    for factor in (1.0, *LARGER):
        change = size * factor if upwards else -min(size * factor, LARGEST_FALL)
        ratio = (1 + change) / (1 + (case.family.relative or 0.0))
        values = {each.series: each.after * ratio for each in case.family.members}
        yield Attempt(values, f"{write_percent(change)} in all of its {len(values)} scenarios")


# --- why it may not be shown ------------------------------------------------------------------------------------------


def _doubt(case: Case) -> str:
    """Why this budget cannot prove itself at the size it asks for; "" where it can."""
    verdict, comparison = case.verdict, case.comparison
    if comparison.after is None:
        return f"no value: {comparison.reason or 'the run has none'}"
    if verdict.found >= wanted_of(verdict):
        return f"the unchanged run is at {verdict.found.word} already: {verdict.reason}"
    if verdict.rule is Rule.LIMIT:
        return ""
    if isinstance(comparison.evidence, Insufficient):
        return comparison.evidence.missing
    relative = verdict.budget.relative or Relative()
    asked, shows = asked_of(relative), _visible(case)
    if isinstance(comparison.evidence, Tested) and asked is not None and (shows is None or shows > asked):
        return f"the series can show {write_percent(shows, signed=False)}, the budget asks for {write_threshold(asked)}"
    return ""


def _upwards(case: Case) -> bool:
    """Whether the change that is limited is a rise; a limit on a metric without a better side is one from above."""
    if case.verdict.rule is Rule.LIMIT:
        return case.comparison.better is not Direction.HIGHER
    return rises(case.comparison.better, case.verdict.budget.relative or Relative()) is not False


def _visible(case: Case) -> float | None:
    return visible(case.comparison, upwards=_upwards(case))


# --- what is tried ----------------------------------------------------------------------------------------------------


def _attempts(case: Case) -> Iterator[Attempt]:
    before = case.comparison.before
    for value in _targets(case):
        shown = write_value(value, case.comparison.unit)
        if case.verdict.rule is Rule.CHANGE and before:
            change = (as_float(value) - as_float(before)) / abs(as_float(before))
            shown = f"{write_percent(change)} ({shown})"
        yield Attempt({case.verdict.series: value}, shown)


def _targets(case: Case) -> Iterator[Number]:
    """The values to set the series to: first the fair one, then what lies beyond the reach of waivers, then larger ones."""
    first = _beyond_limit(case) if case.verdict.rule is Rule.LIMIT else _beyond_change(case)
    yield first
    upwards = _upwards(case)
    for ceiling in case.ceilings:
        if ceiling.fits(case.comparison.unit):
            beyond = worsened(ceiling.value, _JUST, upwards=upwards)
            yield max(
                (first, _like(first, float(beyond))), key=lambda value: as_float(value) if upwards else -as_float(value)
            )
    start = case.comparison.before if case.comparison.before is not None else case.comparison.after
    distance = abs(as_float(first) - as_float(start or 0)) or abs(as_float(first)) or 1.0
    for factor in LARGER:
        moved = distance * factor
        value = as_float(start or 0) + (moved if upwards else -moved)
        if not upwards and start and value <= 0:
            yield _like(first, as_float(start) * (1 - LARGEST_FALL))
            return
        yield _like(first, value)


def _like(pattern: Number, value: float) -> Number:
    return Decimal(repr(value)) if isinstance(pattern, Decimal) else value


def _beyond_change(case: Case) -> Number:
    """The earlier value made worse by a fifth more than the budget allows, and by no less than the series can show."""
    comparison, relative = case.comparison, case.verdict.budget.relative or Relative()
    before, upwards = comparison.before, _upwards(case)
    if not before:
        floor = relative.at_least.value * 2 if relative.at_least is not None else Decimal(1)
        return _like(comparison.after or 0.0, float(floor if upwards else -floor))
    size = max(size_of(relative, before) or 0.0, _visible(case) or 0.0, case.verdict.budget.min_effect)
    value = worsened(before, size if upwards else min(size, LARGEST_FALL), upwards=upwards)
    return _whole(case, value, upwards=upwards)


def _beyond_limit(case: Case) -> Number:
    """The first value beyond limit and tolerance; where the base was over the limit already, one that this change made worse."""
    comparison, budget = case.comparison, case.verdict.budget
    if budget.limit is None:
        raise ValueError("a budget without a limit has no limit to exceed")
    upwards = _upwards(case)
    tolerance = Decimal(str(budget.tolerance))
    bound = bound_of(comparison, budget.limit, budget.place)
    edge = bound * (1 + tolerance if upwards else 1 - tolerance)
    step = abs(edge) * _JUST_EXACT or Decimal(1)
    value: Number = edge + step if upwards else edge - step
    if not isinstance(comparison.after, Decimal):
        value = float(value)
    value = _whole(case, value, upwards=upwards)
    before = comparison.before
    if before is None or not _over(before, bound, upwards=upwards):
        return value
    relative = budget.relative or Relative()
    size = max(size_of(relative, before) or 0.01, _visible(case) or 0.0)
    worse_still = worsened(before, size, upwards=upwards)
    return max(value, worse_still, key=as_float) if upwards else min(value, worse_still, key=as_float)


def _over(value: Number, bound: Decimal, *, upwards: bool) -> bool:
    return as_float(value) > float(bound) if upwards else as_float(value) < float(bound)


def _whole(case: Case, value: Number, *, upwards: bool) -> Number:
    """Counts stay whole numbers: the next one beyond."""
    seen = (case.comparison.after, *case.comparison.used)
    exact = isinstance(case.comparison.evidence, (Exact, Insufficient))
    if (
        isinstance(value, Decimal)
        or not exact
        or any(each is None or each != int(each) for each in seen)
        or abs(value) < 1
    ):
        return value
    return float(math.ceil(value) if upwards else math.floor(value))
