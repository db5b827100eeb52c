"""What a comparison says, before any budget is known."""

from __future__ import annotations

import math
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core import past
from perfgate.core.baseline import Baseline
from perfgate.core.compare import Comparison, Exact, Finding, Insufficient, Tested, compare
from perfgate.core.metrics import Assumption
from perfgate.core.model import Run, State
from perfgate.core.observation import observe
from perfgate.core.stats.interleaved import Interleaved
from perfgate.core.units import Unit
from tests.core.making import MACHINE, UNIT_TESTS, baseline, baseline_of, bench, measured, run

QUIET = [100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.5, 98.5, 100.0, 100.2]


def compared(candidate: Run | list[Run], base: Baseline) -> Comparison:
    runs = candidate if isinstance(candidate, list) else [candidate]
    (found,) = compare(observe(runs), base)
    return found


def test_a_value_far_outside_the_history_is_real() -> None:
    found = compared(run(measured(UNIT_TESTS, 130.0)), baseline(UNIT_TESTS, QUIET))
    assert isinstance(found.evidence, Tested)
    assert found.evidence.finding is Finding.REAL
    assert found.worse == pytest.approx(0.30, abs=0.01)
    assert found.worse is not None
    assert found.evidence.change_low is not None
    assert found.evidence.change_high is not None
    assert found.evidence.change_low < found.worse < found.evidence.change_high


def test_many_values_inside_one_run_are_one_sample() -> None:
    # A hundred values of one run do not narrow the interval: the error term is the variation between runs.
    one = compared(run(measured(UNIT_TESTS, 104.0)), baseline(UNIT_TESTS, QUIET))
    many = compared(run(measured(UNIT_TESTS, *[104.0] * 100)), baseline(UNIT_TESTS, QUIET))
    assert one.evidence == many.evidence


def test_another_machine_class_is_not_comparable_and_the_difference_is_named() -> None:
    other = MACHINE._replace(cpu_model="model B", cpu_count=64)
    found = compared(run(measured(UNIT_TESTS, 100.0), machine=other), baseline(UNIT_TESTS, QUIET))
    assert isinstance(found.evidence, Insufficient)
    assert found.evidence.code == "not comparable"
    assert "cpu model model B, was model A" in found.evidence.missing


def test_only_the_comparable_part_of_a_mixed_history_is_used() -> None:
    other = MACHINE._replace(cpu_count=64)
    runs = [run(measured(UNIT_TESTS, 100.0 + n % 3), number=n) for n in range(1, 9)]
    runs += [run(measured(UNIT_TESTS, 10.0), number=n, machine=other) for n in range(9, 12)]
    found = compared(run(measured(UNIT_TESTS, 101.0)), baseline_of(runs))
    assert len(found.used) == 8
    assert found.excluded[0][1] == 3


def test_a_size_does_not_depend_on_the_machine() -> None:
    other = MACHINE._replace(cpu_model="model B")
    found = compared(run(measured("size.bytes{path=a}", 2.0), machine=other), baseline("size.bytes{path=a}", [1.0]))
    assert isinstance(found.evidence, Exact)
    assert found.relative == 1.0


@pytest.mark.parametrize("change", [{"unit": Unit("B")}, {"assumption": Assumption.EXACT}, {"conditions": ()}])
def test_another_unit_or_assumption_is_not_comparable(change: dict[str, Any]) -> None:
    base = baseline("bench.time{benchmark=sort}", QUIET)
    found = compared(run(measured("bench.time{benchmark=sort}", 100.0)._replace(**change)), base)
    if "conditions" in change:
        assert isinstance(found.evidence, Tested)
    else:
        assert isinstance(found.evidence, Insufficient)


def test_another_model_is_not_comparable() -> None:
    name = "llm.tokens{scenario=fix}"
    base = baseline(name, [100.0] * 6, conditions=(("model", "small"),))
    found = compared(run(measured(name, 100.0, conditions=(("model", "large"),))), base)
    assert isinstance(found.evidence, Insufficient)
    assert "model large, was small" in found.evidence.missing


@pytest.mark.parametrize(
    ("before", "after", "relative"), [(0.0, 1.0, float("inf")), (0.0, 0.0, 0.0), (5.0, 0.0, -1.0), (100.0, 3.0, -0.97)]
)
def test_zero_has_one_rule(before: float, after: float, relative: float) -> None:
    found = compared(run(measured("tests.failed{suite=unit}", after)), baseline("tests.failed{suite=unit}", [before]))
    assert found.relative == relative


def test_money_stays_exact() -> None:
    name = "infra.cost{environment=dev}"
    conditions = (("currency", "USD"), ("price book", "one"))
    base = baseline(name, [Decimal("0.1")], conditions=conditions)
    found = compared(run(measured(name, Decimal("0.3"), conditions=conditions)), base)
    assert found.after == Decimal("0.3")
    assert found.before == Decimal("0.1")


def test_a_capture_that_measured_both_sides_needs_no_history_but_says_where_it_strays() -> None:
    name = "infra.cost{environment=dev}"
    base = baseline(name, [Decimal(100)])
    found = compared(run(measured(name, Decimal(130), before=(Decimal(120),))), base)
    assert found.before == Decimal(120)
    assert isinstance(found.evidence, Exact)
    assert "100.00 USD/month" in found.caveats[0].message


def test_an_exact_series_that_varies_between_runs_of_one_commit_is_reported() -> None:
    name = "size.bytes{path=a}"
    found = compared([run(measured(name, 1.0)), run(measured(name, 2.0))], baseline(name, [1.0]))
    assert isinstance(found.evidence, Insufficient)
    assert found.evidence.code == "varies"
    assert found.after == 2.0


def test_an_unknown_value_is_never_compared() -> None:
    name = "llm.cost{scenario=fix}"
    found = compared(
        run(measured(name, state=State.UNKNOWN, reason="no price for model x")), baseline(name, [Decimal(1)])
    )
    assert isinstance(found.evidence, Insufficient)
    assert found.after is None


def test_without_a_baseline_the_series_is_said_to_be_new() -> None:
    found = compared(run(measured(UNIT_TESTS, 1.0)), Baseline())
    assert isinstance(found.evidence, Insufficient)
    assert found.evidence.code == "no baseline"


def test_an_unknown_history_is_not_called_new() -> None:
    found = compared(run(measured(UNIT_TESTS, 1.0)), Baseline(problem="the clone is shallow"))
    assert isinstance(found.evidence, Insufficient)
    assert found.evidence.code == "history unknown"
    assert "fetch-depth" in found.evidence.remedy


def test_runs_that_cannot_stand_side_by_side_are_not_mixed() -> None:
    other = MACHINE._replace(runner="macos")
    found = compared(
        [run(measured(UNIT_TESTS, 1.0)), run(measured(UNIT_TESTS, 2.0), machine=other)], baseline(UNIT_TESTS, QUIET)
    )
    assert found.state is State.UNKNOWN
    assert "runner label" in found.reason


def test_three_runs_of_the_candidate_give_an_interval_of_its_own_value() -> None:
    found = compared([run(measured(UNIT_TESTS, value)) for value in (1.0, 2.0, 3.0)], baseline(UNIT_TESTS, QUIET))
    assert found.after == 2.0
    assert found.interval == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)


def test_only_the_newest_window_of_values_is_used() -> None:
    base = baseline(UNIT_TESTS, [1000.0] * 50 + QUIET * 10)._replace(window=100)
    assert compared(run(measured(UNIT_TESTS, 100.0)), base).before == pytest.approx(100.0, abs=0.1)


def test_drift_is_held_against_the_oldest_run_where_no_anchor_was_chosen() -> None:
    found = compared(run(measured("size.bytes{path=a}", 112.0)), baseline("size.bytes{path=a}", [100.0, 104.0, 108.0]))
    assert found.anchor is not None
    assert found.anchor.value == 100.0
    assert found.anchor.worse == pytest.approx(0.12)


@given(
    st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=40), st.floats(1.0, 1000.0), st.randoms(use_true_random=False)
)
@settings(max_examples=100)
def test_the_order_of_runs_within_the_candidate_changes_nothing(
    values: list[float], base: float, chance: random.Random
) -> None:
    runs = [run(measured(UNIT_TESTS, value)) for value in values[:8]]
    history = baseline(UNIT_TESTS, [base, *values])
    shuffled = list(runs)
    chance.shuffle(shuffled)
    first, second = compared(runs, history), compared(shuffled, history)
    assert (first.after, first.relative, first.evidence) == (second.after, second.relative, second.evidence)


def test_direction_none_has_no_worse() -> None:
    found = compared(run(measured("tests.count{suite=unit}", 12.0)), baseline("tests.count{suite=unit}", [10.0]))
    assert found.worse is None
    assert found.relative == pytest.approx(0.2)


def test_a_benchmark_brings_its_own_direction() -> None:
    from perfgate.core.metrics import Direction

    name = "bench.throughput{benchmark=copy}"
    base = baseline_of([run(bench(name, 100.0 + n % 2, better=Direction.HIGHER), number=n) for n in range(1, 9)])
    found = compared(run(bench(name, 50.0, better=Direction.HIGHER)), base)
    assert found.worse == pytest.approx(0.5, abs=0.01)


def test_what_was_measured_in_turns_settles_what_was_measured_on_one_side_in_any_order() -> None:
    alone = run(measured(UNIT_TESTS, 130.0))
    pairs = run(measured(UNIT_TESTS, 100.0, 101.0, 102.0, 103.0, before=(100.0, 101.0, 102.0, 103.0)))
    base = baseline(UNIT_TESTS, QUIET)
    assert compared(alone, base).after == 130.0
    for runs in ([alone, pairs], [pairs, alone]):
        found = compared(runs, base)
        assert found._replace(alone=()) == compared(pairs, base)
        assert found.alone == (130.0,)


def pairs_of(before: float, after: float, count: int, base: str = "", minute: int = 0) -> Run:
    """A run of so many pairs, a little apart from each other."""
    sides = [tuple(side * (1 + 0.001 * (n % 3)) for n in range(count)) for side in (before, after)]
    made = run(measured(UNIT_TESTS, *sides[1], before=sides[0]), number=minute)
    return made._replace(context=made.context._replace(base=base))


def test_pairs_with_another_commit_give_way_to_the_newest_ones() -> None:
    older, newer = pairs_of(100.0, 100.0, 6, "a" * 40, 1), pairs_of(100.0, 150.0, 6, "b" * 40, 2)
    for runs in ([older, newer], [newer, older]):
        found = compared(runs, Baseline())
        assert found.relative == pytest.approx(0.5, abs=0.01)
        assert len(found.values) == 6


@pytest.mark.parametrize("count", [1, 2, 3])
def test_so_few_pairs_show_nothing_however_far_apart(count: int) -> None:
    found = compared(pairs_of(100.0, 900.0, count), Baseline())
    assert isinstance(found.evidence, Insufficient)
    assert found.evidence.code == "too few pairs"


def test_four_pairs_can_show_a_large_change() -> None:
    found = compared(pairs_of(100.0, 150.0, 4), Baseline())
    assert isinstance(found.evidence, Tested)
    assert found.evidence.finding is Finding.REAL


def test_ten_thousand_pairs_are_judged_by_a_hundred_medians() -> None:
    found = compared(pairs_of(100.0, 110.0, 10_000), Baseline())
    assert isinstance(found.evidence, Tested)
    assert (found.evidence.numbers.n, len(found.values)) == (100, 10_000)
    assert found.relative == pytest.approx(0.1, abs=0.001)


def test_the_values_of_pairs_are_medians_and_their_change_is_the_shift() -> None:
    before, after = (1.0, 2.0, 1.0, 1.1, 1.05), (1.5, 1.6, 3.0, 1.55, 1.65)
    found = compared(run(measured(UNIT_TESTS, *after, before=before)), Baseline())
    assert found.before == pytest.approx(1.05)
    assert found.after == 1.6
    assert isinstance(found.evidence, Tested)
    assert isinstance(found.evidence.numbers, Interleaved)
    assert found.relative == pytest.approx(math.expm1(found.evidence.numbers.shift))


def test_pairs_of_several_measurements_are_judged_together_and_that_is_said() -> None:
    found = compared([pairs_of(100.0, 101.0, 5, minute=1), pairs_of(100.0, 103.0, 5, minute=2)], Baseline())
    assert len(found.values) == 10
    assert [each.message for each in found.caveats] == [
        f"{UNIT_TESTS}: 10 pairs of 2 measurements of this state are judged together"
    ]


def test_a_thin_machine_class_borrows_from_the_others_behind_its_runner_label() -> None:
    models = [MACHINE._replace(cpu_model=f"model {name}") for name in "ABC"]
    runs = [
        run(measured(UNIT_TESTS, (100.0 + 4 * index) * (1 + 0.01 * (n % 3))), number=10 * index + n, machine=model)
        for index, model in enumerate(models)
        for n in range(1, 8)
    ]
    fresh = MACHINE._replace(cpu_model="model D")
    usual = compared(run(measured(UNIT_TESTS, 108.0), machine=fresh), baseline_of(runs))
    far = compared(run(measured(UNIT_TESTS, 300.0), machine=fresh), baseline_of(runs))
    for found, finding in ((usual, Finding.UNCHANGED), (far, Finding.REAL)):
        assert isinstance(found.evidence, Tested)
        assert (found.evidence.finding, found.evidence.at_most_warn, found.pooled) == (finding, True, True)
        assert found.evidence.numbers.n == 3
    elsewhere = MACHINE._replace(cpu_model="model D", cpu_count=64)
    assert isinstance(
        compared(run(measured(UNIT_TESTS, 108.0), machine=elsewhere), baseline_of(runs)).evidence, Insufficient
    )


def test_only_the_current_level_counts_and_what_came_before_is_told() -> None:
    chance = random.Random(1)
    history = [level * chance.lognormvariate(0, 0.01) for level in [100.0] * 40 + [60.0] * 40]
    found = compared(run(measured(UNIT_TESTS, 75.0)), baseline(UNIT_TESTS, history))
    assert isinstance(found.evidence, Tested)
    assert found.evidence.finding is Finding.REAL
    assert found.before == pytest.approx(60.0, rel=0.02)
    assert found.excluded == (("before the level last changed", 40),)


def test_thousands_of_series_are_compared_as_each_would_be_alone() -> None:
    chance = random.Random(2)
    names = [f"command.wall{{command=c{n}}}" for n in range(past.MANY)]
    runs = [run(*(measured(name, chance.lognormvariate(0, 0.05)) for name in names), number=n) for n in range(1, 41)]
    candidate = run(*(measured(name, chance.lognormvariate(0, 0.2)) for name in names), number=50)
    base = baseline_of(runs)
    together = compare(observe([candidate]), base)
    for found in together[:: past.MANY // 20]:
        (alone,) = compare([seen for seen in observe([candidate]) if seen.series == found.series], base)
        assert isinstance(found.evidence, Tested)
        assert isinstance(alone.evidence, Tested)
        assert found.evidence.finding is alone.evidence.finding
        assert found.relative == pytest.approx(alone.relative, abs=1e-9)
        assert found.evidence.numbers.visible == pytest.approx(alone.evidence.numbers.visible, abs=1e-9)
