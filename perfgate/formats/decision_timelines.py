"""The timelines of pipelines in a decision.json, out and in."""

from __future__ import annotations

from typing import Any

from perfgate.core.timeline import LONGEST, MOST_JOBS, TimedJob, Timeline
from perfgate.formats.checking import Found

_TIMES = ("queue", "provision", "execution")


def value_of(timeline: Timeline) -> dict[str, Any]:
    """A timeline as it is written."""
    return {
        "workflow": timeline.workflow,
        "jobs": [job._asdict() for job in timeline.jobs],
        "left_out": timeline.left_out,
    }


def read(found: Found) -> Timeline:
    """A timeline as it was written; raises InputError that names the place of the first mistake."""
    part = found.fields(("workflow", "jobs", "left_out"))
    return Timeline(
        part["workflow"].text(),
        tuple(_job(item) for item in part["jobs"].items(MOST_JOBS)),
        part["left_out"].whole(),
    )


def _job(found: Found) -> TimedJob:
    part = found.fields(TimedJob._fields)
    queue, provision, execution = (None if part[name].value is None else _seconds(part[name]) for name in _TIMES)
    return TimedJob(
        part["name"].text(), _seconds(part["start"]), queue, provision, execution, part["conclusion"].text()
    )


def _seconds(found: Found) -> float:
    value = float(found.number())
    if not 0 <= value <= LONGEST:
        found.refuse(f"seconds from 0 to {LONGEST:g} are wanted")
    return value
