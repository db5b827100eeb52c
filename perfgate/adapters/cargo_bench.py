"""Rust's built-in benchmarks (`cargo bench`) and what prints like them: "test NAME … bench: 1,234 ns/iter (+/- 56)"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from perfgate.adapters.bench_reading import Findings, Reading
from perfgate.adapters.bench_units import cleaned, slug
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "cargo-bench"
_LONGEST_LINE = 10_000
_NUMBER = r"[0-9][0-9,]{0,30}(?:\.[0-9]{1,20})?"
_RESULT = re.compile(
    rf"\s*(?P<value>{_NUMBER}) (?P<unit>\S{{1,80}})(?: \(\+/- {_NUMBER}\))?(?: = (?P<rate>{_NUMBER}) (?P<per>\S{{1,80}}))?"
)
_TARGET = re.compile(r"\s{0,20}Running (?:unittests )?(\S{1,300}) \(.*")


class _Value(NamedTuple):
    target: str
    text: str
    line: int


def why_not(text: str) -> str:
    """Why this text is not of cargo bench; "" where it is."""
    found = " ... bench:" in text and any(match for _, _, match in _lines(text))
    return "" if found else 'no line reads "test NAME ... bench: N ns/iter"'


def read(text: str, where: str) -> Reading:
    """The benchmarks in a text that `why_not` accepted: one value each, the median of the tool's own samples.

    The same name again is another sample, unless cargo says that it is of another target.
    """
    findings = Findings(TOOL, where)
    results: dict[tuple[str, str], list[_Value]] = {}
    failed: dict[str, int] = {}
    target = ""
    for number, line, match in _lines(text):
        name = line[5:].partition(" ... ")[0].strip()
        if match:
            results.setdefault((name, match["unit"]), []).append(_Value(target, match["value"], number))
            if match["rate"]:
                results.setdefault((name, match["per"]), []).append(_Value(target, match["rate"], number))
        elif line.startswith("test "):
            failed.setdefault(name, number)
        elif running := _TARGET.fullmatch(line):
            target = running[1]
    for (name, unit), values in results.items():
        targets = list(dict.fromkeys(value.target for value in values))
        for each in targets if name not in failed else ():
            mine = [value for value in values if value.target == each]
            _result(name, unit, mine, each if len(targets) > 1 else "", findings)
    for name, number in failed.items():
        place = f"{where}:{number}"
        series = findings.series("bench.time", name, place)
        findings.fail(series, Unit("s", "op"), Direction.LOWER, place, "the benchmark failed; see its output, mend it")
    twice = "two units have the same letters; rename one"
    return findings.reading(samples_by="use Criterion, or print several runs into one file", twice=twice)


def _result(name: str, told: str, values: list[_Value], target: str, findings: Findings) -> None:
    unit = cleaned(told)
    metric = {"s": "bench.time", "B": "bench.throughput"}.get(unit.unit.base, f"bench.{slug(told)}")
    place = f"{findings.where}:{values[0].line}"
    series = findings.series(metric, name, place, target=target)
    found = [float(Decimal(value.text.replace(",", "")) * unit.factor) for value in values]
    findings.add(series, unit.unit, unit.better, found, f"{place} ({told[:40]})", bare=len(found) == 1)


def _lines(text: str) -> Iterator[tuple[int, str, re.Match[str] | None]]:
    """Results, failures and targets, with the numbers of their lines."""
    for number, written in enumerate(text.split("\n"), 1):
        if len(written) > _LONGEST_LINE:
            continue
        line = written.rstrip()
        if line.startswith("test ") and " ... " in line:
            match = _RESULT.fullmatch(line.partition(" ... bench:")[2])
            if match or line.endswith(" ... FAILED"):
                yield number, line, match
        elif "Running " in line[:30]:
            yield number, line, None
