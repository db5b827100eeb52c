"""Which budgets could be tightened: what the current segments would keep, with room for what they vary by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from perfgate.core.budgets import Budget
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Series
from perfgate.core.stats import prediction
from perfgate.core.tracks import Track, prediction_bounds
from perfgate.core.trend import Ruling
from perfgate.core.units import Quantity, Unit, write_value
from perfgate.errors import InputError

#: Nothing is proposed from fewer values of the current segment, nor for less room than a quarter of what is proposed.
LEAST, ROOM = 10, 1.25


class Proposal(NamedTuple):
    """A budget that could be tighter: its selector and place, the key of budgets.yaml, what it says now and could say, and why."""

    budget: Budget
    key: str
    now: str
    proposed: str
    why: str


def proposals(tracks: Sequence[Track], ruling: Mapping[Series, Ruling]) -> tuple[Proposal, ...]:
    """Proposals in the order of the budgets; a budget that rules several series is only tightened to what all of them keep."""
    limits: dict[Budget, list[Track]] = {}
    changes: dict[Budget, list[Track]] = {}
    for track in tracks:
        rule = ruling.get(track.series, Ruling())
        if rule.limit is not None:
            limits.setdefault(rule.limit, []).append(track)
        if rule.change is not None and rule.change.relative is not None and rule.change.relative.stated:
            changes.setdefault(rule.change, []).append(track)
    found = [_tighter_limit(budget, ruled) for budget, ruled in limits.items()]
    found += [_tighter_change(budget, ruled) for budget, ruled in changes.items()]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: (each.budget.place, each.key)))


def _tighter_limit(budget: Budget, tracks: Sequence[Track]) -> Proposal | None:
    kinds = {(track.kind.unit, track.kind.better) for track in tracks}
    if budget.limit is None or len(kinds) != 1:
        return None
    unit, better = kinds.pop()
    if better is Direction.NONE or not budget.limit.fits(unit):
        return None
    bounds = [_bound(track) for track in tracks]
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return None
    up = better is Direction.LOWER
    bound = max(known) if up else min(known)
    kept = bound * (1 + budget.tolerance if up else 1 - budget.tolerance)
    now = float(budget.limit.value)
    written = limit_text(kept, unit, up=up)
    if kept <= 0 or written is None:
        return None
    value = float(written.value)
    if (now < ROOM * value) if up else (now * ROOM > value):
        return None
    many = f"{len(tracks)} series" if len(tracks) > 1 else f"the newest {len(tracks[0].current)} runs"
    side = "below" if up else "above"
    why = f"{many} stay {side} {write_value(bound, unit)} (99 %); with the tolerance of {budget.tolerance * 100:.3g} %"
    return Proposal(budget, "limit", str(budget.limit), written.written, why)


def _bound(track: Track) -> float | None:
    """What the next value of a track stays within; None where too little is known."""
    if track.kind.assumption is Assumption.EXACT:
        return track.level if len(track.values) >= LEAST else None
    current = track.current
    if len(current) < LEAST:
        return None
    low, high = prediction_bounds(current, log=min(current) > 0)
    return high if track.kind.better is Direction.LOWER else low


def _tighter_change(budget: Budget, tracks: Sequence[Track]) -> Proposal | None:
    """A relative budget, never below the smallest change that all of its series can show."""
    relative = budget.relative
    if relative is None or relative.block is None:
        return None
    visible = [_visible(track) for track in tracks]
    known = [each for each in visible if each is not None]
    if not known or len(known) < len(visible):
        return None
    least = max(*known, budget.min_effect)
    proposed = math.ceil(round(least * (1 + budget.tolerance) * 100, 6)) / 100
    if relative.block < ROOM * proposed:
        return None
    key = "max_decrease" if relative.side.value == "decrease" else "max_increase"
    why = (
        f"{len(tracks)} series can show {least * 100:.2g} %" if len(tracks) > 1 else f"it can show {least * 100:.2g} %"
    )
    return Proposal(budget, key, f"{relative.block * 100:.10g}%", f"{proposed * 100:.0f}%", why)


def _visible(track: Track) -> float | None:
    """The smallest rise that the next run of a track would be called real for, nine times in ten."""
    if track.kind.assumption is Assumption.EXACT:
        return 0.0
    current = track.current
    return prediction.predict(current, track.level).visible if len(current) >= LEAST else None


def limit_text(value: float, unit: Unit, *, up: bool) -> Quantity | None:
    """A limit with two significant digits, not tighter than `value`, as budgets.yaml can say it; None where it cannot."""
    if not math.isfinite(value) or value <= 0:
        return None
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    steps = math.ceil(round(value / step, 6)) if up else math.floor(round(value / step, 6))
    rounded = Decimal(steps) * Decimal(repr(step))
    text = write_value(rounded if unit.is_money else float(rounded), unit).replace(",", "")
    for attempt in (text, format(rounded.normalize(), "f")):
        try:
            quantity = Quantity.parse(attempt)
        except InputError:
            continue
        if quantity.fits(unit) and math.isclose(float(quantity.value), float(rounded), rel_tol=0.02):
            return quantity
    return None
