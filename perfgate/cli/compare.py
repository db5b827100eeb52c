"""`perfgate compare`: the statistics as a table, without budgets and without a verdict."""

from __future__ import annotations

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="what changed, and how sure that is")
def compare(
    runs: list[str] = typer.Argument(
        None,
        metavar="[RUN]...",
        help="Run files, folders or globs. [default: those of the current state in .perfgate/runs]",
    ),
    against: str = typer.Option(
        "",
        "--against",
        metavar="REF|PATH",
        help="A commit, branch or tag to measure in turns with this tree, or run files. [default: the base's history]",
    ),
    no_measure: bool = typer.Option(
        False, "--no-measure", help="Measure nothing: compare runs that are there with the history of REF."
    ),
    fresh: bool = typer.Option(False, "--fresh", help="Measure anew, also what is known for the same two sides."),
    within: str = typer.Option("2 min", "--within", metavar="TIME", help="At most so long for each command."),
    only: str = typer.Option("", "--only", metavar="SERIES", help="Compare these series only, for example 'tests.*'."),
    as_json: bool = typer.Option(False, "--json", help="Print the comparisons as JSON."),
) -> None:
    """Show what changed against the baseline, by how much, and how sure that is. Exits with 0 whatever the change.

    With --against REF and no run files, the `measure:` entries of budgets.yaml are measured at REF and in this work tree in turns.

    \b
    Example: perfgate compare
             perfgate compare --against main
             perfgate compare after.json --against before.json
    """
    from perfgate.cli import judging
    from perfgate.cli.comparing import comparisons_of, measured_against, told
    from perfgate.cli.project import Project
    from perfgate.render import comparison, frames

    project = Project.find()
    seconds = console.seconds(within, "--within")
    found = None
    if against and not runs and not no_measure:
        found = measured_against(project, against, only=only, within=seconds, fresh=fresh)
    head = f"compared with {found.baseline.source}" if found is not None else ""
    if found is None:
        candidate = judging.gather(project, runs or [])
        found = comparisons_of(project, candidate.runs, against=against, only=only)
    if as_json:
        console.out(comparison.as_json(found.comparisons, found.baseline, found.tests, found.moved))
    else:
        console.out(
            comparison.render(
                found.comparisons, found.baseline, width=console.width(), colour=console.colour(), head=head
            )
        )
        for line in told(found.tests):
            console.out(line)
        if found.moved:
            console.out(frames.render(found.moved, width=console.width()))
        for caveat in found.caveats:
            console.say(f"note: {caveat.message}")
