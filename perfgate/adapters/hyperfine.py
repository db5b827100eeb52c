"""hyperfine's JSON (`--export-json FILE`): seconds per run of a command, every run a sample."""

from __future__ import annotations

from typing import Any

from perfgate.adapters.bench_reading import (
    Reading,
    check_count,
    check_unique,
    measurement,
    parameters,
    sample,
    samples,
    unknown,
)
from perfgate.adapters.labels import label, plain_text
from perfgate.core.metrics import Direction
from perfgate.core.model import Capture, Caveat, Measurement, Series
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "hyperfine"
_LOWER = Direction.LOWER
_NO_SAMPLES = Caveat(
    "no-raw-samples",
    "hyperfine results without times: only the median is kept",
    "export with --export-json of hyperfine 1.6 or newer",
)


def why_not(value: object) -> str:
    """Why this JSON is not hyperfine's; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    results = value.get("results")
    if not isinstance(results, list):
        return 'there is no list "results" at the top'
    first = results[0] if results else {"command": "", "times": []}
    if not isinstance(first, dict) or "command" not in first or not first.keys() & {"times", "median"}:
        return 'the first of the "results" has no "command" with "times"'
    return ""


def read(value: Any, where: str) -> Reading:
    """The commands of a file that `why_not` accepted: `bench.time`, and `bench.memory` where hyperfine measured it.

    A command that failed in any run has no time: hyperfine goes on under --ignore-failure, and a failure is often quick.
    """
    results = value["results"]
    check_count(len(results), where, TOOL)
    caveats: list[Caveat] = []
    found: list[Measurement] = []
    for index, result in enumerate(results):
        found += _result(result, f"{where}, $.results[{index}]", caveats)
    check_unique(found, where, "give each command its own name: hyperfine --command-name NAME")
    return Reading(TOOL, "", "", len(results), Capture(tuple(found), {}, tuple(caveats)))


def _result(result: object, place: str, caveats: list[Caveat]) -> list[Measurement]:
    if not isinstance(result, dict):
        raise InputError("a result is an object", where=place, remedy="write the file again")
    command = label(plain_text(result.get("command")), caveats)
    if not command:
        raise InputError("this result names no command", where=place, remedy="write the file again")
    labels = {"tool": TOOL, "benchmark": command, "parameters": label(parameters(result.get("parameters")), caveats)}
    time, memory = Series.of("bench.time", **labels), Series.of("bench.memory", **labels)
    has_memory = bool(result.get("memory_usage_byte"))
    if failure := _failure(result.get("exit_codes"), place):
        failed = [unknown(time, Unit("s"), _LOWER, place, failure)]
        return [*failed, unknown(memory, Unit("B"), _LOWER, place, failure)] if has_memory else failed
    found = [_time(result, time, place, caveats)]
    if has_memory:
        memory_place = f"{place}.memory_usage_byte"
        values = samples(result["memory_usage_byte"], memory_place)
        found.append(measurement(memory, Unit("B"), _LOWER, values, memory_place))
    return found


def _time(result: dict[str, Any], series: Series, place: str, caveats: list[Caveat]) -> Measurement:
    if result.get("times"):
        return measurement(series, Unit("s"), _LOWER, samples(result["times"], f"{place}.times"), f"{place}.times")
    if result.get("median") is None:
        return unknown(series, Unit("s"), _LOWER, place, "it has neither times nor a median; run hyperfine again")
    if _NO_SAMPLES not in caveats:
        caveats.append(_NO_SAMPLES)
    middle = sample(result["median"], f"{place}.median")
    return measurement(series, Unit("s"), _LOWER, [middle], f"{place}.median")


def _failure(codes: object, place: str) -> str:
    """What failed, "" where every run ended in 0 or the codes are not told. A null code is an end by a signal."""
    if codes is None:
        return ""
    if not isinstance(codes, list):
        raise InputError("a list of exit codes is wanted here", where=f"{place}.exit_codes")
    bad = [code for code in codes if isinstance(code, bool) or code != 0]
    if not bad:
        return ""
    first = "a signal" if bad[0] is None else f"exit code {plain_text(str(bad[0]))[:20]}"
    return f"the command ended with {first} in {len(bad)} of {len(codes)} runs; mend it, and run hyperfine without --ignore-failure"
