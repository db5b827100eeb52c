"""Benchmark tools that write one JSON value: units, directions, and everything in their files that is no number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters import benchmarks, lighthouse
from perfgate.adapters.bench_reading import Reading
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Measurement, State
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.formats import schema

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bench"


def read(value: object) -> Reading:
    return benchmarks.read(json.dumps(value).encode(), "f.json")


def corpus(name: str) -> Reading:
    return benchmarks.read((CORPUS / name).read_bytes(), name)


def found(reading: Reading) -> dict[str, Measurement]:
    return {str(each.series): each for each in reading.capture.measurements}


def codes(reading: Reading) -> set[str]:
    return {each.code for each in reading.capture.caveats}


# --- pyperf ------------------------------------------------------------------------------------------------------------


def pyperf(**parts: Any) -> dict[str, Any]:
    return {"version": "1.0", "metadata": {"name": "one", "unit": "second"}, "benchmarks": [{"runs": []}], **parts}


def test_pyperf_calibrations_and_warm_ups_are_no_samples() -> None:
    runs = [
        {"warmups": [[1, 9.0]], "metadata": {"calibrate_loops": 1}},
        {"values": [1.0, 2.0], "warmups": [[1, 9.0]]},
        {"values": [3.0]},
    ]
    (measurement,) = read(pyperf(benchmarks=[{"runs": runs}])).capture.measurements
    assert measurement.values == (1.0, 2.0, 3.0)


def test_pyperf_names_and_units_stand_at_the_top_or_with_the_benchmark() -> None:
    runs = [{"values": [5]}]
    top = read(pyperf(benchmarks=[{"runs": runs}]))
    assert list(found(top)) == ["bench.time{benchmark=one,tool=pyperf}"]
    own = read(
        pyperf(
            benchmarks=[
                {"metadata": {"name": "a", "unit": "byte"}, "runs": runs},
                {"metadata": {"name": "b", "unit": "integer"}, "runs": runs},
            ]
        )
    )
    memory, count = own.capture.measurements
    assert (memory.series.metric, memory.unit, memory.better) == ("bench.memory", Unit("B"), Direction.LOWER)
    assert (count.unit, count.better) == (Unit("1"), Direction.NONE)


def test_pyperf_that_only_calibrated_is_unknown() -> None:
    (measurement,) = read(pyperf(benchmarks=[{"runs": [{"warmups": [[1, 9.0]]}]}])).capture.measurements
    assert measurement.state is State.UNKNOWN


# --- Google Benchmark --------------------------------------------------------------------------------------------------


def google(*entries: dict[str, Any], **context: Any) -> dict[str, Any]:
    return {"context": {"num_cpus": 2, **context}, "benchmarks": list(entries)}


def test_google_benchmarks_cv_is_never_a_time_though_its_unit_says_ns() -> None:
    reading = corpus("google_benchmark/aggregates.json")
    raw = json.loads((CORPUS / "google_benchmark/aggregates.json").read_text())["benchmarks"]
    assert any(each.get("aggregate_name") == "cv" and each["time_unit"] == "ns" for each in raw)
    (value,) = found(reading)["bench.time{benchmark=Sort/64,tool=google-benchmark}"].values
    medians = [each["real_time"] for each in raw if each["name"] == "Sort/64_median"]
    assert value == pytest.approx(medians[0] * 1e-9)
    assert "no-raw-samples" in codes(reading)


def test_google_benchmarks_repetitions_are_samples_and_each_entry_has_its_unit() -> None:
    reading = read(
        google(
            {"name": "A", "run_type": "iteration", "real_time": 2.0, "cpu_time": 1.0, "time_unit": "us"},
            {"name": "A", "run_type": "iteration", "real_time": 3.0, "cpu_time": 1.0, "time_unit": "us"},
            {
                "name": "A_mean",
                "run_name": "A",
                "run_type": "aggregate",
                "aggregate_name": "mean",
                "real_time": 9.0,
                "time_unit": "us",
            },
            {"name": "B", "run_type": "iteration", "real_time": 2.0, "time_unit": "s"},
        )
    )
    times = found(reading)
    assert times["bench.time{benchmark=A,tool=google-benchmark}"].values == (2e-6, 3e-6)
    assert times["bench.time{benchmark=B,tool=google-benchmark}"].values == (2.0,)


def test_google_benchmarks_errors_and_skips_are_states_not_zeros() -> None:
    reading = corpus("google_benchmark/repetitions.json")
    broken = found(reading)["bench.time{benchmark=Broken,tool=google-benchmark}"]
    assert broken.state is State.UNKNOWN
    assert "no such table" in broken.reason
    newer = read(
        google(
            {
                "name": "A",
                "run_type": "iteration",
                "skipped": "SKIPPED_WITH_MESSAGE",
                "skip_message": "no disk",
                "real_time": 0.0,
                "time_unit": "ns",
            }
        )
    )
    assert "no disk" in newer.capture.measurements[0].reason


def test_google_benchmarks_debug_library_and_scaling_processor_are_told() -> None:
    assert "debug-build" in codes(corpus("google_benchmark/single.json"))
    entry = {"name": "A", "run_type": "iteration", "real_time": 2.0, "time_unit": "ns"}
    assert codes(read(google(entry, library_build_type="release"))) == set()
    assert codes(read(google(entry, cpu_scaling_enabled=True))) == {"cpu-scaling"}


def test_google_benchmarks_counters_have_a_direction_only_where_their_name_is_a_rate() -> None:
    counters = found(corpus("google_benchmark/repetitions.json"))
    assert counters["bench.items_per_second{benchmark=Sort/64,tool=google-benchmark}"].better is Direction.HIGHER
    assert counters["bench.depth{benchmark=Sort/64,tool=google-benchmark}"].better is Direction.NONE


# --- JMH ---------------------------------------------------------------------------------------------------------------


def jmh(mode: str = "avgt", unit: str = "us/op", **metric: Any) -> list[dict[str, Any]]:
    return [{"benchmark": "b", "mode": mode, "forks": 1, "primaryMetric": {"scoreUnit": unit, **metric}}]


@pytest.mark.parametrize(
    ("mode", "unit", "value", "better", "metric"),
    [
        ("thrpt", "ops/ms", 2000.0, Direction.HIGHER, "bench.throughput"),
        ("thrpt", "ops/min", 2 / 60, Direction.HIGHER, "bench.throughput"),
        ("thrpt", "ops/s", 2.0, Direction.HIGHER, "bench.throughput"),
        ("avgt", "ns/op", 2e-9, Direction.LOWER, "bench.time"),
        ("ss", "hr/op", 7200.0, Direction.LOWER, "bench.time"),
    ],
)
def test_jmh_units_are_converted_on_both_sides_of_the_slash(
    mode: str, unit: str, value: float, better: Direction, metric: str
) -> None:
    (measurement,) = read(jmh(mode, unit, rawData=[[2.0]], score=2.0)).capture.measurements
    assert measurement.values == pytest.approx((value,))
    assert (measurement.better, measurement.series.metric) == (better, metric)
    assert f"({unit})" in measurement.origin


def test_jmh_scores_and_errors_that_are_the_word_nan_are_no_numbers() -> None:
    (fine,) = read(jmh(rawData=[[1.0]], score=1.0, scoreError="NaN")).capture.measurements
    assert fine.state is State.MEASURED
    for bad in ({"score": "NaN"}, {"rawData": [[1.0, "NaN"]]}):
        (measurement,) = read(jmh(**bad)).capture.measurements
        assert measurement.state is State.UNKNOWN
        assert "not finite" in measurement.reason


def test_jmh_modes_of_one_benchmark_are_series_of_their_own_and_profilers_add_only_allocation() -> None:
    names = list(found(corpus("jmh/modes_and_gc.json")))
    assert len(names) == len(set(names)) == 8
    assert {name.split("{")[0] for name in names} == {"bench.throughput", "bench.time", "bench.bytes"}
    sampled, once = corpus("jmh/sampled.json").capture.measurements
    assert dict(sampled.series.labels)["mode"] == "sample"
    assert dict(once.series.labels)["mode"] == "ss"


def test_jmh_histograms_of_any_size_are_read_in_bounded_memory() -> None:
    (measurement,) = read(jmh("sample", rawDataHistogram=[[[[1.0, 10**12], [5.0, 10**11]]]])).capture.measurements
    assert len(measurement.values) == 100
    assert min(measurement.values) == pytest.approx(1e-6)


def test_jmh_inside_its_own_process_is_told() -> None:
    value = jmh(rawData=[[1.0]])
    value[0]["forks"] = 0
    assert codes(read(value)) == {"no-forks"}


# --- BenchmarkDotNet ---------------------------------------------------------------------------------------------------


def test_benchmark_dotnets_jobs_failures_and_unmeasured_memory() -> None:
    reading = corpus("benchmarkdotnet/report-full.json")
    sort, allocated, other_job, broken = reading.capture.measurements
    assert sort.values[0] == pytest.approx(12110.2e-9)
    assert (allocated.series.metric, allocated.values) == ("bench.bytes", (4024.0,))
    assert dict(other_job.series.labels)["job"] == "IterationCount=3"
    assert broken.state is State.UNKNOWN
    assert codes(reading) == {"debug-build", "no-raw-samples"}


# --- vitest and tinybench ----------------------------------------------------------------------------------------------


def test_vitests_empty_samples_are_no_samples_and_its_times_are_milliseconds() -> None:
    raw = json.loads((CORPUS / "vitest/two_benchmarks.json").read_text())["files"][0]["groups"][0]["benchmarks"][0]
    assert raw["samples"] == []
    reading = corpus("vitest/two_benchmarks.json")
    first = reading.capture.measurements[0]
    assert first.values == pytest.approx((raw["median"] / 1000,))
    assert codes(reading) == {"no-raw-samples"}
    raw["samples"] = [1.0, 2.0]
    group = {"fullName": "f > g", "benchmarks": [raw]}
    (kept,) = read({"files": [{"filepath": "f", "groups": [group]}]}).capture.measurements
    assert kept.values == (0.001, 0.002)


@pytest.mark.parametrize("name", ["vitest/one_broken.json", "tinybench/summary.json", "tinybench/samples.json"])
def test_a_benchmark_that_threw_is_unknown_beside_the_others(name: str) -> None:
    states = {str(each.series): each.state for each in corpus(name).capture.measurements}
    assert [series for series, state in states.items() if state is State.UNKNOWN] == [
        series for series in states if "throws" in series
    ]
    assert len(states) == 3


def test_tinybenchs_older_layout_is_read_too() -> None:
    (flat,) = read([{"name": "a", "result": {"hz": 10, "mean": 4.0, "samples": [3.0, 5.0]}}]).capture.measurements
    assert flat.values == (0.003, 0.005)


# --- k6 ----------------------------------------------------------------------------------------------------------------


def test_k6_thresholds_are_never_read_and_its_three_summaries_give_the_same_series() -> None:
    export, handled, newer = (
        found(corpus(f"k6/{name}.json")) for name in ("summary_export", "handle_summary", "new_summary")
    )
    raw = json.loads((CORPUS / "k6/summary_export.json").read_text())["metrics"]
    assert raw["took"]["thresholds"] == {"avg<0.00001": True}
    assert raw["http_req_duration"]["thresholds"] == {"p(95)<5000": False}
    times = {name for name in export if "http_req_duration," in name or "iteration" in name}
    assert len(times) == 5
    assert times <= handled.keys()
    assert times <= newer.keys()
    for one in (export, handled, newer):
        for name in times:
            assert one[name].state is State.MEASURED
            assert one[name].unit == (Unit("1", "s") if name.startswith("bench.throughput") else Unit("s"))


def test_k6_points_give_the_median_and_percentile_that_k6_computes_of_the_same_run() -> None:
    summary, points = (found(corpus(f"k6/{name}")) for name in ("summary_export.json", "points.ndjson"))
    from perfgate.core.stats.estimators import median

    both = [name for name in points if name in summary and name.startswith("bench.time")]
    assert len(both) >= 16
    for name in both:
        assert float(median(points[name].values)) == pytest.approx(float(summary[name].values[0]), rel=1e-9, abs=1e-12)


def test_k6_times_of_zero_are_real_and_its_load_is_no_result() -> None:
    names = found(corpus("k6/summary_export.json"))
    tls = names["bench.time{benchmark=http_req_tls_handshaking,statistic=med,tool=k6}"]
    assert (tls.state, tls.values) == (State.MEASURED, (0.0,))
    assert not [name for name in names if "vus" in name or "data_" in name]
    assert names["bench.ratio{benchmark=http_req_failed,tool=k6}"].better is Direction.LOWER
    assert names["bench.ratio{benchmark=checks,tool=k6}"].better is Direction.HIGHER
    assert names["bench.ratio{benchmark=good,tool=k6}"].better is Direction.NONE


def test_k6_points_that_end_in_the_middle_name_the_line() -> None:
    text = (CORPUS / "k6/points.ndjson").read_bytes()[:-40]
    with pytest.raises(InputError) as error:
        benchmarks.read(text, "p.ndjson")
    assert re.fullmatch(r"p\.ndjson:\d+", error.value.where)


# --- Lighthouse --------------------------------------------------------------------------------------------------------


def test_a_page_that_was_not_loaded_has_no_times() -> None:
    reading = corpus("lighthouse/load_error.json")
    assert all(each.state is State.UNKNOWN for each in reading.capture.measurements)
    assert all("not loaded" in each.reason for each in reading.capture.measurements)


def test_a_failed_load_has_the_same_series_and_units_as_a_good_one() -> None:
    kinds = [
        {(each.series, each.unit, each.better) for each in corpus(f"lighthouse/load_{name}.json").capture.measurements}
        for name in ("1", "2", "error")
    ]
    assert kinds[0] == kinds[1] == kinds[2]


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("http://127.0.0.1:43117/", "/"),
        ("http://localhost:8080/shop?token=secret#x", "/shop"),
        ("https://user:secret@example.com:8443/a?b=secret", "https://example.com:8443/a"),
        ("https://example.com", "https://example.com/"),
        ("http://[broken?secret", "http://[broken"),
    ],
)
def test_the_label_of_a_page_holds_no_secret_and_no_port_of_this_machine(address: str, label: str) -> None:
    assert lighthouse.page(address) == label


# --- exchange formats --------------------------------------------------------------------------------------------------


def test_benchers_own_measures_have_units_and_others_no_direction() -> None:
    reading = corpus("bencher/metrics.json")
    units = {each.series.metric: (str(each.unit), each.better.value) for each in reading.capture.measurements}
    assert units == {
        "bench.time": ("s", "lower"),
        "bench.throughput": ("op/s", "higher"),
        "bench.build_time": ("s", "lower"),
        "bench.bytes": ("B", "lower"),
        "bench.words_per_page": ("1", "none"),
    }


def test_no_direction_is_ever_guessed_for_github_action_benchmark() -> None:
    reading = corpus("github_action_benchmark/custom.json")
    assert {each.better for each in reading.capture.measurements} == {Direction.NONE}
    assert [str(each.unit) for each in reading.capture.measurements] == ["req/s", "B", "s"]
    assert "no-direction" in codes(reading)


def test_julias_groups_are_names_and_an_estimate_stands_alone() -> None:
    reading = corpus("julia/suite.json")
    times = {name: each for name, each in found(reading).items() if name.startswith("bench.time")}
    assert list(times) == [
        'bench.time{benchmark="sorting/quick 1000",tool=julia}',
        'bench.time{benchmark="sorting/merge 1000",tool=julia}',
        "bench.time{benchmark=estimate,tool=julia}",
    ]
    assert times["bench.time{benchmark=estimate,tool=julia}"].values == (2.74e-08,)
    assert codes(reading) == {"no-raw-samples"}


# --- perfgate's own ----------------------------------------------------------------------------------------------------


def own(**entry: Any) -> dict[str, Any]:
    entries = [{"benchmark": "a", "unit": "ms", "better": "lower", "values": [1.0], **entry}]
    return {"schema": "perfgate/bench/1", "tool": "mine", "benchmarks": entries}


def test_the_own_format_keeps_what_it_says() -> None:
    value = own(
        metric="bench.count",
        unit="1",
        better="higher",
        assumption="exact",
        labels={"size": "9"},
        conditions={"arch": "z80"},
    )
    (measurement,) = read(value).capture.measurements
    assert str(measurement.series) == "bench.count{benchmark=a,size=9,tool=mine}"
    assert (measurement.assumption, measurement.conditions) == (Assumption.EXACT, (("arch", "z80"),))


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"metric": "llm.cost"}, ".metric"),
        ({"metric": "bench"}, ".metric"),
        ({"unit": ""}, ""),
        ({"better": "faster"}, ".better"),
        ({"assumption": "sure"}, ".assumption"),
        ({"labels": {"tool": "x"}}, ".labels"),
        ({"labels": {"A": "x"}}, ".labels"),
        ({"labels": {"a": 1}}, ".labels"),
        ({"values": ["fast"]}, ".values[0]"),
        ({"reason": "failed"}, ".reason"),
        ({"mean": 5}, ""),
        ({"benchmark": ""}, ""),
    ],
)
def test_the_own_format_is_strict_and_names_the_place(entry: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as error:
        read(own(**entry))
    assert error.value.where == f"f.json, $.benchmarks[0]{place}"


def test_the_own_format_and_its_schema_agree() -> None:
    good = json.loads((CORPUS / "perfgate/own.json").read_text())
    schema.check("bench", good, "own.json")
    for entry in ({"metric": "llm.cost"}, {"better": "faster"}, {"labels": {"tool": "x"}}, {"mean": 5}, {"unit": ""}):
        with pytest.raises(InputError):
            schema.check("bench", own(**entry), "own.json")


def test_another_version_of_the_own_format_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="perfgate/bench/2"):
        read({**own(), "schema": "perfgate/bench/2"})
