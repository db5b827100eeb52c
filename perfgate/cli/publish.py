"""`perfgate publish`: tell the code host what was decided."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

app = typer.Typer(**console.APP)


@app.command(short_help="tell the pull request what was decided")
def publish(
    folder: Path | None = typer.Argument(
        None, metavar="[FOLDER]", help="The folder a decision was left in. [default: .perfgate/decision]"
    ),
    comment: given.Comment = typer.Option(
        given.Comment.ON, "--comment", help="on: comment on a breach; always: on every decision; off: never."
    ),
    check: str = given.CHECK,
    key: str = given.KEY,
    strict: bool = typer.Option(False, "--strict", help="Exit 1 where somebody could not be told."),
) -> None:
    """Tell the pull request what was decided: one comment, edited in place, and a check run if wanted.

    The text is made anew from decision.json. That somebody could not be told is said, and changes nothing else.

    \b
    Example: perfgate publish --comment on --check "perfgate verdict"
    """
    from perfgate.cli import exit_codes, redacting, telling
    from perfgate.cli.project import Project
    from perfgate.errors import InputError
    from perfgate.formats.files import read

    given.refuse_names(check=check, key=key)
    wanted = telling.Telling(comment.value, check, key)
    project = Project.find()
    place = folder or project.decisions
    path = place / "decision.json"
    if folder is None and not path.exists():
        raise InputError("there is no decision yet", where=console.shown(place), remedy="make one: perfgate check")
    decision = redacting.load_decision(read(path, console.shown(path)), console.shown(path))
    if not telling.tell(project, decision, wanted) and strict:
        raise typer.Exit(exit_codes.FAILED)
