"""Measuring test suites: from the reports they left, and by running them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from perfgate.core.entries import TestsEntry
from perfgate.core.model import Capture, Measurement, State
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.suite_running import suite_name, with_report
from perfgate.measure.surroundings import Surroundings
from perfgate.measure.tests import capture
from tests.cli.program import Program

ONE = '<testsuite name="unit" time="3.5"><testcase classname="c" name="a" file="a.py" time="1.25"/></testsuite>'
TWO = '<testsuite name="unit" time="2.5"><testcase classname="c" name="b" time="0.75"/></testsuite>'
BROKEN = (
    '<testsuite name="unit"><testcase classname="c" name="a" time="1.25"/>'
    '<testcase classname="c" name="b" time="0.25"><failure message="no"/></testcase></testsuite>'
)
NO_CASE = '<testsuite name="unit" time="0.01"/>'


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("root", "work"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "root", tmp_path / "work", os.environ)


def put(around: Surroundings, name: str, text: str = ONE) -> Path:
    path = around.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def taken(
    around: Surroundings, *junit: str, run: tuple[str, ...] = (), suite: str = "", cases: bool = False
) -> Capture:
    entry = TestsEntry(suite or suite_name(run), run, junit, suite)
    return capture(entry, around, lambda _: None, cases=cases)


def shell(line: str) -> tuple[str, ...]:
    return ("sh", "-c", line)


def of(captured: Capture, metric: str) -> Measurement:
    (found,) = [each for each in captured.measurements if each.series.metric == f"tests.{metric}"]
    return found


def value(captured: Capture, metric: str) -> float | None:
    found = of(captured, metric)
    return float(found.values[0]) if found.values else None


def codes(captured: Capture) -> list[str]:
    return [each.code for each in captured.caveats]


# --- what reports tell ------------------------------------------------------------------------------------------------


def test_a_report_gives_duration_case_time_and_counts_with_their_origin(around: Surroundings) -> None:
    put(around, "out/report.xml")
    found = taken(around, "out/*.xml")
    assert [str(each.series) for each in found.measurements] == [
        f"tests.{name}{{suite=unit}}" for name in ("duration", "count", "failed", "flaky", "case_time")
    ]
    assert [value(found, name) for name in ("duration", "count", "failed", "flaky", "case_time")] == [
        3.5,
        1,
        0,
        0,
        1.25,
    ]
    assert {each.origin for each in found.measurements} == {"out/report.xml"}
    assert {str(each.unit) for each in found.measurements} == {"s", "1"}
    assert of(found, "case_time").resolution == pytest.approx(0.01)


def test_the_name_of_a_suite_is_the_one_given_or_its_own_or_that_of_the_file(around: Surroundings) -> None:
    put(around, "a.xml")
    put(around, "b.xml", TWO.replace("unit", "other"))
    put(around, "c.xml", ONE.replace(' name="unit"', ""))
    put(around, "d/e.xml")

    def label(*junit: str, suite: str = "") -> str:
        return dict(of(taken(around, *junit, suite=suite), "count").series.labels)["suite"]

    assert label("a.xml", suite="mine") == "mine"
    assert label("a.xml") == label("a.xml", "d/e.xml") == "unit"
    assert label("c.xml") == "c"
    assert label("a.xml", "b.xml") == "tests"


def test_a_name_too_long_for_a_label_is_cut_and_told(around: Surroundings) -> None:
    put(around, "a.xml", ONE.replace("unit", "u" * 5000))
    found = taken(around, "a.xml")
    assert len(dict(of(found, "count").series.labels)["suite"]) == 300
    assert codes(found) == ["long-label"]


def test_several_reports_are_one_suite_without_a_common_wall_time(around: Surroundings) -> None:
    put(around, "a.xml")
    put(around, "deep/er/b.xml", TWO)
    found = taken(around, "**/*.xml", "a.xml", "deep/../a.xml")
    assert (value(found, "count"), value(found, "case_time")) == (2, 2.0)
    assert of(found, "duration").state is State.UNKNOWN
    assert "perfgate measure tests -- CMD" in of(found, "duration").reason
    assert of(found, "count").origin == "a.xml and 1 more"


def test_a_folder_stands_for_its_xml_files(around: Surroundings) -> None:
    put(around, "d/a.xml")
    put(around, "d/e/b.xml", TWO)
    put(around, "d/notes.txt", "none")
    assert value(taken(around, "d"), "count") == 2
    (around.root / "empty").mkdir()
    with pytest.raises(InputError, match='"empty" holds no test report'):
        taken(around, "empty")


def test_a_report_without_a_case_has_counts_of_zero_and_times_unknown(around: Surroundings) -> None:
    put(around, "a.xml", NO_CASE)
    for found in (taken(around, "a.xml"), taken(around, run=shell(f"echo '{NO_CASE}' > {{out}}"))):
        assert [value(found, name) for name in ("count", "failed", "flaky")] == [0, 0, 0]
        for name in ("duration", "case_time"):
            assert of(found, name).state is State.UNKNOWN
            assert "no case" in of(found, name).reason


def test_a_suite_that_skips_everything_is_not_a_fast_one(around: Surroundings) -> None:
    put(around, "a.xml", '<testsuite time="1"><testcase name="a" time="0"><skipped/></testcase></testsuite>')
    found = taken(around, "a.xml")
    assert (value(found, "count"), value(found, "duration"), value(found, "case_time")) == (0, None, None)
    assert "skipped" in of(found, "case_time").reason
    assert codes(found) == ["skipped tests"]


def test_cases_without_a_time_make_the_case_time_a_lower_bound_or_unknown(around: Surroundings) -> None:
    put(around, "a.xml", '<testsuite><testcase name="a" time="2"/>\n<testcase name="b" time="nan"/></testsuite>')
    found = taken(around, "a.xml")
    assert (of(found, "case_time").state, value(found, "case_time")) == (State.LOWER_BOUND, 2.0)
    assert "1 of 2" in of(found, "case_time").reason
    assert [each.message for each in found.caveats] == ["times that cannot be read: 1, the first at a.xml:2"]
    put(around, "a.xml", '<testsuite><testcase name="a"/></testsuite>')
    assert of(taken(around, "a.xml"), "case_time").state is State.UNKNOWN


def test_details_show_the_slowest_the_failed_and_the_flaky(around: Surroundings) -> None:
    many = "".join(f'<testcase name="t{number}" time="{number}"/>' for number in range(30))
    extra = '<testcase name="bad" time="0" file="b.py"><failure/></testcase><testcase name="shaky" time="0"><flakyFailure/></testcase>'
    put(around, "a.xml", f'<testsuite name="u">{many}{extra}</testsuite>')
    details = taken(around, "a.xml").details
    assert [row["test"] for row in details["slowest_tests"]] == [f"u.t{number}" for number in range(29, 9, -1)]
    assert details["slowest_tests"][0] == {
        "suite": "u",
        "test": "u.t29",
        "file": None,
        "seconds": 29.0,
        "share": 29 / 435,
    }
    assert details["failed_tests"] == ({"suite": "u", "test": "u.bad", "file": "b.py"},)
    assert [(row["test"], row["how"]) for row in details["flaky_tests"]] == [("u.shaky", "failed, then passed")]


def test_files_of_tests_are_shown_relative_to_the_repository(around: Surroundings) -> None:
    put(around, "a.xml", ONE.replace("a.py", str(around.root / "src" / "a.py")))
    assert taken(around, "a.xml").details["slowest_tests"][0]["file"] == "src/a.py"


def test_what_makes_a_report_doubtful_is_told(around: Surroundings) -> None:
    text = b'<testsuite><error/><testcase/><testcase name="a"/><testcase name="a"/><testcase name="\x1b"/></testsuite>'
    (around.root / "a.xml").write_bytes(text)
    assert codes(taken(around, "a.xml")) == ["flaky suspects", "nameless tests", "failed suites", "control characters"]


def test_the_same_report_under_two_names_is_read_once_and_shards_add_up(around: Surroundings) -> None:
    put(around, "a.xml")
    put(around, "copy/a.xml")
    put(around, "shard.xml", ONE.replace('name="a"', 'name="b"'))
    found = taken(around, "**/*.xml")
    assert (value(found, "count"), value(found, "flaky")) == (2, 0)
    assert codes(found) == ["copies of reports"]
    assert "1, the first is copy/a.xml" in found.caveats[0].message


def test_the_same_report_twice_in_a_suite_of_two_alone_keeps_its_wall_time(around: Surroundings) -> None:
    text = '<testsuite name="u" time="5"><testcase name="a" time="1"/></testsuite>'
    put(around, "a.xml", text)
    put(around, "b.xml", text)
    assert value(taken(around, "*.xml"), "duration") == 5


def test_what_only_a_counter_tells_is_told(around: Surroundings) -> None:
    put(
        around,
        "a.xml",
        '<testsuites><testsuite tests="3" failures="1"/><testsuite flaky="1"><testcase name="a"/></testsuite></testsuites>',
    )
    assert codes(taken(around, "a.xml")) == ["failed suites", "missing tests", "flaky tests"]


def test_single_tests_are_series_only_where_that_is_asked_for(around: Surroundings) -> None:
    text = '<testsuite name="u"><testcase name="a" time="1"/><testcase name="b"/><testcase name="c"><skipped/></testcase></testsuite>'
    put(around, "a.xml", text)
    assert len(taken(around, "a.xml").measurements) == 5
    singles = [each for each in taken(around, "a.xml", cases=True).measurements if "test" in dict(each.series.labels)]
    assert [(str(each.series), each.values, each.state) for each in singles] == [
        ("tests.case_time{suite=u,test=u.a}", (1.0,), State.MEASURED),
        ("tests.case_time{suite=u,test=u.b}", (), State.UNKNOWN),
    ]


def test_real_reports_of_several_runners_add_up(around: Surroundings, shared_data: Path) -> None:
    folder = shared_data / "junit" / "zoo" / "pytest"
    names = ("junit.gloo.elastic.xml", "junit.gloo.static.xml")
    found = capture(TestsEntry("all", (), tuple(str(folder / name) for name in names)), around, lambda _: None)
    alone = [capture(TestsEntry("all", (), (str(folder / name),)), around, lambda _: None) for name in names]
    for metric in ("count", "case_time"):
        assert value(found, metric) == pytest.approx(sum(value(each, metric) or 0 for each in alone))


# --- files that are not there, or are something else ------------------------------------------------------------------


def test_a_pattern_that_names_nothing_is_refused_with_what_to_do(around: Surroundings) -> None:
    put(around, "a.xml")
    for patterns in (("*.junit",), ("a.xml", "none.xml"), ("b/**/*.xml",)):
        with pytest.raises(InputError, match="no report matches") as caught:
            taken(around, *patterns)
        assert "run the tests first" in caught.value.remedy
    with pytest.raises(InputError, match="neither a command nor a report"):
        taken(around)


def test_pipes_links_to_nowhere_and_loops_end_in_a_sentence(around: Surroundings) -> None:
    os.mkfifo(around.root / "pipe.xml")
    (around.root / "nowhere.xml").symlink_to("missing")
    (around.root / "loop.xml").symlink_to("loop.xml")
    for name, told in (("pipe.xml", "not a file"), ("*nowhere.xml", "no such file"), ("*loop.xml", "no such file")):
        with pytest.raises(InputError, match=told):
            taken(around, name)


def test_a_loop_of_folders_ends_and_counts_a_report_once(around: Surroundings) -> None:
    put(around, "d/a.xml")
    (around.root / "d" / "again").symlink_to(".")
    assert value(taken(around, "**/*.xml", "d", "d/again/a.xml"), "count") == 1


def test_one_broken_report_among_good_ones_stops_the_measuring(around: Surroundings) -> None:
    put(around, "a.xml")
    put(around, "b.xml", ONE[:-5])
    with pytest.raises(InputError) as caught:
        taken(around, "*.xml")
    assert caught.value.where.startswith("b.xml:1:")


# --- running the suite ------------------------------------------------------------------------------------------------


def test_a_suite_that_is_run_is_timed_by_perfgate_and_not_by_its_report(around: Surroundings) -> None:
    found = taken(around, run=shell(f"echo '{ONE}' > {{out}}"))
    assert 0 < (value(found, "duration") or 0) < 3
    assert value(found, "case_time") == 1.25
    assert of(found, "duration").origin.startswith("sh -c")
    assert of(found, "case_time").origin == "the report of the command"
    assert dict(of(found, "count").series.labels) == {"suite": "sh"}


def test_only_reports_written_during_the_run_count(around: Surroundings) -> None:
    put(around, "old.xml", TWO)
    run = shell(f"echo '{ONE}' > new.xml")
    for patterns in (("*.xml",), (".",), ("*.xml", "new.xml", "*.xml")):
        (around.root / "new.xml").unlink(missing_ok=True)
        found = taken(around, *patterns, run=run)
        assert (value(found, "count"), value(found, "case_time"), codes(found)) == (1, 1.25, ["stale reports"])


def test_a_report_that_is_written_again_counts_even_with_the_same_content(around: Surroundings) -> None:
    path = put(around, "a.xml")
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert value(taken(around, "a.xml", run=shell(f"printf %s '{ONE}' > a.xml")), "count") == 1


def test_a_report_from_a_moment_ago_is_not_taken_for_that_of_the_command(around: Surroundings) -> None:
    put(around, "a.xml")
    with pytest.raises(CommandFailed, match=r"wrote no report \*\.xml"):
        taken(around, "*.xml", run=("true",))


def test_a_command_that_leaves_no_report_it_was_asked_for_is_refused(around: Surroundings) -> None:
    with pytest.raises(CommandFailed, match=r"wrote no report \{out\}"):
        taken(around, run=shell("true {out}"))
    with pytest.raises(CommandFailed, match=r"wrote no report b/\*\.xml"):
        taken(around, "*.xml", "b/*.xml", run=shell(f"echo '{ONE}' > a.xml"))


def test_a_command_without_a_report_has_a_duration_and_a_caveat(around: Surroundings) -> None:
    found = taken(around, run=("true",))
    assert [each.series.metric for each in found.measurements] == ["tests.duration"]
    assert codes(found) == ["no report"]


def test_out_may_be_a_folder_of_reports(around: Surroundings) -> None:
    line = f"mkdir {{out}} && echo '{ONE}' > {{out}}/a.xml && echo '{TWO}' > {{out}}/b.xml"
    assert value(taken(around, run=shell(line)), "count") == 2
    assert value(taken(around, "{out}/a*.xml", run=shell(line)), "count") == 1


def test_of_a_failing_suite_the_failures_are_counted_and_everything_else_is_unknown(around: Surroundings) -> None:
    found = taken(around, "a.xml", run=shell(f"echo '{BROKEN}' > a.xml; exit 1"), suite="unit", cases=True)
    assert [value(found, name) for name in ("failed", "flaky")] == [1, 0]
    others = [each for each in found.measurements if each.series.metric not in {"tests.failed", "tests.flaky"}]
    assert {str(each.series) for each in others} == {
        f"tests.{name}"
        for name in (
            "duration{suite=unit}",
            "count{suite=unit}",
            "case_time{suite=unit}",
            "case_time{suite=unit,test=c.a}",
            "case_time{suite=unit,test=c.b}",
        )
    }
    assert {each.state for each in others} == {State.UNKNOWN}
    assert {each.reason for each in others} == {"the suite failed (exit code 1) and may have stopped early"}
    assert [row["test"] for row in found.details["failed_tests"]] == ["c.b"]
    assert found.failure is not None
    message = 'the command "unit" ended with exit code 1; failed tests: 1, the first is c.b'
    assert (found.failure.code, found.failure.message) == ("command failed", message)


def test_a_failing_suite_may_have_stopped_before_its_last_report(around: Surroundings) -> None:
    found = taken(around, "a.xml", "b.xml", run=shell(f"echo '{BROKEN}' > a.xml; exit 1"))
    assert (value(found, "failed"), codes(found)[0]) == (1, "command failed")


def test_failures_of_a_suite_that_ends_well_are_counted_as_ever(around: Surroundings) -> None:
    found = taken(around, "a.xml", run=shell(f"echo '{BROKEN}' > a.xml"))
    assert [value(found, name) for name in ("failed", "count", "case_time")] == [1, 2, 1.5]
    assert found.failure is None


@pytest.mark.parametrize(
    ("line", "how"),
    [
        (f"echo '{ONE}' > a.xml; echo the broken test; exit 3", "ended with exit code 3"),
        (f"echo '{NO_CASE}' > a.xml; echo the broken test; exit 3", "ended with exit code 3"),
        ("printf '<testsuite><testcase' > a.xml; echo the broken test; exit 3", "ended with exit code 3"),
        ("echo the broken test; exit 3", "ended with exit code 3"),
    ],
)
def test_a_suite_that_fails_without_telling_a_failed_case_is_not_measured(
    around: Surroundings, line: str, how: str
) -> None:
    with pytest.raises(CommandFailed, match=how) as caught:
        taken(around, "a.xml", run=shell(line))
    assert "the broken test" in caught.value.output


def test_an_older_report_of_failures_is_not_that_of_the_suite_that_failed(around: Surroundings) -> None:
    put(around, "a.xml", BROKEN)
    with pytest.raises(CommandFailed, match="exit code 2"):
        taken(around, "a.xml", run=shell("exit 2"))


def test_a_suite_that_a_signal_ended_is_not_measured_whatever_it_reported(around: Surroundings) -> None:
    with pytest.raises(CommandFailed, match="SIGKILL"):
        taken(around, "a.xml", run=shell(f"echo '{BROKEN}' > a.xml; kill -9 $$"))


@pytest.mark.parametrize(
    ("words", "with_option"),
    [
        ("pytest", "pytest --junitxml={out}"),
        ("pytest -q -- tests", "pytest --junitxml={out} -q -- tests"),
        ("/usr/bin/py.test -q", "/usr/bin/py.test --junitxml={out} -q"),
        ("python -m pytest -x", "python -m pytest --junitxml={out} -x"),
        ("coverage run -m pytest", "coverage run -m pytest --junitxml={out}"),
        ("uv run pytest -q", "uv run pytest --junitxml={out} -q"),
        ("make pytest", "make pytest"),
        ("tox -e pytest", "tox -e pytest"),
        ("pytest --junit-xml {out}", "pytest --junit-xml {out}"),
    ],
)
def test_pytest_is_asked_for_a_report_where_nobody_did(words: str, with_option: str) -> None:
    assert with_report(words.split(), ()) == (tuple(with_option.split()), ())
    assert with_report(words.split(), ("a.xml",)) == (tuple(words.split()), ("a.xml",))


def test_the_report_that_pytest_was_told_to_write_is_the_one_that_is_read() -> None:
    for words in (("pytest", "--junitxml=r/a.xml"), ("pytest", "--junit-xml", "r/a.xml", "-q")):
        assert with_report(words, ()) == (words, ("r/a.xml",))


def test_a_real_pytest_is_measured_with_its_skipped_and_slow_tests(around: Surroundings) -> None:
    lines = (
        "import time, pytest",
        "def test_slow(): time.sleep(0.05)",
        "@pytest.mark.parametrize('n', range(3))",
        "def test_many(n): pass",
        "@pytest.mark.skip",
        "def test_not(): pass",
    )
    put(around, "test_it.py", "\n".join(lines))
    found = taken(around, run=(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"))
    assert (value(found, "count"), value(found, "failed")) == (4, 0)
    assert dict(of(found, "count").series.labels) == {"suite": "pytest"}
    assert (value(found, "duration") or 0) > (value(found, "case_time") or 0) > 0.05
    assert found.details["slowest_tests"][0]["test"] == "test_it.test_slow"


def test_the_command_line_measures_a_report_and_says_what_it_found(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    (tmp_path / "a.xml").write_text(ONE, encoding="utf-8")
    ended = program.perfgate("measure", "tests", "--junit", "*.xml", "--suite", "mine", "-o", "run.json")
    assert ended.code == 0
    assert "tests.case_time{suite=mine}" in ended.out
    assert '"tests.case_time"' in (tmp_path / "run.json").read_text(encoding="utf-8")
    assert program.perfgate("measure", "tests", "--junit", "none.xml").code == 2
    assert program.perfgate("measure", "tests", "--", "false").code == 4


def test_the_command_line_shows_a_suite_in_a_screenful_and_as_many_slow_tests_as_are_asked_for(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    cases = "".join(f'<testcase classname="c" name="t{number}" time="{number}.5"/>' for number in range(9))
    (tmp_path / "a.xml").write_text(f'<testsuite name="unit" time="41">{cases}</testsuite>', encoding="utf-8")
    measure = ("measure", "tests", "--report", "a.xml", "-o", "run.json")
    shown = program.perfgate(*measure, "--slowest", "2")
    assert shown.out.startswith("unit: 9 tests, 0 failed\nwall 41 s, tests together 40.5 s\n")
    assert "slowest tests (2 of 9)" in shown.out
    assert "c.t7" in shown.out
    assert "c.t6" not in shown.out
    assert "\x1b" not in shown.out
    assert "slowest tests" not in program.perfgate(*measure, "--slowest", "0").out
    as_json = program.perfgate(*measure, "--slowest", "2", "--json")
    assert as_json.out == (tmp_path / "run.json").read_text(encoding="utf-8")
    quiet = program.perfgate("--quiet", *measure)
    assert quiet.err == ""
    assert "slowest tests" in quiet.out
    assert program.perfgate(*measure, "--slowest", "-1").code == 2
