"""More of the history, from the remote that a clone came from: only what is missing, and only for so many seconds.

The clone's own remote and credentials are used, as git has them. Full names and full hashes only; no tags, no submodules, no
clean-up afterwards.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence

from perfgate.store.git import Repository, is_commit_id
from perfgate.store.git_process import CONFIG, environment, last_line
from perfgate.store.ref_names import is_branch_name

_QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.writeCommitGraph=false", "-c", "protocol.ext.allow=never")  # fmt: skip
_OPTIONS = ("fetch", "--quiet", "--no-tags", "--no-prune", "--no-recurse-submodules", "--no-write-fetch-head")  # fmt: skip
#: Deepen by everything there is.
EVERYTHING = 0
_GRACE = 5.0
#: What every CI system, and git itself, calls the remote of a clone.
_REMOTE = "origin"


class Source:
    """Where a clone came from. `failure` is what went wrong last, one line, "" where nothing did."""

    def __init__(self, repository: Repository, *, seconds: float) -> None:
        self._repository = repository
        self._end = time.monotonic() + seconds
        self.failure = ""

    def of(self, repository: Repository) -> Source:
        """The same for the clone as it is now, with the seconds that are left."""
        return Source(repository, seconds=self._end - time.monotonic())

    def fetch_branch(self, branch: str) -> bool:
        """Bring the newest commit of a branch, with as much history as a clone of this kind has; whether that worked."""
        refspec = self._tracking(branch)
        if not refspec:
            return self._failed("the name of the target branch is not known")
        if not self._is_set_up():
            return False
        if not self._repository.is_shallow:
            return self._fetch(refspec)
        # With a depth, git would cut off the history of a commit that is here already; without one, it would bring all of a new one's.
        told = self._run(["ls-remote", "--refs", "--end-of-options", _REMOTE, f"refs/heads/{branch}"])
        newest = (told or "").split("\t")[0]
        if not is_commit_id(newest):
            return told is not None and self._failed(f'the remote has no branch "{branch}"')
        return self._fetch(refspec) if self._repository.exists(newest) else self._fetch("--depth=1", refspec)

    def deepen(self, by: int, commit: str, branch: str, ref: str = "") -> bool:
        """Bring `by` more commits on every path from a commit and from a branch, or EVERYTHING; whether that worked.

        `ref` is the full name under which the commit was fetched, for remotes that do not give commits by their hash.
        """
        how = "--unshallow" if by == EVERYTHING else f"--deepen={by}"
        tracking = self._tracking(branch) if self._repository.resolve(f"refs/remotes/origin/{branch}") else ""
        more = [tracking] if tracking else []
        if not is_commit_id(commit):
            return self._failed("the checked-out commit is not known")
        if not self._is_set_up():
            return False
        if self._fetch(how, commit, *more):
            return True
        named = ref.startswith("refs/") and is_branch_name(ref)
        return named and time.monotonic() < self._end and self._fetch(how, ref, *more)

    def _is_set_up(self) -> bool:
        """Git takes an unknown name for a path, and a folder of the change must not pass for the remote."""
        return bool(self._repository.address(_REMOTE)) or self._failed(f'this clone has no remote "{_REMOTE}"')

    def _tracking(self, branch: str) -> str:
        return f"+refs/heads/{branch}:refs/remotes/origin/{branch}" if branch and is_branch_name(branch) else ""

    def _fetch(self, *arguments: str) -> bool:
        options = [each for each in arguments if each.startswith("--")]
        return self._run([*_OPTIONS, *options, "--end-of-options", _REMOTE, *arguments[len(options) :]]) is not None

    def _failed(self, why: str) -> bool:
        self.failure = why
        return False

    def _run(self, arguments: Sequence[str]) -> str | None:
        """What git prints; None where it fails, does not end in time, or there is no git."""
        self.failure = ""
        try:
            # A session of its own: what git starts to reach the remote ends with it.
            with subprocess.Popen(
                ["git", *CONFIG, *_QUIET, *arguments], cwd=self._repository.root, env=environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            ) as process:  # fmt: skip
                try:
                    out, err = process.communicate(timeout=max(0.1, self._end - time.monotonic()))
                except BaseException as stop:
                    _end(process)
                    if not isinstance(stop, subprocess.TimeoutExpired):
                        raise
                    self.failure = "the remote took too long"
                    return None
        except OSError as error:
            self.failure = f"git cannot be run: {error.strerror}"
            return None
        if process.returncode != 0:
            self.failure = last_line(err) or "git fetch failed"
            return None
        return out.decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it started: politely first, so that it takes its lock files with it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.communicate(timeout=_GRACE)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        return
