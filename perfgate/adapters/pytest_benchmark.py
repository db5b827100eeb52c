"""pytest-benchmark's JSON (`--benchmark-json FILE`, `--benchmark-save-data`): seconds per call, a sample per round."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import (
    Reading,
    check_count,
    check_unique,
    measurement,
    sample,
    samples,
    unknown,
)
from perfgate.adapters.labels import label, plain_text
from perfgate.core.metrics import Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "pytest-benchmark"


def why_not(value: object) -> str:
    """Why this JSON is not pytest-benchmark's; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    if "machine_info" not in value:
        return 'there is no "machine_info" at the top'
    return "" if isinstance(value.get("benchmarks"), list) else 'there is no list "benchmarks" at the top'


def read(value: Any, where: str) -> Reading:
    """The benchmarks of a file that `why_not` accepted. Without raw data the median stands alone, and a caveat says so."""
    entries = value["benchmarks"]
    check_count(len(entries), where, TOOL)
    caveats: list[Caveat] = []
    bare: list[str] = []
    found = [_entry(entry, where, f"$.benchmarks[{index}]", caveats, bare) for index, entry in enumerate(entries)]
    check_unique(found, where, "give each test its own name, or keep one file per session")
    if bare:
        caveats.append(
            Caveat(
                "no-raw-samples",
                f"{where}: {len(bare)} of {len(found)} benchmarks come without raw samples ({bare[0][:100]}, for example): only the median is kept",
                "read the file of --benchmark-json, or save with --benchmark-save-data",
            )
        )
    return Reading(
        TOOL, plain_text(value.get("version"))[:40], _cpu(value), len(found), Capture(tuple(found), {}, tuple(caveats))
    )


def _cpu(value: dict[str, Any]) -> str:
    info = value["machine_info"]
    cpu = info.get("cpu") if isinstance(info, dict) else None
    if not isinstance(cpu, dict):
        return ""
    return plain_text(cpu.get("brand_raw") or cpu.get("brand"))[:200]


def _entry(entry: object, where: str, pointer: str, caveats: list[Caveat], bare: list[str]) -> Measurement:
    place = f"{where}, {pointer}"
    if not isinstance(entry, dict):
        raise InputError("a benchmark is an object", where=place, remedy="write the file again")
    name = label(plain_text(entry.get("fullname") or entry.get("name")), caveats)
    if not name:
        raise InputError("this benchmark has no name", where=place, remedy="write the file again")
    series = Series.of("bench.time", tool=TOOL, benchmark=name)
    unit, better = Unit("s"), Direction.LOWER
    stats = entry.get("stats")
    if not isinstance(stats, dict):
        return unknown(series, unit, better, place, "the file has no statistics of it; see whether the test failed")
    if stats.get("data"):
        return measurement(series, unit, better, samples(stats["data"], f"{place}.stats.data"), f"{place}.stats.data")
    if stats.get("median") is None:
        return unknown(series, unit, better, place, "it has neither samples nor a median; see whether the test failed")
    bare.append(name)
    middle = sample(stats["median"], f"{place}.stats.median")
    return measurement(series, unit, better, [middle], f"{place}.stats.median")
