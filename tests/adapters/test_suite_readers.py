"""Test reports that are not JUnit XML: attempts, phases, crashes, and whatever else a file may hold."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import suite_formats, suite_json
from perfgate.adapters.pytest_cases import names
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Case, Report
from perfgate.adapters.suite_xml import seconds
from perfgate.errors import InputError, PerfgateError
from tests.adapters.suite_totals import CORPUS, EXPECTED, read, read_file

FILES = sorted(path.with_name(path.name.removesuffix(EXPECTED)) for path in CORPUS.rglob(f"*{EXPECTED}"))


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def cases(text: str | bytes) -> dict[str, Case]:
    return {case.title: case for case in read(text).cases()}


# --- pytest -----------------------------------------------------------------------------------------------------------


def phase(node_id: str, when: str, outcome: str = "passed", seconds: object = 0.25, **more: object) -> dict[str, Any]:
    return {
        "$report_type": "TestReport",
        "nodeid": node_id,
        "when": when,
        "outcome": outcome,
        "duration": seconds,
        **more,
    }


def attempt(node_id: str, call: str = "passed") -> list[dict[str, Any]]:
    return [phase(node_id, "setup"), phase(node_id, "call", call), phase(node_id, "teardown")]


def test_a_node_id_is_named_as_in_the_junit_report() -> None:
    assert names("a/b/test_c.py::TestD::test_e[x::y/z.py]") == (
        "a.b.test_c.TestD",
        "test_e[x::y/z.py]",
        "a/b/test_c.py",
    )
    assert names("test_c.py") == ("", "test_c", "test_c.py")
    assert names("") == ("", "", "")


def test_phases_add_up_and_are_kept_apart_and_the_node_id_stays() -> None:
    report = read(
        lines(
            phase("t.py::a", "setup", seconds=1),
            phase("t.py::a", "call", seconds=2),
            phase("t.py::a", "teardown", seconds=4),
        )
    )
    (case,) = report.cases()
    assert (case.seconds, case.id, case.file) == (7.0, "t.py::a", "t.py")
    assert {when: list(column) for when, column in report.phases.items()} == {
        "setup": [1.0],
        "call": [2.0],
        "teardown": [4.0],
    }


def test_a_rerun_makes_a_test_flaky_only_where_it_passes_in_the_end() -> None:
    report = read(
        lines(
            *attempt("t.py::a", "rerun"),
            *attempt("t.py::a"),
            *attempt("t.py::b", "rerun"),
            *attempt("t.py::b", "failed"),
        )
    )
    assert [(case.name, case.state, case.flaky, case.suspect) for case in report.cases()] == [
        ("a", PASSED, True, False),
        ("b", FAILED, False, False),
    ]
    assert [case.seconds for case in report.cases()] == [1.5, 1.5]


def test_a_failing_call_and_a_failing_tear_down_are_one_attempt() -> None:
    report = read(
        lines(phase("t.py::a", "setup"), phase("t.py::a", "call", "failed"), phase("t.py::a", "teardown", "failed"))
    )
    assert (len(report), report.count(FAILED), report.suspects(), report.failed_before) == (1, 1, [], set())


def test_phases_of_workers_may_come_in_any_order_between_tests() -> None:
    one, two = attempt("t.py::a"), attempt("t.py::b", "failed")
    mixed = [each for pair in zip(one, two, strict=True) for each in pair]
    for number, each in enumerate(mixed):
        each["worker_id"] = f"gw{number % 2}"
    report = read(lines(*mixed))
    assert [(case.name, case.state) for case in report.cases()] == [("a", PASSED), ("b", FAILED)]
    assert report.workers == 2


def test_what_began_and_never_ended_counts_as_failed_also_where_the_last_line_is_cut() -> None:
    text = lines(*attempt("t.py::a"), phase("t.py::b", "setup"))
    for end in ("", '{"$report_type": "TestRep', '{"a'):
        report = read(text + end)
        assert [(case.name, case.state) for case in report.cases()] == [("a", PASSED), ("b", FAILED)]
        assert (report.unfinished, report.untimed()) == (1, 1)


def test_a_broken_line_that_is_not_the_last_is_refused_with_its_line() -> None:
    with pytest.raises(InputError, match="not a JSON object") as caught:
        read(lines(*attempt("t.py::a")) + "{oops\n" + lines(*attempt("t.py::b")))
    assert caught.value.where == "report:4"


def test_a_skip_after_a_failed_attempt_changes_nothing() -> None:
    report = read(
        lines(*attempt("t.py::a", "rerun"), phase("t.py::a", "setup", "skipped"), phase("t.py::a", "teardown"))
    )
    assert report.count(FAILED) == 1


def test_the_wall_time_goes_from_the_first_start_to_the_last_stop() -> None:
    first = phase("t.py::a", "setup", start=1_000_000.5, stop=1_000_001.0)
    report = read(lines(first, phase("t.py::a", "teardown", start=1_000_002.0, stop=1_000_003.0)))
    assert report.wall == 2.5
    # A worker that died tells no moments, which are written as 0.
    assert read(lines(phase("t.py::a", "???", "failed", 0, start=0, stop=0))).wall is None


# --- JavaScript -------------------------------------------------------------------------------------------------------


def jest(*assertions: dict[str, Any], file: str = "/x/a.test.js") -> str:
    results = [{"name": file, "status": "passed", "assertionResults": list(assertions)}]
    return json.dumps({"numRuntimeErrorTestSuites": 0, "numTotalTests": 1, "testResults": results})


def test_jest_tells_of_attempts_by_their_number() -> None:
    base = {"fullName": "a b", "duration": 20, "status": "passed"}
    (case,) = read(jest({**base, "invocations": 2, "retryReasons": ["no"]})).cases()
    assert (case.flaky, case.seconds, case.title) == (True, 0.02, "a b")
    (case,) = read(jest({**base, "invocations": 3, "status": "failed"})).cases()
    assert (case.flaky, case.state) == (False, FAILED)


def test_two_tests_of_one_name_are_two_tests_where_attempts_are_told() -> None:
    report = read(jest({"fullName": "a", "status": "passed"}, {"fullName": "a", "status": "failed"}))
    assert [(case.name, case.state, case.suspect) for case in report.cases()] == [
        ("a", PASSED, False),
        ("a", FAILED, False),
    ]


def test_paths_are_told_from_the_root_or_from_the_folder_that_all_share() -> None:
    for root, path, told in (
        ("/home/me/repo", "/home/me/repo/src/a.test.js", "src/a.test.js"),
        ("/elsewhere", "/home/me/repo/src/a.test.js", "a.test.js"),
        ("", "C:\\repo\\src\\a.test.js", "a.test.js"),
        ("", "src/a.test.js", "src/a.test.js"),
    ):
        report = Report(root)
        suite_formats.read(io.BytesIO(jest({"fullName": "a", "status": "passed"}, file=path).encode()), "r", report)
        assert [case.file for case in report.cases()] == [told]


def test_a_test_of_playwright_that_fails_as_it_should_has_passed() -> None:
    test = {"expectedStatus": "failed", "status": "expected", "results": [{"status": "failed", "duration": 5}]}
    suites = [{"title": "a.spec.js", "file": "a.spec.js", "specs": [{"title": "t", "tests": [test]}]}]
    value = {"config": {"rootDir": "/x", "workers": 4}, "suites": suites, "errors": [{"message": "no"}]}
    report = read(json.dumps(value))
    assert [(case.title, case.state, case.seconds) for case in report.cases()] == [("a.spec.js.t", PASSED, 0.005)]
    assert (report.workers, report.loose_failures) == (4, 1)


# --- Go and Rust ------------------------------------------------------------------------------------------------------


def event(
    action: str, test: str = "", elapsed: float | None = None, package: str = "p", **more: object
) -> dict[str, Any]:
    found = {"Time": "2026-11-21T10:00:00.5Z", "Action": action, "Package": package, **more}
    return found | ({"Test": test} if test else {}) | ({} if elapsed is None else {"Elapsed": elapsed})


def test_the_time_of_a_subtest_is_not_counted_again_in_the_test_around_it() -> None:
    found = cases(
        lines(
            event("run", "TestA"),
            event("run", "TestA/x/y"),
            event("pass", "TestA/x/y", 0.25),
            event("run", "TestA/z"),
            event("run", "TestA/z/in"),
            event("fail", "TestA/z/in", 0.25),
            event("fail", "TestA/z", 0.5),
            event("fail", "TestA", 1.0),
            event("fail"),
        )
    )
    assert {name: case.seconds for name, case in found.items()} == {
        "p.TestA/x/y": 0.25,
        "p.TestA/z/in": 0.25,
        "p.TestA/z": 0.25,
        "p.TestA": 0.25,
    }


def test_the_time_of_a_parallel_subtest_is_not_taken_from_a_test_that_did_not_wait_for_it() -> None:
    found = cases(
        lines(
            event("run", "TestA"),
            event("run", "TestA/x"),
            event("pause", "TestA/x"),
            event("cont", "TestA/x"),
            event("pass", "TestA/x", 0.5),
            event("pass", "TestA", 0.25),
            event("pass"),
        )
    )
    assert [case.seconds for case in found.values()] == [0.5, 0.25]


def test_tests_of_a_cached_package_were_not_executed() -> None:
    cached = event("output", Output="ok  \tp\t(cached)\n")
    report = read(lines(event("run", "TestA"), event("pass", "TestA", 3.0), cached, event("pass")))
    assert (report.count(SKIPPED), list(report.seconds)) == (1, [0.0])


def test_a_test_that_the_end_of_its_package_finds_running_has_failed_and_took_until_then() -> None:
    end = event("fail", elapsed=2.0) | {"Time": "2026-11-21T10:00:02.5Z"}
    report = read(lines(event("run", "TestA"), end))
    assert [(case.state, case.seconds) for case in report.cases()] == [(FAILED, 2.0)]
    assert (report.unfinished, report.loose_failures) == (1, 0)
    # And one that the end of the stream finds running took nobody knows how long.
    (case,) = read(lines(event("run", "TestA"))).cases()
    assert (case.state, case.seconds) == (FAILED, None)


def test_a_package_that_does_not_build_or_fails_beside_its_tests_is_a_failed_suite() -> None:
    build = {"ImportPath": "p [p.test]", "Action": "build-output", "Output": "no"}
    report = read(
        lines(
            build,
            event("start"),
            event("fail", FailedBuild="p [p.test]"),
            event("pass", "TestB", 0, "q"),
            event("fail", package="q"),
        )
    )
    assert (report.loose_failures, report.count(FAILED)) == (2, 0)


def test_benchmarks_and_packages_without_tests_are_no_tests() -> None:
    report = read(
        lines(
            event("run", "BenchmarkA"),
            event("output", "BenchmarkA"),
            event("pass"),
            event("start", package="q"),
            event("skip", package="q"),
        )
    )
    assert (len(report), report.unfinished, report.loose_failures) == (0, 0, 0)


def test_packages_run_beside_each_other_and_names_run_again() -> None:
    report = read(
        lines(
            event("run", "TestA"),
            event("run", "TestA", package="q"),
            event("fail", "TestA", 0.25),
            event("pass", "TestA", 0.5, "q"),
            event("run", "TestA"),
            event("pass", "TestA", 0.25),
            event("pass", package="q"),
            event("fail"),
        )
    )
    assert {case.title: (case.seconds, case.flaky) for case in report.cases()} == {
        "p.TestA": (0.5, True),
        "q.TestA": (0.5, False),
    }


def test_a_rust_test_that_never_ended_has_failed_and_nextest_marks_attempts() -> None:
    def rust(name: str, what: str, **more: object) -> dict[str, Any]:
        return {"type": "test", "event": what, "name": name, **more}

    report = read(
        lines(
            {"type": "suite", "event": "started", "test_count": 2},
            rust("c::b$m::a", "started"),
            rust("c::b$m::a", "failed", exec_time=0.25),
            rust("c::b$m::a#2", "started"),
            rust("c::b$m::a#2", "ok", exec_time=0.25),
            rust("m::stuck", "started"),
        )
    )
    assert [(case.classname, case.name, case.state, case.flaky) for case in report.cases()] == [
        ("c::b", "m::a", PASSED, True),
        ("", "m::stuck", FAILED, False),
    ]
    assert report.unfinished == 1


# --- .NET -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("00:00:00.0123456", 0.0123456),
        ("01:02:03", 3723.0),
        ("1.02:03:04.5", 93784.5),
        ("0.25", 0.25),
        ("x:y:z", None),
        ("1:2", None),
        ("-00:00:01", None),
        ("99999:00:00", None),
        ("1:1:1:1", None),
        ("", None),
    ],
)
def test_times_of_net_are_seconds_or_hours_minutes_and_seconds(told: str, found: float | None) -> None:
    assert seconds(told) == (None if found is None else pytest.approx(found))


def test_the_class_of_a_result_is_told_after_it_and_rows_are_the_tests() -> None:
    found = cases((CORPUS / "trx" / "mstest.trx").read_bytes())
    assert set(found) == {
        f"Corpus.Sums.{name}"
        for name in ("Adds", "IsWrong", "IsSkipped", "Square (1)", "Square (2)", "IsFlaky", "TakesTooLong")
    }
    assert found["Corpus.Sums.IsFlaky"].flaky


def test_names_of_nunit_and_xunit_are_told_without_their_class() -> None:
    assert 'Corpus.Sums.Square(1.5,"a.b")' in cases((CORPUS / "nunit" / "nunit3.xml").read_bytes())
    (one, *_) = read_file(CORPUS / "xunit" / "v2.xml").cases()
    assert (one.suite, one.classname, one.name) == ("corpus.dll", "Corpus.Sums", "Adds")


@pytest.mark.parametrize("root", ["TestRun", "test-run", "assemblies"])
def test_hostile_xml_is_refused_in_every_format(root: str) -> None:
    deep = f"<{root}>" + "<a>" * 100
    for text, what in (
        (f'<!DOCTYPE a [<!ENTITY b "c">]><{root}/>', "document type"),
        (deep, "nested deeper"),
        (f"<{root}><a></{root}>", "not well-formed"),
        (f"<{root}", "not well-formed"),
    ):
        name = {"TestRun": "trx", "test-run": "nunit", "assemblies": "xunit"}[root]
        with pytest.raises(InputError, match=what):
            reader(name)(io.BytesIO(text.encode()), "report", Report())


def reader(name: str) -> Callable[[Any, str, Report], None]:
    return suite_formats.known(name).read


# --- whatever a file may hold -----------------------------------------------------------------------------------------

ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    1e400,
    float("nan"),
    10**400,
    "",
    "\x1f\ud800x",
    [],
    [[]],
    {},
    {"a": None},
    "💥" * 600,
]


def spoiled(value: Any, path: list[int], odd: Any) -> Any:
    """The value with one of the values in it, found by following the path, replaced."""
    if not path or not isinstance(value, dict | list) or not value:
        return odd
    if isinstance(value, dict):
        key = sorted(value)[path[0] % len(value)]
        return {**value, key: spoiled(value[key], path[1:], odd)}
    at = path[0] % len(value)
    return [*value[:at], spoiled(value[at], path[1:], odd), *value[at + 1 :]]


def survives(data: bytes, name: str) -> None:
    """Reading ends in a report or in an error of perfgate's, and what was read can be told."""
    report = Report()
    try:
        suite_formats.known(name).read(io.BytesIO(data), "report", report)
    except PerfgateError:
        return
    for case in report.cases():
        case.title.encode()
        assert case.seconds is None or 0 <= case.seconds < 1e9


JSON_FILES = [path for path in FILES if path.suffix not in {".xml", ".trx"} and path.stat().st_size < 60_000]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(JSON_FILES),
    st.lists(st.integers(0, 40), min_size=1, max_size=7),
    st.sampled_from(ODD),
    st.integers(0, 30),
)
def test_any_value_of_the_wrong_kind_is_unknown_or_refused_and_nothing_else(
    path: Path, way: list[int], odd: Any, line: int
) -> None:
    with path.open("rb") as stream:
        name = suite_formats.detect(stream, path.name).name
    if path.suffix == ".json":
        survives(json.dumps(spoiled(json.loads(path.read_text()), way, odd)).encode(), name)
        return
    whole = [json.loads(text) for text in path.read_text().splitlines() if text.endswith("}")]
    at = line % len(whole)
    whole[at] = spoiled(whole[at], way, odd)
    survives("\n".join(json.dumps(each) for each in whole).encode(), name)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 60_000), st.binary(max_size=8), st.integers(0, 40))
def test_bytes_put_in_or_cut_out_anywhere_end_in_a_report_or_an_error(
    path: Path, at: int, put: bytes, cut: int
) -> None:
    data = path.read_bytes()
    with path.open("rb") as stream:
        name = suite_formats.detect(stream, path.name).name
    at %= len(data)
    survives(data[:at] + put + data[at + cut :], name)
    survives(data[:at], name)


def test_a_line_or_a_file_beyond_the_limits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite_json, "LINE", 1000)
    monkeypatch.setattr(suite_json, "LIMIT", 1000)
    with pytest.raises(InputError, match="a line is longer"):
        read(lines(event("run", "Test" + "x" * 2000)))
    with pytest.raises(InputError, match="larger than"):
        read(jest({"fullName": "x" * 2000}))


def test_more_cases_than_any_suite_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite_json, "CASES", 10)
    for text in (
        lines(*(event("pass", f"Test{at}", 0) for at in range(12)), event("pass")),
        jest(*({"fullName": str(at)} for at in range(12))),
    ):
        with pytest.raises(InputError, match="more than 10 cases"):
            read(text)
