"""The jobs of a GitHub Actions run attempt, as the REST API lists them: wall time, and for each job queue, provision and execution.

A job's `started_at` is when a runner took it, not when its steps began; the time between is provisioning. The run's `created_at`
belongs to the first attempt and is never used. What the API does not tell, or tells against itself, is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from perfgate.adapters.labels import label, plain_text
from perfgate.adapters.pipeline_times import GOOD, RESOLUTION, Attempt, Job, contradictions, measured, rows, told
from perfgate.core.model import Capture, Caveat
from perfgate.errors import InputError

_MOST_JOBS, _MOST_STEPS = 10_000, 10_000


def read(value: Any, where: str, *, workflow: str = "", attempt: int = 0, own: tuple[str, str] = ("", "")) -> Capture:
    """The measurements of one attempt from `{total_count, jobs}`, a list of jobs or of such pages, or `{run, jobs}`.

    `attempt` 0 is the newest one. `own` is the run and the runner of the job that measures, which is not counted while it runs.
    Raises InputError for anything else. An attempt that failed or was cancelled gives unknown measurements: a pipeline that
    stopped early is not a fast one. One that has unfinished jobs gives lower bounds.
    """
    run, listed = _parts(value, where)
    caveats: list[Caveat] = []
    one = _attempt(run, listed, where, workflow, attempt, own, caveats)
    caveats += contradictions(one.jobs)
    return Capture(tuple(measured(one, where)), {"jobs": rows(one)}, tuple(caveats))


# --- reading ----------------------------------------------------------------------------------------------------------


def _parts(value: Any, where: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The run (or nothing) and all of its jobs."""
    run: Any = {}
    if isinstance(value, dict):
        run = value.get("run") or value.get("workflow_run") or {}
        pages = [value]
    else:
        pages = value if isinstance(value, list) and value and _is_page(value[0]) else [{"jobs": value}]
    jobs: list[Any] = []
    total = 0
    for outer in pages:
        # {run, jobs} may hold the API's whole answer as its jobs.
        page = outer["jobs"] if _is_page(outer) and isinstance(outer["jobs"], dict) else outer
        if not (_is_page(page) and isinstance(page["jobs"], list)):
            raise _no_jobs(where)
        jobs += page["jobs"]
        total = max(total, _whole(page.get("total_count"), 0))
    if not all(isinstance(job, dict) for job in jobs) or not isinstance(run, dict):
        raise _no_jobs(where)
    if len(jobs) > _MOST_JOBS:
        raise InputError(f"more than {_MOST_JOBS:,} jobs are not read", where=where)
    if not jobs:
        raise InputError("the list of jobs is empty", where=where, remedy="check the id of the run and the attempt")
    if total > len(jobs):
        raise InputError(
            f"the file holds {len(jobs)} of {total} jobs",
            where=where,
            remedy="ask for all pages (per_page=100), or let perfgate ask: --run ID",
        )
    return run, jobs


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and "jobs" in value


def _no_jobs(where: str) -> InputError:
    return InputError(
        "this is not a list of jobs of GitHub Actions",
        where=where,
        remedy="save the answer of GET /repos/OWNER/REPO/actions/runs/ID/attempts/N/jobs, or let perfgate ask: --run ID",
    )


def _attempt(
    run: Mapping[str, Any],
    listed: Sequence[Mapping[str, Any]],
    where: str,
    workflow: str,
    attempt: int,
    own: tuple[str, str],
    caveats: list[Caveat],
) -> Attempt:
    """The jobs that really ran in the attempt, by names of their own, and how it ended."""
    chosen = attempt or max(_whole(job.get("run_attempt"), 1) for job in listed)
    if _whole(run.get("run_attempt"), chosen) != chosen:
        run = {}
    begun = _time(run.get("run_started_at"), where)
    found: dict[str, Job] = {}
    namesakes: dict[str, int] = {}
    bad: set[str] = set()
    left: dict[str, list[str]] = {"running": [], "own": [], "carried": [], "timeless": []}
    for position, job in enumerate(listed):
        place = f"{where}, $.jobs[{position}]"
        conclusion = plain_text(job.get("conclusion"))
        if _whole(job.get("run_attempt"), chosen) != chosen or conclusion == "skipped":
            continue
        name = label(_text(job, "name", place), caveats) or "unnamed"
        if job.get("status") != "completed":
            left["own" if _is_own(job, own) else "running"].append(name)
            continue
        started, ended = _time(job.get("started_at"), place), _time(job.get("completed_at"), place)
        # A re-run lists the jobs that were not run again, with their old times.
        if begun is not None and started is not None and started < begun - RESOLUTION:
            left["carried"].append(name)
            continue
        if conclusion not in GOOD:
            bad.add(conclusion[:60] or "no conclusion")
        if started is None or ended is None:
            left["timeless"].append(name)
            continue
        name = _unlike(name, found, namesakes)
        found[name] = _job(job, name, conclusion, started, ended, place)
    caveats += _left_out(left)
    if not found:
        raise InputError(
            f"no job of attempt {chosen} has finished", where=where, remedy="wait for the jobs, or name another attempt"
        )
    title = label(workflow or _workflow(run, listed), caveats) or "workflow"
    return Attempt(
        chosen,
        title,
        tuple(found.values()),
        begun,
        _failed(run, bad),
        _unfinished(run, left),
    )


def _is_own(job: Mapping[str, Any], own: tuple[str, str]) -> bool:
    """Whether this is the job that is measuring: the one that runs on this very runner, in this very run."""
    run_id, runner = own
    return bool(run_id and runner) and str(_whole(job.get("run_id"), 0)) == run_id and job.get("runner_name") == runner


def _failed(run: Mapping[str, Any], bad: set[str]) -> str:
    """Why the attempt did not succeed, "" where it did. A run succeeds with failed jobs that it was told to tolerate."""
    conclusion = plain_text(run.get("conclusion"))[:60]
    if conclusion:
        bad = set() if conclusion in GOOD else {conclusion}
    return f"the attempt did not succeed ({', '.join(sorted(bad)[:5])}), so its times say nothing" if bad else ""


def _left_out(left: Mapping[str, Sequence[str]]) -> list[Caveat]:
    sentences = (
        ("own", "own job", "the job that measures is left out"),
        ("running", "unfinished jobs", "jobs that had not finished are left out"),
        ("carried", "jobs of an earlier attempt", "jobs that were not run again in this attempt are left out"),
        ("timeless", "jobs without times", "jobs that tell no times are left out"),
    )
    return [Caveat(code, told(sentence, left[kind])) for kind, code, sentence in sentences if left[kind]]


def _unfinished(run: Mapping[str, Any], left: Mapping[str, Sequence[str]]) -> str:
    """What the attempt lacks, "" where it is complete but for the job that measures."""
    if missing := [*left["running"], *left["timeless"]]:
        return told("jobs that had not finished, or tell no times", missing)
    over = run.get("status") in {None, "completed"} or left["own"]
    return "" if over else "the run had not finished, and may have had more jobs to come"


def _unlike(name: str, taken: Mapping[str, Job], namesakes: dict[str, int]) -> str:
    """The name, or the name with a number where a job of this name is there already."""
    free = name
    while free in taken:
        namesakes[name] = namesakes.get(name, 1) + 1
        free = f"{name} ({namesakes[name]})"
    return free


def _job(job: Mapping[str, Any], name: str, conclusion: str, started: float, ended: float, place: str) -> Job:
    labels = job.get("labels")
    found = sorted(text for each in labels if (text := plain_text(each))) if isinstance(labels, list) else []
    return Job(
        name=name,
        runner=label(", ".join(found) or plain_text(job.get("runner_group_name")), []) or "unknown",
        conclusion=conclusion[:60],
        created=_time(job.get("created_at"), place),
        started=started,
        ended=ended,
        execution=_execution(job.get("steps"), place),
    )


def _execution(steps: Any, place: str) -> tuple[float, float] | None:
    """From the first step's start to the last one's end. Steps may overlap, so their times are never added."""
    if not isinstance(steps, list):
        return None
    starts, ends = [], []
    for step in steps[:_MOST_STEPS]:
        if isinstance(step, dict) and step.get("conclusion") != "skipped":
            start, end = _time(step.get("started_at"), place), _time(step.get("completed_at"), place)
            starts += [start] if start is not None else []
            ends += [end] if end is not None else []
    return (min(starts), max(ends)) if starts and ends and max(ends) >= min(starts) else None


def _time(value: Any, place: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time with its offset; None where there is none."""
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 64 else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        shown = repr(plain_text(value)[:60]) if isinstance(value, str) else "this"
        raise InputError(
            f"{shown} is not a time with its offset",
            where=place,
            remedy="a time is written as 2026-11-21T10:00:00Z",
        )
    try:
        return moment.astimezone(UTC).timestamp()
    except (OverflowError, ValueError):
        raise InputError(f"{value!r} is not a time that can be kept", where=place) from None


def _text(value: Mapping[str, Any], name: str, place: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        raise InputError(f'"{name}" is missing in a job', where=place, remedy="save the whole answer of the API")
    return found


def _whole(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise


def _workflow(run: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]]) -> str:
    """The workflow's file name where the run tells it, else its title as the jobs do."""
    path = run.get("path")
    if isinstance(path, str) and path:
        return path.partition("@")[0].rpartition("/")[2]
    name = run.get("name") or jobs[0].get("workflow_name")
    return name if isinstance(name, str) else ""
