"""The segmenter against labelled histories, simulation and laws."""

from __future__ import annotations

import csv
import itertools
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.stats.change_points import change_points, current_start, segment
from perfgate.core.stats.estimators import median

_Noise = Callable[[random.Random, int], list[float]]
_LENGTH = 100


def _labelled(folder: Path) -> list[tuple[str, str, list[float], int]]:
    """(type, name, medians of builds, index of the first build after the change or 0) of every labelled series."""
    found = []
    with (folder / "dataset_details.csv").open(encoding="utf-8") as listing:
        for row in csv.DictReader(listing, delimiter=";"):
            builds: dict[str, list[float]] = {}
            first: dict[str, int] = {}
            with (folder / "data" / row["Dataset"]).open(encoding="utf-8") as file:
                for line in csv.DictReader(file):
                    builds.setdefault(line["GHC"], []).append(float(line["Measurement"]))
                    first.setdefault(line["GHC"], int(line["Index"]))
            last = int(row["Change Point"])
            place = sum(index <= last for index in first.values()) if last else 0
            found.append((row["Type"], row["Dataset"], [float(median(each)) for each in builds.values()], place))
    return found


def test_every_labelled_regression_is_found_at_its_build_and_no_other_series_is_called_worse(shared_data: Path) -> None:
    series = _labelled(shared_data / "histories" / "sap-hana-small-2021")
    assert len(series) == 25
    for kind, name, values, place in series:
        worse = [point for point in change_points(values) if point.after > point.before]
        assert [point.start for point in worse] == ([place] if place else []), (kind, name)
        assert all(point.earliest <= place <= point.latest for point in worse), name
        if place:
            assert current_start(values) == place


# --- rates by simulation, at a fixed seed: docs/reference/statistics.md states them ------------------------------------


def _normal(source: random.Random, n: int) -> list[float]:
    return [100 + 5 * source.gauss(0, 1) for _ in range(n)]


def _log_normal(source: random.Random, n: int) -> list[float]:
    return [math.exp(0.2 * source.gauss(0, 1)) for _ in range(n)]


def _heavy(source: random.Random, n: int) -> list[float]:
    """Student's t with 3 degrees of freedom, on logarithms."""
    return [
        math.exp(0.05 * source.gauss(0, 1) / math.sqrt(sum(source.gauss(0, 1) ** 2 for _ in range(3)) / 3))
        for _ in range(n)
    ]


def _autocorrelated(source: random.Random, n: int) -> list[float]:
    values = [source.gauss(0, 1)]
    while len(values) < n:
        values.append(0.5 * values[-1] + math.sqrt(0.75) * source.gauss(0, 1))
    return [math.exp(0.05 * value) for value in values]


def _drifting(source: random.Random, n: int) -> list[float]:
    """20 % in the whole history, in no step."""
    return [math.exp(0.05 * source.gauss(0, 1) + 0.2 * index / n) for index in range(n)]


def _bistable(source: random.Random, n: int) -> list[float]:
    """Two machines behind one label, 16 % apart, each run on either."""
    return [math.exp(0.02 * source.gauss(0, 1) + 0.15 * source.getrandbits(1)) for _ in range(n)]


def _spiky(source: random.Random, n: int) -> list[float]:
    """One value in ten is 1.65 times too large."""
    return [math.exp(0.03 * source.gauss(0, 1) + 0.5 * (source.random() < 0.1)) for _ in range(n)]


@pytest.mark.parametrize(
    ("noise", "most"),
    [
        (_normal, 0.005),
        (_log_normal, 0.005),
        (_heavy, 0.005),
        (_spiky, 0.015),
        (_drifting, 0.03),
        (_autocorrelated, 0.03),
        (_bistable, 0.14),
    ],
)
def test_unchanged_series_are_cut_no_more_often_than_stated(noise: _Noise, most: float) -> None:
    source = random.Random(20261121)
    cut = sum(bool(segment(noise(source, _LENGTH))) for _ in range(600))
    assert cut / 600 <= most


@pytest.mark.parametrize(("noise", "least"), [(_normal, 0.99), (_heavy, 0.9), (_autocorrelated, 0.8)])
def test_a_step_of_a_quarter_is_found_within_two_runs(noise: _Noise, least: float) -> None:
    source = random.Random(7)
    found = 0
    for _ in range(200):
        values = noise(source, _LENGTH)
        values[60:] = [1.25 * value for value in values[60:]]
        found += any(abs(index - 60) <= 2 for index in segment(values))
    assert found / 200 >= least


@pytest.mark.parametrize(("noise", "size"), [(_normal, 0.15), (_normal, 0.25), (_heavy, 0.25), (_autocorrelated, 0.25)])
def test_the_interval_of_the_place_covers_the_true_one(noise: _Noise, size: float) -> None:
    source = random.Random(11)
    found = covered = 0
    for _ in range(300):
        values = noise(source, 60)
        values[33:] = [(1 + size) * value for value in values[33:]]
        for point in change_points(values):
            if abs(point.start - 33) <= 10:
                found += 1
                covered += point.earliest <= 33 <= point.latest
    assert found > 100
    assert covered / found >= 0.95


# --- laws -------------------------------------------------------------------------------------------------------------

_VALUES = st.lists(st.floats(0.1, 1000.0), min_size=0, max_size=60)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.001, 0.5, 3.0, 1e6]))
def test_scaling_all_values_leaves_the_segments_where_they_are(seed: int, scale: float) -> None:
    source = random.Random(seed)
    values = _normal(source, 40) + [value * source.uniform(1, 1.5) for value in _normal(source, 40)]
    assert segment([value * scale for value in values]) == segment(values)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1e6, 1e6), st.integers(0, 120))
def test_a_constant_history_has_one_segment(value: float, n: int) -> None:
    assert segment([value] * n) == ()
    assert current_start([value] * n) == 0


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 100), st.data())
def test_a_step_of_ten_standard_deviations_is_found_wherever_it_is(seed: int, n: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(5, n - 5))
    source = random.Random(seed)
    values = [math.exp(0.02 * source.gauss(0, 1)) for _ in range(n)]
    values[at:] = [value * math.exp(0.2) for value in values[at:]]
    assert any(abs(index - at) <= 2 for index in segment(values))


@settings(max_examples=150, deadline=None)
@given(_VALUES)
def test_the_three_answers_agree_and_every_segment_is_long_enough(values: list[float]) -> None:
    starts = segment(values)
    points = change_points(values)
    assert tuple(point.start for point in points) == starts
    assert current_start(values) == (starts[-1] if starts else 0)
    edges = [0, *starts, len(values)]
    assert not starts or all(end - start >= 5 for start, end in itertools.pairwise(edges))
    for point in points:
        assert 1 <= point.earliest <= point.start <= point.latest < len(values)
        assert point.z > 4.5


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_turning_time_around_leaves_a_clear_step_where_it_is(seed: int) -> None:
    source = random.Random(seed)
    values = [10 + 0.1 * source.gauss(0, 1) for _ in range(30)] + [13 + 0.1 * source.gauss(0, 1) for _ in range(20)]
    assert segment(values) == (30,)
    assert segment(values[::-1]) == (20,)


def test_a_history_through_zero_is_searched_on_differences() -> None:
    source = random.Random(3)
    values = [round(source.uniform(0, 1), 3) for _ in range(30)] + [
        20 + round(source.uniform(0, 1), 3) for _ in range(20)
    ]
    values[4] = 0.0
    assert segment(values) == (30,)
    point = change_points([0.0] * 20 + [4.0] * 10)[0]
    assert (point.start, point.before, point.after, point.ratio) == (20, 0.0, 4.0, None)


def test_a_step_below_three_percent_is_none_however_clear() -> None:
    assert segment([100.0] * 30 + [102.9] * 30) == ()
    assert segment([100.0] * 30 + [103.1] * 30) == (30,)


def test_what_the_measurement_cannot_resolve_is_no_step() -> None:
    # Whole seconds: a level of 3.4 s and one of 3.6 s look like 3 s and 4 s in a few runs each.
    values = [3.0] * 12 + [4.0] * 5
    assert segment(values) == (12,)
    assert segment(values, resolution=3.0) == ()


@pytest.mark.parametrize("n", range(10))
def test_fewer_than_ten_values_are_one_segment(n: int) -> None:
    assert segment([1.0] * (n // 2) + [9.0] * (n - n // 2)) == ()


@pytest.mark.parametrize("slope", [0.004, 0.008])
def test_a_climb_that_a_line_fits_as_well_is_no_step(slope: float) -> None:
    source = random.Random(5)
    for _ in range(40):
        values = [math.exp(0.01 * source.gauss(0, 1) + slope * index) for index in range(100)]
        assert segment(values) == ()


def test_several_steps_are_all_found() -> None:
    source = random.Random(1)
    levels = (10, 12, 8.6, 14, 14.8)
    values = [level * math.exp(0.01 * source.gauss(0, 1)) for level in levels for _ in range(20)]
    assert segment(values) == (20, 40, 60, 80)
    assert [round(point.ratio or 0, 1) for point in change_points(values)] == [1.2, 0.7, 1.6, 1.1]


def test_the_interval_of_the_size_covers_the_true_one() -> None:
    source = random.Random(17)
    found = covered = 0
    for noise in (_normal, _heavy, _autocorrelated):
        for _ in range(150):
            values = noise(source, 70)
            values[35:] = [1.2 * value for value in values[35:]]
            for point in change_points(values):
                if abs(point.start - 35) <= 5 and point.low is not None and point.high is not None:
                    found += 1
                    covered += point.low <= 1.2 <= point.high
    assert found > 200
    assert covered / found >= 0.93
