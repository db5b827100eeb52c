"""The JSON of jest and of vitest, which follows it: files of assertion results, with the attempts that their JUnit reports hide.

Formats: https://jestjs.io/docs/cli#--json and https://vitest.dev/guide/reporters#json-reporter; times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report

_NOT_RUN = frozenset({"pending", "todo", "skipped", "disabled", "focused"})
_MS = 0.001


def read_jest(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the cases of `jest --json`; a file that could not be loaded has none and counts as a failed suite."""
    cases, clock = suite_json.Cases(report, where), suite_json.Clock()
    for file, assertions, is_lost in _files(suite_json.load(stream, where), report, clock):
        if is_lost:
            report.loose_failures += 1
        for each in assertions:
            name = suite_json.text(each.get("fullName")) or " ".join(_names(each))
            case = cases.add("", name, file)
            _state(each, case, cases)
            if (suite_json.number(each.get("invocations")) or 1) > 1 or each.get("retryReasons"):
                cases.failed_before(case)
    report.end_file("jest tests", _MS, *clock.wall())


def read_vitest(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the cases of vitest's JSON; a file that could not be loaded is a failed case, as in its JUnit report."""
    cases, clock = suite_json.Cases(report, where), suite_json.Clock()
    for file, assertions, is_lost in _files(suite_json.load(stream, where), report, clock):
        if is_lost:
            case = cases.add(file, file, file)
            cases.fail(case)
            cases.time(case, 0)
        for each in assertions:
            case = cases.add(file, " > ".join(_names(each)), file)
            _state(each, case, cases)
            if each.get("status") == "passed" and each.get("failureMessages"):
                cases.failed_before(case)
    report.end_file("vitest tests", 1e-6, *clock.wall())


def _files(
    value: dict[str, Any], report: Report, clock: suite_json.Clock
) -> Iterator[tuple[str, list[dict[str, Any]], bool]]:
    """Each file with what its tests assert, and whether it could not be loaded."""
    clock.saw(suite_json.instant(value.get("startTime"), _MS), None)
    results = suite_json.objects(value.get("testResults"))
    paths = [suite_json.text(result.get("name")) for result in results]
    folder = suite_json.Folder(paths, report.root)
    for result, path in zip(results, paths, strict=True):
        began, ended = (suite_json.instant(result.get(name), _MS) for name in ("startTime", "endTime"))
        clock.saw(began, ended)
        assertions = suite_json.objects(result.get("assertionResults"))
        yield folder.within(path), assertions, result.get("status") == "failed" and not assertions


def _names(assertion: dict[str, Any]) -> list[str]:
    return [*suite_json.texts(assertion.get("ancestorTitles")), suite_json.text(assertion.get("title"))]


def _state(assertion: dict[str, Any], case: int, cases: suite_json.Cases) -> None:
    status = suite_json.text(assertion.get("status"))
    if status in _NOT_RUN:
        cases.skip(case)
        return
    if status != "passed":
        cases.fail(case)
    cases.time(case, assertion.get("duration"), _MS)
