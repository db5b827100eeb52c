"""One decision, every output: `.perfgate/decision`, the terminal, annotations and the job summary. Written before the process ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.cli import console, exit_codes, redacting, undecided
from perfgate.cli.judging_options import Options
from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.model import Run
from perfgate.errors import PerfgateError
from perfgate.forge import github
from perfgate.forge.marker import Marker
from perfgate.formats import run as run_format
from perfgate.formats.files import refuse_outside, write_atomically
from perfgate.render import markdown, terminal
from perfgate.render.annotations import render as annotations_of

if TYPE_CHECKING:
    from perfgate.cli.project import Project


def publish(project: Project, decision: Decision, runs: Sequence[Run], budgets_text: bytes, options: Options) -> None:
    """Write and show the decision. A failure to write is told and raised only after the verdict has been shown."""
    decision, data = redacting.clean_decision(decision)
    told = comment(decision, Marker.of(decision, project.name, options.key, project.event), project.name)
    failure: PerfgateError | OSError | None = None
    try:
        _write_folder(project, data, runs, budgets_text, told, options)
    except (PerfgateError, OSError) as error:
        failure = error
    if options.as_json:
        console.out(data.decode().rstrip("\n"))
    else:
        folder = console.shown(options.out or project.decisions)
        shown = terminal.render(
            decision, width=console.width(), colour=console.colour(), verbose=options.verbose, folder=folder
        )
        console.out(shown)
    if project.event.provider == "github":
        undecided.published()
        for line in annotations_of(decision, project=project.name):
            console.command(line)
        room = github.summary_room(project.environ)
        for problem in (
            github.write_summary(project.environ, summary(decision, project.name, room)),
            github.write_outputs(project.environ, _pairs(project, decision, options)),
        ):
            if problem:
                console.say(problem)
    _tell(project, decision, options)
    if failure is not None:
        code = exit_codes.of_decision(decision, options.fail_on)
        if code == exit_codes.PASS:
            raise failure
        console.say_error(f"the decision could not be written: {failure}")


def _tell(project: Project, decision: Decision, options: Options) -> None:
    """The code host, where the command line asks for it; a failure there is said, and the verdict stays."""
    if options.comment == "off" and options.check == "off":
        return
    from perfgate.cli.telling import Telling, tell

    tell(project, decision, Telling(options.comment, options.check, options.key))


def comment(decision: Decision, marker: Marker, project: str) -> str:
    """What a pull request is told: the marker on the first line, and the decision, together no longer than a comment may be."""
    return f"{marker.line}\n{markdown.render(decision, project=project, limit=markdown.LIMIT - len(marker.line) - 1)}"


def summary(decision: Decision, project: str, room: int) -> str:
    """What the job summary says in `room` bytes: a whole comment, a shorter one, or where to find it."""
    if room >= markdown.LEAST:
        return markdown.render(decision, project=project, limit=min(room - 1, markdown.LIMIT))
    return f"perfgate: {decision.level.word}; the summary is full, see .perfgate/decision/comment.md"


def _pairs(project: Project, decision: Decision, options: Options) -> dict[str, str]:
    folder = options.out or project.decisions
    code = exit_codes.of_decision(decision, options.fail_on)
    return {
        "verdict": "error" if code == exit_codes.COMMAND_FAILED else decision.level.word,
        "exit-code": str(code),
        "decision": console.shown(folder / "decision.json"),
        "summary": console.shown(folder / "comment.md"),
        "breaches": str(decision.number_at(Level.WARN) + decision.number_at(Level.BLOCK)),
    }


def _write_folder(
    project: Project, data: bytes, runs: Sequence[Run], budgets_text: bytes, told: str, options: Options
) -> None:
    folder = options.out or _own_folder(project)
    # What is checked out may hold links; only the folder that somebody named may be one itself.
    within = options.out or project.root
    kept = folder / "runs"
    refuse_outside(kept, within)
    if kept.is_dir():
        import shutil

        shutil.rmtree(kept)
    write_atomically(folder / "decision.json", data, within=within)
    write_atomically(folder / "comment.md", told.encode(), within=within)
    write_atomically(folder / "budgets.yaml", budgets_text, within=within)
    for position, run in enumerate(runs):
        write_atomically(kept / f"{position:03d}.json", run_format.dump(run), within=within)


def _own_folder(project: Project) -> Path:
    project.scratch()
    return project.decisions
