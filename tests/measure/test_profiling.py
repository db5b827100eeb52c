"""Profiles taken by the real py-spy and perf, and what is said where they cannot be."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from perfgate.adapters.folded import read_folded
from perfgate.core.entries import CommandEntry
from perfgate.core.frames import Frame, profiles_in
from perfgate.errors import InputError
from perfgate.measure.profiling import capture, capture_file
from perfgate.measure.surroundings import Surroundings

_BUSY = """
import time
def slow(n):
    x = 0
    for i in range(n):
        x += i % 7
def again(n):
    return slow(3000) if n == 0 else again(n - 1)
end = time.time() + 1.2
while time.time() < end:
    slow(4000)
    again(3)
"""


def _py_spy() -> str | None:
    return shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    (tmp_path / "work").mkdir()
    (tmp_path / "busy.py").write_text(_BUSY, encoding="utf-8")
    return Surroundings(tmp_path, tmp_path / "work", os.environ)


@pytest.mark.skipif(_py_spy() is None, reason="py-spy is not installed")
def test_py_spy_tells_where_a_python_program_spends_its_time(around: Surroundings) -> None:
    captured = capture(CommandEntry("start up", (sys.executable, "busy.py")), around, lambda _: None, expected=1.2)
    if not captured.details:
        pytest.skip(captured.caveats[0].message)
    profile = profiles_in(captured.details["profile"])["start up"]
    assert profile.sampler == "py-spy"
    assert profile.samples >= 100
    slow, again = profile.share(Frame("slow", "busy.py")), profile.share(Frame("again", "busy.py"))
    assert 0.5 < slow[0] <= 1
    assert 0 < again[1] < slow[1] <= 1
    ((suffix, data),) = captured.attachments
    assert suffix == "start-up.folded"
    assert read_folded(data.decode(), "x").samples == profile.samples
    told = repr(captured.details) + data.decode()
    assert str(around.root) not in told
    assert "process " not in told


@pytest.mark.skipif(
    shutil.which("perf") is None or shutil.which("cc") is None, reason="perf or a C compiler is not here"
)
def test_perf_tells_where_a_native_program_spends_its_time(around: Surroundings) -> None:
    import subprocess

    source = around.root / "a.c"
    loop = "volatile long x; void leaf(void) { for (int i = 0; i < 1000000; i++) x += i; }"
    source.write_text(f"{loop} int main(void) {{ for (int i = 0; i < 300; i++) leaf(); return 0; }}", encoding="utf-8")
    made = around.root / "a"
    subprocess.run(["cc", "-O0", "-fno-omit-frame-pointer", "-o", str(made), str(source)], check=True)
    captured = capture(CommandEntry("it", ("./a",)), around, lambda _: None, expected=0.5)
    if not captured.details:
        pytest.skip(captured.caveats[0].message)
    profile = profiles_in(captured.details["profile"])["it"]
    assert profile.sampler == "perf"
    assert profile.share(Frame("leaf", "a"))[0] > 0.5


def _fake(folder: Path, script: str) -> None:
    folder.mkdir()
    path = folder / "py-spy"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_sampler_without_the_right_to_trace_is_a_caveat_and_no_failure(around: Surroundings) -> None:
    tools = around.root / "tools"
    _fake(tools, "echo 'Error: Permission Denied: Try running again with elevated permissions' >&2; exit 1")
    denied = around._replace(environ={**around.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    captured = capture(CommandEntry("it", (sys.executable, "busy.py")), denied, lambda _: None)
    (caveat,) = captured.caveats
    assert captured.details == {}
    assert "Permission Denied" in caveat.message
    assert "SYS_PTRACE" in caveat.remedy


def test_a_command_that_ends_before_the_first_sample_is_told_as_too_short(around: Surroundings) -> None:
    tools = around.root / "tools"
    empty = '{"shared": {"frames": []}, "profiles": []}'
    _fake(tools, f"while [ $1 != --output ]; do shift; done; echo '{empty}' > $2")
    quick = around._replace(environ={**around.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    (caveat,) = capture(CommandEntry("it", (sys.executable, "-c", "pass")), quick, lambda _: None).caveats
    assert caveat.message == '"it" has no profile: it ended before it was sampled once'
    assert "does more" in caveat.remedy


def test_a_sampler_that_is_not_there_is_a_caveat(around: Surroundings, tmp_path: Path) -> None:
    bare = around._replace(environ={"PATH": str(tmp_path / "nothing")})
    (caveat,) = capture(CommandEntry("it", ("/bin/true",)), bare, lambda _: None).caveats
    assert caveat.message == '"it" has no profile: perf is not installed'


def test_a_profile_that_somebody_else_made_is_read(around: Surroundings) -> None:
    file = around.root / "their.folded"
    file.write_text(
        f"main ({around.root}/src/a.py:3);slow ({around.root}/src/a.py:9) 150\nmain (/x/a.py:3) 50\n", encoding="utf-8"
    )
    captured = capture_file(CommandEntry("it", ("true",)), around, file)
    shares = profiles_in(captured.details["profile"])["it"].shares
    assert shares[Frame("slow", "src/a.py")] == (0.75, 0.75)
    assert captured.caveats == ()


def test_few_samples_are_kept_and_said(around: Surroundings) -> None:
    file = around.root / "their.folded"
    file.write_text("main;slow 12\n", encoding="utf-8")
    captured = capture_file(CommandEntry("it", ("true",)), around, file)
    assert captured.caveats[0].code == "short profile"
    assert captured.details["profile"]


def test_a_file_that_is_no_profile_is_refused(around: Surroundings) -> None:
    (around.root / "empty").write_text("no stack\n", encoding="utf-8")
    with pytest.raises(InputError, match="no folded stacks"):
        capture_file(CommandEntry("it", ("true",)), around, around.root / "empty")
