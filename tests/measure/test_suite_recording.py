"""Running a suite with perfgate: the record of its pytest plugin where the suite's pytest has it, its JUnit report elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters.own_metrics import OwnMetric
from perfgate.adapters.suite_report import FAILED, Report
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, State
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.measure import suite_metrics
from tests.recording.sessions import Project, site

_SUITE = """
import pytest

@pytest.mark.parametrize("size", [1, 2])
def test_parses(size):
    pass

def test_fails_if_asked(request):
    assert not request.config.getoption("fail")
"""
_MEASURES = """
def test_one(perfgate):
    perfgate.record("parse.time", [3, 4], unit="ms")
    assert 1
"""
_CONFTEST = "def pytest_addoption(parser):\n    parser.addoption('--fail', action='store_true')\n"
_PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A suite in an environment where perfgate is installed."""
    (tmp_path / "suite").mkdir()
    return Project(tmp_path / "suite", site(tmp_path / "site")).write(test_suite=_SUITE, conftest=_CONFTEST)


def run(project: Project, *words: str, code: int = 0, **environ: str) -> dict[str, Any]:
    session = project.perfgate("measure", "tests", "-o", "run.json", *words, environ=environ)
    assert session.code == code, session.output
    return dict(json.loads((project.folder / "run.json").read_text("utf-8")))


def series(value: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        (each["metric"], each["labels"].get("test", each["labels"].get("benchmark", ""))): each["values"]
        for each in value["measurements"]
    }


def test_a_suite_with_the_plugin_and_one_without_have_the_same_series(project: Project) -> None:
    without = run(project, "--case-series", "--", *_PYTEST, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    project.write(test_measures=_MEASURES)
    with_plugin = run(project, "--case-series", "--", *_PYTEST)
    assert "test_plugins" not in without["details"]
    assert {row["plugin"] for row in with_plugin["details"]["test_plugins"]} >= {"perfgate"}
    own = {("bench.parse.time", "test_measures.test_one"), ("tests.case_time", "test_measures.test_one")}
    assert series(with_plugin).keys() - series(without).keys() == own
    assert series(without).keys() <= series(with_plugin).keys()
    assert series(with_plugin)["bench.parse.time", "test_measures.test_one"] == [0.003, 0.004]
    # Nothing is left in the project but the run.
    assert not list(project.folder.rglob("*.jsonl"))


def test_a_command_that_only_leads_to_pytest_is_recorded_too(project: Project) -> None:
    project.write(test_measures=_MEASURES)
    starter = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
    value = run(project, "--suite", "all", "--", sys.executable, "-c", starter, *_PYTEST)
    assert series(value)["tests.count", ""] == [4]
    assert not any(each["code"] == "no report" for each in value.get("caveats", ()))


def test_of_a_suite_that_fails_only_the_failures_count(project: Project) -> None:
    project.write(test_measures=_MEASURES)
    value = run(project, "--", *_PYTEST, "--fail", code=4)
    assert {metric: values for (metric, _), values in series(value).items()} == {
        "bench.parse.time": [],
        "tests.case_time": [],
        "tests.count": [],
        "tests.duration": [],
        "tests.failed": [1],
        "tests.flaky": [0],
    }


def test_reports_that_are_named_are_the_ones_that_are_read(project: Project) -> None:
    value = run(project, "--report", "out.xml", "--", *_PYTEST, "--junitxml", "out.xml")
    assert {each["origin"] for each in value["measurements"] if each["metric"] == "tests.count"} == {"out.xml"}


def test_what_is_measured_inside_a_recorded_test_is_recorded_for_itself(project: Project) -> None:
    value = run(project, "--", *_PYTEST, PERFGATE_PYTEST_INSIDE="1")
    assert "test_plugins" in value["details"]


def test_half_a_record_gives_no_time_and_no_zero(project: Project) -> None:
    project.pytest("--perfgate", "whole.jsonl")
    lines = (project.folder / "whole.jsonl").read_bytes().splitlines(keepends=True)
    (project.folder / "half.jsonl").write_bytes(b"".join(lines[:-1]))
    value = run(project, "--report", "half.jsonl")
    assert not any(series(value).values()), "what was not reached may have failed"
    assert [each["code"] for each in value["caveats"]] == ["incomplete report"]


# --- own metrics ------------------------------------------------------------------------------------------------------


def own(*values: float, unit: str = "1", better: Direction = Direction.LOWER) -> OwnMetric:
    return OwnMetric("bench.size", Unit(unit), better, Assumption.NOISY, values)


def report_of(*cases: tuple[str, str, OwnMetric]) -> Report:
    report = Report()
    for file, name, metric in cases:
        case = report.take(f"{report.new_suite(-1, '')}\x1f", "a", name, file)
        report.own[case] = (metric,)
    return report


def test_tests_of_one_title_put_their_values_together_and_a_different_unit_is_told() -> None:
    caveats: list[Caveat] = []
    report = report_of(("x.py", "t", own(1)), ("y.py", "t", own(2)), ("z.py", "t", own(3, unit="B")))
    (found,) = suite_metrics.measurements("unit", report, caveats)
    assert str(found.series) == "bench.size{benchmark=a.t,suite=unit,tool=perfgate}"
    assert list(found.values) == [1.0, 2.0]
    assert [each.code for each in caveats] == ["metrics of one name"]


def test_what_a_failed_test_recorded_is_unknown() -> None:
    report = report_of(("x.py", "t", own(1)))
    report.states[0] = FAILED
    (found,) = suite_metrics.measurements("unit", report, [])
    assert found.reason == "the test that records it failed"


def test_a_time_of_zero_was_below_the_clocks_step_and_a_count_of_zero_is_one() -> None:
    found = suite_metrics.measurements("unit", report_of(("x", "t", own(0, unit="s")), ("x", "u", own(0))), [])
    states = [each.state for each in found]
    assert states == [State.UNKNOWN, State.MEASURED]


def test_more_own_series_than_anybody_follows_are_refused() -> None:
    report = Report()
    prefix = f"{report.new_suite(-1, '')}\x1f"
    for number in range(20_001):
        report.own[report.take(prefix, "a", str(number), "")] = (own(1),)
    with pytest.raises(InputError, match="20,000 own series"):
        suite_metrics.measurements("unit", report, [])
