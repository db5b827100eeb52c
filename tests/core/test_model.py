"""Series and selectors: identity, writing and matching."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.model import Capture, Selector, Series
from perfgate.errors import InputError
from tests.core.making import measured

LABEL_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SERIES = st.builds(
    lambda metric, labels: Series(metric, tuple(sorted(labels.items()))),
    st.from_regex(r"[a-z][a-z0-9_]{0,6}\.[a-z0-9_]{1,6}", fullmatch=True),
    st.dictionaries(LABEL_NAMES, LABEL_VALUES, max_size=3),
)


@given(SERIES)
def test_what_is_written_of_a_series_reads_back_as_the_same_series(series: Series) -> None:
    assert Series.parse(str(series)) == series


@given(SERIES)
def test_a_selector_without_labels_means_every_label_set(series: Series) -> None:
    assert Selector.parse(series.metric).matches(series)


def test_labels_of_a_selector_are_exact_or_globs() -> None:
    series = Series.of("tests.duration", suite="unit-fast", shard="2")
    assert Selector.parse("tests.duration{suite=unit-*}").matches(series)
    assert Selector.parse("tests.*{shard=?}").matches(series)
    assert not Selector.parse("tests.duration{suite=unit}").matches(series)
    assert not Selector.parse("tests.duration{os=linux}").matches(series)


def test_brackets_in_a_label_are_plain_text_not_a_glob() -> None:
    series = Series.of("bench.time", benchmark="test_sort[1000]")
    assert Selector.parse('bench.time{benchmark="test_sort[1000]"}').matches(series)
    assert not Selector.parse('bench.time{benchmark="test_sort[0-9]"}').matches(series)


def test_a_glob_of_many_stars_is_still_quick() -> None:
    series = Series.of("bench.time", benchmark="a" * 300)
    assert not Selector.parse("bench.time{benchmark=a**********b}").matches(series)


@pytest.mark.parametrize(
    "text", ["", "tests", "{a=b}", "tests.duration{suite", "a.b{x=1,x=2}", "a.b{=1}", "tests.*", "A.b"]
)
def test_what_names_no_series_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Series.parse(text)


def test_measuring_one_series_twice_is_an_error_that_names_both_places() -> None:
    first = Capture((measured("size.bytes{path=a}", 1.0, origin="one"),))
    second = Capture((measured("size.bytes{path=a}", 2.0, origin="two"),))
    with pytest.raises(InputError, match=r"one.*two"):
        Capture.joined([first, second])
