"""`init` writes a budgets.yaml that is valid, useful at once, and blocks nothing yet."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from perfgate.cli.survey import survey
from perfgate.core.budgets import Enforce
from perfgate.core.entries import CommandEntry
from perfgate.formats import budgets as budgets_format
from tests.cli.program import Program

REPOSITORIES = {
    "empty": {},
    "pytest": {"pyproject.toml": "[tool.pytest.ini_options]\n", "tests/test_a.py": "def test_a():\n    assert True\n"},
    "workflow": {".github/workflows/ci.yml": "on: push\n", ".github/workflows/na me.yaml": "on: push\n"},
    "terraform": {"infra/main.tf": 'resource "x" "y" {}\n'},
    "maven": {"pom.xml": "<project/>"},
    "llm": {"evals/promptfooconfig.yaml": "prompts: []\n"},
    "package": {"pyproject.toml": "[build-system]\nrequires = []\n", "requirements.txt": "pytest\n", "test_x.py": ""},
}


def made(tmp_path: Path, name: str) -> Program:
    program = Program(tmp_path / name)
    for file, text in REPOSITORIES[name].items():
        path = program.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return program


@pytest.mark.parametrize("name", REPOSITORIES)
def test_what_it_writes_is_valid_and_blocks_no_change_yet(name: str, tmp_path: Path) -> None:
    program = made(tmp_path, name)
    ended = program.perfgate("init")
    assert ended.code == 0, ended.err
    assert "next:" in ended.out
    written = budgets_format.load((program.root / "budgets.yaml").read_bytes(), "budgets.yaml")
    for budget in written.budgets:
        assert budget.enforce is Enforce.OBSERVE or str(budget.selector).startswith("tests.failed")
    assert bool(written.budgets) == (name != "empty")
    assert (program.root / "baselines").is_dir()
    assert program.perfgate("init").code == 2
    assert program.perfgate("init", "--force").code == 0


def test_a_pytest_repository_can_be_checked_at_once(tmp_path: Path) -> None:
    program = made(tmp_path, "pytest")
    program.perfgate("init")
    program.commit("perfgate")
    ended = program.perfgate("check", "--admit")
    assert ended.code == 0, ended.out + ended.err
    assert "tests.failed{suite=unit}" in ended.out
    program.commit("baseline")
    again = program.perfgate("check")
    assert again.code == 0, again.out + again.err
    assert "compared with 1 run" in again.out or "compared with 0 runs" in again.out


def test_an_empty_repository_is_told_what_to_add(tmp_path: Path) -> None:
    program = made(tmp_path, "empty")
    program.perfgate("init")
    ended = program.perfgate("check")
    assert ended.code == 2
    assert "there is nothing to measure" in ended.err


def test_generated_folders_are_not_looked_at(tmp_path: Path) -> None:
    for folder in ("node_modules/a", ".terraform/modules", "venv/lib"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "main.tf").touch()
        (tmp_path / folder / "test_a.py").touch()
    assert survey(tmp_path).is_empty


def test_a_gitignore_gets_the_scratch_folder_once(tmp_path: Path) -> None:
    program = made(tmp_path, "pytest")
    (program.root / ".gitignore").write_text("build", encoding="utf-8")
    program.perfgate("init")
    program.perfgate("init", "--force")
    assert (program.root / ".gitignore").read_text(encoding="utf-8") == "build\n.perfgate/\n"


def uncommented(text: str, key: str) -> str:
    """The file with the `#` taken from the example of this section, as a person does it."""
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if re.fullmatch(rf"(# )?{key}:.*", line))
    last = next((number for number in range(first, len(lines)) if not lines[number].strip()), len(lines))
    made = [re.sub(r"^( *)# ", r"\1", line) for line in lines[first:last]]
    return "\n".join([*lines[:first], *made, *lines[last:], ""])


@pytest.mark.parametrize("name", REPOSITORIES)
def test_the_examples_in_it_are_valid_once_they_are_uncommented(name: str, tmp_path: Path) -> None:
    program = made(tmp_path, name)
    program.perfgate("init")
    text = (program.root / "budgets.yaml").read_text(encoding="utf-8")
    for key in ("measure", "budgets", "waivers"):
        text = uncommented(text, key)
    told = budgets_format.load(text.encode(), "budgets.yaml")
    assert any("{python}" in entry.run for entry in told.entries if isinstance(entry, CommandEntry))
    assert told.budgets
    assert told.waivers


def test_the_workflows_that_perfgate_wrote_are_no_pipelines_of_the_project(tmp_path: Path) -> None:
    program = made(tmp_path, "workflow")
    folder = program.root / "services" / "api"
    folder.mkdir(parents=True)
    assert program.perfgate("init", "--ci", "github", cwd=folder).code == 0
    assert survey(program.root).workflows == ("ci.yml", "na me.yaml")
    program.perfgate("init")
    assert "workflow=perfgate" not in (program.root / "budgets.yaml").read_text(encoding="utf-8")


def test_outside_a_repository_it_says_that_a_baseline_needs_git(tmp_path: Path) -> None:
    outside = Program(tmp_path / "plain", git=False)
    told = outside.perfgate("init", environ={"GIT_CEILING_DIRECTORIES": str(tmp_path)})
    assert told.code == 0, told.err
    assert told.out.count("this folder is in no git repository") == 1
    assert "no git repository" not in made(tmp_path, "pytest").perfgate("init").out


def _has(name: str, *least: int) -> bool:
    """Whether a distribution is installed here in this version or a later one; it is not imported."""
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return tuple(int(part) for part in re.findall(r"\d+", found)[: len(least)]) >= least


def test_a_wheel_of_setuptools_is_built_beside_the_work_tree(tmp_path: Path) -> None:
    if not (_has("setuptools", 70, 1) and _has("pip", 23, 1)):
        pytest.skip(
            "no setuptools 70.1, which makes wheels by itself, and pip 23.1 beside the Python that runs the tests"
        )
    program = Program(tmp_path / "project")
    described = """[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "thing"
version = "1"
[tool.setuptools]
packages = ["thing"]
"""
    (program.root / "pyproject.toml").write_text(described, encoding="utf-8")
    (program.root / "thing").mkdir()
    (program.root / "thing" / "__init__.py").touch()
    told = program.perfgate("init")
    assert "*.egg-info/" in told.out
    program.commit()
    # No index is needed: the back end is the one that is installed.
    environ = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    ended = program.perfgate("check", environ=environ)
    assert ended.code in {0, 3}, ended.out + ended.err
    assert "size.bytes" in ended.out
    assert program.git("status", "--porcelain") == ""
    assert not (program.root / "build").exists()


def test_other_back_ends_get_no_options_of_setuptools(tmp_path: Path) -> None:
    program = made(tmp_path, "empty")
    for backend, expected in (("hatchling.build", False), ("setuptools.build_meta", True)):
        text = f'[build-system]\nrequires = []\nbuild-backend = "{backend}"\n'
        (program.root / "pyproject.toml").write_text(text, encoding="utf-8")
        program.perfgate("init", "--force")
        assert ("--build-base" in (program.root / "budgets.yaml").read_text(encoding="utf-8")) is expected
