"""The JSON of Julia's BenchmarkTools (`BenchmarkTools.save`): nanoseconds per evaluation, a sample each."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "julia"
_DEEPEST = 30
_NS = cleaned("ns")


def why_not(value: object) -> str:
    """Why this JSON is not of BenchmarkTools; "" where it is."""
    if not isinstance(value, list) or len(value) != 2:
        return "the file is no list of versions and values"
    versions, values = value
    if not isinstance(versions, dict) or not {"Julia", "BenchmarkTools"} <= versions.keys():
        return 'the first value names no version of "Julia" and "BenchmarkTools"'
    return "" if isinstance(values, list) else "the second value is no list"


def read(value: Any, where: str) -> Reading:
    """The trials of a file that `why_not` accepted, each under the names of the groups that it lies in.

    The least time, median or other estimate, where that was saved instead of the trial, stands alone. Ratios and judgements
    are a comparison of the tool's own and are not read.
    """
    findings = Findings(TOOL, where)
    for index, each in enumerate(value[1]):
        _value(each, (), f"$[1][{index}]", findings)
    version = plain_text(value[0].get("Julia"))
    names = {dict(each.series.labels)["benchmark"] for each in findings.found}
    return findings.reading(
        benchmarks=len(names), version=version, samples_by="save the trials, not an estimate", twice="save one group"
    )


def _value(value: object, names: tuple[str, ...], place: str, findings: Findings) -> None:
    """A value is a list of the type's name and its fields."""
    at = f"{findings.where}, {place[:300]}"
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], dict) or len(names) > _DEEPEST:
        raise InputError("a type's name and its fields are wanted here", where=at, remedy="save the file again")
    kind, fields = plain_text(value[0]).rpartition(".")[2], value[1]
    if kind == "BenchmarkGroup":
        data = fields.get("data")
        for name, inner in data.items() if isinstance(data, dict) else ():
            if isinstance(inner, list):
                _value(inner, (*names, plain_text(name)), f"{place}.data.{plain_text(name)[:60]}", findings)
    elif kind in {"Trial", "TrialEstimate"}:
        _trial(kind, fields, "/".join(names) or "trial", at, findings)


def _trial(kind: str, fields: dict[str, Any], name: str, place: str, findings: Findings) -> None:
    raw = fields.get("times") if kind == "Trial" else [fields.get("time")]
    values = [
        float("nan") if (each := number(time)) is None else each for time in (raw if isinstance(raw, list) else [])
    ]
    series = findings.series("bench.time", name, place)
    origin = f"{place}.{'times' if kind == 'Trial' else 'time'} (ns)"
    bare = kind == "TrialEstimate"
    findings.add(series, Unit("s"), Direction.LOWER, [_NS.value(each) for each in values], origin, bare=bare)
    for key, metric, unit in (("memory", "bench.bytes", Unit("B")), ("allocs", "bench.allocs", Unit("1"))):
        amount = number(fields.get(key))
        if amount is not None:
            series = findings.series(metric, name, place)
            findings.add(series, unit, Direction.LOWER, [amount], f"{place}.{key}", zero_is_real=True)
