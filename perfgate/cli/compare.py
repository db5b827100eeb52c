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
        help="A commit, branch or tag whose history is the baseline, or run files. [default: the base of this change]",
    ),
    only: str = typer.Option("", "--only", metavar="SERIES", help="Compare these series only, for example 'tests.*'."),
    as_json: bool = typer.Option(False, "--json", help="Print the comparisons as JSON."),
) -> None:
    """Show what changed against the baseline, by how much, and how sure that is. Exits with 0 whatever the change.

    \b
    Example: perfgate compare
             perfgate compare after.json --against before.json
    """
    from perfgate.cli import judging
    from perfgate.cli.comparing import comparisons_of
    from perfgate.cli.project import Project
    from perfgate.render import comparison

    project = Project.find()
    candidate = judging.gather(project, runs or [])
    found = comparisons_of(project, candidate.runs, against=against, only=only)
    if as_json:
        console.out(comparison.as_json(found.comparisons, found.baseline))
    else:
        console.out(
            comparison.render(found.comparisons, found.baseline, width=console.width(), colour=console.colour())
        )
        for caveat in found.caveats:
            console.say(f"note: {caveat.message}")
