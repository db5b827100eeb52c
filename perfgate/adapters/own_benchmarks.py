"""perfgate's own JSON for benchmarks of every other tool (`perfgate schema bench`): strict, and complete in itself."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, objects, samples
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Series, is_label_name, is_metric_name
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "perfgate"
SCHEMA = "perfgate/bench/1"
_TOP = {"schema", "tool", "version", "cpu", "benchmarks"}
_KEYS = {"benchmark", "metric", "unit", "better", "assumption", "labels", "conditions", "values", "reason"}
_TAKEN = {"tool", "benchmark"}
_MOST_LABELS = 15
_SEE = "see perfgate schema bench"


def why_not(value: object) -> str:
    """Why this JSON is not perfgate's own; "" where it is."""
    schema = value.get("schema") if isinstance(value, dict) else None
    return (
        "" if isinstance(schema, str) and schema.startswith("perfgate/bench/") else f'there is no "schema": "{SCHEMA}"'
    )


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted; anything unknown in it is an InputError that names its place."""
    if value["schema"] != SCHEMA:
        what = f"this file has the schema {plain_text(value['schema'])[:60]}, this perfgate reads {SCHEMA}"
        raise InputError(what, where=f"{where}, $.schema", remedy="upgrade perfgate, or write the older schema")
    _known(value, _TOP, f"{where}, $")
    tool = plain_text(value.get("tool")).strip()
    if not tool or len(tool) > 100:
        raise InputError('"tool" is the name of what measured, at most 100 characters', where=f"{where}, $.tool")
    findings = Findings(tool, where)
    for entry, place in objects(value.get("benchmarks"), where, "$.benchmarks"):
        _benchmark(entry, place, findings)
    version, cpu = value.get("version"), value.get("cpu")
    return findings.reading(version=version, cpu=cpu, twice="two entries need different labels")


def _benchmark(entry: dict[str, Any], place: str, findings: Findings) -> None:
    _known(entry, _KEYS, place)
    metric = entry.get("metric", "bench.time")
    if (
        not isinstance(metric, str)
        or not is_metric_name(metric)
        or not metric.startswith("bench.")
        or len(metric) > 100
    ):
        raise InputError('a metric here is named "bench." and lower-case words', where=f"{place}.metric", remedy=_SEE)
    unit = entry.get("unit")
    if not isinstance(unit, str) or not unit.strip() or len(unit) > 80:
        raise InputError('"unit" is missing: write for example "ms", "B", "op/s" or "1"', where=place, remedy=_SEE)
    better = _word(entry, "better", {each.value: each for each in Direction}, place)
    assumption = _word(entry, "assumption", {each.value: each for each in Assumption}, place, Assumption.NOISY)
    base = cleaned(unit)
    series = findings.series(metric, entry.get("benchmark"), place, **_pairs(entry, "labels", place))
    conditions = tuple(sorted(_pairs(entry, "conditions", place).items()))
    values = [base.value(each) for each in samples(entry.get("values", []), f"{place}.values")]
    if reason := plain_text(entry.get("reason")).strip():
        if values:
            raise InputError("what has a reason to be unknown has no values", where=f"{place}.reason", remedy=_SEE)
        findings.fail(series, base.unit, better, place, reason)
        return
    _add(series, base.unit, better, values, f"{place}.values", findings, assumption, conditions)


def _add(
    series: Series,
    unit: Unit,
    better: Direction,
    values: list[float],
    origin: str,
    findings: Findings,
    assumption: Assumption,
    conditions: tuple[tuple[str, str], ...],
) -> None:
    zero_is_real = series.metric not in {"bench.time", "bench.throughput"}
    findings.add(
        series, unit, better, values, origin, zero_is_real=zero_is_real, assumption=assumption, conditions=conditions
    )


def _known(value: dict[str, Any], known: set[str], place: str) -> None:
    for key in value:
        if key not in known:
            names = ", ".join(sorted(known))
            raise InputError(f'"{plain_text(key)[:100]}" is not known here', where=place, remedy=f"known are {names}")


def _word(entry: dict[str, Any], key: str, words: dict[str, Any], place: str, default: Any = None) -> Any:
    value = entry.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or value not in words:
        raise InputError(f'"{key}" is one of {", ".join(words)}', where=f"{place}.{key}", remedy=_SEE)
    return words[value]


def _pairs(entry: dict[str, Any], key: str, place: str) -> dict[str, str]:
    value = entry.get(key, {})
    good = isinstance(value, dict) and len(value) <= _MOST_LABELS
    if not good or not all(isinstance(each, str) for each in value.values()):
        raise InputError(f'"{key}" is an object of at most {_MOST_LABELS} texts', where=f"{place}.{key}", remedy=_SEE)
    if key == "labels":
        for name in value:
            if not is_label_name(name) or name in _TAKEN:
                raise InputError(
                    f'"{plain_text(name)[:60]}" is no name of a label: write one lower-case word, not tool or benchmark',
                    where=f"{place}.{key}",
                )
    return {plain_text(name)[:100]: plain_text(text) for name, text in value.items()}
