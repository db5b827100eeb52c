"""Real pytest sessions in folders of their own, with perfgate's entry point as an installation has it, and what they record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

_ROOT = Path(__file__).resolve().parents[2]
_GROUP = "pytest11"


def site(folder: Path) -> Path:
    """A folder for the path of Python in which perfgate is as good as installed: the entry points of its pyproject.toml."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    points = "".join(f"{name} = {value}\n" for name, value in project["entry-points"][_GROUP].items())
    info = folder / "perfgate-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: perfgate\nVersion: 0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{_GROUP}]\n{points}", encoding="utf-8")
    return folder


class Session(NamedTuple):
    """How a session ended."""

    code: int
    output: str


class Project(NamedTuple):
    """A folder with tests; `site` is where perfgate is installed, None where it is only importable."""

    folder: Path
    site: Path | None = None

    def write(self, **files: str) -> Project:
        """Python files by name."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text, encoding="utf-8")
        return self

    def environ(self, **more: str) -> dict[str, str]:
        """An environment that says nothing of the session that runs these tests."""
        foreign = ("PYTEST", "PERFGATE", "COV", "PYTHONPATH")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        path = os.pathsep.join(str(each) for each in (_ROOT, self.site) if each)
        return {**clean, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}

    def pytest(self, *words: str, environ: Mapping[str, str] | None = None) -> Session:
        """Run pytest in a process of its own; the plugins that these tests do not need would only take time."""
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *words]
        done = subprocess.run(
            argv, cwd=self.folder, env=self.environ(**(environ or {})), capture_output=True, text=True, check=False
        )
        return Session(done.returncode, done.stdout + done.stderr)

    def perfgate(self, *words: str, environ: Mapping[str, str] | None = None) -> Session:
        """Run perfgate in the folder."""
        done = subprocess.run(
            [sys.executable, "-m", "perfgate", *words],
            cwd=self.folder,
            env=self.environ(**(environ or {})),
            capture_output=True,
            text=True,
            check=False,
        )
        return Session(done.returncode, done.stdout + done.stderr)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of a record."""
        return [json.loads(line) for line in (self.folder / name).read_text("utf-8").splitlines()]

    def tests(self, name: str) -> dict[str, dict[str, Any]]:
        """The last line of every test of a record, by what follows the file in its id."""
        return {line["test"].partition("::")[2]: line for line in self.lines(name) if "test" in line}
