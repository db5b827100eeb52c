"""`perfgate measure tests`: the time of a test suite and of its cases."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="time of a test suite and its cases")
def measure_tests(
    command: list[str] = typer.Argument(
        None,
        metavar="[-- CMD...]",
        help="Run this suite, after two dashes. pytest is asked for a report by itself; elsewhere {out} stands for the report.",
    ),
    reports: list[str] = typer.Option(
        [],
        "--report",
        "--junit",
        metavar="GLOB",
        help="Read these reports, JUnit XML or another format that is found from their content; may be given more than once. With CMD: the reports it writes.",
    ),
    report_format: str = typer.Option(
        "", "--format", metavar="NAME", help="Insist on this format of the reports. [default: their content tells it]"
    ),
    suite: str = typer.Option("", "--suite", help="The label of its series. [default: the report's own name]"),
    case_series: bool = typer.Option(
        False, "--case-series", help="Make every test a series tests.case_time{suite,test}."
    ),
    slowest: int = typer.Option(
        10, "--slowest", min=0, max=1000, metavar="N", help="How many of the slowest tests to show."
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure a test suite: wall time, time of its cases, counts, the slowest, and what looks flaky.

    Of a suite that CMD runs and that fails only the failures are counted, and the exit code is 4: it may have stopped early.
    Without CMD the reports are read as they are, failed tests and all, and the exit code is 0.

    \b
    Example: perfgate measure tests --suite unit -- pytest -q
             perfgate measure tests --report 'build/reports/**/*.xml'
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import TestsEntry
    from perfgate.measure.suite_running import suite_name
    from perfgate.measure.tests import capture

    run = tuple(command or ())
    entry = TestsEntry(console.named(suite or suite_name(run)), run, tuple(reports), suite, report_format)
    with surroundings() as around, console.progress() as progress:
        captured = capture(entry, around, progress, cases=case_series)
    finish(captured, output, as_json=as_json, slowest=slowest)
