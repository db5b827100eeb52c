"""Real repositories for tests, made by git itself and independent of the settings of the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from perfgate.core.model import Context, Run
from tests.core.making import MACHINE, UNIT_TESTS, measured

_FIRST = 1_700_000_000


class Made:
    """A repository in a folder; every commit is one minute younger than the one before."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._minutes = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    @classmethod
    def cloned(cls, source: Made | Path, folder: Path, *options: str) -> Made:
        """A clone over the file protocol, which is the one that can be shallow."""
        made = cls.__new__(cls)
        made.folder, made._minutes = folder, 1000
        origin = source.folder if isinstance(source, Made) else source
        folder.mkdir(parents=True)
        made.git("clone", "--quiet", *options, origin.as_uri(), ".")
        return made

    def git(self, *arguments: str) -> str:
        """Run git here; what it printed."""
        moment = f"{_FIRST + 60 * self._minutes} +0000"
        who = {"NAME": "a tester", "EMAIL": "tester@example.invalid", "DATE": moment}
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        environ |= {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()}
        done = subprocess.run(["git", *arguments], cwd=self.folder, env=environ, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, path: str, text: str) -> Path:
        """Write a file."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def commit(self, message: str = "a change", **files: str) -> str:
        """Commit everything there is, after writing `files` (name: text); the commit."""
        for name, text in files.items():
            self.write(f"{name}.txt", text)
        self._minutes += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def merge(self, other: str, message: str = "merge") -> str:
        """Merge a branch with a merge commit; the commit."""
        self._minutes += 1
        self.git("merge", "--quiet", "--no-ff", "--message", message, other)
        return self.git("rev-parse", "HEAD")


def run_of(commit: str, value: float = 60.0, *, number: int = 0, **context: Any) -> Run:
    """A run of a commit with the duration of the unit tests."""
    started = f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z"
    plain = Context(head=commit, tested=commit, started_at=started, machine=MACHINE)
    return Run(plain._replace(**context), (measured(UNIT_TESTS, value),))
