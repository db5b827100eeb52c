"""What tests record of their own, cleaned at the door: base units, a direction, and a name in the family `bench.*`."""

from __future__ import annotations

from typing import NamedTuple

from perfgate.adapters.bench_units import cleaned
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import is_metric_name
from perfgate.core.units import Unit

_FAMILY = "bench."
_LONGEST = 100


class OwnMetric(NamedTuple):
    """A metric of one test and its values, in base units."""

    metric: str
    unit: Unit
    better: Direction
    assumption: Assumption
    values: tuple[float, ...]


def own_metric(name: str, unit: str, better: str, values: list[float], *, exact: bool) -> OwnMetric | None:
    """A metric as a test recorded it, None where its name names nothing; "" leaves the direction to the unit."""
    metric = name if name.startswith(_FAMILY) else _FAMILY + name
    if not is_metric_name(metric) or len(metric) > _LONGEST:
        return None
    base = cleaned(unit)
    direction = Direction(better) if better else base.better
    assumption = Assumption.EXACT if exact else Assumption.NOISY
    return OwnMetric(metric, base.unit, direction, assumption, tuple(base.value(each) for each in values))
