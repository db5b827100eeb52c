"""Which commit was measured, what it started from, and whose budgets rule: read from git and the CI event together.

Nothing is fetched here. What the clone lacks is said, so that whoever may use the network can bring it and ask again.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from perfgate.core.model import Caveat, Event
from perfgate.errors import OperationFailed
from perfgate.store.git import Repository, is_commit_id

SHALLOW = "the clone is shallow, so the history of the base is not here; fetch it all (actions/checkout: fetch-depth: 0, else: git fetch --unshallow)"
_NO_GIT = "this folder is not in a git repository, so the baseline's history cannot be followed; check out with git, not as an archive"
_REMEDY = "fetch the whole history (actions/checkout: fetch-depth: 0, GitLab: GIT_DEPTH: 0)"
#: Events by which a branch's own newest commit is measured: only these may be the target branch itself. Every other event acts on
#: somebody's change, or is not known here, and what is measured there must never pass for the target branch's own.
_OF_BRANCHES = frozenset({"push", "schedule", "workflow_dispatch", "repository_dispatch", "web", "api", "trigger", "pipeline", "parent_pipeline"})  # fmt: skip


class Lacks(Enum):
    """What the clone lacks to tell the lineage exactly."""

    NOTHING = ""
    TIP = "the tip of the target branch"
    BASE = "the commit that the tree started from"
    HISTORY = "the history of the base"


class Lineage(NamedTuple):
    """Where a measured tree stands.

    `base` is the commit the tree started from: baseline runs are its ancestors or itself. `tip` is the newest known commit of the
    target branch, whose budgets rule ("" where the work tree's own do), `tip_name` its name for people. `on_target` says that
    the tree is the target branch itself. `changed_paths` is None where unknown. `messages` are those of the change's commits.
    `problem` says why the base could not be determined, or why its history is not here. `approximate` says why `base` is only the
    target branch's tip, "" where it is exact. `lacks` is what a fetch could mend.
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
    approximate: str = ""
    lacks: Lacks = Lacks.NOTHING
    caveats: tuple[Caveat, ...] = ()


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
    if not parents and repository.is_shallow:
        # A shallow clone hides the parents of its oldest commits; the commit itself tells them.
        parents = repository.parents_told(tested)
    if branch and branch == target and _is_branchs_own(repository, event, lineage):
        # On the target branch the tree's own budgets are the ones that rule; in CI they are the commit's, which is the same.
        return _completed(repository, _from_before(repository, event, lineage, parents)._replace(on_target=True))
    merged = parents if _is_hosts_merge(event, parents) else ()
    tip, tip_name = _tip(repository, event, target, merged)
    lineage = lineage._replace(tip=tip, tip_name=tip_name)
    if merged:
        lineage = lineage._replace(base=merged[0], head=merged[1])
    elif told := _base_told(repository, event, tested):
        lineage = lineage._replace(base=told)
    else:
        lineage = _from_fork_point(repository, lineage, parents)
    lineage = _completed(repository, lineage)
    return lineage if tip or not event.provider else lineage._replace(lacks=Lacks.TIP)


def _is_branchs_own(repository: Repository, event: Event, lineage: Lineage) -> bool:
    """Whether what is checked out is the branch's own commit, and the branch surely the one that changes land on."""
    if not event.provider:
        return True
    if event.name not in _OF_BRANCHES or not event.branch:
        return False
    # A repository without any remote has no other default branch than its own.
    told = event.default_branch or event.target or repository.default_branch(guess=not repository.has_remote_branches())
    if event.branch != told:
        return False
    # A workflow started on the target branch can check out something else, a pull request named in a comment, say.
    started = event.sha
    return not started or started == lineage.tested or repository.is_ancestor(lineage.tested, started)


def _is_hosts_merge(event: Event, parents: tuple[str, ...]) -> bool:
    """Whether the checked-out commit is the one the host made to try the merge: (target branch, change). A change whose own
    newest commit is a merge has two parents as well."""
    return event.merge and len(parents) == 2 and event.head in {parents[1], ""}


def _base_told(repository: Repository, event: Event, tested: str) -> str:
    """The base as the event tells it: that of the group of a merge queue, or the common ancestor of the head and its target."""
    told = event.target_sha if event.name == "merge_group" else event.merge_base if event.head == tested else ""
    # A run never has itself in its baseline; and a whole clone that lacks the commit knows better.
    if not is_commit_id(told) or told == tested:
        return ""
    return told if repository.is_shallow or repository.exists(told) else ""


def _tip(repository: Repository, event: Event, target: str, merged: tuple[str, ...]) -> tuple[str, str]:
    """The newest known commit of the target branch: the remote's, the one just merged with, the event's, or the local one.

    In CI a local branch is what somebody made there, a merge with the change for example, so it counts only where there is no remote.
    """
    remote, local = f"refs/remotes/origin/{target}", f"refs/heads/{target}"
    # Where the fork itself was cloned, the branches of the remote are the change's author's to write.
    trusted = bool(merged) or not event.from_fork or not event.repository or repository.is_from(event.repository)
    tracked = repository.resolve(remote) if trusted else ""
    if tracked and not _is_stale(repository, tracked, (*merged[:1], event.target_sha)):
        return tracked, f"origin/{target} ({tracked[:10]})"
    own = "" if event.provider and repository.has_remote_branches() else repository.resolve(local)
    for commit in (*merged[:1], event.target_sha, own):
        if commit and repository.exists(commit):
            return commit, f"{target} ({commit[:10]})"
    return "", ""


def _is_stale(repository: Repository, tracked: str, known: tuple[str, ...]) -> bool:
    """Whether a shallow clone's picture of the target branch is older than what the event knows: a folder that is used again keeps
    the branches of earlier jobs."""
    if not repository.is_shallow:
        return False
    newer = [commit for commit in known if commit and commit != tracked and repository.exists(commit)]
    return any(repository.is_ancestor(tracked, commit) for commit in newer)


def _from_before(repository: Repository, event: Event, lineage: Lineage, parents: tuple[str, ...]) -> Lineage:
    """A push to the target branch starts from what it replaced, where that is an ancestor: it may bring several commits."""
    before = event.before
    usable = event.name == "push" and not lineage.worktree and before not in {"", lineage.tested, *parents[:1]}
    if usable and lineage.tested == event.sha and repository.is_ancestor(before, lineage.tested):
        return lineage._replace(base=before)
    return _from_parent(lineage, parents)


def _from_parent(lineage: Lineage, parents: tuple[str, ...]) -> Lineage:
    """A commit of the target branch starts from its first parent, uncommitted changes start from the commit itself."""
    if lineage.worktree:
        return lineage._replace(base=lineage.tested)
    return lineage._replace(base=parents[0] if parents else "")


def _from_fork_point(repository: Repository, lineage: Lineage, parents: tuple[str, ...]) -> Lineage:
    """A change starts where it left the target branch."""
    if not lineage.tip and repository.is_shallow:
        return lineage._replace(problem=SHALLOW, lacks=Lacks.TIP)
    if not lineage.tip:
        name = f'the target branch "{lineage.target}"' if lineage.target else "the target branch"
        return lineage._replace(
            problem=f"{name} is not in this clone, so the base of the change is unknown; fetch it (git fetch origin, git remote set-head origin --auto)"
        )
    base = repository.merge_base(lineage.tip, lineage.tested)
    if base == lineage.tested:
        # Nothing of its own yet, or a tag or commit of the target branch: a run never has itself in its baseline.
        return _from_parent(lineage, parents)
    if base:
        return lineage._replace(base=base)
    if repository.is_shallow:
        why = f"the clone is shallow and where the change left {lineage.target} is not in it, so it is held against {lineage.tip_name}"
        return lineage._replace(base=lineage.tip, approximate=why, lacks=Lacks.BASE)
    return lineage._replace(
        problem=f'the change and "{lineage.target}" have no common ancestor, so there is no baseline for it'
    )


def _completed(repository: Repository, lineage: Lineage) -> Lineage:
    """Add what the change touches and says of itself, or what is missing for that."""
    if not lineage.base or lineage.problem:
        return lineage
    if repository.is_shallow and not repository.exists(lineage.base):
        return lineage._replace(problem=SHALLOW, lacks=Lacks.HISTORY)
    messages = repository.messages(lineage.base, lineage.tested)
    lineage = lineage._replace(messages=tuple(text for _, text in messages))
    if repository.is_shallow and not repository.boundary().isdisjoint(commit for commit, _ in messages):
        what = "the clone is shallow, so only the newest commits of this change were read for justifications"
        lineage = lineage._replace(caveats=(Caveat("history cut", what, _REMEDY),))
    try:
        paths = repository.changed_paths(lineage.base, lineage.tested, with_worktree=bool(lineage.worktree))
    except OperationFailed:
        # A clone without trees (--filter=tree:0) knows its commits, not what they changed.
        return lineage
    return lineage._replace(changed_paths=paths)
