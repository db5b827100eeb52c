"""Go's benchmark text: repeats are samples, units become base units, suffixes and failures are what they are."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.metrics import Direction
from perfgate.core.model import Context, Measurement, Run, Series, State
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.formats import run as run_format


def read(text: str | bytes) -> Reading:
    return benchmarks.read(text.encode() if isinstance(text, str) else text, "go.txt")


def by_series(reading: Reading) -> dict[str, Measurement]:
    return {str(each.series): each for each in reading.capture.measurements}


def of(metric: str, benchmark: str, pkg: str = "", procs: str = "") -> str:
    return str(Series.of(metric, tool="go", benchmark=benchmark, pkg=pkg, procs=procs))


def test_the_shared_file_gives_the_values_that_a_plain_pattern_finds(shared_data: Path) -> None:
    text = (shared_data / "bench/go/bench_count6.txt").read_text()
    expected: dict[tuple[str, str], list[float]] = defaultdict(list)
    for name, rest in re.findall(r"^(Benchmark\S+)-2\s+\d+\s+(.*)$", text, re.MULTILINE):
        for value, unit in re.findall(r"([\d.]+) (\S+)", rest):
            expected[name, unit].append(float(value))
    metrics = {
        "ns/op": ("bench.time", 1e-9, Unit("s", "op"), Direction.LOWER),
        "MB/s": ("bench.throughput", 1e6, Unit("B", "s"), Direction.HIGHER),
        "B/op": ("bench.bytes", 1, Unit("B", "op"), Direction.LOWER),
        "allocs/op": ("bench.allocs", 1, Unit("1", "op"), Direction.LOWER),
        "elems/op": ("bench.elems_op", 1, Unit("elems", "op"), Direction.NONE),
    }
    found = by_series(read(text))
    assert len(found) == len(expected) == 10
    for (name, unit), values in expected.items():
        metric, factor, base, better = metrics[unit]
        measurement = found[of(metric, name, "ex.com/m")]
        assert [float(value) for value in measurement.values] == pytest.approx([value * factor for value in values])
        assert len(values) == 6
        assert (measurement.unit, measurement.better) == (base, better)


def test_the_resolution_is_the_last_printed_place() -> None:
    found = by_series(read("BenchmarkA 10 12.25 ns/op 8 B/op\nBenchmarkA 10 12.5 ns/op 8 B/op\n"))
    assert found[of("bench.time", "BenchmarkA")].resolution == pytest.approx(1e-10)
    assert found[of("bench.bytes", "BenchmarkA")].resolution == 1


def test_a_stream_of_events_gives_the_same_series_as_text(root: Path, shared_data: Path) -> None:
    corpus = root / "tests/corpus/bench/go"
    stream = read((corpus / "test2json.ndjson").read_bytes())
    text = read((corpus / "count_3.txt").read_bytes())
    assert by_series(stream).keys() == by_series(text).keys()
    assert all(len(each.values) == 2 for each in stream.capture.measurements)
    assert read((shared_data / "bench/go/bench_test2json.ndjson").read_bytes()).benchmarks == 2


def test_a_line_that_comes_in_two_events_is_put_together() -> None:
    text = (
        '{"Action":"output","Package":"p","Output":"BenchmarkA-2  "}\n'
        '{"Action":"output","Package":"q","Output":"pkg: q\\n"}\n'
        '{"Action":"output","Package":"p","Output":"\\t 10\\t 5 ns/op\\n"}\n'
    )
    (measurement,) = read(text).capture.measurements
    assert measurement.values == (5e-9,)
    assert measurement.origin == "go.txt:3"


def test_gomaxprocs_is_a_label_only_where_it_tells_benchmarks_apart(root: Path) -> None:
    corpus = root / "tests/corpus/bench/go"
    usual, alone, several = (
        read((corpus / name).read_bytes()) for name in ("count_3.txt", "gomaxprocs_1.txt", "cpu_1_2.txt")
    )
    assert by_series(usual).keys() == by_series(alone).keys()
    name = "BenchmarkSort/n=10"
    assert of("bench.time", name, "example.com/words") in by_series(usual)
    for procs in ("1", "2"):
        assert len(by_series(several)[of("bench.time", name, "example.com/words", procs)].values) == 2


def test_names_that_end_in_numbers_of_their_own_are_never_merged() -> None:
    text = "BenchmarkA/size-10 5 1 ns/op\nBenchmarkA/size-100 5 2 ns/op\nBenchmarkB 5 3 ns/op\n"
    found = by_series(read(text))
    assert set(found) == {
        of("bench.time", name) for name in ("BenchmarkA/size-10", "BenchmarkA/size-100", "BenchmarkB")
    }


def test_a_file_with_mixed_suffixes_keeps_its_names(shared_data: Path) -> None:
    found = by_series(read((shared_data / "bench/github-action-benchmark/go_output.txt").read_bytes()))
    assert found[of("bench.time", "BenchmarkFib10-8")].values == (325e-9,)
    assert found[of("bench.time", "BenchmarkFib20")].values == pytest.approx((40537.123e-9,))
    assert found[of("bench.auxmetricunits", "BenchmarkFib11-16")].values == (3.0,)
    assert len(found) == 10


def test_a_failed_benchmark_is_unknown_and_belongs_to_its_package(root: Path) -> None:
    reading = read((root / "tests/corpus/bench/go/failed.txt").read_bytes())
    failed = by_series(reading)[of("bench.time", "BenchmarkBroken", "example.com/words")]
    assert failed.state is State.UNKNOWN
    assert failed.origin == "go.txt:1"
    assert reading.benchmarks == 4
    assert "example.com/words" in next(each.message for each in reading.capture.caveats if each.code == "go-failed")


def test_the_same_name_in_two_packages_is_two_series() -> None:
    text = "pkg: a\nBenchmarkX-2 1 5 ns/op\nok a 1s\npkg: b\nBenchmarkX-2 1 7 ns/op\nFAIL\tb\t1s\n"
    found = by_series(read(text))
    assert found[of("bench.time", "BenchmarkX", "a")].values == (5e-9,)
    assert found[of("bench.time", "BenchmarkX", "b")].values == (7e-9,)


def test_a_custom_unit_has_no_direction_unless_the_file_declares_one() -> None:
    plain = read("BenchmarkA 1 5 ns/op 3 p99-USD 2 Time\n")
    found = by_series(plain)
    assert found[of("bench.p99_usd", "BenchmarkA")].better is Direction.NONE
    assert of("bench.custom_time", "BenchmarkA") in found
    assert [caveat.code for caveat in plain.capture.caveats] == ["custom-unit"]
    declared = read("Unit hits/op better=higher assume=nothing\nBenchmarkA 1 3 hits/op\n")
    assert declared.capture.measurements[0].better is Direction.HIGHER
    assert declared.capture.caveats == ()


def test_a_custom_unit_never_becomes_money() -> None:
    (measurement,) = read("BenchmarkA 1 3 USD/op\n").capture.measurements
    assert not measurement.unit.is_money


@pytest.mark.parametrize(
    ("value", "reason"),
    [("NaN", "not finite"), ("+Inf", "not finite"), ("1e999", "not finite"), ("-5", "below zero"), ("0", "zero")],
)
def test_what_is_no_time_is_unknown(value: str, reason: str) -> None:
    time, memory = read(f"BenchmarkA 1 {value} ns/op 0 B/op\nBenchmarkA 1 {value} ns/op 0 B/op\n").capture.measurements
    assert time.state is State.UNKNOWN
    assert reason in time.reason
    assert memory.values == (0.0, 0.0)


def test_talk_between_results_is_not_read_as_one() -> None:
    text = "Benchmark 5 cats and dogs\nBenchmarkA is nice\nBenchmarkA\nBenchmarkA-2 \xa0 7\nBenchmarkA-2 1 5 ns/op\r\n"
    (measurement,) = read(b"\xff\xfa noise\n" + text.encode()).capture.measurements
    assert measurement.values == (5e-9,)


def test_powershell_text_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError) as error:
        read("BenchmarkA 1 5 ns/op\n".encode("utf-16"))
    assert "Out-File -Encoding utf8" in error.value.remedy


def test_custom_units_of_the_same_letters_are_refused() -> None:
    with pytest.raises(InputError, match="is there twice"):
        read("BenchmarkA 1 5 a-b 6 a_b\n")


def test_a_broken_stream_names_the_line() -> None:
    with pytest.raises(InputError) as error:
        read('{"Action":"start"}\n{"Action":\n')
    assert error.value.where == "go.txt:2"


_WORDS = st.sampled_from(
    [
        "Benchmark",
        "BenchmarkA-2",
        "1",
        "NaN",
        "1e999",
        "-0",
        "ns/op",
        "USD",
        "/",
        "pkg:",
        "FAIL",
        "--- FAIL: BenchmarkB",
        "\n",
        "\t",
        "Unit",
        "ns/op better=lower",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(_WORDS | st.text(max_size=4), max_size=30))
def test_hostile_text_gives_a_reading_or_a_sentence(words: list[str]) -> None:
    try:
        reading = read(" ".join(words).replace(" \n ", "\n"))
    except InputError:
        return
    run = Run(Context(), reading.capture.measurements, caveats=reading.capture.caveats)
    assert len(run_format.load(run_format.dump(run), "run.json").measurements) == len(run.measurements)


def test_more_results_than_anyone_has_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(InputError, match="more than the"):
        read("BenchmarkA 1 5 ns/op 5 B/op 5 allocs/op 5 x\n" * 130_000)
