"""Run × baseline → comparisons: what changed, by how much, and how sure that is. No budget is known here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import NamedTuple

from perfgate.core.baseline import AnchorChoice, Baseline, History, Kind, as_float, run_value
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, Run, Series, State
from perfgate.core.stats import prediction
from perfgate.core.stats.estimators import mean_and_sd, median
from perfgate.core.stats.student import quantile
from perfgate.core.units import Number, Unit, write_values

#: exp of more than this is larger than any float.
_LARGEST_EXPONENT = 700.0


class Finding(Enum):
    """What the test says of a difference."""

    UNCHANGED = "unchanged"
    SUSPECT = "suspect"
    REAL = "real"


class Exact(NamedTuple):
    """The metric is exact: any difference is a fact. `source` says where the earlier value was read."""

    source: str


class Tested(NamedTuple):
    """A difference that was held against the variation between runs.

    `change_low` and `change_high` are the 99 % interval of the relative change (0.1 = +10 %), None where the earlier value
    is zero. `at_most_warn` is set where the history is too short to block on.
    """

    method: str
    finding: Finding
    numbers: prediction.Prediction
    change_low: float | None
    change_high: float | None
    at_most_warn: bool = False


class Insufficient(NamedTuple):
    """Nothing can be said of the change: `missing` says what is not there, `remedy` how to get it."""

    code: str
    missing: str
    remedy: str = ""


Evidence = Exact | Tested | Insufficient


class Anchor(NamedTuple):
    """The fixed point against which slow drift is held; `worse` as in Comparison, `beyond` if it exceeds the noise too."""

    run: str
    value: Number
    worse: float | None
    beyond: bool


class Observation(NamedTuple):
    """What the candidate's runs show of one series: one value per run, in the order of the runs."""

    series: Series
    kind: Kind
    values: tuple[Number, ...]
    before: tuple[Number, ...] = ()
    raw_count: int = 0
    resolution: float = 0.0
    state: State = State.MEASURED
    reason: str = ""
    origin: str = ""


class Comparison(NamedTuple):
    """One series before and after.

    `relative` is the signed change as a fraction of `before` (infinite when something grew from zero, None when there is no
    earlier value); `worse` is the same, positive where the metric got worse, None where the metric has no better direction.
    `used` are the history values that the evidence rests on, `runs` their positions in the baseline. `interval` holds a
    95 % interval of the candidate's own value where it has three runs or more.
    """

    series: Series
    unit: Unit
    better: Direction
    assumption: Assumption
    after: Number | None
    before: Number | None
    relative: float | None
    worse: float | None
    evidence: Evidence
    values: tuple[Number, ...] = ()
    interval: tuple[float, float] | None = None
    state: State = State.MEASURED
    reason: str = ""
    origin: str = ""
    used: tuple[Number, ...] = ()
    runs: tuple[int, ...] = ()
    excluded: tuple[tuple[str, int], ...] = ()
    anchor: Anchor | None = None
    caveats: tuple[Caveat, ...] = ()


def observe(runs: Iterable[Run]) -> tuple[Observation, ...]:
    """Gather the candidate's runs by series; a series whose runs cannot stand side by side becomes unknown, with the reason."""
    gathered: dict[Series, list[Observation]] = {}
    for run in runs:
        for measurement in run.measurements:
            values = measurement.values
            gathered.setdefault(measurement.series, []).append(
                Observation(
                    series=measurement.series,
                    kind=Kind.of(measurement, run.context.machine),
                    values=(run_value(measurement.unit, values),) if values else (),
                    before=(run_value(measurement.unit, measurement.before),) if measurement.before else (),
                    raw_count=len(values),
                    resolution=measurement.resolution,
                    state=measurement.state,
                    reason=measurement.reason,
                    origin=measurement.origin,
                )
            )
    return tuple(parts[0] if len(parts) == 1 else _merged(parts) for parts in gathered.values())


def _merged(parts: list[Observation]) -> Observation:
    first = parts[0]
    unknown = next((part for part in parts if part.state is State.UNKNOWN), None)
    if unknown is not None:
        return unknown
    for part in parts[1:]:
        if part.kind != first.kind:
            difference = "; ".join(part.kind.differences(first.kind))
            reason = f"the runs given differ: {difference}. Gate them apart, or give them different labels"
            return Observation(first.series, first.kind, (), state=State.UNKNOWN, reason=reason, origin=part.origin)
    bound = next((part for part in parts if part.state is State.LOWER_BOUND), first)
    return Observation(
        series=first.series,
        kind=first.kind,
        values=tuple(value for part in parts for value in part.values),
        before=tuple(value for part in parts for value in part.before),
        raw_count=sum(part.raw_count for part in parts),
        resolution=max(part.resolution for part in parts),
        state=bound.state,
        reason=bound.reason,
        origin=first.origin,
    )


class _Past(NamedTuple):
    """The comparable part of one series' history: positions in it, oldest first, and what was left out and why."""

    baseline: Baseline
    history: History
    rows: Sequence[int]
    excluded: tuple[tuple[str, int], ...]

    def latest(self) -> tuple[Number, str]:
        """The newest comparable value, and where it is from; there must be one."""
        run = self.baseline.runs[self.history.runs[self.rows[-1]]]
        return self.history.values[self.rows[-1]], f"run {run.id} of commit {run.commit[:10]}"


def compare(observations: Iterable[Observation], baseline: Baseline) -> tuple[Comparison, ...]:
    """Compare every observed series with its history; pure, and independent of the order of the runs."""
    kinds = baseline.kind_index()
    return tuple(_compare_one(seen, _past(seen, baseline, kinds)) for seen in observations)


def _past(seen: Observation, baseline: Baseline, kinds: dict[Kind, int]) -> _Past:
    history = baseline.histories.get(seen.series)
    if history is None:
        return _Past(baseline, History(), (), ())
    wanted = kinds.get(seen.kind, -1)
    count = len(history.kinds)
    if history.kinds.count(wanted) == count:
        return _Past(baseline, history, range(max(0, count - baseline.window), count), ())
    rows = [index for index, kind in enumerate(history.kinds) if kind == wanted]
    reasons: dict[str, int] = {}
    for kind in history.kinds:
        if kind != wanted:
            reason = "; ".join(seen.kind.differences(baseline.kinds[kind]))
            reasons[reason] = reasons.get(reason, 0) + 1
    return _Past(baseline, history, rows[-baseline.window :], tuple(reasons.items()))


def _compare_one(seen: Observation, past: _Past) -> Comparison:
    if seen.state is State.UNKNOWN or not seen.values:
        return _result(seen, past, None, None, Insufficient("unknown", seen.reason or "the run has no value"))
    exact = seen.kind.assumption is Assumption.EXACT
    if exact and len(set(seen.values)) > 1:
        missing = f"declared exact, but its values differ between {len(seen.values)} runs of the same code"
        remedy = "declare the metric noisy, or make the measurement repeatable"
        return _result(seen, past, None, _worst(seen), Insufficient("varies", missing, remedy))
    after = median(seen.values)
    if seen.before:
        before = median(seen.before)
        return _result(seen, past, before, after, Exact("the same capture"), caveats=_strayed(before, seen, past))
    if not past.rows:
        return _result(seen, past, None, after, _why_no_rows(seen, past))
    if exact:
        value, source = past.latest()
        return _result(seen, past, value, after, Exact(source))
    return _against_history(seen, after, past)


def _why_no_rows(seen: Observation, past: _Past) -> Insufficient:
    if past.baseline.problem:
        remedy = "fetch the whole history (actions/checkout: fetch-depth: 0)"
        return Insufficient("history unknown", past.baseline.problem, remedy)
    if not past.history.kinds:
        remedy = "admit a run of the base branch: perfgate check --admit, on that branch"
        return Insufficient("no baseline", "no baseline yet", remedy)
    difference = "; ".join(seen.kind.differences(past.baseline.kinds[past.history.kinds[-1]]))
    remedy = "measure on the machine class of the baseline, or admit runs of this one"
    return Insufficient("not comparable", f"not comparable with the baseline: {difference}", remedy)


def _strayed(before: Number, seen: Observation, past: _Past) -> tuple[Caveat, ...]:
    """Said when a capture's own "before" is not what the baseline holds: that part of the change is not this one's doing."""
    if not past.rows or past.latest()[0] == before:
        return ()
    value, source = past.latest()
    was, now = write_values((value, before), seen.kind.unit)
    message = f"{seen.series}: the capture's own starting point is {now}, but {source} had {was}"
    return (
        Caveat(
            "before differs from baseline",
            message,
            "that difference is not this change's: look at prices, usage or drift",
        ),
    )


def _against_history(seen: Observation, after: Number, past: _Past) -> Comparison:
    values = [as_float(past.history.values[row]) for row in past.rows]
    numbers = prediction.predict(values, as_float(after), resolution=seen.resolution)
    before = math.exp(numbers.center) if numbers.log else numbers.center
    finding = Finding.UNCHANGED
    if abs(numbers.distance) > prediction.REAL_AT:
        finding = Finding.REAL
    elif abs(numbers.distance) > 1:
        finding = Finding.SUSPECT
    low, high = _change_interval(as_float(after), before, numbers)
    thin = numbers.n < prediction.FULL_HISTORY
    evidence = Tested("prediction interval", finding, numbers, low, high, at_most_warn=thin)
    return _result(seen, past, before, after, evidence)


def _change_interval(after: float, before: float, numbers: prediction.Prediction) -> tuple[float | None, float | None]:
    if before == 0:
        return None, None
    if numbers.log:
        distance = math.log(after) - numbers.center
        low, high = distance - numbers.half_width, distance + numbers.half_width
        return math.expm1(min(low, _LARGEST_EXPONENT)), math.expm1(min(high, _LARGEST_EXPONENT))
    change, width = (after - before) / abs(before), numbers.half_width / abs(before)
    return change - width, change + width


def _result(
    seen: Observation,
    past: _Past,
    before: Number | None,
    after: Number | None,
    evidence: Evidence,
    *,
    caveats: tuple[Caveat, ...] = (),
) -> Comparison:
    relative = _relative(before, after)
    rows = past.rows if isinstance(evidence, Tested) else past.rows[-1:]
    return Comparison(
        series=seen.series,
        unit=seen.kind.unit,
        better=seen.kind.better,
        assumption=seen.kind.assumption,
        after=after,
        before=before,
        relative=relative,
        worse=_worse(relative, seen.kind.better),
        evidence=evidence,
        values=seen.values,
        interval=_own_interval(seen),
        state=seen.state,
        reason=seen.reason,
        origin=seen.origin,
        used=tuple(past.history.values[row] for row in rows),
        runs=tuple(past.history.runs[row] for row in rows),
        excluded=past.excluded,
        anchor=_anchor(seen, past, after, evidence),
        caveats=caveats,
    )


def _relative(before: Number | None, after: Number | None) -> float | None:
    """The change as a fraction of the earlier value. From zero it is infinite: no percentage would be large enough."""
    if before is None or after is None:
        return None
    if before == 0:
        return 0.0 if after == 0 else math.copysign(math.inf, after)
    return (as_float(after) - as_float(before)) / abs(as_float(before))


def _worse(relative: float | None, better: Direction) -> float | None:
    if relative is None or better is Direction.NONE:
        return None
    return relative if better is Direction.LOWER else -relative


def _worst(seen: Observation) -> Number:
    return min(seen.values) if seen.kind.better is Direction.HIGHER else max(seen.values)


def _own_interval(seen: Observation) -> tuple[float, float] | None:
    """Student's 95 % interval of the mean of the candidate's own runs, where there are three or more."""
    n = len(seen.values)
    if n < 3 or seen.kind.assumption is Assumption.EXACT:
        return None
    mean, sd = mean_and_sd([as_float(value) for value in seen.values])
    half = quantile(0.975, n - 1) * sd / math.sqrt(n)
    return mean - half, mean + half


def _anchor(seen: Observation, past: _Past, after: Number | None, evidence: Evidence) -> Anchor | None:
    """The anchor chosen for this series, else its oldest comparable value; None where there is nothing to hold it against."""
    if after is None or not past.rows:
        return None
    row = _anchor_row(seen.series, past)
    value = past.history.values[row]
    worse = _worse(_relative(value, after), seen.kind.better)
    beyond = worse is not None and worse > 0
    if beyond and isinstance(evidence, Tested):
        numbers, x, y = evidence.numbers, as_float(after), as_float(value)
        distance = math.log(x / y) if numbers.log else x - y
        beyond = abs(distance) > numbers.half_width
    return Anchor(past.baseline.runs[past.history.runs[row]].id, value, worse, beyond)


def _anchor_row(series: Series, past: _Past) -> int:
    history, wanted = past.history, past.history.kinds[past.rows[-1]]
    chosen: AnchorChoice | None = None
    for choice in past.baseline.anchors:
        if choice.selector.matches(series):
            chosen = choice
    if chosen is not None:
        for row, (run, kind) in enumerate(zip(history.runs, history.kinds, strict=True)):
            if kind == wanted and past.baseline.runs[run].id == chosen.run:
                return row
    return history.kinds.index(wanted)
