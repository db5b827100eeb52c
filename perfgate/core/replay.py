"""The past judged again: every admitted run as if it were a candidate, by the engine itself, against the runs before it.

A run never meets itself, its own commit or a later run. Regressions are injected into a fifth of a run's series at a time, so
that what is judged about the whole run (its families, a shift of everything) stays what it is when one change gets worse.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, History
from perfgate.core.budgets import NO_BUDGET, Budget, Budgets, Enforce, Level, Relative, Situation
from perfgate.core.compare import Comparison, compare
from perfgate.core.decision import Circumstances, Decision, Family, Verdict
from perfgate.core.injection import rises, size_of
from perfgate.core.model import Run, Selector, Series
from perfgate.core.observation import Observation, observe
from perfgate.core.policy import judge
from perfgate.core.rejudging import Judged, by_series, in_parts, moved
from perfgate.core.visibility import smallest

#: A run is judged again where a series has at least this many comparable earlier runs.
ENOUGH = 5
#: Comparisons of unchanged runs that one replay makes at most; beyond it runs are left out evenly, down to the least number.
MOST_COMPARISONS, LEAST_RUNS = 40_000, 20
#: Runs into which a regression is injected, at most.
INJECTED_RUNS = 50
#: Runs in which the smallest change that is shown is looked for.
PROBED_RUNS = 20


class Trial(NamedTuple):
    """One series of one run, judged again.

    `level` is what the budget says where it enforces, `enforced` what remains under its own `enforce`; both are about the change
    and a suspicious drop, never about an absolute limit, whose breach is told by `over`. `judged` is False where nobody asked
    about the change, `unclear` is True where no verdict on it was reached. `seen` and `blocked` say what became of the same run made
    worse by `size`, None where that was not tried.
    """

    series: Series
    run: int
    comparison: Comparison
    budget: Budget
    judged: bool
    unclear: bool
    level: Level
    enforced: Level
    suspect: bool
    over: bool
    size: float | None = None
    seen: bool | None = None
    blocked: bool | None = None

    @property
    def budgeted(self) -> bool:
        """Whether a budget names this series."""
        return self.budget.place != NO_BUDGET


class FamilyTrial(NamedTuple):
    """The scenarios of one run that were judged together, judged again; the words are those of `Trial`."""

    run: int
    family: Family
    budget: Budget
    level: Level
    enforced: Level
    suspect: bool
    size: float | None = None
    seen: bool | None = None
    blocked: bool | None = None


class Replay(NamedTuple):
    """What was judged again: the trials, the runs they are of, how many runs could have been, and what was shown at which size.

    `shown` holds for each series the smallest injected change, run by run, that was shown; infinite where none tried was.
    `elsewhere` are the budgets that apply to none of the runs, with the reason.
    """

    trials: tuple[Trial, ...]
    families: tuple[FamilyTrial, ...]
    runs: tuple[int, ...]
    eligible: int
    shown: Mapping[Series, tuple[float, ...]]
    elsewhere: tuple[tuple[Budget, str], ...] = ()
    unmatched: tuple[Budget, ...] = ()


class Past(NamedTuple):
    """What there is to judge again: the baseline, its runs by name, the budgets, and the branch that runs without one are of."""

    baseline: Baseline
    runs: Mapping[str, Run]
    budgets: Budgets
    only: str = ""
    branch: str = ""

    def wants(self, series: Series) -> bool:
        """Whether this series is among those that are to be judged again."""
        return not self.only or Selector.parse(self.only).matches(series)

    def ruling(self, series: Series) -> Budget:
        """The last budget that names a series, wherever it applies; the defaults where none does."""
        named = [budget for budget in self.budgets.budgets if budget.selector.matches(series)]
        return named[-1] if named else self.budgets.for_unbudgeted(series)


def replay(
    past: Past, *, last: int = 0, most: int = MOST_COMPARISONS, told: Callable[[str], None] = lambda _: None
) -> Replay:
    """Judge the admitted runs again, the `last` ones where that is given; `told` hears what is being done.

    Beyond `most` comparisons runs are left out evenly; of runs so wide that looking for what they show costs more, nothing is `shown`.
    """
    stage = _Stage.of(past)
    eligible = [position for position in _positions(past, last) if stage.observed(position)]
    width = max(1, stage.width(eligible))
    chosen = evenly(eligible, max(LEAST_RUNS, most // width))
    injected = set(evenly(chosen, min(INJECTED_RUNS, max(LEAST_RUNS // 2, most // width))))
    probed = chosen[-PROBED_RUNS:] if width * PROBED_RUNS <= most else []  # the newest: what can be seen now
    trials: list[Trial] = []
    families: list[FamilyTrial] = []
    for number, position in enumerate(chosen, 1):
        told(f"judging run {number} of {len(chosen)} again")
        singles, together = stage.tried(position, inject=position in injected)
        trials += singles
        families += together
    shown: dict[Series, list[float]] = {}
    for number, position in enumerate(probed, 1):
        told(f"looking for the smallest visible change, run {number} of {len(probed)}")
        for series, size in stage.smallest(position, [trial for trial in trials if trial.run == position]):
            shown.setdefault(series, []).append(size)
    return Replay(
        tuple(trials),
        tuple(families),
        tuple(chosen),
        len(eligible),
        {series: tuple(sizes) for series, sizes in shown.items()},
        stage.never_applied(),
        stage.never_met(),
    )


def evenly(positions: Sequence[int], most: int) -> list[int]:
    """At most this many of the positions, evenly spread, the newest among them."""
    count = len(positions)
    if count <= most:
        return list(positions)
    return [positions[count - 1 - (count - 1) * step // (most - 1)] for step in reversed(range(most))]


def _positions(past: Past, last: int) -> range:
    count = len(past.baseline.runs)
    return range(max(0, count - last) if last else 0, count)


class _Stage:
    """Where runs are judged again: strict budgets (every rule enforced, nothing waived), and the baseline cut before each run."""

    def __init__(self, past: Past, strict: Budgets, own: Mapping[int, Budget]) -> None:
        self.past = past
        self.strict = strict
        self._own = own
        self._only = Selector.parse(past.only) if past.only else None
        self._applied: set[Budget] = set()
        self._met: set[Budget] = set()
        self._why: dict[Budget, str] = {}

    @classmethod
    def of(cls, past: Past) -> _Stage:
        """With these budgets made strict; each strict one remembers the budget it was made from."""
        pairs = [
            (each._replace(enforce=Enforce.BLOCK, on_inconclusive=Level.PASS), each) for each in past.budgets.budgets
        ]
        strict = past.budgets._replace(budgets=tuple(strict for strict, _ in pairs), waivers=())
        return cls(past, strict, {id(strict): own for strict, own in pairs})

    def _own_of(self, strict: Budget) -> Budget:
        """The budget as it is written."""
        return self._own.get(id(strict), strict)

    def observed(self, position: int) -> tuple[Observation, ...]:
        """The series of a run that have enough comparable earlier runs; without values that a waiver kept out of the baseline."""
        baseline, run = self.past.baseline, self.past.runs[self.past.baseline.runs[position].id]
        first = self._first(position)
        kinds = baseline.kind_index()
        found = []
        for seen in observe(
            [run._replace(measurements=tuple(m for m in run.measurements if str(m.series) not in run.excluded))]
        ):
            history = baseline.histories.get(seen.series)
            if history is None or not seen.values or (self._only is not None and not self._only.matches(seen.series)):
                continue
            end = bisect_left(history.runs, first)
            if history.kinds[:end].count(kinds.get(seen.kind, -1)) >= ENOUGH and position in history.runs[end:]:
                found.append(seen)
        return tuple(found)

    def width(self, eligible: Sequence[int]) -> int:
        """How many series a run has, at most, that can be judged again: those of the newest ones tell."""
        return max((len(self.observed(position)) for position in eligible[-3:]), default=0)

    def tried(self, position: int, *, inject: bool) -> tuple[list[Trial], list[FamilyTrial]]:
        """The trials of one run: as it was, and, to `inject`, with each series made worse by what its budget must not let through."""
        observations = self.observed(position)
        before = self._before(position, observations)
        comparisons = compare(observations, before)
        decision = self._decided(comparisons, position)
        verdicts = by_series(decision)
        ruling = {
            member.series: verdicts[family.series].family for family in decision.families for member in family.members
        }
        trials = [
            self._trial(each, verdicts[each.series], position)
            if each.series in verdicts
            else self._silent_trial(each, ruling.get(each.series), position)
            for each in comparisons
        ]
        families = [self._family_trial(each, verdicts[each.series], position) for each in decision.families]
        if not inject:
            return [trial._replace(size=None) for trial in trials], families
        sizes = {trial.series: trial.size for trial in trials if trial.size is not None}
        worse = self._worse(observations, trials, sizes, before)

        def verdicts_on(mixed: Sequence[Comparison]) -> dict[Series, Judged]:
            return by_series(self._decided(mixed, position))

        injected = in_parts(comparisons, worse, verdicts_on)
        trials = [
            trial
            if trial.series not in injected
            else trial._replace(
                seen=injected[trial.series].level >= Level.WARN, blocked=injected[trial.series].level is Level.BLOCK
            )
            for trial in trials
        ]
        return trials, [_injected_together(each, comparisons, worse, verdicts_on) for each in families]

    def _silent_trial(self, comparison: Comparison, together: Verdict | None, position: int) -> Trial:
        """A scenario that has no verdict of its own, because its family has one."""
        budget = self._own_of(together.budget) if together else self.past.ruling(comparison.series)
        size = size_of(budget.relative, comparison.before) if budget.relative and comparison.after else None
        return Trial(
            comparison.series, position, comparison, budget, judged=False, unclear=False, level=Level.PASS, enforced=Level.PASS, suspect=False, over=False, size=size,
        )  # fmt: skip

    def _family_trial(self, family: Family, judged: Judged, position: int) -> FamilyTrial:
        if judged.family is None:
            raise ValueError("a family has a verdict of its own")
        budget, level = self._own_of(judged.family.budget), judged.family.level
        suspect = judged.family.suspect
        return FamilyTrial(position, family, budget, level, min(level, budget.enforce.most), suspect)

    def _trial(self, comparison: Comparison, judged: Judged, position: int) -> Trial:
        verdict = judged.change or judged.limit or judged.drop
        budget = self._own_of(verdict.budget) if verdict else Budget(Selector("*"))
        relative = budget.relative if judged.change is not None and verdict is judged.change else None
        # Where the change has no verdict of its own (a limit alone was asked for), no change is injected either.
        size = size_of(relative, comparison.before) if relative is not None else None
        level = judged.level
        return Trial(
            series=comparison.series,
            run=position,
            comparison=comparison,
            budget=budget,
            judged=judged.change is not None,
            unclear=judged.change is not None and judged.change.found is Level.INCONCLUSIVE,
            level=level,
            enforced=min(level, budget.enforce.most) if judged.budgeted else Level.PASS,
            suspect=judged.change is not None and judged.change.suspect,
            over=judged.limit is not None and judged.limit.level >= Level.WARN,
            size=size if comparison.after else None,
        )

    def _worse(
        self,
        observations: Iterable[Observation],
        trials: Iterable[Trial],
        sizes: Mapping[Series, float],
        before: Baseline,
    ) -> dict[Series, Comparison]:
        """The comparisons of the series that have a size, each made worse by it."""
        ways = {trial.series: rises(trial.comparison.better, trial.budget.relative or Relative()) for trial in trials}
        changed = []
        for seen in observations:
            upwards = ways.get(seen.series)
            if seen.series in sizes and upwards is not None:
                changed.append(moved(seen, sizes[seen.series], upwards=upwards))
        return {each.series: each for each in compare(changed, before)}

    def smallest(self, position: int, trials: Sequence[Trial]) -> Iterator[tuple[Series, float]]:
        """The smallest change of each noisy series that is shown as real in this run."""
        observations = self.observed(position)
        pairs = [(trial.comparison, trial.budget.relative or Relative()) for trial in trials]
        return smallest(pairs, observations, self._before(position, observations))

    def _decided(self, comparisons: Sequence[Comparison], position: int) -> Decision:
        situation = self._situation(position)
        decision = judge(comparisons, (), self.strict, Circumstances(situation=situation))
        for budget, why in decision.elsewhere:
            self._why.setdefault(self._own_of(budget), why)
        self._applied |= {own for own in self.past.budgets.budgets if not own.when.why_not(situation)}
        self._met |= {self._own_of(verdict.budget) for verdict in decision.verdicts}
        return decision

    def _situation(self, position: int) -> Situation:
        """Where the run was measured: what `when:` asks about, as far as the run tells."""
        context = self.past.runs[self.past.baseline.runs[position].id].context
        branch = context.target or context.branch or self.past.branch
        return Situation(branch=branch, event=context.event or "local", ci=bool(context.provider))

    def never_applied(self) -> tuple[tuple[Budget, str], ...]:
        """The budgets whose `when` fits none of the runs, and why not."""
        return tuple(
            (budget, self._why.get(budget, ""))
            for budget in self.past.budgets.budgets
            if budget in self._why and budget not in self._applied
        )

    def never_met(self) -> tuple[Budget, ...]:
        """The budgets that apply, and rule no series that could be judged again."""
        return tuple(
            budget
            for budget in self.past.budgets.budgets
            if budget not in self._met and (budget not in self._why or budget in self._applied) and self._wanted(budget)
        )

    def _wanted(self, budget: Budget) -> bool:
        return self._only is None or self._only.matches(Series(budget.selector.metric, budget.selector.labels))

    def _first(self, position: int) -> int:
        """The first run of the commit that the run at this position is of: a commit never judges itself."""
        runs = self.past.baseline.runs
        first = position
        while first and runs[first - 1].commit and runs[first - 1].commit == runs[position].commit:
            first -= 1
        return first

    def _before(self, position: int, observations: Iterable[Observation]) -> Baseline:
        """The baseline as it was before a run, of the series observed in it."""
        baseline, first = self.past.baseline, self._first(position)
        histories = {}
        for seen in observations:
            history = baseline.histories[seen.series]
            end = bisect_left(history.runs, first)
            histories[seen.series] = History(history.values[:end], history.runs[:end], history.kinds[:end])
        return baseline._replace(runs=baseline.runs[:first], histories=histories, caveats=())


def _injected_together(
    trial: FamilyTrial,
    comparisons: Sequence[Comparison],
    worse: Mapping[Series, Comparison],
    verdicts_on: Callable[[Sequence[Comparison]], Mapping[Series, Judged]],
) -> FamilyTrial:
    """The trial of a family with all of its scenarios made worse by what its budget must not let through."""
    members = {member.series for member in trial.family.members}
    size = size_of(trial.budget.relative, trial.family.before) if trial.budget.relative else None
    if size is None or not members or not members <= worse.keys():
        return trial
    judged = verdicts_on([worse[each.series] if each.series in members else each for each in comparisons])
    level = judged[trial.family.series].level
    return trial._replace(size=size, seen=level >= Level.WARN, blocked=level is Level.BLOCK)
