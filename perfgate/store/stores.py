"""The seam between the commands and the kinds of store: what every store can do, and the one that the settings ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perfgate.core.admission import NewLevel
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import GIT_REF, BaselineSettings
from perfgate.core.model import Details, Run
from perfgate.errors import InputError
from perfgate.store.changes import Plan, Written
from perfgate.store.directory import DirectoryStore
from perfgate.store.git import Repository
from perfgate.store.lineage import Lineage
from perfgate.store.shelf import Shelf

if TYPE_CHECKING:
    from perfgate.store.branch import Branch


class Store(Protocol):
    """Where admitted runs and what was decided about them are kept. What is read is what `shelf` has; changes are plans (`changes`)."""

    @property
    def settings(self) -> BaselineSettings:
        """How the store is set up."""
        ...

    @property
    def where(self) -> str:
        """The place for people."""
        ...

    @property
    def after(self) -> str:
        """What somebody has to do with what was stored, as the end of a sentence; "" where nothing is left to do."""
        ...

    def shelf(self) -> Shelf:
        """The runs and events; OperationFailed where they are not known."""
        ...

    def load(self, lineage: Lineage, *, whole: bool = False, at_tip: bool | None = None) -> Baseline:
        """The admitted runs that a candidate of this lineage may be compared with.

        `whole` leaves in what no longer counts. `at_tip` says of a store in the work tree whether it is read as the target branch's
        tip has it; None means as usual: so in CI.
        """
        ...

    def details(self, lineage: Lineage, names: Collection[str]) -> Iterator[tuple[str, Details]]:
        """The details in the runs of these names (those of a baseline that `load` gave for this lineage), cells as they are in the files:
        whoever reads them holds each against limits. `load` passes them over, because few verdicts need them."""
        ...

    def write(self, plan: Plan) -> Written:
        """Do what a plan makes of the store as it is."""
        ...

    def publish(self, runs: Sequence[Run], levels: Sequence[NewLevel] = ()) -> Written:
        """Admit runs where others find them, on the remote, and the new levels that begin with them."""
        ...


class Surroundings(NamedTuple):
    """What a store needs to know of the project: its folder, repository and environment, whether CI runs it, and the name of the
    branch that changes land on."""

    root: Path
    repository: Repository | None
    environ: Mapping[str, str]
    in_ci: bool = False
    target: str = ""


def open_store(
    settings: BaselineSettings, around: Surroundings, *, folder: Path | None = None, inside: str | None = None
) -> Store:
    """The store that the settings ask for; with `folder`, the one in that folder; with `inside`, the one in that folder of its
    branch. InputError where it cannot be one."""
    if settings.store == GIT_REF and folder is None:
        return _git_ref(settings, around, inside)
    folder = folder or around.root / settings.path
    return DirectoryStore(folder, settings, around.repository, around.in_ci, lambda: _target(settings, around, folder))


def _git_ref(settings: BaselineSettings, around: Surroundings, inside: str | None) -> Store:
    from perfgate.store.branch import Branch
    from perfgate.store.git_ref import GitRefStore
    from perfgate.store.remote import Remote

    if around.repository is None:
        raise InputError(
            "the baseline is in a branch, and this folder is in no git repository",
            where="baseline.store",
            remedy="work in a clone, or write store: directory",
        )
    if settings.branch == around.target:
        raise InputError(
            f'"{settings.branch}" is the branch that changes land on; the baseline needs one of its own',
            where="baseline.branch",
            remedy="write branch: perfgate-data, or store: directory",
        )
    if inside is None:
        inside = _inside(around.root / settings.path, around.repository)
    remote = Remote(around.repository, settings.remote, around.environ)
    return GitRefStore(Branch(remote, settings.branch, inside), settings, fresh=around.in_ci)


def _target(settings: BaselineSettings, around: Surroundings, folder: Path) -> Branch | None:
    """The folder in the branch that changes land on, on the remote."""
    from perfgate.core.git_names import branch_problem
    from perfgate.store.branch import Branch
    from perfgate.store.remote import Remote

    if around.repository is None or branch_problem(around.target):
        return None
    inside = _inside(folder, around.repository)
    return Branch(Remote(around.repository, settings.remote, around.environ), around.target, inside, own=False)


def _inside(folder: Path, repository: Repository) -> str:
    """A folder as git writes it. The projects of a monorepo have folders of their own, so that they share a branch without meeting."""
    return folder.relative_to(repository.root).as_posix()
