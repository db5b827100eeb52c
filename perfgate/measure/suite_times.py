"""The times of a suite's tests by the names people know, by file, and for the suite: what two runs of it are compared by."""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from perfgate.adapters.labels import label, labels, plain_text
from perfgate.adapters.suite_report import SKIPPED, TIMED, Home, Report
from perfgate.core.suite_homes import factor
from perfgate.measure.result_files import shown

#: Rows that a run keeps of one suite, those that took longest: together they stay below half a megabyte.
MOST_TESTS, MOST_FILES = 1000, 2000
_DIGITS = 4
_LONGEST_ID = 500
_WIDTH = 1 << 64
Row = Mapping[str, str | int | float | bool | None]


class Kept(NamedTuple):
    """The blocks `test_sets`, `test_times` and `test_files` of one suite; all empty where no test was executed."""

    sets: tuple[Row, ...] = ()
    times: tuple[Row, ...] = ()
    files: tuple[Row, ...] = ()


class Files:
    """The names of files as a run keeps them: relative to a root where they lie inside, and cut as labels are."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, str | None] = {}

    def told(self, file: str) -> str | None:
        """The file's name, None where the source tells none."""
        if file not in self._known:
            self._known[file] = label(shown(Path(file), self._root), []) if file else None
        return self._known[file]


class _Part(NamedTuple):
    """Cases whose title begins alike."""

    home: Home
    cases: array[int]
    names: list[str]


class _Group(NamedTuple):
    """The executed tests of one file, or class where no file is told: how many, and a number that tells one set from another.

    `seconds` is None where no test tells its time; `untimed` counts those that do not.
    """

    home: str
    by_class: bool
    tests: int
    seconds: float | None
    untimed: int
    digest: int

    def row(self, suite: str, names: Row) -> Row:
        return {
            "suite": suite,
            **names,
            "tests": self.tests,
            "seconds": None if self.seconds is None else rounded(self.seconds),
            "fingerprint": f"{self.digest:016x}",
            **({"untimed": self.untimed} if self.untimed else {}),
        }

    @property
    def cost(self) -> tuple[float, str, bool]:
        """What puts the dearest first."""
        return -(self.seconds or 0.0), self.home, self.by_class


class _Cost(NamedTuple):
    """A test that tells its time: one title in one file, its cases added up. In order, the dearest come first."""

    cost: float
    home: str
    title: str
    by_class: bool
    cases: tuple[int, ...]


class _Dearest:
    """The tests that took longest of all that are told, without keeping many more of them than are wanted."""

    def __init__(self) -> None:
        self._held: list[_Cost] = []
        #: What takes less is none of them.
        self.least = 0.0

    def take(self, costs: Iterable[_Cost]) -> None:
        self._held.extend(costs)
        if len(self._held) > 4 * MOST_TESTS:
            self._held = self.all()
            self.least = -self._held[-1].cost

    def all(self) -> list[_Cost]:
        return heapq.nsmallest(MOST_TESTS, self._held)


def rounded(seconds: float) -> float:
    """Seconds with the digits that a run keeps: more would be noise, and make every run's file another one."""
    return float(f"{seconds:.{_DIGITS}g}")


def kept(suite: str, report: Report, files: Files) -> Kept:
    """What a run keeps of the executed tests: tests of one title in one file are one test, its times added up.

    Names are made file by file, and rows of the dearest only: 200,000 tests cost a third of reading their report.
    """
    known, dearest = _known(report), _Dearest()
    groups = [
        _group(home, by_class, parts, known, dearest) for (home, by_class), parts in _parts(report, files).items()
    ]
    if not groups:
        return Kept()
    shown = heapq.nsmallest(MOST_FILES, groups, key=lambda each: each.cost)
    rows = [
        each.row(suite, {"file": each.home or None, **_by(each.by_class)})
        for each in sorted(shown, key=lambda each: (each.home, each.by_class))
    ]
    skipped = report.count(SKIPPED)
    told = {**_whole(groups, known).row(suite, {}), **({"skipped": skipped} if skipped else {})}
    return Kept((told,), _times(suite, report, dearest.all()), tuple(rows))


def _known(report: Report) -> array[float]:
    """The seconds of each case; -1 where it was not executed, or tells no time that is known."""
    if report.count(SKIPPED) == report.untimed() == 0:
        return report.seconds
    known = (
        seconds if time == TIMED and state != SKIPPED else -1.0
        for seconds, time, state in zip(report.seconds, report.timed, report.states, strict=True)
    )
    return array("d", known)


def _parts(report: Report, files: Files) -> dict[tuple[str, bool], list[_Part]]:
    """The executed cases by the file they live in, or the class where no file is told, which the second half of a key says."""
    states, skipped = report.states, report.count(SKIPPED)
    found: dict[tuple[str, bool], list[_Part]] = {}
    for home, cases, names in report.homes():
        part = _Part(home, cases, names)
        if skipped:
            executed = [states[case] != SKIPPED for case in cases]
            part = _Part(home, array("I", compress(cases, executed)), list(compress(names, executed)))
        if part.cases:
            file = files.told(home.file)
            key = (file, False) if file else (label(home.group, []), True)
            found.setdefault(key, []).append(part)
    return found


def _group(home: str, by_class: bool, parts: Sequence[_Part], known: array[float], dearest: _Dearest) -> _Group:
    """The group of all these cases, whose tests `dearest` is told."""
    titles: list[str] = []
    cases: list[int] = []
    for part in parts:
        titles += labels(part.home.titles(part.names))
        cases += part.cases
    if "" in titles:
        titles = [title or "unnamed" for title in titles]
    seconds = [known[case] for case in cases]
    timed = seconds if min(seconds) >= 0 else [each for each in seconds if each >= 0]
    if timed:
        dearest.take(_costs(home, by_class, titles, cases, seconds, dearest.least))
    total = math.fsum(timed) if timed else None
    return _Group(home, by_class, len(cases), total, len(cases) - len(timed), _digest(home, titles))


def _digest(home: str, titles: Sequence[str]) -> int:
    """A number for the tests of a home: a sum, so that neither order nor how a suite is cut into parts changes it.

    A changed title goes unseen once in 2**32 times. Cubes, because sums of check sums alone agree where names swap their ends.
    """
    sums = map(crc32, "\0".join(titles).encode("utf-8", "replace").split(b"\0"))
    return sum([each * each * each for each in sums]) * factor(home) % _WIDTH


def _costs(
    home: str, by_class: bool, titles: Sequence[str], cases: Sequence[int], seconds: Sequence[float], least: float
) -> Iterator[_Cost]:
    """The tests of a group that took at least so long; one is left out where one of its cases tells no time."""
    told = zip(titles, cases, seconds, strict=True)
    if len(set(titles)) == len(titles):
        if max(seconds) >= least:
            for title, case, each in told:
                if each >= least:
                    yield _Cost(-each, home, title, by_class, (case,))
        return
    tests: dict[str, list[tuple[int, float]]] = {}
    for title, case, each in told:
        tests.setdefault(title, []).append((case, each))
    for title, several in tests.items():
        total = math.fsum(each for _, each in several)
        if total >= least and all(each >= 0 for _, each in several):
            yield _Cost(-total, home, title, by_class, tuple(case for case, _ in several))


def _whole(groups: Sequence[_Group], known: array[float]) -> _Group:
    """All tests together."""
    tests, untimed = sum(each.tests for each in groups), sum(each.untimed for each in groups)
    seconds = math.fsum(each for each in known if each >= 0) if untimed < tests else None
    return _Group("", False, tests, seconds, untimed, sum(each.digest for each in groups) % _WIDTH)


def _by(by_class: bool) -> Row:
    """The mark of a row whose `file` is a class, or a suite, because the source tells no file."""
    return {"by": "class"} if by_class else {}


def _times(suite: str, report: Report, dearest: Iterable[_Cost]) -> tuple[Row, ...]:
    """The tests that took longest, by file and title."""
    return tuple(
        {
            "suite": suite,
            "test": each.title,
            "file": each.home or None,
            "seconds": rounded(-each.cost),
            **_by(each.by_class),
            **_more(report, each.cases),
        }
        for each in sorted(dearest, key=lambda each: each[1:4])
    )


def _more(report: Report, cases: Sequence[int]) -> Row:
    """How many tests share the title where it is more than one, and the runner's own id where there is one."""
    row: dict[str, str | int] = {"tests": len(cases)} if len(cases) > 1 else {}
    ids = {own_id(report, case) for case in cases}
    return {**row, "id": ids.pop()} if len(ids) == 1 and ids != {""} else row


def own_id(report: Report, case: int) -> str:
    """The runner's own id of a case, whole, or "" where there is none that can be kept."""
    own = report.ids.get(case, "")
    return own if len(own) <= _LONGEST_ID and plain_text(own) == own else ""
