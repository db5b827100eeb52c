"""The jobs of a pipeline that is over its budget, as a Gantt chart in the language of Mermaid, which GitHub and GitLab draw."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from perfgate.core.decision import Decision, Verdict
from perfgate.core.timeline import TimedJob, Timeline
from perfgate.core.units import Unit, write_value
from perfgate.render.markdown_sections import Section
from perfgate.render.markdown_text import code
from perfgate.render.text import harmless

_LONGEST_JOB = 32
#: A wait shorter than this part of the whole is not drawn.
_VISIBLE_WAIT = 0.03
#: Letters, digits and what cannot begin, end or comment anything in Mermaid.
_FOREIGN = re.compile(r"[^\w .,/()+=-]")
#: How far apart the marks of the time axis may be: seconds, as Mermaid writes it.
_MARKS = (
    (1, "1second"), (5, "5second"), (15, "15second"), (30, "30second"), (60, "1minute"), (120, "2minute"), (300, "5minute"),
    (600, "10minute"), (1800, "30minute"), (3600, "1hour"), (7200, "2hour"), (21600, "6hour"), (86400, "1day"), (604800, "1week"),
    (2_592_000, "1month"),
)  # fmt: skip
_SECONDS = Unit("s")


def sections(decision: Decision, verdicts: Sequence[Verdict]) -> list[Section]:
    """A chart for each timeline of the decision; jobs that one of these verdicts is about are marked."""
    breached = {
        (labels.get("workflow", ""), labels.get("job", ""))
        for labels in (dict(verdict.series.labels) for verdict in verdicts if verdict.series.metric.startswith("job."))
    }
    return [
        _section(timeline, {job for workflow, job in breached if workflow == timeline.workflow})
        for timeline in decision.timelines
    ]


def _section(timeline: Timeline, breached: set[str]) -> Section:
    drawn = chart(timeline, breached)
    told = "jobs" if not timeline.workflow else f"jobs of {code(timeline.workflow, 100)}"
    marks = [
        words
        for words, there in (
            ("grey: waiting for a runner, whose job is below it", ":done," in drawn),
            ("red: over its own budget", ":crit," in drawn),
            (f"{timeline.left_out} shorter jobs are not shown", timeline.left_out > 0),
        )
        if there
    ]
    heading = f"**The {told}**" + (f" ({'; '.join(marks)})" if marks else "")
    return Section(1, lambda most: f"{heading}\n\n```mermaid\n{drawn}\n```" if most and drawn else "")


def chart(timeline: Timeline, breached: set[str]) -> str:
    """The chart's text, "" without a job to show. Only perfgate's own words and numbers are more than letters to Mermaid."""
    if not timeline.jobs:
        return ""
    begin = min(0.0, *(job.start - (job.queue or 0.0) for job in timeline.jobs))
    end = max(job.start + (job.length or 0.0) for job in timeline.jobs)
    whole = max(end - begin, 1.0)
    mark = next((name for step, name in _MARKS if whole / step <= 6), _MARKS[-1][1])
    lines = [
        "gantt",
        "    dateFormat YYYY-MM-DD HH:mm:ss",
        f"    axisFormat {'%H:%M' if whole >= 6 * 1800 else '%M:%S'}",
        f"    tickInterval {mark}",
        "    todayMarker off",
    ]
    for job in timeline.jobs:
        lines += _bars(job, begin, whole, marked=job.name in breached)
    return "\n".join(lines)


def _bars(job: TimedJob, begin: float, whole: float, *, marked: bool) -> list[str]:
    # A text begins with a number or a bracket, so that no name is read as a word of Mermaid's own.
    wait = job.queue or 0.0
    bars = []
    if wait >= whole * _VISIBLE_WAIT:
        told = write_value(round(wait), _SECONDS)
        bars.append(f"    {told} waiting for a runner :done, {_moment(job.start - wait - begin)}, {_length(wait)}")
    tag = "crit, " if marked else ""
    start = _moment(job.start - begin)
    if job.length is None:
        bars.append(f"    (no time told) {_plain(job.name)} :{tag}milestone, {start}, 0s")
    else:
        told = write_value(round(job.length), _SECONDS)
        bars.append(f"    {told} {_plain(job.name)} :{tag}{start}, {_length(job.length)}")
    return bars


def _plain(name: str) -> str:
    """A job's name without a character that Mermaid could read as more than a letter."""
    words = " ".join(_FOREIGN.sub("_", harmless(name)).split())
    return (words if len(words) <= _LONGEST_JOB else f"{words[: _LONGEST_JOB - 1]}…") or "unnamed"


def _length(seconds: float) -> str:
    return f"{max(1, round(seconds))}s"


def _moment(seconds: float) -> str:
    """Seconds from the chart's start, as a time of day: Mermaid has no other zero, and this one is the same in every time zone."""
    days, rest = divmod(max(0, round(seconds)), 86_400)
    hours, left = divmod(rest, 3600)
    return f"{date(2000, 1, 1) + timedelta(days=days)} {hours:02d}:{left // 60:02d}:{left % 60:02d}"
