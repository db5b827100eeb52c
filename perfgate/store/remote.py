"""A remote repository, spoken to by `git fetch` and `git push`: what it answers, in one sentence each, and never more than once asked."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from enum import Enum

from perfgate.errors import InputError, OperationFailed
from perfgate.store.changes import NotAllowed
from perfgate.store.git import Repository
from perfgate.store.git_process import spawn
from perfgate.store.tokens import Token, find, redacted

#: Seconds after which a remote that does not answer is given up.
_ANSWER = 120
#: How often a fetch is tried that another git process on this machine got in the way of.
_LOCAL_TRIES = 8
_QUIET = (
    "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.writeCommitGraph=false", "-c", "protocol.ext.allow=never",
    "-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=60",
)  # fmt: skip


class Unreachable(OperationFailed):
    """Nobody answered: no network, no such host, or no repository there."""


class NoRemote(InputError):
    """The repository has no remote by this name."""


class Pushed(Enum):
    """How a push ended: done; somebody else was first; or nobody knows."""

    DONE = "done"
    LOST = "lost"
    UNCLEAR = "unclear"


# What git says (LC_ALL=C), in the order in which it is looked for.
_NO_BRANCH = re.compile(r"couldn't find remote ref")
_LOCAL = re.compile(r"cannot lock ref|unable to update local ref|shallow file has changed|shallow\.lock|packed-refs\.lock|\.lock': File exists")  # fmt: skip
_READ_ONLY = re.compile(r"(?<!/)Permission denied(?! \(publickey)|insufficient permission|Read-only file system|unable to create temporary object|service not enabled")  # fmt: skip
_PROTECTED = re.compile(r"GH006|GH013|protected branch|push declined|pre-receive hook declined|update hook declined|hook declined|not allowed to (?:force )?push code to protected", re.IGNORECASE)  # fmt: skip
_RACE = re.compile(r"stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|reference already exists|incorrect old value|failed to lock|remote ref updated since|\.lock': File exists", re.IGNORECASE)  # fmt: skip
_FORBIDDEN = re.compile(r"error: 403|denied to|HTTP Basic: Access denied|not allowed to (?:push|upload)|Write access to repository not granted|access denied", re.IGNORECASE)  # fmt: skip
_UNKNOWN = re.compile(r"could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|Permission denied \(publickey|error: 401|Repository not found|repository '.*' not found", re.IGNORECASE)  # fmt: skip
_PASSING = re.compile(r"RPC failed|hung up unexpectedly|early EOF|error: (?:429|5\d\d)|Connection reset|unexpected disconnect", re.IGNORECASE)  # fmt: skip
_AWAY = re.compile(r"Could not resolve|unable to look up|Failed to connect|Couldn't connect|Connection refused|timed out|Network is unreachable|No route to host|does not appear to be a git repository|Could not read from remote|unable to access|unable to connect", re.IGNORECASE)  # fmt: skip

_WRITE = "give the job `permissions: contents: write` (GitLab: a PERFGATE_TOKEN that may push), or run `perfgate baseline update` in a job that has it"


_OWN_BRANCH = (
    "keep the baseline in a branch of its own that no rule protects: baseline: {store: git-ref} in budgets.yaml"
)
_UNPROTECT = "the store git-ref needs a branch that no rule protects: exclude it from the rule, or name another one in baseline.branch"


class Remote:
    """A remote that is set up in a repository under this name; `environ` may hold a token for it."""

    def __init__(self, repository: Repository, name: str, environ: Mapping[str, str]) -> None:
        self.repository = repository
        self.name = name
        self._environ = environ
        self._token: Token | None = find(environ)
        self._with_token = False
        self._known = False

    def tracking(self, branch: str) -> str:
        """The full name under which the newest known state of a branch is kept here."""
        return f"refs/remotes/{self.name}/{branch}"

    def fetch(self, branch: str, *, own: bool = True) -> tuple[str, int]:
        """The newest commit of a branch on the remote, fetched with what it holds, and its time; ("", 0) where the remote has no such
        branch.

        A repository that has its whole history keeps it so: only one that is shallow already is asked for the newest commit alone,
        because a single shallow branch makes the whole repository shallow. A branch that is not the baseline's `own` keeps the history
        that is here: asked for with a depth, it would be cut off at its newest commit. A repository that was cloned without file contents gets those of
        this branch.
        """
        self.check()
        ref = self.tracking(branch)
        arguments = ["fetch", "--quiet", "--no-tags", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules", "--no-filter"]  # fmt: skip
        arguments += ["--depth=1"] if own and self.repository.is_shallow else []
        arguments += ["--refetch"] if self.repository.is_partial(self.name) else []
        arguments += ["--end-of-options", self.name, f"+refs/heads/{branch}:{ref}"]
        for attempt in range(_LOCAL_TRIES):
            done, told = self._run(arguments)
            if done.returncode == 0:
                return self.repository.newest(ref)
            if _NO_BRANCH.search(told):
                return "", 0
            if not (_LOCAL.search(told) or _PASSING.search(told)):
                break
            time.sleep(jitter(attempt, 2.0))
        raise self._failure(told, branch, "be fetched from")

    def push(self, branch: str, before: str, commit: str, *, own: bool) -> Pushed:
        """Make `commit` the branch's newest, only where `before` still is ("": only where there is no such branch). `own` says that the
        branch is the baseline's alone."""
        self.check()
        ref = f"refs/heads/{branch}"
        arguments = ["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--no-recurse-submodules"]
        arguments += [f"--force-with-lease={ref}:{before}", "--end-of-options", self.name, f"{commit}:{ref}"]
        done, told = self._run(arguments)
        if done.returncode == 0:
            return Pushed.DONE
        if not (_READ_ONLY.search(told) or _PROTECTED.search(told)):
            if _RACE.search(told):
                return Pushed.LOST
            if _PASSING.search(told):
                return Pushed.UNCLEAR
        raise self._failure(told, branch, "be pushed to", own=own)

    def check(self) -> None:
        """Raise NoRemote where the repository has none by this name. Git takes an unknown name for a path, and a
        folder of the change must not pass for the remote."""
        if self._known:
            return
        if not self.repository.address(self.name):
            raise NoRemote(
                f'this clone has no remote "{self.name}"',
                where="baseline.remote",
                remedy="name one that `git remote` lists, or add it: git remote add",
            )
        self._known = True

    def _run(self, arguments: Sequence[str]) -> tuple[subprocess.CompletedProcess[bytes], str]:
        """Let git try with what it has; then, where that is not enough, with the token."""
        done, told = self._spawn(arguments)
        refused = _UNKNOWN.search(told) or _FORBIDDEN.search(told)
        if done.returncode != 0 and refused and self._token is not None and not self._with_token:
            self._with_token = True
            done, told = self._spawn(arguments)
        return done, told

    def _spawn(self, arguments: Sequence[str]) -> tuple[subprocess.CompletedProcess[bytes], str]:
        token = self._token if self._with_token else None
        more = token.variables(self._environ) if token else None
        began = time.monotonic()
        try:
            done = spawn(self.repository.root, [*_QUIET, *arguments], timeout=_ANSWER, more=more, alone=True)
        except OperationFailed as error:
            if time.monotonic() - began < _ANSWER:
                raise
            raise Unreachable(
                f'the remote "{self.name}" did not answer within {_ANSWER} seconds', remedy="try again later"
            ) from error
        secrets = self._token.forms() if self._token else ()
        return done, redacted((done.stdout + b"\n" + done.stderr).decode("utf-8", "replace"), secrets)

    def _failure(self, told: str, branch: str, what: str, *, own: bool = True) -> OperationFailed:
        """What to say of a refusal; `what` completes "the branch X cannot …"."""
        place = f"{self.name}/{branch}"
        said = _said(told)
        if _PROTECTED.search(told):
            return NotAllowed(
                f"{place} is protected by a rule, so nothing was pushed ({said})",
                remedy=_UNPROTECT if own else _OWN_BRANCH,
            )
        if _READ_ONLY.search(told) or _FORBIDDEN.search(told):
            return NotAllowed(f"there is no right to push to {place} ({said})", remedy=_WRITE)
        if _UNKNOWN.search(told):
            return NotAllowed(
                f'the remote "{self.name}" does not know who is asking ({said})',
                remedy="give git credentials for it, or set GITHUB_TOKEN (GitLab: PERFGATE_TOKEN) in this step's environment",
            )
        if _AWAY.search(told) or _PASSING.search(told):
            return Unreachable(
                f'the remote "{self.name}" cannot be reached ({said})',
                remedy="check the network and the address (git remote -v), then try again",
            )
        return OperationFailed(f"{place} cannot {what} ({said})", remedy="try it by hand: git fetch, git push")


def _said(told: str) -> str:
    """The line of git's that says what happened."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    for sign in ("GH0", "remote: error", "remote rejected", "fatal:", "error:"):
        for line in lines:
            if sign in line:
                return line.replace("\t", " ")[:200]
    return lines[-1][:200] if lines else "it said nothing"


def jitter(attempt: int, most: float) -> float:
    """Seconds to wait before the next attempt: anything up to a bound that doubles ("full jitter"), so that writers spread out."""
    import random

    return random.SystemRandom().uniform(0.0, min(most, 0.1 * 2.0**attempt))
