"""`perfgate baseline` and the gate on both kinds of store, as whole programs against a bare remote."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Run
from perfgate.formats import run as run_format
from perfgate.store import directory
from tests.cli.program import Ended, Program
from tests.core.making import measured

SERIES = "tests.duration{suite=unit}"
BUDGETS = f"""version: 1
baseline: {{store: git-ref}}
budgets:
  - series: "{SERIES}"
    limit: 100 s
"""
FOLDER = BUDGETS.replace("baseline: {store: git-ref}\n", "")


class Cloned(Program):
    """A clone of a bare remote, and what CI says of it."""

    def __init__(self, root: Path, budgets: str = BUDGETS) -> None:
        super().__init__(root / "one", budgets)
        self.bare = root / "remote.git"
        self.git("clone", "-q", "--bare", ".", str(self.bare))
        self.git("remote", "add", "origin", self.bare.as_uri())
        self.git("fetch", "-q", "origin")
        self.event = root / "event.json"
        self.event.write_text(json.dumps({"repository": {"default_branch": "main"}}), encoding="utf-8")

    def ci(self, *, name: str = "push", ref: str = "refs/heads/main", run: str = "77") -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_REF": ref,
            "GITHUB_SHA": self.git("rev-parse", "HEAD"),
            "GITHUB_RUN_ID": run,
            "GITHUB_JOB": "bench",
            "GITHUB_EVENT_PATH": str(self.event),
        }

    def next_commit(self, message: str = "change") -> str:
        commit = self.commit(message)
        self.git("push", "-q", "origin", "HEAD:main")
        return commit

    def measured(self, value: float, *, ci_run: str = "77", **context: Any) -> Run:
        run = self.run_of([measured(SERIES, value)])
        return run._replace(context=run.context._replace(ci_run=ci_run, ci_job="bench", provider="github", **context))

    def write(self, run: Run, name: str = "run.json") -> Path:
        path = self.root / ".perfgate" / "runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(run_format.dump(run))
        return path

    def gate(self, value: float, *options: str, environ: dict[str, str] | None = None) -> Ended:
        path = self.write(self.measured(value))
        return self.perfgate("gate", str(path), *options, environ=self.ci() if environ is None else environ)

    def remote(self, *arguments: str) -> str:
        return self.git("-C", str(self.bare), *arguments)

    def stored(self, ref: str = "perfgate-data", folder: str = "baselines/") -> list[str]:
        if not self.remote("for-each-ref", f"refs/heads/{ref}"):
            return []
        return self.remote("ls-tree", "-r", "--name-only", ref, folder).split()

    def hook(self, text: str) -> None:
        path = self.bare / "hooks" / "pre-receive"
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def made(tmp_path: Path) -> Cloned:
    """A clone whose baseline is in a branch."""
    return Cloned(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Cloned:
    """A clone whose baseline is a folder of the work tree."""
    return Cloned(tmp_path, FOLDER)


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_on_main_in_ci_the_run_is_pushed_at_once_and_a_change_is_compared_with_it(made: Cloned) -> None:
    chance = random.Random(1)
    for number in range(11):
        made.commit(f"state {number}")
        run = made.measured(50 * (1 + chance.uniform(-0.01, 0.01)), ci_run=str(number))
        directory.admit(made.root / ".perfgate" / "source", run)
    made.perfgate("baseline", "import", "--from", "directory:.perfgate/source")
    made.next_commit("now")
    assert "run stored in baselines in origin/perfgate-data (2026-" in made.gate(50.0).err
    assert len(made.stored()) == 12
    assert made.git("status", "--porcelain") == ""
    made.git("checkout", "-q", "-b", "change")
    made.commit("slower")
    done = made.gate(75.0, environ=made.ci(name="pull_request", ref="refs/pull/1/merge"))
    assert done.code == 20, done.out + done.err
    assert "12 runs" in done.out
    assert "origin/perfgate-data (" in done.out


def test_a_job_without_the_right_to_push_says_so_and_keeps_its_exit_code(made: Cloned) -> None:
    made.hook("echo 'error: GH013: Repository rule violations found' >&2; exit 1")
    first = made.gate(50.0)
    assert first.code == 0
    assert "not admitted to the baseline by this job: origin/perfgate-data is protected" in first.err
    asked = made.gate(50.0, "--admit")
    assert asked.code == 1
    assert "is protected by a rule" in asked.err
    assert (made.root / ".perfgate" / "decision" / "decision.json").exists()


def test_no_admit_leaves_writing_to_another_job(made: Cloned) -> None:
    assert made.gate(50.0, "--no-admit").code == 0
    assert made.stored() == []
    assert made.gate(50.0, "--no-admit", "--admit").code == 2


def test_without_a_network_ci_fails_and_a_developer_is_told_but_nobody_gets_an_empty_baseline(made: Cloned) -> None:
    made.gate(50.0)
    made.next_commit()
    shutil.move(made.bare, made.bare.with_name("away.git"))
    in_ci = made.gate(90.0)
    assert (in_ci.code, "cannot be reached" in in_ci.err) == (1, True)
    with_copy = made.gate(50.0, environ={})
    assert with_copy.code == 0
    assert "origin/perfgate-data (" in with_copy.out
    made.git("update-ref", "-d", "refs/remotes/origin/perfgate-data")
    without = made.gate(50.0, environ={})
    assert "the baseline is not in this clone" in " ".join(without.out.split())
    assert "no baseline yet" not in without.out


# --- update -----------------------------------------------------------------------------------------------------------


def test_update_publishes_what_the_gate_left(made: Cloned) -> None:
    made.gate(50.0, "--no-admit")
    made.git("clone", "-q", made.bare.as_uri(), str(made.root.parent / "job"))
    job = made.root.parent / "job"
    shutil.copytree(made.root / ".perfgate" / "decision", job / "artifact")
    done = made.perfgate("baseline", "update", "artifact", cwd=job, environ=made.ci())
    assert (done.code, len(made.stored())) == (0, 1), done.err
    again = made.perfgate("baseline", "update", "artifact", cwd=job, environ=made.ci())
    assert (again.code, len(made.stored())) == (0, 1)
    assert "already" in again.err


def test_update_of_a_folder_is_one_commit_on_top_of_the_remote_branch(folder: Cloned) -> None:
    old = folder.git("rev-parse", "HEAD")
    done = folder.gate(50.0)
    assert "commit that folder to keep it, or let `perfgate baseline update` push it" in done.err
    folder.git("clone", "-q", folder.bare.as_uri(), str(folder.root.parent / "other"))
    other = folder.root.parent / "other"
    (other / "theirs.txt").write_text("theirs", encoding="utf-8")
    folder.git("add", "-A", cwd=other)
    folder.git("commit", "-q", "-m", "theirs", cwd=other)
    folder.git("push", "-q", "origin", "HEAD:main", cwd=other)
    theirs = folder.remote("rev-parse", "main")
    folder.perfgate("baseline", "anchor", "2026", "--reason", "release")
    done = folder.perfgate("baseline", "update", environ=folder.ci())
    assert done.code == 0, done.err
    assert folder.remote("rev-parse", "main^") == theirs
    assert folder.remote("log", "-1", "--format=%s", "main") == f"perfgate: baseline of {old[:10]} [skip ci]"
    assert {path.split("/")[1] for path in folder.stored("main")} == {"runs", "events"}
    assert folder.git("rev-parse", "HEAD") == old
    assert folder.git("log", "-1", "--format=%H", "main") == old
    again = folder.perfgate("baseline", "update", environ=folder.ci())
    assert "nothing was pushed" in again.err


def test_update_of_a_folder_brings_back_nothing_that_was_removed(folder: Cloned) -> None:
    for number in range(3):
        folder.next_commit(f"state {number}")
        folder.gate(50.0 + number)
        folder.perfgate("baseline", "update", environ=folder.ci())
        folder.git("fetch", "-q")
        folder.git("clean", "-qfd", "baselines")
        folder.git("reset", "-q", "--hard", "origin/main")
    stale = folder.root.parent / "stale"
    folder.git("clone", "-q", folder.bare.as_uri(), str(stale))
    folder.perfgate("baseline", "prune", "--keep", "1", "--reason", "enough")
    folder.next_commit("pruned")
    left = folder.stored("main")
    assert len([path for path in left if "/runs/" in path]) == 1
    shutil.copytree(folder.root / ".perfgate" / "decision", stale / ".perfgate" / "decision")
    done = folder.perfgate("baseline", "update", cwd=stale)
    assert done.code == 0, done.err
    assert folder.stored("main") == left


def test_a_protected_main_names_the_other_store(folder: Cloned) -> None:
    folder.hook("echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2; exit 1")
    folder.gate(50.0)
    done = folder.perfgate("baseline", "update", environ=folder.ci())
    assert done.code == 1
    assert "origin/main is protected by a rule" in done.err
    assert "store: git-ref" in done.err


@pytest.mark.parametrize(
    "spoiled", ["another commit", "another run", "unknown series", "level", "link", "no runs", "no folder"]
)
def test_a_folder_that_does_not_fit_together_is_refused_and_nothing_is_stored(made: Cloned, spoiled: str) -> None:
    made.gate(50.0, "--no-admit")
    decision = made.root / ".perfgate" / "decision"
    run = next((decision / "runs").iterdir())
    if spoiled == "another commit":
        run.write_bytes(run_format.dump(made.measured(50.0, tested="a" * 40)))
    elif spoiled == "another run":
        run.write_bytes(run_format.dump(made.measured(50.0, ci_run="78")))
    elif spoiled == "unknown series":
        other = made.measured(50.0)
        run.write_bytes(run_format.dump(other._replace(measurements=(measured("size.bytes{path=x}", 1.0),))))
    elif spoiled == "level":
        path = decision / "decision.json"
        path.write_text(
            path.read_text(encoding="utf-8").replace('"level": "pass"', '"level": "warn"', 1), encoding="utf-8"
        )
    elif spoiled == "link":
        run.rename(made.root / "elsewhere.json")
        run.symlink_to(made.root / "elsewhere.json")
    elif spoiled == "no runs":
        run.unlink()
    else:
        shutil.rmtree(decision)
    done = made.perfgate("baseline", "update", environ=made.ci())
    assert (done.code, made.stored()) == (2, []), done.err


def test_update_refuses_another_checkout_and_another_event_in_ci(made: Cloned) -> None:
    made.gate(50.0, "--no-admit")
    environ = made.ci()
    made.commit("later")
    done = made.perfgate("baseline", "update", environ=environ)
    assert (done.code, "checked out" in done.err) == (2, True)
    made.git("reset", "-q", "--hard", "HEAD~1")
    for name in ("pull_request", "workflow_run", "merge_group"):
        done = made.perfgate("baseline", "update", environ=made.ci(name=name, ref="refs/pull/1/merge"))
        assert made.stored() == [], done.err


def test_update_refuses_a_commit_that_has_not_landed_until_it_has(made: Cloned) -> None:
    made.git("checkout", "-q", "-b", "topic")
    made.commit("a change")
    assert made.gate(50.0, environ={}).code == 0
    refused = made.perfgate("baseline", "update")
    assert (refused.code, made.stored()) == (2, [])
    assert "is not on main" in refused.err
    made.git("push", "-q", "origin", "HEAD:main")
    made.git("fetch", "-q", "origin")
    landed = made.perfgate("baseline", "update")
    assert (landed.code, len(made.stored())) == (0, 1), landed.err


@pytest.mark.parametrize("value", [150.0])
def test_update_never_admits_a_blocked_run(made: Cloned, value: float) -> None:
    assert made.gate(value).code == 20
    done = made.perfgate("baseline", "update", environ=made.ci())
    assert (done.code, made.stored()) == (0, [])
    assert "a blocked run never becomes the baseline" in done.err


def test_what_only_settled_a_suspect_is_not_admitted(made: Cloned) -> None:
    made.gate(50.0, "--no-admit")
    runs = made.root / ".perfgate" / "decision" / "runs"
    pair = made.measured(51.0)
    twins = pair._replace(measurements=(pair.measurements[0]._replace(before=(50.0,)),))
    (runs / "001.json").write_bytes(run_format.dump(twins))
    done = made.perfgate("baseline", "update", environ=made.ci())
    assert (done.code, len(made.stored())) == (0, 1), done.err


# --- looking after it -------------------------------------------------------------------------------------------------


def test_every_command_of_baseline_works_on_a_branch(made: Cloned) -> None:
    def ran(*arguments: str) -> str:
        done = made.perfgate("baseline", *arguments)
        assert done.code == 0, done.err
        return done.out + done.err

    assert "no admitted run yet" in ran("list")
    path = made.write(made.measured(50.0))
    ran("admit", str(path), "--reason", "first")
    for number in range(3):
        made.next_commit(f"state {number}")
        made.gate(50.0 + number)
    assert "4 runs" in ran("list")
    names = [row["id"] for row in json.loads(ran("list", "--json"))["runs"]]
    assert SERIES in ran("show", names[0])
    assert "anchor stored in baselines in origin/perfgate-data" in ran("anchor", names[0], "--reason", "release")
    ran("accept", names[2], "--series", "tests.*", "--reason", "agreed")
    ran("retire", "--series", SERIES, "--until", "2026-01-01T00:00:00Z", "--reason", "old")
    assert "1 runs removed" in ran("prune", "--keep", "2", "--reason", "enough")
    assert "is at" in ran("fetch")
    assert len([path for path in made.stored() if "/events/" in path]) == 5
    assert made.git("status", "--porcelain") == ""


def test_what_looks_at_the_whole_past_works_on_a_branch(made: Cloned) -> None:
    chance = random.Random(2)
    runs = []
    for number in range(14):
        made.commit(f"state {number}")
        runs.append(made.measured(50 * (1 + chance.uniform(-0.005, 0.005)), ci_run=str(number)))
    made.git("push", "-q", "origin", "HEAD:main")
    for run in runs:
        directory.admit(made.root / "elsewhere", run)
    done = made.perfgate("baseline", "import", "--from", "directory:elsewhere")
    assert (done.code, len(made.stored())) == (0, 14), done.err
    assert "14 runs came from elsewhere to baselines in origin/perfgate-data, 0 were there" in done.err
    shutil.rmtree(made.root / "elsewhere")
    for arguments in (
        ["history", SERIES],
        ["trend", "--fail-on", "never"],
        ["calibrate", "--fail-on", "never"],
        ["selftest"],
    ):
        done = made.perfgate(*arguments)
        assert done.code in {0, 10}, (arguments, done.out, done.err)
        assert "14" in done.out or "13" in done.out, done.out
    path = made.write(made.measured(50.0))
    done = made.perfgate("compare", str(path))
    assert (done.code, "origin/perfgate-data" in done.out) == (0, True), done.out + done.err
    assert made.git("status", "--porcelain") == ""


def test_import_goes_both_ways_and_names_its_sources_as_git_does(made: Cloned) -> None:
    made.gate(50.0)
    made.budgets(FOLDER)
    for source in ("git-ref:perfgate-data", "git-ref:origin/perfgate-data", "git-ref:perfgate-data:baselines"):
        done = made.perfgate("baseline", "import", "--from", source)
        assert done.code == 0, done.err
        assert len(list((made.root / "baselines" / "runs").iterdir())) == 1
    assert "0 runs came" in done.err
    assert "holds nothing" in made.perfgate("baseline", "import", "--from", "git-ref:perfgate-data:else").err


@pytest.mark.parametrize(
    "source",
    [
        "bucket:x",
        "git-ref:",
        "git-ref:nope",
        "git-ref:origin/nope",
        "directory:",
        "directory:nowhere",
        "git-ref:-x",
        "git-ref:a..b",
        "git-ref:x:../y",
        "git-ref:a b",
    ],
)
def test_a_source_that_is_none_is_refused(made: Cloned, source: str) -> None:
    done = made.perfgate("baseline", "import", "--from", source)
    assert done.code == 2, done.err


def test_fetch_of_a_folder_says_that_it_comes_with_the_commits(folder: Cloned) -> None:
    done = folder.perfgate("baseline", "fetch")
    assert (done.code, "git pull" in done.err) == (2, True)


def test_a_project_in_a_folder_of_its_repository_has_its_own_part_of_the_branch(made: Cloned) -> None:
    inner = made.root / "apps" / "one"
    inner.mkdir(parents=True)
    (inner / "budgets.yaml").write_text(BUDGETS, encoding="utf-8")
    made.next_commit("a project")
    run = made.write(made.measured(50.0))
    done = made.perfgate("gate", str(run), cwd=inner, environ=made.ci())
    assert done.code == 0, done.err
    assert [path.rsplit("/", 1)[0] for path in made.stored(folder="apps/")] == ["apps/one/baselines/runs"]


# --- how much git it takes --------------------------------------------------------------------------------------------


def git_processes(made: Cloned, tmp_path: Path, *, ci: bool) -> int:
    trace = tmp_path / "trace"
    trace.unlink(missing_ok=True)
    environ = {"GIT_TRACE2_EVENT": str(trace)} | (made.ci() if ci else {})
    path = made.write(made.measured(50.0))
    done = made.perfgate("gate", str(path), "--no-admit", environ=environ)
    assert done.code == 0, done.err
    events = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()]
    # Those that perfgate started, not what those start for their transport.
    return sum(each["event"] == "start" and "/" not in each["sid"] for each in events)


def test_a_gate_asks_git_a_bounded_number_of_times(folder: Cloned, tmp_path: Path) -> None:
    for number in range(3):
        folder.admit(measured(SERIES, 50.0 + number))
    folder.next_commit("baseline")
    local, in_ci = (git_processes(folder, tmp_path, ci=ci) for ci in (False, True))
    folder.budgets(BUDGETS)
    folder.next_commit("in a branch")
    folder.perfgate("baseline", "import", "--from", "directory:baselines")
    branch_local, branch_in_ci = (git_processes(folder, tmp_path, ci=ci) for ci in (False, True))
    counts = {"folder": (local, in_ci), "branch": (branch_local, branch_in_ci)}
    assert local <= 12, counts
    assert in_ci <= 12, counts
    # Where the branch is, what is in it, and its contents; in CI before that where it was, the remote's name and kind, and the fetch.
    assert branch_local - local <= 3, counts
    assert branch_in_ci - in_ci <= 7, counts
