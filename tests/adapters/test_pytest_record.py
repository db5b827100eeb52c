"""The reader of the pytest plugin's records: attempts, identities, damage, and hostile text."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfgate.adapters import pytest_record, suite_formats
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Fixture, Report
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

HEADER = {"schema": "perfgate/pytest/1", "perfgate": "0", "pytest": "9.2.0", "python": "3.11.7", "plugins": {}}
END = {"end": {"exit": 0, "seconds": 2.5, "attempts": 1}}
CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "pytest_record"


def case(test: str, outcome: str, seconds: list[float | None] | None = None, **more: Any) -> dict[str, Any]:
    """A line of an attempt."""
    return {"test": test, "outcome": outcome, "seconds": seconds or [0.1, 0.2, 0.3], **more}


def written(*lines: dict[str, Any], header: dict[str, Any] | None = None, end: dict[str, Any] | None = None) -> bytes:
    """A record."""
    every = [{**HEADER, **(header or {})}, *lines, end or END]
    return b"".join(json.dumps(line).encode() + b"\n" for line in every)


def read(data: bytes) -> Report:
    report = Report()
    pytest_record.read(io.BytesIO(data), "record", report)
    return report


def refusal(data: bytes) -> InputError:
    with pytest.raises(InputError) as error:
        read(data)
    return error.value


def test_a_test_keeps_its_id_its_phases_and_the_names_of_pytests_junit_reports() -> None:
    report = read(written(case("tests/unit/test_a.py::TestB::test_c[x.y::z/w]", "passed")))
    (found,) = report.cases()
    assert (found.title, found.file) == ("tests.unit.test_a.TestB.test_c[x.y::z/w]", "tests/unit/test_a.py")
    assert found.id == "tests/unit/test_a.py::TestB::test_c[x.y::z/w]"
    assert found.seconds == pytest.approx(0.6)
    assert {name: list(column) for name, column in report.phases.items()} == {
        "setup": [0.1],
        "call": [0.2],
        "teardown": [0.3],
    }
    assert (report.wall, report.incomplete) == (2.5, "")


@pytest.mark.parametrize(
    ("outcomes", "state", "flaky", "suspect"),
    [
        (["passed"], PASSED, False, False),
        (["xpassed"], PASSED, False, False),
        (["xfailed"], SKIPPED, False, False),
        (["error"], FAILED, False, False),
        (["rerun", "passed"], PASSED, True, False),
        (["retried", "passed"], PASSED, True, False),
        (["rerun", "rerun", "failed"], FAILED, False, False),
        (["unknown", "passed"], PASSED, False, True),
        (["failed", "skipped"], FAILED, False, False),
        (["crashed", "passed"], PASSED, True, False),
    ],
)
def test_the_last_attempt_that_ran_decides(outcomes: list[str], state: int, flaky: bool, suspect: bool) -> None:
    report = read(written(*(case("a.py::b", outcome) for outcome in outcomes)))
    (found,) = report.cases()
    assert (found.state, found.flaky, found.suspect) == (state, flaky, suspect)
    assert found.seconds == pytest.approx(0.6 * len(outcomes))


@pytest.mark.parametrize(
    ("name", "flaky", "suspect", "failed"),
    [
        ("rerunfailures-16.jsonl", ["test_flaky"], [], ["test_always"]),
        ("rerunfailures-14.jsonl", ["test_flaky"], [], ["test_always"]),
        ("retry-1.jsonl", ["test_flaky"], [], ["test_always"]),
        ("flaky-3.jsonl", [], ["test_flaky"], ["test_always"]),
    ],
)
def test_each_plugin_that_tries_tests_again_is_understood(
    name: str, flaky: list[str], suspect: list[str], failed: list[str]
) -> None:
    report = read((CORPUS / name).read_bytes())
    cases = list(report.cases())
    assert [each.name for each in cases if each.flaky] == flaky
    assert [each.name for each in cases if each.suspect] == suspect
    assert [each.name for each in cases if each.state == FAILED] == failed
    assert "test_steady" in [each.name for each in cases if each.state == PASSED]
    # The flaky test passes in its third attempt, and only that attempt's value counts.
    (position,) = [at for at, each in enumerate(cases) if each.name == "test_flaky"]
    assert [own.values for own in report.own[position]] == [(3.0,)]


def test_fixtures_of_every_test_and_of_the_end_add_up() -> None:
    row = ["database", "session", "conftest.py", 1, 2.0, 0.0]
    report = read(
        written(
            case("a.py::b", "passed", fixtures=[row]),
            case("a.py::c", "passed", worker="gw1", fixtures=[row]),
            {"late": {"fixtures": [["database", "session", "conftest.py", 0, 0.0, 0.5]]}, "worker": "gw1"},
        )
    )
    assert report.fixtures == {Fixture("database", "conftest.py", "session"): (2, 4.5)}


def test_own_metrics_are_in_base_units_with_the_direction_that_is_told_or_follows() -> None:
    metrics = [
        ["parse.time", "ms", "", False, [3, 4]],
        ["bench.rate", "MB/s", "", False, [2]],
        ["hits", "1", "higher", True, [7]],
        ["parse.time", "ms", "", False, [5]],
    ]
    (own,) = read(written(case("a.py::b", "passed", metrics=metrics))).own.values()
    assert [tuple(each) for each in own] == [
        ("bench.parse.time", Unit("s"), Direction.LOWER, Assumption.NOISY, (0.003, 0.004, 0.005)),
        ("bench.rate", Unit("B", "s"), Direction.HIGHER, Assumption.NOISY, (2e6,)),
        ("bench.hits", Unit("1"), Direction.HIGHER, Assumption.EXACT, (7.0,)),
    ]


def test_only_the_last_attempts_values_count() -> None:
    metric = ["a", "1", "", False, [1]]
    again = [case("a.py::b", "rerun", metrics=[metric]), case("a.py::b", "passed")]
    assert read(written(*again)).own == {}


def test_each_worker_of_dist_each_runs_a_test_of_its_own_and_groups_are_no_part_of_a_name() -> None:
    twice = [case("a.py::b", "passed", worker=worker) for worker in ("gw0", "gw1")]
    assert len(read(written(*twice, header={"workers": 2, "distribution": "each"}))) == 2
    names = ["a.py::b@group", "a.py::c[x@y]@group", "a.py::d[x@y]", "a.py::e"]
    grouped = written(*(case(name, "passed") for name in names), header={"distribution": "loadgroup"})
    assert [each.name for each in read(grouped).cases()] == ["b", "c[x@y]", "d[x@y]", "e"]


def test_the_session_becomes_rows_for_people() -> None:
    collected: list[dict[str, Any]] = [
        {"collected": {"seconds": 1.5, "files": [["a.py", 0.5], ["b.py", 1]], "imports": [["numpy", 0.25]]}},
        {"collected": {"files": [["a.py", 0.75]]}, "worker": "gw0"},
    ]
    report = read(written(*collected, header={"plugins": {"xdist": "3.8.0"}, "workers": 2}))
    assert report.rows == {
        "test_plugins": [{"plugin": "xdist", "version": "3.8.0"}],
        "test_sessions": [
            {"pytest": "9.2.0", "python": "3.11.7", "workers": 2, "collection": 1.5, "seconds": 2.5},
        ],
        "test_collection": [{"file": "b.py", "seconds": 1.0}, {"file": "a.py", "seconds": 0.75}],
        "test_imports": [{"module": "numpy", "seconds": 0.25}],
    }
    assert report.workers == 2


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ({"exit": 2, "seconds": 1}, "was interrupted"),
        ({"exit": 3, "seconds": 1}, "internal error"),
        ({"exit": 1, "seconds": 1, "stopped": "stopping after 1 failures"}, "stopping after 1 failures"),
    ],
)
def test_a_session_that_did_not_run_to_its_end_says_so(end: dict[str, Any], why: str) -> None:
    report = read(written(case("a.py::b", "passed"), end={"end": end}))
    assert why in report.incomplete
    assert report.wall is None


def test_a_record_cut_anywhere_tells_what_was_written_before() -> None:
    whole = written(*(case(f"a.py::t{number}", "passed") for number in range(3)))
    header = whole.index(b"\n") + 1
    for end in range(header, len(whole)):
        report = read(whole[:end])
        assert len(report) == min(whole[:end].count(b"\n") - 1, 3)
        assert "did not end" in report.incomplete
    for end in range(header):
        assert "empty" in refusal(whole[:end]).what


def test_the_registry_knows_a_record_by_its_content_whatever_its_name() -> None:
    report = Report()
    found = suite_formats.read(io.BytesIO(written(case("a.py::b", "passed"))), "report.txt", report)
    assert (found, len(report)) == ("perfgate", 1)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (case("a.py::b", "passed", [0.1, 0.2]), "three phases"),
        (case("a.py::b", "passed", [0.1, -0.2, 0]), "below zero"),
        (case("a.py::b", "passed", [0.1, 1e9, 0]), "longer than a year"),
        ({"test": 3, "outcome": "passed", "seconds": []}, "a text is wanted"),
        (case("a.py::b", "passed", fixtures=[["x"]]), "a fixture is"),
        (case("a.py::b", "passed", fixtures=[["x", "y", "z", -1, 0, 0]]), "a fixture is"),
        (case("a.py::b", "passed", metrics=[["x", "s", "", 0, []]]), "a metric is"),
        (case("a.py::b", "passed", metrics=[["x", "s", "up", False, []]]), "a direction is"),
        (case("a.py::b", "passed", metrics=[["X", "s", "", False, []]]), "names no metric"),
        (case("a.py::b", "passed", metrics=[["x", n, "", False, []] for n in ("s", "B")]), "two units"),
        ({"collected": {"files": [["a"]]}}, "pairs"),
        ({"end": {"exit": 0}}, "a number is wanted"),
    ],
)
def test_a_line_that_the_plugin_never_writes_is_refused_with_its_number(line: dict[str, Any], why: str) -> None:
    error = refusal(written(line))
    assert why in error.what
    assert error.where == "record:2"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{}\n", "no record that this perfgate reads"),
        (b'{"schema": "perfgate/pytest/2"}\n', "perfgate/pytest/2"),
        (b"[]\n", "an object is wanted"),
        (b'{"schema": NaN}\n', "NaN"),
        (b'{"a": 1, "a": 2}\n', "twice"),
        (b"\xff\n", "UTF-8"),
        (b"x" * (pytest_record.LINE + 1), "longer than"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, why: str) -> None:
    assert why in refusal(data).what


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_keys = st.sampled_from(
    ["test", "outcome", "seconds", "worker", "fixtures", "metrics", "collected", "files", "late", "end"]
)
_lines = st.dictionaries(_keys, _plain | st.dictionaries(_keys, _plain, max_size=3), max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_lines, max_size=4))
def test_any_lines_are_read_or_refused_and_nothing_else(lines: list[dict[str, Any]]) -> None:
    try:
        report = read(written(*lines))
    except InputError:
        return
    assert all(case.seconds is None or case.seconds >= 0 for case in report.cases())
