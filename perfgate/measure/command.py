"""Commands, measured: wall time, CPU time and peak memory of the process tree, run after run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import PLACEHOLDERS, CommandEntry
from perfgate.core.model import Capture, Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.core.stats.estimators import median
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.measure.surroundings import Surroundings

_LAUNCHER = Path(__file__).with_name("launcher.py")
_TAIL_LINES, _TAIL_BYTES = 40, 8192


class Execution(NamedTuple):
    """One run of a command: seconds, seconds, bytes (None where the system does not tell), exit code, and the end of its output."""

    wall: float
    cpu: float
    memory: int | None
    returncode: int
    output_tail: str = ""


def capture(entry: CommandEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Run the command `warmup` + `runs` times; raises CommandFailed as soon as one run fails, InputError where there is no such program."""
    prepare(entry, surroundings, progress)
    argv = fill(entry.run)
    found: list[Execution] = []
    total = entry.warmup + entry.runs
    # Closed at once, whatever happens: then the launcher ends the command before the scratch folder goes.
    with closing(executions(argv, surroundings, runs=total)) as results:
        for number, execution in enumerate(results, 1):
            warm = number <= entry.warmup
            stage = f"warm-up {number} of {entry.warmup}" if warm else f"run {number - entry.warmup} of {entry.runs}"
            progress(stage)
            if execution.returncode != 0:
                raise failed(f'"{entry.name}"', execution, stage)
            if not warm:
                found.append(execution)
    return _captured(entry, found)


def _captured(entry: CommandEntry, found: Sequence[Execution]) -> Capture:
    return Capture(measurements(entry, found), caveats=_caveats(entry, [each.wall for each in found]))


def measurements(entry: CommandEntry, found: Sequence[Execution]) -> tuple[Measurement, ...]:
    """Wall time, CPU time and peak memory of what was run."""
    import shlex

    origin = plain_text(shlex.join(entry.run))[:500]

    def measured(metric: str, values: Sequence[float], unknown: str = "") -> Measurement:
        return measurement(metric, {"command": plain_text(entry.name)}, values, origin=origin, unknown=unknown)

    memory = [float(each.memory) for each in found if each.memory is not None]
    missing = "this system does not tell the memory of a process tree"
    return (
        measured("command.wall", [each.wall for each in found]),
        measured("command.cpu", [each.cpu for each in found]),
        measured("command.memory", memory if len(memory) == len(found) else [], missing),
    )


def prepare(entry: CommandEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> None:
    """Run what the entry says goes before, where it says so; raises as `run_once` does."""
    if entry.prepare:
        progress("preparing")
        run_once(fill(entry.prepare), surroundings, what=f'"{entry.name}" (prepare)')


def _caveats(entry: CommandEntry, walls: Sequence[float]) -> tuple[Caveat, ...]:
    if entry.warmup or len(walls) < 4:
        return ()
    rest = float(median(walls[1:]))
    if walls[0] <= 1.5 * rest:
        return ()
    message = f'"{entry.name}": the first run took {walls[0] / rest:.1f} times as long as the others'
    return (Caveat("cold first run", message, "let it run once before: --warmup 1"),)


def run_once(
    argv: Sequence[str],
    surroundings: Surroundings,
    *,
    what: str,
    accept: Callable[[int], bool] = lambda code: code == 0,
) -> Execution:
    """Run a command once and measure it; `what` names it in messages.

    Raises CommandFailed with the end of its output where `accept` refuses its exit code, InputError where there is no such program.
    """
    with closing(executions(tuple(argv), surroundings, runs=1)) as results:
        (execution,) = results
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


def executions(
    argv: Sequence[str], surroundings: Surroundings, *, runs: int, stepped: bool = False
) -> Generator[Execution, None, None]:
    """Run a command through the launcher; one Execution for each run, until one fails.

    `stepped` starts each run only when it is asked for, so that two of these can take turns.
    """
    program = find_program(argv, surroundings)
    output = surroundings.work / "output"
    job = {
        "program": program,
        "argv": list(argv),
        "environ": dict(surroundings.environ),
        "folder": str(surroundings.root),
        "output": str(output),
        "runs": runs,
        "stepped": stepped,
    }
    launcher = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_LAUNCHER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    if launcher.stdin is None or launcher.stdout is None:
        raise OperationFailed("the launcher of commands has no pipes")
    done = 0
    try:
        launcher.stdin.write(json.dumps(job).encode() + b"\n")
        while True:
            if stepped:
                launcher.stdin.write(b".")
            line = launcher.stdout.readline()
            if not line:
                break
            done += 1
            yield _execution(json.loads(line), argv, output)
    except BrokenPipeError:
        pass
    finally:
        # Closing its stdin makes the launcher kill what still runs.
        launcher.stdin.close()
        launcher.stdout.close()
        launcher.wait()
    if done == 0:
        raise OperationFailed(
            "the process that starts measured commands ended unexpectedly",
            remedy="try again; report it if it happens twice",
        )


def _execution(told: Mapping[str, Any], argv: Sequence[str], output: Path) -> Execution:
    if "error" in told:
        raise InputError(
            f'"{argv[0]}" cannot be started: {told["message"]}', remedy="check that it is a program for this machine"
        )
    return Execution(told["wall"], told["cpu"], _memory(told), told["code"], _tail(output) if told["code"] else "")


def _memory(told: Mapping[str, Any]) -> int | None:
    """The peak of the tree: the largest sum seen (shared pages once), or the largest single process, which the kernel never tells below the launcher's size.

    So a command that is smaller than the launcher counts as large as that: always the same, rather than what a sample happened to see.
    """
    return max(int(told["sampled"]), int(told["maxrss"])) or None


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
    """The end of what a command printed."""
    try:
        with output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
