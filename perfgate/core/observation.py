"""What the candidate's runs show of each series: one value for each occasion on which it was measured, or pairs with the base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perfgate.core.baseline import Kind, run_value
from perfgate.core.metrics import Assumption
from perfgate.core.model import Context, Measurement, Run, Series, State
from perfgate.core.stats.estimators import median
from perfgate.core.units import Number

#: Runs of one machine that began within so many minutes of each other share its mood: they are one occasion.
APART = 30


class Observation(NamedTuple):
    """What the candidate's runs show of one series.

    `values` holds one value per run, in the order of the runs. Where `before` is not empty and the series is noisy, both sides
    were measured in turns on one machine, and `before[i]` and `values[i]` are pair i; `base` is the commit of the before side, and
    `alone` the values of runs that measured one side only, which the pairs settle. `occasions` says for each value which occasion
    it belongs to; empty: each has its own. `captures` is the number of measurements that the pairs come from.
    """

    series: Series
    kind: Kind
    values: tuple[Number, ...]
    before: tuple[Number, ...] = ()
    raw_count: int = 0
    resolution: float = 0.0
    state: State = State.MEASURED
    reason: str = ""
    origin: str = ""
    base: str = ""
    occasions: tuple[int, ...] = ()
    alone: tuple[Number, ...] = ()
    captures: int = 1

    @property
    def in_pairs(self) -> bool:
        """Whether both sides were measured in turns."""
        return bool(self.before) and self.kind.assumption is Assumption.NOISY

    def independent(self) -> tuple[Number, ...]:
        """One value for each occasion: measuring again in the same job repeats the bias of its machine, and counts once."""
        if not self.occasions or len(self.values) < 2:
            return self.values
        gathered: dict[int, list[Number]] = {}
        for occasion, value in zip(self.occasions, self.values, strict=True):
            gathered.setdefault(occasion, []).append(value)
        return tuple(median(values) for values in gathered.values())


def observe(runs: Iterable[Run]) -> tuple[Observation, ...]:
    """Gather the candidate's runs by series; a series whose runs cannot stand side by side becomes unknown, with the reason."""
    known = sorted(runs, key=lambda run: run.context.started_at)
    gathered: dict[Series, list[tuple[int, Observation]]] = {}
    for position, run in enumerate(known):
        for measurement in run.measurements:
            gathered.setdefault(measurement.series, []).append((position, _observed(measurement, run.context)))
    if len(known) < 2:
        return tuple(parts[0][1] for parts in gathered.values())
    occasions = occasions_of([run.context for run in known])
    return tuple(_merged([(occasions[position], part) for position, part in parts]) for parts in gathered.values())


def _observed(measurement: Measurement, context: Context) -> Observation:
    values, before, unit = measurement.values, measurement.before, measurement.unit
    if not (before and measurement.assumption is Assumption.NOISY):
        values = (run_value(unit, values),) if values else ()
        before = (run_value(unit, before),) if before else ()
    state, reason = measurement.state, measurement.reason
    if before and state is State.MEASURED and len(values) != len(before):
        state, reason = State.UNKNOWN, f"{len(before)} values before and {len(values)} after are not pairs"
    return Observation(
        series=measurement.series,
        kind=Kind.of(measurement, context.machine),
        values=values,
        before=before,
        raw_count=len(measurement.values),
        resolution=measurement.resolution,
        state=state,
        reason=reason,
        origin=measurement.origin,
        base=context.base if before else "",
    )


def _merged(parts: Sequence[tuple[int, Observation]]) -> Observation:
    """One observation from those of several runs. What was measured on both sides in turns settles what was measured on one."""
    if len(parts) == 1:
        return parts[0][1]
    paired = [part for _, part in parts if part.in_pairs]
    # Pairs with another commit than the newest ones answer another question.
    used = [
        (occasion, part) for occasion, part in parts if not paired or (part.in_pairs and part.base == paired[-1].base)
    ]
    first = used[0][1]
    unknown = next((part for _, part in used if part.state is State.UNKNOWN), None)
    if unknown is not None:
        return unknown
    for _, part in used[1:]:
        if part.kind != first.kind:
            difference = "; ".join(part.kind.differences(first.kind))
            reason = f"the runs given differ: {difference}. Gate them apart, or give them different labels"
            return _unknown(part, reason)
    bound = next((part for _, part in used if part.state is State.LOWER_BOUND), first)
    return Observation(
        series=first.series,
        kind=first.kind,
        values=tuple(value for _, part in used for value in part.values),
        before=tuple(value for _, part in used for value in part.before),
        raw_count=sum(part.raw_count for _, part in used),
        resolution=max(part.resolution for _, part in used),
        state=bound.state,
        reason=bound.reason,
        origin=first.origin,
        base=first.base,
        occasions=() if paired else tuple(occasion for occasion, part in used for _ in part.values),
        alone=tuple(value for _, part in parts if paired and not part.in_pairs for value in part.values),
        captures=len(used) if paired else 1,
    )


def _unknown(part: Observation, reason: str) -> Observation:
    return Observation(part.series, part.kind, (), state=State.UNKNOWN, reason=reason, origin=part.origin)


def occasions_of(contexts: Sequence[Context]) -> list[int]:
    """For each run the number of the occasion it belongs to: a job of a CI system, or half an hour outside of one.

    Two jobs are two occasions, on two runners, even in one workflow run. Runs that do not say when they began share one.
    """
    found: dict[tuple[object, ...], int] = {}
    result = []
    starts = _clusters([each.started_at for each in contexts if not each.ci_run])
    for each in contexts:
        if each.ci_run:
            key: tuple[object, ...] = (each.provider, each.ci_run, each.ci_attempt, each.ci_job)
        else:
            key = ("here", starts[each.started_at])
        result.append(found.setdefault(key, len(found)))
    return result


def _clusters(starts: Sequence[str]) -> dict[str, int]:
    """Which half hour each start belongs to; a new one begins with the first start that is so much later than the last one's."""
    from datetime import datetime  # only where several runs are judged together

    numbers: dict[str, int] = {}
    first: datetime | None = None
    number = 0
    for start in sorted(set(starts)):
        try:
            moment = datetime.fromisoformat(start)
        except ValueError:
            numbers[start] = 0
            continue
        if first is None or (moment - first).total_seconds() >= 60 * APART:
            first, number = moment, number + 1
        numbers[start] = number
    return numbers
