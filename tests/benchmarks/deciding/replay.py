"""Histories replayed through the engine: single values, and suspects judged again with two further values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from deciding.engine import Case, Ruling, compared, ruled
from deciding.points import Point
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
ENGINE = "perfgate"


class Replay(NamedTuple):
    """The rulings on the same points by injected size: with a single value, and with two further values for the suspects."""

    points: Sequence[Point]
    single: dict[float, list[Ruling]]
    further: dict[float, list[Ruling]]


def slower(values: Sequence[float], better: str, size: float) -> tuple[float, ...]:
    """The values with a change for the worse of this size: times larger by it, rates smaller by the same factor."""
    factor = 1 / (1 + size) if better == "higher" else 1 + size
    return tuple(value * factor for value in values)


def replay(points: Sequence[Point]) -> Replay:
    """Judge every point at every size, in the company of the other points of its build."""
    families = _families(points)
    plain = compared([_case(point, 0.0, 1) for point in points])
    settled = compared([_case(point, 0.0, 3) for point in points])
    single: dict[float, list[Ruling]] = {}
    further: dict[float, list[Ruling]] = {}
    for size in SIZES:
        injected = compared([_case(point, size, 1) for point in points]) if size else plain
        injected_further = compared([_case(point, size, 3) for point in points]) if size else settled
        results: dict[int, tuple[Ruling, Ruling]] = {}
        for family in families:
            for chosen in _folds(family, size):
                first = ruled([injected[index] if index in chosen else plain[index] for index in family])
                again = {index for index, ruling in zip(family, first, strict=True) if ruling.real or ruling.suspect}
                second = first
                if again & chosen:
                    both = {True: (injected, injected_further), False: (plain, settled)}
                    second = ruled([both[index in chosen][index in again][index] for index in family])
                for index, one, two in zip(family, first, second, strict=True):
                    if index in chosen:
                        results[index] = (one, two)
        single[size] = [results[index][0] for index in range(len(points))]
        further[size] = [results[index][1] for index in range(len(points))]
    return Replay(points, single, further)


def _case(point: Point, size: float, values: int) -> Case:
    better = point.history.better
    return Case(point.earlier, slower(point.values[:values], better, size), better)


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


def figures(data: str, result: Replay) -> Iterator[Figure]:
    """Every figure of one data set's histories."""
    for information, rulings in ((SINGLE, result.single), (FURTHER, result.further)):
        alarms = [ruling.real for ruling in rulings[0.0]]
        yield from detections(
            data, ENGINE, information, result.points, alarms, {s: _real(rulings[s]) for s in SIZES[1:]}
        )
        for size in SIZES:
            for measure, told in _TOLD:
                yield Figure(data, ENGINE, information, measure, size, _by_series(result.points, rulings[size], told))
        yield from _inconclusive(data, information, result.points, rulings)
    for size in SIZES:
        asked = _by_series(result.points, result.single[size], lambda ruling: ruling.real or ruling.suspect)
        yield Figure(data, ENGINE, FURTHER, "measured again", size, asked)


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
