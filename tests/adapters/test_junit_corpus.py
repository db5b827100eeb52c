"""Reports of real producers: the totals written beside each, those that other code finds, and no damage that does more than a sentence."""

from __future__ import annotations

import io
import json
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfgate.adapters import junit
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Report
from perfgate.errors import InputError
from tests.adapters.independent_junit import Totals, totals

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "junit"
FILES = sorted(CORPUS.rglob("*.xml"))
IDS = [path.relative_to(CORPUS).as_posix() for path in FILES]


def read(*texts: bytes) -> Report:
    report = Report()
    for number, text in enumerate(texts):
        junit.read(io.BytesIO(text), f"{number}.xml", report)
    return report


def added_up(report: Report) -> Totals:
    return Totals(
        cases=len(report),
        executed=len(report) - report.count(SKIPPED),
        passed=report.count(PASSED),
        failed=report.count(FAILED),
        skipped=report.count(SKIPPED),
        flaky=len(report.flaky()),
        suspects=len(report.suspects()),
        case_time=math.fsum(report.seconds),
    )


def told(path: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return expected


# --- the corpus -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_report_adds_up_to_what_is_written_beside_it(path: Path) -> None:
    report = read(path.read_bytes())
    assert {**added_up(report)._asdict(), "wall": report.wall} == pytest.approx(told(path))
    assert report.unreadable_times == 0
    assert path.stat().st_size < 15_000


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_other_code_finds_the_same(path: Path) -> None:
    assert added_up(read(path.read_bytes())) == pytest.approx(totals(path))


def test_every_folder_of_the_corpus_has_its_provenance() -> None:
    provenance = (CORPUS / "PROVENANCE.md").read_text(encoding="utf-8")
    assert [each.name for each in CORPUS.iterdir() if each.is_dir() and each.name not in provenance] == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_report_shows_where_it_was_made(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    hosts = {each.get("hostname", "runner") for each in ET.parse(path).getroot().iter()}
    assert hosts <= {"runner", "localhost", "", "desktop", "phone"}
    assert not any(word in text for word in ("/root", "/home", "dialects"))


def case_named(name: str, file: str) -> list[tuple[int, bool, bool]]:
    report = read((CORPUS / file).read_bytes())
    return [(case.state, case.flaky, case.suspect) for case in report.cases() if case.name == name]


def test_tests_of_one_name_stay_several_where_the_producer_writes_no_attempts_as_cases() -> None:
    assert case_named("each", "surefire/2.22.2-testng.xml") == [(FAILED, False, False), (PASSED, False, False)]
    assert case_named("A twin", "rspec/twins.xml") == [(FAILED, False, False), (PASSED, False, False)]
    assert len(case_named("A twin", "mocha-junit-reporter/hook.xml")) == 2
    assert len(case_named("twin", "node-test/nested.xml")) == 2
    assert len(case_named("A > same", "vitest/hook.xml")) == 2


def test_where_attempts_are_cases_a_failure_before_a_pass_is_a_flaky_test() -> None:
    assert case_named("TestFlaky", "gotestsum/rerun-fails.xml") == [(PASSED, True, False)]
    assert case_named("flaky()", "gradle/retries.xml") == [(PASSED, True, False)]
    assert case_named("bad()", "gradle/retries.xml") == [(FAILED, False, False)]


def test_testngs_retried_attempts_are_skipped_and_make_the_test_that_passed_a_suspect() -> None:
    for file in ("surefire/2.22.2-testng.xml", "testng/junitreports.xml"):
        assert sorted(case_named("flaky", file)) == [(PASSED, False, True), (SKIPPED, False, False)]
        assert [state for state, *_ in case_named("bad", file)].count(FAILED) == 1


def test_a_failure_and_an_error_in_teardown_are_one_failed_test() -> None:
    for file in ("pytest/xunit2.xml", "pytest/xdist.xml"):
        assert case_named("test_fails_twice", file) == [(FAILED, False, False)]


def test_suites_of_one_name_are_several_suites() -> None:
    assert len(case_named("A ok", "jest-junit/suites-of-one-name.xml")) == 2
    assert len(case_named("flaky", "playwright/projects.xml")) == 2


def test_a_go_test_keeps_the_time_that_no_subtest_of_it_told() -> None:
    report = read((CORPUS / "go-junit-report/subtests.xml").read_bytes())
    seconds = {case.name: case.seconds for case in report.cases()}
    assert seconds["TestParent"] == 0.05
    assert (seconds["TestParent/slow"], seconds["TestParent/deep"], seconds["TestParent/deep/a_b/c"]) == (0.2, 0.0, 0.1)
    assert (seconds["TestParallel"], seconds["TestParallel/x"]) == (0.0, 0.15)


def test_a_todo_that_fails_is_no_failure() -> None:
    assert case_named("later", "node-test/nested.xml") == [(SKIPPED, False, False)]


def test_flaky_tests_that_only_a_counter_tells_are_told() -> None:
    assert read((CORPUS / "gdunit4/flaky.xml").read_bytes()).untold_flaky == 1
    others = [path for path in FILES if path.parent.name != "gdunit4"]
    assert [path.name for path in others if read(path.read_bytes()).untold_flaky] == []


def test_no_real_report_is_called_incomplete_because_its_producer_counts_differently() -> None:
    reports = [read(path.read_bytes()) for path in FILES]
    assert [
        path.name for path, report in zip(FILES, reports, strict=True) if report.missing or report.loose_failures
    ] == []


# --- the shared folder ------------------------------------------------------------------------------------------------

#: What perfgate says where it refuses a file; every other file must add up to what the second reader finds.
REFUSED = {
    "edge/entity.xml": "document type or entities",
    "zoo/pytest/corrupt-xml.xml": "no element found",
    "real/go_test_json.ndjson": "not well-formed",
    "real/jest_json.json": "not well-formed",
    "real/pytest_json_report.json": "not well-formed",
    "real/pytest_reportlog.jsonl": "not well-formed",
    "real/pytest_split_durations.json": "not well-formed",
    "real/pytest_split_durations_xdist.json": "not well-formed",
    "real/vitest_json.json": "not well-formed",
}


def test_every_shared_report_adds_up_to_what_other_code_finds_or_is_refused_with_a_reason(shared_data: Path) -> None:
    folder = shared_data / "junit"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.relative_to(folder).parts[0] for path in files} == {"real", "edge", "zoo"}
    for path in files:
        name = path.relative_to(folder).as_posix()
        if name in REFUSED:
            with pytest.raises(InputError, match=REFUSED[name]) as caught:
                read(path.read_bytes())
            assert caught.value.where.startswith("0.xml:")
            assert caught.value.remedy
        else:
            assert added_up(read(path.read_bytes())) == pytest.approx(totals(path)), name


# --- damage -----------------------------------------------------------------------------------------------------------

PIECES = [
    b"<testcase>",
    b'"',
    b"</testsuite>",
    b'time="-1"',
    b"&#0;",
    b"<testsuite>",
    b"<skipped/>",
    b"<?x?>",
    b"\xff",
    b"1,234",
]
ENCODINGS = ["utf-16", "utf-8-sig", "latin-1", "utf-32", "cp037"]


@given(st.sampled_from(FILES), st.data())
@settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.data_too_large])
def test_a_damaged_report_gives_cases_or_an_error_of_ours(path: Path, data: st.DataObject) -> None:
    text = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["flipped", "cut", "repeated", "encoded", "pieces"]))
    at = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(1, 400))
    if kind == "flipped":
        text[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del text[at : at + length if data.draw(st.booleans()) else len(text)]
    elif kind == "repeated":
        text[at:at] = text[at : at + length] * data.draw(st.integers(1, 4))
    elif kind == "encoded":
        text = bytearray(text.decode().encode(data.draw(st.sampled_from(ENCODINGS)), "replace"))
    else:
        text[at : at + data.draw(st.integers(0, 8))] = data.draw(st.sampled_from(PIECES))
    try:
        report = read(bytes(text))
    except InputError as error:
        assert error.where
        assert error.remedy
        return
    cases = list(report.cases())
    assert len(cases) == len(report) == len(report.seconds)
    assert all(case.seconds is None or 0 <= case.seconds < math.inf for case in cases)
    assert report.missing >= 0
    assert report.loose_failures >= 0


# --- laws -------------------------------------------------------------------------------------------------------------

KINDS = ["", "<failure/>", "<error/>", "<skipped/>", "<flakyFailure/>", "<failure/><failure/>"]
CASES = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["n", "TestA", "TestA/b", "TestA/b/c", "x/y"]),
        st.floats(0, 99),
        st.sampled_from(KINDS),
    ),
    unique_by=lambda each: each[:2],
    max_size=12,
)


def suite(cases: list[tuple[str, str, float, str]]) -> str:
    inner = "".join(f'<testcase classname="{c}" name="{n}" time="{t:.3f}">{kind}</testcase>' for c, n, t, kind in cases)
    return f'<testsuite name="s">{inner}</testsuite>'


@given(CASES, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_cases_never_matters_for_the_totals(cases: list[tuple[str, str, float, str]], random: Any) -> None:
    shuffled = random.sample(cases, len(cases))
    assert added_up(read(suite(shuffled).encode())) == pytest.approx(added_up(read(suite(cases).encode())))


@given(CASES)
@settings(deadline=None, max_examples=60)
def test_a_report_split_into_two_files_adds_up_to_the_same(cases: list[tuple[str, str, float, str]]) -> None:
    # A Go test and its subtests are never in two files.
    first, second = ([each for each in cases if (each[0] == "a") is own] for own in (True, False))
    split = added_up(read(suite(first).encode(), suite(second).encode()))
    assert split == pytest.approx(added_up(read(suite(cases).encode())))


@given(CASES, st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_a_suite_wrapped_in_others_adds_up_to_the_same(cases: list[tuple[str, str, float, str]], depth: int) -> None:
    plain = suite(cases)
    wrapped = (
        '<testsuites><testsuite name="w">'
        + "<testsuite>" * depth
        + plain
        + "</testsuite>" * depth
        + "</testsuite></testsuites>"
    )
    assert added_up(read(wrapped.encode())) == pytest.approx(added_up(read(plain.encode())))


@given(CASES)
@settings(deadline=None, max_examples=60)
def test_two_readers_find_the_same_in_any_report(
    tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[str, str, float, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xml"
    path.write_text(suite(cases), encoding="utf-8")
    assert added_up(read(path.read_bytes())) == pytest.approx(totals(path))
