"""What the system tells of a running process and its descendants: their memory together, and what they read and wrote.

It imports nothing but the smallest modules, because the launcher of commands, whose own memory is the floor of what can be
measured, needs it too.
"""

from __future__ import annotations

import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_of(pid: int, peak: int) -> int:
    """The memory of a process and its descendants together, in bytes, pages that they share counted once.

    The sum of resident sizes counts shared pages for each process. It is cheap and never too small, so only where it is above `peak` are
    the proportional sizes asked for.
    """
    resident: dict[int, int] = {}
    waiting = [(pid, b"")]
    while waiting:
        each, parent = waiting.pop()
        try:
            own = _statm(each)
            # A child that was started by vfork and has not yet become another program lives in its parent's memory, to the last figure.
            if not parent or own not in (parent, _statm(_parent(each))):
                resident[each] = int(own.split()[1]) * _PAGE
            waiting += [(child, own) for child in children_of(each)]
        except (OSError, IndexError, ValueError):
            continue
    total = sum(resident.values())
    if len(resident) < 2 or total <= peak:
        return total
    shared = sum(proportional(each, size) for each, size in resident.items())
    # Where one ended in between, its pages went to the shares of those read after it: such a sum is no one moment's.
    return shared if all(map(_alive, resident)) else 0


def largest_of_this_process() -> int:
    """The most memory that this process has had since it became this program, in bytes; 0 where the system does not tell.

    `ru_maxrss` is no answer: Linux hands it on when a process becomes another program, so it is the size of what started this one.
    """
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
    return 0


def children_of(pid: int) -> list[int]:
    """The processes that this one started and that have not ended, or were handed to it; raises OSError where it is gone."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
            found += [int(child) for child in file.read().split()]
    return found


def io_of(pid: int) -> tuple[int, int] | None:
    """The bytes that a process, and those children that it has waited for, read from and wrote to storage.

    None where the system does not tell. It can be read of a process that has ended, until it is waited for. What came from the page cache
    is not counted, and what was written counts when it is handed to the cache (Linux, Documentation/filesystems/proc.rst, /proc/<pid>/io).
    """
    found = {}
    try:
        with open(f"/proc/{pid}/io", "rb") as file:
            for line in file:
                name, _, value = line.partition(b":")
                found[name] = int(value)
        return found[b"read_bytes"], found[b"write_bytes"]
    except (OSError, ValueError, KeyError):
        return None


def _alive(pid: int) -> bool:
    try:
        return not _statm(pid).startswith(b"0 ")
    except OSError:
        return False


def _statm(pid: int) -> bytes:
    with open(f"/proc/{pid}/statm", "rb") as file:
        return file.read()


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def proportional(pid: int, resident: int) -> int:
    """A process' share of its pages in bytes; its resident size where the kernel does not tell, nothing where it has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except ProcessLookupError:
        return 0
    except (OSError, IndexError, ValueError):
        return resident
    return resident
