"""Both sides of a change side by side: the base in a work tree of its own, this side where it is; and commands measured in turns on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.cli import console
from perfgate.cli.project import Project
from perfgate.core.budgets import Budgets, Relative
from perfgate.core.decision import Circumstances
from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture, Caveat, Series
from perfgate.core.policy import ruling_budgets
from perfgate.errors import InputError
from perfgate.measure import ab
from perfgate.measure.lock import Alone
from perfgate.measure.surroundings import Surroundings
from perfgate.store import scratch, worktrees
from perfgate.store.git import Repository
from perfgate.store.git_process import LOCATING

METRICS = ("command.wall", "command.cpu", "command.memory")
#: Variables that say where programs and their parts are found.
_SEARCHED = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "NODE_PATH", "CLASSPATH", "GOPATH", "RUBYLIB", "PERL5LIB", "CARGO_TARGET_DIR")  # fmt: skip


class Sides(NamedTuple):
    """Both sides, each with the folder to run in; `top` is that of the user's work tree, `caveats` are what the base side lacks or shares."""

    before: Surroundings
    after: Surroundings
    base: str
    name: str
    top: Path
    caveats: tuple[Caveat, ...] = ()

    def measure(
        self,
        entry: CommandEntry,
        asked: Mapping[str, tuple[float, float]],
        progress: Callable[[str], None],
        *,
        most: int = 20,
        within: float = 600.0,
        how: Alone | None = None,
    ) -> Capture:
        """Measure a command on both sides in turns; raises what `measure.ab.capture` raises."""
        captured = ab.capture(
            entry, *self.named(), ab.Until(most, within, asked), progress, how=how or Alone(tell=console.say)
        )
        return captured._replace(caveats=(*captured.caveats, *self.caveats, *self.shared(entry)))

    def named(self) -> tuple[ab.Side, ab.Side]:
        """Both sides as messages call them."""
        return ab.Side(self.name, self.before, is_base=True), ab.Side("this side", self.after)

    def shared(self, entry: CommandEntry) -> Iterator[Caveat]:
        """Said where the base side would run or load this side's files: then a difference cannot be seen."""
        words = [word for word in (*entry.run, *entry.prepare, *entry.setup) if _leads_into(word, str(self.top))]
        if words:
            message = f'"{entry.name}" names {words[0]} by its whole path, so both sides use this one'
            yield Caveat("shared between sides", message, "write it relative to the folder that the command runs in")


def base_of(project: Project, named: str = "") -> str:
    """The commit to compare with: the one named by --base, else the base of the tested tree; InputError where there is none."""
    repository = _repository(project)
    if not project.lineage.tested:
        raise InputError(
            "this repository has no commit yet, so there is nothing to compare with", remedy="commit first"
        )
    if named:
        return worktrees.resolve(repository, named, "--base")
    if not project.lineage.base:
        what = project.lineage.problem or "this is the first commit, so there is nothing to compare with"
        raise InputError(what, remedy="name a commit, branch or tag: --base REF")
    return project.lineage.base


def _repository(project: Project) -> Repository:
    if project.repository is None:
        raise InputError(
            "this folder is not in a git repository, so there is no other side to measure",
            remedy="measure both sides yourself: perfgate measure command, then perfgate compare AFTER --against BEFORE",
        )
    return project.repository


@contextmanager
def both_sides(project: Project, base: str, folder: Path) -> Iterator[Sides]:
    """The base checked out in a work tree of its own, beside `folder` as it is, with uncommitted changes and untracked files.

    Both sides have the same environment and start in the same folder of their tree.
    """
    repository = _repository(project)
    name = f"the base ({base[:10]})"
    within = folder.resolve().relative_to(repository.root.resolve())
    environ = {key: value for key, value in project.environ.items() if key not in LOCATING}
    with worktrees.checked_out(repository, base) as checkout, scratch.folder() as work:
        there = checkout.root / within
        if not there.is_dir():
            raise ab.BaseFailed(
                f'there is no folder "{within.as_posix()}" on {name}, so nothing is concluded',
                remedy="run it from a folder that both sides have",
            )
        for side in ("before", "after"):
            (work / side).mkdir()
        caveats = (*checkout.caveats, *_environment(environ, repository.root), *_same(project, base))
        yield Sides(
            Surroundings(there, work / "before", _in_folder(environ, there)),
            Surroundings(folder, work / "after", _in_folder(environ, folder)),
            base,
            name,
            repository.root,
            caveats,
        )


def _in_folder(environ: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    return {**environ, "PWD": str(folder)} if "PWD" in environ else environ


def _environment(environ: Mapping[str, str], root: Path) -> Iterator[Caveat]:
    top = str(root)
    found = [
        name for name in _SEARCHED if any(_leads_into(part, top) for part in environ.get(name, "").split(os.pathsep))
    ]
    if found:
        message = f"{', '.join(found)} lead{'s' if len(found) == 1 else ''} into this work tree, so both sides find programs and libraries of this side there"
        remedy = (
            "where those belong to what changes, build each side's own with --setup and name them by relative paths"
        )
        yield Caveat("shared between sides", message, remedy)


def _leads_into(word: str, root: str) -> bool:
    return word == root or word.startswith(root + os.sep)


def _same(project: Project, base: str) -> Iterator[Caveat]:
    lineage = project.lineage
    if base == lineage.tested and not lineage.worktree:
        yield Caveat(
            "same commit", f"both sides are commit {base[:10]}; what differs is chance, or files that git ignores"
        )
    elif base != lineage.base and lineage.base:
        message = f"measured against {base[:10]}, the base of this tree is {lineage.base[:10]}"
        yield Caveat("other base", message)


def asked_of(name: str, budgets: Budgets, project: Project) -> dict[str, tuple[float, float]]:
    """The relative limits that the metrics of a command will be judged by: those of budgets that name it, else the defaults."""
    series = {metric: Series.of(metric, command=plain_text(name)) for metric in METRICS}
    ruling = ruling_budgets(series.values(), budgets, Circumstances(situation=project.situation()))
    usual = budgets.defaults
    if not any(budget for pair in ruling.values() for budget in pair):
        return dict.fromkeys(METRICS, (usual.warn, usual.block))
    found: dict[str, tuple[float, float]] = {}
    for metric in METRICS:
        _, budget = ruling[series[metric]]
        if budget is not None and (limits := _thresholds(budget.relative)) is not None:
            found[metric] = limits
    return found


def is_ruled(name: str, budgets: Budgets, project: Project) -> bool:
    """Whether a budget that applies here sets a limit to this command."""
    series = [Series.of(metric, command=plain_text(name)) for metric in METRICS]
    ruling = ruling_budgets(series, budgets, Circumstances(situation=project.situation()))
    return any(budget is not None for pair in ruling.values() for budget in pair)


def _thresholds(relative: Relative | None) -> tuple[float, float] | None:
    """Where a change warns and where it blocks; one stands for the other where only one is asked for, None where neither is."""
    if relative is None:
        return None
    warn, block = relative.warn, relative.block
    if warn is None and block is None:
        return None
    return (warn if warn is not None else block or 0.0, block if block is not None else warn or 0.0)
