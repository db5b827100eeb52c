"""A folder in a branch of a remote, written without a work tree: plumbing objects, and a push that only succeeds on what was read."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple

from perfgate.errors import InputError, OperationFailed
from perfgate.store import shelf as shelves
from perfgate.store.changes import Changes, Plan, Written
from perfgate.store.git import is_commit_id
from perfgate.store.git_process import last_line, spawn
from perfgate.store.remote import Pushed, Remote, jitter
from perfgate.store.shelf import Shelf

#: Seconds after which a writer gives up against others. Each push lets one writer through, so that 32 of them need 32 pushes.
DEADLINE = 300.0
#: The longest wait between two attempts, in seconds.
_LONGEST_WAIT = 8.0
_WHO = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in (("NAME", "perfgate"), ("EMAIL", "perfgate@perfgate.invalid"))}  # fmt: skip
_PLAIN = ("-c", "core.splitIndex=false", "-c", "index.sparse=false", "-c", "commit.gpgSign=false")


class _Commit(NamedTuple):
    """A commit that is not on the branch yet, with the blobs of the files it adds."""

    commit: str
    blobs: dict[str, str]
    removed: tuple[str, ...]

    def is_in(self, shelf: Shelf) -> bool:
        """Whether a store has what this commit was to bring."""
        here = {f"runs/{file.name}": file.blob for file in shelf.runs}
        here |= {f"events/{file.name}": file.blob for file in shelf.events}
        return all(here.get(path) == blob for path, blob in self.blobs.items()) and not any(
            path in here for path in self.removed
        )


class Branch(NamedTuple):
    """A folder (`inside`, with forward slashes) of a branch of a remote. `own` says that the branch holds nothing else, and may be begun."""

    remote: Remote
    name: str
    inside: str
    own: bool = True
    deadline: float = DEADLINE

    @property
    def where(self) -> str:
        """The place for people."""
        return f"{self.inside} in {self.remote.name}/{self.name}"

    def shelf(self, commit: str, seconds: int = 0) -> Shelf:
        """The files at a commit of the branch; none for "", which is a branch that does not exist yet."""
        place = f"{self.remote.name}/{self.name}"
        if not commit:
            return Shelf([], [], place)
        when = f", {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if seconds else ""
        return shelves.at_commit(self.inside, self.remote.repository, commit, f"{place} ({commit[:10]}{when})")

    def write(self, plan: Plan) -> Written:
        """Do on the branch what a plan makes of its newest state; again on a newer one where another writer was first.

        Success means that the remote was read afterwards and has every file. Raises OperationFailed where that does not come about
        within the deadline, and the remote's own refusals.
        """
        began = time.monotonic()
        waiting: tuple[_Commit, Changes] | None = None
        attempts = 0
        while True:
            tip, _ = self.remote.fetch(self.name, own=self.own)
            if not tip and not self.own:
                raise InputError(
                    f'the remote "{self.remote.name}" has no branch "{self.name}"',
                    remedy="push it first, or keep the baseline in a branch of its own: baseline: {store: git-ref}",
                )
            shelf = self.shelf(tip)
            if waiting is not None and waiting[0].is_in(shelf):
                return Written(waiting[1], attempts, tip)
            changes = plan(shelf)
            if changes.is_nothing:
                return Written(changes, attempts, tip)
            if attempts and time.monotonic() - began > self.deadline:
                raise OperationFailed(
                    f"others kept writing to {self.remote.name}/{self.name}: given up after {attempts} attempts in {self.deadline:.0f} seconds",
                    remedy="nothing is lost: run the same command again",
                )
            attempts += 1
            commit = self._commit(tip, changes)
            if self.remote.push(self.name, tip, commit.commit, own=self.own) is not Pushed.DONE:
                time.sleep(jitter(attempts, _LONGEST_WAIT))
            waiting = commit, changes

    def _commit(self, tip: str, changes: Changes) -> _Commit:
        """A commit on top of `tip` with the changes, made in the object store alone: no work tree, index or reference of the user's."""
        from perfgate.store import scratch

        with scratch.folder() as work:
            paths = []
            for number, (_, data) in enumerate(changes.added):
                paths.append(work / str(number))
                paths[-1].write_bytes(data)
            names = "".join(f"{path}\n" for path in paths).encode("utf-8", "surrogateescape")
            blobs = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", data=names).split() if paths else []
            files = dict(zip((path for path, _ in changes.added), blobs, strict=True))
            index = {"GIT_INDEX_FILE": str(work / "index")}
            if tip:
                self._git("read-tree", tip, more=index)
            entries = [f"100644 {blob}\t{self.inside}/{path}" for path, blob in files.items()]
            entries += [f"0 {'0' * len(tip)}\t{self.inside}/{path}" for path in changes.removed]
            listed = "".join(f"{entry}\0" for entry in entries).encode("utf-8", "surrogateescape")
            self._git("update-index", "-z", "--add", "--index-info", data=listed, more=index)
            tree = self._git("write-tree", "--missing-ok", more=index).strip()
        message = f"perfgate: {changes.title} [skip ci]\n".encode()
        parent = ["-p", tip] if tip else []
        made = self._git("commit-tree", *parent, "-F", "-", tree, data=message, more=_WHO).strip()
        return _Commit(made, files, changes.removed)

    def _git(self, *arguments: str, data: bytes | None = None, more: dict[str, str] | None = None) -> str:
        done = spawn(self.remote.repository.root, [*_PLAIN, *arguments], data, more=more)
        told = done.stdout.decode("ascii", "replace")
        if done.returncode != 0 or (arguments[0] in {"write-tree", "commit-tree"} and not is_commit_id(told.strip())):
            raise OperationFailed(
                f"git {arguments[0]} failed: {last_line(done.stderr)}",
                remedy="check that the repository can be written to and has space: git fsck",
            )
        return told
