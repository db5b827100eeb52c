"""Which format a test report is in: found from its content, and where none is, why each is not."""

from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import suite_formats
from perfgate.adapters.suite_formats import FORMATS, UnknownFormat
from perfgate.adapters.suite_head import LOOKED_AT, look
from perfgate.errors import InputError
from tests.adapters.suite_totals import CORPUS, EXPECTED, read

OWN = {
    "pytest-reportlog": '{"pytest_version": "9", "$report_type": "SessionStart"}\n',
    "pytest-json-report": '{"created": 1, "exitcode": 0, "root": "/x", "summary": {}, "tests": []}',
    "jest": '{"numRuntimeErrorTestSuites": 0, "numTotalTests": 0, "testResults": []}',
    "vitest": '{"numTotalTestSuites": 0, "numTotalTests": 0, "testResults": []}',
    "mocha": '{"stats": {"suites": 0, "passes": 0, "pending": 0}, "tests": []}',
    "playwright": '{"config": {"rootDir": "/x", "workers": 1}, "suites": []}',
    "rspec": '{"version": "3", "examples": []}',
    "go": '{"Action": "start", "Package": "p"}\n',
    "libtest": '{"type": "suite", "event": "started"}\n',
    "trx": '<TestRun xmlns="urn:x"/>',
    "nunit": "<test-run/>",
    "xunit": "<assemblies/>",
    "junit": "<testsuites/>",
}


def detected(text: str | bytes, name: str = "") -> str:
    data = text.encode() if isinstance(text, str) else text
    return suite_formats.detect(io.BytesIO(data), "report", name).name


@pytest.mark.parametrize("name", OWN)
def test_each_format_is_known_by_what_only_it_has(name: str) -> None:
    assert detected(OWN[name]) == name
    head = look(OWN[name].encode())
    assert [each.name for each in FORMATS if not each.why_not(head)] == [name]


def test_no_report_of_the_corpus_is_in_two_formats() -> None:
    for path in CORPUS.rglob("*"):
        if path.is_file() and not path.name.endswith((EXPECTED, ".md")):
            head = look(path.read_bytes()[:LOOKED_AT])
            assert len([each for each in FORMATS if not each.why_not(head)]) == 1, path.name


def test_names_and_descriptions_are_there_once_and_the_richer_formats_come_first() -> None:
    names = [each.name for each in FORMATS]
    assert len(set(names)) == len(names)
    assert all(each.description for each in FORMATS)
    assert names[-1] == "junit"


def test_marks_spaces_prefixes_and_the_order_of_keys_change_nothing() -> None:
    assert detected(b"\xef\xbb\xbf" + OWN["jest"].encode()) == "jest"
    assert detected("\n\n  " + OWN["trx"]) == "trx"
    assert detected('<?xml version="1.0"?>\n<!-- x --><a:testsuite xmlns:a="urn:a"/>') == "junit"
    assert detected("<testsuites/>".encode("utf-16")) == "junit"
    assert detected(json.dumps(json.loads(OWN["pytest-json-report"]), indent=4, sort_keys=True)) == "pytest-json-report"
    assert (
        detected('{"$schema": "x", "failures": [{"stats": 1}], "stats": {"passes": 1, "suites": 1, "pending": 0}}')
        == "mocha"
    )


def test_lines_that_a_build_prints_first_do_not_hide_the_events() -> None:
    assert detected("go: downloading example.com/x v1\n# example.com/m\n" + OWN["go"]) == "go"
    assert detected("   Compiling corpus v0.1.0\n" + OWN["libtest"]) == "libtest"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (
            "<html/>",
            ["junit: the root element is <html>, not <testsuites> or <testsuite>", "trx: the root element is <html>"],
        ),
        ("hello", ["the file is not JSON", "the file is not XML"]),
        ("[1, 2]", ["the JSON is a list, not an object"]),
        ('{"a": {"numTotalTests": 1}}', ["jest: there is no numRuntimeErrorTestSuites near the beginning"]),
    ],
)
def test_a_file_in_no_format_is_refused_with_why_each_is_not_its_own(text: str, reasons: list[str]) -> None:
    with pytest.raises(UnknownFormat, match="no test report that perfgate reads") as caught:
        read(text)
    for reason in reasons:
        assert reason in str(caught.value)
    assert caught.value.where == "report"


def test_an_empty_file_and_broken_xml_are_told_as_such() -> None:
    for empty in ("", "\n \n", "\0\0"):
        with pytest.raises(InputError, match="the file is empty"):
            read(empty)
    with pytest.raises(InputError, match="not well-formed XML") as caught:
        read("<testsuites")
    assert caught.value.where.startswith("report:1:")
    with pytest.raises(InputError, match="document type"):
        read('<!DOCTYPE x [<!ENTITY a "b">]><testsuites/>')


def test_a_format_can_be_insisted_on_and_only_it_is_tried() -> None:
    assert detected(OWN["go"], "go") == "go"
    with pytest.raises(UnknownFormat, match="not a report of the format trx") as caught:
        read(OWN["go"], "trx")
    assert "junit" not in str(caught.value).splitlines()[1]
    with pytest.raises(InputError, match='there is no format "pest"') as caught_name:
        read(OWN["go"], "pest")
    assert "pytest-reportlog, pytest-json-report, jest" in caught_name.value.remedy


def test_a_likely_file_of_a_folder_is_left_alone_only_where_it_shows_that_it_is_something_else() -> None:
    for text, likely, taken in (
        ("<testsuites/>", True, True),
        ("<coverage/>", True, False),
        ("", True, True),
        ("<testsuites", True, True),
        ("not xml", True, True),
        ("{}", False, False),
        ("", False, False),
        (OWN["jest"], False, True),
        (OWN["go"], False, True),
    ):
        assert suite_formats.belongs(text.encode(), likely=likely) == taken, text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\ ab1<>/!', max_size=200).map(str.encode))
def test_looking_at_any_bytes_ends_without_an_error(data: bytes) -> None:
    assert look(data).kind in {"", "xml", "json", "text"}


def test_looking_is_quick_whatever_the_file_holds() -> None:
    for nasty in (
        b'{"' + b'\\"' * LOOKED_AT,
        b"[" * LOOKED_AT,
        b'{"a":' * LOOKED_AT,
        b"\n" * LOOKED_AT,
        b"<a " * LOOKED_AT,
    ):
        began = time.process_time()
        look(nasty[:LOOKED_AT])
        assert time.process_time() - began < 5
