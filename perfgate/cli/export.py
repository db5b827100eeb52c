"""`perfgate export`: a decision for other programs, in the formats that they read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

if TYPE_CHECKING:
    from perfgate.core.decision import Decision

app = typer.Typer(**console.APP)


class Format(StrEnum):
    """What a decision can be exported as."""

    SARIF = "sarif"
    JUNIT = "junit"
    CODE_QUALITY = "code-quality"
    METRICS = "metrics"
    MARKDOWN = "markdown"


@app.command(short_help="the decision for other programs: SARIF, JUnit XML, GitLab, Markdown")
def export(
    form: Format = typer.Argument(
        ...,
        metavar="FORMAT",
        help="sarif: code scanning; junit: test reports; code-quality and metrics: GitLab's reports; markdown: a comment.",
    ),
    folder: Path | None = typer.Argument(
        None, metavar="[FOLDER]", help="The folder a decision was left in. [default: .perfgate/decision]"
    ),
    output: Path | None = typer.Option(None, "--output", "-o", metavar="FILE", help="Write here. [default: print it]"),
    fail_on: given.FailOn = typer.Option(
        given.FailOn.BLOCK,
        "--fail-on",
        help="In JUnit XML: warn makes a warning a failure too; never makes none of a block.",
    ),
) -> None:
    """Write the newest decision in a format that other programs read. It ends in 0 whatever the decision says.

    \b
    Example: perfgate export sarif -o perfgate.sarif
    """
    from perfgate.cli import redacting
    from perfgate.cli.project import Project
    from perfgate.errors import InputError
    from perfgate.formats.files import read, write_atomically

    project = Project.find()
    path = project.decisions if folder is None else folder
    path = path if path.is_file() else path / "decision.json"
    if folder is None and not path.exists():
        raise InputError("there is no decision yet", where=console.shown(path), remedy="make one: perfgate check")
    decision = redacting.load_decision(read(path, console.shown(path)), console.shown(path))
    text = _written(form, decision, project.name, fail_on.value)
    if output is None or str(output) == "-":
        console.out(text.rstrip("\n"))
        return
    write_atomically(output, text.encode())
    console.say(f"written to {console.shown(output)}")


def _written(form: Format, decision: Decision, project: str, fail_on: str) -> str:
    if form is Format.SARIF:
        from perfgate.render import sarif

        return sarif.render(decision, folder=project)
    if form is Format.JUNIT:
        from perfgate.render import junit

        return junit.render(decision, fail_on=fail_on)
    if form is Format.CODE_QUALITY:
        from perfgate.render import code_quality

        return code_quality.render(decision, folder=project)
    if form is Format.METRICS:
        from perfgate.render import open_metrics

        return open_metrics.render(decision)
    from perfgate.render import markdown

    return markdown.render(decision, project=project)
