"""Running a command so that it can be measured: through the launcher, in its own process group, with its output kept for when it fails."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import PLACEHOLDERS
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.measure.lock import mark
from perfgate.measure.surroundings import Surroundings

#: The end of a failed command's output that is shown: enough for the traceback above a test runner's summary, no flood.
_TAIL_LINES, _TAIL_BYTES = 100, 16_384
#: The kernel counts a process' memory in batches on each CPU, so the launcher's size and what a child got of it differ by a little.
_ABOVE_FLOOR = 1.03


class Execution(NamedTuple):
    """One run of a command: seconds, bytes and counts (None where the system does not tell), exit code, and the end of its output.

    `memory` is the peak of all its processes together, and `memory_from` where it comes from: "group" (a control group of its own, page
    cache included), "tree" (the largest sum that a look at its processes saw), "kernel" (its largest process) or "floor": it was too small
    to tell from the process that started it, and took at most that much. `read` and `written` are bytes from and to storage.
    """

    wall: float
    user: float
    system: float
    memory: int | None
    returncode: int
    output_tail: str = ""
    memory_from: str = ""
    minor_faults: int | None = None
    major_faults: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    read: int | None = None
    written: int | None = None
    timed_out: bool = False

    @property
    def cpu(self) -> float:
        """User and system CPU time together, in seconds."""
        return self.user + self.system


class How(NamedTuple):
    """How a command is started: what runs before each of its runs, the file it reads, and the seconds after which it is killed (0: never)."""

    prepare: tuple[str, ...] = ()
    input: str = ""
    timeout: float = 0.0


PLAIN = How()


def run_once(
    argv: Sequence[str],
    surroundings: Surroundings,
    *,
    what: str,
    accept: Callable[[int], bool] = lambda code: code == 0,
) -> Execution:
    """Run a command once and measure it; `what` names it in messages, in quotes where it is a name.

    Raises CommandFailed with the end of its output where `accept` refuses its exit code, InputError where there is no such program.
    """
    with closing(executions(tuple(argv), surroundings, what=what)) as results:
        execution = next(results)
    if not accept(execution.returncode):
        raise failed(what, execution)
    return execution


#: Names the interpreter that `{python}` stands for, where perfgate runs in an environment of its own (the action, pipx).
PYTHON = "PERFGATE_PYTHON"


def fill(argv: Sequence[str], *, out: Path | None = None, python: str = "") -> tuple[str, ...]:
    """The argument vector with `{python}` and, where it is given, `{out}` replaced; every other brace stays as it is."""
    python = python or os.environ.get(PYTHON, "") or sys.executable
    filled = (word.replace("{python}", python) for word in argv)
    return tuple(word.replace("{out}", str(out)) if out is not None else word for word in filled)


def how_it_ended(returncode: int) -> str:
    """The end of a command in words: "ended with exit code 3"."""
    return f"was ended by {_signal_name(-returncode)}" if returncode < 0 else f"ended with exit code {returncode}"


def failed(what: str, execution: Execution, stage: str = "") -> CommandFailed:
    """The error of a command, called `what`, that did not succeed in this `stage` of its runs."""
    when = f" ({stage})" if stage else ""
    if execution.timed_out:
        return CommandFailed(
            f"the command {what} was killed after {execution.wall:.3g} s, its --timeout{when}, so nothing was measured",
            remedy="give it more time, or find out what it waits for",
            output=execution.output_tail,
        )
    return CommandFailed(
        f"the command {what} {how_it_ended(execution.returncode)}{when}, so nothing was measured",
        remedy="run it by itself, mend it, and measure again",
        output=execution.output_tail,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


#: What the launcher is: an interpreter without site packages that imports it as a module, so that its bytecode is not made anew each time.
_START = "import sys; sys.path.append(sys.argv[1]); from perfgate.measure.launcher import main; main()"
_PACKAGES = str(Path(__file__).resolve().parents[2])


def executions(
    argv: Sequence[str], surroundings: Surroundings, how: How = PLAIN, *, what: str = ""
) -> Generator[Execution, None, None]:
    """Run a command through a launcher of its own: once for each Execution that is asked for, so that several can take turns.

    Raises InputError where there is no such program, CommandFailed where what goes before a run fails.
    """
    output = surroundings.work / "output"
    job = {
        "program": find_program(argv, surroundings),
        "argv": list(argv),
        "environ": {**surroundings.environ, **mark()},
        "folder": str(surroundings.root),
        "output": str(output),
        "input": _input(how.input, surroundings),
        "prepare": [find_program(how.prepare, surroundings), list(how.prepare)] if how.prepare else None,
        "timeout": how.timeout,
    }
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, _PACKAGES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    if launcher.stdin is None or launcher.stdout is None:
        raise OperationFailed("the launcher of commands has no pipes")
    try:
        launcher.stdin.write(json.dumps(job).encode() + b"\n")
        while True:
            launcher.stdin.write(b".")
            line = launcher.stdout.readline()
            if not line:
                break
            yield _execution(json.loads(line), argv, output, how, what)
    except BrokenPipeError:
        pass
    finally:
        # Closing its stdin makes the launcher kill what still runs.
        launcher.stdin.close()
        launcher.stdout.close()
        launcher.wait()
    raise OperationFailed(
        "the process that starts measured commands ended unexpectedly",
        remedy="try again; report it if it happens twice",
    )


def _input(name: str, surroundings: Surroundings) -> str:
    """The file that a command reads: none that could make it wait for somebody to type or to write."""
    if not name:
        return os.devnull
    path = surroundings.root / name
    if not path.is_file():
        raise InputError(
            f'there is no file "{name}" for the command to read',
            remedy="check its path, relative to the folder of budgets.yaml or to the current one",
        )
    return str(path)


def _execution(told: Mapping[str, Any], argv: Sequence[str], output: Path, how: How, what: str) -> Execution:
    if "error" in told:
        raise InputError(
            f'"{argv[0]}" cannot be started: {told["message"]}', remedy="check that it is a program for this machine"
        )
    if "prepare" in told:
        raise CommandFailed(
            f"what prepares each run of {what or argv[0]} {how_it_ended(told['prepare'])}, so nothing was measured",
            remedy=f"run it by itself, mend it, and measure again: {plain_text(shlex.join(how.prepare))[:200]}",
            output=_tail(output),
        )
    memory, source = _memory(told)
    minor, major = told["faults"]
    voluntary, involuntary = told["switches"]
    read, written = told["storage"] or (None, None)
    return Execution(
        told["wall"],
        told["user"],
        told["system"],
        memory,
        told["code"],
        _tail(output) if told["code"] else "",
        source,
        minor,
        major,
        voluntary,
        involuntary,
        read,
        written,
        told["timed_out"],
    )


def _memory(told: Mapping[str, Any]) -> tuple[int | None, str]:
    """The peak of the tree and where it is from: a group's own count, the largest sum seen (shared pages once), or the largest single
    process, which the kernel never tells below the launcher's size.

    So a command that is smaller than the launcher counts as large as that: always the same, rather than what a sample happened to see.
    """
    if told["group"]:
        return int(told["group"]), "group"
    sampled, largest = int(told["sampled"]), int(told["maxrss"])
    if max(sampled, largest) == 0:
        return None, ""
    if sampled > largest:
        return sampled, "tree"
    return largest, "kernel" if largest > int(told["floor"]) * _ABOVE_FLOOR else "floor"


def find_program(argv: Sequence[str], surroundings: Surroundings) -> str:
    """The file of the program, found as a shell in that folder would."""
    name = argv[0]
    if any("\0" in word for word in argv):
        raise InputError("a command cannot hold a NUL character")
    if os.sep in name:
        path = Path(name) if Path(name).is_absolute() else surroundings.root / name
        if path.is_dir():
            raise InputError(f'"{name}" is a folder, not a program', remedy="name a program in it")
        if not path.exists():
            raise InputError(
                f'there is no program "{name}"',
                remedy="check its path, relative to the folder of budgets.yaml or to the current one",
            )
        if not os.access(path, os.X_OK):
            raise InputError(
                f'"{name}" is not executable', remedy=f"make it so (chmod +x {name}), or name its interpreter"
            )
        return str(path)
    folders = surroundings.environ.get("PATH", os.defpath).split(os.pathsep)
    found = shutil.which(name, path=os.pathsep.join(str(surroundings.root / folder) for folder in folders))
    if found is None:
        known = " and ".join(f"{{{each}}}" for each in PLACEHOLDERS)
        remedy = f"known placeholders are {known}" if "{" in name else "install it, or write its path"
        raise InputError(f'there is no program "{name}" in the PATH', remedy=remedy)
    return found


def _tail(output: Path) -> str:
    """The end of what a command printed, in whole lines where it has several: of half a secret nobody could tell that it is one."""
    try:
        with output.open("rb") as file:
            begin = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(begin)
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join((lines[1:] if begin and len(lines) > 1 else lines)[-_TAIL_LINES:])
