"""perf stat -j: a word in the place of a number is no zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.adapters.perf_stat import Counted, read

_CORPUS = Path(__file__).parents[1] / "corpus" / "profiles"
_LINE = '{{"counter-value" : {value}, "unit" : "", "event" : "instructions:u", "event-runtime" : 9, "pcnt-running" : {running}}}\n'


def _one(value: str, running: str = "100.00") -> Counted:
    (found,) = read(_LINE.format(value=value, running=running))
    return found


def test_a_virtual_machine_without_counters_says_so_and_nothing_is_counted() -> None:
    (found,) = read((_CORPUS / "perf-stat-vm.json").read_text(encoding="utf-8"))
    assert (found.number, found.why_not) == (None, "not supported")


def test_a_count_is_a_number_or_the_text_of_one() -> None:
    assert _one('"21433.000000"') == _one("21433") == Counted("instructions:u", 21433.0)


@pytest.mark.parametrize("value", ['"<not counted>"', '"<not supported>"', "null", "true", '"nan"', "-3", "[1]", '""'])
def test_what_is_no_count_is_none_and_never_zero(value: str) -> None:
    assert _one(value).number is None


def test_an_event_that_never_ran_was_not_counted_although_it_says_0() -> None:
    assert _one("0", "0.00") == Counted("instructions:u", None, 0.0, "not counted")


def test_a_counter_that_took_turns_says_so() -> None:
    assert _one("900", "43.20").is_scaled
    assert not _one("900").is_scaled


def test_other_lines_are_left_out() -> None:
    assert read("# started on\n\n{\n[]\n{}\n" + _LINE.format(value="1", running="100")) == (
        Counted("instructions:u", 1.0),
    )
