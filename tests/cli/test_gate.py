"""The gate as a whole program on real repositories: whose budgets rule, what a change is compared with, what enters the baseline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.core.model import State
from perfgate.formats import run as run_format
from tests.cli.program import ENVIRON, HERE, Program
from tests.core.making import measured, run

SIZE = "size.bytes{path=wheel}"
BUDGET = 'version: 1\nbudgets:\n  - series: "size.bytes{path=wheel}"\n    limit: 120 B\n'
WAIVER = 'waivers:\n  - {series: "size.bytes{path=wheel}", ceiling: 200 B, until: 2099-01-01, reason: agreed, owner: "@team"}\n'


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path / "project", BUDGET)
    made.history(SIZE, [100.0, 100.0])
    return made


def change(program: Program, name: str = "change") -> None:
    program.git("checkout", "-q", "-b", name)
    program.commit("a change")


def test_a_change_cannot_raise_its_own_limit_and_is_told_so(program: Program) -> None:
    change(program)
    program.budgets(BUDGET.replace("120 B", "900 B") + "defaults: {warn: 900%, block: 900%}\n")
    program.commit("raise the limit")
    program.measure(measured(SIZE, 150.0))
    ended = program.perfgate("gate")
    assert ended.code == 20
    assert "this change edits budgets.yaml" in ended.out
    assert "By its own budgets it would be: pass" in ended.out


def test_a_change_cannot_waive_its_own_breach(program: Program) -> None:
    change(program)
    program.budgets(BUDGET + WAIVER)
    program.commit("waive")
    program.measure(measured(SIZE, 150.0))
    assert program.perfgate("gate").code == 20


def test_a_waiver_that_is_on_the_base_branch_lets_the_breach_pass(program: Program) -> None:
    change(program)
    program.git("checkout", "-q", "main")
    program.budgets(BUDGET + WAIVER)
    program.commit("waiver, landed first")
    program.git("checkout", "-q", "change")
    program.measure(measured(SIZE, 150.0))
    ended = program.perfgate("gate")
    assert ended.code == 0
    assert "waived" in ended.out


def test_a_branch_from_an_ancient_commit_does_not_get_ancient_budgets(program: Program) -> None:
    program.git("checkout", "-q", "-b", "old")
    program.git("checkout", "-q", "main")
    program.budgets(BUDGET.replace("120 B", "50 B"))
    program.commit("tighter")
    program.git("checkout", "-q", "old")
    program.commit("on the old branch")
    program.measure(measured(SIZE, 104.0))
    ended = program.perfgate("gate")
    assert "limit of 50 B" in ended.out


def test_a_change_that_is_older_than_the_base_branchs_budgets_edits_nothing(program: Program) -> None:
    change(program)
    program.git("checkout", "-q", "main")
    program.budgets(BUDGET.replace("120 B", "110 B"))
    program.commit("tighter")
    program.git("checkout", "-q", "change")
    program.measure(measured(SIZE, 104.0))
    ended = program.perfgate("gate")
    assert "limit of 110 B" in ended.out
    assert "this change edits" not in ended.out


def test_a_baseline_that_a_change_adds_has_no_say_in_ci(program: Program) -> None:
    change(program)
    program.admit(measured(SIZE, 500.0))
    program.commit("a forged baseline")
    program.measure(measured(SIZE, 140.0))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/change",
        "GITHUB_SHA": program.git("rev-parse", "HEAD"),
    }
    assert program.perfgate("gate", environ=environ).code == 20


def test_the_merge_commit_of_a_pull_request_is_compared_with_its_first_parent(program: Program) -> None:
    change(program)
    head = program.git("rev-parse", "HEAD")
    program.git("checkout", "-q", "main")
    program.history(SIZE, [60.0])
    program.git("checkout", "-q", "--detach", "main")
    program.git("merge", "-q", "--no-ff", "-m", "merge", "change")
    program.measure(measured(SIZE, 61.0))
    event = program.root.parent / "event.json"
    event.write_text(
        json.dumps(
            {
                "number": 5,
                "pull_request": {
                    "number": 5,
                    "base": {"ref": "main", "sha": program.git("rev-parse", "main")},
                    "head": {"ref": "change", "sha": head},
                },
            }
        ),
        encoding="utf-8",
    )
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_EVENT_PATH": str(event),
    }
    ended = program.perfgate("gate", environ=environ)
    assert ended.code == 0, ended.out
    decision = json.loads((program.root / ".perfgate/decision/decision.json").read_text(encoding="utf-8"))
    assert decision["comparisons"][0]["before"] == 60.0
    assert decision["circumstances"]["situation"]["branch"] == "main"


def test_what_ci_measured_is_repeated_by_measuring_both_sides(tmp_path: Path) -> None:
    entry = "measure:\n  wheel: {size: {paths: [wheel]}}\n"
    program = Program(tmp_path / "project", BUDGET + entry)
    program.history(SIZE, [100.0])
    change(program)
    program.measure(measured(SIZE, 200.0))
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"default_branch": "main"}}), encoding="utf-8")
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/change"}
    assert program.perfgate("gate", environ={**environ, "GITHUB_EVENT_PATH": str(event)}).code == 20
    base = program.git("rev-parse", "main")
    comment = (program.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8")
    assert f"perfgate compare --against {base[:10]}" in comment
    assert "unpack the artifact" in comment
    assert program.perfgate("gate").code == 20
    assert "perfgate check\n" in (program.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8")


def test_a_shallow_clone_is_inconclusive_and_says_what_to_do(program: Program, tmp_path: Path) -> None:
    clone = Program(tmp_path / "clone", git=False)
    program.git("clone", "-q", "--depth", "1", f"file://{program.root}", str(clone.root))
    path = program.measure(measured(SIZE, 100.0))
    ended = clone.perfgate("gate", str(path))
    assert ended.code == 0
    assert "fetch-depth: 0" in ended.out
    clone.budgets('version: 1\nbudgets:\n  - series: "size.bytes{path=wheel}"\n')
    assert clone.perfgate("gate", str(path), "--budgets", "budgets.yaml").code == 3


@pytest.mark.parametrize("reach", ["remote", "never", "gone"])
def test_a_pull_request_in_a_shallow_clone_is_not_judged_by_its_own_budgets(
    program: Program, tmp_path: Path, reach: str
) -> None:
    change(program)
    program.budgets(BUDGET.replace("120 B", "900 B"))
    program.commit("raise the limit")
    clone = Program(tmp_path / "clone", git=False)
    program.git("clone", "-q", "--depth", "1", "-b", "change", f"file://{program.root}", str(clone.root))
    path = program.measure(measured(SIZE, 500.0))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_REF": "refs/pull/5/merge",
    }
    if reach == "gone":
        clone.git("remote", "set-url", "origin", f"file://{tmp_path}/nowhere")
    ended = clone.perfgate(
        "gate", str(path), environ=environ | ({"PERFGATE_FETCH": "never"} if reach == "never" else {})
    )
    assert ended.code == (20 if reach == "remote" else 2), ended
    if reach == "remote":
        assert "limit of 120 B" in ended.out
    else:
        assert "fetch-depth: 0" in ended.err


def test_a_repository_without_commits_and_a_folder_without_git_are_judged_by_limits(tmp_path: Path) -> None:
    for name, git in (("empty", True), ("plain", False)):
        program = Program(tmp_path / name, git=git)
        program.budgets(BUDGET)
        path = program.root / "run.json"
        path.write_bytes(run_format.dump(run(measured(SIZE, 150.0), machine=HERE)._replace()))
        assert program.perfgate("gate", "run.json").code == 20, name
        assert program.perfgate("measure", "size", "budgets.yaml").code == 0, name


def test_a_blocked_run_never_enters_the_baseline(program: Program) -> None:
    program.commit("slow")
    program.measure(measured(SIZE, 200.0))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_RUN_ID": "9",
    }
    before = len(list((program.root / "baselines" / "runs").iterdir()))
    ended = program.perfgate("gate", "--admit", environ=environ)
    assert ended.code == 20
    assert "a blocked run never becomes the baseline" in ended.err
    assert len(list((program.root / "baselines" / "runs").iterdir())) == before


def test_a_good_run_of_the_default_branch_enters_it_in_ci_and_once_only(program: Program) -> None:
    program.commit("fine")
    program.measure(measured(SIZE, 101.0))
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_RUN_ID": "9",
    }
    before = len(list((program.root / "baselines" / "runs").iterdir()))
    assert "stored" in program.perfgate("gate", environ=environ).err
    assert "already" in program.perfgate("gate", environ=environ).err
    assert len(list((program.root / "baselines" / "runs").iterdir())) == before + 1
    assert program.perfgate("gate").err == ""


def test_a_run_with_uncommitted_changes_is_not_admitted(tmp_path: Path) -> None:
    program = Program(tmp_path, "version: 1\nbudgets:\n  - {series: size.bytes, limit: 9 kB}\n")
    (program.root / ".gitignore").write_text(".perfgate/\nx\n", encoding="utf-8")
    made = program.perfgate("measure", "size", "budgets.yaml")
    assert made.code == 0
    ended = program.perfgate("gate", "--admit")
    assert "changes that no commit holds" in ended.err


def test_a_waived_value_stays_out_of_the_baseline(program: Program) -> None:
    program.budgets(BUDGET + WAIVER)
    program.commit("waiver")
    program.measure(measured(SIZE, 150.0))
    assert program.perfgate("gate", "--admit").code == 0
    program.commit("next")
    path = program.measure(measured(SIZE, 150.0))
    ended = program.perfgate("gate", "--json", str(path))
    assert json.loads(ended.out)["comparisons"][0]["before"] == 100.0, ended.out


def test_a_justified_warning_passes_and_the_reason_is_told(program: Program) -> None:
    change(program)
    program.commit(f"bigger\n\nPerf-Justification: {SIZE} - a table that pays off")
    program.measure(measured(SIZE, 107.0))
    ended = program.perfgate("gate")
    assert ended.code == 0
    assert "a table that pays off" in ended.out


def test_a_machine_of_another_class_is_not_comparable(program: Program) -> None:
    program.budgets("version: 1\nbudgets:\n  - series: command.cpu\n  - {series: size.bytes, limit: 1 kB}\n")
    other = HERE._replace(cpu_model="another")
    for value in (1.0, 1.1, 1.05, 1.02, 1.0, 1.1):
        program.admit(measured("command.cpu{command=a}", value), measured(SIZE, 10.0), machine=other)
    program.commit("baseline")
    program.measure(measured("command.cpu{command=a}", 9.0), measured(SIZE, 10.0))
    ended = program.perfgate("gate")
    assert ended.code == 0
    assert "not comparable with the baseline: cpu model" in ended.out


def test_only_judges_a_part(program: Program) -> None:
    program.budgets(BUDGET + '  - {series: "tests.failed", limit: 0}\n')
    program.commit("more budgets")
    program.measure(measured(SIZE, 500.0), measured("tests.failed{suite=a}", 0.0))
    assert program.perfgate("gate").code == 20
    assert program.perfgate("gate", "--only", "tests.*").code == 0


def test_a_decision_can_be_repeated_as_of_its_day(program: Program) -> None:
    program.budgets(BUDGET + WAIVER.replace("2099", "2026"))
    program.commit("waiver")
    program.measure(measured(SIZE, 150.0))
    assert program.perfgate("gate", "--today", "2025-12-31").code == 0
    assert program.perfgate("gate", "--today", "2026-06-01").code == 20
    assert program.perfgate("gate", "--today", "soon").code == 2


def test_runs_of_two_commits_are_not_judged_as_one(program: Program) -> None:
    program.measure(measured(SIZE, 100.0))
    program.commit("next")
    program.measure(measured(SIZE, 100.0))
    ended = program.perfgate("gate", ".perfgate/runs")
    assert ended.code == 2
    assert "different commits" in ended.err
    assert program.perfgate("gate").code == 0


def test_the_newest_state_is_found_among_other_runs(program: Program) -> None:
    program.measure(measured(SIZE, 500.0))
    program.commit("next")
    ended = program.perfgate("gate")
    assert ended.code == 3
    assert "1 of other states" in ended.err


def test_a_corrupt_baseline_file_is_named_and_nothing_is_judged_without_it(program: Program) -> None:
    victim = min((program.root / "baselines" / "runs").iterdir())
    victim.write_text("{", encoding="utf-8")
    ended = program.perfgate("gate", str(program.measure(measured(SIZE, 100.0))))
    assert ended.code == 2
    assert victim.name in ended.err


def test_a_collapse_to_nothing_is_told_and_a_missing_series_blocks(program: Program) -> None:
    change(program)
    program.measure(measured(SIZE, 3.0))
    ended = program.perfgate("gate")
    assert ended.code == 10
    assert "same work" in ended.out
    for old in (program.root / ".perfgate/runs").iterdir():
        old.unlink()
    program.measure(measured("tests.failed{suite=a}", 0.0))
    assert program.perfgate("gate").code == 20


def test_explain_shows_every_number_of_a_verdict(program: Program) -> None:
    program.budgets("version: 1\nbudgets:\n  - series: command.cpu\n  - {series: llm.cost, limit: 1 USD/task}\n")
    for value in (1.0, 1.1, 1.05, 1.02, 1.0, 1.1):
        program.admit(measured("command.cpu{command=a}", value))
    program.commit("baseline")
    unknown = measured("llm.cost{scenario=s}", state=State.UNKNOWN, reason="no price for x")
    program.measure(measured("command.cpu{command=a}", 1.5), unknown)
    program.perfgate("gate")
    ended = program.perfgate("explain", "command.cpu{command=a}")
    assert ended.code == 0
    for words in ("n = 6", "t(0.995, 5) = 4.0321", "half widths: real", "block beyond 10 %", "level: block"):
        assert words in ended.out, ended.out
    assert "no price for x" in program.perfgate("explain", "llm.*").out
    ended = program.perfgate("explain", "command.cup")
    assert ended.code == 2
    assert "command.cpu{command=a}" in ended.err


def test_compare_shows_the_change_and_ends_in_0(program: Program) -> None:
    change(program)
    path = program.measure(measured(SIZE, 150.0))
    ended = program.perfgate("compare")
    assert ended.code == 0
    assert "+50.0 %" in ended.out
    assert "+50.0 %" in program.perfgate("compare", str(path), "--against", "main").out
    other = program.measure(measured(SIZE, 100.0))
    rows = json.loads(program.perfgate("compare", str(path), "--against", str(other), "--json").out)["comparisons"]
    assert rows[0]["relative"] == 0.5
    assert program.perfgate("compare", "--against", "no-such-branch").code == 2
    assert program.perfgate("compare", "--against", "--exec=x").code == 2


def test_the_baseline_can_be_looked_after(program: Program) -> None:
    listed = json.loads(program.perfgate("baseline", "list", "--json").out)
    assert len(listed["runs"]) == 2
    first = listed["runs"][0]["id"]
    assert "100 B" in program.perfgate("baseline", "show", first).out
    assert program.perfgate("baseline", "show", "2026-10-01").code == 2
    assert program.perfgate("baseline", "anchor", first, "--reason", "release").code == 0
    program.measure(measured(SIZE, 101.0))
    program.commit("x")
    assert program.perfgate("baseline", "admit", ".perfgate/runs", "--reason", "by hand").code == 0
    assert program.perfgate("baseline", "prune", "--keep", "1", "--reason", "old").code == 0
    listed = json.loads(program.perfgate("baseline", "list", "--json").out)
    assert {each["id"] for each in listed["runs"]} >= {first}
    assert len(listed["runs"]) == 2
    retired = program.perfgate("baseline", "retire", "--series", "size.*", "--reason", "new format")
    assert retired.code == 0
    assert "2 values of 2 runs no longer count" in retired.err
    again = program.perfgate("baseline", "retire", "--series", "size.*", "--reason", "once more")
    assert "no value that still counted is meant" in again.err
    assert program.perfgate("baseline", "retire", "--reason", " ").code == 2
    for command in (("retire",), ("accept", first), ("anchor", first)):
        ended = program.perfgate("baseline", *command, "--series", "size.bites", "--reason", "x")
        assert ended.code == 2
        assert f"they have for example {SIZE}" in ended.err
    program.commit("events")
    program.measure(measured(SIZE, 500.0))
    ended = program.perfgate("compare")
    assert "no baseline" in ended.out
    assert "new format" in program.perfgate("baseline", "list").out


def test_hostile_names_reach_no_terminal_no_markdown_and_no_workflow_command(program: Program) -> None:
    program.budgets('version: 1\nbudgets:\n  - {series: "size.*", limit: 1 B}\n')
    program.commit("tight")
    hostile = "\x1b[31m|`@someone` <img src=x> ::error::x %0A [a](http://x) \u202e"
    name = measured(SIZE, 5.0)
    made = name._replace(series=name.series._replace(labels=(("path", hostile),)))
    program.measure(made)
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/x", "FORCE_COLOR": "1", "NO_COLOR": ""}
    ended = program.perfgate("gate", environ=environ)
    assert ended.code == 20
    assert "\x1b[31m|" not in ended.out
    assert "\u202e" not in ended.out
    commands = [line for line in ended.out.splitlines() if line.lstrip().startswith("::")]
    assert all(line.startswith("::error file=budgets.yaml,line=") for line in commands)
    assert len(commands) == 2
    comment = (program.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8")
    assert "\u202e" not in comment
    assert program.perfgate("gate", "--today", "2026-01-01").code == 20


def test_sub_projects_of_a_repository_have_their_own_budgets(tmp_path: Path) -> None:
    top = Program(tmp_path / "mono")
    inner = Program(top.root / "services" / "api", git=False)
    inner.budgets(BUDGET)
    top.commit("budgets of a part")
    commit = top.git("rev-parse", "HEAD")
    path = inner.root / "run.json"
    path.write_bytes(run_format.dump(top.run_of([measured(SIZE, 150.0)], commit=commit)))
    ended = inner.perfgate("gate", "run.json")
    assert ended.code == 20
    assert "services/api" in (inner.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8")


def test_two_processes_that_measure_at_once_leave_two_runs(tmp_path: Path) -> None:
    program = Program(tmp_path, "version: 1\nbudgets:\n  - {series: size.bytes, limit: 9 kB}\n")
    argv = [sys.executable, "-m", "perfgate", "measure", "size", "budgets.yaml"]
    processes = [
        subprocess.Popen(argv, cwd=tmp_path, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert len(list((tmp_path / ".perfgate" / "runs").glob("*.json"))) == 4
    assert program.perfgate("gate").code == 0


def test_compare_names_the_series_it_has_when_asked_for_another(program: Program) -> None:
    program.measure(measured(SIZE, 100.0))
    told = program.perfgate("compare", "--only", "tests.durations")
    assert told.code == 2
    assert 'the run has no series "tests.durations"' in told.err
    assert "there is for example" in told.err


def test_links_in_the_checkout_lead_no_output_out_of_the_project(program: Program, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "runs").mkdir(parents=True)
    (outside / "runs" / "kept.json").write_text("kept", encoding="utf-8")
    (program.root / ".perfgate").mkdir(exist_ok=True)
    (program.root / ".perfgate" / "decision").symlink_to(outside)
    program.measure(measured(SIZE, 100.0))
    ended = program.perfgate("gate")
    assert ended.code == 1
    assert ended.out.startswith("PASS")
    assert "symbolic link" in ended.err
    assert [path.relative_to(outside).as_posix() for path in outside.rglob("*")] == ["runs", "runs/kept.json"]


def test_an_admission_that_was_asked_for_and_refused_is_a_failure_after_the_verdict(program: Program) -> None:
    path = program.measure(measured(SIZE, 100.0))
    found = run_format.load(path.read_bytes(), "run")
    path.write_bytes(run_format.dump(found._replace(context=found.context._replace(worktree="changed"))))
    assert program.perfgate("gate", str(path)).code == 0
    ended = program.perfgate("gate", "--admit", str(path))
    assert ended.code == 1
    assert ended.out.startswith("PASS")
    assert "not admitted to the baseline: the work tree has changes" in ended.err
    # A verdict keeps its own number; where it was told not to count, the refusal does.
    path = program.measure(measured(SIZE, 500.0))
    assert program.perfgate("gate", "--admit", str(path)).code == 20
    assert program.perfgate("gate", "--admit", "--fail-on", "never", str(path)).code == 1
