"""The files of a store in one place, on disk or in a commit: one for each admitted run and each event. Broken ones are named."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Details, Run
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.formats.files import read
from perfgate.store import events as event_files
from perfgate.store.events import Recorded
from perfgate.store.git import Repository

#: The name of an admitted run: day, commit, CI run, attempt, hash of the content.
NAME = re.compile(r"(\d{4}-\d\d-\d\d)-([0-9a-f]{12})-([A-Za-z0-9_.]{1,40})-(\d{1,6})-([0-9a-f]{8})\.json")
#: Files read from git through one process.
_AT_ONCE = 100


class File(NamedTuple):
    """A file of the store, on disk (`path`) or in a commit (`blob`); `where` names it in messages."""

    name: str
    where: str
    path: Path = Path()
    blob: str = ""

    @property
    def id(self) -> str:
        """The file's name as people and events use it."""
        return self.name.removesuffix(".json")


class Shelf(NamedTuple):
    """The files of a store in one place; `source` names the place for people."""

    runs: list[File]
    events: list[File]
    source: str
    repository: Repository | None = None

    def parsed(self, files: Sequence[File], *, details: bool = True) -> Iterator[tuple[File, Run]]:
        """The runs in some of the files; InputError names one that is broken, or that is not what its name says.

        Without `details` these are passed over: for callers that read many runs for their values.
        """
        for file, data in zip(files, self.contents(files), strict=True):
            run = run_format.load(data, file.where, details=details)
            named = NAME.fullmatch(file.name)
            if named and not run.context.tested.startswith(named[2]):
                raise InputError(
                    f"the name says commit {named[2]}, the run is of {run.context.tested[:12] or 'no commit'}",
                    where=file.where,
                    remedy="restore the file from git history; admitted runs are never edited",
                )
            yield file, run

    def details(self, names: Collection[str]) -> Iterator[tuple[str, Details]]:
        """The details in the runs of these names, with cells as they are in the files; a name that is not here is passed over."""
        from perfgate.formats import run_details

        files = [file for file in self.runs if file.id in names]
        for file, data in zip(files, self.contents(files), strict=True):
            yield file.id, run_details.of_text(data, file.where)

    def recorded(self) -> tuple[Recorded, ...]:
        """What was recorded about this baseline, oldest first."""
        loaded = [
            event_files.load(data, file.where)
            for file, data in zip(self.events, self.contents(self.events), strict=True)
        ]
        return tuple(sorted(loaded, key=lambda event: event.recorded_at))

    def contents(self, files: Sequence[File]) -> Iterator[bytes]:
        """The bytes of some of the files, in their order, never more than a hundred at a time in memory."""
        if self.repository is None:
            yield from (read(file.path, file.where) for file in files)
            return
        for first in range(0, len(files), _AT_ONCE):
            yield from self.repository.read_blobs([file.blob for file in files[first : first + _AT_ONCE]])

    def all_runs(self) -> tuple[Run, ...]:
        """Every admitted run without its details, with its name as id, in the order in which they were started."""
        runs = [run._replace(id=file.id) for file, run in self.parsed(self.runs, details=False)]
        return tuple(sorted(runs, key=lambda run: (run.context.started_at, run.id)))


def at_commit(inside: str, repository: Repository, commit: str, name: str) -> Shelf:
    """The store in a folder of a commit, which is called `name`."""
    runs: list[File] = []
    events: list[File] = []
    for path, blob in repository.files_under(commit, inside):
        part, _, base = path.partition("/")
        if part in {"runs", "events"} and is_ours(base) and "/" not in base:
            file = File(base, f"{inside}/{path} at {name}", blob=blob)
            (runs if part == "runs" else events).append(file)
    return Shelf(runs, events, f"{inside} at {name}", repository)


def on_disk(folder: Path) -> Shelf:
    """The store in a folder."""
    return Shelf(_listed(folder / "runs"), _listed(folder / "events"), folder.name)


def _listed(folder: Path) -> list[File]:
    """The files of a folder in the order of their names."""
    try:
        names = sorted(path.name for path in folder.iterdir() if is_ours(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OperationFailed(f"the baseline cannot be read: {error.strerror}", where=shown(folder)) from error
    return [File(name, shown(folder / name), folder / name) for name in names]


def shown(path: Path) -> str:
    """A path for people: from the current folder where it is inside."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def is_ours(name: str) -> bool:
    """Every JSON file in the store counts; what begins with a dot is a write that never ended."""
    return name.endswith(".json") and not name.startswith(".")
