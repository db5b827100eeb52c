"""`perfgate baseline`: look after the admitted runs. Every change is recorded with its reason; nothing is rewritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from perfgate.cli import console
from perfgate.cli.project import BUDGETS, Project
from perfgate.core.budgets import BaselineSettings
from perfgate.core.model import Run, Selector
from perfgate.errors import InputError

app = typer.Typer(**console.APP)
_REASON: Any = typer.Option(..., "--reason", help="Why; it is kept with the baseline.")
_SERIES: Any = typer.Option(
    "*", "--series", metavar="SERIES", help="Which series, for example 'tests.*'. [default: all]"
)


@app.callback(short_help="look after the admitted runs")
def baseline() -> None:
    """Look after the baseline: the admitted runs that a change is compared with.

    \b
    Example: perfgate baseline list
    """


@app.command("list")
def list_runs(as_json: bool = typer.Option(False, "--json", help="Print the list as JSON.")) -> None:
    """List the admitted runs, newest last, and what was recorded about them.

    \b
    Example: perfgate baseline list
    """
    from perfgate.render import baseline as table
    from perfgate.store import directory

    folder, _ = _store()
    runs = directory.list_runs(folder)
    events = [event.sentence() for event in directory.read_events(folder)]
    if as_json:
        console.out(table.as_json(runs, events))
    else:
        console.out(
            table.render(runs, events, folder=console.shown(folder), width=console.width(), colour=console.colour())
        )


@app.command()
def show(
    run: str = typer.Argument(..., help="The run's name, or its beginning."),
    as_json: bool = typer.Option(False, "--json", help="Print the run as JSON."),
) -> None:
    """Show one admitted run.

    \b
    Example: perfgate baseline show 2026-11-21-4f2a
    """
    from perfgate.formats import run as run_format
    from perfgate.render.capture import render

    folder, _ = _store()
    found = _named(folder, run)
    if as_json:
        console.out(run_format.dump(found).decode().rstrip("\n"))
    else:
        console.out(render(found, width=console.width(), colour=console.colour()))


@app.command()
def admit(
    runs: list[str] = typer.Argument(
        None, metavar="[RUN]...", help="Run files, folders or globs. [default: those of the current state]"
    ),
    reason: str = _REASON,
) -> None:
    """Admit runs to the baseline without judging them; they must be of a clean commit.

    \b
    Example: perfgate baseline admit run.json --reason "first baseline"
    """
    from perfgate.cli import judging
    from perfgate.store import directory

    project = Project.find()
    folder, _ = _store(project)
    candidate = judging.gather(project, runs or [])
    for run, path in zip(candidate.runs, candidate.files, strict=True):
        if not run.context.tested or run.context.worktree:
            what = (
                "it was measured in a work tree with changes" if run.context.worktree else "it does not know its commit"
            )
            raise InputError(
                f"this run cannot serve as baseline: {what}",
                where=console.shown(path),
                remedy="commit first, then measure again",
            )
    for run in candidate.runs:
        console.say(directory.admit(folder, run, reason=reason).told(console.shown(folder)))


@app.command()
def retire(
    series: str = _SERIES,
    until: str = typer.Option(
        "",
        "--until",
        metavar="TIME",
        help="Values of runs that started up to then, as 2026-11-21T10:00:00Z. [default: all so far]",
    ),
    reason: str = _REASON,
) -> None:
    """End the use of old values: from now on the selected series are compared with newer runs only.

    \b
    Example: perfgate baseline retire --series 'tests.*{suite=unit}' --reason "suite was split"
    """
    from perfgate.store import directory

    folder, _ = _store()
    selector = _known(folder, series)
    console.say(directory.retire(folder, selector, reason=_said(reason), until=until).told(console.shown(folder)))


@app.command()
def accept(
    run: str = typer.Argument(..., help="The first run of the new level: its name, or its beginning."),
    series: str = typer.Option(..., "--series", metavar="SERIES", help="Which series, for example 'tests.*'."),
    reason: str = _REASON,
) -> None:
    """Accept a change of level: from this run on the selected series have a new segment, and older values no longer count.

    \b
    Example: perfgate baseline accept 2026-11-12-4f2a --series 'tests.duration{suite=unit}' --reason "more tests, agreed"
    """
    from perfgate.store import directory

    folder, _ = _store()
    found, selector = _named(folder, run), _known(folder, series)
    console.say(directory.accept(folder, selector, found.id, reason=_said(reason)).told(console.shown(folder)))


@app.command()
def anchor(
    run: str = typer.Argument(..., help="The run's name, or its beginning."),
    series: str = _SERIES,
    reason: str = _REASON,
) -> None:
    """Make a run the fixed point that slow drift is held against, a release for example.

    \b
    Example: perfgate baseline anchor 2026-11-01-77ab --reason "release 2.0"
    """
    from perfgate.store import directory

    folder, _ = _store()
    found, selector = _named(folder, run), _known(folder, series)
    console.say(directory.anchor(folder, selector, found.id, reason=_said(reason)).told(console.shown(folder)))


@app.command()
def prune(
    keep: int = typer.Option(
        0, "--keep", min=0, help="How many of the newest runs stay. [default: baseline.keep of budgets.yaml]"
    ),
    reason: str = _REASON,
) -> None:
    """Remove old runs; anchors stay.

    \b
    Example: perfgate baseline prune --keep 200 --reason "a year is enough"
    """
    from perfgate.store import directory

    folder, settings = _store()
    removed = directory.prune(folder, keep or settings.keep, reason=_said(reason))
    console.say(f"{len(removed)} runs removed from {console.shown(folder)}")


def _store(project: Project | None = None) -> tuple[Path, BaselineSettings]:
    """The folder of the baseline, and its settings, as the work tree's budgets.yaml has them."""
    from perfgate.formats import budgets as budgets_format

    project = project or Project.find()
    path = project.root / BUDGETS
    settings = BaselineSettings()
    if path.is_file():
        settings = budgets_format.load(budgets_format.read(path, console.shown(path)), console.shown(path)).baseline
    return project.root / settings.path, settings


def _named(folder: Path, name: str) -> Run:
    """The one admitted run whose name begins so."""
    from perfgate.store import directory

    found = [run for run in directory.list_runs(folder) if run.id.startswith(name)]
    if len(found) != 1:
        what = f"{len(found)} admitted runs begin with" if found else "no admitted run begins with"
        raise InputError(
            f'{what} "{name}"', where=console.shown(folder), remedy="look at their names: perfgate baseline list"
        )
    return found[0]


def _known(folder: Path, series: str) -> Selector:
    """What selects at least one series of the admitted runs: of a mistyped name nobody would ever learn that it does nothing."""
    from difflib import get_close_matches

    from perfgate.store import directory

    selector = Selector.parse(series)
    known = dict.fromkeys(each.series for run in directory.list_runs(folder) for each in run.measurements)
    if not known:
        raise InputError(
            "no run is admitted", where=console.shown(folder), remedy="admit one first: perfgate check --admit"
        )
    if not any(selector.matches(each) for each in known):
        names = sorted(str(each) for each in known)
        close = get_close_matches(series, names, n=3, cutoff=0.3) or names[:3]
        raise InputError(
            f'no admitted run has a series "{series}"',
            where=console.shown(folder),
            remedy="they have for example " + ", ".join(close),
        )
    return selector


def _said(reason: str) -> str:
    if not reason.strip():
        raise InputError("the reason is empty", where="--reason", remedy="say in a few words why")
    return reason.strip()
