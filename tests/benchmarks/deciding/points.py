"""Which points of a history are judged: deterministic, blind to the judged value itself, and apart for tuning and holding out."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from deciding.layout import History

#: Fewer earlier values than this are not the ordinary case of a history.
SHORTEST = 30
#: Earlier values handed to the engine: its own window.
WINDOW = 100
#: Values on each side of a point that must agree for it to be called quiet, and the fewest of them.
AROUND, FEWEST = 15, 5
#: What the two sides may differ by: the budget's smallest effect, or what two medians of that noise differ by at two sigma.
LEVEL_SHIFT, SIGMAS = 0.03, 2.0
#: The standard error of a median is this many times that of a mean.
_MEDIAN_ERROR = 1.2533
#: The median absolute deviation of a normal distribution is one sigma divided by this.
_MAD_TO_SIGMA = 1.4826
#: Below this many points with repeats a series is judged with its next builds instead.
_ENOUGH = 10

#: A history of so many values has an ordinary point: the two further values and the fewest after them come on top.
LONG = SHORTEST + 3 + FEWEST

REPEATS, NEXT = "repeats of the build", "next builds"


class Point(NamedTuple):
    """One judged value: where it is in its history, and how the two further values are related to it."""

    history: History
    at: int
    further: str

    @property
    def earlier(self) -> tuple[float, ...]:
        """The values before, oldest first."""
        return self.history.values[max(0, self.at - WINDOW) : self.at]

    @property
    def values(self) -> tuple[float, float, float]:
        """The judged value and the two further ones."""
        first, second, third = self.history.values[self.at : self.at + 3]
        return first, second, third

    @property
    def build(self) -> str:
        """The build that is judged."""
        return self.history.builds[self.at]


class Chosen(NamedTuple):
    """The points to judge, and of how many that could be (by series) the level moved around them: those are left out."""

    points: tuple[Point, ...]
    moving: tuple[tuple[str, bool], ...]


def half_of(name: str) -> str:
    """ "tune" or "hold": decided by the name alone, so that tuning can never have seen the other half."""
    return "hold" if lot(name)[0] & 1 else "tune"


def in_half(name: str, half: str) -> bool:
    """Whether a series belongs to the half that was asked for; "all" asks for both."""
    return half in ("all", half_of(name))


def choose(histories: Iterable[History], most: int, *, least: int = SHORTEST) -> Chosen:
    """At most `most` quiet points of each series with `least` values before them, the same builds in every series that has them."""
    points: list[Point] = []
    moving: list[tuple[str, bool]] = []
    for history in histories:
        candidates = [point for point in _candidates(history, least) if min(*point.earlier, *point.values) > 0]
        quiet = [point for point in candidates if is_quiet(history.values, point.at)]
        still = {point.at for point in quiet}
        moving += [(history.series, point.at not in still) for point in candidates]
        quiet.sort(key=lambda point: lot(point.build))
        points += sorted(quiet[:most], key=lambda point: point.at)
    return Chosen(tuple(points), tuple(moving))


def one_in(count: int, points: Iterable[Point]) -> list[Point]:
    """The points of one build in so many, whole runs at a time."""
    return [point for point in points if lot(point.build)[0] % count == 0]


def lot(name: str) -> bytes:
    """A number drawn by a name, the same in every series and every process."""
    return hashlib.sha256(name.encode()).digest()


def is_repetition(history: History) -> bool:
    """Whether a series is many repetitions of very few builds: then one side is held against another, not against history."""
    counts = Counter(history.builds)
    return len(counts) < FEWEST and max(counts.values(), default=0) >= 10


def _candidates(history: History, least: int) -> list[Point]:
    """Points with two further values: of the same build with an earlier repeat (true A/A), of the same build, or of the next ones."""
    builds = history.builds
    after_repeat: list[Point] = []
    first: list[Point] = []
    for at in range(least, len(builds) - 2):
        if builds[at] != builds[at + 2]:
            continue
        begins = builds[at - 1] != builds[at]
        if begins:
            first.append(Point(history, at, REPEATS))
        elif builds[at - 2] != builds[at]:
            after_repeat.append(Point(history, at, REPEATS))
    if len(after_repeat) >= _ENOUGH:
        return after_repeat
    if len(first) >= _ENOUGH:
        return first
    following = [Point(history, at, NEXT) for at in range(least, len(builds) - 2)]
    return [point for point in following if builds[point.at - 1] != builds[point.at]]


def is_quiet(values: Sequence[float], at: int) -> bool:
    """Whether the values before the point and those after its two further ones show one level; the point itself is not looked at.

    A rule that looked at the judged values would leave out the very outliers that cause false alarms.
    """
    before, after = values[max(0, at - AROUND) : at], values[at + 3 : at + 3 + AROUND]
    if min(len(before), len(after)) < FEWEST or min(*before, *after) <= 0:
        return False
    left, right = [math.log(value) for value in before], [math.log(value) for value in after]
    middle_left, middle_right = _median(left), _median(right)
    residuals = [abs(value - middle_left) for value in left] + [abs(value - middle_right) for value in right]
    sigma = _MAD_TO_SIGMA * _median(residuals)
    error = _MEDIAN_ERROR * sigma * math.sqrt(1 / len(left) + 1 / len(right))
    return abs(middle_right - middle_left) <= max(LEVEL_SHIFT, SIGMAS * error)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle, odd = divmod(len(ordered), 2)
    return ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2
