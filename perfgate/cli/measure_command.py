"""`perfgate measure command`: time, CPU and memory of a command, or of several in turns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfgate.cli import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfgate.core.entries import CommandEntry
    from perfgate.core.model import Capture
    from perfgate.measure.surroundings import Surroundings

app = typer.Typer(**console.APP)


@app.command(short_help="time, CPU and memory of a command")
def measure_command(
    name: str = typer.Argument(..., help="The name of its series: command.wall{command=NAME}."),
    command: list[str] = typer.Argument(
        ..., metavar="-- CMD...", help="The command, after two dashes; no shell is involved."
    ),
    more: list[str] = typer.Option(
        [], "--and", metavar="NAME=LINE", help="Another command, run in turns with the first. Can be repeated."
    ),
    parameter: list[str] = typer.Option(
        [], "--parameter", metavar="K=VALUES", help="Fill {K}: K=1,2,4 or K=1..8 or K=1..8:2. Can be repeated."
    ),
    runs: int | None = typer.Option(
        None, "--runs", min=1, max=10_000, help="How many runs are measured. [default: 10; with --until at most 200]"
    ),
    warmup: int | None = typer.Option(
        None, "--warmup", min=0, max=1000, help="How many runs go before and are not measured. [default: 1]"
    ),
    until: str = typer.Option(
        "", "--until", metavar="2%", help="Stop earlier, once the median wall time is known this closely (95 %)."
    ),
    max_time: str = typer.Option("", "--max-time", metavar="TIME", help="Begin no run after this time."),
    timeout: str = typer.Option("", "--timeout", metavar="TIME", help="Kill a run that takes longer, and fail."),
    setup: str = typer.Option("", "--setup", metavar="CMD", help="Run this once before everything, a build say."),
    prepare: str = typer.Option("", "--prepare", metavar="CMD", help="Run this before each run, unmeasured."),
    cleanup: str = typer.Option("", "--cleanup", metavar="CMD", help="Run this once at the end, also after a failure."),
    accept: str = typer.Option("", "--accept", metavar="CODES", help="Exit codes that count as success: 0,1."),
    ignore_failure: bool = typer.Option(False, "--ignore-failure", help="Every exit code counts as success."),
    stdin: str = typer.Option(
        "", "--input", metavar="FILE", help="The file that the command reads. [default: nothing]"
    ),
    shell: bool = typer.Option(
        False, "--shell", help="Run the line by sh -c; what the shell itself costs is taken off."
    ),
    counter: str = typer.Option(
        "",
        "--counter",
        metavar="instructions|instructions:perf",
        help="Count instructions instead: by Valgrind, which is exact and 50 to 200 times as slow, or by the processor.",
    ),
    profile: bool = typer.Option(
        False, "--profile", help="Sample one run more with py-spy or perf: in which functions the time goes."
    ),
    profile_from: Path | None = typer.Option(
        None, "--profile-from", metavar="FILE", help="Keep this profile, folded stacks or speedscope, of the command."
    ),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Draw the order of several commands as then."),
    wait: str = typer.Option(
        "10 min", "--wait", metavar="TIME", help="Wait so long for another measurement on this machine to end."
    ),
    overlap: bool = typer.Option(False, "--overlap", help="Measure at once, even where another measurement runs."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Measure wall time, CPU time and peak memory of a command and everything it starts.

    \b
    Example: perfgate measure command start-up --runs 20 -- python -m mypackage --version
             perfgate measure command sort --until 2% --parameter k=1..4 -- sort --parallel {k} input.txt
             perfgate measure command start-up --counter instructions -- python -m mypackage --version
             perfgate measure command gzip --and "zstd=zstd -k -f data" -- gzip -k -f data
    """
    from perfgate.cli.capturing import finish, surroundings
    from perfgate.core.entries import RUNS_UNTIL, CommandEntry
    from perfgate.core.model import Capture
    from perfgate.measure.lock import Alone
    from perfgate.measure.session import capture_together

    _refuse_no_name(name, command)
    _refuse_without_effect(counter, until, max_time, runs, warmup)
    ratio = _ratio(until)
    first = CommandEntry(
        console.named(name),
        _line(command, shell=shell),
        runs=runs or (RUNS_UNTIL if ratio else 10),
        warmup=1 if warmup is None else warmup,
        prepare=console.words(prepare, "--prepare"),
        setup=console.words(setup, "--setup"),
        cleanup=console.words(cleanup, "--cleanup"),
        until=ratio,
        most=console.seconds(max_time, "--max-time") if max_time else 0.0,
        timeout=console.seconds(timeout, "--timeout", "30 s") if timeout else 0.0,
        accept=_codes(accept),
        ignore_failure=ignore_failure,
        input=stdin,
        shell=shell,
        parameters=_parameters(parameter),
        counter=_counter(counter),
        profile=profile,
    )
    how = Alone(console.seconds(wait, "--wait"), overlap, console.say)
    with surroundings() as around, console.progress() as progress:
        _check_program(first, around)
        theirs = _profile(first, profile_from, around)
        captured = capture_together([first, *_others(first, more)], around, progress, seed=seed, how=how)
        captured = Capture.joined((captured, *theirs))
    finish(captured, output, as_json=as_json)


def _others(first: CommandEntry, more: Sequence[str]) -> list[CommandEntry]:
    """The further commands: measured as the first, in turns with it."""
    from perfgate.core.entries import uses
    from perfgate.errors import InputError

    found = []
    for given in more:
        name, equals, line = given.partition("=")
        if not equals or not line.strip():
            raise InputError(
                f'"{given[:50]}" is no name with a command', where="--and", remedy='write it as "NAME=LINE"'
            )
        run = (line,) if first.shell else console.words(line, "--and")
        other = first._replace(name=console.named(name.strip(), "--and"), run=run)
        found.append(other._replace(parameters=tuple(each for each in first.parameters if uses(other, each[0]))))
    return found


def _refuse_no_name(name: str, command: Sequence[str]) -> None:
    """A command right behind the two dashes would lose its first word, which would become the name."""
    import sys

    from perfgate.errors import InputError

    behind = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if behind == [name, *command]:
        raise InputError("a name is missing before --", where="NAME", remedy=_with_name(behind))


def _with_name(command: Sequence[str]) -> str:
    import shlex

    return f"write: perfgate measure command NAME -- {shlex.join(command)[:200]}"


def _check_program(entry: CommandEntry, around: Surroundings) -> None:
    """Say what is likely meant where there is no such program; what is not told here is told where it is started."""
    import shutil
    import sys

    from perfgate.core.command_lines import needs_shell
    from perfgate.errors import InputError
    from perfgate.measure.command import fill, find_program

    first, *others = entry.run
    if entry.shell or "{" in first:
        return
    try:
        find_program(fill(entry.run), around)
    except InputError as error:
        if not others and (len(first.split()) > 1 or needs_shell(first, ())):
            remedy = f"a line for a shell needs --shell: perfgate measure command {entry.name} --shell -- '…'"
        elif "--" not in sys.argv and shutil.which(entry.name, path=around.environ.get("PATH")):
            remedy = f"is a name missing? {_with_name([entry.name, *entry.run])}"
        else:
            return
        raise InputError(error.what, remedy=remedy) from error


def _line(command: list[str], *, shell: bool) -> tuple[str, ...]:
    from perfgate.errors import InputError

    if shell and len(command) > 1:
        raise InputError(
            "a shell takes one line",
            where="--shell",
            remedy="put the whole line in quotes: --shell -- 'sort file | uniq'",
        )
    return tuple(command)


def _ratio(until: str) -> float:
    from perfgate.core.units import parse_ratio
    from perfgate.errors import InputError

    if not until:
        return 0.0
    ratio = parse_ratio(until)
    if not 0 < ratio <= 1:
        raise InputError(f'"{until[:50]}" is no precision', where="--until", remedy="write for example 2%")
    return ratio


def _profile(entry: CommandEntry, file: Path | None, around: Surroundings) -> list[Capture]:
    """The profile in a file, read before anything is measured."""
    from perfgate.errors import InputError

    if file is None:
        return []
    if entry.profile or entry.parameters:
        raise InputError(
            "the profile in a file is of one command",
            where="--profile-from",
            remedy="leave --profile and --parameter out",
        )
    from perfgate.measure.profiling import capture_file

    return [capture_file(entry, around, file)]


def _counter(counter: str) -> str:
    from perfgate.core.entries import COUNTERS
    from perfgate.errors import InputError

    if counter and counter not in COUNTERS:
        raise InputError(f'"{counter[:50]}" is no counter', where="--counter", remedy=f"write {' or '.join(COUNTERS)}")
    return counter


def _refuse_without_effect(counter: str, until: str, most: str, runs: int | None, warmup: int | None) -> None:
    """What a counter would not heed: only runs of which times are taken end by their precision, and a simulation counts as it needs."""
    from perfgate.core.entries import VALGRIND
    from perfgate.errors import InputError

    if not counter:
        return
    useless = [option for option, given in (("--until", until), ("--max-time", most)) if given]
    if counter == VALGRIND:
        useless += [option for option, given in (("--runs", runs), ("--warmup", warmup)) if given is not None]
    if useless:
        raise InputError(
            f"{' and '.join(useless)} {'has' if len(useless) == 1 else 'have'} no effect with --counter {counter}",
            where="--counter",
            remedy="leave that out; an exact count needs two runs" if counter == VALGRIND else "leave that out",
        )


def _codes(accept: str) -> tuple[int, ...]:
    from perfgate.errors import InputError

    words = [word.strip() for word in accept.split(",")] if accept else ["0"]
    if not all(word.isdecimal() and word.isascii() and int(word[:4]) <= 255 for word in words):
        raise InputError(
            f'"{accept[:50]}" are no exit codes', where="--accept", remedy="write numbers from 0 to 255: 0,1"
        )
    return tuple(int(word) for word in words)


def _parameters(given: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    from perfgate.core.entries import check_parameter, parameter_values
    from perfgate.errors import InputError

    found: dict[str, tuple[str, ...]] = {}
    for each in given:
        name, _, values = each.partition("=")
        try:
            check_parameter(name)
            found_values = parameter_values(values)
        except InputError as error:
            raise InputError(error.what, where=f"--parameter {each[:50]}", remedy=error.remedy) from error
        if name in found:
            raise InputError(f'the parameter "{name}" is there twice', where="--parameter")
        found[name] = found_values
    return tuple(found.items())
