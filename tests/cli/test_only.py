"""`--only` with a name that selects nothing: every command says so in the same way, and names what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.core.making import measured

WHEEL = "size.bytes{path=wheel}"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    budgets = "version: 1\nmeasure:\n  size: {size: {paths: [budgets.yaml]}}\nbudgets:\n  - series: size.bytes\n  - series: llm.tokens\n"
    made = Program(tmp_path / "project", budgets)
    made.history(WHEEL, [100.0] * 3)
    made.measure(measured(WHEEL, 100.0))
    return made


@pytest.mark.parametrize("command", ["gate", "check", "compare", "calibrate", "selftest"])
def test_a_mistyped_series_is_an_error_that_names_close_ones(program: Program, command: str) -> None:
    ended = program.perfgate(command, "--only", "size.byte")
    assert ended.code == 2, ended.out
    assert 'no series "size.byte"' in ended.err
    assert f"there is for example {WHEEL}" in " ".join(ended.err.split())


def test_a_series_that_is_gone_or_that_only_a_budget_names_can_be_asked_for(program: Program) -> None:
    program.commit("next")
    program.measure(measured("size.bytes{path=docs}", 1.0))
    assert program.perfgate("gate", "--only", WHEEL).code == 20
    assert program.perfgate("gate", "--only", "llm.*").code == 3


def test_text_that_is_no_series_is_told_as_such(program: Program) -> None:
    ended = program.perfgate("calibrate", "--only", "size{")
    assert ended.code == 2
    assert "does not name a series" in ended.err
