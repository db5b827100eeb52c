"""May a run become part of the baseline? The rules of design.md 5, and which of its series stay out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Rule
from perfgate.core.model import Context, Run, Series


def why_not(decision: Decision, context: Context, *, in_ci: bool, on_target: bool, asked: bool) -> str:
    """Why a run is not admitted, as a sentence; "" when it may be.

    `on_target` says that the measured tree is the target branch itself, `asked` that a person wants it (--admit).
    """
    if decision.level is Level.BLOCK:
        return "a blocked run never becomes the baseline"
    if decision.command_failed:
        return "a measured command failed"
    if not context.tested:
        return "the run does not know its commit"
    if context.worktree:
        return "the work tree has changes that no commit holds"
    if any(verdict.rule is Rule.MISSING and not verdict.accepted for verdict in decision.verdicts):
        return "the run lacks series that the baseline has"
    if decision.circumstances.only:
        return "only a part of the run was judged (--only)"
    if context.pull_request is not None:
        return "runs of pull requests are judged, never admitted"
    if context.event == "merge_group":
        return "runs of a merge queue are judged, never admitted: the push that follows is"
    if asked or (in_ci and on_target):
        return ""
    return "only runs of the default branch in CI are admitted, or those given --admit"


def excluded_series(decision: Decision) -> tuple[str, ...]:
    """The series whose values an admitted run must not lend to the baseline: those that a waiver accepted, alone or as a family."""
    waived = {verdict.series for verdict in decision.verdicts if verdict.waived}
    waived |= {member.series for family in decision.families if family.series in waived for member in family.members}
    # What is accepted stays: a new level begins with it, so that the old one's values are not moved by it.
    waived -= {
        series for verdict in decision.verdicts if verdict.accepted for series in _meant(decision, verdict.series)
    }
    return tuple(sorted(str(series) for series in waived))


class NewLevel(NamedTuple):
    """With the run at this place among the judged ones, a new level of these series begins, for `reason`."""

    run: int
    series: tuple[Series, ...]
    reason: str


def new_levels(decision: Decision, runs: Sequence[Run]) -> tuple[NewLevel, ...]:
    """The levels that accepted blocks begin once their runs are admitted: older values of these series no longer count.

    A level begins with the earliest run that measured the series, and for a series that is gone with the earliest of all.
    """
    if not runs:
        return ()
    order = sorted(range(len(runs)), key=lambda at: (runs[at].context.started_at, at))
    places: dict[Series, int] = {}
    for at in order:
        for measurement in runs[at].measurements:
            places.setdefault(measurement.series, at)
    found: dict[tuple[int, str], dict[Series, None]] = {}
    for verdict in decision.verdicts:
        if verdict.accepted:
            for series in _meant(decision, verdict.series):
                found.setdefault((places.get(series, order[0]), verdict.acceptance), {})[series] = None
    return tuple(NewLevel(at, tuple(sorted(series)), reason) for (at, reason), series in sorted(found.items()))


def _meant(decision: Decision, series: Series) -> tuple[Series, ...]:
    """The series itself, or the members of the family that has this name."""
    members = [member.series for family in decision.families if family.series == series for member in family.members]
    return tuple(members) or (series,)
