"""pytest-benchmark's files: samples as they are, the median where there are none, and states for what is no number."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Series, State
from perfgate.core.stats.estimators import median
from perfgate.core.units import Unit
from perfgate.errors import InputError


def series(name: str) -> Series:
    return Series.of("bench.time", tool="pytest-benchmark", benchmark=name)


def written(*entries: dict[str, Any], **top: Any) -> bytes:
    return json.dumps({"machine_info": {}, "version": "5.3.1", "benchmarks": list(entries), **top}).encode()


def entry(name: str = "test_a.py::test_a", **stats: Any) -> dict[str, Any]:
    return {"fullname": name, "stats": stats}


def read(data: bytes) -> Reading:
    return benchmarks.read(data, "b.json")


def test_every_round_of_a_real_file_is_kept_up_to_a_hundred(root: Path) -> None:
    reading = read((root / "tests/corpus/bench/pytest_benchmark/benchmark_json.json").read_bytes())
    by_series = {each.series: each for each in reading.capture.measurements}
    join = by_series[series("test_words.py::test_join")]
    assert reading.title == "pytest-benchmark 5.3.1"
    assert reading.benchmarks == len(by_series) == 3
    assert len(join.values) == 8
    assert (join.unit, join.better, join.assumption) == (Unit("s"), Direction.LOWER, Assumption.NOISY)
    assert join.origin == "b.json, $.benchmarks[2].stats.data"
    assert len(by_series[series("test_words.py::test_sort[10]")].values) == 100
    assert reading.capture.caveats == ()


def test_the_medians_of_the_shared_files_are_those_that_other_code_computes(shared_data: Path) -> None:
    for name in ("json_full", "save_data", "stats_only"):
        path = shared_data / f"bench/pytest-benchmark/{name}.json"
        expected = {each["fullname"]: each["stats"] for each in json.loads(path.read_text())["benchmarks"]}
        found = {dict(each.series.labels)["benchmark"]: each for each in read(path.read_bytes()).capture.measurements}
        assert found.keys() == expected.keys()
        for benchmark, stats in expected.items():
            raw = sorted(stats["data"])
            assert stats["rounds"] == len(raw)
            assert statistics.median(raw) == pytest.approx(stats["median"])
            values = found[benchmark].values
            assert len(values) == min(100, len(raw))
            # Block medians keep the order of the rounds, so their median is near that of the rounds, and within their range.
            assert float(median(values)) == pytest.approx(statistics.median(raw), rel=0.15)
            assert raw[0] <= min(values)
            assert max(values) <= raw[-1]


def test_without_raw_samples_the_median_stands_alone_and_a_caveat_says_so(root: Path) -> None:
    path = root / "tests/corpus/bench/pytest_benchmark/autosave_without_data.json"
    reading = read(path.read_bytes())
    medians = [each["stats"]["median"] for each in json.loads(path.read_text())["benchmarks"]]
    assert [each.values for each in reading.capture.measurements] == [(value,) for value in medians]
    (caveat,) = reading.capture.caveats
    assert caveat.code == "no-raw-samples"
    assert "3 of 3 benchmarks" in caveat.message
    assert "--benchmark-save-data" in caveat.remedy


@pytest.mark.parametrize(
    ("stats", "reason"),
    [
        ({"data": [0.0, 0.0, 0.0]}, "zero"),
        ({"data": [1.0, -1.0]}, "below zero"),
        ({"data": [1e300]}, "larger than anything"),
        ({"data": [10**400]}, "not finite"),
        ({"data": []}, "neither samples nor a median"),
        ({"median": 0}, "zero"),
        ({}, "neither samples nor a median"),
    ],
)
def test_what_is_no_time_is_unknown_and_says_why(stats: dict[str, Any], reason: str) -> None:
    (measurement,) = read(written(entry(**stats))).capture.measurements
    assert measurement.state is State.UNKNOWN
    assert measurement.values == ()
    assert reason in measurement.reason


def test_single_zero_samples_among_real_ones_are_kept() -> None:
    (measurement,) = read(written(entry(data=[0.0, 1e-6, 1e-6]))).capture.measurements
    assert measurement.state is State.MEASURED
    assert measurement.values == (0.0, 1e-6, 1e-6)


def test_an_entry_without_statistics_is_unknown() -> None:
    (measurement,) = read(written({"fullname": "test_a", "stats": None})).capture.measurements
    assert measurement.state is State.UNKNOWN


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        (written(entry(data=[1.0, "2"])), "a number is wanted", "b.json, $.benchmarks[0].stats.data[1]"),
        (written(entry(data=[True])), "a number is wanted", "b.json, $.benchmarks[0].stats.data[0]"),
        (written(entry(data={"a": 1})), "a list of samples", "b.json, $.benchmarks[0].stats.data"),
        (written(entry(median="fast")), "a number is wanted", "b.json, $.benchmarks[0].stats.median"),
        (written({"stats": {}}), "no name", "b.json, $.benchmarks[0]"),
        (written(entry(), entry()), "is there twice", "b.json, $.benchmarks[1]"),
        (written(), "no benchmark", "b.json"),
        (b'{"machine_info": {}, "benchmarks": [1]}', "an object", "b.json, $.benchmarks[0]"),
        (written(entry(data=[1.0]))[:-10], "not JSON", "b.json:1"),
        (b'{"machine_info": ' + b"[" * 200_000, "nested", "b.json"),
        (b'{"a": "\xff"}', "not UTF-8", "b.json:1"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(data: bytes, what: str, place: str) -> None:
    with pytest.raises(InputError) as error:
        read(data)
    assert what in error.value.what
    assert error.value.where.startswith(place)


def test_a_long_name_is_cut_but_stays_itself_and_half_characters_can_be_written() -> None:
    reading = read(written(entry("a" * 400, data=[1.0]), entry("a" * 401, data=[1.0]), entry("\ud800", data=[1.0])))
    names = [dict(each.series.labels)["benchmark"] for each in reading.capture.measurements]
    assert len(set(names)) == 3
    assert all(len(name) <= 300 and name.encode() for name in names)
    assert [caveat.code for caveat in reading.capture.caveats] == ["long-label"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "median", "a"]), inner),
    max_leaves=6,
)


def test_a_sample_that_is_no_number_makes_its_benchmark_unknown_and_leaves_the_others() -> None:
    good, bad = read(written(entry("a", data=[1.0]), entry("b", data=[1.0, float("nan")]))).capture.measurements
    assert good.values == (1.0,)
    assert bad.state is State.UNKNOWN
    assert "1 of 2 samples are not finite" in bad.reason


@settings(deadline=None, max_examples=150)
@given(st.lists(st.fixed_dictionaries({"fullname": _JSON, "stats": _JSON}), max_size=3), _JSON)
def test_hostile_entries_give_a_reading_or_a_sentence(entries: list[dict[str, Any]], info: object) -> None:
    data = json.dumps({"machine_info": info, "benchmarks": entries}).encode()
    try:
        reading = read(data)
    except InputError:
        return
    assert all((each.state is State.UNKNOWN) != bool(each.values) for each in reading.capture.measurements)
