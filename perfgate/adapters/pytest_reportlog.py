"""JSON Lines of pytest-reportlog: every phase of every attempt, also of a session that never ended.

Format: https://github.com/pytest-dev/pytest-reportlog; a line is pytest's own report, with `$report_type`.
"""

from __future__ import annotations

from typing import BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.pytest_cases import NAME, STEP, PytestCases
from perfgate.adapters.suite_report import Report


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests; of a session that crashed, what it told until then."""
    cases, workers = PytestCases(report, where), set[str]()
    for line in suite_json.lines(stream, where, only_json=True):
        value = line.value
        kind, node_id = value.get("$report_type"), suite_json.text(value.get("nodeid"))
        outcome = suite_json.text(value.get("outcome"))
        if kind == "TestReport" and node_id:
            when = suite_json.text(value.get("when"))
            cases.phase(node_id, when, outcome, value.get("duration"), value.get("start"), value.get("stop"))
            if worker := suite_json.text(value.get("worker_id")):
                workers.add(worker)
        elif kind == "CollectReport" and outcome == "failed":
            cases.failed_to_collect(node_id)
    cases.end()
    report.workers = max(report.workers, len(workers))
    report.end_file(NAME, STEP, *cases.clock.wall())
