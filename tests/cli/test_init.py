"""`init` writes a budgets.yaml that is valid, useful at once, and blocks nothing yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.cli.survey import survey
from perfgate.core.budgets import Enforce
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
