"""The trusted job after a stranger's workflow, as a whole program against a played GitHub: what it judges by, and whom it tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfgate.cli.rejudge import nothing_to_do
from perfgate.core.model import State
from perfgate.forge.github_pulls import FinishedRun, Home
from tests.cli.program import ENVIRON, Program
from tests.cli.strangers import RUN_ID, SIZE, Ground, Stranger, honest, parse_time
from tests.core.making import measured
from tests.forge.github_service import Service


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def stranger(ground: Ground, github: Service, tmp_path: Path) -> Stranger:
    return Stranger(ground, github, tmp_path)


def test_an_honest_change_passes_and_its_numbers_are_called_claims(stranger: Stranger) -> None:
    stranger.upload()
    ended = stranger.rejudge()
    assert ended.code == 0, ended.err
    decision = stranger.decision
    assert decision["level"] == "pass"
    assert decision["circumstances"]["context"]["pull_request"] == 7
    assert "reported by the change's own code" in stranger.comment
    assert "remain claims" in stranger.comment
    # The token goes to the API, and to no other host.
    assert stranger.github.elsewhere
    assert all("authorization" not in each.headers for each in stranger.github.elsewhere)


def test_a_breach_blocks_with_the_exit_code_of_gate(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    ended = stranger.rejudge()
    assert ended.code == 20
    assert "block" in (stranger.folder / "output.txt").read_text("utf-8")
    assert "150 B" in (stranger.folder / "summary.md").read_text("utf-8")
    assert stranger.rejudge("--fail-on", "never").code == 0


def test_a_breach_is_told_to_the_pull_request_once_and_resolved_when_it_is_over(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    assert stranger.rejudge("--check", "perf").code == 20
    assert stranger.rejudge("--check", "perf").code == 20
    (comment,) = stranger.github.comments(7)
    assert "150 B" in comment["body"]
    assert "reported by the change's own code" in comment["body"]
    assert f"run={RUN_ID} attempt=1 level=block" in comment["body"].partition("\n")[0]
    (check,) = stranger.github.state.checks
    assert (check["name"], check["head_sha"], check["conclusion"]) == ("perf", stranger.ground.head, "failure")
    stranger.github.state.artifacts.clear()
    stranger.finished["run_attempt"] = 2
    stranger.jobs = [job | {"run_attempt": 2} for job in stranger.jobs]
    stranger.upload()
    assert stranger.rejudge("--check", "perf").code == 0
    (comment,) = stranger.github.comments(7)
    assert "level=pass" in comment["body"].partition("\n")[0]
    assert stranger.github.state.checks[-1]["conclusion"] == "success"


def test_where_nothing_could_be_judged_the_check_asks_for_somebody(stranger: Stranger) -> None:
    assert stranger.rejudge("--check", "perf", "--comment", "always").code == 3
    (check,) = stranger.github.state.checks
    assert check["conclusion"] == "action_required"
    assert "nothing could be judged" in stranger.github.comments(7)[0]["body"]


def test_a_token_that_may_not_write_leaves_the_verdict_as_it_is(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    ended = stranger.rejudge("--check", "perf", GITHUB_TOKEN="fork-token")
    assert ended.code == 20
    assert "the verdict is the same" in ended.err


def test_comments_and_checks_can_be_switched_off(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    assert stranger.rejudge("--comment", "off").code == 20
    assert not stranger.github.writes
    assert stranger.rejudge("--check", "x\n::error::").code == 2


def test_the_trusted_job_never_admits_what_it_judged(stranger: Stranger) -> None:
    stranger.upload()
    stranger.rejudge()
    assert not stranger.ground.clone.git("status", "--porcelain")


def test_times_of_the_pipeline_are_githubs_own(stranger: Stranger) -> None:
    forged = measured("pipeline.duration{workflow=perfgate.yml}", 1.0, conditions=(("job set", "1 jobs x"),))
    stranger.jobs[0] = stranger.job(1, "build", "11:00:05", "11:25:00")
    stranger.upload(None, stranger.ground.run(*honest(), forged))
    ended = stranger.rejudge()
    assert ended.code == 20
    assert "25 min is over the limit of 10 min" in stranger.comment
    assert "from GitHub's own record" in stranger.comment


def test_the_job_that_reported_is_left_out_of_the_pipelines_time_and_its_failure_is_no_failure_of_the_others(
    stranger: Stranger,
) -> None:
    stranger.jobs[1] = stranger.job(2, "perfgate", "11:02:05", "11:04:00", conclusion="failure")
    stranger.finished["conclusion"] = "failure"
    stranger.upload()
    assert stranger.rejudge().code == 0
    assert "2 min is within the limit" in stranger.comment


def test_what_github_does_not_record_stays_a_claim_and_is_said_to(stranger: Stranger) -> None:
    other = measured("pipeline.duration{workflow=other.yml}", 1.0)
    stranger.upload(None, stranger.ground.run(*honest(), other))
    stranger.rejudge()
    assert "GitHub's record of this run does not tell pipeline.duration{workflow=other.yml}" in stranger.caveats


def test_a_series_that_the_claims_lack_is_missing_as_ever(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(measured(SIZE, 100.0)))
    assert stranger.rejudge().code == 20
    assert "bench.time" in stranger.comment


def test_a_measured_command_that_failed_left_nothing_and_that_is_no_pass(stranger: Stranger) -> None:
    stranger.finished["conclusion"] = "failure"
    ended = stranger.rejudge()
    assert ended.code == 3
    assert "nothing could be judged" in stranger.comment
    assert "pass" not in stranger.comment.splitlines()[1]


def test_runs_of_two_commits_are_not_judged_as_one(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(), stranger.ground.run(tested="ab" * 20))
    ended = stranger.rejudge()
    assert ended.code == 2
    assert "the runs are of different commits" in ended.err


def test_an_empty_run_is_no_pass(stranger: Stranger) -> None:
    run = stranger.ground.run()
    stranger.finished["path"] = ".github/workflows/other.yml"
    stranger.upload(None, run._replace(measurements=()))
    assert stranger.rejudge().code == 3


def test_an_artifact_that_is_no_decision_is_refused_and_said(stranger: Stranger) -> None:
    stranger.upload(b"no zip at all")
    ended = stranger.rejudge()
    assert ended.code == 2
    assert "not a sound zip" in stranger.comment


def test_a_base_branch_without_budgets_never_falls_back_to_the_changes_own(stranger: Stranger, tmp_path: Path) -> None:
    bare = Program(tmp_path / "bare")
    bare.commit("nothing to judge by")
    clone = Program(tmp_path / "clone", git=False)
    clone.git("clone", "-q", str(bare.root), ".")
    stranger.upload()
    ended = stranger.rejudge(cwd=clone.root)
    assert ended.code == 3
    assert "to judge by" in ended.err


def test_a_run_that_is_of_no_pull_request_or_was_stopped_by_somebody_is_left_alone() -> None:
    run, home = FinishedRun(RUN_ID, 1, "ab" * 20, "pull_request", "completed", "success", repository=1), Home(1, "main")
    assert nothing_to_do(run, home) == ""
    assert nothing_to_do(run._replace(conclusion="failure"), home) == ""
    for event in ("push", "schedule", "workflow_dispatch", "pull_request_target"):
        assert event in nothing_to_do(run._replace(event=event), home)
    for conclusion in ("cancelled", "skipped", "action_required"):
        assert conclusion in nothing_to_do(run._replace(conclusion=conclusion), home)


def test_what_is_left_alone_is_said_and_leaves_no_decision(stranger: Stranger) -> None:
    stranger.finished["event"] = "push"
    ended = stranger.rejudge()
    assert (ended.code, stranger.out.exists()) == (0, False)
    assert "nothing to judge" in ended.err


def test_a_run_that_has_not_finished_or_is_elsewhere_is_an_error(stranger: Stranger) -> None:
    stranger.finished["status"] = "in_progress"
    assert stranger.rejudge().code == 2
    stranger.finished |= {"status": "completed", "repository": stranger.theirs}
    assert stranger.rejudge().code == 2


def test_a_merge_group_is_judged_against_its_own_target_and_tells_no_pull_request(stranger: Stranger) -> None:
    branch = f"gh-readonly-queue/release/pr-7-{'ab' * 20}"
    stranger.finished |= {
        "event": "merge_group",
        "head_branch": branch,
        "head_repository": stranger.finished["repository"],
    }
    told = stranger.upload()
    told["workflow_run"]["head_repository_id"] = 1
    ended = stranger.rejudge("--comment", "always", "--check", "perf")
    assert ended.code == 0, ended.err
    assert "the pull request is not told" in ended.err
    assert "origin/release" in stranger.comment
    assert stranger.github.wrote == ["POST check-runs", "PATCH check-runs"]


def test_a_person_can_repeat_it_by_the_runs_number(stranger: Stranger) -> None:
    stranger.upload()
    ended = stranger.rejudge("--run", str(RUN_ID), GITHUB_EVENT_NAME="", GITHUB_ACTIONS="")
    assert ended.code == 0, ended.err
    assert stranger.decision["circumstances"]["context"]["ci_run"] == str(RUN_ID)
    assert stranger.rejudge("--run", "5", GITHUB_EVENT_NAME="").code == 2
    assert stranger.rejudge("--run", "x; ls", GITHUB_EVENT_NAME="").code == 2


def test_without_a_finished_run_there_is_nothing_to_go_by(stranger: Stranger) -> None:
    assert stranger.rejudge(GITHUB_EVENT_NAME="push").code == 2


def test_the_base_that_was_tested_is_believed_where_it_can_be(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(base=stranger.ground.tip))
    stranger.rejudge()
    assert stranger.decision["circumstances"]["context"]["base"] == stranger.ground.tip
    assert "the change says it started" not in stranger.caveats


def test_where_nobody_tells_where_the_change_began_nothing_is_compared(stranger: Stranger) -> None:
    stranger.github.state.merge_bases.clear()
    stranger.upload(None, stranger.ground.run(*honest(size=115.0)))
    ended = stranger.rejudge()
    assert ended.code == 0, ended.err
    assert "neither GitHub nor this clone tells" in stranger.comment
    assert stranger.decision["circumstances"]["context"].get("base", "") == ""


def test_a_justification_in_the_changes_commits_counts_as_ever(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=107.0)))
    assert stranger.rejudge().code == 10
    stranger.change(messages=["one", f"two\n\nPerf-Justification: {SIZE} - a new feature"])
    assert stranger.rejudge().code == 0
    assert "a new feature" in stranger.comment


def test_a_change_of_more_commits_and_paths_than_github_lists_is_said(stranger: Stranger) -> None:
    stranger.change(messages=["m"] * 250, paths=[f"f{at}" for at in range(300)], total_commits=400)
    stranger.upload()
    assert stranger.rejudge().code == 0
    assert "only 250 of the change's 400 commits" in stranger.caveats
    assert "more paths than GitHub lists" in stranger.caveats


def test_a_baseline_in_a_branch_of_its_own_is_read_from_there(
    github: Service, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ground = Ground(tmp_path_factory.mktemp("git-ref"), store="git-ref")
    stranger = Stranger(ground, github, tmp_path)
    stranger.upload(None, ground.run(*honest(size=115.0)))
    ended = stranger.rejudge()
    assert ended.code == 20, ended.err
    assert "compared with 3 runs" in ended.out
    assert "perfgate-data" in ended.out


def test_another_machine_class_is_compared_with_nothing_and_that_is_told(stranger: Stranger) -> None:
    run = stranger.ground.run(*honest(seconds=0.09))
    machine = run.context.machine._replace(cpu_model="something slow", runner="their own")
    stranger.upload(None, stranger.ground.run(*honest(seconds=0.09), machine=machine))
    stranger.rejudge()
    assert "not comparable with the baseline" in stranger.comment
    assert "remain claims; GitHub's record names runners with the labels ubuntu-latest" in stranger.comment


def test_an_unknown_value_stays_unknown(stranger: Stranger) -> None:
    unknown = measured(SIZE, state=State.UNKNOWN, reason="no wheel was built")
    stranger.upload(None, stranger.ground.run(unknown, parse_time(0.05)))
    stranger.rejudge()
    verdicts = [each for each in stranger.decision["verdicts"] if each["series"].startswith("size.bytes")]
    assert {each["level"] for each in verdicts} == {"inconclusive"}


def test_the_numbers_of_a_shared_event_are_read_as_github_writes_them(shared_data: Path) -> None:
    from perfgate.forge import github_pulls

    for path in sorted((shared_data / "ci/webhooks").glob("workflow_run.completed.*.json")):
        event = json.loads(path.read_bytes())
        run, home = github_pulls.of_event({"GITHUB_EVENT_PATH": str(path)})
        assert (run.id, run.head) == (event["workflow_run"]["id"], event["workflow_run"]["head_sha"])
        assert home.id == event["repository"]["id"]
        assert run.workflow.endswith((".yml", ".yaml")) or not event["workflow_run"].get("path")


def test_a_job_without_the_right_to_read_artifacts_fails_and_says_what_it_needs(stranger: Stranger) -> None:
    stranger.github.fault("GET", "/artifacts", 403, times=5)
    stranger.upload()
    ended = stranger.rejudge()
    assert ended.code == 1
    assert "permission" in ended.err
    assert ENVIRON.get("GITHUB_TOKEN", "job-token") not in ended.err
