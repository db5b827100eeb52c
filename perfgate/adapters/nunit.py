"""NUnit's results: NUnit 3's `<test-run>` and NUnit 2.5's `<test-results>`.

Format: https://docs.nunit.org/articles/nunit/technical-notes/usage/Test-Result-XML-Format.html; from documentation only.
"""

from __future__ import annotations

from typing import BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report
from perfgate.adapters.suite_xml import SuiteXml, seconds

_NOT_RUN = frozenset({"Skipped", "Inconclusive", "Ignored", "NotRunnable"})
_PASSED = frozenset({"Passed", "Success", "Warning"})


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the cases. A set-up that fails has failed the cases below it; a tear-down that does belongs to none."""
    reader = _Reader(report, where, "NUnit report")
    reader.run(stream)
    wall = (reader.wall, "") if reader.wall else reader.clock.wall()
    report.end_file("", reader.step, *wall)


class _Reader(SuiteXml):
    wall: float | None = None

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        get = attributes.get
        if tag == "test-case":
            self._case(attributes)
        elif tag == "test-suite" and get("site") == "TearDown" and get("result") == "Failed":
            self.report.loose_failures += 1
        elif tag == "test-run":
            self.wall = seconds(get("duration"))
            self.clock.saw(suite_json.instant(get("start-time")), suite_json.instant(get("end-time")))

    def finish(self, tag: str) -> None:
        """No end tells anything that its beginning did not."""

    def _case(self, attributes: dict[str, str]) -> None:
        get = attributes.get
        full, name = get("fullname", get("name", "")), get("name", "")
        home = get("classname", "")
        if not home:
            # The dot before the last name, but not one in its arguments.
            head = full.partition("(")[0].partition("<")[0]
            home = head.rpartition(".")[0]
        case = self.cases.attempt(home, name.removeprefix(f"{home}.") if home else name)
        result = get("result", "")
        if result in _NOT_RUN or get("executed") == "False" or get("runstate") in {"Ignored", "Skipped"}:
            self.cases.skip(case)
            return
        if result not in _PASSED:
            self.cases.fail(case)
        self.spend(case, get("duration", get("time")))
