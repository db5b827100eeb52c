"""`perfgate measure tokens`: tokens, calls and cost of LLM tasks."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="tokens and cost of LLM tasks")
def measure_tokens(
    files: list[str] = typer.Argument(
        ...,
        metavar="FILE...",
        help="JSON Lines of OpenAI or Anthropic responses; each file is a task, unless its lines name theirs (task, scenario).",
    ),
    scenario: str = typer.Option("", "--scenario", help="The label of the series. [default: the file's name]"),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure tokens, calls, latency and cost of LLM tasks from the usage their responses tell.

    The cost of a model that the price book does not know is unknown, never zero.

    \b
    Example: perfgate measure tokens logs/*.jsonl --scenario support
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import TokensEntry
    from perfgate.measure.tokens import capture

    label = console.named(scenario, "--scenario") if scenario else ""
    with surroundings() as around, console.progress() as progress:
        captured = capture(TokensEntry("tokens", files=tuple(files), scenario=label), around, progress)
    finish(captured, output, as_json=as_json)
