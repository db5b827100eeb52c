"""Fixtures whose setup grew: against the newest comparable run that tells them, the most first."""

from __future__ import annotations

from typing import Any

from perfgate.core.model import Run
from perfgate.core.suite_change import Fixture, SuiteChange
from perfgate.core.suite_records import suites_of
from tests.core.test_suite_changes import changed, ran, suite


def with_fixtures(number: int, *rows: tuple[str, int, object]) -> Run:
    made = ran(suite(), number)
    told: tuple[dict[str, Any], ...] = tuple(
        {"suite": "unit", "fixture": name, "scope": "function", "file": "a.py", "count": count, "seconds": seconds}
        for name, count, seconds in rows
    )
    return made._replace(details={**made.details, **({"test_fixtures": told} if told else {})})


def compared(after: Run, *before: Run) -> SuiteChange:
    return changed(after, [*(ran(suite(), number) for number in range(1, 7)), *before])


def test_what_grew_is_told_with_both_counts_and_what_stayed_is_not() -> None:
    before = with_fixtures(7, ("slow_db", 3, 1.5), ("same", 9, 9.0), ("small", 1, 0.01), ("less", 2, 4.0))
    after = with_fixtures(
        99, ("slow_db", 3, 4.5), ("same", 9, 9.5), ("small", 1, 0.05), ("less", 2, 1.0), ("new", 1, 0.5)
    )
    assert compared(after, before).fixtures == (
        Fixture("slow_db", "function", "a.py", 3, 1.5, 3, 4.5),
        Fixture("new", "function", "a.py", 0, None, 1, 0.5),
    )


def test_a_side_that_tells_no_fixtures_and_a_full_list_say_nothing_of_new_ones() -> None:
    after = with_fixtures(99, ("slow_db", 3, 4.5))
    assert compared(after).fixtures == ()
    assert compared(with_fixtures(99), with_fixtures(7, ("slow_db", 3, 1.5))).fixtures == ()
    full = with_fixtures(7, *((f"f{n}", 1, 9.0) for n in range(100)))
    assert compared(after, full).fixtures == ()


def test_rows_without_a_count_or_a_time_are_left_out() -> None:
    made = with_fixtures(1, ("a", 0, 1.0), ("b", 2, "long"), ("c", 2, 1.0))
    assert [each.fixture for each in suites_of(made.details)["unit"].fixtures] == ["c"]
