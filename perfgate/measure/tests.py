"""Test suites, measured: their wall time where someone watched it, and what their reports tell of the cases."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters.labels import label, plain_text
from perfgate.adapters.suite_report import FAILED, SKIPPED, Report
from perfgate.core.entries import TestsEntry
from perfgate.core.metrics import find
from perfgate.core.model import COMMAND_FAILED, Capture, Caveat, Measurement, Series, State
from perfgate.errors import CommandFailed, InputError
from perfgate.measure import suite_details, suite_metrics
from perfgate.measure.command import Execution, failed, how_it_ended
from perfgate.measure.suite_reading import read_all, shown_as
from perfgate.measure.suite_running import Reports, found, made
from perfgate.measure.surroundings import Surroundings

_FAILURES = frozenset({"tests.failed", "tests.flaky"})


def capture(
    entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None], *, cases: bool = False
) -> Capture:
    """Run the suite once, or read the reports it left; with `cases` every test is a series tests.case_time{suite,test}.

    Of a suite that fails only its failed and flaky tests are counted, where its report tells any: it may have stopped early, and
    would look fast. Raises CommandFailed where it fails without such a report, was ended by a signal, or leaves no report it was
    asked for; InputError where no report is found or one cannot be read.
    """
    if not entry.run and not entry.reports:
        raise InputError(
            "there is neither a command nor a report", remedy="give one: --report 'reports/*.xml', or -- pytest -q"
        )
    reports = made(entry, surroundings, progress) if entry.run else found(entry.reports, surroundings.root)
    try:
        report, reports, said = read_all(reports, entry.format, surroundings, progress)
    except InputError as error:
        if reports.failure is None:
            raise
        # Half a report of a suite that fell over: what matters is that it did.
        raise _failed(entry, reports.failure) from error
    if reports.failure is not None and not report.count(FAILED):
        raise _failed(entry, reports.failure)
    captured = _captured(entry, report, reports, surroundings, each=cases)
    return captured._replace(caveats=(*said, *captured.caveats))


def _failed(entry: TestsEntry, execution: Execution) -> CommandFailed:
    return failed(f'"{entry.name}"', execution)


# --- what they tell ---------------------------------------------------------------------------------------------------


class _Suite(NamedTuple):
    """What every measurement of a suite has in common."""

    name: str
    origin: str

    def measured(self, metric: str, value: float, *, resolution: float = 0.0, test: str = "") -> Measurement:
        """One value of one of the suite's series."""
        known = find(metric)
        if known is None or known.unit is None:
            raise ValueError(f"{metric} is not in the registry")
        series = Series.of(metric, suite=self.name, test=test)
        values = (float(value),)
        return Measurement(
            series, known.unit, known.better, known.assumption, values, self.origin, resolution=resolution
        )

    def unknown(self, metric: str, reason: str, *, test: str = "") -> Measurement:
        """A series of the suite that has no value."""
        return self.measured(metric, 0, test=test)._replace(values=(), state=State.UNKNOWN, reason=reason)


def _captured(
    entry: TestsEntry, report: Report, reports: Reports, surroundings: Surroundings, *, each: bool
) -> Capture:
    caveats: list[Caveat] = []
    name = label(_suite_name(entry, report, reports.paths), caveats) or "tests"
    command = _Suite(name, shlex.join(entry.run)[:500])
    suite = _Suite(name, _origin(reports, surroundings)) if reports.paths else command
    measurements = [_duration(command if entry.run else suite, report, reports)]
    details: dict[str, tuple[suite_details.Row, ...]] = {}
    if reports.paths:
        measurements += _of_cases(suite, report)
        details = suite_details.details(suite.name, report, surroundings.root)
        details |= {block: tuple({"suite": name, **row} for row in rows) for block, rows in report.rows.items()}
        measurements += suite_metrics.measurements(name, report, caveats)
        if each:
            measurements += _singles(suite, report, caveats)
    if report.incomplete:
        measurements = [_unless_it_counts_failures(each, report.incomplete, seen=True) for each in measurements]
        remedy = "its times are unknown: let the suite run to its end, and measure again"
        caveats.append(Caveat("incomplete report", report.incomplete, remedy))
    if reports.failure is not None:
        why = f"the suite failed (exit code {reports.failure.returncode}) and may have stopped early"
        measurements = [_unless_it_counts_failures(each, why) for each in measurements]
        caveats.insert(0, _failure(entry, reports.failure, report))
    output = "" if reports.failure is None else reports.failure.output_tail
    said = (*_caveats(entry, report, reports), *report.caveats, *caveats)
    return Capture(tuple(measurements), details, said, output=output)


def _unless_it_counts_failures(measurement: Measurement, why: str, *, seen: bool = False) -> Measurement:
    """What is known of a suite that failed are its failures, of one that did not end those that were `seen`; all else is unknown."""
    if measurement.series.metric in _FAILURES and (not seen or any(measurement.values)):
        return measurement
    return measurement._replace(values=(), state=State.UNKNOWN, reason=why, resolution=0.0)


def _failure(entry: TestsEntry, execution: Execution, report: Report) -> Caveat:
    indices = report.failed()
    (first,) = report.cases(frozenset(indices[:1]))
    message = f'the command "{entry.name}" {how_it_ended(execution.returncode)}; failed tests: {len(indices)}, the first is {plain_text(first.title)[:200]}'
    return Caveat(COMMAND_FAILED, message, "mend the tests, and measure again")


def _origin(reports: Reports, surroundings: Surroundings) -> str:
    more = f" and {len(reports.paths) - 1} more" if len(reports.paths) > 1 else ""
    return shown_as(reports.paths[0], reports, surroundings) + more


def _suite_name(entry: TestsEntry, report: Report, paths: Sequence[Path]) -> str:
    """The name given, else the command's, else what the reports call themselves where they agree, else the file's."""
    if entry.suite or entry.run:
        return entry.suite or entry.name
    own = next(iter(report.names)) if len(report.names) == 1 else ""
    return own or (paths[0].stem if len(paths) == 1 else entry.name)


def _nothing_ran(report: Report) -> str:
    """Why nothing can be said of times, "" where a case was executed."""
    if len(report) == 0:
        return "the report has no case; check that the tests are found"
    if report.count(SKIPPED) == len(report):
        return f"no case was executed, all {len(report)} were skipped"
    return ""


def _duration(suite: _Suite, report: Report, reports: Reports) -> Measurement:
    if reports.paths and (why := _nothing_ran(report)):
        return suite.unknown("tests.duration", why)
    seconds = report.wall if reports.wall is None else reports.wall
    if seconds is not None:
        return suite.measured("tests.duration", seconds)
    remedy = "budget tests.case_time, or let perfgate run the suite: perfgate measure tests -- CMD"
    return suite.unknown("tests.duration", f"{report.no_wall}; {remedy}")


def _of_cases(suite: _Suite, report: Report) -> list[Measurement]:
    counted = [
        suite.measured("tests.count", len(report) - report.count(SKIPPED)),
        suite.measured("tests.failed", report.count(FAILED)),
        suite.measured("tests.flaky", len(report.flaky())),
    ]
    why = _nothing_ran(report)
    if not why and not report.tell_time():
        why = "no case tells a time that can be read; let the tests write times in seconds"
    if why:
        return [*counted, suite.unknown("tests.case_time", why)]
    total = suite.measured("tests.case_time", math.fsum(report.seconds), resolution=report.resolution)
    if untimed := report.untimed():
        reason = f"{untimed} of {len(report)} cases tell no time that can be read; let the tests write times in seconds"
        total = total._replace(state=State.LOWER_BOUND, reason=reason)
    return [*counted, total]


def _singles(suite: _Suite, report: Report, caveats: list[Caveat]) -> list[Measurement]:
    """Every executed test as a series; tests of one name add up, and are unknown where one of them is."""
    times: dict[str, list[float | None]] = {}
    for case in report.cases():
        if case.state != SKIPPED:
            times.setdefault(label(case.title, caveats) or "unnamed", []).append(case.seconds)
    measurements = []
    for test, told in times.items():
        known = [seconds for seconds in told if seconds is not None]
        if len(known) == len(told):
            total = math.fsum(known)
            measurements.append(suite.measured("tests.case_time", total, resolution=report.resolution, test=test))
        else:
            reason = "the report tells no time that can be read; let the tests write times in seconds"
            measurements.append(suite.unknown("tests.case_time", reason, test=test))
    return measurements


def _caveats(entry: TestsEntry, report: Report, reports: Reports) -> Iterable[Caveat]:
    if not reports.paths:
        message = f'"{entry.name}" left no report, so only its duration is known'
        yield Caveat("no report", message, "use {out} in the command where it writes its report, or --report")
    if report.unreadable_times:
        message = f"times that cannot be read: {report.unreadable_times}, the first at {report.first_unreadable}"
        remedy = "a time is a number of seconds; 1,234 alone could be one or a thousand"
        yield Caveat("unreadable times", message, remedy)
    if skipped := report.count(SKIPPED):
        yield Caveat("skipped tests", f"skipped tests, which are not counted: {skipped}")
    if suspects := len(report.suspects()):
        message = f"tests there more than once without a failure, retried or several of one name: {suspects}"
        yield Caveat("flaky suspects", message)
    if report.nameless:
        message = f"cases without a name, each counted as a test of its own: {report.nameless}"
        yield Caveat("nameless tests", message, "let the tests write the names of the cases")
    if report.loose_failures:
        message = f"failures of a whole suite and of no case, which tests.failed lacks: {report.loose_failures}"
        yield Caveat("failed suites", message, "look at the report: the set-up of a suite may have failed")
    if report.missing:
        message = f"cases that the reports count and do not hold: {report.missing}"
        yield Caveat("missing tests", message, "the tests may have been stopped, or their output filtered")
    if report.untold_flaky:
        message = f"tests that the reports count as flaky without telling which, and which may count as failed: {report.untold_flaky}"
        yield Caveat("flaky tests", message, "let the tests write each retry, as flakyFailure or as a case")
    if report.unfinished:
        message = f"tests that began and never ended, counted as failed: {report.unfinished}"
        yield Caveat("unfinished tests", message, "the run may have been stopped, or have crashed in them")
    if report.control_characters:
        yield Caveat("control characters", "characters that XML forbids were read as question marks")
    if reports.stale:
        message = f"reports left out because the command did not write them: {reports.stale}"
        yield Caveat("stale reports", message, "delete reports before the tests run")
