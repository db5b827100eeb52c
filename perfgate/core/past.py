"""The part of a series' history that a candidate may be compared with: its own kind, its current level, or its runner's label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from perfgate.core.baseline import Baseline, History, Kind
from perfgate.core.metrics import Assumption
from perfgate.core.observation import Observation
from perfgate.core.stats import change_points
from perfgate.core.stats.score import LONG, View
from perfgate.core.units import Number

if TYPE_CHECKING:
    from perfgate.core.stats.many import Known

_T = TypeVar("_T")
#: From so many series on their long histories are looked at together.
MANY = 400
#: Under so many runs of its own a machine class is thin: the other cpu models behind the same runner label help out.
THIN = 5


class Past(NamedTuple):
    """The comparable part of one series' history: positions in it, oldest first, and what was left out and why.

    `classes` is not empty where the machine class is too thin and those of the same runner label stand in for it: rows of each.
    `view` is that of the values where it is known already.
    """

    baseline: Baseline
    history: History
    rows: Sequence[int]
    excluded: tuple[tuple[str, int], ...] = ()
    classes: tuple[tuple[int, ...], ...] = ()
    view: View | None = None

    def latest(self) -> tuple[Number, str]:
        """The newest comparable value, and where it is from; there must be one."""
        run = self.baseline.runs[self.history.runs[self.rows[-1]]]
        return self.history.values[self.rows[-1]], f"run {run.id} of commit {run.commit[:10]}"

    def of_rows(self, column: Sequence[_T]) -> Sequence[_T]:
        """The comparable part of a column of the history."""
        rows = self.rows
        return column[rows.start : rows.stop] if isinstance(rows, range) else [column[row] for row in rows]

    def values(self) -> list[float]:
        """The comparable values, oldest first."""
        return list(map(float, self.of_rows(self.history.values)))


def pasts_of(observations: Sequence[Observation], baseline: Baseline) -> list[Past]:
    """What each observation may be compared with."""
    kinds = baseline.kind_index()
    pasts = [_comparable(seen, baseline, kinds) for seen in observations]
    known = _known(observations, pasts) if len(pasts) >= MANY else {}
    return [
        past._replace(view=known[position].view)
        if position in known and known[position].one_level
        else _current(seen, past)
        for position, (seen, past) in enumerate(zip(observations, pasts, strict=True))
    ]


def _known(observations: Sequence[Observation], pasts: Sequence[Past]) -> dict[int, Known]:
    """What numpy finds out about many long histories at once, by position; those that need a closer look are not in it."""
    from perfgate.core.stats import many  # numpy costs more than it saves where there are few series

    by_length: dict[int, list[int]] = {}
    for position, (seen, past) in enumerate(zip(observations, pasts, strict=True)):
        noisy = seen.kind.assumption is Assumption.NOISY and not seen.before and not past.classes and seen.values
        if noisy and len(past.rows) >= LONG and not seen.resolution and min(past.values()) > 0:
            by_length.setdefault(len(past.rows), []).append(position)
    found: dict[int, Known] = {}
    for positions in by_length.values():
        found.update(zip(positions, many.known([pasts[each].values() for each in positions]), strict=True))
    return found


def _comparable(seen: Observation, baseline: Baseline, kinds: dict[Kind, int]) -> Past:
    """The values of the same kind in the window, or of the same runner label; `kinds` is the baseline's index of kinds."""
    history = baseline.histories.get(seen.series)
    if history is None:
        return Past(baseline, History(), ())
    wanted = kinds.get(seen.kind, -1)
    count = len(history.kinds)
    if history.kinds.count(wanted) == count:
        return Past(baseline, history, range(max(0, count - baseline.window), count))
    rows = [index for index, kind in enumerate(history.kinds) if kind == wanted]
    if len(rows) < THIN and seen.kind.machine.runner:
        pooled = _pooled(seen, baseline, history)
        if pooled is not None:
            return pooled
    return Past(baseline, history, rows[-baseline.window :], _excluded(seen, baseline, history, (wanted,)))


def _current(seen: Observation, past: Past) -> Past:
    """The past since its level last changed for good: what came before says nothing of today's level."""
    exact = seen.kind.assumption is Assumption.EXACT
    if exact or past.classes or seen.before or len(past.rows) < 2 * change_points.LEAST:
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
