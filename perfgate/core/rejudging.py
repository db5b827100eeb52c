"""Comparisons judged again with some of them made worse: a part at a time, so that the rest of the run stays what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.budgets import Level
from perfgate.core.compare import Comparison
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.injection import worsened
from perfgate.core.model import Series
from perfgate.core.observation import Observation

#: The largest part of a run's series that gets worse at a time: one in so many.
PART = 5


class Judged(NamedTuple):
    """The verdicts on one series in one decision."""

    change: Verdict | None
    drop: Verdict | None
    limit: Verdict | None
    family: Verdict | None
    budgeted: bool

    @property
    def level(self) -> Level:
        """What is said of the change (or of the family's), and of a suspicious drop: the worst of it."""
        verdicts = [verdict for verdict in (self.change, self.drop, self.family) if verdict is not None]
        return max((each.level if self.budgeted else each.found for each in verdicts), default=Level.PASS)


def by_series(decision: Decision) -> dict[Series, Judged]:
    """The verdicts of a decision, series by series; of two on one series' change the worse, else the later."""
    found: dict[Series, dict[Rule, Verdict]] = {}
    budgeted = {verdict.series for verdict in decision.verdicts}
    for verdict in (*decision.verdicts, *decision.observed):
        rules = found.setdefault(verdict.series, {})
        known = rules.get(verdict.rule)
        if known is None or verdict.level >= known.level:
            rules[verdict.rule] = verdict
    return {
        series: Judged(
            by.get(Rule.CHANGE), by.get(Rule.DROP), by.get(Rule.LIMIT), by.get(Rule.FAMILY), series in budgeted
        )
        for series, by in found.items()
    }


def in_parts(
    comparisons: Sequence[Comparison],
    worse: Mapping[Series, Comparison],
    verdicts: Callable[[Sequence[Comparison]], Mapping[Series, Judged]],
) -> dict[Series, Judged]:
    """The verdicts on the worse comparisons, of which a fifth at a time (at least one) stands among the unchanged ones."""
    names = [each.series for each in comparisons if each.series in worse]
    parts = -(-len(names) // max(1, len(comparisons) // PART))
    found: dict[Series, Judged] = {}
    for part in range(parts):
        chosen = set(names[part::parts])
        judged = verdicts([worse[each.series] if each.series in chosen else each for each in comparisons])
        # A scenario of a family that is inconclusive alone has no verdict of its own.
        found |= {series: judged[series] for series in chosen if series in judged}
    return found


def moved(seen: Observation, ratio: float, *, upwards: bool) -> Observation:
    """The observation with every value moved by this share of its size."""
    return seen._replace(values=tuple(worsened(value, ratio, upwards=upwards) for value in seen.values))
