"""Test reports of real tools: what each adds up to, and that two formats of one run add up to the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters import suite_formats
from perfgate.adapters.suite_report import FAILED, SKIPPED, Report
from perfgate.errors import InputError
from tests.adapters.suite_totals import CORPUS, EXPECTED, read_file, totals

FILES = sorted(path.with_name(path.name.removesuffix(EXPECTED)) for path in CORPUS.rglob(f"*{EXPECTED}"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_report_adds_up_to_what_is_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_name(path.name + EXPECTED).read_text())
    assert totals(read_file(path))._asdict() == pytest.approx(expected, abs=2e-6)


def test_every_format_has_a_report_in_the_corpus() -> None:
    found = set()
    for path in [*FILES, *CORPUS.rglob("*-junit.xml")]:
        with path.open("rb") as stream:
            found.add(suite_formats.detect(stream, path.name).name)
    # A format that another part brings has its corpus there.
    assert found >= {"junit", "pytest-reportlog", "jest", "vitest", "mocha", "playwright", "rspec", "go", "libtest"}
    assert found >= {"trx", "nunit", "xunit", "pytest-json-report"}


# --- the tools' own counters ------------------------------------------------------------------------------------------


def of(name: str) -> tuple[Any, Report]:
    path = CORPUS / name
    return json.loads(path.read_text()), read_file(path)


def test_the_counts_are_those_that_the_tools_print() -> None:
    jest, report = of("jest/jest.json")
    assert report.count(FAILED) == jest["numFailedTests"]
    assert len(report) == jest["numTotalTests"]
    assert report.count(SKIPPED) == jest["numPendingTests"] + jest["numTodoTests"]
    assert report.loose_failures == jest["numRuntimeErrorTestSuites"]

    vitest, report = of("vitest/vitest.json")
    # A file that cannot be loaded is a case, as in vitest's JUnit report, and none of its counters.
    assert (len(report), report.count(FAILED)) == (vitest["numTotalTests"] + 1, vitest["numFailedTests"] + 1)

    mocha, report = of("mocha/mocha.json")
    # So is a hook that failed.
    assert len(report) == mocha["stats"]["tests"] + 1
    assert report.count(FAILED) == mocha["stats"]["failures"]
    assert report.count(SKIPPED) == mocha["stats"]["pending"]

    playwright, report = of("playwright/playwright.json")
    stats = playwright["stats"]
    assert len(report) == sum(stats[each] for each in ("expected", "skipped", "unexpected", "flaky"))
    assert report.count(FAILED) == stats["unexpected"]
    assert len(report.flaky()) == stats["flaky"]

    rspec, report = of("rspec/rspec.json")
    summary = rspec["summary"]
    assert len(report) == summary["example_count"]
    assert (report.count(FAILED), report.count(SKIPPED)) == (summary["failure_count"], summary["pending_count"])

    pytest_json, report = of("pytest/reruns-json-report.json")
    summary = pytest_json["summary"]
    # The file that could not be imported is a failed case, as in pytest's JUnit report.
    assert report.count(FAILED) == summary["failed"] + summary["error"] + 1
    assert len(report.flaky()) == summary["rerun"]
    assert report.count(SKIPPED) == summary["skipped"] + summary["xfailed"]


# --- two formats of one run -------------------------------------------------------------------------------------------

#: Pairs, the one with more to tell first, and what the other cannot tell, as what it counts more.
PAIRS: dict[tuple[str, str], dict[str, int]] = {
    ("pytest/plain-reportlog.jsonl", "pytest/plain-json-report.json"): {},
    ("pytest/plain-reportlog.jsonl", "pytest/plain-junit.xml"): {},
    ("pytest/reruns-reportlog.jsonl", "pytest/reruns-json-report.json"): {},
    # pytest-rerunfailures writes attempts that failed as passed ones into JUnit reports.
    ("pytest/reruns-reportlog.jsonl", "pytest/reruns-junit.xml"): {"flaky": -2, "suspects": 2},
    ("pytest/xdist-reruns-reportlog.jsonl", "pytest/xdist-reruns-json-report.json"): {},
    ("pytest/xdist-reruns-reportlog.jsonl", "pytest/xdist-reruns-junit.xml"): {"flaky": -2, "suspects": 2},
    ("pytest/worker-crash-reportlog.jsonl", "pytest/worker-crash-junit.xml"): {},
    # gotestsum adds a failed TestMain for a package that does not build, and for one that takes too long.
    ("go/packages.ndjson", "go/packages-junit.xml"): {"cases": 2, "executed": 2, "failed": 2},
    ("go/reruns.ndjson", "go/reruns-junit.xml"): {},
    # The JUnit reports of these tools know of no retries; to jest-junit what is still to be written has passed.
    ("jest/jest.json", "jest/jest-junit.xml"): {"executed": 1, "passed": 1, "skipped": -1, "flaky": -1},
    ("vitest/vitest.json", "vitest/vitest-junit.xml"): {"flaky": -1},
    ("mocha/mocha.json", "mocha/mocha-xunit.xml"): {"flaky": -1},
    ("playwright/playwright.json", "playwright/playwright-junit.xml"): {"flaky": -2},
}


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[first for first, _ in PAIRS])
def test_two_formats_of_one_run_add_up_to_the_same_but_for_what_one_cannot_tell(first: str, second: str) -> None:
    one, other = totals(read_file(CORPUS / first))._asdict(), totals(read_file(CORPUS / second))._asdict()
    counts = set(one) - {"case_time", "wall"}
    assert {name: other[name] - one[name] for name in counts if other[name] != one[name]} == PAIRS[first, second]


def names(path: str) -> Counter[str]:
    return Counter(case.title for case in read_file(CORPUS / path).cases())


def test_the_names_of_tests_do_not_depend_on_the_format_so_a_baseline_goes_on() -> None:
    assert (
        names("pytest/plain-reportlog.jsonl")
        == names("pytest/plain-json-report.json")
        == names("pytest/plain-junit.xml")
    )
    assert names("go/reruns.ndjson") == names("go/reruns-junit.xml")
    assert names("vitest/vitest.json") == names("vitest/vitest-junit.xml")


def test_case_times_of_one_run_agree_to_the_step_of_the_coarser_format() -> None:
    for pair, apart in {
        ("pytest/plain-reportlog.jsonl", "pytest/plain-junit.xml"): 27 * 0.0005,
        ("pytest/reruns-reportlog.jsonl", "pytest/reruns-junit.xml"): 43 * 0.0005,
        ("vitest/vitest.json", "vitest/vitest-junit.xml"): 1e-6,
        ("playwright/playwright.json", "playwright/playwright-junit.xml"): 1e-6,
    }.items():
        one, other = (totals(read_file(CORPUS / each)).case_time for each in pair)
        assert one == pytest.approx(other, abs=apart)


# --- the shared files -------------------------------------------------------------------------------------------------


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_shared_report_that_is_not_xml_adds_up_to_what_plain_code_finds(shared_data: Path) -> None:
    real = shared_data / "junit" / "real"
    read = set()

    def found(name: str) -> tuple[int, int, int, float]:
        read.add(name)
        all_ = totals(read_file(real / name))
        return all_.executed, all_.failed, all_.flaky, all_.case_time

    ended = [
        each for each in lines_of(real / "go_test_json.ndjson") if each["Action"] in {"pass", "fail"} and "Test" in each
    ]
    inner = sum(each["Elapsed"] for each in ended if "/" in each["Test"])
    assert found("go_test_json.ndjson") == pytest.approx(
        (len(ended), sum(each["Action"] == "fail" for each in ended), 0, sum(e["Elapsed"] for e in ended) - inner)
    )

    for name, unit in (("jest_json.json", 1e-3), ("vitest_json.json", 1e-3)):
        results = json.loads((real / name).read_text())["testResults"]
        ran = [each for file in results for each in file["assertionResults"] if each["status"] in {"passed", "failed"}]
        retried = [
            each
            for each in ran
            if each["status"] == "passed" and (each.get("invocations", 1) > 1 or each["failureMessages"])
        ]
        failed = sum(each["status"] == "failed" for each in ran)
        assert found(name) == pytest.approx(
            (len(ran), failed, len(retried), sum(each["duration"] for each in ran) * unit)
        )

    tests = json.loads((real / "pytest_json_report.json").read_text())["tests"]
    ran = [each for each in tests if each["outcome"] not in {"skipped", "xfailed"}]
    spent = sum(each[when]["duration"] for each in tests for when in ("setup", "call", "teardown") if when in each)
    failed = sum(each["outcome"] in {"failed", "error"} for each in tests)
    assert found("pytest_json_report.json") == pytest.approx((len(ran), failed, 1, spent))

    reports = [each for each in lines_of(real / "pytest_reportlog.jsonl") if each["$report_type"] == "TestReport"]
    last: dict[str, dict[str, str]] = {}
    for each in reports:
        if each["when"] == "setup":
            last[each["nodeid"]] = {}
        last[each["nodeid"]][each["when"]] = each["outcome"]
    failed = sum("failed" in phases.values() for phases in last.values())
    ran = [node for node, phases in last.items() if "skipped" not in phases.values()]
    rerun = {each["nodeid"] for each in reports if each["outcome"] == "rerun"}
    flaky = sum("failed" not in last[node].values() for node in rerun)
    assert found("pytest_reportlog.jsonl") == pytest.approx(
        (len(ran), failed, flaky, sum(each["duration"] for each in reports))
    )

    others = {path.name for path in real.iterdir() if path.suffix != ".xml"} - read
    assert others == {"pytest_split_durations.json", "pytest_split_durations_xdist.json"}
    for name in others:
        with pytest.raises(InputError, match="no test report that perfgate reads"):
            read_file(real / name)
