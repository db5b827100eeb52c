"""`perfgate baseline`: look after the admitted runs. Every change is recorded with its reason; nothing is rewritten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from perfgate.cli import console
from perfgate.cli.project import Project
from perfgate.cli.storing import own_settings, store_of, told
from perfgate.core.model import Run, Selector
from perfgate.errors import InputError

if TYPE_CHECKING:
    from perfgate.store.changes import Plan
    from perfgate.store.stores import Store

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

    store = _store()
    shelf = store.shelf()
    runs = shelf.all_runs()
    events = [event.sentence() for event in shelf.recorded()]
    if as_json:
        console.out(table.as_json(runs, events))
    else:
        console.out(table.render(runs, events, folder=store.where, width=console.width(), colour=console.colour()))


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

    found = _named(_store(), run)
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
    from perfgate.store.changes import admission

    project = Project.find()
    store = _store(project)
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
    _write(store, admission(candidate.runs, reason=_said(reason)))


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
    from perfgate.store.changes import retirement

    store = _store()
    _end(store, retirement(_known(store, series), reason=_said(reason), until=until))


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
    from perfgate.store.changes import acceptance

    store = _store()
    found, selector = _named(store, run), _known(store, series)
    _end(store, acceptance(selector, found.id, reason=_said(reason)))


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
    from perfgate.store.changes import anchoring

    store = _store()
    found, selector = _named(store, run), _known(store, series)
    _write(store, anchoring(selector, found.id, reason=_said(reason)))


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
    from perfgate.store.changes import pruning

    store = _store()
    written = store.write(pruning(keep or store.settings.keep, reason=_said(reason)))
    console.say(f"{len(written.changes.removed)} runs removed from {store.where}")


@app.command()
def update(
    folder: Path | None = typer.Argument(
        None, metavar="[FOLDER]", help="The folder of a decision. [default: .perfgate/decision]", show_default=False
    ),
) -> None:
    """Admit the runs of a decision that gate or check left, and publish them: push them to the branch that holds the baseline.

    This is what a job of its own with `contents: write` runs on the default branch; it never runs the project's code.

    \b
    Example: perfgate baseline update decision/
    """
    from perfgate.cli import updating

    project = Project.find()
    for sentence in updating.update(project, folder or project.decisions):
        console.say(sentence)


@app.command("import")
def import_(
    source: str = typer.Option(
        ..., "--from", metavar="STORE", help="directory:PATH, or git-ref:[REMOTE/]BRANCH[:PATH]."
    ),
) -> None:
    """Copy the runs and events of another store into this one; what is there stays, and nothing comes twice.

    \b
    Example: perfgate baseline import --from directory:baselines
    """
    from perfgate.cli import updating

    for sentence in updating.import_from(Project.find(), source):
        console.say(sentence)


@app.command()
def fetch() -> None:
    """Fetch the branch that holds the baseline, so that it can be read here without a network.

    \b
    Example: perfgate baseline fetch
    """
    from perfgate.cli import updating

    console.say(updating.fetch(Project.find()))


def _store(project: Project | None = None) -> Store:
    """The store as the work tree's budgets.yaml has it."""
    project = project or Project.find()
    return store_of(project, own_settings(project))


def _write(store: Store, plan: Plan) -> None:
    for sentence in told(store, store.write(plan)):
        console.say(sentence)


def _end(store: Store, plan: Plan) -> None:
    """Record the end of old values, and say how many that are."""
    from perfgate.store import events
    from perfgate.store.choosing import ended

    shelf = store.shelf()
    written = store.write(plan)
    values, runs = (0, 0)
    for path, data in written.changes.added:
        values, runs = ended(shelf, events.load(data, path))
    for sentence in told(store, written):
        console.say(sentence)
    if values:
        one = values == 1
        console.say(
            f"{values} value{'' if one else 's'} of {runs} run{'' if runs == 1 else 's'} no longer count{'s' if one else ''}"
        )
    else:
        console.say("no value that still counted is meant, so nothing changes for what is judged")


def _named(store: Store, name: str) -> Run:
    """The one admitted run whose name begins so."""
    shelf = store.shelf()
    found = [file for file in shelf.runs if file.id.startswith(name)]
    if len(found) != 1:
        what = f"{len(found)} admitted runs begin with" if found else "no admitted run begins with"
        raise InputError(
            f'{what} "{name}"',
            where=store.where,
            remedy="look at their names: perfgate baseline list; a blocked run is never admitted (perfgate baseline retire ends the old level)",
        )
    ((file, run),) = shelf.parsed(found)
    return run._replace(id=file.id)


def _known(store: Store, series: str) -> Selector:
    """What selects at least one series of the admitted runs: of a mistyped name nobody would ever learn that it does nothing."""
    from difflib import get_close_matches

    selector = Selector.parse(series)
    known = dict.fromkeys(each.series for run in store.shelf().all_runs() for each in run.measurements)
    if not known:
        raise InputError("no run is admitted", where=store.where, remedy="admit one first: perfgate check --admit")
    if not any(selector.matches(each) for each in known):
        names = sorted(str(each) for each in known)
        close = get_close_matches(series, names, n=3, cutoff=0.3) or names[:3]
        raise InputError(
            f'no admitted run has a series "{series}"',
            where=store.where,
            remedy="they have for example " + ", ".join(close),
        )
    return selector


def _said(reason: str) -> str:
    if not reason.strip():
        raise InputError("the reason is empty", where="--reason", remedy="say in a few words why")
    return reason.strip()
