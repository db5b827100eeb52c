"""The part of a series' history that a candidate may be compared with: its own kind, its current level, or its runner's label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from perfgate.core.baseline import Baseline, History, Kind, as_float
from perfgate.core.metrics import Assumption
from perfgate.core.observation import Observation
from perfgate.core.stats import change_points
from perfgate.core.units import Number

#: Under so many runs of its own a machine class is thin: the other cpu models behind the same runner label help out.
THIN = 5


class Past(NamedTuple):
    """The comparable part of one series' history: positions in it, oldest first, and what was left out and why.

    `classes` is not empty where the machine class is too thin and those of the same runner label stand in for it: rows of each.
    """

    baseline: Baseline
    history: History
    rows: Sequence[int]
    excluded: tuple[tuple[str, int], ...] = ()
    classes: tuple[tuple[int, ...], ...] = ()

    def latest(self) -> tuple[Number, str]:
        """The newest comparable value, and where it is from; there must be one."""
        run = self.baseline.runs[self.history.runs[self.rows[-1]]]
        return self.history.values[self.rows[-1]], f"run {run.id} of commit {run.commit[:10]}"

    def values(self) -> list[float]:
        """The comparable values, oldest first."""
        return [as_float(self.history.values[row]) for row in self.rows]


def past_of(seen: Observation, baseline: Baseline, kinds: dict[Kind, int]) -> Past:
    """What `seen` may be compared with; `kinds` is the baseline's index of kinds."""
    history = baseline.histories.get(seen.series)
    if history is None:
        return Past(baseline, History(), ())
    wanted = kinds.get(seen.kind, -1)
    count = len(history.kinds)
    if history.kinds.count(wanted) == count:
        return _current(seen, Past(baseline, history, range(max(0, count - baseline.window), count)))
    rows = [index for index, kind in enumerate(history.kinds) if kind == wanted]
    if len(rows) < THIN and seen.kind.machine.runner:
        pooled = _pooled(seen, baseline, history)
        if pooled is not None:
            return pooled
    own = Past(baseline, history, rows[-baseline.window :], _excluded(seen, baseline, history, (wanted,)))
    return _current(seen, own)


def _current(seen: Observation, past: Past) -> Past:
    """The past since its level last changed for good: what came before says nothing of today's level."""
    if seen.kind.assumption is Assumption.EXACT or len(past.rows) < 2 * change_points.LEAST:
        return past
    start = change_points.current_start(past.values(), resolution=seen.resolution)
    if start == 0:
        return past
    excluded = (*past.excluded, ("before the level last changed", start))
    return past._replace(rows=past.rows[start:], excluded=excluded)


def _pooled(seen: Observation, baseline: Baseline, history: History) -> Past | None:
    """The history of all cpu models behind the runner's label, class by class; None where there is no other one."""
    alike = [
        index
        for index, kind in enumerate(baseline.kinds)
        if kind._replace(machine=kind.machine._replace(cpu_model=seen.kind.machine.cpu_model)) == seen.kind
    ]
    rows = [row for row, kind in enumerate(history.kinds) if kind in alike][-baseline.window :]
    classes = tuple(tuple(row for row in rows if history.kinds[row] == kind) for kind in alike)
    present = tuple(each for each in classes if each)
    own = sum(len(each) for each in present if baseline.kinds[history.kinds[each[0]]] == seen.kind)
    if not present or own == len(rows):
        return None
    return Past(baseline, history, rows, _excluded(seen, baseline, history, tuple(alike)), present)


def _excluded(
    seen: Observation, baseline: Baseline, history: History, used: tuple[int, ...]
) -> tuple[tuple[str, int], ...]:
    """How many values are of another kind, by what differs."""
    reasons: dict[str, int] = {}
    for kind in history.kinds:
        if kind not in used:
            reason = "; ".join(seen.kind.differences(baseline.kinds[kind]))
            reasons[reason] = reasons.get(reason, 0) + 1
    return tuple(reasons.items())
