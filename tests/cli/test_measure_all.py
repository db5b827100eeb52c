"""One budgets.yaml with every kind of entry: measured, judged and admitted by one command, twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from perfgate.formats import run as run_format
from tests.cli.program import Program

BUDGETS = """\
version: 1
measure:
  start-up:
    command: {run: ["sh", "-c", "true"], runs: 3}
  unit tests:
    tests: {junit: [reports/*.xml], suite: unit}
  sorting:
    bench: {files: bench.json}
  pipeline:
    pipeline: {from: jobs.json, workflow: ci.yml}
  agent:
    tokens: {files: ["logs/*.jsonl"], scenario: support}
  cloud:
    cost: {infracost: infracost.json, environment: dev}
  page:
    size: {run: ["sh", "-c", "head -c 5000 /dev/zero > {out}/app.js"], paths: ["{out}/*.js", "reports"]}
budgets:
  - {series: "tests.*", limit: 10, max_increase: none, enforce: warn}
"""
GOOD = """\
budgets:
  - {series: "command.wall{command=start-up}", limit: 10 s, enforce: observe}
  - {series: "tests.case_time{suite=unit}", limit: 2 s}
  - {series: bench.time, limit: 1 min}
  - {series: "pipeline.duration{workflow=ci.yml}", limit: 1 min}
  - {series: "llm.cost{scenario=support}", limit: 0.10 USD/task}
  - {series: "infra.cost{environment=dev}", limit: 20 USD/month}
  - {series: "size.bytes{path=*.js}", limit: 5 kB}
"""
JOB = {
    "name": "build", "run_attempt": 1, "status": "completed", "conclusion": "success", "labels": ["ubuntu"], "steps": [],
    "created_at": "2026-11-21T10:00:00Z", "started_at": "2026-11-21T10:00:05Z", "completed_at": "2026-11-21T10:00:45Z",
}  # fmt: skip
CALL = {"id": "1", "model": "gpt-4o", "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}
COST = {
    "version": "0.2", "metadata": {"infracostCommand": "breakdown"}, "currency": "USD", "totalMonthlyCost": "12.50",
    "projects": [{"name": "web", "breakdown": {"totalMonthlyCost": "12.5", "resources": [{"name": "a.x", "costComponents": [{"name": "hours", "monthlyCost": "12.5"}]}]}}],
}  # fmt: skip


def made(tmp_path: Path, root: Path) -> Program:
    program = Program(tmp_path / "project")
    for folder in ("reports", "logs"):
        (program.root / folder).mkdir()
    (program.root / "reports" / "a.xml").write_text(
        '<testsuite><testcase name="a" time="0.5"/></testsuite>', encoding="utf-8"
    )
    (program.root / "logs" / "a.jsonl").write_text(json.dumps(CALL) + "\n", encoding="utf-8")
    (program.root / "jobs.json").write_text(json.dumps({"total_count": 1, "jobs": [JOB]}), encoding="utf-8")
    (program.root / "infracost.json").write_text(json.dumps(COST), encoding="utf-8")
    shutil.copy(root / "tests" / "corpus" / "bench" / "hyperfine" / "named_commands.json", program.root / "bench.json")
    program.budgets(BUDGETS.partition("budgets:")[0] + GOOD)
    program.commit("everything")
    return program


def test_every_kind_of_entry_is_measured_judged_and_admitted(tmp_path: Path, root: Path) -> None:
    program = made(tmp_path, root)
    ended = program.perfgate("check", "--admit")
    assert ended.code == 0, ended.out + ended.err
    (stored,) = (program.root / "baselines" / "runs").iterdir()
    found = {str(each.series): each.values for each in run_format.load(stored.read_bytes(), stored.name).measurements}
    assert found["size.bytes{path=*.js}"] == (5000.0,)
    assert found["pipeline.duration{workflow=ci.yml}"] == (45.0,)
    assert found["llm.tokens{scenario=support}"] == (1100.0,)
    assert found["tests.count{suite=unit}"] == (1.0,)
    assert len(found["command.wall{command=start-up}"]) == 3
    program.commit("baseline")
    again = program.perfgate("check", "--all")
    assert again.code == 0, again.out + again.err
    assert "compared with 1 run of baselines" in again.out


def test_an_entry_that_fails_ends_the_whole_measurement(tmp_path: Path, root: Path) -> None:
    program = made(tmp_path, root)
    (program.root / "logs" / "a.jsonl").unlink()
    ended = program.perfgate("check")
    assert ended.code == 2
    assert not (program.root / ".perfgate" / "runs").exists()


def test_a_limit_in_a_unit_that_no_series_has_is_an_error_with_its_place(tmp_path: Path, root: Path) -> None:
    program = made(tmp_path, root)
    program.budgets(BUDGETS)
    program.commit("a limit for everything")
    ended = program.perfgate("check")
    assert ended.code == 2
    assert "counted in" in ended.err
    assert "budgets.yaml:" in ended.err
