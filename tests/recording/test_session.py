"""What a recorded session tells: one process or several, ended, crashed or killed."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters import pytest_record
from perfgate.adapters.suite_report import FAILED, PASSED, Report
from tests.recording.sessions import Project, site

_CONFTEST = """
import time
import pytest

pytest_plugins = ["pytester"]

@pytest.fixture(scope="module")
def database():
    time.sleep(0.02)
    yield 1
    time.sleep(0.03)

@pytest.fixture
def user(database, request):
    request.getfixturevalue("late")
    time.sleep(0.01)
    return 2

@pytest.fixture
def late():
    time.sleep(0.05)

@pytest.fixture
def broken():
    raise LookupError("no such thing")

@pytest.fixture
def bad_end():
    yield
    raise LookupError("late")

class Watch:
    # Every other plugin gets a report as it would be without perfgate.
    def pytest_runtest_logreport(self, report):
        assert not [name for name in vars(report) if "perfgate" in name], vars(report)
        assert report.user_properties == []

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Watch())
"""
_SUITE = """
import subprocess, sys
import pytest

def test_passes(user, perfgate):
    perfgate.record("parse.time", [3, 4], unit="ms")
    with perfgate.timer("own.timer"):
        pass

@pytest.mark.slow
@pytest.mark.parametrize("a", [1, "x[y]::z"])
def test_marked(a, database):
    pass

@pytest.fixture
def measured(perfgate):
    perfgate.record("set_up", 1, unit="1")

def test_also_in_set_up(measured, perfgate):
    perfgate.record("called", 2, unit="1")

def test_skipped():
    pytest.skip("not here")

@pytest.mark.xfail
def test_xfailed():
    assert 0

@pytest.mark.xfail
def test_xpassed():
    pass

def test_fails():
    assert 0

def test_breaks(broken):
    pass

def test_ends_badly(bad_end):
    pass

class TestClass:
    def test_method(self, tmp_path):
        pass

def test_nested(pytester):
    pytester.makepyfile(test_inner="def test_inner(): pass")
    # In this process, and in one that inherits the environment.
    pytester.inline_run("-p", "perfgate.pytest_plugin").assertoutcome(passed=1)
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "perfgate"], capture_output=True, text=True)
    assert "1 passed" in done.stdout and "recorded" not in done.stdout
    assert not list(pytester.path.rglob("*.jsonl"))
"""
_INI = "[pytest]\nmarkers = slow\nperfgate = record.jsonl\n"
_BROKEN = "import nothing_of_this_name\n"
_SKIPS = "import pytest\npytest.skip('not on this machine', allow_module_level=True)\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The suite above, recorded twice: in one process and by two workers."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "pytest.ini").write_text(_INI, encoding="utf-8")
    project = Project(folder, site(tmp_path_factory.mktemp("site")))
    project.write(conftest=_CONFTEST, test_suite=_SUITE, test_broken=_BROKEN, test_skips=_SKIPS)
    go_on = ("--continue-on-collection-errors", "--junitxml", "junit.xml")
    alone = project.pytest(*go_on, "-p", "no:xdist", "--perfgate-imports")
    assert alone.code == 1, alone.output
    (folder / "record.jsonl").rename(folder / "alone.jsonl")
    spread = project.pytest(*go_on, "-n", "2", "--junitxml", "spread.xml")
    assert spread.code == 1, spread.output
    (folder / "record.jsonl").rename(folder / "spread.jsonl")
    return project


both = pytest.mark.parametrize("record", ["alone.jsonl", "spread.jsonl"])


@both
def test_every_test_has_its_outcome(project: Project, record: str) -> None:
    outcomes = {name: line["outcome"] for name, line in project.tests(record).items()}
    assert outcomes == {
        "": outcomes[""],
        "test_passes": "passed",
        "test_marked[1]": "passed",
        "test_marked[x[y]::z]": "passed",
        "test_also_in_set_up": "passed",
        "test_skipped": "skipped",
        "test_xfailed": "xfailed",
        "test_xpassed": "xpassed",
        "test_fails": "failed",
        "test_breaks": "error",
        "test_ends_badly": "error",
        "TestClass::test_method": "passed",
        "test_nested": "passed",
    }
    whole_files = {
        line["test"]: line["outcome"] for line in project.lines(record) if "::" not in line.get("test", "::")
    }
    assert whole_files == {"test_broken.py": "error", "test_skips.py": "skipped"}


@both
def test_a_fixture_is_charged_with_its_own_set_up_and_teardown_and_not_with_what_it_asks_for(
    project: Project, record: str
) -> None:
    taken: dict[str, list[float]] = {}
    for line in project.lines(record):
        for name, *_, count, set_up, torn_down in [
            *line.get("fixtures", []),
            *line.get("late", {}).get("fixtures", []),
        ]:
            total = taken.setdefault(name, [0, 0.0, 0.0])
            total[0] += count
            total[1] += set_up
            total[2] += torn_down
    workers = 1 if record == "alone.jsonl" else 2
    count, set_up, torn_down = taken["database"]
    assert 1 <= count <= workers
    assert 0.02 * count <= set_up
    assert 0.03 * count <= torn_down
    # "user" asks for "database" beforehand and for "late" while it runs; nobody is charged with what another one took.
    line = project.tests(record)["test_passes"]
    assert sum(row[4] for row in line["fixtures"]) <= line["seconds"][0]
    assert taken["user"][0] == taken["late"][0] == 1
    assert taken["user"][1] >= 0.01
    assert taken["late"][1] >= 0.05
    assert sum(each[2] for each in taken.values()) <= sum(
        each["seconds"][2] for each in project.lines(record) if each.get("seconds", [None])[-1]
    )
    assert taken["broken"][0] == taken["bad_end"][0] == 1
    assert "a" not in taken
    # What tests record with is no fixture that a suite could do without.
    assert "perfgate" not in taken


@both
def test_where_fixtures_live_and_how_long_they_last_is_told_without_a_path_of_the_machine(
    project: Project, record: str
) -> None:
    fixtures = {row[0]: row[1:3] for line in project.lines(record) for row in line.get("fixtures", [])}
    assert fixtures["database"] == ["module", "conftest.py"]
    assert fixtures["measured"] == ["function", "test_suite.py"]
    assert fixtures["tmp_path"] == ["function", "_pytest.tmpdir"]
    text = (project.folder / record).read_text("utf-8")
    assert str(project.folder) not in text
    assert os.path.dirname(os.path.dirname(pytest.__file__)) not in text  # noqa: PTH120


@both
def test_phases_times_and_markers_stand_with_each_test(project: Project, record: str) -> None:
    tests = project.tests(record)
    set_up, call, torn_down = tests["test_passes"]["seconds"]
    assert set_up >= 0.08
    assert call > 0
    assert torn_down > 0
    assert 0 < tests["test_passes"]["start"] < tests["test_passes"]["stop"]
    assert tests["test_marked[1]"]["markers"] == ["slow"]
    assert "markers" not in tests["test_fails"]
    workers = {line.get("worker") for line in tests.values() if line["test"].startswith("test_suite")}
    assert workers == ({None} if record == "alone.jsonl" else {"gw0", "gw1"})


@both
def test_values_that_a_test_records_stand_with_it_whatever_phase_they_come_from(project: Project, record: str) -> None:
    tests = project.tests(record)
    first, second = tests["test_passes"]["metrics"]
    assert first == ["parse.time", "ms", "", False, [3.0, 4.0]]
    assert second[:4] == ["own.timer", "s", "lower", False]
    named = [row[0] for row in tests["test_also_in_set_up"]["metrics"]]
    assert named == ["set_up", "called"]


@both
def test_the_session_tells_its_plugins_its_collection_and_its_end(project: Project, record: str) -> None:
    lines = project.lines(record)
    header, end = lines[0], lines[-1]
    assert header["schema"] == "perfgate/pytest/1"
    assert header["pytest"] == pytest.__version__
    assert "perfgate" in header["plugins"]
    assert header.get("workers", 0) == (0 if record == "alone.jsonl" else 2)
    collected = [line["collected"] for line in lines if "collected" in line]
    assert [file for told in collected for file, _ in told["files"]].count("test_suite.py") == len(collected)
    assert len(collected) == (1 if record == "alone.jsonl" else 2)
    assert end["end"]["exit"] == 1
    assert end["end"]["seconds"] > 0.1


def test_imports_are_timed_where_that_is_asked(project: Project) -> None:
    (alone,) = [line["collected"] for line in project.lines("alone.jsonl") if "collected" in line]
    assert "imports" in alone
    spread = [line["collected"] for line in project.lines("spread.jsonl") if "collected" in line]
    assert not any("imports" in told for told in spread)


@both
def test_the_junit_report_of_the_same_session_tells_the_same_cases(project: Project, record: str) -> None:
    from perfgate.adapters import junit

    def told(name: str) -> dict[str, tuple[int, bool]]:
        report = Report()
        with (project.folder / name).open("rb") as stream:
            (junit if name.endswith(".xml") else pytest_record).read(stream, name, report)
        return {case.title: (case.state, case.flaky) for case in report.cases()}

    assert told(record) == told("junit.xml" if record == "alone.jsonl" else "spread.xml")
    # Nothing of the record is in the report.
    assert "perfgate" not in (project.folder / "spread.xml").read_text("utf-8").replace("perfgate-", "")


# --- sessions that do not end well -----------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project without tests."""
    return Project(tmp_path)


def read(data: bytes) -> Report:
    report = Report()
    pytest_record.read(io.BytesIO(data), "record", report)
    return report


def test_a_killed_session_loses_only_the_test_that_ran(small: Project) -> None:
    small.write(
        test_kill="""
import os, signal
def test_one(): pass
def test_two(): pass
def test_kills(): os.kill(os.getpid(), signal.SIGKILL)
def test_never(): pass
"""
    )
    assert small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record").code == -signal.SIGKILL
    report = read((small.folder / "record").read_bytes())
    assert [case.name for case in report.cases()] == ["test_one", "test_two"]
    assert "did not end" in report.incomplete
    assert report.wall is None


def test_a_crashed_worker_is_said_and_its_test_has_failed(small: Project) -> None:
    small.write(
        test_crash="""
import os
def test_one(): pass
def test_crashes(): os._exit(3)
def test_two(): pass
"""
    )
    session = small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record", "-n", "1")
    assert session.code == 1, session.output
    report = read((small.folder / "record").read_bytes())
    assert {case.name: case.state for case in report.cases()} == {
        "test_one": PASSED,
        "test_crashes": FAILED,
        "test_two": PASSED,
    }
    (caveat,) = report.caveats
    assert (caveat.code, "gw0" in caveat.message) == ("crashed workers", True)


def test_a_session_that_stops_early_says_so(small: Project) -> None:
    small.write(test_stop="def test_one(): assert 0\ndef test_two(): pass\n")
    assert small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record", "-x").code == 1
    assert "stopping after 1 failures" in read((small.folder / "record").read_bytes()).incomplete


def test_two_sessions_that_name_one_file_do_not_mix(small: Project) -> None:
    inner: list[Any] = [sys.executable, "-m", "pytest", "-p", "perfgate.pytest_plugin", "-k", "inner"]
    small.write(
        test_outer=f"""
import subprocess
def test_inner(): pass
def test_outer():
    done = subprocess.run({[*inner, "--perfgate", "record.jsonl"]!r}, capture_output=True, text=True)
    assert "another session writes" in done.stdout, done.stdout
"""
    )
    session = small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record.jsonl")
    assert session.code == 0, session.output
    assert list(small.tests("record.jsonl")) == ["test_inner", "test_outer"]
    assert list(small.tests("record-2.jsonl")) == ["test_inner"]
    # The next session replaces what is there.
    small.write(test_outer="def test_other(): pass\n")
    small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record.jsonl")
    assert list(small.tests("record.jsonl")) == ["test_other"]


def test_a_test_that_forks_leaves_one_line(small: Project) -> None:
    small.write(
        test_fork="""
import os
def test_forks():
    child = os.fork()
    if child:
        os.waitpid(child, 0)
def test_after(): pass
"""
    )
    small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record", "-p", "no:terminal", "-p", "no:faulthandler")
    lines = small.lines("record")
    assert [line["test"] for line in lines if "test" in line] == [
        "test_fork.py::test_forks",
        "test_fork.py::test_after",
    ]
    assert len([line for line in lines if "end" in line]) == 1


def test_a_disk_that_is_full_ends_the_record_and_not_the_session(small: Project) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    small.write(test_full="def test_one(): pass\n")
    (small.folder / "record").symlink_to("/dev/full")
    argv = ("-p", "perfgate.pytest_plugin", "--perfgate", "record")
    session = small.pytest(*argv)
    assert "perfgate: " in session.output
    assert session.code in {0, 4}, session.output


def test_clocks_that_a_test_leaves_broken_are_not_asked(small: Project) -> None:
    small.write(
        test_clocks="""
import time
def test_one():
    time.time = time.perf_counter = lambda: "noon"
def test_two(): pass
"""
    )
    session = small.pytest("-p", "perfgate.pytest_plugin", "--perfgate", "record")
    assert session.code == 0, session.output
    assert small.lines("record")[-1]["end"]["attempts"] == 2


def test_a_record_that_a_test_closes_ends_and_nothing_is_written_into_the_file_that_gets_its_number(
    small: Project,
) -> None:
    small.write(
        test_closes="""
import os
def test_closes():
    # Without capturing nothing above 2 belongs to pytest.
    os.closerange(3, 100)
    for _ in range(20):
        file = os.open("precious", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, b"precious")
def test_two(): pass
"""
    )
    session = small.pytest("-s", "-p", "no:faulthandler", "-p", "perfgate.pytest_plugin", "--perfgate", "record")
    assert session.code == 0, session.output
    assert "ends early: a test closed it" in session.output
    assert (small.folder / "precious").read_text("utf-8") == "precious"
