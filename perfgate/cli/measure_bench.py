"""`perfgate measure bench`: the results of benchmark tools."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="results of a benchmark tool")
def measure_bench(
    files: list[str] = typer.Argument(
        ..., metavar="FILE...", help="Result files, folders of them, or quoted patterns; the format is recognized."
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Read benchmark results of pytest-benchmark, hyperfine or go test -bench, with their raw samples.

    \b
    Example: pytest --benchmark-json bench.json && perfgate measure bench bench.json
             go test -run '^$' -bench . -count 10 > bench.txt && perfgate measure bench bench.txt
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import BenchEntry
    from perfgate.measure.bench import capture

    told: list[str] = []
    with surroundings() as around, console.progress() as progress:
        entry = BenchEntry("bench", files=tuple(dict.fromkeys(files)))
        captured = capture(entry, around, progress, told.append)
    for sentence in told:
        console.say(sentence)
    finish(captured, output, as_json=as_json)
