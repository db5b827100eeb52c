"""The reports of a test's phases, put together: one attempt of one test, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from perfgate.recording import CRASHED, UNKNOWN

_PHASES = {"setup": 0, "call": 1, "teardown": 2}
_ENDED_WELL = frozenset({"", "passed", "skipped", "xfailed", "xpassed"})


class Attempt:
    """An attempt under way; plugins that try a test again report its phases anew."""

    __slots__ = ("extra", "outcome", "seconds", "start", "stop", "subtest_failed", "test", "worker")

    def __init__(self, test: str, worker: str) -> None:
        self.test = test
        self.worker = worker
        self.outcome = ""
        self.seconds: list[float | None] = [None, None, None]
        self.start = 0.0
        self.stop = 0.0
        self.subtest_failed = False
        #: What was gathered while it ran.
        self.extra: dict[str, Any] = {}

    def is_over(self, report: pytest.TestReport) -> bool:
        """Whether this report belongs to another attempt: of another test, or of a phase that was here already."""
        phase = _PHASES.get(str(report.when))
        if report.nodeid != self.test:
            return True
        return phase is not None and not is_subtest(report) and any(each is not None for each in self.seconds[phase:])

    def take(self, report: pytest.TestReport) -> None:
        """Add a phase, or a part of one."""
        if is_subtest(report):
            self.subtest_failed = self.subtest_failed or report.outcome == "failed"
            return
        phase = _PHASES.get(str(report.when))
        if phase is None:
            # What xdist reports of a test during which the worker died.
            self.outcome = CRASHED
            return
        if not any(each is not None for each in self.seconds):
            self.start = report.start
        self.seconds[phase] = report.duration
        self.stop = report.stop
        self._judge(report)

    def _judge(self, report: pytest.TestReport) -> None:
        outcome: str = report.outcome
        if outcome == "passed":
            if report.when == "call":
                self.outcome = "xpassed" if hasattr(report, "wasxfail") else "passed"
        elif outcome == "skipped":
            self.outcome = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        elif outcome == "failed":
            # What went wrong first is what happened.
            if self.outcome in _ENDED_WELL:
                self.outcome = "failed" if report.when == "call" else "error"
        else:
            self.outcome = outcome

    def line(self, epoch: float) -> dict[str, Any]:
        """The attempt as a line of the record; `start` and `stop` are seconds after `epoch`."""
        outcome = self.outcome or UNKNOWN
        if self.subtest_failed and outcome in _ENDED_WELL:
            outcome = "failed"
        seconds = [None if each is None else round(each, 7) for each in self.seconds]
        line: dict[str, Any] = {"test": self.test, "outcome": outcome, "seconds": seconds}
        if self.stop:
            line["start"] = round(self.start - epoch, 6)
            line["stop"] = round(self.stop - epoch, 6)
        if self.worker:
            line["worker"] = self.worker
        if self.extra:
            line |= self.extra
        return line


def is_subtest(report: pytest.TestReport) -> bool:
    """Whether this reports a part of a test, whose time is in the whole test's."""
    return hasattr(report, "context")
