"""TRX, the results of VSTest (`dotnet test --logger trx`).

Format: vstst.xsd of Visual Studio, namespace http://microsoft.com/schemas/VisualStudio/TeamTest/2010; from documentation only.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report
from perfgate.adapters.suite_xml import SuiteXml
from perfgate.errors import InputError

_PASSED = frozenset({"Passed", "PassedButRunAborted", "Warning", "Completed"})
_NOT_RUN = frozenset({"NotExecuted", "NotRunnable", "Inconclusive", "Pending"})
_UNFINISHED = frozenset({"InProgress", ""})


class _Result(NamedTuple):
    """A result, kept until the class of its test is known, which the file tells last."""

    test: str
    name: str
    outcome: str
    duration: str | None
    place: str


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the results. The rows of a data-driven test are the tests, not what they add up to; a repeated test was tried again."""
    reader = _Reader(report, where, "TRX file")
    reader.run(stream)
    reader.settle()
    report.end_file("", reader.step, *reader.clock.wall())


class _Reader(SuiteXml):
    def __init__(self, report: Report, where: str, title: str) -> None:
        super().__init__(report, where, title)
        #: Results that are open, outermost first, and whether rows were found in them.
        self._open: list[tuple[_Result, bool]] = []
        self._results: list[_Result] = []
        self._classes: dict[str, str] = {}
        self._test = ""

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        get = attributes.get
        if tag.endswith("TestResult") or tag == "TestResultAggregation":
            result = _Result(get("testId", ""), get("testName", ""), get("outcome", ""), get("duration"), self.place)
            if self._open:
                self._open[-1] = (self._open[-1][0], True)
            self._open.append((result, False))
            self.clock.saw(suite_json.instant(get("startTime")), suite_json.instant(get("endTime")))
        elif tag == "UnitTest":
            self._test = get("id", "")
        elif tag == "TestMethod" and self._test:
            self._classes[self._test] = _class(get("className", ""))
        elif tag == "Times":
            self.clock.saw(suite_json.instant(get("start")), suite_json.instant(get("finish")))
        elif tag == "RunInfo" and get("outcome") == "Error":
            self.report.loose_failures += 1

    def finish(self, tag: str) -> None:
        if tag.endswith("TestResult") or tag == "TestResultAggregation":
            result, has_rows = self._open.pop()
            if not has_rows:
                self._results.append(result)
                if len(self._results) > suite_json.CASES:
                    raise InputError(f"there are more than {suite_json.CASES:,} results", where=self.place)
        elif tag == "UnitTest":
            self._test = ""

    def settle(self) -> None:
        """Every result is a case, or another attempt of one, now that the classes are known."""
        for result in self._results:
            home = self._classes.get(result.test, "")
            name = result.name.removeprefix(f"{home}.") if home else result.name
            case = self.cases.attempt(home, name)
            if result.outcome in _NOT_RUN:
                self.cases.skip(case)
                continue
            if result.outcome not in _PASSED:
                self.cases.fail(case)
                self.report.unfinished += result.outcome in _UNFINISHED
            self.spend(case, result.duration)


def _class(name: str) -> str:
    """The class without the assembly behind a comma, which old versions write."""
    return name.partition(",")[0].strip()
