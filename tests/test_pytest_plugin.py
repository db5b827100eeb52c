"""The pytest plugin as people meet it: how it is switched on and off, and the fixture `perfgate`."""

from __future__ import annotations

import decimal
import fractions
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perfgate.pytest_plugin import Meter
from perfgate.recording.meter import Better, Kind
from tests.recording.sessions import Project, site

ONE = "def test_one(perfgate):\n    perfgate.record('parse.time', 1, unit='ms')\n"
DEFAULT = ".perfgate/tests.jsonl"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where perfgate is installed."""
    return site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def project(tmp_path: Path, installed: Path) -> Project:
    """A project with one test, in an environment where perfgate is installed."""
    return Project(tmp_path, installed).write(test_one=ONE)


def records(project: Project) -> list[str]:
    """Every record below the project."""
    return sorted(path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*.jsonl"))


# --- on and off -------------------------------------------------------------------------------------------------------


def test_an_installed_plugin_that_nobody_asked_records_nothing_and_loads_nothing(project: Project) -> None:
    project.write(
        test_one="""
import sys
def test_off(perfgate):
    with perfgate.timer("parse.time"):
        pass
    assert {name for name in sys.modules if name.startswith("perfgate")} == {
        "perfgate", "perfgate.pytest_plugin", "perfgate.recording", "perfgate.recording.meter"}
"""
    )
    session = project.pytest("-W", "error")
    assert session.code == 0, session.output
    assert "recorded" not in session.output
    assert not (project.folder / ".perfgate").exists()


@pytest.mark.parametrize(
    ("words", "environ", "file"),
    [
        (["--perfgate", "out.jsonl"], {}, "out.jsonl"),
        (["--perfgate=deep/er/out.jsonl"], {}, "deep/er/out.jsonl"),
        (["-p", "perfgate"], {}, DEFAULT),
        (["-p", "perfgate.pytest_plugin"], {}, DEFAULT),
        (["-p", "perfgate.pytest_plugin"], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, DEFAULT),
        (["-p", "perfgate"], {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, DEFAULT),
        ([], {"PYTEST_PLUGINS": "perfgate"}, DEFAULT),
        ([], {"PYTEST_ADDOPTS": "--perfgate ../there.jsonl"}, "../there.jsonl"),
    ],
)
def test_each_way_of_asking_records_the_session(
    project: Project, words: list[str], environ: dict[str, str], file: str
) -> None:
    session = project.pytest("-W", "error", *words, environ=environ)
    assert session.code == 0, session.output
    assert list(project.tests(file)) == ["test_one"]
    assert "1 test recorded in" in session.output


def test_the_ini_file_asks_too_and_the_record_is_kept_out_of_version_control(project: Project) -> None:
    (project.folder / "pytest.ini").write_text("[pytest]\nperfgate = .perfgate/mine.jsonl\n", encoding="utf-8")
    inside = project.folder / "inside"
    inside.mkdir()
    session = project.pytest("--rootdir", str(project.folder), "-q")
    assert session.code == 0, session.output
    assert list(project.tests(".perfgate/mine.jsonl")) == ["test_one"]
    assert (project.folder / ".perfgate" / ".gitignore").read_text("utf-8") == "*\n"
    assert "recorded" not in session.output


def test_the_plugin_is_found_by_name_where_perfgate_is_only_importable(tmp_path: Path) -> None:
    project = Project(tmp_path).write(test_one=ONE)
    assert project.pytest("-p", "perfgate", "-W", "error").code == 0
    assert records(project) == [DEFAULT]


def test_no_perfgate_is_the_last_word(project: Project) -> None:
    project.write(test_one="def test_one(): pass\n")
    assert project.pytest("-p", "perfgate", "-p", "no:perfgate").code == 0
    assert records(project) == []


def test_an_environment_names_a_folder_in_which_every_session_has_a_record_of_its_own(project: Project) -> None:
    environ = {"PERFGATE_PYTEST_FOLDER": str(project.folder / "records")}
    for _ in range(2):
        session = project.pytest(environ=environ)
        assert "recorded" not in session.output
    assert len(records(project)) == 2


def test_what_only_looks_at_tests_leaves_an_earlier_record_alone(project: Project) -> None:
    project.pytest("--perfgate", "out.jsonl")
    before = (project.folder / "out.jsonl").read_bytes()
    for word in ("--collect-only", "--fixtures"):
        assert project.pytest("--perfgate", "out.jsonl", word).code == 0
    assert (project.folder / "out.jsonl").read_bytes() == before


def test_a_file_that_is_no_record_is_never_replaced(project: Project) -> None:
    for name in ("test_one.py", "."):
        session = project.pytest("--perfgate", name)
        assert session.code == 4
        assert "perfgate: " in session.output
    assert (project.folder / "test_one.py").read_text("utf-8") == ONE


def test_importing_the_plugin_loads_nothing_that_pytest_has_not_loaded() -> None:
    program = (
        "import pytest, sys; before = set(sys.modules); import perfgate.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["perfgate", "perfgate.pytest_plugin", "perfgate.recording"]


# --- the fixture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept() -> dict[str, list[float]]:
    """What the meter keeps."""
    return {}


@pytest.fixture
def meter(kept: dict[str, list[float]]) -> Meter:
    """A meter as a test gets it."""
    return Meter({}, kept)


def test_values_of_one_metric_stay_in_order_whatever_kind_of_number_they_are(
    meter: Meter, kept: dict[str, list[float]]
) -> None:
    meter.record("parse.time", 3, unit="ms")
    meter.record("parse.time", [2.5, decimal.Decimal("1.25"), fractions.Fraction(1, 2)], unit="ms")
    meter.record("parse.time", np.array([4, 5]), unit="ms")
    meter.record("parse.time", np.float32(6), unit="ms")
    assert kept == {"parse.time": [3, 2.5, 1.25, 0.5, 4, 5, 6]}


def test_a_timer_records_seconds_and_nothing_where_its_body_raises(meter: Meter, kept: dict[str, list[float]]) -> None:
    with meter.timer("parse.time"):
        pass
    with pytest.raises(KeyError), meter.timer("parse.time"):
        raise KeyError
    (seconds,) = kept["parse.time"]
    assert 0 <= seconds < 1


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e31, "3", b"3", None, True, [1, math.nan], object()])
def test_what_is_no_number_fails_the_test_that_records_it(
    meter: Meter, kept: dict[str, list[float]], value: float
) -> None:
    with pytest.raises(ValueError, match=r'^perfgate: a value of "size" is .*, which is no number'):
        meter.record("size", value, unit="B")
    assert kept == {}


def test_a_time_below_zero_is_an_error_and_a_difference_below_zero_is_none(
    meter: Meter, kept: dict[str, list[float]]
) -> None:
    with pytest.raises(ValueError, match="no time is below zero"):
        meter.record("parse.time", -0.1, unit="ms")
    meter.record("balance", -1, unit="1")
    assert kept == {"balance": [-1]}


@pytest.mark.parametrize(("unit", "better", "exact"), [("s", "", False), ("ms", "higher", False), ("ms", "", True)])
def test_a_metric_has_one_unit_one_direction_and_one_exactness(
    meter: Meter, unit: str, better: Better, exact: bool
) -> None:
    meter.record("parse.time", 1, unit="ms")
    with pytest.raises(ValueError, match=r'"parse.time" was recorded as unit "ms" before, and now as'):
        meter.record("parse.time", 1, unit=unit, better=better, exact=exact)


def test_tests_of_one_session_share_what_a_metric_is() -> None:
    kinds: dict[str, Kind] = {}
    Meter(kinds, {}).record("parse.time", 1, unit="ms")
    with pytest.raises(ValueError, match="was recorded as"):
        Meter(kinds, {}).record("parse.time", 1, unit="s")


@pytest.mark.parametrize("name", ["", "Parse", "parse time", "parse.", ".parse", "é", "a" * 91])
def test_a_name_that_names_no_metric_is_an_error(meter: Meter, name: str) -> None:
    with pytest.raises(ValueError, match="names no metric"):
        meter.record(name, 1, unit="s")


def test_a_unit_is_needed_and_a_direction_is_one_of_three(meter: Meter) -> None:
    with pytest.raises(ValueError, match="has no unit"):
        meter.record("a", 1, unit=" ")
    wrong: Any = "up"
    with pytest.raises(ValueError, match='better is "lower", "higher" or "none"'):
        meter.record("a", 1, unit="s", better=wrong)


@pytest.mark.parametrize("exact", ["yes", 1, None, [], object()])
def test_exactness_is_true_or_false_because_a_record_with_anything_else_could_not_be_read(
    meter: Meter, exact: Any
) -> None:
    with pytest.raises(ValueError, match="exact is True or False"):
        meter.record("a", 1, unit="s", exact=exact)


def test_one_test_records_so_many_values_and_metrics_and_no_more(meter: Meter) -> None:
    meter.record("a", range(10_000), unit="1")
    with pytest.raises(ValueError, match="more than 10,000 values"):
        meter.record("a", 1, unit="1")
    for number in range(999):
        meter.record(f"b{number}", 1, unit="1")
    with pytest.raises(ValueError, match="more than 1,000 metrics"):
        meter.record("c", 1, unit="1")
