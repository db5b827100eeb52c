"""`perfgate measure all`: every entry of the `measure:` section."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.cli.project import BUDGETS, Project
from perfgate.core.budgets import Budgets
from perfgate.core.model import Capture
from perfgate.errors import InputError

app = typer.Typer(**console.APP)


@app.command(short_help="everything under measure: in budgets.yaml")
def measure_all(
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure everything under `measure:` in budgets.yaml.

    \b
    Example: perfgate measure all -o run.json
    """
    from perfgate.cli.capturing import keep, leave, show

    project = Project.find()
    capture = _measured(project)
    run, path = keep(capture, output, project)
    show(run, path, as_json=as_json)
    leave(capture)


def _measured(project: Project) -> Capture:
    from perfgate.cli.capturing import surroundings
    from perfgate.measure.entries import capture_all

    budgets = own_budgets(project)
    with surroundings(project.root) as around, console.progress() as progress:
        return capture_all(budgets.entries, around, progress, cases=budgets.wants_case_series())


def own_budgets(project: Project) -> Budgets:
    """The project's own budgets.yaml, whose entries are the ones that are measured; InputError where it has none."""
    from perfgate.formats import budgets as budgets_format

    path = project.root / BUDGETS
    if not path.exists():
        raise InputError("there is no budgets.yaml", where=console.shown(path), remedy="make one: perfgate init")
    budgets = budgets_format.load(budgets_format.read(path, console.shown(path)), console.shown(path))
    if not budgets.entries:
        raise InputError(
            "there is nothing to measure",
            where=f"{console.shown(path)}, measure",
            remedy='add an entry, for example "start-up: {command: {run: python -m mypackage --version}}"',
        )
    return budgets
