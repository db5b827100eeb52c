"""`perfgate measure command` as a whole program: its options, what it shows, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "project", git=False)


def test_several_commands_with_parameters_are_shown_and_kept(program: Program) -> None:
    arguments = ("--parameter", "k=1..2", "--and", "other=sleep 0.01", "--runs", "5", "--seed", "7", "--warmup", "0")
    ended = program.perfgate("measure", "command", "it", *arguments, "-o", "run.json", "--", "sleep", "0.0{k}")
    assert ended.code == 0, ended
    assert "it (k=2)" in ended.out
    assert "is the quickest" in ended.out
    run = json.loads((program.root / "run.json").read_text(encoding="utf-8"))
    labels = [each["labels"] for each in run["measurements"] if each["metric"] == "command.wall"]
    assert sorted(labels, key=str) == sorted(
        [{"command": "it", "k": "1"}, {"command": "it", "k": "2"}, {"command": "other"}], key=str
    )
    assert {row["seed"] for row in run["details"]["commands"]} == {7}
    assert len(run["details"]["command_runs"]) == 15


def test_a_run_that_takes_too_long_ends_with_four_and_what_it_said(program: Program) -> None:
    ended = program.perfgate("measure", "command", "it", "--timeout", "0.3 s", "--", "sh", "-c", "echo here; sleep 30")
    assert ended.code == 4
    assert "| here" in ended.err
    assert "its --timeout (warm-up 1 of 1)" in ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--parameter", "K=1", "--", "true"), "cannot be the name of a parameter"),
        (("--parameter", "command=1", "--", "true"), "cannot be the name of a parameter"),
        (("--parameter", "k=", "--", "true"), "--parameter k="),
        (("--parameter", "k=8..1", "--", "true"), "has no values"),
        (("--parameter", "k=1,1", "--", "true"), "each once"),
        (("--parameter", "k=1,2", "--", "true"), "used nowhere"),
        (("--and", "other", "--", "true"), "no name with a command"),
        (("--and", "it=true", "--", "true"), "two commands are called"),
        (("--until", "0%", "--", "true"), "no precision"),
        (("--accept", "256", "--", "true"), "no exit codes"),
        (("--accept", "-1", "--", "true"), "no exit codes"),
        (("--timeout", "5 MB", "--", "true"), "not a time"),
        (("--prepare", "'", "--", "true"), "a quote is never closed"),
        (("--prepare", "rm -f a && touch b", "--", "true"), "write sh -c 'rm -f a && touch b' if a shell is meant"),
        (("--cleanup", "A=1 true", "--", "true"), "commands are run without a shell"),
        (("--and", "other=sort text | uniq", "--", "true"), "--and: commands are run without a shell"),
        (
            ("--counter", "instructions", "--runs", "5", "--until", "2%", "--", "true"),
            "--until and --runs have no effect",
        ),
        (("--counter", "instructions", "--warmup", "0", "--", "true"), "--warmup has no effect"),
        (("--counter", "instructions:perf", "--max-time", "1 s", "--", "true"), "--max-time has no effect"),
        (("--shell", "--", "a", "b"), "a shell takes one line"),
        (("--and", "\udcff=true", "--", "true"), "the name is not UTF-8"),
        (("--parameter", "k=\udcff", "--", "echo", "{k}"), "a value of a parameter is not UTF-8"),
        (("--input", "none", "--", "true"), 'no file "none"'),
    ],
)
def test_what_cannot_be_meant_is_refused(program: Program, arguments: tuple[str, ...], told: str) -> None:
    ended = program.perfgate("measure", "command", "it", *arguments)
    assert ended.code == 2, ended
    assert told in ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--runs", "3", "--", "sleep", "0.1"),
            "a name is missing before --\n  write: perfgate measure command NAME -- sleep 0.1",
        ),
        (("--", "time", "true"), "a name is missing before --"),
        (
            ("sleep", "0.1"),
            'no program "0.1" in the PATH\n  is a name missing? write: perfgate measure command NAME -- sleep 0.1',
        ),
        (
            ("sh", "--", "sort in.txt | uniq"),
            "a line for a shell needs --shell: perfgate measure command sh --shell -- '…'",
        ),
        (("sh", "--", "no-such-program-here"), "install it, or write its path"),
    ],
)
def test_a_name_or_a_shell_that_was_forgotten_is_told(program: Program, arguments: tuple[str, ...], told: str) -> None:
    ended = program.perfgate("measure", "command", *arguments)
    assert (ended.code, told in ended.err) == (2, True), ended


def test_a_line_with_a_shell_of_its_own_or_with_escaped_signs_is_run_as_it_is(program: Program) -> None:
    words = (
        "--setup",
        "sh -c 'echo $((1 + 1)) > set && true'",
        "--prepare",
        "test 'a;b' = a\\;b",
        "--and",
        "o=test '&' '!=' a",
    )
    ended = program.perfgate("measure", "command", "it", *words, "--runs", "1", "--", "true")
    assert ended.code == 0, ended
    assert (program.root / "set").read_text(encoding="utf-8") == "2\n"


def test_counts_are_shown_as_whole_numbers(program: Program) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not here")
    ended = program.perfgate("measure", "command", "it", "--counter", "instructions", "-o", "run.json", "--", "true")
    assert ended.code == 0, ended
    row, *_ = json.loads((program.root / "run.json").read_text(encoding="utf-8"))["details"]["counts"]
    assert f" {row['instructions']:,.0f} " in ended.out.partition("counts")[2]


def test_entries_of_budgets_yaml_have_all_of_it(program: Program) -> None:
    program.budgets(
        "version: 1\nmeasure:\n  it:\n    command: {run: 'cat | grep -c a', shell: true, input: text, setup: [sh, -c, 'echo a > text'],"
        " cleanup: touch done, accept: [0, 1], timeout: 20 s, until: 50%, max_time: 1 s, warmup: 0}\n"
        "  many:\n    command: {run: 'sleep 0.0{k}', parameters: {k: 1..3}, runs: 2}\n"
    )
    ended = program.perfgate("measure", "all", "-o", "run.json")
    assert ended.code == 0, ended
    assert (program.root / "done").exists()
    run = json.loads((program.root / "run.json").read_text(encoding="utf-8"))
    assert [row.get("k") for row in run["details"]["commands"]] == [None, "1", "2", "3"]
