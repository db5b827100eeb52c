"""Run × baseline → comparisons: what changed, by how much, and how sure that is. No budget is known here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from perfgate.core.baseline import AnchorChoice, Baseline, as_float
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Caveat, Series, State
from perfgate.core.observation import Observation
from perfgate.core.past import Past, pasts_of
from perfgate.core.stats import interleaved, prediction, score
from perfgate.core.stats.estimators import block_medians, mean_and_sd, median
from perfgate.core.stats.student import quantile
from perfgate.core.units import Number, Unit, write_values

#: The methods by which a difference is held against noise.
PAIRS, SCORE, PREDICTION = "interleaved pairs", "score against the recent extreme", "prediction interval"
#: So many independent values of the candidate confirm each other.
CONFIRMING = 3
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

    `change_low` and `change_high` are the interval at `level` of the relative change (0.1 = +10 %), None where the earlier
    value is zero. `at_most_warn` is set where the history is too short to block on. `settled` names the further measurements
    that made a suspicion a finding, "" where there were none.
    """

    method: str
    finding: Finding
    numbers: prediction.Prediction | score.Score | interleaved.Interleaved
    change_low: float | None
    change_high: float | None
    at_most_warn: bool = False
    level: float = 0.99
    settled: str = ""


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


class Comparison(NamedTuple):
    """One series before and after.

    `relative` is the signed change as a fraction of `before` (infinite when something grew from zero, None when there is no
    earlier value; of pairs the estimated shift, which is not quite after / before); `worse` is the same, positive where the metric got worse, None where the metric has no better direction.
    `used` are the history values that the evidence rests on, `runs` their positions in the baseline. `interval` holds a
    95 % interval of the candidate's own value where it has three runs or more. `alone` are values of this side only, which pairs
    have settled. `pooled` says that other cpu models behind the same runner label stand in for a thin machine class.
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
    alone: tuple[Number, ...] = ()
    pooled: bool = False


def compare(observations: Iterable[Observation], baseline: Baseline) -> tuple[Comparison, ...]:
    """Compare every observed series with its history; pure, and independent of the order of the runs."""
    known = tuple(observations)
    return tuple(_compare_one(seen, past) for seen, past in zip(known, pasts_of(known, baseline), strict=True))


def _compare_one(seen: Observation, past: Past) -> Comparison:
    if seen.state is State.UNKNOWN or not seen.values:
        return _result(seen, past, None, None, Insufficient("unknown", seen.reason or "the run has no value"))
    if seen.in_pairs:
        return _against_pairs(seen, past)
    exact = seen.kind.assumption is Assumption.EXACT
    if exact and len(set(seen.values)) > 1:
        missing = f"declared exact, but its values differ between {len(seen.values)} runs of the same code"
        remedy = "declare the metric noisy, or make the measurement repeatable"
        return _result(seen, past, None, _worst(seen), Insufficient("varies", missing, remedy))
    after = median(seen.independent())
    if seen.before:
        before = median(seen.before)
        return _result(seen, past, before, after, Exact("the same capture"), caveats=_strayed(before, seen, past))
    if not past.rows:
        return _result(seen, past, None, after, _why_no_rows(seen, past))
    if exact:
        value, source = past.latest()
        return _result(seen, past, value, after, Exact(source))
    return _against_history(seen, after, past)


def _why_no_rows(seen: Observation, past: Past) -> Insufficient:
    if past.baseline.problem:
        remedy = "fetch the whole history (actions/checkout: fetch-depth: 0)"
        return Insufficient("history unknown", past.baseline.problem, remedy)
    if not past.history.kinds:
        remedy = "admit a run of the base branch: perfgate check --admit, on that branch"
        return Insufficient("no baseline", "no baseline yet", remedy)
    difference = "; ".join(seen.kind.differences(past.baseline.kinds[past.history.kinds[-1]]))
    remedy = "measure on the machine class of the baseline, or admit runs of this one"
    return Insufficient("not comparable", f"not comparable with the baseline: {difference}", remedy)


def _strayed(before: Number, seen: Observation, past: Past) -> tuple[Caveat, ...]:
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


def _against_pairs(seen: Observation, past: Past) -> Comparison:
    """Both sides were measured in turns on one machine: nothing of the history is needed.

    Before and after are the sides' medians; the change is the shift between them, which is not their ratio.
    """
    if len(seen.before) < interleaved.LEAST:
        few = f"{len(seen.before)} pair{'' if len(seen.before) == 1 else 's'}, and fewer than {interleaved.LEAST} show nothing"
        remedy = "measure more pairs: perfgate ab --pairs 10, or more time for them"
        return _result(seen, past, median(seen.before), median(seen.values), Insufficient("too few pairs", few, remedy))
    # More pairs than a hundred are reduced to medians of successive ones: all their differences would take for ever.
    before, after = ([as_float(value) for value in block_medians(side)] for side in (seen.before, seen.values))
    numbers = interleaved.compare_pairs(before, after, resolution=seen.resolution)
    center = math.exp(numbers.center) if numbers.log else numbers.center
    finding = Finding.REAL if numbers.real else Finding.UNCHANGED
    relative = _ratio(center, numbers.center + numbers.shift, log=numbers.log)
    low, high = (_ratio(center, numbers.center + end, log=numbers.log) for end in (numbers.low, numbers.high))
    evidence = Tested(PAIRS, finding, numbers, low, high, level=numbers.level, settled=PAIRS if numbers.real else "")
    return _result(seen, past, center, median(seen.values), evidence, relative=relative)


def _against_history(seen: Observation, after: Number, past: Past) -> Comparison:
    occasions = len(seen.independent())
    x, values = as_float(after), past.values()
    numbers: prediction.Prediction | score.Score
    if past.classes:
        classes = [[as_float(past.history.values[row]) for row in rows] for rows in past.classes]
        numbers = prediction.predict_class(classes, x, resolution=seen.resolution)
    elif len(values) >= score.LONG:
        numbers = score.standing(values, x, candidates=occasions, resolution=seen.resolution, known=past.view)
    else:
        numbers = prediction.predict(values, x, candidates=occasions, resolution=seen.resolution)
    before = _back(numbers.center, log=numbers.log)
    finding = Finding.REAL if numbers.real else Finding.SUSPECT if numbers.suspect else Finding.UNCHANGED
    evidence = Tested(
        SCORE if isinstance(numbers, score.Score) else PREDICTION,
        finding,
        numbers,
        *_change_interval(x, before, numbers),
        at_most_warn=isinstance(numbers, prediction.Prediction) and numbers.n < prediction.FULL_HISTORY,
        settled="independent runs" if numbers.real and occasions >= CONFIRMING else "",
    )
    return _result(seen, past, before, after, evidence)


def _change_interval(
    after: float, before: float, numbers: prediction.Prediction | score.Score
) -> tuple[float | None, float | None]:
    """The 99 % interval of the change, as ratios."""
    x, half = math.log(after) if numbers.log else after, numbers.half_width
    return _ratio(before, x - half, log=numbers.log), _ratio(before, x + half, log=numbers.log)


def _ratio(before: float, end: float, *, log: bool) -> float | None:
    """The change from `before` to `end`, which is on the scale of the test; None from zero."""
    if before == 0:
        return None
    if log:
        return math.expm1(min(end - math.log(before), _LARGEST_EXPONENT))
    return (end - before) / abs(before)


def _back(value: float, *, log: bool) -> float:
    return math.exp(min(value, _LARGEST_EXPONENT)) if log else value


def _result(
    seen: Observation,
    past: Past,
    before: Number | None,
    after: Number | None,
    evidence: Evidence,
    *,
    relative: float | None = None,
    caveats: tuple[Caveat, ...] = (),
) -> Comparison:
    relative = _relative(before, after) if relative is None else relative
    paired = isinstance(evidence, Tested) and evidence.method == PAIRS
    shown = (
        past._replace(rows=())
        if paired
        else past
        if isinstance(evidence, Tested)
        else past._replace(rows=past.rows[-1:])
    )
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
        used=tuple(shown.of_rows(past.history.values)),
        runs=tuple(shown.of_rows(past.history.runs)),
        excluded=past.excluded,
        anchor=_anchor(seen, past, after, evidence),
        caveats=(*caveats, *_pooled_pairs(seen)),
        alone=seen.alone,
        pooled=bool(past.classes),
    )


def _pooled_pairs(seen: Observation) -> tuple[Caveat, ...]:
    """Said where several measurements in turns are judged together: none of them was chosen for its outcome."""
    if seen.captures < 2:
        return ()
    message = (
        f"{seen.series}: {len(seen.before)} pairs of {seen.captures} measurements of this state are judged together"
    )
    return (Caveat("pairs together", message),)


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


def _anchor(seen: Observation, past: Past, after: Number | None, evidence: Evidence) -> Anchor | None:
    """The anchor chosen for this series, else its oldest comparable value; None where there is nothing to hold it against."""
    if after is None or not past.rows:
        return None
    row = _anchor_row(seen.series, past)
    value = past.history.values[row]
    worse = _worse(_relative(value, after), seen.kind.better)
    beyond = worse is not None and worse > 0
    if beyond and isinstance(evidence, Tested):
        numbers, x, y = evidence.numbers, as_float(after), as_float(value)
        # Pairs may be on logarithms although the history holds a zero, which is infinitely far away there.
        distance = (math.log(x) - math.log(y) if y > 0 else math.inf) if numbers.log else x - y
        beyond = abs(distance) > numbers.half_width
    return Anchor(past.baseline.runs[past.history.runs[row]].id, value, worse, beyond)


def _anchor_row(series: Series, past: Past) -> int:
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
