"""A suite that grew, slowed down in one place and became flaky in another, seen by the whole program: compare, gate, explain, JSON."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from perfgate.core.entries import TestsEntry
from perfgate.core.model import Capture
from perfgate.measure import tests as suites
from perfgate.measure.surroundings import Surroundings
from perfgate.store import directory
from tests.cli.program import Program

BUDGETS = "version: 1\nbudgets:\n  - {series: tests.case_time, max_increase: 5%}\n"
HOSTILE = "test_<img src=x>@somebody`|x"
SLOW, SHAKY = "test_3", "test_5"


def report(root: Path, chance: random.Random, *, changed: bool = False) -> Path:
    """A JUnit report of 60 tests of four files with 3 % noise; `changed` adds five, slows one and retries one."""
    rows = []
    for n in range(60):
        seconds = 0.2 * (1 + n % 9) * (1 + chance.gauss(0, 0.03)) * (4 if changed and f"test_{n}" == SLOW else 1)
        retried = '<flakyFailure message="no"/>' if changed and f"test_{n}" == SHAKY else ""
        rows.append((f"pkg.m{n % 4}", f"test_{n}", f"tests/test_{n % 4}.py", seconds, retried))
    if changed:
        names = ["test_new_0", "test_new_1", "test_new_2", "test_new_3", HOSTILE]
        rows += [("pkg.fresh", name, "tests/test_fresh.py", 2.0, "") for name in names]
    text = "".join(
        f'<testcase classname="{home}" name="{name.replace("<", "&lt;")}" file="{file}" time="{seconds:.4f}">{inside}</testcase>'
        for home, name, file, seconds, inside in rows
    )
    path = root / "report.xml"
    path.write_text(f'<testsuite name="unit">{text}</testsuite>', encoding="utf-8")
    return path


def captured(program: Program, path: Path) -> Capture:
    around = Surroundings(program.root, program.root, os.environ)
    return suites.capture(TestsEntry("unit", (), (path.name,), "unit"), around, lambda _: None)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Program:
    program = Program(tmp_path_factory.mktemp("moving") / "project", BUDGETS)
    chance = random.Random(20_261_121)
    (program.root / ".gitignore").write_text(".perfgate/\nreport.xml\n", encoding="utf-8")
    for number in range(12):
        program.commit(f"state {number}")
        told = captured(program, report(program.root, chance))
        run = program.run_of(told.measurements)
        directory.admit(program.root / "baselines", run._replace(details=told.details))
    program.commit("baseline")
    program.git("checkout", "-q", "-b", "change")
    program.commit("the change")
    report(program.root, chance, changed=True)
    done = program.perfgate("measure", "tests", "--report", "report.xml", "--suite", "unit")
    assert done.code == 0, done.err
    return program


def test_compare_says_where_the_time_went_and_which_tests_are_new_in_being_slow_or_flaky(project: Program) -> None:
    done = project.perfgate("compare")
    assert done.code == 0, done.err
    assert "unit: structure change, 65 tests, 60 before" in done.out
    assert "from 5 new tests" in done.out
    assert "on the 60 common ones" in done.out
    assert "newly slow (1): pkg.m3.test_3 (tests/test_3.py) " in done.out
    assert (
        "newly flaky (1): pkg.m1.test_5 (tests/test_1.py) failed in 1 of 13 runs, 8 % [1–33 %]; failed, then passed"
        in done.out
    )
    (told,) = json.loads(project.perfgate("compare", "--json").out)["tests"]
    assert (told["tests_before"], told["tests_after"], told["changed"]) == (60, 65, True)
    moved = sum(part["seconds"] for part in told["parts"])
    assert moved == pytest.approx(told["after"] - told["before"], abs=1e-9)


def test_the_gate_keeps_it_beside_its_verdict_in_every_output(project: Program) -> None:
    done = project.perfgate("gate")
    assert done.code == 20, done.out
    assert "unit: structure change" in done.out
    folder = project.root / ".perfgate" / "decision"
    made = json.loads((folder / "decision.json").read_text(encoding="utf-8"))
    (told,) = made["tests"]
    assert [each["test"] for each in told["slower"]] == ["pkg.m3.test_3"]
    assert [each["test"] for each in told["flaky"]] == ["pkg.m1.test_5"]
    comment = (folder / "comment.md").read_text(encoding="utf-8")
    about = comment[comment.index("**What changed in the tests**") :].split("\n\n")[1].splitlines()
    assert len(about) <= 12
    assert any("`pkg.m3.test_3` (`tests/test_3.py`)" in line for line in about)
    from jsonschema import Draft202012Validator

    schema = json.loads(project.perfgate("schema", "decision").out)
    assert list(Draft202012Validator(schema).iter_errors(made)) == []
    written = project.perfgate("export", "markdown")
    assert written.code == 0, written.err
    assert "**What changed in the tests**" in written.out


def test_explain_shows_the_rows_of_each_part_and_hostile_names_stay_text(project: Program) -> None:
    project.perfgate("gate")
    done = project.perfgate("explain", "tests.case_time{suite=unit}")
    assert done.code == 0, done.err
    assert "times before are medians of 12 baseline runs" in done.out
    assert "+2 s  – → 2 s  pkg.fresh.test_new_0 (tests/test_fresh.py)" in done.out
    assert "@somebody" in done.out, "a terminal reads no mention"
    assert "1 of 60 tests judged one by one (any without a change: about 5 % of runs)" in done.out
    assert "<img" not in (project.root / ".perfgate" / "decision" / "comment.md").read_text(encoding="utf-8").replace(
        "`", ""
    )


def test_a_gate_without_tests_loads_nothing_of_it(tmp_path: Path) -> None:
    program = Program(tmp_path, "version: 1\nbudgets:\n  - {series: size.bytes, limit: 1 MB}\n")
    (tmp_path / "file").write_bytes(b"x")
    assert program.perfgate("measure", "size", "file").code == 0
    done = program.perfgate("gate", environ={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.code == 0, done.err
    loaded = [line for line in done.err.splitlines() if "perfgate." in line]
    assert loaded
    for name in ("suite_change", "suite_changes", "suite_slowness", "suite_records", "witnesses", "markdown_tests"):
        assert not [line for line in loaded if line.endswith(f".{name}")]
