"""Playwright's JSON reporter: https://playwright.dev/docs/test-reporters#json-reporter; every attempt tells its time in milliseconds."""

from __future__ import annotations

from typing import Any, BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report
from perfgate.errors import InputError

_MS = 0.001
_DEPTH = 60


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests of every project; a test that fails as it should has passed."""
    value = suite_json.load(stream, where)
    reading = _Reading(report, where)
    for suite in suite_json.objects(value.get("suites")):
        reading.suite(suite, [], 0)
    report.loose_failures += len(suite_json.objects(value.get("errors")))
    config, stats = value.get("config"), value.get("stats")
    if isinstance(config, dict):
        report.workers = max(report.workers, int(suite_json.seconds(config.get("workers")) or 0))
    seconds = suite_json.seconds(stats.get("duration"), _MS) if isinstance(stats, dict) else None
    wall = (seconds, "") if seconds else reading.clock.wall()
    report.end_file("", _MS, *wall)


class _Reading:
    """The walk through one report."""

    def __init__(self, report: Report, where: str) -> None:
        self._where = where
        self._cases = suite_json.Cases(report, where)
        self.clock = suite_json.Clock()

    def suite(self, suite: dict[str, Any], above: list[str], depth: int) -> None:
        """A suite and those in it; the outermost ones are files, which are no part of a test's name."""
        if depth > _DEPTH:
            raise InputError(f"suites are nested deeper than {_DEPTH}", where=self._where)
        names = [*above, suite_json.text(suite.get("title"))] if depth else above
        for spec in suite_json.objects(suite.get("specs")):
            file = suite_json.text(spec.get("file")) or suite_json.text(suite.get("file"))
            name = " › ".join([*names, suite_json.text(spec.get("title"))])
            for test in suite_json.objects(spec.get("tests")):
                self._test(test, name, file)
        for inner in suite_json.objects(suite.get("suites")):
            self.suite(inner, names, depth + 1)

    def _test(self, test: dict[str, Any], name: str, file: str) -> None:
        cases, project = self._cases, suite_json.text(test.get("projectName"))
        case = cases.add(file, name, file, cases.suite(project, file))
        results = suite_json.objects(test.get("results"))
        for result in results:
            start, seconds = (
                suite_json.instant(result.get("startTime")),
                suite_json.seconds(result.get("duration"), _MS),
            )
            if result.get("status") != "skipped":
                cases.time(case, result.get("duration"), _MS)
                self.clock.saw(start, None if start is None else start + (seconds or 0.0))
        status = test.get("status")
        if status == "skipped" or not results:
            cases.skip(case)
        elif status == "flaky":
            cases.failed_before(case)
        elif status != "expected":
            cases.fail(case)
