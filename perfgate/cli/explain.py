"""`perfgate explain`: the arithmetic behind the verdicts on one series."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import typer

from perfgate.cli import console, redacting

app = typer.Typer(**console.APP)


@app.command(short_help="the arithmetic behind a verdict")
def explain(
    series: str = typer.Argument(..., help="The series, for example 'tests.duration{suite=unit}'; globs are fine."),
    decision: Path | None = typer.Option(
        None, "--decision", metavar="DIR", help="The folder a decision was left in. [default: .perfgate/decision]"
    ),
) -> None:
    """Print every number that led to the newest verdict on a series.

    \b
    Example: perfgate explain 'tests.duration{suite=unit}'
    """
    from perfgate.cli.project import Project
    from perfgate.core.model import Selector
    from perfgate.errors import InputError
    from perfgate.formats.files import read
    from perfgate.render import explanation

    folder = decision
    if folder is None:
        folder = Project.find().decisions
        if not (folder / "decision.json").exists():
            raise InputError("there is no decision yet", where=console.shown(folder), remedy="make one: perfgate check")
    path = folder / "decision.json" if folder.is_dir() or decision is None else folder
    made = redacting.load_decision(read(path, console.shown(path)), console.shown(path))
    selector = Selector.parse(series)
    known = dict.fromkeys(
        [each.series for each in made.comparisons] + [verdict.series for verdict in made.verdicts] + list(made.vanished)
    )
    found = [each for each in known if selector.matches(each)]
    if not found:
        names = [str(each) for each in known]
        close = get_close_matches(series, names, n=3, cutoff=0.3) or names[:3]
        raise InputError(
            f'the decision knows no series "{series}"',
            where=console.shown(path),
            remedy="it knows for example " + ", ".join(close),
        )
    for position, each in enumerate(found):
        if position:
            console.out()
        console.out(explanation.render(made, each).rstrip("\n"))
