"""Which commit was measured, what it started from, and whose budgets rule: read from git and the CI event together."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.core.model import Event
from perfgate.errors import OperationFailed
from perfgate.store.git import Repository, is_commit_id

SHALLOW = "the clone is shallow, so the history of the base is not here; fetch it all (actions/checkout: fetch-depth: 0, else: git fetch --unshallow)"
_NO_GIT = "this folder is not in a git repository, so the baseline's history cannot be followed; check out with git, not as an archive"
#: Events of a change that is to land on the target branch. `workflow_run` and `pull_request_target` check out the target branch
#: itself, but act on somebody else's change: what is measured there must never pass for the target branch's own.
_OF_CHANGES = frozenset({"pull_request", "pull_request_target", "merge_group", "merge_request_event", "workflow_run"})


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
        return Lineage(branch=event.branch, target=event.target, problem=_NO_GIT if event.provider else "")
    tested = repository.head()
    if not tested:
        return Lineage(worktree="no-commit", branch=repository.branch(), target=event.target)
    branch = event.branch or repository.branch()
    target = event.target or event.default_branch or repository.default_branch()
    if not target and not event.provider:
        # A repository with one branch of an unusual name; in CI a guess could let a change pass for the target branch.
        target = branch
    lineage = Lineage(
        head=event.head if is_commit_id(event.head) else tested,
        tested=tested,
        worktree=repository.worktree_fingerprint(),
        branch=branch,
        target=target,
    )
    parents = repository.parents(tested)
    if event.name not in _OF_CHANGES and branch and branch == target:
        # On the target branch the tree's own budgets are the ones that rule; in CI they are the commit's, which is the same.
        return _with_change(repository, _from_parent(repository, lineage, parents)._replace(on_target=True))
    merged = parents if _is_hosts_merge(event, parents) else ()
    tip, tip_name = _tip(repository, event, target, merged)
    lineage = lineage._replace(tip=tip, tip_name=tip_name)
    if merged:
        lineage = lineage._replace(base=merged[0], head=merged[1])
    elif event.name == "merge_group" and repository.exists(event.target_sha):
        lineage = lineage._replace(base=event.target_sha)
    else:
        lineage = _from_fork_point(repository, lineage, parents)
    return _with_change(repository, lineage)


def _is_hosts_merge(event: Event, parents: tuple[str, ...]) -> bool:
    """Whether the checked-out commit is the one the host made to try the merge: (target branch, change). A change whose own
    newest commit is a merge has two parents as well."""
    return event.merge and len(parents) == 2 and event.head in {parents[1], ""}


def _tip(repository: Repository, event: Event, target: str, merged: tuple[str, ...]) -> tuple[str, str]:
    """The newest known commit of the target branch: the remote's, the one just merged with, the event's, or the local one."""
    remote, local = f"refs/remotes/origin/{target}", f"refs/heads/{target}"
    if commit := repository.resolve(remote):
        return commit, f"origin/{target} ({commit[:10]})"
    for commit in (*merged[:1], event.target_sha, repository.resolve(local)):
        if commit and repository.exists(commit):
            return commit, f"{target} ({commit[:10]})"
    return "", ""


def _from_parent(repository: Repository, lineage: Lineage, parents: tuple[str, ...]) -> Lineage:
    """A commit of the target branch starts from its first parent, uncommitted changes start from the commit itself."""
    if lineage.worktree:
        return lineage._replace(base=lineage.tested)
    if not parents and repository.is_shallow:
        return lineage._replace(problem=SHALLOW)
    return lineage._replace(base=parents[0] if parents else "")


def _from_fork_point(repository: Repository, lineage: Lineage, parents: tuple[str, ...]) -> Lineage:
    """A change starts where it left the target branch."""
    if not lineage.tip and repository.is_shallow:
        return lineage._replace(problem=SHALLOW)
    if not lineage.tip:
        name = f'the target branch "{lineage.target}"' if lineage.target else "the target branch"
        return lineage._replace(
            problem=f"{name} is not in this clone, so the base of the change is unknown; fetch it (git fetch origin, git remote set-head origin --auto)"
        )
    base = repository.merge_base(lineage.tip, lineage.tested)
    if base == lineage.tested:
        # Nothing of its own yet, or a tag or commit of the target branch: a run never has itself in its baseline.
        return _from_parent(repository, lineage, parents)
    if base:
        return lineage._replace(base=base)
    if repository.is_shallow:
        return lineage._replace(problem=SHALLOW)
    return lineage._replace(
        problem=f'the change and "{lineage.target}" have no common ancestor, so there is no baseline for it'
    )


def _with_change(repository: Repository, lineage: Lineage) -> Lineage:
    """Add what the change touches and says of itself."""
    if not lineage.base or lineage.problem:
        return lineage
    messages = tuple(text for _, text in repository.messages(lineage.base, lineage.tested))
    try:
        paths = repository.changed_paths(lineage.base, lineage.tested, with_worktree=bool(lineage.worktree))
    except OperationFailed:
        # A clone without trees (--filter=tree:0) knows its commits, not what they changed.
        return lineage._replace(messages=messages)
    return lineage._replace(changed_paths=paths, messages=messages)
