"""Benchmark tools that write text, XML or tables: lines, units, failures, and text that must not make reading slow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.adapters.bench_units import cleaned
from perfgate.core.baseline import Kind
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import MachineClass, Measurement, State
from perfgate.core.units import Unit
from perfgate.errors import InputError

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bench"


def read(text: str, tool: str = "") -> Reading:
    return benchmarks.read(text.encode(), "f.txt", tool)


def corpus(name: str) -> Reading:
    return benchmarks.read((CORPUS / name).read_bytes(), name)


def found(reading: Reading) -> dict[str, Measurement]:
    return {str(each.series): each for each in reading.capture.measurements}


# --- units -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "unit", "factor", "better"),
    [
        ("ns/iter", "s/op", 1e-9, Direction.LOWER),
        ("ops/sec", "op/s", 1, Direction.HIGHER),
        ("MB/s", "B/s", 1e6, Direction.HIGHER),
        ("msec", "s", 1e-3, Direction.LOWER),
        ("B/op", "B/op", 1, Direction.NONE),
        ("USD/op", "usd/op", 1, Direction.NONE),
        ("", "1", 1, Direction.NONE),
        ("Percent", "Percent", 1, Direction.NONE),
    ],
)
def test_units_are_cleaned_and_say_which_way_is_better_only_where_it_is_sure(
    text: str, unit: str, factor: float, better: Direction
) -> None:
    assert (str(cleaned(text).unit), float(cleaned(text).factor), cleaned(text).better) == (unit, factor, better)
    assert not cleaned(text).unit.is_money


# --- cargo bench -------------------------------------------------------------------------------------------------------


def test_cargos_thousands_commas_throughput_failures_and_ignored_ones() -> None:
    reading = corpus("cargo_bench/words.txt")
    values = found(reading)
    assert values["bench.time{benchmark=sort_100000,tool=cargo-bench}"].values == pytest.approx((3_702_296.50e-9,))
    assert values["bench.throughput{benchmark=sort_100000,tool=cargo-bench}"].values == (216e6,)
    assert values["bench.time{benchmark=broken,tool=cargo-bench}"].state is State.UNKNOWN
    assert not [name for name in values if "skipped" in name]


def test_cargos_repeats_are_samples_but_not_those_of_other_targets() -> None:
    line = "test a ... bench: {} ns/iter (+/- 1)\n"
    (repeated,) = read(line.format(5) + line.format(7)).capture.measurements
    assert repeated.values == pytest.approx((5e-9, 7e-9))
    targets = "     Running benches/{0}.rs (target/release/deps/{0}-1)\n"
    text = targets.format("x") + line.format(5) + targets.format("y") + line.format(7)
    assert [dict(each.series.labels)["target"] for each in read(text).capture.measurements] == [
        "benches/x.rs",
        "benches/y.rs",
    ]


# --- benchmark.js ------------------------------------------------------------------------------------------------------


def test_benchmark_js_prints_operations_per_second_and_names_may_hold_an_x() -> None:
    reading = read("a x b x 1,431,759 ops/sec ±0.74% (93 runs sampled)\nthis x line is talk\n")
    (measurement,) = reading.capture.measurements
    assert str(measurement.series) == 'bench.throughput{benchmark="a x b",tool=benchmark.js}'
    assert (measurement.values, measurement.better) == ((1_431_759.0,), Direction.HIGHER)


# --- Catch2 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["catch2/v2.xml", "catch2/v3.xml"])
def test_catch2_names_tell_sections_apart_and_a_failed_benchmark_is_unknown(name: str) -> None:
    values = found(corpus(name))
    assert next(iter(values)) == 'bench.time{benchmark="Fibonacci > fib 10",tool=catch2}'
    assert 'bench.time{benchmark="Fibonacci > nested > fib 10",tool=catch2}' in values
    broken = values['bench.time{benchmark="Broken > throws",tool=catch2}']
    assert (broken.state, broken.reason) == (State.UNKNOWN, "the benchmark failed: broken")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><Catch2TestRun>&a;</Catch2TestRun>', "document type"),
        ("<Catch2TestRun>" + "<Section name='a'>" * 200, "deeper"),
        ("<Catch2TestRun><TestCase>", "not XML"),
        ("<Catch2TestRun/>", "no benchmark"),
        ('<?xml version="1.0" encoding="utf-7"?><Catch2TestRun/>', "no benchmark"),
    ],
)
def test_hostile_or_cut_xml_is_refused_with_a_sentence(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        read(text)


# --- cachegrind and callgrind ------------------------------------------------------------------------------------------


def test_counts_are_exact_and_comparable_only_within_their_counter_and_caches() -> None:
    counts = found(corpus("callgrind/sort.out"))
    instructions = counts['bench.instructions{benchmark="sort 1000",tool=callgrind}']
    assert (instructions.assumption, instructions.better) == (Assumption.EXACT, Direction.LOWER)
    assert instructions.values == (308610.0,)
    other = instructions._replace(conditions=(("counter version", "callgrind-3.22.0"),))
    here, there = (Kind.of(each, MachineClass()) for each in (instructions, other))
    assert here != there
    assert "counter version callgrind-3.19.0, was callgrind-3.22.0" in here.differences(there)
    cached = corpus("cachegrind/sort.out")
    names = {each.series.metric: dict(each.conditions).keys() for each in cached.capture.measurements}
    assert "caches" in names["bench.d1mr"]
    assert "caches" not in names["bench.instructions"]
    assert {each.code for each in cached.capture.caveats} == {"counter-version"}


def test_the_parts_of_one_callgrind_file_are_added_up() -> None:
    part = "part: {}\nevents: Ir\nsummary: 10\nfn=x\n0 10\ntotals: 10\n"
    text = (
        "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\ncmd: /tmp/x/a 1\n" + part.format(1) + part.format(2)
    )
    (measurement,) = read(text).capture.measurements
    assert measurement.values == (20.0,)
    assert dict(measurement.series.labels)["benchmark"] == "a 1"


def test_a_file_of_counts_without_totals_is_refused() -> None:
    with pytest.raises(InputError, match="no line of totals"):
        read("desc: I1 cache: 1\ncmd: a\nevents: Ir\nfn=x\n0 10\n")


def test_a_file_that_gungraun_let_callgrind_write_is_refused_for_its_summary() -> None:
    text = "# callgrind format\ncmd: words-9527 --gungraun-run d 0\nevents: Ir\nfn=x\n0 10\ntotals: 10\n"
    with pytest.raises(InputError) as error:
        read(text)
    assert "--save-summary=json" in error.value.remedy


def test_what_gungraun_prints_and_what_it_saves_are_the_same_counts() -> None:
    printed, saved = (found(corpus(f"gungraun/{name}")) for name in ("printed.txt", "summary_large.json"))
    assert saved.keys() <= printed.keys()
    assert {name: each.values for name, each in saved.items()} == {name: printed[name].values for name in saved}
    assert saved["bench.instructions{benchmark=words::group::sort::large,tool=gungraun}"].values == (133902.0,)
    assert {each.assumption for each in printed.values()} == {Assumption.EXACT}


def test_iais_text_is_read_and_its_comparison_is_not() -> None:
    text = "bench_fib\n  Instructions:                1735 (+5.000%)\n  L1 Accesses:  2364 (No change)\n  RAM Accesses: 7\n"
    assert {name.split("{")[0]: each.values for name, each in found(read(text)).items()} == {
        "bench.instructions": (1735.0,),
        "bench.ram_hits": (7.0,),
    }


@pytest.mark.parametrize(
    "told",
    [
        {"values": {"new": 5, "old": 9}},
        {"values": {"new": {"Int": 5}}},
        {"metrics": {"Both": [5, 9]}},
        {"metrics": {"Left": {"Int": 5}}},
    ],
)
def test_of_two_values_of_gungraun_the_new_one_is_read_in_every_version(told: dict[str, object]) -> None:
    top = {"version": "6", "module_path": "a::b", "benchmark_file": "b.rs"}
    layouts: list[dict[str, object]] = [
        {"profiles": [{"tool": "Callgrind", "data": {"total": {"metrics": {"Ir": told}}}}]},
        {"profiles": [{"tool": "Callgrind", "summaries": {"total": {"summary": {"Callgrind": {"Ir": told}}}}}]},
        {"callgrind_summary": {"callgrind_run": {"total": {"summary": {"Ir": told}}}}},
    ]
    for layout in layouts:
        (measurement,) = read(json.dumps({**top, **layout})).capture.measurements
        assert measurement.values == (5.0,)
    (gone,) = read(json.dumps({**top, "profiles": []})).capture.measurements
    assert gone.state is State.UNKNOWN


# --- CSV ---------------------------------------------------------------------------------------------------------------


def test_the_lines_of_a_table_are_samples_and_other_columns_labels() -> None:
    sort, join, serve = corpus("csv/samples.csv").capture.measurements
    assert str(sort.series) == "bench.value{benchmark=sort,size=1000,tool=csv}"
    assert sort.values == pytest.approx((0.0125, 0.0129, 0.0124))
    assert sort.unit == Unit("s")
    assert dict(join.series.labels)["benchmark"] == "join, sorted"
    assert serve.better is Direction.HIGHER


def test_a_table_gives_no_direction_unless_it_says_one() -> None:
    (measurement,) = read("name,value,unit\na,1,ms\n").capture.measurements
    assert measurement.better is Direction.NONE


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("name;value\na;1,5\n", "not a number", "f.txt:2"),
        ("name,value\na,1\nb,1,5\n", "3 cells, the header 2", "f.txt:3"),
        ("name,value\na,fast\n", "not a number", "f.txt:2"),
        ("name,value,better\na,1,faster\n", "better", "f.txt:2"),
        ("name,value,value\na,1,2\n", "there twice", "f.txt:1"),
        ("name,value,Größe\na,1,2\n", "no name of a label", "f.txt:1"),
        ("name,value,metric\na,1,llm.cost\n", "bench", "f.txt:2"),
        ("name,value\n,1\n", "no name", "f.txt:2"),
        ("name,value\n", "no benchmark", "f.txt"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_line(text: str, what: str, where: str) -> None:
    with pytest.raises(InputError, match=what) as error:
        read(text)
    assert error.value.where == where


# --- bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "test " + " " * 9000 + "x ... bench:",
        "test a ... bench: " + "1," * 4000,
        "a x " * 2000 + "1 ops/sec ",
        "x" * 9000 + " ops/sec " * 100,
        "BenchmarkA " + "1 " * 4000,
        "Running " + "(" * 9000,
        "events: " + "Ir " * 3000,
        "summary: " + "1 " * 3000,
    ],
    ids=range(8),
)
def test_lines_made_to_be_slow_are_read_fast(line: str) -> None:
    text = "test a ... bench: 5 ns/iter (+/- 1)\n" + (line + "\n") * 200
    start = time.process_time()
    read(text, "cargo-bench")
    for tool in ("benchmark.js", "go", "callgrind", "cachegrind", "csv", "catch2"):
        with pytest.raises(InputError):
            read(text, tool)
    assert time.process_time() - start < 5
