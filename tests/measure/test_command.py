"""Commands are measured as they are: their time, their CPU, their memory, and nothing of perfgate's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.command import fill, run_once
from perfgate.measure.session import capture
from perfgate.measure.surroundings import Surroundings
from tests.cli.program import ENVIRON

PYTHON = (sys.executable, "-I", "-S", "-c")


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    work = tmp_path / "work"
    work.mkdir()
    return Surroundings(tmp_path, work, dict(os.environ))


def values(captured: Capture, metric: str) -> tuple[float, ...]:
    (found,) = [each for each in captured.measurements if each.series.metric == metric]
    return tuple(float(value) for value in found.values)


def measured(around: Surroundings, *argv: str, runs: int = 2, warmup: int = 0) -> Capture:
    return capture(CommandEntry("it", argv, runs, warmup), around, lambda _: None)


def test_wall_time_and_cpu_time_are_told_apart(around: Surroundings) -> None:
    asleep = measured(around, "sleep", "0.2")
    assert min(values(asleep, "command.wall")) >= 0.2
    assert max(values(asleep, "command.cpu")) < 0.1
    busy = measured(around, *PYTHON, "import time\nwhile time.process_time() < 0.2: pass")
    assert min(values(busy, "command.cpu")) >= 0.19


def test_cpu_time_of_children_counts(around: Surroundings) -> None:
    child = "import time\nwhile time.process_time() < 0.15: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-I', '-S', '-c', {child!r}])"
    assert min(values(measured(around, sys.executable, "-I", "-c", parent), "command.cpu")) >= 0.14


def test_there_is_one_value_for_each_run_and_none_for_warm_ups(around: Surroundings) -> None:
    (around.root / "count").write_text("", encoding="utf-8")
    captured = measured(around, "sh", "-c", "echo x >> count", runs=4, warmup=3)
    assert len(values(captured, "command.wall")) == 4
    assert (around.root / "count").read_text(encoding="utf-8") == "x\n" * 7


def test_memory_is_the_commands_own_and_not_that_of_perfgate(around: Surroundings) -> None:
    ballast = bytearray(os.urandom(1024)) * (200 * 1024)
    assert max(values(measured(around, "true", runs=3), "command.memory")) < 30e6
    assert len(ballast) > 200e6


def test_memory_above_the_launchers_is_told_as_the_commands_own_however_large_perfgate_is(around: Surroundings) -> None:
    block = "block = bytearray(16_000_000); block[::4096] = b'x' * len(block[::4096])"
    ballast = bytearray(os.urandom(1024)) * (100 * 1024)
    for argv, prepare in (((*PYTHON, block), ()), ((*PYTHON, block), ("true",)), (("sh", "-c", "true"), ("true",))):
        captured = capture(CommandEntry("it", argv, 2, 0, prepare), around, lambda _: None)
        (row,) = captured.details["commands"]
        assert (row["memory_from"] == "floor") is (argv[0] == "sh"), row
        assert isinstance(memory := row["memory"], int)
        assert memory < 50e6
    assert len(ballast) > 100e6


def test_memory_of_a_tree_is_the_sum_of_what_runs_at_once(around: Surroundings) -> None:
    hungry = "import time; block = bytearray(60_000_000); block[::4096] = b'x' * len(block[::4096]); time.sleep(0.6)"
    parent = f"import subprocess, sys; [p.wait() for p in [subprocess.Popen([sys.executable, '-I', '-S', '-c', {hungry!r}]) for _ in range(2)]]"
    peak = max(values(measured(around, sys.executable, "-I", "-c", parent, runs=1), "command.memory"))
    assert 120e6 < peak < 250e6


def test_pages_that_processes_share_count_once(around: Surroundings) -> None:
    block = "import os, subprocess, time; block = bytearray(80_000_000); block[::4096] = b'x' * len(block[::4096])\n"
    workers = (
        block + "for _ in range(4):\n    if os.fork() == 0: time.sleep(0.4); os._exit(0)\nfor _ in range(4): os.wait()"
    )
    assert 80e6 < max(values(measured(around, *PYTHON, workers, runs=1), "command.memory")) < 130e6
    # Between vfork and exec a child lives in its parent's memory: a large program that starts small ones is not twice as large.
    starter = block + "for _ in range(100): subprocess.run(['true'])"
    assert 80e6 < max(values(measured(around, *PYTHON, starter, runs=3), "command.memory")) < 130e6


def test_a_failing_command_tells_how_and_shows_its_end(around: Surroundings) -> None:
    with pytest.raises(CommandFailed, match="exit code 3") as caught:
        measured(around, "sh", "-c", "for i in $(seq 200); do echo line $i; done; echo problem >&2; exit 3")
    assert caught.value.output.endswith("line 200\nproblem")
    assert len(caught.value.output.splitlines()) <= 100
    with pytest.raises(CommandFailed, match="SIGKILL"):
        measured(around, "sh", "-c", "kill -9 $$")


def test_a_later_run_that_fails_ends_it(around: Surroundings) -> None:
    with pytest.raises(CommandFailed, match="run 2 of 3"):
        measured(around, "sh", "-c", "test ! -e done && touch done", runs=3)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("no-such-program-here",), "in the PATH"),
        (("{pyton}",), "in the PATH\n  known placeholders are {python} and {out}"),
        (("./missing",), "there is no program"),
        (("./",), "folder"),
        (("./text",), "not executable"),
    ],
)
def test_a_program_that_cannot_be_started_is_an_error_of_the_input(
    around: Surroundings, argv: tuple[str, ...], told: str
) -> None:
    (around.root / "text").write_text("no program", encoding="utf-8")
    with pytest.raises(InputError, match=told):
        measured(around, *argv)


def test_strange_words_reach_the_command_unchanged(around: Surroundings) -> None:
    words = ("a b", "$HOME", "'\"", "*", "", "ä\n", "--")
    script = "import sys, ast; sys.exit(sys.argv[2:] != ast.literal_eval(sys.argv[1]))"
    measured(around, *PYTHON, script, repr(list(words)), *words, runs=1)


def test_the_command_reads_nothing_and_its_noise_is_kept_away(
    around: Surroundings, capfd: pytest.CaptureFixture[str]
) -> None:
    measured(around, "sh", "-c", "cat; head -c 3000000 /dev/zero; printf '\\377\\n' >&2")
    assert capfd.readouterr() == ("", "")


def test_what_a_command_leaves_running_in_its_group_is_ended(around: Surroundings) -> None:
    measured(around, "sh", "-c", "sleep 60 & echo $! > pid", runs=1)
    assert gone(int((around.root / "pid").read_text(encoding="utf-8")))


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_perfgate_ends_the_command_ends_too(tmp_path: Path, number: signal.Signals) -> None:
    argv = [
        sys.executable,
        "-m",
        "perfgate",
        "measure",
        "command",
        "it",
        "--",
        "sh",
        "-c",
        "echo $$ > pid; exec sleep 60",
    ]
    process = subprocess.Popen(argv, cwd=tmp_path, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    pid = tmp_path / "pid"
    for _ in range(200):
        if pid.exists() and pid.read_text(encoding="utf-8").strip():
            break
        time.sleep(0.05)
    process.send_signal(number)
    try:
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
    assert gone(int(pid.read_text(encoding="utf-8")))
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert b"interrupted" in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_what_ends_the_whole_group_of_perfgate_ends_the_command(tmp_path: Path, number: signal.Signals) -> None:
    argv = [
        sys.executable,
        "-m",
        "perfgate",
        "measure",
        "command",
        "it",
        "--",
        "sh",
        "-c",
        "echo $$ > pid; exec sleep 60",
    ]
    with subprocess.Popen(
        argv, cwd=tmp_path, env=ENVIRON, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        pid = tmp_path / "pid"
        for _ in range(200):
            if pid.exists() and pid.read_text(encoding="utf-8").strip():
                break
            time.sleep(0.05)
        os.killpg(process.pid, number)
        process.wait(30)
    assert gone(int(pid.read_text(encoding="utf-8")))


def test_a_command_that_goes_into_the_background_is_not_waited_for(around: Surroundings) -> None:
    script = "setsid sh -c 'echo $$ > pid; exec sleep 30' & while ! test -s pid; do sleep 0.01; done"
    assert max(values(measured(around, "sh", "-c", script, runs=1), "command.wall")) < 10
    # It left the group on purpose, as build servers do, and is left alone.
    daemon = int((around.root / "pid").read_text(encoding="utf-8"))
    os.kill(daemon, signal.SIGKILL)


def test_output_that_does_not_end_fills_no_disk_and_its_end_is_kept(around: Surroundings) -> None:
    script = "head -c 50000000 /dev/zero; sleep 0.1; head -c 50000000 /dev/zero; sleep 0.1; echo; echo the end"
    run_once(("sh", "-c", script), around, what="it")
    assert 0 < (around.work / "output").stat().st_size < 64 * 1024 * 1024
    with pytest.raises(CommandFailed) as caught:
        measured(around, "sh", "-c", f"{script}; exit 1", runs=1)
    assert caught.value.output.endswith("the end")


def test_a_command_may_close_its_output(around: Surroundings) -> None:
    assert len(values(measured(around, "sh", "-c", "exec >&- 2>&-; sleep 0.01", runs=2), "command.wall")) == 2


def test_text_that_is_no_utf_8_is_told_so_that_it_can_be_written(around: Surroundings) -> None:
    odd = os.fsdecode(b"\xff")
    captured = capture(CommandEntry("it" + odd, ("true", odd), 1, 0), around, lambda _: None)
    for each in captured.measurements:
        assert f"{each.series} {each.origin}".encode()
    with pytest.raises(CommandFailed) as caught:
        measured(around, "sh", "-c", "printf '\\377 problem'; exit 1", runs=1)
    assert caught.value.output == "\ufffd problem"


def test_a_program_is_found_where_the_folder_of_the_command_has_it(around: Surroundings) -> None:
    (around.root / "bin").mkdir()
    program = around.root / "bin" / "mine"
    program.write_text("#!/bin/sh\nexit 7\n", encoding="utf-8")
    program.chmod(0o755)
    inside = around._replace(environ={"PATH": "bin:" + os.environ["PATH"]})
    for name in ("mine", "bin/mine", "./bin/mine"):
        assert run_once((name,), inside, what="it", accept=lambda code: code == 7).returncode == 7


def test_a_warm_up_that_fails_ends_it(around: Surroundings) -> None:
    with pytest.raises(CommandFailed, match="warm-up 1 of 2"):
        measured(around, "false", warmup=2)


def test_placeholders_are_filled_and_other_braces_stay() -> None:
    assert fill(("{python}", "-o", "{out}", "{x}"), out=Path("f"), python="py") == ("py", "-o", "f", "{x}")
    assert fill(("{out}",), python="py") == ("{out}",)


def test_a_command_that_runs_once_tells_its_exit_code_where_it_is_accepted(around: Surroundings) -> None:
    assert run_once(("sh", "-c", "exit 5"), around, what="it", accept=lambda code: code == 5).returncode == 5


def test_a_cold_first_run_is_told(around: Surroundings) -> None:
    script = "test -e warm || { touch warm; sleep 0.3; }; sleep 0.02"
    captured = measured(around, "sh", "-c", script, runs=5)
    assert captured.caveats[0].code == "cold first run"
