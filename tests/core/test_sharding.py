"""Every test in exactly one shard, never an empty one while tests remain, and as even as the algorithm promises."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.sharding import MOST_SHARDS, SECOND, Algorithm, Plan, Unit, choose, jobs_of, split

COSTS = st.lists(st.integers(0, 1000), min_size=1, max_size=30)
SMALL = st.lists(st.integers(0, 50), min_size=1, max_size=8)


def made(costs: Sequence[int], first: Sequence[int] = ()) -> list[Unit]:
    return [Unit(f"t{at:03d}", (f"t{at:03d}",), cost, at in first) for at, cost in enumerate(costs)]


def positions(plan: Plan) -> list[list[int]]:
    return [[int(test[1:]) for test in shard.tests] for shard in plan.shards]


def least_possible(costs: Sequence[int], into: int) -> int:
    """The best makespan there is, by trying everything."""
    loads = {(0,) * into}
    for cost in costs:
        loads = {tuple(sorted((*each[:at], each[at] + cost, *each[at + 1 :]))) for each in loads for at in range(into)}
    return min(max(each) for each in loads)


def least_in_order(costs: Sequence[int], into: int) -> int:
    """The best makespan of contiguous parts, by trying every set of cuts."""
    count = len(costs)
    return min(
        max(sum(costs[a:b]) for a, b in itertools.pairwise((0, *cuts, count)))
        for cuts in itertools.combinations_with_replacement(range(count + 1), into - 1)
    )


@settings(max_examples=150, deadline=None)
@given(COSTS, st.integers(1, 12), st.sampled_from(Algorithm), st.sets(st.integers(0, 29)))
def test_every_test_is_in_exactly_one_shard_and_none_is_empty_while_tests_remain(
    costs: list[int], into: int, algorithm: Algorithm, first: set[int]
) -> None:
    plan = split(made(costs, sorted(first)), into, algorithm, overhead=7)
    assert sorted(itertools.chain(*positions(plan))) == list(range(len(costs)))
    assert len(plan.shards) == into
    assert plan.empty == max(0, into - len(costs))
    assert plan.makespan >= plan.lower_bound
    assert plan.lower_bound >= max(*costs, sum(costs) / into) + 7 - 1e-6


@settings(max_examples=100, deadline=None)
@given(COSTS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_runners_of_other_speeds_leave_none_out_and_none_empty(costs: list[int], tenths: list[int]) -> None:
    speeds = [Fraction(each, 10) for each in tenths]
    plan = split(made(costs), len(speeds), Algorithm.WEIGHTED, speeds=speeds)
    assert sorted(itertools.chain(*positions(plan))) == list(range(len(costs)))
    assert plan.empty == max(0, len(speeds) - len(costs))
    assert plan.makespan >= plan.lower_bound


@settings(max_examples=80, deadline=None)
@given(SMALL, st.integers(1, 4))
def test_longest_first_is_within_four_thirds_of_the_best(costs: list[int], into: int) -> None:
    best = least_possible(costs, into)
    assert split(made(costs), into).makespan <= Fraction(4 * into - 1, 3 * into) * best


@settings(max_examples=80, deadline=None)
@given(SMALL, st.integers(1, 4))
def test_in_order_keeps_the_order_and_no_contiguous_parts_are_better(costs: list[int], into: int) -> None:
    plan = split(made(costs), into, Algorithm.IN_ORDER)
    assert list(itertools.chain(*positions(plan))) == list(range(len(costs)))
    assert plan.makespan == least_in_order(costs, into)


@settings(max_examples=60, deadline=None)
@given(COSTS)
def test_another_runner_never_makes_in_order_slower(costs: list[int]) -> None:
    spans = [split(made(costs), into, Algorithm.IN_ORDER).makespan for into in range(1, 14)]
    assert spans == sorted(spans, reverse=True)


@settings(max_examples=60, deadline=None)
@given(COSTS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_the_list_decides_nothing_where_order_is_not_asked_for(
    costs: list[int], into: int, order: object
) -> None:
    units = made(costs)
    plan = split(units, into)
    assert [set(shard.tests) for shard in split(units[::-1], into).shards] == [
        set(shard.tests) for shard in plan.shards
    ]


def test_in_order_cuts_near_equal_shares_where_several_cuts_are_as_good() -> None:
    # One long test decides how long it takes; the others are not all left to the second shard.
    assert positions(split(made([1, 1, 1, 1, 10, 1, 1, 1, 1]), 3, Algorithm.IN_ORDER))[1] == [4]
    assert [len(each) for each in positions(split(made([1] * 10 + [9]), 3, Algorithm.IN_ORDER))] == [6, 4, 1]


def test_first_tests_are_spread_by_themselves_and_run_first() -> None:
    plan = split(made([9, 1, 1, 1, 1, 5], first=[2, 4]), 2, Algorithm.PRIORITY_FIRST)
    assert [each[0] for each in positions(plan)] == [2, 4]
    assert sorted(map(sorted, positions(plan))) == [[0, 2], [1, 3, 4, 5]]


def test_a_runner_of_half_the_speed_gets_half_the_work() -> None:
    plan = split(made([1] * 9), 3, Algorithm.WEIGHTED, speeds=[Fraction(1), Fraction("0.5"), Fraction("0.75")])
    assert [len(each) for each in positions(plan)] == [4, 2, 3]
    assert plan.makespan == 4
    assert plan.lower_bound == 4


def test_a_runner_too_slow_for_any_test_still_gets_the_shortest_one() -> None:
    plan = split(made([5, 3, 4]), 2, Algorithm.WEIGHTED, speeds=[Fraction(1), Fraction(1, 1000)])
    assert positions(plan) == [[0, 2], [1]]


def test_tests_of_no_time_are_shared_out_by_number() -> None:
    assert [len(each) for each in positions(split(made([0] * 9), 3))] == [3, 3, 3]


def test_the_best_number_of_jobs_is_where_another_one_saves_less_than_it_costs() -> None:
    units = made([60 * SECOND] * 8)
    choice = choose(units, 4, Algorithm.LEAST_LOADED, 30 * SECOND)
    # 8 → 480 s, 4 → 120 s, 8 → 60 s: the step from 4 to 8 saves 60 s and costs four times 30 s.
    assert choice.best.number == 4
    assert [jobs.number for jobs in choice.rows] == [1, 2, 3, 4, 6, 8]
    four = choice.best
    assert (int(four.makespan), int(four.together), four.minutes) == (150 * SECOND, 600 * SECOND, 12)


@pytest.mark.parametrize("algorithm", [each for each in Algorithm if each is not Algorithm.WEIGHTED])
def test_numbers_of_jobs_are_judged_by_the_shards_that_would_be_made(algorithm: Algorithm) -> None:
    units = made([(at * 37) % 101 for at in range(25)], first=[3, 17])
    for jobs in choose(units, 8, algorithm, 5).rows:
        assert jobs == jobs_of(split(units, jobs.number, algorithm, overhead=5))


@pytest.mark.parametrize("into", [0, MOST_SHARDS + 1])
def test_a_number_of_shards_that_cannot_be_is_a_mistake_of_the_caller(into: int) -> None:
    with pytest.raises(ValueError, match="shards"):
        split(made([1]), into)
