"""Many series and families of scenarios in one decision: what stands, what is only suspicious, and how often chance blocks."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core import rules
from perfgate.core.admission import excluded_series
from perfgate.core.baseline import Baseline, run_value
from perfgate.core.budgets import Budget, Enforce, Judge, Level, Relative, Side
from perfgate.core.decision import RUN_SHIFTED, Decision, Rule, Verdict
from perfgate.core.metrics import Direction
from perfgate.core.model import Measurement, Run, Series, State
from perfgate.core.units import Quantity
from tests.core.making import baseline_of, bench, budget, decided, measured, run, waiver

FAMILY = budget("llm.tokens", judge=Judge.FAMILY)
TOGETHER = Series("llm.tokens", (("scenario", "*"),))


def timed(number: int, value: float) -> Measurement:
    return bench(f"bench.time{{benchmark=b{number:03d}}}", value)


def many(
    seed: int, count: int, runs: int, sd: float, *, changed: dict[int, float] | None = None, block: float = 0.1
) -> Decision:
    """`count` unchanged series with a spread of `sd`, some of them changed by a factor."""
    chance = random.Random(seed)

    def one() -> list[Measurement]:
        return [timed(number, 100 * math.exp(chance.gauss(0, sd))) for number in range(count)]

    history = [run(*one(), number=number) for number in range(1, runs + 1)]
    candidate = [
        each._replace(values=tuple(float(value) * (changed or {}).get(number, 1.0) for value in each.values))
        for number, each in enumerate(one())
    ]
    return decided(run(*candidate), baseline_of(history), budget("bench.time", relative=Relative(block=block)))


def of(decision: Decision, number: int) -> Verdict:
    (found,) = [
        each for each in decision.verdicts if each.rule is Rule.CHANGE and each.series == timed(number, 1.0).series
    ]
    return found


# --- many series ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unchanged() -> list[Decision]:
    """Decisions on two hundred unchanged series with five runs each and a spread of 4 %."""
    return [many(seed, 200, 5, 0.04) for seed in range(40)]


def test_two_hundred_unchanged_series_block_in_one_decision_of_twenty_at_most(unchanged: list[Decision]) -> None:
    """One by one, some series blocks in 4 of these 40, and together in none."""
    decisions = unchanged
    alone = sum(any(each.found is Level.BLOCK for each in decision.verdicts) for decision in decisions)
    together = sum(decision.level is Level.BLOCK for decision in decisions)
    assert alone >= 3
    assert together <= 5, "5 % of 40, and two standard errors"
    assert all(decision.expected_false_alarms <= 0.2 for decision in decisions)


@pytest.mark.parametrize(("runs", "sd"), [(5, 0.015), (6, 0.02), (10, 0.03), (20, 0.03)])
def test_one_real_regression_among_two_hundred_quiet_series_still_blocks(runs: int, sd: float) -> None:
    blocked = [of(many(seed, 200, runs, sd, changed={0: 1.4}), 0).level for seed in range(6)]
    assert blocked.count(Level.BLOCK) >= 5


def test_a_block_that_chance_could_have_made_is_a_warning_that_says_so(unchanged: list[Decision]) -> None:
    found = [
        each
        for decision in unchanged
        for each in decision.verdicts
        if each.found is Level.BLOCK and each.level is Level.WARN
    ]
    assert found
    assert all(
        "at most warn: among 200 series chance alone" in each.notes[-1] for each in found if "200" in each.notes[-1]
    )
    assert all("Holm" in each.notes[-1] and each.suspect and "interleaved" in each.remedy for each in found)


def test_a_warning_that_chance_could_have_made_passes_and_is_called_suspicious() -> None:
    found = [
        each
        for seed in range(10)
        for each in many(seed, 200, 5, 0.04, block=0.9).verdicts
        if each.found is Level.WARN and each.level is Level.PASS
    ]
    assert found
    assert all("suspicious" in each.notes[-1] and "Benjamini" in each.notes[-1] and each.suspect for each in found)


def test_series_too_noisy_to_judge_take_nothing_from_the_others() -> None:
    changed = {number: 1.0 + number / 100 for number in range(8, 30)}
    chance = random.Random(3)
    quiet = [[100 * math.exp(chance.gauss(0, 0.015)) for _ in range(40)] for _ in range(7)]
    wild = [[100 * math.exp(chance.gauss(0, 0.5)) for _ in range(300)] for _ in range(7)]

    def of_all(width: int) -> Decision:
        rows = [[*left, *right[:width]] for left, right in zip(quiet, wild, strict=True)]
        runs = [
            run(*(timed(number, value) for number, value in enumerate(row)), number=at) for at, row in enumerate(rows)
        ]
        last = [timed(number, value * changed.get(number, 1.0)) for number, value in enumerate(rows[-1])]
        return decided(run(*last), baseline_of(runs[:-1]), budget("bench.time"))

    alone, beside = of_all(0), of_all(300)
    sound = [
        number for number in range(40) if not rules.is_too_noisy(alone.comparisons[number], Relative(), Side.WORSE)
    ]
    levels = [of(alone, number).level for number in sound]
    assert {Level.PASS, Level.BLOCK} <= set(levels)
    assert levels == [of(beside, number).level for number in sound]
    assert sum(each.level is Level.INCONCLUSIVE for each in beside.verdicts) > 250


@given(st.integers(0, 10_000), st.integers(0, 11), st.floats(1.0, 3.0))
@settings(deadline=None, max_examples=40)
def test_a_worse_candidate_never_gets_a_milder_level_nor_gives_another_one(
    seed: int, which: int, factor: float
) -> None:
    """Four of twelve series changed already, so that the corrections have something to do; not most of them, see the run's shift."""
    changed = {0: 1.12, 1: 1.2, 2: 1.3, 3: 1.6}
    worse = {**changed, which: changed.get(which, 1.0) * factor}
    if len(worse) > 6:
        return
    before, after = many(seed, 12, 5, 0.03, changed=changed), many(seed, 12, 5, 0.03, changed=worse)
    assert of(after, which).level >= of(before, which).level or of(before, which).level is Level.INCONCLUSIVE
    if RUN_SHIFTED not in {caveat.code for caveat in after.caveats}:
        assert all(of(after, number).level >= of(before, number).level for number in range(12) if number != which)


def test_the_order_of_the_series_changes_nothing() -> None:
    chance = random.Random(4)
    rows = [[100 * math.exp(chance.gauss(0, 0.03)) for _ in range(30)] for _ in range(6)]
    order = list(range(30))
    found = []
    for _ in range(3):
        runs = [run(*(timed(number, row[number]) for number in order), number=at) for at, row in enumerate(rows, 1)]
        last = run(*(timed(number, rows[0][number] * (1.25 if number % 5 == 0 else 1.0)) for number in order))
        decision = decided(last, baseline_of(runs), budget("bench.time"))
        found.append((decision.verdicts, round(decision.expected_false_alarms, 12)))
        chance.shuffle(order)
    assert found[0] == found[1] == found[2]


def test_exact_changes_and_limits_are_facts_however_many_there_are() -> None:
    names = [f"size.bytes{{path=p{number}}}" for number in range(300)]
    base = baseline_of([run(*(measured(name, 100.0) for name in names), number=1)])
    values = [120.0 if number == 7 else 100.0 for number in range(300)]
    decision = decided(
        run(*(measured(name, value) for name, value in zip(names, values, strict=True))), base, budget("size.bytes")
    )
    assert decision.level is Level.BLOCK
    assert decision.expected_false_alarms == 0


def test_a_change_that_three_independent_runs_confirm_stands_among_two_hundred() -> None:
    """The median of three that is just outside the interval is as rare as a single value far outside of it."""
    found = []
    for seed in range(6):
        chance = random.Random(seed)

        def one(position: int, factor: float, chance: random.Random = chance) -> Run:
            grown = [factor if number == 0 else 1.0 for number in range(200)]
            values = [100 * by * math.exp(chance.gauss(0, 0.03)) for by in grown]
            return run(*(timed(at, value) for at, value in enumerate(values)), number=position)

        history = baseline_of([one(position, 1.0) for position in range(1, 9)])
        # An hour lies between the candidate's runs.
        found.append(of(decided([one(400 + 60 * more, 1.17) for more in range(3)], history, budget("bench.time")), 0))
    assert [each.level for each in found].count(Level.BLOCK) >= 4
    assert all(each.level is each.found for each in found)


def test_a_budget_that_only_observes_is_not_in_the_family() -> None:
    chance = random.Random(1)
    runs = [run(*(timed(number, 100 + chance.gauss(0, 2)) for number in range(50)), number=at) for at in range(1, 7)]
    candidate = run(*(timed(number, 100.0) for number in range(50)))
    decision = decided(candidate, baseline_of(runs), budget("bench.time", enforce=Enforce.OBSERVE))
    assert decision.expected_false_alarms == 0


# --- a shift of the whole run -----------------------------------------------------------------------------------------


def shifted(factor: float, count: int, of_all: int, metric: str = "bench.time{{benchmark=b{}}}") -> Decision:
    chance = random.Random(2)
    names = [metric.format(number) for number in range(of_all)]

    def one(name: str, value: float) -> Measurement:
        return bench(name, value) if name.startswith("bench") else measured(name, value)

    runs = [
        run(*(one(name, 100 * math.exp(chance.gauss(0, 0.01))) for name in names), number=at) for at in range(1, 13)
    ]
    candidate = run(*(one(name, 100 * (factor if at < count else 1.0)) for at, name in enumerate(names)))
    return decided(candidate, baseline_of(runs), budget("bench.time"), budget("llm.latency"))


def test_a_run_that_is_slower_as_a_whole_warns_and_asks_for_settling() -> None:
    decision = shifted(1.3, 6, 8)
    (told,) = [caveat for caveat in decision.caveats if caveat.code == RUN_SHIFTED]
    assert decision.caveats[0] == told
    assert "×1.30: 6 of 8 noisy series became worse" in told.message
    assert decision.level is Level.WARN
    held = [each for each in decision.verdicts if each.found is Level.BLOCK]
    assert len(held) == 6
    assert all(each.suspect and "×1.30" in each.notes[0] and "other runners" in each.remedy for each in held)


@pytest.mark.parametrize(("count", "of_all"), [(4, 8), (4, 4), (1, 20)])
def test_fewer_series_or_fewer_of_them_are_no_shift(count: int, of_all: int) -> None:
    decision = shifted(1.3, count, of_all)
    assert decision.level is Level.BLOCK
    assert not [caveat for caveat in decision.caveats if caveat.code == RUN_SHIFTED]


def test_a_faster_run_is_said_too_and_lifts_nothing() -> None:
    decision = shifted(0.8, 8, 8)
    assert "became better" in decision.caveats[0].message
    assert decision.level < Level.WARN


def test_what_no_runner_can_move_is_no_shift_of_the_runner() -> None:
    decision = shifted(1.3, 8, 8, "llm.latency{{scenario=s{}}}")
    assert not [caveat for caveat in decision.caveats if caveat.code == RUN_SHIFTED]
    assert decision.level is Level.BLOCK


# --- scenarios together -----------------------------------------------------------------------------------------------


def agents(
    factor: float,
    scenarios: int,
    *,
    runs: int = 10,
    trials: int = 5,
    seed: int = 1,
    cv: float = 0.3,
    budgets: Sequence[Budget] = (FAMILY,),
    changes: dict[str, float] | None = None,
) -> Decision:
    """Token counts of scenarios with a heavy right tail, every one of them dearer by `factor`; `changes` by scenario beside."""
    chance = random.Random(seed)
    level = {f"s{number:02d}": 1000.0 * (1 + number) for number in range(scenarios)}

    def one(*, after: bool) -> list[Measurement]:
        found = []
        for name, tokens in level.items():
            grown = (factor * (changes or {}).get(name, 1.0)) if after else 1.0
            values = [round(tokens * grown * math.exp(chance.gauss(0, cv))) * 1.0 for _ in range(trials)]
            found.append(measured(f"llm.tokens{{scenario={name}}}", *values))
        return found

    history = [run(*one(after=False), number=number) for number in range(1, runs + 1)]
    return decided(run(*one(after=True)), _mean_baseline(history), *budgets)


def _mean_baseline(history: Sequence[object]) -> Baseline:
    """A baseline of the runs' means, as the store makes it."""
    runs = [each for each in history if isinstance(each, Run)]
    means = [
        each._replace(measurements=tuple(m._replace(values=(run_value(m.unit, m.values),)) for m in each.measurements))
        for each in runs
    ]
    return baseline_of(means)


def together(decision: Decision) -> Verdict:
    (found,) = [each for each in decision.verdicts if each.rule is Rule.FAMILY]
    return found


def test_scenarios_that_became_dearer_together_block_together_and_not_alone() -> None:
    decision = agents(1.4, 12)
    found = together(decision)
    assert found.level is Level.BLOCK
    assert found.series == TOGETHER
    assert "over 12 scenarios is beyond 10 %" in found.reason
    assert "they can show" in found.reason
    assert max(each.level for each in decision.verdicts if each.rule is Rule.CHANGE) <= Level.WARN
    (family,) = decision.families
    assert family.relative == pytest.approx(0.4, abs=0.15)
    assert len(family.members) == 12
    assert all(member.runs == 10 for member in family.members)


def test_unchanged_scenarios_are_called_dearer_once_in_a_hundred() -> None:
    found = [together(agents(1.0, 10, seed=seed, runs=3, trials=3)).level for seed in range(150)]
    assert sum(level >= Level.WARN for level in found) <= 5


def test_a_family_that_cannot_show_the_budget_is_inconclusive_and_says_what_it_can_show() -> None:
    found = together(agents(1.0, 8, runs=1, trials=1))
    assert found.level is Level.INCONCLUSIVE
    assert "the budget asks for 10 %" in found.reason
    assert "more scenarios" in found.remedy


def test_a_family_that_can_show_it_passes() -> None:
    assert together(agents(1.0, 40, cv=0.1)).level is Level.PASS


def test_few_scenarios_warn_at_most() -> None:
    found = together(agents(2.0, 5, cv=0.1))
    assert found.level is Level.WARN
    assert "a block needs 7 scenarios" in found.notes[0]


def test_ten_pooled_runs_of_the_baseline_show_more_than_one() -> None:
    one, ten = ([agents(1.0, 12, runs=runs, seed=seed).families[0].numbers for seed in range(30)] for runs in (1, 10))
    variance = [sum(each.sd**2 for each in found if each is not None) for found in (one, ten)]
    assert variance[1] / variance[0] == pytest.approx(0.55, abs=0.12)


def test_one_scenario_that_explodes_warns_by_itself() -> None:
    decision = agents(1.0, 10, cv=0.05, changes={"s03": 3.0})
    (loud,) = [each for each in decision.verdicts if each.level >= Level.WARN]
    assert "s03" in str(loud.series)
    assert loud.level is Level.WARN
    assert any("does not block alone" in note for note in loud.notes)


def test_scenarios_of_one_side_only_are_named_and_left_out() -> None:
    chance = random.Random(1)

    def tokens(name: str) -> Measurement:
        return measured(f"llm.tokens{{scenario={name}}}", 1000.0 * math.exp(chance.gauss(0, 0.1)))

    common = [f"s{number}" for number in range(8)]
    history = [run(*(tokens(name) for name in [*common, "gone"]), number=at) for at in range(1, 6)]
    unknown = measured("llm.tokens{scenario=broken}", state=State.UNKNOWN, reason="every task timed out")
    decision = decided(run(*(tokens(name) for name in [*common, "fresh"]), unknown), baseline_of(history), FAMILY)
    (family,) = decision.families
    assert [dict(series.labels)["scenario"] for series, _ in family.alone] == ["broken", "fresh", "gone"]
    assert dict(family.alone)[unknown.series] == "every task timed out"
    assert len(family.members) == 8
    assert "not in the comparison: broken, fresh, gone" in together(decision).notes


def test_failed_tasks_are_said_beside_what_they_did_not_cost() -> None:
    chance = random.Random(1)

    def scenario(number: int, tokens: float, success: float) -> list[Measurement]:
        name = f"{{scenario=s{number}}}"
        return [measured(f"llm.tokens{name}", tokens * math.exp(chance.gauss(0, 0.05))), measured(f"llm.success{name}", success)]  # fmt: skip

    history = [
        run(*(each for number in range(8) for each in scenario(number, 1000.0, 0.9)), number=at) for at in range(1, 6)
    ]
    decision = decided(
        run(*(each for number in range(8) for each in scenario(number, 900.0, 0.6))), baseline_of(history), FAMILY
    )
    (family,) = decision.families
    assert family.relative == pytest.approx(-0.1, abs=0.05)
    assert family.per_success is not None
    assert family.per_success[1] / family.per_success[0] == pytest.approx(1.35, abs=0.07)
    assert "tasks that succeeded: 60.0 %, were 90.0 %" in together(decision).notes


def test_without_a_baseline_a_family_is_inconclusive() -> None:
    decision = decided(run(measured("llm.tokens{scenario=a}", 1.0), measured("llm.tokens{scenario=b}", 1.0)), Baseline(), FAMILY)  # fmt: skip
    found = together(decision)
    assert found.level is Level.INCONCLUSIVE
    assert "no scenario has a value on both sides" in found.reason
    assert decision.nothing_judged


def test_where_higher_is_better_a_family_is_held_from_falling() -> None:
    chance = random.Random(1)

    def rates(factor: float) -> list[Measurement]:
        return [
            bench(f"bench.rate{{benchmark=b,scenario=s{number}}}", 100 * factor * math.exp(chance.gauss(0, 0.05)), better=Direction.HIGHER)
            for number in range(9)
        ]  # fmt: skip

    history = [run(*rates(1.0), number=at) for at in range(1, 6)]
    fallen = decided(run(*rates(0.7)), baseline_of(history), budget("bench.rate", judge=Judge.FAMILY))
    assert together(fallen).level is Level.BLOCK
    risen = decided(run(*rates(1.3)), baseline_of(history), budget("bench.rate", judge=Judge.FAMILY))
    assert together(risen).level is Level.PASS


def test_the_absolute_floor_holds_for_the_family_too() -> None:
    floor = Relative(at_least=Quantity.parse("50000 token/task"), stated=True)
    assert together(agents(1.4, 12, budgets=[FAMILY._replace(relative=floor)])).level < Level.WARN


def test_two_budgets_on_the_scenarios_of_a_metric_make_two_families() -> None:
    few = budget("llm.tokens{scenario=s0*}", judge=Judge.FAMILY)
    decision = agents(1.4, 20, budgets=[FAMILY, few])
    assert [str(family.series) for family in decision.families] == [
        "llm.tokens{scenario=s0*}",
        "llm.tokens{scenario=*}",
    ]
    assert [len(family.members) for family in decision.families] == [10, 10]


def test_one_by_one_is_still_there() -> None:
    decision = agents(1.0, 3, cv=0.05, budgets=[budget("llm.tokens", judge=Judge.SERIES)], changes={"s00": 3.0})
    assert decision.level is Level.BLOCK
    assert not decision.families


def test_a_family_is_waived_justified_and_enforced_like_a_series() -> None:
    waived = decided_again(agents(1.4, 12), waivers=("llm.tokens{scenario=*}", "100000 token/task"))
    assert together(waived).level is Level.PASS
    assert {str(member.series) for member in waived.families[0].members} <= set(excluded_series(waived))
    watched = agents(1.4, 12, budgets=[FAMILY._replace(enforce=Enforce.OBSERVE)])
    assert together(watched).level is Level.PASS


def decided_again(decision: Decision, *, waivers: tuple[str, str]) -> Decision:
    """The same comparisons judged once more, with a waiver."""
    from perfgate.core.budgets import Budgets
    from perfgate.core.policy import judge

    rules = Budgets(budgets=(FAMILY,), waivers=(waiver(*waivers),))
    return judge(decision.comparisons, (), rules, decision.circumstances)


@given(st.integers(0, 1000), st.integers(0, 8), st.floats(1.0, 5.0))
@settings(deadline=None, max_examples=20)
def test_a_dearer_scenario_never_makes_its_family_pass(seed: int, which: int, factor: float) -> None:
    before = together(agents(1.25, 9, runs=3, seed=seed, cv=0.1))
    after = together(agents(1.25, 9, runs=3, seed=seed, cv=0.1, changes={f"s{which:02d}": factor}))
    assert after.level >= before.level or after.level is Level.INCONCLUSIVE
