"""What was measured is kept where `gate` looks, and does not pile up."""

from __future__ import annotations

from pathlib import Path

from perfgate.cli.project import KEPT_RUNS
from tests.cli.program import Program

BUDGETS = "version: 1\nbudgets:\n  - {series: size.bytes, limit: 1 MB}\n"


def left_behind(program: Program, commit: str, days: range) -> list[Path]:
    folder = program.root / ".perfgate" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"2025{day // 28 + 1:02d}{day % 28 + 1:02d}T100000Z-{commit}-{day:08x}.json" for day in days]
    for path in paths:
        path.write_text("{}", encoding="utf-8")
    return paths


def test_the_newest_runs_are_kept_and_those_of_this_commit_and_what_people_named(tmp_path: Path) -> None:
    program = Program(tmp_path, BUDGETS)
    (tmp_path / "file").write_bytes(b"x" * 10)
    here = program.git("rev-parse", "HEAD").strip()[:12]
    mine = left_behind(program, here, range(3))
    old = left_behind(program, "0" * 12, range(10, 40))
    bare = left_behind(program, "no-commit", range(40, 44))
    new = left_behind(program, "1" * 12, range(50, 49 + KEPT_RUNS))
    (named,) = left_behind(program, "0" * 12, range(300, 301))
    kept = named.rename(named.with_name("2024-before.json"))
    for path in (*mine, *old, *bare, *new, kept):
        path.write_text("{}", encoding="utf-8")
    assert program.perfgate("measure", "size", "file").code == 0
    left = set((tmp_path / ".perfgate" / "runs").iterdir())
    assert {*mine, *new, kept} <= left
    assert not {*old, *bare} & left
    assert len(left) == len(mine) + len(new) + 2
    assert program.perfgate("gate").code == 2, "a broken run of this commit is told, not removed"


def test_a_run_written_elsewhere_removes_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path, BUDGETS)
    (tmp_path / "file").write_bytes(b"x" * 10)
    old = left_behind(program, "0" * 12, range(KEPT_RUNS + 5))
    assert program.perfgate("measure", "size", "file", "-o", "run.json").code == 0
    assert all(path.exists() for path in old)
