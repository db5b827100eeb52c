"""The cases of a suite's reports as columns: what became of each, the time it took, and the few that people want to see."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from perfgate.adapters.own_metrics import OwnMetric
from perfgate.core.model import Caveat

PASSED, FAILED, SKIPPED = 0, 1, 2
#: What is known of a case's time; both where one attempt told a time and another one told nonsense.
TIMED, UNREADABLE = 1, 2
#: Between the parts of an identity; XML forbids it, so no name holds it.
SEPARATOR = "\x1f"
_IDENTITY = 1000
# A function of Go's package testing and the path of a subtest, in which go test writes blanks as underscores.
_GO_SUBTEST = re.compile(r"(?:Test|Fuzz|Example|Benchmark)(?![a-z])\w*/\S+")


class Case(NamedTuple):
    """A test case with all its attempts; `seconds` is their sum, None where one of them tells none."""

    suite: str
    classname: str
    name: str
    file: str
    seconds: float | None
    state: int
    flaky: bool
    suspect: bool
    #: The runner's own name, "" where no source tells.
    id: str = ""

    @property
    def title(self) -> str:
        """How people know it: class and name, or the suites' names where the class says nothing (node:test's is "test")."""
        return Home(self.suite, self.classname, self.file).titles((self.name,))[0]


class Home(NamedTuple):
    """What cases have in common: the names of their suites, their class, and their file."""

    suite: str
    classname: str
    file: str

    @property
    def group(self) -> str:
        """The class, or the suites where it says nothing."""
        return self.classname if self.classname not in {"", "test"} else self.suite or self.classname

    def titles(self, names: Iterable[str]) -> list[str]:
        """How people know its cases of these names."""
        group = self.group
        if not group:
            return list(names)
        return [f"{group}.{name}" if name and name != group else group for name in names]


class Fixture(NamedTuple):
    """A fixture by name, file ("" where it is not told) and scope ("function", "module", "session" …)."""

    name: str
    file: str = ""
    scope: str = ""


class Report:
    """The cases of one or more report files, held as columns: 200,000 cases take some 45 MB."""

    def __init__(self, root: str = "") -> None:
        #: The position of each case by suite, class, file and name, in this order, and a number where these alone are not enough.
        self._index: dict[str, int] = {}
        self._listed: list[str] = []
        #: Of each suite, by its number, the number of the one around it and its name.
        self._suites: list[tuple[int, str]] = []
        self._known_suites: dict[tuple[int, str], int] = {}
        #: One value for each case: its state, what is known of its time, and the seconds known.
        self.states = bytearray()
        self.timed = bytearray()
        self.seconds = array("d")
        self._retried: set[int] = set()
        #: Cases with a failed attempt before their newest one.
        self.failed_before: set[int] = set()
        #: How many files were read.
        self.files = 0
        #: What the files call themselves, "" for one that does not.
        self.names: set[str] = set()
        #: The wall time that the file tells, where there is only one and it can be true; else None, and why.
        self.wall: float | None = None
        self.no_wall = "there is no report"
        #: The smallest step of the coarsest file's times, in seconds; 0 where there are none.
        self.resolution = 0.0
        self.unreadable_times = 0
        self.first_unreadable = ""
        self.nameless = 0
        #: Failures of a whole suite, or counted by one, which belong to no case.
        self.loose_failures = 0
        #: Cases that the reports count and do not hold.
        self.missing = 0
        #: Tests that the reports count as flaky, and that are not among `flaky`.
        self.untold_flaky = 0
        self.control_characters = False
        #: Tests that began and never ended, which count as failed.
        self.unfinished = 0
        #: The runner's own name of a case, such as a pytest node id, where the source tells it.
        self.ids: dict[int, str] = {}
        #: How many processes ran the tests at once, 0 where no source tells.
        self.workers = 0
        #: The folder that paths in reports are told from, "" where they stay as they are.
        self.root = root
        #: Seconds of each case by phase ("setup", "call", "teardown"), where the source tells phases.
        self.phases: dict[str, array[float]] = {}
        #: How often each fixture was set up, and the seconds that took in all, where the source tells fixtures.
        self.fixtures: dict[Fixture, tuple[int, float]] = {}
        #: What a case recorded of its own in its last attempt, where the source tells it.
        self.own: dict[int, tuple[OwnMetric, ...]] = {}
        #: Rows of further blocks for people, by block; they lack the suite's name.
        self.rows: dict[str, list[Mapping[str, str | int | float | None]]] = {}
        #: What a reader of the results must know of their source.
        self.caveats: list[Caveat] = []
        #: Why cases may be missing, "" where the source tells of all.
        self.incomplete = ""

    # --- what the reader tells, case by case ---

    def new_suite(self, parent: int, name: str) -> int:
        """The number of the suite of this name inside another; -1 is above every file."""
        number = self._known_suites.get((parent, name))
        if number is None:
            number = self._known_suites[parent, name] = self.another_suite(parent, name)
        return number

    def another_suite(self, parent: int, name: str) -> int:
        """The number of a suite that is another one than all those of its name before it."""
        self._suites.append((parent, name))
        return len(self._suites) - 1

    def take(self, prefix: str, classname: str, name: str, file: str, *, twin: bool = False) -> int:
        """The position of a case, new or known; a known one is tried again, unless it is the twin of one with its names."""
        states = self.states
        new = len(states)
        key = f"{prefix}{classname}{SEPARATOR}{file}{SEPARATOR}{name}"
        if len(key) > _IDENTITY:
            key = f"{prefix}{short(classname)}{SEPARATOR}{short(file)}{SEPARATOR}{short(name)}"
        if twin or not (name or classname):
            # Nothing says that two cases without names are the same.
            self.nameless += not twin
            home, _, name = key.rpartition(SEPARATOR)
            key = f"{home}{SEPARATOR}{new}{SEPARATOR}{name}"
        position = self._index.setdefault(key, new)
        if position == new:
            states.append(PASSED)
            self.timed.append(0)
            self.seconds.append(0.0)
        return position

    def try_again(self, case: int) -> int:
        """A known case begins another attempt; the state that the earlier ones left."""
        before = self.states[case]
        if before == FAILED:
            self.failed_before.add(case)
        self._retried.add(case)
        self.states[case] = PASSED
        return before

    def suspect(self, case: int) -> None:
        """Something speaks for an earlier attempt of this case, whose end is not told."""
        self._retried.add(case)

    def spend(self, case: int, seconds: float | None) -> None:
        """An attempt's time, None where it cannot be read."""
        if seconds is None:
            self.timed[case] |= UNREADABLE
        else:
            self.seconds[case] += seconds
            self.timed[case] |= TIMED

    def spend_phase(self, case: int, phase: str, seconds: float) -> None:
        """A part of an attempt's time, which `spend` is told too."""
        column = self.phases.setdefault(phase, array("d"))
        column.extend([0.0] * (case + 1 - len(column)))
        column[case] += seconds

    def set_up(self, fixture: Fixture, seconds: float) -> None:
        """A fixture was set up once more and took so long, without the fixtures it asked for."""
        times, total = self.fixtures.get(fixture, (0, 0.0))
        self.fixtures[fixture] = times + 1, total + seconds

    def leave_to_subtests(self, since: int) -> None:
        """Of Go's tests from this position on, each keeps the time that none of its subtests told.

        A test `TestA` contains the time of `TestA/b`, but not that of subtests that ran in parallel.
        """
        keys = self._keys()
        told = self.seconds[since:]
        for offset in range(len(keys) - since):
            key = keys[since + offset]
            home, _, name = key.rpartition(SEPARATOR)
            home = SEPARATOR.join(home.split(SEPARATOR)[:3])
            while _GO_SUBTEST.fullmatch(name):
                name = name.rpartition("/")[0]
                parent = self._index.get(f"{home}{SEPARATOR}{name}", -1)
                if parent >= since:
                    # Differences of rounded numbers show digits that nobody measured.
                    self.seconds[parent] = max(0.0, round(self.seconds[parent] - told[offset], 9))
                    break

    def unreadable(self, place: str) -> None:
        """A time at this place cannot be read."""
        self.unreadable_times += 1
        self.first_unreadable = self.first_unreadable or place

    def end_file(self, name: str, step: float, wall: float | None, no_wall: str) -> None:
        """A file was read: what it calls itself, the smallest step of its times, and its wall time, or why it tells none."""
        self.files += 1
        self.names.add(name)
        self.resolution = max(self.resolution, step)
        self.wall, self.no_wall = wall, no_wall
        if self.files > 1:
            self.wall, self.no_wall = None, f"{self.files} reports tell no common wall time"

    def add_rows(self, block: str, rows: Iterable[Mapping[str, str | int | float | None]]) -> None:
        """More rows of a block; one without rows is no block."""
        for row in rows:
            self.rows.setdefault(block, []).append(row)

    # --- what they add up to ---

    def __len__(self) -> int:
        return len(self.states)

    def count(self, state: int) -> int:
        """How many cases ended in this state."""
        return self.states.count(state)

    def failed(self) -> list[int]:
        """The positions of the cases that failed in the end."""
        return [case for case, state in enumerate(self.states) if state == FAILED] if self.count(FAILED) else []

    def flaky(self) -> list[int]:
        """The positions of the cases that failed and then passed."""
        return sorted(case for case in self.failed_before if self.states[case] == PASSED)

    def suspects(self) -> list[int]:
        """The positions of cases that are there more than once and never failed: retried, or several tests of one name."""
        retried = self._retried - self.failed_before
        return sorted(case for case in retried if self.states[case] == PASSED)

    def tell_time(self) -> int:
        """How many cases tell a time of which at least a part can be read."""
        return self.timed.count(TIMED) + self.timed.count(TIMED | UNREADABLE)

    def untimed(self) -> int:
        """How many executed cases tell no time, or one that cannot be read."""
        if self.timed.count(TIMED) == len(self):
            return 0
        pairs = zip(self.states, self.timed, strict=True)
        return sum(state != SKIPPED and known != TIMED for state, known in pairs)

    def cases(self, wanted: Collection[int] | None = None) -> Iterator[Case]:
        """The cases at the wanted positions, or all, in the order of the files."""
        keys = self._keys()
        for case in range(len(keys)) if wanted is None else sorted(wanted):
            home, _, name = keys[case].rpartition(SEPARATOR)
            state = self.states[case]
            failed_before, passed = case in self.failed_before, state == PASSED
            seconds = self.seconds[case] if self.timed[case] == TIMED else None
            flaky, suspect = passed and failed_before, passed and case in self._retried and not failed_before
            suite, classname, file = self._home(home)
            yield Case(suite, classname, name, file, seconds, state, flaky, suspect, self.ids.get(case, ""))

    def homes(self) -> Iterator[tuple[Home, array[int], list[str]]]:
        """The positions and names of all cases, those with one home together, except that a home may come more than once."""
        found: dict[str, tuple[array[int], list[str]]] = {}
        cases, names = array("I"), list[str]()
        last = ""
        for case, key in enumerate(self._keys()):
            home, _, name = key.rpartition(SEPARATOR)
            if home != last:
                last = home
                cases, names = found.setdefault(home, (array("I"), []))
            cases.append(case)
            names.append(name)
        return ((self._home(home), *told) for home, told in found.items())

    def _keys(self) -> Sequence[str]:
        if len(self._listed) != len(self._index):
            self._listed = list(self._index)
        return self._listed

    def _home(self, key: str) -> Home:
        suite, classname, file, *_ = key.split(SEPARATOR)
        return Home(_path(self._suites, int(suite)), classname, file)


def _path(homes: list[tuple[int, str]], suite: int) -> str:
    names: list[str] = []
    parent, name = homes[suite]
    while parent >= 0:
        names.append(name)
        parent, name = homes[parent]
    return "/".join(part for part in reversed(names) if part)


def short(text: str) -> str:
    """A text short enough to keep, and still another one than its neighbour that differs far behind."""
    if len(text) <= _IDENTITY:
        return text
    import hashlib

    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{text[: _IDENTITY - 17]}…{digest}"
