"""The baseline as a folder: one immutable file for each admitted run and each event. Adding never rewrites, so a merge is a union."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Cut, Kind, Point, collect
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, MachineClass, Measurement, Run, Selector, Series, State
from perfgate.core.stats.estimators import median
from perfgate.core.units import Number, Unit
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.formats.files import read, write_new
from perfgate.store import events as event_files
from perfgate.store.events import Recorded
from perfgate.store.git import Repository
from perfgate.store.lineage import Lineage

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)-([0-9a-f]{12})-([A-Za-z0-9_.]{1,40})-(\d{1,6})-([0-9a-f]{8})\.json")


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
    """A file of the store: on disk, or (then `text` is its content) in a commit."""

    name: str
    where: str
    text: bytes | None = None

    def content(self) -> bytes:
        """The file's bytes."""
        return read(Path(self.where)) if self.text is None else self.text


# --- reading ----------------------------------------------------------------------------------------------------------


def load(
    folder: Path, *, repository: Repository | None, lineage: Lineage, at_tip: bool, window: int, keep: int
) -> Baseline:
    """The admitted runs whose commits are the base of the tested tree or its ancestors: the newest `keep` of them.

    With `at_tip` the store is read from the target branch's tip, else from the work tree. Raises InputError that names the file
    for a run or event that cannot be read: a baseline with holes is not a baseline.
    """
    files, recorded, source = _files(folder, repository, lineage, at_tip=at_tip)
    if lineage.problem:
        return Baseline(source=source, problem=lineage.problem)
    if not files:
        return Baseline(source=source, window=window)
    if repository is None:
        chosen = [(file, run, (0, run.context.started_at)) for file, run in _parsed(files)]
    else:
        chosen = _of_ancestors(files, repository, lineage.base)
    chosen.sort(key=lambda each: (each[2], each[0].name))
    cuts, anchors = _events(_read_events(recorded))
    entries = [_entry(file, run, order) for file, run, order in chosen[-keep:]]
    anchored = {anchor.run for anchor in anchors}
    entries += [
        _entry(file, run, order) for file, run, order in chosen[:-keep] if file.name.removesuffix(".json") in anchored
    ]
    return collect(
        entries, cuts=cuts, anchors=anchors, window=window, source=source, caveats=_left_out(len(files), len(chosen))
    )


def _left_out(all_files: int, chosen: int) -> tuple[Caveat, ...]:
    if chosen or not all_files:
        return ()
    message = f"none of the {all_files} admitted runs is of an ancestor of this change's base"
    return (Caveat("baseline elsewhere", message, "admit a run of the target branch, or update this branch"),)


def _files(
    folder: Path, repository: Repository | None, lineage: Lineage, *, at_tip: bool
) -> tuple[list[_File], list[_File], str]:
    """The run files, the event files, and where they were read."""
    if at_tip and repository is not None and lineage.tip:
        inside = folder.relative_to(repository.root).as_posix()
        found = repository.files_under(lineage.tip, inside)
        source = f"{inside} at {lineage.tip_name}"

        def at_commit(prefix: str) -> list[_File]:
            names = [
                (name.removeprefix(prefix), blob)
                for name, blob in found
                if name.startswith(prefix) and name.endswith(".json")
            ]
            texts = repository.read_blobs([blob for _, blob in names])
            shown = f"{inside}/{prefix}{{}} at {lineage.tip_name}"
            return [_File(name, shown.format(name), text) for (name, _), text in zip(names, texts, strict=True)]

        return at_commit("runs/"), at_commit("events/"), source
    return _on_disk(folder / "runs"), _on_disk(folder / "events"), folder.name


def _on_disk(folder: Path) -> list[_File]:
    """The files of a folder in the order of their names; what begins with a dot is a write that never ended."""
    try:
        names = sorted(path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OperationFailed(f"the baseline cannot be read: {error.strerror}", where=folder.as_posix()) from error
    return [_File(path.name, path.as_posix()) for path in names]


def _parsed(files: Iterable[_File]) -> Iterable[tuple[_File, Run]]:
    for file in files:
        yield file, run_format.load(file.content(), file.where)


def _of_ancestors(
    files: Sequence[_File], repository: Repository, base: str
) -> list[tuple[_File, Run, tuple[int, str]]]:
    """The runs of the base's ancestors. A name tells a shortened commit, which spares reading the runs of other branches; the
    full commit in the file decides."""
    if not base:
        return []
    shortened = {file.name: match[2] for file in files if (match := _NAME.fullmatch(file.name))}
    full = repository.expand(shortened.values())
    ancestors = repository.ancestors_among(base, full.values())
    possible = [file for file in files if file.name not in shortened or full.get(shortened[file.name]) in ancestors]
    runs = list(_parsed(possible))
    times = repository.ancestors_among(base, {run.context.tested for _, run in runs} - ancestors.keys()) | ancestors
    return [
        (file, run, (times[run.context.tested], run.context.started_at))
        for file, run in runs
        if run.context.tested in times
    ]


def _entry(file: _File, run: Run, order: tuple[int, str]) -> tuple[BaselineRun, list[Point]]:
    context = run.context
    excluded = frozenset(run.excluded)
    points = [
        (measurement.series, _middle(measurement.values), _kind(measurement, context.machine))
        for measurement in run.measurements
        if measurement.state is State.MEASURED and not (excluded and str(measurement.series) in excluded)
    ]
    return BaselineRun(file.name.removesuffix(".json"), context.tested, context.started_at, order), points


def _middle(values: tuple[Number, ...]) -> Number:
    return values[0] if len(values) == 1 else median(values)


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
    cuts = [Cut(each.selector, each.at, each.reason) for each in recorded if each.kind == "retire"]
    anchors = [AnchorChoice(each.selector, each.run, each.reason) for each in recorded if each.kind == "anchor"]
    return cuts, anchors


def _read_events(files: Iterable[_File]) -> tuple[Recorded, ...]:
    return tuple(
        sorted((event_files.load(file.content(), file.where) for file in files), key=lambda each: each.recorded_at)
    )


def list_runs(folder: Path) -> tuple[Run, ...]:
    """Every admitted run in the folder, with its name as id, oldest file first."""
    return tuple(run._replace(id=file.name.removesuffix(".json")) for file, run in _parsed(_on_disk(folder / "runs")))


def read_events(folder: Path) -> tuple[Recorded, ...]:
    """What was recorded about the baseline, oldest first."""
    return _read_events(_on_disk(folder / "events"))


# --- writing ----------------------------------------------------------------------------------------------------------


def admit(folder: Path, run: Run, *, reason: str = "") -> Stored:
    """Add a run; a run of the same commit, CI run, attempt and job is there once only. Raises InputError for a run without commit."""
    context = run.context
    if not context.tested or not context.started_at:
        raise InputError(
            "a run without commit and time cannot serve as baseline", remedy="measure in a git repository with a commit"
        )
    import hashlib

    data = run_format.dump(run._replace(id=""))
    for path in _same_place(folder, run):
        stored = run_format.load(read(path), path.as_posix()).context
        identity = (context.tested, context.ci_run, context.ci_attempt, context.ci_job)
        same = identity == (stored.tested, stored.ci_run, stored.ci_attempt, stored.ci_job)
        if same and (context.ci_run or stored.started_at == context.started_at):
            return Stored(path.stem, is_new=False, what="run")
    name = f"{_stem(run)}-{hashlib.sha256(data).hexdigest()[:8]}.json"
    is_new = write_new(folder / "runs" / name, data)
    if is_new and reason:
        event_files.record(folder, Recorded("admit", reason, _now(), run=name.removesuffix(".json")))
    return Stored(name.removesuffix(".json"), is_new=is_new, what="run")


def _same_place(folder: Path, run: Run) -> list[Path]:
    return sorted((folder / "runs").glob(f"{_stem(run)}-*.json"))


def _stem(run: Run) -> str:
    context = run.context
    ci_run = re.sub(r"[^A-Za-z0-9_.]", "_", context.ci_run)[:40] or "local"
    return f"{context.started_at[:10]}-{context.tested[:12]}-{ci_run}-{context.ci_attempt}"


def retire(folder: Path, selector: Selector, *, reason: str, until: str = "") -> Stored:
    """From now on, values of the selected series from runs that started up to `until` (UTC, default now) no longer count."""
    at = until or _now()
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", at):
        raise InputError(f'"{at}" is not a time in UTC', where="--until", remedy="write it as 2026-11-21T10:00:00Z")
    return _recorded(folder, Recorded("retire", reason, _now(), selector=selector, at=at))


def anchor(folder: Path, selector: Selector, run: str, *, reason: str) -> Stored:
    """Make an admitted run the fixed point of the selected series."""
    return _recorded(folder, Recorded("anchor", reason, _now(), selector=selector, run=run))


def prune(folder: Path, keep: int, *, reason: str) -> tuple[str, ...]:
    """Remove all but the newest `keep` runs (by start), never an anchored one; the names of those removed.

    What is to be removed is recorded first, so that a prune which is killed half-way can be repeated. Left-over parts of writes
    that never ended go too.
    """
    runs = sorted(list_runs(folder), key=lambda run: (run.context.started_at, run.id))
    anchored = {event.run for event in read_events(folder) if event.kind == "anchor"}
    removed = tuple(run.id for run in runs[: max(0, len(runs) - keep)] if run.id not in anchored)
    if removed:
        event_files.record(folder, Recorded("prune", reason, _now(), removed=removed))
    for name in removed:
        (folder / "runs" / f"{name}.json").unlink(missing_ok=True)
    for part in (*(folder / "runs").glob(".perfgate-*.tmp"), *(folder / "events").glob(".perfgate-*.tmp")):
        part.unlink(missing_ok=True)
    return removed


def _recorded(folder: Path, event: Recorded) -> Stored:
    return Stored(event_files.record(folder, event), is_new=True, what=event.kind)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
