"""How long each test of a list takes, from what earlier runs recorded: medians, and what is assumed of a test that no run has seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from perfgate.core.sharding import SECOND, Unit
from perfgate.core.suite_names import class_of, file_of, is_file, module_of, plain_path, scope_of, title_of


class Timed(NamedTuple):
    """A test in one recorded run. `id` is the runner's own name for it, "" where the record has only what people call it (`title`).

    `group` is its class or package. `seconds` is None where no time is told; a skipped test tells none. `number` tests may share a
    title, and the time is theirs together.
    """

    title: str
    id: str = ""
    file: str = ""
    group: str = ""
    seconds: float | None = None
    skipped: bool = False
    failed: bool = False
    number: int = 1

    @property
    def name(self) -> str:
        """The most certain name it has."""
        return self.id or self.title


class Recording(NamedTuple):
    """The tests of one run. `files` has timed tests and seconds of whole files (or classes) where the record names the dearest tests only.

    `is_whole`: whether every test of the run is named, also those that were skipped.
    """

    tests: tuple[Timed, ...]
    files: Mapping[str, tuple[int, float]]
    is_whole: bool = True


class How(Enum):
    """Where a test's time comes from, the surest first."""

    MEASURED = "measured"
    SHARE = "its share of its file"
    FILE = "the median of its file"
    MEDIAN = "the median of all"
    SKIPPED = "skipped in every run"
    UNKNOWN = "unknown"


class Estimate(NamedTuple):
    """A test of the list and the nanoseconds it is taken to need, None where nothing is known of any test; its file where that is known."""

    name: str
    cost: int | None
    how: How
    failed: bool = False
    file: str = ""


class Estimates(NamedTuple):
    """The tests of a list, each once, in its order. `gone` recorded names are not in the list, `unclear` could be two of its tests;
    `repeated` lines of the list named a test again. `stranger` is a recorded name where not one of them is in the list."""

    tests: tuple[Estimate, ...]
    gone: int = 0
    unclear: int = 0
    repeated: int = 0
    stranger: str = ""

    def number(self, how: How) -> int:
        """How many times come from there."""
        return sum(test.how is how for test in self.tests)


def merged(recordings: Iterable[Recording]) -> list[Recording]:
    """Recordings as runs: those without a common test are the parts of a sharded run and are one, the first that has room for them.

    So it does not matter whether files come by run or by shard. A median over the parts would take a file that was shared out for
    shorter than it is.
    """
    runs: list[tuple[set[str], list[Recording]]] = []
    told = list(recordings)
    if len(told) < 2:
        return told
    for recording in told:
        # One file may tell node ids and another one what reports call the tests.
        names = {title_of(test.name) for test in recording.tests} or set(recording.files)
        for seen, parts in runs:
            if seen.isdisjoint(names) and names:
                seen.update(names)
                parts.append(recording)
                break
        else:
            runs.append((names, [recording]))
    return [parts[0] if len(parts) == 1 else joined(parts) for _, parts in runs]


def joined(parts: Sequence[Recording]) -> Recording:
    """The parts of one run as one."""
    files: dict[str, tuple[int, float]] = {}
    for part in parts:
        for file, (tests, seconds) in part.files.items():
            before = files.get(file, (0, 0.0))
            files[file] = before[0] + tests, before[1] + seconds
    return Recording(tuple(test for part in parts for test in part.tests), files, all(part.is_whole for part in parts))


def recorded_names(recordings: Iterable[Recording]) -> list[str]:
    """Every test that a run has seen, each once, sorted."""
    return sorted({test.name for recording in recordings for test in recording.tests})


def median(values: Sequence[int]) -> int:
    """The median in whole numbers."""
    if len(values) == 1:
        return values[0]
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


# --- which test of the list a recorded one is -------------------------------------------------------------------------


class _List:
    """The names of a list, to be found by what records call them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {name: at for at, name in enumerate(names)}
        self._titles: dict[str, int | None] = {}
        self._files: dict[str, int] = {}
        self._by_end: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._modules: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for at, name in enumerate(names):
            title = title_of(name)
            self._titles[title] = None if title in self._titles else at
            if is_file(name):
                path, module = plain_path(name), module_of(name)
                self._files[path] = at
                self._by_end[path.rpartition("/")[2]].append((path, at))
                self._modules[module.rpartition(".")[2]].append((module, at))
        self._known: dict[tuple[str, str], int | None] = {}
        self.unclear: set[str] = set()

    def find(self, test: Timed) -> int | None:
        """Its position in the list; None where it is not there, or could be two of its tests."""
        if test.id in self._exact:
            return self._exact[test.id]
        for title in (test.title, test.title.rpartition("@")[0]):
            # pytest-xdist writes the group that tests share behind their names.
            if title and title in self._titles:
                found = self._titles[title]
                if found is None:
                    self.unclear.add(title)
                return found
        key = test.file, test.group
        if key not in self._known:
            self._known[key] = self._holder(*key)
        return self._known[key]

    def file(self, path: str) -> int | None:
        """The position of a file of the list, which a record may know by a longer path."""
        path = plain_path(path)
        if path in self._files:
            return self._files[path]
        near = [
            at
            for known, at in self._by_end.get(path.rpartition("/")[2], ())
            if path.endswith(f"/{known}") or known.endswith(f"/{path}")
        ]
        return near[0] if len(near) == 1 else None

    def _holder(self, file: str, group: str) -> int | None:
        """The file, class or package of the list that a test is in."""
        found = self.file(file) if file else None
        if found is None and group:
            found = self._exact.get(group, self._files.get(plain_path(group)))
        if found is None and group:
            found = self._module(group)
        return found

    def _module(self, group: str) -> int | None:
        """The file whose dotted name a class begins with (Python), or that ends in it (com.example.FooTest of src/test/java/…)."""
        dotted = group.partition("$")[0]
        while dotted:
            near = self._modules.get(dotted.rpartition(".")[2], ())
            same = [at for module, at in near if module == dotted] or [
                at for module, at in near if module.endswith(f".{dotted}")
            ]
            if same:
                return same[0] if len(same) == 1 else None
            dotted = dotted.rpartition(".")[0]
        return None


# --- times ------------------------------------------------------------------------------------------------------------


class _Seen:
    """What the runs tell of each test of the list."""

    def __init__(self, names: Sequence[str]) -> None:
        self.list = _List(names)
        self.times: dict[int, list[int]] = defaultdict(list)
        self.skipped: set[int] = set()
        self.failed: set[int] = set()
        self.files: dict[int, str] = {}
        #: Of files of which only the dearest tests are kept: what one of the others took, run by run.
        self.shares: dict[str, list[int]] = defaultdict(list)
        self.gone: set[str] = set()
        self.found = False

    def add(self, run: Recording) -> None:
        """One run: the tests that a name of the list stands for add up."""
        sums: dict[int, int] = {}
        kept: dict[str, tuple[int, int]] = {}
        for test in run.tests:
            at = self.list.find(test)
            if at is None:
                self.gone.add(test.name)
            else:
                self.found = True
                self.failed |= {at} if test.failed else set()
                self.skipped |= {at} if test.skipped else set()
                if test.file:
                    self.files.setdefault(at, plain_path(test.file))
            if test.seconds is None or test.skipped:
                continue
            cost = round(test.seconds * SECOND)
            if at is not None:
                sums[at] = sums.get(at, 0) + cost
            for place in {plain_path(test.file), test.group} - {""} if run.files else ():
                count, total = kept.get(place, (0, 0))
                kept[place] = count + test.number, total + cost
        for file, (count, seconds) in run.files.items():
            place, cost = plain_path(file), round(seconds * SECOND)
            at = self.list.file(file)
            if at is not None:
                self.found = True
                sums[at] = cost
            others, rest = count - kept.get(place, (0, 0))[0], cost - kept.get(place, (0, 0))[1]
            if others > 0:
                self.shares[place].append(max(0, rest) // others)
        for at, cost in sums.items():
            self.times[at].append(cost)


def estimates(names: Sequence[str], recordings: Sequence[Recording]) -> Estimates:
    """The time of each test of a list, its median over the runs; None of all of them where no run has seen one.

    A test that no run has seen takes the median of its file's tests, else of all. Not the mean: a few long tests make that several
    times what a usual test takes (five times with a spread as suites have it, lognormal with σ = 1.8), so that ten new tests would look
    like fifty and their shard would end early.
    """
    listed = list(dict.fromkeys(names))
    seen = _Seen(listed)
    for recording in recordings:
        seen.add(recording)
    known = {at: median(times) for at, times in seen.times.items()}
    homes = [file_of(name) or seen.files.get(at, "") for at, name in enumerate(listed)]
    by_file: dict[str, list[int]] = defaultdict(list)
    for at, cost in known.items():
        by_file[homes[at]].append(cost)
    medians = {file: median(costs) for file, costs in by_file.items() if file}
    # What is known of the files' other tests counts for all that are not known.
    overall = median(list(known.values())) if known else None
    if overall is None and seen.shares:
        overall = median([median(shares) for shares in seen.shares.values()])
    tests = []
    for at, name in enumerate(listed):
        needed, how = _cost(at, name, known, seen, medians, overall)
        tests.append(Estimate(name, needed, how, at in seen.failed, homes[at]))
    return Estimates(
        tuple(tests),
        gone=len(seen.gone) - len(seen.list.unclear & seen.gone),
        unclear=len(seen.list.unclear),
        repeated=len(names) - len(listed),
        stranger="" if seen.found else min(seen.gone, default=""),
    )


def _cost(
    at: int, name: str, known: Mapping[int, int], seen: _Seen, medians: Mapping[str, int], overall: int | None
) -> tuple[int | None, How]:
    if at in known:
        return known[at], How.MEASURED
    if at in seen.skipped:
        return 0, How.SKIPPED
    file = file_of(name)
    shares = seen.shares.get(file) or seen.shares.get(class_of(name))
    if shares and not is_file(name):
        return median(shares), How.SHARE
    if file in medians and not is_file(name):
        return medians[file], How.FILE
    return overall, How.UNKNOWN if overall is None else How.MEDIAN


# --- what stays together ----------------------------------------------------------------------------------------------


class Keep(Enum):
    """Which tests stay in one shard: those of a file, of a class (functions: of a file), or none."""

    FILE = "file"
    CLASS = "class"
    NONE = "none"


def units(tests: Iterable[Estimate], keep: Keep, first: frozenset[str] = frozenset()) -> list[Unit]:
    """The tests as units, in their order; a unit comes first where one of its tests is among `first`."""
    groups: dict[str, list[Estimate]] = {}
    for test in tests:
        groups.setdefault(_home(test, keep), []).append(test)
    return [
        Unit(
            name,
            tuple(test.name for test in group),
            sum(test.cost or 0 for test in group),
            any(test.name in first for test in group),
        )
        for name, group in groups.items()
    ]


def _home(test: Estimate, keep: Keep) -> str:
    if keep is Keep.NONE:
        return test.name
    return (keep is Keep.FILE and test.file) or scope_of(test.name) or test.name
