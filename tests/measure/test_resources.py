"""What a watched step used is told over time, whatever processes it starts, and its output and its end stay its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.entries import ResourcesEntry
from perfgate.core.model import COMMAND_FAILED, Capture
from perfgate.formats import run as run_format
from perfgate.measure import sampling
from perfgate.measure.resources import MOST_MOMENTS, Moment, capture, joined
from perfgate.measure.surroundings import Surroundings
from perfgate.render import resources as render_resources
from tests.cli.program import ENVIRON, Program

pytestmark = pytest.mark.skipif(not sampling.is_possible(), reason="this system has no /proc")
HUNDRED_MB = "held = bytearray(100_000_000); import time; time.sleep(1)"


def watched(root: Path, *words: str) -> Capture:
    return capture(ResourcesEntry("step", words, aside=True), Surroundings(root, root, os.environ), lambda _: None)


def value(found: Capture, metric: str) -> float:
    return next(float(each.values[0]) for each in found.measurements if each.series.metric == metric)


def test_the_memory_of_processes_at_the_same_time_adds_up(tmp_path: Path) -> None:
    meet = (
        "import pathlib, sys, time\nheld = bytearray(100_000_000)\npathlib.Path(sys.argv[1]).touch()\n"
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\ntime.sleep(3)"
    )
    (tmp_path / "meet.py").write_text(meet)
    script = f"'{sys.executable}' meet.py one two & '{sys.executable}' meet.py two one & wait"
    found = watched(tmp_path, "sh", "-c", script)
    assert 200e6 < value(found, "command.memory") < 300e6


def test_what_a_step_leaves_running_is_seen_until_the_step_ends(tmp_path: Path) -> None:
    # The parent ends at once, so the process would be init's child and out of sight.
    script = f"(setsid '{sys.executable}' -c '{HUNDRED_MB}' &) ; sleep 1.5"
    assert value(watched(tmp_path, "sh", "-c", script), "command.memory") > 100e6


def test_the_cpu_time_is_that_of_every_process_that_ended(tmp_path: Path) -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    found = watched(tmp_path, "sh", "-c", f"'{sys.executable}' -c '{busy}'; '{sys.executable}' -c '{busy}'")
    assert 0.4 <= value(found, "command.cpu") < 2
    (summary,) = found.details["resource_use"]
    assert sum(float(row["cpus"] or 0) for row in found.details["resources"]) > 0
    assert summary["exit_code"] == 0


def test_what_ran_before_and_beside_it_is_not_counted_and_is_not_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "held = bytearray(200_000_000); input()"], stdin=subprocess.PIPE
    ) as beside:
        found = watched(tmp_path, "sh", "-c", "sleep 0.5")
        assert value(found, "command.memory") < 100e6
        assert value(found, "command.cpu") < 0.2
        beside.communicate(b"\n")
        assert beside.returncode == 0, "its end is its starter's to hear of"


def test_what_is_written_to_the_disk_is_counted(tmp_path: Path) -> None:
    found = watched(tmp_path, "dd", "if=/dev/zero", f"of={tmp_path}/file", "bs=1M", "count=20", "conv=fsync")
    (summary,) = found.details["resource_use"]
    if summary["disk_written"] == 0:
        pytest.skip("this folder is not on a disk")
    assert isinstance(summary["disk_written"], int)
    assert 20e6 < summary["disk_written"] < 40e6


def test_a_step_that_fails_tells_what_it_used_and_no_time(tmp_path: Path) -> None:
    found = watched(tmp_path, "sh", "-c", "sleep 0.1; exit 3")
    assert all(not each.values and "exit code 3" in each.reason for each in found.measurements)
    assert found.failure is not None
    assert found.failure.code == COMMAND_FAILED
    assert found.details["resource_use"][0]["exit_code"] == 3


def test_its_output_is_passed_through_and_its_failure_is_exit_code_4(tmp_path: Path) -> None:
    project = Program(tmp_path / "project")
    ended = project.perfgate("measure", "resources", "--name", "build", "--", "sh", "-c", "echo out; echo err >&2")
    assert ended.code == 0
    assert ended.out == "out\n"
    assert "err\n" in ended.err
    assert "resources of build" in ended.err
    assert project.perfgate("measure", "resources", "--", "false").code == 4
    as_json = project.perfgate("measure", "resources", "--json", "--", "sh", "-c", "echo out")
    assert run_format.load(as_json.out.encode(), "stdout").details["resource_use"]
    assert "out\n" in as_json.err


def test_asked_to_end_it_lets_the_step_end_first(tmp_path: Path) -> None:
    script = "trap 'echo ending > ended; exit 5' TERM; touch begun; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [sys.executable, "-m", "perfgate", "measure", "resources", "--", "sh", "-c", script],
        cwd=tmp_path,
        env=ENVIRON,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert (tmp_path / "ended").exists()
    assert process.returncode == 4
    assert b"exit code 5" in told


def test_an_entry_is_measured_with_the_others_and_budgeted(tmp_path: Path) -> None:
    project = Program(
        tmp_path / "project",
        "version: 1\nmeasure:\n  build:\n    resources: {run: sh -c true, interval: 200 ms}\n"
        "budgets:\n  - series: command.wall\n    limit: 1 min\n",
    )
    ended = project.perfgate("check")
    assert ended.code == 0, ended.err
    assert "command.wall{command=build}" in ended.out


amounts = st.integers(0, 10**12)
moments = st.lists(
    st.builds(
        Moment,
        at=st.floats(0, 1e6),
        length=st.floats(0.01, 10),
        cpu=st.floats(0, 100),
        memory=amounts,
        disk_read=amounts | st.none(),
        disk_written=amounts,
        net_received=amounts,
        net_sent=amounts,
        machine_cpu=st.floats(0, 100) | st.none(),
    ),
    min_size=1,
    max_size=MOST_MOMENTS,
)


@given(moments)
def test_joined_moments_keep_what_was_used(found: list[Moment]) -> None:
    half = joined(found)
    assert len(half) == (len(found) + 1) // 2
    assert sum(each.cpu for each in half) == pytest.approx(sum(each.cpu for each in found))
    assert sum(each.length for each in half) == pytest.approx(sum(each.length for each in found))
    assert sum(each.disk_read or 0 for each in half) == sum(each.disk_read or 0 for each in found)
    assert max(each.memory for each in half) == max(each.memory for each in found)
    assert half[-1].at == found[-1].at


@pytest.mark.parametrize("width", [80, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    summary = {
        "command": "build\x1b[31m",
        "seconds": 1234.5,
        "cpus": 3.456,
        "cpus_most": 4,
        "cpus_available": 4,
        "seconds_at_limit": 301.2,
        "cpus_of_others": 1.2,
        "memory": 2_100_000_000,
        "memory_available": 16_000_000_000,
        "disk_read": 240_000_000,
        "disk_written": None,
        "net_received": 312_000_000,
        "net_sent": 2_200_000,
    }
    rows = [{"command": "build\x1b[31m", "cpus": at % 5, "memory": at} for at in range(600)]
    text = render_resources.render([summary], rows, width=width, unicode=True)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "at most 2.1" in text
    assert "240 MB read" in text
