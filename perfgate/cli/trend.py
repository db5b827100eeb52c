"""`perfgate trend`: what the histories tell that no single run could."""

from __future__ import annotations

from enum import StrEnum

import typer

from perfgate.cli import console, exit_codes


class FailOn(StrEnum):
    """Whether the exit code tells that somebody has to look."""

    WARN = "warn"
    NEVER = "never"


app = typer.Typer(**console.APP)
#: So many commits are named, so many entries of a list are shown.
NAMED, MOST = 5, 20


@app.command(short_help="what crept in, and what comes next")
def trend(
    only: str = typer.Option("", "--only", metavar="SERIES", help="Look at these series only, for example 'tests.*'."),
    newest: int = typer.Option(20, "--newest", min=1, metavar="N", help="A change in the newest N runs is new."),
    fail_on: FailOn = typer.Option(
        FailOn.WARN, "--fail-on", help="warn: exit 10 on drift or a new worsening nobody accepted; never: exit 0."
    ),
    show_all: bool = typer.Option(False, "--all", help="Show every entry, not only the first 20 of each list."),
    markdown: bool = typer.Option(False, "--markdown", help="Print Markdown, for an issue or a job summary."),
    as_json: bool = typer.Option(False, "--json", help="Print everything as JSON."),
) -> None:
    """Show where levels changed on the default branch, what drifts, which limits will be met and which could be tighter.

    \b
    Example: perfgate trend
             perfgate trend --only 'tests.*' --fail-on never
    """
    from perfgate.cli import trending
    from perfgate.render import trend as page
    from perfgate.render import trend_json

    report = trending.report(only=only, newest=newest, named=NAMED, most=0 if show_all or as_json else MOST)
    if as_json:
        console.out(trend_json.as_json(report))
    elif markdown:
        console.out(page.markdown(report))
    else:
        console.out(page.render(report, width=console.width(), colour=console.colour()))
    if report.trend.is_alarming and fail_on is FailOn.WARN:
        raise typer.Exit(exit_codes.WARN)
