"""A project in a temporary repository, and perfgate run on it as a whole program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Context, MachineClass, Measurement, Run
from perfgate.formats import run as run_format
from perfgate.measure.machine import machine_class
from perfgate.store import directory
from tests.core.making import measured

HERE = machine_class({})
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START", "PERFGATE_LOCK")
ENVIRON = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "somebody",
    "GIT_AUTHOR_EMAIL": "somebody@example.invalid",
    "GIT_COMMITTER_NAME": "somebody",
    "GIT_COMMITTER_EMAIL": "somebody@example.invalid",
    "COLUMNS": "160",
    "NO_COLOR": "1",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
}


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


class Program:
    """A repository with a budgets.yaml; perfgate and git are run in it."""

    def __init__(self, root: Path, budgets: str = "", *, git: bool = True) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.count = 0
        if git:
            self.git("init", "-q", "-b", "main")
            (root / ".gitignore").write_text(".perfgate/\n", encoding="utf-8")
        if budgets:
            self.budgets(budgets)
            if git:
                self.commit("budgets")

    def budgets(self, text: str) -> None:
        (self.root / "budgets.yaml").write_text(text, encoding="utf-8")

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.root, env=ENVIRON, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def perfgate(
        self, *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None, stdin: str = ""
    ) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "perfgate", *arguments],
            cwd=cwd or self.root,
            env=ENVIRON | dict(environ or {}),
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=120,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_of(self, measurements: Sequence[Measurement], *, commit: str = "", machine: MachineClass = HERE) -> Run:
        """A run of the checked-out commit, each a second later than the one before."""
        self.count += 1
        started = f"2026-10-01T{self.count // 3600:02d}:{self.count // 60 % 60:02d}:{self.count % 60:02d}Z"
        tested = commit or self.git("rev-parse", "HEAD")
        return Run(Context(tested=tested, head=tested, started_at=started, machine=machine), tuple(measurements))

    def admit(self, *measurements: Measurement, machine: MachineClass = HERE) -> None:
        """A new commit on main whose run is in the baseline."""
        self.commit(f"state {self.count}")
        directory.admit(self.root / "baselines", self.run_of(measurements, machine=machine))

    def history(self, series: str, values: Sequence[float]) -> None:
        """A baseline of one series, one commit a value, committed."""
        for value in values:
            self.admit(measured(series, value))
        self.commit("baseline")

    def measure(self, *measurements: Measurement, machine: MachineClass = HERE) -> Path:
        """A run file of the current commit, in the folder that `gate` looks at."""
        path = self.root / ".perfgate" / "runs" / f"run-{self.count}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(run_format.dump(self.run_of(measurements, machine=machine)))
        return path
