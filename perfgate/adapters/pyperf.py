"""pyperf's JSON (`-o FILE`): values of each worker process, in seconds, bytes or whole numbers per loop."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, objects, samples
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "pyperf"
#: pyperf's three units, as metric, unit and direction; "integer" may count anything.
_UNITS = {
    "second": ("bench.time", Unit("s"), Direction.LOWER),
    "byte": ("bench.memory", Unit("B"), Direction.LOWER),
    "integer": ("bench.count", Unit("1"), Direction.NONE),
}


def why_not(value: object) -> str:
    """Why this JSON is not pyperf's; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    entries = value.get("benchmarks")
    if not isinstance(entries, list):
        return 'there is no list "benchmarks" at the top'
    if "machine_info" in value or "context" in value:
        return 'pyperf writes no "machine_info" or "context" at the top'
    if "version" not in value:
        return 'there is no "version" at the top'
    first = entries[0] if entries else {"runs": []}
    return "" if isinstance(first, dict) and "runs" in first else 'the first of the "benchmarks" has no "runs"'


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted.

    Metadata that all benchmarks share, their name too if there is only one, stands at the top of the file. Runs that only
    calibrated have no values, and warm-up values are not samples.
    """
    findings = Findings(TOOL, where)
    shared = _metadata(value)
    for entry, place in objects(value["benchmarks"], where, "$.benchmarks"):
        metadata = {**shared, **_metadata(entry)}
        runs = objects(entry.get("runs"), where, place.partition(", ")[2] + ".runs")
        metric, unit, better = _UNITS.get(plain_text(metadata.get("unit")) or "second", _UNITS["integer"])
        series = findings.series(metric, metadata.get("name") or "timeit", place)
        values = [each for run, at in runs if run.get("values") for each in samples(run["values"], f"{at}.values")]
        if values:
            zero_is_real = metric != "bench.time"
            findings.add(series, unit, better, values, f"{place}.runs", zero_is_real=zero_is_real)
        else:
            findings.fail(series, unit, better, place, "all its runs only calibrated; let it run to the end")
    version = plain_text(shared.get("perf_version") or shared.get("pyperf_version"))
    return findings.reading(version=version, cpu=shared.get("cpu_model_name"))


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
