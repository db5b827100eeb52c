"""`perfgate check` settles suspects in the same job, and only those: in turns with the base, or by measuring again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Run
from perfgate.formats import run as run_format
from tests.cli.program import Ended, Program

SLEPT = 0.2
#: Between 1 and 1.5 half widths above this history (4.1 and 8.3 times its middle) lies what SLEPT seconds of sleep take, also on a busy machine.
HISTORY = [SLEPT / 4.6 * math.exp(0.4 * (-1) ** number) for number in range(10)]
BUDGETS = """\
version: 1
measure:
  it: {command: {run: ./it, runs: 2, warmup: 0, versus: base}}
  other: {command: {run: ./other, runs: 2, warmup: 0, versus: base}}
budgets:
  - {series: command.wall, max_increase: {warn: 20%, block: 40%}}
"""
LEVELS = {0: "pass", 10: "warn", 20: "block"}


class Suspicious(Program):
    """A branch whose `it` is suspiciously slow by the history of main; `base` is what it does at the base."""

    def __init__(self, folder: Path, base: str, budgets: str = BUDGETS) -> None:
        super().__init__(folder / "project", budgets)
        self.log = folder / "log"
        self.script("it", base)
        self.script("other", "true")
        self.history("command.wall{command=it}", HISTORY)
        self.git("checkout", "-q", "-b", "change")
        self.script("it", f"sleep {SLEPT}")
        self.commit("change")

    def script(self, name: str, text: str) -> None:
        path = self.root / name
        path.write_text(f'#!/bin/sh\necho "$PWD" {name} >> "$LOG"\n{text}\n', encoding="utf-8")
        path.chmod(0o755)

    def check(self, *arguments: str) -> Ended:
        return self.perfgate("check", *arguments, environ={"LOG": str(self.log)})

    def decision(self) -> Any:
        return json.loads((self.root / ".perfgate" / "decision" / "decision.json").read_bytes())

    def verdict(self) -> Any:
        (found,) = [each for each in self.decision()["verdicts"] if each["series"] == "command.wall{command=it}" and each["rule"] != "drop"]  # fmt: skip
        return found

    def judged(self) -> list[Run]:
        runs = sorted((self.root / ".perfgate" / "decision" / "runs").glob("*.json"))
        return [run_format.load(path.read_bytes(), path.name) for path in runs]

    def executed(self, name: str) -> tuple[int, int]:
        """How often a script ran in the work tree and elsewhere."""
        lines = [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]
        here = sum(line == [str(self.root), name] for line in lines)
        return here, sum(line[1] == name for line in lines) - here

    def caveats(self) -> str:
        return "\n".join(caveat["message"] for caveat in self.decision()["caveats"])


def values(run: Run, series: str) -> tuple[float, ...]:
    (found,) = [each for each in run.measurements if str(each.series) == series]
    return tuple(map(float, found.values))


def test_a_suspect_that_the_base_clears_passes_and_the_others_are_left_alone(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, f"sleep {SLEPT}")
    stored = len(list((program.root / "baselines").rglob("*.json")))
    ended = program.check("--admit")
    assert ended.code == 0, ended
    # What settled a suspect never enters the baseline.
    added = program.git("status", "--porcelain", "--untracked-files=all", "baselines").splitlines()
    assert len(list((program.root / "baselines").rglob("*.json"))) == stored + len(added) == stored + 1
    assert 'settling "it" in turns with the base' in ended.err
    first, pairs = program.judged()
    (measurement,) = pairs.measurements
    assert str(measurement.series) == "command.wall{command=it}"
    assert len(measurement.before) == len(measurement.values) >= 3
    assert pairs.context.base == program.git("merge-base", "main", "HEAD")
    assert {row["command"] for row in pairs.details["pairs"]} == {"it"}
    assert len(values(first, "command.wall{command=it}")) == 2
    assert program.executed("other") == (2, 0)
    assert program.executed("it") == (2 + len(measurement.before), len(measurement.before))
    assert "command.wall{command=it} was suspicious at" in program.caveats()
    assert not program.verdict()["suspect"]
    # The judgement is one function of the runs: judged again from its files, with or without their folder, it is the same.
    before = program.decision()
    for line in added:
        (program.root / line.split()[1]).unlink()
    for arguments in ([], [".perfgate/decision/runs"]):
        again = program.perfgate("gate", *arguments, "--out", str(tmp_path / "again"))
        assert again.code == ended.code
        after = json.loads((tmp_path / "again" / "decision.json").read_bytes())
        assert after["verdicts"] == before["verdicts"]


def test_a_suspect_that_the_base_confirms_blocks(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, "sleep 0.1")
    ended = program.check()
    assert ended.code == 20, ended
    assert program.verdict()["level"] == "block"


def test_a_base_that_cannot_run_it_leaves_the_suspect_and_the_command_that_would_settle_it(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, "exit 9")
    ended = program.check()
    assert ended.code in {0, 3}, ended
    assert program.verdict()["suspect"]
    assert '"it" could not be measured in turns with the base' in program.caveats()
    assert "exit code 9" in program.caveats()
    base = program.git("merge-base", "main", "HEAD")[:10]
    assert program.verdict()["remedy"] == f"settle it: perfgate ab it --base {base} -- ./it"
    assert f"perfgate ab it --base {base} -- ./it" in program.perfgate("gate").out


def test_always_measures_in_turns_and_needs_no_history(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, "sleep 0.1", BUDGETS.replace("versus: base}", "versus: base always}", 1))
    ended = program.check()
    assert ended.code == 20, ended
    (run,) = program.judged()
    (wall,) = [each for each in run.measurements if str(each.series) == "command.wall{command=it}"]
    assert len(wall.before) == len(wall.values) >= 3
    assert program.executed("other") == (2, 0)


def test_always_with_a_base_that_cannot_run_it_is_measured_here_and_says_so(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, "exit 9", BUDGETS.replace("versus: base}", "versus: base always}", 1))
    ended = program.check()
    assert ended.code in {0, 3}, ended
    (run,) = program.judged()
    assert len(values(run, "command.wall{command=it}")) == 2
    assert "could not be measured in turns" in program.caveats()


def test_this_side_failing_in_the_pairs_is_a_failure_of_the_command(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, f"sleep {SLEPT}")
    program.script("it", f'test "$(grep -c it "$LOG")" -lt 4; sleep {SLEPT}; test "$(grep -c " it" "$LOG")" -lt 4')
    program.commit("fails later")
    assert program.check().code == 4


ALONE = BUDGETS.replace(", versus: base", "")


def test_rerun_measures_suspects_again_within_its_bounds_as_values_of_the_same_run(tmp_path: Path) -> None:
    program = Suspicious(tmp_path, "true", ALONE + "rerun: {times: 2, within: 5 min}\n")
    program.check()
    (run,) = program.judged()
    assert len(values(run, "command.wall{command=it}")) == 6
    assert len(values(run, "command.cpu{command=it}")) == 2
    assert program.executed("it") == (6, 0)
    assert program.executed("other") == (2, 0)
    assert "was measured again in the same job" in program.caveats()
    remedies = [caveat.remedy for caveat in run.caveats]
    assert any("no independent evidence" in remedy for remedy in remedies)
    assert len(list((program.root / ".perfgate" / "runs").glob("*.json"))) == 1


@pytest.mark.parametrize("rerun", ['rerun: {never: ["command.wall"]}\n', "rerun: {within: 0.1 s}\n"])
def test_without_leave_nothing_is_measured_again(tmp_path: Path, rerun: str) -> None:
    program = Suspicious(tmp_path, "true", ALONE + rerun)
    program.check()
    assert program.executed("it") == (2, 0)
    assert program.verdict()["suspect"]
    if "within" in rerun:
        assert "would take longer than rerun: allows" in program.caveats()
