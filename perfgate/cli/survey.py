"""What a repository has that perfgate can measure, found by looking at names and a few lines, never by running anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.cli.ci_files import is_ours

_SKIPPED = frozenset({"node_modules", "vendor", "venv", "dist", "build", "target", "__pycache__", "site-packages"})
#: What an extra with a project's test tools is called, the likeliest first.
_EXTRAS = ("test", "tests", "testing", "dev")
_MOST_FILES = 20_000


class Survey(NamedTuple):
    """What was found. Paths are relative to the project, with forward slashes."""

    pytest: bool = False
    junit: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    terraform: tuple[str, ...] = ()
    llm: tuple[str, ...] = ()
    package: bool = False
    #: The package is built by setuptools, which builds inside the work tree.
    setuptools: bool = False
    #: The package's extra with what its tests need, "" where it names none.
    extra: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found to measure."""
        return self == Survey()


def survey(root: Path) -> Survey:
    """Look at the project in `root`. The workflows that perfgate wrote are not among what was found: they wait for the others."""
    files = list(_files(root))
    pyproject = _beginning(root / "pyproject.toml")
    tests = any(re.fullmatch(r"(.*/)?(test_[^/]*|[^/]*_test)\.py", name) for name in files)
    configured = (
        "[tool.pytest" in pyproject
        or (root / "pytest.ini").is_file()
        or "[tool:pytest]" in _beginning(root / "setup.cfg")
    )
    package = "[build-system]" in pyproject
    backend, extra = _packaging(pyproject)
    return Survey(
        pytest=configured or (tests and _mentions_pytest(root, files, pyproject)),
        junit=_junit(root),
        workflows=tuple(
            sorted(
                name.rpartition("/")[2]
                for name in files
                if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", name) and not is_ours(root / name)
            )
        ),
        terraform=tuple(sorted({name.rpartition("/")[0] or "." for name in files if name.endswith(".tf")})),
        llm=tuple(sorted(name for name in files if re.search(r"(^|/)promptfooconfig[^/]*\.(ya?ml|json)$", name))),
        package=package,
        setuptools=package and backend.startswith("setuptools"),
        extra=extra if package else "",
    )


def _packaging(pyproject: str) -> tuple[str, str]:
    """The back end that builds the package, and the extra that its tests need; ("", "") for a file that is not TOML."""
    import tomllib

    try:
        told: Any = tomllib.loads(pyproject)
    except tomllib.TOMLDecodeError:
        return "", ""
    system, project = (
        table if isinstance(table := told.get(name), dict) else {} for name in ("build-system", "project")
    )
    extras = project.get("optional-dependencies")
    extra = next((name for name in _EXTRAS if isinstance(extras, dict) and name in extras), "")
    # Without a back end it is setuptools (PEP 517).
    return str(system.get("build-backend", "setuptools")), extra


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
