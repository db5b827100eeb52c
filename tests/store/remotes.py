"""Bare remotes and clones of them over git's own file transport, and stores in their branches."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from perfgate.core.budgets import GIT_REF, BaselineSettings
from perfgate.store.git import Repository
from perfgate.store.git_ref import GitRefStore
from perfgate.store.stores import Store, Surroundings, open_store
from tests.store.repositories import Made

DATA = "refs/heads/perfgate-data"
SETTINGS = BaselineSettings(store=GIT_REF)


class Remote:
    """A bare repository with a branch main, and clones of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        seed = Made(folder / "seed")
        self.first = seed.commit("first")
        seed.git("clone", "--quiet", "--bare", ".", str(folder / "remote.git"))
        self.bare = Made.__new__(Made)
        self.bare.folder, self.bare._minutes = folder / "remote.git", 0
        self.bare.git("config", "gc.auto", "0")

    def clone(self, name: str, *options: str) -> Made:
        """A clone with a work tree of main."""
        return Made.cloned(self.bare, self.folder / name, *options)

    def tip(self, ref: str = DATA) -> str:
        """The commit of a branch on the remote, "" where there is none."""
        return self.bare.git("for-each-ref", "--format=%(objectname)", ref)

    def files(self, ref: str = DATA) -> list[str]:
        """The paths of a branch on the remote."""
        return self.bare.git("ls-tree", "-r", "--name-only", ref).split("\n") if self.tip(ref) else []

    def hook(self, name: str, text: str) -> None:
        """A hook of the remote, a shell script."""
        path = self.bare.folder / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)


def store_in(
    made: Made,
    settings: BaselineSettings = SETTINGS,
    *,
    root: Path | None = None,
    in_ci: bool = True,
    environ: Mapping[str, str] | None = None,
    target: str = "main",
) -> Store:
    """The store that the settings mean in a clone."""
    repository = Repository.discover(made.folder)
    return open_store(settings, Surroundings(root or made.folder, repository, environ or {}, in_ci, target))


def branch_store(made: Made, settings: BaselineSettings = SETTINGS, *, in_ci: bool = True) -> GitRefStore:
    """The store in a branch, with what only such a store can do."""
    store = store_in(made, settings, in_ci=in_ci)
    assert isinstance(store, GitRefStore)
    return store


def state(made: Made) -> tuple[str, str, bytes, str]:
    """What must never change: HEAD, the branches, the index byte by byte, and the work tree."""
    index = made.folder / ".git" / "index"
    return (
        (made.folder / ".git" / "HEAD").read_text(encoding="utf-8"),
        made.git("for-each-ref", "refs/heads"),
        index.read_bytes() if index.exists() else b"",
        made.git("--no-optional-locks", "status", "--porcelain=v2", "--ignored"),
    )


def is_root() -> bool:
    """Whether permissions mean nothing to this user."""
    return os.geteuid() == 0
