"""github-action-benchmark's custom JSON: names, units and values; which way is better stands in its workflow, not here."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number, objects
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction

TOOL = "github-action-benchmark"
_KEYS = {"name", "unit", "value"}


def why_not(value: object) -> str:
    """Why this JSON is not in this format; "" where it is."""
    if not isinstance(value, list):
        return "the file is no JSON list"
    first = value[0] if value else {}
    if not isinstance(first, dict) or not first.keys() >= _KEYS:
        return 'the first entry has no "name", "unit" and "value"'
    return ""


def read(value: Any, where: str) -> Reading:
    """The entries of a file that `why_not` accepted. The "range" is the tool's own spread of unknown meaning, and is not read.

    `customSmallerIsBetter` and `customBiggerIsBetter` are the same file, and a unit does not tell either: free memory and
    used memory are both megabytes. So no direction is taken from it.
    """
    findings = Findings(TOOL, where)
    for entry, place in objects(value, where, "$"):
        unit = cleaned(plain_text(entry.get("unit")))
        found = number(entry.get("value"))
        values = [float("nan") if found is None else unit.value(found)]
        series = findings.series("bench.value", entry.get("name"), place)
        origin = f"{place}.value ({plain_text(entry.get('unit'))[:40]})"
        findings.add(series, unit.unit, Direction.NONE, values, origin, bare=True, zero_is_real=True)
    return findings.reading(samples_by="the format has one value each; repeat the run, and admit each")
