"""`perfgate measure cost`: the monthly cost of infrastructure."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="monthly cost of infrastructure")
def measure_cost(
    infracost: str = typer.Option(
        ..., "--infracost", metavar="FILE", help="The JSON of infracost 0.10, of breakdown or diff."
    ),
    environment: str = typer.Option(
        "", "--environment", metavar="NAME", help="The environment, as a label of the series."
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Read the monthly cost of infrastructure, before and after, and the share of it that is known.

    \b
    Example: infracost diff --path . --compare-to base.json --format json --out-file infracost.json
             perfgate measure cost --infracost infracost.json --environment dev
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import CostEntry
    from perfgate.measure.cost import capture

    with surroundings() as around, console.progress() as progress:
        name = console.named(environment) if environment else ""
        captured = capture(CostEntry("cost", infracost=infracost, environment=name), around, progress)
    finish(captured, output, as_json=as_json)
