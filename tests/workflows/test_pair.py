"""The pair of workflows that `init --ci github` writes, and the one of this repository, run job by job: main grows the baseline,
a pull request is judged by it with a token that can only read, and trusted code tells it."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.forge.github_service import Service, serving
from tests.workflows.project import BUDGETS, Hosted
from tests.workflows.runner import ROOT, Answer, Runner

RELATIVE = BUDGETS.replace(
    "limit: 1000 B   # warn above it, block above 1100 B", "max_increase: {warn: 5%, block: 20%}"
)


class Pair:
    """A hosted project with the two workflows, in `folder` of the checkout."""

    def __init__(self, hosted: Hosted, gate: Path, comment: Path) -> None:
        self.hosted, self.gate_file, self.comment_file = hosted, gate, comment
        self.landed = 0

    def gate(self, event: dict[str, Any] | None = None, **environ: str) -> tuple[Answer, str]:
        """The answer of the gate's job, and the id of its run."""
        runner = self.hosted.runner(event, environ=environ)
        answer = runner.job(self.gate_file, "gate")
        assert answer is not None
        return answer, runner.github["run_id"]

    def baseline(self, run_id: str, gate: Answer, event: dict[str, Any] | None = None) -> Answer | None:
        """The baseline's job after the gate's job of the same run."""
        return self.hosted.runner(event, run_id=run_id).job(self.gate_file, "baseline", {"gate": gate})

    def land(self) -> None:
        """Push main, and let both jobs run."""
        self.hosted.push()
        gate, run_id = self.gate()
        # Before the first run is in the baseline there is nothing to judge by, which is no pass.
        assert gate.code == (0 if self.landed else 3), gate.log
        self.landed += 1
        answer = self.baseline(run_id, gate)
        assert answer is not None
        assert answer.code == 0, answer.log

    def tell(self, github: Service, event: dict[str, Any], run_id: str, name: str = "perfgate-decision") -> Answer:
        """The comment's job after the gate's run ended, with what that run left as artifact."""
        head, number = event["pull_request"]["head"], event["number"]
        state = github.state
        github.pull(number, head=head["sha"], branch=head["ref"])
        for base in {self.hosted.git("rev-parse", "main"), event["pull_request"]["base"]["sha"]}:
            state.merge_bases[base, head["sha"]] = event["pull_request"]["base"]["sha"]
            change = {
                "commits": [{"sha": head["sha"], "commit": {"message": "change"}}],
                "files": [],
                "total_commits": 1,
            }
            state.changes[base, head["sha"]] = change
        finished = {
            "id": int(run_id), "run_attempt": 1, "head_sha": head["sha"], "head_branch": head["ref"], "event": "pull_request",
            "status": "completed", "conclusion": "failure", "path": ".github/workflows/perfgate.yml", "pull_requests": [],
            "run_started_at": "2026-11-21T11:00:00Z", "created_at": "2026-11-21T11:00:00Z",
            "repository": state.repository(), "head_repository": state.repository(),
        }  # fmt: skip
        state.runs[int(run_id)] = finished
        state.jobs[int(run_id), 1] = []
        kept = self.hosted.artifacts / name
        if kept.is_dir():
            held = io.BytesIO()
            with zipfile.ZipFile(held, "w") as made:
                for path in sorted(kept.rglob("*")):
                    if path.is_file():
                        made.write(path, path.relative_to(kept).as_posix())
            told = {"id": 9001, "name": name, "size_in_bytes": len(held.getvalue()), "expired": False, "created_at": "2026-11-21T11:03:59Z"}  # fmt: skip
            of = {"id": int(run_id), "repository_id": 1, "head_repository_id": 1, "head_branch": head["ref"], "head_sha": head["sha"]}  # fmt: skip
            state.artifacts[9001] = (told | {"workflow_run": of}, held.getvalue())
        runner = self.hosted.runner()
        runner.github |= {"event_name": "workflow_run", "api_url": github.address}
        environ = {"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_API_URL": github.address}
        runner.environ |= environ
        told_event = {"action": "completed", "workflow_run": finished, "repository": state.repository()}
        (runner.temp / "event.json").write_text(json.dumps(told_event), encoding="utf-8")
        runner.contexts["github"] |= {**runner.github, "event": told_event}
        answer = runner.job(self.comment_file, "tell")
        assert answer is not None
        return answer


def made(hosted: Hosted, name: str = "perfgate") -> Pair:
    """The pair that `init --ci github` writes into the project."""
    done = subprocess.run(
        [Runner.environment / "bin" / "perfgate", "init", "--ci", "github"], cwd=hosted.project, capture_output=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = hosted.work / ".github" / "workflows"
    return Pair(hosted, folder / f"{name}.yml", folder / f"{name}-comment.yml")


def branch_runs(hosted: Hosted) -> list[str]:
    """The runs in the branch of the baseline, on the remote."""
    told = hosted.git("ls-tree", "-r", "--name-only", "refs/heads/perfgate-data", cwd=hosted.remote)
    return [name for name in told.splitlines() if "/runs/" in f"/{name}" and name.endswith(".json")]


def test_main_grows_the_baseline_and_a_pull_request_is_judged_by_it_and_told(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, RELATIVE)
    pair = made(hosted)
    for size in (500, 501):
        hosted.size(size)
        pair.land()
    assert len(branch_runs(hosted)) == 2
    refs = hosted.git("for-each-ref", cwd=hosted.remote)

    event = hosted.pull(800)
    answer, run_id = pair.gate(event)
    assert answer.code == 20, answer.log
    assert "compared with 2 runs of baselines at origin/perfgate-data" in answer.log
    # The job of the change wrote nothing, and neither the baseline's job nor anything else of it runs.
    assert pair.baseline(run_id, answer, event) is None
    assert pair.baseline(run_id, answer._replace(code=0), event) is None
    before = hosted.git("for-each-ref", cwd=hosted.remote).splitlines()
    assert [line for line in before if "refs/pull" not in line] == [
        line for line in refs.splitlines() if "refs/pull" not in line
    ]

    with serving() as github:
        told = pair.tell(github, event, run_id)
        assert told.code == 0, told.log
        (comment,) = github.comments(event["number"])
        assert "block" in comment["body"]
        assert "data.bin" in comment["body"]
        # A re-run of the same says the same, and asks for no further comment.
        assert pair.tell(github, event, run_id).code == 0
        assert len(github.comments(event["number"])) == 1


def test_a_blocked_state_of_main_never_becomes_the_baseline(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path)
    pair = made(hosted)
    hosted.size(5000)
    hosted.push()
    answer, run_id = pair.gate()
    assert answer.code == 20
    refused = pair.baseline(run_id, answer)
    assert refused is not None
    assert (refused.code, "not admitted" in refused.log) == (0, True), refused.log
    assert "perfgate-data" not in hosted.git("for-each-ref", cwd=hosted.remote)


def test_a_change_whose_measuring_failed_is_told_that_nothing_was_judged(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, RELATIVE)
    pair = made(hosted)
    hosted.push()
    event = hosted.pull(500)
    with serving() as github:
        told = pair.tell(github, event, "1999")
        assert told.code in {0, 3}, told.log
        assert "pass" not in "".join(
            each["body"].lower().partition("\n")[0] for each in github.comments(event["number"])
        )


def test_a_project_of_a_monorepo_has_a_pair_a_baseline_and_a_comment_of_its_own(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, RELATIVE, project="services/api")
    pair = made(hosted, "perfgate-services-api")
    pair.land()
    (kept,) = branch_runs(hosted)
    assert "services/api" in kept
    event = hosted.pull(800)
    answer, run_id = pair.gate(event)
    assert answer.code == 20, answer.log
    assert "compared with 1 run" in answer.log
    with serving() as github:
        told = pair.tell(github, event, run_id, "perfgate-services-api-decision")
        assert told.code == 0, told.log
        assert len(github.comments(event["number"])) == 1


OWN = ROOT / ".github" / "workflows"


def test_the_pair_of_this_repository_works_through_the_action(tmp_path: Path) -> None:
    # This repository has the directory store: the baseline's job pushes a commit to main.
    hosted = Hosted(tmp_path, RELATIVE.replace("baseline: {store: git-ref}", "baseline: {store: directory}"))
    # What its first job sets up is not there in this project; its action, jobs and rights are what is tried.
    (hosted.work / "pyproject.toml").write_text("", encoding="utf-8")
    gate = tmp_path / "perfgate.yml"
    text = (OWN / "perfgate.yml").read_text(encoding="utf-8")
    setup = "python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[test]'"
    assert setup in text
    gate.write_text(text.replace(setup, "echo set up"), encoding="utf-8")
    pair = Pair(hosted, gate, OWN / "perfgate-comment.yml")
    pair.land()
    hosted.git("pull", "-q", "origin", "main")
    event = hosted.pull(800)
    answer, run_id = pair.gate(event)
    assert answer.code == 20, answer.log
    assert "compared with 1 run" in answer.log
    with serving() as github:
        told = pair.tell(github, event, run_id)
        assert told.code == 0, told.log
        assert len(github.comments(event["number"])) == 1
