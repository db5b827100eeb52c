"""JUnit reports of every dialect at hand: totals that other code finds too, and hostile files refused in a sentence."""

from __future__ import annotations

import io
import math
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.junit import FAILED, SKIPPED, Report
from perfgate.errors import InputError, PerfgateError


def read(text: str | bytes) -> Report:
    report = Report()
    report.read(io.BytesIO(text.encode() if isinstance(text, str) else text), "report.xml")
    return report


def times(text: str) -> list[float | None]:
    return [case.seconds for case in read(text).cases()]


def cases(*attributes: str) -> str:
    inner = "".join(f'<testcase classname="c" name="n{number}" {each}/>' for number, each in enumerate(attributes))
    return f'<testsuite name="s">{inner}</testsuite>'


#: Files whose numbers or structure need more than the plain reading below; each has a test of its own.
SPECIAL = {
    "decimal_comma.xml",
    "unit_suffix.xml",
    "surefire_flaky.xml",
    "entity.xml",
    "nul_control.xml",
    "corrupt-xml.xml",
}


def plainly(path: Path) -> tuple[int, int, float]:
    """Cases, failures and seconds by another route: a tree, local names, the last of equal identities."""
    found: dict[tuple[object, ...], tuple[bool, bool]] = {}
    seconds = 0.0

    def walk(element: ET.Element, suites: tuple[str, ...]) -> None:
        nonlocal seconds
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag == "testsuite":
                walk(child, (*suites, child.get("name", "")))
            elif tag == "testcase":
                kinds = {inner.tag.rpartition("}")[2] for inner in child}
                not_run = child.get("status") in {"notrun", "disabled"} or child.get("result") == "suppressed"
                key = ("/".join(suites), child.get("classname", ""), child.get("name", ""))
                found[key] = (bool(kinds & {"failure", "error"}), "skipped" in kinds or not_run)
                seconds += float(child.get("time", "0"))

    root = ET.parse(path).getroot()
    walk(root, (root.get("name", ""),) if root.tag.rpartition("}")[2] == "testsuite" else ())
    failed = sum(bad for bad, _ in found.values())
    executed = sum(bad or not skipped for bad, skipped in found.values())
    return executed, failed, seconds


def test_totals_of_real_reports_are_those_that_other_code_finds(shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / "junit").rglob("*.xml") if path.name not in SPECIAL)
    assert len(files) > 20
    for path in files:
        report = Report()
        with path.open("rb") as stream:
            report.read(stream, path.name)
        found = list(report.cases())
        executed = [case for case in found if case.state != SKIPPED]
        ours = (
            len(executed),
            sum(case.state == FAILED for case in executed),
            math.fsum(case.seconds or 0 for case in found),
        )
        assert ours == pytest.approx(plainly(path)), path.name


def test_surefires_reruns_are_attempts_of_one_case(shared_data: Path) -> None:
    path = shared_data / "junit" / "edge" / "surefire_flaky.xml"
    report = Report()
    with path.open("rb") as stream:
        report.read(stream, path.name)
    found = list(report.cases())
    assert [case.flaky for case in found].count(True) == 1
    assert sum(case.state == FAILED for case in found) == 1


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        (['time="1.5"'], [1.5]),
        (['time="0,160"'], [0.16]),
        (['time="0,5"', 'time="1,234"'], [0.5, 1.234]),
        (['time="2,120.532"', 'time="1,234"'], [2120.532, 1234.0]),
        (['time="3.1"', 'time="1,234"'], [3.1, 1234.0]),
        (['time="1,234"'], [None]),
        (['time="80.803us"', 'time="2 ms"'], [80.803e-6, 0.002]),
        (
            ["", 'time=""', 'time="fast"', 'time="-1"', 'time="nan"', 'time="inf"', 'time="1e400"', 'time="1_0"'],
            [None] * 8,
        ),
        (['time="0"'], [0.0]),
    ],
)
def test_times_are_read_as_their_dialect_means_them_or_not_at_all(
    attributes: list[str], seconds: list[float | None]
) -> None:
    assert times(cases(*attributes)) == pytest.approx(seconds)


def test_a_time_that_cannot_be_read_is_told_with_its_line() -> None:
    assert read('<testsuite>\n<testcase name="a" time="1,234"/>\n</testsuite>').unreadable_times == ["report.xml:2"]


def test_attempts_of_one_case_are_one_case_and_the_last_one_counts() -> None:
    report = read(
        '<testsuite><testcase name="a" time="1"><failure/></testcase><testcase name="a" time="2"/></testsuite>'
    )
    (case,) = report.cases()
    assert (case.seconds, case.flaky, case.state) == (3.0, True, 0)
    report = read('<testsuite><testcase name="a" time="1"/><testcase name="a" time="2"/></testsuite>')
    (case,) = report.cases()
    assert case.suspect
    assert not case.flaky


def test_cases_of_one_name_in_other_suites_are_other_cases() -> None:
    report = read(
        '<testsuites><testsuite name="x"><testcase name="a"/></testsuite><testsuite name="y"><testcase name="a"/></testsuite></testsuites>'
    )
    assert len(list(report.cases())) == 2


def test_the_wall_time_is_the_roots_or_that_of_the_only_suite() -> None:
    assert read('<testsuites time="9"><testsuite time="5"/><testsuite time="5"/></testsuites>').wall == 9
    assert read('<testsuites><testsuite time="5"/></testsuites>').wall == 5
    assert read('<testsuites><testsuite time="5"/><testsuite time="6"/></testsuites>').wall is None
    assert read('<testsuite time="0"/>').wall is None


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"<testsuite>", "not well-formed"),
        (b"<html/>", "root element is <html>"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', "document type"),
        (b"<testsuite>" * 100, "nested deeper"),
        (b"<testsuite name='\x00'/>", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><testsuite/>', "encoding"),
        (b"<testsuite name='" + b"x" * 40_000_000, "larger than 16 MB"),
    ],
)
def test_a_hostile_report_is_refused_in_a_sentence(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read(data)
    assert caught.value.where.startswith("report.xml")


def test_other_encodings_are_read() -> None:
    for encoding in ("utf-16", "latin-1", "windows-1252"):
        text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="\xe4" time="1"/></testsuite>'
        assert next(iter(read(text.encode(encoding)).cases())).name == "\xe4"


GOOD = b'<testsuites><testsuite name="s" time="1.5"><testcase classname="c" name="n" time="0,5"><failure>x</failure></testcase><testcase name="m" time="2"/></testsuite></testsuites>'


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_damaged_reports_give_cases_or_an_error_of_ours(data: st.DataObject) -> None:
    text = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 8))] = data.draw(
            st.binary(max_size=6) | st.sampled_from([b"<testcase>", b'"', b"</testsuite>", b"time='-1'", b"&#0;"])
        )
    try:
        for case in read(bytes(text)).cases():
            assert case.seconds is None or case.seconds >= 0
    except PerfgateError as error:
        assert error.where
