"""Test suites on the terminal: totals, failures, where the time went, at every width and whatever the names."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.suite_report import FAILED, Report
from perfgate.core.model import Measurement, Run, State
from perfgate.render.capture import render
from perfgate.render.suite import render as sections
from perfgate.render.suite_rows import TEST_BLOCKS
from tests.core.making import measured, run
from tests.render.suites import EVERY, plugin_report, suite_run
from tests.render.test_outputs import same_as_golden


def lines(made: Run, *, width: int = 120, slowest: int = 10) -> list[str]:
    return sections(made, width=width, colour=False, slowest=slowest).splitlines()


def serial(*seconds: float, wall: float | None = None) -> Run:
    report = Report()
    suite = report.new_suite(-1, "")
    for number, each in enumerate(seconds):
        report.spend(report.take(f"{suite}\x1f", "c", f"t{number:03d}", f"f{number % 3}.py"), each)
    return suite_run(report, wall=wall)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("width", [80, 160])
def test_a_suite_is_shown_within_the_width(name: str, width: int) -> None:
    text = render(EVERY[name](), width=width, colour=False)
    same_as_golden(f"{name}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


def test_colour_adds_nothing_but_colour() -> None:
    made = EVERY["suite-plugin"]()
    coloured = render(made, width=80, colour=True)
    same_as_golden("suite-plugin-80-coloured.txt", coloured.replace("\x1b", "␛"))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in plain.splitlines()] == render(made, width=80, colour=False).splitlines()


def test_a_run_without_tests_has_no_section() -> None:
    made = run(measured("command.wall{command=x}", 1.0))
    assert sections(made, width=80, colour=False) == ""
    assert render(made, width=80, colour=False).startswith("series")


def test_as_many_slowest_tests_are_listed_as_are_asked_for() -> None:
    made = serial(*(float(number) for number in range(1, 40)))
    for slowest in (0, 1, 3, 30):
        listed = [line for line in lines(made, slowest=slowest) if line.startswith("c.t")]
        assert len(listed) == slowest
    assert any(line.startswith("slowest tests (3 of 39)") for line in lines(made, slowest=3))
    assert any(line.startswith("slowest tests ") and " of " not in line for line in lines(made, slowest=39))


def test_shares_are_of_all_tests_and_add_up_downwards() -> None:
    listed = [line.split() for line in lines(serial(5.0, 3.0, 2.0)) if line.startswith("c.t")]
    assert [" ".join(words[-4:]) for words in listed] == ["50.0 % 50.0 %", "30.0 % 80.0 %", "20.0 % 100 %"]


@pytest.mark.parametrize(
    ("wall", "told"),
    [
        (2.0, "wall 2 s, tests together 6 s: ×3.0 in parallel"),
        (6.0, "wall 6 s, tests together 6 s"),
        (12.0, "wall 12 s, tests together 6 s; 50.0 % of the wall time is outside the tests"),
        (None, "tests together 6 s"),
    ],
)
def test_wall_and_summed_time_say_how_parallel_the_suite_is(wall: float | None, told: str) -> None:
    assert lines(serial(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, wall=wall))[1] == told


def test_a_test_that_everything_waits_for_limits_the_workers_of_a_parallel_suite_only() -> None:
    told = "the longest test alone takes 60.0 % of the wall time: more than 4 workers cannot help"
    seconds = (3.0, *(0.5 for _ in range(14)))
    assert told in lines(serial(*seconds, wall=5.0))
    assert not any("workers" in line for line in lines(serial(*seconds, wall=7.0)))
    assert not any("workers" in line for line in lines(serial(*seconds, wall=20.0)))
    assert not any("workers" in line for line in lines(serial(*seconds)))


def session(made: Run, **blocks: Any) -> Run:
    told = {f"test_{name}": tuple({"suite": "unit", **row} for row in rows) for name, rows in blocks.items()}
    return made._replace(details={**made.details, **told})


def test_workers_and_collection_are_told_where_the_record_tells_them() -> None:
    sessions = [{"workers": 4, "collection": 1.5}]
    assert lines(session(serial(3.0, 3.0, wall=2.0), sessions=sessions))[1].endswith("×3.0 in parallel on 4 workers")
    alone = [{"workers": 0, "collection": 1.5}]
    assert lines(session(serial(1.0, wall=10.0), sessions=alone))[1].endswith(
        "outside the tests, 1.50 s of it collection"
    )
    assert "test plugins" not in render(session(serial(1.0), plugins=[{"plugin": "x"}]), width=80, colour=False)


@pytest.mark.parametrize(("workers", "parallel"), [(0, False), (1, False), (2, True), (8, True)])
def test_with_several_workers_nothing_is_said_of_what_is_outside_the_tests(workers: int, *, parallel: bool) -> None:
    made = session(serial(3.5, 3.5, wall=10.0), sessions=[{"workers": workers, "collection": 1.5}])
    told = lines(made)[1]
    assert told.endswith(f"×0.7 in parallel on {workers} workers") == parallel
    assert ("outside" in told) != parallel


def test_a_reason_that_several_series_share_is_told_once() -> None:
    def unknown(series: str, reason: str) -> Measurement:
        return measured(series, 1.0)._replace(values=(), state=State.UNKNOWN, reason=reason)

    made = run(
        unknown("tests.duration{suite=a}", "it failed"),
        unknown("tests.duration{suite=b}", "no case"),
        unknown("tests.case_time{suite=a}", "it failed"),
    )
    told = render(made, width=80, colour=False).splitlines()
    assert told[-2:] == [
        "tests.duration{suite=a}, tests.case_time{suite=a}: it failed",
        "tests.duration{suite=b}: no case",
    ]
    many = run(*(unknown(f"tests.case_time{{test=n{number}}}", "it failed") for number in range(1000)))
    (line,) = [each for each in render(many, width=80, colour=False).splitlines() if "it failed" in each]
    assert line.endswith("tests.case_time{test=n7} and 992 more: it failed")


def test_imports_are_told_where_they_take_a_part_of_the_wall_time_that_counts() -> None:
    imports = [
        {"module": name, "seconds": seconds} for name, seconds in (("b", 0.2), ("a", 2.0), ("c", 0.1), ("d", 0.05))
    ]
    assert "slowest imports: a 2 s, b 200 ms, c 100 ms" in lines(session(serial(1.0, wall=10.0), imports=imports))
    assert not any("imports" in line for line in lines(session(serial(1.0, wall=100.0), imports=imports)))


def test_a_time_that_is_a_lower_bound_is_marked_and_says_nothing_of_what_is_outside() -> None:
    made = serial(1.0, 1.0, wall=10.0)
    bound = tuple(
        each._replace(state=State.LOWER_BOUND, reason="one tells no time")
        if each.series.metric == "tests.case_time"
        else each
        for each in made.measurements
    )
    assert lines(made._replace(measurements=bound))[1] == "wall 10 s, tests together ≥ 2 s"


def test_a_suite_that_failed_still_shows_what_its_report_tells() -> None:
    made = EVERY["suite-plugin"]()
    unknown = tuple(
        each._replace(values=(), state=State.UNKNOWN, reason="the suite failed")
        if each.series.metric not in {"tests.failed", "tests.flaky"}
        else each
        for each in made.measurements
    )
    found = lines(made._replace(measurements=unknown))
    assert found[0] == "unit: 403 tests, 1 failed, 9 skipped, 1 flaky"
    assert found[1] == "tests together 2 min 35 s"
    assert "tests/test_users.py::test_case_33" in found


def test_more_failures_than_are_listed_are_counted() -> None:
    report = plugin_report()
    for case in range(0, 370, 10):
        report.states[case] = FAILED
    found = lines(suite_run(report))
    assert any(line.startswith("failed tests (10 of 38)") for line in found)


def test_set_up_that_could_be_shared_is_told_with_its_numbers() -> None:
    (told,) = [line for line in lines(EVERY["suite-plugin"](), width=400) if line.startswith("fixture db")]
    assert told == (
        "fixture db (tests/conftest.py, scope function): set up 412 times, set-up and teardown 1 min 12 s, 45.6 % of the tests' time;"
        " at scope session once would save about 1 min 12 s, if its tests do not change it"
    )


def test_each_suite_of_a_run_has_its_section() -> None:
    first, second = suite_run(plugin_report(), suite="a"), suite_run(plugin_report(), suite="b")
    both = first._replace(
        measurements=first.measurements + second.measurements,
        details={name: (*rows, *second.details[name]) for name, rows in first.details.items()},
    )
    apart = [sections(each, width=80, colour=False) for each in (first, second)]
    assert sections(both, width=80, colour=False) == "\n\n".join(apart)


CELLS: Any = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(-1e30, 1e30) | st.text(max_size=8)
KEYS = st.sampled_from(
    ["suite", "test", "file", "seconds", "share", "tests", "phase", "fixture", "count", "kind", "saving", "id", "by"]
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(TEST_BLOCKS), st.lists(st.dictionaries(KEYS, CELLS, max_size=8), max_size=4).map(tuple)
    )
)
def test_rows_that_any_program_may_have_written_are_shown_or_passed_over(details: Any) -> None:
    text = sections(run()._replace(details=details), width=60, colour=False)
    assert all(len(line) <= 60 for line in text.splitlines())
