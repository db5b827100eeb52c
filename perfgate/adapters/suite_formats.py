"""The registry of test report formats: which one a file is in is found from its content, never from its name."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from perfgate.adapters import (
    go_tests,
    jest,
    junit,
    libtest,
    mocha,
    nunit,
    playwright,
    pytest_json_report,
    pytest_record,
    pytest_reportlog,
    rspec,
    trx,
    xunit_net,
)
from perfgate.adapters.suite_head import LOOKED_AT, Head, look
from perfgate.adapters.suite_report import Report
from perfgate.errors import InputError


class SuiteFormat(NamedTuple):
    """A format of test reports: `roots` are the names of its XML's root, `keys` what all its JSON has near the beginning.

    Each of `keys` may hold several names, of which one is enough. `lacks` are keys that a similar format has and this one never.
    `listed`: whether the JSON value is a list. `read` adds the cases of a stream to a report; its second argument names the file.
    """

    name: str
    description: str
    read: Callable[[BinaryIO, str, Report], None]
    roots: tuple[str, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    lacks: tuple[str, ...] = ()
    listed: bool = False

    def why_not(self, head: Head) -> str:
        """Why a file is not in this format; "" where it is."""
        if self.roots:
            if head.kind != "xml":
                return "the file is not XML"
            if head.root not in self.roots:
                wanted = " or ".join(f"<{root}>" for root in self.roots)
                return (
                    f"the root element is <{head.root[:60]}>, not {wanted}" if head.root else "no root element is found"
                )
            return ""
        if head.kind != "json":
            return "the file is not JSON"
        if head.listed != self.listed:
            return "the JSON is an object, not a list" if self.listed else "the JSON is a list, not an object"
        for names in self.keys:
            if not any(name in head.keys for name in names):
                return f"there is no {' or '.join(names)} near the beginning"
        beside = next((name for name in self.lacks if name in head.keys), "")
        return f"it has {beside}" if beside else ""


#: The richer ones first: where one run left several reports, the first of these is read.
FORMATS: tuple[SuiteFormat, ...] = (
    SuiteFormat(
        "perfgate",
        "the record of perfgate's own pytest plugin",
        pytest_record.read,
        keys=(("schema",), ("perfgate",), ("plugins",)),
    ),
    SuiteFormat(
        "pytest-reportlog",
        "JSON Lines of pytest-reportlog",
        pytest_reportlog.read,
        keys=(("$report_type", "pytest_version"),),
    ),
    SuiteFormat(
        "pytest-json-report",
        "JSON of pytest-json-report",
        pytest_json_report.read,
        keys=(("exitcode",), ("root",), ("summary",), ("created",)),
    ),
    SuiteFormat(
        "jest",
        "jest --json",
        jest.read_jest,
        keys=(("numRuntimeErrorTestSuites",), ("numTotalTests",)),
    ),
    SuiteFormat(
        "vitest",
        "JSON of vitest",
        jest.read_vitest,
        keys=(("numTotalTestSuites",), ("numTotalTests",)),
        lacks=("numRuntimeErrorTestSuites",),
    ),
    SuiteFormat(
        "mocha", "mocha --reporter json", mocha.read, keys=(("stats.passes",), ("stats.suites",), ("stats.pending",))
    ),
    SuiteFormat(
        "playwright",
        "JSON of Playwright",
        playwright.read,
        keys=(("config.rootDir", "config.configFile"), ("config.workers", "config.projects")),
    ),
    SuiteFormat("rspec", "rspec --format json", rspec.read, keys=(("version",), ("examples",))),
    SuiteFormat("go", "go test -json", go_tests.read, keys=(("Action",), ("Package", "ImportPath"))),
    SuiteFormat(
        "libtest",
        "JSON Lines of Rust's test harness and of cargo nextest",
        libtest.read,
        keys=(("type",), ("event",)),
        lacks=("Action",),
    ),
    SuiteFormat("trx", "TRX of VSTest", trx.read, roots=("TestRun",)),
    SuiteFormat("nunit", "XML of NUnit 3 and 2.5", nunit.read, roots=("test-run", "test-results")),
    SuiteFormat("xunit", "XML of xUnit.net", xunit_net.read, roots=("assemblies", "assembly")),
    SuiteFormat("junit", "JUnit XML of every dialect", junit.read, roots=("testsuites", "testsuite")),
)
NAMES: tuple[str, ...] = tuple(each.name for each in FORMATS)
_BY_NAME = {each.name: each for each in FORMATS}


class UnknownFormat(InputError):
    """The file is readable, but is in no format of the registry."""


def read(stream: BinaryIO, where: str, report: Report, name: str = "") -> str:
    """Add the cases of a report file, and answer its format; `name` insists on one.

    The stream must be able to go back to its beginning. Raises UnknownFormat with why each format does not match, InputError
    where the file is broken.
    """
    found = detect(stream, where, name)
    found.read(stream, where, report)
    return found.name


def detect(stream: BinaryIO, where: str, name: str = "") -> SuiteFormat:
    """The format of a report file, which is not read further; `name` insists on one, and only a wrong kind of file is refused then."""
    if name:
        known(name)
    head = look(stream.read(LOOKED_AT))
    stream.seek(0, io.SEEK_SET)
    if not head.kind:
        raise InputError(
            "the file is empty", where=where, remedy="let the tests write it again; they may have been stopped"
        )
    candidates = [_BY_NAME[name]] if name else list(FORMATS)
    reasons: dict[str, list[str]] = {}
    for each in candidates:
        why = each.why_not(head)
        if not why:
            return each
        reasons.setdefault(why, []).append(each.name)
    if head.kind == "xml" and not head.root and name in {"", "junit"}:
        # Broken before its first element: the reader of XML says what is wrong, and where.
        return _BY_NAME["junit"]
    told = "".join(f"\n  {', '.join(names)}: {why}" for why, names in reasons.items())
    what = f"this is not a report of the format {name}" if name else "this is no test report that perfgate reads"
    remedy = "see docs/reference/test-reports.md for what is read, or let the tests write JUnit XML"
    raise UnknownFormat(f"{what}{told}", where=where, remedy=remedy)


def belongs(start: bytes, *, likely: bool) -> bool:
    """Whether a file found in a folder is taken for a test report, by its first bytes.

    A `likely` one, by its name, is left alone only where it shows that it is something else: a broken report must be noticed.
    """
    head = look(start)
    if likely and not head.root:
        return True
    return any(not each.why_not(head) for each in FORMATS)


def known(name: str) -> SuiteFormat:
    """The format of this name; InputError for one that there is not."""
    if name not in _BY_NAME:
        raise InputError(f'there is no format "{name}"', remedy=f"there are {', '.join(NAMES)}")
    return _BY_NAME[name]
