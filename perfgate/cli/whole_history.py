"""All admitted runs of the default branch, for `history` and `trend`: also on a branch, and also those that no longer count."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.cli import judging
from perfgate.cli.project import BUDGETS, Project
from perfgate.cli.storing import store_of
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budgets
from perfgate.errors import InputError, NothingJudged


class Whole(NamedTuple):
    """The baseline as the default branch has it, with what was retired, and the budgets that rule there."""

    baseline: Baseline
    budgets: Budgets


def load(project: Project) -> Whole:
    """The admitted runs of the default branch's newest known commit and its ancestors; NothingJudged where there are none.

    The gate looks at those of the base of a change; here everything is shown that the default branch has.
    """
    budgets = judging.find_rules(project, None).budgets if _has_budgets(project) else Budgets()
    lineage = project.lineage
    newest = lineage.tested if lineage.on_target else lineage.tip
    if newest:
        lineage = lineage._replace(base=newest, problem="")
    store = store_of(project, budgets.baseline)
    baseline = store.load(lineage, whole=True)
    if not baseline.runs:
        why = baseline.problem or next((caveat.message for caveat in baseline.caveats), "no baseline yet")
        raise NothingJudged(
            why,
            where=store.where,
            remedy="fetch the whole history (actions/checkout: fetch-depth: 0)"
            if baseline.problem
            else "admit a run of the base branch: perfgate check --admit, on that branch",
        )
    return Whole(baseline, budgets)


def unknown(text: str, baseline: Baseline, *, where: str) -> InputError:
    """What to say of a series that the baseline has not: those most like it, else some that it has."""
    from difflib import get_close_matches

    names = sorted(map(str, baseline.histories))
    close = get_close_matches(text, names, n=3, cutoff=0.3) or names[:3]
    return InputError(
        f'the baseline has no series "{text}"', where=where, remedy="it has for example " + ", ".join(close)
    )


def _has_budgets(project: Project) -> bool:
    if (project.root / BUDGETS).is_file():
        return True
    path = project.in_repository(project.root / BUDGETS)
    tip = project.lineage.tip
    return bool(project.repository and tip and project.repository.file_at(tip, path) is not None)
