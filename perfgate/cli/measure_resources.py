"""`perfgate measure resources`: what a step of a pipeline uses over time."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="CPU, memory, disk and network of a step over time")
def measure_resources(
    command: list[str] = typer.Argument(
        ..., metavar="-- CMD...", help="The command, after two dashes; no shell is involved."
    ),
    name: str = typer.Option(
        "", "--name", help="The name of its series: command.wall{command=NAME}. [default: the program's name]"
    ),
    interval: str = typer.Option("1 s", "--interval", help="Look at its processes at least so often."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON; the command's output goes to stderr."),
) -> None:
    """Run a step once and watch what it uses: CPU, memory, disk and network over time.

    Its output is passed through; what was seen is told on stderr when it has ended. The exit code is 4 where the step fails.

    \b
    Example: perfgate measure resources --name build -- make -j4
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import ResourcesEntry
    from perfgate.measure.resources import capture

    called = console.named(name or Path(command[0]).name, "--name")
    entry = ResourcesEntry(called, tuple(command), console.seconds(interval, "--interval", "1 s"), aside=as_json)
    with surroundings() as around:
        captured = capture(entry, around, console.say_verbose)
    finish(captured, output, as_json=as_json, aside=True)
