"""`perfgate gate`: judge what was measured."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

app = typer.Typer(**console.APP)


@app.command(short_help="judge what was measured: pass, warn or block")
def gate(
    runs: list[str] = typer.Argument(
        None,
        metavar="[RUN]...",
        help="Run files, folders or globs. [default: those of the current state in .perfgate/runs]",
    ),
    budgets: Path | None = given.BUDGETS,
    only: str = given.ONLY,
    fail_on: given.FailOn = given.FAIL_ON,
    admit: bool = given.ADMIT,
    no_admit: bool = given.NO_ADMIT,
    out: Path | None = given.OUT,
    today: str = given.TODAY,
    comment: given.Comment = given.COMMENT,
    key: str = given.KEY,
    as_json: bool = given.JSON,
    every: bool = given.ALL,
) -> None:
    """Judge runs against the baseline and budgets.yaml: pass, warn or block.

    The decision is left in .perfgate/decision; on the default branch in CI the run is admitted to the baseline.

    \b
    Example: perfgate gate .perfgate/runs/*.json
    """
    from perfgate.cli import exit_codes, judging
    from perfgate.cli.project import Project, parse_day

    given.refuse_both(admit=admit, no_admit=no_admit)
    given.refuse_names(key=key)
    project = Project.find()
    options = given.Options(
        budgets=budgets,
        only=only,
        today=parse_day(today),
        admit=admit,
        no_admit=no_admit,
        out=out,
        verbose=every,
        as_json=as_json,
        fail_on=fail_on.value,
        comment=comment.value,
        key=key,
        reproduce=" ".join(["perfgate gate", *(runs or [])]) if runs else "perfgate check",
    )
    decision = judging.judge(project, judging.gather(project, runs or []), options)
    raise typer.Exit(exit_codes.of_decision(decision, fail_on.value))
