"""Which commit was measured, what it started from, and whose budgets rule: read from git and the CI event together."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.core.model import Event
from perfgate.store.git import Repository, is_commit_id

_SHALLOW = (
    "the clone is shallow, so the history of the base is not here; fetch it all (actions/checkout: fetch-depth: 0)"
)


class Lineage(NamedTuple):
    """Where a measured tree stands.

    `base` is the commit the tree started from: baseline runs are its ancestors or itself. `tip` is the newest known commit of the
    target branch, whose budgets rule ("" where the work tree's own do), `tip_name` its name for people. `on_target` says that
    the tree is the target branch itself. `changed_paths` is None where unknown. `messages` are those of the change's commits.
    `problem` says why the base could not be determined.
    """

    head: str = ""
    tested: str = ""
    base: str = ""
    tip: str = ""
    tip_name: str = ""
    worktree: str = ""
    branch: str = ""
    target: str = ""
    on_target: bool = False
    changed_paths: tuple[str, ...] | None = None
    messages: tuple[str, ...] = ()
    problem: str = ""


def trace(repository: Repository | None, event: Event) -> Lineage:
    """The lineage of what is checked out."""
    if repository is None:
        return Lineage(branch=event.branch, target=event.target)
    tested = repository.head()
    if not tested:
        return Lineage(worktree="no-commit", branch=repository.branch(), target=event.target)
    branch = event.branch or repository.branch()
    target = event.target or event.default_branch or repository.default_branch() or branch
    plain = Lineage(
        head=event.head or tested,
        tested=tested,
        worktree=repository.worktree_fingerprint(),
        branch=branch,
        target=target,
    )
    tip, tip_name = _tip(repository, event, target)
    lineage = _change(repository, event, plain, tip) if _is_change(event, plain) else _on_target(repository, plain)
    if lineage.on_target:
        # On the target branch the tree's own budgets are the ones that rule; in CI they are the commit's, which is the same.
        return _with_change(repository, lineage)
    return _with_change(repository, lineage._replace(tip=tip, tip_name=tip_name))


def _is_change(event: Event, lineage: Lineage) -> bool:
    """Whether the tree is a change that is to land on the target branch, rather than that branch itself."""
    if event.name in {"pull_request", "pull_request_target", "merge_group", "merge_request_event"}:
        return True
    return lineage.branch != lineage.target


def _tip(repository: Repository, event: Event, target: str) -> tuple[str, str]:
    """The newest known commit of the target branch: the remote's, the event's, or the local one."""
    remote, local = f"refs/remotes/origin/{target}", f"refs/heads/{target}"
    for commit, name in (
        (repository.resolve(remote), f"origin/{target}"),
        (event.target_sha, target),
        (repository.resolve(local), target),
    ):
        if commit and repository.exists(commit):
            return commit, f"{name} ({commit[:10]})"
    return "", ""


def _on_target(repository: Repository, lineage: Lineage) -> Lineage:
    """A commit on the target branch starts from its first parent; uncommitted changes start from the commit itself."""
    if lineage.worktree:
        return lineage._replace(base=lineage.tested, on_target=True)
    parents = repository.parents(lineage.tested)
    problem = _SHALLOW if not parents and repository.is_shallow else ""
    return lineage._replace(base=parents[0] if parents else "", on_target=True, problem=problem)


def _change(repository: Repository, event: Event, lineage: Lineage, tip: str) -> Lineage:
    """A merge commit that the host made starts from its first parent, everything else where it left the target branch."""
    parents = repository.parents(lineage.tested)
    if event.merge and len(parents) == 2:
        head = event.head if is_commit_id(event.head) else parents[1]
        problem = _SHALLOW if repository.is_shallow else ""
        return lineage._replace(base=parents[0], head=head, problem=problem)
    if event.merge and repository.is_shallow:
        return lineage._replace(problem=_SHALLOW)
    if not tip:
        name = f'the target branch "{lineage.target}"' if lineage.target else "the target branch"
        return lineage._replace(
            problem=f"{name} is not in this clone, so the base of the change is unknown; fetch it: git fetch origin"
        )
    base = repository.merge_base(tip, lineage.tested)
    if base and not repository.is_shallow:
        return lineage._replace(base=base)
    if repository.is_shallow:
        return lineage._replace(base=base, problem=_SHALLOW)
    return lineage._replace(
        problem=f'the change and "{lineage.target}" have no common ancestor, so there is no baseline for it'
    )


def _with_change(repository: Repository, lineage: Lineage) -> Lineage:
    """Add what the change touches and says of itself."""
    if not lineage.base or lineage.problem:
        return lineage
    paths = repository.changed_paths(lineage.base, lineage.tested, with_worktree=bool(lineage.worktree))
    messages = tuple(text for _, text in repository.messages(lineage.base, lineage.tested))
    return lineage._replace(changed_paths=paths, messages=messages)
