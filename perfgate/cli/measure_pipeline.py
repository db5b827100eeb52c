"""`perfgate measure pipeline`: the times of a CI run."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="times of a CI run")
def measure_pipeline(
    source: str = typer.Option("", "--from", metavar="FILE", help="The jobs of a run, as GitHub's API lists them."),
    run: str = typer.Option(
        "", "--run", metavar="ID", help="Ask GitHub for this run; 'current' is the one this is part of."
    ),
    attempt: int = typer.Option(0, "--attempt", min=0, help="The attempt of the run. [default: the newest]"),
    repository: str = typer.Option(
        "", "--repository", metavar="OWNER/NAME", help="The repository of the run. [default: GITHUB_REPOSITORY]"
    ),
    workflow: str = typer.Option(
        "", "--workflow", help="The label of the series. [default: the workflow's file or title]"
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure one attempt of a pipeline: wall time, and for each job queue, provisioning and execution.

    GITHUB_TOKEN (or GH_TOKEN) is used where it is set; it needs actions: read.

    \b
    Example: perfgate measure pipeline --run "$GITHUB_RUN_ID"
             perfgate measure pipeline --from jobs.json --workflow ci.yml
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import PipelineEntry
    from perfgate.errors import InputError
    from perfgate.measure.pipeline import capture

    if bool(source) == bool(run):
        raise InputError(
            "name either a file of jobs or a run", where="--from, --run", remedy="for example --from jobs.json"
        )
    entry = PipelineEntry("pipeline", source, run, attempt, workflow, repository)
    with surroundings() as around, console.progress() as progress:
        captured = capture(entry, around, progress)
    finish(captured, output, as_json=as_json)
