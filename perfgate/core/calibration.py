"""What a replay of the past says about a gate: how often it cries wolf, what it can see, and what to do where it cannot."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from perfgate.core.baseline import Baseline, as_float
from perfgate.core.budgets import NO_BUDGET, Budget, Judge, Level, Relative
from perfgate.core.compare import Comparison, Exact, Insufficient, Tested
from perfgate.core.injection import asked_of, rises, visible
from perfgate.core.model import Series
from perfgate.core.replay import FamilyTrial, Past, Replay, Trial, replay
from perfgate.core.stats import change_points
from perfgate.core.stats.proportion import interval

#: A gate that alarms on more than one unchanged run in twenty is no longer believed.
TOLERATED = 0.05
#: A budget on which nine of ten runs reach no verdict judges nothing.
BLIND_FROM = 0.9
#: The engine's promise: the smallest visible change is seen with this probability.
POWER = 0.9
#: An alarm this many runs around the start of a new level belongs to that change.
_NEAR = 2
#: Fewer probed runs do not tell a ninety per cent point.
_FEWEST_PROBES = 10

Segmenter = Callable[[Sequence[float]], Sequence[int]]


class Standing(Enum):
    """How a series' budget stands, worst first."""

    BLIND = "cannot be judged"
    ALARMS = "false alarms"
    DIM = "often not judged"
    SHORT = "too few runs"
    SOUND = "fine"


class Share(NamedTuple):
    """A count of a whole, with its 95 % interval (Clopper and Pearson). Successive runs share a history: it is a guide, not a proof."""

    hits: int
    of: int

    @property
    def ratio(self) -> float | None:
        """The share itself; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of the chance behind it."""
        return interval(self.hits, self.of)


_NOTHING = Share(0, 0)


class Record(NamedTuple):
    """What the replay showed of one series, `runs` of whose values the baseline holds.

    `alarms` are warnings and blocks on admitted runs that belong to no known change, of the runs whose change was tested;
    `at_changes` are those that do belong to one, `changes` facts about an exact metric, `over` runs beyond an absolute limit.
    `inconclusive` counts the verdicts on the change that reached no conclusion; `problem` and `remedy` say why the newest run
    could not be compared. `promised` is the smallest change that the engine says it would show now with probability 0.9, `shown`
    the one that it did show in nine of ten probed runs (infinite where not within one and a half times the promise). `seen` and `blocked` count
    the injected regressions of the (median) size `size`. `largest` is the largest change among the false alarms. `starts` are the
    runs at which new levels begin; `drift` is the change since the anchor beyond budget and noise.
    `together` is the number of scenarios that this record is about, 0 where it is about one series.
    """

    series: Series
    budget: Budget
    standing: Standing
    runs: int
    budgeted: bool
    replayed: int = 0
    alarms: Share = _NOTHING
    at_changes: int = 0
    changes: int = 0
    suspects: int = 0
    inconclusive: Share = _NOTHING
    over: int = 0
    promised: float | None = None
    shown: float | None = None
    upwards: bool = True
    size: float | None = None
    seen: Share = _NOTHING
    blocked: Share = _NOTHING
    largest: float | None = None
    starts: tuple[str, ...] = ()
    drift: float | None = None
    problem: str = ""
    remedy: str = ""
    together: int = 0


class Calibration(NamedTuple):
    """The whole: what was judged again, the record of each series, and how many runs had any false alarm.

    `alarmed` counts runs with an alarm as the budgets are enforced, `would` as if all of them were enforced. `eligible` is how
    many runs could have been judged again; `first` and `last` name the ends of those that were.
    """

    source: str
    runs: int
    eligible: int
    replayed: int
    first: str
    last: str
    records: tuple[Record, ...]
    alarmed: Share
    would: Share
    elsewhere: tuple[tuple[Budget, str], ...]
    unmatched: tuple[Budget, ...]

    @property
    def alarms_too_often(self) -> bool:
        """Whether even the lower end of the interval of the share of runs with a false alarm is beyond the tolerated one."""
        return bool(self.alarmed.of) and self.alarmed.ends[0] > TOLERATED

    @property
    def blind(self) -> tuple[Record, ...]:
        """The series whose budget reached next to no verdict."""
        return tuple(each for each in self.records if each.budgeted and each.standing is Standing.BLIND)

    @property
    def level(self) -> Level:
        """Warn where the gate cries wolf or a budget cannot be judged; inconclusive where there was too little to judge again."""
        if not self.replayed or not any(each.replayed for each in self.records):
            return Level.INCONCLUSIVE
        return Level.WARN if self.alarms_too_often or self.blind else Level.PASS


def calibrate(
    past: Past,
    *,
    last: int = 0,
    segment: Segmenter = change_points.segment,
    told: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """Judge the past again and count; `segment` gives the starts of new levels in a series of values."""
    found = replay(past, last=last, told=told)
    by_series: dict[Series, list[Trial]] = {}
    for trial in found.trials:
        by_series.setdefault(trial.series, []).append(trial)
    records: list[Record] = []
    false: set[int] = set()
    would: set[int] = set()
    for series, trials in by_series.items():
        starts = _starts(past.baseline, series, segment)
        explained = _explained(trials, starts)
        for trial in trials:
            if _is_alarm(trial) and trial.run not in explained and trial.budgeted:
                would.add(trial.run)
                if trial.enforced >= Level.WARN:
                    false.add(trial.run)
        records.append(_record(past.baseline, trials, found, starts, explained))
    by_family: dict[tuple[Series, Budget], list[FamilyTrial]] = {}
    for each in found.families:
        by_family.setdefault((each.family.series, each.budget), []).append(each)
        if each.level >= Level.WARN:
            would.add(each.run)
            if each.enforced >= Level.WARN:
                false.add(each.run)
    records += [_family_record(each) for each in by_family.values()]
    records += _short(past, by_series)
    records.sort(key=lambda each: (not each.budgeted, list(Standing).index(each.standing), str(each.series)))
    judged = {trial.run for trial in found.trials if trial.budgeted} | {each.run for each in found.families}
    runs = past.baseline.runs
    return Calibration(
        source=past.baseline.source,
        runs=len(runs),
        eligible=found.eligible,
        replayed=len(found.runs),
        first=runs[found.runs[0]].id if found.runs else "",
        last=runs[found.runs[-1]].id if found.runs else "",
        records=tuple(records),
        alarmed=Share(len(false), len(judged)),
        would=Share(len(would), len(judged)),
        elsewhere=found.elsewhere,
        unmatched=tuple(
            each for each in found.unmatched if not any(each.selector.matches(known.series) for known in records)
        ),
    )


def _is_alarm(trial: Trial) -> bool:
    """Whether an unchanged program was accused: of exact values every change is a fact, and no accusation is false."""
    return trial.level >= Level.WARN and isinstance(trial.comparison.evidence, Tested)


def _starts(baseline: Baseline, series: Series, segment: Segmenter) -> tuple[int, ...]:
    """The runs at which a new level of the series begins, as positions in the baseline."""
    history = baseline.histories.get(series)
    if history is None or not history.kinds:
        return ()
    rows = [row for row, kind in enumerate(history.kinds) if kind == history.kinds[-1]]
    starts = segment([as_float(history.values[row]) for row in rows])
    return tuple(history.runs[rows[start]] for start in starts if 0 < start < len(rows))


def _explained(trials: Sequence[Trial], starts: Sequence[int]) -> set[int]:
    """The runs whose alarm belongs to a change: near the start of a new level, or going on without a pause since then."""
    runs = [trial.run for trial in trials]
    near = {bisect_left(runs, start) + step for start in starts for step in range(-_NEAR, _NEAR + 1)}
    found: set[int] = set()
    going_on = False
    for position, trial in enumerate(trials):
        going_on = _is_alarm(trial) and (position in near or going_on)
        if going_on:
            found.add(trial.run)
    return found


def _record(
    baseline: Baseline, trials: Sequence[Trial], found: Replay, starts: Sequence[int], explained: set[int]
) -> Record:
    newest = trials[-1]
    comparison, relative = newest.comparison, newest.budget.relative or Relative()
    tested = [trial for trial in trials if isinstance(trial.comparison.evidence, Tested)]
    judged = [trial for trial in trials if trial.judged]
    unclear = Share(sum(trial.unclear for trial in judged), len(judged))
    false = [trial for trial in tested if _is_alarm(trial) and trial.run not in explained]
    alarms = Share(len(false), len(tested))
    injected = [trial for trial in trials if trial.seen is not None]
    upwards = rises(comparison.better, relative)
    missing = comparison.evidence if isinstance(comparison.evidence, Insufficient) else None
    return Record(
        series=newest.series,
        budget=newest.budget,
        standing=_standing(alarms, unclear, unclear_now=newest.unclear, together=newest.budget.judge is Judge.FAMILY),
        runs=len(baseline.histories[newest.series].values),
        budgeted=newest.budgeted,
        replayed=len(trials),
        alarms=alarms,
        at_changes=len(explained),
        changes=sum(trial.level >= Level.WARN and isinstance(trial.comparison.evidence, Exact) for trial in trials),
        suspects=sum(trial.suspect for trial in trials),
        inconclusive=unclear,
        over=sum(trial.over for trial in trials),
        promised=None if upwards is None else visible(comparison, upwards=upwards),
        shown=_ninety_percent_point(found.shown.get(newest.series, ())),
        upwards=upwards is not False,
        size=_middle(trial.size for trial in injected),
        seen=Share(sum(trial.seen is True for trial in injected), len(injected)),
        blocked=Share(sum(trial.blocked is True for trial in injected), len(injected)),
        largest=_largest(false, upwards=upwards is not False),
        starts=tuple(baseline.runs[at].id for at in starts),
        drift=_drift(comparison, relative),
        problem=missing.missing if missing else "",
        remedy=missing.remedy if missing else "",
    )


def _standing(alarms: Share, unclear: Share, *, unclear_now: bool, together: bool = False) -> Standing:
    """How it stands; of a scenario that is judged `together` with others nobody expects a verdict of its own."""
    if unclear.of and unclear.hits >= BLIND_FROM * unclear.of and not together:
        return Standing.BLIND
    if alarms.of and alarms.ends[0] > TOLERATED:
        return Standing.ALARMS
    return Standing.DIM if (unclear_now or 2 * unclear.hits > unclear.of) and not together else Standing.SOUND


def _family_record(trials: Sequence[FamilyTrial]) -> Record:
    """The record of scenarios that are judged together; what they show is the engine's own figure only."""
    newest = trials[-1]
    family, relative = newest.family, newest.budget.relative or Relative()
    tested = [trial for trial in trials if trial.family.numbers is not None]
    unclear = Share(sum(trial.level is Level.INCONCLUSIVE for trial in trials), len(trials))
    alarms = Share(sum(trial.level >= Level.WARN for trial in tested), len(tested))
    injected = [trial for trial in trials if trial.seen is not None]
    upwards = rises(family.better, relative) is not False
    made = family.numbers
    return Record(
        series=family.series,
        budget=newest.budget,
        standing=_standing(alarms, unclear, unclear_now=newest.level is Level.INCONCLUSIVE),
        runs=max((member.runs for member in family.members), default=0),
        budgeted=True,
        replayed=len(trials),
        alarms=alarms,
        suspects=sum(trial.suspect for trial in trials),
        inconclusive=unclear,
        promised=None if made is None else math.expm1(made.visible) if upwards else -math.expm1(-made.visible),
        upwards=upwards,
        size=_middle(trial.size for trial in injected),
        seen=Share(sum(trial.seen is True for trial in injected), len(injected)),
        blocked=Share(sum(trial.blocked is True for trial in injected), len(injected)),
        together=len(family.members),
    )


def _short(past: Past, replayed: Iterable[Series]) -> list[Record]:
    """The series of the newest runs that have too little history to be judged again."""
    known = set(replayed)
    records = []
    for series in past.baseline.recent():
        if series not in known and past.wants(series):
            budget = past.ruling(series)
            runs = len(past.baseline.histories[series].values)
            records.append(Record(series, budget, Standing.SHORT, runs, budget.place != NO_BUDGET))
    return records


def _ninety_percent_point(sizes: Sequence[float]) -> float | None:
    """The size that at least nine of ten probed runs showed; None where too few were probed."""
    if len(sizes) < _FEWEST_PROBES:
        return None
    return sorted(sizes)[math.ceil(POWER * len(sizes)) - 1]


def _middle(sizes: Iterable[float | None]) -> float | None:
    ordered = sorted(size for size in sizes if size is not None)
    return ordered[len(ordered) // 2] if ordered else None


def _largest(alarms: Iterable[Trial], *, upwards: bool) -> float | None:
    """The largest change in the limited direction; None where the alarms were about suspicious drops only."""
    changes = [(each.comparison.relative or 0.0) * (1 if upwards else -1) for each in alarms]
    largest = max(changes, default=0.0)
    return largest if largest > 0 else None


def _drift(comparison: Comparison, relative: Relative) -> float | None:
    """How far the newest run is from the anchor, where that is beyond the budget and the noise."""
    anchor, asked = comparison.anchor, asked_of(relative)
    if anchor is None or anchor.worse is None or asked is None or isinstance(comparison.evidence, Insufficient):
        return None
    return anchor.worse if anchor.beyond and anchor.worse > asked else None
