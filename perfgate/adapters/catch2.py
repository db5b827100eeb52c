"""Catch2's XML (`-r xml`): the mean of every BENCHMARK, in nanoseconds, under its test case and sections."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.parsers import expat

from perfgate.adapters.bench_reading import MOST_BENCHMARKS, Findings, Reading
from perfgate.adapters.bench_units import cleaned
from perfgate.core.metrics import Direction
from perfgate.errors import InputError

TOOL = "catch2"
_ROOT = re.compile(r"<(?:Catch2TestRun|Catch)[\s>]")
_NS = cleaned("ns")
_DEEPEST = 100
_SECTIONS = {"TestCase", "Section"}


class _Benchmark(NamedTuple):
    name: str
    line: int
    means: list[str]
    failures: list[str]


def why_not(text: str) -> str:
    """Why this text is no XML report of Catch2; "" where it is."""
    if not text.lstrip().startswith("<"):
        return "the file is not XML"
    return "" if _ROOT.search(text[:100_000]) else "there is no root Catch2TestRun or Catch"


def read(text: str, where: str) -> Reading:
    """The benchmarks in a text that `why_not` accepted. A test case that runs again for its sections gives several samples."""
    findings = Findings(TOOL, where)
    groups: dict[str, list[_Benchmark]] = {}
    for each in _parse(text, where):
        groups.setdefault(each.name, []).append(each)
    for name, runs in groups.items():
        place = f"{where}:{runs[0].line}"
        series = findings.series("bench.time", name, place)
        failures = [message for run in runs for message in run.failures]
        if failures:
            findings.fail(series, _NS.unit, Direction.LOWER, place, f"the benchmark failed: {failures[0][:200]}")
            continue
        values = [_number(mean) for run in runs for mean in run.means]
        origin = f"{place} (ns)"
        findings.add(series, _NS.unit, Direction.LOWER, values, origin, bare=len(values) == 1)
    return findings.reading(benchmarks=len(groups), samples_by="Catch2 keeps none; run it several times")


def _number(text: str) -> float:
    try:
        return _NS.value(float(text)) if len(text) <= 60 else float("nan")
    except ValueError:
        return float("nan")


def _parse(text: str, where: str) -> list[_Benchmark]:
    parser = expat.ParserCreate()
    found: list[_Benchmark] = []
    sections: list[str] = []
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) > _DEEPEST or len(found) > MOST_BENCHMARKS:
            raise InputError(
                "more, or deeper, than anyone nests benchmarks", where=f"{where}:{parser.CurrentLineNumber}"
            )
        if name in _SECTIONS:
            sections.append(attributes.get("name", "").strip())
        elif name == "BenchmarkResults":
            full = " > ".join((*sections, attributes.get("name", "").strip()))
            found.append(_Benchmark(full, parser.CurrentLineNumber, [], []))
        elif "BenchmarkResults" in path and found:
            if name == "mean":
                found[-1].means.append(attributes.get("value", ""))
            elif name == "failed":
                found[-1].failures.append(attributes.get("message", ""))

    def end(name: str) -> None:
        path.pop()
        if name in _SECTIONS and sections:
            sections.pop()

    def refuse(*_: object) -> None:
        raise InputError("the file declares a document type, which is not read", where=where, remedy="remove it")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(
            text.encode("utf-8", "replace") if not text.lstrip().startswith("<?xml") else _declared(text), True
        )
    except expat.ExpatError as error:
        raise InputError(
            f"this is not XML: {expat.ErrorString(error.code)}",
            where=f"{where}:{error.lineno}:{error.offset + 1}",
            remedy="write the file again; the program that made it may have been stopped",
        ) from error
    return found


def _declared(text: str) -> bytes:
    """The text without its declaration, whose encoding no longer holds; its lines keep their numbers."""
    declaration, _, rest = text.partition("?>")
    return ("\n" * declaration.count("\n") + rest).encode("utf-8", "replace")
