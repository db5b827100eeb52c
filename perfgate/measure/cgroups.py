"""A control group (version 2) of its own for each run of a command: its peak memory as the kernel counted it, no sample missed.

Used where a part of the tree of groups is delegated to this user, which the launcher finds out; imported by the launcher, so it is small.
Facts: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.peak since 5.19; "no internal processes"; delegation) and systemd,
CGROUP_DELEGATION.md (the attribute that marks a delegated group).
"""

from __future__ import annotations

import os

MOUNT = "/sys/fs/cgroup"
_MARKS = ("trusted.delegate", "user.delegate")


def delegated(mount: str = MOUNT, own: str = "/proc/self/cgroup") -> str:
    """The folder in which groups with a memory controller may be made beside this process' own group; "" where there is none.

    Processes and controllers of children exclude each other in one group, so it is the parent of this process' group. To root every folder
    is writable; where systemd runs, it owns the tree, and only what it marks as delegated is anybody else's.
    """
    try:
        with open(own, encoding="utf-8") as file:
            (path,) = [line[3:].rstrip("\n") for line in file if line.startswith("0::")]
        home = os.path.normpath(mount + path)
        parent = os.path.dirname(home)
        if home == mount or not parent.startswith(mount):
            return ""
        with open(f"{parent}/cgroup.subtree_control", encoding="ascii") as file:
            if "memory" not in file.read().split():
                return ""
    except (OSError, ValueError):
        return ""
    needed = (parent, f"{parent}/cgroup.procs", f"{home}/cgroup.procs")
    if not all(os.access(each, os.W_OK) for each in needed):
        return ""
    if os.geteuid() == 0 and os.path.isdir("/run/systemd/system") and not _is_marked(parent, mount):
        return ""
    return parent


def _is_marked(folder: str, mount: str) -> bool:
    while folder.startswith(mount):
        for name in _MARKS:
            try:
                if os.getxattr(folder, name) == b"1":
                    return True
            except (OSError, AttributeError):
                continue
        folder = os.path.dirname(folder)
    return False


class Group:
    """A group for one run: the launcher enters it, starts the command, and leaves it again, before and after the clock runs."""

    def __init__(self, parent: str, home: str) -> None:
        """Make the group in the folder `parent` and enter it from the group `home`; raises OSError where the system refuses."""
        self._path, self._home = f"{parent}/perfgate-{os.getpid()}", home
        os.mkdir(self._path)
        try:
            _write(f"{self._path}/cgroup.procs", "0")
        except OSError:
            os.rmdir(self._path)
            raise

    def leave(self) -> None:
        """Go back to where the launcher came from; what it started stays."""
        _write(f"{self._home}/cgroup.procs", "0")

    def peak(self) -> int:
        """The most memory that the group ever held, in bytes: processes and what they made the kernel keep; 0 where it is not told."""
        try:
            with open(f"{self._path}/memory.peak", "rb") as file:
                return int(file.read())
        except (OSError, ValueError):
            return 0

    def remove(self) -> None:
        """Take the group away; processes that the command left behind on purpose go where the launcher is."""
        try:
            with open(f"{self._path}/cgroup.procs", encoding="ascii") as file:
                left = file.read().split()
            for pid in left:
                _write(f"{self._home}/cgroup.procs", pid)
            os.rmdir(self._path)
        except OSError:
            return


def home(mount: str = MOUNT, own: str = "/proc/self/cgroup") -> str:
    """The folder of the group that this process is in now; "" where it is in none of version 2."""
    try:
        with open(own, encoding="utf-8") as file:
            (path,) = [line[3:].rstrip("\n") for line in file if line.startswith("0::")]
    except (OSError, ValueError):
        return ""
    return os.path.normpath(mount + path)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
