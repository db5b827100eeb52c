"""When a series will meet an absolute limit, if it goes on as it does, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from perfgate.core.baseline import BaselineRun, as_float
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.stats import slope as slopes
from perfgate.core.stats.estimators import median
from perfgate.core.tracks import Track

_DAY = 86_400.0
#: Nothing is foretold beyond a year, nor beyond three times the time that was observed.
_FAR, _BEYOND = 365.0, 3.0


class Forecast(NamedTuple):
    """A track on its way to a limit: met in `soonest` to `latest` days (None: after more than can be foretold).

    `slope` is in the series' unit a day, with its 95 % interval; `days` is the time that was observed.
    """

    track: Track
    limit: float
    level: float
    slope: slopes.Slope
    soonest: float
    latest: float | None
    days: float


def forecast_of(track: Track, limit: float, moment: Callable[[int], float]) -> Forecast | None:
    """When the limit will be crossed if the current segment goes on as it does; None where it is not shown to approach it.

    `moment` tells the time of a run in seconds. Exact series take their last 60 values, for them a step is a way to grow.
    """
    begin = track.used if track.kind.assumption is Assumption.NOISY else max(0, len(track.values) - slopes.MOST)
    values = [as_float(value) for value in track.values[begin:]]
    if len(values) < slopes.LEAST or track.kind.better is Direction.NONE:
        return None
    up = track.kind.better is Direction.LOWER
    if (values[-1] >= limit if up else values[-1] <= limit) or len(set(values)) < 3:
        return None
    values = values[-slopes.MOST :]
    times = [moment(run) / _DAY for run in track.runs[-len(values) :]]
    observed = times[-1] - times[0]
    horizon = min(_FAR, _BEYOND * observed)
    if _at_twice_its_pace(times, values, limit) > horizon:
        return None
    found = slopes.theil_sen(times, values)
    if found is None or not found.is_shown or (found.slope > 0) is not up:
        return None
    steep, flat = (found.high, found.low) if up else (found.low, found.high)
    soonest = _meets(times, values, steep, limit)
    if soonest > horizon:
        return None
    latest = _meets(times, values, flat, limit)
    level = slopes.level_at_end(times, values, found.slope)
    return Forecast(track, limit, level, found, soonest, latest if latest <= horizon else None, observed)


def _at_twice_its_pace(times: Sequence[float], values: Sequence[float], limit: float) -> float:
    """Days until the limit, at twice the pace from the first third of the values to the last; infinite where it goes away.

    Most series are as far from their limit as ever, and the slope of all pairs is dear.
    """
    third = len(values) // 3
    first, last = float(median(values[:third])), float(median(values[-third:]))
    days = float(median(times[-third:])) - float(median(times[:third]))
    missing = limit - last
    if days <= 0 or (last - first) * missing <= 0:
        return math.inf
    return missing / (2 * (last - first) / days)


def _meets(times: Sequence[float], values: Sequence[float], slope: float, limit: float) -> float:
    """Days until a line of this slope through the values is at the limit, 0 where it is there already."""
    return max(0.0, (limit - slopes.level_at_end(times, values, slope)) / slope)


def moment_of(run: BaselineRun) -> float:
    """When a run's commit was made, or, outside git, when it was started: seconds since 1970."""
    if run.order[0] > 1_000_000:
        return float(run.order[0])
    try:
        return datetime.fromisoformat(run.started_at).timestamp()
    except ValueError:
        return 0.0
