"""Commands, profiled: one run more, with a sampler that is installed here, tells in which functions the time goes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from perfgate.adapters import folded
from perfgate.adapters.labels import plain_text
from perfgate.core.entries import CommandEntry
from perfgate.core.frames import BLOCK, LEAST_SAMPLES, profile_of, rows_of
from perfgate.core.model import Capture, Caveat
from perfgate.errors import InputError, PerfgateError
from perfgate.formats.files import read
from perfgate.measure.command import Execution, find_program, how_it_ended
from perfgate.measure.session import argv_of, run_as, title
from perfgate.measure.surroundings import Surroundings

PY_SPY, PERF = "py-spy", "perf"
#: Samples a second: so many that a short command still yields `_WANTED`, within what a sampler can do without disturbing much.
_LEAST_RATE, _MOST_RATE, _WANTED = 100, 1000, 1000
_PYTHON = re.compile(r"python(?:\d+(?:\.\d+)*)?t?(?:\.exe)?")
#: A command's time limit is for itself; under a sampler it may take so many times as long.
_SLOWER = 5.0
_MOST_SCRIPT = 256 * 1024 * 1024
_SUFFIX = re.compile(r"[^A-Za-z0-9_.-]+")


def capture(
    entry: CommandEntry, surroundings: Surroundings, progress: Callable[[str], None], *, expected: float = 0.0
) -> Capture:
    """Run the command once more under a sampler; its largest frames as details, all folded stacks as an attachment.

    `expected` is how many seconds it usually takes, 0 where that is not known. What keeps it from being profiled is a caveat, never a
    failure: the measurement itself is there already.
    """
    try:
        sampler, found = _sampled(entry, surroundings, progress, expected)
    except folded.NoSamples:
        remedy = "profile a command that does more: a second or two of work"
        return Capture(caveats=(_without(entry, "it ended before it was sampled once", remedy),))
    except PerfgateError as error:
        return Capture(caveats=(_without(entry, error.what, error.remedy),))
    return _captured(entry, surroundings, found, sampler)


def capture_file(entry: CommandEntry, surroundings: Surroundings, file: Path) -> Capture:
    """A profile of the command that somebody else made: folded stacks or speedscope. Raises InputError where it is neither."""
    text = read(file, str(file)).decode("utf-8", "replace")
    return _captured(entry, surroundings, folded.read_profile(text, str(file)), "file")


def _captured(entry: CommandEntry, surroundings: Surroundings, found: folded.Folded, sampler: str) -> Capture:
    name = plain_text(title(entry))
    stacks = folded.below(found.stacks, str(surroundings.root))
    profile = profile_of(stacks, command=name, sampler=sampler, samples=found.samples)
    kept, cut = folded.write_folded(stacks)
    caveats = []
    if profile.samples < LEAST_SAMPLES:
        message = f'"{name}": its profile has {profile.samples} samples, and fewer than {LEAST_SAMPLES} show nothing'
        caveats.append(Caveat("short profile", message, "profile a command that does more: a second or two of work"))
    if cut > 0:
        message = f'"{name}": {cut * 100:.2g} % of its samples are in light stacks that the folded file leaves out'
        caveats.append(Caveat("folded file cut", message))
    suffix = f"{_SUFFIX.sub('-', name)[:60] or 'command'}.folded"
    return Capture((), {BLOCK: rows_of(profile)}, tuple(caveats), ((suffix, kept),))


def _without(entry: CommandEntry, why: str, remedy: str) -> Caveat:
    return Caveat("no profile", f'"{plain_text(title(entry))}" has no profile: {why}', remedy)


def _sampled(
    entry: CommandEntry, around: Surroundings, progress: Callable[[str], None], expected: float
) -> tuple[str, folded.Folded]:
    argv = argv_of(entry)
    program = find_program(argv, around)
    rate = round(min(_MOST_RATE, max(_LEAST_RATE, _WANTED / expected if expected else 0.0)))
    if _is_python(program):
        progress("one run more, with py-spy")
        return PY_SPY, _by_py_spy(entry, (program, *argv[1:]), around, rate)
    progress("one run more, with perf")
    return PERF, _by_perf(entry, (program, *argv[1:]), around, rate)


def _is_python(program: str) -> bool:
    """Whether it is an interpreter of Python, or a script for one."""
    if _PYTHON.fullmatch(Path(program).name):
        return True
    try:
        with Path(program).open("rb") as file:
            first = file.readline(300)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _found(tool: str, around: Surroundings, remedy: str) -> str:
    """The sampler's program, on the path or beside the interpreter that runs perfgate."""
    beside = str(Path(sys.executable).parent)
    found = shutil.which(tool, path=around.environ.get("PATH")) or shutil.which(tool, path=beside)
    if found is None:
        raise InputError(f"{tool} is not installed", remedy=remedy)
    return found


def _by_py_spy(entry: CommandEntry, argv: Sequence[str], around: Surroundings, rate: int) -> folded.Folded:
    tool = _found(PY_SPY, around, "pip install py-spy")
    result = around.work / "profile.json"
    result.unlink(missing_ok=True)
    # Its folded lines would hold the command line of each process, line ends and semicolons included.
    sampler = (tool, "record", "--format", "speedscope", "--subprocesses", "--rate", str(rate), "--output", str(result))
    done = run_as(entry, (*sampler, "--", *argv), around, slower=_SLOWER)
    if not result.exists():
        raise InputError(
            f"py-spy could not look into it: {_last_words(done)}",
            remedy="it needs the right to trace: in a container --cap-add SYS_PTRACE, on macOS root",
        )
    found = folded.read_speedscope(read(result).decode("utf-8", "replace"), "what py-spy wrote")
    # Each sample weighs the same fraction of a second: as counts they are what a folded file holds.
    return found._replace(stacks=tuple((frames, 1.0) for frames, _ in found.stacks))


def _by_perf(entry: CommandEntry, argv: Sequence[str], around: Surroundings, rate: int) -> folded.Folded:
    tool = _found(PERF, around, "Debian: apt-get install linux-perf; Ubuntu: apt-get install linux-tools-generic")
    result = around.work / "perf.data"
    result.unlink(missing_ok=True)
    recorder = (tool, "record", "--quiet", "-g", "-F", str(rate), "-o", str(result), "--")
    done = run_as(entry, (*recorder, *argv), around, slower=_SLOWER)
    if not result.exists() or not result.stat().st_size:
        raise InputError(
            f"perf could not look into it: {_last_words(done)}",
            remedy="let it: sysctl kernel.perf_event_paranoid=2 or lower; in a container --cap-add PERFMON",
        )
    script = (tool, "script", "-i", str(result), "-F", "comm,ip,sym,dso")
    told = around.work / "perf.txt"
    with told.open("wb") as file:
        subprocess.run(
            script, stdout=file, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False, timeout=600
        )
    text = read(told, "perf script", limit=_MOST_SCRIPT).decode("utf-8", "replace")
    return folded.read_perf_script(text, "what perf recorded")


def _last_words(done: Execution) -> str:
    lines = [line.strip() for line in done.output_tail.splitlines() if line.strip()]
    return lines[-1][:200] if lines else f"it {how_it_ended(done.returncode)}"
