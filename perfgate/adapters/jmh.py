"""JMH's JSON (`-rf json`): the score of every iteration in every fork, in operations per time or time per operation."""

from __future__ import annotations

import re
from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, number, objects, parameters
from perfgate.adapters.bench_units import Cleaned, cleaned, slug
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.model import Series
from perfgate.core.units import Unit

TOOL = "jmh"
_MODES = {"thrpt": "bench.throughput", "avgt": "bench.time", "sample": "bench.time", "ss": "bench.time"}
_BYTES = "gc.alloc.rate.norm"
#: Percentiles follow from the samples; what a collector did depends on how long it was watched.
_LEFT_OUT = re.compile(r"p\d+\.\d+|gc\..*|safepoints\..*")
#: A histogram of a sampled benchmark stands for more values than anyone keeps; this many of them, evenly, say the same.
_MOST_OF_HISTOGRAM = 10_000


def why_not(value: object) -> str:
    """Why this JSON is not JMH's; "" where it is."""
    if not isinstance(value, list):
        return "the file is no JSON list"
    first = value[0] if value else {}
    if not isinstance(first, dict) or not {"benchmark", "primaryMetric"} <= first.keys():
        return 'the first entry has no "benchmark" with a "primaryMetric"'
    return ""


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted. A benchmark that failed is absent from JMH's files."""
    findings = Findings(TOOL, where)
    for entry, place in objects(value, where, "$"):
        _benchmark(entry, place, findings)
    first = value[0]
    if isinstance(first, dict) and first.get("forks") == 0:
        findings.note("no-forks", "the benchmarks ran inside JMH's own process", "run with -f 1 or more")
    twice = "benchmarks of one name need different parameters or modes"
    return findings.reading(version=first.get("jmhVersion"), samples_by="keep rawData in the file", twice=twice)


def _benchmark(entry: dict[str, Any], place: str, findings: Findings) -> None:
    # Two modes give a time of the same benchmark, but not the same time.
    mode, threads = plain_text(entry.get("mode")), number(entry.get("threads")) or 1
    labels = {
        "parameters": parameters(entry.get("params")),
        "mode": mode,
        "threads": f"{threads:g}" if threads != 1 else "",
    }
    primary = entry.get("primaryMetric")
    primary = primary if isinstance(primary, dict) else {}
    unit = cleaned(plain_text(primary.get("scoreUnit")) or "s/op")
    series = findings.series(_MODES.get(mode, "bench.score"), entry.get("benchmark"), place, **labels)
    _metric(primary, unit, series, f"{place}.primaryMetric", findings)
    secondary = entry.get("secondaryMetrics")
    for name, metric in sorted(secondary.items() if isinstance(secondary, dict) else ()):
        if isinstance(metric, dict):
            _secondary(plain_text(name), metric, plain_text(primary.get("scoreUnit")), entry, labels, place, findings)


def _secondary(
    name: str,
    metric: dict[str, Any],
    primary: str,
    entry: dict[str, Any],
    labels: dict[str, str],
    place: str,
    findings: Findings,
) -> None:
    """A profiler's or counter's metric. Only allocation, and what is counted like the score itself, has a known direction."""
    told = plain_text(metric.get("scoreUnit"))
    unit = cleaned(told)
    bare = name.lstrip("·+")
    if bare != _BYTES and _LEFT_OUT.fullmatch(bare):
        return
    if bare == _BYTES:
        unit = unit._replace(unit=Unit("B", "op"), better=Direction.LOWER)
    elif told != primary:
        unit = unit._replace(better=Direction.NONE)
    series = findings.series(
        "bench.bytes" if bare == _BYTES else f"bench.{slug(bare)}", entry.get("benchmark"), place, **labels
    )
    at = f"{place}.secondaryMetrics.{name[:100]}"
    _metric(metric, unit, series, at, findings, zero_is_real=True)


def _metric(
    metric: dict[str, Any], unit: Cleaned, series: Series, place: str, findings: Findings, *, zero_is_real: bool = False
) -> None:
    values, at = _raw(metric)
    if bare := not values:
        # The score may be the word "NaN"; its error is one wherever there were too few iterations, which says nothing.
        score = number(metric.get("score"))
        values, at = ([] if score is None else [score]), "score"
    scaled = [unit.value(value) for value in values]
    origin = f"{place}.{at} ({plain_text(metric.get('scoreUnit'))[:40]})"
    findings.add(series, unit.unit, unit.better, scaled, origin, bare=bare, zero_is_real=zero_is_real)


def _raw(metric: dict[str, Any]) -> tuple[list[float], str]:
    """The values of all forks in their order, and the key they stand under."""
    if isinstance(forks := metric.get("rawData"), list):
        values = [number(each) for fork in forks if isinstance(fork, list) for each in fork]
        return [float("nan") if value is None else value for value in values], "rawData"
    if isinstance(forks := metric.get("rawDataHistogram"), list):
        pairs = [
            pair for fork in forks if isinstance(fork, list) for part in fork if isinstance(part, list) for pair in part
        ]
        return _spread(pairs), "rawDataHistogram"
    return [], ""


def _spread(pairs: list[Any]) -> list[float]:
    """The values behind pairs of value and count, evenly thinned where there are very many."""
    counted = []
    for pair in pairs:
        if isinstance(pair, list) and len(pair) == 2:
            value, count = number(pair[0]), number(pair[1])
            if value is not None and count is not None and 0 < count < 1e15:
                counted.append((value, int(count)))
    counted.sort()
    total = sum(count for _, count in counted)
    step = max(1.0, total / _MOST_OF_HISTOGRAM)
    values, seen, wanted = [], 0, step / 2
    for value, count in counted:
        seen += count
        while wanted < seen:
            values.append(value)
            wanted += step
    return values
