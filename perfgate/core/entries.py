"""The entries of the `measure:` section: what to run or read, as plain data. Reading them is `formats.budgets`' work, doing
them is `measure`'s."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from perfgate.core.metrics import Direction

#: What a `run:` may hold in braces, and what it stands for.
PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "python": "the interpreter that PERFGATE_PYTHON names, else the one that runs perfgate",
        "out": "a file or folder of perfgate's own",
    }
)


class Versus(Enum):
    """When both sides of a change are measured in turn on one machine: never, where a series is suspect, or always."""

    NEVER = ""
    SUSPECTS = "base"
    ALWAYS = "base always"


class CommandEntry(NamedTuple):
    """Run a command several times: `run` is an argument vector, never a shell line. `prepare` is run once before."""

    name: str
    run: tuple[str, ...]
    runs: int = 10
    warmup: int = 1
    prepare: tuple[str, ...] = ()
    versus: Versus = Versus.NEVER


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
