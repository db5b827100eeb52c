"""The store of a project, as its settings ask for it: the one way from a command to the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perfgate.cli import console
from perfgate.cli.project import BUDGETS, Project
from perfgate.core.admission import NewLevel
from perfgate.core.budgets import BaselineSettings
from perfgate.core.model import Exactly
from perfgate.store.changes import Written
from perfgate.store.stores import Store, Surroundings, open_store


def store_of(project: Project, settings: BaselineSettings, *, folder: Path | None = None) -> Store:
    """The store that these settings mean in this project; with `folder`, the store in that folder."""
    return open_store(settings, around(project), folder=folder)


def around(project: Project) -> Surroundings:
    """What a store needs to know of the project."""
    in_ci = bool(project.event.provider)
    return Surroundings(project.root, project.repository, project.environ, in_ci, project.lineage.target)


def own_settings(project: Project) -> BaselineSettings:
    """The settings of the work tree's budgets.yaml; the usual ones where there is none."""
    from perfgate.formats import budgets as budgets_format

    path = project.root / BUDGETS
    if not path.is_file():
        return BaselineSettings()
    return budgets_format.load(budgets_format.read(path, console.shown(path)), console.shown(path)).baseline


def begun(levels: Sequence[NewLevel]) -> list[str]:
    """The new levels that begin with runs which were stored, a sentence each."""
    return [
        f"a new level begins: {Exactly(frozenset(level.series))}; older values no longer count ({level.reason})"
        for level in levels
    ]


def told(store: Store, written: Written) -> list[str]:
    """What was stored, a sentence each."""
    again = f", pushed at attempt {written.attempts}" if written.attempts > 1 else ""
    return [stored.told(store.where, after=again + store.after) for stored in written.changes.stored]
