"""Test suites, measured: their wall time where someone watched it, and what their JUnit reports tell of the cases."""

from __future__ import annotations

import heapq
import math
import os
import shlex
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import junit
from perfgate.adapters.junit_cases import FAILED, SKIPPED, Case, Report
from perfgate.adapters.labels import label, plain_text
from perfgate.core.entries import TestsEntry
from perfgate.core.metrics import find
from perfgate.core.model import COMMAND_FAILED, Capture, Caveat, Measurement, Series, State
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.measure.command import Execution, failed, fill, how_it_ended, run_once
from perfgate.measure.globbing import matches
from perfgate.measure.result_files import shown
from perfgate.measure.surroundings import Surroundings

_SHOWN = 20
_OUT = "{out}"
_FAILURES = frozenset({"tests.failed", "tests.flaky"})
_PYTEST = frozenset({"pytest", "py.test"})
_REPORT_OPTIONS = ("--junitxml", "--junit-xml")
#: Programs that start the program named behind their own words.
_STARTERS = frozenset(
    {"coverage", "env", "hatch", "nice", "pdm", "pipenv", "pixi", "poetry", "timeout", "uv", "uvx", "xvfb-run"}
)
Row = Mapping[str, str | int | float | bool | None]


def capture(
    entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None], *, cases: bool = False
) -> Capture:
    """Run the suite once, or read the reports it left; with `cases` every test is a series tests.case_time{suite,test}.

    Of a suite that fails only its failed and flaky tests are counted, where its report tells any: it may have stopped early, and
    would look fast. Raises CommandFailed where it fails without such a report, was ended by a signal, or leaves no report it was
    asked for; InputError where no report is found or one cannot be read.
    """
    if not entry.run and not entry.junit:
        raise InputError(
            "there is neither a command nor a report", remedy="give one: --junit 'reports/*.xml', or -- pytest -q"
        )
    reports = _made(entry, surroundings, progress) if entry.run else _found(entry.junit, surroundings.root)
    try:
        report = _told(reports, surroundings, progress)
    except InputError as error:
        if reports.failure is None:
            raise
        # Half a report of a suite that fell over: what matters is that it did.
        raise _failed(entry, reports.failure) from error
    if reports.failure is not None and not report.count(FAILED):
        raise _failed(entry, reports.failure)
    return _captured(entry, report, reports, surroundings, each=cases)


def _failed(entry: TestsEntry, execution: Execution) -> CommandFailed:
    return failed(f'"{entry.name}"', execution)


def _told(reports: Reports, surroundings: Surroundings, progress: Callable[[str], None]) -> Report:
    """What all the reports tell together."""
    report = Report()
    for path in reports.paths:
        name = _shown(path, reports, surroundings)
        progress(f"reading {name}")
        _read(path, name, report)
    return report


def _read(path: Path, where: str, report: Report) -> None:
    try:
        if not path.is_file():
            # A pipe or a device may never end.
            what = "this is not a file" if path.exists() else "there is no such file"
            raise InputError(what, where=where, remedy="name the JUnit report of the tests")
        with path.open("rb") as stream:
            junit.read(stream, where, report)
    except OSError as error:
        raise OperationFailed(
            f"the report cannot be read: {error.strerror}", where=where, remedy="check its permissions"
        ) from error


def _shown(path: Path, reports: Reports, surroundings: Surroundings) -> str:
    return "the report of the command" if path == reports.out else plain_text(shown(path, surroundings.root))


# --- where reports come from ------------------------------------------------------------------------------------------


class Reports(NamedTuple):
    """Report files, and where the suite was run for them its wall time in seconds and how many older reports are left out.

    `out` is the file behind `{out}`, which is shown to nobody. `failure` is the suite's run where it ended with another code than 0.
    """

    paths: tuple[Path, ...]
    wall: float | None = None
    stale: int = 0
    out: Path | None = None
    failure: Execution | None = None


def _found(patterns: Sequence[str], root: Path) -> Reports:
    """The reports that patterns, files or folders name, each once; raises InputError for a pattern that names none."""
    paths: dict[str, Path] = {}
    for pattern in patterns:
        named = list(_named(pattern, root))
        if not named:
            what = f'no report matches "{pattern}"'
            if (root / pattern).is_dir():
                what = f'the folder "{pattern}" holds no XML report'
            raise InputError(what, remedy="run the tests first, or check the pattern")
        for path in named:
            paths.setdefault(os.path.realpath(path), path)
    return Reports(tuple(paths.values()))


def _made(entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Reports:
    """Run the suite and take the reports it wrote; those that were there before and did not change are stale.

    Raises CommandFailed where a signal ends the suite, or it writes no report where it was asked for one.
    """
    out = Path(tempfile.mkdtemp(dir=surroundings.work)) / "junit.xml"
    words, patterns = with_report(entry.run, entry.junit)
    wanted = [fill([pattern], out=out)[0] for pattern in patterns]
    before = _stamps(wanted, surroundings.root)
    progress(f"running {entry.run[0]}")
    execution = run_once(fill(words, out=out), surroundings, what=f'"{entry.name}"', accept=lambda code: code >= 0)
    failure = execution if execution.returncode else None
    if any(_OUT in word for word in words) and not any(_OUT in pattern for pattern in patterns):
        patterns, wanted = (_OUT, *patterns), [str(out), *wanted]
    after = _stamps(wanted, surroundings.root)
    fresh = {os.path.realpath(path): path for path, stamp in after.items() if before.get(path) != stamp}
    # A suite that failed may have stopped before it wrote them all, but the reports of its failures are needed.
    if failure is not None and not fresh:
        raise _failed(entry, failure)
    for pattern, filled in zip(patterns, wanted, strict=True) if failure is None else ():
        if not fresh or not any(path in after for path in _named(filled, surroundings.root)):
            raise CommandFailed(
                f'the command "{entry.name}" wrote no report {pattern}',
                remedy="let it write JUnit XML there, or give {out} where it takes the name of its report",
                output=execution.output_tail,
            )
    stale = {os.path.realpath(path) for path in after} - fresh.keys()
    return Reports(tuple(fresh.values()), execution.wall, len(stale), out, failure)


def with_report(run: Sequence[str], junit: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a command and the patterns of its reports; pytest is asked for a report where nobody did.

    The option goes right behind the word pytest: behind "--" it would be the name of a file.
    """
    words, patterns = tuple(run), tuple(junit)
    at = _pytest(words)
    if at is None or patterns or any(_OUT in word for word in words):
        return words, patterns
    for index in range(at + 1, len(words)):
        option, equals, value = words[index].partition("=")
        if option in _REPORT_OPTIONS:
            own = value if equals else "".join(words[index + 1 : index + 2])
            return words, (own,) if own else ()
    return (*words[: at + 1], f"--junitxml={_OUT}", *words[at + 1 :]), ()


def suite_name(run: Sequence[str]) -> str:
    """What a suite is called that nobody named: "pytest", else the program that runs it, "tests" without one."""
    if not run:
        return "tests"
    at = _pytest(run)
    return "pytest" if at is not None else Path(run[0]).name or "tests"


def _pytest(words: Sequence[str]) -> int | None:
    """The position of the word that starts pytest, None where the command is something else."""
    for index, word in enumerate(words):
        first = index == 0 or Path(words[0]).name in _STARTERS
        module = index > 0 and words[index - 1] == "-m" and word == "pytest"
        if module or (first and Path(word).name in _PYTEST):
            return index
    return None


def _named(pattern: str, root: Path) -> Iterator[Path]:
    """The files a pattern names; a folder stands for the XML files in it."""
    for path in matches(root, pattern):
        if path.is_dir():
            yield from sorted(inner for inner in path.rglob("*.xml") if inner.is_file())
        else:
            yield path


def _stamps(patterns: Sequence[str], root: Path) -> dict[Path, tuple[int, int, int]]:
    """What changes of a file when it is written, for every file that the patterns name."""
    stamps = {}
    for pattern in patterns:
        for path in _named(pattern, root):
            try:
                status = path.stat()
            except OSError:
                # A link to nowhere, or a file removed meanwhile.
                continue
            stamps[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return stamps


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
    details: dict[str, tuple[Row, ...]] = {}
    if reports.paths:
        measurements += _of_cases(suite, report)
        details = _details(suite.name, report, surroundings.root)
        if each:
            measurements += _singles(suite, report, caveats)
    if reports.failure is not None:
        why = f"the suite failed (exit code {reports.failure.returncode}) and may have stopped early"
        measurements = [_unless_it_counts_failures(each, why) for each in measurements]
        caveats.insert(0, _failure(entry, reports.failure, report))
    return Capture(tuple(measurements), details, (*_caveats(entry, report, reports), *caveats))


def _unless_it_counts_failures(measurement: Measurement, why: str) -> Measurement:
    """What is known of a suite that failed are its failures; everything else is unknown."""
    if measurement.series.metric in _FAILURES:
        return measurement
    return measurement._replace(values=(), state=State.UNKNOWN, reason=why, resolution=0.0)


def _failure(entry: TestsEntry, execution: Execution, report: Report) -> Caveat:
    indices = report.failed()
    (first,) = report.cases(frozenset(indices[:1]))
    message = f'the command "{entry.name}" {how_it_ended(execution.returncode)}; failed tests: {len(indices)}, the first is {plain_text(first.title)[:200]}'
    return Caveat(COMMAND_FAILED, message, "run it by itself, mend the tests, and measure again")


def _origin(reports: Reports, surroundings: Surroundings) -> str:
    more = f" and {len(reports.paths) - 1} more" if len(reports.paths) > 1 else ""
    return _shown(reports.paths[0], reports, surroundings) + more


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


# --- what people want to see ------------------------------------------------------------------------------------------


def _details(suite: str, report: Report, root: Path) -> dict[str, tuple[Row, ...]]:
    seconds, total = report.seconds, math.fsum(report.seconds)
    slowest = [
        case for case in heapq.nlargest(_SHOWN, range(len(report)), key=seconds.__getitem__) if seconds[case] > 0
    ]
    failed, flaky, suspects = report.failed()[:_SHOWN], report.flaky()[:_SHOWN], report.suspects()[:_SHOWN]
    wanted = sorted({*slowest, *failed, *flaky, *suspects})
    known = dict(zip(wanted, report.cases(frozenset(wanted)), strict=True))

    def file(case: Case) -> str | None:
        return shown(Path(case.file), root) if case.file else None

    def rows(cases: Iterable[int], more: Callable[[int, Case], Row]) -> tuple[Row, ...]:
        return tuple(
            {"suite": suite, "test": known[case].title, "file": file(known[case]), **more(case, known[case])}
            for case in cases
        )

    blocks = {
        "slowest_tests": rows(slowest, lambda at, _: {"seconds": seconds[at], "share": seconds[at] / total}),
        "failed_tests": rows(failed, lambda _at, _case: {}),
        "flaky_tests": rows([*flaky, *suspects][:_SHOWN], lambda _, case: {"how": _how(case)}),
    }
    return {name: block for name, block in blocks.items() if block}


def _how(case: Case) -> str:
    return "failed, then passed" if case.flaky else "ran more than once, outcome of the first unknown"


def _caveats(entry: TestsEntry, report: Report, reports: Reports) -> Iterable[Caveat]:
    if not reports.paths:
        message = f'"{entry.name}" left no report, so only its duration is known'
        yield Caveat("no report", message, "use {out} in the command where it writes JUnit XML, or --junit")
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
    if report.control_characters:
        yield Caveat("control characters", "characters that XML forbids were read as question marks")
    if reports.stale:
        message = f"reports left out because the command did not write them: {reports.stale}"
        yield Caveat("stale reports", message, "delete reports before the tests run")
