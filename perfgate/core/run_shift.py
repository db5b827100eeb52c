"""A run that shifted as a whole: a diagnosis of the runner, never a silent correction of the values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.compare import PREDICTION, SCORE, Comparison, Finding, Tested
from perfgate.core.decision import RUN_SHIFTED, Rule
from perfgate.core.families import Judged
from perfgate.core.metrics import MACHINE, Direction, depends_on
from perfgate.core.model import Caveat
from perfgate.core.stats.estimators import median

#: So many series at least, and so large a part of them beyond their suspect threshold on one side (statistics.md 4).
FEWEST, SHARE = 5, 0.6
#: What a series depends on if the runner can move it.
_RUNNER = {MACHINE, "runner labels"}
#: The kinds of evidence for which the two sides were measured at different times.
_FROM_HISTORY = {SCORE, PREDICTION}
_REMEDY = "settle it: compare interleaved on one machine, or measure two more runs on other runners or at other times"


class RunShift(NamedTuple):
    """Whether the series became worse, by which median factor (below 1: better), and how many of how many moved to that side."""

    worse: bool
    factor: float
    moved: int
    of: int


def find(judged: Iterable[Judged]) -> RunShift | None:
    """The shift that most noisy, judged series have in common; None where they have none."""
    members = [each.comparison for each in judged if _may_shift(each)]
    if len(members) < FEWEST:
        return None
    moved = [
        each for each in members if isinstance(each.evidence, Tested) and each.evidence.finding is not Finding.UNCHANGED
    ]
    worse = sum((each.worse or 0.0) > 0 for each in moved)
    most = max(worse, len(moved) - worse)
    if most < SHARE * len(members):
        return None
    factor = float(median([_factor(each) for each in members]))
    return RunShift(worse == most, factor, most, len(members))


def caveat(shift: RunShift) -> Caveat:
    """What a reader must know before any verdict."""
    side = "worse" if shift.worse else "better"
    message = f"the whole run shifted ×{shift.factor:.2f}: {shift.moved} of {shift.of} noisy series became {side} together (the runner?)"
    return Caveat(RUN_SHIFTED, message, "measure again on another runner before believing it")


def hold(judged: Sequence[Judged], shift: RunShift) -> tuple[Judged, ...]:
    """The verdicts, of which blocks that rest on history alone only warn until they are settled."""
    if not shift.worse:
        return tuple(judged)
    note = (
        f"at most warn: the whole run shifted ×{shift.factor:.2f}, so a comparison with earlier runs does not settle it"
    )
    return tuple(
        Judged(
            each.verdict._replace(
                level=Level.WARN, notes=(*each.verdict.notes, note), suspect=True, remedy=each.verdict.remedy or _REMEDY
            ),
            each.comparison,
        )
        if each.verdict.level is Level.BLOCK and _may_shift(each) and not _settled(each.comparison)
        else each
        for each in judged
    )


def _may_shift(each: Judged) -> bool:
    """Whether this is a judged change, against history, of something that the runner can move."""
    verdict, comparison = each
    evidence = comparison.evidence
    return (
        verdict.rule is Rule.CHANGE
        and verdict.found is not Level.INCONCLUSIVE
        and isinstance(evidence, Tested)
        and evidence.method in _FROM_HISTORY
        and comparison.worse is not None
        and not _RUNNER.isdisjoint(depends_on(comparison.series.metric, comparison.assumption))
    )


def _settled(comparison: Comparison) -> bool:
    """Whether further, independent runs have confirmed the change: then it is not this one runner's mood."""
    return isinstance(comparison.evidence, Tested) and bool(comparison.evidence.settled)


def _factor(comparison: Comparison) -> float:
    """How many times worse: after / before where lower is better, before / after where higher is."""
    ratio = 1 + (comparison.relative or 0.0)
    if comparison.better is Direction.HIGHER:
        return 1 / ratio if ratio > 0 else float("inf")
    return ratio
