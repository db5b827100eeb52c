"""The process that starts measured commands: small, so that their memory is not hidden behind its own.

Run by itself with `python -I -S launcher.py`; it imports nothing of perfgate. One JSON line on stdin is the job; for each run one
JSON line on stdout is the result. A stepped job waits before each run for one more byte on stdin, so that two launchers can take
turns. When stdin closes, because perfgate ended in whatever way, the running command is killed.

The kernel counts a child's peak memory (`ru_maxrss`) from the fork on, so it is never below the launcher's own size. That is why the
launcher is small.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time

#: Kilobytes on Linux, bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: The output of a command that talks without end is cut, so that it cannot fill the disk.
_OUTPUT_LIMIT = 64 * 1024 * 1024
_FIRST_LOOK, _LONGEST_PAUSE = 0.002, 0.05
#: A look at much shared memory takes long and may hold up the command, so it is followed by a pause of so many times its length.
_PAUSE_PER_LOOK, _LONGEST_PAUSE_OF_LARGE = 20, 1.0
#: What ends perfgate often goes to its whole process group (`timeout`, a closed terminal, a cancelled CI job). The launcher stays, to end
#: the command: it notices by its stdin that perfgate is gone.
_STAYS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT]
_RESET = [*_STAYS, signal.SIGPIPE, signal.SIGXFSZ]


class _Watch(threading.Thread):
    """Looks at the running command now and then: its memory, its output's size, and whether anyone still waits for it."""

    def __init__(self, output: str) -> None:
        super().__init__(daemon=True)
        self._output = output
        self._wake_read, self._wake_write = os.pipe()
        self._lock = threading.Lock()
        self._steps = threading.Semaphore(0)
        self._pid = 0
        self._abandoned = False
        self._peak = 0

    def begin(self, pid: int) -> None:
        """Watch the process group `pid` from now on."""
        with self._lock:
            self._pid, self._peak = pid, 0
            if self._abandoned:
                _kill_and_leave(pid)
        os.write(self._wake_write, b".")

    def step(self, count: int) -> None:
        """So many more runs are asked for."""
        if count:
            self._steps.release(count)

    def await_step(self) -> bool:
        """Wait until another run is asked for; False where nobody will ask any more."""
        self._steps.acquire()
        return not self._abandoned

    def end(self) -> int:
        """Stop watching; the largest sum of memory seen, in bytes, 0 where the command was too quick to be seen."""
        with self._lock:
            self._pid = 0
            return self._peak

    def run(self) -> None:
        try:
            self._watch()
        finally:
            # Without a watch nobody would notice that perfgate is gone, so this end is treated as that one.
            self._abandon()

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(0, select.POLLIN | select.POLLHUP)
        poll.register(self._wake_read, select.POLLIN)
        pause = _LONGEST_PAUSE
        while True:
            with self._lock:
                pid = self._pid
            for descriptor, _ in poll.poll(pause * 1000 if pid else None):
                if descriptor == 0:
                    asked = os.read(0, 65536)
                    if not asked:
                        return
                    self.step(len(asked))
                if descriptor == self._wake_read:
                    os.read(self._wake_read, 65536)
                    pause = _FIRST_LOOK
            if pid:
                began = time.thread_time()
                self._look(pid)
                # CPU time: on a busy machine a look lasts long without holding anything up.
                took = time.thread_time() - began
                pause = max(min(pause * 1.5, _LONGEST_PAUSE), min(took * _PAUSE_PER_LOOK, _LONGEST_PAUSE_OF_LARGE))

    def _look(self, pid: int) -> None:
        seen = _memory_of_tree(pid, self._peak)
        with self._lock:
            if self._pid == pid:
                self._peak = max(self._peak, seen)
        try:
            if os.stat(self._output).st_size > _OUTPUT_LIMIT:
                os.truncate(self._output, 0)
        except OSError:
            # The folder is gone where perfgate is just ending.
            return

    def _abandon(self) -> None:
        with self._lock:
            self._abandoned = True
            if self._pid:
                _kill_and_leave(self._pid)
        self.step(1)


def _memory_of_tree(pid: int, peak: int) -> int:
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
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children", "rb") as file:
                    waiting += [(int(child), own) for child in file.read().split()]
        except (OSError, IndexError, ValueError):
            continue
    total = sum(resident.values())
    if len(resident) < 2 or total <= peak:
        return total
    shared = sum(_proportional(each, size) for each, size in resident.items())
    # Where one ended in between, its pages went to the shares of those read after it: such a sum is no one moment's.
    return shared if all(map(_alive, resident)) else 0


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


def _proportional(pid: int, resident: int) -> int:
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


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_and_leave(group: int) -> None:
    _kill(group)
    os._exit(1)


def _execute(job: dict, watch: _Watch) -> dict:
    """Run the command once; seconds, bytes, and the exit code (negative: the signal that ended it)."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    started = time.perf_counter()
    pid = os.posix_spawn(
        job["program"], job["argv"], job["environ"], file_actions=actions, setpgroup=0, setsigdef=_RESET
    )
    watch.begin(pid)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    peak = watch.end()
    # Whatever it left running in its group is not part of the next run.
    _kill(pid)
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "maxrss": usage.ru_maxrss * _MAXRSS_UNIT,
        "sampled": peak,
        "code": os.waitstatus_to_exitcode(status),
    }


def main() -> None:
    """Do the job on stdin."""
    for number in _STAYS:
        signal.signal(number, signal.SIG_IGN)
    line = b""
    while b"\n" not in line:
        more = os.read(0, 65536)
        if not more:
            return
        line += more
    line, _, asked = line.partition(b"\n")
    job = json.loads(line)
    os.chdir(job["folder"])
    watch = _Watch(job["output"])
    watch.step(len(asked))
    watch.start()
    for _ in range(job["runs"]):
        if job["stepped"] and not watch.await_step():
            return
        try:
            result = _execute(job, watch)
        except OSError as error:
            result = {"error": error.errno, "message": error.strerror}
        os.write(1, (json.dumps(result) + "\n").encode())
        if result.get("code") != 0:
            return


if __name__ == "__main__":
    main()
