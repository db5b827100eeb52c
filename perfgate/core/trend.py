"""What histories tell over a long time: changes of level, drift against the anchor, limits that were or will be crossed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, as_float
from perfgate.core.budgets import Budget
from perfgate.core.forecast import Forecast, forecast_of, moment_of
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Series
from perfgate.core.stats.change_points import LEAST, ChangePoint, autocorrelation
from perfgate.core.stats.estimators import mean_and_sd, median
from perfgate.core.stats.student import upper_tail
from perfgate.core.tracks import LEVEL_OF, Track

#: A change of level smaller than this is not told.
SMALLEST_CHANGE = 0.03
#: The chance that any drift at all is told where there is none.
_FAMILY = 0.05


class Move(NamedTuple):
    """A change of level of a track. `worse` is its size, positive where it got worse, with its 95 % interval.

    It began in the runs `first` to `last` (positions in the baseline), most likely at `likely`; `before` is the run before that
    one. `is_new` says that it lies among the newest runs.
    """

    track: Track
    change: ChangePoint
    worse: float | None
    low: float | None
    high: float | None
    before: int
    likely: int
    first: int
    last: int
    is_new: bool


def moves_of(track: Track, runs: int, newest: int) -> list[Move]:
    """The changes of a track that matter; those that began in the newest of all `runs` are new."""
    found = []
    for change in track.changes:
        worse = track.worse(change.before, change.after)
        size = worse if worse is not None else (change.ratio or math.inf) - 1
        if abs(size) < SMALLEST_CHANGE:
            continue
        ends: tuple[float | None, float | None] = (None, None)
        if worse is not None and change.low is not None and change.high is not None:
            ratios = sorted(_turned(track, ratio - 1) for ratio in (change.low, change.high))
            ends = ratios[0], ratios[1]
        found.append(
            Move(
                track,
                change,
                worse,
                *ends,
                before=track.runs[change.start - 1],
                likely=track.runs[change.start],
                first=track.runs[change.earliest],
                last=track.runs[change.latest],
                is_new=track.runs[change.start] >= runs - newest,
            )
        )
    return found


def _turned(track: Track, ratio: float) -> float:
    return -ratio if track.kind.better is Direction.HIGHER else ratio


class Drift(NamedTuple):
    """The level of a track has left its anchor by more than its budget allows: `worse` > `allowed`.

    `anchor` is the median of the anchor's value and of up to four after it in its segment. `p` is the chance of such a distance without
    any drift, 0 where the series is exact.
    """

    track: Track
    anchor: float
    level: float
    worse: float
    allowed: float
    p: float


def drift_of(track: Track, allowed: float) -> Drift | None:
    """The drift of a track beyond `allowed` (a ratio); None where there is none. `p` says whether it may be noise."""
    if track.anchor is None or not can_drift(track):
        return None
    exact = track.kind.assumption is Assumption.EXACT
    end = next(end for start, end in track.edges if start <= track.anchor < end)
    near = [as_float(value) for value in track.values[track.anchor : min(end, track.anchor + (1 if exact else LEAST))]]
    anchor, level = float(median(near)), track.level
    worse = track.worse(anchor, level)
    if worse is None or worse <= allowed:
        return None
    return Drift(track, anchor, level, worse, allowed, 0.0 if exact else _chance(track.current[-LEVEL_OF:], near))


def can_drift(track: Track) -> bool:
    """Whether there is enough to hold the level of a track against its anchor."""
    if track.anchor is None or track.kind.better is Direction.NONE:
        return False
    since = len(track.values) - 1 - track.anchor
    return since > 0 and (track.kind.assumption is Assumption.EXACT or min(since, len(track.current)) >= LEAST)


def _chance(newest: Sequence[float], near: Sequence[float]) -> float:
    """The one-sided p of the distance between two medians, by Student's t with the spread and the autocorrelation of the newest values.

    Those of a whole segment would not do: a segment that drifts spreads by the drift itself.
    """
    log = min(*newest, *near) > 0
    one, other = ([math.log(value) for value in values] if log else list(values) for values in (newest, near))
    _, sd = mean_and_sd(one)
    middle = float(median(one))
    r = autocorrelation([value - middle for value in one], ())
    error = sd * math.sqrt(math.pi / 2 * (1 / len(one) + 1 / len(other)) * (1 + r) / (1 - r))
    return upper_tail(abs(middle - float(median(other))) / error, len(one) - 1) if error else 0.0


def beyond_noise(drifts: Sequence[Drift], tested: int) -> list[Drift]:
    """The drifts that noise does not explain: Holm's procedure at 5 % over all the series that were looked at."""
    kept = []
    for rank, drift in enumerate(sorted(drifts, key=lambda each: each.p)):
        if drift.p > _FAMILY / max(1, tested - rank):
            break
        kept.append(drift)
    return kept


# --- the whole -------------------------------------------------------------------------------------------------------


class Crossed(NamedTuple):
    """The level of a track is beyond its limit already."""

    track: Track
    limit: float
    level: float
    budget: Budget


class Ruling(NamedTuple):
    """The budgets that rule a series: the one with an absolute limit, and the one on the change against the baseline."""

    limit: Budget | None = None
    change: Budget | None = None


class Trend(NamedTuple):
    """What the histories of a baseline tell, each list worst first. `other` are changes of series without a better direction."""

    series: int
    worse: tuple[Move, ...]
    better: tuple[Move, ...]
    other: tuple[Move, ...]
    drifts: tuple[Drift, ...]
    crossed: tuple[Crossed, ...]
    forecasts: tuple[Forecast, ...]

    @property
    def is_alarming(self) -> bool:
        """Whether somebody has to look: drift, or a worsening among the newest runs that nobody has accepted."""
        return bool(self.drifts) or any(move.is_new for move in self.worse)


def trend_of(
    baseline: Baseline, tracks: Sequence[Track], ruling: Mapping[Series, Ruling], *, allowed: float, newest: int
) -> Trend:
    """Everything at once; `allowed` is the drift that the defaults allow where no budget says it."""
    runs = len(baseline.runs)
    moves: list[Move] = []
    drifts: list[Drift] = []
    crossed: list[Crossed] = []
    forecasts: list[Forecast] = []
    moments = [moment_of(run) for run in baseline.runs]
    seen: set[Series] = set()
    tested = 0
    for track in tracks:
        is_main = track.series not in seen
        seen.add(track.series)
        if not track.values or (not is_main and track.runs[-1] < runs - newest):
            continue
        moves += moves_of(track, runs, newest)
        rule = ruling.get(track.series, Ruling())
        tested += can_drift(track) and track.kind.assumption is Assumption.NOISY
        if (drift := drift_of(track, _allowed(rule.change, allowed))) is not None:
            drifts.append(drift)
        budget = rule.limit
        if budget is None or budget.limit is None or not budget.limit.fits(track.kind.unit):
            continue
        limit = float(budget.limit.value)
        if track.level < limit if track.kind.better is Direction.HIGHER else track.level > limit:
            crossed.append(Crossed(track, limit, track.level, budget))
        elif (forecast := forecast_of(track, limit, moments.__getitem__)) is not None:
            forecasts.append(forecast)
    return Trend(
        series=len(seen),
        worse=tuple(sorted((move for move in moves if (move.worse or 0) > 0), key=_worst_first)),
        better=tuple(sorted((move for move in moves if (move.worse or 0) < 0), key=_best_first)),
        other=tuple(move for move in moves if not move.worse),
        drifts=tuple(sorted(beyond_noise(drifts, tested), key=lambda each: (-each.worse, str(each.track.series)))),
        crossed=tuple(sorted(crossed, key=lambda each: str(each.track.series))),
        forecasts=tuple(sorted(forecasts, key=lambda each: (each.soonest, str(each.track.series)))),
    )


def _allowed(budget: Budget | None, default: float) -> float:
    relative = budget.relative if budget is not None else None
    if relative is None:
        return default
    return relative.block if relative.block is not None else relative.warn if relative.warn is not None else default


def _worst_first(move: Move) -> tuple[bool, float, str]:
    return not move.is_new, -(move.worse or 0), str(move.track.series)


def _best_first(move: Move) -> tuple[bool, float, str]:
    return not move.is_new, move.worse or 0, str(move.track.series)
