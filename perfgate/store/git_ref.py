"""The baseline in a branch of its own: read as it was fetched, written by compare-and-swap pushes. No file of the work tree is involved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from perfgate.core.admission import NewLevel
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import BaselineSettings
from perfgate.core.model import Caveat, Details, Run
from perfgate.errors import OperationFailed
from perfgate.store import changes
from perfgate.store.branch import Branch
from perfgate.store.changes import Plan, Written
from perfgate.store.choosing import choose
from perfgate.store.lineage import Lineage
from perfgate.store.remote import NoRemote
from perfgate.store.shelf import Shelf


class _Found(NamedTuple):
    """The state of the branch that is read: `commit` is "" where the remote has none, `problem` says why nothing is known of it."""

    commit: str = ""
    seconds: int = 0
    problem: str = ""
    remedy: str = ""
    caveats: tuple[Caveat, ...] = ()


class GitRefStore:
    """A store in a branch of a remote. `fresh` says that it is fetched before it is read, as in CI; else a fetched copy is used,
    and fetched only where there is none."""

    def __init__(self, branch: Branch, settings: BaselineSettings, *, fresh: bool) -> None:
        self.branch = branch
        self.settings = settings
        self._fresh = fresh
        self._found: _Found | None = None

    @property
    def where(self) -> str:
        """The place for people."""
        return self.branch.where

    @property
    def after(self) -> str:
        """Nothing is left to do with what was stored: it is on the remote."""
        return ""

    def shelf(self) -> Shelf:
        """The files of the branch; OperationFailed where it is not known, NoRemote where there is nowhere to look for it."""
        found = self._look()
        if found.problem:
            raise OperationFailed(found.problem, remedy=found.remedy)
        if not found.commit:
            self.branch.remote.check()
        return self.branch.shelf(found.commit, found.seconds)

    def load(self, lineage: Lineage, *, whole: bool = False, at_tip: bool | None = None) -> Baseline:
        """What a candidate of this lineage is compared with; a branch of its own is the same for every checkout."""
        del at_tip
        found = self._look()
        if found.problem:
            return Baseline(source=self.where, window=self.settings.window, problem=found.problem)
        baseline = choose(
            self.branch.shelf(found.commit, found.seconds),
            repository=self.branch.remote.repository,
            lineage=lineage,
            window=self.settings.window,
            keep=self.settings.keep,
            whole=whole,
        )
        return baseline._replace(caveats=(*baseline.caveats, *found.caveats))

    def details(self, lineage: Lineage, names: Collection[str]) -> Iterator[tuple[str, Details]]:
        """The details in the runs of these names, from the copy that `load` has fetched or found."""
        del lineage
        return self.branch.shelf(self._copy()[0]).details(names)

    def write(self, plan: Plan) -> Written:
        """Do on the remote's branch what a plan makes of it."""
        self._found = None
        return self.branch.write(plan)

    def publish(self, runs: Sequence[Run], levels: Sequence[NewLevel] = ()) -> Written:
        """Admit runs on the remote, and the new levels that begin with them."""
        return self.write(changes.admission(runs, levels=levels))

    def exists(self) -> bool:
        """Whether there is such a branch; OperationFailed where that is not known."""
        self.shelf()
        return bool(self._look().commit)

    def refresh(self) -> str:
        """Fetch the branch; one sentence on what is here now. OperationFailed where it cannot be fetched."""
        commit, seconds = self.branch.remote.fetch(self.branch.name)
        self._found = None
        place = f"{self.branch.remote.name}/{self.branch.name}"
        if not commit:
            return f"{place} does not exist: no baseline yet"
        here = self.branch.shelf(commit)
        when = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
        return f"{place} is at {commit[:10]} of {when}: {len(here.runs)} runs in {self.branch.inside}"

    def _copy(self) -> tuple[str, int]:
        remote = self.branch.remote
        return remote.repository.newest(remote.tracking(self.branch.name))

    def _look(self) -> _Found:
        """What is known of the branch, asked once. A remote that cannot be reached is an error in CI, and elsewhere a problem of the
        baseline; neither is an empty baseline. A clone without the remote is an error in CI; elsewhere it has no baseline yet."""
        if self._found is None:
            self._found = self._fetched() if self._fresh else self._local()
        return self._found

    def _fetched(self) -> _Found:
        before, _ = self._copy()
        commit, seconds = self.branch.remote.fetch(self.branch.name)
        if commit:
            return _Found(commit, seconds)
        if not before:
            return _Found()
        place = f"{self.branch.remote.name}/{self.branch.name}"
        message = f"{place} is gone, so there is no baseline; this clone has it as it was at {before[:10]}"
        remedy = f"to restore it: git push {self.branch.remote.name} {before[:10]}:refs/heads/{self.branch.name}"
        return _Found(caveats=(Caveat("baseline gone", message, remedy),))

    def _local(self) -> _Found:
        commit, seconds = self._copy()
        if commit:
            return _Found(commit, seconds)
        try:
            return self._fetched()
        except NoRemote:
            message = f"no remote {self.branch.remote.name}, so there is no baseline yet"
            remedy = f"git remote add {self.branch.remote.name} ADDRESS, or name another one: baseline: {{remote: NAME}} in budgets.yaml"
            return _Found(caveats=(Caveat("no remote", message, remedy),))
        except OperationFailed as error:
            return _Found(problem=f"the baseline is not in this clone: {error.what}", remedy=error.remedy)
