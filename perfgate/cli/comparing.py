"""Runs × baseline for people: which baseline `compare` means, and the comparisons with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfgate.cli import console, judging
from perfgate.cli.only import refuse_unknown
from perfgate.cli.profiled import grown
from perfgate.cli.project import BUDGETS, Project
from perfgate.cli.storing import store_of
from perfgate.core.baseline import Baseline, BaselineRun, Kind, Point, collect, run_value
from perfgate.core.budgets import Budgets
from perfgate.core.compare import Comparison, Insufficient, compare
from perfgate.core.frames import Moved
from perfgate.core.model import Caveat, Details, Run, Selector, State
from perfgate.core.observation import observe
from perfgate.errors import InputError

if TYPE_CHECKING:
    from perfgate.cli.beside import Reader
    from perfgate.core.suite_change import SuiteChange


class Compared(NamedTuple):
    """The comparisons, the baseline that they were made with, and what moved in the profiles of commands."""

    comparisons: tuple[Comparison, ...]
    baseline: Baseline
    caveats: tuple[Caveat, ...]
    tests: tuple[SuiteChange, ...] = ()
    moved: tuple[Moved, ...] = ()


def comparisons_of(project: Project, runs: Sequence[Run], *, against: str, only: str) -> Compared:
    """Compare runs with the baseline of their base, of another commit, or with other run files."""
    if against and _is_files(against):
        baseline, details = _baseline_of_files(project, against)
        return _with_details(
            compared(runs, baseline, only, ()), runs, lambda names: [(name, details[name]) for name in names]
        )
    lineage, caveats = judging.lineage_of(project, runs)
    if against:
        lineage = lineage._replace(base=_commit(project, against), problem="")
    budgets = _budgets(project)
    baseline = judging.load_baseline(project, budgets, lineage)
    store = store_of(project, budgets.baseline)
    return _with_details(compared(runs, baseline, only, caveats), runs, partial(store.details, lineage))


def _with_details(made: Compared, runs: Sequence[Run], read: Reader) -> Compared:
    from perfgate.cli import witnesses

    tests = witnesses.changes_of(runs, made.baseline, made.comparisons, read)
    return made._replace(tests=tests, moved=grown(runs, made.baseline, read))


def compared(runs: Sequence[Run], baseline: Baseline, only: str, caveats: Sequence[Caveat]) -> Compared:
    """The comparisons of these runs with this baseline, those that say something first."""
    wanted = Selector.parse(only) if only else None
    known = observe(runs)
    observations = [seen for seen in known if wanted is None or wanted.matches(seen.series)]
    refuse_unknown(only, (seen.series for seen in known), "the run has")
    comparisons = sorted(
        compare(observations, baseline), key=lambda each: (isinstance(each.evidence, Insufficient), str(each.series))
    )
    run_caveats = tuple(caveat for run in runs for caveat in run.caveats)
    return Compared(tuple(comparisons), baseline, tuple(dict.fromkeys((*caveats, *baseline.caveats, *run_caveats))))


def measured_against(project: Project, ref: str, *, only: str, within: float, fresh: bool) -> Compared | None:
    """Both sides measured in turns and compared; None where `ref` names files, or the project says nothing to measure."""
    if _is_files(ref):
        return None
    from perfgate.cli import against

    commit = _commit(project, ref)
    budgets = against.budgets_of(project)
    if budgets is None:
        return None
    found = against.measure(project, budgets, commit, only=only, within=within, fresh=fresh)
    source = (
        f"{commit[:10]}, in turns on this machine"
        if commit[:10].startswith(ref)
        else f"{ref} ({commit[:10]}), in turns on this machine"
    )
    return compared(found.runs, Baseline(source=source), only, found.caveats)


def told(tests: Sequence[SuiteChange]) -> list[str]:
    """What is new in the test suites, in lines."""
    if not tests:
        return []
    from perfgate.render import suite_changes

    return suite_changes.lines(tests)


def points(run: Run) -> list[Point]:
    """What a run lends to a baseline: one value of every measured series."""
    return [
        (measurement.series, run_value(measurement.unit, measurement.values), Kind.of(measurement, run.context.machine))
        for measurement in run.measurements
        if measurement.state is State.MEASURED
    ]


def _is_files(against: str) -> bool:
    return Path(against).exists() or against.endswith(".json") or any(sign in against for sign in "*?[")


def _baseline_of_files(project: Project, against: str) -> tuple[Baseline, dict[str, Details]]:
    """The runs in these files as a baseline, and the details of each."""
    candidate = judging.gather(project, [against])
    entries, details = [], {}
    for position, (run, path) in enumerate(zip(candidate.runs, candidate.files, strict=True)):
        started = run.context.started_at
        name = console.shown(path)
        entries.append((BaselineRun(name, run.context.tested, started, (position, started)), points(run)))
        details[name] = run.details
    return collect(entries, source=against), details


def _commit(project: Project, text: str) -> str:
    commit = project.repository.commit_named(text) if project.repository else ""
    if not commit:
        raise InputError(
            f'"{text}" is neither a file nor a commit, branch or tag of this repository',
            where="--against",
            remedy="name one that exists here: git branch --all",
        )
    return commit


def _budgets(project: Project) -> Budgets:
    """The settings of the baseline are in budgets.yaml; a project without one has the usual ones."""
    return judging.find_rules(project, None).budgets if (project.root / BUDGETS).is_file() else Budgets()
