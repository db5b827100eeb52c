"""`perfgate check`: measure, then judge: the whole job in one command."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

app = typer.Typer(**console.APP)


@app.command(short_help="measure, compare and judge: the whole job")
def check(
    budgets: Path | None = given.BUDGETS,
    only: str = given.ONLY,
    fail_on: given.FailOn = given.FAIL_ON,
    admit: bool = given.ADMIT,
    out: Path | None = given.OUT,
    today: str = given.TODAY,
    as_json: bool = given.JSON,
    every: bool = given.ALL,
) -> None:
    """Measure everything under `measure:` in budgets.yaml, then judge it.

    \b
    Example: perfgate check
    """
    from perfgate.cli import exit_codes, judging
    from perfgate.cli.measure_all import measured
    from perfgate.cli.project import Project, parse_day

    project = Project.find()
    options = given.Options(
        budgets=budgets,
        only=only,
        today=parse_day(today),
        admit=admit,
        out=out,
        verbose=every,
        as_json=as_json,
        fail_on=fail_on.value,
    )
    # Before minutes of measuring: budgets that cannot be read, or a base branch that is not here.
    judging.find_rules(project, budgets)
    run, path = measured(project)
    decision = judging.judge(project, judging.Candidate((run,), (path,)), options)
    raise typer.Exit(exit_codes.of_decision(decision, fail_on.value))
