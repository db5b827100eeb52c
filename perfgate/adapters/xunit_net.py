"""xUnit.net's own XML: `<assemblies>` of v2 and v3, and v1's `<assembly>`.

Format: https://xunit.net/docs/format-xml-v2; from documentation only.
"""

from __future__ import annotations

from typing import BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report
from perfgate.adapters.suite_xml import SuiteXml

_NOT_RUN = frozenset({"Skip", "NotRun"})


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests. Errors that belong to no test, such as those of a fixture's clean-up, are failures of a suite."""
    reader = _Reader(report, where, "xUnit.net report")
    reader.run(stream)
    report.end_file("", reader.step, *reader.clock.wall())


class _Reader(SuiteXml):
    def __init__(self, report: Report, where: str, title: str) -> None:
        super().__init__(report, where, title)
        self._suite: int | None = None

    def begin(self, tag: str, attributes: dict[str, str]) -> None:
        get = attributes.get
        if tag == "test":
            home, name = get("type", ""), get("name", "")
            case = self.cases.attempt(home, name.removeprefix(f"{home}.") if home else name, "", self._suite)
            result = get("result", "")
            if result in _NOT_RUN:
                self.cases.skip(case)
                return
            if result != "Pass":
                self.cases.fail(case)
            self.spend(case, get("time-rtf", get("time")))
        elif tag == "assembly":
            # A path of the machine that built it; its last part is the assembly.
            name = get("name", "").replace("\\", "/").rpartition("/")[2]
            self._suite = self.cases.suite(name) if name else None
            self.clock.saw(suite_json.instant(get("start-rtf")), suite_json.instant(get("finish-rtf")))
        elif tag == "assemblies":
            self.clock.saw(suite_json.instant(get("start-rtf")), suite_json.instant(get("finish-rtf")))
        elif tag == "error":
            self.report.loose_failures += 1

    def finish(self, tag: str) -> None:
        """No end tells anything that its beginning did not."""
