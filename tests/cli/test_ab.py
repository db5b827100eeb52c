"""`perfgate ab` as a whole program: real repositories, real commands, both sides in turns."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfgate.formats import run as run_format
from tests.cli.program import ENVIRON, Ended, Program

FAST, SLOW = "sleep 0.02", "sleep 0.1"
WALL_ONLY = """\
version: 1
budgets:
  - {series: command.wall}
  - {series: command.cpu, max_increase: none}
  - {series: command.memory, max_increase: none}
"""


class Sided(Program):
    """A repository whose base and work tree run different scripts, with its temporary files in a folder of its own."""

    def __init__(self, folder: Path, base: str, here: str, budgets: str = WALL_ONLY) -> None:
        super().__init__(folder / "project", budgets)
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.script(base)
        self.base = self.commit("base")
        self.script(f"{here}\n# this side is not committed")

    def script(self, text: str, name: str = "it") -> None:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def ab(self, *arguments: str, cwd: Path | None = None) -> Ended:
        ended = self.perfgate("ab", *arguments, environ={"TMPDIR": str(self.temporary)}, cwd=cwd)
        assert not list(self.temporary.iterdir()), ended.err
        assert "perfgate" not in self.git("worktree", "list").replace(str(self.root), "")
        return ended

    def runs(self) -> list[Path]:
        return sorted((self.root / ".perfgate" / "runs").glob("*.json"))


def test_a_slower_side_blocks_and_the_pairs_are_an_ordinary_run(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, SLOW)
    ended = program.ab("it", "--", "./it")
    assert ended.code == 20, ended
    assert "command.wall{command=it}" in ended.out
    assert f'"it" was measured in turns with the base ({program.base[:10]})' in ended.out
    assert f"perfgate ab it --base {program.base[:10]} -- ./it" in ended.out
    (path,) = program.runs()
    run = run_format.load(path.read_bytes(), "run")
    assert run.context.base == program.base
    assert run.context.worktree
    for measurement in run.measurements:
        assert len(measurement.values) == len(measurement.before) >= 3
    # Judged again from its files alone it is the same decision.
    assert program.perfgate("gate").code == 20
    assert program.perfgate("gate", str(path)).code == 20


def test_a_faster_side_passes(tmp_path: Path) -> None:
    ended = Sided(tmp_path, "sleep 0.1", "sleep 0.06").ab("it", "--", "./it")
    assert ended.code == 0, ended


def test_json_is_the_decision(tmp_path: Path) -> None:
    ended = Sided(tmp_path, FAST, SLOW).ab("it", "--json", "--pairs", "5", "--", "./it")
    assert json.loads(ended.out)["level"] == "block"


def test_without_budgets_the_defaults_are_enforced_and_the_decision_can_be_repeated(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, SLOW, budgets="")
    ended = program.ab("it", "--pairs", "5", "--", "./it")
    assert ended.code == 20
    assert "judged by the defaults" in ended.out
    decision = program.root / ".perfgate" / "decision"
    again = program.perfgate(
        "gate", str(decision / "runs"), "--budgets", str(decision / "budgets.yaml"), "--out", str(tmp_path / "again")
    )
    assert again.code == 20, again


def test_budgets_that_name_other_things_do_not_judge_and_their_defaults_do(tmp_path: Path) -> None:
    budgets = 'version: 1\ndefaults: {warn: 5%, block: 10000%}\nbudgets: [{series: "command.wall{command=other}"}]\n'
    ended = Sided(tmp_path, FAST, SLOW, budgets).ab('a "name", odd*', "--pairs", "5", "--", "./it")
    assert ended.code == 10, ended
    assert "the defaults of budgets.yaml" in ended.out


def test_an_entry_of_budgets_yaml_needs_no_command(tmp_path: Path) -> None:
    budgets = f"{WALL_ONLY}measure: {{it: {{command: {{run: ./it, setup: ./make, warmup: 0}}}}}}\n"
    program = Sided(tmp_path, FAST, SLOW, budgets)
    program.script("touch made", "make")
    program.git("add", "-A")
    program.git("commit", "-qm", "both have it")
    program.script("sleep 0.2")
    ended = program.ab("it", "--pairs", "5")
    assert ended.code == 20, ended
    assert (program.root / "made").exists()
    assert "ab it --base" in ended.out
    assert "--setup ./make -- ./it" in ended.out
    unknown = program.ab("that")
    assert unknown.code == 2
    assert "perfgate ab that -- CMD" in unknown.err


def test_another_base_is_compared_with_and_said(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    program.commit("equal")
    program.script(SLOW)
    program.commit("slow")
    program.git("tag", "v1", program.base)
    ended = program.ab("it", "--base", "v1", "--pairs", "5", "--", "./it")
    assert ended.code == 20
    assert f"measured against {program.base[:10]}, the base of this tree is" in ended.out


def test_a_side_compared_with_itself_is_said_to_be_the_same(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    commit = program.commit("the same")
    ended = program.ab("it", "--base", "HEAD", "--pairs", "3", "--", "./it")
    assert f"both sides are commit {commit[:10]}" in ended.out


def test_untracked_files_are_part_of_this_side_only(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    program.script("true", "new")
    ended = program.ab("new", "--", "./new")
    assert ended.code == 4
    assert f'fails on the base ({program.base[:10]}): there is no program "./new"' in ended.err
    assert program.runs() == []
    assert not (program.root / ".perfgate" / "decision").exists()


def test_a_base_that_does_not_build_ends_with_four_and_nothing_stored(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    program.script("echo built", "make")
    ended = program.ab("it", "--setup", "./make", "--", "./it")
    assert ended.code == 4
    program.script("echo cannot; exit 7", "make")
    program.commit("a base that does not build")
    program.script("echo built", "make")
    ended = program.ab("it", "--setup", "./make", "--", "./it")
    assert ended.code == 4
    assert "the base" in ended.err
    assert "| cannot" in ended.err
    assert program.runs() == []


def test_the_folder_of_the_user_is_the_folder_of_both_sides(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    program.script('test "$PWD" = "$(pwd -P)" && sleep 0.02', "deep/it")
    program.commit("a folder")
    program.script('test "$PWD" = "$(pwd -P)" && sleep 0.1', "deep/it")
    assert program.ab("it", "--pairs", "5", "--", "./it", cwd=program.root / "deep").code == 20
    (program.root / "new").mkdir()
    program.script(FAST, "new/it")
    ended = program.ab("it", "--", "./it", cwd=program.root / "new")
    assert ended.code == 4
    assert 'there is no folder "new" on the base' in ended.err


def test_what_both_sides_share_is_said(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    ended = program.perfgate(
        "ab", "it", "--pairs", "3", "--", str(program.root / "it"),
        environ={"PYTHONPATH": ENVIRON["PYTHONPATH"] + ":" + str(program.root / "lib")},
    )  # fmt: skip
    assert "PYTHONPATH leads into this work tree" in ended.out
    assert "by its whole path, so both sides use this one" in ended.out


# --- what cannot be compared ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["--upload-pack=touch bad", "-x", "nowhere", "main;touch bad", "HEAD^{tree}"])
def test_a_ref_that_is_none_is_bad_input(tmp_path: Path, ref: str) -> None:
    program = Sided(tmp_path, FAST, FAST)
    ended = program.ab("it", f"--base={ref}", "--", "./it")
    assert ended.code == 2
    assert "is no commit, branch or tag" in ended.err
    assert not (program.root / "bad").exists()


def test_without_git_without_a_commit_and_with_one_commit_only_a_sentence_says_why(tmp_path: Path) -> None:
    plain = Program(tmp_path / "plain", git=False)
    ended = plain.perfgate("ab", "it", "--", "true")
    assert ended.code == 2
    assert "not in a git repository" in ended.err
    empty = Program(tmp_path / "empty")
    ended = empty.perfgate("ab", "it", "--", "true")
    assert ended.code == 2
    assert "no commit yet" in ended.err
    empty.commit("first")
    ended = empty.perfgate("ab", "it", "--", "true")
    assert ended.code == 2
    assert "--base REF" in ended.err


@pytest.mark.parametrize("arguments", [["--within", "10 MB"], ["--within", "0 s"], ["--prepare", "'"], ["--pairs", "0"], ["--pairs", "101"]])  # fmt: skip
def test_options_that_mean_nothing_are_refused_before_anything_runs(tmp_path: Path, arguments: list[str]) -> None:
    ended = Sided(tmp_path, FAST, FAST).ab("it", *arguments, "--", "./it")
    assert ended.code == 2
    assert arguments[0] in ended.err


def test_broken_budgets_are_refused_before_anything_runs(tmp_path: Path) -> None:
    program = Sided(tmp_path, "touch ran", "touch ran")
    program.budgets("version: 2\n")
    program.commit("broken")
    ended = program.ab("it", "--", "./it")
    assert ended.code == 2
    assert not (program.root / "ran").exists()


# --- however it ends --------------------------------------------------------------------------------------------------


def started(program: Sided) -> subprocess.Popen[str]:
    """`perfgate ab` in the middle of measuring."""
    environ = ENVIRON | {"TMPDIR": str(program.temporary)}
    process = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "ab", "it", "--warmup", "0", "--", "./it"],
        cwd=program.root, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running = program.root / "running"
    for _ in range(200):
        if running.exists():
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError("it never ran")


def long_running(tmp_path: Path) -> Sided:
    script = f"touch '{tmp_path}/project/running'; exec sleep 30"
    program = Sided(tmp_path, script, script)
    program.git("config", "core.excludesFile", "/dev/null")
    return program


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_no_work_tree_no_folder_and_no_run(tmp_path: Path, number: signal.Signals, code: int) -> None:
    program = long_running(tmp_path)
    with started(program) as process:
        assert len(program.git("worktree", "list").splitlines()) == 2
        process.send_signal(number)
        _, told = process.communicate(timeout=30)
    assert process.returncode == code
    assert "nothing was stored" in told
    assert list(program.temporary.iterdir()) == []
    assert len(program.git("worktree", "list").splitlines()) == 1
    assert program.runs() == []


def test_what_a_killed_one_left_the_next_measuring_removes(tmp_path: Path) -> None:
    program = long_running(tmp_path)
    with started(program) as process:
        process.kill()
        process.communicate(timeout=30)
    assert list(program.temporary.iterdir())
    ended = program.perfgate(
        "measure", "command", "x", "--runs", "1", "--", "true", environ={"TMPDIR": str(program.temporary)}
    )
    assert ended.code == 0
    assert list(program.temporary.iterdir()) == []
    assert len(program.git("worktree", "list").splitlines()) == 1


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    program = Sided(tmp_path, FAST, FAST)
    argv = [sys.executable, "-m", "perfgate", "ab", "it", "--pairs", "3", "--", "./it"]
    environ = ENVIRON | {"TMPDIR": str(program.temporary)}
    both = [
        subprocess.Popen(argv, cwd=program.root, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, told = process.communicate(timeout=60)
        assert process.returncode in {0, 3, 10, 20}, told
    assert list(program.temporary.iterdir()) == []
    assert len(program.runs()) == 2
    assert len(program.git("worktree", "list").splitlines()) == 1


def test_scratch_folders_of_measuring_are_gone_after_sigterm_too(tmp_path: Path) -> None:
    program = long_running(tmp_path)
    environ = ENVIRON | {"TMPDIR": str(program.temporary)}
    with subprocess.Popen(
        [sys.executable, "-m", "perfgate", "measure", "command", "it", "--", "./it"],
        cwd=program.root, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        for _ in range(200):
            if (program.root / "running").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode == 143
    assert list(program.temporary.iterdir()) == []
