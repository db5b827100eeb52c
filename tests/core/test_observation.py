"""Which of the candidate's runs are independent of each other, and how those of one occasion count."""

from __future__ import annotations

from perfgate.core.model import Context
from perfgate.core.observation import observe, occasions_of
from tests.core.making import UNIT_TESTS, measured, run


def started(*times: str) -> list[int]:
    return occasions_of([Context(started_at=f"2026-11-21T{time}Z") for time in times])


def in_job(ci_run: str, job: str, attempt: int = 1) -> Context:
    return Context(provider="github", ci_run=ci_run, ci_job=job, ci_attempt=attempt, started_at="2026-11-21T10:00:00Z")


def test_jobs_are_occasions_even_in_one_workflow_run_and_so_are_attempts() -> None:
    contexts = [in_job("1", "a"), in_job("1", "a"), in_job("1", "b"), in_job("1", "a", 2), in_job("2", "a")]
    assert occasions_of(contexts) == [0, 0, 1, 2, 3]


def test_outside_ci_half_an_hour_parts_two_occasions() -> None:
    assert started("10:00:00", "10:10:00", "10:29:59") == [0, 0, 0]
    assert started("10:00:00", "10:30:00", "11:05:00") == [0, 1, 2]
    assert started("10:30:00", "10:00:00") == [0, 1], "in whatever order they are given"


def test_runs_that_do_not_say_when_they_began_share_one_occasion() -> None:
    assert occasions_of([Context(), Context(), Context(started_at="yesterday")])[:2] == [0, 0]


def test_values_of_one_occasion_count_once() -> None:
    runs = [run(measured(UNIT_TESTS, value), number=n) for n, value in enumerate([100.0, 300.0, 200.0])]
    (seen,) = observe(runs)
    assert seen.values == (100.0, 300.0, 200.0)
    assert seen.independent() == (200.0,)
    apart = [each._replace(context=each.context._replace(ci_run="1", ci_job=str(n))) for n, each in enumerate(runs)]
    (seen,) = observe(apart)
    assert seen.independent() == (100.0, 300.0, 200.0)


def test_sides_of_unequal_length_are_not_pairs() -> None:
    (seen,) = observe([run(measured(UNIT_TESTS, 1.0, 2.0, before=(1.0,)))])
    assert seen.state.value == "unknown"
    assert "are not pairs" in seen.reason
