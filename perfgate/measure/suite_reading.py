"""Reading the reports of a suite into one: whichever formats they are in, and each run of a test once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import suite_formats
from perfgate.adapters.labels import plain_text
from perfgate.adapters.suite_formats import SuiteFormat
from perfgate.adapters.suite_report import Case, Report
from perfgate.core.model import Caveat
from perfgate.errors import InputError, OperationFailed
from perfgate.measure.result_files import shown
from perfgate.measure.suite_running import Reports
from perfgate.measure.surroundings import Surroundings

#: Reports in two formats that share more of the smaller one's tests than this tell of the same tests.
_SAME = 0.5
#: A report that has so much of another one's tests can stand for it.
_COVERS = 0.9
_WORDS = re.compile(r"[^\W_]+")


class Told(NamedTuple):
    """What reports tell together, the reports that were read for it, and what is to be said about others."""

    report: Report
    reports: Reports
    caveats: tuple[Caveat, ...] = ()


class _Group(NamedTuple):
    """The reports in one format."""

    format: SuiteFormat
    paths: tuple[Path, ...]
    report: Report
    tests: frozenset[str]


def read_all(reports: Reports, format_name: str, surroundings: Surroundings, progress: Callable[[str], None]) -> Told:
    """What the reports tell together; `format_name` insists on one format.

    Where reports in two formats tell of the same tests, the richer one is read and the other left out, with a caveat; the other
    one is read where the richer lacks many of its tests. Raises InputError where neither can stand for the other, or where a
    report cannot be read.
    """

    def name(path: Path) -> str:
        return shown_as(path, reports, surroundings)

    def read(paths: Sequence[Path], into: Report) -> Report:
        for path in paths:
            progress(f"reading {name(path)}")
            _read(path, name(path), into, format_name)
        return into

    def fresh() -> Report:
        return Report(root=str(surroundings.root))

    if len(reports.paths) < 2:
        return Told(read(reports.paths, fresh()), reports)
    reports, copies = _without_copies(reports, name)
    formats = {path: _format(path, name(path), format_name) for path in reports.paths}
    names = {each.name for each in formats.values()}
    if len(names) < 2:
        return Told(read(reports.paths, fresh()), reports, copies)
    groups = []
    for each in (each for each in suite_formats.FORMATS if each.name in names):
        paths = tuple(path for path in reports.paths if formats[path].name == each.name)
        report = read(paths, fresh())
        groups.append(_Group(each, paths, report, _tests(report)))
    kept, caveats = _once(groups, name)
    chosen = tuple(path for path in reports.paths if any(path in group.paths for group in kept))
    report = kept[0].report if len(kept) == 1 else read(chosen, fresh())
    return Told(report, reports._replace(paths=chosen), (*copies, *caveats))


def shown_as(path: Path, reports: Reports, surroundings: Surroundings) -> str:
    """What a report is called in messages and origins."""
    return "the report of the command" if path == reports.out else plain_text(shown(path, surroundings.root))


def _without_copies(reports: Reports, name: Callable[[Path], str]) -> tuple[Reports, tuple[Caveat, ...]]:
    """The reports without those whose bytes are another one's: one upload under two names, which would count every test twice."""
    sizes = Counter(_size(path) for path in reports.paths)
    found: dict[bytes, Path] = {}
    kept: list[Path] = []
    copies: list[Path] = []
    for path in reports.paths:
        first = found.setdefault(_digest(path, name(path)), path) if sizes[_size(path)] > 1 and _size(path) else path
        (kept if first == path else copies).append(path)
    if not copies:
        return reports, ()
    message = (
        f"reports left out because another one is the same to the byte: {len(copies)}, the first is {name(copies[0])}"
    )
    return reports._replace(paths=tuple(kept)), (Caveat("copies of reports", message, "name each report once"),)


def _size(path: Path) -> int:
    """The size of a report in bytes, 0 where it cannot be told, which reading it will complain of."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _digest(path: Path, where: str) -> bytes:
    import hashlib

    digest = hashlib.sha256()
    with _opened(path, where) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.digest()


def _once(groups: Sequence[_Group], name: Callable[[Path], str]) -> tuple[list[_Group], list[Caveat]]:
    """The groups without those whose tests another one tells of; the richest formats come first."""
    kept: list[_Group] = []
    caveats = []
    for group in groups:
        rival = next((each for each in kept if _alike(each, group)), None)
        if rival is None:
            kept.append(group)
            continue
        shared = len(rival.tests & group.tests)
        if shared >= _COVERS * len(group.tests):
            stays, leaves = rival, group
        elif shared >= _COVERS * len(rival.tests):
            stays, leaves = group, rival
            kept[kept.index(rival)] = group
        else:
            what = (
                f"{name(rival.paths[0])} ({rival.format.name}) and {name(group.paths[0])} ({group.format.name}) tell of the "
                f"same tests ({shared} of {len(rival.tests)} and of {len(group.tests)}), and would count them twice"
            )
            raise InputError(what, remedy="name the reports of one format: --report, or --format")
        message = f"{_listed(leaves, name)} ({leaves.format.name}): left out, {_listed(stays, name)} ({stays.format.name}) tells of the same tests"
        caveats.append(Caveat("reports of one run", message, "name the one to read: --report, or --format"))
    return kept, caveats


def _alike(one: _Group, other: _Group) -> bool:
    smaller = min(len(one.tests), len(other.tests))
    return smaller > 0 and len(one.tests & other.tests) > _SAME * smaller


def _tests(report: Report) -> frozenset[str]:
    """The tests by the words of their names, which formats join in different ways."""

    def words(case: Case) -> str:
        home = case.classname if case.classname != case.name else ""
        return " ".join(_WORDS.findall(f"{home} {case.name}".casefold()))

    return frozenset(map(words, report.cases()))


def _listed(group: _Group, name: Callable[[Path], str]) -> str:
    return name(group.paths[0]) + (f" and {len(group.paths) - 1} more" if len(group.paths) > 1 else "")


def _format(path: Path, where: str, format_name: str) -> SuiteFormat:
    with _opened(path, where) as stream:
        return suite_formats.detect(stream, where, format_name)


def _read(path: Path, where: str, report: Report, format_name: str) -> None:
    with _opened(path, where) as stream:
        suite_formats.read(stream, where, report, format_name)


@contextmanager
def _opened(path: Path, where: str) -> Iterator[BufferedReader]:
    try:
        if not path.is_file():
            # A pipe or a device may never end.
            what = "this is not a file" if path.exists() else "there is no such file"
            raise InputError(what, where=where, remedy="name the report of the tests")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise OperationFailed(
            f"the report cannot be read: {error.strerror}", where=where, remedy="check its permissions"
        ) from error
