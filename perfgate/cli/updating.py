"""What `perfgate baseline update`, `import` and `fetch` do: bring runs to where others find them.

The decision folder of `update` comes from another job. It is taken as claims: decision and runs must agree with each other, and in CI
with the commit and the CI run that this job belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.cli import console, redacting
from perfgate.cli.project import Project
from perfgate.cli.storing import around, begun, own_settings, store_of, told
from perfgate.core.admission import NewLevel, excluded_series, new_levels, why_not
from perfgate.core.budgets import DIRECTORY, GIT_REF, BaselineSettings
from perfgate.core.decision import Decision
from perfgate.core.model import Run
from perfgate.errors import InputError
from perfgate.formats import decision_reading
from perfgate.formats import run as run_format
from perfgate.formats.files import read

if TYPE_CHECKING:
    from perfgate.store.stores import Store

#: No job leaves more runs than this in one decision.
_MOST_RUNS = 500
_FROM = re.compile(r"(directory|git-ref):(.+)", re.DOTALL)


def update(project: Project, folder: Path) -> list[str]:
    """Admit the runs of a decision folder and publish them; what was done, a sentence each. InputError for a folder that does not fit."""
    place = console.shown(folder)
    decision = decision_reading.load(read(_plain(folder / "decision.json")), f"{place}/decision.json")
    runs = _runs(folder)
    _check(project, decision, runs, place)
    in_ci = bool(project.event.provider)
    reasons = [
        why_not(decision, run.context, in_ci=in_ci, on_target=project.lineage.on_target, asked=not in_ci)
        for run in runs
    ]
    for reason in dict.fromkeys(reasons):
        if reason:
            return [f"not admitted to the baseline: {reason}"]
    store = store_of(project, own_settings(project))
    excluded = excluded_series(decision)
    admitted = [run._replace(excluded=excluded) for run in _measured(runs)]
    levels = new_levels(decision, admitted)
    return [*_published(store, admitted, levels), *begun(levels)]


def _refuse_unlanded(project: Project, tested: str, place: str) -> None:
    """Refuse a run of a commit that has not landed: everybody's changes would be compared with what only one branch has."""
    repository, target = project.repository, project.lineage.target
    if repository is None or not target or (project.lineage.on_target and project.lineage.tested == tested):
        return
    tips = [repository.resolve(name) for name in (f"refs/remotes/origin/{target}", f"refs/heads/{target}")]
    if not any(repository.ancestors_among(tip, [tested]) for tip in tips if tip):
        raise InputError(
            f"commit {tested[:10]} is not on {target}, so its run is nobody's baseline yet",
            where=place,
            remedy=f"land it first; the run of {target} itself is what counts then",
        )


def _published(store: Store, runs: list[Run], levels: Sequence[NewLevel]) -> list[str]:
    written = store.publish(runs, levels)
    if store.settings.store == GIT_REF:
        return told(store, written)
    again = f" at attempt {written.attempts}" if written.attempts > 1 else ""
    new = sum(stored.is_new for stored in written.changes.stored)
    if not new and not written.changes.added:
        return [f"{store.where}: everything is on the remote's branch already; nothing was pushed"]
    sentences = [stored.told(store.where) for stored in written.changes.stored if stored.is_new]
    return [
        *sentences,
        f"{len(written.changes.added)} files pushed in commit {written.commit[:10]}{again}; take it over with git pull",
    ]


def _plain(path: Path) -> Path:
    """A path that leads to a file of the folder itself, and nowhere else."""
    if path.is_symlink() or path.parent.is_symlink():
        raise InputError(
            "this is a symbolic link", where=console.shown(path), remedy="take the folder as perfgate left it"
        )
    return path


def _runs(folder: Path) -> list[Run]:
    """The runs of a decision folder, in their order."""
    try:
        paths = sorted(path for path in _plain(folder / "runs").iterdir() if path.suffix == ".json")
    except (FileNotFoundError, NotADirectoryError):
        paths = []
    if not 0 < len(paths) <= _MOST_RUNS:
        raise InputError(
            f"{len(paths)} judged runs are there" if paths else "no judged run is there",
            where=console.shown(folder / "runs"),
            remedy="name the folder that perfgate gate or check left (.perfgate/decision)",
        )
    return [_run(path) for path in paths]


def _run(path: Path) -> Run:
    data, shown = run_format.read(_plain(path)), console.shown(path)
    return redacting.clean_run(run_format.load(data, shown), data, shown)


def _check(project: Project, decision: Decision, runs: list[Run], place: str) -> None:
    """Refuse a decision that is not about these runs, and, in CI, runs that this very commit and CI run did not yield."""
    made = decision.circumstances.context
    if any(run.context.tested != made.tested for run in runs) or not made.tested:
        raise InputError(
            "the decision and its runs are not of one commit", where=place, remedy="take the folder as perfgate left it"
        )
    judged = {each.series for each in decision.comparisons}
    judged |= {member.series for family in decision.families for member in family.members}
    if strange := sorted(
        {str(each.series) for run in runs for each in run.measurements} - {str(each) for each in judged}
    ):
        raise InputError(
            f"the decision does not know {strange[0]}, which its runs have",
            where=place,
            remedy="take the folder as perfgate left it",
        )
    event = project.event
    if not event.provider:
        _refuse_unlanded(project, made.tested, place)
        return
    ours = event.head or project.lineage.tested
    if made.tested != ours or project.lineage.tested != ours:
        raise InputError(
            f"the runs are of {made.tested[:10]}, this job is of {ours[:10]} and has {project.lineage.tested[:10]} checked out",
            where=place,
            remedy="check out the pushed commit, and take the artifact of the same workflow run",
        )
    if event.ci_run and any(run.context.ci_run != event.ci_run for run in runs):
        raise InputError(
            "the runs are of another CI run", where=place, remedy="take the artifact of the same workflow run"
        )


def _measured(runs: list[Run]) -> list[Run]:
    """The runs without those that only settled a suspect: pairs of series that a run before has. They never enter the baseline."""
    kept: list[Run] = []
    for run in runs:
        before = {measurement.series for other in kept for measurement in other.measurements}
        if not all(each.before and each.series in before for each in run.measurements):
            kept.append(run)
    return kept


# --- between stores ---------------------------------------------------------------------------------------------------


def import_from(project: Project, source: str) -> list[str]:
    """Copy another store's runs and events; what came and what was there."""
    from perfgate.store.changes import union

    store = store_of(project, own_settings(project))
    other = _other(project, source)
    _refuse_missing(other)
    found = other.shelf()
    written = store.write(union(found))
    stored = written.changes.stored
    if not stored:
        return [f"{other.where} holds nothing"]
    sentences = []
    for what, several in (("run", "runs"), ("event", "events")):
        mine = [each for each in stored if each.what == what]
        new = sum(each.is_new for each in mine)
        if mine:
            sentences.append(f"{new} {several} came from {other.where} to {store.where}, {len(mine) - new} were there")
    if pruned := sum(each.what == "pruned run" for each in stored):
        sentences.append(f"{pruned} runs were left out: they were pruned from {store.where}")
    again = f" (pushed at attempt {written.attempts})" if written.attempts > 1 else ""
    return [*sentences[:-1], sentences[-1] + again + (store.after if written.changes.added else "")]


def _refuse_missing(other: Store) -> None:
    """InputError for a branch that is not on the remote: a mistyped name must not look like an empty store."""
    from perfgate.store.git_ref import GitRefStore

    if isinstance(other, GitRefStore) and not other.exists():
        raise InputError(
            f'there is no branch "{other.branch.name}" on the remote "{other.branch.remote.name}"',
            where="--from",
            remedy=f"check its name: git ls-remote --heads {other.branch.remote.name}",
        )


def _other(project: Project, source: str) -> Store:
    """The store that `--from` names."""
    from perfgate.core.git_names import branch_problem

    match = _FROM.fullmatch(source)
    settings = own_settings(project)
    remedy = "write directory:PATH, or git-ref:[REMOTE/]BRANCH[:PATH]"
    if match is None:
        raise InputError(f'"{source[:100]}" names no store', where="--from", remedy=remedy)
    if match[1] == DIRECTORY:
        folder = Path(match[2]).resolve()
        if not folder.is_dir():
            raise InputError("there is no such folder", where=console.shown(folder), remedy="check the path")
        return store_of(project, settings._replace(store=DIRECTORY), folder=folder)
    name, colon, path = match[2].partition(":")
    first, slash, rest = name.partition("/")
    remote = settings.remote
    if slash and project.repository is not None and project.repository.address(first):
        remote, name = first, rest
    problem = branch_problem(name)
    if problem or path.startswith("/") or ".." in path.split("/"):
        raise InputError(problem or f'"{path[:100]}" leads out of the branch', where="--from", remedy=remedy)
    asked = settings._replace(store=GIT_REF, branch=name, remote=remote)
    return _branch_store(project, asked, path.strip("/") if colon else None)


def _branch_store(project: Project, settings: BaselineSettings, inside: str | None) -> Store:
    """The store in a branch, as it is on the remote now; `inside` is its folder there, if not the usual one."""
    from perfgate.store.stores import open_store

    return open_store(settings, around(project)._replace(in_ci=True, target=""), inside=inside)


def fetch(project: Project) -> str:
    """Fetch the branch of the store; what is here now. InputError where the store is no branch."""
    from perfgate.store.git_ref import GitRefStore

    store = store_of(project, own_settings(project))
    if not isinstance(store, GitRefStore):
        raise InputError(
            "the baseline is a folder of the work tree, which comes with its commits",
            where=store.where,
            remedy="git pull brings it up to date",
        )
    return store.refresh()
