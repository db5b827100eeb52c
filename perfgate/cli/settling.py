"""Suspects, settled in the same job: in turns with the base where the entry says so, else by measuring again.

What is measured here goes into run files, and the judgement is made of those alone, so that `gate` on them says the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.cli import console
from perfgate.cli.capturing import keep, surroundings, tell_failure
from perfgate.cli.judging import Candidate
from perfgate.cli.measure_all import own_budgets
from perfgate.cli.pairing import asked_of, base_of, both_sides
from perfgate.cli.project import Project
from perfgate.core.baseline import run_value
from perfgate.core.budgets import Budgets, Rerun
from perfgate.core.decision import Decision
from perfgate.core.entries import CommandEntry, Entry, Versus
from perfgate.core.model import COMMAND_FAILED, Capture, Caveat, Measurement, Run, Series, State
from perfgate.core.stats.estimators import block_medians
from perfgate.core.units import write_value
from perfgate.errors import CommandFailed, PerfgateError
from perfgate.measure.ab import BaseFailed
from perfgate.measure.entries import capture_each

Progress = Callable[[str], None]


class Measured(NamedTuple):
    """What the entries yielded, each with its capture, and the run that was made of it; `took` are seconds by entry."""

    entries: tuple[tuple[Entry, Capture], ...]
    run: Run
    path: Path
    took: Mapping[str, float]

    def entry_of(self, series: Series) -> Entry | None:
        """The entry that measured a series."""
        for entry, capture in self.entries:
            if any(measurement.series == series for measurement in capture.measurements):
                return entry
        return None


def measure(project: Project, rules: Budgets) -> Measured:
    """Measure the entries of the project's own budgets.yaml; those with `versus: base always` in turns with the base.

    An entry whose command fails leaves a caveat, and the others are measured all the same; CommandFailed where nothing else is known.
    """
    own = own_budgets(project)
    always = [entry for entry in own.entries if _versus(entry) is Versus.ALWAYS]
    found: dict[str, Capture] = {}
    took: dict[str, float] = {}
    failures: list[CommandFailed] = []

    def without(error: CommandFailed) -> Capture:
        failures.append(error)
        return Capture((), caveats=(Caveat(COMMAND_FAILED, error.what, error.remedy),), output=error.output)

    with surroundings(project.root) as around, console.progress() as progress:
        alone: list[Entry] = [entry for entry in own.entries if entry not in always]
        pairs, why = _in_pairs(project, [entry for entry in always if isinstance(entry, CommandEntry)], rules, progress)
        found |= pairs
        alone += [entry for entry in always if entry.name not in pairs]
        began = time.monotonic()
        for entry, capture in capture_each(alone, around, progress, cases=own.wants_case_series(), instead=without):
            found[entry.name] = capture
            took[entry.name], began = time.monotonic() - began, time.monotonic()
    done = tuple((entry, found[entry.name]) for entry in own.entries)
    joined = Capture.joined(capture for _, capture in done)
    if failures and not joined.measurements:
        raise failures[0]
    for _, capture in done:
        tell_failure(capture)
    run, path = keep(joined._replace(caveats=(*joined.caveats, *why)), None, project)
    return Measured(done, run, path, took)


def _versus(entry: Entry) -> Versus:
    return entry.versus if isinstance(entry, CommandEntry) else Versus.NEVER


class Settled(NamedTuple):
    """What is known after settling: the run as it is now, and the candidate, which holds the run of pairs too."""

    measured: Measured
    candidate: Candidate


def settle(project: Project, measured: Measured, decision: Decision, rules: Budgets) -> Settled | None:
    """Settle what the first decision calls suspect; None where there is nothing to settle."""
    # More of one side would tear pairs apart.
    in_pairs = {each.series for each in measured.run.measurements if each.before}
    named = dict.fromkeys(verdict.series for verdict in decision.verdicts if verdict.suspect)
    suspects = [series for series in named if series not in in_pairs]
    paired = [
        entry
        for entry, capture in measured.entries
        if isinstance(entry, CommandEntry) and entry.versus is Versus.SUSPECTS and _of(capture, suspects)
    ]
    if paired:
        console.say(f"settling {_names(paired)} in turns with the base")
    with console.progress() as progress:
        pairs, why = _in_pairs(project, paired, rules, progress, suspects)
        settled = {series for capture in pairs.values() for series in _series(_of(capture, suspects))}
        left = [each for each in suspects if each not in settled]
        again, told = _measure_again(project, measured, left, rules.rerun, progress)
    if again or why or told:
        measured = _rewritten(project, measured, again, (*why, *told))
    elif not pairs:
        return None
    candidate = Candidate((measured.run,), (measured.path,))
    if pairs:
        run, path = keep(Capture.joined(_kept(measured, each, suspects) for each in pairs.values()), None, project)
        candidate = Candidate((measured.run, run), (measured.path, path))
    return Settled(measured, candidate)


def _kept(measured: Measured, pairs: Capture, suspects: Collection[Series]) -> Capture:
    """The pairs of what was suspicious, and no verdicts on the rest: its pairs are in the details."""
    measurements = _of(pairs, suspects)
    first = (_first(measured.run, series) for series in _series(measurements))
    return pairs._replace(measurements=measurements, caveats=(*first, *pairs.caveats))


def _series(measurements: Iterable[Measurement]) -> list[Series]:
    return [measurement.series for measurement in measurements]


def _of(capture: Capture, series: Collection[Series]) -> tuple[Measurement, ...]:
    return tuple(measurement for measurement in capture.measurements if measurement.series in series)


def _names(entries: Iterable[Entry]) -> str:
    return ", ".join(f'"{entry.name}"' for entry in entries)


def _first(run: Run, series: Series) -> Caveat:
    """What the capture before settling said, kept in sight."""
    (found,) = [each for each in run.measurements if each.series == series]
    value = write_value(run_value(found.unit, found.values), found.unit)
    return Caveat("settled", f"{series} was suspicious at {value}, held against its history; pairs of runs settle it")


# --- in turns with the base -------------------------------------------------------------------------------------------


def _in_pairs(
    project: Project,
    entries: Sequence[CommandEntry],
    rules: Budgets,
    progress: Progress,
    suspects: Collection[Series] | None = None,
) -> tuple[dict[str, Capture], list[Caveat]]:
    """Measure entries on both sides, by name, until their suspects (else all their series) are decided; and why some could not be,
    which is the base's doing and never the change's."""
    found: dict[str, Capture] = {}
    why: list[Caveat] = []
    if not entries:
        return found, why
    try:
        base = base_of(project)
        with both_sides(project, base, project.root) as sides:
            for entry in entries:
                try:
                    asked = asked_of(entry.name, rules, project)
                    if suspects is not None:
                        named = {series.metric for series in _of_command(entry, suspects)}
                        asked = {metric: limits for metric, limits in asked.items() if metric in named}
                    found[entry.name] = sides.measure(entry, asked, _prefixed(progress, entry.name))
                except BaseFailed as error:
                    why.append(_unsettled([entry], error))
    except CommandFailed as error:
        if not isinstance(error, BaseFailed):
            raise
        why.append(_unsettled(entries, error))
    except PerfgateError as error:
        # No base, or one that cannot be checked out: what was measured on this side still counts.
        why.append(_unsettled(entries, error))
    return found, why


def _of_command(entry: CommandEntry, suspects: Collection[Series]) -> list[Series]:
    name = plain_text(entry.name)
    return [series for series in suspects if dict(series.labels).get("command") == name]


def _prefixed(progress: Progress, name: str) -> Progress:
    return lambda text: progress(f"{name}: {text}")


def _unsettled(entries: Sequence[Entry], error: PerfgateError) -> Caveat:
    message = f"{_names(entries)} could not be measured in turns with the base: {error.what}"
    return Caveat("not settled", message, error.remedy)


# --- again on this side -----------------------------------------------------------------------------------------------


def _measure_again(
    project: Project, measured: Measured, suspects: Sequence[Series], rerun: Rerun, progress: Progress
) -> tuple[dict[Series, list[Measurement]], list[Caveat]]:
    """Measure the entries of suspects again, as often and as long as the ruling `rerun:` allows; what each series showed then."""
    own = own_budgets(project)
    wanted = {series for series in suspects if rerun.allows(series)}
    entries = [entry for entry, capture in measured.entries if _of(capture, wanted) and getattr(entry, "run", ())]
    found: dict[Series, list[Measurement]] = {}
    if not entries:
        return found, []
    console.say(f"measuring {_names(entries)} again: at most {rerun.times} times")
    deadline = time.monotonic() + rerun.within
    try:
        with surroundings(project.root) as around:
            for entry in (each for _ in range(rerun.times) for each in entries):
                if time.monotonic() + measured.took.get(entry.name, 0.0) > deadline:
                    break
                for _, capture in capture_each([entry], around, progress, cases=own.wants_case_series()):
                    if capture.failure is not None:
                        raise CommandFailed(capture.failure.message, remedy=capture.failure.remedy)
                    for measurement in _of(capture, wanted):
                        found.setdefault(measurement.series, []).append(measurement)
    except PerfgateError as error:
        what = f"measuring {_names(entries)} again ended early: {error.what}"
        return found, [Caveat("not measured again", what, error.remedy)]
    if not found:
        return found, [Caveat("not measured again", f"{_names(entries)} would take longer than rerun: allows")]
    return found, []


def _rewritten(
    project: Project, measured: Measured, again: dict[Series, list[Measurement]], caveats: Sequence[Caveat]
) -> Measured:
    """The run with what was measured again as further values of the same run, so that it can never count as another run."""
    entries = tuple(
        (entry, capture._replace(measurements=tuple(_pooled(each, again) for each in capture.measurements)))
        for entry, capture in measured.entries
    )
    told = [_said(each, again[each.series]) for each in measured.run.measurements if each.series in again]
    changed = {each.series: each for _, capture in entries for each in capture.measurements}
    run = measured.run
    joined = Capture(
        tuple(changed.get(each.series, each) for each in run.measurements), run.details, (*run.caveats, *told, *caveats)
    )
    return Measured(entries, *keep(joined, measured.path, project), measured.took)


def _pooled(measurement: Measurement, again: dict[Series, list[Measurement]]) -> Measurement:
    more = [each for each in again.get(measurement.series, ()) if each.state is State.MEASURED]
    values = (*measurement.values, *(value for each in more for value in each.values))
    return measurement._replace(values=block_medians(values)) if more else measurement


def _said(first: Measurement, again: Sequence[Measurement]) -> Caveat:
    was = write_value(run_value(first.unit, first.values), first.unit)
    then = ", ".join(
        write_value(run_value(each.unit, each.values), each.unit) if each.values else "unknown" for each in again
    )
    message = (
        f"{first.series} was suspicious at {was} and was measured again in the same job: {then}; the median counts"
    )
    remedy = (
        "the same machine minutes later is no independent evidence: settle it with versus: base, or run another job"
    )
    return Caveat("measured again", message, remedy)
