"""`perfgate shard`: tests shared out to jobs so that the last one ends early."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.core.recorded_times import Keep
from perfgate.core.sharding import Algorithm


class Format(StrEnum):
    """What is printed."""

    TABLE = "table"
    JSON = "json"
    NODE_IDS = "node-ids"
    PYTEST_SPLIT = "pytest-split"
    CIRCLECI = "circleci"
    GITHUB_MATRIX = "github-matrix"


app = typer.Typer(**console.APP)


@app.command(short_help="tests shared out to jobs by their recorded times")
def shard(
    into: int = typer.Option(
        0, "--into", metavar="N", show_default=False, help="How many shards. [default: what CI says of parallel jobs]"
    ),
    index: int = typer.Option(
        0,
        "--index",
        metavar="I",
        show_default=False,
        help="Print the tests of this shard, from 1. [default: what CI says of this job]",
    ),
    tests: str = typer.Option(
        "",
        "--tests",
        metavar="FILE|-",
        help="The tests to share out, as the runner lists them. [default: all recorded]",
    ),
    sources: list[str] = typer.Option(
        [],
        "--from",
        metavar="GLOB",
        help="Reports, .test_durations or run files with times. [default: the baseline's runs]",
    ),
    suite: str = typer.Option("", "--suite", help="The suite of the baseline's runs, where they have several."),
    last: int = typer.Option(
        20, "--last", min=1, metavar="N", help="Medians are over the newest N runs of the baseline."
    ),
    algorithm: Algorithm | None = typer.Option(
        None, "--algorithm", help="How tests find their shard. [default: least-loaded]"
    ),
    speeds: str = typer.Option(
        "",
        "--speeds",
        metavar="S,S,...",
        help="The speed of each shard's runner: 1,1,0.5. Takes the algorithm weighted.",
    ),
    keep: Keep = typer.Option(
        Keep.NONE, "--keep", help="Tests that stay in one shard: of a file, of a class, or none."
    ),
    first: list[str] = typer.Option(
        [], "--first", metavar="GLOB", help="Run these tests first in each shard. Takes the algorithm priority-first."
    ),
    failed_first: bool = typer.Option(
        False, "--failed-first", help="The same for tests that failed in a recorded run."
    ),
    overhead: str = typer.Option(
        "", "--overhead", metavar="TIME", help="What each job costs before its first test: 90s."
    ),
    form: Format | None = typer.Option(
        None, "--format", help="What to print. [default: table; with --index, node-ids]"
    ),
    as_json: bool = typer.Option(False, "--json", help="Print everything as JSON: --format json."),
    null: bool = typer.Option(False, "--null", "-0", help="End each name with a NUL instead of a line."),
    out: Path | None = typer.Option(None, "--out", metavar="DIR", help="Write shard-1.txt … there, a name a line."),
    output: Path | None = typer.Option(None, "--output", "-o", metavar="FILE", help="Write here. [default: print it]"),
) -> None:
    """Share tests out to parallel jobs by their recorded times, and say how many jobs pay.

    The same input gives the same shards everywhere, so that each job can make its own. A shard without tests ends in 3: a runner
    that is given no names would run everything.

    \b
    Example: pytest --collect-only -q | perfgate shard --into 4 --tests - --overhead 90s
             perfgate shard --into 4 --index 2 --tests collected.txt > mine.txt && pytest @mine.txt
    """
    from perfgate.cli import sharing
    from perfgate.errors import InputError

    if as_json and form not in {None, Format.JSON}:
        raise InputError("--json and --format are two answers to one question", remedy="leave one out")
    wanted = sharing.Wanted(
        into=into,
        shard=index,
        tests=tests,
        sources=tuple(sources),
        suite=suite,
        last=last,
        algorithm=algorithm,
        speeds=speeds,
        keep=keep,
        first=tuple(first),
        failed_first=failed_first,
        overhead=overhead,
    )
    chosen = (Format.JSON if as_json else form) or (Format.NODE_IDS if index else Format.TABLE)
    code = sharing.share(wanted, chosen.value, null=null, out=out, output=output)
    if code:
        raise typer.Exit(code)
