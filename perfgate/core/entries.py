"""The entries of the `measure:` section: what to run or read, as plain data. Reading them is `formats.budgets`' work, doing
them is `measure`'s."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Run a command several times: `run` is an argument vector, never a shell line."""

    name: str
    run: tuple[str, ...]
    runs: int = 10
    warmup: int = 1


@dataclass(frozen=True, slots=True)
class TestsEntry:
    """Run a test suite once, or read the JUnit reports it left; `{out}` in `run` stands for a report file of perfgate's."""

    name: str
    run: tuple[str, ...] = ()
    junit: tuple[str, ...] = ()
    suite: str = ""


@dataclass(frozen=True, slots=True)
class BenchEntry:
    """Read benchmark results; `run` makes them first."""

    name: str
    run: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipelineEntry:
    """Read one attempt of a pipeline from a jobs file, or ask the code host for a run."""

    name: str
    source: str = ""
    run_id: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class TokensEntry:
    """Read usage records of model calls; `run` makes them first."""

    name: str
    run: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    scenario: str = ""


@dataclass(frozen=True, slots=True)
class CostEntry:
    """Read an infrastructure cost breakdown; `run` makes it first."""

    name: str
    run: tuple[str, ...] = ()
    infracost: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True)
class SizeEntry:
    """Weigh files and folders by glob; `run` makes them first."""

    name: str
    run: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


Entry = CommandEntry | TestsEntry | BenchEntry | PipelineEntry | TokensEntry | CostEntry | SizeEntry
