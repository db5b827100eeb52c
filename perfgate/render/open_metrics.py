"""A decision's values as OpenMetrics text, which GitLab shows as metric differences of a merge request: each series as it is now."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from perfgate.core.compare import Comparison
from perfgate.core.decision import Decision
from perfgate.core.units import Unit
from perfgate.render.text import harmless

_UNITS = {"s": "seconds", "B": "bytes", "1": "", "token": "tokens"}


def render(decision: Decision) -> str:
    """The exposition: a gauge for each metric, a sample for each series that has a value; unknown values are left out, never zero."""
    gauges: dict[tuple[str, str], list[Comparison]] = {}
    for comparison in decision.comparisons:
        if comparison.after is not None and math.isfinite(float(comparison.after)):
            gauges.setdefault(_gauge(comparison), []).append(comparison)
    lines: list[str] = []
    for (name, unit), comparisons in sorted(gauges.items()):
        lines += [f"# TYPE {name} gauge", *([f"# UNIT {name} {unit}"] if unit else [])]
        lines += list(dict(_samples(name, comparisons)).values())
    return "\n".join([*lines, "# EOF"]) + "\n"


def _gauge(comparison: Comparison) -> tuple[str, str]:
    unit = _unit(comparison.unit)
    name = "perfgate_" + re.sub(r"[^a-zA-Z0-9_]", "_", comparison.series.metric)
    return (f"{name}_{unit}" if unit else name), unit


def _unit(unit: Unit) -> str:
    base = _UNITS.get(unit.base, unit.base)
    whole = f"{base}_per_{unit.per}" if unit.per else base
    return re.sub(r"[^a-z0-9]+", "_", whole.lower()).strip("_")


def _samples(name: str, comparisons: Iterable[Comparison]) -> Iterable[tuple[str, str]]:
    for comparison in comparisons:
        labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in comparison.series.labels)
        yield labels, f"{name}{{{labels}}} {_number(comparison)}" if labels else f"{name} {_number(comparison)}"


def _number(comparison: Comparison) -> str:
    value = float(comparison.after or 0)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _escaped(value: str) -> str:
    return harmless(value).replace("\\", "\\\\").replace('"', '\\"')
