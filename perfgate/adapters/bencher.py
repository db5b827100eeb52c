"""Bencher's metric format (BMF): benchmarks, their measures, and one value each."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number
from perfgate.adapters.bench_units import Cleaned, cleaned, slug
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction

TOOL = "bencher"
_VALUES = {"value", "lower_value", "upper_value"}
#: The measures that Bencher defines, with their units; of a project's own measure the file tells neither unit nor direction.
_MEASURES = {
    "latency": ("bench.time", cleaned("ns")),
    "throughput": ("bench.throughput", cleaned("op/s")),
    "build-time": ("bench.build_time", cleaned("s")),
    "file-size": ("bench.bytes", cleaned("B")._replace(better=Direction.LOWER)),
    "binary-size": ("bench.binary_size", cleaned("B")._replace(better=Direction.LOWER)),
}
_OTHER: Cleaned = cleaned("1")


def why_not(value: object) -> str:
    """Why this JSON is not in Bencher's format; "" where it is."""
    if not isinstance(value, dict) or not value:
        return "the file is no object of benchmarks"
    for measures in value.values():
        if not isinstance(measures, dict) or not measures:
            return "a benchmark has no object of measures"
        for metric in measures.values():
            if not isinstance(metric, dict) or "value" not in metric or metric.keys() - _VALUES:
                return 'a measure is not made of "value", "lower_value" and "upper_value"'
    return ""


def read(value: Any, where: str) -> Reading:
    """The measures of a file that `why_not` accepted. The bounds are the tool's own interval and are not read."""
    findings = Findings(TOOL, where)
    for benchmark, measures in value.items():
        for name, told in measures.items():
            place = f"{where}, $.{plain_text(benchmark)[:100]}.{plain_text(name)[:100]}.value"
            metric, unit = _MEASURES.get(plain_text(name), (f"bench.{slug(name)}", _OTHER))
            series = findings.series(metric, benchmark, place)
            found = number(told["value"])
            values = [float("nan") if found is None else unit.value(found)]
            zero_is_real = metric not in {"bench.time", "bench.throughput"}
            findings.add(series, unit.unit, unit.better, values, place, bare=True, zero_is_real=zero_is_real)
    remedy = "the format has one value each; repeat the run, and admit each"
    return findings.reading(
        benchmarks=len(value), samples_by=remedy, twice="two measures have the same letters; rename one"
    )
