"""Lighthouse's JSON (`--output json`): the metrics and scores of one load of a page; several files are several samples."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from perfgate.adapters.bench_reading import Findings, Reading, number
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "lighthouse"
_LOWER = Direction.LOWER
#: Beside the metrics that make up the score: what a page weighs, and where its time goes.
_MORE = (
    "interactive",
    "server-response-time",
    "total-byte-weight",
    "bootup-time",
    "mainthread-work-breakdown",
    "dom-size",
)
_UNITS = {"millisecond": "ms", "second": "s", "byte": "B", "unitless": "1", "element": "elements"}
_NO_TIMES = {
    "total-byte-weight": ("bench.bytes", "B"),
    "cumulative-layout-shift": ("bench.count", "1"),
    "dom-size": ("bench.count", "elements"),
}
_HERE = {"localhost", "127.0.0.1", "::1"}


def why_not(value: object) -> str:
    """Why this JSON is not Lighthouse's; "" where it is."""
    if not isinstance(value, dict) or "lighthouseVersion" not in value:
        return 'there is no "lighthouseVersion" at the top'
    return "" if isinstance(value.get("audits"), dict) else 'there is no object "audits" at the top'


def read(value: Any, where: str) -> Reading:
    """One load of one page. Lower is better for every metric, higher for the scores (0 to 1) of the categories."""
    findings = Findings(TOOL, where)
    settings = value.get("configSettings")
    device = plain_text(settings.get("formFactor")) if isinstance(settings, dict) else ""
    labels = {"page": page(plain_text(value.get("requestedUrl") or value.get("finalUrl"))), "device": device}
    failed = value.get("runtimeError")
    code = plain_text(failed.get("code")) if isinstance(failed, dict) else ""
    error = "" if code in {"", "NO_ERROR"} else f"the page was not loaded: {plain_text(failed.get('message')) or code}"
    for name in _audits(value):
        audit = value["audits"].get(name)
        if isinstance(audit, dict):
            _audit(name, audit, error, f"{where}, $.audits.{name[:100]}", labels, findings)
    categories = value.get("categories")
    for name, category in categories.items() if isinstance(categories, dict) else ():
        score = number(category.get("score")) if isinstance(category, dict) else None
        place = f"{where}, $.categories.{plain_text(name)[:100]}.score"
        series = findings.series("bench.score", name, place, **labels)
        if error or score is None:
            findings.fail(series, Unit("1"), Direction.HIGHER, place, error or "this category has no score")
        else:
            findings.add(series, Unit("1"), Direction.HIGHER, [score], place, zero_is_real=True)
    version = value.get("lighthouseVersion")
    return findings.reading(version=version, sample_a_file=True)


def page(address: str) -> str:
    """What stands for the page in a label: without name and password, query and fragment; a page of this machine by its path."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return re.sub(r"[?#].*|//[^/@]*@", "", address)
    if host in _HERE:
        return parts.path or "/"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path or '/'}" if host else parts.path


def _audits(value: dict[str, Any]) -> list[str]:
    """The metrics that count for the performance score, then the few others."""
    categories = value.get("categories")
    performance = categories.get("performance") if isinstance(categories, dict) else None
    references = performance.get("auditRefs") if isinstance(performance, dict) else None
    names = [
        plain_text(each.get("id"))
        for each in (references if isinstance(references, list) else ())
        if isinstance(each, dict) and each.get("group") == "metrics"
    ]
    return list(dict.fromkeys((*names, *_MORE)))


def _audit(
    name: str, audit: dict[str, Any], error: str, place: str, labels: dict[str, str], findings: Findings
) -> None:
    told = plain_text(audit.get("numericUnit"))
    unit = cleaned(_UNITS.get(told, told))
    value = number(audit.get("numericValue"))
    failed = error or (
        f"the audit failed: {plain_text(audit.get('errorMessage'))}" if audit.get("errorMessage") else ""
    )
    if failed:
        # An audit that failed does not tell its unit.
        metric, base = _NO_TIMES.get(name, ("bench.time", "s"))
        series = findings.series(metric, name, place, **labels)
        findings.fail(series, Unit(base), _LOWER, place, failed)
    elif value is not None:
        metric = {"s": "bench.time", "B": "bench.bytes"}.get(unit.unit.base, "bench.count")
        series = findings.series(metric, name, place, **labels)
        origin = f"{place}.numericValue ({told[:40]})"
        findings.add(series, unit.unit, _LOWER, [unit.value(value)], origin, zero_is_real=True)
