"""`perfgate measure`: the group of everything that captures."""

from __future__ import annotations

import typer

from perfgate.cli import console
from perfgate.cli.app import lazy_group

COMMANDS: tuple[tuple[str, str], ...] = (
    ("command", "perfgate.cli.measure_command"),
    ("tests", "perfgate.cli.measure_tests"),
    ("bench", "perfgate.cli.measure_bench"),
    ("pipeline", "perfgate.cli.measure_pipeline"),
    ("tokens", "perfgate.cli.measure_tokens"),
    ("cost", "perfgate.cli.measure_cost"),
    ("size", "perfgate.cli.measure_size"),
    ("resources", "perfgate.cli.measure_resources"),
    ("all", "perfgate.cli.measure_all"),
)

app = typer.Typer(cls=lazy_group(COMMANDS), **console.APP)


@app.callback(short_help="capture into a run file")
def measure() -> None:
    """Capture time, tests, benchmarks, tokens, cost or size into a run file.

    \b
    Example: perfgate measure command start-up -- python -m mypackage --version
    """
