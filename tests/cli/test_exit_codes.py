"""The whole program ends in each of its exit codes, and its outputs are there by then."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate import __version__
from perfgate.cli import exit_codes
from perfgate.formats import decision as decision_format
from tests.cli.program import ENVIRON, Program
from tests.core.making import measured

SIZE = "size.bytes{path=wheel}"
BUDGET = 'version: 1\nbudgets:\n  - series: "size.bytes{path=wheel}"\n    limit: 120 B\n'


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path / "project", BUDGET)
    made.history(SIZE, [100.0, 100.0])
    return made


def gated(program: Program, value: float, *options: str) -> int:
    for old in (program.root / ".perfgate" / "runs").glob("*.json"):
        old.unlink()
    program.git("checkout", "-q", "-B", "change", "main")
    program.commit("a change")
    program.measure(measured(SIZE, value))
    return program.perfgate("gate", *options).code


def test_pass_is_0_warn_is_10_block_is_20(program: Program) -> None:
    assert gated(program, 101.0) == 0
    assert gated(program, 107.0) == 10
    assert gated(program, 140.0) == 20


def test_fail_on_lets_scripts_treat_a_warning_or_a_block_as_0(program: Program) -> None:
    assert gated(program, 107.0, "--fail-on", "block") == 0
    assert gated(program, 140.0, "--fail-on", "block") == 20
    assert gated(program, 140.0, "--fail-on", "never") == 0


def test_bad_usage_budgets_and_input_are_2(program: Program) -> None:
    assert program.perfgate("gate", "--no-such-option").code == 2
    assert program.perfgate("no-such-command").code == 2
    assert program.perfgate("gate", "missing.json").code == 2
    broken = program.root / "broken.json"
    broken.write_text("{", encoding="utf-8")
    ended = program.perfgate("gate", "broken.json")
    assert ended.code == 2
    assert "broken.json:1:2" in ended.err
    program.git("checkout", "-q", "main")
    program.budgets("version: 1\nbudgets:\n  - series: size.bytes\n    limit: 1:30\n")
    program.measure(measured(SIZE, 1.0))
    ended = program.perfgate("gate", ".perfgate/runs")
    assert ended.code == 2
    assert "budgets.yaml:4:12" in ended.err


def test_nothing_judged_is_3(program: Program) -> None:
    assert program.perfgate("gate").code == 3
    program.measure(measured("tests.count{suite=other}", 5.0))
    program.budgets("version: 1\nbudgets:\n  - series: llm.cost\n    limit: 1 USD/task\n")
    ended = program.perfgate("gate", ".perfgate/runs")
    assert ended.code == 3
    assert "NOTHING JUDGED" in ended.out


def test_a_failed_command_is_4_and_its_last_words_are_shown(program: Program) -> None:
    script = "import sys; print('the very end'); sys.exit(7)"
    ended = program.perfgate("measure", "command", "broken", "--", sys.executable, "-c", script)
    assert ended.code == 4
    assert "the very end" in ended.err
    assert "exit code 7" in ended.err
    assert not (program.root / ".perfgate" / "runs").exists()


def test_a_place_that_cannot_be_written_is_1(program: Program) -> None:
    ended = program.perfgate("measure", "size", "budgets.yaml", "-o", "budgets.yaml/run.json")
    assert ended.code == 1
    assert "budgets.yaml/run.json: the file cannot be written" in ended.err
    assert (program.root / "budgets.yaml").read_text(encoding="utf-8") == BUDGET


def test_a_disk_that_is_full_is_1_and_leaves_nothing_behind(program: Program) -> None:
    paths = " ".join(f"./{'./' * number}budgets.yaml" for number in range(12))
    # A limit on the size of written files fails a write in its middle, as a full disk does.
    command = f"ulimit -f 1; exec {sys.executable} -m perfgate measure size {paths} -o out/run.json"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=program.root,
        env=ENVIRON | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "out/run.json" in done.stderr
    assert not list((program.root / "out").iterdir())


def test_the_decision_is_left_whole_before_the_process_ends(program: Program) -> None:
    assert gated(program, 140.0) == 20
    folder = program.root / ".perfgate" / "decision"
    decision = decision_format.load((folder / "decision.json").read_bytes(), "decision.json")
    assert decision.level.word == "block"
    assert "perfgate: block" in (folder / "comment.md").read_text(encoding="utf-8")
    assert len(list((folder / "runs").iterdir())) == 1
    assert (folder / "budgets.yaml").read_bytes() == BUDGET.encode()


def test_every_output_tells_the_same_level(program: Program) -> None:
    gated(program, 107.0)
    summary, output = program.root / "summary.md", program.root / "output.txt"
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_REF": "refs/heads/change",
    }
    ended = program.perfgate("gate", environ=environ)
    assert ended.code == 10
    assert ended.out.startswith("WARN")
    assert re.search(r"::warning file=[^\n]*title=perfgate%3A warn::", ended.out)
    assert "perfgate: warn" in summary.read_text(encoding="utf-8")
    assert re.search(r"verdict<<(\S+)\nwarn\n\1", output.read_text(encoding="utf-8"))
    told = json.loads((program.root / ".perfgate" / "decision" / "decision.json").read_text(encoding="utf-8"))
    assert told["level"] == "warn"


def test_json_of_a_gate_is_the_decision_file(program: Program) -> None:
    gated(program, 101.0)
    ended = program.perfgate("gate", "--json")
    assert json.loads(ended.out)["schema"] == "perfgate/decision/1"


def test_the_version_is_told_without_loading_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "perfgate", "--version"],
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"perfgate {__version__}\n"
    assert "typer" not in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["gate"], ["measure", "size", "budgets.yaml"]])
def test_no_ordinary_command_loads_scipy_numpy_or_gitpython(program: Program, arguments: list[str]) -> None:
    program.measure(measured(SIZE, 100.0))
    script = (
        "import sys\nfrom perfgate.cli.app import run\n"
        f"run({arguments!r})\n"
        "sys.stderr.write('LOADED ' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=program.root, env=ENVIRON, capture_output=True, text=True, check=False
    )
    loaded = set(done.stderr.rpartition("LOADED ")[2].split())
    assert "perfgate" in loaded
    assert not loaded & {"scipy", "numpy", "git", "jsonschema", "pydantic", "hypothesis"}


def test_the_table_of_exit_codes_is_the_same_everywhere(root: Path, program: Program) -> None:
    told = program.perfgate("--help").out
    for code, meaning in exit_codes.TABLE:
        assert f"{code} {meaning}" in " ".join(told.split())
        for page in ("README.md", "docs/reference/exit-codes.md"):
            assert re.search(
                rf"^\| {code} \| {re.escape(meaning.split(' (')[0].split(':')[0][:12])}",
                (root / page).read_text(encoding="utf-8"),
                re.MULTILINE,
            ), (page, code)


def test_quiet_and_verbose_may_stand_anywhere_before_the_dashes(program: Program) -> None:
    assert program.perfgate("measure", "size", "budgets.yaml", "--quiet").err == ""
    assert "written to" in program.perfgate("measure", "size", "budgets.yaml").err
    program.measure(measured(SIZE, 100.0))
    assert "base of the tested tree" in program.perfgate("gate", "--verbose").err
    assert program.perfgate("measure", "command", "it", "--runs", "1", "--", "echo", "-q").code == 0
