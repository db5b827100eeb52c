"""What a test report adds up to, for comparing with what other code, other formats or a person finds in it."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import suite_formats
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Report

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "suites"
EXPECTED = ".expected.json"


class Totals(NamedTuple):
    """The sums of a report, as in the files beside the corpus."""

    cases: int
    executed: int
    passed: int
    failed: int
    skipped: int
    flaky: int
    suspects: int
    case_time: float
    wall: float | None


def read(text: str | bytes, name: str = "") -> Report:
    """The report in a text, by the registry."""
    report = Report()
    suite_formats.read(io.BytesIO(text.encode() if isinstance(text, str) else text), "report", report, name)
    return report


def read_file(path: Path) -> Report:
    """The report in a file, by the registry."""
    report = Report()
    with path.open("rb") as stream:
        suite_formats.read(stream, path.name, report)
    return report


def totals(report: Report) -> Totals:
    """The sums of a report."""
    cases, skipped = len(report), report.count(SKIPPED)
    return Totals(
        cases,
        cases - skipped,
        report.count(PASSED),
        report.count(FAILED),
        skipped,
        len(report.flaky()),
        len(report.suspects()),
        math.fsum(report.seconds),
        report.wall,
    )
