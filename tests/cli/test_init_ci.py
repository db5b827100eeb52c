"""`init --ci` writes what runs the gate in CI: once, for any folder and branch, never over what is there."""

from __future__ import annotations

import os
import re
import subprocess
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
    edited = mine.read_text(encoding="utf-8") + "# mine\n"
    mine.write_text(edited, encoding="utf-8")
    (program.root / "budgets.yaml").write_text("version: 1\nbudgets: []\n", encoding="utf-8")
    ended = program.perfgate("init", "--ci", "github")
    assert ended.code == 0, ended.err
    assert "budgets.yaml is there already and stays as it is" in ended.out
    assert f"{PAIR[0]} is there already, as it would be written" in ended.out
    assert f"{PAIR[1]} is there already and differs; it stays as it is" in ended.out
    assert mine.read_text(encoding="utf-8") == edited
    assert "baseline: {store: git-ref}" in ended.out
    forced = program.perfgate("init", "--ci", "github", "--force")
    assert f"wrote {PAIR[1]}" in forced.out
    assert mine.read_text(encoding="utf-8") != edited
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


@pytest.mark.parametrize("link", [".github", ".github/workflows/perfgate.yml", "budgets.yaml"])
def test_a_link_in_the_checkout_leads_no_file_out_of_the_repository(tmp_path: Path, link: str) -> None:
    program = Program(tmp_path / "repo")
    outside = tmp_path / "outside"
    outside.mkdir()
    (program.root / link).parent.mkdir(parents=True, exist_ok=True)
    (program.root / link).symlink_to(outside / "there" if "." in Path(link).name[1:] else outside)
    ended = program.perfgate("init", "--ci", "github")
    # A link in the very place of a workflow is refused before anything is written, as every file is that perfgate did not write.
    taken = link == PAIR[0]
    assert ended.code == (2 if taken else 1)
    assert ("this is in the way" if taken else "through a symbolic link") in ended.err
    assert not list(outside.iterdir())


def test_without_ci_the_next_steps_name_the_host_that_the_repository_seems_to_have(tmp_path: Path) -> None:
    program = project(tmp_path)
    assert "perfgate init --ci github|gitlab" in program.perfgate("init").out
    program.git("remote", "add", "origin", "git@gitlab.example.com:a/b.git")
    assert "perfgate init --ci gitlab " in program.perfgate("init", "--force").out
    (program.root / ".github").mkdir()
    assert "perfgate init --ci github " in program.perfgate("init", "--force").out


PLACES = [(host, place) for host in Host for place in ci_files.places(host) if place != ".gitlab-ci.yml"]


@pytest.mark.parametrize(("host", "place"), PLACES)
def test_a_file_that_perfgate_did_not_write_is_never_overwritten_and_nothing_else_is_written(
    host: Host, place: str, tmp_path: Path
) -> None:
    program = project(tmp_path)
    mine = program.root / place
    mine.parent.mkdir(parents=True)
    mine.write_text("# a gate of our own\non: push\n", encoding="utf-8")
    for more in ((), ("--force",)):
        ended = program.perfgate("init", "--ci", str(host), *more)
        assert ended.code == 2
        assert place in ended.err
        assert "rename it" in ended.err
        assert mine.read_text(encoding="utf-8") == "# a gate of our own\non: push\n"
        assert program.git("status", "--porcelain", "-uall") == f"?? {place}"


def test_a_link_that_leads_nowhere_is_in_the_way_too(tmp_path: Path) -> None:
    program = project(tmp_path)
    (program.root / ".github" / "workflows").mkdir(parents=True)
    (program.root / PAIR[1]).symlink_to("nowhere.yml")
    ended = program.perfgate("init", "--ci", "github", "--force")
    assert (ended.code, PAIR[1] in ended.err) == (2, True)
    assert not (program.root / PAIR[0]).exists()


def test_a_perfgate_that_came_from_a_folder_leaves_the_package_to_be_written_and_the_step_says_so(
    tmp_path: Path,
) -> None:
    # The tests run on a checkout, which no job can install.
    program = project(tmp_path)
    ended = program.perfgate("init", "--ci", "github")
    assert 'until then the step "Install perfgate" fails' in ended.out
    for name in PAIR:
        told = yaml.safe_load((program.root / name).read_text(encoding="utf-8"))
        assert told["env"]["PERFGATE_PACKAGE"] == ci_files.UNEDITED
        steps = [step for job in told["jobs"].values() for step in job["steps"] if step["name"] == "Install perfgate"]
        assert steps
        for step in steps:
            code, said = sh(step["run"], ci_files.UNEDITED, tmp_path)
            assert code == 1
            assert said.strip() == (
                "::error::PERFGATE_PACKAGE is not edited yet: write where perfgate is installed from, at the top of this workflow"
            )
            assert not (tmp_path / "perfgate").exists()


def test_the_jobs_of_gitlab_stop_at_an_unedited_package_too(tmp_path: Path) -> None:
    told = yaml.safe_load(ci_files.files(Host.GITLAB)[0].text)[".perfgate"]
    assert told["variables"]["PERFGATE_PACKAGE"] == ci_files.UNEDITED
    code, said = sh(told["before_script"][0], ci_files.UNEDITED, tmp_path)
    assert (code, said.startswith("PERFGATE_PACKAGE is not edited yet")) == (1, True)
    assert sh(told["before_script"][0], "perfgate==1.2.3", tmp_path) == (0, "")


def sh(script: str, package: str, temp: Path) -> tuple[int, str]:
    """How a script ends with this package, and what it says."""
    environ = {"PATH": os.environ["PATH"], "PERFGATE_PACKAGE": package, "RUNNER_TEMP": str(temp)}
    done = subprocess.run(["sh", "-ec", script], env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_extra_with_what_the_tests_need_is_installed(tmp_path: Path) -> None:
    program = project(tmp_path)
    described = '[build-system]\nrequires = []\n[project]\nname = "a"\nversion = "1"\n[project.optional-dependencies]\ndocs = []\n'
    for more, expected in (("", "-e '.';"), ("dev = []\n", "-e '.[dev]';"), ("dev = []\ntest = []\n", "-e '.[test]';")):
        (program.root / "pyproject.toml").write_text(described + more, encoding="utf-8")
        assert program.perfgate("init", "--ci", "github", "--force").code == 0
        assert expected in (program.root / PAIR[0]).read_text(encoding="utf-8")


def test_a_default_branch_that_is_only_a_guess_is_told(tmp_path: Path) -> None:
    program = project(tmp_path)
    hint = "the default branch is taken to be feature/x: change `branches:` where it is another"
    program.git("checkout", "-q", "-b", "feature/x")
    assert "is taken to be" not in program.perfgate("init", "--ci", "github").out
    program.git("branch", "-q", "-D", "main")
    assert hint in program.perfgate("init", "--ci", "github", "--force").out
    assert "is taken to be" not in program.perfgate("init", "--ci", "gitlab").out


def test_a_check_before_there_is_a_remote_measures_and_says_that_there_is_no_baseline_yet(tmp_path: Path) -> None:
    program = project(tmp_path)
    program.perfgate("init", "--ci", "github")
    program.commit("perfgate")
    ended = program.perfgate("check")
    assert ended.code == 0, ended.out + ended.err
    assert "tests.failed{suite=unit}" in ended.out
    assert "no remote origin, so there is no baseline yet" in ended.out + ended.err


def test_who_kept_the_baseline_in_a_folder_is_told_how_its_runs_come_along(tmp_path: Path) -> None:
    program = project(tmp_path)
    program.perfgate("init")
    moved = "perfgate baseline import --from directory:baselines"
    assert moved not in program.perfgate("init", "--ci", "github").out
    program.commit("perfgate")
    assert program.perfgate("check", "--admit").code == 0
    assert moved in program.perfgate("init", "--ci", "github").out


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
    plain = ci_files.files(host, project="folder", branch="branch")
    try:
        made = ci_files.files(host, project=folder, branch=branch)
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
    first, second = (ci_files.files(Host.GITHUB, project=each)[0].path for each in (one, other))
    assert first != second
