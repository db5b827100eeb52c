"""The summary.json of gungraun and iai-callgrind (`--save-summary=json`): counts of Valgrind's tools for one benchmark.

Read from schema version 7 (gungraun 0.20); versions 3 to 6 (iai-callgrind) from their documentation. Only the new values are
read, never the comparison with an earlier run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number
from perfgate.adapters.bench_units import slug
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.units import Unit

TOOL = "gungraun"
#: The counts that are better lower, with a name where they have no good one. Hits of the first cache, sums and rates follow
#: from the others and are left out.
_EVENTS = {
    "Ir": "instructions",
    "EstimatedCycles": "estimated_cycles",
    "LLhits": "ll_hits",
    "RamHits": "ram_hits",
    "Bcm": "branch_misses",
    "Bim": "indirect_branch_misses",
    "TotalBytes": "bytes",
    "TotalBlocks": "allocs",
    "AtTGmaxBytes": "peak_bytes",
}
_CACHE_EVENTS = {"EstimatedCycles", "LLhits", "RamHits"}
_BYTES = {"TotalBytes", "AtTGmaxBytes"}
_TOOLS = {"callgrind", "cachegrind", "dhat"}


def why_not(value: object) -> str:
    """Why this JSON is no summary of gungraun; "" where it is."""
    if not isinstance(value, dict) or not {"version", "module_path", "benchmark_file"} <= value.keys():
        return 'there is no "module_path" with a "benchmark_file" at the top'
    return "" if value.keys() & {"profiles", "callgrind_summary"} else 'there are no "profiles"'


def read(value: Any, where: str) -> Reading:
    """The benchmark of a file that `why_not` accepted. Its counts are exact, and comparable within one version of Valgrind."""
    findings = Findings(TOOL, where)
    name = "::".join(part for part in (plain_text(value.get("module_path")), plain_text(value.get("id"))) if part)
    for tool, metrics, at in _profiles(value):
        for event, told in metrics.items():
            if event in _EVENTS:
                _metric(tool, event, told, name, f"{where}, {at}.{event}", findings)
    if not findings.found:
        series = findings.series("bench.instructions", name, f"{where}, $")
        findings.fail(
            series, Unit("1"), Direction.LOWER, f"{where}, $", "the benchmark has no counts; see whether it failed"
        )
    findings.note(
        "counter-version",
        "the file does not tell which Valgrind counted; another version counts a little differently",
        "keep the version of Valgrind pinned",
    )
    return findings.reading(benchmarks=1, twice="one tool twice for a benchmark is not read")


def _metric(tool: str, event: str, told: object, name: str, place: str, findings: Findings) -> None:
    found = number(_new(told))
    if found is None:
        # There is only a value of an earlier run.
        return
    metric = f"bench.{_EVENTS.get(event) or slug(event)}"
    series = findings.series(metric, name, place, counter="" if tool == "callgrind" else tool)
    conditions = [("counter version", "unknown")]
    if event in _CACHE_EVENTS:
        conditions.append(("caches", "unknown"))
    findings.add(
        series,
        Unit("B" if event in _BYTES else "1"),
        Direction.LOWER,
        [found],
        place,
        zero_is_real=True,
        assumption=Assumption.EXACT,
        conditions=tuple(sorted(conditions)),
    )


def _profiles(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The tools with their metrics in total, and where they stand."""
    profiles = value.get("profiles")
    for index, profile in enumerate(profiles if isinstance(profiles, list) else ()):
        tool = plain_text(_inside(profile, "tool")).lower()
        if tool not in _TOOLS:
            continue
        now = _inside(profile, "data", "total", "metrics")
        before = _inside(profile, "summaries", "total", "summary")
        if isinstance(now, dict):
            yield tool, now, f"$.profiles[{index}].data.total.metrics"
        elif isinstance(before, dict):
            inner = next((each for key, each in before.items() if key.lower() == tool), None)
            if isinstance(inner, dict):
                yield tool, inner, f"$.profiles[{index}].summaries.total.summary"
    oldest = _inside(value, "callgrind_summary", "callgrind_run", "total", "summary")
    if isinstance(oldest, dict):
        yield "callgrind", oldest, "$.callgrind_summary.callgrind_run.total.summary"


def _inside(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _new(told: object) -> object:
    """The new one of a metric's values, in whatever way its schema version writes that there are two."""
    values = _inside(told, "values") or _inside(told, "metrics")
    if not isinstance(values, dict):
        return None
    both = values.get("Both")
    new = next((values[key] for key in ("new", "New", "Left") if key in values), None)
    if new is None and both is not None:
        new = both[0] if isinstance(both, list) and both else _inside(both, "new")
    if isinstance(new, dict) and len(new) == 1:
        # A number may say what it is: {"Int": 5}.
        new = next(iter(new.values()))
    return new
