"""What changed between a candidate's tests and the baseline's, suite by suite: information beside the verdicts, never one itself."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

#: A move of the common tests that is told by itself: this share of what they took before, and these seconds.
_WORTH_SHARE, _WORTH_SECONDS = 0.1, 0.1
#: So many rows are kept of each list, the weightiest; the rest is counted.
MOST_ROWS = 20


class Share(Enum):
    """Where a part of the change of a suite's summed case time comes from."""

    CAME = "came"
    GONE = "gone"
    COMMON = "common"
    #: The baseline's own runs have different sets of tests: what its newest set takes more than its typical run.
    EARLIER = "earlier"
    UNTOLD = "not told apart"


class Row(NamedTuple):
    """A test, or `tests` tests of a file together (`test` is then ""), with the seconds on both sides; None where it is not there."""

    test: str
    file: str
    before: float | None
    after: float | None
    tests: int = 1

    @property
    def moved(self) -> float:
        """Seconds that it adds to the suite."""
        return (self.after or 0.0) - (self.before or 0.0)


class Part(NamedTuple):
    """One part of the change: `tests` it is about, seconds it adds, and its weightiest rows."""

    share: Share
    tests: int
    seconds: float
    rows: tuple[Row, ...] = ()


class Slower(NamedTuple):
    """A test that is newly slow: seconds before (the median of `runs` baseline runs) and now, `largest` that of those runs.

    `p` is the chance of such a time without a change, one-sided, after what all tests have in common was divided out.
    """

    test: str
    file: str
    before: float
    largest: float
    after: float
    runs: int
    p: float


class Flaky(NamedTuple):
    """A test that failed and passed at one commit: it failed in `failed` of the `runs` in which it was executed, `low` to `high` by
    Wilson's 95 % interval. `how` says what was seen."""

    test: str
    file: str
    failed: int
    runs: int
    low: float
    high: float
    how: str


class Plugin(NamedTuple):
    """A plugin of the test runner that is not the one it was: its versions on both sides, "" where it is not there or tells none."""

    plugin: str
    before: str
    after: str
    came: bool = False
    gone: bool = False


class Fixture(NamedTuple):
    """A fixture whose setup takes longer in all: how often it was set up and the seconds of all times together, on both sides.

    `before` is None, and `count_before` 0, where it was not there. `scope` and `file` are "" where they are not told.
    """

    fixture: str
    scope: str
    file: str
    count_before: int
    before: float | None
    count_after: int
    after: float

    @property
    def moved(self) -> float:
        """Seconds that it adds to the suite."""
        return self.after - (self.before or 0.0)


class SuiteChange(NamedTuple):
    """What changed in one suite.

    `runs` counts the baseline runs that tell of its tests, `timed` those whose times are comparable. `tests_before` and `tests_after`
    are the executed tests, None where they are not told; `changed` says that the sets differ. `before` and `after` are the summed case
    time in seconds, and `parts` add up to their difference; None and empty where that is not known, with the reason in `untold`.
    `shift` is the ratio that all common tests have in common, divided out where newly slow tests are sought among `judged` ones at the
    family-wise rate `alpha`. `renamed` pairs titles. Lists are cut, their whole lengths are beside them; `known_flaky` were flaky in
    the baseline already. `plugins` are those of the test runner that changed since the newest run that tells them: each can change
    the time of every test. `fixtures` are those whose setup grew most since the newest comparable run that tells them.
    """

    suite: str
    runs: int
    timed: int = 0
    tests_before: int | None = None
    tests_after: int | None = None
    changed: bool = False
    before: float | None = None
    after: float | None = None
    parts: tuple[Part, ...] = ()
    untold: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    renames: int = 0
    shift: float = 1.0
    judged: int = 0
    alpha: float = 0.0
    slower: tuple[Slower, ...] = ()
    slow: int = 0
    flaky: tuple[Flaky, ...] = ()
    newly_flaky: int = 0
    known_flaky: int = 0
    plugins: tuple[Plugin, ...] = ()
    fixtures: tuple[Fixture, ...] = ()

    @property
    def is_news(self) -> bool:
        """Whether a reader should be told without asking: tests or plugins changed, or a test is newly slow or newly flaky."""
        return self.changed or bool(self.slow or self.newly_flaky or self.plugins)

    @property
    def common(self) -> Part | None:
        """The part of the tests that both sides executed, None where it is not known."""
        return next((part for part in self.parts if part.share is Share.COMMON), None)

    @property
    def common_moved(self) -> bool:
        """Whether the common tests took a tenth more or less than before, and a tenth of a second: worth a word, no verdict."""
        if self.common is None or self.before is None:
            return False
        before = self.before + sum(part.seconds for part in self.parts if part.share is Share.GONE)
        return abs(self.common.seconds) >= max(_WORTH_SECONDS, _WORTH_SHARE * before)

    @property
    def tells_of_tests(self) -> bool:
        """Whether a single test is named as newly slow or newly flaky."""
        return bool(self.slow or self.newly_flaky)
