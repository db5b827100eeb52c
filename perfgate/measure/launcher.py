"""The process that starts measured commands: small, so that their memory is not hidden behind its own.

Run in an interpreter of its own with `-I -S`; of perfgate it imports only what is as small. One JSON line on stdin is the job.
Then every byte on stdin asks for one run, so that several launchers can take turns, and one JSON line on stdout is its result. When stdin
closes, because perfgate ended in whatever way, the running command is killed.

The kernel counts a child's peak memory (`ru_maxrss`) from the fork on, so it is never below the launcher's own size. That is why the
launcher is small.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import threading
import time

from perfgate.measure import cgroups, tree

#: Kilobytes on Linux, bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
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
        self._deadline = 0.0
        self._timed_out = False

    def begin(self, pid: int, timeout: float) -> None:
        """Watch the process group `pid` from now on, and kill it when `timeout` seconds are over (0: never)."""
        with self._lock:
            self._pid, self._peak, self._timed_out = pid, 0, False
            self._deadline = time.monotonic() + timeout if timeout else 0.0
            if self._abandoned:
                _kill_and_leave(pid)

    def look_on(self) -> None:
        """Begin to look at what runs: until now only the end of perfgate is noticed."""
        os.write(self._wake_write, b".")

    def step(self, count: int) -> None:
        """So many more runs are asked for."""
        if count:
            self._steps.release(count)

    def await_step(self) -> bool:
        """Wait until another run is asked for; False where nobody will ask any more."""
        self._steps.acquire()
        return not self._abandoned

    def end(self) -> tuple[int, bool]:
        """Stop watching; the largest sum of memory seen, in bytes (0 where the command was too quick), and whether its time was over."""
        with self._lock:
            self._pid = 0
            return self._peak, self._timed_out

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
                pid, left = self._pid, self._left()
            for descriptor, _ in poll.poll(min(pause, left) * 1000 if pid else None):
                if descriptor == 0:
                    asked = os.read(0, 65536)
                    if not asked:
                        return
                    self.step(len(asked))
                if descriptor == self._wake_read:
                    os.read(self._wake_read, 65536)
                    pause = 0.0
            self._end_late()
            if pid:
                began = time.thread_time()
                self._look(pid)
                # CPU time: on a busy machine a look lasts long without holding anything up.
                took = time.thread_time() - began
                longer = min(max(_FIRST_LOOK, pause * 1.5), _LONGEST_PAUSE)
                pause = max(longer, min(took * _PAUSE_PER_LOOK, _LONGEST_PAUSE_OF_LARGE))

    def _left(self) -> float:
        """Seconds until the running command is to be ended."""
        return max(0.0, self._deadline - time.monotonic()) if self._deadline else _LONGEST_PAUSE_OF_LARGE

    def _end_late(self) -> None:
        with self._lock:
            if self._pid and self._deadline and time.monotonic() >= self._deadline:
                self._timed_out, self._deadline = True, 0.0
                _kill(self._pid)

    def _look(self, pid: int) -> None:
        seen = tree.memory_of(pid, self._peak)
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


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_and_leave(group: int) -> None:
    _kill(group)
    os._exit(1)


def _actions(job: dict) -> list:
    return [
        (os.POSIX_SPAWN_OPEN, 0, job["input"], os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]


def _prepare(job: dict, watch: _Watch) -> dict | None:
    """Run what goes before this run, unmeasured; what is wrong where it failed."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *_actions(job)[1:]]
    program, argv = job["prepare"]
    pid = os.posix_spawn(program, argv, job["environ"], file_actions=actions, setpgroup=0, setsigdef=_RESET)
    watch.begin(pid, 0.0)
    watch.look_on()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    watch.end()
    _kill(pid)
    return {"prepare": code} if code else None


def _execute(job: dict, watch: _Watch) -> dict:
    """Run the command once; seconds, bytes, counts, and the exit code (negative: the signal that ended it)."""
    if job["prepare"] and (failed := _prepare(job, watch)):
        return failed
    actions = _actions(job)
    group = _group(job)
    try:
        started = time.perf_counter()
        pid = os.posix_spawn(
            job["program"], job["argv"], job["environ"], file_actions=actions, setpgroup=0, setsigdef=_RESET
        )
        watch.begin(pid, job["timeout"])
        if not _ends_soon(pid):
            watch.look_on()
        # Not yet reaped: what it read and wrote can still be asked for.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        wall = time.perf_counter() - started
        storage = tree.io_of(pid)
        sampled, timed_out = watch.end()
        # Whatever it left running in its group is not part of the next run.
        _kill(pid)
        _, status, usage = os.wait4(pid, 0)
    finally:
        peak = _left(group)
    return {
        "wall": wall,
        "user": usage.ru_utime,
        "system": usage.ru_stime,
        "maxrss": usage.ru_maxrss * _MAXRSS_UNIT,
        "floor": tree.largest_of_this_process() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT,
        "sampled": sampled,
        "group": peak,
        "faults": [usage.ru_minflt, usage.ru_majflt],
        "switches": [usage.ru_nvcsw, usage.ru_nivcsw],
        "storage": storage,
        "timed_out": timed_out,
        "code": os.waitstatus_to_exitcode(status),
    }


def _ends_soon(pid: int) -> bool:
    """Whether the command ends before the first look at it: then no second thread is woken, which would compete with it for a CPU."""
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return False
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(_FIRST_LOOK * 1000))
    finally:
        os.close(descriptor)


def _group(job: dict) -> cgroups.Group | None:
    """A control group for this run, entered, where the system gives one."""
    if not job["groups"]:
        return None
    try:
        return cgroups.Group(job["groups"], job["home"])
    except OSError:
        job["groups"] = ""
        return None


def _left(group: cgroups.Group | None) -> int:
    if group is None:
        return 0
    group.leave()
    peak = group.peak()
    group.remove()
    return peak


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
    job["groups"] = cgroups.delegated()
    job["home"] = cgroups.home()
    watch = _Watch(job["output"])
    watch.step(len(asked))
    watch.start()
    while watch.await_step():
        try:
            result = _execute(job, watch)
        except OSError as error:
            result = {"error": error.errno, "message": error.strerror}
        os.write(1, (json.dumps(result) + "\n").encode())
