"""A control group for each run where the system delegates one, and none where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.measure import cgroups


def tree(folder: Path, path: str, controllers: str) -> tuple[str, str]:
    """A folder laid out as the kernel does, and the file that says where this process is in it."""
    home = folder / "mount" / path
    home.mkdir(parents=True)
    for each in (home, home.parent):
        (each / "cgroup.procs").touch()
        (each / "cgroup.subtree_control").write_text(f"{controllers}\n", encoding="ascii")
    own = folder / "cgroup"
    own.write_text(f"1:name=systemd:/\n0::/{path}\n", encoding="utf-8")
    return str(folder / "mount"), str(own)


def systemd_owns_it() -> bool:
    return os.geteuid() == 0 and Path("/run/systemd/system").is_dir()


def test_a_group_is_made_beside_the_own_one_where_memory_is_counted(tmp_path: Path) -> None:
    if systemd_owns_it():
        pytest.skip("to root every folder is writable, and systemd owns the tree")
    mount, own = tree(tmp_path, "user.slice/app.slice/shell.scope", "cpu memory pids")
    assert cgroups.delegated(mount, own) == f"{mount}/user.slice/app.slice"
    assert cgroups.home(mount, own) == f"{mount}/user.slice/app.slice/shell.scope"


@pytest.mark.parametrize("case", ["no memory", "version 1", "root", "outside", "nothing"])
def test_no_group_is_made_where_none_can_count_memory(tmp_path: Path, case: str) -> None:
    mount, own = tree(tmp_path, "a/b", "cpu" if case == "no memory" else "memory")
    told = {"version 1": "4:memory:/a/b\n", "root": "0::/\n", "outside": "0::/../../a\n"}
    if case in told:
        Path(own).write_text(told[case], encoding="utf-8")
    if case == "nothing":
        own = str(tmp_path / "missing")
    assert cgroups.delegated(mount, own) == ""


def test_the_peak_of_a_delegated_group_is_the_commands_and_not_perfgates(tmp_path: Path) -> None:
    if not cgroups.delegated():
        pytest.skip("no control group of version 2 with a memory controller is delegated to this process")
    touch = "b = bytearray(80_000_000); b[::4096] = b'x' * len(b[::4096])"
    argv = ["-m", "perfgate", "measure", "command", "it", "--runs", "3", "-o", "run.json", "--"]
    subprocess.run([sys.executable, *argv, sys.executable, "-I", "-S", "-c", touch], cwd=tmp_path, check=True)
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert '"memory_from": "group"' in text
    assert not list(Path(cgroups.delegated()).glob("perfgate-*"))
