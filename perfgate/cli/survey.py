"""What a repository has that perfgate can measure, found by looking at names and a few lines, never by running anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_SKIPPED = frozenset({"node_modules", "vendor", "venv", "dist", "build", "target", "__pycache__", "site-packages"})
_MOST_FILES = 20_000


class Survey(NamedTuple):
    """What was found. Paths are relative to the project, with forward slashes."""

    pytest: bool = False
    junit: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    terraform: tuple[str, ...] = ()
    llm: tuple[str, ...] = ()
    package: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found to measure."""
        return self == Survey()


def survey(root: Path) -> Survey:
    """Look at the project in `root`."""
    files = list(_files(root))
    pyproject = _beginning(root / "pyproject.toml")
    tests = any(re.fullmatch(r"(.*/)?(test_[^/]*|[^/]*_test)\.py", name) for name in files)
    configured = (
        "[tool.pytest" in pyproject
        or (root / "pytest.ini").is_file()
        or "[tool:pytest]" in _beginning(root / "setup.cfg")
    )
    return Survey(
        pytest=configured or (tests and _mentions_pytest(root, files, pyproject)),
        junit=_junit(root),
        workflows=tuple(
            sorted(name.rpartition("/")[2] for name in files if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", name))
        ),
        terraform=tuple(sorted({name.rpartition("/")[0] or "." for name in files if name.endswith(".tf")})),
        llm=tuple(sorted(name for name in files if re.search(r"(^|/)promptfooconfig[^/]*\.(ya?ml|json)$", name))),
        package="[build-system]" in pyproject,
    )


def _files(root: Path) -> Iterator[str]:
    """The files of the project by relative path; hidden and generated folders are left out, except `.github`."""
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name for name in folders if (name == ".github" or not name.startswith(".")) and name not in _SKIPPED
        )
        relative = Path(folder).relative_to(root).as_posix()
        for name in sorted(names):
            yield name if relative == "." else f"{relative}/{name}"
            seen += 1
            if seen >= _MOST_FILES:
                return


def _mentions_pytest(root: Path, files: list[str], pyproject: str) -> bool:
    named = [
        name for name in files if re.fullmatch(r"(requirements[^/]*\.txt|setup\.(py|cfg)|tox\.ini|noxfile\.py)", name)
    ]
    if "pytest" in pyproject or any("pytest" in _beginning(root / name) for name in named):
        return True
    return any(name.rpartition("/")[2] == "conftest.py" for name in files)


def _junit(root: Path) -> tuple[str, ...]:
    """The patterns of reports that well-known builds leave, where the build is there."""
    found = []
    if (root / "pom.xml").is_file():
        found.append("**/target/surefire-reports/TEST-*.xml")
    if any((root / name).is_file() for name in ("build.gradle", "build.gradle.kts")):
        found.append("**/build/test-results/test/TEST-*.xml")
    return tuple(found)


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(200_000).decode("utf-8", "replace")
    except OSError:
        return ""
