"""The reports of a test's phases, put together: one attempt of one test, and what became of it."""

from __future__ import annotations

from typing import Any

import pytest

from perfgate.recording import CRASHED, UNKNOWN
from perfgate.recording.file import encoded, quoted

_PHASES = {"setup": 0, "call": 1, "teardown": 2}
_NO_PHASE = len(_PHASES)
#: The attribute of a report of a part of a test, whose time is in the whole test's.
_SUBTEST = "context"
_ENDED_WELL = frozenset({"", "passed", "skipped", "xfailed", "xpassed"})


class Attempt:
    """An attempt under way; plugins that try a test again report its phases anew."""

    __slots__ = ("_phase", "extra", "outcome", "seconds", "start", "stop", "subtest_failed", "test", "worker")

    def __init__(self, test: str, worker: str) -> None:
        self.test = test
        self.worker = worker
        self.outcome = ""
        #: The latest phase reported; -1 before the first one.
        self._phase = -1
        self.seconds: list[float | None] = [None, None, None]
        self.start = 0.0
        self.stop = 0.0
        self.subtest_failed = False
        #: What was gathered while it ran.
        self.extra: dict[str, Any] = {}

    def is_over(self, report: pytest.TestReport) -> bool:
        """Whether this report of the same test belongs to another attempt: its phase, or a later one, was here already."""
        return _PHASES.get(str(report.when), _NO_PHASE) <= self._phase and not hasattr(report, _SUBTEST)

    def take(self, report: pytest.TestReport) -> None:
        """Add a phase, or a part of one."""
        if hasattr(report, _SUBTEST):
            self.subtest_failed = self.subtest_failed or report.outcome == "failed"
            return
        phase = _PHASES.get(str(report.when))
        if phase is None:
            # What xdist reports of a test during which the worker died.
            self.outcome = CRASHED
            return
        if self._phase < 0:
            self.start = report.start
        self._phase = phase
        self.seconds[phase] = report.duration
        self.stop = report.stop
        if report.outcome != "passed" or phase == 1:
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

    def line(self, epoch: float) -> str:
        """The attempt as a line of the record; `start` and `stop` are seconds after `epoch`.

        Put together by hand: a suite has thousands of these, and an encoder takes four times as long.
        """
        outcome = self.outcome or UNKNOWN
        if self.subtest_failed and outcome in _ENDED_WELL:
            outcome = "failed"
        seconds = ", ".join(["null" if each is None else f"{each:.7f}" for each in self.seconds])
        line = f'{{"test": {quoted(self.test)}, "outcome": {quoted(outcome)}, "seconds": [{seconds}]'
        if self.stop:
            line += f', "start": {self.start - epoch:.6f}, "stop": {self.stop - epoch:.6f}'
        if self.worker:
            line += f', "worker": {quoted(self.worker)}'
        if self.extra:
            line += f", {encoded(self.extra)[1:-1]}"
        return line + "}\n"
