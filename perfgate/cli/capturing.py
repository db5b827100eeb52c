"""The end every `measure` command has in common: context added, run written, what was measured shown."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import typer

from perfgate.cli import console, exit_codes, redacting
from perfgate.cli.project import EVENTS_WITH_RIGHTS, NO_COMMIT, Project
from perfgate.core.model import COMMAND_FAILED, Capture, Context, Run
from perfgate.errors import CommandFailed
from perfgate.formats import run as run_format
from perfgate.formats.files import write_atomically
from perfgate.measure.context import describe, utc_text
from perfgate.measure.surroundings import Surroundings

#: How many of a suite's slowest tests are listed where nobody says otherwise.
SLOWEST = 10
_STARTED = datetime.now(UTC)


@contextmanager
def surroundings(root: Path | None = None) -> Iterator[Surroundings]:
    """The current folder (or `root`) with a scratch folder that is gone afterwards: everything that measures begins here.

    InputError where measuring would run a change's code with the rights of its target branch.
    """
    from perfgate.store import scratch, worktrees

    if os.environ.get("GITHUB_EVENT_NAME", "") in EVENTS_WITH_RIGHTS:
        from perfgate.cli import privileged

        privileged.refuse(Project.find())

    worktrees.sweep()
    with scratch.folder() as work:
        yield Surroundings(root or Path.cwd(), work, os.environ, console.say)


def finish(
    capture: Capture, output: Path | None, *, as_json: bool = False, aside: bool = False, slowest: int = SLOWEST
) -> None:
    """Make a run of the capture, write it (default: into `.perfgate/runs`), and show it (`aside`: on stderr); then `leave`.

    `slowest` is how many tests of a suite are listed as its slowest.
    """
    project = Project.find()
    run, path = keep(capture, output, project)
    show(run, path, as_json=as_json, aside=aside, slowest=slowest)
    leave(capture)


def leave(capture: Capture) -> None:
    """End with the exit code of a failed command where one failed, now that what is known was written and shown."""
    if capture.failure is not None:
        tell_failure(capture)
        raise typer.Exit(exit_codes.COMMAND_FAILED)


def tell_failure(capture: Capture) -> None:
    """Tell, on stderr, which commands failed, below the end of what they printed: nothing else keeps it."""
    failures = [each for each in capture.caveats if each.code == COMMAND_FAILED]
    for position, each in enumerate(failures):
        console.tell_error(CommandFailed(each.message, remedy=each.remedy), output="" if position else capture.output)


def keep(capture: Capture, output: Path | None, project: Project) -> tuple[Run, Path]:
    """Make a run of the capture and write it; the run and its file."""
    from perfgate.measure.suite_details import bounded

    context = describe(project.lineage, project.event, project.environ, _STARTED)
    run = Run(context, capture.measurements, bounded(capture.details), capture.caveats)
    data = run_format.dump(run)
    cleaned = redacting.clean_run(run, data, "the run")
    if cleaned is not run:
        run, data = cleaned, run_format.dump(cleaned)
    path = output or _default_path(project, run.context, data)
    write_atomically(path, data)
    for suffix, content in capture.attachments:
        beside = path.with_name(f"{path.name.removesuffix('.json')}.{suffix}")
        write_atomically(beside, redacting.clean(content.decode()).encode())
    if output is None:
        project.prune_runs(context.tested)
    return run, path


def show(run: Run, path: Path, *, as_json: bool, aside: bool = False, slowest: int = SLOWEST) -> None:
    """Show what was measured, as a table (`aside`: on stderr, which --quiet silences) or as the run file's JSON."""
    if as_json:
        console.out(run_format.dump(run).decode().rstrip("\n"))
        return
    from perfgate.render.capture import render

    tell = console.say if aside else console.out
    colour, unicode = console.colour() and not aside, console.can_show("▁█")
    tell(render(run, width=console.width(), colour=colour, unicode=unicode, slowest=slowest))
    console.say(f"written to {console.shown(path)}")


def _default_path(project: Project, context: Context, data: bytes) -> Path:
    """A name of its own for every capture, so that two processes measuring at once never meet."""
    project.scratch()
    stamp = utc_text(_STARTED).replace("-", "").replace(":", "")
    digest = hashlib.sha256(data + os.urandom(8)).hexdigest()[:8]
    return project.runs / f"{stamp}-{context.tested[:12] or NO_COMMIT}-{digest}.json"
