"""pytest-json-report's file: https://github.com/numirias/pytest-json-report#format; of a retried test only the last attempt is told."""

from __future__ import annotations

from typing import BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.pytest_cases import NAME, PHASES, STEP, PytestCases
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Report


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests. "rerun" is the outcome of one that failed and then passed; its duration is the session's wall time."""
    value = suite_json.load(stream, where)
    cases = PytestCases(report, where)
    for test in suite_json.objects(value.get("tests")):
        node_id, outcome = suite_json.text(test.get("nodeid")), test.get("outcome")
        case = cases.begin(node_id)
        for when in PHASES:
            phase = test.get(when)
            if isinstance(phase, dict):
                cases.tell(case, when, suite_json.text(phase.get("outcome")), phase.get("duration"))
        report.states[case] = _STATES.get(suite_json.text(outcome), report.states[case])
        if outcome == "rerun" and report.states[case] == PASSED:
            report.failed_before.add(case)
    for collector in suite_json.objects(value.get("collectors")):
        if collector.get("outcome") == "failed":
            cases.failed_to_collect(suite_json.text(collector.get("nodeid")))
    wall = suite_json.seconds(value.get("duration"))
    report.end_file(NAME, STEP, wall or None, "" if wall else "the report tells no wall time")


_STATES = {
    "passed": PASSED,
    "xpassed": PASSED,
    "failed": FAILED,
    "error": FAILED,
    "skipped": SKIPPED,
    "xfailed": SKIPPED,
}
