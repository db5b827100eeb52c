"""k6's results: the summary of `--summary-export` or `handleSummary`, and the points of `--out json`.

Thresholds are k6's own verdicts and are not read; in the summary export they even say true where one was crossed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from perfgate.adapters.bench_reading import Findings, Reading, number
from perfgate.adapters.bench_units import Cleaned, cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "k6"
_LOWER, _HIGHER, _NONE = Direction.LOWER, Direction.HIGHER, Direction.NONE
#: Which way k6's own metrics are better. The load and the amount of data are what the script asked for.
_RATES = {"http_req_failed": _LOWER, "checks": _HIGHER, "checks_succeeded": _HIGHER, "checks_failed": _LOWER}
_COUNTERS = {"http_reqs": _HIGHER, "iterations": _HIGHER, "ws_msgs_received": _HIGHER, "dropped_iterations": _LOWER}
_LEFT_OUT = {"vus", "vus_max", "data_sent", "data_received", "checks_total"}
_TIMES = ("http_req_", "iteration_duration", "group_duration", "ws_", "grpc_req_", "browser_")
_P95 = ("p(95)", "p95")
MOST_POINTS = 2_000_000
_HOW = "keep the points: k6 run --out json=FILE"


class _Metric(NamedTuple):
    """A metric as some file tells it: `values` are a trend's statistics, a rate or a count; seconds the test's length."""

    name: str
    kind: str
    is_time: bool
    values: dict[str, Any]
    place: str


def why_not(value: object) -> str:
    """Why this JSON is no summary of k6; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    if isinstance(value.get("metrics"), dict) and isinstance(value.get("root_group"), dict):
        return ""
    metadata, results = value.get("metadata"), value.get("results")
    if isinstance(metadata, dict) and "k6_version" in metadata and isinstance(results, dict):
        return ""
    return 'there is neither "metrics" with a "root_group" nor "results" with a k6_version'


def read(value: Any, where: str) -> Reading:
    """The metrics of a summary that `why_not` accepted: medians, 95th percentiles, rates and counts per second."""
    findings = Findings(TOOL, where)
    count = 0
    seconds = _seconds(value)
    for metric in _metrics(value, where):
        count += _summary(metric, seconds, findings)
    metadata = value.get("metadata")
    version = metadata.get("k6_version") if isinstance(metadata, dict) else ""
    return findings.reading(benchmarks=count, version=version, samples_by=_HOW)


def why_not_points(text: str) -> str:
    """Why this text is not the points of k6; "" where it is."""
    try:
        first = json.loads(text[:100_000].lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return "the first line is no JSON object"
    good = (
        isinstance(first, dict) and first.keys() >= {"type", "data", "metric"} and first["type"] in {"Metric", "Point"}
    )
    return "" if good else 'the first line is no "Metric" and no "Point"'


def read_points(text: str, where: str) -> Reading:
    """The points of a text that `why_not_points` accepted; every measured time is a sample."""
    findings = Findings(TOOL, where)
    declared: dict[str, dict[str, Any]] = {}
    points: dict[str, list[float]] = {}
    total = 0
    for line, event in _events(text, where):
        name, data = plain_text(event.get("metric")), event.get("data")
        if not isinstance(data, dict):
            raise InputError('"data" is an object', where=f"{where}:{line}", remedy="write the file again")
        if event.get("type") == "Metric":
            declared[name] = data
        elif event.get("type") == "Point":
            value = number(data.get("value"))
            points.setdefault(name, []).append(float("nan") if value is None else value)
            total += 1
            if total > MOST_POINTS:
                raise InputError(f"more than the {MOST_POINTS:,} points that are read", where=f"{where}:{line}")
    count = 0
    for name, values in points.items():
        kind = plain_text(declared.get(name, {}).get("type"))
        is_time = declared.get(name, {}).get("contains") == "time"
        count += _points(name, kind, values, findings, where, is_time=is_time)
    return findings.reading(benchmarks=count)


def _events(text: str, where: str) -> Any:
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        try:
            event = json.loads(written)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise InputError(
                "this line is no point of k6", where=f"{where}:{line}", remedy="let the test run to its end"
            )
        yield line, event


def _metrics(value: dict[str, Any], where: str) -> list[_Metric]:
    """The metrics of each of the three layouts that a summary may have."""
    found: list[_Metric] = []
    if isinstance(value.get("metrics"), dict):
        for name, told in value["metrics"].items():
            if isinstance(told, dict):
                values = told.get("values")
                flat = values if isinstance(values, dict) else told
                kind = plain_text(told.get("type")) or _kind(flat)
                is_time = told["contains"] == "time" if "contains" in told else name.startswith(_TIMES)
                found.append(_Metric(name, kind, is_time, flat, f"{where}, $.metrics.{plain_text(name)[:100]}"))
        return found
    results = value["results"]
    checks = results.get("checks")
    for key, told in (
        ("checks.metrics", checks.get("metrics") if isinstance(checks, dict) else None),
        ("metrics", results.get("metrics")),
    ):
        for index, each in enumerate(told if isinstance(told, list) else ()):
            values = each.get("values") if isinstance(each, dict) else None
            if isinstance(values, dict):
                place = f"{where}, $.results.{key}[{index}]"
                is_time = each.get("contains") == "time"
                found.append(
                    _Metric(plain_text(each.get("name")), plain_text(each.get("type")), is_time, values, place)
                )
    return found


def _kind(values: dict[str, Any]) -> str:
    """What a metric of the summary export is; it does not say so itself."""
    if "med" in values:
        return "trend"
    if "passes" in values:
        return "rate"
    return "counter" if "count" in values else "gauge"


def _seconds(value: dict[str, Any]) -> float:
    config = value.get("config")
    told = number(config.get("duration")) if isinstance(config, dict) else None
    return told or 0.0


def _summary(metric: _Metric, seconds: float, findings: Findings) -> int:
    values, place = metric.values, metric.place
    if metric.kind == "trend":
        for key in ("med", *_P95):
            value = number(values.get(key))
            if value is not None:
                label = "p(95)" if key in _P95 else key
                _trend(metric.name, label, [value], f"{place}.{key}", findings, is_time=metric.is_time, bare=True)
        return 1
    if metric.kind == "rate":
        share = number(values.get("rate", values.get("value")))
        return _rate(metric.name, [] if share is None else [share], place, findings)
    if metric.kind == "counter":
        rate = number(values.get("rate"))
        amount = number(values.get("count"))
        if rate is None and amount is not None and seconds > 0:
            rate = amount / seconds
        return _counter(metric.name, [] if rate is None else [rate], place, findings)
    return 0


def _points(name: str, kind: str, values: Sequence[float], findings: Findings, place: str, *, is_time: bool) -> int:
    if kind == "trend":
        _trend(name, "med", values, place, findings, is_time=is_time)
        _trend(name, "p(95)", [_percentile(sorted(values), 0.95)], place, findings, is_time=is_time)
        return 1
    if kind == "rate":
        return _rate(name, [sum(values) / len(values)], place, findings)
    # A count per second needs the test's length, which the points do not tell.
    return 0


def _trend(
    name: str,
    statistic: str,
    values: Sequence[float],
    place: str,
    findings: Findings,
    *,
    is_time: bool,
    bare: bool = False,
) -> None:
    unit = cleaned("ms") if is_time else Cleaned(Unit("1"), cleaned("1").factor, _NONE)
    series = findings.series("bench.time" if is_time else "bench.trend", name, place, statistic=statistic)
    scaled = [unit.value(value) for value in values]
    # A connection that is used again takes no time to open.
    findings.add(series, unit.unit, unit.better, scaled, place, bare=bare, zero_is_real=True)


def _rate(name: str, values: Sequence[float], place: str, findings: Findings) -> int:
    series = findings.series("bench.ratio", name, place)
    findings.add(series, Unit("1"), _RATES.get(name, _NONE), values, place, zero_is_real=True)
    return 1


def _counter(name: str, values: Sequence[float], place: str, findings: Findings) -> int:
    if name in _LEFT_OUT:
        return 0
    series = findings.series("bench.throughput", name, place)
    findings.add(series, Unit("1", "s"), _COUNTERS.get(name, _NONE), values, place, zero_is_real=True)
    return 1


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The percentile as k6 computes it: linear between the two nearest ranks."""
    if any(math.isnan(value) for value in ordered):
        return float("nan")
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low) if len(ordered) > 1 else ordered[0]
