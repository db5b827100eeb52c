"""`init --ci` writes what runs the gate in CI: once, for any folder and branch, never over what is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.cli import ci_files
from perfgate.cli.ci_files import Host
from perfgate.core.budgets import GIT_REF
from perfgate.errors import InputError
from perfgate.formats import budgets as budgets_format
from tests.cli.program import Program

PAIR = (".github/workflows/perfgate.yml", ".github/workflows/perfgate-comment.yml")


def project(tmp_path: Path) -> Program:
    program = Program(tmp_path / "project")
    (program.root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    (program.root / "test_a.py").write_text("def test_a():\n    assert True\n", encoding="utf-8")
    program.commit()
    return program


def test_github_gets_the_pair_and_a_baseline_in_a_branch_of_its_own(tmp_path: Path) -> None:
    program = project(tmp_path)
    ended = program.perfgate("init", "--ci", "github")
    assert ended.code == 0, ended.err
    for name in PAIR:
        assert f"wrote {name}" in ended.out
        assert (program.root / name).is_file()
    written = budgets_format.load((program.root / "budgets.yaml").read_bytes(), "budgets.yaml")
    assert written.baseline.store == GIT_REF
    assert not (program.root / "baselines").exists()
    assert "PERFGATE_PACKAGE" in ended.out


def test_a_second_time_says_what_is_there_and_changes_nothing(tmp_path: Path) -> None:
    program = project(tmp_path)
    program.perfgate("init", "--ci", "github")
    mine = program.root / PAIR[1]
    mine.write_text("# mine\n", encoding="utf-8")
    (program.root / "budgets.yaml").write_text("version: 1\nbudgets: []\n", encoding="utf-8")
    ended = program.perfgate("init", "--ci", "github")
    assert ended.code == 0, ended.err
    assert "budgets.yaml is there already and stays as it is" in ended.out
    assert f"{PAIR[0]} is there already, as it would be written" in ended.out
    assert f"{PAIR[1]} is there already and differs; it stays as it is" in ended.out
    assert mine.read_text(encoding="utf-8") == "# mine\n"
    assert "baseline: {store: git-ref}" in ended.out
    forced = program.perfgate("init", "--ci", "github", "--force")
    assert f"wrote {PAIR[1]}" in forced.out
    assert mine.read_text(encoding="utf-8") != "# mine\n"
    assert (program.root / "budgets.yaml").read_text(encoding="utf-8") == "version: 1\nbudgets: []\n"


def test_a_project_below_the_top_has_its_workflows_at_the_top(tmp_path: Path) -> None:
    program = project(tmp_path)
    folder = program.root / "services" / "the api"
    folder.mkdir(parents=True)
    ended = program.perfgate("init", "--ci", "github", cwd=folder)
    assert ended.code == 0, ended.err
    (gate,) = (program.root / ".github" / "workflows").glob("perfgate-services-the-api-????????.yml")
    told = yaml.safe_load(gate.read_text(encoding="utf-8"))
    assert told["jobs"]["gate"]["defaults"]["run"]["working-directory"] == "services/the api"
    (comment,) = (program.root / ".github" / "workflows").glob("*-comment.yml")
    assert yaml.safe_load(comment.read_text(encoding="utf-8"))[True]["workflow_run"]["workflows"] == [told["name"]]
    assert (folder / "budgets.yaml").is_file()


def test_an_odd_default_branch_is_named_as_it_is(tmp_path: Path) -> None:
    program = project(tmp_path)
    program.git("branch", "-m", "release+1'\"x")
    program.perfgate("init", "--ci", "github")
    told = yaml.safe_load((program.root / PAIR[0]).read_text(encoding="utf-8"))
    assert told[True]["push"]["branches"] == ["release\\+1'\"x"]


def test_gitlab_gets_a_file_of_its_own_and_keeps_the_jobs_it_has(tmp_path: Path) -> None:
    program = project(tmp_path)
    (program.root / ".gitlab-ci.yml").write_text("build: {script: make}\n", encoding="utf-8")
    ended = program.perfgate("init", "--ci", "gitlab", "--force")
    assert ended.code == 0, ended.err
    assert (program.root / ".gitlab-ci.yml").read_text(encoding="utf-8") == "build: {script: make}\n"
    assert "include: [{local: /.gitlab/perfgate.yml}]" in ended.out
    (program.root / ".gitlab-ci.yml").unlink()
    assert "wrote .gitlab-ci.yml" in program.perfgate("init", "--ci", "gitlab").out
    told = yaml.safe_load((program.root / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    assert told["include"] == [{"local": "/.gitlab/perfgate.yml"}]


def test_a_folder_that_a_workflow_cannot_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    program = project(tmp_path)
    folder = program.root / "${{ github.token }}"
    folder.mkdir()
    ended = program.perfgate("init", "--ci", "github", cwd=folder)
    assert ended.code == 2
    assert "means something else in a CI file" in ended.err
    assert not list(folder.iterdir())


def test_without_ci_the_next_steps_name_the_host_that_the_repository_seems_to_have(tmp_path: Path) -> None:
    program = project(tmp_path)
    assert "perfgate init --ci github|gitlab" in program.perfgate("init").out
    program.git("remote", "add", "origin", "git@gitlab.example.com:a/b.git")
    assert "perfgate init --ci gitlab " in program.perfgate("init", "--force").out
    (program.root / ".github").mkdir()
    assert "perfgate init --ci github " in program.perfgate("init", "--force").out


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.items() for inner in each for text in strings(inner)]
    if isinstance(value, list):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(folder=NAMES, branch=NAMES, host=st.sampled_from(list(Host)))
def test_no_name_of_a_folder_or_branch_changes_what_the_files_mean(folder: str, branch: str, host: Host) -> None:
    plain = ci_files.files(host, project="folder", branch="branch", version="1")
    try:
        made = ci_files.files(host, project=folder, branch=branch, version="1")
    except InputError:
        return
    for (_, usual), (path, text) in zip(plain, made, strict=True):
        assert re.fullmatch(r"\.[a-z.-]+(/[A-Za-z0-9.-]+)*", path)
        told = yaml.load(text, Loader=yaml.CSafeLoader)
        assert len(strings(told)) == len(strings(yaml.load(usual, Loader=yaml.CSafeLoader)))
        if host is Host.GITHUB and "jobs" in told:
            for job in told["jobs"].values():
                assert job["defaults"]["run"]["working-directory"] == folder
        if host is Host.GITHUB and "push" in told[True]:
            assert len(told[True]["push"]["branches"]) == 1


@pytest.mark.parametrize(("one", "other"), [("a/b", "a-b"), ("a b", "a-b"), ("é", "è"), ("", "perfgate")])
def test_no_two_projects_share_a_name(one: str, other: str) -> None:
    first, second = (ci_files.files(Host.GITHUB, project=each, version="1")[0].path for each in (one, other))
    assert first != second
