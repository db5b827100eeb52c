"""Pipelines: the times of one attempt, from a file of jobs or from the code host."""

from __future__ import annotations

from collections.abc import Callable

from perfgate.adapters import github_jobs
from perfgate.core.entries import PipelineEntry
from perfgate.core.model import Capture
from perfgate.errors import InputError
from perfgate.formats import strict_json
from perfgate.measure.surroundings import Surroundings


def capture(entry: PipelineEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Wall, execution and queue time of one attempt and the time of its jobs; raises what reading or asking raises."""
    environ = surroundings.environ
    own = (environ.get("GITHUB_RUN_ID", ""), environ.get("RUNNER_NAME", ""))
    if entry.source:
        path = surroundings.root / entry.source
        value = strict_json.read(path, shown=entry.source)
        return github_jobs.read(value, entry.source, workflow=entry.workflow, attempt=entry.attempt, own=own)
    from perfgate.forge.github_jobs_api import fetch

    run_id = entry.run_id
    if run_id == "current":
        run_id = own[0]
        if not run_id:
            raise InputError(
                '"current" means the run of GitHub Actions that this is part of, and this is not one',
                remedy="name a run's id",
            )
    progress(f"asking GitHub for run {run_id}")
    value = fetch(environ, entry.repository, run_id, entry.attempt)
    return github_jobs.read(value, f"run {run_id}", workflow=entry.workflow, attempt=entry.attempt, own=own)
