"""What a run keeps of a suite's tests: the right rows, few enough, and the same whatever the order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Fixture, Report
from perfgate.core.model import Context, Run
from perfgate.formats import run as run_format
from perfgate.formats import schema, strict_json
from perfgate.measure.suite_details import bounded, details

ROOT = Path("/tmp/x")


class Told(NamedTuple):
    """What a report tells of one test."""

    name: str
    seconds: float | None = 1.0
    file: str = "tests/test_a.py"
    classname: str = "c"
    state: int = PASSED
    suite: str = "unit"
    id: str = ""


def report(*tests: Told) -> Report:
    made = Report()
    for told in tests:
        suite = made.new_suite(made.new_suite(-1, "root"), told.suite)
        case = made.take(f"{suite}\x1f", told.classname, told.name, told.file)
        made.states[case] = told.state
        made.spend(case, told.seconds)
        if told.id:
            made.ids[case] = told.id
    return made


def blocks(*tests: Told) -> dict[str, Any]:
    return dict(details("u", report(*tests), ROOT))


def titles(rows: Sequence[Any]) -> list[str]:
    return [row["test"] for row in rows]


def text(found: Any) -> bytes:
    return run_format.dump(Run(Context(), (), found))


# --- the set, the tests, the files ------------------------------------------------------------------------------------


def test_the_executed_tests_are_counted_timed_and_named_and_skipped_ones_are_not() -> None:
    found = blocks(
        Told("b", 0.25, "tests/b.py"), Told("a", 1.25), Told("bad", 2.0, state=FAILED), Told("no", 9.0, state=SKIPPED)
    )
    (whole,) = found["test_sets"]
    assert (whole["suite"], whole["tests"], whole["seconds"]) == ("u", 3, 3.5)
    assert found["test_times"] == (
        {"suite": "u", "test": "c.b", "file": "tests/b.py", "seconds": 0.25},
        {"suite": "u", "test": "c.a", "file": "tests/test_a.py", "seconds": 1.25},
        {"suite": "u", "test": "c.bad", "file": "tests/test_a.py", "seconds": 2.0},
    )
    assert [(row["file"], row["tests"], row["seconds"]) for row in found["test_files"]] == [
        ("tests/b.py", 1, 0.25),
        ("tests/test_a.py", 2, 3.25),
    ]
    assert "by" not in found["test_files"][0]


def test_a_suite_in_which_nothing_ran_keeps_nothing() -> None:
    assert blocks(Told("a", 0.0, state=SKIPPED)) == {}
    assert blocks() == {}


def test_tests_of_one_title_in_one_file_are_one_test_with_their_count() -> None:
    found = blocks(Told("a", 1.0, suite="x"), Told("a", 0.5, suite="y"), Told("a", 4.0, "tests/other.py"))
    assert found["test_times"] == (
        {"suite": "u", "test": "c.a", "file": "tests/other.py", "seconds": 4.0},
        {"suite": "u", "test": "c.a", "file": "tests/test_a.py", "seconds": 1.5, "tests": 2},
    )
    assert found["test_sets"][0]["tests"] == 3


def test_without_a_file_the_class_stands_in_its_place_and_is_marked() -> None:
    found = blocks(Told("a", file="", classname="pkg.Things"), Told("a", file="", classname="test", suite="deep"))
    assert [(row["file"], row["by"]) for row in found["test_files"]] == [("deep", "class"), ("pkg.Things", "class")]
    assert [(row["file"], row["by"], row["test"]) for row in found["test_times"]] == [
        ("deep", "class", "deep.a"),
        ("pkg.Things", "class", "pkg.Things.a"),
    ]


def test_an_unknown_time_is_never_zero() -> None:
    found = blocks(Told("a", None), Told("b", 2.0), Told("only", None, "tests/c.py"))
    assert titles(found["test_times"]) == ["c.b"]
    assert [(row["file"], row["seconds"], row["untimed"]) for row in found["test_files"]] == [
        ("tests/c.py", None, 1),
        ("tests/test_a.py", 2.0, 1),
    ]
    assert (found["test_sets"][0]["seconds"], found["test_sets"][0]["untimed"]) == (2.0, 2)
    shared = blocks(Told("a", None, suite="x"), Told("a", 2.0, suite="y"))
    assert "test_times" not in shared


def test_a_test_that_took_no_measurable_time_is_kept_as_such() -> None:
    assert blocks(Told("a", 0.0))["test_times"][0]["seconds"] == 0.0


def test_seconds_have_four_significant_digits() -> None:
    found = blocks(Told("a", 0.123456789), Told("b", 1234.56789))
    assert [row["seconds"] for row in found["test_times"]] == [0.1235, 1235.0]


def test_the_runners_own_id_is_kept_whole_or_not_at_all() -> None:
    found = blocks(
        Told("a", id="tests/test_a.py::a[1]"), Told("b", id="x" * 501), Told("cc", id="\ud800"), Told("d", id="d" * 500)
    )
    assert [row.get("id") for row in found["test_times"]] == ["tests/test_a.py::a[1]", None, None, "d" * 500]


def test_ids_of_several_tests_of_one_title_are_none() -> None:
    found = blocks(Told("a", suite="x", id="one"), Told("a", suite="y", id="two"))
    assert "id" not in found["test_times"][0]


def test_a_fingerprint_tells_another_set_of_tests_and_only_that() -> None:
    def fingerprint(*tests: Told) -> str:
        found = str(blocks(*tests)["test_sets"][0]["fingerprint"])
        assert len(found) == 16
        assert int(found, 16) >= 0
        return found

    plain = fingerprint(Told("a", 1.0), Told("b", 1.0))
    assert plain == fingerprint(Told("b", 7.0), Told("a", None))
    assert plain == fingerprint(Told("a", 1.0, state=FAILED), Told("b"), Told("new", state=SKIPPED))
    others = [
        fingerprint(Told("a"), Told("c")),
        fingerprint(Told("a")),
        fingerprint(Told("a"), Told("b", file="tests/b.py")),
        fingerprint(Told("a"), Told("b"), Told("b", suite="again")),
    ]
    assert len({plain, *others}) == 5


def test_only_what_took_longest_is_kept_and_it_is_in_the_order_of_names() -> None:
    many = [Told(f"t{number:05d}", number / 1000, f"tests/f{number:05d}.py") for number in range(2500)]
    found = blocks(*many)
    assert titles(found["test_times"]) == [f"c.t{number:05d}" for number in range(1500, 2500)]
    assert [row["file"] for row in found["test_files"]] == [f"tests/f{number:05d}.py" for number in range(500, 2500)]
    assert found["test_sets"][0]["tests"] == 2500


@pytest.mark.parametrize("files", [1, 300])
def test_of_many_tests_that_take_as_long_those_whose_names_come_first_are_kept(files: int) -> None:
    many = [Told(f"t{number:04d}", 0.5, f"tests/f{number % files:03d}.py") for number in range(6000)]
    random.Random(1).shuffle(many)
    dearer = Told("z", 0.75, "tests/z.py")
    kept = [(row["file"], row["test"]) for row in blocks(*many, dearer)["test_times"]]
    first = sorted((told.file, f"c.{told.name}") for told in many)[:999]
    assert kept == [*first, ("tests/z.py", "c.z")]


def test_the_fingerprint_is_the_same_in_every_process_and_for_names_that_swap_their_ends() -> None:
    (row,) = blocks(Told("a"), Told("b"))["test_sets"]
    (before,) = blocks(Told("ax"), Told("by"))["test_sets"]
    (after,) = blocks(Told("ay"), Told("bx"))["test_sets"]
    assert row["fingerprint"] == "44eb6d43b687f464"
    assert before["fingerprint"] != after["fingerprint"]


def test_a_large_suite_stays_small() -> None:
    many = [
        Told(f"test_something_useful[{number}]", 0.001 * number, f"tests/package/test_module_{number % 4000}.py")
        for number in range(12_000)
    ]
    found = blocks(*many)
    assert len(text(found)) < 500_000
    assert {name: len(rows) for name, rows in found.items()} == {
        "slowest_tests": 20,
        "test_sets": 1,
        "test_times": 1000,
        "test_files": 2000,
    }


# --- phases and fixtures ----------------------------------------------------------------------------------------------


def test_phases_come_in_the_order_in_which_they_happen() -> None:
    made = report(Told("a", 3.0), Told("b", 1.0))
    for phase, seconds in (("teardown", 0.25), ("wait", 0.5), ("setup", 2.0), ("call", 1.0)):
        made.spend_phase(0, phase, seconds)
    made.spend_phase(1, "setup", 1.0)
    found = details("u", made, ROOT)["test_phases"]
    assert [(row["phase"], row["seconds"]) for row in found] == [
        ("setup", 3.0),
        ("call", 1.0),
        ("teardown", 0.25),
        ("wait", 0.5),
    ]


def test_fixtures_are_kept_with_what_they_cost_the_dearest_first() -> None:
    made = report(Told("a"))
    for _ in range(3):
        made.set_up(Fixture("db", str(ROOT / "tests" / "conftest.py"), "function"), 2.0)
    made.set_up(Fixture("client"), 9.0)
    assert details("u", made, ROOT)["test_fixtures"] == (
        {"suite": "u", "fixture": "client", "scope": None, "file": None, "count": 1, "seconds": 9.0},
        {
            "suite": "u",
            "fixture": "db",
            "scope": "function",
            "file": "tests/conftest.py",
            "count": 3,
            "seconds": 6.0,
        },
    )
    for number in range(300):
        made.set_up(Fixture(f"f{number}"), 0.1)
    assert len(details("u", made, ROOT)["test_fixtures"]) == 100


def test_a_source_that_tells_neither_phases_nor_fixtures_has_no_such_block() -> None:
    assert not {"test_phases", "test_fixtures"} & blocks(Told("a")).keys()


# --- for people -------------------------------------------------------------------------------------------------------


def test_of_tests_that_take_as_long_the_names_decide_which_are_shown() -> None:
    many = [Told(f"t{number:02d}", 1.0) for number in range(40)]
    random.Random(3).shuffle(many)
    assert titles(blocks(*many)["slowest_tests"]) == [f"c.t{number:02d}" for number in range(20)]


# --- set-up, and many suites ------------------------------------------------------------------------------------------


def test_set_up_that_could_be_shared_is_kept_as_data() -> None:
    made = report(Told("a", 10.0), Told("b", 10.0))
    made.spend_phase(0, "setup", 8.0)
    for _ in range(30):
        made.set_up(Fixture("db", str(ROOT / "conftest.py"), "function"), 0.123456)
    rows = details("u", made, ROOT)["test_setup_costs"]
    assert [(row["kind"], row["seconds"], row["share"]) for row in rows] == [
        ("setup phase", 8.0, 0.4),
        ("fixture", 3.704, 0.1852),
    ]
    assert (rows[1]["file"], rows[1]["saving"]) == ("conftest.py", 3.58)


def test_a_run_of_many_suites_keeps_the_dearest_of_each() -> None:
    def rows(suite: str, count: int) -> tuple[Any, ...]:
        return tuple({"suite": suite, "test": f"t{at:04d}", "seconds": float(at)} for at in range(count))

    many = {"test_times": tuple(row for suite in range(9) for row in rows(f"s{suite}", 1000)), "other": rows("x", 9000)}
    kept = bounded(many)
    assert kept["other"] == many["other"]
    for suite in range(9):
        own = [row["seconds"] for row in kept["test_times"] if row["suite"] == f"s{suite}"]
        assert own == [float(at) for at in range(1000 - 444, 1000)]
    assert bounded({"test_times": rows("a", 4000)}) == {"test_times": rows("a", 4000)}


# --- laws -------------------------------------------------------------------------------------------------------------

NAMES = st.text(alphabet=st.characters(blacklist_characters="\x1f"), max_size=12) | st.sampled_from(
    ["a", "b", "x" * 400]
)
TESTS = st.builds(
    Told,
    name=NAMES,
    seconds=st.none() | st.floats(0, 1e6, allow_subnormal=False),
    file=st.sampled_from(["", "tests/a.py", "tests/b.py", "\ud800.py", "-x"]),
    classname=st.sampled_from(["", "c", "test", "pkg.C"]),
    state=st.sampled_from([PASSED, FAILED, SKIPPED]),
    suite=st.sampled_from(["", "s"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TESTS, max_size=30, unique_by=lambda told: told[:1] + told[2:4] + told[5:6]), st.randoms())
def test_the_order_of_the_tests_never_matters_and_what_is_kept_can_be_read_again(
    tests: list[Told], chance: random.Random
) -> None:
    named = [told for told in tests if told.name or told.classname]
    first = details("u", report(*named), ROOT)
    chance.shuffle(named)
    assert text(details("u", report(*named), ROOT)) == text(first)
    kept = run_format.load(text(first), "run.json").details
    assert {name: tuple(rows) for name, rows in kept.items()} == first
    schema.check("run", strict_json.loads(text(first), "run.json"), "run.json")


@settings(max_examples=60, deadline=None)
@given(st.lists(TESTS, max_size=30, unique_by=lambda told: told[:1] + told[2:4] + told[5:6]), st.integers(0, 30))
def test_two_parts_of_a_suite_add_up_to_the_whole(tests: list[Told], cut: int) -> None:
    named = [told for told in tests if told.name or told.classname]
    whole, *parts = (blocks(*each) for each in (named, named[:cut], named[cut:]))
    sets = [part["test_sets"][0] for part in parts if "test_sets" in part]
    if "test_sets" not in whole:
        assert not sets
        return
    (told,) = whole["test_sets"]
    assert told["tests"] == sum(row["tests"] for row in sets)
    assert told["fingerprint"] == f"{sum(int(row['fingerprint'], 16) for row in sets) % 2**64:016x}"
    known = [row["seconds"] for row in sets if row["seconds"] is not None]
    assert (told["seconds"] is None) == (not known)
    assert told["seconds"] is None or told["seconds"] == pytest.approx(sum(known), rel=2e-3)
    assert told["tests"] == sum(row["tests"] for row in whole["test_files"])
    assert sum(row["share"] for row in whole.get("slowest_tests", ())) <= 1 + 1e-9
