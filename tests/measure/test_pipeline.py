"""Pipelines: read from a file or asked of the code host, with the measuring job itself left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.entries import PipelineEntry
from perfgate.core.model import Capture, State
from perfgate.errors import InputError
from perfgate.measure.pipeline import capture
from perfgate.measure.surroundings import Surroundings
from tests.forge.test_github_jobs_api import serving

DONE = {"status": "completed", "conclusion": "success", "started_at": "2026-11-21T10:00:05Z", "completed_at": "2026-11-21T10:01:00Z"}  # fmt: skip
BUILD = {
    "id": 1,
    "name": "build",
    "run_id": 7,
    "run_attempt": 1,
    "created_at": "2026-11-21T10:00:00Z",
    "steps": [],
    **DONE,
}
GATE = {"id": 2, "name": "gate", "run_id": 7, "run_attempt": 1, "status": "in_progress", "runner_name": "runner 3"}
RUN = {
    "id": 7,
    "run_attempt": 1,
    "run_started_at": "2026-11-21T10:00:00Z",
    "created_at": "2026-11-20T10:00:00Z",
    "path": ".github/workflows/ci.yml",
    "status": "in_progress",
}


def captured(entry: PipelineEntry, tmp_path: Path, **environ: str) -> Capture:
    return capture(entry, Surroundings(tmp_path, tmp_path, environ), lambda _: None)


def test_a_file_of_jobs_is_read(tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(
        json.dumps({"run": RUN | {"status": "completed"}, "jobs": [BUILD]}), encoding="utf-8"
    )
    made = captured(PipelineEntry("ci", source="jobs.json"), tmp_path)
    assert str(made.measurements[0].series) == "pipeline.duration{workflow=ci.yml}"
    assert made.measurements[0].values == (60.0,)
    assert made.measurements[0].origin == "jobs.json"


def test_the_current_run_is_asked_for_and_its_measuring_job_left_out(tmp_path: Path) -> None:
    with serving() as host:
        host.answers["/repos/o/n/actions/runs/7"] = [(200, {}, RUN)]
        answer: dict[str, Any] = {"total_count": 2, "jobs": [BUILD, GATE]}
        host.answers["/repos/o/n/actions/runs/7/attempts/1/jobs?per_page=100&page=1"] = [(200, {}, answer)]
        environ = {"GITHUB_API_URL": host.address, "GITHUB_REPOSITORY": "o/n", "GITHUB_RUN_ID": "7"}
        entry = PipelineEntry("ci", run_id="current")
        own = captured(entry, tmp_path, **environ, RUNNER_NAME="runner 3")
        other = captured(entry, tmp_path, **environ, RUNNER_NAME="runner 4")
    assert (own.measurements[0].state, own.measurements[0].values) == (State.MEASURED, (60.0,))
    assert other.measurements[0].state is State.LOWER_BOUND


def test_the_current_run_outside_of_actions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="current"):
        captured(PipelineEntry("ci", run_id="current"), tmp_path)


@pytest.mark.parametrize(
    "data",
    [None, b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"jobs": NaN}', b'{"jobs": [], "jobs": []}', b"[]", b"null"],
)
def test_a_file_that_is_no_list_of_jobs_is_an_error_with_its_name(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "jobs.json").write_bytes(data)
    with pytest.raises(InputError) as caught:
        captured(PipelineEntry("ci", source="jobs.json"), tmp_path)
    assert caught.value.where.startswith("jobs.json")
