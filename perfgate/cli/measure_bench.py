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
    tool: str = typer.Option(
        "", "--tool", metavar="NAME", help="Insist on this tool's format. [default: recognized by content]"
    ),
    better: str = typer.Option(
        "", "--better", metavar="lower|higher", help="Which way is better, for what the files do not tell."
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Read the results of a benchmark tool, with their raw samples.

    Known are pytest-benchmark, pyperf, asv, hyperfine, Google Benchmark, Catch2, Go, Criterion, cargo bench, gungraun, JMH, BenchmarkDotNet, vitest, tinybench, benchmark.js, Julia, k6, Lighthouse, cachegrind, callgrind, Bencher's and github-action-benchmark's JSON, CSV, and perfgate's own JSON (perfgate schema bench).

    \b
    Example: pytest --benchmark-json bench.json && perfgate measure bench bench.json
             go test -run '^$' -bench . -count 10 > bench.txt && perfgate measure bench bench.txt
             cargo bench && perfgate measure bench target/criterion
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import BenchEntry
    from perfgate.core.metrics import Direction
    from perfgate.errors import InputError
    from perfgate.measure.bench import capture

    if better not in {"", "lower", "higher"}:
        raise InputError(f'--better is "lower" or "higher", not "{better}"')
    told: list[tuple[str, bool]] = []
    with surroundings() as around, console.progress() as progress:
        direction = Direction(better or "none")
        entry = BenchEntry("bench", files=tuple(dict.fromkeys(files)), tool=tool, better=direction)
        captured = capture(
            entry, around, progress, lambda text: told.append((text, True)), lambda text: told.append((text, False))
        )
    for sentence, always in told:
        (console.say if always else console.say_verbose)(sentence)
    finish(captured, output, as_json=as_json)
