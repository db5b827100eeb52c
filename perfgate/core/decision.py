"""The decision: every verdict, what they rest on, and the level of the whole. Every output is made from this object."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from perfgate.core.baseline import BaselineRun
from perfgate.core.budgets import Budget, Level, Situation
from perfgate.core.compare import Comparison
from perfgate.core.metrics import Direction
from perfgate.core.model import COMMAND_FAILED, Caveat, Context, Series, State
from perfgate.core.stats.families import Together
from perfgate.core.timeline import Timeline
from perfgate.core.units import Unit

if TYPE_CHECKING:
    from perfgate.core.suite_change import SuiteChange

#: The code of the caveat that a whole run shifted: every output says it beside the level.
RUN_SHIFTED = "run shifted"
#: How the note of an accepted block begins.
ACCEPTED = "accepted: "
#: The label on a pull request that accepts its blocks.
ACCEPTED_LABEL = "perfgate: accepted"


class Rule(Enum):
    """Which rule a verdict applies."""

    LIMIT = "limit"
    CHANGE = "change"
    DROP = "drop"
    MISSING = "missing"
    FAMILY = "family"


class Member(NamedTuple):
    """One scenario of a family: the mean of its last runs in the baseline, `runs` of them, and the candidate's mean."""

    series: Series
    before: float
    after: float
    runs: int


class Family(NamedTuple):
    """The scenarios of one metric judged together, as if they were one series `llm.tokens{scenario=*}`.

    `before` and `after` are the geometric means over the scenarios that both sides have, so that `relative` is the mean change;
    all three and `numbers` are None where fewer than two have both. `alone` are the other scenarios, each with the reason.
    `success` is the share of tasks that succeeded and `per_success` the metric per successful task, before and after, over the
    scenarios that tell: failed tasks are censored, not cheap.
    """

    series: Series
    unit: Unit
    better: Direction
    before: float | None
    after: float | None
    relative: float | None
    numbers: Together | None
    members: tuple[Member, ...]
    alone: tuple[tuple[Series, str], ...] = ()
    success: tuple[float, float] | None = None
    per_success: tuple[float, float] | None = None

    @property
    def state(self) -> State:
        """Whether it has a value."""
        return State.UNKNOWN if self.after is None else State.MEASURED

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The 98 % interval of the change, as ratios."""
        if self.numbers is None:
            return None, None
        return math.expm1(self.numbers.low), math.expm1(self.numbers.high)


#: What a verdict is about: one series, or scenarios together.
Subject = Comparison | Family


class Verdict(NamedTuple):
    """One budget applied to one series, or to a family of scenarios.

    `found` is what the rule alone says, `level` what remains of it after `enforce`, waivers, justifications and an acceptance.
    `reason` is one sentence; `notes` say what turned `found` into `level`. `suspect` marks a change between 1 and 1.5 half widths,
    `waived` a breach that a waiver accepts: its value must not enter the baseline. `accepted` marks a block that an acceptance
    turned into a warning: on main a new level begins with it.
    """

    series: Series
    rule: Rule
    level: Level
    found: Level
    reason: str
    budget: Budget
    notes: tuple[str, ...] = ()
    remedy: str = ""
    suspect: bool = False
    waived: bool = False
    accepted: bool = False

    @property
    def acceptance(self) -> str:
        """Why the block is accepted, as its note says; "" where it is not."""
        told = (note.removeprefix(ACCEPTED) for note in reversed(self.notes) if note.startswith(ACCEPTED))
        return next(told, "") if self.accepted else ""


class Unmatched(NamedTuple):
    """A budget that met no series: `level` is at least inconclusive where it applies, and `why` says what happened."""

    budget: Budget
    level: Level
    why: str


class Justification(NamedTuple):
    """A commit's word on a warning: `Perf-Justification: SERIES - reason`."""

    series: Series
    reason: str


class Acceptance(NamedTuple):
    """A maintainer's word, given outside the change itself, that its blocks are accepted: each becomes a warning.

    `rule` is the name of what says so (a label), `subject` what it was said of ("pull request 12"), and `reason` why, where
    that is told; the trailer of a series is a better reason. Nobody is named.
    """

    rule: str
    subject: str
    reason: str = ""

    def why(self, justification: str = "") -> str:
        """The reason of one accepted block, with the place of the word beside it."""
        by = f'by the label "{self.rule}" of {self.subject}'
        told = justification or self.reason
        return f"{told} ({by})" if told else by


class Circumstances(NamedTuple):
    """What a decision was made from, so that it can be repeated: who, where, against what, by which rules, on which day.

    `base_approximate` says why the base is only approximately known, "" where it is exact.
    """

    context: Context = Context()
    runs: tuple[str, ...] = ()
    baseline_source: str = ""
    baseline_problem: str = ""
    baseline_runs: tuple[BaselineRun, ...] = ()
    budgets_source: str = ""
    situation: Situation = Situation()
    today: date = date(1970, 1, 1)
    only: str = ""
    reproduce: str = "perfgate check"
    acceptance: Acceptance | None = None
    base_approximate: str = ""


class Decision(NamedTuple):
    """All verdicts and the worst level, what was not judged, and what a reader must know beside.

    `verdicts` are worst first. `observed` are series that no budget names, judged by the defaults and without consequence.
    `families` are the scenarios that were judged together, one for each verdict by the rule "family". `elsewhere` are budgets whose `when` does not apply here. `vanished` are unbudgeted series that the baseline has and the
    run lacks. `expected_false_alarms` is the nominal number of unchanged series, families included, that this decision calls worse,
    after the corrections for many series. `timelines` are the jobs of the pipelines that are at warn or block. `tests` say what
    changed in the test suites, beside the verdicts.
    """

    level: Level
    verdicts: tuple[Verdict, ...]
    observed: tuple[Verdict, ...]
    comparisons: tuple[Comparison, ...]
    unmatched: tuple[Unmatched, ...] = ()
    elsewhere: tuple[tuple[Budget, str], ...] = ()
    vanished: tuple[Series, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    expected_false_alarms: float = 0.0
    circumstances: Circumstances = Circumstances()
    families: tuple[Family, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    tests: tuple[SuiteChange, ...] = ()

    @staticmethod
    def level_of(verdicts: Iterable[Verdict], unmatched: Iterable[Unmatched], caveats: Iterable[Caveat] = ()) -> Level:
        """The level of a whole: the worst of its parts; without any part nothing was judged, which is no pass, nor is a failed command."""
        levels = [verdict.level for verdict in verdicts] + [each.level for each in unmatched]
        levels += [Level.INCONCLUSIVE for caveat in caveats if caveat.code == COMMAND_FAILED]
        return max(levels, default=Level.INCONCLUSIVE)

    @property
    def judged(self) -> int:
        """How many verdicts reached a conclusion; with none the exit code says that nothing could be judged."""
        return sum(verdict.found is not Level.INCONCLUSIVE for verdict in self.verdicts)

    @property
    def nothing_judged(self) -> bool:
        """Whether there is no verdict to rely on: nothing matched, or every verdict is inconclusive."""
        return self.judged == 0 and self.level <= Level.INCONCLUSIVE

    @property
    def command_failed(self) -> bool:
        """Whether a command that was to be measured failed: then the decision rests on a part, and is never a pass."""
        return any(caveat.code == COMMAND_FAILED for caveat in self.caveats)

    @property
    def slowed_suites(self) -> frozenset[str]:
        """The test suites whose case time or duration is at warn or block."""
        return frozenset(
            dict(verdict.series.labels).get("suite", "")
            for verdict in self.verdicts
            if verdict.level >= Level.WARN and verdict.series.metric in {"tests.case_time", "tests.duration"}
        )

    def number_at(self, level: Level) -> int:
        """How many verdicts ended at this level."""
        return sum(verdict.level is level for verdict in self.verdicts)
