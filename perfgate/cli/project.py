"""The project a command works on: its folder, its repository, and what git and CI say of the change."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from perfgate.core.budgets import Situation
from perfgate.core.model import Event
from perfgate.errors import InputError
from perfgate.forge.environment import read_event
from perfgate.store.git import Repository
from perfgate.store.lineage import Lacks, Lineage, trace

BUDGETS = "budgets.yaml"
#: Where perfgate leaves what it measured and decided; never part of the project.
SCRATCH = ".perfgate"
#: How many measured runs are kept in `.perfgate/runs`, beside those of the current commit.
KEPT_RUNS = 200
#: Stands for the commit in the name of a run that has none.
NO_COMMIT = "no-commit"
#: Workflows of these events run with the secrets and the write token of the repository, for a change that anybody may have made.
EVENTS_WITH_RIGHTS = frozenset({"pull_request_target", "workflow_run"})


_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{12}|no-commit)-[0-9a-f]{8}\.json")


class Project(NamedTuple):
    """`root` is the folder of budgets.yaml (the nearest one upwards), else the current folder."""

    root: Path
    repository: Repository | None
    event: Event
    lineage: Lineage
    environ: Mapping[str, str]

    @classmethod
    def find(cls, start: Path | None = None, environ: Mapping[str, str] | None = None) -> Project:
        """The project around the current folder."""
        folder = (start or Path.cwd()).resolve()
        environ = os.environ if environ is None else environ
        repository = Repository.discover(folder)
        event = read_event(environ)
        lineage = trace(repository, event)
        if repository is not None and lineage.lacks is not Lacks.NOTHING and event.provider:
            from perfgate.cli import reach

            if reach.is_wanted(event, environ):
                repository, event, lineage = reach.further(repository, event, lineage, environ)
        root = _root(folder, repository)
        if repository is not None and event.provider and lineage.tip:
            root = _root_at(folder, repository, lineage) or root
        return cls(root, repository, event, lineage, environ)

    @property
    def runs(self) -> Path:
        """The folder of measured runs."""
        return self.root / SCRATCH / "runs"

    def runs_of(self, commit: str) -> list[Path]:
        """The measured runs that may be of this commit: a name that tells another one need not be read."""
        told = commit[:12] or NO_COMMIT
        names = (path for path in self.runs.glob("*.json"))
        return sorted(path for path in names if (match := _RUN_NAME.fullmatch(path.name)) is None or match[1] == told)

    def prune_runs(self, commit: str) -> None:
        """Remove all but the newest measured runs; never one of this commit, nor a file that was given its name by somebody else."""
        told = commit[:12] or NO_COMMIT
        # A name begins with the time in UTC.
        ours = sorted(
            (match[0], match[1]) for path in self.runs.glob("*.json") if (match := _RUN_NAME.fullmatch(path.name))
        )
        for name, of in ours[:-KEPT_RUNS]:
            if of != told:
                # Another process may be at it too, and a run that stays does no harm.
                with suppress(OSError):
                    (self.runs / name).unlink()
                    for beside in self.runs.glob(f"{name.removesuffix('.json')}.*.folded"):
                        beside.unlink()

    @property
    def decisions(self) -> Path:
        """The folder of the newest decision."""
        return self.root / SCRATCH / "decision"

    @property
    def name(self) -> str:
        """The project's path inside its repository, which tells the projects of a monorepo apart; "" at the top."""
        if self.repository is None or self.root == self.repository.root:
            return ""
        return self.in_repository(self.root)

    def in_repository(self, path: Path) -> str:
        """A path as git writes it: relative to the repository's top, with forward slashes."""
        top = self.repository.root if self.repository else self.root
        return path.relative_to(top).as_posix()

    def situation(self) -> Situation:
        """What `when:` may ask about."""
        return Situation(
            branch=self.lineage.target,
            event=self.event.name or "local",
            labels=self.event.labels,
            paths=self.lineage.changed_paths,
            ci=bool(self.event.provider),
        )

    def scratch(self) -> Path:
        """The folder `.perfgate`, made and kept out of version control."""
        folder = self.root / SCRATCH
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder


def _root(folder: Path, repository: Repository | None) -> Path:
    top = repository.root if repository else folder
    for candidate in (folder, *folder.parents):
        if (candidate / BUDGETS).is_file():
            return candidate
        if candidate == top:
            break
    return folder


def _root_at(folder: Path, repository: Repository, lineage: Lineage) -> Path | None:
    """The folder of the budgets.yaml that rules in the target branch's newest commit, None where none does.

    A change that adds or removes one would else choose which project of a monorepo it is judged as.
    """
    top = repository.root
    if folder == top or not folder.is_relative_to(top):
        return None
    for candidate in (folder, *folder.parents):
        if repository.file_at(lineage.tip, (candidate / BUDGETS).relative_to(top).as_posix()) is not None:
            return candidate
        if candidate == top:
            break
    return None


def parse_day(text: str) -> date:
    """The day of a decision: today in UTC, or the one given with --today; InputError for anything that is not a date."""
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f'"{text}" is not a date', where="--today", remedy="write it as 2026-12-31") from None
