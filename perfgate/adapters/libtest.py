"""JSON Lines of Rust's test harness, as `cargo test` and `cargo nextest` write them where asked; unstable in Rust itself.

Format: https://doc.rust-lang.org/rustc/tests/index.html#--format-format; nextest names "crate::binary$path::of::test" and marks a
retry with "#2" behind it: https://nexte.st/docs/machine-readable/libtest-json/.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report

_ENDED = frozenset({"ok", "failed", "ignored", "timeout"})
_ATTEMPT = re.compile(r"(.+)#(\d{1,4})")


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the tests; one that began and did not end before its binary did counts as failed."""
    reading = _Reading(report, where)
    for line in suite_json.lines(stream, where, only_json=False):
        reading.take(line.value)
    reading.leave()
    report.end_file("", 1e-9, None, "the report tells no wall time")


class _Reading:
    """The binaries of one file, one after the other; without nextest no line names them."""

    def __init__(self, report: Report, where: str) -> None:
        self._report = report
        self._cases = suite_json.Cases(report, where)
        self._running: dict[str, None] = {}

    def take(self, event: dict[str, Any]) -> None:
        """One line."""
        kind, what = event.get("type"), suite_json.text(event.get("event"))
        if kind == "suite":
            self.leave()
        if kind != "test":
            return
        name = suite_json.text(event.get("name"))
        if what == "started":
            self._running[name] = None
        elif what in _ENDED:
            self._running.pop(name, None)
            case = self._case(name)
            if what == "ignored":
                self._cases.skip(case)
                return
            if what != "ok":
                self._cases.fail(case)
            self._cases.time(case, event.get("exec_time"))

    def leave(self) -> None:
        """A binary ended: what still ran in it never told its end."""
        for name in self._running:
            self._cases.fail(self._case(name))
            self._report.unfinished += 1
        self._running.clear()

    def _case(self, name: str) -> int:
        attempt = _ATTEMPT.fullmatch(name)
        binary, dollar, path = (attempt[1] if attempt else name).partition("$")
        classname, test = (binary, path) if dollar else ("", binary)
        if attempt:
            return self._cases.attempt(classname, test)
        return self._cases.add(classname, test)
