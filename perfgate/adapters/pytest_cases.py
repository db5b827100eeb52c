"""pytest's tests by node id, named as its JUnit report names them, with phases, attempts and the tests that never ended."""

from __future__ import annotations

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import FAILED, PASSED, Report

PHASES = ("setup", "call", "teardown")
#: What pytest's JUnit report calls itself.
NAME = "pytest tests"
#: The clock of pytest counts in nanoseconds.
STEP = 1e-9


def names(node_id: str) -> tuple[str, str, str]:
    """Class name, name and file of a node id: "a/test_b.py::TestC::test_d[e]" is a.test_b.TestC, test_d[e], a/test_b.py."""
    path, bracket, parameters = node_id.partition("[")
    parts = path.split("::")
    file = parts[0]
    parts[0] = file.removesuffix(".py").replace("/", ".")
    parts[-1] += bracket + parameters
    return ".".join(parts[:-1]), parts[-1], file


class PytestCases:
    """The tests of one file of pytest's, attempt by attempt and phase by phase."""

    def __init__(self, report: Report, where: str) -> None:
        self._report = report
        self._cases = suite_json.Cases(report, where)
        self._suite = self._cases.suite("pytest")
        #: Attempts that began and of which no end is told, by node id.
        self._open: dict[str, int] = {}
        self.clock = suite_json.Clock()

    def begin(self, node_id: str) -> int:
        """Another attempt of a test."""
        classname, name, file = names(node_id)
        case = self._cases.attempt(classname, name, file, self._suite)
        self._report.ids[case] = node_id
        return case

    def phase(self, node_id: str, when: str, outcome: str, seconds: object, start: object, stop: object) -> None:
        """One phase of an attempt; an attempt begins with its set-up, or with the first that is told of it."""
        case = self._open.get(node_id, -1)
        if case < 0 or when == "setup":
            self._leave(case)
            case = self._open[node_id] = self.begin(node_id)
        self.tell(case, when, outcome, seconds)
        self.clock.saw(suite_json.instant(start), suite_json.instant(stop))
        if when == "teardown" or when not in PHASES:
            del self._open[node_id]

    def tell(self, case: int, when: str, outcome: str, seconds: object) -> None:
        """What a phase of the open attempt took, and what became of the attempt by it."""
        report = self._report
        if outcome in {"failed", "error", "rerun"}:
            report.states[case] = FAILED
        elif outcome == "skipped" and report.states[case] == PASSED:
            self._cases.skip(case)
        if when not in PHASES:
            # The worker process died.
            report.spend(case, None)
        else:
            self._cases.time(case, seconds)
            found = suite_json.seconds(seconds)
            if found is not None:
                report.spend_phase(case, when, found)

    def failed_to_collect(self, node_id: str) -> None:
        """A file or class whose tests could not be found out; pytest's JUnit report counts it as a failed case, too."""
        home, name, file = names(node_id)
        case = self._cases.attempt(home, name.removesuffix(".py").replace("/", "."), file, self._suite)
        self._cases.fail(case)
        self._cases.time(case, 0)

    def end(self) -> None:
        """The file ends: attempts without an end never came to it."""
        for case in self._open.values():
            self._leave(case)
        self._open.clear()

    def _leave(self, case: int) -> None:
        if case >= 0:
            self._report.states[case] = FAILED
            self._report.spend(case, None)
            self._report.unfinished += 1
