"""JUnit reports of every dialect at hand: totals that other code finds too, and hostile files refused in a sentence."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import junit
from perfgate.adapters.junit_numbers import LONGEST, Comma, parse
from perfgate.adapters.suite_report import FAILED, PASSED, SKIPPED, Case, Report
from perfgate.errors import InputError, PerfgateError


def read(*files: str | bytes) -> Report:
    report = Report()
    for text in files:
        junit.read(io.BytesIO(text.encode() if isinstance(text, str) else text), "report.xml", report)
    return report


def read_file(path: Path) -> Report:
    report = Report()
    with path.open("rb") as stream:
        junit.read(stream, path.name, report)
    return report


def times(text: str) -> list[float | None]:
    return [case.seconds for case in read(text).cases()]


def only(text: str) -> Case:
    (case,) = read(text).cases()
    return case


def suite(*attributes: str) -> str:
    inner = "".join(f'<testcase classname="c" name="n{number}" {each}/>' for number, each in enumerate(attributes))
    return f'<testsuite name="s">{inner}</testsuite>'


# --- real files -------------------------------------------------------------------------------------------------------


def test_wall_times_are_told_where_the_real_reports_watched_the_clock(shared_data: Path) -> None:
    walls = {path.name: read_file(path).wall for path in (shared_data / "junit" / "real").glob("*.xml")}
    assert walls["pytest_xdist.xml"] == 1.483
    assert walls["gotestsum.xml"] == 3.310507
    assert walls["vitest.xml"] == 0.048717762
    assert walls["jest-junit.xml"] == 0.949
    assert (walls["ctest.xml"], walls["node-test.xml"]) == (None, None)


def test_reruns_that_leave_empty_cases_do_not_make_a_failing_test_pass(shared_data: Path) -> None:
    for name in ("pytest_rerunfailures.xml", "pytest_xdist_reruns.xml"):
        found = {case.name: case for case in read_file(shared_data / "junit" / "real" / name).cases()}
        assert found["test_fail"].state == FAILED
        assert [name for name, case in found.items() if case.suspect] == ["test_flaky"]


def test_surefires_reruns_are_attempts_of_one_case(shared_data: Path) -> None:
    flaky, bad, good = read_file(shared_data / "junit" / "edge" / "surefire_flaky.xml").cases()
    assert (flaky.flaky, flaky.state, flaky.seconds) == (True, PASSED, 0.683)
    assert (bad.flaky, bad.state, bad.seconds) == (False, FAILED, 1024.12)
    assert (good.flaky, good.suspect) == (False, False)


def test_titles_say_what_people_call_a_test(shared_data: Path) -> None:
    def titles(name: str) -> set[str]:
        return {case.title for case in read_file(shared_data / "junit" / "real" / name).cases()}

    assert "test_x.test_ok" in titles("pytest_xunit1.xml")
    assert titles("node-test.xml") >= {"suite.ok", "suite/in.n", "top.sub"}
    assert titles("ctest.xml") == {"ok", "bad", "dis"}
    assert "A B ok" in titles("jest-junit.xml")


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        (['time="1.5"'], [1.5]),
        (['time="0,160"'], [0.16]),
        (['time="0,5"', 'time="1,234"'], [0.5, 1.234]),
        (['time="1,234"', 'time="12,5"'], [1.234, 12.5]),
        (['time="2,120.532"', 'time="1,234"'], [2120.532, 1234.0]),
        (['time="1,234"', 'time="3.1"'], [1234.0, 3.1]),
        (['time="1,234,567"', 'time="1,234"'], [1234567.0, 1234.0]),
        (['time="1.234,5"', 'time="1,234"'], [1234.5, 1.234]),
        (['time="1,234"'], [None]),
        (['time="1,234"', 'time="7"'], [None, 7.0]),
        (['time="0.5"', 'time="0,160"', 'time="1,234"'], [0.5, 0.16, None]),
        (['time="80.803us"', 'time="2 ms"', 'time="3ns"', 'time="1.5s"'], [80.803e-6, 0.002, 3e-9, 1.5]),
        (['time="1e-3"', 'time=" 2 "'], [0.001, 2.0]),
        (['time=".009857"', 'time=" .5 "', 'time="5."'], [0.009857, 0.5, 5.0]),
        (['time="1h 2m"', 'time="1m 2.5s"', 'time="1 min 2 sec"', 'time="1d"'], [3720.0, 62.5, 62.0, 86_400.0]),
        (['time="2m0.5s"', 'time="1,5 ms"', 'time="1,234ms"', 'time="s"'], [120.5, 0.0015, None, None]),
        (['time="PT1H2M3.5S"', 'time="PT0.25S"', 'time="P1DT1S"', 'time="PT"'], [3723.5, 0.25, 86_401.0, None]),
        (['time="00:01:02.5000000"', 'time="1.00:00:01"', 'time="00:99:00"'], [62.5, 86_401.0, None]),
        (["", 'time=""', 'time="fast"', 'time="-1"', 'time="nan"'], [None] * 5),
        (['time="inf"', 'time="1e400"', 'time="1_0"', 'time="1e99"', 'time="1,2,3"'], [None] * 5),
        (['time="0"'], [0.0]),
    ],
)
def test_times_are_read_as_their_dialect_means_them_or_not_at_all(
    attributes: list[str], seconds: list[float | None]
) -> None:
    assert times(suite(*attributes)) == pytest.approx(seconds)


def test_evidence_at_the_end_of_a_long_report_still_settles_a_comma_at_its_beginning() -> None:
    assert times(suite('time="1,234"', *['time="1"'] * 5000, 'time="0.5"'))[0] == 1234.0


def test_the_suites_own_time_is_evidence_too() -> None:
    text = '<testsuite time="2,120.532"><testcase name="a" time="1,024"/></testsuite>'
    assert times(text) == [1024.0]
    assert read('<testsuite time="1,024"><testcase name="a" time="0.5"/></testsuite>').wall == 1024.0


@pytest.mark.parametrize(
    ("told", "cases", "seconds"),
    [
        ("3.5", ("1,260", "2,200"), [1.26, 2.2]),
        ("3460", ("1,260", "2,200"), [1260.0, 2200.0]),
        ("3,460", ("1,260", "2,200"), [None, None]),
        ("2", ("1,260", "1,900"), [1.26, 1.9]),
        ("500", ("1,260", "2,200"), [1.26, 2.2]),
        ("90000", ("1,260", "2,200"), [None, None]),
        ("3,460", ("1,260", "2,100", "0.1"), [1260.0, 2100.0, 0.1]),
        ("1261", ("1,260", "1"), [1260.0, 1.0]),
    ],
)
def test_a_suites_time_settles_the_commas_that_add_up_to_it_or_leave_no_room(
    told: str, cases: tuple[str, ...], seconds: list[float | None]
) -> None:
    inner = "".join(f'<testcase name="{each}" time="{each}"/>' for each in cases)
    assert times(f'<testsuite time="{told}">{inner}</testsuite>') == pytest.approx(seconds)


def test_each_suite_settles_its_own_commas() -> None:
    text = '<testsuite time="{}"><testcase name="a" time="1,260"/><testcase name="b" time="2,200"/></testsuite>'
    assert times(f"<testsuites>{text.format('3.5')}{text.format('3460')}</testsuites>") == [1.26, 2.2, 1260.0, 2200.0]


def test_times_that_cannot_be_read_are_counted_with_the_first_place() -> None:
    report = read('<testsuite>\n<testcase name="a" time="x"/>\n<testcase name="b" time="-1"/></testsuite>')
    assert (report.unreadable_times, report.first_unreadable) == (2, "report.xml:2")
    assert report.untimed() == 2
    report = read('<testsuite>\n\n<testcase name="a" time="1,234"/></testsuite>')
    assert (report.unreadable_times, report.first_unreadable) == (1, "report.xml:3")


def test_skipped_cases_need_no_time() -> None:
    assert read('<testsuite><testcase name="a"><skipped/></testcase></testsuite>').untimed() == 0


@pytest.mark.parametrize(
    ("attributes", "step"),
    [
        (['time="1"', 'time="2"'], 0),
        (['time="1.5"', 'time="0.125"'], 0.001),
        (['time="0,16"'], 0.01),
        (['time="80.803us"'], 1e-9),
        (['time="0.12345678901234567"'], 1e-9),
        (['time="2,120.5"', 'time="1,234"'], 0.001),
    ],
)
def test_the_resolution_is_the_smallest_step_of_the_times(attributes: list[str], step: float) -> None:
    assert read(suite(*attributes)).resolution == pytest.approx(step)


@given(st.floats(0, LONGEST / 2, allow_nan=False))
@settings(deadline=None, max_examples=200)
def test_a_number_is_the_same_in_every_dialect_that_can_write_it(value: float) -> None:
    text = f"{value:.4f}"
    assert parse(text).seconds == float(text)
    comma = parse(text.replace(".", ","))
    assert (comma.seconds, comma.comma) == (float(text), Comma.DECIMAL)
    assert comma.step == pytest.approx(1e-4)
    assert parse(f"{value:,.4f}").seconds == float(text)


@given(st.text(alphabet="0123456789.,eE+-µmns _∞", max_size=12) | st.text(max_size=8))
@settings(deadline=None, max_examples=300)
def test_every_text_is_a_finite_time_or_none(text: str) -> None:
    seconds = parse(text).seconds
    assert seconds is None or 0 <= seconds < LONGEST


# --- identities, attempts, walls --------------------------------------------------------------------------------------


def test_attempts_of_one_case_are_one_case_and_the_last_one_counts() -> None:
    def attempts(*inner: str) -> Case:
        return only(
            "<testsuite>" + "".join(f'<testcase name="a" time="1">{each}</testcase>' for each in inner) + "</testsuite>"
        )

    case = attempts("<failure/>", "")
    assert (case.seconds, case.flaky, case.state) == (2.0, True, PASSED)
    case = attempts("", "", "<error/>")
    assert (case.seconds, case.flaky, case.state) == (3.0, False, FAILED)
    case = attempts("", "")
    assert (case.flaky, case.suspect) == (False, True)
    case = attempts("<failure/>", "<error/>")
    assert (case.flaky, case.suspect, case.state) == (False, False, FAILED)


def test_a_skipped_attempt_hides_neither_a_failure_nor_a_pass() -> None:
    skipped = '<testcase name="a"><skipped/></testcase>'
    assert only(f'<testsuite><testcase name="a"><failure/></testcase>{skipped}</testsuite>').state == FAILED
    assert only(f'<testsuite><testcase name="a"/>{skipped}</testsuite>').state == PASSED
    assert only(f'<testsuite>{skipped}<testcase name="a"/></testsuite>').state == PASSED
    assert only(f"<testsuite>{skipped}{skipped}</testsuite>").state == SKIPPED
    assert only('<testsuite><testcase name="a"><failure/><skipped/></testcase></testsuite>').state == FAILED


def test_a_rerun_that_tells_its_time_adds_it() -> None:
    text = '<testsuite><testcase name="a" time="1"><flakyFailure time="2"/><flakyError/></testcase></testsuite>'
    assert (only(text).seconds, only(text).flaky) == (3.0, True)


def test_cases_of_one_name_in_other_suites_files_or_reports_are_other_cases() -> None:
    inner = '<testcase name="a"/>'
    assert (
        len(
            read(
                f'<testsuites><testsuite name="x">{inner}</testsuite><testsuite name="y">{inner}</testsuite></testsuites>'
            )
        )
        == 2
    )
    assert len(read(f'<testsuite name="x">{inner}<testsuite name="x">{inner}</testsuite></testsuite>')) == 2
    assert len(read('<testsuite><testcase name="a" file="x"/><testcase name="a" file="y"/></testsuite>')) == 2
    assert len(read(f"<testsuite>{inner}</testsuite>", f"<testsuite>{inner}</testsuite>")) == 2
    assert len(read(f"<testsuite>{inner}{inner}</testsuite>")) == 1


def test_suites_of_one_name_are_several_and_so_are_their_cases() -> None:
    text = '<testsuite name="x" hostname="{}"><testcase name="a">{}</testcase></testsuite>'
    report = read(f"<testsuites>{text.format('one', '<failure/>')}{text.format('two', '')}</testsuites>")
    assert (len(report), report.count(FAILED), report.flaky()) == (2, 1, [])


def test_an_outcome_that_only_an_attribute_tells_counts() -> None:
    assert only('<testsuite><testcase name="a" status="failed"/></testsuite>').state == FAILED
    assert only('<testsuite><testcase name="a" result="error"/></testsuite>').state == FAILED
    assert only('<testsuite><testcase name="a" status="ignored"/></testsuite>').state == SKIPPED
    assert only('<testsuite><testcase name="a" status="run" result="completed"/></testsuite>').state == PASSED
    assert only('<testsuite><testcase name="a" flaky="true"/></testsuite>').flaky
    assert not only('<testsuite><testcase name="a" flaky="false"/></testsuite>').flaky


def test_counters_matter_only_where_nothing_of_what_they_count_is_there() -> None:
    assert read('<testsuite tests="5"/>').missing == 5
    assert read('<testsuites tests="5"><testsuite tests="5"/></testsuites>').missing == 5
    assert read('<testsuite tests="5"><testcase name="a"/></testsuite>').missing == 0
    assert read('<testsuite failures="2" errors="1"><testcase name="a"/></testsuite>').loose_failures == 3
    assert read('<testsuite failures="2"><testcase name="a"><failure/></testcase></testsuite>').loose_failures == 0
    assert read('<testsuite failures="1"><failure/></testsuite>').loose_failures == 1
    assert read('<testsuite flakes="2"><testcase name="a"><flakyFailure/></testcase></testsuite>').untold_flaky == 1
    assert read('<testsuite tests="-1" failures="x" flaky="1e9"/>').missing == 0


def test_only_names_of_go_tests_contain_their_subtests() -> None:
    def seconds(*names: str) -> list[float | None]:
        return times("<testsuite>" + "".join(f'<testcase name="{name}" time="2"/>' for name in names) + "</testsuite>")

    assert seconds("TestA", "TestA/b") == [0.0, 2.0]
    assert seconds("TestA/b", "TestA/b/c", "TestA") == [0.0, 2.0, 0.0]
    assert seconds("Test", "Test/b") == [0.0, 2.0]
    assert seconds("GET /a", "GET /a/b") == [2.0, 2.0]
    assert seconds("Testing", "Testing/b") == [2.0, 2.0]
    assert seconds("TestA", "TestA/with blank") == [2.0, 2.0]
    assert seconds("TestA/b") == [2.0]


def test_slashes_in_suite_names_do_not_make_two_suites_one() -> None:
    nested = '<testsuite name="a"><testsuite name="b"><testcase name="t"/></testsuite></testsuite>'
    assert len(read(f'<testsuites>{nested}<testsuite name="a/b"><testcase name="t"/></testsuite></testsuites>')) == 2


def test_cases_without_a_name_are_each_their_own() -> None:
    report = read("<testsuite><testcase/><testcase><failure/></testcase></testsuite>")
    assert (len(report), report.count(FAILED), report.nameless) == (2, 1, 2)


def test_names_too_long_to_keep_stay_apart() -> None:
    first, second = read(
        f'<testsuite><testcase name="{"x" * 5000}1"/><testcase name="{"x" * 5000}2"/></testsuite>'
    ).cases()
    assert first.name != second.name
    assert len(first.name) <= 1000


def test_failures_of_a_whole_suite_are_told_apart_from_those_of_cases() -> None:
    report = read('<testsuite><error message="set-up"/><testcase name="a"/></testsuite>')
    assert (report.loose_failures, report.count(FAILED)) == (1, 0)


def test_the_wall_time_is_the_roots_or_that_of_the_only_suite() -> None:
    assert read('<testsuites time="9"><testsuite time="5"/><testsuite time="5"/></testsuites>').wall == 9
    assert read('<testsuites time="0"><testsuite time="5"/></testsuites>').wall == 5
    assert read('<testsuites><testsuite time="5"/><testsuite time="6"/></testsuites>').wall is None
    assert read('<testsuites><testsuite time="5"/><testcase name="beside it" time="1"/></testsuites>').wall is None
    assert read('<testsuites><testcase name="before it"/><testsuite time="5"/></testsuites>').wall is None
    assert read('<testsuite time="0"/>').wall is None
    assert read('<testsuite time="5"/>', '<testsuite time="6"/>').wall is None


def test_a_wall_time_shorter_than_the_longest_case_is_not_believed() -> None:
    report = read('<testsuite time="2.5"><testcase name="a" time="7.5"/></testsuite>')
    assert report.wall is None
    assert "2.5 s" in report.no_wall
    assert "7.5 s" in report.no_wall


def test_a_report_is_called_what_it_calls_itself() -> None:
    assert read('<testsuites name="all"><testsuite name="a"/></testsuites>').names == {"all"}
    assert read('<testsuites><testsuite name="a"><testsuite name="b"/></testsuite></testsuites>').names == {"a"}
    assert read('<testsuites><testsuite name="a"/><testsuite name="b"/></testsuites>').names == {""}
    assert read('<testsuite name="(empty)"/>').names == {""}


def test_namespaces_and_prefixes_change_nothing() -> None:
    text = '<j:testsuites xmlns:j="urn:x"><j:testsuite name="s"><j:testcase name="a" time="1"><j:failure/></j:testcase></j:testsuite></j:testsuites>'
    assert only(text) == Case("s", "", "a", "", 1.0, FAILED, flaky=False, suspect=False)


# --- hostile files ----------------------------------------------------------------------------------------------------

LAUGHS = b"<!DOCTYPE l [" + b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10)) + b"]>"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"   \n", "no element found"),
        (b"<testsuite>", "no element found"),
        (b"<testsuite><testcase name='a'", "unclosed token"),
        (b"<testsuite><testcase></testsuite>", "mismatched tag"),
        (b"<html/>", "root element is <html>"),
        (b"{}", "not well-formed"),
        (LAUGHS + b"<testsuite name='&l9;'/>", "document type"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        (
            b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1/">%a;]><testsuite/>',
            "document type",
        ),
        (b"<testsuite>" * 100_000, "nested deeper"),
        (b"<testsuite>" + b"<testcase>" * 100, "nested deeper"),
        (b"<testsuite><a>" + b"<b>" * 100, "nested deeper"),
        (b"<testsuite name='a' name='b'/>", "duplicate attribute"),
        (b"<testsuite name='&#0;'/>", "invalid character"),
        (b"<testsuite name='\xff'/>", "invalid token"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b"\0" * 5000, "not well-formed"),
        (b'<?xml version="1.0" encoding="no-such"?><testsuite/>', "declared encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><testsuite/>', "declared encoding"),
        (b'<?xml version="1.0" encoding="hex"?><testsuite/>', "declared encoding"),
        (b'<?xml version="1.0" encoding="utf-16"?><testsuite/>', "encoding"),
        (b"<testsuite>" + b"".join(b"<a%x/>" % n for n in range(50_000)), "names of elements"),
    ],
)
def test_a_hostile_report_is_refused_in_a_sentence(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        read(data)
    assert caught.value.where.startswith("report.xml")
    assert caught.value.remedy


def test_more_cases_or_suites_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "CASES", 5)
    monkeypatch.setattr(junit, "SUITES", 5)
    assert len(read(suite(*[""] * 5))) == 5
    with pytest.raises(InputError, match="more than 5 cases"):
        read(suite(*[""] * 6))
    with pytest.raises(InputError, match="more than 5 suites"):
        read("<testsuites>" + "<testsuite/>" * 6 + "</testsuites>")


class Endless:
    """A beginning, and then the same byte up to 100 MB."""

    def __init__(self, beginning: bytes, fill: bytes) -> None:
        self.left = 100_000_000
        self.beginning, self.fill = beginning, fill

    def read(self, size: int = -1, /) -> bytes:
        part = (self.beginning or self.fill * size)[: min(size, self.left)]
        self.beginning = b""
        self.left -= len(part)
        return part


@pytest.mark.parametrize("beginning", [b"<testsuite name='", b"<testsuite><!--", b"<testsuite><"])
def test_an_endless_tag_is_refused_long_before_its_end(beginning: bytes) -> None:
    stream = Endless(beginning, b"x")
    with pytest.raises(InputError, match="larger than 8 MB"):
        junit.read(cast("BinaryIO", stream), "report.xml", Report())
    assert stream.left > 90_000_000


def test_a_hundred_megabytes_of_output_are_passed_over() -> None:
    stream = Endless(b"<testsuite><system-out>", b"x")
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="no element found"):
            junit.read(cast("BinaryIO", stream), "report.xml", Report())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert stream.left == 0
    assert peak < 5_000_000


def test_long_names_of_nested_suites_are_not_kept_for_every_case() -> None:
    deep = "".join(f'<testsuite name="{"x" * 900}{number}">' for number in range(60))
    cases = "".join(f'<testcase name="{number}"/>' for number in range(1000))
    report = read(deep + cases + "</testsuite>" * 60)
    assert len(report) == 1000
    assert sum(len(key) for key in report._index) < 100_000


def test_characters_that_xml_forbids_are_read_as_question_marks_and_told() -> None:
    report = read(b"<testsuite><testcase name='a\x00b\x1b' time='1'/></testsuite>")
    assert (next(report.cases()).name, report.control_characters) == ("a?b?", True)
    assert not read("<testsuite>\t\r\n</testsuite>").control_characters


def test_other_encodings_are_read() -> None:
    for encoding in ("utf-8-sig", "utf-16", "latin-1", "windows-1252"):
        declared = encoding.removesuffix("-sig")
        text = f'<?xml version="1.0" encoding="{declared}"?><testsuite><testcase name="\xe4" time="1"/></testsuite>'
        assert next(read(text.encode(encoding)).cases()).name == "\xe4"


GOOD = b'<testsuites><testsuite name="s" time="1.5"><testcase classname="c" name="n" time="0,5"><failure>x</failure></testcase><testcase name="m" time="2"/></testsuite></testsuites>'
PIECES = [
    b"<testcase>",
    b'"',
    b"</testsuite>",
    b"time='-1'",
    b"&#0;",
    b"<testsuite>",
    b"<skipped/>",
    b"</testcase>",
    b"<?x?>",
]


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_damaged_reports_give_cases_or_an_error_of_ours(data: st.DataObject) -> None:
    text = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(st.binary(max_size=6) | st.sampled_from(PIECES))
        text[at : at + data.draw(st.integers(0, 8))] = piece
    try:
        report = read(bytes(text))
    except PerfgateError as error:
        assert error.where
        return
    assert len(list(report.cases())) == len(report) == len(report.seconds)
    assert all(case.seconds is None or case.seconds >= 0 for case in report.cases())
