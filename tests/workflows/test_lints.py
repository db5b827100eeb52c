"""The action, the workflows of this repository and the templates are clean to every linter that knows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from perfgate.cli import ci_files
from tests.workflows import linters
from tests.workflows.runner import ROOT

WORKFLOWS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = ROOT / "perfgate" / "cli" / "templates"
#: (project, default branch): as they come, and as nobody hopes for them.
PLACES = (("", "main"), ("services/api", "trunk"), ("a b/$(c) 'd' \"e\" # f: [g]", "!odd+name'\"{x}"))


def test_the_action_and_workflows_of_this_repository() -> None:
    linters.actionlint(ROOT, WORKFLOWS)


def test_the_action_and_workflows_hold_no_known_weakness() -> None:
    linters.zizmor(ROOT, "action.yml", ".github/")


def test_the_files_of_this_repository_are_what_the_code_host_reads() -> None:
    linters.schema("vendor.github-actions", ROOT, "action.yml")
    linters.schema("vendor.github-workflows", ROOT, *WORKFLOWS)
    linters.schema("custom.github-workflows-require-timeout", ROOT, *WORKFLOWS)
    linters.schema("vendor.dependabot", ROOT, ".github/dependabot.yml")


def test_the_shell_scripts() -> None:
    scripts = [path.as_posix() for folder in (".github/action", ".ci") for path in sorted((ROOT / folder).iterdir())]
    linters.clean([linters.found("shellcheck"), *(name for name in scripts if not name.endswith(".txt"))], ROOT)


@pytest.mark.parametrize(("project", "branch"), PLACES)
def test_what_init_writes_for_github(project: str, branch: str, tmp_path: Path) -> None:
    made = ci_files.files(ci_files.Host.GITHUB, project=project, branch=branch, package="perfgate==1.2.3")
    ci_files.write(made, tmp_path, force=False)
    names = [name for name, _ in made]
    linters.schema("vendor.github-workflows", tmp_path, *names)
    linters.schema("custom.github-workflows-require-timeout", tmp_path, *names)
    linters.zizmor(tmp_path, *names)
    linters.actionlint(tmp_path, names)


@pytest.mark.parametrize(("project", "branch"), [place for place in PLACES if "[" not in place[0]])
def test_what_init_writes_for_gitlab(project: str, branch: str, tmp_path: Path) -> None:
    made = ci_files.files(ci_files.Host.GITLAB, project=project, branch=branch, package="perfgate==1.2.3")
    ci_files.write(made, tmp_path, force=False)
    linters.schema("vendor.gitlab-ci", tmp_path, *(name for name, _ in made))


def test_the_scripts_of_the_gitlab_jobs(tmp_path: Path) -> None:
    ((_, text), _) = ci_files.files(ci_files.Host.GITLAB, package="perfgate==1.2.3")
    told = yaml.safe_load(text)
    for name, job in told.items():
        lines = job.get("script", told[".perfgate"]["before_script"])
        path = tmp_path / f"{name.strip('.')}.sh"
        path.write_text("\n".join(["#!/bin/sh", "set -e  # as GitLab does", *lines, ""]), encoding="utf-8")
        linters.clean([linters.found("shellcheck"), path.name], tmp_path)


def test_the_templates_themselves() -> None:
    github = sorted(path.as_posix() for path in TEMPLATES.glob("github/*.yml"))
    linters.schema("vendor.github-workflows", ROOT, *github)
    linters.zizmor(ROOT, *github)
    linters.schema("vendor.gitlab-ci", ROOT, *(path.as_posix() for path in TEMPLATES.glob("gitlab/*.yml")))


# --- what no linter asks ------------------------------------------------------------------------------------------------

EVERY = [ROOT / "action.yml", *(ROOT / name for name in WORKFLOWS), *TEMPLATES.glob("github/*.yml")]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_no_expression_is_inside_a_script(path: Path) -> None:
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = (
        told["runs"]["steps"] if "runs" in told else [step for job in told["jobs"].values() for step in job["steps"]]
    )
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_every_action_is_pinned_by_a_commit_with_its_version_beside(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        if (used := re.search(r"uses:\s*(\S+)\s*(.*)", line)) and not used[1].startswith("./"):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used[1]), line
            assert re.match(r"# v\d+\.\d+\.\d+$", used[2]), line


def test_one_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for path in EVERY:
        for action, commit in re.findall(r"uses:\s*([\w./-]+)@([0-9a-f]{40})", path.read_text(encoding="utf-8")):
            versions.setdefault(action, set()).add(commit)
    assert {action for action, commits in versions.items() if len(commits) > 1} == set()


@pytest.mark.parametrize("path", EVERY[1:], ids=lambda path: path.name)
def test_no_job_that_runs_the_code_of_a_change_can_write(path: Path) -> None:
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert told["permissions"] == {}
    for name, job in told["jobs"].items():
        rights = job["permissions"]
        writes = {right for right, level in rights.items() if level == "write"}
        if name in {"gate", "test", "build"}:
            assert set(rights.values()) == {"read"}
        elif name == "publish":
            assert rights == {"id-token": "write"}
        else:
            assert writes == ({"contents"} if name == "baseline" else {"pull-requests"})
            # What it runs is perfgate, from the default branch or the package index, never a command of the repository.
            assert not [step for step in job["steps"] if "pip install" in step.get("run", "") and "PERFGATE_PACKAGE" not in step["run"]]  # fmt: skip
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
                assert "ref" not in step["with"]


def test_the_pins_of_the_action_hold_for_every_dependency(root: Path) -> None:
    import tomllib

    told = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    pins = (root / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert all(re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line) for line in pins)
    named = {line.partition("==")[0] for line in pins}
    extras = told["project"]["optional-dependencies"]
    for wanted in (
        *told["project"]["dependencies"],
        *extras["test"],
        *extras["dev"],
        *told["build-system"]["requires"],
    ):
        name = re.split(r"[<>=!\[]", wanted)[0].lower()
        assert name in named | {"perfgate"}, wanted
