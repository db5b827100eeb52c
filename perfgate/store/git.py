"""What git knows, asked through plain `git` processes: fixed arguments, validated names, nothing of the user's configuration run.

A `git` process takes 2 ms, importing GitPython 65; so the gate's path is this, and GitPython only makes the throw-away
repository of the demo. This is the one module that imports it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.errors import InputError, OperationFailed
from perfgate.store.git_process import CONFIG, LOCATING, environment, last_line, spawn

if TYPE_CHECKING:
    import git

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORTENED = re.compile(r"[0-9a-f]{7,64}")
#: Beyond this many commits of one change, the oldest ones' messages are not read.
_MOST_MESSAGES = 1000


def is_commit_id(text: str) -> bool:
    """Whether this is a full commit hash, the only form in which data may name a commit to git."""
    return _COMMIT.fullmatch(text) is not None


class Repository:
    """A repository with a work tree; `root` is the top of the work tree. Paths are relative to it, with forward slashes."""

    def __init__(self, root: Path, *, shallow: bool) -> None:
        self.root = root
        self.is_shallow = shallow
        self._refs: dict[str, tuple[str, str]] | None = None

    @classmethod
    def discover(cls, start: Path) -> Repository | None:
        """The repository around a folder, or None where there is none (or no work tree); OperationFailed where git refuses to look."""
        try:
            done = spawn(start, ["rev-parse", "--is-inside-work-tree", "--is-shallow-repository", "--show-toplevel"])
        except OperationFailed:
            if any((folder / ".git").exists() for folder in (start, *start.absolute().parents)):
                raise
            return None
        if done.returncode == 0:
            inside, shallow, top = done.stdout.decode("utf-8", "surrogateescape").split("\n", 2)
            return cls(Path(top.removesuffix("\n")), shallow=shallow == "true") if inside == "true" else None
        message = done.stderr.decode("utf-8", "replace")
        if "dubious ownership" in message:
            raise OperationFailed(
                "git refuses this repository because it belongs to another user",
                remedy="allow it: git config --global --add safe.directory <the repository's folder>",
            )
        if "not a git repository (or any" in message or "must be run in a work tree" in message:
            return None
        raise OperationFailed(f"git cannot read this repository: {last_line(done.stderr)}", remedy="try: git status")

    # --- commits and branches -----------------------------------------------------------------------------------------

    def head(self) -> str:
        """The checked-out commit, "" where there is none yet."""
        return self._resolve("HEAD")

    def branch(self) -> str:
        """The checked-out branch, "" where a commit is checked out by itself."""
        # Not --short, which says "heads/main" where a tag is called main too.
        return (self._ask("symbolic-ref", "--quiet", "HEAD") or "").strip().removeprefix("refs/heads/")

    def resolve(self, ref: str) -> str:
        """The commit of a full name of a branch here or on a remote ("refs/heads/main"); "" where there is none."""
        return self._branches().get(ref, ("", ""))[0]

    def newest(self, ref: str) -> tuple[str, int]:
        """The commit of a full name of a branch as it is now, however it was before, and its time (seconds since 1970); ("", 0) where
        there is none."""
        told = self._ask("for-each-ref", "--format=%(refname)%00%(objectname)%00%(committerdate:unix)", ref) or ""
        for name, commit, seconds in (line.split("\0") for line in told.splitlines()):
            if name == ref and is_commit_id(commit):
                return commit, int(seconds or 0)
        return "", 0

    def is_partial(self, remote: str) -> bool:
        """Whether it was cloned from this remote without some objects (--filter)."""
        return (self._ask("config", "--type=bool", "--get", f"remote.{remote}.promisor") or "").strip() == "true"

    def address(self, remote: str) -> str:
        """The address of a remote that is set up by this name; "" where there is none."""
        return (self._ask("remote", "get-url", "--push", "--end-of-options", remote) or "").strip().partition("\n")[0]

    def _branches(self) -> dict[str, tuple[str, str]]:
        """The commit, and for a symbolic name its target, of every branch; asked once."""
        if self._refs is None:
            told = (
                self._ask(
                    "for-each-ref", "--format=%(refname)%00%(objectname)%00%(symref)", "refs/heads", "refs/remotes"
                )
                or ""
            )
            parts = (line.split("\0") for line in told.split("\n"))
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

    def has_remote_branches(self) -> bool:
        """Whether there is any branch of a remote here."""
        return any(name.startswith("refs/remotes/") for name in self._branches())

    def is_from(self, name: str) -> bool:
        """Whether origin's address ends in this "OWNER/NAME"."""
        address = (self._ask("config", "--get", "remote.origin.url") or "").strip().rstrip("/").removesuffix(".git")
        return bool(name) and f"/{address.replace(':', '/')}".lower().endswith(f"/{name.lower()}")

    def default_branch(self, *, guess: bool = True) -> str:
        """The name of the default branch: what origin says; as a guess, the one git is set to begin with, or main or master."""
        head = self._branches().get("refs/remotes/origin/HEAD", ("", ""))[1]
        if head.startswith("refs/remotes/origin/"):
            return head.removeprefix("refs/remotes/origin/")
        if not guess:
            return ""
        configured = (self._ask("config", "--get", "init.defaultBranch") or "").strip()
        for name in dict.fromkeys((configured, "main", "master")):
            if name and (self.resolve(f"refs/remotes/origin/{name}") or self.resolve(f"refs/heads/{name}")):
                return name
        return ""

    def exists(self, commit: str) -> bool:
        """Whether this commit is in the repository."""
        return is_commit_id(commit) and self._ask("cat-file", "-e", f"{commit}^{{commit}}") is not None

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents of a commit that are here; a shallow clone's boundary has none."""
        line = self._ask("rev-list", "--parents", "-n", "1", commit, "--") or ""
        return tuple(line.split()[1:])

    def parents_told(self, commit: str) -> tuple[str, ...]:
        """The parents that a commit names, whether or not they are here."""
        told = (self._ask("cat-file", "commit", _checked(commit)) or "").partition("\n\n")[0]
        return tuple(re.findall(r"^parent ([0-9a-f]{40,64})$", told, re.MULTILINE))

    def boundary(self) -> frozenset[str]:
        """The oldest commits of a shallow clone, whose parents are not here."""
        where = (self._ask("rev-parse", "--git-path", "shallow") or "").strip()
        try:
            return frozenset((self.root / where).read_text(encoding="ascii", errors="replace").split())
        except OSError:
            return frozenset()

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether a commit is another one or its ancestor, as far as both are here."""
        ends = (commit, of)
        return all(map(is_commit_id, ends)) and self._ask("merge-base", "--is-ancestor", *ends) is not None

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits, "" where there is none here."""
        found = (self._ask("merge-base", one, other) or "").strip()
        return found if is_commit_id(found) else ""

    def ancestors_among(self, base: str, commits: Iterable[str]) -> dict[str, int]:
        """Those of `commits` that are `base` or its ancestors, with their commit times (seconds since 1970)."""
        wanted = sorted({commit for commit in commits if is_commit_id(commit)})
        if not wanted or not is_commit_id(base):
            return {}
        # What is reachable from the candidates but not from the base is no ancestor of the base.
        outside = set(self._feed(["rev-list", "--ignore-missing", "--stdin"], (*wanted, f"^{base}")).split())
        inside = [commit for commit in wanted if commit not in outside]
        if not inside:
            return {}
        told = self._feed(["rev-list", "--ignore-missing", "--stdin", "--no-walk=unsorted", "--timestamp"], inside)
        return {commit: int(seconds) for seconds, commit in (line.split() for line in told.splitlines())}

    def expand(self, shortened: Iterable[str]) -> dict[str, str]:
        """The full hashes of the commits here that these shortened hashes name: "" for an ambiguous one, unknown ones are left out."""
        wanted = sorted({text for text in shortened if _SHORTENED.fullmatch(text)})
        if not wanted:
            return {}
        lines = self._feed(["cat-file", "--batch-check=%(objectname) %(objecttype)"], wanted).splitlines()
        found = {}
        for text, line in zip(wanted, lines, strict=True):
            name, _, kind = line.partition(" ")
            if kind == "commit":
                found[text] = name
            elif kind == "ambiguous":
                found[text] = ""
        return found

    def messages(self, base: str, head: str) -> tuple[tuple[str, str], ...]:
        """The newest 1000 commits of base..head, oldest first, with their messages."""
        span = f"{_checked(base)}..{_checked(head)}"
        told = self._run(
            ["log", "--reverse", "-z", "--no-color", "--format=%H%n%B", "-n", str(_MOST_MESSAGES), span, "--"]
        )
        pairs = (entry.partition("\n") for entry in told.decode("utf-8", "replace").split("\0") if entry)
        return tuple((commit, body) for commit, _, body in pairs)

    def commits_between(
        self, base: str, head: str, *, named: int = 0
    ) -> tuple[int, tuple[tuple[str, str], ...]] | None:
        """How many commits base..head has, and the subjects of at most `named`, newest first; None where an end is not here."""
        span = f"{_checked(base)}..{_checked(head)}"
        count = self._ask("rev-list", "--count", span, "--")
        if count is None:
            return None
        if not 0 < int(count) <= named:
            return int(count), ()
        told = self._run(["log", "-z", "--no-color", "--format=%H%n%s", span, "--"]).decode("utf-8", "replace")
        pairs = (entry.partition("\n") for entry in told.split("\0") if entry)
        return int(count), tuple((commit, subject) for commit, _, subject in pairs)

    # --- trees and files ----------------------------------------------------------------------------------------------

    def file_at(self, commit: str, path: str) -> bytes | None:
        """The content of a file in a commit; None where there is none. InputError for a symbolic link, which git does not follow."""
        for mode, blob, name in self._tree(commit, path):
            if name == path and mode == _LINK:
                raise InputError(
                    f"this is a symbolic link in commit {commit[:10]}",
                    where=path,
                    remedy="replace it by the file itself",
                )
            if name == path:
                return self.read_blobs([blob])[0]
        return None

    def files_under(self, commit: str, folder: str) -> list[tuple[str, str]]:
        """(path relative to the folder, blob) of the files in a folder of a commit, in the order of their paths. A symbolic link's
        content is the name it points to."""
        prefix = f"{folder.strip('/')}/" if folder.strip("/.") else ""
        return [(name[len(prefix) :], blob) for _, blob, name in self._tree(commit, prefix) if name.startswith(prefix)]

    def _tree(self, commit: str, path: str) -> list[tuple[str, str, str]]:
        """(mode, blob, path) of what lies at or under a path of a commit; submodules have no blob and are left out."""
        told = self._run(["ls-tree", "-r", "-z", "--full-tree", _checked(commit), "--", *([path] if path else [])])
        found = []
        for entry in told.decode("utf-8", "surrogateescape").split("\0"):
            meta, _, name = entry.partition("\t")
            mode, kind, blob = meta.split() if meta else ("", "", "")
            if kind == "blob":
                found.append((mode, blob, name))
        return found

    def read_blobs(self, blobs: Sequence[str]) -> list[bytes]:
        """The contents of blobs, in their order, through one process; OperationFailed where one is not here."""
        if not blobs:
            return []
        data = self._run(["cat-file", "--batch"], "".join(f"{_checked(blob)}\n" for blob in blobs).encode())
        found, at = [], 0
        for blob in blobs:
            end = data.index(b"\n", at)
            header = data[at:end].split()
            if len(header) != 3:
                raise OperationFailed(
                    f"this clone lacks the object {blob[:12]}",
                    remedy="clone without --filter, or fetch what is missing: git fetch --refetch --no-filter",
                )
            size = int(header[2])
            found.append(data[end + 1 : end + 1 + size])
            at = end + 2 + size
        return found

    def changed_paths(self, base: str, tested: str, *, with_worktree: bool) -> tuple[str, ...]:
        """The paths that differ between two commits, and those of tracked files changed in the work tree where asked; a renamed
        file counts under both names."""
        told = self._run(
            ["diff-tree", "-r", "-z", "--name-only", "--no-renames", _checked(base), _checked(tested), "--"]
        )
        if with_worktree:
            told += self._run(["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "HEAD", "--"])
        return tuple(sorted({*told.decode("utf-8", "replace").split("\0")} - {""}))

    def worktree_fingerprint(self) -> str:
        """ "" where no tracked file differs from HEAD, else a short hash of the differences; untracked files do not count."""
        arguments = ["diff", "HEAD", "--binary", "--full-index", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--"]  # fmt: skip
        digest = None
        try:
            with subprocess.Popen(
                ["git", *CONFIG, *arguments], cwd=self.root, env=environment(),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            ) as process:  # fmt: skip
                while process.stdout and (chunk := process.stdout.read(1 << 20)):
                    if digest is None:
                        # Imported where something differs: it brings OpenSSL, and most trees are clean.
                        import hashlib

                        digest = hashlib.sha256()
                    digest.update(chunk)
        except OSError as error:
            raise OperationFailed(f"git cannot be run: {error.strerror}", remedy="install git, or mend PATH") from error
        if process.returncode == 0:
            return digest.hexdigest()[:16] if digest is not None else ""
        if not self.head():
            return "no-commit"
        raise OperationFailed("git cannot tell what changed in the work tree", remedy="try: git diff HEAD")

    def tree_state(self) -> str:
        """A hash of what is checked out: the commit, the differences from it, and the untracked files that are not ignored."""
        import hashlib

        digest = hashlib.sha256(f"{self.head()} {self.worktree_fingerprint()}".encode())
        for name in sorted(self._run(["ls-files", "--others", "--exclude-standard", "-z"]).split(b"\0"))[1:]:
            path = self.root / os.fsdecode(name)
            try:
                status = path.lstat()
            except OSError:
                continue
            # A changed file changes its size or its time; reading gigabytes of it would not tell more.
            digest.update(b"\0%s %d %d %d" % (name, status.st_mode, status.st_size, status.st_mtime_ns))
        return digest.hexdigest()

    # --- processes ----------------------------------------------------------------------------------------------------

    def _ask(self, *arguments: str) -> str | None:
        """What git prints, None where it says no: for questions whose answer may be no."""
        done = spawn(self.root, arguments)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    def _feed(self, arguments: Sequence[str], lines: Iterable[str]) -> str:
        return self._run(arguments, "".join(f"{line}\n" for line in lines).encode()).decode("ascii", "replace")

    def _run(self, arguments: Sequence[str], data: bytes | None = None) -> bytes:
        """What git prints; OperationFailed where it fails, because no answer must not look like an empty one."""
        done = spawn(self.root, arguments, data)
        if done.returncode != 0:
            raise OperationFailed(
                f"git {arguments[0]} failed: {last_line(done.stderr)}", remedy="check the repository: git fsck"
            )
        return done.stdout


_LINK = "120000"


def _checked(name: str) -> str:
    """A full hash; anything else must not become an argument of git."""
    if not is_commit_id(name):
        raise OperationFailed(f"{name[:80]!r} is not a full hash")
    return name


@contextmanager
def _by_itself() -> Iterator[None]:
    """For as long as this lasts, git knows neither a surrounding repository nor its user's configuration."""
    before = dict(os.environ)
    for name in LOCATING:
        os.environ.pop(name, None)
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class Scratch:
    """A throw-away repository that perfgate made itself, with an identity that is nobody's."""

    def __init__(self, made: git.Repo) -> None:
        self._made = made

    @classmethod
    def create(cls, folder: Path, branch: str = "main") -> Scratch:
        """A new repository in an empty folder."""
        import git

        with _by_itself():
            made = git.Repo.init(folder, initial_branch=branch)
            with made.config_writer() as config:
                config.set_value("user", "name", "perfgate demo")
                config.set_value("user", "email", "demo@perfgate.invalid")
                config.set_value("commit", "gpgsign", "false")
                config.set_value("core", "hooksPath", os.devnull)
        return cls(made)

    def commit(self, message: str, *, allow_empty: bool = False) -> str:
        """Commit everything in the folder; the commit."""
        with _by_itself():
            self._made.git.add("--all")
            self._made.git.commit("--quiet", "--message", message, *(["--allow-empty"] if allow_empty else []))
            return str(self._made.head.commit.hexsha)

    def branch(self, name: str, *, start: str) -> None:
        """Check out a new branch that begins at another one."""
        with _by_itself():
            self._made.git.checkout("--quiet", "-b", name, start, "--")
