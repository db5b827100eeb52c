"""Slow drift: many changes, each within its budget, that together left the anchor further behind than the budget allows."""

from __future__ import annotations

import math
from collections.abc import Iterable

from perfgate.core.budgets import Level
from perfgate.core.compare import Comparison, Exact, Tested
from perfgate.core.decision import Circumstances, Rule
from perfgate.core.families import Judged
from perfgate.core.metrics import Direction
from perfgate.core.rules import exceeds
from perfgate.core.stats.interleaved import Interleaved
from perfgate.core.stats.prediction import REAL_AT
from perfgate.core.units import write_percent, write_threshold


def guard(judged: Iterable[Judged], circumstances: Circumstances) -> tuple[Judged, ...]:
    """The verdicts on changes, with a note where the baseline has drifted beyond `block`; on the target branch that warns.

    A pull request is not to blame for what came before it, so there it stays a note.
    """
    context = circumstances.context
    on_target = context.pull_request is None and bool(context.branch) and context.branch == context.target
    return tuple(_guarded(each, on_target=on_target) for each in judged)


def _guarded(each: Judged, *, on_target: bool) -> Judged:
    verdict, comparison = each
    relative, anchor = verdict.budget.relative, comparison.anchor
    if verdict.rule is not Rule.CHANGE or relative is None or anchor is None:
        return each
    allowed = relative.block if relative.block is not None else relative.warn
    drift = _drift(comparison)
    if allowed is None or drift is None or not exceeds(drift, allowed) or not _is_beyond_noise(comparison):
        return each
    note = (
        f"drift: the baseline is {write_percent(drift, signed=False)} worse than its anchor, run {anchor.run}, beyond "
        f"{write_threshold(allowed)}; the changes in between: perfgate trend"
    )
    notes = (*verdict.notes, note)
    if on_target and verdict.level < Level.WARN:
        remedy = verdict.remedy or f"perfgate trend --only '{comparison.series}' names the commits"
        return Judged(verdict._replace(level=Level.WARN, found=Level.WARN, notes=notes, remedy=remedy), comparison)
    return Judged(verdict._replace(notes=notes), comparison)


def _is_beyond_noise(comparison: Comparison) -> bool:
    """Whether level and anchor differ by more than runs do: as far as one run alone must be off to be called real."""
    evidence, anchor, before = comparison.evidence, comparison.anchor, comparison.before
    if anchor is None or before is None or not isinstance(evidence, Tested):
        return isinstance(evidence, Exact)
    numbers = evidence.numbers
    if isinstance(numbers, Interleaved):
        return False
    here, there = float(before), float(anchor.value)
    if numbers.log and min(here, there) <= 0:
        return False
    distance = math.log(here) - math.log(there) if numbers.log else here - there
    return abs(distance) > REAL_AT * numbers.half_width


def _drift(comparison: Comparison) -> float | None:
    """By how much the baseline's level is worse than the anchor, as a ratio; None where that says nothing."""
    before, anchor = comparison.before, comparison.anchor
    if before is None or anchor is None or not anchor.value or comparison.better is Direction.NONE:
        return None
    ratio = (float(before) - float(anchor.value)) / abs(float(anchor.value))
    return -ratio if comparison.better is Direction.HIGHER else ratio
