"""`perfgate measure command`: time, CPU and memory of a command."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="time, CPU and memory of a command")
def measure_command(
    name: str = typer.Argument(..., help="The name of its series: command.wall{command=NAME}."),
    command: list[str] = typer.Argument(
        ..., metavar="-- CMD...", help="The command, after two dashes; no shell is involved."
    ),
    runs: int = typer.Option(10, "--runs", min=1, max=10_000, help="How many runs are measured."),
    warmup: int = typer.Option(1, "--warmup", min=0, max=1000, help="How many runs go before and are not measured."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure wall time, CPU time and peak memory of a command and everything it starts.

    \b
    Example: perfgate measure command start-up --runs 20 -- python -m mypackage --version
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import CommandEntry
    from perfgate.measure.command import capture

    entry = CommandEntry(console.named(name), tuple(command), runs=runs, warmup=warmup)
    with surroundings() as around, console.progress() as progress:
        captured = capture(entry, around, progress)
    finish(captured, output, as_json=as_json)
