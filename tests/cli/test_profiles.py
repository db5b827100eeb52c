"""Profiles and counters, as a whole program: kept beside the run, compared with the baseline's, and told where a command got worse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Program

_BUDGETS = """
version: 1
measure:
  it:
    command: {run: "true", runs: 2}
budgets:
  - series: command.wall
    limit: 1 ms
"""
_BEFORE, _AFTER = "main;parse 800\nmain;write 200\n", "main;parse 500\nmain;write\x1b[31m@all 500\n"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path / "it", _BUDGETS)
    (made.root / "before.folded").write_text(_BEFORE, encoding="utf-8")
    (made.root / "after.folded").write_text(_AFTER, encoding="utf-8")
    made.commit("profiles")
    return made


def _measure(program: Program, profile: str, output: str) -> None:
    done = program.perfgate(
        "measure", "command", "it", "--runs", "2", "--profile-from", f"{profile}.folded", "-o", output, "--", "sleep", "0.01"
    )  # fmt: skip
    assert done.code == 0, done.err


def test_the_frames_that_grew_are_named_between_two_runs(program: Program) -> None:
    _measure(program, "before", "one.json")
    _measure(program, "after", "two.json")
    shown = program.perfgate(
        "measure", "command", "it", "--runs", "1", "--profile-from", "before.folded", "-o", "3.json", "--", "true"
    )
    assert "80.0 %" in shown.out
    folded = program.root / "one.it.folded"
    assert folded.read_text(encoding="utf-8") == _BEFORE
    told = program.perfgate("compare", "two.json", "--against", "one.json")
    assert told.code == 0, told.err
    assert "write?[31m@all: self 0.0 % → 50.0 %, total 0.0 % → 50.0 %" in told.out
    assert "\x1b" not in told.out
    assert "one earlier profile does not show how much profiles differ" in " ".join(told.out.split())
    value = json.loads(program.perfgate("compare", "two.json", "--against", "one.json", "--json").out)
    (profile,) = value["profiles"]
    assert profile["grown"][0]["frame"] == "write?[31m@all"
    same = program.perfgate("compare", "one.json", "--against", "one.json")
    assert "no frame's share grew" in same.out


def test_the_gate_tells_the_frames_of_a_command_that_is_over_its_budget(program: Program) -> None:
    _measure(program, "before", "one.json")
    admitted = program.perfgate("gate", "one.json", "--fail-on", "never")
    assert "more of its time" not in admitted.out
    assert program.perfgate("baseline", "admit", "one.json", "--reason", "first").code == 0
    program.commit("baseline")
    _measure(program, "after", "two.json")
    judged = program.perfgate("gate", "two.json")
    assert judged.code in {10, 20}, judged.err
    assert '"it" spends more of its time in: write?[31m@all 0.0 % → 50.0 % self' in " ".join(judged.out.split())
    comment = (program.root / ".perfgate" / "decision" / "comment.md").read_text(encoding="utf-8")
    assert "more of its time" in comment
    assert " @all" not in comment


def test_a_run_without_a_profile_says_nothing_of_frames(program: Program) -> None:
    done = program.perfgate("measure", "command", "it", "--runs", "2", "-o", "one.json", "--", "true")
    assert done.code == 0, done.err
    assert "where the time" not in program.perfgate("compare", "one.json", "--against", "one.json").out


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--counter", "cycles"], "no counter"), (["--profile", "--profile-from", "before.folded"], "of one command"),
     (["--profile-from", "nothing.folded"], "nothing.folded"), (["--profile-from", "budgets.yaml"], "no folded stacks")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_runs(program: Program, options: list[str], told: str) -> None:
    done = program.perfgate("measure", "command", "it", *options, "--", "touch", "ran")
    assert done.code == 2
    assert told in done.err
    assert not (program.root / "ran").exists()


def test_without_the_counter_nothing_is_measured_and_the_way_out_is_told(program: Program, tmp_path: Path) -> None:
    done = program.perfgate(
        "measure", "command", "it", "--counter", "instructions", "--", "/bin/true", environ={"PATH": str(tmp_path)}
    )
    assert done.code == 2
    assert "valgrind is not installed" in done.err
    assert "apt-get install valgrind" in done.err


def test_an_entry_may_ask_for_a_counter_or_a_profile_but_not_for_a_counter_in_turns(program: Program) -> None:
    entry = "version: 1\nmeasure:\n  it:\n    command: {run: 'true', counter: instructions%s}\nbudgets: []\n"
    program.budgets(entry % ", versus: base")
    refused = program.perfgate("measure", "all")
    assert refused.code == 2
    assert "a counter needs no runs in turns" in refused.err
    program.budgets((entry % "").replace("counter: instructions", "counter: cycles"))
    assert program.perfgate("measure", "all").code == 2
    program.budgets((entry % "").replace("counter: instructions", "runs: 1, profile: true"))
    done = program.perfgate("measure", "all", environ={"PATH": "/nowhere:/bin:/usr/bin"})
    assert done.code == 0, done.err
