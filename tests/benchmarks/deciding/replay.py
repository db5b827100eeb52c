"""Histories replayed through the engine: single values, and suspects judged again with two further values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from deciding.engine import Case, Comparison, Ruling, compared, ruled, ruled_alone
from deciding.points import WINDOW, Point
from deciding.score import Figure, Rate, rate

#: Injected changes, as ratios; 0 is the point as it is.
SIZES = (0.0, 0.05, 0.10, 0.25, 0.50)
#: The block level of the default budget, and the injected size that tells whether "inconclusive" was right.
BLOCK = 0.10
#: One series in this many is slower at a time: a change hardly ever slows all series of a run.
FOLDS = 5
#: Runs of fewer series are not counted as runs.
RUN = 10

SINGLE, FURTHER = "single value", "two further values"
#: A change that is said to be visible only from here on is not injected.
_LARGEST = 20.0
ENGINE = "perfgate"


class Replay(NamedTuple):
    """The rulings on the same points by injected size: with a single value, and with two further values for the suspects.

    `stated` holds, for each way, whether a change of exactly the size that the engine calls visible was called real.
    """

    points: Sequence[Point]
    single: dict[float, list[Ruling]]
    further: dict[float, list[Ruling]]
    stated: dict[str, list[tuple[Point, bool]]]


class _Round(NamedTuple):
    """One run as it is judged: the points of a build, those that are slower, the rulings, and the points to measure again."""

    family: Sequence[int]
    chosen: set[int]
    first: Sequence[Ruling]
    again: set[int]


def slower(values: Sequence[float], better: str, size: float) -> tuple[float, ...]:
    """The values with a change for the worse of this size: times larger by it, rates smaller by the same factor."""
    factor = 1 / (1 + size) if better == "higher" else 1 + size
    return tuple(value * factor for value in values)


def replay(points: Sequence[Point], *, earlier: int = WINDOW) -> Replay:
    """Judge every point at every size, in the company of the other points of its build, from at most `earlier` earlier values."""
    families = _families(points)
    plain = compared([_case(point, 0.0, 1, earlier) for point in points])
    plain_again: dict[int, Comparison] = {}
    single: dict[float, list[Ruling]] = {}
    further: dict[float, list[Ruling]] = {}
    for size in SIZES:
        slow = compared([_case(point, size, 1, earlier) for point in points]) if size else plain
        rounds = [_round(family, chosen, slow, plain) for family in families for chosen in _folds(family, size)]
        asked = {index for each in rounds if each.again & each.chosen for index in each.again}
        wanted = sorted(asked - plain_again.keys())
        plain_again |= _measured_again(points, wanted, 0.0, earlier)
        slower_ones = sorted({index for each in rounds for index in each.again & each.chosen})
        before, after = (
            _Measured(plain, plain_again),
            _Measured(slow, _measured_again(points, slower_ones, size, earlier)),
        )
        results = {index: pair for each in rounds for index, pair in _settled(each, before, after)}
        single[size] = [results[index][0] for index in range(len(points))]
        further[size] = [results[index][1] for index in range(len(points))]
    stated = {
        SINGLE: _at_stated_size(points, single[0.0], 1, earlier),
        FURTHER: _at_stated_size(points, further[0.0], 3, earlier),
    }
    return Replay(points, single, further, stated)


def _measured_again(points: Sequence[Point], which: Sequence[int], size: float, earlier: int) -> dict[int, Comparison]:
    """These points with their two further values, by position."""
    comparisons = compared([_case(points[index], size, 3, earlier) for index in which], which)
    return dict(zip(which, comparisons, strict=True))


class _Measured(NamedTuple):
    """The comparisons of all points with one value, and with three where they were measured again."""

    once: Sequence[Comparison]
    again: dict[int, Comparison]


def _round(family: Sequence[int], chosen: set[int], slow: Sequence[Comparison], plain: Sequence[Comparison]) -> _Round:
    first = ruled([slow[index] if index in chosen else plain[index] for index in family])
    again = {index for index, ruling in zip(family, first, strict=True) if ruling.real or ruling.suspect}
    return _Round(family, chosen, first, again)


def _settled(each: _Round, before: _Measured, after: _Measured) -> Iterator[tuple[int, tuple[Ruling, Ruling]]]:
    """The two rulings on each slower point of a run: before and after the suspects of the run were measured again."""
    second = each.first
    if each.again & each.chosen:
        mixed = []
        for index in each.family:
            measured = after if index in each.chosen else before
            mixed.append(measured.again[index] if index in each.again else measured.once[index])
        second = ruled(mixed)
    for index, one, two in zip(each.family, each.first, second, strict=True):
        if index in each.chosen:
            yield index, (one, two)


def _at_stated_size(
    points: Sequence[Point], plain: Sequence[Ruling], values: int, earlier: int
) -> list[tuple[Point, bool]]:
    """Whether a change just as large as the engine says it can show is called real, with one value or with three."""
    telling = [
        (point, ruling.visible)
        for point, ruling in zip(points, plain, strict=True)
        if ruling.visible is not None and 0 < ruling.visible < _LARGEST
    ]
    shares = [(point, _as_times(visible, point.history.better)) for point, visible in telling]
    first = ruled_alone([_case(point, size, 1, earlier) for point, size in shares])
    if values > 1:
        again = [index for index, ruling in enumerate(first) if ruling.real or ruling.suspect]
        settled = ruled_alone([_case(*shares[index], values, earlier) for index in again])
        for index, ruling in zip(again, settled, strict=True):
            first[index] = ruling
    return [(point, ruling.real) for (point, _), ruling in zip(shares, first, strict=True)]


def _as_times(visible: float, better: str) -> float:
    """A visible change as the size to inject: a rise as it is, a fall of a rate as the factor by which it is slower."""
    return 1 / (1 - min(visible, 0.99)) - 1 if better == "higher" else visible


def _case(point: Point, size: float, values: int, earlier: int) -> Case:
    better = point.history.better
    return Case(point.earlier[-earlier:], slower(point.values[:values], better, size), better)


def _families(points: Sequence[Point]) -> list[list[int]]:
    """Positions of the points that share a build: what one run would have judged together."""
    families: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        families.setdefault(point.build, []).append(index)
    return list(families.values())


def _folds(family: Sequence[int], size: float) -> Iterator[set[int]]:
    """Which points of a family are slower at the same time: all as they are at size 0, else every fifth in turn."""
    if not size:
        yield set(family)
        return
    for fold in range(min(FOLDS, len(family))):
        yield set(family[fold::FOLDS])


def figures(data: str, result: Replay, words: str = "") -> Iterator[Figure]:
    """Every figure of one data set's histories; `words` are added to what the rulings were made from."""
    for way, rulings in ((SINGLE, result.single), (FURTHER, result.further)):
        information = way + words
        alarms = [ruling.real for ruling in rulings[0.0]]
        yield from detections(
            data, ENGINE, information, result.points, alarms, {s: _real(rulings[s]) for s in SIZES[1:]}
        )
        for size in SIZES:
            for measure, told in _TOLD:
                yield Figure(data, ENGINE, information, measure, size, _by_series(result.points, rulings[size], told))
        yield from _inconclusive(data, information, result.points, rulings)
        stated = rate((point.history.series, real) for point, real in result.stated[way])
        yield Figure(data, ENGINE, information, "seen at the size called visible", 0.0, stated)
    for size in SIZES:
        asked = _by_series(result.points, result.single[size], lambda ruling: ruling.real or ruling.suspect)
        yield Figure(data, ENGINE, FURTHER + words, "measured again", size, asked)


_TOLD: tuple[tuple[str, Callable[[Ruling], bool]], ...] = (
    ("warned", lambda ruling: ruling.warned),
    ("blocked", lambda ruling: ruling.blocked),
)


def detections(
    data: str,
    rule: str,
    information: str,
    points: Sequence[Point],
    alarms: Sequence[bool],
    hits: dict[float, list[bool]],
) -> Iterator[Figure]:
    """False alarms per series point and per run, and detection at each size, of any rule."""
    yield Figure(data, rule, information, "false alarm", 0.0, _rate_of(points, alarms))
    yield Figure(data, rule, information, "false alarm per run", 0.0, _per_run(points, alarms))
    for size, found in hits.items():
        yield Figure(data, rule, information, "detected", size, _rate_of(points, found))


def _real(rulings: Sequence[Ruling]) -> list[bool]:
    return [ruling.real for ruling in rulings]


def _rate_of(points: Sequence[Point], outcomes: Sequence[bool]) -> Rate:
    return rate((point.history.series, outcome) for point, outcome in zip(points, outcomes, strict=True))


def _by_series(points: Sequence[Point], rulings: Sequence[Ruling], told: Callable[[Ruling], bool]) -> Rate:
    return _rate_of(points, [told(ruling) for ruling in rulings])


def _per_run(points: Sequence[Point], alarms: Sequence[bool]) -> Rate:
    """The share of runs of ten series or more with at least one false alarm; each run stands for itself."""
    runs: dict[str, list[bool]] = {}
    for point, alarm in zip(points, alarms, strict=True):
        runs.setdefault(point.build, []).append(alarm)
    return rate((build, any(outcomes)) for build, outcomes in runs.items() if len(outcomes) >= RUN)


def _inconclusive(
    data: str, information: str, points: Sequence[Point], rulings: dict[float, list[Ruling]]
) -> Iterator[Figure]:
    """How often the engine said that it could not tell, and whether that was so when the point was slower by the block level."""
    unchanged, slowed = rulings[0.0], rulings[BLOCK]
    yield Figure(
        data,
        ENGINE,
        information,
        "inconclusive",
        0.0,
        _by_series(points, unchanged, lambda ruling: ruling.inconclusive),
    )
    trios = list(zip(points, unchanged, slowed, strict=True))
    unseen = rate((point.history.series, not slow.real) for point, plain, slow in trios if plain.inconclusive)
    yield Figure(data, ENGINE, information, "inconclusive and then missed", BLOCK, unseen)
    seen = rate((point.history.series, slow.real) for point, plain, slow in trios if plain.level == "pass")
    yield Figure(data, ENGINE, information, "passed and then seen", BLOCK, seen)
    blind = rate(
        (point.history.series, slow.blocked)
        for point, plain, slow in trios
        if plain.visible is not None and plain.visible > BLOCK
    )
    yield Figure(data, ENGINE, information, "blocked where not visible", BLOCK, blind)
