"""What setting tests up costs: only what is large, only what could be shared, and shares that are shares."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.suite_setup import FixtureTime, setup_costs


def fixture(name: str = "db", scope: str = "function", times: int = 10, seconds: float = 10.0) -> FixtureTime:
    return FixtureTime(name, scope, "tests/conftest.py", times, seconds)


def test_a_fixture_that_is_set_up_often_for_much_of_the_time_is_told_with_what_once_would_save() -> None:
    assert setup_costs("u", 100.0, {}, [fixture(times=20, seconds=40.0)]) == (
        {
            "suite": "u",
            "kind": "fixture",
            "fixture": "db",
            "scope": "function",
            "file": "tests/conftest.py",
            "count": 20,
            "seconds": 40.0,
            "share": 0.4,
            "saving": 38.0,
        },
    )


@pytest.mark.parametrize(
    "each",
    [
        fixture(times=9),
        fixture(seconds=9.9),
        fixture(scope="session"),
        fixture(scope=""),
        fixture("tmp_path"),
        fixture("monkeypatch"),
    ],
)
def test_what_is_cheap_rare_or_cannot_be_shared_is_not_told(each: FixtureTime) -> None:
    assert setup_costs("u", 100.0, {}, [each]) == ()
    assert len(setup_costs("u", 100.0, {}, [fixture()])) == 1


def test_the_set_up_phase_is_told_beyond_its_threshold() -> None:
    assert setup_costs("u", 100.0, {"setup": 30.0, "call": 70.0}, []) == ()
    (row,) = setup_costs("u", 100.0, {"setup": 31.0, "call": 69.0}, [])
    assert row == {"suite": "u", "kind": "setup phase", "seconds": 31.0, "share": 0.31}


def test_set_up_that_the_times_of_the_tests_leave_out_is_a_share_of_both() -> None:
    (row,) = setup_costs("u", 10.0, {"setup": 30.0, "call": 10.0}, [])
    assert row["share"] == 0.75


def test_nothing_is_told_of_a_suite_without_times() -> None:
    assert setup_costs("u", 0.0, {}, []) == ()
    assert setup_costs("u", 0.0, {"setup": 0.0}, [fixture(seconds=0.0)]) == ()


FIXTURES = st.builds(
    FixtureTime,
    st.text(max_size=3),
    st.sampled_from(["function", "module", ""]),
    st.just(""),
    st.integers(1, 10**6),
    st.floats(0, 1e6),
)


@settings(max_examples=80, deadline=None)
@given(st.floats(0, 1e6), st.floats(0, 1e6), st.lists(FIXTURES, max_size=8, unique_by=lambda each: each[:2]))
def test_shares_never_exceed_the_whole_and_the_order_never_matters(
    seconds: float, setup: float, fixtures: list[FixtureTime]
) -> None:
    rows = setup_costs("u", seconds, {"setup": setup}, fixtures)
    assert setup_costs("u", seconds, {"setup": setup}, fixtures[::-1]) == rows
    shares = [float(row["share"] or 0) for row in rows if row["kind"] == "fixture"]
    assert sum(shares) <= 1 + 1e-9
    for row in rows:
        assert 0 < float(row["share"] or 0) <= 1
        if row["kind"] == "fixture":
            assert 0 <= float(row["saving"] or 0) < float(row["seconds"] or 0)
