"""`perfgate measure size`: the bytes of files and folders."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="bytes of files and folders")
def measure_size(
    paths: list[str] = typer.Argument(
        ..., metavar="PATH...", help="Files, folders or quoted patterns; each is a series size.bytes{path=…}."
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure the size of files, folders or whatever a pattern matches.

    \b
    Example: perfgate measure size 'dist/*.whl' build/app
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import SizeEntry
    from perfgate.measure.size import capture

    with surroundings() as around, console.progress() as progress:
        captured = capture(SizeEntry("size", paths=tuple(dict.fromkeys(paths))), around, progress)
    finish(captured, output, as_json=as_json)
