"""`perfgate calibrate` on real baselines: what it reports, how it exits, and that it writes nothing unasked."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.core.model import Series
from perfgate.formats import budgets as budgets_format
from tests.cli.admitting import noisy, prints, project, simulated
from tests.cli.program import ENVIRON, Program
from tests.core.making import measured

WALL = "command.wall{command=it}"
BUDGETS = "version: 1\nbudgets:\n  - series: command.wall\n"


def quiet_and_noisy(root: Path, *, git: bool = False) -> Program:
    quiet, loud = noisy(1, 0.005), noisy(1, 0.12)
    runs = simulated(
        40,
        lambda: measured("command.wall{command=quiet}", next(quiet)),
        lambda: measured("command.wall{command=loud}", next(loud)),
    )
    return project(root, BUDGETS, runs, git=git)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return quiet_and_noisy(tmp_path_factory.mktemp("calibrated"), git=True)


def test_a_blind_budget_is_found_and_the_exit_code_is_that_of_a_warning(program: Program) -> None:
    ended = program.perfgate("calibrate")
    assert ended.code == 10
    assert "35 of 40 runs judged again" in ended.out
    assert "cannot be judged" in ended.out
    assert "1 budgeted series cannot be judged" in ended.err
    assert program.perfgate("calibrate", "--fail-on", "never").code == 0
    assert program.perfgate("calibrate", "--only", "command.wall{command=quiet}").code == 0


def test_the_lines_it_prints_can_be_pasted_and_mend_what_they_are_for(program: Program) -> None:
    out = program.perfgate("calibrate", environ={"COLUMNS": "80"}).out
    lines = (
        out.partition("to paste at the end of budgets: in budgets.yaml:\n")[2] or out.partition("budgets.yaml:\n")[2]
    )
    wider = program.root.parent / "wider.yaml"
    wider.write_text(BUDGETS + lines, encoding="utf-8")
    budgets_format.load(wider.read_bytes(), "wider.yaml")
    ended = program.perfgate("calibrate", "--budgets", str(wider))
    assert "cannot be judged" not in ended.out
    assert ended.code == 0


def test_json_holds_the_figures_and_their_intervals(program: Program) -> None:
    told = json.loads(program.perfgate("calibrate", "--json").out)
    assert told["schema"] == "perfgate/calibration/1"
    assert (told["level"], told["runs"], told["replayed"]) == ("warn", 40, 35)
    assert told["alarmed_runs"]["of"] == 35
    assert told["alarmed_runs"]["high"] == pytest.approx(0.1, abs=0.001)
    by_name = {each["series"]: each for each in told["series"]}
    quiet, loud = by_name["command.wall{command=quiet}"], by_name["command.wall{command=loud}"]
    assert (quiet["standing"], loud["standing"]) == ("sound", "blind")
    assert quiet["injected"]["blocked"]["count"] == 35
    assert quiet["smallest_visible"]["engine"] < 0.1
    assert quiet["smallest_visible"]["replay"] < 0.1
    assert loud["budget_to_write"]["max_increase"]["block"] > loud["smallest_visible"]["engine"]


def test_markdown_is_for_a_job_summary(program: Program) -> None:
    out = program.perfgate("calibrate", "--markdown").out
    assert out.startswith("## perfgate calibrate\n")
    assert "| `command.wall{command=loud}` | 10 %" in out
    assert "```yaml\n  - series:" in out
    assert program.perfgate("calibrate", "--markdown", "--json").code == 2


def test_nothing_is_written_unless_asked_and_then_the_same_text_each_time(program: Program) -> None:
    before = prints(program.root)
    ended = program.perfgate("calibrate")
    assert prints(program.root) == before
    assert program.perfgate("calibrate", "--write", "--quiet").out == ended.out
    path = program.root / ".perfgate" / "calibration.json"
    first = path.read_bytes()
    told = program.perfgate("calibrate", "--write", "--json")
    assert path.read_bytes() == first == told.out.encode()
    changed = {name for name, content in prints(program.root).items() if before.get(name) != content}
    assert changed == {".perfgate/.gitignore", ".perfgate/calibration.json"}


def test_last_judges_the_newest_runs_only_against_all_before(program: Program) -> None:
    told = json.loads(program.perfgate("calibrate", "--last", "7", "--json").out)
    assert told["replayed"] == 7
    assert told["series"][0]["replayed"] == 7


def test_only_ancestors_of_the_checked_out_commit_count(program: Program) -> None:
    start = program.git("rev-list", "--max-parents=0", "HEAD")
    program.git("worktree", "add", "-q", str(program.root.parent / "old"), start)
    try:
        (program.root.parent / "old" / "baselines").symlink_to(program.root / "baselines")
        assert program.perfgate("calibrate", cwd=program.root.parent / "old").code == 3
    finally:
        program.git("worktree", "remove", "--force", str(program.root.parent / "old"))


def test_too_little_history_is_3_and_says_what_to_do(tmp_path: Path) -> None:
    empty = Program(tmp_path / "empty", BUDGETS, git=False)
    ended = empty.perfgate("calibrate")
    assert ended.code == 3
    assert "five comparable earlier runs" in ended.err
    one = project(tmp_path / "one", BUDGETS, [[measured(WALL, 1.0)]])
    ended = one.perfgate("calibrate")
    assert ended.code == 3
    assert "too few runs (1)" in ended.out


def test_it_works_without_git_and_without_budgets(tmp_path: Path) -> None:
    values = noisy(4, 0.01)
    made = project(tmp_path, "", simulated(12, lambda: measured(WALL, next(values))))
    ended = made.perfgate("calibrate")
    assert ended.code == 0
    assert "there is no budgets.yaml" in ended.err
    assert "fine, no budget" in ended.out


def test_a_shallow_clone_says_that_its_history_is_missing(program: Program, tmp_path: Path) -> None:
    program.git("clone", "-q", "--depth", "1", f"file://{program.root}", str(tmp_path / "shallow"))
    ended = program.perfgate("calibrate", cwd=tmp_path / "shallow")
    assert ended.code == 3
    assert "shallow" in ended.err


def test_a_retired_past_is_not_judged_again(tmp_path: Path) -> None:
    values = noisy(6, 0.01)
    made = project(tmp_path, BUDGETS, simulated(20, lambda: measured(WALL, next(values))), git=True)
    retired = made.perfgate("baseline", "retire", "--until", "2026-10-01T00:00:10Z", "--reason", "new machine")
    assert retired.code == 0
    told = json.loads(made.perfgate("calibrate", "--json").out)
    assert told["replayed"] == 5


def test_a_broken_budget_a_broken_run_and_a_broken_selector_are_2(program: Program, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("version: 2\n", encoding="utf-8")
    assert program.perfgate("calibrate", "--budgets", str(tmp_path / "broken.yaml")).code == 2
    assert program.perfgate("calibrate", "--only", "{").code == 2
    made = project(tmp_path / "made", BUDGETS, [[measured(WALL, 1.0)]])
    next((made.root / "baselines" / "runs").iterdir()).write_text("{", encoding="utf-8")
    assert made.perfgate("calibrate").code == 2


@pytest.mark.parametrize("columns", ["80", "160"])
def test_hostile_names_are_harmless_at_every_width(tmp_path: Path, columns: str) -> None:
    values = noisy(9, 0.2)
    name = str(Series.of("command.wall", command="\x1b[2J`@team` <b>|x\n\u202e'; rm"))
    made = project(tmp_path, BUDGETS, simulated(20, lambda: measured(name, next(values))))
    for options in ((), ("--markdown",), ("--json",)):
        ended = made.perfgate("calibrate", *options, environ={"COLUMNS": columns})
        assert "\x1b" not in ended.out + ended.err
        assert ended.code in {0, 10}


def test_fifty_series_of_fifty_runs_are_quick_and_load_no_numpy(tmp_path: Path) -> None:
    sources = [noisy(seed, 0.02) for seed in range(50)]
    series = [
        (lambda at=at: measured(f"command.wall{{command=c{at}}}", next(sources[at]))) for at in range(len(sources))
    ]
    made = project(tmp_path, BUDGETS, simulated(50, *series))
    script = (
        "import sys\nfrom perfgate.cli.app import run\ncode = run(['calibrate', '--json'])\n"
        "sys.stderr.write('LOADED ' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))\nsys.exit(code)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=made.root, env=ENVIRON, capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert json.loads(done.stdout)["replayed"] == 45
    # CPU time, because the machine may be busy; 200 series of 100 runs are in tests/benchmarks/calibrating.py.
    assert after.ru_utime - before.ru_utime < 8
    assert not {"numpy", "scipy"} & set(done.stderr.rpartition("LOADED ")[2].split())
