"""The baseline as a folder: one immutable file for each admitted run and each event. Adding never rewrites, so a merge is a union."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from perfgate.core.admission import NewLevel
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import BaselineSettings
from perfgate.core.model import Details, Run, Selector
from perfgate.errors import InputError, OperationFailed
from perfgate.formats.files import write_new
from perfgate.store import changes
from perfgate.store import shelf as shelves
from perfgate.store.changes import Changes, Plan, Stored, Written
from perfgate.store.choosing import choose
from perfgate.store.events import Recorded
from perfgate.store.git import Repository
from perfgate.store.lineage import Lineage
from perfgate.store.shelf import Shelf

if TYPE_CHECKING:
    from perfgate.store.branch import Branch

#: Seconds after which a part of a write is nobody's any more.
_ABANDONED = 3600


class DirectoryStore(NamedTuple):
    """A store in a folder of the work tree; its changes reach others with the commits that hold them.

    `at_tip` says that the gate reads it as the target branch's tip has it. `target` finds that branch, where it is published.
    """

    folder: Path
    settings: BaselineSettings
    repository: Repository | None = None
    at_tip: bool = False
    target: Callable[[], Branch | None] = lambda: None

    @property
    def where(self) -> str:
        """The place for people."""
        return shelves.shown(self.folder)

    @property
    def after(self) -> str:
        """What somebody has to do with what was stored."""
        return "; commit that folder to keep it" + (
            ", or let `perfgate baseline update` push it" if self.at_tip else ""
        )

    def shelf(self) -> Shelf:
        """The files in the work tree."""
        return shelves.on_disk(self.folder)

    def load(self, lineage: Lineage, *, whole: bool = False, at_tip: bool | None = None) -> Baseline:
        """What a candidate of this lineage is compared with; `at_tip` says otherwise than usual from where it is read."""
        return load(
            self.folder,
            repository=self.repository,
            lineage=lineage,
            at_tip=self.at_tip if at_tip is None else at_tip,
            window=self.settings.window,
            keep=self.settings.keep,
            whole=whole,
        )

    def details(self, lineage: Lineage, names: Collection[str]) -> Iterator[tuple[str, Details]]:
        """The details in the runs of these names, read from where `load` reads."""
        return _shelf(self.folder, self.repository, lineage, at_tip=self.at_tip).details(names)

    def write(self, plan: Plan) -> Written:
        """Do in the work tree what a plan makes of it."""
        return Written(_apply(self.folder, plan(self.shelf())))

    def publish(self, runs: Sequence[Run], levels: Sequence[NewLevel] = ()) -> Written:
        """Admit runs on the target branch of the remote, together with the files that were added here and are in no commit yet: one
        commit on top of that branch. The work tree, its index and its branch stay as they are."""
        target = self.target()
        if self.repository is None or target is None:
            raise InputError(
                "the target branch is not known, so the baseline cannot be published",
                where=self.where,
                remedy="work in a clone of the repository, on its default branch",
            )
        fresh = self._uncommitted(self.repository)
        # What the work tree has of these runs goes as it is there.
        told = changes.admission(runs)(fresh).stored
        places = [at for at, stored in enumerate(told) if stored.is_new]
        ours = [runs[at] for at in places]
        begun = [level._replace(run=places.index(level.run)) for level in levels if level.run in places]
        title = f"baseline of {(runs[0].context.tested if runs else self.repository.head())[:10]}"
        return target.write(changes.joined([changes.union(fresh), changes.admission(ours, levels=begun)], title))

    def _uncommitted(self, repository: Repository) -> Shelf:
        """The files of the work tree that its commit does not have."""
        found, head = self.shelf(), repository.head()
        inside = self.folder.relative_to(repository.root).as_posix()
        known = {path for path, _ in repository.files_under(head, inside)} if head else set()
        return found._replace(
            runs=[file for file in found.runs if f"runs/{file.name}" not in known],
            events=[file for file in found.events if f"events/{file.name}" not in known],
        )


def load(
    folder: Path,
    *,
    repository: Repository | None,
    lineage: Lineage,
    at_tip: bool,
    window: int,
    keep: int,
    whole: bool = False,
) -> Baseline:
    """The admitted runs in a folder that a candidate may be compared with (see `choose`).

    With `at_tip` the store is read from the target branch's tip, else from the work tree, with what is not committed there.
    """
    found = _shelf(folder, repository, lineage, at_tip=at_tip)
    return choose(found, repository=repository, lineage=lineage, window=window, keep=keep, whole=whole)


def _shelf(folder: Path, repository: Repository | None, lineage: Lineage, *, at_tip: bool) -> Shelf:
    if at_tip and repository is not None and lineage.tip:
        inside = folder.relative_to(repository.root).as_posix()
        return shelves.at_commit(inside, repository, lineage.tip, lineage.tip_name)
    return shelves.on_disk(folder)


def list_runs(folder: Path) -> tuple[Run, ...]:
    """Every admitted run in the folder without its details, with its name as id, in the order in which they were started."""
    return shelves.on_disk(folder).all_runs()


def read_events(folder: Path) -> tuple[Recorded, ...]:
    """What was recorded about the baseline, oldest first."""
    return shelves.on_disk(folder).recorded()


# --- writing ----------------------------------------------------------------------------------------------------------


def admit(folder: Path, run: Run, *, reason: str = "") -> Stored:
    """Add a run, unless it is there already. Raises InputError for a run without commit or time."""
    return _one(folder, changes.admission([run], reason=reason))


def retire(folder: Path, selector: Selector, *, reason: str, until: str = "") -> Stored:
    """Record that values of the selected series from runs that started up to `until` (UTC), else from those so far, no longer count."""
    return _one(folder, changes.retirement(selector, reason=reason, until=until))


def accept(folder: Path, selector: Selector, run: str, *, reason: str) -> Stored:
    """Record that with this admitted run a new level of the selected series begins."""
    return _one(folder, changes.acceptance(selector, run, reason=reason))


def anchor(folder: Path, selector: Selector, run: str, *, reason: str) -> Stored:
    """Make an admitted run the fixed point of the selected series."""
    return _one(folder, changes.anchoring(selector, run, reason=reason))


def prune(folder: Path, keep: int, *, reason: str) -> tuple[str, ...]:
    """Remove all but the newest `keep` runs (by start), never an anchored one or the first of an accepted level; their names."""
    made = _apply(folder, changes.pruning(keep, reason=reason)(shelves.on_disk(folder)))
    return tuple(Path(path).stem for path in made.removed)


def _one(folder: Path, plan: Plan) -> Stored:
    return _apply(folder, plan(shelves.on_disk(folder))).stored[0]


def _apply(folder: Path, made: Changes) -> Changes:
    """Make the changes, in their order; each file is there whole or not at all."""
    for path, data in made.added:
        write_new(folder / path, data)
    try:
        for path in made.removed:
            (folder / path).unlink(missing_ok=True)
        if made.removed or not made.added:
            _sweep(folder)
    except OSError as error:
        raise OperationFailed(
            f"a run cannot be removed: {error.strerror}",
            where=shelves.shown(folder),
            remedy="check the permissions of the folder",
        ) from error
    return made


def _sweep(folder: Path) -> None:
    """Remove what writes that never ended have left, an hour later: it might be another process's that is still writing."""
    for part in (*(folder / "runs").glob(".perfgate-*.tmp"), *(folder / "events").glob(".perfgate-*.tmp")):
        with suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - _ABANDONED:
                part.unlink()
