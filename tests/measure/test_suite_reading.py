"""Reports of a suite in whichever format, several of them, and two of one run."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from perfgate.core.entries import TestsEntry
from perfgate.core.model import Capture
from perfgate.errors import InputError
from perfgate.measure.surroundings import Surroundings
from perfgate.measure.tests import capture
from tests.adapters.suite_totals import CORPUS
from tests.cli.program import Program


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("root", "work"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "root", tmp_path / "work", os.environ)


def put(around: Surroundings, *names: str, folder: str = "reports") -> None:
    (around.root / folder).mkdir(exist_ok=True)
    for name in names:
        shutil.copy(CORPUS / name, around.root / folder)


def taken(around: Surroundings, *reports: str, name: str = "") -> Capture:
    return capture(TestsEntry("tests", (), reports, "", name), around, lambda _: None)


def values(captured: Capture) -> dict[str, float | None]:
    found = {each.series.metric: each.values for each in captured.measurements}
    return {metric.removeprefix("tests."): float(told[0]) if told else None for metric, told in found.items()}


def said(captured: Capture, code: str) -> list[str]:
    return [each.message for each in captured.caveats if each.code == code]


def test_a_folder_stands_for_the_reports_in_it_and_other_files_are_left_alone(around: Surroundings) -> None:
    put(around, "go/reruns.ndjson", "trx/mstest.trx")
    for name, text in {
        "package.json": '{"name": "x"}',
        "coverage.xml": "<coverage/>",
        "events.jsonl": '{"event": "x"}\n',
        "empty.json": "",
        "notes.txt": "<testsuites/>",
    }.items():
        (around.root / "reports" / name).write_text(text)
    assert values(taken(around, "reports"))["count"] == 16 + 6
    (around.root / "reports" / "cut.xml").write_text("")
    with pytest.raises(InputError, match="the file is empty"):
        taken(around, "reports")


def test_a_report_tells_its_wall_time_and_what_its_suite_is_called(around: Surroundings) -> None:
    put(around, "jest/jest.json")
    captured = taken(around, "reports/jest.json")
    assert {dict(each.series.labels)["suite"] for each in captured.measurements} == {"jest tests"}
    assert values(captured) == {
        "duration": pytest.approx(5.301),
        "count": 9,
        "failed": 1,
        "flaky": 1,
        "case_time": pytest.approx(0.167),
    }


def test_tests_that_never_ended_are_said(around: Surroundings) -> None:
    put(around, "pytest/crash-reportlog.jsonl")
    captured = taken(around, "reports")
    assert said(captured, "unfinished tests") == ["tests that began and never ended, counted as failed: 1"]
    assert values(captured)["failed"] == 1


@pytest.mark.parametrize(
    ("names", "kept", "left"),
    [
        (
            ("pytest/reruns-junit.xml", "pytest/reruns-reportlog.jsonl", "pytest/reruns-json-report.json"),
            {"count": 24, "failed": 8, "flaky": 2},
            2,
        ),
        (("go/packages-junit.xml", "go/packages.ndjson"), {"count": 21, "failed": 8, "flaky": 0}, 1),
        (("jest/jest.json", "jest/jest-junit.xml"), {"count": 9, "failed": 1, "flaky": 1}, 1),
        (("vitest/vitest.json", "vitest/vitest-junit.xml"), {"count": 10, "failed": 2, "flaky": 1}, 1),
        (("mocha/mocha.json", "mocha/mocha-xunit.xml"), {"count": 6, "failed": 2, "flaky": 1}, 1),
        (("playwright/playwright.json", "playwright/playwright-junit.xml"), {"count": 12, "failed": 6, "flaky": 2}, 1),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_two_reports_of_one_run_are_counted_once_and_the_richer_one_is_read(
    around: Surroundings, names: tuple[str, ...], kept: dict[str, int], left: int
) -> None:
    put(around, *names)
    captured = taken(around, "reports")
    found = values(captured)
    assert {name: found[name] for name in kept} == kept
    messages = said(captured, "reports of one run")
    assert len(messages) == left
    assert all("left out" in message and "tells of the same tests" in message for message in messages)


def reportlog(*tests: str) -> str:
    phases = [
        {"$report_type": "TestReport", "nodeid": f"t.py::{test}", "when": when, "outcome": "passed", "duration": 1}
        for test in tests
        for when in ("setup", "call", "teardown")
    ]
    return "".join(json.dumps(each) + "\n" for each in phases)


def junit(*tests: str) -> str:
    return (
        f'<testsuite>{"".join(f"""<testcase classname="t" name="{test}" time="1"/>""" for test in tests)}</testsuite>'
    )


def test_a_richer_report_that_lacks_tests_gives_way_and_one_that_shares_only_some_is_refused(
    around: Surroundings,
) -> None:
    (around.root / "a.jsonl").write_text(reportlog("a", "b"))
    (around.root / "b.xml").write_text(junit("a", "b", "c", "d"))
    captured = taken(around, "a.jsonl", "b.xml")
    assert values(captured)["count"] == 4
    assert said(captured, "reports of one run")[0].startswith("a.jsonl (pytest-reportlog): left out")
    (around.root / "a.jsonl").write_text(reportlog("a", "b", "c", "x"))
    with pytest.raises(InputError, match="would count them twice") as caught:
        taken(around, "a.jsonl", "b.xml")
    assert "a.jsonl (pytest-reportlog) and b.xml (junit)" in str(caught.value)


def test_reports_of_different_tests_in_two_formats_are_read_together(around: Surroundings) -> None:
    (around.root / "a.jsonl").write_text(reportlog("a", "b"))
    (around.root / "b.xml").write_text(junit("b", "c", "d"))
    captured = taken(around, "a.jsonl", "b.xml")
    assert (values(captured)["count"], said(captured, "reports of one run")) == (5, [])


def test_a_format_that_is_insisted_on_is_the_only_one(around: Surroundings) -> None:
    put(around, "go/reruns.ndjson")
    assert values(taken(around, "reports", name="go"))["count"] == 16
    with pytest.raises(InputError, match="not a report of the format junit"):
        taken(around, "reports", name="junit")
    with pytest.raises(InputError, match='no format "xyz"'):
        taken(around, "reports", name="xyz")


def test_report_and_junit_are_one_option_and_one_key(tmp_path: Path) -> None:
    program = Program(tmp_path / "root", git=False)
    for name in ("go/reruns.ndjson", "trx/mstest.trx"):
        shutil.copy(CORPUS / name, program.root)
    program.budgets("version: 1\nmeasure: {all: {tests: {reports: reruns.ndjson, junit: [mstest.trx]}}}\nbudgets: []\n")
    for arguments in (("tests", "--report", "reruns.ndjson", "--junit", "mstest.trx"), ("all",)):
        ended = program.perfgate("measure", *arguments, "--json")
        assert ended.code == 0, ended.err
        count = next(each for each in json.loads(ended.out)["measurements"] if each["metric"] == "tests.count")
        assert count["values"] == [22]
