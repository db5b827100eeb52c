"""Times of tests are taken from whatever recorded them, and those of different machines are kept apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Context, MachineClass, Run
from perfgate.core.recorded_times import Recording, estimates
from perfgate.errors import InputError
from perfgate.formats import run as run_format
from perfgate.measure.recorded_times import Times, of_files, of_runs

RUNNER = MachineClass("linux", "x86_64", "ubuntu-24.04", "one processor", 4)
LAPTOP = MachineClass("darwin", "arm64", "", "M", 10)


def read(*patterns: str, root: Path, suite: str = "", last: int = 20) -> Times:
    return of_files(patterns, root, lambda _: None, suite=suite, last=last)


def made(times: Mapping[str, float], *, number: int = 1, suite: str = "unit", job: str = "", **context: Any) -> Run:
    rows: tuple[dict[str, Any], ...] = tuple(
        {"suite": suite, "test": test, "file": "a.py", "seconds": seconds} for test, seconds in times.items()
    )
    told = {"provider": "github", "machine": RUNNER, "ci_run": str(number), "ci_job": job} | context
    whole: tuple[dict[str, Any], ...] = (
        {"suite": suite, "file": "a.py", "tests": len(rows), "seconds": sum(times.values()), "fingerprint": "0"},
    )
    return Run(
        Context(started_at=f"2026-10-01T00:00:{number:02d}Z", **told), (), {"test_times": rows, "test_files": whole}
    )


def seconds(times: Times) -> list[dict[str, float | None]]:
    return [{test.title: test.seconds for test in run.tests} for run in times.recordings]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report", ["pytest_xunit1.xml", "pytest_xunit2.xml", "pytest_xdist.xml", "pytest_rerunfailures.xml"]
)
def test_every_executed_test_of_pytests_own_reports_is_found_in_its_list(report: str, shared_data: Path) -> None:
    folder = shared_data / "junit" / "real"
    listed = list(json.loads((folder / "pytest_split_durations.json").read_text(encoding="utf-8")))
    found = estimates(listed, read(report, root=folder).recordings)
    assert not found.stranger
    assert [test.name for test in found.tests if test.cost is None] == []
    # The list was written by a session that knows one skipped test and one that is not in every report.
    assert sum(test.how.name in {"MEASURED", "SKIPPED"} for test in found.tests) >= 12
    assert next(test for test in found.tests if test.name == "test_x.py::test_sk").how.name == "SKIPPED"


def test_a_report_that_tells_files_gives_node_ids_by_itself(shared_data: Path) -> None:
    (run,) = read("pytest_xunit1.xml", root=shared_data / "junit/real").recordings
    durations = json.loads((shared_data / "junit/real/pytest_split_durations.json").read_text(encoding="utf-8"))
    assert {test.id for test in run.tests} >= set(durations)


def test_the_time_of_a_go_subtest_counts_once(shared_data: Path) -> None:
    (run,) = read("gotestsum.xml", root=shared_data / "junit/real").recordings
    assert not [test.title for test in run.tests if "/" in test.title.rpartition(".")[2]]


def test_durations_and_runs_and_reports_may_come_together(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / ".test_durations").write_text('{"test_x.py::test_ok": 4.0}', encoding="utf-8")
    (tmp_path / "run.json").write_bytes(run_format.dump(made({"test_x.test_ok": 6.0})))
    report = (shared_data / "junit/real/pytest_xunit2.xml").read_bytes()
    (tmp_path / "r.xml").write_bytes(report)
    (tmp_path / "other.json").write_text('{"dependencies": {"a": "1"}}', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("a", encoding="utf-8")
    times = read(str(tmp_path), root=tmp_path)
    assert len(times.recordings) == 3
    (test,) = estimates(["test_x.py::test_ok"], times.recordings).tests
    assert test.cost == 4 * 10**9, "the median of 0.062, 4 and 6 s"
    assert times.told == "2 files and 1 run on ubuntu-24.04, linux/x86_64, 4 CPUs"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("not a report", "not JSON"),
        ('{"a": "b"}', "no object from test to seconds"),
        ('{"a": NaN}', "NaN"),
        ("<html></html>", "not JSON"),
        ("", "empty"),
        ("<testsuite><testcase", "not well-formed"),
    ],
)
def test_a_file_that_tells_no_times_is_refused(tmp_path: Path, content: str, why: str) -> None:
    (tmp_path / "f").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=why):
        read("f", root=tmp_path)


def test_a_pattern_that_names_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for pattern in ("*.xml", "sub", "gone.json"):
        with pytest.raises(InputError, match="nothing with times"):
            read(pattern, root=tmp_path)


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_laptops_times_are_not_mixed_with_those_of_ci() -> None:
    laptop = [made({"x": 0.1}, number=n, provider="", machine=LAPTOP, ci_run="") for n in (8, 9)]
    times = of_runs([made({"x": 2.0}), *laptop], suite="", last=20)
    assert seconds(times) == [{"x": 2.0}]
    assert times.notes == ("left out, because CI did not run them: 2 runs",)
    alone = of_runs(laptop, suite="", last=20)
    assert len(alone.recordings) == 2
    assert alone.notes == ("these times were not taken in CI, where the tests will run",)


def test_another_pool_of_machines_is_left_out_and_another_processor_of_the_pool_is_not() -> None:
    arm = RUNNER._replace(arch="arm64")
    other = RUNNER._replace(cpu_model="another processor")
    runs = [
        made({"x": 1.0}, number=1),
        made({"x": 3.0}, number=2, machine=other),
        made({"x": 9.0}, number=3, machine=arm),
    ]
    times = of_runs(runs, suite="", last=20)
    assert seconds(times) == [{"x": 3.0}, {"x": 1.0}]
    assert times.notes == ("left out, because another machine ran them: 1 run on ubuntu-24.04, linux/arm64, 4 CPUs",)


def test_the_jobs_of_one_ci_run_are_one_run_unless_they_ran_the_same_tests() -> None:
    shards = [made({"x": 1.0}, job="1"), made({"y": 2.0}, job="2")]
    assert seconds(of_runs(shards, suite="", last=20)) == [{"x": 1.0, "y": 2.0}]
    matrix = [made({"x": 1.0}, job="3.11"), made({"x": 2.0}, job="3.12")]
    assert seconds(of_runs(matrix, suite="", last=20)) == [{"x": 1.0}, {"x": 2.0}]


def test_the_newest_runs_count() -> None:
    times = of_runs([made({"x": float(n)}, number=n) for n in range(1, 6)], suite="", last=2)
    assert seconds(times) == [{"x": 5.0}, {"x": 4.0}]


def test_of_several_suites_one_has_to_be_named() -> None:
    runs = [made({"x": 1.0}), made({"x": 9.0}, number=2, suite="slow")]
    with pytest.raises(InputError, match="2 suites are recorded: slow, unit"):
        of_runs(runs, suite="", last=20)
    assert seconds(of_runs(runs, suite="slow", last=20)) == [{"x": 9.0}]
    assert of_runs(runs, suite="none", last=20) == Times()


def test_rows_that_are_not_what_they_should_be_tell_nothing() -> None:
    bad = Run(
        Context(),
        (),
        {
            "test_times": ({"suite": "s", "test": 3, "seconds": 1}, {"suite": "s", "test": "a", "seconds": "1"}, {}),
            "test_files": ({"suite": "s", "file": "a", "tests": "x", "seconds": 1}, {"suite": "s", "file": "a"}),
        },
    )
    assert of_runs([bad], suite="s", last=20).recordings == (Recording((), {}, is_whole=False),)


def test_a_row_for_several_tests_of_one_title_counts_them_all() -> None:
    row: dict[str, Any] = {"suite": "s", "test": "p", "file": "a.py", "seconds": 6.0, "tests": 3}
    whole: dict[str, Any] = {"suite": "s", "file": "a.py", "tests": 6, "untimed": 1, "seconds": 10.0}
    run = Run(Context(provider="github"), (), {"test_times": (row,), "test_files": (whole,)})
    (test,) = estimates(["a.py::q"], of_runs([run], suite="", last=20).recordings).tests
    assert test.cost == 2 * 10**9, "(10 - 6) s for the two timed tests that are not named"
