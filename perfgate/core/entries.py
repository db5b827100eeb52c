"""The entries of the `measure:` section: what to run or read, as plain data. Reading them is `formats.budgets`' work, doing
them is `measure`'s."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from perfgate.core.metrics import Direction
from perfgate.errors import InputError

#: What a `run:` may hold in braces, and what it stands for.
PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "python": "the interpreter that PERFGATE_PYTHON names, else the one that runs perfgate",
        "out": "a file or folder of perfgate's own",
    }
)

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BRACED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Versus(Enum):
    """When both sides of a change are measured in turn on one machine: never, where a series is suspect, or always."""

    NEVER = ""
    SUSPECTS = "base"
    ALWAYS = "base always"


#: What can count the instructions of a command: a simulation, which is exact, or the processor, which is quick and noisy.
VALGRIND, PERF = "instructions", "instructions:perf"
COUNTERS = (VALGRIND, PERF)


class CommandEntry(NamedTuple):
    """Run a command several times: `run` is an argument vector; with `shell` it is one line for `sh -c`.

    `setup` is run once before and `cleanup` once after everything, `prepare` before each run. `until` stops before `runs` are made, once
    the interval of the median wall time is within this ratio of it; `most` ends it after so many seconds (0: never). A run that takes longer
    than `timeout` seconds is killed and fails (0: never). Exit codes in `accept` count as success, with `ignore_failure` every one.
    `input` is the file that it reads. `parameters` fill `{name}` in every command, each combination of their values a series of its own,
    whose `labels` they become. With a `counter` its instructions are counted, and its times are not measured; `profile` asks for one run
    more, under a sampler.
    """

    name: str
    run: tuple[str, ...]
    runs: int = 10
    warmup: int = 1
    prepare: tuple[str, ...] = ()
    versus: Versus = Versus.NEVER
    setup: tuple[str, ...] = ()
    cleanup: tuple[str, ...] = ()
    until: float = 0.0
    most: float = 0.0
    timeout: float = 0.0
    accept: tuple[int, ...] = (0,)
    ignore_failure: bool = False
    input: str = ""
    shell: bool = False
    parameters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    counter: str = ""
    profile: bool = False

    def accepts(self, code: int) -> bool:
        """Whether a run that ends with this exit code (negative: a signal) is a good one."""
        return self.ignore_failure or code in self.accept


#: So many runs at most where precision stops them.
RUNS_UNTIL = 200
#: More combinations than this are a mistake.
MOST_COMBINATIONS = 1000
#: A parameter cannot be called so: the words mean something else in a command or on its series.
RESERVED = frozenset({*PLACEHOLDERS, "command"})
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")


def parameter_values(text: str) -> tuple[str, ...]:
    """The values of a parameter: "1,2,4", or a range with both ends, "1..8" or "1..8:2"; InputError where it is neither."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return distinct(part.strip() for part in text.split(","))
    first, last, step = Decimal(match[1]), Decimal(match[2]), Decimal(match[3] or 1)
    if step == 0 or last < first or (last - first) / step >= MOST_COMBINATIONS:
        raise InputError(
            f'the range "{text[:50]}" has no values, or more than {MOST_COMBINATIONS:,}',
            remedy="write it as 1..8 or 1..8:2",
        )
    return tuple(str(first + step * count) for count in range(int((last - first) / step) + 1))


def distinct(values: Iterable[str]) -> tuple[str, ...]:
    """The values of a parameter as they are given; InputError where one is empty, too long, or there twice."""
    found = tuple(values)
    if not found or not all(found) or any(len(value) > 100 for value in found) or len(set(found)) < len(found):
        raise InputError(
            "a parameter needs values of 1 to 100 characters, each once", remedy="write for example 1,2,4 or 1..8"
        )
    if any("\ud800" <= sign <= "\udfff" for value in found for sign in value):
        raise InputError("a value of a parameter is not UTF-8, so no file can keep it", remedy="write it in UTF-8")
    return found


def check_parameter(name: str) -> None:
    """Raise InputError where a parameter cannot have this name."""
    if _NAME.fullmatch(name) is None or name in RESERVED:
        raise InputError(
            f'"{name[:50]}" cannot be the name of a parameter',
            remedy=f"write lower-case letters, digits and _; not {', '.join(sorted(RESERVED))}",
        )


def uses(entry: CommandEntry, parameter: str) -> bool:
    """Whether a command of the entry, or its input, names the parameter in braces."""
    words = (*entry.run, *entry.prepare, *entry.setup, *entry.cleanup, entry.input)
    return any(f"{{{parameter}}}" in word for word in words)


def combinations(entry: CommandEntry) -> tuple[CommandEntry, ...]:
    """An entry for each combination of the parameters' values, filled in, in the order written; the entry itself where it has none.

    InputError where a parameter is used nowhere, or there are too many combinations.
    """
    for name, _ in entry.parameters:
        if not uses(entry, name):
            raise InputError(
                f'the parameter "{name}" of "{entry.name}" is used nowhere', remedy=f"write {{{name}}} in the command"
            )
    count = math.prod(len(values) for _, values in entry.parameters)
    if count > MOST_COMBINATIONS:
        raise InputError(
            f'"{entry.name}" has {count:,} combinations of parameters', remedy=f"give it at most {MOST_COMBINATIONS:,}"
        )
    names = [name for name, _ in entry.parameters]
    return tuple(
        _filled(entry, tuple(zip(names, chosen, strict=True)))
        for chosen in itertools.product(*(values for _, values in entry.parameters))
    )


def _filled(entry: CommandEntry, chosen: tuple[tuple[str, str], ...]) -> CommandEntry:
    known = dict(chosen)

    def fill(word: str) -> str:
        # All at once: a value that looks like another parameter stays as it is.
        return _BRACED.sub(lambda match: known.get(match[1], match[0]), word)

    def argv(words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(fill, words))

    return entry._replace(
        run=argv(entry.run),
        prepare=argv(entry.prepare),
        setup=argv(entry.setup),
        cleanup=argv(entry.cleanup),
        input=fill(entry.input),
        parameters=(),
        labels=tuple(sorted(chosen)),
    )


class TestsEntry(NamedTuple):
    """Run a test suite once, or read the reports it left; `{out}` in `run` stands for a report file of perfgate's.

    `format` insists on one format of the reports, "" lets their content tell it.
    """

    name: str
    run: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    suite: str = ""
    format: str = ""


class BenchEntry(NamedTuple):
    """Read benchmark results; `run` makes them first.

    `tool` insists on one format, "" lets the files tell it; `better` holds where they do not tell which way is better.
    """

    name: str
    run: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tool: str = ""
    better: Direction = Direction.NONE


class PipelineEntry(NamedTuple):
    """Read one attempt of a pipeline from a jobs file (`source`), or ask the code host for a run.

    `run_id` may be "current": the run that this process is part of. `attempt` 0 is the newest one.
    """

    name: str
    source: str = ""
    run_id: str = ""
    attempt: int = 0
    workflow: str = ""
    repository: str = ""


class TokensEntry(NamedTuple):
    """Read usage records of model calls; `run` makes them first."""

    name: str
    run: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    scenario: str = ""


class CostEntry(NamedTuple):
    """Read an infrastructure cost breakdown; `run` makes it first."""

    name: str
    run: tuple[str, ...] = ()
    infracost: str = ""
    environment: str = ""


class SizeEntry(NamedTuple):
    """Weigh files and folders by glob; `run` makes them first."""

    name: str
    run: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class ResourcesEntry(NamedTuple):
    """Run a command once and watch what it uses, at least every `interval` seconds; `aside` sends its output to stderr."""

    name: str
    run: tuple[str, ...]
    interval: float = 1.0
    aside: bool = False


Entry = CommandEntry | TestsEntry | BenchEntry | PipelineEntry | TokensEntry | CostEntry | SizeEntry | ResourcesEntry
