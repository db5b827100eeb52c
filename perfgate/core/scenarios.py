"""Scenario families: all scenarios of one metric judged together in pairs, because a single one varies too much (statistics.md 4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from perfgate.core import rules
from perfgate.core.baseline import as_float
from perfgate.core.budgets import Budget, Judge, Level, Relative
from perfgate.core.compare import PAIRS, Comparison, Insufficient, Tested
from perfgate.core.decision import Family, Member, Rule, Verdict
from perfgate.core.families import Judged
from perfgate.core.model import Series
from perfgate.core.stats import families
from perfgate.core.units import write_percent, write_threshold, write_values

LABEL = "scenario"
#: The baseline of a scenario is the mean of so many of its newest runs: pooled over ten, the variance nearly halves.
POOLED = 10
#: Short of 1 %, but worth a word.
_SUSPECT = 0.05
_SUCCESS = "llm.success"
_REMEDY = "measure more scenarios, more runs of each, or admit more runs of the base branch"


class _Group(NamedTuple):
    """The scenarios of one metric under one budget: those of the run, and those that only the baseline has."""

    series: Series
    budget: Budget
    relative: Relative
    comparisons: list[Comparison]
    missing: list[Series]


def judge(
    judged: Iterable[Judged], missing: Iterable[Verdict], comparisons: Iterable[Comparison]
) -> list[tuple[Family, Verdict]]:
    """The families of these verdicts on changes, each with its verdict before enforcement.

    `missing` are the verdicts on series that only the baseline has; `comparisons` are all of the run, for the tasks' success.
    """
    success = {each.series: each for each in comparisons if each.series.metric == _SUCCESS}
    made = []
    for group in _groups(judged, missing):
        family = _family(group, success)
        made.append((family, _verdict(group, family)))
    return made


def expected_false_alarms(judged: Iterable[tuple[Family, Verdict]]) -> float:
    """How many families would be called worse if nothing had changed: 1 % of those that could be tested and may be called."""
    return families.TOGETHER_LEVEL * sum(
        family.numbers is not None and verdict.budget.enforce.most >= Level.WARN for family, verdict in judged
    )


def _groups(judged: Iterable[Judged], missing: Iterable[Verdict]) -> Sequence[_Group]:
    found: dict[tuple[Series, Budget], _Group] = {}

    def group_of(series: Series, budget: Budget) -> _Group | None:
        if budget.judge is not Judge.FAMILY or budget.relative is None or LABEL not in dict(series.labels):
            return None
        # The budget's own pattern, so that two budgets on the scenarios of one metric make two names.
        pattern = dict(budget.selector.labels).get(LABEL, "*")
        labels = tuple((name, pattern if name == LABEL else value) for name, value in series.labels)
        name = Series(series.metric, labels)
        return found.setdefault((name, budget), _Group(name, budget, budget.relative, [], []))

    for verdict, comparison in judged:
        if verdict.rule is Rule.CHANGE and (group := group_of(verdict.series, verdict.budget)) is not None:
            group.comparisons.append(comparison)
    for verdict in missing:
        # A scenario that is gone is named by the family that it left; alone it makes none.
        if (group := group_of(verdict.series, verdict.budget)) is not None:
            group.missing.append(verdict.series)
    return [group for group in found.values() if group.comparisons]


def _family(group: _Group, success: Mapping[Series, Comparison]) -> Family:
    first = group.comparisons[0]
    members: list[Member] = []
    alone = [(series, "the baseline has it, this run does not") for series in group.missing]
    for comparison in group.comparisons:
        member = _member(comparison)
        if isinstance(member, Member):
            members.append(member)
        else:
            alone.append((comparison.series, member))
    members.sort(key=lambda each: each.series)
    empty = Family(group.series, first.unit, first.better, None, None, None, None, tuple(members), tuple(sorted(alone)))
    if len(members) < 2:
        return empty
    logs = [(math.log(each.before), math.log(each.after)) for each in members]
    before, after = (math.exp(math.fsum(pair[side] for pair in logs) / len(logs)) for side in (0, 1))
    numbers = families.together([right - left for left, right in logs])
    told = _successes(members, success) if group.series.metric != _SUCCESS else []
    return empty._replace(
        before=before,
        after=after,
        relative=math.expm1(numbers.mean),
        numbers=numbers,
        success=_share(told),
        per_success=_per_success(told) if first.unit.per == "task" else None,
    )


def _member(comparison: Comparison) -> Member | str:
    """The scenario with its means on both sides, or why it has none."""
    evidence = comparison.evidence
    if isinstance(evidence, Insufficient):
        return comparison.reason or evidence.missing
    if not isinstance(evidence, Tested) or not comparison.values or not (comparison.used or evidence.method == PAIRS):
        return "it is not measured on both sides with noise"
    used = [as_float(value) for value in comparison.used[-POOLED:]]
    values = [as_float(value) for value in comparison.values]
    if evidence.method == PAIRS:
        # Both sides were measured in turns: the history says less of the before side than its own values do.
        used, values = ([as_float(value)] for value in (comparison.before or 0, comparison.after or 0))
    before, after = math.fsum(used) / len(used), math.fsum(values) / len(values)
    if before <= 0 or after <= 0:
        return "a mean of zero has no ratio"
    return Member(comparison.series, before, after, len(used))


_Told = tuple[Member, float, float]


def _successes(members: Iterable[Member], success: Mapping[Series, Comparison]) -> list[_Told]:
    """The members whose tasks told how they ended, with the share that succeeded before and after."""
    told = []
    for member in members:
        found = success.get(Series(_SUCCESS, member.series.labels))
        if found is not None and found.before is not None and found.after is not None:
            told.append((member, as_float(found.before), as_float(found.after)))
    return told


def _share(told: Sequence[_Told]) -> tuple[float, float] | None:
    if not told:
        return None
    return math.fsum(each[1] for each in told) / len(told), math.fsum(each[2] for each in told) / len(told)


def _per_success(told: Sequence[_Told]) -> tuple[float, float] | None:
    """The sum over scenarios of the mean per task, over the sum of the shares that succeeded."""
    before, after = math.fsum(each[1] for each in told), math.fsum(each[2] for each in told)
    if before <= 0 or after <= 0:
        return None
    return math.fsum(each[0].before for each in told) / before, math.fsum(each[0].after for each in told) / after


# --- what it comes to -------------------------------------------------------------------------------------------------


def _verdict(group: _Group, family: Family) -> Verdict:
    made, budget, relative = family.numbers, group.budget, group.relative
    notes = _notes(family)
    side = rules.side_of(group.comparisons[0], budget, relative)
    plain = Verdict(
        group.series, Rule.FAMILY, Level.INCONCLUSIVE, Level.INCONCLUSIVE, "", budget, notes=notes, remedy=_REMEDY
    )
    if made is None or family.relative is None:
        which = "no scenario" if not family.members else "only one scenario"
        return plain._replace(reason=f"{which} has a value on both sides", remedy=_first_remedy(group))
    if side is None:
        return plain._replace(reason="nothing says which change of this metric is for the worse", remedy="")
    upward = rules.is_upward(group.comparisons[0], side)
    p, rise, visible, upper = _on_side(made, family.relative, upward=upward)
    real = p <= families.TOGETHER_LEVEL and rules.exceeds(rise, budget.min_effect)
    wanted = rules.level_of(rise, relative)
    if not rules.floor_exceeded(group.comparisons[0], budget, relative, family.before, family.after):
        wanted = Level.PASS
    amount = f"{write_percent(family.relative)} over {made.n} scenarios"
    sees = f"they can show {write_percent(visible)}"
    shown = f"{made.method}: p = {p:.2g}; {sees}"
    if real and wanted > Level.PASS:
        asked = relative.block if wanted is Level.BLOCK else relative.warn
        reason = f"{amount} is beyond {write_threshold(asked if asked is not None else relative.block)} ({shown})"
        few = made.n < families.FEWEST_FLIPPED and wanted is Level.BLOCK
        note = (f"at most warn: a block needs {families.FEWEST_FLIPPED} scenarios",) if few else ()
        level = Level.WARN if few else wanted
        return plain._replace(level=level, found=level, reason=reason, notes=(*note, *notes), remedy="")
    suspect = wanted > Level.PASS and p <= _SUSPECT
    asked = relative.block if relative.block is not None else relative.warn
    if asked is not None and rules.exceeds(visible, asked) and upper >= asked:
        reason = f"{amount} ({made.method}: p = {p:.2g}): together {sees}, the budget asks for {write_threshold(asked)}"
        return plain._replace(reason=reason, suspect=suspect)
    said = "is suspicious, but not shown to be more than noise" if suspect else "is not shown to be a breach"
    return plain._replace(
        level=Level.PASS, found=Level.PASS, reason=f"{amount} {said} ({shown})", suspect=suspect, remedy=_REMEDY if suspect else "",
    )  # fmt: skip


def _on_side(made: families.Together, relative: float, *, upward: bool) -> tuple[float, float, float, float]:
    """p, the change, the smallest visible one and the upper end of the interval, all towards the side that is limited."""
    if upward:
        return made.p, relative, math.expm1(made.visible), math.expm1(made.high)
    return made.p_fall, -relative, -math.expm1(-made.visible), -math.expm1(made.low)


def _first_remedy(group: _Group) -> str:
    for comparison in group.comparisons:
        if isinstance(comparison.evidence, Insufficient) and comparison.evidence.remedy:
            return comparison.evidence.remedy
    return _REMEDY


def _notes(family: Family) -> tuple[str, ...]:
    notes = []
    if family.success is not None:
        before, after = (write_percent(share, signed=False) for share in family.success)
        notes.append(f"tasks that succeeded: {after}, were {before}")
    if family.per_success is not None:
        before, after = write_values(family.per_success, family.unit)
        notes.append(f"per successful task: {after}, were {before}")
    if family.alone and family.numbers is not None:
        names = ", ".join(dict(series.labels)[LABEL] for series, _ in family.alone[:3])
        more = f" and {len(family.alone) - 3} more" if len(family.alone) > 3 else ""
        notes.append(f"not in the comparison: {names}{more}")
    return tuple(notes)
