"""A change's code is not run with the rights of its target branch, however it was checked out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.program import Ended, Program

BUDGETS = f"""version: 1
measure:
  it:
    command: {{run: {json.dumps([sys.executable, "-c", "open('ran', 'w')"])}, runs: 1, warmup: 0}}
budgets:
  - {{series: "command.wall{{command=it}}", limit: 1 min}}
"""
COMMANDS = {
    "check": ["check"],
    "measure": ["measure", "command", "it", "--runs", "1", "--", sys.executable, "-c", "open('ran', 'w')"],
    "measure all": ["measure", "all"],
    "ab": ["ab", "it", "--base", "HEAD~1", "--pairs", "1"],
    "compare": ["compare", "--against", "HEAD~1"],
}


class Workflow:
    """A repository on the host, a pull request from a fork, and the workspace of a job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = Program(folder / "octo" / "repo", BUDGETS)
        self.host.commit("older")
        self.base = self.host.commit("newest on main")
        self.host.git("checkout", "-q", "-b", "change")
        (self.host.root / "code.txt").write_text("evil", encoding="utf-8")
        self.head = self.host.commit("change")
        self.host.git("checkout", "-q", "--detach", "main")
        self.host.git("merge", "-q", "--no-ff", "-m", "merge", "change")
        self.merge = self.host.git("rev-parse", "HEAD")
        self.host.git("update-ref", "refs/pull/7/merge", self.merge)
        self.host.git("checkout", "-q", "main")
        self.workspace = folder / "workspace"
        self.job = self.checkout(self.workspace, "refs/heads/main")

    def checkout(self, folder: Path, ref: str) -> Program:
        made = Program(folder, git=False)
        made.git("clone", "-q", "--no-checkout", f"file://{self.host.root}", ".")
        made.git("fetch", "-q", "origin", ref)
        made.git("checkout", "-q", "--detach", "FETCH_HEAD")
        return made

    def run(self, command: str, name: str = "pull_request_target", **more: str) -> Ended:
        event = self.folder / "event.json"
        change = {
            "number": 7,
            "base": {"ref": "main", "sha": self.base},
            "head": {"ref": "change", "sha": self.head, "repo": None},
        }
        run = {"head_sha": self.head, "head_branch": "change", "head_repository": {"id": 2}, "repository": {"id": 1}}
        payload = {"pull_request": change, "workflow_run": run, "repository": {"default_branch": "main"}}
        event.write_text(json.dumps(payload), encoding="utf-8")
        environ = {
            "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(event), "GITHUB_SHA": self.base,
            "GITHUB_REF": "refs/heads/main", "GITHUB_REPOSITORY": "octo/repo", "GITHUB_WORKSPACE": str(self.workspace), **more,
        }  # fmt: skip
        return self.job.perfgate(*COMMANDS[command], environ=environ)

    @property
    def ran(self) -> bool:
        """Whether the measured command was run anywhere."""
        return bool(list(self.folder.rglob("ran")))


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path)


def refused(workflow: Workflow, ended: Ended) -> bool:
    return ended.code == 2 and "docs/security.md" in ended.err and not workflow.ran


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_nothing_that_measures_runs_the_heads_code(workflow: Workflow, command: str) -> None:
    workflow.job.git("checkout", "-q", workflow.head)
    assert refused(workflow, workflow.run(command))


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run"])
@pytest.mark.parametrize("what", ["head", "merge", "older head", "edited", "patched"])
def test_every_way_to_the_changes_code_is_refused(workflow: Workflow, name: str, what: str) -> None:
    job = workflow.job
    if what in {"head", "merge"}:
        job.git("fetch", "-q", "origin", "refs/pull/7/merge")
        job.git("checkout", "-q", getattr(workflow, what))
    elif what == "older head":
        # The event is older than what was checked out: a commit that it does not name.
        workflow.head = "1" * 40
        job.git("checkout", "-q", "origin/change")
    elif what == "edited":
        (job.root / "budgets.yaml").write_text(BUDGETS + "#", encoding="utf-8")
    else:
        job.git("checkout", "-q", "origin/change", "--", "code.txt")
    assert refused(workflow, workflow.run("check", name))


@pytest.mark.parametrize("place", ["below", "beside"])
def test_a_second_checkout_of_the_change_is_refused(workflow: Workflow, place: str) -> None:
    if place == "beside":
        workflow.job = workflow.checkout(workflow.workspace / "base", "refs/heads/main")
    workflow.checkout(workflow.workspace / "pr", "refs/pull/7/merge")
    assert refused(workflow, workflow.run("check"))


def test_a_fork_whose_own_main_is_the_change_is_refused(workflow: Workflow) -> None:
    fork = workflow.folder / "evil" / "repo"
    workflow.host.git("clone", "-q", "--bare", str(workflow.host.root), str(fork))
    workflow.host.git("update-ref", "refs/heads/main", workflow.head, cwd=fork)
    job = workflow.job
    job.git("remote", "set-url", "origin", f"file://{fork}")
    job.git("fetch", "-q", "origin")
    job.git("checkout", "-q", "--detach", "origin/main")
    assert refused(workflow, workflow.run("check"))


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run"])
def test_the_target_branchs_own_tree_is_measured(workflow: Workflow, name: str) -> None:
    ended = workflow.run("check", name)
    assert ended.code in {0, 3}, ended
    assert workflow.ran


def test_an_older_commit_of_the_target_branch_and_a_checkout_of_something_else_are_fine(workflow: Workflow) -> None:
    tools = Program(workflow.workspace / "tools", "version: 1\n")
    tools.git("remote", "add", "origin", "https://example.invalid/octo/tools")
    workflow.job.git("checkout", "-q", "origin/main~1")
    assert workflow.run("measure").code == 0
    assert workflow.ran


def test_an_ordinary_pull_request_is_measured(workflow: Workflow) -> None:
    workflow.job.git("checkout", "-q", workflow.head)
    assert workflow.run("measure", "pull_request", GITHUB_REF="refs/pull/7/merge").code == 0
