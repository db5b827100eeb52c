"""`perfgate compare --against REF`: both sides measured in turns, and not again while neither changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Ended, Program

BUDGETS = """\
version: 1
measure:
  it: {command: {run: ./it, warmup: 0}}
  page: {size: {run: ["sh", "-c", "cat page > {out}/page"], paths: ["{out}/page"]}}
  suite: {tests: {run: "./suite {out}", suite: unit}}
"""
#: Only wall time decides, so that few pairs do.
JUDGED = """\
budgets:
  - {series: command.wall}
  - {series: command.cpu, max_increase: none}
  - {series: command.memory, max_increase: none}
"""
IT = "version: 1\nmeasure:\n  it: {command: {run: ./it, warmup: 0}}\n"
CASE = '<testsuite><testcase name="a" time="0.01"/></testsuite>'


class Two(Program):
    """A project whose work tree is slower and larger than its last commit."""

    def __init__(self, folder: Path, budgets: str = BUDGETS) -> None:
        super().__init__(folder / "project")
        self.log = folder / "log"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.budgets(budgets + JUDGED)
        self.script("it", "sleep 0.02")
        self.script("suite", f"echo '{CASE}' > $1")
        (self.root / "page").write_text("x" * 100, encoding="utf-8")
        self.base = self.commit("base")
        self.script("it", "sleep 0.1")
        (self.root / "page").write_text("x" * 150, encoding="utf-8")

    def script(self, name: str, text: str) -> None:
        path = self.root / name
        path.write_text(f'#!/bin/sh\necho {name} >> "$LOG"\n{text}\n', encoding="utf-8")
        path.chmod(0o755)

    def compare(self, *arguments: str, cwd: Path | None = None) -> Ended:
        environ = {"LOG": str(self.log), "TMPDIR": str(self.temporary)}
        ended = self.perfgate("compare", *arguments, environ=environ, cwd=cwd)
        assert list(self.temporary.iterdir()) == []
        return ended

    def executed(self) -> int:
        return len(self.log.read_text(encoding="utf-8").split()) if self.log.exists() else 0


def rows(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended
    return {row["series"]: row for row in json.loads(ended.out)["comparisons"]}


def test_every_entry_is_measured_on_both_sides_once_and_then_reused_until_a_side_changes(tmp_path: Path) -> None:
    program = Two(tmp_path)
    first = program.compare("--against", "main", "--json")
    found = rows(first)
    assert found["command.wall{command=it}"]["relative"] > 1
    assert found["size.bytes{path=page}"]["before"] == 100
    assert found["size.bytes{path=page}"]["relative"] == 0.5
    assert found["tests.count{suite=unit}"]["relative"] == 0
    assert found["tests.duration{suite=unit}"]["before"] > 0
    assert "measuring here and at" in first.err
    assert "no earlier measurement tells how long" in first.err
    assert '"it": a pair takes' in first.err
    executed = program.executed()
    # Nothing of it is a run that `gate` would judge.
    assert not list((program.root / ".perfgate" / "runs").glob("*")) if (program.root / ".perfgate" / "runs").exists() else True  # fmt: skip

    again = program.compare("--against", "main", "--json")
    assert rows(again) == found
    assert program.executed() == executed
    assert "unchanged since they were measured: it, page, suite" in again.err

    (program.root / "page").write_text("x" * 200, encoding="utf-8")
    changed = program.compare("--against", "main", "--json")
    assert rows(changed)["size.bytes{path=page}"]["relative"] == 1.0
    assert "(about " in changed.err
    assert program.executed() > executed


def test_an_untracked_file_and_fresh_measure_anew_and_an_entry_that_changed_too(tmp_path: Path) -> None:
    program = Two(tmp_path, IT)
    program.script("it", "test -e new && echo >> $LOG; sleep 0.1")
    for change in ("", "new", "--fresh", "entry"):
        if change == "new":
            (program.root / "new").write_text("", encoding="utf-8")
        elif change == "entry":
            program.budgets(IT.replace("./it", "[./it, more]") + JUDGED)
        before = program.executed()
        ended = program.compare("--against", program.base, *([change] if change.startswith("--") else []))
        assert ended.code == 0, ended
        assert program.executed() > before, change
    assert f"compared with {program.base[:10]}" in ended.out
    assert "was measured in turns with the base" in ended.err


def test_what_was_kept_and_is_broken_is_measured_anew_and_said(tmp_path: Path) -> None:
    program = Two(tmp_path, IT)
    program.compare("--against", "main")
    (kept,) = (program.root / ".perfgate" / "against").glob("*.json")
    kept.write_text("{", encoding="utf-8")
    ended = program.compare("--against", "main")
    assert ended.code == 0
    assert "measured anew, because what was kept cannot be read" in ended.err


def test_one_side_failing(tmp_path: Path) -> None:
    program = Two(tmp_path)
    program.script("new", "sleep 0.02")
    program.budgets(BUDGETS + "  new: {command: {run: ./new}}\n  files: {size: {paths: new}}\n" + JUDGED)
    ended = program.compare("--against", "main")
    assert ended.code == 0, ended
    assert "command.wall{command=it}" in ended.out
    assert "command=new" not in ended.out
    assert '"./new" fails on the base' in ended.err
    assert '"files" cannot be measured on the base' in ended.err
    program.script("it", "exit 5")
    assert program.compare("--against", "main").code == 4


def test_no_measure_and_run_files_compare_what_is_there(tmp_path: Path) -> None:
    from tests.core.making import measured

    program = Two(tmp_path)
    program.history("command.wall{command=it}", [1.0] * 6)
    path = program.measure(measured("command.wall{command=it}", 1.0))
    for arguments in (["--no-measure"], [str(path)]):
        ended = program.compare(*arguments, "--against", "main")
        assert ended.code == 0, ended
        assert "6 runs" in ended.out
    ended = program.compare(str(path), "--against", str(path))
    assert ended.code == 0, ended
    assert program.executed() == 0


def test_only_leaves_out_commands_that_are_not_asked_for(tmp_path: Path) -> None:
    program = Two(tmp_path)
    found = rows(program.compare("--against", "main", "--only", "size.*", "--json"))
    assert set(found) == {"size.bytes{path=page}"}
    assert "it" not in program.log.read_text(encoding="utf-8").split()


def test_entries_that_have_no_two_sides_are_named(tmp_path: Path) -> None:
    entries = """\
  pipe: {pipeline: {from: jobs.json}}
  agent: {tokens: {run: ./ask, files: "*.jsonl"}}
"""
    ended = Two(tmp_path, BUDGETS + entries).compare("--against", "main")
    assert ended.code == 0
    assert '"pipe" is about a pipeline' in ended.err
    assert '"agent" would call a model on both sides' in ended.err


@pytest.mark.parametrize("ref", ["--upload-pack=x", "-x", "nowhere"])
def test_a_ref_that_is_none_is_bad_input(tmp_path: Path, ref: str) -> None:
    program = Two(tmp_path)
    ended = program.compare(f"--against={ref}")
    assert ended.code == 2
    assert "is neither a file nor a commit" in ended.err
    assert program.executed() == 0
