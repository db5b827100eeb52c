"""Budgets and waivers: what budgets.yaml asks for, as plain data with every default filled in."""

from __future__ import annotations

from datetime import date
from enum import Enum, IntEnum
from typing import NamedTuple

from perfgate.core.entries import Entry
from perfgate.core.model import Selector, Series, glob_matches
from perfgate.core.units import Quantity

#: The place of the budget that stands in for a missing one.
NO_BUDGET = "the defaults"


class Level(IntEnum):
    """How a verdict ends, from mild to severe. What could not be judged is never called a pass."""

    PASS = 0
    INCONCLUSIVE = 1
    WARN = 2
    BLOCK = 3

    @property
    def word(self) -> str:
        """The level as it is written everywhere."""
        return self.name.lower()


class Enforce(Enum):
    """How far a budget may go: only show, at most warn, or block."""

    OBSERVE = "observe"
    WARN = "warn"
    BLOCK = "block"

    @property
    def most(self) -> Level:
        """The most severe level a verdict of this budget can reach."""
        return {"observe": Level.PASS, "warn": Level.WARN, "block": Level.BLOCK}[self.value]


class Judge(Enum):
    """Whether the scenarios of a metric are judged together or one by one."""

    SERIES = "series"
    FAMILY = "family"


class Side(Enum):
    """Which change of the value a relative limit is about."""

    WORSE = "worse"
    INCREASE = "increase"
    DECREASE = "decrease"


class Situation(NamedTuple):
    """Where a decision is made: what `when:` can ask about. `paths` is None where the changed files are not known."""

    branch: str = ""
    event: str = ""
    labels: tuple[str, ...] = ()
    paths: tuple[str, ...] | None = None
    ci: bool = False


class When(NamedTuple):
    """The circumstances in which a budget applies; empty parts ask nothing. Text may be a glob."""

    branch: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    ci: bool | None = None

    def why_not(self, situation: Situation) -> str:
        """Why the budget does not apply, in words; "" where it does. Unknown changed paths count as changed."""
        if self.ci is not None and self.ci is not situation.ci:
            return "only in CI" if self.ci else "only outside CI"
        for name, wanted, have in (("branch", self.branch, situation.branch), ("event", self.event, situation.event)):
            if wanted and not any(glob_matches(pattern, have) for pattern in wanted):
                return f"only for {name} {' or '.join(wanted)}"
        if self.label and not any(glob_matches(pattern, label) for pattern in self.label for label in situation.labels):
            return f"only with the label {' or '.join(self.label)}"
        if self.paths and situation.paths is not None:
            changed = situation.paths
            if not any(path_matches(pattern, path) for pattern in self.paths for path in changed):
                return f"only when {', '.join(self.paths)} change"
        return ""


def path_matches(pattern: str, path: str) -> bool:
    """Whether a changed path is meant: `*` and `?` stop at slashes, `**` does not, a folder means all that is in it."""
    have, want = path.split("/"), pattern.strip("/").removeprefix("./").split("/")
    if want[-1] != "**":
        want = [*want, "**"]
    return _parts_match(want, have)


def _parts_match(want: list[str], have: list[str]) -> bool:
    # reached[i]: the first i parts of the pattern can stand for the path read so far.
    reached = {0}
    for part in have:
        reached = _past_stars(want, reached)
        reached = {
            i if want[i] == "**" else i + 1
            for i in reached
            if i < len(want) and (want[i] == "**" or glob_matches(want[i], part))
        }
    return len(want) in _past_stars(want, reached)


def _past_stars(want: list[str], reached: set[int]) -> set[int]:
    more = set(reached)
    for position in sorted(reached):
        at = position
        while at < len(want) and want[at] == "**":
            at += 1
            more.add(at)
    return more


class Relative(NamedTuple):
    """A limit on the change against the baseline: ratios (0.1 = 10 %), None where that level is not asked for.

    A change counts only if it also exceeds `at_least`, in the series' unit. `stated` says whether the budget wrote it or
    the defaults fill it in.
    """

    side: Side = Side.WORSE
    warn: float | None = 0.05
    block: float | None = 0.10
    at_least: Quantity | None = None
    stated: bool = False


class Defaults(NamedTuple):
    """What applies where a budget is silent, and to series that no budget names."""

    warn: float = 0.05
    block: float = 0.10
    min_effect: float = 0.03
    tolerance: float = 0.10
    on_missing: Level = Level.BLOCK
    on_inconclusive: Level = Level.PASS
    enforce: Enforce = Enforce.BLOCK


class Budget(NamedTuple):
    """One rule, complete. `place` says where it is written ("budgets.yaml:12")."""

    selector: Selector
    limit: Quantity | None = None
    relative: Relative | None = Relative()
    tolerance: float = 0.10
    min_effect: float = 0.03
    on_missing: Level = Level.BLOCK
    on_inconclusive: Level = Level.PASS
    enforce: Enforce = Enforce.BLOCK
    when: When = When()
    judge: Judge = Judge.SERIES
    place: str = ""


class Waiver(NamedTuple):
    """An accepted breach, up to and including the day `until`, as long as the value is not worse than `ceiling`."""

    selector: Selector
    ceiling: Quantity
    until: date
    reason: str
    owner: str
    place: str = ""


#: The kinds of store: files in the work tree, or in a branch of their own.
DIRECTORY, GIT_REF = "directory", "git-ref"


class BaselineSettings(NamedTuple):
    """Where the baseline lives and how much of it is used: `window` newest values per series, `keep` runs in store.

    `path` is a folder of the project; the store "git-ref" has it in `branch`, under the project's own path in its repository.
    `remote` is the name of the remote that is fetched from and pushed to.
    """

    store: str = DIRECTORY
    path: str = "baselines"
    window: int = 100
    keep: int = 400
    branch: str = "perfgate-data"
    remote: str = "origin"


class Rerun(NamedTuple):
    """How suspects are measured again in the same job: at most so often, within so many seconds, and never these series."""

    times: int = 2
    within: float = 600.0
    never: tuple[Selector, ...] = ()

    def allows(self, series: Series) -> bool:
        """Whether this series may be measured again."""
        return self.times > 0 and not any(selector.matches(series) for selector in self.never)


class Budgets(NamedTuple):
    """The whole of budgets.yaml. `notes` are remarks of the loader that a reader must see."""

    budgets: tuple[Budget, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    defaults: Defaults = Defaults()
    entries: tuple[Entry, ...] = ()
    baseline: BaselineSettings = BaselineSettings()
    notes: tuple[str, ...] = ()
    rerun: Rerun = Rerun(times=0)

    def wants_case_series(self) -> bool:
        """Whether a budget names single test cases, which are details of a run otherwise."""
        return any(
            any(name == "test" for name, _ in budget.selector.labels)
            and glob_matches(budget.selector.metric, "tests.case_time")
            for budget in self.budgets
        )

    def for_unbudgeted(self, series: Series) -> Budget:
        """The budget of a series that no budget names: the defaults, shown but never enforced."""
        given = self.defaults
        return Budget(
            selector=Selector(series.metric, series.labels),
            relative=Relative(warn=given.warn, block=given.block),
            min_effect=given.min_effect,
            enforce=Enforce.OBSERVE,
            place=NO_BUDGET,
        )
