"""The jobs that a decision keeps: of the pipelines that are over their budgets, and of no others."""

from __future__ import annotations

from typing import Any

import pytest

from perfgate.core.model import Run, Series
from perfgate.core.timeline import MOST_JOBS, timelines_of
from perfgate.errors import InputError
from perfgate.formats import decision as decision_format
from perfgate.formats import schema, strict_json
from tests.core.making import run
from tests.render import decisions

SLOW = (Series.parse("pipeline.duration{workflow=ci.yml}"),)


def of(*rows: Any, number: int = 0) -> Run:
    return run(number=number)._replace(details={"jobs": rows})


def row(name: object, start: object = 0.0, execution: object = 1.0, workflow: str = "ci.yml", **more: object) -> object:
    return {"workflow": workflow, "job": name, "offset_s": start, "execution_s": execution, **more}


def test_only_pipelines_that_are_at_warn_or_block_are_kept() -> None:
    rows = (row("a"), row("b", workflow="release.yml"))
    (timeline,) = timelines_of([of(*rows)], SLOW)
    assert (timeline.workflow, [job.name for job in timeline.jobs]) == ("ci.yml", ["a"])
    assert timelines_of([of(*rows)], (Series.parse("tests.duration{workflow=ci.yml}"),)) == ()
    assert timelines_of([of(*rows)], ()) == ()
    assert decisions.blocking().timelines == ()


def test_of_several_runs_the_newest_that_has_jobs_counts() -> None:
    (timeline,) = timelines_of([of(row("new"), number=9), of(row("earlier"), number=3), run(number=12)], SLOW)
    assert [job.name for job in timeline.jobs] == ["new"]


def test_the_longest_jobs_are_kept_in_the_order_of_their_start_and_the_rest_is_counted() -> None:
    (timeline,) = timelines_of([of(*(row(f"job {n}", 1000.0 - n, float(n)) for n in range(100)))], SLOW)
    assert len(timeline.jobs) == MOST_JOBS
    assert timeline.left_out == 60
    assert [job.name for job in timeline.jobs] == [f"job {n}" for n in range(99, 59, -1)]


@pytest.mark.parametrize(
    "bad",
    [
        row(None),
        row("a", None),
        row("a", -1.0),
        row("a", True),
        row("a", "0"),
        row("a", float("inf")),
        row("a", 1e300),
        {"job": "a"},
    ],
)
def test_a_row_that_tells_no_job_or_no_start_is_left_out(bad: object) -> None:
    (timeline,) = timelines_of([of(bad, row("good", 5.0, "long", queue_s=-3.0, provision_s=2.0))], SLOW)
    (job,) = timeline.jobs
    assert (job.name, job.start, job.queue, job.provision, job.execution, job.length) == ("good", 5.0, None, 2.0, None, None)  # fmt: skip


def test_a_decision_file_holds_the_timelines_and_refuses_times_that_no_job_takes() -> None:
    made = decisions.pipeline()
    data = decision_format.dump(made)
    value = strict_json.loads(data, "decision.json")
    schema.check("decision", value, "decision.json")
    assert decision_format.load(data, "decision.json").timelines == made.timelines
    assert len(made.timelines[0].jobs) == 7
    for time in (-1.0, 1e9):
        value["timelines"][0]["jobs"][0]["start"] = time
        with pytest.raises(InputError, match=r"timelines\[0\]\.jobs\[0\]\.start"):
            decision_format.load(strict_json.dumps(value), "decision.json")
