"""Mocha's JSON reporter: https://mochajs.org/#json; times are milliseconds, and of a retried test only the last attempt is told."""

from __future__ import annotations

from typing import Any, BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report

_MS = 0.001


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests, and the hooks that failed, which stand among the failures only."""
    value = suite_json.load(stream, where)
    tests = suite_json.objects(value.get("tests"))
    failures = suite_json.objects(value.get("failures"))
    everything = [*tests, *failures]
    folder = suite_json.Folder(
        [path for each in everything if (path := suite_json.text(each.get("file")))], report.root
    )
    cases = suite_json.Cases(report, where)
    pending = {_key(each) for each in suite_json.objects(value.get("pending"))}
    ran = {_key(each) for each in tests}
    for each in tests:
        case = _add(each, cases, folder)
        if _key(each) in pending:
            cases.skip(case)
            continue
        if each.get("err"):
            cases.fail(case)
        elif (suite_json.number(each.get("currentRetry")) or 0) > 0:
            cases.failed_before(case)
        cases.time(case, each.get("duration"), _MS)
    for each in failures:
        if _key(each) not in ran:
            case = _add(each, cases, folder)
            cases.fail(case)
            cases.time(case, each.get("duration"), _MS)
    report.end_file("Mocha Tests", _MS, *_clock(value).wall())


def _key(test: dict[str, Any]) -> tuple[str, str]:
    return suite_json.text(test.get("fullTitle")), suite_json.text(test.get("file"))


def _add(test: dict[str, Any], cases: suite_json.Cases, folder: suite_json.Folder) -> int:
    title, full = suite_json.text(test.get("title")), suite_json.text(test.get("fullTitle"))
    group = full.removesuffix(title).strip() if full.endswith(title) else ""
    return cases.add(group, title or full, folder.within(suite_json.text(test.get("file"))))


def _clock(value: dict[str, Any]) -> suite_json.Clock:
    stats, clock = value.get("stats"), suite_json.Clock()
    if isinstance(stats, dict):
        clock.saw(suite_json.instant(stats.get("start")), suite_json.instant(stats.get("end")))
    return clock
