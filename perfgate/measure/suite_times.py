"""The times of a suite's tests by the names people know, by file, and for the suite: what two runs of it are compared by."""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters.labels import label, plain_text
from perfgate.adapters.suite_report import SKIPPED, TIMED, Case, Report
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


class _Test(NamedTuple):
    """A test's identity: the title people know and where it lives, which is a file, else a class, else ""."""

    title: str
    home: str

    def digest(self) -> int:
        text = f"{self.title}\0{self.home}"
        return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


class _Group:
    """Executed tests that belong together: how many, their times, and a sum that tells one set of identities from another."""

    def __init__(self, home: str = "", *, by_class: bool = False) -> None:
        self.home = home
        self.by_class = by_class
        self.tests = 0
        self.times = array("d")
        self._sum = 0

    def take(self, digest: int, seconds: float | None) -> None:
        self.tests += 1
        # A sum, not a chain: whatever the order the tests ran in, equal sets have equal sums.
        self._sum = (self._sum + digest) % _WIDTH
        if seconds is not None:
            self.times.append(seconds)

    @cached_property
    def seconds(self) -> float:
        return math.fsum(self.times)

    def row(self, suite: str, names: Row) -> Row:
        """The group's row; `seconds` is None where no test tells its time, and `untimed` says how many tell none."""
        untimed = self.tests - len(self.times)
        return {
            "suite": suite,
            **names,
            "tests": self.tests,
            "seconds": rounded(self.seconds) if self.times else None,
            "fingerprint": f"{self._sum:016x}",
            **({"untimed": untimed} if untimed else {}),
        }


def rounded(seconds: float) -> float:
    """Seconds with the digits that a run keeps: more would be noise, and make every run's file another one."""
    return float(f"{seconds:.{_DIGITS}g}")


def kept(suite: str, report: Report, files: Files) -> Kept:
    """What a run keeps of the executed tests: tests of one title in one file are one test, its times added up.

    200,000 tests take some 45 MB while this is made, and as rows less than half a megabyte.
    """
    whole = _Group()
    homes: dict[tuple[str, bool], _Group] = {}
    first: dict[int, int] = {}
    several: dict[int, list[int]] = {}
    states = report.states
    for position, case in enumerate(report.cases()):
        if states[position] == SKIPPED:
            continue
        test, by_class = _test(case, files)
        digest = test.digest()
        whole.take(digest, case.seconds)
        homes.setdefault((test.home, by_class), _Group(test.home, by_class=by_class)).take(digest, case.seconds)
        if (earlier := first.setdefault(digest, position)) != position:
            several.setdefault(earlier, [earlier]).append(position)
    if not whole.tests:
        return Kept()
    dearest = heapq.nsmallest(MOST_FILES, homes.values(), key=lambda each: (-each.seconds, each.home, each.by_class))
    rows = [
        each.row(suite, {"file": each.home or None, **_by(each.by_class)})
        for each in sorted(dearest, key=lambda each: (each.home, each.by_class))
    ]
    skipped = report.count(SKIPPED)
    told = {**whole.row(suite, {}), **({"skipped": skipped} if skipped else {})}
    return Kept((told,), _times(suite, report, files, several), tuple(rows))


def _test(case: Case, files: Files) -> tuple[_Test, bool]:
    title = label(case.title, []) or "unnamed"
    file = files.told(case.file)
    if file:
        return _Test(title, file), False
    home = label(case.classname if case.classname not in {"", "test"} else case.suite or case.classname, [])
    return _Test(title, home), True


def _by(by_class: bool) -> Row:
    """The mark of a row whose `file` is a class, or a suite, because the source tells no file."""
    return {"by": "class"} if by_class else {}


def _times(suite: str, report: Report, files: Files, several: Mapping[int, list[int]]) -> tuple[Row, ...]:
    """The tests that took longest, by file and title; a test is left out where one of its cases tells no time."""
    seconds = _totals(report, several)
    least = min(heapq.nlargest(MOST_TESTS, seconds), default=0.0)
    # What takes as long as the last one kept could be kept as well: then the names decide.
    wanted = [case for case, total in enumerate(seconds) if total >= least and total >= 0]
    costs = []
    for case, told in zip(wanted, report.cases(frozenset(wanted)), strict=True):
        test, by_class = _test(told, files)
        costs.append((-seconds[case], test.home, test.title, by_class, case))
    dearest = heapq.nsmallest(MOST_TESTS, costs)
    return tuple(
        {
            "suite": suite,
            "test": title,
            "file": home or None,
            "seconds": rounded(-cost),
            **_by(by_class),
            **_more(report, several.get(case, [case])),
        }
        for cost, home, title, by_class, case in sorted(dearest, key=lambda each: each[1:4])
    )


def _totals(report: Report, several: Mapping[int, list[int]]) -> array[float]:
    """The seconds of each test at the position of its first case; -1 where there is none, or a time is not known."""
    known = (
        total if time == TIMED and state != SKIPPED else -1.0
        for total, time, state in zip(report.seconds, report.timed, report.states, strict=True)
    )
    seconds = array("d", known)
    for first, cases in several.items():
        all_known = all(seconds[case] >= 0 for case in cases)
        total = math.fsum(seconds[case] for case in cases)
        for case in cases:
            seconds[case] = -1.0
        seconds[first] = total if all_known else -1.0
    return seconds


def _more(report: Report, cases: list[int]) -> Row:
    """How many tests share the title where it is more than one, and the runner's own id where there is one."""
    row: dict[str, str | int] = {"tests": len(cases)} if len(cases) > 1 else {}
    ids = {own_id(report, case) for case in cases}
    return {**row, "id": ids.pop()} if len(ids) == 1 and ids != {""} else row


def own_id(report: Report, case: int) -> str:
    """The runner's own id of a case, whole, or "" where there is none that can be kept."""
    own = report.ids.get(case, "")
    return own if len(own) <= _LONGEST_ID and plain_text(own) == own else ""
