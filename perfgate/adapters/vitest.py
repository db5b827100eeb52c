"""vitest's benchmark JSON (`vitest bench --outputJson FILE`): tinybench's numbers by file and group, in milliseconds."""

from __future__ import annotations

from typing import Any

from perfgate.adapters import tinybench
from perfgate.adapters.bench_reading import Findings, Reading, objects
from perfgate.adapters.labels import plain_text

TOOL = "vitest"
_HOW = "set benchmark.includeSamples in vitest's configuration"


def why_not(value: object) -> str:
    """Why this JSON is not vitest's; "" where it is."""
    if not isinstance(value, dict) or not isinstance(value.get("files"), list):
        return 'there is no list "files" at the top'
    first = value["files"][0] if value["files"] else {"groups": []}
    return "" if isinstance(first, dict) and "groups" in first else 'the first of the "files" has no "groups"'


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted; skipped ones are not in it."""
    findings = Findings(TOOL, where)
    count = 0
    for file, at in objects(value["files"], where, "$.files"):
        for group, inner in objects(file.get("groups"), where, _pointer(at, "groups")):
            for entry, place in objects(group.get("benchmarks"), where, _pointer(inner, "benchmarks")):
                count += 1
                tinybench.task(_name(group, entry), entry, place, findings)
    return findings.reading(benchmarks=count, samples_by=_HOW)


def _pointer(place: str, key: str) -> str:
    return f"{place.rpartition(', ')[2]}.{key}"


def _name(group: dict[str, Any], entry: dict[str, Any]) -> str:
    """The group's full name, which begins with the file's path from the root, and the benchmark's own."""
    return " > ".join(part for part in (plain_text(group.get("fullName")), plain_text(entry.get("name"))) if part)
