"""Recorded times of tests: from reports of any kind, pytest-split's file, and the runs that perfgate itself has kept."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.adapters import pytest_split, suite_formats
from perfgate.adapters.labels import plain_text
from perfgate.adapters.suite_head import LOOKED_AT
from perfgate.adapters.suite_report import FAILED, SKIPPED, Report
from perfgate.core.model import Context, Run
from perfgate.core.recorded_times import Recording, Timed, merged
from perfgate.core.suite_names import node_id, parent_of
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.formats import strict_json
from perfgate.formats.files import read
from perfgate.measure.globbing import matches
from perfgate.measure.result_files import shown

_RUN, _DURATIONS = b'"schema": "perfgate/run/', ".test_durations"
_TAIL = 200
#: What is looked at in a folder, and whether a file that ends so is likely to be a report.
_LIKELY = {".xml": True, ".trx": True, ".json": False, ".jsonl": False, ".ndjson": False}
_BLOCKS = ("test_times", "test_files")


class Times(NamedTuple):
    """What was recorded, a run each; where it comes from in a few words ("" where there is nothing); and what was left out and why."""

    recordings: tuple[Recording, ...] = ()
    told: str = ""
    notes: tuple[str, ...] = ()


def of_files(patterns: Sequence[str], root: Path, progress: Callable[[str], None], *, suite: str, last: int) -> Times:
    """The times in files, folders or patterns; InputError for a pattern that names no file, or a file that tells no times."""
    parts: list[Recording] = []
    runs: list[Run] = []
    for path in _paths(patterns, root):
        name = plain_text(shown(path, root))
        progress(f"reading {name}")
        found = _read(path, name)
        if isinstance(found, Run):
            runs.append(found)
        else:
            parts.append(found)
    whole = merged(parts)
    files = _count(len(parts), "file", "files")
    told = files if len(whole) == len(parts) else f"{files}, taken as {_count(len(whole), 'run', 'runs')}"
    if not runs:
        return Times(tuple(whole), told)
    ours = of_runs(runs, suite=suite, last=last)
    if not ours.recordings and not parts:
        what = "no run of these files tells the times of tests" + (f" of the suite {suite}" if suite else "")
        raise InputError(what, where="--from", remedy="measure them: perfgate measure tests -- CMD")
    return Times(
        (*whole, *ours.recordings),
        " and ".join(each for each in (told if parts else "", ours.told) if each),
        ours.notes,
    )


def _paths(patterns: Sequence[str], root: Path) -> Iterable[Path]:
    """The files that the patterns name, each once; of a folder those that tell times of tests."""
    found: dict[str, Path] = {}
    for pattern in patterns:
        named = [each for path in matches(root, pattern) for each in (_inside(path) if path.is_dir() else [path])]
        if not named:
            raise InputError(
                f'nothing with times of tests matches "{pattern}"', where="--from", remedy="check the path"
            )
        for path in named:
            found.setdefault(os.path.realpath(path), path)
    return found.values()


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and _belongs(path))


def _belongs(path: Path) -> bool:
    if path.name == _DURATIONS:
        return True
    if path.suffix.lower() not in _LIKELY:
        return False
    with path.open("rb") as stream:
        start = stream.read(LOOKED_AT)
        stream.seek(max(0, path.stat().st_size - _TAIL))
        end = stream.read(_TAIL)
    # The keys of a run are sorted, so that its schema comes last.
    return _RUN in end or suite_formats.belongs(start, likely=_LIKELY[path.suffix.lower()])


def _read(path: Path, where: str) -> Recording | Run:
    try:
        if not path.is_file():
            # A pipe or a device may never end.
            raise InputError("this is not a file", where=where, remedy="name a report of tests")
        report = Report()
        with path.open("rb") as stream:
            try:
                suite_formats.read(stream, where, report)
            except suite_formats.UnknownFormat:
                return _ours(path, where)
    except OSError as error:
        raise OperationFailed(
            f"the file cannot be read: {error.strerror}", where=where, remedy="check its permissions"
        ) from error
    return of_report(report)


def _ours(path: Path, where: str) -> Recording | Run:
    """A file that is no test report: a run of perfgate's or pytest-split's durations."""
    data = read(path, where)
    if _RUN in data:
        return run_format.load(data, where)
    value = strict_json.loads(data, where)
    if why := pytest_split.why_not(value):
        what = f"this is no test report, no run of perfgate's, and no file of durations: {why}"
        raise InputError(what, where=where, remedy="see docs/reference/test-reports.md for what is read")
    return pytest_split.read(value, where)


def of_report(report: Report) -> Recording:
    """The tests of a report. The time of a Go subtest is a part of its parent's, so only the parents count."""
    cases = list(report.cases())
    names = {(case.classname, case.name) for case in cases}
    return Recording(
        tuple(
            Timed(
                case.title,
                case.id or node_id(case.file, case.classname, case.name),
                case.file,
                case.classname,
                None if case.state == SKIPPED else case.seconds,
                case.state == SKIPPED,
                case.state == FAILED or case.flaky,
            )
            for case in cases
            if not (parent := parent_of(case.name)) or (case.classname, parent) not in names
        ),
        {},
    )


# --- perfgate's own runs ----------------------------------------------------------------------------------------------


def of_runs(runs: Iterable[Run], *, suite: str, last: int) -> Times:
    """The newest runs of CI on one machine class that tell the times of one suite's tests.

    Times of another machine are not mixed in: a laptop's differ by more than a factor. Raises InputError where several suites are
    told and none is asked for.
    """
    telling = [run for run in runs if any(run.details.get(name) for name in _BLOCKS)]
    suites = sorted({str(row.get("suite")) for run in telling for name in _BLOCKS for row in run.details.get(name, ())})
    if len(suites) > 1 and not suite:
        what = f"{len(suites)} suites are recorded: {', '.join(suites[:5])}"
        raise InputError(
            plain_text(what)[:300], where="--suite", remedy=f"name the one to share out: --suite {suites[0][:60]}"
        )
    if suite:
        telling = [run for run in telling if _rows(run, "test_times", suite) or _rows(run, "test_files", suite)]
    notes = []
    by_ci = [run for run in telling if run.context.provider]
    if by_ci and len(by_ci) < len(telling):
        notes.append(f"left out, because CI did not run them: {_count(len(telling) - len(by_ci), 'run', 'runs')}")
    elif telling and not by_ci:
        notes.append("these times were not taken in CI, where the tests will run")
    telling = sorted(by_ci or telling, key=lambda run: (run.context.started_at, run.id), reverse=True)
    if telling:
        # The newest run comes first, so of two classes with as many runs the newer one is taken.
        machines = Counter(_pool(run) for run in telling)
        (machine, _), *others = machines.most_common()
        notes += [
            f"left out, because another machine ran them: {_count(number, 'run', 'runs')} on {other}"
            for other, number in others
        ]
        telling = [run for run in telling if _pool(run) == machine]
    wanted: dict[object, list[Recording]] = {}
    for position, run in enumerate(telling):
        key = _ci_run(run.context) or position
        if key in wanted or len(wanted) < last:
            wanted.setdefault(key, []).append(_recording(run, suite or suites[0]))
    recordings = [recording for parts in wanted.values() for recording in merged(parts)]
    told = f"{_count(len(recordings), 'run', 'runs')} on {_pool(telling[0])}" if recordings else ""
    return Times(tuple(recordings), told, tuple(notes))


def _pool(run: Run) -> str:
    """The machine class without its processor: a pool of hosted runners gives the jobs of one run different ones, and to leave some of
    them out would lose their tests."""
    return str(run.context.machine._replace(cpu_model="")) or "unknown machines"


def _ci_run(context: Context) -> tuple[str, str, int] | None:
    return (context.provider, context.ci_run, context.ci_attempt) if context.ci_run else None


def _rows(run: Run, block: str, suite: str) -> list[Mapping[str, Any]]:
    return [row for row in run.details.get(block, ()) if row.get("suite") == suite]


def _recording(run: Run, suite: str) -> Recording:
    failed = {row.get("test") for name in ("failed_tests", "flaky_tests") for row in _rows(run, name, suite)}
    tests = []
    for row in _rows(run, "test_times", suite):
        title, home, own = _text(row, "test"), _text(row, "file"), _text(row, "id")
        seconds = _seconds(row)
        if title and seconds is not None:
            by_class = row.get("by") == "class"
            file, group = ("", home) if by_class else (home, "")
            tests.append(
                Timed(title, own, file, group, seconds, failed=title in failed, number=_number(row, "tests") or 1)
            )
    files: dict[str, tuple[int, float]] = {}
    for row in _rows(run, "test_files", suite):
        home, seconds = _text(row, "file"), _seconds(row)
        timed = _number(row, "tests") - _number(row, "untimed")
        if home and seconds is not None and timed > 0:
            files[home] = timed, seconds
    # Skipped tests are not kept.
    return Recording(tuple(tests), files, is_whole=False)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _number(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _seconds(row: Mapping[str, Any]) -> float | None:
    value = row.get("seconds")
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
