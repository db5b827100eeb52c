"""A session of measuring: one command, or several in turns, run after run until there are enough, and what they showed.

With several the order within each round is drawn anew, so that whatever the machine does meanwhile happens to all of them alike.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import CommandEntry, combinations
from perfgate.core.model import Capture, Caveat
from perfgate.core.stats import precision
from perfgate.core.stats.estimators import median
from perfgate.errors import InputError, PerfgateError
from perfgate.measure import contention
from perfgate.measure.command import Execution, How, executions, failed, fill, find_program, how_it_ended, run_once
from perfgate.measure.command_rows import Shell, Taken, comparison_rows, measurements, notes, run_rows, summary_row
from perfgate.measure.lock import Alone, alone
from perfgate.measure.surroundings import Surroundings

Progress = Callable[[str], None]
#: The shell's own start-up is the median of so many runs of nothing, after a few that warm it up.
_SHELL_RUNS, _SHELL_WARMUP = 30, 3
_NOTHING = ("sh", "-c", ":")


def capture(
    entry: CommandEntry, surroundings: Surroundings, progress: Progress, *, how: Alone | None = None
) -> Capture:
    """Measure one entry: every combination of its parameters. Raises as `capture_together` does."""
    return capture_together([entry], surroundings, progress, how=how)


def capture_together(
    entries: Sequence[CommandEntry],
    surroundings: Surroundings,
    progress: Progress,
    *,
    seed: int | None = None,
    how: Alone | None = None,
) -> Capture:
    """Measure several commands in turns; `seed` draws the same order again. What was set up is cleaned up, also after a failure.

    Raises CommandFailed as soon as one run fails, InputError where there is no such program or two are called the same, OperationFailed
    where the machine is not free to measure.
    """
    singles = [single for entry in entries for single in combinations(entry)]
    _refuse_twins(singles)
    timed = [single for single in singles if not single.counter]
    with alone(how or Alone(tell=surroundings.tell)) as overlapped, _set_up(singles, surroundings, progress) as left:
        parts = [_timed(timed, surroundings, progress, seed)] if timed else []
        if len(timed) < len(singles) or any(single.profile for single in singles):
            from perfgate.measure import probing  # most commands are only timed

            parts += probing.captures(singles, surroundings, progress, parts)
    return Capture.joined([Capture(caveats=tuple(overlapped)), *parts, Capture(caveats=tuple(left))])


def _timed(
    entries: Sequence[CommandEntry], surroundings: Surroundings, progress: Progress, seed: int | None
) -> Capture:
    shell = _shell(surroundings, progress) if any(each.shell for each in entries) else None
    session = _Session(entries, surroundings, progress, _seed(seed) if len(entries) > 1 else None)
    session.run()
    return _captured(session, shell)


def argv_of(entry: CommandEntry) -> tuple[str, ...]:
    """What is run: the words, or the shell with the line."""
    words = fill(entry.run)
    return ("sh", "-c", words[0]) if entry.shell else words


def title(entry: CommandEntry) -> str:
    """A command as messages call it: its name, and which values of its parameters these are."""
    values = ", ".join(f"{name}={value}" for name, value in entry.labels)
    return f"{entry.name} ({values})" if values else entry.name


def how_of(entry: CommandEntry) -> How:
    """How a command of this entry is started."""
    return How(fill(entry.prepare), entry.input, entry.timeout)


def run_as(entry: CommandEntry, argv: Sequence[str], surroundings: Surroundings, *, slower: float = 1.0) -> Execution:
    """Run `argv` once, a probe with the entry's command, as that command is run; its time limit is `slower` times as long."""
    how = how_of(entry)
    how = how._replace(timeout=how.timeout * slower)
    with closing(executions(tuple(argv), surroundings, how, what=f'"{title(entry)}"')) as results:
        return next(results)


def run_well(entry: CommandEntry, argv: Sequence[str], surroundings: Surroundings, stage: str) -> Execution:
    """The same for the command itself: raises CommandFailed where the entry does not accept how it ended."""
    execution = run_as(entry, argv, surroundings)
    if execution.timed_out or not entry.accepts(execution.returncode):
        raise failed(f'"{title(entry)}"', execution, stage)
    return execution


@contextmanager
def _set_up(entries: Sequence[CommandEntry], surroundings: Surroundings, progress: Progress) -> Iterator[list[Caveat]]:
    """Run each set-up once before, and each clean-up once after, whatever happened; what is alike for two entries is run once.

    Afterwards the list tells which clean-up failed: what was measured before it is no less true.
    """
    left: list[Caveat] = []
    ends = list(dict.fromkeys((fill(entry.cleanup), entry.name) for entry in entries if entry.cleanup))
    for argv, _ in ends:
        find_program(argv, surroundings)
    try:
        for argv, name in dict.fromkeys((fill(entry.setup), entry.name) for entry in entries if entry.setup):
            progress("setting up")
            run_once(argv, surroundings, what=f'"{name}" (set-up)')
        yield left
    except BaseException:
        # What already went wrong is what is told.
        for argv, _ in ends:
            _cleaned_up(argv, surroundings)
        raise
    for argv, name in ends:
        progress("cleaning up")
        if failure := _cleaned_up(argv, surroundings):
            line = plain_text(shlex.join(argv))[:200]
            left.append(Caveat("not cleaned up", f'the clean-up of "{plain_text(name)}" {failure}: {line}'))


def _cleaned_up(argv: Sequence[str], surroundings: Surroundings) -> str:
    """Clean up; in words how that failed, "" where it did not."""
    try:
        code = run_once(argv, surroundings, what="", accept=lambda _: True).returncode
    except PerfgateError as error:
        return f"failed ({error.what})"
    return how_it_ended(code) if code else ""


def _refuse_twins(entries: Sequence[CommandEntry]) -> None:
    names = [title(entry) for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'two commands are called "{name}"', remedy="give each a name of its own")


def _seed(given: int | None) -> int:
    if given is not None:
        return given
    return int.from_bytes(os.urandom(4))


def _shell(surroundings: Surroundings, progress: Progress) -> Shell:
    """What a shell costs that does nothing, here and now."""
    progress("measuring the shell's own start-up")
    with closing(executions(_NOTHING, surroundings, what='"sh"')) as results:
        runs = [next(results) for _ in range(_SHELL_WARMUP + _SHELL_RUNS)][_SHELL_WARMUP:]
    wall, user, system = (
        float(median(values)) for values in zip(*((run.wall, run.user, run.system) for run in runs), strict=True)
    )
    return Shell(wall, user, system, _SHELL_RUNS)


class _Command(NamedTuple):
    entry: CommandEntry
    results: Generator[Execution, None, None]
    found: list[Execution]

    def enough(self, since: float) -> bool:
        """Whether it needs no further run."""
        entry, done = self.entry, len(self.found)
        if done >= entry.runs or (entry.most and done and time.monotonic() - since >= entry.most):
            return True
        return bool(entry.until) and precision.precise([each.wall for each in self.found], entry.until)


class _Session:
    """The runs of some commands, in rounds."""

    def __init__(
        self, entries: Sequence[CommandEntry], surroundings: Surroundings, progress: Progress, seed: int | None
    ) -> None:
        self.entries = entries
        self.seed = seed
        self.found: list[list[Execution]] = [[] for _ in entries]
        self.clocks: list[float] = []
        self.before = self.after = contention.look()
        self._surroundings = surroundings
        self._progress = progress

    def run(self) -> None:
        """Warm up, then run in rounds until every command has enough: whoever is ready early goes on, so that rounds stay whole."""
        with ExitStack() as stack:
            commands = []
            for entry, found in zip(self.entries, self.found, strict=True):
                results = executions(argv_of(entry), self._surroundings, how_of(entry), what=f'"{title(entry)}"')
                commands.append(_Command(entry, stack.enter_context(closing(results)), found))
            for number in range(1, max(entry.warmup for entry in self.entries) + 1):
                for command in commands:
                    if number <= command.entry.warmup:
                        self._step(command, f"warm-up {number} of {command.entry.warmup}")
            began = time.monotonic()
            self.before = contention.look()
            while not all(command.enough(began) for command in commands):
                for command in self._order(commands, len(commands[0].found)):
                    stage = f"run {len(command.found) + 1} of {command.entry.runs}"
                    command.found.append(self._step(command, stage))
                if (clock := contention.frequency()) is not None:
                    self.clocks.append(clock)
        # Behind the stack: what the launchers used is known once they have ended.
        self.after = contention.look()

    def _order(self, commands: Sequence[_Command], number: int) -> Sequence[_Command]:
        """The commands in the order of this round: drawn by the seed, the same on every machine and with every version of Python."""
        if self.seed is None:
            return commands
        from hashlib import sha256

        drawn = [sha256(f"{self.seed} {number} {position}".encode()).digest() for position in range(len(commands))]
        return [commands[position] for position in sorted(range(len(commands)), key=drawn.__getitem__)]

    def _step(self, command: _Command, stage: str) -> Execution:
        entry = command.entry
        self._progress(f"{title(entry)}: {stage}" if len(self.entries) > 1 else stage)
        execution = next(command.results)
        if execution.timed_out or not entry.accepts(execution.returncode):
            raise failed(f'"{title(entry)}"', execution, stage)
        return execution


def _captured(session: _Session, shell: Shell | None) -> Capture:
    taken = [
        Taken(entry, title(entry), shlex.join(entry.run), tuple(found), shell if entry.shell else None)
        for entry, found in zip(session.entries, session.found, strict=True)
    ]
    names = list(dict.fromkeys(entry.name for entry in session.entries))
    seen = contention.caveats(session.before, session.after, session.clocks, ", ".join(names[:3]))
    details = {
        "commands": tuple(summary_row(each, session.seed) for each in taken),
        "command_runs": tuple(run_rows(taken)),
    }
    if len(taken) > 1:
        details["command_comparisons"] = tuple(comparison_rows(taken))
    return Capture(
        tuple(measurement for each in taken for measurement in measurements(each)),
        details,
        (*(note for each in taken for note in notes(each)), *seen),
    )
