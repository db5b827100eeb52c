"""One attempt of a pipeline: its wall time from its own jobs, and what each job waited for."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters.github_jobs import read
from perfgate.core.model import Capture, State
from perfgate.errors import InputError


def job(name: str, created: int, started: int, ended: int, **changes: Any) -> dict[str, Any]:
    """A finished job whose only step begins two seconds after the job; times are seconds of one minute."""

    def at(second: int) -> str:
        return f"2026-11-21T10:{second // 60:02d}:{second % 60:02d}Z"

    return {
        "name": name, "run_attempt": 1, "status": "completed", "conclusion": "success", "labels": ["ubuntu-24.04"], "workflow_name": "CI",
        "created_at": at(created), "started_at": at(started), "completed_at": at(ended),
        "steps": [{"name": "work", "conclusion": "success", "started_at": at(started + 2), "completed_at": at(ended)}],
    } | changes  # fmt: skip


def value(made: Capture, series: str) -> float:
    (found,) = [each for each in made.measurements if str(each.series) == series]
    assert found.state is State.MEASURED, found.reason
    return float(found.values[0])


def test_wall_execution_and_queue_of_an_attempt() -> None:
    made = read({"jobs": [job("build", 0, 10, 60), job("test", 60, 65, 100)]}, "jobs.json")
    assert value(made, "pipeline.duration{workflow=CI}") == 100
    assert value(made, "pipeline.execution{workflow=CI}") == (60 - 12) + (100 - 67)
    assert value(made, "pipeline.queue{workflow=CI}") == 10
    assert value(made, "job.duration{job=test,workflow=CI}") == 35
    assert made.details["jobs"][0]["provision_s"] == 2


def test_steps_and_jobs_that_overlap_are_not_added() -> None:
    made = read([job("a", 0, 0, 50), job("b", 0, 0, 50)], "jobs.json")
    assert value(made, "pipeline.execution{workflow=CI}") == 48


def test_a_rerun_leaves_out_the_jobs_that_were_not_run_again() -> None:
    old, new = job("a", 0, 0, 50), job("b", 200, 205, 230, run_attempt=2)
    run = {
        "run_attempt": 2,
        "run_started_at": "2026-11-21T10:03:20Z",
        "path": ".github/workflows/ci.yml@main",
        "created_at": "2026-11-21T10:00:00Z",
    }
    made = read({"run": run, "jobs": [{**old, "run_attempt": 2}, new]}, "jobs.json")
    assert value(made, "pipeline.duration{workflow=ci.yml}") == 30
    assert len(made.details["jobs"]) == 1


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", None])
def test_an_attempt_that_did_not_succeed_is_not_a_fast_one(conclusion: str | None) -> None:
    made = read([job("a", 0, 1, 2), job("b", 0, 1, 2, conclusion=conclusion)], "jobs.json")
    assert {each.state for each in made.measurements} == {State.UNKNOWN}


def test_skipped_and_unfinished_jobs_are_left_out_and_the_latter_told() -> None:
    running = job("gate", 100, 101, 102, status="in_progress", completed_at=None, conclusion=None)
    made = read([job("a", 0, 1, 20), job("b", 0, 500, 501, conclusion="skipped"), running], "jobs.json")
    assert value(made, "pipeline.duration{workflow=CI}") == 20
    assert "gate" in made.caveats[0].message


def test_a_host_that_does_not_tell_creation_leaves_the_queue_unknown() -> None:
    bare = {key: each for key, each in job("a", 0, 5, 20).items() if key != "created_at"}
    (queue,) = [each for each in read([bare], "jobs.json").measurements if each.series.metric == "pipeline.queue"]
    assert queue.state is State.UNKNOWN


def test_another_set_of_jobs_or_runners_is_another_condition() -> None:
    one, two = read([job("a", 0, 1, 2)], "x"), read([job("a", 0, 1, 2), job("b", 0, 1, 2)], "x")
    assert one.measurements[0].conditions != two.measurements[0].conditions
    other = read([job("a", 0, 1, 2, labels=["macos-15"])], "x")
    assert dict(other.measurements[0].conditions)["runner labels"] == "macos-15"


def test_clocks_that_disagree_by_a_second_give_no_negative_time() -> None:
    made = read([job("a", 5, 3, 20)], "jobs.json")
    assert value(made, "pipeline.queue{workflow=CI}") == 0


@pytest.mark.parametrize(
    ("value_given", "told"),
    [
        ({}, "not a list of jobs"),
        ([], "empty"),
        ([1], "not a list of jobs"),
        ({"jobs": [{}]}, "missing in a job"),
        ({"jobs": [job("a", 0, 1, 2)], "total_count": 31}, "1 of 31"),
        ([job("a", 0, 1, 2, started_at="yesterday")], "not a time"),
        ([job("a", 0, 1, 2, started_at="2026-11-21T10:00:00")], "not a time"),
        ([job("a", 0, 1, 2, started_at=5)], "not a time"),
        ([job("a", 0, 1, 2) | {"name": None}], "name"),
        ([job("a", 0, 1, 2, status="queued")], "no job of attempt 1"),
    ],
)
def test_what_is_no_finished_list_of_jobs_is_refused(value_given: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read(copy.deepcopy(value_given), "jobs.json")


def test_totals_of_real_answers_are_those_that_other_code_finds(shared_data: Path) -> None:
    def moment(text: str) -> float:
        return datetime.fromisoformat(text).timestamp()

    jobs = json.loads((shared_data / "ci" / "runs" / "workflow_job.json").read_text(encoding="utf-8"))
    run = json.loads((shared_data / "ci" / "runs" / "workflow.json").read_text(encoding="utf-8"))
    same = [each for each in jobs if each["run_id"] == run["id"]] or jobs
    made = read(jobs, "workflow_job.json")
    (found,) = [each for each in made.measurements if each.series.metric == "pipeline.duration"]
    assert found.values[0] == max(moment(each["completed_at"]) for each in same) - min(
        moment(each["created_at"]) for each in same
    )
    answer = json.loads(
        (
            shared_data
            / "ci"
            / "openapi"
            / "repos__owner__repo__actions__runs__run_id__attempts__attempt_number__jobs.default.json"
        ).read_text(encoding="utf-8")
    )
    (only,) = answer["jobs"]
    assert value(read(answer, "x"), "job.duration{job=build,workflow=CI}") == moment(only["completed_at"]) - moment(
        only["started_at"]
    )
