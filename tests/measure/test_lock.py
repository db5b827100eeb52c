"""One measurement at a time on a machine: others wait, nobody is held up by the dead, and nothing waits for itself."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfgate.errors import OperationFailed
from perfgate.measure import lock
from perfgate.measure.lock import Alone, alone, lock_file, mark
from tests.cli.program import ENVIRON


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "the.lock"
    monkeypatch.setenv(lock.LOCK, str(path))
    monkeypatch.delenv(lock.HELD, raising=False)
    return path


@pytest.fixture
def holder(file: Path, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A perfgate that measures something long."""
    argv = [sys.executable, "-m", "perfgate", "measure", "command", "long", "--", "sh", "-c", "touch on; exec sleep 60"]
    environ = {**ENVIRON, lock.LOCK: str(file)}
    with subprocess.Popen(argv, cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
            if (tmp_path / "on").exists():
                break
            time.sleep(0.05)
        yield process
        process.kill()


def free(file: Path) -> bool:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_the_lock_is_held_as_long_as_somebody_measures(file: Path) -> None:
    with alone(Alone()) as caveats:
        assert caveats == ()
        assert not free(file)
        assert mark() == {lock.HELD: str(file)}
        with alone(Alone(wait=0)) as inner:
            assert inner == ()
        assert not free(file)
    assert free(file)
    assert mark() == {}
    assert stat.S_IMODE(file.stat().st_mode) == 0o444


def test_another_one_waits_says_so_once_and_gives_up(holder: subprocess.Popen[bytes]) -> None:
    told: list[str] = []
    with (
        pytest.raises(OperationFailed, match=r"did not end within 0\.3|did not end within 300"),
        alone(Alone(0.3, tell=told.append)),
    ):
        raise AssertionError("it overlaps")
    assert len(told) == 1
    with alone(Alone(overlap=True)) as caveats:
        assert [caveat.code for caveat in caveats] == ["overlap"]


def test_a_holder_that_was_killed_leaves_no_lock(holder: subprocess.Popen[bytes]) -> None:
    holder.send_signal(signal.SIGKILL)
    with alone(Alone(20)) as caveats:
        assert caveats == ()


def test_a_measured_command_may_measure_itself(file: Path, tmp_path: Path) -> None:
    inner = f"{sys.executable} -m perfgate measure command inner --wait 1s --runs 1 -- true"
    argv = [
        sys.executable,
        "-m",
        "perfgate",
        "measure",
        "command",
        "outer",
        "--runs",
        "1",
        "--warmup",
        "0",
        "--wait",
        "1s",
    ]
    done = subprocess.run(
        [*argv, "--", *inner.split()],
        cwd=tmp_path,
        env={**ENVIRON, lock.LOCK: str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_file_is_not_waited_for_and_said(file: Path, tmp_path: Path) -> None:
    os.mkfifo(file)
    with alone(Alone(0)) as caveats:
        assert [caveat.code for caveat in caveats] == ["no lock"]
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    with alone(Alone(0)) as caveats:
        assert [caveat.code for caveat in caveats] == ["no lock"]
    assert not (tmp_path / "elsewhere").exists()


def test_every_user_of_a_machine_comes_to_the_same_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(lock.LOCK, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert lock_file() in {"/run/lock/perfgate.lock", "/tmp/perfgate.lock"}


def test_a_lock_that_another_user_made_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can play another user")
    monkeypatch.delenv(lock.HELD, raising=False)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        file = f"{folder}/the.lock"
        monkeypatch.setenv(lock.LOCK, file)
        with alone(Alone()):
            pass
        os.chown(file, 12345, 12345)
        take = f"fcntl.flock(os.open({file!r}, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        script = f"import fcntl, os; os.setgid(23456); os.setuid(23456); {take}"
        subprocess.run([sys.executable, "-I", "-c", script], check=True)
        with alone(Alone()) as caveats:
            assert caveats == ()
