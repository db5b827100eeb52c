"""What else happened on the machine while something was measured: others' CPU time, steal, slower clocks, throttling, short memory.

Two looks, one before and one after, cost a few file reads each. What a look cannot see is None and is never said to be zero.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Caveat

#: Others' CPU time as a share of all CPUs. A quiet desktop or runner shows 0 to 4 % (an agent, a browser tab); one busy process on a machine
#: of four is 25 %, and moves wall times by as much as the runs that it meets.
OTHERS = 0.10
#: Time that the hypervisor gave to other machines, as a share of this one's. An idle host shows less than 1 %.
STEAL = 0.02
#: The time in which somebody had to wait for memory, as a share: then pages are read back from the disk.
MEMORY = 0.01
#: How much slower the CPUs ran in the second half than in the first.
SLOWER = 0.10
#: The kernel counts CPU time in hundredths of a second, so below so many seconds its shares are rounding.
SHORTEST = 0.5


class Look(NamedTuple):
    """The counters of one moment, in seconds since the start of the machine unless said otherwise; None where it does not tell."""

    at: float
    own: float
    cpus: int
    busy: float | None
    steal: float | None
    throttled: int | None
    memory: float | None


def look(root: Path = Path("/")) -> Look:
    """Read the counters now; what this process and everything it waited for used is `own`."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    busy, steal = busy_and_stolen(root / "proc/stat")
    return Look(
        time.monotonic(),
        sum(each.ru_utime + each.ru_stime for each in used),
        os.cpu_count() or 1,
        busy,
        steal,
        _throttled(root / "sys/devices/system/cpu"),
        _waited(root / "proc/pressure/memory"),
    )


def frequency(root: Path = Path("/")) -> float | None:
    """The mean clock of the CPUs now, in hertz; None where the system does not tell (most virtual machines)."""
    speeds = [
        speed
        for path in (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")
        if (speed := _number(path)) is not None
    ]
    return 1000.0 * sum(speeds) / len(speeds) if speeds else None


def busy_and_stolen(path: Path = Path("/proc/stat")) -> tuple[float | None, float | None]:
    """Seconds that all CPUs together were busy, without what was stolen, and seconds stolen (Linux, proc.rst, /proc/stat)."""
    try:
        with path.open("rb") as file:
            name, *words = file.readline().split()
        user, nice, system, _, _, irq, soft_irq, steal, *_ = (int(word) for word in words)
    except (OSError, ValueError):
        return None, None
    if name != b"cpu":
        return None, None
    tick = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + soft_irq) / tick, steal / tick


def _throttled(folder: Path) -> int | None:
    counts = [
        count
        for path in folder.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
        if (count := _number(path)) is not None
    ]
    return sum(counts) if counts else None


def _waited(path: Path) -> float | None:
    """Seconds in which at least one process waited for memory (Linux, accounting/psi.rst)."""
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith("some "):
                return int(line.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError):
        return None
    return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def caveats(before: Look, after: Look, clocks: list[float], name: str) -> Iterator[Caveat]:
    """What to say of a measurement taken between two looks; `clocks` are the CPUs' clocks after its runs, in their order."""
    took = after.at - before.at
    if took >= SHORTEST:
        yield from _of_shares(before, after, took, name)
    if before.throttled is not None and after.throttled is not None and after.throttled > before.throttled:
        message = f'the CPUs were too hot and slowed down {after.throttled - before.throttled} times while "{name}" ran'
        yield Caveat("thermal throttling", message, "let the machine cool down, and measure again")
    if len(clocks) >= 6:
        half = len(clocks) // 2
        first, second = sorted(clocks[:half])[half // 2], sorted(clocks[-half:])[half // 2]
        if second < (1 - SLOWER) * first:
            message = (
                f'the CPUs ran at {first / 1e9:.2f} GHz when "{name}" began and at {second / 1e9:.2f} GHz when it ended'
            )
            yield Caveat("slower clock", message, "plug the machine in, let it cool down, or fix its frequency")


def _of_shares(before: Look, after: Look, took: float, name: str) -> Iterator[Caveat]:
    whole = took * before.cpus
    if before.busy is not None and after.busy is not None:
        others = after.busy - before.busy - (after.own - before.own)
        if others / whole >= OTHERS:
            message = f'other processes used {others / whole:.0%} of the CPUs while "{name}" ran'
            yield Caveat(
                "busy machine", message, "let nothing else run meanwhile, or compare both sides in turns: perfgate ab"
            )
    if before.steal is not None and after.steal is not None and (after.steal - before.steal) / whole >= STEAL:
        message = (
            f'the host gave {(after.steal - before.steal) / whole:.0%} of the CPUs to other machines while "{name}" ran'
        )
        yield Caveat("stolen time", message, "compare both sides in turns on one machine: perfgate ab")
    if before.memory is not None and after.memory is not None and (after.memory - before.memory) / took >= MEMORY:
        message = (
            f'processes waited for memory {(after.memory - before.memory) / took:.0%} of the time while "{name}" ran'
        )
        yield Caveat("short memory", message, "give the machine more memory, or let less run on it")
