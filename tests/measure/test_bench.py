"""Reading benchmark results: finding the files, recognizing the tool, running the command that makes them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from perfgate.adapters import benchmarks
from perfgate.core.entries import BenchEntry
from perfgate.core.model import Capture
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.bench import capture
from perfgate.measure.surroundings import Surroundings

GO = "pkg: p\nBenchmarkA-2 10 5 ns/op\nBenchmarkA-2 10 6 ns/op\n"
HYPERFINE = json.dumps({"results": [{"command": "true", "times": [0.1, 0.2]}]})


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    for name in ("root", "work"):
        (tmp_path / name).mkdir()
    return Surroundings(tmp_path / "root", tmp_path / "work", os.environ)


def taken(around: Surroundings, *files: str, run: tuple[str, ...] = (), told: list[str] | None = None) -> Capture:
    tell = [] if told is None else told
    return capture(BenchEntry("micro", run=run, files=files), around, lambda _: None, tell.append)


def shell(line: str) -> tuple[str, ...]:
    return (sys.executable, "-c", line)


def test_files_are_recognized_by_content_and_said(around: Surroundings) -> None:
    (around.root / "a.dat").write_text(GO)
    (around.root / "b.dat").write_text(HYPERFINE)
    told: list[str] = []
    found = taken(around, "*.dat", told=told)
    assert told == ["read 1 benchmark from a.dat (go)", "read 1 benchmark from b.dat (hyperfine)"]
    assert [each.origin for each in found.measurements] == ["a.dat:2", "b.dat, $.results[0].times"]


def test_a_file_in_no_format_is_refused_with_a_reason_for_each_tool(around: Surroundings) -> None:
    for content in ('{"benchmarks": []}', "[1]", "BenchmarkA is nice"):
        (around.root / "x").write_text(content)
        with pytest.raises(InputError) as error:
            taken(around, "x")
        lines = error.value.what.splitlines()
        named = [tool.strip() for line in lines[1:] for tool in line.split(":")[0].split(",")]
        assert sorted(named) == sorted(benchmarks.TOOLS)


@pytest.mark.parametrize(
    ("content", "what"),
    [("", "empty"), (HYPERFINE[:-3], "not JSON"), ('{"results": []}', "no benchmark"), ("[" * 100_000, "nested")],
)
def test_a_broken_file_is_refused_for_what_is_wrong_with_it(around: Surroundings, content: str, what: str) -> None:
    (around.root / "x").write_text(content)
    with pytest.raises(InputError, match=what) as error:
        taken(around, "x")
    assert error.value.where.startswith("x")


def test_a_file_that_is_not_there_is_refused(around: Surroundings) -> None:
    for pattern in ("none.json", "*.json"):
        with pytest.raises(InputError, match="there is no file"):
            taken(around, pattern)


def test_a_folder_gives_its_results_and_says_what_it_skipped(around: Surroundings) -> None:
    inside = around.root / "results" / "linux"
    inside.mkdir(parents=True)
    (inside / "go.txt").write_text(GO)
    (inside / "notes.md").write_text("# notes")
    told: list[str] = []
    assert len(taken(around, "results", told=told).measurements) == 1
    assert told[1] == "skipped results/linux/notes.md: no benchmark results"
    (inside / "go.txt").unlink()
    with pytest.raises(InputError, match="no benchmark result in this folder"):
        taken(around, "results")


def test_a_broken_result_in_a_folder_is_not_skipped(around: Surroundings) -> None:
    (around.root / "results").mkdir()
    (around.root / "results" / "a.json").write_text(HYPERFINE[:-3])
    with pytest.raises(InputError, match="not JSON"):
        taken(around, "results")


def test_two_files_that_measured_the_same_are_refused(around: Surroundings) -> None:
    for name in ("a.txt", "b.txt"):
        (around.root / name).write_text(GO)
    with pytest.raises(InputError, match=r"measured twice: a\.txt:2 and b\.txt:2"):
        taken(around, "*.txt")


def test_the_command_runs_first_and_its_out_file_is_read(around: Surroundings) -> None:
    run = shell("import sys; open(r'{out}', 'w').write(" + repr(GO) + ")")
    for files in ((), ("{out}",)):
        (measurement,) = taken(around, *files, run=run).measurements
        assert measurement.origin == "{out}:2"
        assert measurement.values == (5e-9, 6e-9)


def test_a_command_that_wrote_nothing_or_failed_gives_no_numbers(around: Surroundings) -> None:
    with pytest.raises(InputError, match="wrote no"):
        taken(around, "{out}", run=shell("pass"))
    with pytest.raises(CommandFailed) as error:
        taken(around, "{out}", run=shell("print('broken build'); raise SystemExit(3)"))
    assert "broken build" in error.value.output


def test_an_old_file_beside_a_command_is_told(around: Surroundings) -> None:
    path = around.root / "go.txt"
    path.write_text(GO)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert [each.code for each in taken(around, "go.txt", run=shell("pass")).caveats] == ["stale-file"]
    assert taken(around, "go.txt").caveats == ()


def test_results_of_another_processor_are_told(around: Surroundings) -> None:
    (around.root / "go.txt").write_text("cpu: MOS 6502 @ 1MHz\n" + GO)
    codes = [each.code for each in taken(around, "go.txt").caveats]
    assert codes in (["other-machine"], [])
    from perfgate.measure.machine import machine_class

    mine = machine_class(around.environ).cpu_model
    assert bool(codes) is bool(mine)
    if mine:
        (around.root / "go.txt").write_text(f"cpu: {mine.replace(' ', '(R) ', 1)} Processor @ 2.50GHz\n" + GO)
        assert taken(around, "go.txt").caveats == ()
