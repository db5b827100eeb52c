"""One attempt of a pipeline: its wall time from its own jobs, and what each job waited for."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.github_jobs import read
from perfgate.core.model import Capture, Context, Measurement, Run, State
from perfgate.errors import InputError, PerfgateError
from perfgate.formats import run as run_format


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


def of(made: Capture, series: str) -> Measurement:
    (found,) = [each for each in made.measurements if str(each.series) == series]
    return found


def reloaded(made: Capture) -> Run:
    """The capture as a run file keeps it: what cannot be written or read again was not fit to be measured."""
    return run_format.load(run_format.dump(Run(Context(), made.measurements, made.details, made.caveats)), "run.json")


RUNNING: dict[str, Any] = {"status": "in_progress", "completed_at": None, "conclusion": None}


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


def test_jobs_that_failed_before_they_had_a_runner_fail_the_attempt_too() -> None:
    cancelled = job("b", 0, 1, 2, started_at=None, conclusion="cancelled")
    assert of(read([job("a", 0, 1, 2), cancelled], "x"), "pipeline.duration{workflow=CI}").state is State.UNKNOWN


def test_the_run_decides_whether_the_attempt_succeeded() -> None:
    run = {"run_attempt": 1, "run_started_at": "2026-11-21T10:00:00Z", "status": "completed"}
    cancelled = read({"run": run | {"conclusion": "cancelled"}, "jobs": [job("a", 0, 1, 2)]}, "x")
    assert "cancelled" in of(cancelled, "pipeline.duration{workflow=CI}").reason
    tolerated = {
        "run": run | {"conclusion": "success"},
        "jobs": [job("a", 0, 1, 9), job("b", 0, 1, 5, conclusion="failure")],
    }
    made = read(tolerated, "x")
    assert value(made, "pipeline.duration{workflow=CI}") == 9
    assert of(made, "job.duration{job=b,workflow=CI}").state is State.UNKNOWN


def test_skipped_jobs_are_left_out() -> None:
    made = read([job("a", 0, 1, 20), job("b", 0, 500, 501, conclusion="skipped")], "jobs.json")
    assert value(made, "pipeline.duration{workflow=CI}") == 20
    assert not made.caveats


def test_the_job_that_measures_is_left_out_while_it_runs() -> None:
    gate = job("gate", 20, 21, 22, run_id=7, runner_name="runner 3", **RUNNING)
    made = read([job("a", 0, 1, 20), gate], "jobs.json", own=("7", "runner 3"))
    assert value(made, "pipeline.duration{workflow=CI}") == 20
    assert "gate" in made.caveats[0].message


@pytest.mark.parametrize("own", [("", ""), ("8", "runner 3"), ("7", "runner 4")])
def test_other_unfinished_jobs_make_the_times_of_the_pipeline_lower_bounds(own: tuple[str, str]) -> None:
    slow = job("slow", 0, 1, 22, run_id=7, runner_name="runner 3", **RUNNING)
    made = read([job("a", 0, 1, 20), slow], "jobs.json", own=own)
    found = of(made, "pipeline.duration{workflow=CI}")
    assert (found.state, found.values) == (State.LOWER_BOUND, (20.0,))
    assert "slow" in found.reason
    assert of(made, "job.duration{job=a,workflow=CI}").state is State.MEASURED


def test_a_run_that_goes_on_may_have_more_jobs_to_come() -> None:
    run = {"run_attempt": 1, "run_started_at": "2026-11-21T10:00:00Z", "status": "in_progress", "conclusion": None}
    made = read({"run": run, "jobs": [job("a", 0, 1, 20)]}, "jobs.json")
    assert of(made, "pipeline.duration{workflow=CI}").state is State.LOWER_BOUND


def test_a_later_attempt_without_its_run_cannot_tell_which_jobs_are_its_own() -> None:
    made = read([job("old", 0, 1, 20, run_attempt=2), job("new", 500, 501, 520, run_attempt=2)], "jobs.json")
    found = of(made, "pipeline.duration{workflow=CI}")
    assert found.state is State.UNKNOWN
    assert "--run" in found.reason
    assert value(made, "job.duration{job=new,workflow=CI}") == 19


def test_the_newest_attempt_is_read_unless_another_is_named() -> None:
    jobs = [job("a", 0, 1, 20), job("a", 100, 101, 150, run_attempt=2)]
    run = {"run_attempt": 2, "run_started_at": "2026-11-21T10:01:40Z"}
    assert value(read({"run": run, "jobs": jobs}, "x"), "pipeline.duration{workflow=CI}") == 50
    assert value(read({"run": run, "jobs": jobs}, "x", attempt=1), "pipeline.duration{workflow=CI}") == 20


def test_pages_and_whole_answers_may_be_saved_as_they_come() -> None:
    first, second = ({"total_count": 2, "jobs": [job(name, 0, 1, 20)]} for name in "ab")
    for saved in ([first, second], {"jobs": {"total_count": 2, "jobs": [*first["jobs"], *second["jobs"]]}}):  # type: ignore[misc]
        assert len(read(saved, "jobs.json").details["jobs"]) == 2


def test_jobs_of_one_name_are_told_apart() -> None:
    made = read([job("t", 0, 1, 2), job("t", 0, 1, 3), job("t (2)", 0, 1, 4), job("x" * 500, 0, 1, 2)], "jobs.json")
    assert len({str(each.series) for each in reloaded(made).measurements}) == 3 + 4


@pytest.mark.parametrize("name", ["name", "conclusion", "workflow_name", "labels"])
def test_text_that_no_file_can_hold_is_mended(name: str) -> None:
    half: Any = ["\ud800"] if name == "labels" else "\ud800"
    reloaded(read([job("a", 0, 1, 2) | {name: half}], "jobs.json"))


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
    assert not made.caveats


def test_times_that_contradict_each_other_are_unknown_and_not_nothing() -> None:
    queued = read([job("a", 50, 3, 20)], "jobs.json")
    assert of(queued, "pipeline.queue{workflow=CI}").state is State.UNKNOWN
    assert value(queued, "job.duration{job=a,workflow=CI}") == 17
    ended = read([job("a", 0, 30, 20), job("b", 0, 1, 25)], "jobs.json")
    assert of(ended, "job.duration{job=a,workflow=CI}").state is State.UNKNOWN
    assert of(ended, "pipeline.duration{workflow=CI}").state is State.UNKNOWN
    assert [each.code for each in (*queued.caveats, *ended.caveats)] == ["clock skew", "clock skew"]


def test_execution_is_unknown_where_a_job_tells_no_steps() -> None:
    made = read([job("a", 0, 1, 20), job("b", 0, 1, 20, steps=[])], "jobs.json")
    assert of(made, "pipeline.execution{workflow=CI}").state is State.UNKNOWN


def test_offsets_of_times_are_understood() -> None:
    tokyo = job("a", 0, 1, 20, started_at="2026-11-21T19:00:01+09:00", completed_at="2026-11-21T19:00:20.000+09:00")
    assert value(read([tokyo], "jobs.json"), "job.duration{job=a,workflow=CI}") == 19


@given(st.permutations([("a", 0, 5, 50), ("b", 3, 9, 30), ("c", 60, 61, 90), ("d", 60, 65, 70)]), st.integers(0, 600))
@settings(deadline=None, max_examples=25)
def test_neither_order_nor_the_time_of_day_matters(jobs: list[tuple[str, int, int, int]], later: int) -> None:
    moved = read([job(name, at + later, start + later, end + later) for name, at, start, end in jobs], "x")
    found = {str(each.series): (each.values, each.conditions) for each in moved.measurements}
    still = read([job("a", 0, 5, 50), job("b", 3, 9, 30), job("c", 60, 61, 90), job("d", 60, 65, 70)], "x")
    assert found == {str(each.series): (each.values, each.conditions) for each in still.measurements}
    wall, execution = (value(moved, f"pipeline.{name}{{workflow=CI}}") for name in ("duration", "execution"))
    assert execution <= wall == 90


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["completed", "2026-11-21T10:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["jobs", "name", "run"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(job("a", 0, 1, 2))), VALUES, max_size=4), VALUES)
@settings(deadline=None, max_examples=150)
def test_any_other_values_give_a_run_that_can_be_kept_or_an_error_of_ours(changes: dict[str, Any], run: Any) -> None:
    try:
        reloaded(read({"run": run, "jobs": [job("a", 0, 1, 2), job("b", 0, 1, 2) | changes]}, "jobs.json"))
    except PerfgateError as error:
        assert error.where


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
