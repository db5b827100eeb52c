"""Bars of a sparkline: right order, right number, in the characters there are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.render.sparkline import marks, pieces, sparkline

_NUMBERS = st.floats(-1e300, 1e300)


def test_the_least_and_the_largest_value_have_the_lowest_and_the_highest_bar() -> None:
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], width=80, unicode=True) == "▁▂▃▄▅▆▇█"
    assert sparkline([8, 1, 8], width=80, unicode=False) == "#_#"


def test_a_constant_series_is_flat_and_nothing_is_nothing() -> None:
    assert sparkline([3.0] * 4, width=80, unicode=True) == "▁▁▁▁"
    assert sparkline([], width=80, unicode=True) == ""


@settings(max_examples=60, deadline=None)
@given(st.lists(_NUMBERS, min_size=1, max_size=300), st.integers(1, 80), st.booleans())
def test_no_more_bars_than_columns_and_ascii_where_that_is_asked_for(
    values: list[float], width: int, unicode: bool
) -> None:
    line = sparkline(values, width=width, unicode=unicode)
    assert len(line) == min(width, len(values))
    assert unicode or line.isascii()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=80))
def test_a_larger_value_never_has_a_lower_bar(values: list[float]) -> None:
    line = sparkline(sorted(values), width=100, unicode=True)
    assert all(one <= other for one, other in pairwise(line))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 500), st.integers(1, 100))
def test_every_value_is_in_exactly_one_piece(count: int, width: int) -> None:
    covered = [index for start, end in pieces(count, width) for index in range(start, end)]
    assert covered == list(range(count))


@pytest.mark.parametrize(("count", "width", "line"), [(10, 20, "     ^"), (100, 10, "^"), (3, 10, "")])
def test_marks_stand_under_the_value_that_begins_a_segment(count: int, width: int, line: str) -> None:
    starts = {10: [5], 100: [5], 3: [7]}[count]
    assert marks(starts, count, width=width) == line
