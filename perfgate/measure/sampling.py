"""What /proc tells of running processes and of the machine at one moment: CPU, memory, disk and network."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from perfgate.measure.contention import busy_and_stolen
from perfgate.measure.tree import children_of, io_of, proportional

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: A walk through the processes ends here; no step of a pipeline has more.
_MOST_PROCESSES = 10_000


class Use(NamedTuple):
    """What processes used so far, in CPU seconds and bytes, and the memory they hold now; None where the system does not tell.

    `largest` is the most that any one of them that still lives ever held.

    The network is that of the whole machine (or container), because Linux counts it for interfaces and not for processes.
    """

    cpu: float
    memory: int
    largest: int
    disk_read: int | None
    disk_written: int | None
    net_received: int | None
    net_sent: int | None
    machine_cpu: float | None


def is_possible() -> bool:
    """Whether this system has what samples are read from."""
    return Path("/proc/self/task").is_dir() and Path("/proc/self/stat").is_file()


def descendants(pid: int, without: Collection[int] = ()) -> Iterator[int]:
    """The processes that this one started, and those that they did, whoever still lives; but none of these and their own."""
    waiting, met = [pid], 0
    while waiting and met < _MOST_PROCESSES:
        with suppress(OSError, ValueError):
            for child in children_of(waiting.pop()):
                if child not in without:
                    met += 1
                    waiting.append(child)
                    yield child


def use(pid: int, without: Collection[int] = ()) -> Use:
    """What the descendants of a process used since their start, without the process itself and the children named.

    A process' own figures hold those of the children it waited for (proc(5): cutime, cstime; task_io_accounting in the kernel), so
    what ended within the tree is counted; what ended right below `pid` is in that process' own figures, which the caller knows.
    """
    cpu, largest, read, written, told = 0.0, 0, 0, 0, False
    sizes: dict[int, int] = {}
    for each in descendants(pid, without):
        if (seconds := _cpu(each)) is None:
            continue
        cpu += seconds
        sizes[each] = _resident(each)
        largest = max(largest, _peak(each))
        if (io := io_of(each)) is not None:
            told, read, written = True, read + io[0], written + io[1]
    received, sent = _network()
    memory = _together(sizes)
    read_told, written_told = (read, written) if told else (None, None)
    return Use(cpu, memory, max(memory, largest), read_told, written_told, received, sent, busy_and_stolen()[0])


def _cpu(pid: int) -> float | None:
    """Seconds of CPU of a process and the children it waited for, None where it is gone."""
    try:
        # The name of the program, in brackets, may hold anything; the fields behind it do not.
        fields = _bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        return sum(map(int, fields[11:15])) * _TICK
    except (OSError, ValueError):
        return None


def _resident(pid: int) -> int:
    try:
        return int(_bytes(f"/proc/{pid}/statm").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _peak(pid: int) -> int:
    """The most memory that a program held in bytes, since it became this program."""
    try:
        return int(_bytes(f"/proc/{pid}/status").split(b"VmHWM:")[1].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        return 0


def _together(sizes: dict[int, int]) -> int:
    """The memory of several processes together in bytes, pages that they share counted once where the kernel tells shares."""
    if len(sizes) < 2:
        return sum(sizes.values())
    return sum(proportional(pid, size) for pid, size in sizes.items())


def _network() -> tuple[int, int] | tuple[None, None]:
    """Bytes received and sent by every interface but the loopback."""
    received = sent = 0
    try:
        for line in _bytes("/proc/self/net/dev").splitlines()[2:]:
            name, _, numbers = line.partition(b":")
            if name.strip() != b"lo":
                fields = numbers.split()
                received, sent = received + int(fields[0]), sent + int(fields[8])
    except (OSError, ValueError, IndexError):
        return None, None
    return received, sent


def killed_for_memory() -> int | None:
    """How many processes of this machine the kernel killed for lack of memory since it started."""
    try:
        for line in _bytes("/proc/vmstat").splitlines():
            if line.startswith(b"oom_kill "):
                return int(line.split()[1])
    except (OSError, ValueError):
        return None
    return None


def memory_available() -> int | None:
    """The bytes that a step may use: the machine's memory, or the container's limit where that is less."""
    limits = []
    try:
        limits.append(int(_bytes("/proc/meminfo").split(b"MemTotal:")[1].split()[0]) * 1024)
    except (OSError, ValueError, IndexError):
        limits.clear()
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limits.append(int(_bytes(f"/sys/fs/cgroup/{name}")))
        except (OSError, ValueError):
            # "max", or another kind of control group.
            continue
    return min(limits, default=None)


def _bytes(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a look reads hundreds of these
        return file.read()
