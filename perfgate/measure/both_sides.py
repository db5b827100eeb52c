"""Any entry of the `measure:` section on both sides of a change: commands in pairs, the rest once a side, or some times where that is cheap."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from perfgate.core.baseline import run_value
from perfgate.core.entries import CommandEntry, Entry, PipelineEntry, TokensEntry
from perfgate.core.metrics import Assumption
from perfgate.core.model import Capture, Caveat, Measurement, Series, State
from perfgate.errors import CommandFailed, PerfgateError
from perfgate.measure import ab
from perfgate.measure.ab import BaseFailed, Side, Until
from perfgate.measure.entries import capture_one

#: An entry that takes no longer than this on both sides together, in seconds, is measured in so many pairs.
CHEAP, PAIRS_OF_CHEAP = 10.0, 5

Progress = Callable[[str], None]


def why_not(entry: Entry) -> str:
    """Why an entry is not measured on two sides, as a sentence; "" where it is."""
    if isinstance(entry, PipelineEntry):
        return f'"{entry.name}" is about a pipeline that ran elsewhere, which has no two sides here'
    if isinstance(entry, TokensEntry) and entry.run:
        return f'"{entry.name}" would call a model on both sides, which costs money: measure it yourself'
    if isinstance(entry, CommandEntry) and entry.parameters:
        return f'"{entry.name}" has parameters, and both sides are measured for one command: write an entry for each combination'
    return ""


def capture(
    entry: Entry, before: Side, after: Side, until: Until, progress: Progress, tell: Callable[[str], None]
) -> Capture:
    """Measure an entry on both sides; noisy series hold their pairs as `before` and `values`, exact ones a single one.

    `tell` hears how long it will take, once the first pair is known. Raises BaseFailed where the base cannot be measured, else what
    the entry's module raises.
    """
    if isinstance(entry, CommandEntry) and not entry.counter:
        return ab.capture(entry, before, after, until, progress, tell=tell)
    pairs: list[tuple[Capture, Capture]] = []
    began = time.monotonic()
    while not pairs or len(pairs) < PAIRS_OF_CHEAP:
        progress(f"pair {len(pairs) + 1}")
        turns = (before, after) if len(pairs) % 2 == 0 else (after, before)
        captured = {side.is_base: _one(entry, side, progress) for side in turns}
        pairs.append((captured[True], captured[False]))
        if not _is_noisy(captured[False]) or (time.monotonic() - began) / len(pairs) > CHEAP:
            break
    return _joined(entry, pairs, before)


def _one(entry: Entry, side: Side, progress: Progress) -> Capture:
    try:
        capture = capture_one(entry, side.surroundings, progress)
        _refuse_failed(capture)
    except PerfgateError as error:
        if not side.is_base:
            raise
        output = error.output if isinstance(error, CommandFailed) else ""
        what = f'"{entry.name}" cannot be measured on {side.name}: {error.what}'
        raise BaseFailed(what, where=error.where, remedy=error.remedy, output=output) from error
    return capture


def _refuse_failed(capture: Capture) -> None:
    """What a failing suite tells of itself is nothing that two sides could be compared by: CommandFailed."""
    if capture.failure is not None:
        raise CommandFailed(capture.failure.message, remedy=capture.failure.remedy, output=capture.output)


def _is_noisy(capture: Capture) -> bool:
    return any(measurement.assumption is Assumption.NOISY for measurement in capture.measurements)


def _joined(entry: Entry, pairs: Sequence[tuple[Capture, Capture]], before: Side) -> Capture:
    first = {measurement.series: measurement for measurement in pairs[0][0].measurements}
    measurements = []
    for measurement in pairs[0][1].measurements:
        twin = first.get(measurement.series)
        if twin is None or State.UNKNOWN in (twin.state, measurement.state):
            measurements.append(measurement)
        elif measurement.assumption is Assumption.EXACT:
            measurements.append(measurement._replace(before=twin.values))
        else:
            measurements.append(_paired(measurement, pairs))
    caveats = [caveat for pair in pairs for capture in pair for caveat in capture.caveats]
    gone = [str(series) for series in first if series not in {each.series for each in measurements}]
    caveats += _told(entry, pairs, gone, before, noisy=_is_noisy(pairs[0][1]))
    return Capture(tuple(measurements), pairs[0][1].details, tuple(dict.fromkeys(caveats)))


def _paired(measurement: Measurement, pairs: Sequence[tuple[Capture, Capture]]) -> Measurement:
    """One value a side for each pair: what one capture shows inside shares the machine and the moment."""
    both = [(_value(one, measurement.series), _value(other, measurement.series)) for one, other in pairs]
    known = [(old, new) for old, new in both if old is not None and new is not None]
    return measurement._replace(before=tuple(old for old, _ in known), values=tuple(new for _, new in known))


def _value(capture: Capture, series: Series) -> float | None:
    for measurement in capture.measurements:
        if measurement.series == series and measurement.state is State.MEASURED:
            return float(run_value(measurement.unit, measurement.values))
    return None


def _told(
    entry: Entry, pairs: Sequence[tuple[Capture, Capture]], gone: Sequence[str], before: Side, *, noisy: bool
) -> Iterable[Caveat]:
    if gone:
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        yield Caveat("only before", f'"{entry.name}" measured {", ".join(gone[:3])}{more} on {before.name} only')
    if noisy and len(pairs) == 1:
        message = f'"{entry.name}" takes long and was measured once on each side: one sample a side cannot tell a change of its times from noise'
        yield Caveat("one sample", message)
    elif noisy:
        yield Caveat(
            "measured in pairs", f'"{entry.name}" was measured in turns with {before.name}: {len(pairs)} pairs'
        )
