"""tinybench's results written as JSON: a list of tasks with their `result`, in milliseconds."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number, objects
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "tinybench"
_HOW = "let tinybench keep them: new Bench({ retainSamples: true })"
_MS = cleaned("ms")


def why_not(value: object) -> str:
    """Why this JSON is not tinybench's; "" where it is."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return "the file is no task and no list of tasks"
    if not isinstance(first.get("result"), dict) or "name" not in first:
        return 'the first task has no "name" with a "result"'
    known = first["result"].keys() & {"latency", "hz", "state", "error"}
    return "" if known else 'the first "result" has neither "latency" nor "hz"'


def read(value: Any, where: str) -> Reading:
    """The tasks of a file that `why_not` accepted."""
    findings = Findings(TOOL, where)
    tasks = objects(value, where, "$") if isinstance(value, list) else [(value, f"{where}, $")]
    for each, place in tasks:
        result = each.get("result")
        task(each.get("name"), result if isinstance(result, dict) else {}, f"{place}.result", findings)
    return findings.reading(benchmarks=len(tasks), samples_by=_HOW)


def task(name: object, result: dict[str, Any], place: str, findings: Findings, **labels: str) -> None:
    """One task's time, from whatever layout its version of tinybench has; vitest's benchmarks are the same.

    Samples are kept where they were; a list that is there but empty is no sample. A task that failed has no time.
    """
    series = findings.series("bench.time", name, place, **labels)
    latency = result.get("latency")
    numbers = latency if isinstance(latency, dict) else result
    for raw in (numbers.get("samples"), result.get("samples")):
        if isinstance(raw, list) and raw:
            values = [float("nan") if (each := number(sample)) is None else _MS.value(each) for sample in raw]
            findings.add(series, Unit("s"), Direction.LOWER, values, f"{place}.samples (ms)")
            return
    state = plain_text(result.get("state"))
    if result.get("error") is not None or state in {"errored", "aborted", "not-started"}:
        findings.fail(series, Unit("s"), Direction.LOWER, place, f"the benchmark failed{_message(result)}")
        return
    for key in ("p50", "median", "mean"):
        middle = number(numbers.get(key))
        if middle is not None:
            values = [_MS.value(middle)]
            findings.add(series, Unit("s"), Direction.LOWER, values, f"{place}.{key} (ms)", bare=True)
            return
    findings.fail(series, Unit("s"), Direction.LOWER, place, "it has no time: the benchmark failed or was skipped")


def _message(result: dict[str, Any]) -> str:
    error = result.get("error")
    message = plain_text(error.get("message") if isinstance(error, dict) else error)
    return f": {message}" if message else "; see the tool's output"
