"""Which admitted runs a candidate is compared with: those of the base of its tree and of the base's ancestors, and anchors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Cut, Kind, Point, collect, run_value
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, Context, MachineClass, Measurement, Run, Series, State
from perfgate.core.units import Unit
from perfgate.store.events import Recorded
from perfgate.store.git import Repository
from perfgate.store.lineage import SHALLOW, Lineage
from perfgate.store.shelf import NAME, File, Shelf


class _Admitted(NamedTuple):
    """What the baseline needs of an admitted run."""

    file: File
    context: Context
    points: list[Point]
    time: int = 0

    def order(self) -> tuple[int, str]:
        """Old to new: by commit, then by start."""
        return self.time, self.context.started_at

    def entry(self) -> tuple[BaselineRun, list[Point]]:
        """The run as `collect` takes it."""
        context = self.context
        job = (context.ci_run, context.ci_job)
        return BaselineRun(self.file.id, context.tested, context.started_at, self.order(), job), self.points


def choose(
    shelf: Shelf, *, repository: Repository | None, lineage: Lineage, window: int, keep: int, whole: bool = False
) -> Baseline:
    """The admitted runs whose commits are the base of the tested tree or its ancestors: the newest `keep` of them, and anchors.

    `whole` leaves in what was retired or came before an accepted level; the baseline's cuts tell. Outside a git repository every run
    counts, in the order in which they were started. Raises InputError that names the file
    for a run or event that cannot be read: a baseline with holes is not a baseline.
    """
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


def ended(shelf: Shelf, event: Recorded) -> tuple[int, int]:
    """How many values, and of how many runs, still count in this store and no longer do with one more event.

    All runs of the store are seen as one history, in the order in which they were started.
    """
    entries = [each.entry() for each in _read(shelf, shelf.runs)]
    recorded = [each for each in shelf.recorded() if each != event]
    before, after = (collect(entries, cuts=_events(each)[0]) for each in (recorded, [*recorded, event]))
    gone = _values(before) - _values(after)
    return gone.total(), len(gone)


def _values(baseline: Baseline) -> Counter[int]:
    """The number of values of each run that has any."""
    return Counter(run for history in baseline.histories.values() for run in history.runs)


def _elsewhere(runs: int) -> Caveat:
    told = "the one admitted run is" if runs == 1 else f"none of the {runs} admitted runs is"
    message = f"{told} {'not ' if runs == 1 else ''}of an ancestor of this change's base"
    return Caveat("baseline elsewhere", message, "admit a run of the target branch, or update this branch")


def _of_ancestors(
    shelf: Shelf, repository: Repository, base: str, keep: int, anchored: set[str]
) -> list[_Admitted] | None:
    """The runs of the base and its ancestors: at least the newest `keep`; None where a shallow clone cannot tell.

    A name tells a shortened commit, which spares reading the runs of other branches; the full commit in the file decides.
    """
    if not base:
        return []
    named = {file.name: match[2] for file in shelf.runs if (match := NAME.fullmatch(file.name))}
    full = repository.expand(named.values())
    if any(short not in full for short in named.values()) and _is_cut(repository, base):
        return None
    times = repository.ancestors_among(base, full.values())
    sure = [file for file in shelf.runs if full.get(named.get(file.name, "")) in times]
    unsure = [file for file in shelf.runs if file.name not in named or full.get(named[file.name]) == ""]
    found = _read(shelf, _newest(sure, lambda file: times[full[named[file.name]]], keep, anchored) + unsure)
    if more := {each.context.tested for each in found} - times.keys():
        if len(repository.expand(more)) < len(more) and _is_cut(repository, base):
            return None
        times |= repository.ancestors_among(base, more)
    return [each._replace(time=times[each.context.tested]) for each in found if each.context.tested in times]


def _is_cut(repository: Repository, base: str) -> bool:
    """Whether the history of the base is not all here. A clone counts as shallow for any branch that is, one of data for example."""
    return repository.is_shallow and bool(repository.ancestors_among(base, repository.boundary()))


def _read(shelf: Shelf, files: Sequence[File]) -> list[_Admitted]:
    return [_Admitted(file, run.context, _points(run)) for file, run in shelf.parsed(files, details=False)]


def _newest(files: list[File], age: Callable[[File], int], keep: int, anchored: set[str]) -> list[File]:
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
