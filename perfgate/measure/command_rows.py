"""What the runs of a command become: its measurements, rows for people, and what to know before trusting them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.entries import CommandEntry
from perfgate.core.model import Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.core.stats import precision
from perfgate.core.stats.estimators import block_medians, mean_and_sd, median
from perfgate.core.stats.shift import paired
from perfgate.core.units import Unit, write_value
from perfgate.measure.command import Execution

Row = dict[str, str | int | float | bool | None]

#: The rows of single runs that a run file keeps of each command: as many as it keeps values.
RUN_ROWS = 100
#: A session of many commands keeps no more than this in all; formats.run would refuse more than 10,000.
MOST_RUN_ROWS = 2000
#: A first run so many times as long as the others met caches that were cold.
_COLD = 1.5
#: A run is an outlier that lies beyond the median by so many scaled deviations and by this share: rarer than once in a million runs of
#: normal noise, and large enough to matter.
_OUTLYING, _OUTLYING_SHARE = 8.0, 0.20
#: What a shell's start-up is taken off from must be well above it, or the rest is mostly the noise of both.
_ABOVE_SHELL = 5.0


class Shell(NamedTuple):
    """What a shell costs that does nothing: the medians of its wall, user and system time in seconds, and of how many runs."""

    wall: float
    user: float
    system: float
    runs: int


class Taken(NamedTuple):
    """A command, as messages and as people call it, with its runs; `shell` is to be taken off where it was run by one."""

    entry: CommandEntry
    title: str
    line: str
    found: tuple[Execution, ...]
    shell: Shell | None = None

    def walls(self) -> list[float]:
        """Wall times in seconds, the shell's own taken off, never below zero."""
        return [max(0.0, each.wall - (self.shell.wall if self.shell else 0.0)) for each in self.found]

    def users(self) -> list[float]:
        """User CPU times likewise."""
        return [max(0.0, each.user - (self.shell.user if self.shell else 0.0)) for each in self.found]

    def systems(self) -> list[float]:
        """System CPU times likewise."""
        return [max(0.0, each.system - (self.shell.system if self.shell else 0.0)) for each in self.found]


def measurements(taken: Taken) -> tuple[Measurement, ...]:
    """Wall time, CPU time and peak memory of what was run."""
    origin = plain_text(taken.line)[:500]
    labels = {"command": plain_text(taken.entry.name)} | {name: plain_text(value) for name, value in taken.entry.labels}

    def measured(metric: str, values: Sequence[float], unknown: str = "", counted: str = "") -> Measurement:
        conditions = [("counted by", counted)] if counted else []
        return measurement(metric, labels, values, origin=origin, unknown=unknown, conditions=conditions)

    memory = [float(each.memory) for each in taken.found if each.memory is not None]
    # A control group counts the page cache too, so its values are compared with none but its own.
    grouped = {each.memory_from == "group" for each in taken.found}
    missing = "this system does not tell the memory of a process tree"
    if len(memory) < len(taken.found) or len(grouped) > 1:
        memory = []
    cpu = [user + system for user, system in zip(taken.users(), taken.systems(), strict=True)]
    return (
        measured("command.wall", taken.walls()),
        measured("command.cpu", cpu),
        measured("command.memory", memory, missing, "control group" if grouped == {True} else ""),
    )


def summary_row(taken: Taken, seed: int | None) -> Row:
    """One command for people: seconds, bytes, and medians of counts; what the system did not tell is not there."""
    walls, found = taken.walls(), taken.found
    mean, sd = mean_and_sd(walls)
    row: Row = {"command": plain_text(taken.entry.name)}
    row |= {name: plain_text(value) for name, value in taken.entry.labels}
    row |= {"runs": len(found), "mean": mean, "sd": sd if len(found) > 1 else None, "median": float(median(walls))}
    row |= {"min": min(walls), "max": max(walls)}
    row |= {"user": mean_and_sd(taken.users())[0], "system": mean_and_sd(taken.systems())[0]}
    if all(each.memory is not None for each in found):
        largest = max(found, key=lambda each: each.memory or 0)
        row |= {"memory": largest.memory, "memory_from": largest.memory_from}
    for name in _COUNTS:
        counts = [value for each in found if (value := getattr(each, name)) is not None]
        if len(counts) == len(found):
            row[name] = int(median(counts))
    if taken.entry.until:
        row |= {"wanted": taken.entry.until, "reached": _finite(precision.reach(walls))}
    if taken.shell is not None:
        row |= {"shell_wall": taken.shell.wall, "shell_cpu": taken.shell.user + taken.shell.system}
    if seed is not None:
        row["seed"] = seed
    return row


_COUNTS = ("minor_faults", "major_faults", "voluntary_switches", "involuntary_switches", "read", "written")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def run_rows(taken: Sequence[Taken]) -> Iterator[Row]:
    """The first runs of each command as they were, nothing taken off: seconds, bytes, counts, exit code."""
    each_may = max(1, min(RUN_ROWS, MOST_RUN_ROWS // max(1, len(taken))))
    for command in taken[:MOST_RUN_ROWS]:
        for number, each in enumerate(command.found[:each_may], 1):
            row: Row = {"command": plain_text(command.entry.name)}
            row |= {name: plain_text(value) for name, value in command.entry.labels}
            row |= {"run": number, "wall": each.wall, "user": each.user, "system": each.system, "memory": each.memory}
            row |= {name: value for name in _COUNTS if (value := getattr(each, name)) is not None}
            if each.returncode:
                row["code"] = each.returncode
            yield row


def comparison_rows(taken: Sequence[Taken]) -> Iterator[Row]:
    """How many times as long as the quickest each other command takes, with an interval; pairs are the runs of one round.

    The ratio is the median of the rounds' (Hodges and Lehmann, on logarithms), `level` what its interval attains.
    """
    quickest = min(taken, key=lambda each: float(median(each.walls())))
    for each in taken:
        if each is quickest:
            continue
        rounds = [(mine, theirs) for mine, theirs in zip(each.walls(), quickest.walls(), strict=True)]
        row: Row = {"command": plain_text(each.title), "than": plain_text(quickest.title)}
        known = [math.log(mine / theirs) for mine, theirs in rounds if mine > 0 and theirs > 0]
        if len(known) == len(rounds):
            found = paired([float(value) for value in block_medians(known)])
            row |= {"times": math.exp(found.estimate), "low": math.exp(found.low), "high": math.exp(found.high)}
            row |= {"level": found.level, "rounds": len(rounds)}
        yield row


def notes(taken: Taken) -> Iterator[Caveat]:
    """What to know before trusting these runs."""
    name, walls = f'"{taken.title}"', taken.walls()
    others = Counter(each.returncode for each in taken.found if each.returncode)
    if others:
        codes = ", ".join(f"{code} ({count} times)" for code, count in sorted(others.items()))
        yield Caveat("other exit codes", f"{name} ended with exit codes that count as success here: {codes}")
    yield from _odd_runs(taken, name, walls)
    wanted = taken.entry.until
    if wanted and not (reached := precision.reach(walls)) <= wanted:
        how = f"only within {reached:.1%}" if math.isfinite(reached) else "not at all"
        message = f"the median of {name} is known {how} after {len(walls)} runs; within {wanted:.1%} was asked for"
        yield Caveat("not precise", message, "allow more runs (--runs) or more time (--max-time), or ask for less")
    if taken.shell is not None:
        seconds = Unit("s")
        message = (
            f"the start-up of the shell, {write_value(taken.shell.wall, seconds)}, was taken off each run of {name}"
        )
        yield Caveat("shell", message)
        if float(median(walls)) < _ABOVE_SHELL * taken.shell.wall:
            message = f"{name} takes hardly longer than the shell that runs it, so what is left is uncertain"
            yield Caveat("short for a shell", message, "run it without --shell")


def _odd_runs(taken: Taken, name: str, walls: Sequence[float]) -> Iterator[Caveat]:
    if len(walls) < 4:
        return
    rest = float(median(walls[1:]))
    cold = not taken.entry.warmup and walls[0] > _COLD * rest > 0
    if cold:
        message = f"{name}: the first run took {walls[0] / rest:.1f} times as long as the others"
        yield Caveat("cold first run", message, "let it run once before: --warmup 1")
    middle = float(median(walls))
    spread = 1.4826 * float(median([abs(value - middle) for value in walls]))
    beyond = middle + max(_OUTLYING * spread, _OUTLYING_SHARE * middle)
    outliers = [value for value in walls[1 if cold else 0 :] if value > beyond]
    if len(walls) >= 8 and outliers:
        message = f"{name}: {len(outliers)} of {len(walls)} runs took up to {max(outliers) / middle:.1f} times as long as the median"
        yield Caveat(
            "outliers", message, "something else may have run meanwhile: measure on a quiet machine, or warm up more"
        )
