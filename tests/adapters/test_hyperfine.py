"""hyperfine's files: every run is a sample, a failing command has no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.adapters import benchmarks
from perfgate.adapters.bench_reading import Reading
from perfgate.core.model import Series, State
from perfgate.core.units import Unit
from perfgate.errors import InputError


def read(data: bytes) -> Reading:
    return benchmarks.read(data, "h.json")


def written(*results: dict[str, Any]) -> bytes:
    return json.dumps({"results": list(results)}).encode()


def result(**parts: Any) -> dict[str, Any]:
    return {"command": "true", "times": [0.1, 0.2], **parts}


def test_the_runs_of_the_shared_file_are_kept_one_by_one(shared_data: Path) -> None:
    path = shared_data / "bench/hyperfine/two_cmds.json"
    found = {each.series: each for each in read(path.read_bytes()).capture.measurements}
    for each in json.loads(path.read_text())["results"]:
        measurement = found[Series.of("bench.time", tool="hyperfine", benchmark=each["command"])]
        assert measurement.values == tuple(each["times"])
        assert sum(float(value) for value in measurement.values) / 15 == pytest.approx(each["mean"])
        assert measurement.unit == Unit("s")
    assert len(found) == 2


def test_a_command_that_fails_has_no_time_and_the_other_keeps_its_parameters(shared_data: Path) -> None:
    good, bad = read((shared_data / "bench/hyperfine/params_fail.json").read_bytes()).capture.measurements
    assert dict(good.series.labels)["parameters"] == "n=1"
    assert len(good.values) == 3
    assert bad.state is State.UNKNOWN
    assert bad.values == ()
    assert "exit code 1 in 3 of 3 runs" in bad.reason


def test_real_times_of_zero_among_others_are_kept_and_names_are_labels(root: Path) -> None:
    corpus = root / "tests/corpus/bench/hyperfine"
    first, second = read((corpus / "scan_with_failure.json").read_bytes()).capture.measurements
    assert first.state is State.MEASURED
    assert 0.0 in first.values
    assert second.state is State.UNKNOWN
    named = read((corpus / "named_commands.json").read_bytes()).capture.measurements
    assert [dict(each.series.labels)["benchmark"] for each in named] == ["true", "sleep 0.01"]
    assert all(len(each.values) == 6 for each in named)


def test_memory_is_a_series_of_its_own_where_hyperfine_measured_it() -> None:
    time, memory = read(written(result(memory_usage_byte=[2_000_000, 2_100_000]))).capture.measurements
    assert time.series.metric == "bench.time"
    assert memory.series == Series.of("bench.memory", tool="hyperfine", benchmark="true")
    assert (memory.values, memory.unit) == ((2_000_000.0, 2_100_000.0), Unit("B"))


def test_an_end_by_a_signal_is_a_failure() -> None:
    (measurement,) = read(written(result(exit_codes=[0, None]))).capture.measurements
    assert "a signal in 1 of 2 runs" in measurement.reason


def test_a_median_alone_is_kept_with_a_caveat() -> None:
    reading = read(written({"command": "true", "median": 0.5}))
    assert reading.capture.measurements[0].values == (0.5,)
    assert [caveat.code for caveat in reading.capture.caveats] == ["no-raw-samples"]


@pytest.mark.parametrize("times", [[0.0, 0.0], [-0.1], [1e300, 1.0]])
def test_what_is_no_time_is_unknown(times: list[float]) -> None:
    (measurement,) = read(written(result(times=times))).capture.measurements
    assert measurement.state is State.UNKNOWN
    assert measurement.reason


@pytest.mark.parametrize(
    ("results", "what"),
    [
        ([result(), result()], "is there twice"),
        ([result(command="")], "names no command"),
        ([result(), 7], "an object"),
        ([result(times=["fast"])], "a number is wanted"),
        ([result(times="fast")], "a list of samples"),
        ([result(exit_codes=0)], "a list of exit codes"),
        ([], "no benchmark"),
    ],
)
def test_a_broken_file_is_refused(results: list[dict[str, Any]], what: str) -> None:
    with pytest.raises(InputError, match=what):
        read(written(*results))
