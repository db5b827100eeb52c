"""`perfgate calibrate`: the project's own past judged again: how often the gate cries wolf, and what it can see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

if TYPE_CHECKING:
    from perfgate.cli.project import Project
    from perfgate.core.baseline import Baseline
    from perfgate.core.budgets import Budgets
    from perfgate.core.model import Run
    from perfgate.core.replay import Past

app = typer.Typer(**console.APP)
_RESULT = "calibration.json"


@app.command(short_help="false alarms and blind budgets, from the project's own past")
def calibrate(
    only: str = typer.Option("", "--only", metavar="SERIES", help="Judge these series only, for example 'tests.*'."),
    last: int = typer.Option(
        0,
        "--last",
        min=0,
        help="Judge the newest N runs again, against all before. [default: all]",
        metavar="N",
        show_default=False,
    ),
    budgets: Path | None = typer.Option(
        None, "--budgets", help="Try this file. [default: budgets.yaml of the work tree]"
    ),
    fail_on: given.FailOn = typer.Option(
        given.FailOn.WARN, "--fail-on", help="warn: exit 10 on false alarms and blind budgets; block, never: that is 0."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
    as_markdown: bool = typer.Option(False, "--markdown", help="Print the result as Markdown, for a job summary."),
    write: bool = typer.Option(False, "--write", help="Leave the result in .perfgate/calibration.json as well."),
    every: bool = typer.Option(False, "--all", help="Show every series, also those that are fine."),
) -> None:
    """Judge every admitted run again as if it were a change: false alarms, and what each budget can see.

    Each run is judged against the runs before it, as it was and with a regression injected. Nothing is written without --write.
    Exits with 10 where more than 5 % of the runs alarm, with confidence, or a budget cannot be judged; 3 with too little history.

    \b
    Example: perfgate calibrate
             perfgate calibrate --only 'command.*' --budgets wider.yaml
    """
    from perfgate.cli import exit_codes
    from perfgate.cli.project import Project
    from perfgate.core.budgets import Level
    from perfgate.core.calibration import calibrate as calibrated
    from perfgate.errors import InputError
    from perfgate.render import calibration as render

    if as_json and as_markdown:
        raise InputError("one output at a time", where="--json --markdown", remedy="leave one of them out")
    project = Project.find()
    past = past_of(project, budgets=budgets, only=only)
    with console.progress() as progress:
        found = calibrated(past, last=last, told=progress)
    if as_json:
        console.out(render.as_json(found))
    elif as_markdown:
        console.out(render.as_markdown(found))
    else:
        console.out(render.render(found, width=console.width(), colour=console.colour(), every=every))
    if write:
        from perfgate.formats.files import write_atomically

        path = project.scratch() / _RESULT
        write_atomically(path, (render.as_json(found) + "\n").encode())
        console.say(f"written to {console.shown(path)}")
    if found.level is Level.INCONCLUSIVE:
        console.say_error(
            "nothing could be judged again: a run needs five comparable earlier runs\n"
            "  admit more runs of the default branch: perfgate check --admit, on that branch"
        )
        raise typer.Exit(exit_codes.NOTHING_JUDGED)
    if reason := render.sentence(found):
        console.say(reason)
        raise typer.Exit(exit_codes.WARN if fail_on is given.FailOn.WARN else exit_codes.PASS)


def past_of(project: Project, *, budgets: Path | None, only: str) -> Past:
    """The admitted runs of the checked-out commit and its ancestors, with the budgets of the work tree or those given."""
    from perfgate.cli.only import refuse_unknown
    from perfgate.cli.project import BUDGETS
    from perfgate.cli.storing import store_of
    from perfgate.core.budgets import Budgets
    from perfgate.core.replay import Past
    from perfgate.errors import NothingJudged
    from perfgate.formats import budgets as budgets_format

    path = budgets or project.root / BUDGETS
    rules = Budgets()
    if budgets is not None or path.is_file():
        rules = budgets_format.load(budgets_format.read(path, console.shown(path)), console.shown(path))
    else:
        console.say(f"note: there is no {BUDGETS}; every series is judged by the defaults")
    baseline, runs = admitted(project, rules)
    if baseline.problem:
        raise NothingJudged(baseline.problem, where=store_of(project, rules.baseline).where)
    refuse_unknown(only, baseline.histories, "the baseline has")
    for caveat in baseline.caveats:
        console.say(f"note: {caveat.message}")
    return Past(baseline, {run.id: run for run in runs}, rules, only, project.lineage.target)


def admitted(project: Project, rules: Budgets) -> tuple[Baseline, Sequence[Run]]:
    """The baseline that a child of the checked-out commit would be compared with, and its runs with all they measured."""
    from perfgate.cli.storing import store_of

    store = store_of(project, rules.baseline)
    lineage = project.lineage._replace(base=project.lineage.tested, problem="")
    baseline = store.load(lineage, at_tip=False)
    if baseline.problem:
        return baseline, []
    wanted = {run.id for run in baseline.runs}
    return baseline, [run for run in store.shelf().all_runs() if run.id in wanted]
