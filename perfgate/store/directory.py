"""The baseline as a folder: one immutable file for each admitted run and each event. Adding never rewrites, so a merge is a union."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Cut, Kind, Point, collect, run_value
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, Context, MachineClass, Measurement, Run, Selector, Series, State
from perfgate.core.units import Unit
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.formats.checking import is_moment
from perfgate.formats.files import read, write_new
from perfgate.store import events as event_files
from perfgate.store.events import Recorded
from perfgate.store.git import Repository
from perfgate.store.lineage import SHALLOW, Lineage

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-([0-9a-f]{12})-([A-Za-z0-9_.]{1,40})-(\d{1,6})-([0-9a-f]{8})\.json")
#: Seconds after which a part of a write is nobody's any more.
_ABANDONED = 3600
#: Files read from git through one process.
_AT_ONCE = 100


class Stored(NamedTuple):
    """What became of something that was to be stored: its name, and whether it is new."""

    name: str
    is_new: bool
    what: str

    def told(self, folder: str) -> str:
        """One sentence for people."""
        if not self.is_new:
            return f"{folder} has this {self.what} already ({self.name}); nothing was changed"
        return f"{self.what} stored in {folder} ({self.name}); commit that folder to keep it"


class _File(NamedTuple):
    """A file of the store, on disk (`path`) or in a commit (`blob`); `where` names it in messages."""

    name: str
    where: str
    path: Path = Path()
    blob: str = ""

    @property
    def id(self) -> str:
        """The file's name as people and events use it."""
        return self.name.removesuffix(".json")


class _Shelf(NamedTuple):
    """The files of a store in one place; `source` names the place for people."""

    runs: list[_File]
    events: list[_File]
    source: str
    repository: Repository | None = None

    def parsed(self, files: Sequence[_File]) -> Iterator[tuple[_File, Run]]:
        """The runs in some of the files; InputError names one that is broken, or that is not what its name says."""
        for file, data in zip(files, self.contents(files), strict=True):
            run = run_format.load(data, file.where)
            named = _NAME.fullmatch(file.name)
            if named and not run.context.tested.startswith(named[2]):
                raise InputError(
                    f"the name says commit {named[2]}, the run is of {run.context.tested[:12] or 'no commit'}",
                    where=file.where,
                    remedy="restore the file from git history; admitted runs are never edited",
                )
            yield file, run

    def recorded(self) -> tuple[Recorded, ...]:
        """What was recorded about this baseline, oldest first."""
        loaded = [
            event_files.load(data, file.where)
            for file, data in zip(self.events, self.contents(self.events), strict=True)
        ]
        return tuple(sorted(loaded, key=lambda event: event.recorded_at))

    def contents(self, files: Sequence[_File]) -> Iterator[bytes]:
        """The bytes of some of the files, in their order, never more than a hundred at a time in memory."""
        if self.repository is None:
            yield from (read(file.path, file.where) for file in files)
            return
        for first in range(0, len(files), _AT_ONCE):
            yield from self.repository.read_blobs([file.blob for file in files[first : first + _AT_ONCE]])


class _Admitted(NamedTuple):
    """What the baseline needs of an admitted run."""

    file: _File
    context: Context
    points: list[Point]
    time: int = 0

    def order(self) -> tuple[int, str]:
        """Old to new: by commit, then by start."""
        return self.time, self.context.started_at

    def entry(self) -> tuple[BaselineRun, list[Point]]:
        """The run as `collect` takes it."""
        return BaselineRun(self.file.id, self.context.tested, self.context.started_at, self.order()), self.points


# --- reading ----------------------------------------------------------------------------------------------------------


def load(
    folder: Path,
    *,
    repository: Repository | None,
    lineage: Lineage,
    at_tip: bool,
    window: int,
    keep: int,
    whole: bool = False,
) -> Baseline:
    """The admitted runs whose commits are the base of the tested tree or its ancestors: the newest `keep` of them, and anchors.

    With `at_tip` the store is read from the target branch's tip, else from the work tree, with what is not committed there.
    `whole` leaves in what was retired or came before an accepted level; the baseline's cuts tell. Outside a git repository every run
    counts, in the order in which they were started. Raises InputError that names the file
    for a run or event that cannot be read: a baseline with holes is not a baseline.
    """
    if at_tip and repository is not None and lineage.tip:
        shelf = _at_commit(folder.relative_to(repository.root).as_posix(), repository, lineage)
    else:
        shelf = _on_disk(folder)
    if lineage.problem or not shelf.runs:
        return Baseline(source=shelf.source, window=window, problem=lineage.problem)
    cuts, anchors = _events(shelf.recorded())
    marked = {anchor.run for anchor in anchors} | {cut.run for cut in cuts if cut.run}
    if repository is None:
        chosen = _read(shelf, shelf.runs)
    else:
        found = _of_ancestors(shelf, repository, lineage.base, keep, marked)
        if found is None:
            return Baseline(source=shelf.source, window=window, problem=SHALLOW)
        chosen = found
    chosen.sort(key=lambda each: (each.order(), each.file.name))
    older = max(0, len(chosen) - keep)
    entries = [each.entry() for position, each in enumerate(chosen) if position >= older or each.file.id in marked]
    baseline = collect(entries, cuts=cuts, anchors=anchors, window=window, source=shelf.source, whole=whole)
    return baseline if entries else baseline._replace(caveats=(_elsewhere(len(shelf.runs)),))


def _elsewhere(runs: int) -> Caveat:
    told = "the one admitted run is" if runs == 1 else f"none of the {runs} admitted runs is"
    message = f"{told} {'not ' if runs == 1 else ''}of an ancestor of this change's base"
    return Caveat("baseline elsewhere", message, "admit a run of the target branch, or update this branch")


def _at_commit(inside: str, repository: Repository, lineage: Lineage) -> _Shelf:
    """The store as the target branch's tip has it."""
    runs: list[_File] = []
    events: list[_File] = []
    for path, blob in repository.files_under(lineage.tip, inside):
        part, _, name = path.partition("/")
        if part in {"runs", "events"} and _is_ours(name) and "/" not in name:
            file = _File(name, f"{inside}/{path} at {lineage.tip_name}", blob=blob)
            (runs if part == "runs" else events).append(file)
    return _Shelf(runs, events, f"{inside} at {lineage.tip_name}", repository)


def _on_disk(folder: Path) -> _Shelf:
    """The store in the work tree."""
    return _Shelf(_listed(folder / "runs"), _listed(folder / "events"), folder.name)


def _listed(folder: Path) -> list[_File]:
    """The files of a folder in the order of their names."""
    try:
        names = sorted(path.name for path in folder.iterdir() if _is_ours(path.name))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OperationFailed(f"the baseline cannot be read: {error.strerror}", where=_shown(folder)) from error
    return [_File(name, _shown(folder / name), folder / name) for name in names]


def _shown(path: Path) -> str:
    """A path for people: from the current folder where it is inside."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _is_ours(name: str) -> bool:
    """Every JSON file in the store counts; what begins with a dot is a write that never ended."""
    return name.endswith(".json") and not name.startswith(".")


def _of_ancestors(
    shelf: _Shelf, repository: Repository, base: str, keep: int, anchored: set[str]
) -> list[_Admitted] | None:
    """The runs of the base and its ancestors: at least the newest `keep`; None where a shallow clone cannot tell.

    A name tells a shortened commit, which spares reading the runs of other branches; the full commit in the file decides.
    """
    if not base:
        return []
    named = {file.name: match[2] for file in shelf.runs if (match := _NAME.fullmatch(file.name))}
    full = repository.expand(named.values())
    if repository.is_shallow and any(short not in full for short in named.values()):
        return None
    times = repository.ancestors_among(base, full.values())
    sure = [file for file in shelf.runs if full.get(named.get(file.name, "")) in times]
    unsure = [file for file in shelf.runs if file.name not in named or full.get(named[file.name]) == ""]
    found = _read(shelf, _newest(sure, lambda file: times[full[named[file.name]]], keep, anchored) + unsure)
    if more := {each.context.tested for each in found} - times.keys():
        if repository.is_shallow and len(repository.expand(more)) < len(more):
            return None
        times |= repository.ancestors_among(base, more)
    return [each._replace(time=times[each.context.tested]) for each in found if each.context.tested in times]


def _read(shelf: _Shelf, files: Sequence[_File]) -> list[_Admitted]:
    return [_Admitted(file, run.context, _points(run)) for file, run in shelf.parsed(files)]


def _newest(files: list[_File], age: Callable[[_File], int], keep: int, anchored: set[str]) -> list[_File]:
    """The newest files by the time of their commits, with all of the oldest such commit, and the anchored ones."""
    if len(files) <= keep:
        return files
    oldest = sorted(map(age, files), reverse=True)[max(0, keep - 1)]
    return [file for file in files if age(file) >= oldest or file.id in anchored]


def _points(run: Run) -> list[Point]:
    """The values that a run lends to the baseline: one for each series that was measured and is not excluded."""
    excluded = frozenset(run.excluded)
    return [
        (measurement.series, run_value(measurement.unit, measurement.values), _kind(measurement, run.context.machine))
        for measurement in run.measurements
        if measurement.state is State.MEASURED and not (excluded and str(measurement.series) in excluded)
    ]


def _kind(measurement: Measurement, machine: MachineClass) -> Kind:
    return _kind_of(
        measurement.series.metric,
        measurement.unit,
        measurement.better,
        measurement.assumption,
        measurement.conditions,
        machine,
    )


@lru_cache(maxsize=65_536)
def _kind_of(
    metric: str,
    unit: Unit,
    better: Direction,
    assumption: Assumption,
    conditions: tuple[tuple[str, str], ...],
    machine: MachineClass,
) -> Kind:
    """The kind of every measurement like this; a store has few kinds and many measurements."""
    return Kind.of(Measurement(Series(metric), unit, better, assumption, (), conditions=conditions), machine)


def _events(recorded: Sequence[Recorded]) -> tuple[list[Cut], list[AnchorChoice]]:
    ending = [each for each in recorded if each.kind in {"retire", "accept"}]
    cuts = [Cut(each.selector, each.at, each.reason, each.run, each.runs) for each in ending]
    anchors = [AnchorChoice(each.selector, each.run, each.reason) for each in recorded if each.kind == "anchor"]
    return cuts, anchors


def list_runs(folder: Path) -> tuple[Run, ...]:
    """Every admitted run in the folder, with its name as id, in the order in which they were started."""
    shelf = _on_disk(folder)
    runs = [run._replace(id=file.id) for file, run in shelf.parsed(shelf.runs)]
    return tuple(sorted(runs, key=lambda run: (run.context.started_at, run.id)))


def read_events(folder: Path) -> tuple[Recorded, ...]:
    """What was recorded about the baseline, oldest first."""
    return _on_disk(folder).recorded()


# --- writing ----------------------------------------------------------------------------------------------------------


def admit(folder: Path, run: Run, *, reason: str = "") -> Stored:
    """Add a run, unless it is there already. Raises InputError for a run without commit or time."""
    if not run.context.tested or not run.context.started_at:
        raise InputError(
            "a run without commit and time cannot serve as baseline", remedy="measure in a git repository with a commit"
        )
    import hashlib

    data = run_format.dump(run._replace(id=""))
    for path in _same_place(folder, run):
        if _is_same(run, run_format.load(read(path), _shown(path))):
            return Stored(path.stem, is_new=False, what="run")
    name = f"{_stem(run)}-{hashlib.sha256(data).hexdigest()[:8]}"
    is_new = write_new(folder / "runs" / f"{name}.json", data)
    if is_new and reason:
        event_files.record(folder, Recorded("admit", reason, _now(), run=name))
    return Stored(name, is_new=is_new, what="run")


def _is_same(run: Run, stored: Run) -> bool:
    """Whether both are one capture: same commit, CI run, attempt and job, same machine class, and a series in common.

    The parts that one job measured apart have no series in common, and the jobs of a matrix share their name but not their
    machine. Outside CI the start tells captures apart.
    """
    mine, theirs = run.context, stored.context
    if (mine.tested, mine.ci_run, mine.ci_attempt, mine.ci_job, mine.machine) != (
        theirs.tested, theirs.ci_run, theirs.ci_attempt, theirs.ci_job, theirs.machine,
    ):  # fmt: skip
        return False
    if not mine.ci_run and mine.started_at != theirs.started_at:
        return False
    series = {measurement.series for measurement in run.measurements}
    return not series or any(measurement.series in series for measurement in stored.measurements)


def _same_place(folder: Path, run: Run) -> list[Path]:
    return sorted((folder / "runs").glob(f"{_stem(run)}-*.json"))


def _stem(run: Run) -> str:
    context = run.context
    ci_run = re.sub(r"[^A-Za-z0-9_.]", "_", context.ci_run)[:40] or "local"
    return f"{context.started_at[:10]}-{context.tested[:12]}-{ci_run}-{context.ci_attempt}"


def retire(folder: Path, selector: Selector, *, reason: str, until: str = "") -> Stored:
    """From now on, values of the selected series from runs that started up to `until` (UTC) no longer count.

    Without `until` these are the runs so far: one that is admitted later in the same second is not among them.
    """
    now = _now()
    if until and not is_moment(until):
        raise InputError(f'"{until}" is not a time in UTC', where="--until", remedy="write it as 2026-11-21T10:00:00Z")
    runs = None if until else tuple(run.id for run in list_runs(folder) if run.context.started_at == now)
    return _recorded(folder, Recorded("retire", reason, now, selector=selector, at=until or now, runs=runs))


def accept(folder: Path, selector: Selector, run: str, *, reason: str) -> Stored:
    """With this admitted run a new level of the selected series begins: what ran before it no longer counts."""
    return _recorded(folder, Recorded("accept", reason, _now(), selector=selector, run=run))


def anchor(folder: Path, selector: Selector, run: str, *, reason: str) -> Stored:
    """Make an admitted run the fixed point of the selected series."""
    return _recorded(folder, Recorded("anchor", reason, _now(), selector=selector, run=run))


def prune(folder: Path, keep: int, *, reason: str) -> tuple[str, ...]:
    """Remove all but the newest `keep` runs (by start), never an anchored one or the first of an accepted level; their names.

    What is to be removed is recorded first, so that a prune which is killed half-way can be repeated. What writes that never
    ended have left goes too, an hour later: it might be another process's that is still writing.
    """
    runs = list_runs(folder)
    anchored = {event.run for event in read_events(folder) if event.kind in {"anchor", "accept"}}
    removed = tuple(run.id for run in runs[: max(0, len(runs) - keep)] if run.id not in anchored)
    if removed:
        event_files.record(folder, Recorded("prune", reason, _now(), removed=removed))
    try:
        for name in removed:
            (folder / "runs" / f"{name}.json").unlink(missing_ok=True)
        for part in (*(folder / "runs").glob(".perfgate-*.tmp"), *(folder / "events").glob(".perfgate-*.tmp")):
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < time.time() - _ABANDONED:
                    part.unlink()
    except OSError as error:
        raise OperationFailed(
            f"a run cannot be removed: {error.strerror}",
            where=_shown(folder),
            remedy="check the permissions of the folder",
        ) from error
    return removed


def _recorded(folder: Path, event: Recorded) -> Stored:
    return Stored(event_files.record(folder, event), is_new=True, what=event.kind)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
