"""`perfgate measure bench` as people call it: what it says, where it fits, and its exit codes."""

from __future__ import annotations

from pathlib import Path

from tests.cli.program import Program

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bench"


def test_it_says_the_tool_and_with_verbose_why_it_is_no_other(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    path = CORPUS / "jmh/modes_and_gc.json"
    done = program.perfgate("--verbose", "measure", "bench", str(path))
    assert "(jmh 1.37)" in done.err
    assert 'not of tinybench: the first task has no "name" with a "result"' in done.err
    assert "not of" not in program.perfgate("measure", "bench", str(path)).err


def test_its_tables_fit_in_eighty_columns(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    for name in ("lighthouse/load_1.json", "jmh/modes_and_gc.json", "k6/points.ndjson", "criterion"):
        done = program.perfgate("measure", "bench", str(CORPUS / name), environ={"COLUMNS": "80"})
        table = [line for line in done.out.splitlines() if not line.startswith("note:")]
        assert len(table) > 3
        assert max(len(line) for line in table) <= 80


def test_a_direction_is_told_on_the_command_line(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    path = str(CORPUS / "github_action_benchmark/custom.json")
    assert "nothing says which way" in program.perfgate("measure", "bench", path).out
    assert "nothing says" not in program.perfgate("measure", "bench", path, "--better", "higher").out
    wrong = program.perfgate("measure", "bench", path, "--better", "faster")
    assert wrong.code == 2
    assert '"lower" or "higher"' in wrong.err
    insisted = program.perfgate("measure", "bench", path, "--tool", "jmh")
    assert insisted.code == 2
    assert "jmh: the first entry" in insisted.err


def test_the_schema_of_the_own_format_is_printed(tmp_path: Path) -> None:
    assert '"perfgate/bench/1"' in Program(tmp_path, git=False).perfgate("schema", "bench").out
