"""Commands, counted: the instructions that a command and everything it starts execute, by simulation (exact) or by the processor's own counter."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters import perf_stat
from perfgate.adapters.labels import plain_text
from perfgate.adapters.valgrind import instructions_in
from perfgate.core.entries import PERF, CommandEntry
from perfgate.core.metrics import Assumption
from perfgate.core.model import Capture, Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.core.stats.estimators import median
from perfgate.core.units import Unit, write_percent, write_value
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.measure.command import Execution, find_program
from perfgate.measure.machine import machine_class
from perfgate.measure.session import argv_of, run_as, run_well, title
from perfgate.measure.surroundings import Surroundings

#: Counts that differ by no more than this ratio are one value, with a caveat: no budget is finer.
TOLERANCE = 0.001
#: So many counts where the first two differ.
COUNTS = 3
#: What makes a program repeat itself, where the environment does not say otherwise.
_STEADY = {"PYTHONHASHSEED": "0", "PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}
#: The counts of the parent are written, and begin anew, before a child inherits them; else they would count twice.
_BEFORE_FORK = tuple(f"--dump-before={name}" for name in ("fork", "__libc_fork", "_Fork", "vfork", "__vfork"))
_PROCESS = re.compile(r"count\.(\d+)(?:\.\d+)?")
_TAIL = 65_536
#: A time limit is for the command by itself; in the simulation it may take so many times as long.
_SLOWEST = 200.0


class _Count(NamedTuple):
    """The instructions of one run, of so many processes, of which `lost` ended without telling theirs."""

    instructions: float
    processes: int
    lost: int
    execution: Execution


def capture(entry: CommandEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Count the command's instructions as its entry asks; its times are not measured, for a counter slows it down.

    Raises CommandFailed where it fails, InputError where the counter is not there, OperationFailed where it does not count.
    """
    around = surroundings._replace(environ=_steady(surroundings.environ))
    argv = argv_of(entry)
    program = find_program(argv, around)
    return (_by_perf if entry.counter == PERF else _by_valgrind)(entry, (program, *argv[1:]), around, progress)


def _steady(environ: Mapping[str, str]) -> dict[str, str]:
    return {**_STEADY, **environ}


# --- by simulation ----------------------------------------------------------------------------------------------------


def _by_valgrind(
    entry: CommandEntry, argv: Sequence[str], around: Surroundings, progress: Callable[[str], None]
) -> Capture:
    version = _version("valgrind", around, "Debian and Ubuntu: apt-get install valgrind; Fedora: dnf install valgrind")
    progress("a run without the counter, so that caches are filled")
    plain = run_well(entry, argv, around, "without the counter")
    expected = write_value(50 * plain.wall, Unit("s"))
    before = _without_randomness(around)
    counts: list[_Count] = []
    while len(counts) < (2 if len({each.instructions for each in counts}) < 2 else COUNTS):
        progress(f"count {len(counts) + 1}, in a simulation, which takes 50 to 200 times as long: {expected} or more")
        counts.append(_count(entry, argv, around, before))
    found = [each.instructions for each in counts]
    conditions = _conditions(f"callgrind {version}")
    caveats = [_how(entry, counts, plain, version)]
    if any(each.lost for each in counts):
        caveats.append(_lost(entry, counts))
    measured, more = _judged(entry, found, conditions)
    return Capture((measured,), {"counts": _rows(entry, counts, conditions)}, (*caveats, *more))


def _count(entry: CommandEntry, argv: Sequence[str], around: Surroundings, before: Sequence[str]) -> _Count:
    folder = around.work / "counting"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    counter = (
        "valgrind",
        "--tool=callgrind",
        "--vgdb=no",
        "--trace-children=yes",
        *_BEFORE_FORK,
        f"--callgrind-out-file={_escaped(folder)}/count.%p",
        f"--log-file={_escaped(folder)}/log.%p",
    )
    done = run_as(entry, (*before, *counter, *argv), around, slower=_SLOWEST)
    if done.timed_out or not entry.accepts(done.returncode):
        raise _failed(entry, done)
    parts = [(match[1], path) for path in folder.iterdir() if (match := _PROCESS.fullmatch(path.name))]
    told = [(process, instructions_in(_end_of(path))) for process, path in parts]
    instructions = sum(count for _, count in told if count is not None)
    processes = {process for process, count in told if count is not None}
    begun = {path.name.removeprefix("log.") for path in folder.glob("log.*")}
    shutil.rmtree(folder, ignore_errors=True)
    if not instructions:
        raise OperationFailed(
            f'valgrind counted nothing of "{title(entry)}"', remedy="run it by hand: valgrind --tool=callgrind COMMAND"
        )
    return _Count(float(instructions), len(processes), len(begun - processes), done)


def _escaped(folder: Path) -> str:
    # Valgrind fills in what follows a percent sign.
    return str(folder).replace("%", "%%")


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL))
        return file.read()


def _failed(entry: CommandEntry, done: Execution) -> CommandFailed:
    remedy = "see whether it runs there at all: valgrind --tool=none COMMAND"
    if done.returncode in {-signal.SIGILL, 128 + signal.SIGILL}:
        remedy = "it uses an instruction that this Valgrind does not know: build it for a plainer processor, or take a newer Valgrind"
    return CommandFailed(
        f'"{title(entry)}" succeeds by itself and fails in the simulation that counts (exit code {done.returncode}), so nothing was counted',
        remedy=remedy,
        output=done.output_tail,
    )


def _without_randomness(around: Surroundings) -> tuple[str, ...]:
    """The prefix that gives every process the same addresses; none where that is not allowed, as in many containers."""
    setarch = shutil.which("setarch", path=around.environ.get("PATH"))
    if setarch is None:
        return ()
    tried = subprocess.run([setarch, "-R", "true"], capture_output=True, check=False, env=dict(around.environ))
    return (setarch, "-R") if tried.returncode == 0 else ()


def _how(entry: CommandEntry, counts: Sequence[_Count], plain: Execution, version: str) -> Caveat:
    processes = counts[-1].processes
    slower = float(median([each.execution.wall for each in counts])) / max(plain.wall, 1e-6)
    message = (
        f'"{title(entry)}": instructions of {processes} process{"" if processes == 1 else "es"} together, counted {len(counts)} times '
        f"by callgrind {version}, {slower:.0f} times as slow as without"
    )
    return Caveat("counted", message)


def _lost(entry: CommandEntry, counts: Sequence[_Count]) -> Caveat:
    lost = max(each.lost for each in counts)
    message = f'"{title(entry)}": {lost} of its processes ended without telling what they had counted'
    return Caveat(
        "not all counted", message, "let the command end its processes by SIGTERM and wait for them, never by SIGKILL"
    )


# --- by the processor -------------------------------------------------------------------------------------------------


def _by_perf(
    entry: CommandEntry, argv: Sequence[str], around: Surroundings, progress: Callable[[str], None]
) -> Capture:
    version = _version(
        "perf", around, "Debian: apt-get install linux-perf; Ubuntu: apt-get install linux-tools-generic"
    )
    for number in range(entry.warmup):
        progress(f"warm-up {number + 1} of {entry.warmup}")
        run_well(entry, argv, around, "warm-up")
    told: list[perf_stat.Counted] = []
    for number in range(entry.runs):
        progress(f"count {number + 1} of {entry.runs}")
        told.append(_perf_count(entry, argv, around))
    caveats = [
        Caveat("counted", f'"{title(entry)}": instructions counted {len(told)} times by the processor (perf {version})')
    ]
    scaled = [each.running for each in told if each.is_scaled]
    if scaled:
        message = f'"{title(entry)}": the counter was running {min(scaled):.0f} % of the time only, and the count was scaled up'
        caveats.append(Caveat("scaled count", message, "let nothing else count while this is measured"))
    found = [each.number for each in told if each.number is not None]
    conditions = _conditions("perf instructions:u")
    # A processor's counter is never exact: interrupts and page faults are in it.
    measured = _measurement(entry, found, conditions)._replace(assumption=Assumption.NOISY)
    return Capture((measured,), {}, tuple(caveats))


def _perf_count(entry: CommandEntry, argv: Sequence[str], around: Surroundings) -> perf_stat.Counted:
    result = around.work / "perf-stat"
    result.unlink(missing_ok=True)
    counter = ("perf", "stat", "-j", "-e", "instructions:u", "-o", str(result), "--")
    run_well(entry, (*counter, *argv), around, "counted")
    text = result.read_text(encoding="utf-8", errors="replace") if result.exists() else ""
    found = next((each for each in perf_stat.read(text) if each.event.startswith("instructions")), None)
    if found is None or found.number is None:
        why = found.why_not if found is not None else "perf stat told nothing of it"
        raise OperationFailed(
            f"this machine's processor does not count instructions for perf: {why}",
            remedy="most virtual machines cannot; let Valgrind count: --counter instructions",
        )
    return found


# --- what is told -----------------------------------------------------------------------------------------------------


def _judged(
    entry: CommandEntry, counts: Sequence[float], conditions: Sequence[tuple[str, str]]
) -> tuple[Measurement, tuple[Caveat, ...]]:
    """The counts as one exact value where they agree, else as what they are: values that vary."""
    low, high = min(counts), max(counts)
    if low == high:
        return _measurement(entry, [low], conditions), ()
    spread = (high - low) / low
    told = f'"{title(entry)}": {len(counts)} counts of the same program differ by {write_percent(spread, signed=False)}'
    if spread <= TOLERANCE:
        message = f"{told}; their median stands for it; a change that is no larger may be none"
        caveat = Caveat("counts differ a little", message)
        return _measurement(entry, [float(median(counts))], conditions)._replace(resolution=high - low), (caveat,)
    remedy = "take out what changes from run to run (time, threads, random seeds, addresses), or measure its CPU time"
    message = f"{told}, so they are judged as noisy, and not compared with exact ones"
    return _measurement(entry, counts, conditions)._replace(assumption=Assumption.NOISY), (
        Caveat("counts differ", message, remedy),
    )


def _measurement(entry: CommandEntry, counts: Sequence[float], conditions: Sequence[tuple[str, str]]) -> Measurement:
    import shlex

    return measurement(
        "command.instructions",
        {"command": plain_text(entry.name), **dict(entry.labels)},
        list(counts),
        origin=plain_text(shlex.join(entry.run))[:500],
        conditions=conditions,
    )


def _rows(
    entry: CommandEntry, counts: Sequence[_Count], conditions: Sequence[tuple[str, str]]
) -> tuple[dict[str, str | int | float | bool | None], ...]:
    """Every count, with what it depends on."""
    return tuple(
        {
            "command": plain_text(title(entry)),
            "count": number,
            "instructions": each.instructions,
            "processes": each.processes,
            "lost": each.lost,
            **{name.replace(" ", "_"): value for name, value in conditions},
        }
        for number, each in enumerate(counts, 1)
    )


def _conditions(version: str) -> list[tuple[str, str]]:
    """What shifts a count although no line of the program changed: processor family, counter, C library."""
    return [("arch", _arch()), ("counter version", version), ("libc", _libc())]


def _arch() -> str:
    """The architecture, and the extension of it by which C libraries choose their functions."""
    arch = machine_class({}).arch
    if arch != "x86_64":
        return arch
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")[:20_000]
    except OSError:
        return arch
    return f"{arch} with avx2" if re.search(r"^flags\s*:.*\bavx2\b", flags, re.MULTILINE) else arch


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "unknown"
    except (ValueError, OSError, AttributeError):
        return "unknown"


def _version(tool: str, around: Surroundings, how: str) -> str:
    """The version of a counter; InputError, with how to install it, where it is not there."""
    program = shutil.which(tool, path=around.environ.get("PATH"))
    missing = InputError(
        f"{tool} is not installed, and it is what counts instructions here",
        where="--counter",
        remedy=f"install it: {how}",
    )
    if program is None:
        raise missing
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, errors="replace", check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise missing from error
    match = re.search(r"(\d+(?:\.\d+){1,3})", done.stdout)
    if done.returncode != 0 or match is None:
        raise missing
    return match[1]
