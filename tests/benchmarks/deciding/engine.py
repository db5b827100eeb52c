"""The one place where the harness calls perfgate: cases in, rulings out, through `compare` and `judge` as `gate` calls them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, BaselineRun, History, Kind
from perfgate.core.budgets import Budget, Budgets, Level, Relative
from perfgate.core.compare import Comparison, Tested, compare
from perfgate.core.decision import Circumstances, Rule, Verdict
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Selector, Series
from perfgate.core.observation import Observation
from perfgate.core.policy import judge
from perfgate.core.units import Unit

__all__ = ["Case", "Comparison", "Ruling", "compared", "pairs_taken", "ruled", "ruled_alone"]

_METRIC = "bench.time"
_SELECTOR = Selector.parse(f"{_METRIC}{{}}")
#: The budget that people get without asking: warn above 5 %, block above 10 %, silence below 3 %.
DEFAULT = Budgets(budgets=(Budget(_SELECTOR),))
#: The same without the band between the smallest effect and warn: it warns of whatever is called real and worse.
REAL = Budgets(budgets=(Budget(_SELECTOR, relative=Relative(warn=0.03)),))
_NOWHERE = Circumstances()


class Case(NamedTuple):
    """One series to judge: its earlier values, oldest first, and the candidate's, one for each run.

    With `before` the two sides were measured interleaved, `before[i]` and `values[i]` being pair i.
    """

    earlier: Sequence[float]
    values: Sequence[float]
    better: str = "lower"
    before: Sequence[float] = ()


class Ruling(NamedTuple):
    """What the engine says of one case.

    `real`: more than noise, worse, and beyond the smallest effect. `warned` and `blocked`: the level under the default budget.
    `suspect`: not shown to be real, but worth measuring again. `visible`: the smallest change it says that it can show, as a
    ratio, None where it says nothing. `level` is the word of the level.
    """

    real: bool
    warned: bool
    blocked: bool
    suspect: bool
    visible: float | None
    level: str

    @property
    def inconclusive(self) -> bool:
        """Whether the engine said that it could not tell."""
        return self.level == Level.INCONCLUSIVE.word


#: Adaptive stopping often ends at the pairs that a fixed number of them has too, and both sides are dear to judge.
_SIDES_RULED: dict[Case, Ruling] = {}


def compared(cases: Sequence[Case], numbers: Sequence[int] | None = None) -> list[Comparison]:
    """All cases through one call of `compare`, each as a series of its own: that of its number, or of its position."""
    longest = max((len(case.earlier) for case in cases), default=0)
    runs = tuple(BaselineRun(f"r{position}", f"{position:040x}", "", (position, "")) for position in range(longest))
    kinds = {word: Kind(Unit("s"), Direction(word), Assumption.NOISY) for word in ("lower", "higher")}
    places = {word: place for place, word in enumerate(kinds)}
    names = [Series.of(_METRIC, benchmark=f"b{number}") for number in numbers or range(len(cases))]
    histories = {
        name: _history(case, longest, places[case.better])
        for name, case in zip(names, cases, strict=True)
        if case.earlier
    }
    baseline = Baseline(runs=runs, kinds=tuple(kinds.values()), histories=histories, source="the harness")
    observations = [
        Observation(name, kinds[case.better], tuple(case.values), tuple(case.before), raw_count=len(case.values))
        for name, case in zip(names, cases, strict=True)
    ]
    return list(compare(observations, baseline))


def _history(case: Case, longest: int, kind: int) -> History:
    history = History(values=list(case.earlier))
    history.runs.extend(range(longest - len(case.earlier), longest))
    history.kinds.extend([kind] * len(case.earlier))
    return history


def ruled(comparisons: Sequence[Comparison]) -> list[Ruling]:
    """The rulings on series that were measured in one run: judged together, as one family."""
    default, real = _changes(comparisons, DEFAULT), _changes(comparisons, REAL)
    return [_ruling(each, default[each.series], real[each.series]) for each in comparisons]


def ruled_alone(cases: Sequence[Case]) -> list[Ruling]:
    """The rulings on cases that have nothing to do with each other; two sides that were judged before are not judged again."""
    fresh = [case for case in dict.fromkeys(cases) if case not in _SIDES_RULED]
    rulings = {case: ruled([comparison])[0] for case, comparison in zip(fresh, compared(fresh), strict=True)}
    _SIDES_RULED.update((case, ruling) for case, ruling in rulings.items() if case.before)
    return [rulings[case] if case in rulings else _SIDES_RULED[case] for case in cases]


def _changes(comparisons: Sequence[Comparison], budgets: Budgets) -> dict[Series, Verdict]:
    decision = judge(comparisons, (), budgets, _NOWHERE)
    return {verdict.series: verdict for verdict in decision.verdicts if verdict.rule is Rule.CHANGE}


def _ruling(comparison: Comparison, default: Verdict, real: Verdict) -> Ruling:
    visible = None
    if isinstance(comparison.evidence, Tested):
        numbers = comparison.evidence.numbers
        visible = numbers.visible_drop if comparison.better is Direction.HIGHER else numbers.visible
    return Ruling(
        real=real.level >= Level.WARN,
        warned=default.level >= Level.WARN,
        blocked=default.level >= Level.BLOCK,
        suspect=real.suspect,
        visible=visible,
        level=default.level.word,
    )


def pairs_taken(most: int) -> Callable[[Sequence[float], Sequence[float], str], int] | None:
    """How many pairs adaptive stopping takes of (before, after, better), at most `most`; None where the engine cannot do that yet."""
    try:
        sequential = importlib.import_module("perfgate.core.stats.sequential")
    except ModuleNotFoundError:
        return None
    given = DEFAULT.defaults

    def taken(before: Sequence[float], after: Sequence[float], better: str) -> int:
        for look in sequential.LOOKS:
            if look >= most:
                break
            if sequential.decided(
                before[:look], after[:look], warn=given.warn, block=given.block, most=most, better=Direction(better)
            ):
                return int(look)
        return most

    return taken
