"""The machine class of this machine: coarse and stable, so that two runs on it are comparable, and without any name."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from perfgate.core.model import MachineClass


def machine_class(environ: Mapping[str, str], runner: str = "") -> MachineClass:
    """The class of the machine this runs on; `runner` is the CI system's label. PERFGATE_RUNNER overrides it."""
    return MachineClass(
        os={"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform),
        arch=_arch(),
        runner=environ.get("PERFGATE_RUNNER", "")[:100] or runner,
        cpu_model=_cpu_model(),
        cpu_count=cpu_count(),
    )


def _arch() -> str:
    name = platform.machine().lower()
    return {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}.get(name, name)


def _cpu_model() -> str:
    """The CPU's model name without clock speed and decoration; "" where the system does not tell."""
    if sys.platform == "darwin":
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False
        )
        return _cleaned(done.stdout)
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return ""
    if match := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
        return _cleaned(match[1])
    # ARM tells numbers instead of a name.
    parts = [re.search(rf"^CPU {name}\s*:\s*(\S+)$", text, re.MULTILINE) for name in ("implementer", "part", "variant")]
    return _cleaned("arm " + " ".join(part[1] for part in parts if part)) if any(parts) else ""


def _cleaned(name: str) -> str:
    """One spelling for one model: no speed (it changes between reads), no trademark signs, no repeated blanks."""
    plain = re.sub(r"\((?:R|TM|r|tm)\)|®|™|\bCPU\b|\bProcessor\b|@.*$|\d+(?:\.\d+)?\s*[GM]Hz", " ", name)
    return " ".join(plain.split())[:100]


def cpu_count() -> int:
    """The CPUs this process may use: its affinity, cut by a cgroup's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:
        count = os.cpu_count() or 0
    quota = _cgroup_quota()
    return max(1, min(count, quota)) if quota else count


def _cgroup_quota() -> int:
    """The whole CPUs that cgroup v2 grants, rounded up; 0 where there is no quota."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return -(-int(limit) // int(period)) if limit != "max" else 0
    except (OSError, ValueError):
        return 0
