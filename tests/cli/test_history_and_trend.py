"""`history` and `trend` as a whole program on a real baseline in a real repository."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from perfgate.core.model import Context, Run
from perfgate.store import directory
from tests.cli.program import ENVIRON, HERE, Program
from tests.core.histories import noisy
from tests.core.making import UNIT_TESTS, measured

SLOW = "tests.duration{suite=slow}"
DOCS = "tests.duration{suite=docs}"
BUDGETS = (
    f'version: 1\nbudgets:\n  - series: "{UNIT_TESTS}"\n    limit: 3 min\n  - series: "{SLOW}"\n    limit: 400 s\n'
)
SUBJECT = "rewrite <b>parser</b> @all"
ARM = HERE._replace(arch="aarch64")


def dated(program: Program, day: int, message: str) -> str:
    """A commit on that day; two digits are enough."""
    moment = {
        f"GIT_{role}_DATE": f"2026-{8 + day // 28:02d}-{1 + day % 28:02d}T12:00:00Z" for role in ("AUTHOR", "COMMITTER")
    }
    for arguments in (["add", "-A"], ["commit", "-q", "--allow-empty", "-m", message]):
        subprocess.run(["git", *arguments], cwd=program.root, env=ENVIRON | moment, check=True)
    return program.git("rev-parse", "HEAD")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """45 days on main: the unit tests got slower on day 35, the slow ones creep, the docs run on another machine now and then."""
    program = Program(tmp_path_factory.mktemp("made") / "project", BUDGETS)
    unit = noisy(60, 35) + noisy(72, 10, seed=2)
    slow = noisy(300, 45, spread=0.004, slope=0.004)
    for day in range(45):
        commit = dated(program, day, SUBJECT if day == 35 else f"day {day}")
        started = f"2026-{8 + day // 28:02d}-{1 + day % 28:02d}T13:00:00Z"
        machine = ARM if day % 10 == 3 else HERE
        values = (measured(UNIT_TESTS, unit[day]), measured(SLOW, slow[day]))
        for job, series, on in (("a", values, HERE), ("b", (measured(DOCS, 10.0 + day % 3),), machine)):
            context = Context(tested=commit, head=commit, started_at=started, machine=on, ci_run="7", ci_job=job)
            directory.admit(program.root / "baselines", Run(context, series))
    dated(program, 46, "baseline")
    return program.root


@pytest.fixture
def program(made: Path, tmp_path: Path) -> Program:
    shutil.copytree(made, tmp_path / "project", symlinks=True)
    return Program(tmp_path / "project", git=False)


# --- history ----------------------------------------------------------------------------------------------------------


def test_history_shows_segments_and_the_newest_values(program: Program) -> None:
    ended = program.perfgate("history", UNIT_TESTS, "--last", "12")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert sum("2026-" in line and "used" in line for line in lines) == 10
    assert "33 older values" in ended.out
    assert any(line.startswith("2026-09-08") and "+" in line for line in lines)


def test_history_of_a_glob_shows_every_series_and_json_has_all_values(program: Program) -> None:
    ended = program.perfgate("history", "tests.*", "--json")
    told = json.loads(ended.out)
    assert [each["series"] for each in told["series"]] == [DOCS, SLOW, UNIT_TESTS]
    assert [len(each["values"]) for each in told["series"]] == [40, 45, 45]
    everything = json.loads(program.perfgate("history", DOCS, "--json", "--all-machines").out)
    assert [len(each["values"]) for each in everything["series"]] == [40, 5]


def test_history_says_that_there_are_values_of_other_machines(program: Program) -> None:
    assert "5 more of other machines" in program.perfgate("history", DOCS).out
    assert "aarch64" in program.perfgate("history", DOCS, "--all-machines").out


def test_an_unknown_series_is_bad_input_with_those_most_like_it(program: Program) -> None:
    for arguments in (("history", "tests.duratoin{suite=unit}"), ("trend", "--only", "tests.duratoin{suite=unit}")):
        ended = program.perfgate(*arguments)
        assert ended.code == 2
        assert UNIT_TESTS in ended.err


@pytest.mark.parametrize("command", [("history", "*"), ("trend",)], ids=["history", "trend"])
def test_without_a_baseline_nothing_can_be_judged(command: tuple[str, ...], tmp_path: Path) -> None:
    ended = Program(tmp_path / "empty").perfgate(*command)
    assert ended.code == 3
    assert "no baseline yet" in ended.err
    assert Program(tmp_path / "plain", git=False).perfgate(*command).code == 3


@pytest.mark.parametrize("command", [("history", "*"), ("trend",)], ids=["history", "trend"])
def test_a_shallow_clone_has_no_history_and_says_so(command: tuple[str, ...], program: Program, tmp_path: Path) -> None:
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", program.root.as_uri(), str(tmp_path / "shallow")],
        env=ENVIRON,
        check=True,
    )
    ended = Program(tmp_path / "shallow", git=False).perfgate(*command)
    assert ended.code == 3
    assert "shallow" in ended.err


def test_a_stream_without_unicode_gets_plain_bars(program: Program) -> None:
    ended = program.perfgate("history", UNIT_TESTS, environ={"PYTHONIOENCODING": "ascii"})
    assert ended.code == 0
    bars = ended.out.splitlines()[3].strip()
    assert len(bars) == 45
    assert set(bars) <= set("_.-=+*%#")


def test_outside_git_the_runs_are_told_in_the_order_of_their_start(program: Program) -> None:
    shutil.rmtree(program.root / ".git")
    ended = program.perfgate("trend", environ={"GIT_CEILING_DIRECTORIES": str(program.root.parent)})
    assert ended.code == 10
    assert "2026-09-08" in ended.out


# --- trend ------------------------------------------------------------------------------------------------------------


def test_trend_names_the_commit_of_a_worsening_and_warns(program: Program) -> None:
    ended = program.perfgate("trend")
    assert ended.code == 10
    guilty = program.git("log", "--format=%h", "--abbrev=10", "--grep", "rewrite")
    assert f"new: {UNIT_TESTS}: +" in ended.out
    assert f"{guilty}  {SUBJECT}" in ended.out
    assert "1 commit" in ended.out
    assert f"{SLOW}: the limit of 6 min 40 s is met in" in ended.out
    assert "about" in ended.out
    assert "limit: 1 min 3" in ended.out or "limit: 1 min 2" in ended.out


def test_fail_on_never_and_a_smaller_part_exit_with_zero(program: Program) -> None:
    assert program.perfgate("trend", "--fail-on", "never").code == 0
    assert program.perfgate("trend", "--only", DOCS).code == 0
    assert program.perfgate("trend", "--only", UNIT_TESTS, "--newest", "1").code in {0, 10}


def test_an_accepted_worsening_is_silent_and_the_gate_compares_with_the_new_level(program: Program) -> None:
    told = json.loads(program.perfgate("trend", "--json", "--only", UNIT_TESTS).out)
    (worse,) = told["worse"]
    accepted = program.perfgate(
        "baseline", "accept", worse["run"], "--series", UNIT_TESTS, "--reason", "more tests, agreed"
    )
    assert accepted.code == 0, accepted.err
    assert "35 values of 35 runs no longer count" in accepted.err
    after = program.perfgate("trend", "--only", UNIT_TESTS)
    assert (after.code, "worse" in after.out) == (0, False)
    assert "agreed" in program.perfgate("history", UNIT_TESTS, "--last", "0").out
    assert "accepted from run" in program.perfgate("baseline", "list").out
    program.measure(measured(UNIT_TESTS, 71.0))
    judged = json.loads(program.perfgate("compare", "--json").out)["comparisons"][0]
    assert judged["n"] == 10
    assert judged["before"] == pytest.approx(72, rel=0.02)


def test_on_a_branch_all_runs_of_the_default_branch_are_shown(program: Program) -> None:
    program.git("checkout", "-q", "-b", "old", "HEAD~20")
    program.git("checkout", "-q", "main", "--", "baselines", "budgets.yaml")
    told = json.loads(program.perfgate("history", UNIT_TESTS, "--json").out)
    assert len(told["series"][0]["values"]) == 45


def test_markdown_is_for_issues_and_quiet_changes_nothing_of_a_result(program: Program) -> None:
    text = program.perfgate("trend", "--markdown").out
    assert text.startswith("## perfgate trend\n")
    assert f"`{SUBJECT}`" in text
    assert program.perfgate("--quiet", "trend").out == program.perfgate("trend").out


def test_nothing_is_written_by_looking(program: Program) -> None:
    before = program.git("status", "--porcelain", "--ignored")
    program.perfgate("trend", "--json")
    assert program.git("status", "--porcelain", "--ignored") == before


def test_more_than_twenty_series_are_shown_in_part_and_said(tmp_path: Path) -> None:
    program = Program(tmp_path / "many", BUDGETS)
    program.admit(*(measured(f"tests.duration{{suite=s{index}}}", 1.0) for index in range(23)))
    ended = program.perfgate("history", "tests.*")
    assert "3 more series match" in ended.out
    assert len(json.loads(program.perfgate("history", "*", "--json").out)["series"]) == 23


@pytest.mark.parametrize("arguments", [("--last", "-1"), ("--machines",)])
def test_a_bad_option_is_bad_usage(arguments: tuple[str, ...], program: Program) -> None:
    assert program.perfgate("history", UNIT_TESTS, *arguments).code == 2
