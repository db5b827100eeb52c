"""May a run become part of the baseline? The rules of design.md 5, and which of its series stay out."""

from __future__ import annotations

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision, Rule
from perfgate.core.model import Context


def why_not(decision: Decision, context: Context, *, in_ci: bool, on_target: bool, asked: bool) -> str:
    """Why a run is not admitted, as a sentence; "" when it may be.

    `on_target` says that the measured tree is the target branch itself, `asked` that a person wants it (--admit).
    """
    if decision.level is Level.BLOCK:
        return "a blocked run never becomes the baseline"
    if not context.tested:
        return "the run does not know its commit"
    if context.worktree:
        return "the work tree has changes that no commit holds"
    if any(verdict.rule is Rule.MISSING for verdict in decision.verdicts):
        return "the run lacks series that the baseline has"
    if decision.circumstances.only:
        return "only a part of the run was judged (--only)"
    if context.pull_request is not None:
        return "runs of pull requests are judged, never admitted"
    if asked or (in_ci and on_target):
        return ""
    return "only runs of the default branch in CI are admitted, or those given --admit"


def excluded_series(decision: Decision) -> tuple[str, ...]:
    """The series whose values an admitted run must not lend to the baseline: those that a waiver accepted, alone or as a family."""
    waived = {verdict.series for verdict in decision.verdicts if verdict.waived}
    waived |= {member.series for family in decision.families if family.series in waived for member in family.members}
    return tuple(sorted(str(series) for series in waived))
