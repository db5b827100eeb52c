"""The jobs of a pipeline over time, as a decision keeps them where a pipeline or a job is over its budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfgate.core.model import Run, Series

#: So many jobs are kept of a pipeline, the longest; what a chart of more would show, nobody reads.
MOST_JOBS = 40
#: Longer times are of no job that a code host runs.
LONGEST = 10_000_000.0


class TimedJob(NamedTuple):
    """One job: seconds, `start` from the pipeline's start to the moment a runner took the job; None where that is not told.

    `queue` is what it waited for before, `execution` the span of its steps, `provision` what lies between start and steps.
    """

    name: str
    start: float
    queue: float | None
    provision: float | None
    execution: float | None
    conclusion: str = ""

    @property
    def length(self) -> float | None:
        """Seconds that it held its runner, as far as its steps tell; None where they do not."""
        return None if self.execution is None else (self.provision or 0.0) + self.execution


class Timeline(NamedTuple):
    """The jobs of one workflow in the order in which they started; `left_out` counts shorter ones that are not kept."""

    workflow: str
    jobs: tuple[TimedJob, ...]
    left_out: int = 0


def timelines_of(runs: Sequence[Run], breached: Iterable[Series]) -> tuple[Timeline, ...]:
    """The timelines of the workflows that these series are about, from the details of the newest run that has them."""
    wanted = {
        dict(series.labels).get("workflow", "")
        for series in breached
        if series.metric.partition(".")[0] in {"pipeline", "job"}
    }
    found: dict[str, list[TimedJob]] = {}
    for run in sorted(runs, key=lambda each: each.context.started_at) if wanted else ():
        here: dict[str, list[TimedJob]] = {}
        for row in run.details.get("jobs", ()):
            job, workflow = _job(row), row.get("workflow", "")
            if job is not None and isinstance(workflow, str):
                here.setdefault(workflow, []).append(job)
        found |= here
    return tuple(_timeline(name, found[name]) for name in sorted(wanted) if name in found)


def _timeline(workflow: str, jobs: Sequence[TimedJob]) -> Timeline:
    kept = sorted(jobs, key=lambda job: (-(job.length or 0.0), job.name))[:MOST_JOBS]
    kept.sort(key=lambda job: (job.start, job.name))
    return Timeline(workflow, tuple(kept), len(jobs) - len(kept))


def _job(row: object) -> TimedJob | None:
    """A row of details, which any program may have written, as a job; None where it tells no start."""
    if not isinstance(row, dict):
        return None
    name, start, conclusion = row.get("job"), _seconds(row.get("offset_s")), row.get("conclusion")
    if not isinstance(name, str) or start is None:
        return None
    queue, provision, execution = (_seconds(row.get(key)) for key in ("queue_s", "provision_s", "execution_s"))
    return TimedJob(name, start, queue, provision, execution, conclusion if isinstance(conclusion, str) else "")


def _seconds(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and isinstance(value, int | float) and 0 <= value <= LONGEST else None
