"""Every file of the corpus is read by its own reader and by no other, and no damage to it makes anything but a sentence."""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.model import Context, Measurement, Run, State
from perfgate.errors import InputError
from perfgate.formats import run as run_format

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bench"
FOLDERS = {"criterion", "asv", "gungraun/tree"}


def tool_of(path: Path) -> str:
    folder = path.relative_to(CORPUS).parts[0]
    return next(tool for tool in benchmarks.TOOLS if re.sub(r"[-.]", "_", tool) == folder)


FILES = sorted(
    path
    for path in CORPUS.rglob("*")
    if path.is_file() and path.parent != CORPUS
    if not any(path.is_relative_to(CORPUS / folder) for folder in FOLDERS)
)
ASV = sorted((CORPUS / "asv/results/runner").glob("*-*.json"))
IDS = [path.relative_to(CORPUS).as_posix() for path in FILES]


def reading(path: Path) -> Reading:
    return benchmarks.read(path.read_bytes(), path.name)


@pytest.mark.parametrize("path", FILES + ASV, ids=[*IDS, *(path.name for path in ASV)])
def test_a_file_is_claimed_by_its_own_reader_alone_and_refused_by_all_others_with_a_reason(path: Path) -> None:
    mine, data = tool_of(path), path.read_bytes()
    found = benchmarks.read(data, path.name)
    assert found.capture.measurements
    assert mine in {found.tool, "perfgate"}
    assert benchmarks.read(data, path.name, mine).capture == found.capture
    for tool in benchmarks.TOOLS:
        if tool != mine:
            with pytest.raises(benchmarks.UnknownFormat) as error:
                benchmarks.read(data, path.name, tool)
            assert re.search(rf"\n  {re.escape(tool)}: \S", error.value.what)


def test_every_tool_of_the_registry_has_a_file_here() -> None:
    here = {re.sub(r"[-.]", "_", tool) for tool in benchmarks.TOOLS}
    assert here == {path.name for path in CORPUS.iterdir() if path.is_dir()}


@pytest.mark.parametrize("path", FILES + ASV, ids=[*IDS, *(path.name for path in ASV)])
def test_what_was_read_can_be_written_and_read_again_as_a_run(path: Path) -> None:
    capture = reading(path).capture
    run = Run(Context(), capture.measurements, caveats=capture.caveats)
    again = run_format.load(run_format.dump(run), "run.json")
    assert {each.series: each for each in again.measurements} == {each.series: each for each in run.measurements}


# --- the same numbers by other code ------------------------------------------------------------------------------------

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
_Expected = dict[tuple[str, str], list[float]]


def _pyperf(data: Any) -> _Expected:
    top = data.get("metadata", {})
    return {
        (
            "bench.memory" if top.get("unit") == "byte" else "bench.time",
            {**top, **each.get("metadata", {})}["name"],
        ): [value for run in each["runs"] for value in run.get("values", [])]
        for each in data["benchmarks"]
    }


def _google(data: Any) -> _Expected:
    found: _Expected = defaultdict(list)
    repeated = any(each["run_type"] == "iteration" and not each.get("error_occurred") for each in data["benchmarks"])
    for each in data["benchmarks"]:
        wanted = each["run_type"] == "iteration" if repeated else each.get("aggregate_name") == "median"
        if wanted and not each.get("error_occurred"):
            factor = _SECONDS[each["time_unit"]]
            found["bench.time", each["run_name"]].append(each["real_time"] * factor)
            found["bench.cpu_time", each["run_name"]].append(each["cpu_time"] * factor)
    return found


def _jmh(data: Any) -> _Expected:
    found: _Expected = {}
    for each in data:
        name = f"{each['benchmark']} {each['mode']} {each.get('params', {}).get('n')}"
        metric = each["primaryMetric"]
        over, _, under = metric["scoreUnit"].partition("/")
        factor = 1 / _SECONDS[under] if over == "ops" else _SECONDS[over]
        if "rawData" in metric:
            values = [value * factor for fork in metric["rawData"] for value in fork]
        else:
            values = [
                value * factor
                for fork in metric["rawDataHistogram"]
                for part in fork
                for value, count in part
                for _ in range(count)
            ]
        found["bench.throughput" if over == "ops" else "bench.time", name] = values
    return found


def _vitest(data: Any) -> _Expected:
    return {
        ("bench.time", f"{group['fullName']} > {each['name']}"): [each["median"] / 1000]
        for file in data["files"]
        for group in file["groups"]
        for each in group["benchmarks"]
        if "median" in each
    }


def _tinybench(data: Any) -> _Expected:
    return {
        ("bench.time", each["name"]): [
            value / 1000 for value in each["result"]["latency"].get("samples") or [each["result"]["latency"]["p50"]]
        ]
        for each in data
        if "latency" in each["result"]
    }


def _asv(data: Any) -> _Expected:
    found: _Expected = {}
    for name, row in data["results"].items():
        told = dict(zip(data["result_columns"], row, strict=False))
        if name.rpartition(".")[2].startswith("time_") and told["result"]:
            for index, value in enumerate(told["result"]):
                if not math.isnan(value):
                    found["bench.time", f"{name} {index}"] = told["samples"][index]
    return found


def _dotnet(data: Any) -> _Expected:
    return {
        ("bench.time", each["FullName"]): [value * 1e-9 for value in each["Statistics"]["OriginalValues"]]
        for each in data["Benchmarks"]
        if (each["Statistics"] or {}).get("OriginalValues")
    }


_OTHERS: dict[str, Callable[[Any], _Expected]] = {
    "pyperf": _pyperf,
    "google-benchmark": _google,
    "jmh": _jmh,
    "vitest": _vitest,
    "tinybench": _tinybench,
    "asv": _asv,
    "benchmarkdotnet": _dotnet,
}


def _name(tool: str, measurement: Measurement) -> str:
    labels = dict(measurement.series.labels)
    if tool == "jmh":
        return f"{labels['benchmark']} {labels['mode']} {labels.get('parameters', '').removeprefix('n=') or None}"
    if tool == "asv":
        order = ["10, 'up'", "10, 'down'", "1000, 'up'", "1000, 'down'"]
        parameters = labels.get("parameters")
        return f"{labels['benchmark']} {order.index(parameters) if parameters else 0}"
    return labels["benchmark"]


@pytest.mark.parametrize("path", [path for path in FILES + ASV if tool_of(path) in _OTHERS], ids=lambda path: path.name)
def test_counts_sums_and_medians_are_those_that_plain_code_computes(path: Path) -> None:
    tool = tool_of(path)
    expected = _OTHERS[tool](json.loads(path.read_text()))
    found = {
        (each.series.metric, _name(tool, each)): [float(value) for value in each.values]
        for each in reading(path).capture.measurements
        if each.state is State.MEASURED and "job" not in dict(each.series.labels)
    }
    assert expected
    for key, values in expected.items():
        assert len(found[key]) == len(values), key
        assert math.fsum(found[key]) == pytest.approx(math.fsum(values), rel=1e-9)
        assert statistics.median(found[key]) == pytest.approx(statistics.median(values), rel=1e-9)
    if tool in {"vitest", "tinybench", "pyperf"}:
        assert found.keys() == expected.keys()


def test_the_means_of_catch2_are_those_that_another_parser_finds() -> None:
    for path in (CORPUS / "catch2").iterdir():
        found = sorted(float(each.values[0]) for each in reading(path).capture.measurements if each.values)
        means = [
            float(mean.attrib["value"]) * 1e-9
            for each in ET.parse(path).iter("BenchmarkResults")
            for mean in each.iter("mean")
        ]
        assert found == pytest.approx(sorted(means))
        assert len(found) == 3


def test_the_samples_of_a_table_are_those_of_the_csv_module() -> None:
    with (CORPUS / "csv/samples.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["benchmark"] == "sort"]
    sort = reading(CORPUS / "csv/samples.csv").capture.measurements[0]
    assert [float(value) for value in sort.values] == pytest.approx([float(row["value"]) / 1000 for row in rows])


# --- damage ------------------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [b"null", b"NaN", b"-1", b"1e999", b'""', b'"\\ud800"', b"[]", b"{}", b"true", b"\x00", b"\xff", b"\n", b"<", b",", b"9" * 400, b'"NaN"', b"-Infinity", b"0"]
)  # fmt: skip


@settings(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("path", FILES + ASV, ids=[*IDS, *(path.name for path in ASV)])
@given(data=st.data())
def test_a_damaged_file_gives_a_sound_reading_or_a_sentence(path: Path, data: st.DataObject) -> None:
    content = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        tokens = list(re.finditer(rb"-?[0-9][0-9.eE+-]*|\"[^\"]*\"|[a-z]+|[\[\]{}<>,:\n]", content[:40_000]))
        if not tokens:
            break
        token = data.draw(st.sampled_from(tokens))
        new = data.draw(_PIECES)
        end = data.draw(st.sampled_from([token.end(), token.end(), len(content)]))
        content = content[: token.start()] + new + content[end:]
    sound(content)


HOSTILE: list[Any] = [
    None, True, -1, 0, 10**400, 1e308, -5e-324, "", "\ud800", "\x1b[31m", "a" * 5000, "NaN", [], {}, [[]], [None], ["x"], [1e40], {"a": {"b": 1}}, float("nan"),
]  # fmt: skip
JSON = [path for path in FILES + ASV if path.suffix == ".json"]


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in _places(each, (*at, key)))]


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("path", JSON, ids=lambda path: path.name)
@given(data=st.data())
def test_a_file_with_something_hostile_in_it_gives_a_sound_reading_or_a_sentence(
    path: Path, data: st.DataObject
) -> None:
    value = json.loads(path.read_text())
    place = data.draw(st.sampled_from(_places(value)[1:]))
    parent = value
    for key in place[:-1]:
        parent = parent[key]
    if data.draw(st.booleans()):
        parent[place[-1]] = data.draw(st.sampled_from(HOSTILE))
    else:
        parent.pop(place[-1])
    sound(json.dumps(value).encode())


def sound(content: bytes) -> None:
    try:
        capture = benchmarks.read(content, "damaged").capture
    except InputError as error:
        assert error.where.startswith("damaged")
        return
    for each in capture.measurements:
        assert (each.state is State.UNKNOWN) != bool(each.values)
        assert bool(each.reason) == (each.state is State.UNKNOWN)
    run = Run(Context(), capture.measurements, caveats=capture.caveats)
    assert len(run_format.load(run_format.dump(run), "run.json").measurements) == len(run.measurements)
