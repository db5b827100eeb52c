"""gungraun, iai-callgrind and iai: the summary.json files of `--save-summary=json`, their folder, or what is printed.

Read from schema version 7 (gungraun 0.20) and its terminal output; versions 3 to 6 (iai-callgrind) and iai from their
documentation. Only the new values are read, never the comparison with an earlier run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
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
#: The names on the terminal; iai's accesses of a level are what others call hits.
_PRINTED = {
    "Instructions": "Ir",
    "LL Hits": "LLhits",
    "L2 Hits": "LLhits",
    "RAM Hits": "RamHits",
    "L2 Accesses": "LLhits",
    "RAM Accesses": "RamHits",
    "Estimated Cycles": "EstimatedCycles",
}
_COUNT = re.compile(r"[ \t]{1,20}([A-Z][A-Za-z0-9 ]{1,20}):[ \t]{1,60}([0-9]{1,18})(?:[|( \t].*)?")
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_LONGEST_LINE = 10_000
_SUMMARY = "summary.json"
_ITS_FILES = re.compile(r"(?:callgrind|cachegrind|dhat)\..*")
_PINNED = "the file does not tell which Valgrind counted; another version counts a little differently"


def why_not(value: object) -> str:
    """Why this JSON is no summary of gungraun; "" where it is."""
    if not isinstance(value, dict) or not {"version", "module_path", "benchmark_file"} <= value.keys():
        return 'there is no "module_path" with a "benchmark_file" at the top'
    return "" if value.keys() & {"profiles", "callgrind_summary"} else 'there are no "profiles"'


def read(value: Any, where: str) -> Reading:
    """The benchmark of a file that `why_not` accepted. Its counts are exact, and comparable within one version of Valgrind."""
    findings = Findings(TOOL, where)
    _benchmark(value, where, findings)
    return _finish(findings, 1)


def why_not_text(text: str) -> str:
    """Why this text is not what gungraun or iai prints; "" where it is."""
    return (
        ""
        if any(f"{name}:" in text for name in _PRINTED) and any(_printed(text))
        else 'no line reads "  Instructions:  N" below the name of a benchmark'
    )


def read_text(text: str, where: str) -> Reading:
    """The counts in a text that `why_not_text` accepted, under the same names as in the summaries."""
    findings = Findings(TOOL, where)
    names: set[str] = set()
    for line, name, event, count in _printed(text):
        names.add(name)
        _add("callgrind", event, count, name, f"{where}:{line} ({event})", findings)
    return _finish(findings, len(names))


def why_not_folder(names: Sequence[str]) -> str:
    """Why a folder with these files is not gungraun's; "" where it is."""
    return "" if results(names) else f"there is no {_SUMMARY} beside a callgrind.NAME.out"


def claims(names: Sequence[str]) -> frozenset[str]:
    """The files of gungraun's among these."""
    folders = {name.removesuffix(_SUMMARY) for name in results(names)}
    return frozenset(name for name in names if name[: name.rfind("/") + 1] in folders)


def results(names: Sequence[str]) -> Sequence[str]:
    """The summaries."""
    beside = {name[: name.rfind("/") + 1] for name in names if _ITS_FILES.fullmatch(name[name.rfind("/") + 1 :])}
    return [name for name in names if name.endswith(_SUMMARY) and name.removesuffix(_SUMMARY) in beside]


def read_folder(names: Sequence[str], load: Callable[[str], Any], where: str) -> Reading:
    """The summaries in a folder that `why_not_folder` accepted."""
    findings = Findings(TOOL, where)
    count = 0
    for name in results(names):
        value = load(name)
        if not why_not(value):
            _benchmark(value, f"{where}/{name}", findings)
            count += 1
    return _finish(findings, count)


def _benchmark(value: dict[str, Any], where: str, findings: Findings) -> None:
    name = "::".join(part for part in (plain_text(value.get("module_path")), plain_text(value.get("id"))) if part)
    before = len(findings.found)
    for tool, metrics, at in _profiles(value):
        for event, told in metrics.items():
            # Where there is only a value of an earlier run, the benchmark has no count.
            count = number(_new(told)) if event in _EVENTS else None
            if count is not None:
                _add(tool, event, count, name, f"{where}, {at}.{event}", findings)
    if len(findings.found) == before:
        place = f"{where}, $"
        series = findings.series("bench.instructions", name, place)
        reason = "the benchmark has no counts; see whether it failed"
        findings.fail(series, Unit("1"), Direction.LOWER, place, reason)


def _finish(findings: Findings, benchmarks: int) -> Reading:
    findings.note("counter-version", _PINNED, "keep the version of Valgrind pinned")
    return findings.reading(benchmarks=benchmarks, twice="name the results of one run")


def _add(tool: str, event: str, count: float, name: str, place: str, findings: Findings) -> None:
    metric = f"bench.{_EVENTS.get(event) or slug(event)}"
    series = findings.series(metric, name, place, counter="" if tool == "callgrind" else tool)
    conditions = [("counter version", "unknown")]
    if event in _CACHE_EVENTS:
        conditions.append(("caches", "unknown"))
    findings.add(
        series,
        Unit("B" if event in _BYTES else "1"),
        Direction.LOWER,
        [count],
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


def _printed(text: str) -> Iterator[tuple[int, str, str, float]]:
    """The counts on the terminal, each with its line and the name that stands above it: "words::group::sort large:(1000)"."""
    name = ""
    for number_of_line, written in enumerate(text.split("\n"), 1):
        if len(written) > _LONGEST_LINE:
            continue
        line = _COLOUR.sub("", written).rstrip()
        match = _COUNT.fullmatch(line)
        if match and name and match[1] in _PRINTED:
            yield number_of_line, name, _PRINTED[match[1]], float(match[2])
        elif line and not line[0].isspace():
            path, _, rest = line.partition(" ")
            name = "::".join(part for part in (path, rest.partition(":")[0]) if part)


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
