"""A second reader of JUnit XML, for the tests only: a tree in memory, the rules of docs/reference/test-reports.md, none of perfgate's code."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

_GO = re.compile(r"(Test|Fuzz|Example|Benchmark)([^a-z\s]\w*|)(/\S+)*")
_SCALE = {
    unit: Decimal(scale)
    for unit, scale in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1), ("ms", "1e-3"), ("us", "1e-6"))
}
_ONLY_TESTS = ["jest tests", "vitest tests", "Mocha Tests", "AllTests", "rspec"]


class Totals(NamedTuple):
    """What a report adds up to; times in seconds."""

    cases: int
    executed: int
    passed: int
    failed: int
    skipped: int
    flaky: int
    suspects: int
    case_time: float


class _Row(NamedTuple):
    """One element `testcase`: its suite element, names, outcome, whether it tells of an earlier failure, and its times' text."""

    suite: int
    names: tuple[str, str, str]
    outcome: str
    recovered: bool
    times: list[str]


def totals(path: Path) -> Totals:
    """The totals of a report; raises ParseError for what is no XML."""
    # XML forbids these; runners write them in captured output.
    data = re.sub(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", b"?", path.read_bytes())
    root = ET.fromstring(data)
    rows = list(_rows(root))
    group = _commas_group(root, rows)
    tests = _grouped(rows, several=_only_tests(root, data))
    seconds: dict[tuple[int, str, str], Decimal] = {}
    outcomes = []
    for attempts in tests:
        suite, (classname, name, _) = attempts[0].suite, attempts[0].names
        spent = sum((_seconds(text, group=group) for each in attempts for text in each.times), Decimal(0))
        seconds[suite, classname, name] = seconds.get((suite, classname, name), Decimal(0)) + spent
        outcomes.append(_outcome(attempts))
    twins = _skipped_twins(rows) if _only_tests(root, data) else 0
    count = [outcome for outcome, _ in outcomes].count
    return Totals(
        cases=len(tests),
        executed=len(tests) - count("skipped"),
        passed=count("passed"),
        failed=count("failed"),
        skipped=count("skipped"),
        flaky=outcomes.count(("passed", "flaky")),
        suspects=outcomes.count(("passed", "suspect")) + twins,
        case_time=float(sum(_without_subtests(seconds).values(), Decimal(0))),
    )


def _tag(element: ET.Element) -> str:
    return element.tag.split("}")[-1]


def _rows(suite: ET.Element) -> Iterator[_Row]:
    for child in suite:
        if _tag(child) == "testsuite":
            yield from _rows(child)
        elif _tag(child) == "testcase":
            yield _row(id(suite), child)


def _row(suite: int, case: ET.Element) -> _Row:
    kinds = [_tag(child) for child in case]
    todo = any(_tag(child) == "skipped" and child.get("type") == "todo" for child in case)
    words = {case.get("status"), case.get("result")}
    if todo or words & {"notrun", "disabled", "suppressed", "skipped"}:
        outcome = "skipped"
    elif {"failure", "error", "rerunFailure", "rerunError"} & set(kinds) or words & {"fail", "failed", "error"}:
        outcome = "failed"
    else:
        outcome = "skipped" if "skipped" in kinds else "passed"
    recovered = bool({"flakyFailure", "flakyError"} & set(kinds)) or case.get("flaky") == "true"
    times = [
        each.get("time", "") for each in (case, *case) if each is case or "flaky" in each.tag or "rerun" in each.tag
    ]
    names = case.get("classname", ""), case.get("name", ""), case.get("file", "")
    return _Row(suite, names, outcome, recovered, [text for text in times if text])


def _only_tests(root: ET.Element, data: bytes) -> bool:
    """Whether the producer writes no attempts as cases: equal names are then several tests."""
    suites = [each for each in root.iter() if _tag(each) == "testsuite"]
    node = all(each.get("disabled") and "timestamp" not in each.attrib and "hostname" in each.attrib for each in suites)
    return (
        root.get("name") in _ONLY_TESTS
        or b"surefire-test-report" in data
        or b"by org.testng.reporters" in data
        or any("assertions" in each.attrib for each in suites)
        or (bool(suites) and node)
    )


def _grouped(rows: list[_Row], *, several: bool) -> list[list[_Row]]:
    found: dict[object, list[_Row]] = {}
    for number, row in enumerate(rows):
        nameless = row.names[:2] == ("", "")
        found.setdefault(number if several or nameless else (row.suite, row.names), []).append(row)
    return list(found.values())


def _outcome(attempts: list[_Row]) -> tuple[str, str]:
    ran = [each.outcome for each in attempts if each.outcome != "skipped"]
    if not ran or ran[-1] == "failed":
        return (ran[-1] if ran else "skipped"), ""
    if "failed" in ran or any(each.recovered for each in attempts):
        return "passed", "flaky"
    return "passed", "suspect" if len(attempts) > 1 else ""


def _skipped_twins(rows: list[_Row]) -> int:
    """Tests that passed beside a skipped case of their names: TestNG's retried attempts."""
    skipped = {(row.suite, row.names) for row in rows if row.outcome == "skipped"}
    return sum((row.suite, row.names) in skipped for row in rows if row.outcome == "passed")


def _commas_group(root: ET.Element, rows: list[_Row]) -> bool:
    """Whether commas group thousands; told by other times of the file, else by what the suites' times leave room for."""
    texts = [text for row in rows for text in row.times] + [each.get("time", "") for each in root.iter()]
    if any(re.fullmatch(r"0,\d+|\d+,(\d{1,2}|\d{4,})", text) for text in texts):
        return False
    if any("," in text and "." in text for text in texts):
        return True
    told = max(
        (float(each.get("time", "0")) for each in root.iter() if re.fullmatch(r"[\d.]+", each.get("time", ""))),
        default=0.0,
    )
    longest = max(
        (float(text.replace(",", "")) for row in rows for text in row.times if re.fullmatch("[0-9,]+", text)),
        default=0.0,
    )
    return not 0 < told < longest


def _seconds(text: str, *, group: bool) -> Decimal:
    text = text.replace(",", "" if group else ".")
    if re.fullmatch(r"[\d.]+(e-?\d+)?", text):
        return Decimal(text)
    parts = re.findall(r"([\d.]+)\s*([a-z]+)", text)
    return sum((Decimal(number) * _SCALE[unit] for number, unit in parts), Decimal(0))


def _without_subtests(seconds: dict[tuple[int, str, str], Decimal]) -> dict[tuple[int, str, str], Decimal]:
    """Go's tests without the time of their direct subtests, which they contain; never less than nothing."""
    own = dict(seconds)
    for (suite, classname, name), spent in seconds.items():
        if "/" in name and _GO.fullmatch(name):
            above = [other for other in seconds if other[:2] == (suite, classname) and name.startswith(other[2] + "/")]
            if above:
                own[max(above, key=lambda each: len(each[2]))] -= spent
    return {key: max(value, Decimal(0)) for key, value in own.items()}
