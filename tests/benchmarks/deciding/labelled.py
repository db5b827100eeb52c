"""Change-point detection: labelled series, and what it says of a point with its two further values at the end of a history.

Labelled: which regressions are found and where, and which other series alarm. One value for each build, the median of its repeats: what a history shows of one commit.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import NamedTuple, Protocol

from deciding.layout import DataSet, History
from deciding.points import Point, one_in
from deciding.replay import ENGINE, FURTHER, SIZES, detections, slower
from deciding.score import Figure, mean, rate

IMPROVEMENT = "improvement"
#: A regression counts as found where a change for the worse is reported within this many builds of the label.
NEAR = 5
#: Builds on each side that tell which way a change went.
_AROUND = 15

#: Detection is slow: only the points of one build in so many, and a change is that of the point within so many values.
THINNED, BESIDE = 8, 2
OTAVA = "Otava 0.8 defaults"

#: Where something begins to be worse: positions in the values of builds.
Detector = Callable[[Sequence[float], str], list[int]]


class _Step(Protocol):
    """What Otava tells of a change point."""

    def forward_rel_change(self) -> float: ...


class _Point(Protocol):
    """A change point of Otava."""

    index: int
    stats: _Step


class Method(NamedTuple):
    """One way to find changes, by name."""

    name: str
    detect: Detector


def methods() -> tuple[list[Method], list[str]]:
    """The ways that can be run here, and a sentence for each that cannot."""
    found: list[Method] = []
    absent: list[str] = []
    try:
        segment = importlib.import_module("perfgate.core.stats.change_points").segment
        found.append(Method(ENGINE, lambda values, better: _worse(values, better, segment(values))))
    except ModuleNotFoundError:
        absent.append("perfgate has no change points yet: labelled series are not replayed through it")
    try:
        otava = importlib.import_module("otava.analysis").compute_change_points
        found.append(Method(OTAVA, lambda values, better: _otava(otava, values, better)))
    except ModuleNotFoundError:
        absent.append(
            "Otava is not installed here: pip install apache-otava into a scratch environment, and put it on PYTHONPATH, to run it beside"
        )
    return found, absent


def _worse(values: Sequence[float], better: str, starts: Sequence[int]) -> list[int]:
    """Those starts of segments after which the values are worse than before."""
    edges = [0, *starts, len(values)]
    worse = []
    for left, start, end in zip(edges, edges[1:], edges[2:], strict=False):
        before = median(values[max(left, start - _AROUND) : start])
        after = median(values[start : min(end, start + _AROUND)])
        if (after < before) if better == "higher" else (after > before):
            worse.append(start)
    return worse


def _otava(
    compute: Callable[[list[float]], tuple[list[_Point], object]], values: Sequence[float], better: str
) -> list[int]:
    """Change points of Otava at its defaults whose mean change is for the worse."""
    sign = -1.0 if better == "higher" else 1.0
    points, _ = compute(list(values))
    return [int(point.index) for point in points if sign * point.stats.forward_rel_change() > 0]


def figures(data: DataSet, histories: Sequence[History], *, peers: bool = True) -> Iterator[Figure]:
    """For each method: regressions found, other series alarmed, and how many builds beside the label the found ones lie."""
    labels = {label.series: label for label in data.labels}
    labelled = [history for history in histories if history.series in labels]
    if not labelled:
        return
    for method in (each for each in methods()[0] if peers or each.name == ENGINE):
        found: list[tuple[str, bool]] = []
        alarmed: list[tuple[str, bool]] = []
        misses: list[int] = []
        for history in labelled:
            label = labels[history.series]
            names, values = of_builds(history)
            starts = method.detect(values, history.better)
            if label.kind == IMPROVEMENT:
                continue
            if not label.change_build:
                alarmed.append((history.series, bool(starts)))
                continue
            away = min((abs(start - names.index(label.change_build)) for start in starts), default=None)
            hit = away is not None and away <= NEAR
            found.append((history.series, hit))
            misses += [away] if away is not None and hit else []
        yield Figure(data.name, method.name, "labelled series", "regressions found", 0.0, rate(found))
        yield Figure(data.name, method.name, "labelled series", "others alarmed", 0.0, rate(alarmed))
        yield Figure(data.name, method.name, "labelled series", "mean builds beside the label", 0.0, mean(misses))


def newest(data: str, points: Sequence[Point]) -> Iterator[Figure]:
    """What Otava says where the judged value and its two further ones end the history; it waits for such values by design."""
    method = next((method for method in methods()[0] if method.name == OTAVA), None)
    some = one_in(THINNED, points)
    if method is None or not some:
        return
    alarms: dict[float, list[bool]] = {}
    for size in SIZES:
        alarms[size] = []
        for point in some:
            better, earlier = point.history.better, point.earlier
            starts = method.detect([*earlier, *slower(point.values, better, size)], better)
            alarms[size].append(any(start >= len(earlier) - BESIDE for start in starts))
    yield from detections(data, OTAVA, FURTHER, some, alarms[0.0], {size: alarms[size] for size in SIZES[1:]})


def of_builds(history: History) -> tuple[list[str], list[float]]:
    """The builds in order and the median of each one's repeats."""
    repeats: dict[str, list[float]] = {}
    for build, value in zip(history.builds, history.values, strict=True):
        repeats.setdefault(build, []).append(value)
    return list(repeats), [median(values) for values in repeats.values()]
