"""The smallest change that a series did show in one run: regressions of halved sizes, judged by the whole engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budget, Budgets, Level, Relative, Side
from perfgate.core.compare import Comparison, compare
from perfgate.core.decision import Circumstances
from perfgate.core.injection import rises, visible
from perfgate.core.model import Selector, Series
from perfgate.core.observation import Observation
from perfgate.core.policy import judge
from perfgate.core.rejudging import by_series, in_parts, moved

#: It is looked for between these multiples of what the engine says it can see, and that range is halved so often.
FROM, UP_TO, HALVINGS = 0.5, 1.5, 4
#: Where the engine promises very little, it is looked for up to this nevertheless.
LEAST = 0.06
#: A fall cannot be larger.
_LARGEST_FALL = 0.99


def smallest(
    comparisons: Sequence[tuple[Comparison, Relative]], observations: Sequence[Observation], before: Baseline
) -> Iterator[tuple[Series, float]]:
    """The smallest change of each noisy series, in the direction that its budget limits, that is shown to be real.

    Infinite where not even one and a half times what the engine promises (and 6 %) is shown.
    """
    for side in Side:
        chosen = [(each, way) for each, relative in comparisons if (way := _way(each, relative, side)) is not None]
        if chosen:
            ways = {each.series: upwards for each, upwards in chosen}
            here = [each for each, _ in chosen]
            watched = [seen for seen in observations if seen.series in ways]
            yield from _halved(here, watched, ways, _shown_by(here, before, side))


def _way(comparison: Comparison, relative: Relative, side: Side) -> bool | None:
    """Whether a series gets worse by rising, where it has noise and its budget is about this side; None elsewhere."""
    upwards = rises(comparison.better, relative)
    if relative.side is not side or upwards is None or not comparison.after:
        return None
    return upwards if visible(comparison, upwards=upwards) is not None else None


def _shown_by(
    comparisons: Sequence[Comparison], before: Baseline, side: Side
) -> Callable[[Sequence[Observation]], set[Series]]:
    """Which of the changed series a budget without any threshold would warn about: those shown to be real."""
    probe = Budgets(budgets=(Budget(Selector("*"), relative=Relative(side, 0.0, None, stated=True), min_effect=0.0),))

    def shown(changed: Sequence[Observation]) -> set[Series]:
        worse = {each.series: each for each in compare(changed, before)}
        found = in_parts(comparisons, worse, lambda mixed: by_series(judge(mixed, (), probe, Circumstances())))
        # A suspicious drop is told by another rule, and is not what is looked for.
        return {series for series, judged in found.items() if judged.change and judged.change.level >= Level.WARN}

    return shown


def _halved(
    comparisons: Sequence[Comparison],
    observations: Sequence[Observation],
    ways: Mapping[Series, bool],
    shown: Callable[[Sequence[Observation]], set[Series]],
) -> Iterator[tuple[Series, float]]:
    low = {each.series: _reach(each, FROM, upwards=ways[each.series]) for each in comparisons}
    high = {each.series: max(LEAST, _reach(each, UP_TO, upwards=ways[each.series])) for each in comparisons}
    ever: set[Series] = set()
    for _ in range(HALVINGS):
        middle = {series: (low[series] + high[series]) / 2 for series in low}
        found = shown([moved(seen, middle[seen.series], upwards=ways[seen.series]) for seen in observations])
        ever |= found
        for series, size in middle.items():
            (high if series in found else low)[series] = size
    yield from ((series, high[series] if series in ever else math.inf) for series in low)


def _reach(comparison: Comparison, factor: float, *, upwards: bool) -> float:
    figure = factor * (visible(comparison, upwards=upwards) or 0.0)
    return figure if upwards else min(figure, _LARGEST_FALL)
