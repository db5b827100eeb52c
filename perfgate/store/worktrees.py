"""The tree of another commit, checked out beside the user's own for as long as it is needed, and gone in every case."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Caveat
from perfgate.errors import InputError, OperationFailed
from perfgate.store import scratch
from perfgate.store.git import Repository, is_commit_id
from perfgate.store.git_process import last_line, spawn

_NAME = "perfgate-"
#: A large tree takes minutes to write.
_TIMEOUT = 1800
#: A work tree whose folder is missing may lie where only another container sees it; after this many seconds it is taken for left behind.
_OLD = 24 * 3600
_LFS = b"version https://git-lfs.github.com/spec/"
_SUBMODULE = "160000"
_MOST_NAMES = 3


class Checkout(NamedTuple):
    """A commit's tree in a folder of its own; `caveats` say what a plain checkout of it lacks."""

    root: Path
    commit: str
    caveats: tuple[Caveat, ...] = ()


@contextmanager
def checked_out(repository: Repository, commit: str) -> Iterator[Checkout]:
    """Check a commit out in a private temporary folder, as a detached work tree of the repository.

    The user's index, HEAD, branches and stashes are not touched, and no hook is run. Raises OperationFailed where git cannot check
    it out, or the folder for temporary files lies inside the repository.
    """
    if not is_commit_id(commit):
        raise OperationFailed(f"{commit[:80]!r} is not a full hash")
    sweep(repository)
    with scratch.folder() as around:
        if around.is_relative_to(repository.root.resolve()):
            raise OperationFailed(
                "the folder for temporary files lies inside the repository, where tools would find a second copy of it",
                remedy="set TMPDIR to a folder outside the repository",
            )
        root = around / f"{_NAME}{commit[:10]}"
        try:
            _add(repository, root, commit)
            yield Checkout(root, commit, tuple(_lacking(root, commit)))
        finally:
            with scratch.held_back():
                scratch.remove(root)
                _forget(repository.root, root)


def resolve(repository: Repository, name: str, where: str) -> str:
    """The commit that a person means; InputError, with `where` it was written, for anything that is none here."""
    commit = repository.commit_named(name)
    if commit:
        return commit
    remedy = "name a commit, branch or tag that exists here: git branch --all"
    if repository.is_shallow:
        remedy = "the clone is shallow; fetch the whole history (actions/checkout: fetch-depth: 0, else: git fetch --unshallow)"
    raise InputError(f'"{name[:100]}" is no commit, branch or tag of this repository', where=where, remedy=remedy)


def sweep(repository: Repository | None = None) -> None:
    """Remove what perfgates that were killed left: their temporary folders, and their work trees from the repositories."""
    for around in scratch.left_behind():
        for root in around.glob(f"{_NAME}*"):
            if (owner := _owner(root)) is not None:
                scratch.remove(root)
                _forget(owner, root)
        scratch.remove(around)
    if repository is not None:
        _sweep_missing(repository)


def _owner(root: Path) -> Path | None:
    """The git folder of the repository that a work tree belongs to."""
    try:
        line = (root / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    # gitdir: <repository>/.git/worktrees/<id>
    named = Path(line.removeprefix("gitdir: ").rstrip("\n"))
    return named.parents[1] if named.parent.name == "worktrees" and named.parents[1].is_dir() else None


def _sweep_missing(repository: Repository) -> None:
    """Forget our work trees whose folders somebody else cleaned up, as a restart does with /tmp. Never `git worktree prune`: the
    user's own may lie on a disk that is not mounted."""
    done = spawn(repository.root, ["rev-parse", "--git-common-dir"])
    common = repository.root / done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    for kept in (common / "worktrees").glob(f"{_NAME}*/gitdir"):
        try:
            root = Path(kept.read_text(encoding="utf-8", errors="surrogateescape").rstrip("\n")).parent
            old = time.time() - kept.stat().st_mtime > _OLD
        except OSError:
            continue
        if old and not root.exists() and root.parent.name.startswith(scratch.PREFIX):
            _forget(repository.root, root)


def _add(repository: Repository, root: Path, commit: str) -> None:
    settings = ["-c", "submodule.recurse=false", "-c", "advice.detachedHead=false"]
    done = spawn(
        repository.root, [*settings, "worktree", "add", "--quiet", "--detach", str(root), commit], timeout=_TIMEOUT
    )
    if done.returncode != 0:
        raise OperationFailed(
            f"git cannot check out {commit[:10]} beside this tree: {last_line(done.stderr)}",
            remedy="check that the clone is whole (git fsck) and the folder for temporary files has space, or set TMPDIR",
        )


def _forget(repository: Path, root: Path) -> None:
    """Take a work tree whose folder is gone out of the repository; twice forced, because git locks one that it is still making."""
    spawn(repository, ["worktree", "remove", "--force", "--force", str(root)])


def _lacking(root: Path, commit: str) -> Iterator[Caveat]:
    """What a plain checkout leaves out: submodules, and files of Git LFS where its filter is not installed or could not get them."""
    told = spawn(root, ["ls-tree", "-r", "-z", "--full-tree", commit]).stdout.decode("utf-8", "surrogateescape")
    entries = [(meta, name) for meta, _, name in (entry.partition("\t") for entry in told.split("\0"))]
    if names := [name for meta, name in entries if meta.startswith(_SUBMODULE)]:
        message = f"the tree of {commit[:10]} was checked out without its submodules ({_some(names)})"
        yield Caveat(
            "without submodules", message, 'let both sides fetch them: --prepare "git submodule update --init"'
        )
    attributes = [root / name for _, name in entries if name.rpartition("/")[2] == ".gitattributes"]
    if any(b"filter=lfs" in _beginning(path, 1 << 20) for path in attributes) and (left := _pointers(root)):
        message = f"the tree of {commit[:10]} holds pointers in place of files of Git LFS ({_some(left)})"
        yield Caveat(
            "without LFS files", message, "install Git LFS and fetch them: git lfs install, git lfs fetch --all"
        )


def _pointers(root: Path) -> list[str]:
    files = spawn(root, ["ls-files", "-z"]).stdout
    told = spawn(root, ["check-attr", "-z", "--stdin", "filter"], files).stdout.decode("utf-8", "surrogateescape")
    parts = told.split("\0")
    names = (name for name, value in zip(parts[::3], parts[2::3], strict=False) if value == "lfs")
    return [name for name in names if _beginning(root / name, len(_LFS)) == _LFS]


def _beginning(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
