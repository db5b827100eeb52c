"""The jobs of a GitHub Actions run attempt, as the REST API lists them: wall time, and for each job queue, provision and execution.

A job's `started_at` is when a runner took it, not when its steps began; the time between is provisioning. The run's `created_at`
belongs to the first attempt and is never used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from perfgate.core.model import Capture, Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.errors import InputError

#: The API tells whole seconds.
RESOLUTION = 1.0
_MOST_JOBS, _MOST_STEPS = 10_000, 10_000
_GOOD = frozenset({"success", "neutral", "skipped"})
_LABEL = 300


class Job(NamedTuple):
    """One job of the attempt. Times are seconds since 1970, None where the API does not tell; `execution` spans its steps."""

    name: str
    runner: str
    conclusion: str
    created: float | None
    started: float
    ended: float
    execution: tuple[float, float] | None

    @property
    def queue(self) -> float | None:
        """Seconds the job waited for a runner; None where its creation is not told (GitHub Enterprise Server before 3.9)."""
        return None if self.created is None else max(0.0, self.started - self.created)

    @property
    def provision(self) -> float | None:
        """Seconds from the runner's acceptance to the first step."""
        return None if self.execution is None else max(0.0, self.execution[0] - self.started)

    @property
    def duration(self) -> float:
        """Seconds that the job held its runner."""
        return max(0.0, self.ended - self.started)


def read(value: Any, where: str, *, workflow: str = "", attempt: int = 0) -> Capture:
    """The measurements of one attempt from `{total_count, jobs}`, a list of jobs, or `{run, jobs}`; 0 is the newest attempt.

    Raises InputError for anything else. An attempt that failed, was cancelled or has not one finished job gives unknown measurements: a pipeline
    that stopped early is not a fast one.
    """
    run, listed, total = _parts(value, where)
    chosen = attempt or max((_whole(job.get("run_attempt"), 1) for job in listed), default=1)
    begun = _time(run.get("run_started_at"), where) if _whole(run.get("run_attempt"), chosen) == chosen else None
    caveats: list[Caveat] = []
    if total > len(listed):
        raise InputError(
            f"the file holds {len(listed)} of {total} jobs",
            where=where,
            remedy="ask for all pages (per_page=100), or let perfgate ask: --run ID",
        )
    jobs, unfinished = [], []
    for position, job in enumerate(listed):
        place = f"{where}, $.jobs[{position}]"
        if _whole(job.get("run_attempt"), chosen) != chosen or job.get("conclusion") == "skipped":
            continue
        if job.get("status") != "completed" or not job.get("completed_at"):
            unfinished.append(_text(job, "name", place))
            continue
        made = _job(job, place)
        # A re-run lists the jobs that were not run again, with their old times.
        if made is not None and (begun is None or made.started >= begun - RESOLUTION):
            jobs.append(made)
    if unfinished:
        names = ", ".join(sorted(unfinished)[:5])
        caveats.append(Caveat("unfinished jobs", f"{len(unfinished)} jobs had not finished and are left out: {names}"))
    name = workflow or _workflow(run, listed) or "workflow"
    if not jobs:
        raise InputError(
            f"no job of attempt {chosen} has finished", where=where, remedy="wait for the jobs, or name another attempt"
        )
    return Capture(tuple(_measured(jobs, name[:_LABEL], begun, where)), {"jobs": _rows(jobs, begun)}, tuple(caveats))


# --- reading ----------------------------------------------------------------------------------------------------------


def _parts(value: Any, where: str) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """The run (or nothing), its jobs, and how many there should be."""
    run: Any = {}
    total: Any = 0
    if isinstance(value, dict):
        run = value.get("run") or value.get("workflow_run") or {}
        total = value.get("total_count", 0)
        jobs = value.get("jobs")
    else:
        jobs = value
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs) or not isinstance(run, dict):
        remedy = (
            "save the answer of GET /repos/OWNER/REPO/actions/runs/ID/attempts/N/jobs, or let perfgate ask: --run ID"
        )
        raise InputError("this is not a list of jobs of GitHub Actions", where=where, remedy=remedy)
    if len(jobs) > _MOST_JOBS:
        raise InputError(f"more than {_MOST_JOBS:,} jobs are not read", where=where)
    if not jobs:
        raise InputError("the list of jobs is empty", where=where, remedy="check the id of the run and the attempt")
    return run, jobs, _whole(total, 0)


def _job(job: Mapping[str, Any], place: str) -> Job | None:
    started, ended = _time(job.get("started_at"), place), _time(job.get("completed_at"), place)
    if started is None or ended is None:
        return None
    labels = job.get("labels")
    runner = ", ".join(sorted(str(label) for label in labels)) if isinstance(labels, list) else ""
    return Job(
        name=_text(job, "name", place)[:_LABEL] or "unnamed",
        runner=runner[:_LABEL] or str(job.get("runner_group_name") or "unknown")[:_LABEL],
        conclusion=str(job.get("conclusion") or ""),
        created=_time(job.get("created_at"), place),
        started=started,
        ended=max(started, ended),
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
        raise InputError(
            f"{str(value)[:60]!r} is not a time with its offset",
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


# --- measuring --------------------------------------------------------------------------------------------------------


def _measured(jobs: Sequence[Job], workflow: str, begun: float | None, where: str) -> list[Measurement]:
    bad = sorted({job.conclusion or "no conclusion" for job in jobs if job.conclusion not in _GOOD})
    runners = ("runner labels", "; ".join(sorted({job.runner for job in jobs}))[:1000])
    names = sorted(job.name for job in jobs)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    conditions = (("job set", f"{len(names)} jobs {digest}"), runners)
    start = begun if begun is not None else min(job.created if job.created is not None else job.started for job in jobs)
    end = max(job.ended for job in jobs)
    queues = [queue for job in jobs if (queue := job.queue) is not None]
    longest = max(queues) if len(queues) == len(jobs) else None

    failed = f"the attempt did not succeed ({', '.join(bad)}), so its times say nothing" if bad else ""

    def of(metric: str, seconds: float | None, missing: str, **labels: str) -> Measurement:
        values = () if failed or seconds is None else (seconds,)
        names = {"workflow": workflow, **labels}
        return measurement(
            metric, names, values, origin=where, resolution=RESOLUTION, conditions=conditions, unknown=failed or missing
        )

    found = [
        of("pipeline.duration", max(0.0, end - start), ""),
        of("pipeline.execution", _covered(job.execution for job in jobs), "the jobs tell no steps"),
        of("pipeline.queue", longest, "the API does not tell when jobs were created"),
    ]
    seen: dict[str, int] = {}
    for job in jobs:
        seen[job.name] = seen.get(job.name, 0) + 1
        name = job.name if seen[job.name] == 1 else f"{job.name} ({seen[job.name]})"
        one = of("job.duration", job.duration, "", job=name)
        found.append(one._replace(conditions=(("runner labels", job.runner),)))
    return found


def _covered(intervals: Iterable[tuple[float, float] | None]) -> float | None:
    """The seconds in which at least one job was executing steps: the length of the union of their intervals."""
    known = sorted(interval for interval in intervals if interval is not None)
    if not known:
        return None
    total, (start, end) = 0.0, known[0]
    for left, right in known[1:]:
        if left > end:
            total += end - start
            start, end = left, right
        end = max(end, right)
    return total + end - start


def _rows(jobs: Sequence[Job], begun: float | None) -> tuple[dict[str, str | int | float | bool | None], ...]:
    """The jobs for people, in the order in which they started; seconds, and the offset from the attempt's start."""
    first = begun if begun is not None else min(job.started for job in jobs)
    return tuple(
        {
            "job": job.name,
            "runner": job.runner,
            "offset_s": max(0.0, job.started - first),
            "queue_s": job.queue,
            "provision_s": job.provision,
            "execution_s": None if job.execution is None else job.execution[1] - job.execution[0],
            "conclusion": job.conclusion,
        }
        for job in sorted(jobs, key=lambda each: (each.started, each.name))
    )
