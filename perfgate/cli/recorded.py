"""Recorded times of tests: those of files that are named, else of the baseline's runs, else of the runs that were measured here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from perfgate.cli import console
from perfgate.cli.project import Project
from perfgate.cli.storing import own_settings, store_of
from perfgate.core.model import Run
from perfgate.errors import PerfgateError
from perfgate.formats import run as run_format
from perfgate.measure.recorded_times import Times, of_files, of_runs

#: So many of the newest files are looked at for each run that is wanted: not every run measures tests.
_LOOKED_AT = 4


def find(sources: Sequence[str], suite: str, last: int, progress: Callable[[str], None]) -> Times:
    """The times; no recordings where nothing has recorded any. Named files are relative to the current folder."""
    if sources:
        return of_files(sources, Path.cwd(), progress, suite=suite, last=last)
    project = Project.find()
    progress("reading the baseline")
    found = of_runs(_baseline(project, last), suite=suite, last=last)
    if found.recordings:
        return found._replace(told=f"{found.told} of the baseline")
    local = of_runs(_measured_here(project, last), suite=suite, last=last)
    return local._replace(told=f"{local.told} measured here") if local.recordings else found


def _baseline(project: Project, last: int) -> list[Run]:
    """The newest runs of the store, whatever commit they are of: a time is a time."""
    shelf = store_of(project, own_settings(project)).shelf()
    # The names begin with the day.
    newest = sorted(shelf.runs, key=lambda file: file.name)[-last * _LOOKED_AT :]
    return [run._replace(id=file.id) for file, run in shelf.parsed(newest)]


def _measured_here(project: Project, last: int) -> list[Run]:
    runs = []
    for path in sorted(project.runs.glob("*.json"))[-last * _LOOKED_AT :]:
        try:
            runs.append(run_format.load(run_format.read(path), console.shown(path)))
        except PerfgateError as error:
            console.say(f"left out, because it cannot be read: {error.where}: {error.what}")
    return runs
