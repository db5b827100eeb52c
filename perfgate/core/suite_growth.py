"""Which tests came, went and moved, and what that makes of the change of a suite's summed case time: parts that add up to it."""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.stats.estimators import middle
from perfgate.core.suite_change import MOST_ROWS, Part, Row, Share
from perfgate.core.suite_records import Group, Key, Suite, shown_home

#: So many tests of equal names make a file that came one that went, under another name.
_ENOUGH = 3


class Growth(NamedTuple):
    """The parts of the change without what they leave over, the tests that took another name, and whether every test is accounted for."""

    parts: tuple[Part, ...]
    renamed: tuple[tuple[Key, Key], ...]
    untold: int


class _Home(NamedTuple):
    """The tests of one file, or of a whole suite whose files are not told; `nameless` is how many of them are not in `rows`."""

    group: Group
    seconds: float
    rows: Mapping[Key, float]
    nameless: int
    several: Mapping[Key, int]

    def count(self, key: Key) -> int:
        """How many tests share this title."""
        return self.several.get(key, 1)

    @property
    def whole(self) -> bool:
        """Whether `rows` are all its tests."""
        return self.nameless == 0


#: What is asked of the baseline: the usual seconds of a test, and of a home whose set of tests is this group.
Typical = Callable[[Key], float | None]
Usual = Callable[[str, Group], float | None]


class _Tally:
    """The rows of each share, and how many tests cannot be told apart."""

    def __init__(self) -> None:
        self.rows: dict[Share, list[Row]] = {share: [] for share in Share}
        self.untold = 0

    def take(self, share: Share, tests: int, key: Key, before: float | None, after: float | None) -> None:
        self.rows[share].append(Row(key[0], shown_home(key[1]), before, after, tests))

    def part(self, share: Share) -> Part:
        rows = self.rows[share]
        kept = heapq.nsmallest(MOST_ROWS, rows, key=lambda row: (-abs(row.moved), row.file, row.test))
        return Part(share, sum(row.tests for row in rows), math.fsum(row.moved for row in rows), tuple(kept))


def grown(after: Suite, before: Suite, history: Sequence[Suite]) -> Growth:
    """The parts of the change from the tests of `before` to those of `after`; times before are medians over `history`."""
    by_file = _all_files(after) and _all_files(before)
    ours, theirs = _homes(after, by_file=by_file), _homes(before, by_file=by_file)
    tally = _Tally()

    def typical(key: Key) -> float | None:
        return _median(suite.times[key] for suite in history if key in suite.times)

    def usual(home: str, group: Group) -> float | None:
        if not by_file:
            return _median(suite.seconds for suite in history if suite.group == group)
        return _median(
            suite.files[home][1] for suite in history if home in suite.files and suite.files[home][0] == group
        )

    moved = _moved_homes(ours, theirs)
    renamed: list[tuple[Key, Key]] = []
    for home, mine in ours.items():
        origin = moved.get(home, home)
        its = theirs.get(origin)
        if its is None:
            _came(home, mine, tally)
        elif its.group == mine.group:
            _same(home, mine, its, typical, usual, tally)
        else:
            renamed += _differing(mine, its, typical, tally)
    for home, its in theirs.items():
        if home not in ours and home not in moved.values():
            _gone(home, its, typical, usual, tally)
    parts = tuple(tally.part(share) for share in (Share.CAME, Share.GONE, Share.COMMON))
    return Growth(parts, tuple(renamed), tally.untold)


def _all_files(suite: Suite) -> bool:
    """Whether the files account for every test of the suite."""
    return suite.group is not None and suite.group.tests == sum(group.tests for group, _ in suite.files.values())


def _homes(suite: Suite, *, by_file: bool) -> dict[str, _Home]:
    if suite.group is None:
        return {}
    if not by_file:
        return {
            "": _Home(
                suite.group, suite.seconds, suite.times, _nameless(suite, suite.group, suite.times), suite.several
            )
        }
    rows: dict[str, dict[Key, float]] = {}
    for key, seconds in suite.times.items():
        rows.setdefault(key[1], {})[key] = seconds
    found = {}
    for home, (group, seconds) in suite.files.items():
        mine = rows.get(home, {})
        found[home] = _Home(group, seconds, mine, _nameless(suite, group, mine), suite.several)
    return found


def _nameless(suite: Suite, group: Group, rows: Iterable[Key]) -> int:
    return max(0, group.tests - sum(suite.several.get(key, 1) for key in rows))


def _gone(home: str, its: _Home, typical: Typical, usual: Usual, tally: _Tally) -> None:
    """A file that is no longer there: its tests one by one where each is named."""
    if its.whole:
        for key, seconds in its.rows.items():
            before = typical(key)
            tally.take(Share.GONE, its.count(key), key, seconds if before is None else before, None)
    else:
        before = usual(home, its.group)
        tally.take(Share.GONE, its.group.tests, ("", home), its.seconds if before is None else before, None)


def _came(home: str, mine: _Home, tally: _Tally) -> None:
    """A file that is new: its tests one by one where each is named."""
    if mine.whole:
        for key, seconds in mine.rows.items():
            tally.take(Share.CAME, mine.count(key), key, None, seconds)
    else:
        tally.take(Share.CAME, mine.group.tests, ("", home), None, mine.seconds)


def _same(home: str, mine: _Home, its: _Home, typical: Typical, usual: Usual, tally: _Tally) -> None:
    """The very same tests on both sides: those with rows one by one, the others together."""
    rest_after, rest_before = mine.seconds, usual(home, its.group)
    if rest_before is None:
        rest_before = its.seconds
    tests = mine.group.tests
    for key, seconds in mine.rows.items():
        before = typical(key)
        if before is not None:
            tally.take(Share.COMMON, mine.count(key), key, before, seconds)
            tests -= mine.count(key)
            rest_after, rest_before = rest_after - seconds, rest_before - before
    if tests > 0:
        tally.take(Share.COMMON, tests, ("", home), max(0.0, rest_before), max(0.0, rest_after))


def _differing(mine: _Home, its: _Home, typical: Typical, tally: _Tally) -> list[tuple[Key, Key]]:
    """Tests of a file whose set changed, told apart as far as both sides name them."""
    renamed = _renamed(mine, its)
    origins = dict(renamed)
    # Tests without a row may be among those that came or went: as many as the side with more of them has.
    ours, theirs = mine.nameless, its.nameless
    for key, seconds in mine.rows.items():
        origin = origins.get(key, key)
        if origin in its.rows:
            before = typical(origin)
            tally.take(Share.COMMON, mine.count(key), key, its.rows[origin] if before is None else before, seconds)
        elif its.whole:
            tally.take(Share.CAME, mine.count(key), key, None, seconds)
        else:
            ours += mine.count(key)
    taken = set(origins.values())
    for key, seconds in its.rows.items():
        if key not in mine.rows and key not in taken:
            if mine.whole:
                before = typical(key)
                tally.take(Share.GONE, its.count(key), key, seconds if before is None else before, None)
            else:
                theirs += its.count(key)
    tally.untold += max(ours, theirs)
    return renamed


# --- names ------------------------------------------------------------------------------------------------------------


def own_name(title: str) -> str:
    """A title without the class or module it stands in: "pkg.mod.TestA.test_b[1.5]" is "test_b[1.5]"."""
    head = re.split(r"[\[( ]", title, maxsplit=1)[0]
    return head.rpartition(".")[2] + title[len(head) :]


def _renamed(mine: _Home, its: _Home) -> list[tuple[Key, Key]]:
    """Tests that moved between the classes of a file or got another file: the one new test and the one gone test of a name."""
    if not (mine.whole and its.whole):
        return []
    came = _by_name(key for key in mine.rows if key not in its.rows)
    gone = _by_name(key for key in its.rows if key not in mine.rows)
    return [(keys[0], gone[name][0]) for name, keys in came.items() if len(keys) == 1 and len(gone.get(name, ())) == 1]


def _by_name(keys: Iterable[Key]) -> dict[str, list[Key]]:
    found: dict[str, list[Key]] = {}
    for key in keys:
        found.setdefault(own_name(key[0]), []).append(key)
    return found


def _moved_homes(ours: Mapping[str, _Home], theirs: Mapping[str, _Home]) -> dict[str, str]:
    """The files that came and hold the very names of one that went, each with that one's name; only where there is no other choice."""
    came = _by_names({home: each for home, each in ours.items() if home not in theirs})
    gone = _by_names({home: each for home, each in theirs.items() if home not in ours})
    return {
        homes[0]: gone[names][0]
        for names, homes in came.items()
        if len(names) >= _ENOUGH and len(homes) == 1 and len(gone.get(names, ())) == 1
    }


def _by_names(homes: Mapping[str, _Home]) -> dict[frozenset[str], list[str]]:
    found: dict[frozenset[str], list[str]] = {}
    for home, each in homes.items():
        names = frozenset(own_name(key[0]) for key in each.rows)
        if each.whole and len(names) == len(each.rows):
            found.setdefault(names, []).append(home)
    return found


def _median(values: Iterable[float]) -> float | None:
    ordered = sorted(values)
    return middle(ordered) if ordered else None
