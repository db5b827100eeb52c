"""Benchmark results that are a folder, several files that are one sample each, and what only the user can tell."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.entries import BenchEntry
from perfgate.core.metrics import Direction
from perfgate.core.model import Capture, State
from perfgate.errors import InputError
from perfgate.measure.bench import capture
from perfgate.measure.surroundings import Surroundings

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "bench"


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("root", "work"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "root", tmp_path / "work", os.environ)


def taken(around: Surroundings, *files: str, told: list[str] | None = None, **parts: Any) -> Capture:
    tell = [] if told is None else told
    return capture(BenchEntry("micro", files=files, **parts), around, lambda _: None, tell.append)


def codes(found: Capture) -> list[str]:
    return [each.code for each in found.caveats]


# --- Criterion ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def criterion(around: Surroundings) -> Path:
    return Path(shutil.copytree(CORPUS / "criterion/target_criterion", around.root / "target/criterion"))


def test_criterions_samples_are_divided_by_their_iterations_and_its_own_comparison_is_not_read(
    around: Surroundings, criterion: Path
) -> None:
    assert list(criterion.rglob("change/estimates.json"))
    told: list[str] = []
    found = {
        dict(each.series.labels)["benchmark"]: each
        for each in taken(around, "target/criterion", told=told).measurements
    }
    assert told == ["read 3 benchmarks from target/criterion (criterion)"]
    assert set(found) == {"sort/merge/10", "sort/merge/1000", "flat/a/b c"}
    for path in criterion.rglob("new/sample.json"):
        raw = json.loads(path.read_text())
        about = json.loads((path.parent / "benchmark.json").read_text())
        expected = [time / count * 1e-9 for time, count in zip(raw["times"], raw["iters"], strict=True)]
        measurement = found[about["full_id"]]
        assert measurement.values == pytest.approx(expected)
        assert f"{raw['sampling_mode']} sampling" in measurement.origin
    assert "Linear" in found["sort/merge/10"].origin
    assert "Flat" in found["flat/a/b c"].origin


def test_the_folder_of_criterion_may_lie_deeper_and_beside_other_results(around: Surroundings, criterion: Path) -> None:
    (around.root / "target/go.txt").write_text("BenchmarkA 10 5 ns/op\n")
    told: list[str] = []
    found = taken(around, "target", told=told)
    assert len(found.measurements) == 4
    assert told == ["read 3 benchmarks from target (criterion)", "read 1 benchmark from target/go.txt (go)"]
    assert taken(around, "target/criterion/sort/merge/10").measurements[0].values


def test_a_result_of_an_earlier_session_in_the_folder_is_told(around: Surroundings, criterion: Path) -> None:
    assert codes(taken(around, "target")) == []
    os.utime(criterion / "sort/merge/10/new/sample.json", (1_000_000_000, 1_000_000_000))
    found = taken(around, "target")
    assert codes(found) == ["stale-file"]
    assert "sort/merge/10" in found.caveats[0].message


def test_a_half_written_result_is_refused_with_its_file(around: Surroundings, criterion: Path) -> None:
    path = criterion / "sort/merge/10/new/sample.json"
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, "iters": raw["iters"][:-1]}))
    with pytest.raises(InputError, match="do not belong") as error:
        taken(around, "target")
    assert error.value.where == "target/criterion/sort/merge/10/new/sample.json"
    path.write_text('{"times": [')
    with pytest.raises(InputError, match="not JSON"):
        taken(around, "target")
    path.write_text(json.dumps({**raw, "iters": [0.0] * len(raw["iters"])}))
    assert taken(around, "target/criterion/sort/merge/10").measurements[0].state is State.UNKNOWN


# --- asv ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asv(around: Surroundings) -> Path:
    return Path(shutil.copytree(CORPUS / "asv/results", around.root / "results"))


def test_asvs_failures_and_skips_are_states_and_units_come_from_its_other_file(around: Surroundings, asv: Path) -> None:
    found = {str(each.series): each for each in taken(around, "results").measurements}
    broken = found["bench.time{benchmark=words_bench.time_broken,tool=asv}"]
    assert (broken.state, "failed" in broken.reason) == (State.UNKNOWN, True)
    skipped = found["bench.time{benchmark=words_bench.Sorting.time_sort,parameters=\"10, 'down'\",tool=asv}"]
    assert (skipped.state, "skipped" in skipped.reason) == (State.UNKNOWN, True)
    tracked = found["bench.track{benchmark=words_bench.track_ratio,tool=asv}"]
    assert (str(tracked.unit), tracked.better) == ("ratio", Direction.NONE)


def test_of_many_commits_the_newest_is_read_and_the_others_are_told(around: Surroundings, asv: Path) -> None:
    (newest,) = (asv / "runner").glob("*-*.json")
    raw = newest.read_text()
    older = json.loads(raw)
    older.update(commit_hash="0" * 40, date=1)
    (asv / "runner/00000000-existing.json").write_text(json.dumps(older))
    found = taken(around, "results")
    assert "other-commits" in codes(found)
    assert all(newest.name in each.origin for each in found.measurements)
    (asv / "other").mkdir()
    (asv / "other" / newest.name).write_text(raw)
    with pytest.raises(InputError, match="2 machines: other, runner"):
        taken(around, "results")


# --- gungraun ----------------------------------------------------------------------------------------------------------


def test_gungrauns_folder_is_read_from_its_summaries_not_from_callgrinds_files(around: Surroundings) -> None:
    shutil.copytree(CORPUS / "gungraun/tree", around.root / "gungraun")
    told: list[str] = []
    found = taken(around, "gungraun", told=told)
    assert told == ["read 2 benchmarks from gungraun (gungraun)"]
    assert {dict(each.series.labels)["tool"] for each in found.measurements} == {"gungraun"}
    assert all(dict(each.conditions)["arch"] for each in found.measurements)


# --- one sample a file -------------------------------------------------------------------------------------------------


def test_several_loads_of_a_page_are_its_samples_and_a_failed_one_is_told(around: Surroundings) -> None:
    shutil.copytree(CORPUS / "lighthouse", around.root / "lh")
    three = taken(around, "lh/load_[123].json")
    assert {len(each.values) for each in three.measurements} == {3}
    assert codes(three) == ["few-samples"]
    four = taken(around, "lh")
    assert {len(each.values) for each in four.measurements} == {3}
    assert "failed-samples" in codes(four)
    alone = taken(around, "lh/load_error.json")
    assert {each.state for each in alone.measurements} == {State.UNKNOWN}
    for number in range(4, 6):
        shutil.copy(around.root / "lh/load_1.json", around.root / f"lh/load_{number}.json")
    assert codes(taken(around, "lh/load_[1-5].json")) == []


# --- what the user tells -----------------------------------------------------------------------------------------------


def test_a_direction_that_the_user_tells_holds_only_where_the_file_tells_none(around: Surroundings) -> None:
    (around.root / "a.csv").write_text("name,value,better\nup,1,higher\nplain,2,\n")
    untold, told = taken(around, "a.csv"), taken(around, "a.csv", better=Direction.LOWER)
    assert [each.better.value for each in untold.measurements] == ["higher", "none"]
    assert codes(untold) == ["no-direction"]
    assert [each.better.value for each in told.measurements] == ["higher", "lower"]
    assert codes(told) == []


def test_a_tool_that_the_user_insists_on_is_asked_alone(around: Surroundings) -> None:
    (around.root / "a.txt").write_text("BenchmarkA 10 5 ns/op\n")
    assert taken(around, "a.txt", tool="go").measurements
    with pytest.raises(InputError) as error:
        taken(around, "a.txt", tool="csv")
    assert "csv: the first line names no column" in error.value.what
    assert "go:" not in error.value.what
    with pytest.raises(InputError, match='no format "gob"'):
        taken(around, "a.txt", tool="gob")


def test_a_file_that_two_tools_could_have_written_is_not_guessed(around: Surroundings) -> None:
    (around.root / "a.txt").write_text("BenchmarkA 10 5 ns/op\ntest a ... bench: 5 ns/iter (+/- 1)\n")
    with pytest.raises(InputError, match="go or cargo-bench") as error:
        taken(around, "a.txt")
    assert error.value.remedy == "say which: --tool NAME"
    assert len(taken(around, "a.txt", tool="cargo-bench").measurements) == 1


def test_a_hundred_megabytes_are_refused_before_they_are_read(around: Surroundings) -> None:
    with (around.root / "huge.json").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(InputError, match="larger than the"):
        taken(around, "huge.json")
