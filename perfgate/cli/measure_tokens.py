"""`perfgate measure tokens`: tokens, calls and cost of LLM tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from perfgate.cli import console

app = typer.Typer(**console.APP)


class FilesThenCommand(TyperCommand):
    """A command whose arguments end at two dashes: what follows is another program's command line, kept in `ctx.obj`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set the words after the first two dashes aside, and read the others."""
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = tuple(args[end + 1 :])
        return super().parse_args(ctx, args[:end])


@app.command(short_help="tokens and cost of LLM tasks", cls=FilesThenCommand, no_args_is_help=False)
def measure_tokens(
    ctx: typer.Context,
    files: list[str] = typer.Argument(
        None,
        metavar="[FILE...] [-- CMD...]",
        help="JSON Lines of OpenAI or Anthropic responses; each file is a task, unless its lines name theirs (task, scenario). "
        "CMD is run first; {out} stands for the file it writes.",
    ),
    scenario: str = typer.Option("", "--scenario", help="The label of the series. [default: the file's name]"),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure tokens, calls, latency and cost of LLM tasks from the usage their responses tell.

    The cost of a model that the price book does not know is unknown, never zero.

    \b
    Example: perfgate measure tokens logs/*.jsonl --scenario support
             perfgate measure tokens --scenario agent -- ./agent --log {out}
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import TokensEntry
    from perfgate.measure.tokens import capture

    run: tuple[str, ...] = ctx.obj
    label = console.named(scenario, "--scenario") if scenario else ""
    entry = TokensEntry(Path(run[0]).name if run else "tokens", run, tuple(files or ()), label)
    with surroundings() as around, console.progress() as progress:
        captured = capture(entry, around, progress)
    finish(captured, output, as_json=as_json)
