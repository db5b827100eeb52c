"""Shards for people and as JSON: how even they are, what caps the speed-up, and how many jobs pay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from perfgate.core.recorded_times import Estimates, How
from perfgate.core.sharding import SECOND, Choice, Plan, jobs_of
from perfgate.core.suite_names import is_file
from perfgate.core.units import Unit, write_percent, write_value, write_values
from perfgate.render.tables import Column, render_table
from perfgate.render.text import wrapped

_SECONDS = Unit("s")


class Sharing(NamedTuple):
    """A plan with what it rests on.

    `fingerprint` is the same where two jobs made the same shards. `choice` is None where no time is known, or runners differ, so
    that numbers of jobs cannot be compared. `source` says where the times come from, "" where there are none.
    """

    plan: Plan
    estimates: Estimates
    choice: Choice | None
    source: str
    notes: tuple[str, ...]
    fingerprint: str

    @property
    def is_timed(self) -> bool:
        """Whether a time of any test is known; without one no shard has a duration."""
        return any(test.cost is not None for test in self.estimates.tests)


def seconds(nanoseconds: Fraction | int) -> float:
    """Seconds of nanoseconds."""
    return float(Fraction(nanoseconds) / SECOND)


def render(sharing: Sharing, *, width: int, colour: bool) -> str:
    """The shards on a terminal of `width` columns."""
    lines = [*wrapped(_headline(sharing), width)]
    for sentence in (*_limits(sharing), *sentences(sharing)):
        lines += wrapped(sentence, width, "  ")
    lines += ["", _shards(sharing, width=width, colour=colour)]
    if sharing.choice is not None:
        lines += [
            "",
            _jobs(sharing, sharing.choice, width=width, colour=colour),
            *wrapped(_advice(sharing, sharing.choice), width),
        ]
    return "\n".join(lines)


def _headline(sharing: Sharing) -> str:
    plan = sharing.plan
    tests = sharing.estimates.tests
    one, many = ("file", "files") if all(is_file(test.name) for test in tests) else ("test", "tests")
    what = f"{_count(len(tests), one, many)} in {_count(len(plan.shards), 'shard', 'shards')} ({plan.algorithm.value})"
    if not sharing.is_timed:
        return f"{what}; how long they take is not known"
    makespan, bound = write_values((seconds(plan.makespan), seconds(plan.lower_bound)), _SECONDS)
    gap = float(plan.makespan / plan.lower_bound - 1) if plan.lower_bound else 0.0
    if makespan == bound and gap > 0.0005:
        least = write_percent(gap, signed=False)
        return f"{what}: the last ends after {makespan}, {least} later than the earliest that any split could reach"
    above = f"this one is {write_percent(gap, signed=False)} above" if gap > 0.0005 else "which is reached"
    return f"{what}: the last ends after {makespan}; no split can end before {bound} ({above})"


def _limits(sharing: Sharing) -> Iterator[str]:
    """What caps the speed-up, whatever the number of jobs."""
    plan, longest = sharing.plan, sharing.plan.longest
    if not sharing.is_timed or longest is None or not longest.cost:
        return
    fastest = max(shard.speed for shard in plan.shards)
    alone = write_value(seconds(longest.cost / fastest + plan.overhead), _SECONDS)
    what = "test" if len(longest.tests) == 1 else f"group of {len(longest.tests)} tests"
    yield f"the longest {what} caps the speed-up: with any number of jobs it takes {alone} ({longest.name})"


def sentences(sharing: Sharing) -> Iterator[str]:
    """What to know about the times and the list, a sentence each; untrusted text."""
    estimates = sharing.estimates
    if sharing.source:
        yield f"times: medians of {sharing.source}"
    for how, many in (
        (
            How.SHARE,
            "not among the dearest tests that a run keeps; each takes an equal part of the rest of its file: {}",
        ),
        (How.FILE, "never seen, taken to need the median of their file: {}"),
        (How.MEDIAN, "never seen, taken to need the median of all: {}"),
        (How.SKIPPED, "skipped in every run, taken to need no time: {}"),
    ):
        if number := estimates.number(how):
            yield many.format(_count(number, "test", "tests"))
    if not sharing.is_timed:
        yield "no time of any of these tests is known, so they are shared out by number"
    if estimates.stranger:
        (example, *_) = estimates.tests
        yield f'recorded names and those of the list have nothing in common: "{estimates.stranger}", "{example.name}"'
    elif estimates.gone:
        yield f"recorded, but not in the list, so left out: {_count(estimates.gone, 'name', 'names')}"
    if estimates.unclear:
        yield f"recorded names that could be two tests of the list, so not used: {estimates.unclear}"
    if estimates.repeated:
        yield f"lines of the list that name a test again, left out: {estimates.repeated}"
    if empty := sharing.plan.empty:
        yield f"there is nothing to run in {_count(empty, 'shard', 'shards')}: there are fewer {_things(sharing)} than shards"
    yield from sharing.notes


def _things(sharing: Sharing) -> str:
    together = any(len(unit.tests) > 1 for shard in sharing.plan.shards for unit in shard.units)
    return "groups that stay together" if together else "tests"


def _shards(sharing: Sharing, *, width: int, colour: bool) -> str:
    plan, timed = sharing.plan, sharing.is_timed
    slowest = plan.makespan
    columns = [Column("shard", number=True), Column("tests", number=True)]
    if timed:
        columns += [Column("time", number=True), Column("of the last", number=True)]
    unlike = len({shard.speed for shard in plan.shards}) > 1
    columns += [Column("speed", number=True)] if unlike else []
    columns.append(Column("longest"))
    times = write_values(tuple(seconds(shard.took + plan.overhead) for shard in plan.shards), _SECONDS)
    rows = []
    for number, (shard, time) in enumerate(zip(plan.shards, times, strict=True), 1):
        row = [str(number), str(len(shard.tests))]
        if timed:
            share = (shard.took + plan.overhead) / slowest if slowest else Fraction(1)
            row += [time, write_percent(float(share), signed=False)] if shard.units else ["–", "–"]
        row += [f"{float(shard.speed):g}"] if unlike else []
        longest = max(shard.units, key=lambda unit: unit.cost, default=None)
        row.append(longest.name if longest is not None else "(empty)")
        rows.append(row)
    return render_table(columns, rows, width=width, colour=colour)


def _jobs(sharing: Sharing, choice: Choice, *, width: int, colour: bool) -> str:
    columns = [
        Column("jobs", number=True),
        Column("last ends", number=True),
        Column("a job saves", number=True),
        Column("all together", number=True),
        Column("billed minutes", number=True),
        Column(""),
    ]
    rows, before = [], None
    for jobs in choice.rows:
        saves = "–"
        if before is not None:
            saved = (before.makespan - jobs.makespan) / (jobs.number - before.number)
            saves = write_value(seconds(saved), _SECONDS) if saved > 0 else "nothing"
        words = ["best"] if jobs.number == choice.best.number else []
        words += ["this one"] if jobs.number == len(sharing.plan.shards) else []
        makespan, together = (write_value(seconds(each), _SECONDS) for each in (jobs.makespan, jobs.together))
        rows.append([str(jobs.number), makespan, saves, together, str(jobs.minutes), ", ".join(words)])
        before = jobs
    return render_table(columns, rows, width=width, colour=colour)


def _advice(sharing: Sharing, choice: Choice) -> str:
    best = choice.best
    if not sharing.plan.overhead:
        return (
            f"best without overhead: {best.number}; every job costs its checkout and installation too, so say how long that takes: "
            "--overhead 90s"
        )
    overhead = write_value(seconds(sharing.plan.overhead), _SECONDS)
    here = jobs_of(sharing.plan)
    told = f"best: {_count(best.number, 'job', 'jobs')}; another one saves less than the {overhead} it costs"
    if here.number == best.number:
        return told
    later, more = best.makespan - here.makespan, here.minutes - best.minutes
    when = (
        f"{write_value(seconds(abs(later)), _SECONDS)} {'later' if later > 0 else 'earlier'}"
        if later
        else "at the same time"
    )
    cost = f"{abs(more)} billed minutes {'fewer' if more > 0 else 'more'}" if more else "as many billed minutes"
    return f"{told}. It would end {when}, with {cost}"


def as_json(sharing: Sharing) -> str:
    """The shards and what they rest on as JSON; times in seconds, null where they are not known."""
    plan, timed = sharing.plan, sharing.is_timed

    def known(nanoseconds: Fraction | int) -> float | None:
        return seconds(nanoseconds) if timed else None

    longest = plan.longest
    value: dict[str, Any] = {
        "plan": sharing.fingerprint,
        "algorithm": plan.algorithm.value,
        "tests": len(sharing.estimates.tests),
        "overhead_seconds": seconds(plan.overhead),
        "makespan_seconds": known(plan.makespan),
        "lower_bound_seconds": known(plan.lower_bound),
        "longest": {"name": longest.name, "tests": len(longest.tests), "seconds": known(longest.cost)}
        if longest
        else None,
        "times": {"source": sharing.source or None} | {how.name.lower(): sharing.estimates.number(how) for how in How},
        "shards": [
            {
                "shard": number,
                "speed": float(shard.speed),
                "seconds": known(shard.took + plan.overhead) if shard.units else None,
                "tests": list(shard.tests),
            }
            for number, shard in enumerate(plan.shards, 1)
        ],
        "jobs": [
            {
                "jobs": jobs.number,
                "makespan_seconds": seconds(jobs.makespan),
                "together_seconds": seconds(jobs.together),
                "billed_minutes": jobs.minutes,
            }
            for jobs in (sharing.choice.rows if sharing.choice else ())
        ],
        "best": sharing.choice.best.number if sharing.choice else None,
        "notes": list(sentences(sharing)),
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
