"""Many verdicts at once: blocks and warnings that rest on p-values must hold for the whole family of them (statistics.md 4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from perfgate.core import rules
from perfgate.core.budgets import Judge, Level
from perfgate.core.compare import Comparison, Tested
from perfgate.core.decision import Rule, Verdict
from perfgate.core.stats import families, prediction, student

#: Of the 5 % for a block, this much is kept for series that are too noisy for their budgets; they also get what the others leave.
NOISY_SHARE = 0.005
_REMEDY = "settle it: compare interleaved on one machine, or measure more runs"


class Judged(NamedTuple):
    """A verdict of a budget, with the comparison that it is about."""

    verdict: Verdict
    comparison: Comparison


class _Member(NamedTuple):
    """One verdict of the family: its one-sided p, and the chances that it is called at all, or blocks, if nothing changed."""

    position: int
    p: float
    reach_warn: float
    reach_block: float
    noisy: bool


def correct(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """The verdicts with the levels that hold for all of them together, each change of level with a note.

    Blocks pass Holm's test at 5 %, or warn; warnings pass Benjamini and Hochberg's at 10 %, or pass as suspicious. Scenarios of
    a family are a family of their own, in which warnings pass Holm's. In the family are the verdicts on changes whose evidence
    has a p-value and whose budget may warn; exact verdicts, limits, and evidence with a calibrated rate instead are not. A
    series too noisy for its budget takes nothing from the others: it is judged among its like, at what is left of the 5 %.
    """
    result = list(judged)
    members = _members(judged)
    single = [member for member in members if not _is_scenario(judged[member.position])]
    sound, noisy = _parted(single)
    share = families.HOLM_LEVEL - NOISY_SHARE
    spent = min(share, math.fsum(member.reach_block for member in sound))
    for group, level in ((sound, share), (noisy, families.HOLM_LEVEL - spent)):
        _blocks(result, group, level)
        _warnings(result, group, families.benjamini_hochberg, "Benjamini–Hochberg at 10 %")
    for group in _by_family(judged, members):
        _warnings(result, group, families.holm, "Holm at 5 %")
    return tuple(result)


def expected_false_alarms(judged: Sequence[Judged]) -> float:
    """How many series these verdicts would call worse if nothing had changed at all, after all corrections.

    Of series with a p-value: ∑ min(reach, t), t being the p that the first warning needs. Of others, the rate that their
    evidence states.
    """
    members = _members(judged)
    groups = [
        (group, families.FDR_LEVEL)
        for group in _parted([each for each in members if not _is_scenario(judged[each.position])])
    ]
    groups += [(group, families.HOLM_LEVEL) for group in _by_family(judged, members)]
    total = 0.0
    for group, level in groups:
        threshold = families.threshold_for([member.reach_warn for member in group], level)
        total += math.fsum(min(member.reach_warn, threshold) for member in group)
    counted = {member.position for member in members}
    for position, (verdict, comparison) in enumerate(judged):
        evidence = comparison.evidence
        if position not in counted and _counts(verdict) and isinstance(evidence, Tested) and p_of(evidence) is None:
            total += evidence.numbers.false_alarm
    return total


def p_of(evidence: Tested) -> float | None:
    """The two-sided p-value that a finding rests on; None where it rests on a calibrated rate of false alarms instead."""
    return evidence.numbers.p


# --- who is in the family ---------------------------------------------------------------------------------------------


def _members(judged: Sequence[Judged]) -> list[_Member]:
    members = []
    for position, (verdict, comparison) in enumerate(judged):
        evidence, relative = comparison.evidence, verdict.budget.relative
        if not _counts(verdict) or not isinstance(evidence, Tested) or relative is None:
            continue
        p = p_of(evidence)
        side = rules.side_of(comparison, verdict.budget, relative)
        if p is None or side is None:
            continue
        upward = rules.is_upward(comparison, side)
        warn, block = (
            math.inf if limit is None else max(limit, verdict.budget.min_effect)
            for limit in (relative.warn if relative.warn is not None else relative.block, relative.block)
        )
        noisy = rules.is_too_noisy(comparison, relative, side)
        # Called is only what moved to the limited side: a one-sided question.
        reach_warn = _reach(evidence, warn, upward=upward)
        reach_block = _reach(evidence, block, upward=upward) if verdict.budget.enforce.most is Level.BLOCK else 0.0
        called = verdict.found >= Level.WARN
        members.append(
            _Member(
                position,
                p / 2 if called else 1.0,
                max(reach_warn, p / 2) if called else reach_warn,
                max(reach_block, p / 2) if called and verdict.found is Level.BLOCK else reach_block,
                noisy,
            )
        )
    return members


def _counts(verdict: Verdict) -> bool:
    """Whether a verdict is about a change, and may have a consequence."""
    return verdict.rule is Rule.CHANGE and verdict.budget.enforce.most >= Level.WARN


def _is_scenario(each: Judged) -> bool:
    return each.verdict.budget.judge is Judge.FAMILY


def _parted(members: Iterable[_Member]) -> tuple[list[_Member], list[_Member]]:
    sound: list[_Member] = []
    noisy: list[_Member] = []
    for member in members:
        (noisy if member.noisy else sound).append(member)
    return sound, noisy


def _by_family(judged: Sequence[Judged], members: Iterable[_Member]) -> list[list[_Member]]:
    """The scenarios' members, family by family."""
    found: dict[tuple[object, ...], list[_Member]] = {}
    for member in members:
        each = judged[member.position]
        if _is_scenario(each):
            found.setdefault((each.verdict.budget, each.comparison.series.metric), []).append(member)
    return list(found.values())


def _reach(evidence: Tested, threshold: float, *, upward: bool) -> float:
    """The chance that an unchanged series is found real and beyond `threshold` (a ratio), on the limited side."""
    made = evidence.numbers
    if not isinstance(made, prediction.Prediction):
        return made.false_alarm
    spread = made.sd * math.sqrt(1 + 1 / made.n)
    least = made.real_at * made.half_width
    if made.log:
        wanted = math.log1p(threshold) if upward else -math.log1p(-threshold) if threshold < 1 else math.inf
    else:
        wanted = threshold * abs(made.center)
    if wanted <= least or spread == 0:
        return made.false_alarm
    return 0.0 if math.isinf(wanted) else student.upper_tail(round(wanted / spread, 9), made.df)


# --- what holds -------------------------------------------------------------------------------------------------------

_Test = Callable[[Sequence[float], Sequence[float]], Sequence[bool]]


def _blocks(result: list[Judged], group: Sequence[_Member], level: float) -> None:
    """Turn the blocks that Holm's test does not let stand into warnings."""
    blocking = {member.position for member in group if result[member.position].verdict.level is Level.BLOCK}
    if not blocking:
        return
    p = [member.p if member.position in blocking else 1.0 for member in group]
    for member, stands in zip(group, families.holm(p, [each.reach_block for each in group], level), strict=True):
        if member.position in blocking and not stands:
            note = f"at most warn: {_by_chance(member.p, len(group))}, Holm at {level * 100:.2g} %)"
            _lower(result, member.position, Level.WARN, note)


def _warnings(result: list[Judged], group: Sequence[_Member], test: _Test, name: str) -> None:
    """Turn the warnings that do not stand into passes that are said to be suspicious. What was found to block stays a warning."""
    warning = {member.position for member in group if result[member.position].verdict.found is Level.WARN}
    if not warning:
        return
    stand = test([member.p for member in group], [member.reach_warn for member in group])
    for member, stands in zip(group, stand, strict=True):
        if member.position in warning and not stands:
            note = f"suspicious, not more: {_by_chance(member.p, len(group))}, {name})"
            _lower(result, member.position, Level.PASS, note)


def _by_chance(p: float, count: int) -> str:
    return f"among {count} series chance alone makes such a change somewhere (p = {p:.2g}"


def _lower(result: list[Judged], position: int, level: Level, note: str) -> None:
    verdict, comparison = result[position]
    lowered = verdict._replace(
        level=level, notes=(*verdict.notes, note), suspect=True, remedy=verdict.remedy or _REMEDY
    )
    result[position] = Judged(lowered, comparison)
