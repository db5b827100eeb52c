"""The history of one series of one kind: what counts of it, its segments, and where it stands now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from perfgate.core.baseline import Baseline, Cut, Kind, as_float, runs_ended
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Series
from perfgate.core.stats import change_points as segments
from perfgate.core.stats.change_points import ChangePoint
from perfgate.core.stats.estimators import mean_and_sd, median
from perfgate.core.stats.student import quantile
from perfgate.core.units import Number

#: The current level is the median of so many newest values of the current segment.
LEVEL_OF = 15


class Retired(NamedTuple):
    """A value that a cut ended: the position of its run, and the cut."""

    run: int
    value: Number
    cut: Cut


class Track(NamedTuple):
    """The history of one series of one kind. `runs` are the positions of the runs whose `values` count, oldest first.

    `starts` are the indexes of all segments after the first, `changes` what happened there. The baseline of the newest run's
    successor is `values[used:]`. `anchor` is the index of the value that drift is held against, None where nothing counts.
    """

    series: Series
    kind: Kind
    runs: tuple[int, ...]
    values: tuple[Number, ...]
    changes: tuple[ChangePoint, ...]
    used: int
    anchor: int | None
    retired: tuple[Retired, ...] = ()

    @property
    def edges(self) -> list[tuple[int, int]]:
        """The segments, from the first index to the one after the last."""
        return list(pairwise([0, *(change.start for change in self.changes), len(self.values)])) if self.values else []

    @property
    def current(self) -> list[float]:
        """The values that the next run would be compared with."""
        return [as_float(value) for value in self.values[self.used :]]

    @property
    def level(self) -> float:
        """Where the series stands now: the median of the newest 15 values of the current segment."""
        return float(median(self.current[-LEVEL_OF:]))

    def worse(self, before: float, after: float) -> float | None:
        """A change of level as a ratio, positive where it got worse; None where that has no meaning."""
        if before == 0 or self.kind.better is Direction.NONE:
            return None
        ratio = (after - before) / abs(before)
        return ratio if self.kind.better is Direction.LOWER else -ratio


def tracks_of(baseline: Baseline, series: Iterable[Series]) -> list[Track]:
    """The histories of these series, one a kind, the kind of the newest value first; `baseline` is collected whole."""
    ending = runs_ended(baseline.cuts, baseline.runs)
    made: list[Track] = []
    for each in series:
        history = baseline.histories[each]
        rows: dict[int, list[int]] = {}
        for row, kind in enumerate(history.kinds):
            rows.setdefault(kind, []).append(row)
        cuts = [(cut, ended) for cut, ended in ending if cut.selector.matches(each)]
        for kind in sorted(rows, key=lambda kind: -rows[kind][-1]):
            points = [(history.runs[row], history.values[row]) for row in rows[kind]]
            made.append(_track(baseline, each, baseline.kinds[kind], points, cuts))
    return made


def _track(
    baseline: Baseline,
    series: Series,
    kind: Kind,
    points: list[tuple[int, Number]],
    cuts: Sequence[tuple[Cut, Sequence[bool]]],
) -> Track:
    retired: list[Retired] = []
    kept = points
    if cuts:
        kept = []
        for run, value in points:
            by = next((cut for cut, ended in reversed(cuts) if ended[run]), None)
            if by is None:
                kept.append((run, value))
            else:
                retired.append(Retired(run, value, by))
    runs = tuple([run for run, _ in kept])
    values = tuple([value for _, value in kept])
    if kind.assumption is Assumption.EXACT:
        changes, used = _exact_changes(values), max(0, len(values) - 1)
    else:
        floats = [as_float(value) for value in values]
        changes = segments.change_points(floats)
        used = max(0, len(floats) - baseline.window)
        # The gate looks at the newest values only, and may see another start there than the whole history shows.
        used += segments.current_start(floats[used:]) if used else changes[-1].start if changes else 0
    return Track(series, kind, runs, values, changes, used, _anchor(baseline, series, runs), tuple(retired))


def _exact_changes(values: Sequence[Number]) -> tuple[ChangePoint, ...]:
    """Of an exact series every difference is a change, and its size is a fact."""
    found = []
    for start, (before, after) in enumerate(pairwise(values), 1):
        if before != after:
            one, other = as_float(before), as_float(after)
            ratio = other / one if one > 0 < other or one < 0 > other else None
            found.append(ChangePoint(start, start, start, one, other, ratio, ratio, ratio, math.inf))
    return tuple(found)


def _anchor(baseline: Baseline, series: Series, runs: Sequence[int]) -> int | None:
    """The value of the run that was chosen last for this series, else its oldest one that counts: as `compare` does."""
    chosen = next((each.run for each in reversed(baseline.anchors) if each.selector.matches(series)), "")
    places = {baseline.runs[run].id: index for index, run in enumerate(runs)} if chosen else {}
    return places.get(chosen, 0) if runs else None


def prediction_bounds(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    """The 99 % prediction interval of one more value: mean ± t(0.995, n − 1) · sd · √(1 + 1/n), on logarithms where asked for.

    There must be two values.
    """
    mean, sd = mean_and_sd([math.log(value) for value in values] if log else values)
    half = quantile(0.995, len(values) - 1) * sd * math.sqrt(1 + 1 / len(values))
    return (math.exp(mean - half), math.exp(mean + half)) if log else (mean - half, mean + half)
