"""Two sides measured on one host: A/A pairs and repetitions through the engine's case for both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from deciding import engine
from deciding.engine import Case, ruled_alone
from deciding.layout import History, Pairs
from deciding.points import lot
from deciding.replay import ENGINE, SIZES, slower
from deciding.score import Figure, rate

#: The fixed numbers of pairs, and the most that adaptive stopping may take.
FIXED = (5, 10)
MOST = 10
#: Windows taken of one series of repetitions, spread over its whole length.
WINDOWS = 4
#: How many times as many groups are judged as they are than with each injected change: false alarms are rare.
UNCHANGED = 10


class Sides(NamedTuple):
    """Two sides of the same program; `group` is what shares its surroundings: the session, or the series."""

    group: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    better: str = "lower"


#: What a rule says of (before, after, better): whether it calls the second side worse.
Rule = Callable[[Sequence[float], Sequence[float], str], bool]


def of_pairs(pairs: Iterable[Pairs], measure: str, n: int) -> list[Sides]:
    """Groups of n pairs, each read in both directions: A against B and B against A."""
    groups = []
    for each in pairs:
        cells = each.wall if measure == "wall" else each.cpu
        for start, end in pairwise(range(0, len(cells) + 1, n)):
            first, second = (tuple(cell[side] for cell in cells[start:end]) for side in (0, 1))
            if min(*first, *second) > 0:
                groups += [Sides(each.session, first, second), Sides(each.session, second, first)]
    return groups


def of_repetitions(histories: Iterable[History], n: int, *, alternating: bool) -> list[Sides]:
    """Windows of 2n consecutive repetitions: every other one on each side, or the first half against the second."""
    groups = []
    for history in histories:
        count = min(WINDOWS, len(history.values) // (2 * n))
        for window in range(count):
            start = window * len(history.values) // count
            values = history.values[start : start + 2 * n]
            if min(values) <= 0:
                continue
            first, second = (values[0::2], values[1::2]) if alternating else (values[:n], values[n:])
            groups.append(Sides(history.series, first, second, history.better))
    return groups


def thinned(groups: Sequence[Sides], size: float, most: int, *, contrast: bool) -> list[Sides]:
    """As many groups as are judged at this size, drawn by their names and positions."""
    count = most if size or contrast else most * UNCHANGED
    drawn = sorted(range(len(groups)), key=lambda index: lot(f"{index} {groups[index].group}"))
    return [groups[index] for index in sorted(drawn[:count])]


def engine_figures(
    data: str, information: str, all_groups: Sequence[Sides], most: int, *, contrast: bool
) -> Iterator[Figure]:
    """False alarms, detection, levels and inconclusive verdicts of the engine on these groups."""
    for size in SIZES:
        groups = thinned(all_groups, size, most, contrast=contrast)
        cases = [Case((), slower(each.after, each.better, size), each.better, each.before) for each in groups]
        rulings = list(zip(groups, ruled_alone(cases), strict=True))
        named = "detected" if size else "false alarm"
        for measure, outcomes in (
            (named, [(each.group, ruling.real) for each, ruling in rulings]),
            ("warned", [(each.group, ruling.warned) for each, ruling in rulings]),
            ("blocked", [(each.group, ruling.blocked) for each, ruling in rulings]),
            ("inconclusive", [(each.group, ruling.inconclusive) for each, ruling in rulings]),
        ):
            yield Figure(data, ENGINE, information, measure, size, rate(outcomes))


def rule_figures(
    data: str, name: str, rule: Rule, information: str, all_groups: Sequence[Sides], most: int, *, contrast: bool
) -> Iterator[Figure]:
    """False alarms and detection of any other rule on the same groups."""
    for size in SIZES:
        groups = thinned(all_groups, size, most, contrast=contrast)
        outcomes = [
            (each.group, rule(each.before, slower(each.after, each.better, size), each.better)) for each in groups
        ]
        yield Figure(data, name, information, "detected" if size else "false alarm", size, rate(outcomes))


def adaptive_figures(data: str, information: str, all_groups: Sequence[Sides], most: int) -> Iterator[Figure]:
    """The engine after as many pairs as adaptive stopping took, and how many those were: nothing where the engine has no such part."""
    stop = engine.pairs_taken(MOST)
    if stop is None:
        return
    for size in SIZES:
        groups = thinned(all_groups, size, most, contrast=False)
        shortened = []
        for each in groups:
            after = slower(each.after, each.better, size)
            taken = stop(each.before, after, each.better)
            shortened.append((each.group, Case((), after[:taken], each.better, each.before[:taken])))
        rulings = ruled_alone([case for _, case in shortened])
        outcomes = [(group, ruling) for (group, _), ruling in zip(shortened, rulings, strict=True)]
        named = "detected" if size else "false alarm"
        yield Figure(data, ENGINE, information, named, size, rate((group, each.real) for group, each in outcomes))
        yield Figure(
            data, ENGINE, information, "blocked", size, rate((group, each.blocked) for group, each in outcomes)
        )
        spent = [(group, index < len(case.values)) for group, case in shortened for index in range(MOST)]
        yield Figure(data, ENGINE, information, "share of the pairs taken", size, rate(spent))
