"""Go's benchmark text (`go test -bench`, and its `-json` stream): repeats of `-count` are the samples.

Format: https://go.dev/design/14313-benchmark-format, with the "Unit" lines of golang.org/x/perf/benchunit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from perfgate.adapters.bench_reading import (
    Reading,
    check_count,
    check_unique,
    measurement,
    unknown,
)
from perfgate.adapters.labels import label, plain_text
from perfgate.core.metrics import Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series
from perfgate.core.units import Unit, base_of
from perfgate.errors import InputError

TOOL = "go"
_LOWER, _HIGHER, _NONE = Direction.LOWER, Direction.HIGHER, Direction.NONE
#: The testing package's own units.
_METRICS = {
    "ns/op": ("bench.time", _LOWER),
    "MB/s": ("bench.throughput", _HIGHER),
    "B/op": ("bench.bytes", _LOWER),
    "allocs/op": ("bench.allocs", _LOWER),
}
#: A last word that a custom unit must not take from another reader's or Go's own metric.
_TAKEN = {"time", "throughput", "bytes", "allocs", "memory"}
_COUNTS = {"bench.bytes", "bench.allocs"}
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(?:NaN|Inf)", re.IGNORECASE)
_ITERATIONS = re.compile(r"\d{1,18}", re.ASCII)
_CONFIG = re.compile(r"(goos|goarch|pkg|cpu):\s*(.*)")
_UNIT = re.compile(r"Unit\s+(\S+)\s+(.*)")
_FAILED = re.compile(r"\s*--- FAIL: (Benchmark\S+)")
_PACKAGE_END = re.compile(r"(FAIL|ok)\s+(\S+)")
_SUFFIX = re.compile(r"(.+)-(\d{1,5})")
_EVENTS = {"Time", "Action", "Package", "Output", "ImportPath", "Elapsed", "Test", "OutputType", "FailedBuild"}
_LONGEST_LINE = 100_000
MOST_RESULTS = 500_000


class _Line(NamedTuple):
    number: int
    text: str


class _Result(NamedTuple):
    package: str
    name: str
    unit: str
    value: str
    line: int


class _File(NamedTuple):
    results: list[_Result]
    failed: list[tuple[str, str, int]]
    broken: list[str]
    better: dict[str, Direction]
    cpu: str


def why_not(text: str) -> str:
    """Why this text is not Go's; "" where it is."""
    # Looking for a word first is hundreds of times faster than going through the lines of a long text that is not Go's.
    if is_stream(text) or (
        "Benchmark" in text and any(_fields(line.text) or _FAILED.match(line.text) for line in _lines(text))
    ):
        return ""
    return 'no line reads "BenchmarkName N value unit"'


def is_stream(text: str) -> bool:
    """Whether this is the output of `go test -json`: one event a line."""
    try:
        event = json.loads(text[:_LONGEST_LINE].lstrip().partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and "Action" in event and event.keys() <= _EVENTS


def read(text: str, where: str) -> Reading:
    """The benchmarks in a text that `why_not` accepted.

    Series carry the package as label, and `procs` where one name was run with several values of GOMAXPROCS.
    """
    file = _parse(_events(text, where) if is_stream(text) else _lines(text), where)
    caveats: list[Caveat] = []
    procs = _procs([result.name for result in file.results], [name for _, name, _ in file.failed])
    groups: dict[tuple[str, str, str], list[_Result]] = {}
    for result in file.results:
        groups.setdefault((result.package, result.name, result.unit), []).append(result)
    benchmarks = {(package, name) for package, name, _ in groups}
    check_count(len(benchmarks) + len(file.failed), where, TOOL)
    found: list[Measurement] = []
    failed = {(package, name): line for package, name, line in file.failed}
    for (package, name, unit), results in groups.items():
        if (package, name) not in failed:
            found.append(_measured(_labels(package, name, procs, caveats), unit, results, file.better, where))
    for (package, name), line in failed.items():
        series = Series.of("bench.time", **_labels(package, name, procs, caveats))
        found.append(
            unknown(series, Unit("s", "op"), _LOWER, f"{where}:{line}", "the benchmark failed; see its output, mend it")
        )
    check_unique(found, where, "two custom units have the same letters, or two packages no name; rename one")
    caveats += _caveats(file, groups, where)
    return Reading(TOOL, "", file.cpu, len(benchmarks | failed.keys()), Capture(tuple(found), {}, tuple(caveats)))


# --- lines ------------------------------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) <= _LONGEST_LINE:
            yield _Line(number, line.rstrip())


def _fields(text: str) -> list[str]:
    """Name, iterations, and pairs of value and unit of a result line; empty for any other line."""
    if not text.startswith("Benchmark"):
        return []
    fields = text.split()
    if len(fields) < 4 or len(fields) % 2 or not _ITERATIONS.fullmatch(fields[1]):
        return []
    good = all(_NUMBER.fullmatch(value) or _NO_NUMBER.fullmatch(value) for value in fields[2::2])
    return fields if good else []


def _events(text: str, where: str) -> Iterator[_Line]:
    """The lines that the events of `go test -json` make up, package by package; one line may come in several events."""
    pending: dict[str, str] = {}
    finished: dict[str, list[_Line]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise InputError("this is not an event of go test -json", where=f"{where}:{number}", remedy="run it again")
        package = plain_text(event.get("Package"))
        *whole, rest = (pending.pop(package, "") + plain_text(event.get("Output"))).split("\n")
        pending[package] = rest[:_LONGEST_LINE]
        finished.setdefault(package, []).extend(_Line(number, each) for each in whole)
    for lines in finished.values():
        yield from lines


def _parse(lines: Iterator[_Line], where: str) -> _File:
    file = _File([], [], [], {}, "")
    package, cpu = "", ""
    for number, text in lines:
        if fields := _fields(text):
            for value, unit in zip(fields[2::2], fields[3::2], strict=True):
                file.results.append(_Result(package, fields[0], unit, value, number))
            if len(file.results) > MOST_RESULTS:
                raise InputError(f"more than the {MOST_RESULTS:,} values that are read", where=f"{where}:{number}")
        elif match := _CONFIG.fullmatch(text):
            if match[1] == "pkg":
                package = match[2].strip()
                _place(file.failed, package)
            elif match[1] == "cpu":
                cpu = cpu or match[2].strip()[:200]
        elif match := _UNIT.fullmatch(text):
            _declare(file.better, match[1], match[2])
        elif match := _FAILED.match(text):
            file.failed.append((package, match[1], number))
        elif match := _PACKAGE_END.match(text):
            if match[1] == "FAIL":
                file.broken.append(match[2][:200])
                _place(file.failed, match[2])
            package = ""
    return file._replace(cpu=cpu)


def _place(failed: list[tuple[str, str, int]], package: str) -> None:
    """Give the failures seen so far their package: Go tells it with the first result, or at the end."""
    for index, (known, name, line) in enumerate(failed):
        if not known:
            failed[index] = (package, name, line)


def _declare(better: dict[str, Direction], unit: str, pairs: str) -> None:
    for pair in pairs.split():
        if pair in {"better=higher", "better=lower"}:
            better[unit] = _HIGHER if pair.endswith("higher") else _LOWER


# --- names ------------------------------------------------------------------------------------------------------------


def _procs(names: Sequence[str], failed: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Each name without its GOMAXPROCS suffix, and the suffix where it tells benchmarks apart.

    Go writes "-8" after the name unless GOMAXPROCS is 1, and a name may end in a number itself. So "-8" is taken off only
    where every name of the file ends so, or where each name is there with each of several suffixes (`-cpu 1,2,4`). The
    names of failed benchmarks come with and without a suffix, so they prove nothing.
    """
    split = {name: _split(name) for name in names}
    suffixes = {suffix for _, suffix in split.values()}
    by_stem: dict[str, set[str]] = {}
    for stem, suffix in split.values():
        by_stem.setdefault(stem, set()).add(suffix)
    if not suffixes or any(have != suffixes for have in by_stem.values()):
        return {name: (name, "") for name in (*names, *failed)}
    for name in failed:
        stem, suffix = _split(name)
        split[name] = (stem, suffix) if suffix in suffixes else (name, "")
    if len(suffixes) == 1:
        return {name: (stem, "") for name, (stem, _) in split.items()}
    return {name: (stem, suffix or "1") for name, (stem, suffix) in split.items()}


def _split(name: str) -> tuple[str, str]:
    match = _SUFFIX.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def _labels(package: str, name: str, procs: dict[str, tuple[str, str]], caveats: list[Caveat]) -> dict[str, str]:
    stem, suffix = procs[name]
    return {"tool": TOOL, "benchmark": label(stem, caveats), "pkg": label(package, caveats), "procs": suffix}


# --- values -----------------------------------------------------------------------------------------------------------


def _measured(
    labels: dict[str, str], unit: str, results: Sequence[_Result], better: dict[str, Direction], where: str
) -> Measurement:
    base, factor = base_of(plain_text(unit)[:80])
    metric, direction = _METRICS.get(unit, (f"bench.{_slug(unit)}", _NONE))
    if metric == "bench.allocs":
        base = Unit("1", "op")
    if base.is_money or not base.base:
        # A custom unit that looks like a currency is not one: amounts are never floats.
        base = Unit(base.base.lower() or "1", base.per)
    values = [_scaled(result.value, factor) for result in results]
    return measurement(
        Series.of(metric, **labels),
        base,
        better.get(unit, direction),
        values,
        f"{where}:{results[0].line}",
        resolution=max(_step(result.value, factor) for result in results),
        zero_is_real=metric in _COUNTS or unit not in _METRICS,
    )


def _scaled(text: str, factor: Decimal) -> float:
    """A printed value in base units; NaN for what is no finite number."""
    return float(Decimal(text) * factor) if _NUMBER.fullmatch(text) else math.nan


def _step(text: str, factor: Decimal) -> float:
    """One unit in the last printed place: what the text can tell apart."""
    if not _NUMBER.fullmatch(text):
        return 0.0
    exponent = Decimal(text).as_tuple().exponent
    return float(Decimal((0, (1,), exponent)) * factor) if isinstance(exponent, int) and exponent < 30 else 0.0


def _slug(unit: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", unit.lower()).strip("_")[:60] or "custom"
    return f"custom_{slug}" if slug in _TAKEN else slug


def _caveats(file: _File, groups: dict[tuple[str, str, str], list[_Result]], where: str) -> list[Caveat]:
    caveats = []
    custom = sorted({unit[:40] for _, _, unit in groups if unit not in _METRICS and unit not in file.better})
    if custom:
        caveats.append(
            Caveat(
                "custom-unit",
                f"{where}: for {', '.join(custom[:5])} nothing says whether more is better, so only limits apply",
                f'let the benchmark print a line "Unit {custom[0]} better=lower"',
            )
        )
    if file.broken:
        caveats.append(
            Caveat(
                "go-failed",
                f"{where}: go test failed in {', '.join(dict.fromkeys(file.broken[:5]))}; benchmarks after the failure are missing",
                "mend the package, and run the benchmarks again",
            )
        )
    return caveats
