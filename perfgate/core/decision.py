"""The decision: every verdict, what they rest on, and the level of the whole. Every output is made from this object."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import NamedTuple

from perfgate.core.baseline import BaselineRun
from perfgate.core.budgets import Budget, Level, Situation
from perfgate.core.compare import Comparison
from perfgate.core.model import Caveat, Context, Series


class Rule(Enum):
    """Which rule a verdict applies."""

    LIMIT = "limit"
    CHANGE = "change"
    DROP = "drop"
    MISSING = "missing"


class Verdict(NamedTuple):
    """One budget applied to one series.

    `found` is what the rule alone says, `level` what remains of it after `enforce`, waivers and justifications. `reason` is
    one sentence; `notes` say what turned `found` into `level`. `suspect` marks a change between 1 and 1.5 half widths, `waived` a
    breach that a waiver accepts: its value must not enter the baseline.
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


class Unmatched(NamedTuple):
    """A budget that met no series: `level` is at least inconclusive where it applies, and `why` says what happened."""

    budget: Budget
    level: Level
    why: str


class Justification(NamedTuple):
    """A commit's word on a warning: `Perf-Justification: SERIES - reason`."""

    series: Series
    reason: str


class Circumstances(NamedTuple):
    """What a decision was made from, so that it can be repeated: who, where, against what, by which rules, on which day."""

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


class Decision(NamedTuple):
    """All verdicts and the worst level, what was not judged, and what a reader must know beside.

    `verdicts` are worst first. `observed` are series that no budget names, judged by the defaults and without consequence.
    `elsewhere` are budgets whose `when` does not apply here. `vanished` are unbudgeted series that the baseline has and the
    run lacks. `expected_false_alarms` is the nominal number of unchanged series that this decision calls worse.
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

    @property
    def judged(self) -> int:
        """How many verdicts reached a conclusion; with none the exit code says that nothing could be judged."""
        return sum(verdict.found is not Level.INCONCLUSIVE for verdict in self.verdicts)

    @property
    def nothing_judged(self) -> bool:
        """Whether there is no verdict to rely on: nothing matched, or every verdict is inconclusive."""
        return self.judged == 0 and self.level <= Level.INCONCLUSIVE

    def number_at(self, level: Level) -> int:
        """How many verdicts ended at this level."""
        return sum(verdict.level is level for verdict in self.verdicts)
