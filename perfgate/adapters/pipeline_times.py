"""One attempt of a pipeline as its jobs tell it: wall time, execution, queue, and the time of each job.

What the jobs do not tell, or tell against themselves, is unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfgate.core.model import Caveat, Measurement, State
from perfgate.core.registered import measurement

#: Conclusions of a job or an attempt whose times mean something.
GOOD = frozenset({"success", "neutral", "skipped"})
#: Code hosts tell whole seconds.
RESOLUTION = 1.0
#: Clocks of the service and of a runner differ by a second or two; what runs backwards by more is a contradiction.
_SKEW = 2.0


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
        return None if self.created is None else _between(self.created, self.started)

    @property
    def provision(self) -> float | None:
        """Seconds from the runner's acceptance to the first step."""
        return None if self.execution is None else _between(self.started, self.execution[0])

    @property
    def duration(self) -> float | None:
        """Seconds that the job held its runner."""
        return _between(self.started, self.ended)


def _between(start: float, end: float) -> float | None:
    """The seconds between two moments; None where the second is clearly before the first."""
    return max(0.0, end - start) if end - start >= -_SKEW else None


class Attempt(NamedTuple):
    """The finished jobs of one attempt, and what is known of the attempt itself.

    `begun` is None where only the run could tell it; `failed` says why its times mean nothing, `unfinished` what it lacks.
    """

    number: int
    workflow: str
    jobs: tuple[Job, ...]
    begun: float | None
    failed: str
    unfinished: str


def told(sentence: str, names: Sequence[str]) -> str:
    """A sentence about jobs with the first of their names; "" about none."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    shown = ", ".join(name[:60] for name in sorted(names)[:5]) + more
    return f"{sentence}: {shown}" if names else ""


def contradictions(jobs: Sequence[Job]) -> tuple[Caveat, ...]:
    """A caveat where the times of jobs run backwards."""
    strange = [
        job.name
        for job in jobs
        if job.duration is None
        or (job.created is not None and job.queue is None)
        or (job.execution is not None and job.provision is None)
    ]
    if not strange:
        return ()
    message = told(
        "jobs whose times run backwards by more than two seconds, so that what depends on them is unknown", strange
    )
    return (Caveat("clock skew", message, "check the clocks of self-hosted runners"),)


def measured(attempt: Attempt, where: str) -> list[Measurement]:
    """The series of the pipeline and of each of its jobs."""
    jobs = attempt.jobs
    names = sorted(job.name for job in jobs)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]
    runners = "; ".join(sorted({job.runner for job in jobs}))[:1000]
    conditions = (("job set", f"{len(names)} jobs {digest}"), ("runner labels", runners))

    def of(metric: str, seconds: float | None, missing: str, **labels: str) -> Measurement:
        values = () if attempt.failed or seconds is None else (seconds,)
        made = measurement(
            metric,
            {"workflow": attempt.workflow, **labels},
            values,
            origin=where,
            resolution=RESOLUTION,
            conditions=conditions,
            unknown=attempt.failed or missing,
        )
        if values and attempt.unfinished and not labels:
            return made._replace(state=State.LOWER_BOUND, reason=attempt.unfinished)
        return made

    found = [
        of("pipeline.duration", *_wall(attempt)),
        of("pipeline.execution", *_execution_of(attempt)),
        of("pipeline.queue", *_longest_queue(attempt)),
    ]
    for job in jobs:
        if job.conclusion in GOOD:
            one = of("job.duration", job.duration, "the job ended before it started", job=job.name)
        else:
            one = of(
                "job.duration", None, f"the job did not succeed ({job.conclusion or 'no conclusion'})", job=job.name
            )
        found.append(one._replace(conditions=(("runner labels", job.runner),)))
    return found


def _unplaced(attempt: Attempt) -> str:
    """Why the jobs of this attempt cannot be told from those of earlier ones, "" where they can."""
    if attempt.number == 1 or attempt.begun is not None:
        return ""
    return (
        f"this is attempt {attempt.number}, and without its run nothing tells jobs that were not run again from those that were; "
        'save the run beside the jobs as {"run": …, "jobs": …}, or let perfgate ask: --run ID'
    )


def _wall(attempt: Attempt) -> tuple[float | None, str]:
    """From the attempt's start to the end of its last job, or why that is not known."""
    if why := _unplaced(attempt):
        return None, why
    if any(job.duration is None for job in attempt.jobs):
        return None, "a job ended before it started"
    return max(0.0, max(job.ended for job in attempt.jobs) - _start(attempt)), ""


def _start(attempt: Attempt) -> float:
    if attempt.begun is not None:
        return attempt.begun
    return min(job.started if job.created is None else min(job.created, job.started) for job in attempt.jobs)


def _execution_of(attempt: Attempt) -> tuple[float | None, str]:
    if why := _unplaced(attempt):
        return None, why
    silent = sorted(job.name for job in attempt.jobs if job.execution is None)
    if silent:
        return None, told("jobs that tell no times of their steps", silent)
    return _covered(job.execution for job in attempt.jobs), ""


def _longest_queue(attempt: Attempt) -> tuple[float | None, str]:
    if why := _unplaced(attempt):
        return None, why
    queues = [job.queue for job in attempt.jobs]
    known = [queue for queue in queues if queue is not None]
    if len(known) == len(queues):
        return max(known), ""
    if any(job.created is None for job in attempt.jobs):
        return None, "the API does not tell when jobs were created"
    return None, "a job started before it was created"


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


def rows(attempt: Attempt) -> tuple[dict[str, str | int | float | bool | None], ...]:
    """The jobs for people, in the order in which they started; seconds, and the offset from the attempt's start."""
    first = _start(attempt)
    return tuple(
        {
            "workflow": attempt.workflow,
            "job": job.name,
            "runner": job.runner,
            "offset_s": max(0.0, job.started - first),
            "queue_s": job.queue,
            "provision_s": job.provision,
            "execution_s": None if job.execution is None else job.execution[1] - job.execution[0],
            "conclusion": job.conclusion,
            "attempt": attempt.number,
        }
        for job in sorted(attempt.jobs, key=lambda each: (each.started, each.name))
    )
