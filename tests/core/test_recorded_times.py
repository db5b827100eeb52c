"""Times of a list of tests: medians over runs, and what is assumed where nothing was recorded, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perfgate.core.recorded_times import How, Keep, Recording, Timed, estimates, merged, units
from perfgate.core.sharding import SECOND


def run(times: Mapping[str, float | None], **more: Any) -> Recording:
    return Recording(
        tuple(Timed(name, id=name, seconds=seconds) for name, seconds in times.items()), more.get("files", {})
    )


def told(names: list[str], *recordings: Recording) -> dict[str, object]:
    found: dict[str, object] = {}
    for test in estimates(names, recordings).tests:
        found[test.name] = None if test.cost is None else test.cost / SECOND, test.how
    return found


def test_a_time_is_the_median_of_the_runs_that_saw_the_test() -> None:
    found = told(["a.py::x", "a.py::y"], run({"a.py::x": 1, "a.py::y": 4}), run({"a.py::x": 9}), run({"a.py::x": 2}))
    assert found == {"a.py::x": (2, How.MEASURED), "a.py::y": (4, How.MEASURED)}


def test_a_new_test_takes_the_median_of_its_file_else_of_all_not_the_mean() -> None:
    known = run({"a.py::1": 1, "a.py::2": 2, "a.py::3": 300, "b.py::1": 7, "b.py::2": 7})
    found = told(["a.py::1", "a.py::2", "a.py::3", "a.py::new", "b.py::1", "b.py::2", "c.py::new"], known)
    assert found["a.py::new"] == (2, How.FILE)
    assert found["c.py::new"] == (7, How.MEDIAN)


def test_without_any_time_nothing_is_claimed() -> None:
    assert told(["a", "b"]) == {"a": (None, How.UNKNOWN), "b": (None, How.UNKNOWN)}
    found = estimates(["a.py::x"], [run({"z.py::x": 1.0})])
    assert found.tests[0].cost is None
    assert found.stranger == "z.py::x"


def test_a_skipped_test_is_no_cheap_one() -> None:
    skipped = Recording((Timed("s", id="a.py::s", skipped=True), Timed("x", id="a.py::x", seconds=8.0)), {})
    found = told(["a.py::s", "a.py::x", "a.py::new"], skipped)
    assert found["a.py::s"] == (0, How.SKIPPED)
    assert found["a.py::new"] == (8, How.FILE), "the skip must not lower the median"
    both = told(["a.py::s"], skipped, run({"a.py::s": 5}))
    assert both["a.py::s"] == (5, How.MEASURED), "in one run it was executed"


def test_a_run_that_tells_no_time_of_a_test_does_not_make_it_free() -> None:
    found = told(["a.py::x", "a.py::y"], run({"a.py::x": None, "a.py::y": 3}))
    assert found["a.py::x"] == (3, How.FILE)


def test_tests_below_the_dearest_share_what_is_left_of_their_file() -> None:
    known = Recording((Timed("a.dear", id="a.py::dear", file="a.py", seconds=60.0),), {"a.py": (4, 66.0)})
    found = told(["a.py::dear", "a.py::b", "a.py::c", "a.py::d"], known)
    assert found["a.py::b"] == (2, How.SHARE)
    by_class = Recording((), {"tests.a": (4, 8.0)})
    assert told(["tests/a.py::b"], by_class) == {"tests/a.py::b": (2, How.SHARE)}


def test_a_listed_file_takes_the_sum_of_its_tests() -> None:
    reported = [Timed("one", file="src/a.test.ts", seconds=1.0), Timed("two", file="src/a.test.ts", seconds=2.0)]
    absolute = Timed("three", file="/build/src/b.test.ts", seconds=4.0)
    by_class = Timed("four", group="src/c.test.ts", seconds=5.0)
    found = told(["./src/a.test.ts", "src/b.test.ts", "src/c.test.ts"], Recording((*reported, absolute, by_class), {}))
    assert [*found.values()] == [(3, How.MEASURED), (4, How.MEASURED), (5, How.MEASURED)]


def test_a_listed_file_is_found_by_the_classes_in_it_where_only_one_fits() -> None:
    python = Timed("tests.unit.test_a.T.m", group="tests.unit.test_a.T", seconds=3.0)
    java = Timed("com.x.FooTest$Inner.m", group="com.x.FooTest$Inner", seconds=4.0)
    listed = ["tests/unit/test_a.py", "tests/test_a.py", "app/src/test/java/com/x/FooTest.java"]
    found = estimates(listed, [Recording((python, java), {})])
    assert [test.cost for test in found.tests] == [3 * SECOND, found.tests[1].cost, 4 * SECOND]
    assert found.tests[1].how is How.MEDIAN
    two = ["a/src/com/x/FooTest.java", "b/src/com/x/FooTest.java"]
    assert estimates(two, [Recording((java,), {})]).gone == 1


def test_what_a_report_calls_a_test_is_mapped_only_where_one_listed_test_has_that_name() -> None:
    report = Recording((Timed("tests.a.T.m[x]", seconds=3.0),), {})
    assert told(["tests/a.py::T::m[x]"], report) == {"tests/a.py::T::m[x]": (3, How.MEASURED)}
    found = estimates(["tests/a.py::T::m[x]", "tests/a/T.py::m[x]"], [report])
    assert [test.cost for test in found.tests] == [None, None]
    assert (found.unclear, found.gone) == (1, 0)


def test_the_group_that_xdist_writes_behind_a_name_is_no_part_of_it() -> None:
    grouped = Recording((Timed("tests.a.m@db", id="tests/a.py::m@db", seconds=3.0),), {})
    assert told(["tests/a.py::m"], grouped) == {"tests/a.py::m": (3, How.MEASURED)}


def test_tests_that_are_gone_are_left_out_and_lines_that_repeat_one_count_once() -> None:
    found = estimates(["a.py::x", "a.py::x"], [run({"a.py::x": 1, "a.py::gone": 1000})])
    assert [test.name for test in found.tests] == ["a.py::x"]
    assert (found.gone, found.repeated) == (1, 1)


def test_parts_of_a_sharded_run_are_one_run_however_their_files_come() -> None:
    one, two = run({"f.py::a": 2, "f.py::b": 4}), run({"f.py::c": 6})
    again_one, again_two = run({"f.py::a": 4, "f.py::c": 8}), run({"f.py::b": 6})
    for order in ([one, two, again_one, again_two], [one, again_one, two, again_two]):
        runs = merged(order)
        assert [len(each.tests) for each in runs] == [3, 3]
        whole = [
            Recording(tuple(test._replace(id="", title=test.id, file="f.py") for test in each.tests), {})
            for each in runs
        ]
        # (2 + 4 + 6) and (4 + 8 + 6): the median of the halves would be far less.
        assert told(["f.py"], *whole) == {"f.py": (15, How.MEASURED)}


def test_what_shares_a_fixture_can_stay_together() -> None:
    names = ["a.py::T::x", "a.py::T::y[a::b]", "a.py::f", "b.py::g", "a.py::U::z"]
    tests = estimates(names, [run(dict.fromkeys(names, 1.0))]).tests
    assert [len(unit.tests) for unit in units(tests, Keep.NONE)] == [1] * 5
    assert {unit.name: unit.cost // SECOND for unit in units(tests, Keep.FILE)} == {"a.py": 4, "b.py": 1}
    assert {unit.name: unit.tests for unit in units(tests, Keep.CLASS)} == {
        "a.py::T": ("a.py::T::x", "a.py::T::y[a::b]"),
        "a.py": ("a.py::f",),
        "b.py": ("b.py::g",),
        "a.py::U": ("a.py::U::z",),
    }
    assert [unit.first for unit in units(tests, Keep.FILE, frozenset({"b.py::g"}))] == [False, True]
