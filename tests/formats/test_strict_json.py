"""JSON without surprises: what is refused is named with its line and column, and refusing is quick."""

from __future__ import annotations

import json
import math
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.errors import InputError
from perfgate.formats import json_places, strict_json

KEYS = st.sampled_from(["a", "b", '"', "\\", "[", "}", "ä", "a b", ",:", ""])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def refused(data: bytes, **how: bool) -> InputError:
    with pytest.raises(InputError) as caught:
        strict_json.loads(data, "x.json", **how)
    return caught.value


@pytest.mark.parametrize(
    ("data", "place", "told"),
    [
        (b'{"a": 1,\n "a": 2}', "x.json:2:2", '"a" is there twice, first in line 1'),
        (b'{"a":\n {"b": "\\"b\\":", "c": [{"b": 1}, {"b": 1,\n"b": 2}]}}', "x.json:3:1", "first in line 2"),
        (b'{"\\u0061": 1, "a": 2}', "x.json:1:15", '"a" is there twice'),
        (b'{"a": "x", "b": ["a"], "a": 2}', "x.json:1:24", '"a" is there twice'),
        (b"[1,\n2, NaN]", "x.json:2:4", "NaN is not a number"),
        (b'["1e999",\n 1e999]', "x.json:2:2", "1e999 is larger than any number"),
        (b'["' + b"9" * 5000 + b'",\n' + b"7" * 4999 + b"," + b"9" * 5000 + b"]", "x.json:2:1", "too many digits"),
    ],
)
def test_what_is_refused_is_named_with_its_place(data: bytes, place: str, told: str) -> None:
    error = refused(data)
    assert told in error.what
    assert error.where == place


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e401", "0e-99999999999999999999", "1E+500"])
def test_a_decimal_that_no_number_can_hold_is_refused_in_words(number: str) -> None:
    error = refused(f"[1.5,\n{number}]".encode(), decimal=True)
    assert error.what == f"{number} is beyond any number that can be kept"
    assert error.where == "x.json:2:1"


def test_a_decimal_keeps_its_digits() -> None:
    assert strict_json.loads(b"[0.10, 1E-7]", "x", decimal=True) == [Decimal("0.10"), Decimal("1E-7")]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_values_are_nested_up_to_the_limit_and_no_deeper(opening: bytes) -> None:
    ends = {b"[": b"]", b'{"a":': b"}", b'[{"a":': b"}]"}[opening]
    levels = strict_json.DEPTH // len(ends)
    strict_json.loads(opening * levels + b"1" + ends * levels, "x")
    for more in (levels + 1, 10_000):
        error = refused(opening * more + b"1" + ends * more)
        assert "nested deeper than 64" in error.what
        assert error.where.startswith("x.json:1:")


def test_brackets_in_text_are_no_nesting() -> None:
    assert strict_json.loads(json.dumps(["[{" * 500]).encode(), "x") == ["[{" * 500]


def test_a_key_that_is_there_twice_among_many_is_found_at_once() -> None:
    data = ("{" + ",".join(f'"k{number}":1' for number in range(20_000)) + ',"k19999":1}').encode()
    before = time.process_time()
    assert '"k19999" is there twice' in refused(data).what
    assert time.process_time() - before < 1.5


@given(VALUES)
@settings(deadline=None, max_examples=60)
def test_sound_text_has_no_key_twice_and_its_depth_is_counted_right(value: Any) -> None:
    text = json.dumps(value, indent=1)

    def depth(each: Any) -> int:
        inner = each.values() if isinstance(each, dict) else each if isinstance(each, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    assert json_places.find_twice(text) is None
    assert json_places.find_deeper(text, depth(value)) is None
    assert (json_places.find_deeper(text, depth(value) - 1) is None) == (depth(value) == 0)


def test_text_that_no_file_can_keep_is_an_input_error_that_shows_it() -> None:
    with pytest.raises(InputError, match=r"half a character.*caf\\udce9"):
        strict_json.dumps({"name": "caf\udce9"})


def test_words_for_numbers_are_read_where_the_caller_asks_for_them() -> None:
    value = strict_json.loads(b"[NaN, -Infinity, 1e999, 1]", "f.json", words=True)
    assert math.isnan(value[0])
    assert value[1:] == [-math.inf, math.inf, 1]
    with pytest.raises(InputError, match="there twice"):
        strict_json.loads(b'{"a": 1, "a": NaN}', "f.json", words=True)
