"""A measured command that fails: what is known is judged and told, it is never a pass, and never the baseline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from perfgate.formats import run as run_format
from tests.cli.program import Ended, Program

BUDGETS = """\
version: 1
measure:
  unit:
    tests: {run: [{python}, tests.py, "{out}"]}
  page:
    size: {paths: [page.js]}
budgets:
  - {series: tests.failed, limit: 0, max_increase: none}
  - {series: tests.duration, limit: 1 min, max_increase: none}
  - {series: "size.bytes{path=page.js}", limit: 100 B, max_increase: none}
"""
WITHOUT_FAILED = BUDGETS.replace("  - {series: tests.failed, limit: 0, max_increase: none}\n", "")
CASES = '<testsuite name="unit"><testcase name="a" time="1"/>{}</testsuite>'
FAILED = '<testcase name="b" time="1"><failure message="no"/></testcase>'
BREAKS = "import sys; print('last words'); sys.exit(5)"


def project(tmp_path: Path, budgets: str = BUDGETS, *, fails: bool = True) -> Program:
    made = Program(tmp_path / "project")
    made.budgets(budgets.replace("{python}", json.dumps(sys.executable)))
    suite(made, fails=fails)
    (made.root / "page.js").write_bytes(b"x" * 50)
    made.commit("a project")
    return made


def suite(program: Program, *, fails: bool) -> None:
    report = CASES.format(FAILED if fails else "")
    script = f"import pathlib, sys\npathlib.Path(sys.argv[1]).write_text({report!r})\nsys.exit({int(fails)})\n"
    (program.root / "tests.py").write_text(script, encoding="utf-8")


def levels(program: Program) -> dict[str, str]:
    data = json.loads((program.root / ".perfgate" / "decision" / "decision.json").read_bytes())
    return {"": data["level"]} | {each["series"]: each["level"] for each in data["verdicts"]}


def on_github(program: Program, tmp_path: Path, *arguments: str) -> tuple[Ended, dict[str, str], str]:
    """How the program ended in a job, its step outputs, and the job summary."""
    for name in ("output", "summary"):
        (tmp_path / name).write_text("", encoding="utf-8")
    environ = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    ended = program.perfgate(*arguments, environ=environ)
    lines = (tmp_path / "output").read_text(encoding="utf-8").splitlines()
    outputs = {lines[at].partition("<<")[0]: lines[at + 1] for at in range(0, len(lines), 3)}
    assert len(outputs) * 3 == len(lines)
    return ended, outputs, (tmp_path / "summary").read_text(encoding="utf-8")


# --- a suite with failing tests ---------------------------------------------------------------------------------------


def test_a_failing_test_blocks_by_its_budget_and_the_other_entries_are_judged(tmp_path: Path) -> None:
    program = project(tmp_path)
    ended = program.perfgate("check")
    assert ended.code == 20, ended.out + ended.err
    assert levels(program) == {
        "": "block",
        "tests.failed{suite=unit}": "block",
        "tests.duration{suite=unit}": "inconclusive",
        "size.bytes{path=page.js}": "pass",
    }
    assert 'the command "unit" ended with exit code 1; failed tests: 1, the first is unit.b' in " ".join(
        ended.out.split()
    )


@pytest.mark.parametrize("fail_on", ["warn", "block", "never"])
def test_a_failing_suite_is_never_a_pass(tmp_path: Path, fail_on: str) -> None:
    program = project(tmp_path, WITHOUT_FAILED)
    ended, outputs, summary = on_github(program, tmp_path, "check", "--fail-on", fail_on)
    assert ended.code == 4, ended.out + ended.err
    assert "A COMMAND FAILED" in ended.out
    assert (outputs["verdict"], outputs["exit-code"]) == ("error", "4")
    assert "perfgate: a command failed" in summary
    assert levels(program)["size.bytes{path=page.js}"] == "pass"
    # The same of what was kept.
    assert program.perfgate("gate", ".perfgate/decision/runs", "--fail-on", fail_on).code == 4


def test_fail_on_never_lets_a_block_pass_but_not_the_failed_command_beside_it(tmp_path: Path) -> None:
    assert project(tmp_path).perfgate("check", "--fail-on", "never").code == 4


def test_a_run_of_a_failed_command_is_never_admitted(tmp_path: Path) -> None:
    program = project(tmp_path, WITHOUT_FAILED)
    ended = program.perfgate("check", "--admit")
    assert (ended.code, "not admitted to the baseline: a measured command failed" in ended.err) == (4, True)
    ended = program.perfgate("baseline", "update")
    assert "a measured command failed" in ended.out + ended.err
    assert not (program.root / "baselines").exists()


def test_what_a_failing_suite_tells_is_written_and_shown_before_the_end(tmp_path: Path) -> None:
    program = project(tmp_path)
    words = ("measure", "tests", "--suite", "unit", "-o", "run.json", "--", sys.executable, "tests.py", "{out}")
    ended = program.perfgate(*words)
    assert ended.code == 4, ended.err
    found = run_format.load((program.root / "run.json").read_bytes(), "run.json")
    assert {each.series.metric for each in found.measurements if each.values} == {"tests.failed", "tests.flaky"}
    assert "tests.failed{suite=unit}" in ended.out
    assert program.perfgate("measure", "all").code == 4


REAL = "version: 1\nmeasure:\n  unit:\n    tests: {run: [{python}, -m, pytest, -q, test_it.py]}\n"
ASKED = ("measure", "tests", "--", sys.executable, "-m", "pytest", "-q", "test_it.py")


def real_suite(tmp_path: Path, tests: str) -> Program:
    made = project(tmp_path, REAL + "budgets:\n  - {series: tests.duration, limit: 1 min}\n")
    (made.root / "test_it.py").write_text(tests, encoding="utf-8")
    made.commit("tests")
    return made


@pytest.mark.parametrize("arguments", [ASKED, ("measure", "all"), ("check",)])
def test_the_end_of_a_failing_suite_is_shown_with_its_traceback(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    secret = "ghp_" + "a1B2" * 9
    program = real_suite(tmp_path, f"def test_a():\n    print('::error::x', '{secret}')\n    assert 6 * 7 == 43\n")
    ended = program.perfgate("--quiet", *arguments)
    assert ended.code == 4, ended.err
    told = ended.err.splitlines()
    assert [each for each in told if each.startswith("  | E ")] == ["  | E       assert (6 * 7) == 43"]
    assert any("failed tests: 1" in each for each in told[told.index("  | E       assert (6 * 7) == 43") :])
    assert not any(each.lstrip().startswith("::") for each in (ended.out + ended.err).splitlines())
    kept = b"".join(each.read_bytes() for each in (program.root / ".perfgate").rglob("*") if each.is_file())
    assert secret not in ended.out + ended.err
    assert b"6 * 7" not in kept


def test_of_a_suite_that_fails_ten_thousand_times_only_the_end_is_shown(tmp_path: Path) -> None:
    tests = "import sys\ndef test_a():\n    assert 0\ndef test_b():\n    print('long' * 9, *range(10**5), sep='\\n')\n    assert 0\n"
    ended = real_suite(tmp_path, tests).perfgate(*ASKED)
    assert ended.code == 4
    assert (len(ended.err.splitlines()) < 120, len(ended.err) < 20_000, "  | 99999" in ended.err) == (True, True, True)


def test_of_two_suites_that_fail_both_are_told(tmp_path: Path) -> None:
    both = REAL + "  more:\n    tests: {run: [{python}, -m, pytest, -q, test_more.py]}\n"
    program = project(tmp_path, both)
    for name in ("it", "more"):
        (program.root / f"test_{name}.py").write_text(f"def test_a():\n    assert {name!r} == 0\n", encoding="utf-8")
    ended = program.perfgate("measure", "all")
    assert ended.code == 4
    assert all(words in ended.err for words in ("'it' == 0", "'more' == 0", 'command "unit"', 'command "more"'))


# --- a command that yields nothing ------------------------------------------------------------------------------------


def with_broken(budgets: str) -> str:
    entry = f"  broken:\n    command: {{run: [{{python}}, -c, {json.dumps(BREAKS)}]}}\nbudgets:"
    return budgets.replace("budgets:", entry)


def test_an_entry_whose_command_fails_takes_no_other_entry_with_it(tmp_path: Path) -> None:
    program = project(tmp_path, with_broken(BUDGETS), fails=False)
    ended = program.perfgate("check")
    assert ended.code == 4, ended.out + ended.err
    assert 'the command "broken" ended with exit code 5' in ended.out
    assert "  | last words" in ended.err
    assert {series for series, level in levels(program).items() if level == "pass"} == {
        "tests.failed{suite=unit}",
        "tests.duration{suite=unit}",
        "size.bytes{path=page.js}",
    }
    (program.root / "page.js").write_bytes(b"x" * 500)
    assert program.perfgate("check").code == 20


def test_where_nothing_else_is_measured_a_failed_command_is_an_error_without_a_decision(tmp_path: Path) -> None:
    alone = f"version: 1\nmeasure:\n  broken:\n    command: {{run: [{{python}}, -c, {json.dumps(BREAKS)}]}}\n"
    program = project(tmp_path, alone + "budgets:\n  - {series: command.wall, limit: 1 s}\n")
    ended = program.perfgate("check")
    assert (ended.code, "so nothing was measured" in ended.err) == (4, True)
    assert not (program.root / ".perfgate" / "decision").exists()


# --- errors before a decision, in GitHub Actions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gate", "100%, no: such.json"), 2),
        (("--quiet", "check"), 2),
        (("baseline", "update", "--quiet"), 2),
        (("rejudge",), 2),
    ],
)
def test_an_error_before_the_decision_is_told_to_github_once(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    program = Program(tmp_path / "project")
    program.commit("nothing")
    ended, outputs, summary = on_github(program, tmp_path, *arguments)
    assert ended.code == code, ended.err
    (line,) = [each for each in ended.out.splitlines() if each.startswith("::")]
    assert line.startswith("::error title=perfgate::")
    assert outputs == {"verdict": "error", "exit-code": str(code)}
    assert summary.startswith(f"**perfgate: error** (exit code {code}): ")
    assert ("100%25, no: such.json" in line) == (arguments[0] == "gate")


def test_an_error_holds_no_secret_and_no_command_in_github(tmp_path: Path) -> None:
    program = Program(tmp_path / "project")
    secret = "ghp_" + "a1B2" * 9
    ended, _, summary = on_github(program, tmp_path, "gate", f"{secret}\n::warning::x.json")
    assert ended.code == 2
    assert [each.partition("::")[2][:5] for each in ended.out.splitlines() if each.lstrip().startswith("::")] == [
        "error"
    ]
    assert secret not in ended.out + ended.err + summary
    assert "\n::" not in summary


def test_an_error_after_the_decision_takes_nothing_of_it_back(tmp_path: Path) -> None:
    program = project(tmp_path, fails=False)
    (program.root / "page.js").write_bytes(b"x" * 51)
    ended, outputs, summary = on_github(program, tmp_path, "check", "--admit")
    assert (ended.code, outputs["verdict"]) == (1, "pass"), ended.err
    assert "::error" not in ended.out
    assert "perfgate: error" not in summary


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"CI": "true", "GITLAB_CI": "true"}])
def test_errors_are_no_annotations_anywhere_else(tmp_path: Path, environ: dict[str, str]) -> None:
    program = Program(tmp_path / "project")
    files = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    ended = program.perfgate("gate", "missing.json", environ=environ | files)
    assert (ended.code, "::error" in ended.out + ended.err) == (2, False)
    assert not (tmp_path / "output").exists()
    assert not (tmp_path / "summary").exists()


def test_commands_that_decide_nothing_tell_github_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path / "project")
    ended, outputs, summary = on_github(program, tmp_path, "baseline", "show")
    assert ("::error" in ended.out, outputs, summary) == (False, {}, "")


# --- two sides --------------------------------------------------------------------------------------------------------


def test_a_suite_that_fails_on_this_side_is_compared_with_nothing(tmp_path: Path) -> None:
    program = project(tmp_path, fails=False)
    suite(program, fails=True)
    program.commit("a failing test")
    ended = program.perfgate("compare", "--against", "HEAD~1")
    assert ended.code == 4, ended.out + ended.err
    assert "failed tests: 1" in ended.err
