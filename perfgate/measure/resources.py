"""A command as it runs, watched: CPU, memory, disk and network over time, for a step that is to be understood and not repeated."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import ResourcesEntry
from perfgate.core.model import COMMAND_FAILED, Capture, Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.errors import InputError
from perfgate.measure import sampling, tree
from perfgate.measure.command import fill, find_program, how_it_ended
from perfgate.measure.machine import cpu_count
from perfgate.measure.surroundings import Surroundings

#: So many moments are kept of a command, however long it runs; where there are more, neighbours become one.
MOST_MOMENTS = 600
#: A look may take this share of one CPU; a tree of a thousand processes is looked at less often.
_SHARE = 0.008
#: A short command is looked at about so many times.
_LOOKS = 20
_SHORTEST = 0.05
#: A moment in which this share of the CPUs was busy is at their limit.
_AT_LIMIT = 0.95
Row = Mapping[str, str | int | float | bool | None]


class Moment(NamedTuple):
    """An interval of a command's run: its end and length in seconds, the use within it, and the memory at its end in bytes."""

    at: float
    length: float
    cpu: float
    memory: int
    disk_read: int | None
    disk_written: int | None
    net_received: int | None
    net_sent: int | None
    machine_cpu: float | None


class Watched(NamedTuple):
    """A command's whole run: wall and CPU seconds, exit code (negative: the signal that ended it), and its moments."""

    wall: float
    cpu: float
    returncode: int
    moments: tuple[Moment, ...]
    largest: int
    killed: int = 0


def capture(entry: ResourcesEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Run the command once and look at it now and then; its output goes where perfgate's own goes.

    Of a command that fails only what it used is told; its time is unknown. Raises InputError where there is no such program.
    """
    progress(f"watching {entry.run[0]}")
    watched = watch(entry, surroundings)
    name = plain_text(entry.name)
    details: dict[str, tuple[Row, ...]] = {}
    if watched.moments:
        available = cpu_count()
        details = {"resource_use": (_summary(name, watched, available),), "resources": tuple(_rows(name, watched))}
    return Capture(_measurements(entry, watched), details, tuple(_caveats(entry, watched)))


def watch(entry: ResourcesEntry, surroundings: Surroundings) -> Watched:
    """Run a command in the folder and environment of `surroundings`, and look at its processes until it ends."""
    argv = fill(entry.run)
    program = find_program(argv, surroundings)
    killed = sampling.killed_for_memory()
    with _adopting(), _passing_on() as passing:
        looks = _Looks(entry.interval)
        try:
            process = subprocess.Popen(
                argv,
                executable=program,
                cwd=surroundings.root,
                env=dict(surroundings.environ),
                stdout=sys.stderr if entry.aside else None,
            )
        except OSError as error:
            what = f'"{argv[0]}" cannot be started: {error.strerror}'
            raise InputError(what, remedy="check that it is a program for this machine") from error
        passing.to(process.pid)
        status = looks.until_the_end_of(process.pid)
        # It was waited for here and not there.
        process.returncode = os.waitstatus_to_exitcode(status)
    after = sampling.killed_for_memory()
    deaths = after - killed if killed is not None and after is not None else 0
    return Watched(looks.now, looks.cpu, process.returncode, tuple(looks.moments), looks.largest, deaths)


class _Looks:
    """The looks at the descendants of this process, from now on until one of them ends."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._begun = time.monotonic()
        self._own = tree.io_of(os.getpid())
        #: Children that were there before are none of the command's.
        self._others = frozenset(_children())
        self._possible = sampling.is_possible()
        self._ended = 0.0
        self._status: int | None = None
        self._last = sampling.use(os.getpid(), self._others) if self._possible else None
        self._at = 0.0
        self._pause = _SHORTEST
        self.now = 0.0
        self.cpu = 0.0
        self.largest = 0
        self.moments: list[Moment] = []

    def until_the_end_of(self, pid: int) -> int:
        """Look now and then until this child ends; its wait status."""
        descriptor = _descriptor(pid)
        try:
            while self._status is None:
                _sleep(descriptor, self._pause)
                self._reap(pid)
                self.now = time.monotonic() - self._begun
                if self._possible:
                    self._look()
        finally:
            if descriptor is not None:
                os.close(descriptor)
        self.cpu = max(self.cpu, self._ended)
        return self._status

    def _reap(self, pid: int) -> None:
        """Take leave of every child that ended, adopted ones too: what they used is then known to the last tick."""
        for child in {pid, *_children()} - self._others:
            with suppress(ChildProcessError):
                ended, status, usage = os.wait4(child, os.WNOHANG)
                if ended:
                    self._ended += usage.ru_utime + usage.ru_stime
                    self._status = status if child == pid else self._status

    def _look(self) -> None:
        began = time.thread_time()
        use = self._with_the_ended(sampling.use(os.getpid(), self._others))
        before, self._last = self._last, use
        if before is not None:
            self.moments.append(_between(before, use, self.now, self.now - self._at))
        self._at, self.cpu, self.largest = self.now, max(self.cpu, use.cpu), max(self.largest, use.largest)
        if len(self.moments) > MOST_MOMENTS:
            self.moments = joined(self.moments)
            self._interval *= 2
        took = time.thread_time() - began
        self._pause = max(_SHORTEST, min(self._interval, self.now / _LOOKS), took / _SHARE)

    def _with_the_ended(self, use: sampling.Use) -> sampling.Use:
        """With the CPU and disk use of the children that were waited for, which this process' own figures hold."""
        own = tree.io_of(os.getpid())
        if own is None or self._own is None:
            return use._replace(cpu=use.cpu + self._ended)
        read, written = own[0] - self._own[0], own[1] - self._own[1]
        return use._replace(
            cpu=use.cpu + self._ended,
            disk_read=(use.disk_read or 0) + read,
            disk_written=(use.disk_written or 0) + max(0, written),
        )


def _children() -> list[int]:
    try:
        return tree.children_of(os.getpid())
    except OSError:
        return []


def _descriptor(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _sleep(descriptor: int | None, seconds: float) -> None:
    """Wait so long, or until the process behind the descriptor ends."""
    if descriptor is None:
        time.sleep(min(seconds, _SHORTEST))
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll(seconds * 1000)


def _between(before: sampling.Use, after: sampling.Use, at: float, length: float) -> Moment:
    def risen(name: str) -> int | None:
        first, then = getattr(before, name), getattr(after, name)
        return None if then is None else max(0, then - (first or 0))

    machine = None
    if before.machine_cpu is not None and after.machine_cpu is not None:
        machine = max(0.0, after.machine_cpu - before.machine_cpu)
    # A process whose end nobody waits for takes its figures with it.
    cpu = max(0.0, after.cpu - before.cpu)
    amounts = (risen("disk_read"), risen("disk_written"), risen("net_received"), risen("net_sent"))
    return Moment(at, length, cpu, after.memory, *amounts, machine)


def joined(moments: Sequence[Moment]) -> list[Moment]:
    """Half as many moments: neighbours as one, whose memory is the larger of both."""
    pairs = [moments[start : start + 2] for start in range(0, len(moments), 2)]
    return [_joined(*pair) if len(pair) == 2 else pair[0] for pair in pairs]


def _joined(one: Moment, two: Moment) -> Moment:
    def together(first: int | None, second: int | None) -> int | None:
        return None if first is None and second is None else (first or 0) + (second or 0)

    machine = None if one.machine_cpu is None or two.machine_cpu is None else one.machine_cpu + two.machine_cpu
    return Moment(
        at=two.at,
        length=one.length + two.length,
        cpu=one.cpu + two.cpu,
        memory=max(one.memory, two.memory),
        disk_read=together(one.disk_read, two.disk_read),
        disk_written=together(one.disk_written, two.disk_written),
        net_received=together(one.net_received, two.net_received),
        net_sent=together(one.net_sent, two.net_sent),
        machine_cpu=machine,
    )


@contextmanager
def _adopting() -> Iterator[None]:
    """Processes whose parent ended become children of this one, so that they stay in sight (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    prctl(36, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(36, 0, 0, 0, 0)


class _Passing:
    """What asks this process to end is asked of the command; a Ctrl-C reaches it by itself, as it is in the same terminal."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._asked: list[int] = []

    def to(self, pid: int) -> None:
        """This is the command; what came before it began is passed on now."""
        self._pid = pid
        for number in self._asked:
            self._send(number)

    def __call__(self, number: int, _frame: object) -> None:
        if self._pid is None:
            self._asked.append(number)
        elif number != signal.SIGINT:
            self._send(number)

    def _send(self, number: int) -> None:
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, number)


@contextmanager
def _passing_on() -> Iterator[_Passing]:
    passing = _Passing()
    before = {number: signal.signal(number, passing) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield passing
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- what is told -----------------------------------------------------------------------------------------------------


def _measurements(entry: ResourcesEntry, watched: Watched) -> tuple[Measurement, ...]:
    labels, origin = {"command": plain_text(entry.name)}, plain_text(shlex.join(entry.run))[:500]
    failed = f"the command {how_it_ended(watched.returncode)}" if watched.returncode else ""
    values = (
        ("command.wall", [watched.wall], failed),
        ("command.cpu", [watched.cpu], failed),
        ("command.memory", [watched.largest] if watched.largest else [], failed or _unseen(watched)),
    )
    return tuple(
        measurement(metric, labels, [] if failed else value, origin=origin, unknown=reason)
        for metric, value, reason in values
    )


def _unseen(watched: Watched) -> str:
    if watched.moments:
        return "the command ended before its processes could be looked at"
    return "this system has no /proc to look at"


def _summary(name: str, watched: Watched, available: int) -> Row:
    """The use of the whole run; CPUs are those busy on average, amounts are bytes."""
    busy = sorted((moment.cpu / moment.length, moment.length) for moment in watched.moments if moment.length > 0)
    at_limit = sum(length for cpus, length in busy if cpus >= _AT_LIMIT * available)
    others = None
    if all(moment.machine_cpu is not None for moment in watched.moments):
        others = max(0.0, sum(moment.machine_cpu or 0.0 for moment in watched.moments) - watched.cpu) / watched.wall
    return {
        "command": name,
        "seconds": _rounded(watched.wall),
        "exit_code": watched.returncode,
        "cpus": _rounded(watched.cpu / watched.wall),
        "cpus_most": _rounded(busy[-1][0]) if busy else None,
        "cpus_available": available,
        "seconds_at_limit": _rounded(at_limit),
        "cpus_of_others": None if others is None else _rounded(others),
        "memory": watched.largest or None,
        "memory_available": sampling.memory_available(),
        **{name: _total(watched.moments, name) for name in ("disk_read", "disk_written", "net_received", "net_sent")},
        "looks": len(watched.moments),
    }


def _total(moments: Sequence[Moment], name: str) -> int | None:
    told = [getattr(moment, name) for moment in moments]
    return None if all(each is None for each in told) else sum(each or 0 for each in told)


def _rows(name: str, watched: Watched) -> Iterator[Row]:
    """The moments in the order of time: CPUs busy, memory in bytes, disk and network in bytes a second."""
    for moment in watched.moments:
        length = max(moment.length, 1e-9)
        rates = {
            key: None if value is None else round(value / length)
            for key, value in zip(Moment._fields[4:8], moment[4:8], strict=True)
        }
        machine = None if moment.machine_cpu is None else _rounded(moment.machine_cpu / length)
        cpus = _rounded(moment.cpu / length)
        yield {
            "command": name,
            "at": round(moment.at, 3),
            "cpus": cpus,
            "memory": moment.memory,
            **rates,
            "machine_cpus": machine,
        }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _caveats(entry: ResourcesEntry, watched: Watched) -> Iterator[Caveat]:
    if watched.returncode:
        message = f'the command "{plain_text(entry.name)}" {how_it_ended(watched.returncode)}'
        yield Caveat(COMMAND_FAILED, message, "what it used until then is told, its time is not")
    if watched.killed:
        message = f"processes of this machine that the kernel killed for lack of memory meanwhile: {watched.killed}"
        yield Caveat("killed for memory", message, "give the step more memory, or let it work on less at once")
    if not watched.moments:
        yield Caveat("not watched", "this system has no /proc, so only the time of the command is known")
