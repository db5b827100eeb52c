"""What a run's details tell of its test suites, in a small form: rows that any program may have written, taken within limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from perfgate.core.model import Details

#: The blocks from which something can be told.
BLOCKS = ("test_sets", "test_times", "test_files", "flaky_tests", "failed_tests")
#: Longer times are of no test that anyone waits for.
LONGEST = 10_000_000.0
#: Suites that are looked at in one run, and characters of a name that are kept.
_MOST_SUITES, _LONGEST_NAME = 50, 500
#: A block for people holds at most so many rows a suite: a fuller one may have left some out.
_SHOWN = 20
#: How the detail rows say that a test failed and then passed.
RETRIED = "failed, then passed"
#: What marks the home of tests whose source tells a class and no file.
_CLASS = "\0"

#: A test by its title and its home, which is a file, a class marked as one, or "".
Key = tuple[str, str]
Row = Mapping[str, str | int | float | bool | None]
_NONE: Mapping[Any, Any] = MappingProxyType({})


class Group(NamedTuple):
    """The executed tests of a suite, or of one of its files: how many, and what tells one set of them from another."""

    tests: int
    fingerprint: str


class Setup(NamedTuple):
    """A fixture by name, scope and file, the last two "" where they are not told."""

    fixture: str
    scope: str
    file: str


class Suite(NamedTuple):
    """What a run tells of one suite; times in seconds.

    `times` are those of the dearest tests, `several` how many tests share a title where it is more than one, and `files` the sum of
    each file; `cut` is the least time in `times` where cheaper tests were left out, else 0. `failed` and `flaky` (failed, then passed)
    are titles with files; `cut_failures` says that more may have been. `plugins` are those of the test runner with their versions,
    empty where they are not told. `fixtures` tells how often each was set up and what that took in all, of the dearest ones.
    """

    group: Group | None = None
    seconds: float = 0.0
    times: Mapping[Key, float] = _NONE
    several: Mapping[Key, int] = _NONE
    files: Mapping[str, tuple[Group, float]] = _NONE
    cut: float = 0.0
    failed: frozenset[Key] = frozenset()
    flaky: frozenset[Key] = frozenset()
    cut_failures: bool = False
    plugins: Mapping[str, str] = _NONE
    fixtures: Mapping[Setup, tuple[int, float]] = _NONE


class Names:
    """Texts and groups that many runs have in common, each kept once."""

    def __init__(self) -> None:
        self._keys: dict[Key, Key] = {}
        self._texts: dict[str, str] = {}
        self._groups: dict[Group, Group] = {}

    def key(self, title: str, home: str) -> Key:
        """The one key of a test."""
        key = title, home
        return self._keys.setdefault(key, key)

    def text(self, text: str) -> str:
        """The one copy of a text."""
        return self._texts.setdefault(text, text)

    def group(self, group: Group) -> Group:
        """The one copy of a group."""
        return self._groups.setdefault(group, group)


def suites_of(details: Details, names: Names | None = None) -> dict[str, Suite]:
    """The suites in a run's details by name; empty where an older run, or another kind of capture, tells of none.

    A row that makes no sense is left out. `names` keeps what several runs have in common.
    """
    if not any(block in details for block in BLOCKS):
        return {}
    names = names or Names()
    sets = {suite: (_group(row, names), _seconds(row.get("seconds"))) for suite, row in _rows(details, "test_sets")}
    times: dict[str, dict[Key, float]] = {}
    several: dict[str, dict[Key, int]] = {}
    for suite, row in _rows(details, "test_times"):
        test, seconds, count = row.get("test"), _seconds(row.get("seconds")), _count(row.get("tests"))
        if isinstance(test, str) and seconds is not None:
            key = names.key(test[:_LONGEST_NAME], _home(row, names))
            times.setdefault(suite, {})[key] = seconds
            if count is not None and count > 1:
                several.setdefault(suite, {})[key] = count
    files: dict[str, dict[str, tuple[Group, float]]] = {}
    for suite, row in _rows(details, "test_files"):
        group, seconds = _group(row, names), _seconds(row.get("seconds"))
        if group is not None and seconds is not None:
            files.setdefault(suite, {})[_home(row, names)] = group, seconds
    plugins, fixtures = _plugins(details), _fixtures(details)
    failed, flaky = (_failures(details, block, names) for block in ("failed_tests", "flaky_tests"))
    found = {}
    for suite in list(dict.fromkeys((*sets, *times, *files, *failed, *flaky)))[:_MOST_SUITES]:
        group, seconds = sets.get(suite, (None, None))
        mine, more = times.get(suite, {}), several.get(suite, {})
        found[suite] = Suite(
            group=group if seconds is not None else None,
            seconds=seconds or 0.0,
            times=mine,
            several=more,
            files=files.get(suite, {}),
            cut=_cut(group, mine, more),
            failed=frozenset(failed.get(suite, ())),
            flaky=frozenset(flaky.get(suite, ())),
            cut_failures=any(len(each.get(suite, ())) >= _SHOWN for each in (failed, flaky)),
            plugins=plugins.get(suite, {}),
            fixtures=fixtures.get(suite, {}),
        )
    return found


def plain(key: Key) -> Key:
    """A test by its title and its file, "" where only a class is told: as the blocks for people name it."""
    title, home = key
    return (title, "") if home.startswith(_CLASS) else key


def shown_home(home: str) -> str:
    """A home for people."""
    return home.removeprefix(_CLASS)


def is_file(home: str) -> bool:
    """Whether a home is a file, rather than a class or nothing."""
    return bool(home) and not home.startswith(_CLASS)


def _cut(group: Group | None, times: Mapping[Key, float], several: Mapping[Key, int]) -> float:
    """The least time that is told where tests were left out."""
    counted = len(times) - len(several) + sum(several.values())
    return min(times.values()) if times and (group is None or counted < group.tests) else 0.0


def _rows(details: Details, block: str) -> Iterable[tuple[str, Row]]:
    for row in details.get(block, ()):
        suite = row.get("suite")
        if isinstance(suite, str):
            yield suite[:_LONGEST_NAME], row


def _plugins(details: Details) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for suite, row in _rows(details, "test_plugins"):
        plugin, version = row.get("plugin"), row.get("version")
        if isinstance(plugin, str):
            found.setdefault(suite, {})[plugin[:100]] = version[:40] if isinstance(version, str) else ""
    return found


def _fixtures(details: Details) -> dict[str, dict[Setup, tuple[int, float]]]:
    found: dict[str, dict[Setup, tuple[int, float]]] = {}
    for suite, row in _rows(details, "test_fixtures"):
        name, count, seconds = row.get("fixture"), _count(row.get("count")), _seconds(row.get("seconds"))
        if isinstance(name, str) and count and seconds is not None:
            scope, file = (str(row.get(cell) or "")[:_LONGEST_NAME] for cell in ("scope", "file"))
            found.setdefault(suite, {})[Setup(name[:_LONGEST_NAME], scope, file)] = count, seconds
    return found


def _failures(details: Details, block: str, names: Names) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for suite, row in _rows(details, block):
        test, file = row.get("test"), row.get("file")
        if isinstance(test, str) and (block == "failed_tests" or row.get("how") == RETRIED):
            home = names.text(file[:_LONGEST_NAME]) if isinstance(file, str) else ""
            found.setdefault(suite, []).append(names.key(test[:_LONGEST_NAME], home))
    return found


def _group(row: Row, names: Names) -> Group | None:
    tests, fingerprint = _count(row.get("tests")), row.get("fingerprint")
    if tests is None or not isinstance(fingerprint, str):
        return None
    return names.group(Group(tests, fingerprint[:64]))


def _home(row: Row, names: Names) -> str:
    file = row.get("file")
    if not isinstance(file, str) or not file:
        return ""
    return names.text((_CLASS if row.get("by") == "class" else "") + file[:_LONGEST_NAME])


def _count(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= 1e9 and number == int(number) else None


def _seconds(value: object) -> float | None:
    number = _number(value)
    return float(number) if number is not None and 0 <= number <= LONGEST else None


def _number(value: object) -> float | None:
    # There are thousands of rows in each of a hundred runs, and nearly all cells are of the first two kinds.
    if value is None or isinstance(value, float):
        return value
    return value if isinstance(value, int) and not isinstance(value, bool) else None
