"""Google Benchmark's JSON (`--benchmark_format=json`): each repetition a sample, in the unit that each entry names."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number, objects
from perfgate.adapters.bench_units import cleaned, slug
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "google-benchmark"
_LOWER, _HIGHER, _NONE = Direction.LOWER, Direction.HIGHER, Direction.NONE
_TIMES = {"real_time": "bench.time", "cpu_time": "bench.cpu_time"}
#: Of the aggregates only a middle stands for the samples: a "cv" is a ratio, though its time_unit says ns.
_MIDDLES = ("median", "mean")
_RATES = {"bytes_per_second": Unit("B", "s"), "items_per_second": Unit("items", "s")}
_PLAIN = {
    "name",
    "run_name",
    "run_type",
    "family_index",
    "per_family_instance_index",
    "repetitions",
    "repetition_index",
    "threads",
    "iterations",
    "time_unit",
    "aggregate_name",
    "aggregate_unit",
    "label",
    "error_occurred",
    "error_message",
    "skipped",
    "skip_message",
    "allocs_per_iter",
    "max_bytes_used",
    "big_o",
    "rms",
    "cpu_coefficient",
    "real_coefficient",
}
_Entry = tuple[dict[str, Any], str]


def why_not(value: object) -> str:
    """Why this JSON is not Google Benchmark's; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    if not isinstance(value.get("context"), dict):
        return 'there is no object "context" at the top'
    return "" if isinstance(value.get("benchmarks"), list) else 'there is no list "benchmarks" at the top'


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted: real time, CPU time, and the counters of the benchmark itself."""
    findings = Findings(TOOL, where)
    groups: dict[str, list[_Entry]] = {}
    for entry, place in objects(value["benchmarks"], where, "$.benchmarks"):
        groups.setdefault(plain_text(entry.get("run_name") or entry.get("name")), []).append((entry, place))
    for name, entries in groups.items():
        _benchmark(name, entries, findings)
    context = value["context"]
    if context.get("library_build_type") == "debug":
        findings.note(
            "debug-build",
            "the benchmark library was built without optimization, so times are too long",
            "build it with CMAKE_BUILD_TYPE=Release",
        )
    if context.get("cpu_scaling_enabled") is True:
        findings.note(
            "cpu-scaling", "the processor changed its frequency as it liked", "set its governor to performance"
        )
    remedy = "run with --benchmark_repetitions, without --benchmark_report_aggregates_only"
    return findings.reading(benchmarks=len(groups), version=context.get("library_version"), samples_by=remedy)


def _benchmark(name: str, entries: list[_Entry], findings: Findings) -> None:
    place = entries[0][1]
    for entry, at in entries:
        if entry.get("error_occurred") or entry.get("skipped"):
            told = plain_text(entry.get("error_message") or entry.get("skip_message")) or "no message"
            series = findings.series("bench.time", name, at)
            findings.fail(series, Unit("s"), _LOWER, at, f"the benchmark was given up: {told}")
            return
    runs = [(entry, at) for entry, at in entries if entry.get("run_type", "iteration") == "iteration"]
    bare = not runs
    if bare:
        runs = _middle(entries)
    if not runs:
        series = findings.series("bench.time", name, place)
        findings.fail(series, Unit("s"), _LOWER, place, "the file holds neither repetitions nor their median")
        return
    first, place = runs[0]
    unit = cleaned(plain_text(first.get("time_unit")) or "ns")
    for key, metric in _TIMES.items():
        if key in first:
            values = [cleaned(plain_text(run.get("time_unit")) or "ns").value(_number(run.get(key))) for run, _ in runs]
            series = findings.series(metric, name, place)
            findings.add(series, unit.unit, _LOWER, values, f"{place}.{key}", bare=bare)
    for key in first.keys() - _PLAIN - _TIMES.keys():
        if number(first[key]) is not None:
            _counter(name, key, runs, findings, bare=bare)


def _middle(entries: list[_Entry]) -> list[_Entry]:
    for wanted in _MIDDLES:
        found = [(entry, at) for entry, at in entries if entry.get("aggregate_name") == wanted]
        if found:
            return found
    return []


def _counter(name: str, key: str, runs: list[_Entry], findings: Findings, *, bare: bool) -> None:
    series = findings.series(f"bench.{slug(key)}", name, runs[0][1])
    values = [_number(run.get(key)) for run, _ in runs]
    unit, better = (_RATES[key], _HIGHER) if key in _RATES else (Unit("1"), _NONE)
    findings.add(series, unit, better, values, f"{runs[0][1]}.{plain_text(key)[:100]}", bare=bare, zero_is_real=True)


def _number(value: object) -> float:
    found = number(value)
    return float("nan") if found is None else found
