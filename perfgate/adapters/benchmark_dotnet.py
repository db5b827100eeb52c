"""BenchmarkDotNet's JSON (`--exporters json`): nanoseconds per operation, a sample per iteration."""

from __future__ import annotations

import re
from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number, objects
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "benchmarkdotnet"
_LOWER = Direction.LOWER
_JOB = re.compile(r"Job-[A-Z]+\((.*)\)")


def why_not(value: object) -> str:
    """Why this JSON is not BenchmarkDotNet's; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    if "HostEnvironmentInfo" not in value:
        return 'there is no "HostEnvironmentInfo" at the top'
    return "" if isinstance(value.get("Benchmarks"), list) else 'there is no list "Benchmarks" at the top'


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted: time, and allocated bytes where they were measured."""
    findings = Findings(TOOL, where)
    entries = objects(value["Benchmarks"], where, "$.Benchmarks")
    for entry, place in entries:
        _benchmark(entry, place, findings)
    host = value["HostEnvironmentInfo"]
    host = host if isinstance(host, dict) else {}
    if plain_text(host.get("Configuration")).upper() == "DEBUG":
        findings.note("debug-build", "the benchmarks were built for debugging", "build them with -c Release")
    if host.get("HasAttachedDebugger") is True:
        findings.note("debugger", "a debugger was attached, so times are too long", "run without a debugger")
    remedy = "export with JsonExporter.Full or --exporters fulljson"
    version, cpu = host.get("BenchmarkDotNetVersion"), host.get("ProcessorName")
    return findings.reading(benchmarks=len(entries), version=version, cpu=cpu, samples_by=remedy)


def _benchmark(entry: dict[str, Any], place: str, findings: Findings) -> None:
    name = entry.get("FullName") or entry.get("DisplayInfo")
    job = _job(plain_text(entry.get("DisplayInfo")))
    series = findings.series("bench.time", name, place, job=job)
    unit = cleaned("ns/op")
    statistics = entry.get("Statistics")
    statistics = statistics if isinstance(statistics, dict) else {}
    raw, key = statistics.get("OriginalValues"), "OriginalValues"
    if bare := not (isinstance(raw, list) and raw):
        key = "Median" if statistics.get("Median") is not None else "Mean"
        raw = [statistics[key]] if statistics.get(key) is not None else []
    if not raw:
        findings.fail(series, unit.unit, _LOWER, place, "it has no statistics: the benchmark failed or was not run")
        return
    values = [float("nan") if (found := number(each)) is None else unit.value(found) for each in raw]
    findings.add(series, unit.unit, _LOWER, values, f"{place}.Statistics.{key} (ns)", bare=bare)
    memory = entry.get("Memory")
    # Without the memory diagnoser the block is there too, with zeros and no operations.
    if isinstance(memory, dict) and number(memory.get("TotalOperations")):
        allocated = number(memory.get("BytesAllocatedPerOperation"))
        if allocated is not None:
            at = f"{place}.Memory.BytesAllocatedPerOperation"
            findings.add(
                findings.series("bench.bytes", name, place, job=job),
                Unit("B", "op"),
                _LOWER,
                [allocated],
                at,
                zero_is_real=True,
            )


def _job(display: str) -> str:
    """What tells two jobs of one benchmark apart; the default job has no name, and a generated one says what it set."""
    job = display.rpartition(": ")[2] if ": " in display else ""
    job = job.partition(" [")[0].strip()
    if job in {"", "DefaultJob"}:
        return ""
    generated = _JOB.fullmatch(job)
    return generated[1] if generated else job
