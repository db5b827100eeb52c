"""Test suites, measured: their wall time where someone watched it, and what their JUnit reports tell of the cases."""

from __future__ import annotations

import heapq
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perfgate.adapters.junit import FAILED, SKIPPED, Case, Report
from perfgate.core.entries import TestsEntry
from perfgate.core.metrics import find
from perfgate.core.model import Capture, Caveat, Measurement, Series, State
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.measure.command import fill, run_once
from perfgate.measure.globbing import matches
from perfgate.measure.surroundings import Surroundings

_SHOWN = 20
_LABEL = 300
Row = Mapping[str, str | int | float | bool | None]


def capture(
    entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None], *, cases: bool = False
) -> Capture:
    """Run the suite once, or read the reports it left; with `cases` every test is a series tests.case_time{suite,test}.

    Raises CommandFailed where the suite fails: a run that stopped early would look fast. Raises InputError where no report is found or one
    cannot be read.
    """
    if not entry.run and not entry.junit:
        raise InputError(
            "there is neither a command nor a report", remedy="give one: --junit 'reports/*.xml', or -- pytest -q"
        )
    wall: float | None = None
    paths: list[Path] = []
    stale = 0
    if entry.run:
        wall, paths, stale = _run(entry, surroundings, progress)
    else:
        paths = _found(entry.junit, surroundings.root)
    report = Report()
    for path in paths:
        shown = _shown(path, surroundings)
        progress(f"reading {shown}")
        try:
            with path.open("rb") as stream:
                report.read(stream, shown)
        except OSError as error:
            raise OperationFailed(f"the report cannot be read: {error.strerror}", where=shown) from error
    return _captured(entry, report, paths, surroundings, wall=wall, stale=stale, each=cases)


# --- where reports come from ------------------------------------------------------------------------------------------


def _run(
    entry: TestsEntry, surroundings: Surroundings, progress: Callable[[str], None]
) -> tuple[float, list[Path], int]:
    """Run the suite; its wall time, the reports it wrote, and how many older ones were left out."""
    out = Path(tempfile.mkdtemp(dir=surroundings.work)) / "junit.xml"
    argv = fill(_with_report(entry), out=out)
    before = {path: _stamp(path) for pattern in entry.junit for path in matches(surroundings.root, pattern)}
    progress(f"running {entry.run[0]}")
    started = time.time_ns()
    execution = run_once(argv, surroundings, what=f'"{entry.name}"')
    fresh = [out] if out.is_file() else []
    stale = 0
    for path in (path for pattern in entry.junit for path in matches(surroundings.root, pattern)):
        # Two seconds for file systems that round their times.
        if path in before and before[path] == _stamp(path) and _stamp(path)[0] < started - 2_000_000_000:
            stale += 1
        else:
            fresh.append(path)
    if entry.junit and not fresh:
        raise CommandFailed(
            f'the command "{entry.name}" wrote no report that matches {" ".join(entry.junit)}',
            remedy="let it write JUnit XML there, or use {out} in the command",
            output=execution.output_tail,
        )
    return execution.wall, fresh, stale


def _with_report(entry: TestsEntry) -> Sequence[str]:
    """The command, with `--junitxml={out}` added where it is pytest and nobody asked for a report."""
    words = entry.run
    asked = entry.junit or any("{out}" in word or word.startswith(("--junitxml", "--junit-xml")) for word in words)
    is_pytest = any(Path(word).name in {"pytest", "py.test"} for word in words[:1]) or any(
        words[index : index + 2] == ("-m", "pytest") for index in range(len(words))
    )
    return (*words, "--junitxml={out}") if is_pytest and not asked else words


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _found(patterns: Sequence[str], root: Path) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in patterns:
        paths = matches(root, pattern)
        if not paths:
            raise InputError(f'no report matches "{pattern}"', remedy="run the tests first, or check the pattern")
        for path in paths:
            inner = sorted(path.rglob("*.xml")) if path.is_dir() else [path]
            if not inner:
                raise InputError(
                    f'the folder "{pattern}" holds no XML report', remedy="name the folder or file of the reports"
                )
            found.update(dict.fromkeys(inner))
    return list(found)


def _shown(path: Path, surroundings: Surroundings) -> str:
    for base, prefix in ((surroundings.root, ""), (surroundings.work, "the report of the command")):
        if path.is_relative_to(base):
            return prefix or path.relative_to(base).as_posix()
    return path.as_posix()


# --- what they tell ---------------------------------------------------------------------------------------------------


def _captured(
    entry: TestsEntry,
    report: Report,
    paths: Sequence[Path],
    surroundings: Surroundings,
    *,
    wall: float | None,
    stale: int,
    each: bool,
) -> Capture:
    suite = _suite(entry, report, paths)[:_LABEL]
    origin = (
        _shown(paths[0], surroundings) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        if paths
        else " ".join(entry.run)
    )
    counted = _Counted()
    singles: dict[str, list[float]] = {}
    for case in report.cases():
        counted.add(case)
        if each and case.seconds is not None and case.state != SKIPPED:
            singles.setdefault(case.title[:_LABEL] or "unnamed", []).append(case.seconds)
    measurements = [_duration(suite, wall, report, paths, origin)]
    if paths:
        measurements += _of_cases(suite, counted, report, origin)
        measurements += [
            _measured("tests.case_time", suite, math.fsum(values), origin, resolution=report.resolution, test=name)
            for name, values in singles.items()
        ]
    return Capture(tuple(measurements), counted.details(), _caveats(entry, report, counted, paths, stale))


def _suite(entry: TestsEntry, report: Report, paths: Sequence[Path]) -> str:
    """The name given, else the report's own where it has one, else the file's."""
    if entry.suite:
        return entry.suite
    if len(paths) == 1:
        only = next(iter(report.suites)) if len(report.suites) == 1 else ""
        return report.root_name or only or paths[0].stem
    return entry.name if entry.run or entry.name != "tests" else "tests"


class _Counted:
    """Totals over the cases, and the few that people want to see."""

    def __init__(self) -> None:
        self.executed = self.failed = self.flaky = self.suspects = self.skipped = self.untimed = 0
        self.times: list[float] = []
        self._slowest: list[tuple[float, int, str]] = []
        self._failed: list[str] = []
        self._flaky: list[tuple[str, str]] = []

    def add(self, case: Case) -> None:
        if case.state == SKIPPED:
            self.skipped += 1
        else:
            self.executed += 1
        if case.state == FAILED:
            self.failed += 1
            if len(self._failed) < _SHOWN:
                self._failed.append(case.title)
        self.flaky += case.flaky
        self.suspects += case.suspect
        if (case.flaky or case.suspect) and len(self._flaky) < _SHOWN:
            self._flaky.append(
                (
                    case.title,
                    "failed, then passed" if case.flaky else "ran more than once, outcome of the first unknown",
                )
            )
        if case.seconds is None:
            self.untimed += 1
        else:
            self.times.append(case.seconds)
            entry = (case.seconds, -len(self.times), case.title)
            if len(self._slowest) < _SHOWN:
                heapq.heappush(self._slowest, entry)
            elif entry > self._slowest[0]:
                heapq.heapreplace(self._slowest, entry)

    def details(self) -> dict[str, tuple[Row, ...]]:
        total = math.fsum(self.times)
        blocks: dict[str, tuple[Row, ...]] = {}
        if total:
            ranked = sorted(self._slowest, reverse=True)
            blocks["slowest_tests"] = tuple(
                {"test": title[:1000], "seconds": seconds, "share": seconds / total}
                for seconds, _, title in ranked
                if seconds > 0
            )
        if self._failed:
            blocks["failed_tests"] = tuple({"test": title[:1000]} for title in self._failed)
        if self._flaky:
            blocks["flaky_tests"] = tuple({"test": title[:1000], "how": how} for title, how in self._flaky)
        return blocks


def _duration(suite: str, wall: float | None, report: Report, paths: Sequence[Path], origin: str) -> Measurement:
    seconds = wall if wall is not None else report.wall
    if seconds is not None:
        return _measured("tests.duration", suite, seconds, origin)
    why = f"{len(paths)} reports tell no common wall time" if len(paths) > 1 else "the report tells no wall time"
    return _unknown(
        "tests.duration",
        suite,
        f"{why}; budget tests.case_time, or let perfgate run the suite: perfgate measure tests -- CMD",
        origin,
    )


def _of_cases(suite: str, counted: _Counted, report: Report, origin: str) -> list[Measurement]:
    found = [
        _measured("tests.count", suite, counted.executed, origin),
        _measured("tests.failed", suite, counted.failed, origin),
        _measured("tests.flaky", suite, counted.flaky, origin),
    ]
    if not counted.times:
        why = "the report has no case" if not counted.untimed else "no case of the report tells a time"
        return [*found, _unknown("tests.case_time", suite, why, origin)]
    total = _measured("tests.case_time", suite, math.fsum(counted.times), origin, resolution=report.resolution)
    if counted.untimed:
        reason = f"{counted.untimed} of {counted.untimed + len(counted.times)} cases tell no time that can be read"
        total = total._replace(state=State.LOWER_BOUND, reason=reason)
    return [*found, total]


def _measured(
    name: str, suite: str, value: float, origin: str, *, resolution: float = 0.0, test: str = ""
) -> Measurement:
    metric = find(name)
    if metric is None or metric.unit is None:
        raise ValueError(f"{name} is not in the registry")
    series = Series.of(name, suite=suite, test=test)
    return Measurement(
        series, metric.unit, metric.better, metric.assumption, (float(value),), origin, resolution=resolution
    )


def _unknown(name: str, suite: str, reason: str, origin: str) -> Measurement:
    return _measured(name, suite, 0, origin)._replace(values=(), state=State.UNKNOWN, reason=reason)


def _caveats(
    entry: TestsEntry, report: Report, counted: _Counted, paths: Sequence[Path], stale: int
) -> tuple[Caveat, ...]:
    caveats = []
    if not paths:
        message = f'"{entry.name}" left no report, so only its duration is known'
        caveats.append(Caveat("no report", message, "use {out} in the command where it writes JUnit XML, or --junit"))
    if report.unreadable_times:
        message = f"{len(report.unreadable_times)} times cannot be read, the first at {report.unreadable_times[0]}"
        caveats.append(
            Caveat("unreadable times", message, "a time is a number of seconds; 1,234 alone could be one or a thousand")
        )
    if counted.skipped:
        caveats.append(Caveat("skipped tests", f"{counted.skipped} skipped tests are not counted"))
    if counted.suspects:
        message = f"{counted.suspects} tests ran more than once without a failure in the report: retried, or two tests of one name"
        caveats.append(Caveat("flaky suspects", message))
    if stale:
        caveats.append(
            Caveat("stale reports", f"{stale} older reports were left out", "delete reports before the tests run")
        )
    return tuple(caveats)
