"""Criterion's folder (`target/criterion`): the samples of the newest run of each benchmark, in nanoseconds.

What Criterion itself says of a change (`change/`, `base/`) rests on the spread within one session, and is not read: between
two sessions of the same code it may claim any difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from perfgate.adapters.bench_reading import Findings, Reading, samples
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "criterion"
_NAME, _SAMPLE = "new/benchmark.json", "new/sample.json"
_PARTS = {"new", "base", "change", "report"}
_NS = cleaned("ns")


def why_not(names: Sequence[str]) -> str:
    """Why a folder with these files is not Criterion's; "" where it is."""
    return "" if _benchmarks(names) else f"there is no {_NAME} beside a {_SAMPLE}"


def claims(names: Sequence[str]) -> frozenset[str]:
    """The files of Criterion's among these: results, and the reports and comparisons that it wrote beside them."""
    folders = set(_benchmarks(names))
    return frozenset(name for name in names if "report/" in name or not folders.isdisjoint(_owners(name)))


def results(names: Sequence[str]) -> Sequence[str]:
    """The files that are read."""
    return [folder + _SAMPLE for folder in _benchmarks(names)]


def read(names: Sequence[str], load: Callable[[str], Any], where: str) -> Reading:
    """The benchmarks of a folder that `why_not` accepted; `load` gives the JSON value of one of its files.

    Throughput is not a series: it is the amount that the benchmark names, divided by the time. A sample is the time of many iterations; in the linear mode, of a growing number. Divided, all stand for one iteration.
    """
    findings = Findings(TOOL, where)
    folders = _benchmarks(names)
    for folder in folders:
        _benchmark(load(folder + _NAME), load(folder + _SAMPLE), f"{where}/{folder}{_SAMPLE}", findings)
    twice = "name one of the folders: results of a benchmark that was moved stay in the old one"
    return findings.reading(benchmarks=len(folders), twice=twice)


def _benchmark(about: Any, sample: Any, place: str, findings: Findings) -> None:
    if not isinstance(about, dict) or not isinstance(sample, dict):
        raise InputError("an object is wanted here", where=place, remedy="run the benchmarks again")
    name = about.get("full_id") or about.get("title")
    times, iterations = (
        samples(sample.get("times"), f"{place}, $.times"),
        samples(sample.get("iters"), f"{place}, $.iters"),
    )
    if len(times) != len(iterations):
        what = f"{len(times)} times do not belong to {len(iterations)} counts of iterations"
        raise InputError(what, where=place, remedy="run the benchmarks again")
    values = [
        _NS.value(time / count) if count > 0 else float("nan") for time, count in zip(times, iterations, strict=True)
    ]
    series = findings.series("bench.time", name, place)
    mode = plain_text(sample.get("sampling_mode"))[:20]
    findings.add(series, Unit("s"), Direction.LOWER, values, f"{place} (ns, {mode or 'unknown'} sampling)")


def _benchmarks(names: Sequence[str]) -> list[str]:
    """The folders that hold a result, each with its slash; "" is the folder itself."""
    known = set(names)
    folders = [name.removesuffix(_NAME) for name in names if name == _NAME or name.endswith("/" + _NAME)]
    return sorted(folder for folder in folders if folder + _SAMPLE in known)


def _owners(name: str) -> list[str]:
    """The folders of benchmarks that a file may belong to: those above its new/, base/, change/ or report/."""
    parts = name.split("/")
    return ["".join(f"{each}/" for each in parts[:at]) for at, part in enumerate(parts[:-1]) if part in _PARTS]
