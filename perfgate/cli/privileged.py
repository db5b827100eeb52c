"""The refusal to run a change's code with the rights of its target branch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from perfgate.cli.project import EVENTS_WITH_RIGHTS, Project
from perfgate.core.model import Event
from perfgate.errors import InputError
from perfgate.store.git import Repository, is_commit_id

_REMEDY = (
    "measure in a workflow on pull_request, which has neither secrets nor a token that can write, and judge what it measured in one "
    "on workflow_run (perfgate rejudge; docs/security.md)"
)
_MOST_FOLDERS = 200


def refuse(project: Project) -> None:
    """InputError where measuring would run the change's code in a workflow that has the rights of the target branch.

    Allowed is the target branch's own tree, unchanged: the commit that the host started the workflow for, or one of the branch's.
    There is no way to switch this off.
    """
    event = project.event
    if event.name not in EVENTS_WITH_RIGHTS:
        return
    found = _why_not_own(project) or next(_second_checkouts(project), "")
    if found:
        raise InputError(f"{event.name} has the rights of the target branch, and {found}", remedy=_REMEDY)


def _why_not_own(project: Project) -> str:
    """Why what is checked out here is not the target branch's own tree; "" where it is."""
    repository, lineage = project.repository, project.lineage
    if repository is None or not lineage.tested:
        return "what is to be measured is no checkout of that branch"
    if lineage.worktree:
        return "the work tree differs from the checked-out commit"
    if not _is_own(repository, project.event, lineage.target):
        return f"the checked-out commit {lineage.tested[:10]} is not that branch's own"
    return ""


def _is_own(repository: Repository, event: Event, target: str) -> bool:
    commit = repository.head()
    if commit and commit == event.sha:
        return True
    tracked = repository.resolve(f"refs/remotes/origin/{target}")
    return bool(tracked) and repository.is_from(event.repository) and repository.is_ancestor(commit, tracked)


def _second_checkouts(project: Project) -> Iterator[str]:
    """Why another checkout beside or below this one holds the change."""
    for folder in _checkouts(project):
        repository = Repository.discover(folder)
        commit = repository.head() if repository is not None else ""
        if repository is None or not commit:
            continue
        head = project.event.head
        is_change = is_commit_id(head) and head in {commit, *repository.parents_told(commit)}
        own = repository.is_from(project.event.repository) or not project.event.repository
        if is_change or (own and not _is_own(repository, project.event, project.lineage.target)):
            yield f"the checkout in {folder.name} is at {commit[:10]}, which is not that branch's own"


def _checkouts(project: Project) -> Iterator[Path]:
    """The folders beside the project and in it, one level deep, that are checkouts of their own."""
    here = project.repository.root.resolve() if project.repository is not None else project.root
    tops = dict.fromkeys((_workspace(project.environ), here, project.root))
    seen = {here}
    for top in tops:
        for folder in (top, *_folders(top)) if top is not None else ():
            if folder.resolve() not in seen and (folder / ".git").exists():
                seen.add(folder.resolve())
                yield folder


def _workspace(environ: Mapping[str, str]) -> Path | None:
    told = environ.get("GITHUB_WORKSPACE", "")
    return Path(told) if told and "\0" not in told and Path(told).is_dir() else None


def _folders(top: Path) -> list[Path]:
    try:
        with os.scandir(top) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and entry.name != ".git")
    except OSError:
        return []
    return [top / name for name in names[:_MOST_FOLDERS]]
