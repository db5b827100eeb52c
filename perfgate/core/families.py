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


class Corrected(NamedTuple):
    """The verdicts with the levels that hold for all of them together, and how many false alarms they are expected to hold.

    That is how many series they would call worse if nothing had changed at all, after all corrections. Of series with a
    p-value: ∑ min(reach, t), t being the p that the first warning needs. Of others, the rate that their evidence states.
    """

    judged: tuple[Judged, ...]
    expected_false_alarms: float


def correct(judged: Sequence[Judged]) -> Corrected:
    """The levels that hold for all verdicts together, each change of level with a note.

    Blocks pass Holm's test at 5 %, or warn; warnings pass Benjamini and Hochberg's at 10 %, or pass as suspicious. Scenarios of
    a family are a family of their own, in which warnings pass Holm's. In the family are the verdicts on changes whose evidence
    has a p-value and whose budget may warn; exact verdicts, limits, and evidence with a calibrated rate instead are not. A
    series too noisy for its budget takes nothing from the others: it is judged among its like, at what is left of the 5 %.
    """
    result = list(judged)
    members, stated = _members(judged)
    sound, noisy = _parted([member for member in members if not _is_scenario(judged[member.position])])
    share = families.HOLM_LEVEL - NOISY_SHARE
    spent = min(share, math.fsum(member.reach_block for member in sound))
    expected = stated
    for group, level in ((sound, share), (noisy, families.HOLM_LEVEL - spent)):
        _blocks(result, group, level)
        _warnings(result, group, families.benjamini_hochberg, "Benjamini–Hochberg at 10 %")
        expected += _expected(group, families.FDR_LEVEL)
    for group in _by_family(judged, members):
        _warnings(result, group, families.holm, "Holm at 5 %")
        expected += _expected(group, families.HOLM_LEVEL)
    return Corrected(tuple(result), expected)


def _expected(group: Sequence[_Member], level: float) -> float:
    threshold = families.threshold_for([member.reach_warn for member in group], level)
    return math.fsum(min(member.reach_warn, threshold) for member in group)


# --- who is in the family ---------------------------------------------------------------------------------------------


def _members(judged: Sequence[Judged]) -> tuple[list[_Member], float]:
    """Who is in the family, and the sum of the rates that the other evidence states."""
    members = []
    stated = 0.0
    for position, (verdict, comparison) in enumerate(judged):
        evidence, relative = comparison.evidence, verdict.budget.relative
        if not _counts(verdict) or not isinstance(evidence, Tested) or relative is None:
            continue
        made = evidence.numbers
        if not isinstance(made, prediction.Prediction):
            stated += made.false_alarm
            continue
        side = rules.side_of(comparison, verdict.budget, relative)
        if side is None:
            continue
        upward = rules.is_upward(comparison, side)
        noisy = rules.is_too_noisy(comparison, relative, side)
        least = verdict.budget.min_effect
        reach_warn = _reach(
            made, max(relative.warn if relative.warn is not None else relative.block or 0.0, least), upward=upward
        )
        reach_block = 0.0
        if relative.block is not None and verdict.budget.enforce.most is Level.BLOCK:
            reach_block = _reach(made, max(relative.block, least), upward=upward)
        p = 1.0
        if verdict.found >= Level.WARN:
            # Called is only what moved to the limited side: a one-sided question.
            p = _of_all(made, made.p / 2)
            reach_warn = max(reach_warn, p)
            reach_block = max(reach_block, p) if verdict.found is Level.BLOCK else reach_block
        members.append(_Member(position, p, reach_warn, reach_block, noisy))
    return members, stated


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


def _reach(made: prediction.Prediction, threshold: float, *, upward: bool) -> float:
    """The chance that an unchanged series is found real and beyond `threshold` (a ratio), on the limited side."""
    least = made.real_at * made.half_width
    if made.log:
        wanted = math.log1p(threshold) if upward else -math.log1p(-threshold) if threshold < 1 else math.inf
    else:
        wanted = threshold * abs(made.center)
    spread = made.sd * math.sqrt(1 + 1 / made.n)
    if wanted <= least or spread == 0:
        return made.false_alarm
    return 0.0 if math.isinf(wanted) else _of_all(made, student.upper_tail(round(wanted / spread, 9), made.df))


def _of_all(made: prediction.Prediction, tail: float) -> float:
    """The chance for the median of the candidate's values, given that for one: of three independent ones two must be so far out."""
    return tail * tail * (3 - 2 * tail) if made.candidates >= 3 else tail


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
