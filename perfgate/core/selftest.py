"""Does each budget block what it should? Regressions made on purpose, one series at a time, and what the gate made of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from perfgate.core.baseline import as_float, run_value
from perfgate.core.budgets import Budget, Level, Waiver
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.injection import asked_of
from perfgate.core.model import Measurement, Run, Series
from perfgate.core.selftest_targets import Attempt, Case, FamilyCase, plan_of, wanted_of
from perfgate.core.units import Number

#: In runs of at most this many series each is made worse alone.
_FEW = 20


class Proof(Enum):
    """What became of one budget on one series, worst first."""

    BROKEN = "does not work"
    HIDDEN = "cannot be shown"
    UNTESTED = "not tested"
    PROVED = "works"


class Result(NamedTuple):
    """What was proved of one budget on one series.

    `values` are what was set to what, `said` is one sentence for people. `gated` says that the whole gate, with its files,
    comment and exit code, was run on it; the engine alone judged the others.
    """

    budget: Budget
    rule: Rule
    series: Series | None
    proof: Proof
    expected: Level
    said: str
    values: tuple[tuple[Series, Number], ...] = ()
    gated: bool = False


class SelfTest(NamedTuple):
    """The whole: the runs that were used, what the gate said of them unchanged, and the results, worst first."""

    runs: tuple[str, ...]
    commit: str
    before: int
    unchanged: Level
    code: int
    reasons: tuple[str, ...]
    results: tuple[Result, ...]

    @property
    def broken(self) -> bool:
        """Whether a budget did not block a regression of any size."""
        return any(each.proof is Proof.BROKEN for each in self.results)

    @property
    def proved(self) -> int:
        """How many budgets on how many series were shown to work."""
        return sum(each.proof is Proof.PROVED for each in self.results)

    @property
    def doubtful(self) -> bool:
        """Whether something could not be shown: a budget, or that the unchanged run passes."""
        return self.unchanged >= Level.WARN or any(each.proof is Proof.HIDDEN for each in self.results)


def cases(unchanged: Decision, waivers: Sequence[Waiver] = ()) -> tuple[Case | FamilyCase, ...]:
    """Every budget with a limit, on every series it rules; scenarios that a budget judges together are one case."""
    comparisons = {each.series: each for each in unchanged.comparisons}
    families = {each.series: each for each in unchanged.families}
    together = {id(verdict.budget) for verdict in unchanged.verdicts if verdict.rule is Rule.FAMILY}
    found: list[Case | FamilyCase] = []
    for verdict in unchanged.verdicts:
        if verdict.rule is Rule.FAMILY and verdict.series in families:
            found.append(FamilyCase(verdict, families[verdict.series]))
        elif verdict.series in comparisons and _has_limit(verdict):
            if verdict.rule is Rule.CHANGE and id(verdict.budget) in together:
                continue
            ceilings = tuple(waiver.ceiling for waiver in waivers if waiver.selector.matches(verdict.series))
            found.append(Case(verdict, comparisons[verdict.series], ceilings))
    return tuple(found)


def _has_limit(verdict: Verdict) -> bool:
    if verdict.rule is Rule.LIMIT:
        return verdict.budget.limit is not None
    relative = verdict.budget.relative
    return verdict.rule is Rule.CHANGE and relative is not None and asked_of(relative) is not None


def untested(unchanged: Decision, budgets: Sequence[Budget], tested: Iterable[Case | FamilyCase]) -> Iterator[Result]:
    """The budgets that no case is about, with the reason: other circumstances, no such series, no limit, a later budget."""
    elsewhere = {id(budget): why for budget, why in unchanged.elsewhere}
    unmatched = {id(each.budget) for each in unchanged.unmatched}
    used = {id(case.verdict.budget) for case in tested}
    ruling = {id(verdict.budget) for verdict in unchanged.verdicts}
    for budget in budgets:
        if id(budget) in used:
            continue
        proof, why = Proof.UNTESTED, "every series it names is ruled by a later budget"
        if id(budget) in elsewhere:
            why = f"it does not apply here: {elsewhere[id(budget)]}"
        elif id(budget) in unmatched:
            proof, why = Proof.HIDDEN, "it meets no series of the newest admitted run"
        elif id(budget) in ruling:
            why = "it sets no limit"
        rule = Rule.LIMIT if budget.limit is not None else Rule.CHANGE
        yield Result(budget, rule, None, proof, budget.enforce.most, why)


def prove(case: Case | FamilyCase) -> Generator[Attempt, Decision, Result]:
    """Make the series worse until the budget says so, and tell at which size it did: yields an attempt, and is sent the decision on it."""
    verdict, plan = case.verdict, plan_of(case)
    wanted, expected = wanted_of(verdict), min(wanted_of(verdict), verdict.budget.enforce.most)
    if plan.hopeless:
        return _result(verdict, Proof.HIDDEN, plan.doubt)
    waived = most = ""
    for step, attempt in enumerate(plan.attempts):
        found = _verdict_of((yield attempt), verdict)
        if found is None:
            return _result(verdict, Proof.BROKEN, "the gate gave no verdict on the regression", attempt)
        if found.waived:
            waived = next((note for note in found.notes if note.startswith("waived")), "waived")
            continue
        if found.found >= wanted and found.level >= expected:
            said = _success(found, attempt, waived)
            if plan.doubt or (step and not waived):
                return _result(verdict, Proof.HIDDEN, f"{plan.doubt or 'not at the size it asks for'}; {said}", attempt)
            return _result(verdict, Proof.PROVED, said, attempt)
        most = most or next((note for note in found.notes if note.startswith("at most warn")), "")
    if waived or most or plan.doubt:
        return _result(verdict, Proof.HIDDEN, waived or most or plan.doubt)
    return _result(verdict, Proof.BROKEN, f"no regression ended in {expected.word}, however large")


def in_parts(chosen: Sequence[Case | FamilyCase], series: int) -> list[list[Case | FamilyCase]]:
    """The cases that may be tried together: one by one in a small run, else a fifth of its series at a time, each series once.

    With more at once a run would look as if the machine had changed, and be judged as a whole. A family is tried alone.
    """
    most = max(1, series // 5) if series > _FEW else 1
    alike: dict[tuple[Rule, int], list[Case | FamilyCase]] = {}
    times: dict[tuple[Rule, Series], int] = {}
    for case in chosen:
        key = case.verdict.rule, case.verdict.series
        times[key] = times.get(key, 0) + 1
        alike.setdefault((case.verdict.rule, times[key]), []).append(case)
    parts = []
    for (rule, _), here in alike.items():
        count = len(here) if rule is Rule.FAMILY else -(-len(here) // most)
        parts += [here[number::count] for number in range(count)]
    return parts


def prove_together(
    part: Sequence[Case | FamilyCase], judged: Callable[[Mapping[Series, Number]], Decision]
) -> list[Result]:
    """The results of cases that are tried in the same runs; `judged` judges the run with these series set to these values."""
    results: list[Result] = []
    running = [prove(case) for case in part]
    decision: Decision | None = None
    while running:
        values: dict[Series, Number] = {}
        still = []
        for proof in running:
            try:
                attempt = proof.send(decision) if decision is not None else next(proof)
            except StopIteration as ended:
                results.append(ended.value)
                continue
            values |= attempt.values
            still.append(proof)
        running = still
        decision = judged(values) if values else None
    return results


def worse(runs: Sequence[Run], values: Mapping[Series, Number]) -> tuple[Run, ...]:
    """The runs with some series set to a value: what was measured is scaled, so that its spread stays what it is."""
    return tuple(
        run._replace(
            measurements=tuple(
                _set(each, values[each.series]) if each.series in values else each for each in run.measurements
            )
        )
        for run in runs
    )


def _set(measurement: Measurement, value: Number) -> Measurement:
    values = measurement.values
    middle = run_value(measurement.unit, values) if values else 0
    if len(values) <= 1 or not middle:
        return measurement._replace(values=(value,) * max(1, len(values)))
    if isinstance(value, Decimal) and isinstance(middle, Decimal):
        return measurement._replace(values=tuple(Decimal(each) * value / middle for each in values))
    factor = as_float(value) / as_float(middle)
    return measurement._replace(values=tuple(as_float(each) * factor for each in values))


def _verdict_of(decision: Decision, wanted: Verdict) -> Verdict | None:
    """The verdict by the same rule of the same budget on the same series."""
    for each in decision.verdicts:
        same = each.budget.selector == wanted.budget.selector and each.budget.place == wanted.budget.place
        if same and each.series == wanted.series and each.rule is wanted.rule:
            return each
    return None


def _result(verdict: Verdict, proof: Proof, said: str, attempt: Attempt | None = None) -> Result:
    expected = min(wanted_of(verdict), verdict.budget.enforce.most)
    values = tuple(attempt.values.items()) if attempt else ()
    return Result(verdict.budget, verdict.rule, verdict.series, proof, expected, said, values)


def _success(found: Verdict, attempt: Attempt, waived: str) -> str:
    ends = {Level.BLOCK: "blocks", Level.WARN: "warns"}.get(found.level)
    ends = ends or f"would {found.found.word} (enforce: {found.budget.enforce.value})"
    beyond = f"; up to its ceiling it is {waived}" if waived else ""
    return f"{ends} at {attempt.shown}{beyond}"
