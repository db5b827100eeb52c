"""Measurements of registered metrics: unit, direction and assumption come from the registry, so that nobody writes them twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perfgate.core.metrics import find
from perfgate.core.model import Measurement, Series, State
from perfgate.core.stats.estimators import block_medians
from perfgate.core.units import Number


def measurement(
    metric: str,
    labels: Mapping[str, str],
    values: Sequence[Number],
    *,
    origin: str = "",
    resolution: float = 0.0,
    conditions: Iterable[tuple[str, str]] = (),
    unknown: str = "",
) -> Measurement:
    """A measurement of a registered metric in its base unit; more than a hundred values become block medians.

    Without any value it is unknown, for the reason `unknown`. Labels without a value are left out.
    """
    known = find(metric)
    if known is None or known.unit is None:
        raise ValueError(f"{metric} is not in the registry, or brings no unit")
    return Measurement(
        Series.of(metric, **labels),
        known.unit,
        known.better,
        known.assumption,
        block_medians(values),
        origin,
        resolution=resolution,
        conditions=tuple(sorted(conditions)),
        state=State.MEASURED if values else State.UNKNOWN,
        reason="" if values else unknown,
    )
