"""Two sides of a change, measured in turn on one machine: pairs of runs in alternating order, until they decide or the cap is reached."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture, Caveat, Measurement, State
from perfgate.core.stats.sequential import LOOKS, decided
from perfgate.core.units import Unit, write_value
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.command import Execution, executions, fill, find_program, how_it_ended, run_once
from perfgate.measure.command_rows import Taken, measurements
from perfgate.measure.lock import Alone, alone
from perfgate.measure.session import argv_of, how_of
from perfgate.measure.surroundings import Surroundings


class Side(NamedTuple):
    """One side of the change: its name in messages ("the base (1a2b3c4d5e)"), where its commands run, and whether it is the base."""

    name: str
    surroundings: Surroundings
    is_base: bool = False


class BaseFailed(CommandFailed):
    """The base cannot be prepared or run: nothing is known of the change, and the change is not at fault."""


class Until(NamedTuple):
    """When measuring stops: after `most` pairs, after `within` seconds, or when every metric of `asked` is decided.

    `asked` holds the relative limits, as ratios, that each metric will be judged by: {"command.wall": (0.05, 0.1)}.
    """

    most: int = 20
    within: float = 600.0
    asked: Mapping[str, tuple[float, float]] = {}


class _Pair(NamedTuple):
    before: Execution
    after: Execution


def capture(
    entry: CommandEntry,
    before: Side,
    after: Side,
    until: Until,
    progress: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    tell: Callable[[str], None] = lambda _: None,
    how: Alone | None = None,
) -> Capture:
    """Set up both sides, warm both up, and run them in turn; every noisy measurement holds its pairs as `before` and `values`.

    `tell` hears how long it may take, once the first pair is known.

    Raises CommandFailed, naming the side, where one side cannot be set up, prepared or run: then nothing is known. InputError where
    there is no such program on either side, or the entry has parameters.
    """
    if entry.parameters:
        raise InputError(
            f'"{entry.name}" has parameters, and both sides of a change are measured for one command',
            remedy="write an entry for each combination that is to be compared so",
        )
    with alone(how or Alone(tell=tell)) as overlapped, _set_up(entry, (before, after), progress):
        return _in_turns(entry, before, after, until, progress, clock, tell, overlapped)


@contextmanager
def _set_up(entry: CommandEntry, sides: tuple[Side, Side], progress: Callable[[str], None]) -> Iterator[None]:
    if entry.cleanup:
        _both_have(entry.cleanup, *sides)
    try:
        if entry.setup:
            _both_have(entry.setup, *sides)
            for side in sides:
                _step_aside(entry, side, entry.setup, "set up", progress)
        yield
    except BaseException:
        for side in sides if entry.cleanup else ():
            # What already went wrong is what is told.
            with suppress(CommandFailed, InputError):
                _step_aside(entry, side, entry.cleanup, "cleaned up", progress)
        raise
    for side in sides if entry.cleanup else ():
        _step_aside(entry, side, entry.cleanup, "cleaned up", progress)


def _in_turns(
    entry: CommandEntry,
    before: Side,
    after: Side,
    until: Until,
    progress: Callable[[str], None],
    clock: Callable[[], float],
    tell: Callable[[str], None],
    overlapped: Sequence[Caveat],
) -> Capture:
    for words in (argv_of(entry), entry.prepare):
        if words:
            _both_have(words, before, after)
    argv, started = argv_of(entry), how_of(entry)
    deadline = clock() + until.within
    with (
        closing(executions(argv, before.surroundings, started, what=f'"{entry.name}"')) as one,
        closing(executions(argv, after.surroundings, started, what=f'"{entry.name}"')) as other,
    ):
        turns = _Turns(entry, ((before, one), (after, other)))
        for number in range(entry.warmup):
            progress(f"warm-up {number + 1} of {entry.warmup}")
            turns.pair(number, f"warm-up {number + 1} of {entry.warmup}")
        pairs: list[_Pair] = []
        why = ""
        while not why:
            number = len(pairs) + 1
            progress(f"pair {number} of at most {until.most}")
            began = clock()
            pairs.append(turns.pair(number, f"pair {number}"))
            now = clock()
            if number == 1:
                tell(_how_long(entry, now - began, until))
            why = _why_stop(entry, pairs, until, late=now + (now - began) > deadline)
    caveats = (*overlapped, _told(entry, before, pairs, why))
    return Capture(_measured(entry, pairs), {"pairs": _rows(entry, pairs)}, caveats)


def _how_long(entry: CommandEntry, pair: float, until: Until) -> str:
    most = max(pair, min(until.within, pair * until.most))
    seconds = Unit("s")
    return f'"{entry.name}": a pair takes {write_value(pair, seconds)}, so at most {write_value(most, seconds)} in all'


def _why_stop(entry: CommandEntry, pairs: Sequence[_Pair], until: Until, *, late: bool) -> str:
    """Why no further pair is measured, in words; "" where one is."""
    # First: at the cap `decided` says yes whatever the pairs show.
    if len(pairs) >= until.most:
        return "as many as were asked for"
    if len(pairs) in LOOKS and until.asked and _all_decided(entry, pairs, until):
        return "then every limit was decided"
    return "then the time for it was over" if late else ""


def _all_decided(entry: CommandEntry, pairs: Sequence[_Pair], until: Until) -> bool:
    for each in _measured(entry, pairs):
        if each.state is not State.MEASURED or each.series.metric not in until.asked:
            continue
        warn, block = until.asked[each.series.metric]
        before, after = [float(value) for value in each.before], [float(value) for value in each.values]
        if not decided(before, after, warn=warn, block=block, most=until.most, better=each.better):
            return False
    return True


def _measured(entry: CommandEntry, pairs: Sequence[_Pair]) -> tuple[Measurement, ...]:
    line = shlex.join(entry.run)
    before = measurements(Taken(entry, entry.name, line, tuple(pair.before for pair in pairs)))
    after = measurements(Taken(entry, entry.name, line, tuple(pair.after for pair in pairs)))
    return tuple(
        new._replace(before=old.values) if old.state is new.state else min(old, new, key=lambda each: len(each.values))
        for old, new in zip(before, after, strict=True)
    )


def _rows(entry: CommandEntry, pairs: Sequence[_Pair]) -> tuple[dict[str, str | int | float | bool | None], ...]:
    """Every pair as it was measured, with the side that went first: seconds and bytes."""
    rows: list[dict[str, str | int | float | bool | None]] = []
    for number, pair in enumerate(pairs, 1):
        row: dict[str, str | int | float | bool | None] = {"command": plain_text(entry.name), "pair": number}
        row["first"] = "before" if number % 2 else "after"
        for side, seen in (("before", pair.before), ("after", pair.after)):
            row |= {f"{side}_wall": seen.wall, f"{side}_cpu": seen.cpu, f"{side}_memory": seen.memory}
        rows.append(row)
    return tuple(rows)


def _told(entry: CommandEntry, before: Side, pairs: Sequence[_Pair], why: str) -> Caveat:
    count = f"{len(pairs)} pair{'' if len(pairs) == 1 else 's'}"
    return Caveat("measured in pairs", f'"{entry.name}" was measured in turns with {before.name}: {count}, {why}')


class _Turns(NamedTuple):
    """Both sides' runs, each a step of its own launcher."""

    entry: CommandEntry
    sides: tuple[tuple[Side, Generator[Execution, None, None]], tuple[Side, Generator[Execution, None, None]]]

    def pair(self, number: int, stage: str) -> _Pair:
        """One run of each side; the base goes first in every other pair."""
        if number % 2:
            before = self._step(0, stage)
            return _Pair(before, self._step(1, stage))
        after = self._step(1, stage)
        return _Pair(self._step(0, stage), after)

    def _step(self, which: int, stage: str) -> Execution:
        side, results = self.sides[which]
        try:
            execution = next(results)
        except InputError as error:
            raise _not_concluded(self.entry.name, side, error.what) from error
        except CommandFailed as error:
            raise _not_concluded(self.entry.name, side, error.what, error.output) from error
        if execution.timed_out:
            raise _not_concluded(self.entry.name, side, f"killed after its timeout ({stage})", execution.output_tail)
        if not self.entry.accepts(execution.returncode):
            how = f"{how_it_ended(execution.returncode)} ({stage})"
            raise _not_concluded(self.entry.name, side, how, execution.output_tail)
        return execution


def _step_aside(
    entry: CommandEntry, side: Side, words: tuple[str, ...], what: str, progress: Callable[[str], None]
) -> None:
    """Run what goes before or after everything on one side; CommandFailed, naming the side, where it fails."""
    progress(f"{side.name} is {what}")
    argv = fill(words)
    try:
        done = run_once(argv, side.surroundings, what="", accept=lambda _: True)
    except InputError as error:
        raise _not_prepared(entry, side, argv, what, error.what) from error
    if done.returncode != 0:
        raise _not_prepared(entry, side, argv, what, how_it_ended(done.returncode), done.output_tail)


def _both_have(argv: Sequence[str], before: Side, after: Side) -> None:
    """Refuse a program that is missing: on both sides it is a mistake in the command, on one side it belongs to the change."""
    there, here = _why_missing(argv, before), _why_missing(argv, after)
    if there is not None and here is not None:
        raise here
    for side, why in ((before, there), (after, here)):
        if why is not None:
            raise _not_concluded(shlex.join(argv), side, why.what) from why


def _why_missing(argv: Sequence[str], side: Side) -> InputError | None:
    try:
        find_program(fill(argv), side.surroundings)
    except InputError as error:
        return error
    return None


def _not_prepared(
    entry: CommandEntry, side: Side, argv: Sequence[str], what: str, how: str, output: str = ""
) -> CommandFailed:
    return _failed(
        side,
        f'{side.name} cannot be {what} for "{entry.name}": {shlex.join(argv)}: {how}; so nothing is concluded',
        "mend it, or compare with a commit that can be built: --base",
        output,
    )


def _not_concluded(what: str, side: Side, how: str, output: str = "") -> CommandFailed:
    return _failed(
        side,
        f'"{what}" fails on {side.name}: {how}; so nothing is concluded',
        "what must be built first, build with --setup; what only one side has cannot be compared",
        output,
    )


def _failed(side: Side, what: str, remedy: str, output: str) -> CommandFailed:
    kind = BaseFailed if side.is_base else CommandFailed
    return kind(what, remedy=remedy, output=output)
