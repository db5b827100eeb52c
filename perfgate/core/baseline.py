"""The baseline: admitted runs, seen as one history per series."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from perfgate.core.metrics import MACHINE, Assumption, Direction, depends_on
from perfgate.core.model import ANY_MACHINE, Caveat, Exactly, MachineClass, Measurement, Selector, Series
from perfgate.core.stats.estimators import mean, median
from perfgate.core.units import Number, Unit


class Kind(NamedTuple):
    """What must be equal for two values of a series to be comparable; equal kinds are comparable values.

    `machine` and `conditions` hold only what the metric depends on.
    """

    unit: Unit
    better: Direction
    assumption: Assumption
    machine: MachineClass = ANY_MACHINE
    conditions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, measurement: Measurement, machine: MachineClass) -> Kind:
        """The kind of a measurement taken on `machine`."""
        keys = depends_on(measurement.series.metric, measurement.assumption)
        return cls(
            measurement.unit,
            measurement.better,
            measurement.assumption,
            machine if MACHINE in keys else ANY_MACHINE,
            tuple(pair for pair in measurement.conditions if pair[0] in keys),
        )

    def differences(self, other: Kind) -> tuple[str, ...]:
        """What keeps a value of this kind from being compared with `other`, in words."""
        words = [
            f"{name} {mine}, was {theirs}"
            for name, mine, theirs in (
                ("unit", self.unit, other.unit),
                ("better direction", self.better.value, other.better.value),
                ("assumption", self.assumption.value, other.assumption.value),
            )
            if mine != theirs
        ]
        words += self.machine.differences(other.machine)
        mine_by_name, theirs_by_name = dict(self.conditions), dict(other.conditions)
        for name in sorted(mine_by_name.keys() | theirs_by_name.keys()):
            mine, theirs = mine_by_name.get(name, "unknown"), theirs_by_name.get(name, "unknown")
            if mine != theirs:
                words.append(f"{name} {mine}, was {theirs}")
        return tuple(words)


class BaselineRun(NamedTuple):
    """One admitted run without its values. `order` sorts runs from old to new: (commit time, start time).

    `job` names the job of the CI run that measured it, "" outside CI: the attempts of one job share it, and count once.
    """

    id: str
    commit: str
    started_at: str
    order: tuple[int, str] = (0, "")
    job: tuple[str, str] = ("", "")


@dataclass(slots=True)
class History:
    """The values of one series in admitted runs, oldest first: medians of runs, with the run and the kind of each."""

    values: list[Number] = field(default_factory=list)
    runs: array[int] = field(default_factory=lambda: array("l"))
    kinds: array[int] = field(default_factory=lambda: array("l"))


class Cut(NamedTuple):
    """Old values of the selected series no longer serve as baseline, for `reason`.

    Those of runs that started up to `at`; or, where `run` names the first run of an accepted level, those of runs before it.
    Of the runs that started in just the second `at`, only `runs` are meant where those are given: the others came after.
    """

    selector: Selector | Exactly
    at: str
    reason: str
    run: str = ""
    runs: tuple[str, ...] | None = None

    def ends(self, run: BaselineRun) -> bool:
        """Whether the run is so old by the time of its start."""
        if self.runs is not None and run.started_at == self.at:
            return run.id in self.runs
        return run.started_at <= self.at


class AnchorChoice(NamedTuple):
    """The run against which slow drift of the selected series is held."""

    selector: Selector | Exactly
    run: str
    reason: str


class Baseline(NamedTuple):
    """The admitted runs that a candidate may be compared with.

    `source` says where they were read. `problem` says why history could not be determined (a shallow clone, say): then no
    series is called new, and nothing is judged against it. `cuts` are those that were made, or, in a baseline collected whole, that
    a reader has to make.
    """

    runs: tuple[BaselineRun, ...] = ()
    kinds: tuple[Kind, ...] = ()
    histories: Mapping[Series, History] = MappingProxyType({})
    anchors: tuple[AnchorChoice, ...] = ()
    window: int = 100
    source: str = ""
    problem: str = ""
    caveats: tuple[Caveat, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def recent(self, runs: int = 10) -> tuple[Series, ...]:
        """The series that the newest `runs` runs have: those that a new run is expected to have too."""
        first = len(self.runs) - runs
        return tuple(series for series, history in self.histories.items() if history.runs and history.runs[-1] >= first)

    def kind_index(self) -> dict[Kind, int]:
        """The position of each kind in `kinds`."""
        return {kind: index for index, kind in enumerate(self.kinds)}


#: One value that an admitted run lends to the baseline.
Point = tuple[Series, Number, Kind]


def collect(
    entries: Iterable[tuple[BaselineRun, Iterable[Point]]],
    *,
    cuts: Sequence[Cut] = (),
    anchors: Sequence[AnchorChoice] = (),
    window: int = 100,
    source: str = "",
    caveats: Sequence[Caveat] = (),
    whole: bool = False,
) -> Baseline:
    """Build a baseline from admitted runs in any order; values that a cut ended are left out, unless the `whole` is wanted.

    The attempts of one job of one CI run at one commit count as one run, with the median of their values: whoever repeats a job until
    it looks better, or three times for luck, does not thereby give that commit three votes.
    """
    ordered = sorted(entries, key=lambda entry: (entry[0].order, entry[0].id))
    ending = [] if whole else runs_ended(cuts, [run for run, _ in ordered])
    histories: dict[Series, History] = {}
    kinds: dict[Kind, int] = {}
    last: Kind | None = None
    index = 0
    attempts: dict[tuple[Series, Kind, str, tuple[str, str]], tuple[int, list[Number]]] = {}
    named = {anchor.run for anchor in anchors} | {cut.run for cut in cuts}
    repeated = _repeated(run for run, _ in ordered if run.id not in named)
    for position, (run, points) in enumerate(ordered):
        selectors = [cut.selector for cut, ended in ending if ended[position]]
        for series, value, kind in points:
            if selectors and any(selector.matches(series) for selector in selectors):
                continue
            history = histories.get(series)
            if history is None:
                history = histories[series] = History()
            if run.id in repeated:
                place, values = attempts.setdefault((series, kind, run.commit, run.job), (len(history.values), []))
                values.append(value)
                if len(values) > 1:
                    history.values[place] = median(values)
                    if place == len(history.runs) - 1:
                        history.runs[place] = position
                    continue
            history.values.append(value)
            history.runs.append(position)
            # Most points are of the kind before them, and hashing a kind is dear.
            if kind is not last:
                last, index = kind, kinds.setdefault(kind, len(kinds))
            history.kinds.append(index)
    return Baseline(
        runs=tuple(run for run, _ in ordered),
        kinds=tuple(kinds),
        histories=histories,
        anchors=tuple(anchors),
        window=window,
        source=source,
        caveats=tuple(caveats),
        cuts=tuple(cuts),
    )


def _repeated(runs: Iterable[BaselineRun]) -> frozenset[str]:
    """The ids of the runs that are attempts of one job at one commit."""
    found: dict[tuple[str, tuple[str, str]], list[str]] = {}
    for run in runs:
        if run.job[0]:
            found.setdefault((run.commit, run.job), []).append(run.id)
    return frozenset(name for names in found.values() if len(names) > 1 for name in names)


def runs_ended(cuts: Iterable[Cut], runs: Sequence[BaselineRun]) -> list[tuple[Cut, Sequence[bool]]]:
    """For each cut whether it ends the values of each of the runs, which are in their order.

    A level that was accepted with a run which is not among them, because the base is older than it, ends nothing.
    """
    places = {run.id: position for position, run in enumerate(runs)}
    return [
        (
            cut,
            [position < places.get(cut.run, 0) for position in range(len(runs))]
            if cut.run
            else [cut.ends(run) for run in runs],
        )
        for cut in cuts
    ]


def run_value(unit: Unit, values: Sequence[Number]) -> Number:
    """The one value that stands for a run: the median of its values, or their mean where they are counted per task.

    What tasks cost together is the sum, and rare expensive tasks are a part of it; the mean also varies less between runs of
    agents than the median does (docs/decisions/0007-families.md).
    """
    if len(values) == 1:
        return values[0]
    return mean(values) if unit.per == "task" else median(values)


def as_float(value: Number) -> float:
    """A value for statistics; money is Decimal only for sums and limits."""
    return float(value) if isinstance(value, Decimal) else value
