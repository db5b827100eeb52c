"""What git knows, asked through plain `git` processes: fixed arguments, validated names, nothing of the user's configuration run.

A `git` process takes 2 ms, importing GitPython 65; so the gate's path is this, and GitPython only makes the throw-away
repository of the demo. This is the one module that imports it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.errors import OperationFailed

if TYPE_CHECKING:
    import git

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TIMEOUT = 120
_CONFIG = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.quotePath=off",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
)
_LOCATING = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS"})  # fmt: skip


def is_commit_id(text: str) -> bool:
    """Whether this is a full commit hash, the only form in which data may name a commit to git."""
    return _COMMIT.fullmatch(text) is not None


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LOCATING}
    return kept | {
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }


class Repository:
    """A repository with a work tree; `root` is the top of the work tree."""

    def __init__(self, root: Path, *, shallow: bool) -> None:
        self.root = root
        self.is_shallow = shallow
        self._refs: dict[str, tuple[str, str]] | None = None

    @classmethod
    def discover(cls, start: Path) -> Repository | None:
        """The repository around a folder, or None where there is none (or no work tree); OperationFailed where git refuses to look."""
        try:
            done = subprocess.run(
                ["git", *_CONFIG, "rev-parse", "--is-inside-work-tree", "--show-toplevel", "--is-shallow-repository"],
                cwd=start, env=_environ(), capture_output=True, check=False, timeout=_TIMEOUT, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except FileNotFoundError:
            return None
        if done.returncode != 0:
            message = done.stderr.decode("utf-8", "replace")
            if "dubious ownership" in message:
                raise OperationFailed(
                    "git refuses this repository because it belongs to another user",
                    where=start.as_posix(),
                    remedy="allow it: git config --global --add safe.directory <folder>",
                )
            return None
        lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
        return cls(Path(lines[1]), shallow=lines[2] == "true") if len(lines) == 3 and lines[0] == "true" else None

    # --- commits and branches -----------------------------------------------------------------------------------------

    def head(self) -> str:
        """The checked-out commit, "" where there is none yet."""
        return self._resolve("HEAD")

    def branch(self) -> str:
        """The checked-out branch, "" where a commit is checked out by itself."""
        name = self._ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return name.strip() if name else ""

    def resolve(self, ref: str) -> str:
        """The commit of a full name of a branch here or on a remote ("refs/heads/main"); "" where there is none."""
        return self._branches().get(ref, ("", ""))[0]

    def _branches(self) -> dict[str, tuple[str, str]]:
        """The commit, and for a symbolic name its target, of every branch; asked once."""
        if self._refs is None:
            told = (
                self._ask(
                    "for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)", "refs/heads", "refs/remotes"
                )
                or ""
            )
            parts = (line.split("\0") for line in told.splitlines())
            self._refs = {part[0]: (part[1], part[2]) for part in parts if len(part) == 3}
        return self._refs

    def commit_named(self, text: str) -> str:
        """The commit that a person means by a branch, tag or (shortened) hash; "" where there is none."""
        if not text or text.startswith("-") or re.search(r"[\x00-\x1f\x7f\s]", text):
            return ""
        return self._resolve(text)

    def _resolve(self, name: str) -> str:
        found = (self._ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") or "").strip()
        # Older versions of git print the option that they do not know.
        found = found.rpartition("\n")[2]
        return found if is_commit_id(found) else ""

    def default_branch(self) -> str:
        """The name of the default branch: what origin says, else main or master where there is one."""
        told = self._branches().get("refs/remotes/origin/HEAD", ("", ""))[1]
        if told.startswith("refs/remotes/origin/"):
            return told.removeprefix("refs/remotes/origin/")
        for name in ("main", "master"):
            if self.resolve(f"refs/remotes/origin/{name}") or self.resolve(f"refs/heads/{name}"):
                return name
        return ""

    def exists(self, commit: str) -> bool:
        """Whether this commit is in the repository."""
        return is_commit_id(commit) and self._ask("cat-file", "-e", f"{commit}^{{commit}}") is not None

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents of a commit that are here; a shallow clone's boundary has none."""
        line = self._ask("rev-list", "--parents", "-n", "1", commit, "--") or ""
        return tuple(line.split()[1:])

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits, "" where there is none here."""
        found = (self._ask("merge-base", one, other) or "").strip()
        return found if is_commit_id(found) else ""

    def ancestors_among(self, base: str, commits: Iterable[str]) -> dict[str, int]:
        """Those of `commits` that are `base` or its ancestors, with their commit times (seconds since 1970)."""
        wanted = sorted({commit for commit in commits if is_commit_id(commit)})
        if not wanted or not self.exists(base):
            return {}
        lines = self._feed(
            ["cat-file", "--batch-check=%(objectname) %(objecttype)"], "".join(f"{commit}\n" for commit in wanted)
        ).splitlines()
        here = [line.split()[0] for line in lines if line.endswith(" commit")]
        if not here:
            return {}
        # What is reachable from the candidates but not from the base is no ancestor of the base.
        outside = set(
            self._feed(["rev-list", "--stdin"], "".join(f"{commit}\n" for commit in (*here, f"^{base}"))).split()
        )
        inside = [commit for commit in here if commit not in outside]
        if not inside:
            return {}
        told = self._feed(
            ["rev-list", "--stdin", "--no-walk=unsorted", "--timestamp"], "".join(f"{commit}\n" for commit in inside)
        )
        return {commit: int(seconds) for seconds, commit in (line.split() for line in told.splitlines())}

    def expand(self, shortened: Iterable[str]) -> dict[str, str]:
        """The full hashes of the commits here that these shortened hashes name; ambiguous and unknown ones are left out."""
        wanted = sorted({text for text in shortened if re.fullmatch(r"[0-9a-f]{7,64}", text)})
        if not wanted:
            return {}
        lines = self._feed(
            ["cat-file", "--batch-check=%(objectname) %(objecttype)"], "".join(f"{text}\n" for text in wanted)
        ).splitlines()
        found = {}
        for text, line in zip(wanted, lines, strict=False):
            name, _, kind = line.partition(" ")
            if kind == "commit":
                found[text] = name
        return found

    def messages(self, base: str, head: str) -> tuple[tuple[str, str], ...]:
        """The commits of base..head, oldest first, with their messages."""
        told = (
            self._ask("log", "--reverse", "-z", "--no-color", "--format=%H%n%B", "-n", "1000", f"{base}..{head}", "--")
            or ""
        )
        pairs = (entry.partition("\n") for entry in told.split("\0") if entry)
        return tuple((commit, body) for commit, _, body in pairs)

    # --- trees and files ----------------------------------------------------------------------------------------------

    def file_at(self, commit: str, path: str) -> bytes | None:
        """The content of a file in a commit, `path` relative to the top; None where it has none."""
        for name, blob in self._tree(commit, path):
            if name == path:
                return self.read_blobs([blob])[0]
        return None

    def files_under(self, commit: str, folder: str) -> list[tuple[str, str]]:
        """(path relative to the folder, blob) of the files in a folder of a commit."""
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        return [(name[len(prefix) :], blob) for name, blob in self._tree(commit, prefix) if name.startswith(prefix)]

    def _tree(self, commit: str, path: str) -> list[tuple[str, str]]:
        told = self._ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", path or ".") or ""
        found = []
        for entry in told.split("\0"):
            meta, _, name = entry.partition("\t")
            parts = meta.split()
            if len(parts) == 3 and parts[1] == "blob" and parts[0] != "120000":
                found.append((name, parts[2]))
        return found

    def read_blobs(self, blobs: Sequence[str]) -> list[bytes]:
        """The contents of blobs, in their order, through one process; OperationFailed where one is not here."""
        if not blobs:
            return []
        data = self._run(["cat-file", "--batch"], "".join(f"{blob}\n" for blob in blobs).encode())
        found, at = [], 0
        for blob in blobs:
            end = data.index(b"\n", at)
            header = data[at:end].split()
            if len(header) != 3:
                raise OperationFailed(
                    f"git does not have the object {blob[:12]}", remedy="fetch the whole history: git fetch --unshallow"
                )
            size = int(header[2])
            found.append(data[end + 1 : end + 1 + size])
            at = end + 2 + size
        return found

    def changed_paths(self, base: str, tested: str, *, with_worktree: bool) -> tuple[str, ...]:
        """The paths that differ between two commits, and those of the work tree where asked."""
        names = set(
            (
                self._ask("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-commit-id", base, tested, "--")
                or ""
            ).split("\0")
        )
        if with_worktree:
            names |= set(
                (self._ask("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "HEAD", "--") or "").split(
                    "\0"
                )
            )
        return tuple(sorted(names - {""}))

    def worktree_fingerprint(self) -> str:
        """ "" where no tracked file differs from HEAD, else a short hash of the differences."""
        if not self.head():
            return "no-commit"
        import hashlib

        arguments = ["diff", "HEAD", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"]
        with subprocess.Popen(
            ["git", *_CONFIG, *arguments],
            cwd=self.root,
            env=_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        ) as process:
            digest, size = hashlib.sha256(), 0
            while process.stdout and (chunk := process.stdout.read(1 << 20)):
                digest.update(chunk)
                size += len(chunk)
        return digest.hexdigest()[:16] if size else ""

    # --- processes ----------------------------------------------------------------------------------------------------

    def _ask(self, *arguments: str) -> str | None:
        """What git prints, None where it fails: a question whose answer may be no."""
        done = subprocess.run(
            ["git", *_CONFIG, *arguments],
            cwd=self.root,
            env=_environ(),
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None

    def _feed(self, arguments: Sequence[str], text: str) -> str:
        return self._run(arguments, text.encode()).decode("utf-8", "surrogateescape")

    def _run(self, arguments: Sequence[str], data: bytes) -> bytes:
        done = subprocess.run(
            ["git", *_CONFIG, *arguments],
            cwd=self.root,
            env=_environ(),
            input=data,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
        if done.returncode != 0:
            message = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise OperationFailed(
                f"git {arguments[0]} failed: {message[:300]}", remedy="check the repository: git fsck"
            )
        return done.stdout


class Scratch:
    """A throw-away repository that perfgate made itself, with an identity that is nobody's."""

    def __init__(self, made: git.Repo) -> None:
        self._made = made

    @classmethod
    def create(cls, folder: Path, branch: str = "main") -> Scratch:
        """A new repository in an empty folder."""
        import git

        made = git.Repo.init(folder, initial_branch=branch)
        with made.config_writer() as config:
            config.set_value("user", "name", "perfgate demo")
            config.set_value("user", "email", "demo@perfgate.invalid")
            config.set_value("commit", "gpgsign", "false")
            config.set_value("core", "hooksPath", os.devnull)
        return cls(made)

    def commit(self, message: str, *, allow_empty: bool = False) -> str:
        """Commit everything in the folder; the commit."""
        self._made.git.add("--all")
        self._made.git.commit("--quiet", "--message", message, *(["--allow-empty"] if allow_empty else []))
        return str(self._made.head.commit.hexsha)

    def branch(self, name: str, *, start: str) -> None:
        """Check out a new branch that begins at another one."""
        self._made.git.checkout("--quiet", "-b", name, start)
