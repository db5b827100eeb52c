"""`perfgate export` writes the newest decision for other programs, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from perfgate.cli.export import Format
from tests.cli.program import Program
from tests.core.making import measured

BUDGETS = 'version: 1\nbudgets:\n  - series: "size.*"\n    limit: 10 B\n'


@pytest.fixture
def decided(tmp_path: Path) -> Program:
    program = Program(tmp_path, BUDGETS)
    program.measure(measured("size.bytes{path=a}", 50.0), measured("size.bytes{path=b}", 5.0))
    assert program.perfgate("gate").code == 20
    return program


@pytest.mark.parametrize("form", Format)
def test_every_format_is_the_same_on_stdout_and_in_a_file(decided: Program, form: Format) -> None:
    printed = decided.perfgate("export", form.value)
    assert printed.code == 0, printed.err
    assert "size.bytes" in printed.out or form is Format.METRICS
    assert decided.perfgate("export", form.value, "-o", "-").out == printed.out
    written = decided.perfgate("export", form.value, ".perfgate/decision", "-o", "out/report")
    assert written.code == 0, written.err
    assert written.out == ""
    assert (decided.root / "out/report").read_text(encoding="utf-8") == printed.out
    assert "written to out/report" in written.err


def test_lines_lead_to_the_budget_also_in_a_project_of_a_monorepo(tmp_path: Path) -> None:
    program = Program(tmp_path)
    folder = tmp_path / "services/api"
    folder.mkdir(parents=True)
    (folder / "budgets.yaml").write_text(BUDGETS, encoding="utf-8")
    program.commit()
    path = program.measure(measured("size.bytes{path=a}", 50.0))
    environ = {"GITHUB_ACTIONS": "true"}
    ended = program.perfgate("gate", str(path), "--budgets", "budgets.yaml", cwd=folder, environ=environ)
    assert "::error file=services/api/budgets.yaml,line=3,title=perfgate in services/api%3A block::" in ended.out
    (issue,) = json.loads(program.perfgate("export", "code-quality", cwd=folder).out)
    assert issue["location"] == {"path": "services/api/budgets.yaml", "lines": {"begin": 3}}


def test_a_warning_is_a_failure_of_junit_only_where_that_is_asked_for(decided: Program) -> None:
    for fail_on, failures in (("warn", 1), ("block", 1), ("never", 0)):
        told = decided.perfgate("export", "junit", "--fail-on", fail_on)
        assert ET.fromstring(told.out).get("failures") == str(failures)


def test_without_a_decision_or_with_a_broken_one_nothing_is_written(tmp_path: Path) -> None:
    program = Program(tmp_path)
    (tmp_path / "kept").write_text("before", encoding="utf-8")
    ended = program.perfgate("export", "sarif", "-o", "kept")
    assert ended.code == 2
    assert "there is no decision yet" in ended.err
    (tmp_path / "d").mkdir()
    (tmp_path / "d/decision.json").write_text('{"schema": "perfgate/decision/1"}', encoding="utf-8")
    assert program.perfgate("export", "junit", "d", "-o", "kept").code == 2
    assert program.perfgate("export", "pdf").code == 2
    assert (tmp_path / "kept").read_text(encoding="utf-8") == "before"


def test_a_decision_by_somebody_else_is_cleaned_of_secrets(decided: Program) -> None:
    path = decided.root / ".perfgate/decision/decision.json"
    text = path.read_text(encoding="utf-8").replace(
        "size.bytes{path=a}", "size.bytes{path=ghp_0aB1cD2eF3gH4iJ5kL6mN7oP8qR9}"
    )
    path.write_text(text, encoding="utf-8")
    for form in Format:
        told = decided.perfgate("export", form.value)
        assert told.code == 0, told.err
        assert "0aB1cD2e" not in told.out


def test_a_folder_is_no_file_to_write_and_that_is_bad_usage(decided: Program) -> None:
    ended = decided.perfgate("export", "sarif", "-o", ".")
    assert (ended.code, ended.out) == (2, "")
    assert "this is a folder, not a file" in ended.err
