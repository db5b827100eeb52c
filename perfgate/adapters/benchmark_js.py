"""benchmark.js as it prints itself: "NAME x 1,431,759 ops/sec ±0.74% (93 runs sampled)"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfgate.adapters.bench_reading import Findings, Reading
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit

TOOL = "benchmark.js"
_LONGEST_LINE = 10_000
_RESULT = re.compile(
    r"(?P<value>[0-9][0-9,]{0,30}(?:\.[0-9]{1,20})?) ops/sec \S{1,4}[0-9.,]{1,20}% \([0-9,]{1,20} runs? sampled\)"
)


def why_not(text: str) -> str:
    """Why this text is not of benchmark.js; "" where it is."""
    return "" if " ops/sec " in text and any(_lines(text)) else 'no line reads "NAME x N ops/sec ±N% (N runs sampled)"'


def read(text: str, where: str) -> Reading:
    """The benchmarks in a text that `why_not` accepted: operations per second, one value each.

    A benchmark that failed prints no result; it is missing, which the gate notices.
    """
    findings = Findings(TOOL, where)
    results: dict[str, list[tuple[float, int]]] = {}
    for number, name, value in _lines(text):
        results.setdefault(name, []).append((value, number))
    for name, values in results.items():
        place = f"{where}:{values[0][1]}"
        series = findings.series("bench.throughput", name, place)
        found = [value for value, _ in values]
        findings.add(series, Unit("op", "s"), Direction.HIGHER, found, place, bare=len(found) == 1)
    return findings.reading(samples_by="print several runs into one file")


def _lines(text: str) -> Iterator[tuple[int, str, float]]:
    """The number of each result's line, its name and its value."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) <= _LONGEST_LINE and " ops/sec " in line:
            name, _, rest = line.strip().rpartition(" x ")
            if name.strip() and (match := _RESULT.fullmatch(rest)):
                yield number, name.strip(), float(match["value"].replace(",", ""))
