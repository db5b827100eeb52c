"""What changed in the test suites, in words: sums that add up as they are written, short lists, harmless names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.decision import Decision
from perfgate.core.suite_change import Fixture, Flaky, Part, Row, Share, Slower, SuiteChange
from perfgate.errors import InputError
from perfgate.formats import decision as decision_format
from perfgate.render import markdown, markdown_tests, suite_changes, terminal
from tests.render import decisions

SLOW = Slower("test_a", "tests/test_x.py", 1.2, 1.3, 2.5, 12, 1e-6)
FLAKY = Flaky("test_b", "tests/test_y.py", 2, 31, 0.0179, 0.2072, "failed, then passed")
PARTS = (Part(Share.CAME, 14, 11.2), Part(Share.GONE, 2, -1.0), Part(Share.COMMON, 480, 1.8))
SAME = SuiteChange("unit", 12, 12, 482, 482, before=60.0, after=60.1, parts=(Part(Share.COMMON, 482, 0.1),))
GROWN = SAME._replace(tests_after=494, changed=True, after=72.0, parts=PARTS)
QUIET = SAME._replace(flaky=(FLAKY,), newly_flaky=1)


def test_the_change_is_told_in_one_sentence_of_parts() -> None:
    assert suite_changes.arithmetic(GROWN) == (
        "case time +12.0 s: +11.2 s from 14 new tests, -1.0 s from 2 removed, +1.8 s on the 480 common ones"
    )
    assert suite_changes.rate(FLAKY) == "failed in 2 of 31 runs, 6 % [2–21 %]"
    heading, first, *_ = suite_changes.lines([GROWN])
    assert heading == "unit: structure change, 494 tests, 482 before"
    assert first.startswith("  case time +12.0 s")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-500, 500), min_size=1, max_size=4))
def test_the_parts_add_up_as_they_are_written(seconds: list[float]) -> None:
    shares = (Share.CAME, Share.GONE, Share.COMMON, Share.UNTOLD)
    parts = tuple(Part(share, 1, each) for share, each in zip(shares, seconds, strict=False))
    written = suite_changes.arithmetic(SAME._replace(before=1000.0, after=1000.0 + sum(seconds), parts=parts))
    whole, *rest = (float(each.replace(",", "")) for each in re.findall(r"([+-]?[\d,]+(?:\.\d+)?) m?s\b", written))
    assert sum(rest) == pytest.approx(whole, abs=1e-6)


def test_a_suite_without_news_says_nothing_and_a_known_flaky_test_is_none() -> None:
    assert suite_changes.lines([SAME, SAME._replace(known_flaky=3)]) == []


def moved(seconds: float, rows: int = 1, **more: Any) -> SuiteChange:
    """A suite of 60 s whose common tests moved by so much, the first by this, the others by less each."""
    told = tuple(Row(f"test_{n}", "a.py", 1.0, 1.0 + seconds / (n + 1)) for n in range(rows))
    return SAME._replace(parts=(Part(Share.COMMON, 482, seconds, told),), after=60.0 + seconds, **more)


def test_the_common_tests_that_moved_most_are_named_where_they_moved_enough() -> None:
    assert suite_changes.lines([moved(6.0)]) == [
        "unit: the same 482 tests as in the baseline",
        "  case time +6.00 s: +6.00 s on the 482 common ones",
        "  moved most: test_0 (a.py) 1 s → 7 s, +6 s (+600 %)",
    ]
    assert suite_changes.lines([moved(5.9)]) == [], "less than a tenth, and no verdict"
    assert "moved most" in "".join(suite_changes.lines([moved(5.9)], slowed={"unit"}))
    assert suite_changes.lines([moved(0.09)._replace(before=0.5)]) == [], "less than a tenth of a second"
    assert "-500 ms (-50.0 %)" in suite_changes.lines([moved(-0.5)], slowed={"unit"})[-1]
    assert suite_changes.lines([SAME], slowed={"unit"}) == [], "no row, no word"


def test_many_moves_are_cut_small_ones_are_left_out_and_newly_slow_tests_are_named_once() -> None:
    (*_, line) = suite_changes.lines([moved(6.0, 8)])
    assert line.count("a.py") == 5
    assert line.endswith("; more: perfgate explain 'tests.case_time{suite=unit}'")
    rows = (Row("test_0", "a.py", 1.0, 7.0), Row("test_1", "a.py", 1.0, 1.2))
    (*_, line) = suite_changes.lines([SAME._replace(parts=(Part(Share.COMMON, 482, 6.2, rows),), after=66.2)])
    assert "test_1" not in line
    both = moved(6.0, 2, slower=(SLOW._replace(test="test_0", file="a.py"),), slow=1)
    (*_, line) = suite_changes.lines([both])
    assert line.startswith("  moved most beside these: test_1 (a.py) ")


def test_fixtures_that_grew_stand_beside_the_tests_that_moved() -> None:
    slow = Fixture("slow_db", "function", "tests/a.py", 3, 1.5, 3, 4.5)
    new = Fixture("<b>", "", "", 0, None, 1, 0.25)
    change = moved(6.0, fixtures=(slow, new))
    (*_, line) = suite_changes.lines([change])
    assert line == "  fixtures that grew: slow_db (tests/a.py) 3 × 1.50 s, 3 × 500 ms before; <b> 1 × 250 ms, new"
    assert "fixture       slow_db (tests/a.py) 3 × 1.50 s, 3 × 500 ms before" in suite_changes.explained(change)
    assert suite_changes.lines([SAME._replace(fixtures=(slow,))]) == [], "no time moved, no word"


def test_a_comment_names_three_tests_that_moved_as_code() -> None:
    hostile = moved(6.0, 5)
    rows = (Row("<img src=x>@somebody`|", "\u202eb", 1.0, 8.0), *hostile.parts[0].rows)
    text = markdown_tests.section(with_tests(hostile._replace(parts=(Part(Share.COMMON, 482, 6.0, rows),)))).write(1)
    assert text.count(" → ") == 3
    assert "`perfgate explain 'tests.case_time{suite=unit}'`" in text
    assert "@" not in re.sub(r"`+[^`]*`+", "", text).replace("``", "")


def test_long_lists_are_cut_and_the_rest_is_counted() -> None:
    many = SAME._replace(slower=(SLOW,) * 20, slow=240, shift=1.3)
    text = "\n".join(suite_changes.lines([many]))
    assert text.count("test_a") == 5
    assert "newly slow (240): " in text
    assert " and 235 more" in text
    assert "all tests together ran ×1.3 (the machine?)" in text


def with_tests(*changes: SuiteChange) -> Decision:
    return decisions.blocking()._replace(tests=changes)


def test_a_comment_tells_it_within_twelve_lines_and_folds_more_than_six() -> None:
    busy = GROWN._replace(slower=(SLOW,), slow=1, flaky=(FLAKY,), newly_flaky=1, shift=1.3)
    few = markdown.render(with_tests(QUIET))
    assert "**What changed in the tests**" in few
    many = markdown.render(with_tests(*[busy] * 5))
    inside = many.split("<summary>What changed in the tests</summary>\n\n")[1].split("\n\n</details>")[0]
    assert len(inside.splitlines()) == 12
    assert "more lines, in `.perfgate/decision/decision.json`" in inside
    assert markdown.render(with_tests()) == markdown.render(with_tests(SAME)), "no news, no word"


def test_growth_alone_is_told_where_a_verdict_on_the_suite_is_no_pass() -> None:
    suites = {
        dict(each.series.labels).get("suite", "")
        for each in with_tests().verdicts
        if each.series.metric.startswith("tests.")
    }
    elsewhere = with_tests(GROWN._replace(suite="another"))
    assert "another" not in suites
    assert markdown_tests.section(elsewhere).write(1) == ""
    assert "structure change" in terminal.render(elsewhere, width=100, colour=False)


def test_names_are_text_wherever_they_stand() -> None:
    bad = SLOW._replace(test="a\x1b[31m<img src=x>@somebody`|", file="\u202eb")
    change = SAME._replace(slower=(bad,), slow=1)
    shown = "\n".join(suite_changes.lines([change]))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    outside = re.sub(r"`+[^`]*`+", "", markdown_tests.section(with_tests(change)).write(1))
    assert "@" not in outside.replace("``", "")


def test_a_decision_file_holds_it_and_refuses_what_cannot_be() -> None:
    rows = (Row("t", "f", 1.0, None), Row("", "f", None, 2.0))
    full = GROWN._replace(
        parts=(Part(Share.CAME, 14, 12.0, rows),), renamed=(("new", "before"),), renames=1, slower=(SLOW,), slow=1, flaky=(FLAKY,), newly_flaky=1,
        judged=480, alpha=0.05, untold="", fixtures=(Fixture("f", "function", "", 0, None, 2, 1.5), Fixture("g", "", "x.py", 1, 0.2, 2, 1.0)),
    )  # fmt: skip
    data = decision_format.dump(with_tests(full, SAME))
    assert decision_format.load(data, "decision.json").tests == (full, SAME)
    assert b'"tests"' not in decision_format.dump(with_tests())

    def refused(place: str, *path: Any, value: Any) -> None:
        made = json.loads(data)
        inner = made["tests"][0]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        with pytest.raises(InputError, match=place):
            decision_format.load(json.dumps(made).encode(), "decision.json")

    refused("low", "flaky", 0, "low", value=0.9)
    refused("failed", "flaky", 0, "failed", value=32)
    refused(r"\.p", "slower", 0, "p", value=2)
    refused("shift", "shift", value=0)
    refused("alpha", "alpha", value=5)
    refused("before", "parts", 0, "rows", 0, "before", value=-1)
    refused("count_before", "fixtures", 1, "count_before", value=0)
    refused("share", "parts", 0, "share", value="other")
