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
    no_admit: bool = given.NO_ADMIT,
    out: Path | None = given.OUT,
    today: str = given.TODAY,
    comment: given.Comment = given.COMMENT,
    key: str = given.KEY,
    as_json: bool = given.JSON,
    every: bool = given.ALL,
) -> None:
    """Measure everything under `measure:` in budgets.yaml, then judge it.

    Suspects are settled in the same job: entries with `versus: base` in turns with the base, others measured again as `rerun:` allows.

    \b
    Example: perfgate check
    """
    from perfgate.cli import accepting, exit_codes, judging, outputs, settling
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
    )
    # Before minutes of measuring: budgets that cannot be read, or a base branch that is not here.
    rules = judging.find_rules(project, budgets)
    measured = settling.measure(project, rules.budgets)
    decision = judging.decided(project, judging.Candidate((measured.run,), (measured.path,)), options, rules)
    settled = settling.settle(project, measured, decision, rules.budgets)
    if settled is not None:
        measured = settled.measured
        decision = judging.decided(project, settled.candidate, options, rules)
    judged = settled.candidate if settled is not None else judging.Candidate((measured.run,), (measured.path,))
    decision = accepting.settled(
        project, decision, lambda acceptance: judging.decided(project, judged, options, rules, acceptance)
    )
    outputs.publish(project, decision, judged.runs, rules.text, options)
    # What settled a suspect is no run of its own, and never enters the baseline.
    if not no_admit:
        judging.admit(project, rules.budgets, decision, (measured.run,), options)
    raise typer.Exit(exit_codes.of_decision(decision, fail_on.value))
